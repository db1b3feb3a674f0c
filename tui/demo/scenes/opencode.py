"""OpenCode: a subscription with a prepaid balance beside it."""

from __future__ import annotations

from tui.demo.stage import Answer, Moment, Route, Scene

SESSION_RESET_MINUTES = 131.0
WEEK_MINUTES = 10080


def server_function(moment: Moment) -> Answer:
    """Both functions that are asked have one address; each finds its part."""
    session = moment.fill(34, per_minute=0.9, reset_minutes=SESSION_RESET_MINUTES)
    week = min(47 + 0.2 * moment.minutes, 100)
    session_ends_at = moment.resets_at(SESSION_RESET_MINUTES, 300)
    week_ends_at = moment.resets_at(3.4 * 1440, WEEK_MINUTES)
    return Answer.json(
        {
            "plan": "100",
            "useBalance": False,
            "rollingUsage": {
                "status": "ok",
                "usagePercent": int(session),
                "resetInSec": int((session_ends_at - moment.now).total_seconds()),
            },
            "weeklyUsage": {
                "status": "ok",
                "usagePercent": int(week),
                "resetInSec": int((week_ends_at - moment.now).total_seconds()),
            },
            "customerID": "cus_Qx71",
            "balance": 840_000_000,
            "subscription": {"plan": "100"},
        }
    )


SCENE = Scene(
    settings={"workspace_id": "wrk_01KB2M4T7Q9ZC8X5V3N6P0RSTU"},
    secrets={"cookie_header": "auth=Fe26.2**demo-session-of-the-played-upstream"},
    routes=(Route("GET", "https://opencode.ai/_server", server_function),),
)
