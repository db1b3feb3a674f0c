"""MiniMax: a boosted 5-hour lane, a week, and videos of which today's are nearly gone."""

from __future__ import annotations

from datetime import datetime, timedelta

from tui.demo.stage import Answer, Moment, Route, Scene, epoch_ms

API = "https://api.minimax.io"
RESET_MINUTES = 132


def remains(moment: Moment) -> Answer:
    """A Token Plan: percentages of what is left, and points."""
    session = moment.fill(36, per_minute=1.1, reset_minutes=RESET_MINUTES)
    week = min(52 + 0.2 * moment.minutes, 100)
    video = min(86 + 0.4 * moment.minutes, 100)
    general = {
        "model_name": "general",
        **_times("", moment.resets_at(RESET_MINUTES, 300), timedelta(hours=5)),
        "current_interval_status": 1,
        "current_interval_remaining_percent": round(100 - session),
        "interval_boost_permill": 2000,
        **_times("weekly_", moment.later(days=2, hours=9), timedelta(days=7)),
        "current_weekly_status": 1,
        "current_weekly_remaining_percent": round(100 - week),
    }
    videos = {
        "model_name": "video",
        **_times("", moment.later(hours=11), timedelta(days=1)),
        "current_interval_status": 1,
        "current_interval_remaining_percent": round(100 - video),
    }
    return Answer.json(
        {
            "base_resp": {"status_code": 0, "status_msg": "success"},
            "current_subscribe_title": "TokenPlanMax",
            "points_balance": 14250,
            "model_remains": [general, videos],
        }
    )


def _times(prefix: str, ends_at: datetime, length: timedelta) -> dict[str, int]:
    return {
        f"{prefix}start_time": epoch_ms(ends_at - length),
        f"{prefix}end_time": epoch_ms(ends_at),
    }


SCENE = Scene(
    env={"MINIMAX_CODING_API_KEY": "sk-cp-demo-key-for-the-played-upstream"},
    routes=(Route("GET", f"{API}/v1/token_plan/remains", remains),),
)
