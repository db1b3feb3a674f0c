"""Quotas out of time series: usage and limit are two metrics that have to be paired.

A pair is only made where it is certain: another location or one of several limits would give a
percentage that means nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import quote

from tui.core.models import Identity, ProviderKey, ProviderSnapshot, UsageWindow
from tui.core.wording import amount_text, joined
from tui.providers._parse import at, decimal, first_text, items, mapping, share, text

SERVICE_PREFIX = "aiplatform.googleapis.com/"
EVERYWHERE = "global"
UNLIMITED = Decimal(9 * 10**18)
PER_MINUTE = "perminute"
MORE_ROWS = 4
MOST_RATES = 3
NO_DATA = "No quota data in the last 24 hours."
QUOTA_PAGE = (
    "https://console.cloud.google.com/iam-admin/quotas?service=aiplatform.googleapis.com&project="
)


class Key(NamedTuple):
    """What a quota is about."""

    metric: str
    limit_name: str
    """Often missing where usage is counted."""
    location: str
    model: str = ""
    """Where a quota is counted per model."""


@dataclass(frozen=True, slots=True)
class Series:
    """One time series: a value by the end of each interval."""

    key: Key
    points: tuple[tuple[str, Decimal], ...]

    @property
    def peak(self) -> Decimal:
        """The greatest value."""
        return max(value for _, value in self.points)


@dataclass(frozen=True, slots=True)
class Pair:
    """Usage of a quota and its limit."""

    key: Key
    used: Decimal
    limit: Decimal
    percent: float


# -- answers ---------------------------------------------------------------------------------------


def parse_page(answer: dict[str, Any], metric_type: str) -> tuple[tuple[Series, ...], str]:
    """The series of one page and the token of the next; a page without data has no list at all.

    Args:
        metric_type: Of the series that were asked for.
    """
    rows = map(mapping, items(answer.get("timeSeries")))
    asked = (row for row in rows if first_text(row, "metric.type") in {metric_type, ""})
    series = tuple(found for row in asked if (found := read_series(row)) is not None)
    return series, text(answer.get("nextPageToken"))


def read_series(row: dict[str, Any]) -> Series | None:
    """A series with a name and at least one number."""
    metric = first_text(row, "metric.labels.quota_metric", "resource.labels.quota_id")
    points = tuple(read_points(row))
    if not metric or not points:
        return None
    key = Key(
        metric=metric,
        limit_name=first_text(row, "metric.labels.limit_name"),
        location=first_text(row, "resource.labels.location") or EVERYWHERE,
        model=first_text(row, "metric.labels.base_model"),
    )
    return Series(key, points)


def read_points(row: dict[str, Any]) -> Iterator[tuple[str, Decimal]]:
    """The values; whole numbers come as texts."""
    for point in items(row.get("points")):
        value = decimal(at(point, "value.int64Value"))
        if value is None:
            value = decimal(at(point, "value.doubleValue"))
        if value is not None:
            yield first_text(point, "interval.endTime"), value


# -- pairs -----------------------------------------------------------------------------------------


def peaks(series: Iterable[Series]) -> dict[Key, Decimal]:
    """The greatest value by key; models do not count apart here."""
    found: dict[Key, Decimal] = {}
    for one in series:
        key = one.key._replace(model="")
        found[key] = max(one.peak, found.get(key, one.peak))
    return found


def allocation_pairs(usage: Iterable[Series], limits: Iterable[Series]) -> list[Pair]:
    """Quotas with their limits, the fullest first."""
    known = {key: limit for key, limit in peaks(limits).items() if limit > 0}
    pairs = (pair(key, used, limit_for(key, known)) for key, used in peaks(usage).items())
    return fullest_first(pairs)


def limit_for(key: Key, known: Mapping[Key, Decimal]) -> Decimal | None:
    """The limit of exactly this quota; without a limit's name the only one there is in its
    location."""
    if key in known or key.limit_name:
        return known.get(key)
    same = [
        limit
        for other, limit in known.items()
        if (other.metric, other.location) == (key.metric, key.location)
    ]
    return same[0] if len(same) == 1 else None


def pair(key: Key, used: Decimal, limit: Decimal | None) -> Pair | None:
    """Both, where they make a percentage."""
    if limit is None or limit >= UNLIMITED:
        return None
    percent = share(used, limit)
    return None if percent is None else Pair(key, used, limit, percent)


def fullest_first(pairs: Iterable[Pair | None]) -> list[Pair]:
    """Those that could be made, by percentage and then by name."""
    found = [one for one in pairs if one is not None]
    return sorted(found, key=lambda one: (-one.percent, one.key))


def rate_pairs(usage: Iterable[Series], limits: Iterable[Series]) -> list[Pair]:
    """Quotas per minute: the busiest minute, all methods together, with its limit."""
    minutes: defaultdict[Key, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one in usage:
        for ended_at, value in one.points:
            minutes[one.key._replace(limit_name="")][ended_at] += value
    known: defaultdict[Key, dict[str, Decimal]] = defaultdict(dict)
    for one in limits:
        if PER_MINUTE in one.key.limit_name.lower() and one.peak > 0:
            known[one.key._replace(limit_name="")][one.key.limit_name] = one.peak
    return fullest_first(
        pair(key, max(of_key.values()), only(known.get(key, {}))) for key, of_key in minutes.items()
    )


def only(limits: Mapping[str, Decimal]) -> Decimal | None:
    """The one limit, where there is one."""
    return next(iter(limits.values())) if len(limits) == 1 else None


# -- the snapshot ----------------------------------------------------------------------------------


def quota_snapshot(
    pairs: Sequence[Pair], identity: Identity, *, key: ProviderKey, now: datetime
) -> ProviderSnapshot:
    """The fullest quota and the next ones; no data is an answer too.

    Args:
        identity: Its organisation is the project.
    """
    shown = pairs[: MORE_ROWS + 1]
    return ProviderSnapshot(
        key=key,
        source_id="oauth",
        fetched_at=now,
        windows=tuple(quota_window(one, rank) for rank, one in enumerate(shown, 1)),
        identity=identity,
        notice="" if shown else NO_DATA,
        dashboard_url=QUOTA_PAGE + quote(identity.organization, safe=""),
    )


def quota_window(one: Pair, rank: int) -> UsageWindow:
    """A quota; the first one carries the card."""
    name = short_name(one.key)
    note = (one.key.limit_name, one.key.location, of_limit(one))
    return UsageWindow(
        id="quota" if rank == 1 else f"quota{rank}",
        label="Quota usage" if rank == 1 else name,
        used_percent=one.percent,
        used=one.used,
        limit=one.limit,
        resets_text=joined((name, *note) if rank == 1 else note),
        headline=rank == 1,
    )


def with_rates(snapshot: ProviderSnapshot, pairs: Sequence[Pair]) -> ProviderSnapshot:
    """The snapshot with the busiest quotas per minute; alone they carry the card."""
    if not pairs:
        return snapshot
    carries = not snapshot.windows
    rates = [rate_window(one, rank) for rank, one in enumerate(pairs[:MOST_RATES], 1)]
    rates[0] = replace(rates[0], headline=carries)
    return replace(
        snapshot,
        windows=(*snapshot.windows, *rates),
        notice="" if carries else snapshot.notice,
    )


def rate_window(one: Pair, rank: int) -> UsageWindow:
    """The busiest minute of the last hour."""
    note = (one.key.model, one.key.location, f"busiest minute {of_limit(one)}")
    return UsageWindow(
        id="rate" if rank == 1 else f"rate{rank}",
        label=short_name(one.key),
        used_percent=one.percent,
        used=one.used,
        limit=one.limit,
        resets_text=joined(note),
        headline=False,
    )


def short_name(key: Key) -> str:
    """The metric without its service."""
    return key.metric.removeprefix(SERVICE_PREFIX)


def of_limit(one: Pair) -> str:
    """`18 of 75`."""
    return f"{amount_text(one.used)} of {amount_text(one.limit)}"
