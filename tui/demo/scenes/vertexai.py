"""Vertex AI: a quota that fills up, four that hardly move, and a busy minute now and then."""

from __future__ import annotations

import json
import math
from typing import Any

from tui.demo.stage import Answer, Moment, Route, Scene, iso

PROJECT = "northwind-ml"
QUOTA = "serviceruntime.googleapis.com/quota"
SERVICE = "aiplatform.googleapis.com"
ALLOCATED = (
    ("endpoints", "EndpointsPerProjectPerRegion", "us-central1", 31, 50),
    ("custom_model_training_jobs", "TrainingJobsPerProjectPerRegion", "europe-west4", 24, 75),
    ("tensorboards", "TensorboardsPerProjectPerRegion", "us-central1", 6, 30),
    ("reasoning_engine_service_entities", "EntitiesPerProjectPerRegion", "us-west1", 9, 100),
    ("pipeline_jobs", "PipelineJobsPerProjectPerRegion", "europe-west4", 12, 300),
)
REQUESTS = "online_prediction_requests_per_base_model"
PER_MINUTE = "OnlinePredictionRequestsPerMinutePerProjectPerRegionPerBaseModel"
MODEL = {"base_model": "anthropic-claude-opus"}


def credentials(moment: Moment) -> str:
    """What the login of gcloud leaves behind."""
    return json.dumps(
        {
            "type": "authorized_user",
            "account": "mira@example.com",
            "client_id": "demo.apps.googleusercontent.com",
            "client_secret": "demo-client-secret-for-the-played-upstream",
            "refresh_token": "demo-refresh-token-for-the-played-upstream",
            "quota_project_id": PROJECT,
        }
    )


def token(moment: Moment) -> Answer:
    """A token for an hour."""
    return Answer.json({"access_token": "demo-token-for-the-played-upstream", "expires_in": 3599})


def time_series(moment: Moment) -> Answer:
    """All kinds of series at once; each reader picks its own."""
    rows = []
    for place, (metric, limit_name, location, used, limit) in enumerate(ALLOCATED):
        grown = min(used + int(moment.minutes / 2), limit) if place == 0 else used
        rows.append(_series(moment, "allocation/usage", metric, limit_name, location, grown))
        rows.append(_series(moment, "limit", metric, limit_name, location, limit))
    requests = int(190 + 150 * math.sin(moment.minutes / 3))
    rows.append(
        _series(moment, "rate/net_usage", REQUESTS, "", "us-east5", requests, **MODEL),
    )
    rows.append(_series(moment, "limit", REQUESTS, PER_MINUTE, "us-east5", 600, **MODEL))
    return Answer.json({"timeSeries": rows, "unit": "1"})


def _series(
    moment: Moment,
    kind: str,
    metric: str,
    limit_name: str,
    location: str,
    value: int,
    **labels: str,
) -> dict[str, Any]:
    named = {"limit_name": limit_name} if limit_name else {}
    return {
        "metric": {
            "type": f"{QUOTA}/{kind}",
            "labels": {"quota_metric": f"{SERVICE}/{metric}", **named, **labels},
        },
        "resource": {
            "type": "consumer_quota",
            "labels": {"project_id": PROJECT, "service": SERVICE, "location": location},
        },
        "points": [{"interval": {"endTime": iso(moment.now)}, "value": {"int64Value": str(value)}}],
    }


SCENE = Scene(
    settings={"project": PROJECT},
    files={".config/gcloud/application_default_credentials.json": credentials},
    routes=(
        Route("POST", "https://oauth2.googleapis.com/token", token),
        Route(
            "GET",
            f"https://monitoring.googleapis.com/v3/projects/{PROJECT}/timeSeries",
            time_series,
        ),
    ),
)
