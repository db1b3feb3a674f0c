"""Kilo: a Pro pass in its fourth month, and credits that run low."""

from __future__ import annotations

from tui.demo.stage import Answer, Moment, Route, Scene, iso

APP, API = "https://app.kilo.ai/api", "https://api.kilo.ai/api"
CALLS = "user.getCreditBlocks,kiloPass.getState,user.getAutoTopUpPaymentMethod"


def usage(moment: Moment) -> Answer:
    """Pass, credits and auto top-up in one batch."""
    used = min(31.2 + 0.15 * moment.minutes, 58.8)
    left = max(6.4 - 0.05 * moment.minutes, 0.4)
    credits_left = {
        "creditBlocks": [
            _block(20, left, None),
            _block(5, 5, iso(moment.later(days=23))),
        ],
        "totalBalance_mUsd": round((left + 5) * 1e6),
        "autoTopUpEnabled": True,
    }
    subscription = {
        "tier": "tier_49",
        "cadence": "monthly",
        "status": "active",
        "cancelAtPeriodEnd": False,
        "currentStreakMonths": 4,
        "nextBonusCreditsUsd": 9.8,
        "nextBillingAt": iso(moment.later(days=12)),
        "refillAt": iso(moment.later(days=12)),
        "currentPeriodBaseCreditsUsd": 49,
        "currentPeriodBonusCreditsUsd": 9.8,
        "currentPeriodUsageUsd": round(used, 2),
    }
    top_up = {"enabled": True, "amountCents": 2000, "paymentMethod": {"brand": "visa"}}
    payloads = (credits_left, {"subscription": subscription}, top_up)
    return Answer.json([{"result": {"data": payload}} for payload in payloads])


def _block(dollars: float, left: float, expires: str | None) -> dict[str, object]:
    return {
        "amount_mUsd": round(dollars * 1e6),
        "balance_mUsd": round(left * 1e6),
        "expiry_date": expires,
    }


def profile(moment: Moment) -> Answer:
    """Somebody without an organisation."""
    return Answer.json({"user": {"id": "demo", "email": "mira@example.com", "name": "Mira"}})


def history(moment: Moment) -> Answer:
    """Three weeks of spending on two models."""
    rows = [
        {
            "date": f"{moment.later(days=-days):%Y-%m-%d}",
            "model": model,
            "total_cost": (days * 7 % 5 + 1) * dollars * 100_000,
            "request_count": days * 3 % 11 + 1,
            "total_input_tokens": 9000 * dollars,
            "total_output_tokens": 1500 * dollars,
        }
        for days in range(21)
        for model, dollars in (("claude-sonnet-5", 4), ("kimi-k3", 1))
    ]
    return Answer.json({"usage": rows})


SCENE = Scene(
    env={"KILO_API_KEY": "demo-key-for-the-played-upstream"},
    routes=(
        Route("GET", f"{APP}/trpc/{CALLS}", usage),
        Route("GET", f"{API}/profile", profile),
        Route("GET", f"{APP}/profile/usage", history),
    ),
)
