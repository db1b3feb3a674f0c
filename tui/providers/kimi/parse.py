"""What Kimi says of a coding plan: in counts, in ratio pools, or in both.

For each window one of the two speaks. A weekly window never stands in for the 5-hour one, nor the
other way round: new plans have no weekly limit at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tui.core.errors import ParseError
from tui.core.models import (
    DAY_MINUTES,
    MONTH_MINUTES,
    SESSION_MINUTES,
    WEEK_MINUTES,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import length_text
from tui.providers._parse import (
    at,
    clamp_percent,
    integer,
    items,
    mapping,
    number,
    share,
    text,
    timestamp,
)
from tui.providers.kimi.booster import booster_balances, booster_rows

CODING = "FEATURE_CODING"
RESET_NAMES = ("resetTime", "resetAt", "reset_time", "reset_at")
UNIT_MINUTES = {
    "TIME_UNIT_MINUTE": 1,
    "TIME_UNIT_HOUR": 60,
    "TIME_UNIT_DAY": DAY_MINUTES,
    "TIME_UNIT_WEEK": WEEK_MINUTES,
}
LONGEST_MINUTES = 366 * DAY_MINUTES
SESSION_LENGTHS = range(60, 12 * 60 + 1)
"""Minutes a limit may last to be the short window."""
SAME_RESET = timedelta(seconds=2)
SAME_PERCENT = 1.0

FIRST_LEVELS = "GOODS_VERSION_V1"
LEVELS = {
    "FREE": "Adagio",
    "TRIAL": "Andante",
    "BASIC": "Moderato",
    "INTERMEDIATE": "Allegretto",
    "ADVANCED": "Allegro",
}
"""Names of the levels of the first version; later versions reuse the words for other plans."""
WEEKLY_TIERS = {1024: "Andante", 2048: "Moderato", 7168: "Allegretto"}


# -- windows ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """A window we know by name."""

    id: str
    label: str
    minutes: int


SESSION = Slot("session", "5-hour", SESSION_MINUTES)
WEEKLY = Slot("weekly", "Weekly", WEEK_MINUTES)
MONTHLY = Slot("monthly", "Monthly", MONTH_MINUTES)
CODE_MONTHLY = Slot("code.monthly", "Monthly code", MONTH_MINUTES)
CODE_WEEKLY = Slot("code.weekly", "Code 7-day", WEEK_MINUTES)
FURTHER = "limit."
"""Begins the ids of limits without a name."""
ORDER = (SESSION.id, WEEKLY.id, FURTHER, MONTHLY.id, CODE_MONTHLY.id, CODE_WEEKLY.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A quota in numbers."""

    used: int
    limit: int
    is_known: bool
    """False when nothing was said about use: then 0 is a guess and has no length."""
    minutes: int | None
    resets_at: datetime | None

    @property
    def percent(self) -> float:
        """Used share, at most 100."""
        return clamp_percent(share(self.used, self.limit) or 0.0)


@dataclass(frozen=True, slots=True)
class Pool:
    """A quota as a ratio."""

    ratio: float
    resets_at: datetime | None

    @property
    def percent(self) -> float:
        """Used share, at most 100."""
        return clamp_percent(self.ratio * 100)


def parse_usage(
    answer: dict[str, Any], *, key: ProviderKey, now: datetime, source_id: str
) -> ProviderSnapshot:
    """The answer to an API key or the CLI's login.

    Raises:
        ParseError: There is no window in it.
    """
    answer = _flattened(answer)
    weekly = _count(answer.get("usage"), WEEK_MINUTES)
    return ProviderSnapshot(
        key=key,
        source_id=source_id,
        fetched_at=now,
        windows=in_order(_windows(answer, weekly)),
        balances=tuple(booster_balances(answer)),
        identity=Identity(plan=_plan(answer, weekly)),
        details=(*booster_rows(answer), *_parallel_rows(answer)),
    )


