"""One lane of a plan, such as General or Video: its interval, and for text its week.

What `usage_count` means depends on the address that answered, so whoever asks says it. Where a
percentage is sent, it alone counts: the counters beside it are 0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from tui.core.models import DAY_MINUTES, WEEK_MINUTES, DetailRow, UsageWindow
from tui.core.wording import amount_text, joined, share_text
from tui.providers._parse import (
    clamp_percent,
    decimal,
    integer,
    moment_in,
    number,
    share,
    timestamp,
)

NOT_LIMITED = 3
"""A status: the lane has no limit, or is not in the plan."""
MS_FROM = 10**12
SECONDS_FROM, LATEST_S = 10**9, 10**11
LONGEST_SECONDS = 10**6
"""A time left above this counts milliseconds, where nothing else tells the unit."""
SMALLEST_BOOST, LARGEST_BOOST = 10, 100_000
LONGEST_MINUTES = 366 * DAY_MINUTES
HEADLINES = 3
"""So many windows make the card's main number."""

PROMPTS = "Prompts"
LANE_LABELS = (
    (re.compile(r"general"), "General"),
    (re.compile(r"video"), "Video"),
    (re.compile(r".*minimax-m(?!usic).*|m2\..*"), "Text Generation"),
    (re.compile(r".*speech.*"), "Text to Speech"),
    (re.compile(r"(?=.*hailuo).*fast.*"), "Image to Video"),
    (re.compile(r".*hailuo.*"), "Text to Video"),
    (re.compile(r"image-.*"), "Image Generation"),
    (re.compile(r".*music.*"), "Music Generation"),
)
TEXT_LANES = frozenset({"General", "Text Generation"})


class Part(NamedTuple):
    """How the fields of the interval or of the week begin."""

    counts: str
    times: str
    boost: str


