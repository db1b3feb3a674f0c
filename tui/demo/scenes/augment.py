"""Augment: a pasted login of the website, credits that go slowly, a session that lives on."""

from __future__ import annotations

from tui.demo.stage import Answer, Moment, Route, Scene, iso

APP = "https://app.augmentcode.com"
LIMIT = 300_000


def credits_left(moment: Moment) -> Answer:
    """Somebody is working."""
    used = min(round(171_400 + 420 * moment.minutes), LIMIT)
    return Answer.json(
        {
            "usageUnitsRemaining": LIMIT - used,
            "usageUnitsConsumedThisBillingCycle": used,
            "usageUnitsAvailable": LIMIT,
            "usageBalanceStatus": "active",
        }
    )


def subscription(moment: Moment) -> Answer:
    """A plan and whose it is."""
    return Answer.json(
        {
            "planName": "Indie",
            "billingPeriodEnd": iso(moment.later(days=13)),
            "email": "mira@example.com",
            "organization": "Northwind",
        }
    )


def session(moment: Moment) -> Answer:
    """The session is known."""
    return Answer.json({"user": {"email": "mira@example.com"}})


SCENE = Scene(
    settings={"source": "web"},
    secrets={"cookie_header": "session=demo-session-of-the-played-upstream"},
    routes=(
        Route("GET", f"{APP}/api/credits", credits_left),
        Route("GET", f"{APP}/api/subscription", subscription),
        Route("GET", f"{APP}/api/auth/session", session),
    ),
)
