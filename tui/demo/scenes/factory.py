"""Droid: a team plan with rolling pools, and a core pool that is hardly touched."""

from __future__ import annotations

from datetime import datetime

from tui.demo.stage import Answer, Moment, Route, Scene, iso

API = "https://api.factory.ai/api"
SESSION_RESET_MINUTES = 74.0


def limits(moment: Moment) -> Answer:
    """A busy session, a week close to its end, a calm month."""
    session = moment.fill(18, per_minute=1.3, reset_minutes=SESSION_RESET_MINUTES)
    session_ends_at = moment.resets_at(SESSION_RESET_MINUTES, 300)
    week = min(81 + 0.3 * moment.minutes, 100)
    month = min(63 + 0.1 * moment.minutes, 100)
    week_ends_at, month_ends_at = moment.later(days=1, hours=7), moment.later(days=17)
    return Answer.json(
        {
            "usesTokenRateLimitsBilling": True,
            "limits": {
                "standard": {
                    "fiveHour": _window(moment, session, session_ends_at),
                    "weekly": _window(moment, week, week_ends_at),
                    "monthly": _window(moment, month, month_ends_at),
                },
                "core": {
                    "fiveHour": _window(moment, 2, session_ends_at),
                    "weekly": _window(moment, 9, week_ends_at),
                    "monthly": _window(moment, 4, month_ends_at),
                },
            },
            "extraUsageBalanceCents": 1840,
            "extraUsageAllowed": True,
            "overagePreference": "droidCore",
        }
    )


def _window(moment: Moment, percent: float, ends_at: datetime) -> dict[str, object]:
    return {
        "usedPercent": round(percent, 1),
        "windowEnd": iso(ends_at),
        "secondsRemaining": int((ends_at - moment.now).total_seconds()),
    }


def profile(moment: Moment) -> Answer:
    """Somebody in a team."""
    return Answer.json(
        {
            "organization": {
                "name": "Northwind",
                "subscription": {
                    "factoryTier": "team",
                    "orbSubscription": {"status": "active", "plan": {"name": "Team"}},
                },
            },
            "userProfile": {"id": "user_51", "email": "mira@example.com"},
        }
    )


SCENE = Scene(
    env={"FACTORY_API_KEY": "fk-demo-key-for-the-played-upstream"},
    routes=(
        Route("GET", f"{API}/app/auth/me", profile),
        Route("GET", f"{API}/billing/limits", limits),
    ),
)
