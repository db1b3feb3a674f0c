"""Warp: limited credits; the edge asks to wait between the second and the fourth minute."""

from __future__ import annotations

from tui.demo.stage import Answer, Moment, Route, Scene, iso


def limits(moment: Moment) -> Answer:
    """Plan credits and an add-on pack, or the edge limiter."""
    if moment.within(2, 4):
        return Answer.json({"error": "Rate exceeded."}, status=429, Retry_After="90")
    used = round(345 + 6 * moment.minutes)
    user = {
        "requestLimitInfo": {
            "isUnlimited": False,
            "requestLimit": 1500,
            "requestsUsedSinceLastRefresh": min(used, 1500),
            "nextRefreshTime": iso(moment.later(days=9, hours=3)),
            "requestLimitRefreshDuration": "MONTHLY",
        },
        "bonusGrants": [
            {
                "requestCreditsGranted": 400,
                "requestCreditsRemaining": 150,
                "expiration": iso(moment.later(days=40)),
                "grantType": "ANY",
                "scope": "USER",
            }
        ],
        "workspaces": [],
    }
    return Answer.json({"data": {"user": {"__typename": "UserOutput", "user": user}}})


SCENE = Scene(
    env={"WARP_API_KEY": "wk-1.demodemodemo"},
    routes=(Route("POST", "https://app.warp.dev/graphql/v2", limits),),
)
