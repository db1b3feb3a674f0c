"""Codex: a plan with a session, a week, a model of its own and some credits."""

from __future__ import annotations

import json

from tui.demo.stage import Answer, Moment, Route, Scene, iso

API = "https://chatgpt.com/backend-api/wham"
RESET_MINUTES = 203
WEEK_RESET_MINUTES = 1.6 * 1440


def login_file(moment: Moment) -> str:
    """The login as the program keeps it."""
    tokens = {
        "access_token": "demo-token-for-the-played-upstream",
        "refresh_token": "",
        "account_id": "acct-demo",
    }
    refreshed_at = iso(moment.now.replace(microsecond=0))
    return json.dumps({"tokens": tokens, "last_refresh": refreshed_at})


def usage(moment: Moment) -> Answer:
    """The session grows, the week is in reserve."""
    session = moment.fill(8, per_minute=0.8, reset_minutes=RESET_MINUTES)
    week = min(57 + 0.1 * moment.minutes, 100)
    return Answer.json(
        {
            "email": "mira@example.com",
            "plan_type": "plus",
            "rate_limit": {
                "primary_window": _window(moment, session, 300, RESET_MINUTES),
                "secondary_window": _window(moment, week, 10080, WEEK_RESET_MINUTES),
            },
            "additional_rate_limits": [
                {
                    "limit_name": "GPT-5.3-Codex-Spark",
                    "metered_feature": "codex_spark",
                    "rate_limit": {"primary_window": _window(moment, 19, 300, RESET_MINUTES)},
                }
            ],
            "credits": {"has_credits": True, "unlimited": False, "balance": "41.5"},
        }
    )


def _window(
    moment: Moment, percent: float, minutes: int, reset_minutes: float
) -> dict[str, object]:
    resets_at = moment.resets_at(reset_minutes, minutes)
    return {
        "used_percent": round(percent, 1),
        "limit_window_seconds": minutes * 60,
        "reset_at": int(resets_at.timestamp()),
    }


def resets(moment: Moment) -> Answer:
    """One saved reset of a limit."""
    credit = {"id": "1", "status": "available", "expires_at": iso(moment.later(days=21))}
    return Answer.json({"credits": [credit], "available_count": 1})


SCENE = Scene(
    routes=(
        Route("GET", f"{API}/usage", usage),
        Route("GET", f"{API}/rate-limit-reset-credits", resets),
    ),
    files={".codex/auth.json": login_file},
)
