"""Claude: a busy session, a week ahead of its pace, and a model with a week of its own."""

from __future__ import annotations

import json

from tui.demo.stage import Answer, Moment, Route, Scene, epoch_ms, iso

API = "https://api.anthropic.com/api/oauth"
RESET_MINUTES = 141
WEEK_RESET_MINUTES = 3.2 * 1440


def login_file(moment: Moment) -> str:
    """The login as Claude Code keeps it."""
    login = {
        "accessToken": "sk-ant-oat01-demo-token-for-the-played-upstream",
        "refreshToken": "",
        "expiresAt": epoch_ms(moment.later(days=2)),
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
        "rateLimitTier": "default_claude_max_5x",
    }
    return json.dumps({"claudeAiOauth": login})


def usage(moment: Moment) -> Answer:
    """The session grows fast, the rest slowly."""
    session = moment.fill(46, per_minute=1.1, reset_minutes=RESET_MINUTES)
    week = min(71 + 0.15 * moment.minutes, 100)
    week_ends_at = iso(moment.resets_at(WEEK_RESET_MINUTES, 10080))
    return Answer.json(
        {
            "five_hour": {
                "utilization": round(session, 1),
                "resets_at": iso(moment.resets_at(RESET_MINUTES, 300)),
            },
            "seven_day": {"utilization": round(week, 1), "resets_at": week_ends_at},
            "seven_day_opus": None,
            "seven_day_sonnet": {"utilization": 18, "resets_at": week_ends_at},
            "limits": [
                {
                    "kind": "weekly_scoped",
                    "group": "weekly",
                    "percent": 39,
                    "resets_at": week_ends_at,
                    "scope": {"model": {"id": None, "display_name": "Haiku"}},
                    "is_active": False,
                }
            ],
            "extra_usage": {
                "is_enabled": True,
                "monthly_limit": 5000,
                "used_credits": 1234,
                "currency": "USD",
            },
        }
    )


def profile(moment: Moment) -> Answer:
    """Whose account it is."""
    return Answer.json({"account": {"email": "mira@example.com"}, "organization": {}})


SCENE = Scene(
    routes=(
        Route("GET", f"{API}/usage", usage),
        Route("GET", f"{API}/profile", profile),
    ),
    files={".claude/.credentials.json": login_file},
    programs={"claude": "#!/bin/sh\necho '2.3.14 (Claude Code)'\n"},
)
