"""Tokens per hour and per day, by model, as bars and totals.

The server chooses hours or days by the length of the span that is asked for, so each kind needs a
request of its own. Its labels are local time without a zone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from tui.core.models import DetailRow, SeriesPoint, UsageSeries
from tui.providers._parse import integer, items, mapping, text
from tui.providers.zai.answers import accepted

MOST_MODELS = 20


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from some moment on."""

    id: str
    label: str
    since: Callable[[datetime], datetime]
    bar_label: str


@dataclass(frozen=True, slots=True)
class Span:
    """One request and the charts it feeds."""

    days: int
    """Its start lies at midnight so many days ago."""
    time_form: str
    """How its buckets are labelled."""
    charts: tuple[Chart, ...]
    """The last one covers the longest time and gives the totals."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens of one model in one hour or day."""

    starts_at: datetime
    model: str
    tokens: int


def midnight(now: datetime, days_ago: int = 0) -> datetime:
    """The beginning of a day, today or before."""
    return datetime.combine(now.date() - timedelta(days=days_ago), datetime.min.time())


HOURS = Span(
    days=1,
    time_form="%Y-%m-%d %H:%M",
    charts=(
        Chart("tokens.today", "Tokens today", midnight, "%H"),
        Chart("tokens.24h", "Tokens, last 24 hours", lambda now: now - timedelta(hours=24), "%H"),
    ),
)
DAYS = Span(
    days=30,
    time_form="%Y-%m-%d",
    charts=(
        Chart("tokens.7d", "Tokens, last 7 days", lambda now: midnight(now, 6), "%m-%d"),
        Chart("tokens.30d", "Tokens, last 30 days", lambda now: midnight(now, 29), "%m-%d"),
    ),
)


def span_query(span: Span, now: datetime) -> str:
    """`startTime` and `endTime` of a span, `now` being local time without a zone."""
    times = {
        "startTime": f"{midnight(now, span.days):%Y-%m-%d} 00:00:00",
        "endTime": f"{now:%Y-%m-%d %H}:59:59",
    }
    return urlencode(times, quote_via=quote)


def parse_usage(
    answer: dict[str, Any], span: Span, now: datetime
) -> tuple[tuple[UsageSeries, ...], tuple[DetailRow, ...]]:
    """The charts of a span and the totals per model.

    Args:
        now: Local time without a zone.

    Raises:
        FetchError: Refused.
    """
    buckets = list(_buckets(accepted(answer), span))
    drawn = [(chart, _since(buckets, chart.since(now))) for chart in span.charts]
    series = tuple(_series(chart, shown) for chart, shown in drawn if shown)
    longest, shown = drawn[-1]
    return series, tuple(_totals(longest.label, shown))


def _buckets(data: dict[str, Any], span: Span) -> Iterator[Bucket]:
    moments = [_moment(label, span.time_form) for label in items(data.get("x_time"))]
    for row in map(mapping, items(data.get("modelDataList"))):
        model = text(row.get("modelName")) or "Unknown"
        for moment, value in zip(moments, items(row.get("tokensUsage")), strict=False):
            tokens = integer(value)
            if moment is not None and tokens is not None and tokens > 0:
                yield Bucket(moment, model, tokens)


def _moment(label: Any, form: str) -> datetime | None:
    try:
        return datetime.strptime(text(label), form)
    except ValueError:
        return None


def _since(buckets: list[Bucket], start: datetime) -> list[Bucket]:
    return [bucket for bucket in buckets if bucket.starts_at >= start]


def _series(chart: Chart, buckets: list[Bucket]) -> UsageSeries:
    sums: Counter[datetime] = Counter()
    for bucket in buckets:
        sums[bucket.starts_at] += bucket.tokens
    points = tuple(
        SeriesPoint(f"{moment:{chart.bar_label}}", float(sums[moment])) for moment in sorted(sums)
    )
    return UsageSeries(id=chart.id, label=chart.label, unit="tokens", points=points)


def _totals(group: str, buckets: list[Bucket]) -> Iterator[DetailRow]:
    sums: Counter[str] = Counter()
    for bucket in buckets:
        sums[bucket.model] += bucket.tokens
    for model, tokens in sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:MOST_MODELS]:
        yield DetailRow(group, model, f"{tokens:,}")
