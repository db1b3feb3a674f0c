"""What z.ai says of an account: its quota and its balance.

Every counter is optional and a missing one is never 0; lanes are told apart by their length,
never by their place in the answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tui.core.errors import ParseError
from tui.core.models import (
    DAY_MINUTES,
    MONTH_MINUTES,
    SESSION_MINUTES,
    WEEK_MINUTES,
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import amount_text, joined, money
from tui.providers._parse import (
    clamp_percent,
    decimal,
    first_text,
    integer,
    items,
    mapping,
    number,
    share,
    text,
    timestamp,
)
from tui.providers.zai.answers import accepted, find_refusal, is_limit_reached
from tui.providers.zai.price import price_row

PLAN_NAMES = ("planName", "plan", "plan_type", "packageName", "level")
CALLS = "calls"
LANE_UNITS = {"TOKENS_LIMIT": "tokens", "CREDIT_LIMIT": "credits", "TIME_LIMIT": CALLS}
UNITS = {1: ("day", DAY_MINUTES), 3: ("hour", 60), 5: ("minute", 1), 6: ("week", WEEK_MINUTES)}
MONTHLY_MARKER = (5, 1)
"""Unit and number of an MCP limit that stand for a month, not for a minute."""
LONGEST_MINUTES = 366 * DAY_MINUTES
LANE_LABELS = {SESSION_MINUTES: "5-hour", WEEK_MINUTES: "Weekly"}
LANE_IDS = {
    SESSION_MINUTES: "session",
    DAY_MINUTES: "daily",
    WEEK_MINUTES: "weekly",
    MONTH_MINUTES: "monthly",
}
MOST_TOOLS = 20
NO_QUOTA = "No coding-plan quota returned."
NO_TEAM_QUOTA = "No coding-plan quota returned; check Organization ID and Project ID."


# -- quota -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One limit object, understood."""

    unit: str
    """What is counted: tokens, credits or (MCP) calls."""
    minutes: int | None
    label: str
    used_percent: float
    used: Decimal | None
    limit: Decimal | None
    left: Decimal | None
    resets_at: datetime | None
    tools: tuple[tuple[str, int], ...] = ()

    @property
    def is_mcp(self) -> bool:
        """Whether this is the allowance of MCP tools, not of coding."""
        return self.unit == CALLS


def parse_quota(
    answer: dict[str, Any], *, key: ProviderKey, now: datetime, team: bool = False
) -> ProviderSnapshot:
    """The quota answer as a snapshot.

    Args:
        team: It was asked for a team, so that an empty answer points at the team's ids.

    Raises:
        FetchError: Refused; ParseError when `data` is missing or no limit could be read.
    """
    refusal = find_refusal(answer)
    if refusal is not None and not _has_limits(answer):
        raise refusal
    data = answer.get("data")
    lanes = _lanes(data)
    shown = _shown(lanes)
    counted = any(lane.used is not None for lane in shown)
    notice = "" if shown else NO_TEAM_QUOTA if team else NO_QUOTA
    return ProviderSnapshot(
        key=key,
        source_id="api",
        fetched_at=now,
        windows=_windows(shown),
        identity=Identity(plan=_plan(mapping(data))),
        details=(*_lane_rows(shown), *_tool_rows(shown), *_price_rows(lanes, now)),
        confidence="percent_only" if shown and not counted else "exact",
        notice=refusal.message if refusal else notice,
    )


def _has_limits(answer: dict[str, Any]) -> bool:
    """Whether a "limit reached" refusal brought the limits along."""
    data = answer.get("data")
    rows = items(data) or items(mapping(data).get("limits"))
    return is_limit_reached(answer) and any(_lane(row) is not None for row in rows)


def _plan(data: dict[str, Any]) -> str:
    plan = first_text(data, *PLAN_NAMES)
    return plan[0].upper() + plan[1:] if plan.islower() else plan


def _lanes(data: Any) -> list[Lane]:
    rows = data if isinstance(data, list) else mapping(data).get("limits")
    if not isinstance(data, (dict, list)):
        raise ParseError("z.ai sent no quota data.")
    if not isinstance(rows, (list, type(None))):
        raise ParseError("Unexpected answer: data.limits should be a list.")
    lanes = [lane for row in rows or () if (lane := _lane(row)) is not None]
    if rows and not lanes:
        raise ParseError("Unexpected answer: data.limits has no limit of a known form.")
    return lanes


def _lane(row: Any) -> Lane | None:
    """A limit object; `None` when its type is unknown or it says nothing about use."""
    row = mapping(row)
    unit = LANE_UNITS.get(text(row.get("type")))
    # `usage` is the allowance here, not the amount used (payloads/zai/quota_one_window.json).
    limit, left = decimal(row.get("usage")), decimal(row.get("remaining"))
    used = _used(limit, left, decimal(row.get("currentValue")))
    percent = share(used, limit)
    if percent is None:
        percent = number(row.get("percentage"))
    if unit is None or percent is None:
        return None
    minutes = _minutes(row, is_mcp=unit == CALLS)
    return Lane(
        unit=unit,
        minutes=minutes,
        label=_label(row, unit, minutes),
        used_percent=clamp_percent(percent),
        used=used,
        limit=limit if limit is not None and limit > 0 else None,
        left=left,
        resets_at=timestamp(row.get("nextResetTime")),
        tools=_tools(row.get("usageDetails")),
    )


