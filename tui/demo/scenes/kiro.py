"""Kiro: a power plan close to its end, a welcome bonus, and overage that begins.

Played with the login of the IDE, because a program would have to run on every system.
"""

from __future__ import annotations

import json

from tui.demo.stage import Answer, Moment, Route, Scene, iso

LIMIT, CAP, RATE = 10_000, 10_000, 0.04


def login(moment: Moment) -> str:
    """What the IDE keeps."""
    return json.dumps(
        {
            "accessToken": "demo-token-for-the-played-upstream",
            "expiresAt": iso(moment.later(days=1)),
            "profileArn": "arn:aws:codewhisperer:us-east-1:111122223333:profile/DEMO",
            "authMethod": "social",
        }
    )


def limits(moment: Moment) -> Answer:
    """The plan runs out after some minutes, then overage grows."""
    total = round(9_620 + 61.5 * moment.minutes, 2)
    overage = max(round(total - LIMIT, 2), 0)
    ends = moment.later(days=8, hours=5).timestamp()
    credits = {
        "resourceType": "CREDIT",
        "currentUsageWithPrecision": min(total, LIMIT + CAP),
        "usageLimitWithPrecision": LIMIT,
        "currentOveragesWithPrecision": min(overage, CAP),
        "overageCapWithPrecision": CAP,
        "overageRate": RATE,
        "overageCharges": round(min(overage, CAP) * RATE, 2),
        "currency": "USD",
        "nextDateReset": ends,
        "bonuses": [
            {
                "displayName": "Welcome bonus",
                "currentUsage": 45.53,
                "usageLimit": 500,
                "status": "ACTIVE",
                "expiresAt": moment.later(days=19).timestamp(),
            }
        ],
    }
    return Answer.json(
        {
            "subscriptionInfo": {"subscriptionTitle": "KIRO POWER"},
            "overageConfiguration": {"overageStatus": "ENABLED"},
            "userInfo": {"email": "mira@example.com"},
            "usageBreakdownList": [credits],
        }
    )


SCENE = Scene(
    settings={"cli_path": "~/.kiro/bin/kiro-cli"},
    files={".aws/sso/cache/kiro-auth-token.json": login},
    routes=(Route("POST", "https://codewhisperer.us-east-1.amazonaws.com/", limits),),
)
