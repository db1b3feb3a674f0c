"""Antigravity: two pools, one busy today and one that had a busy week."""

from __future__ import annotations

import json
from datetime import datetime

from tui.demo.stage import Answer, Moment, Route, Scene, iso

SERVICE = "https://daily-cloudcode-pa.googleapis.com/v1internal"
GEMINI_RESET_MINUTES = 130
CLAUDE_RESET_MINUTES = 55


def account(moment: Moment) -> Answer:
    """A subscription."""
    return Answer.json(
        {
            "cloudaicompanionProject": "quiet-river-4711",
            "currentTier": {"id": "free-tier", "name": "Antigravity"},
            "paidTier": {"id": "g1-pro-tier", "name": "Google AI Pro"},
        }
    )


def summary(moment: Moment) -> Answer:
    """Both pools with their two limits."""
    gemini = moment.fill(22, per_minute=0.9, reset_minutes=GEMINI_RESET_MINUTES)
    claude = moment.fill(57, per_minute=0.6, reset_minutes=CLAUDE_RESET_MINUTES)
    gemini_week = min(34 + 0.08 * moment.minutes, 100)
    claude_week = min(71 + 0.05 * moment.minutes, 100)
    return Answer.json(
        {
            "groups": [
                {
                    "displayName": "Gemini Models",
                    "buckets": [
                        _bucket("gemini-weekly", gemini_week, moment.later(days=3, hours=20)),
                        _bucket("gemini-5h", gemini, moment.resets_at(GEMINI_RESET_MINUTES, 300)),
                    ],
                },
                {
                    "displayName": "Claude and GPT models",
                    "buckets": [
                        _bucket("3p-weekly", claude_week, moment.later(days=2, hours=4)),
                        _bucket("3p-5h", claude, moment.resets_at(CLAUDE_RESET_MINUTES, 300)),
                    ],
                },
            ]
        }
    )


def _bucket(bucket_id: str, used_percent: float, resets_at: datetime) -> dict[str, object]:
    return {
        "bucketId": bucket_id,
        "remaining": {"remainingFraction": round(1 - used_percent / 100, 4)},
        "resetTime": iso(resets_at),
    }


SCENE = Scene(
    settings={"source": "oauth"},
    secrets={
        "oauth_credentials": json.dumps(
            {"access_token": "ya29.demo-token-of-the-played-upstream", "email": "mira@example.org"}
        )
    },
    routes=(
        Route("POST", f"{SERVICE}:loadCodeAssist", account),
        Route("POST", f"{SERVICE}:retrieveUserQuotaSummary", summary),
    ),
)
