"""The pools behind the models: what Gemini, and Claude with GPT, may use in 5 hours and in a week.

One reader for three spellings: the language server's, the service's, and the report of `agy`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tui.core.models import SESSION_MINUTES, WEEK_MINUTES, UsageWindow
from tui.core.text import clean
from tui.providers._parse import (
    at,
    boolean,
    first_number,
    first_text,
    items,
    number,
    slug,
    timestamp,
)
from tui.providers.antigravity.rows import OTHER, used_percent

GEMINI, CLAUDE, NONE = "gemini", "claude", ""
TITLES = {GEMINI: "Gemini", CLAUDE: "Claude/GPT"}
ORDER = (GEMINI, CLAUDE, NONE)
SESSION, WEEKLY = "session", "weekly"
CADENCES = {
    SESSION: re.compile(r"(?:.*-)?(?:session|5h|5-hour|five hour|five-hour)"),
    WEEKLY: re.compile(r"(?:.*-)?weekly"),
}
"""How a text ends that names a cadence; `session-history` names none."""
MINUTES = {SESSION: SESSION_MINUTES, WEEKLY: WEEK_MINUTES}
CADENCE_TITLES = {SESSION: "5-hour", WEEKLY: "weekly"}
REPORT_PERCENT = re.compile(r"\d{1,3}(?:\.\d+)?\s*%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One limit of a pool."""

    group: str
    id: str
    title: str
    remaining: float | None
    """Share that is left, 0 to 1; `None` when not reported or disabled."""
    resets_at: datetime | None
    window: str = ""
    """The cadence, where it is said: "5h", "weekly"."""

    @property
    def family(self) -> str:
        """Whose pool it is."""
        words = f"{self.group} {self.id}".lower()
        if GEMINI in words:
            return GEMINI
        is_claude = CLAUDE in words or "gpt" in words or self.id.lower().startswith("3p")
        return CLAUDE if is_claude else NONE

    @property
    def cadence(self) -> str:
        """`session`, `weekly`, or empty when it is another one."""
        names = (self.window, self.id, self.title)
        return next(filter(None, map(cadence_in, names)), "")


def cadence_in(name: str) -> str:
    """The cadence a name ends with."""
    words = name.strip().lower().replace("_", "-")
    words = re.sub(r"\s+limit(\s+remaining)?$", "", words)
    return next((cadence for cadence, ends in CADENCES.items() if ends.fullmatch(words)), "")


# -- reading ---------------------------------------------------------------------------------------


def parse_summary(answer: Any) -> tuple[Bucket, ...]:
    """The buckets of a quota summary; none when no bucket says how much is left."""
    wrapped = (at(answer, "response"), at(answer, "summary"), answer)
    groups = next(filter(None, (items(at(payload, "groups")) for payload in wrapped)), [])
    return usable(bucket for group in groups for bucket in group_buckets(group))


def parse_report_text(report: str) -> tuple[Bucket, ...]:
    """The buckets of a report in columns: group, name, percent left, reset."""
    return usable(filter(None, map(line_bucket, report.splitlines())))


def usable(buckets: Iterable[Bucket]) -> tuple[Bucket, ...]:
    """All buckets, if at least one is known."""
    found = tuple(buckets)
    return found if any(bucket.remaining is not None for bucket in found) else ()


def group_buckets(group: Any) -> Iterator[Bucket]:
    """Buckets of a group; one without an id is dropped."""
    name = clean(first_text(group, "displayName", "name"))
    for bucket in items(at(group, "buckets")):
        bucket_id = first_text(bucket, "bucketId", "id")
        if bucket_id:
            yield make_bucket(name, bucket_id, bucket)


def make_bucket(group: str, bucket_id: str, bucket: Any) -> Bucket:
    """A bucket in any of the three spellings."""
    return Bucket(
        group=group,
        id=bucket_id,
        title=clean(first_text(bucket, "displayName", "name")),
        window=first_text(bucket, "window"),
        remaining=None if boolean(at(bucket, "disabled")) else fraction(bucket),
        resets_at=timestamp(at(bucket, "resetTime") or at(bucket, "reset_time")),
    )


def fraction(bucket: Any) -> float | None:
    """What is left, in one of four shapes."""
    if at(bucket, "remaining.case") == "remainingFraction":
        return number(at(bucket, "remaining.value"))
    return first_number(
        bucket, "remainingFraction", "remaining.remainingFraction", "remaining_fraction"
    )


def line_bucket(line: str) -> Bucket | None:
    """A bucket of a report in columns: group, perhaps an empty one, name, percent, reset."""
    columns = [column.strip() for column in line.split("\t")]
    if len(columns) < 4 or not REPORT_PERCENT.fullmatch(columns[-2]):
        return None
    name, percent, reset = columns[-3:]
    return Bucket(
        group=clean(columns[0]),
        id=slug(f"{columns[0]} {name}"),
        title=clean(name),
        remaining=float(percent.rstrip("% ")) / 100,
        resets_at=timestamp(reset),
    )


# -- windows ---------------------------------------------------------------------------------------


def lane_windows(buckets: Sequence[Bucket]) -> tuple[UsageWindow, ...]:
    """A window per bucket: Gemini, Claude with GPT, others; 5 hours, week, others."""
    return tuple(with_own_ids(map(lane_window, sorted(buckets, key=place))))


def place(bucket: Bucket) -> tuple[int, int]:
    """Where a bucket stands."""
    cadences = (SESSION, WEEKLY, "")
    return ORDER.index(bucket.family), cadences.index(bucket.cadence)


def lane_window(bucket: Bucket) -> UsageWindow:
    """The window of a bucket."""
    cadence = bucket.cadence
    lane = bucket.family or slug(bucket.group) or OTHER
    return UsageWindow(
        id=f"{lane}.{cadence or slug(bucket.id) or OTHER}",
        label=lane_label(bucket),
        used_percent=used_percent(bucket.remaining),
        window_minutes=MINUTES.get(cadence),
        resets_at=bucket.resets_at,
    )


def lane_label(bucket: Bucket) -> str:
    """`Gemini 5-hour`; for other pools their own words."""
    title = bucket.title or bucket.id
    if bucket.family in TITLES:
        return f"{TITLES[bucket.family]} {CADENCE_TITLES.get(bucket.cadence, title)}"
    return f"{bucket.group} {title}".strip()


def with_own_ids(windows: Iterable[UsageWindow]) -> Iterator[UsageWindow]:
    """The windows, the second of an id with a number behind it."""
    taken: set[str] = set()
    for window in windows:
        count, window_id = 1, window.id
        while window_id in taken:
            count += 1
            window_id = f"{window.id}-{count}"
        taken.add(window_id)
        yield replace(window, id=window_id)


def leading_first(windows: Sequence[UsageWindow]) -> tuple[UsageWindow, ...]:
    """The tightest lane of Claude with GPT, the tightest of Gemini, then the rest as they are."""
    leads = [lead for family in (CLAUDE, GEMINI) if (lead := tightest_lane(windows, family))]
    return (*leads, *(window for window in windows if window not in leads))


def tightest_lane(windows: Sequence[UsageWindow], family: str) -> UsageWindow | None:
    """The known lane of a family of which least is left."""
    known = [w for w in windows if w.id.startswith(f"{family}.") and w.used_percent is not None]
    return max(known, key=lambda window: window.used_percent or 0.0, default=None)
