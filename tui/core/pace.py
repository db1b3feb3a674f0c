"""Whether a window will last: used so far against even use until the reset.

Pure. Even use counts seconds: all of them, or only those of work days. Rules: B§9.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from tui.core.models import MONTH_MINUTES, SESSION_MINUTES, WEEK_MINUTES, UsageWindow
from tui.core.wording import amount_text, duration, whole

Stage = Literal[
    "onTrack", "slightlyAhead", "ahead", "farAhead", "slightlyBehind", "behind", "farBehind"
]
Span = tuple[datetime, datetime]

STAGES: tuple[tuple[float, Stage, Stage], ...] = (
    (2, "onTrack", "onTrack"),
    (6, "slightlyAhead", "slightlyBehind"),
    (12, "ahead", "behind"),
)
"""Up to so many points from even use: the stage in deficit, the stage in reserve."""
SHOWN_FROM_PERCENT = 3.0
"""Earlier in a window the forecast is noise."""
HEADROOM_BELOW = -15.0
HEADROOM_FROM = 1.5
HEADROOM_SHOWN = 99.0
WORK_DAYS = range(2, 7)
LONGEST_MINUTES = 60 * 24 * 366 * 10
"""No allowance is longer; a bigger number is a mistake of the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a window stands against even use."""

    actual_percent: float
    expected_percent: float
    """Where even use would stand now."""
    eta_s: float | None = None
    """Seconds until it is used up at this speed; `None` when it lasts until the reset."""
    headroom: float | None = None
    """How many times faster it could be used and still last; `None` when nothing was used."""
    is_session: bool = False
    """A short window, which has words of its own."""

    @property
    def delta_percent(self) -> float:
        """Above 0: more was used than even use, a deficit; below 0: a reserve."""
        return self.actual_percent - self.expected_percent

    @property
    def lasts(self) -> bool:
        """Whether it lasts until the reset."""
        return self.eta_s is None

    @property
    def stage(self) -> Stage:
        """The distance as a word; "ahead" of even use means a deficit."""
        delta = self.delta_percent
        for limit, deficit, reserve in STAGES:
            if abs(delta) <= limit:
                return deficit if delta > 0 else reserve
        return "farAhead" if delta > 0 else "farBehind"

    @property
    def is_shown(self) -> bool:
        """Whether it says something: not in a window's first moments, not when nothing is left."""
        return self.expected_percent >= SHOWN_FROM_PERCENT and self.actual_percent < 100

    @property
    def balance_text(self) -> str:
        """`On pace`, `5% in deficit`, `12% in reserve`."""
        if self.stage == "onTrack":
            return "On pace"
        side = "deficit" if self.delta_percent > 0 else "reserve"
        return f"{whole(abs(self.delta_percent))}% in {side}"

    @property
    def forecast_text(self) -> str:
        """`Lasts until reset`, `Runs out in 2d 8h`, for a session `Projected empty in 40m`."""
        if self.eta_s is None:
            return "Lasts until reset"
        verb = "Projected empty" if self.is_session else "Runs out"
        return f"{verb} now" if self.eta_s < 1 else f"{verb} in {duration(self.eta_s)}"

    @property
    def headroom_text(self) -> str:
        """`1.5× headroom`, when there is much of it."""
        if self.headroom is None or self.headroom < HEADROOM_FROM:
            return ""
        if self.delta_percent >= HEADROOM_BELOW:
            return ""
        return f"{amount_text(round(min(self.headroom, HEADROOM_SHOWN), 1))}× headroom"

    @property
    def parts(self) -> tuple[str, ...]:
        """The whole statement, to be joined: `("5% in deficit", "Runs out in 2d 8h")`."""
        return tuple(filter(None, (self.balance_text, self.forecast_text, self.headroom_text)))

    @property
    def short_text(self) -> str:
        """The part that matters: `on pace`, `12% in reserve`, else when it runs out."""
        if self.stage == "onTrack":
            return "on pace"
        return self.balance_text if self.lasts else self.forecast_text


