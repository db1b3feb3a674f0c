"""z.ai: a credit plan whose short window resets within two minutes."""

from __future__ import annotations

from tui.demo.stage import Answer, Moment, Route, Scene, epoch_ms

API = "https://api.z.ai/api/monitor/usage"
RESET_MINUTES = 1.7


def quota(moment: Moment) -> Answer:
    """A session window about to reset, and a calm week."""
    session = moment.fill(58, per_minute=4, reset_minutes=RESET_MINUTES)
    week = min(24 + 0.2 * moment.minutes, 100)
    return Answer.json(
        {
            "code": 200,
            "msg": "Operation successful",
            "success": True,
            "data": {
                "level": "pro",
                "limits": [
                    _limit(3, 5, 12000, session, epoch_ms(moment.resets_at(RESET_MINUTES, 300))),
                    _limit(6, 1, 60000, week, epoch_ms(moment.later(days=4, hours=6, minutes=25))),
                    {
                        "type": "TIME_LIMIT",
                        "unit": 5,
                        "number": 1,
                        "usage": 1000,
                        "currentValue": 43,
                        "remaining": 957,
                        "percentage": 4,
                        "nextResetTime": epoch_ms(moment.later(days=12, hours=3, minutes=40)),
                        "usageDetails": [{"modelCode": "web-reader", "usage": 43}],
                    },
                ],
            },
        }
    )


def _limit(
    unit: int, number: int, allowance: int, percent: float, resets: int
) -> dict[str, object]:
    used = round(allowance * percent / 100)
    return {
        "type": "CREDIT_LIMIT",
        "unit": unit,
        "number": number,
        "usage": allowance,
        "currentValue": used,
        "remaining": allowance - used,
        "percentage": int(percent),
        "nextResetTime": resets,
    }


def model_usage(moment: Moment) -> Answer:
    """Tokens of the last hours."""
    hours = [f"{moment.now:%Y-%m-%d} {hour:02}:00" for hour in range(moment.now.hour + 1)]
    tokens = [1000 * (3 + hour * 7 % 11) for hour in range(len(hours))]
    series = [{"modelName": "glm-5.3", "tokensUsage": tokens}]
    data = {"x_time": hours, "modelDataList": series}
    return Answer.json({"code": 200, "success": True, "data": data})


SCENE = Scene(
    env={"Z_AI_API_KEY": "demo-key.for-the-played-upstream"},
    routes=(
        Route("GET", f"{API}/quota/limit", quota),
        Route("GET", f"{API}/model-usage", model_usage),
    ),
)