def _used(limit: Decimal | None, left: Decimal | None, current: Decimal | None) -> Decimal | None:
    """The larger of both counters within the allowance; `None` without allowance or counter."""
    if limit is None or limit <= 0:
        return None
    by_left = None if left is None else limit - left
    counters = [value for value in (by_left, current) if value is not None]
    return min(max(*counters, Decimal(0)), limit) if counters else None


def _minutes(row: dict[str, Any], *, is_mcp: bool) -> int | None:
    unit, count = integer(row.get("unit")), integer(row.get("number")) or 0
    if is_mcp and (unit, count) == MONTHLY_MARKER:
        return MONTH_MINUTES
    _, factor = UNITS.get(unit or 0, ("", 0))
    return count * factor if 0 < count * factor <= LONGEST_MINUTES else None


def _label(row: dict[str, Any], unit: str, minutes: int | None) -> str:
    if unit == CALLS:
        return "MCP"
    if minutes is None:
        return unit.capitalize()
    word, factor = UNITS[integer(row.get("unit")) or 0]
    count = minutes // factor
    return LANE_LABELS.get(minutes) or f"{count} {word}{'s' if count > 1 else ''}"


def _tools(value: Any) -> tuple[tuple[str, int], ...]:
    rows = [
        (text(row.get("modelCode")), integer(row.get("usage")))
        for row in map(mapping, items(value))
    ]
    return tuple((name, calls) for name, calls in rows if name and calls is not None)[:MOST_TOOLS]


def _shown(lanes: Iterable[Lane]) -> list[Lane]:
    """The shortest and the longest coding lane, then the last MCP lane."""
    lanes = list(lanes)
    coding = sorted(
        (lane for lane in lanes if not lane.is_mcp),
        key=lambda lane: math.inf if lane.minutes is None else lane.minutes,
    )
    ends = [coding[0], coding[-1]] if len(coding) > 1 else coding
    return ends + [lane for lane in lanes if lane.is_mcp][-1:]


def _windows(lanes: list[Lane]) -> tuple[UsageWindow, ...]:
    windows: list[UsageWindow] = []
    for lane in lanes:
        taken = {window.id for window in windows}
        window_id = _window_id(lane)
        windows.append(
            UsageWindow(
                id=f"{window_id}.long" if window_id in taken else window_id,
                label=lane.label,
                used_percent=lane.used_percent,
                used=lane.used,
                limit=lane.limit,
                unit=lane.unit if lane.limit is not None else "",
                window_minutes=lane.minutes,
                resets_at=lane.resets_at,
                headline=not lane.is_mcp or not windows,
                # Thirty days of a coding lane roll on; only MCP's are a month.
                paced=lane.is_mcp or lane.minutes != MONTH_MINUTES,
            )
        )
    return tuple(windows)


def _window_id(lane: Lane) -> str:
    return "mcp" if lane.is_mcp else LANE_IDS.get(lane.minutes or 0, lane.unit)


def _lane_rows(lanes: list[Lane]) -> list[DetailRow]:
    return [DetailRow("Limits", lane.label, _lane_text(lane)) for lane in lanes]


def _lane_text(lane: Lane) -> str:
    """`15% used · 4,201 of 28,000 credits · 23,798 left`, as far as it is known."""
    parts = [f"{lane.used_percent:.1f}".removesuffix(".0") + "% used"]
    if lane.limit is not None:
        used = f"{amount_text(lane.used)} of " if lane.used is not None else "allowance "
        parts.append(f"{used}{amount_text(lane.limit)} {lane.unit}")
    if lane.left is not None:
        parts.append(f"{amount_text(lane.left)} left")
    return joined(parts)


def _tool_rows(lanes: list[Lane]) -> list[DetailRow]:
    return [
        DetailRow("MCP tools", name, f"{calls:,} calls")
        for lane in lanes
        if lane.is_mcp
        for name, calls in lane.tools
    ]


def _price_rows(lanes: list[Lane], now: datetime) -> list[DetailRow]:
    return [price_row(now)] if any(lane.unit == "credits" for lane in lanes) else []


# -- balance ---------------------------------------------------------------------------------------


def parse_balance(answer: dict[str, Any]) -> tuple[Balance | None, tuple[DetailRow, ...]]:
    """The pay-as-you-go balance of a China account in yuan; `None` when it is not reported.

    Raises:
        FetchError: Refused.
    """
    data = accepted(answer)
    available = decimal(data.get("availableBalance"))
    amount = available if available is not None else decimal(data.get("balance"))
    if amount is None:
        return None, ()
    balance = Balance(id="balance", label="Balance", amount=amount, currency="CNY")
    return balance, tuple(_balance_rows(data))


def _balance_rows(data: dict[str, Any]) -> Iterable[DetailRow]:
    recharged, granted, spent = (
        decimal(data.get(name)) for name in ("rechargeAmount", "giveAmount", "totalSpendAmount")
    )
    if recharged is not None:
        yield DetailRow("Balance", "Recharged", money(recharged, "CNY"))
    if granted is not None and granted > 0:
        yield DetailRow("Balance", "Granted", money(granted, "CNY"))
    if spent is not None:
        yield DetailRow("Balance", "Spent", money(spent, "CNY"))
