"""Cursor: half a cycle is gone, named models are used most, a little is spent on demand."""

from __future__ import annotations

from tui.demo.stage import Answer, Moment, Route, Scene, iso

SITE = "https://cursor.com/api"


def summary(moment: Moment) -> Answer:
    """Three lanes that grow slowly, and money in cents."""
    auto = min(27 + 0.2 * moment.minutes, 100)
    named = min(58 + 0.9 * moment.minutes, 100)
    total = (auto + named) / 2
    return Answer.json(
        {
            "billingCycleStart": iso(moment.later(days=-17)),
            "billingCycleEnd": iso(moment.later(days=14)),
            "membershipType": "pro_plus",
            "limitType": "user",
            "isUnlimited": False,
            "individualUsage": {
                "plan": {
                    "enabled": True,
                    "used": round(70 * total),
                    "limit": 7000,
                    "autoPercentUsed": round(auto, 2),
                    "apiPercentUsed": round(named, 2),
                    "totalPercentUsed": round(total, 2),
                },
                "onDemand": {
                    "enabled": True,
                    "used": 840 + round(4 * moment.minutes),
                    "limit": 5000,
                },
            },
            "teamUsage": {},
        }
    )


def profile(moment: Moment) -> Answer:
    """Whose account it is."""
    return Answer.json({"email": "mira@example.com", "name": "Mira", "sub": "auth0|user_demo"})


def bot(moment: Moment) -> Answer:
    """The bot's week."""
    return Answer.json(
        {
            "currentPeriodStart": iso(moment.later(days=-3)),
            "nextResetTimestampUtc": iso(moment.later(days=4)),
            "usagePercent": 14,
            "hasNonZeroIncludedLimit": True,
        }
    )


def requests(moment: Moment) -> Answer:
    """The plan counts no requests."""
    return Answer.json({"gpt-4": {"numRequests": 0, "maxRequestUsage": None}})


SCENE = Scene(
    secrets={"cookie_header": "WorkosCursorSessionToken=user_demo%3A%3Ademo-session"},
    routes=(
        Route("GET", f"{SITE}/usage-summary", summary),
        Route("GET", f"{SITE}/auth/me", profile),
        Route("POST", f"{SITE}/dashboard/get-sand-usage-status", bot),
        Route("GET", f"{SITE}/usage", requests),
    ),
)
