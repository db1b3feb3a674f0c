"""Gemini: a busy Pro family, Flash for everything small, and a new day every morning."""

from __future__ import annotations

import json

from tui.demo.stage import Answer, Moment, Route, Scene, epoch_ms, iso

API = "https://cloudcode-pa.googleapis.com/v1internal"
DAY_MINUTES = 1440
MODELS = (
    ("gemini-3-pro-preview", 57, 0.8, 410),
    ("gemini-2.5-pro", 41, 0.2, 410),
    ("gemini-2.5-flash", 18, 0.3, 640),
    ("gemini-2.5-flash-lite", 6, 0.1, 640),
)
"""Name, percent at the start, growth per minute, minutes to the reset."""


def login(moment: Moment) -> str:
    """What the Gemini CLI keeps."""
    return json.dumps(
        {
            "access_token": "demo-token-for-the-played-upstream",
            "expiry_date": epoch_ms(moment.later(days=1)),
        }
    )


def assist(moment: Moment) -> Answer:
    """Plan and project."""
    return Answer.json(
        {
            "currentTier": {"id": "standard-tier"},
            "paidTier": {"name": "Google AI Pro"},
            "cloudaicompanionProject": "gen-lang-client-demo",
        }
    )


def quota(moment: Moment) -> Answer:
    """The share that is left of every model."""
    return Answer.json({"buckets": [_bucket(moment, *model) for model in MODELS]})


def _bucket(
    moment: Moment, name: str, start: float, per_minute: float, reset_minutes: float
) -> dict[str, object]:
    used = moment.fill(start, per_minute=per_minute, reset_minutes=reset_minutes)
    return {
        "modelId": name,
        "tokenType": "REQUESTS",
        "remainingFraction": round(1 - used / 100, 4),
        "resetTime": iso(moment.resets_at(reset_minutes, DAY_MINUTES)),
    }


SCENE = Scene(
    files={".gemini/oauth_creds.json": login},
    routes=(
        Route("POST", f"{API}:loadCodeAssist", assist),
        Route("POST", f"{API}:retrieveUserQuota", quota),
    ),
)
