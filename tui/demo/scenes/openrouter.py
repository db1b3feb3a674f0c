"""OpenRouter: prepaid credits that run down; its servers fail for two minutes."""

from __future__ import annotations

from tui.demo.stage import Answer, Moment, Route, Scene

API = "https://openrouter.ai/api/v1"
DOWN = Answer.json({"error": {"code": 503, "message": "maintenance"}}, status=503)


def credits_left(moment: Moment) -> Answer:
    """Fifty dollars bought, some spent."""
    if moment.within(1, 3):
        return DOWN
    return Answer.json({"data": {"total_credits": 50, "total_usage": _spent(moment)}})


def key(moment: Moment) -> Answer:
    """A key with a monthly cap."""
    if moment.within(1, 3):
        return DOWN
    spent = _spent(moment)
    return Answer.json(
        {
            "data": {
                "label": "sk-or-v1-abc…xyz",
                "limit": 20,
                "limit_remaining": 20 - spent,
                "limit_reset": "monthly",
                "usage": spent,
                "usage_daily": 0.75,
                "usage_weekly": 3.5,
                "usage_monthly": spent,
                "is_free_tier": False,
            }
        }
    )


def _spent(moment: Moment) -> float:
    return round(min(8.8 + 0.05 * moment.minutes, 20.0), 4)


SCENE = Scene(
    env={"OPENROUTER_API_KEY": "sk-or-v1-demo-key-for-the-played-upstream"},
    routes=(
        Route("GET", f"{API}/credits", credits_left),
        Route("GET", f"{API}/key", key),
    ),
)
