"""Kimi: a lively 5-hour window, a calm week, and the monthly pool of the membership."""

from __future__ import annotations

from tui.demo.stage import Answer, Moment, Route, Scene, iso

API = "https://api.kimi.com/coding/v1"
RESET_MINUTES = 95


def usages(moment: Moment) -> Answer:
    """Counts of the week and pools beside them."""
    session = moment.fill(31, per_minute=1.5, reset_minutes=RESET_MINUTES)
    week = min(44 + 0.2 * moment.minutes, 100)
    month = min(38 + 0.1 * moment.minutes, 100)
    return Answer.json(
        {
            "usage": _quota(100, week, iso(moment.later(days=3, hours=7))),
            "usages": {
                "limit_5h": _pool(session, iso(moment.resets_at(RESET_MINUTES, 300))),
                "limit_month_total": _pool(month, iso(moment.later(days=17))),
            },
            "parallel": {"limit": "30"},
        }
    )


def _quota(limit: int, percent: float, reset: str) -> dict[str, str]:
    used = round(limit * percent / 100)
    return {
        "limit": str(limit),
        "used": str(used),
        "remaining": str(limit - used),
        "resetTime": reset,
    }


def _pool(percent: float, reset: str) -> dict[str, object]:
    return {"used_ratio": round(percent / 100, 4), "reset_time": reset}


def profile(moment: Moment) -> Answer:
    """A plan with a name of its own."""
    return Answer.json({"user_id": "demo", "user_level_name": "Allegretto", "nickname": "Mira"})


SCENE = Scene(
    env={"KIMI_CODE_API_KEY": "sk-kimi-demo-key-for-the-played-upstream"},
    routes=(
        Route("GET", f"{API}/usages", usages),
        Route("GET", f"{API}/me", profile),
    ),
)