def parse_web_usage(answer: dict[str, Any], *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """The answer to a web login.

    Raises:
        ParseError: There is no coding quota, or no window in it.
    """
    if _coding(answer.get("usages")) is None:
        raise ParseError("Unexpected answer from Kimi: it has no coding quota.")
    return parse_usage(answer, key=key, now=now, source_id="web")


def _flattened(answer: dict[str, Any]) -> dict[str, Any]:
    """`usages` as a list holds the quotas by scope, otherwise they lie at the top."""
    coding = _coding(answer.get("usages"))
    if coding is None:
        return answer
    said = {name: value for name, value in answer.items() if value is not None}
    return {"usage": coding.get("detail"), "limits": coding.get("limits")} | said


def _coding(usages: Any) -> dict[str, Any] | None:
    scopes = map(mapping, items(usages))
    return next((scope for scope in scopes if scope.get("scope") == CODING), None)


def _windows(answer: dict[str, Any], weekly: Count | None) -> list[UsageWindow]:
    short, *further = _limits(answer.get("limits"))
    pools = mapping(answer.get("usages"))
    placeholders = "limit_month_total" not in pools and weekly is not None and weekly.is_known
    found = [
        _window(SESSION, _pool(pools, "limit_5h"), short, placeholders),
        _window(WEEKLY, _pool(pools, "limit_7d"), weekly, placeholders),
        _window(MONTHLY, _pool(pools, "limit_month_total"), None, False),
        _window(CODE_MONTHLY, _pool(pools, "limit_month_code"), None, False),
        *_further_windows(further),
    ]
    windows = [window for window in found if window is not None]
    if not windows:
        raise ParseError("Unexpected answer from Kimi: it has no quota window.")
    return windows


def _limits(value: Any) -> list[Count | None]:
    """The counts of a list of limits, the one of the short window first."""
    entries = [entry for entry in items(value) if isinstance(entry, dict)]
    counts = [(_minutes(entry), entry) for entry in entries]
    counts.sort(key=lambda item: item[0] not in SESSION_LENGTHS)
    return [_count(entry.get("detail"), minutes) for minutes, entry in counts] or [None]


def _minutes(entry: dict[str, Any]) -> int | None:
    window = entry.get("window")
    if not isinstance(window, dict):
        return SESSION_MINUTES
    duration = integer(window.get("duration")) or 0
    minutes = duration * UNIT_MINUTES.get(text(window.get("timeUnit")), 0)
    return minutes if 0 < minutes <= LONGEST_MINUTES else None


def _count(quota: Any, minutes: int | None) -> Count | None:
    """A quota object; `None` without a limit."""
    quota = mapping(quota)
    limit = integer(quota.get("limit"))
    if limit is None or limit <= 0:
        return None
    used = _used(limit, integer(quota.get("used")), integer(quota.get("remaining")))
    return Count(
        used=used or 0,
        limit=limit,
        is_known=used is not None,
        minutes=None if used is None else minutes,
        resets_at=reset_in(quota),
    )


def _used(limit: int, used: int | None, remaining: int | None) -> int | None:
    """`used` is often left out while it is 0."""
    if used is not None and used >= 0:
        return used
    return limit - remaining if remaining is not None and 0 <= remaining <= limit else None


def reset_in(quota: dict[str, Any]) -> datetime | None:
    """When a quota opens again, under any of its names."""
    moments = (timestamp(quota.get(name)) for name in RESET_NAMES)
    return next((moment for moment in moments if moment is not None), None)


def _pool(pools: dict[str, Any], name: str) -> Pool | None:
    """A pool; `None` when its ratio is missing or senseless, which is not the same as 0."""
    pool = mapping(pools.get(name))
    ratios = (number(pool.get(spelling)) for spelling in ("used_ratio", "usedRatio"))
    ratio = next((found for found in ratios if found is not None), None)
    return Pool(ratio, reset_in(pool)) if ratio is not None and ratio >= 0 else None


def _window(
    slot: Slot, pool: Pool | None, count: Count | None, placeholders: bool
) -> UsageWindow | None:
    """One window from its pool or its count.

    Args:
        placeholders: A ratio of 0 may stand for "not reported" here.
    """
    if pool is None or (placeholders and _is_placeholder(slot, pool, count)):
        return None if count is None else _count_window(slot, count)
    window = pool_window(slot, pool)
    if count is None or not count.is_known or abs(count.percent - pool.percent) > SAME_PERCENT:
        return window
    return _with_numbers(window, count)


def _is_placeholder(slot: Slot, pool: Pool, count: Count | None) -> bool:
    """Whether a count of the very same window knows better than a ratio of 0."""
    if pool.ratio or count is None or not count.is_known or not count.used:
        return False
    if count.minutes != slot.minutes or pool.resets_at is None or count.resets_at is None:
        return False
    return abs(pool.resets_at - count.resets_at) <= SAME_RESET


def pool_window(slot: Slot, pool: Pool) -> UsageWindow:
    """A window from a ratio."""
    return UsageWindow(
        id=slot.id,
        label=slot.label,
        used_percent=pool.percent,
        window_minutes=slot.minutes,
        resets_at=pool.resets_at,
    )


def _count_window(slot: Slot, count: Count) -> UsageWindow:
    is_other_length = slot is SESSION and count.minutes not in {None, SESSION_MINUTES}
    window = UsageWindow(
        id=slot.id,
        label=_length_label(count.minutes) if is_other_length else slot.label,
        used_percent=count.percent,
        window_minutes=count.minutes,
        resets_at=count.resets_at,
    )
    return _with_numbers(window, count)


def _with_numbers(window: UsageWindow, count: Count) -> UsageWindow:
    return replace(
        window,
        used=Decimal(count.used),
        limit=Decimal(count.limit),
        resets_text=f"{count.used}/{count.limit}",
    )


def _length_label(minutes: int | None) -> str:
    """`3-hour`, `Daily`, `90m`; `Limit` without a length."""
    if minutes is None:
        return "Limit"
    hours, rest = divmod(minutes, 60)
    return f"{hours}-hour" if not rest and hours < 24 else length_text(minutes).capitalize()


def _further_windows(counts: list[Count | None]) -> Iterator[UsageWindow]:
    taken: set[str] = set()
    for index, count in enumerate(counts, start=2):
        if count is None:
            continue
        window_id = f"{FURTHER}{count.minutes or f'no{index}'}"
        if window_id not in taken:
            taken.add(window_id)
            yield _count_window(Slot(window_id, _length_label(count.minutes), 0), count)


# -- order and main number -------------------------------------------------------------------------


def in_order(windows: list[UsageWindow]) -> tuple[UsageWindow, ...]:
    """The windows as they are shown, with those that may be the main number marked.

    The 5-hour window leads, else the weekly, else the monthly one. A longer one joins it when it
    is used up: then it is what keeps one from working.
    """
    ordered = sorted(windows, key=_place)
    ids = [window.id for window in ordered]
    lead = next((name for name in (SESSION.id, WEEKLY.id, MONTHLY.id) if name in ids), ids[0])
    return tuple(
        replace(window, headline=window.id == lead or _keeps_from_working(window))
        for window in ordered
    )


def _place(window: UsageWindow) -> int:
    return ORDER.index(FURTHER if window.id.startswith(FURTHER) else window.id)


def _keeps_from_working(window: UsageWindow) -> bool:
    return window.id in {WEEKLY.id, MONTHLY.id} and (window.used_percent or 0) >= 100


# -- plan ------------------------------------------------------------------------------------------


def _plan(answer: dict[str, Any], weekly: Count | None) -> str:
    """The tier by its level; by the weekly allowance where the answer names no level."""
    level = text(at(answer, "user.membership.level")).removeprefix("LEVEL_")
    if not level or level == "UNSPECIFIED":
        return WEEKLY_TIERS.get(weekly.limit, "") if weekly is not None else ""
    is_first = answer.get("version") in (None, "", FIRST_LEVELS)
    return LEVELS.get(level, level) if is_first else level


def _parallel_rows(answer: dict[str, Any]) -> Iterator[DetailRow]:
    at_once = integer(at(answer, "parallel.limit"))
    if at_once is not None and at_once > 0:
        yield DetailRow("Limits", "Requests at once", f"{at_once:,}")