def window_pace(
    window: UsageWindow, now: datetime, *, work_days: int | None = None, tz: tzinfo = UTC
) -> Pace | None:
    """The pace of a window; `None` when percent, length or reset are unknown or do not fit.

    Args:
        work_days: 2 to 6 counts only Monday to that day of weekly windows; else every day counts.
        tz: Whose days.
    """
    if window.used_percent is None or window.unlimited or not window.paced:
        return None
    minutes, resets_at = window.window_minutes or _named_minutes(window), window.resets_at
    if minutes is None or resets_at is None or not 0 < minutes <= LONGEST_MINUTES:
        return None
    starts_at = _start(resets_at, minutes)
    if not starts_at <= now < resets_at:
        return None
    spans: Sequence[Span] = ((starts_at, resets_at),)
    if minutes == WEEK_MINUTES and work_days is not None and work_days in WORK_DAYS:
        spans = work_spans(starts_at, resets_at, work_days, tz)
    return _pace(window.used_percent, spans, now, is_session=minutes <= SESSION_MINUTES)


def _named_minutes(window: UsageWindow) -> int | None:
    """A window called monthly is a month, also when the service gives no length (B§9.5)."""
    return MONTH_MINUTES if window.id == "monthly" else None


def _start(resets_at: datetime, minutes: int) -> datetime:
    if minutes == MONTH_MINUTES:
        return month_before(resets_at)
    return resets_at - timedelta(minutes=minutes)


def month_before(moment: datetime) -> datetime:
    """The same day and time a calendar month earlier in UTC, or that month's last day (B§9.5)."""
    end = moment.astimezone(UTC)
    year, month = (end.year, end.month - 1) if end.month > 1 else (end.year - 1, 12)
    return end.replace(
        year=year, month=month, day=min(end.day, calendar.monthrange(year, month)[1])
    )


def _pace(
    used_percent: float, spans: Sequence[Span], now: datetime, *, is_session: bool
) -> Pace | None:
    total_s = sum(_seconds(span) for span in spans)
    elapsed_s = sum(_seconds((start, min(end, now))) for start, end in spans)
    actual = min(max(used_percent, 0.0), 100.0)
    if total_s <= 0 or (elapsed_s <= 0 and actual > 0):
        return None
    expected = elapsed_s / total_s * 100
    left_s = total_s - elapsed_s
    # What will be used until the reset at the speed so far.
    rest_percent = actual * left_s / elapsed_s if elapsed_s else 0.0
    runs_out = actual >= 100 or actual + rest_percent > 100
    return Pace(
        actual_percent=actual,
        expected_percent=expected,
        eta_s=_wall_clock_s((100 - actual) * elapsed_s / actual, spans, now) if runs_out else None,
        headroom=(100 - actual) / rest_percent if rest_percent else None,
        is_session=is_session,
    )


def _seconds(span: Span) -> float:
    return max(0.0, (span[1] - span[0]).total_seconds())


def _wall_clock_s(needed_s: float, spans: Sequence[Span], now: datetime) -> float:
    """Seconds from now until so many counted seconds have passed."""
    for start, end in spans:
        start = max(start, now)
        available_s = _seconds((start, end))
        if needed_s <= available_s:
            return (start - now).total_seconds() + needed_s if needed_s > 0 else 0.0
        needed_s -= available_s
    return (spans[-1][1] - now).total_seconds()


def work_spans(start: datetime, end: datetime, work_days: int, tz: tzinfo) -> list[Span]:
    """The parts of a window on Monday to the n-th day, cut at local midnights (DST-safe)."""
    spans = []
    day = start.astimezone(tz).date()
    while (midnight := _midnight(day, tz)) < end:
        following = day + timedelta(days=1)
        span = max(start, midnight), min(end, _midnight(following, tz))
        if day.isoweekday() <= work_days and span[0] < span[1]:
            spans.append(span)
        day = following
    return spans


def _midnight(day: date, tz: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=tz).astimezone(UTC)
