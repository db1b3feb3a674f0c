"""Copilot: premium requests that run down, chats without end, and a month that is half over."""

from __future__ import annotations

from tui.demo.stage import Answer, Moment, Route, Scene

ENTITLEMENT = 1500


def seat(moment: Moment) -> Answer:
    """The quotas of a paid seat."""
    used = min(684 + 4 * moment.minutes, ENTITLEMENT)
    left = round(ENTITLEMENT - used)
    premium = {
        "entitlement": ENTITLEMENT,
        "remaining": left,
        "percent_remaining": round(100 * left / ENTITLEMENT, 2),
        "unlimited": False,
        "credits_used": ENTITLEMENT - left,
    }
    return Answer.json(
        {
            "login": "mira",
            "copilot_plan": "individual_pro",
            "quota_reset_date": moment.later(days=13, hours=4).date().isoformat(),
            "quota_snapshots": {"premium_interactions": premium, "chat": {"unlimited": True}},
        }
    )


SCENE = Scene(
    env={"COPILOT_API_TOKEN": "gho_demotokenfortheplayedupstream"},
    routes=(Route("GET", "https://api.github.com/copilot_internal/user", seat),),
)
