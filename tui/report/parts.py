"""The pieces of a JSON row: numbers, moments, windows, balances, costs, attempts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tui.core.errors import DEFAULT_HINTS, SWITCH_ON_HINT, ErrorKind
from tui.core.models import (
    Attempt,
    Balance,
    CostPeriod,
    CostSummary,
    DetailRow,
    UsageWindow,
)

Row = dict[str, Any]
HEADLESS_HINTS = {
    DEFAULT_HINTS[ErrorKind.MISSING_CREDENTIALS]: "Run `quotadeck doctor {id}`.",
    SWITCH_ON_HINT: "Run `quotadeck config set {id}.enabled true`.",
}
"""Without a screen there is no key to press."""
SLOTS = ("primary", "secondary", "tertiary")


def number(value: Decimal | float | None, places: int = 6) -> int | float | None:
    """A JSON number, whole where it is whole; `None` for what is none."""
    if value is None or not math.isfinite(value):
        return None
    if value == int(value):
        return int(value)
    return round(float(value), places)


def date(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC without fraction: `2026-09-14T15:20:00Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def headless_hint(hint: str, provider_id: str) -> str:
    """The next step for somebody at a command line."""
    return HEADLESS_HINTS.get(hint, hint).replace("{id}", provider_id)


def known(fields: Mapping[str, Any]) -> Row:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def slotted(windows: Sequence[UsageWindow]) -> tuple[UsageWindow, ...]:
    """The windows in the slots, at most three.

    Those of the main number come first, shorter ones before longer ones; a window without a length
    or of a lane of its own (`claude.weekly`) keeps its place. Unknown and unlimited windows have no
    slot: a slot is a percentage.
    """
    measured = [w for w in windows if w.used_percent is not None and not w.unlimited]
    main = [window for window in measured if window.headline]
    by_length = iter(sorted(filter(_has_place_by_length, main), key=_minutes))
    ordered = [next(by_length) if _has_place_by_length(window) else window for window in main]
    others = [window for window in measured if not window.headline]
    return tuple((ordered + others)[: len(SLOTS)])


def _has_place_by_length(window: UsageWindow) -> bool:
    return bool(window.window_minutes) and "." not in window.id


def _minutes(window: UsageWindow) -> int:
    return window.window_minutes or 0


def slot_of(window: UsageWindow, slots: Sequence[UsageWindow]) -> str | None:
    """The name of a window's slot."""
    return next((name for name, held in zip(SLOTS, slots, strict=False) if held is window), None)


def rate_window(window: UsageWindow) -> Row:
    """A window as existing scripts know it."""
    measured = {"usedPercent": None if window.unlimited else number(window.used_percent)}
    return measured | known(
        {
            "windowMinutes": window.window_minutes,
            "resetsAt": date(window.resets_at),
            "resetDescription": window.resets_text,
        }
    )


def extra_window(window: UsageWindow) -> Row:
    """A window outside the slots; one without a percentage says so."""
    inner = rate_window(window)
    row: Row = {"id": window.id, "title": window.label, "window": inner}
    return row if inner["usedPercent"] is not None else row | {"usageKnown": False}


def flat_window(window: UsageWindow, slot: str | None) -> Row:
    """A window with everything that is known of it."""
    return {
        "id": window.id,
        "title": window.label,
        "usedPercent": number(window.used_percent),
        "used": number(window.used),
        "limit": number(window.limit),
        "unit": window.unit or None,
        "unlimited": window.unlimited,
        "windowMinutes": window.window_minutes,
        "resetsAt": date(window.resets_at),
        "resetDescription": window.resets_text or None,
        "slot": slot,
    }


def balance_row(balance: Balance) -> Row:
    """Money or credits."""
    return {
        "id": balance.id,
        "label": balance.label,
        "amount": number(balance.amount),
        "currency": balance.currency,
        "used": number(balance.used),
        "limit": number(balance.limit),
        "resetsAt": date(balance.resets_at),
        "expiresAt": date(balance.expires_at),
    }


def detail_row(row: DetailRow) -> Row:
    """A free row."""
    return {"group": row.group, "label": row.label, "value": row.value}


def attempt_row(attempt: Attempt) -> Row:
    """One source that was tried or skipped, by the same word whether it answered or failed."""
    error = attempt.error
    return {
        "source": (error.source_id if error else "") or attempt.source_id,
        "outcome": attempt.outcome,
        "errorKind": error.kind.value if error else None,
        "elapsedMs": round(attempt.elapsed_s * 1000),
    }


def cost_row(cost: CostSummary | None) -> Row | None:
    """Estimated spend from the logs of this machine."""
    if cost is None:
        return None
    spans = {
        "today": cost.today,
        "last7Days": cost.last_7_days,
        "last30Days": cost.last_30_days,
    }
    tokens = cost.last_30_days.tokens
    return {
        **{f"{name}USD": number(period.usd) for name, period in spans.items()},
        **{f"{name}Tokens": period.tokens.total for name, period in spans.items()},
        "tokens": {
            "input": tokens.input,
            "cacheRead": tokens.cache_read,
            "cacheWrite": tokens.cache_write,
            "output": tokens.output,
        },
        "models": [_cost_line("model", period) for period in cost.models],
        "days": [_cost_line("date", period) for period in cost.days],
        "partial": any(period.partial for period in spans.values()),
        "unknownModels": list(cost.unknown_models),
        "estimated": True,
    }


def _cost_line(name: str, period: CostPeriod) -> Row:
    return {name: period.label, "usd": number(period.usd), "tokens": period.tokens.total}