INTERVAL = Part("current_interval", "", "interval")
WEEK = Part("current_weekly", "weekly_", "weekly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One window of a lane, understood."""

    used_percent: float | None
    used: Decimal | None
    limit: Decimal | None
    is_counted: bool
    """By counters, not by a percentage."""
    boost: float = 1.0
    resets_at: datetime | None = None
    minutes: int | None = None
    is_absent: bool = False
    """The lane is not in the plan."""
    is_unlimited: bool = False
    """So it is, unless this is the week of a text lane, which then has no limit."""

    @property
    def is_known(self) -> bool:
        """Whether there is anything to show."""
        return self.used_percent is not None or self.limit is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One item of the answer."""

    model: str
    """As the service names it; empty on plans with a single one."""
    interval: Meter
    week: Meter

    @property
    def label(self) -> str:
        """Its name for people."""
        name = self.model.lower()
        known = (label for form, label in LANE_LABELS if form.fullmatch(name))
        return next(known, self.model) or PROMPTS

    @property
    def is_text(self) -> bool:
        """Whether it is a lane of language models."""
        return self.label in TEXT_LANES or not self.model

    @property
    def has_week(self) -> bool:
        """Whether its week means anything."""
        return self.is_text and bool(self.model)

    @property
    def unit(self) -> str:
        """What its counters count."""
        return "prompts" if self.is_text else "requests"


# -- reading ---------------------------------------------------------------------------------------


def read_lane(item: Mapping[str, Any], *, counts_used: bool, now: datetime) -> Lane:
    """The lane of an item.

    Args:
        counts_used: `usage_count` is what was used, not what is left.
    """
    model = item.get("model_name")
    return Lane(
        model=model.strip() if isinstance(model, str) else "",
        interval=_meter(item, INTERVAL, counts_used=counts_used, now=now),
        week=_meter(item, WEEK, counts_used=counts_used, now=now),
    )


def _meter(item: Mapping[str, Any], part: Part, *, counts_used: bool, now: datetime) -> Meter:
    left_percent = number(item.get(f"{part.counts}_remaining_percent"))
    total = decimal(item.get(f"{part.counts}_total_count")) or Decimal(0)
    usage = decimal(item.get(f"{part.counts}_usage_count"))
    if left_percent is not None:
        meter = _by_percent(100 - left_percent, _boost(item, part))
    else:
        meter = _by_counts(total, _used(item, part, total, usage, counts_used=counts_used))
    is_full = left_percent is not None and left_percent >= 100
    is_free = integer(item.get(f"{part.counts}_status")) == NOT_LIMITED and is_full
    start, end = (_epoch(item.get(f"{part.times}{name}_time")) for name in ("start", "end"))
    return replace(
        meter,
        resets_at=_reset(item, part, (start, end), now),
        minutes=_minutes(start, end),
        is_absent=is_free and not total and not usage,
        is_unlimited=is_free,
    )


def _boost(item: Mapping[str, Any], part: Part) -> float:
    names = (f"{part.boost}_boost_permill", f"{part.boost}_boost_permille")
    found = next(filter(None, (number(item.get(name)) for name in names)), 0.0)
    return found / 1000 if SMALLEST_BOOST <= found <= LARGEST_BOOST else 1.0


def _by_percent(used_percent: float, boost: float) -> Meter:
    """A percentage; a boost makes the numbers larger and leaves the percentage."""
    percent = clamp_percent(used_percent)
    limit = round(100 * boost)
    return Meter(
        used_percent=percent,
        used=Decimal(round(percent * limit / 100)),
        limit=Decimal(limit),
        is_counted=False,
        boost=boost,
    )


def _by_counts(total: Decimal, used: Decimal | None) -> Meter:
    percent = share(used, total)
    return Meter(
        used_percent=None if percent is None else clamp_percent(percent),
        used=used if total > 0 else None,
        limit=total if total > 0 else None,
        is_counted=True,
    )


def _used(
    item: Mapping[str, Any],
    part: Part,
    total: Decimal,
    usage: Decimal | None,
    *,
    counts_used: bool,
) -> Decimal | None:
    names = (f"{part.counts}_remaining_count", f"{part.counts}_remains_count")
    named = (decimal(item.get(name)) for name in names)
    left = next((value for value in named if value is not None), None)
    if left is None and counts_used:
        return None if usage is None else max(usage, Decimal(0))
    left = usage if left is None else left
    return None if left is None else max(total - left, Decimal(0))


# -- times -----------------------------------------------------------------------------------------


def _epoch(value: Any) -> float | None:
    """An epoch as it was sent, in seconds or milliseconds; other numbers are none."""
    sent = number(value)
    is_epoch = sent is not None and (SECONDS_FROM < sent < LATEST_S or sent > MS_FROM)
    return sent if is_epoch else None


def _minutes(start: float | None, end: float | None) -> int | None:
    first, last = timestamp(start), timestamp(end)
    if first is None or last is None:
        return None
    minutes = (last - first) // timedelta(minutes=1)
    return minutes if 0 < minutes <= LONGEST_MINUTES else None


def _reset(
    item: Mapping[str, Any], part: Part, times: Sequence[float | None], now: datetime
) -> datetime | None:
    """The end where it lies ahead, else what is left from now on, in the unit of start and end."""
    moment = timestamp(times[-1])
    if moment is not None and moment > now:
        return moment
    left = number(item.get(f"{part.times}remains_time"))
    if left is None or left <= 0:
        return None
    sent = next((time for time in times if time is not None), None)
    is_ms = left > LONGEST_SECONDS if sent is None else sent > MS_FROM
    return moment_in(left / 1000 if is_ms else left, now)


def length_name(minutes: int | None) -> str:
    """What the service's own page calls a window of this length; empty when it is unknown."""
    if minutes is None:
        return ""
    hours = minutes / 60
    if 23 <= hours <= 25:
        return "Today"
    if 4 <= hours <= 6:
        return "5 hours"
    return f"{round(hours)} hours" if 1 <= hours < 23 else "Custom"


# -- windows ---------------------------------------------------------------------------------------


def in_order(lanes: Sequence[Lane]) -> list[Lane]:
    """Text lanes first, so that a video lane never makes the main number."""
    return sorted(lanes, key=lambda lane: not lane.is_text)


def lane_windows(lanes: Sequence[Lane]) -> tuple[UsageWindow, ...]:
    """The windows of all lanes, those first that make the main number."""
    ordered = in_order(lanes)
    labels = [lane.label for lane in ordered]
    slugs: Counter[str] = Counter()
    windows: list[UsageWindow] = []
    for lane in ordered:
        is_first = lane is ordered[0] and lane.is_text
        is_unique = labels.count(lane.label) == 1
        label = lane.label if is_unique else f"{lane.label} ({lane.model})"
        prefix = "" if is_first else f"{_slug(lane.model, slugs)}."
        windows += _windows(lane, prefix, label, "Weekly" if is_first else f"{label} weekly")
    return headed(windows)


def headed(windows: Sequence[UsageWindow]) -> tuple[UsageWindow, ...]:
    """The same, of which only the first ones make the main number."""
    return tuple(
        replace(window, headline=place < HEADLINES) for place, window in enumerate(windows)
    )


def _slug(model: str, slugs: Counter[str]) -> str:
    """The model's name as part of an id, numbered where two would be the same."""
    slug = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")[:60] or "lane"
    slugs[slug] += 1
    return slug if slugs[slug] == 1 else f"{slug}.{slugs[slug]}"


def _windows(lane: Lane, prefix: str, label: str, weekly: str) -> Iterator[UsageWindow]:
    if lane.interval.is_known and not lane.interval.is_absent:
        yield _window(lane, lane.interval, f"{prefix}session", label)
    if not (lane.has_week and lane.week.is_known):
        return
    if lane.week.is_unlimited:
        yield UsageWindow(id=f"{prefix}weekly", label=weekly, used_percent=0.0, unlimited=True)
    else:
        week = replace(lane.week, minutes=lane.week.minutes or WEEK_MINUTES)
        yield _window(lane, week, f"{prefix}weekly", weekly)


def _window(lane: Lane, meter: Meter, id: str, label: str) -> UsageWindow:
    return UsageWindow(
        id=id,
        label=label,
        used_percent=meter.used_percent,
        used=meter.used,
        limit=meter.limit,
        unit=lane.unit if meter.is_counted else "%",
        window_minutes=meter.minutes,
        resets_at=meter.resets_at,
        resets_text="" if lane.model else prompts_text(meter.limit, length_name(meter.minutes)),
    )


def prompts_text(limit: Decimal | None, length: str) -> str:
    """`1,500 prompts / 5 hours`, as far as it is known."""
    if limit is None:
        return ""
    return joined((f"{amount_text(limit)} prompts", length.lower()), " / ")


def lane_rows(lanes: Sequence[Lane]) -> tuple[DetailRow, ...]:
    """A row per lane of the plan: the name of its window, its numbers, its boost."""
    return tuple(
        DetailRow("Lanes", lane.model or lane.label, words)
        for lane in in_order(lanes)
        if lane.interval.is_known and (words := _lane_text(lane))
    )


def _lane_text(lane: Lane) -> str:
    meter = lane.interval
    if meter.is_absent:
        return "not in the plan"
    unit = lane.unit if meter.is_counted else "%"
    boost = f"boosted ×{meter.boost:g}" if meter.boost != 1.0 else ""
    return joined((length_name(meter.minutes), share_text(meter.used, meter.limit, unit), boost))
