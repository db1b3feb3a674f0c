"""Estimated spend by day, period, model and project, from tokens that were counted.

Pure: the caller brings the tokens, the moment and the time zone. Days are those of the calendar
there, daylight saving included; every period ends now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from tui.core.models import CostPeriod, CostSummary, TokenCounts
from tui.core.pricing import PRICE_CHANGES, RequestTokens, base_id, cost_at, find_price

ESTIMATE_NOTE = "Estimated from local logs · may differ from your bill"
RETENTION_NOTE = "from the logs still on this machine"
"""Belongs to the longest period: the program that wrote them deletes old logs."""
TODAY, WEEK, LONGEST = "Today", "Last 7 days", "Last 30 days"
WEEK_DAYS = 7
LONGEST_DAYS = 30


class Spent(NamedTuple):
    """Tokens of requests that have one price."""

    model: str
    """As logged."""
    prompt: int
    """A length of prompt that stands for all of them."""
    tokens: RequestTokens


class Span(NamedTuple):
    """From one moment up to another, in seconds since 1970."""

    start: int
    end: int


def days_of(now: datetime, tz: tzinfo) -> Iterator[tuple[date, Span]]:
    """The days of the longest period, oldest first; the last one is today, up to now."""
    today = now.astimezone(tz).date()
    for back in range(LONGEST_DAYS - 1, -1, -1):
        day = today - timedelta(days=back)
        end = _midnight(day + timedelta(days=1), tz) if back else int(now.timestamp()) + 1
        yield day, Span(_midnight(day, tz), end)


def longest_span(now: datetime, tz: tzinfo) -> Span:
    """The longest period as a whole."""
    spans = [span for _, span in days_of(now, tz)]
    return Span(spans[0].start, spans[-1].end)


def at_one_price(span: Span) -> Iterator[Span]:
    """The span, cut where prices change."""
    changes = [int(at.timestamp()) for at in PRICE_CHANGES]
    cuts = [span.start, *(at for at in changes if span.start < at < span.end), span.end]
    return (Span(*pair) for pair in pairwise(cuts))


def _midnight(day: date, tz: tzinfo) -> int:
    return int(datetime.combine(day, time(), tz).timestamp())


class Tally:
    """Requests added up. Their costs are added, never the cost of a sum taken."""

    def __init__(self) -> None:
        self._usd = Decimal(0)
        self._tokens = TokenCounts()
        self._has_price = False
        self._lacks_price = False

    def add(self, usd: Decimal | None, tokens: TokenCounts) -> None:
        """Requests of one model; without a price their tokens count alone."""
        self._tokens += tokens
        if usd is None:
            self._lacks_price = True
        else:
            self._has_price = True
            self._usd += usd

    def period(self, label: str) -> CostPeriod:
        """What was added, under a name."""
        is_unknown = self._lacks_price and not self._has_price
        return CostPeriod(
            label=label,
            usd=None if is_unknown else self._usd,
            tokens=self._tokens,
            partial=self._lacks_price,
        )


def cost_of(spent: Spent, at: int) -> Decimal | None:
    """US dollars at the prices of a moment; `None` when the model has none."""
    price = find_price(spent.model, datetime.fromtimestamp(at, UTC), spent.prompt)
    return None if price is None else cost_at(price, spent.tokens)


def summarize(
    spent_in: Callable[[Span], Iterable[Spent]], now: datetime, tz: tzinfo
) -> CostSummary:
    """Today, the last 7 and 30 days, each day and each model.

    Args:
        spent_in: Tokens of a span of time.
        tz: Where the days begin.
    """
    today, week, longest = Tally(), Tally(), Tally()
    days: list[CostPeriod] = []
    models: defaultdict[str, Tally] = defaultdict(Tally)
    unknown: set[str] = set()
    for day, span in days_of(now, tz):
        of_day = Tally()
        back = LONGEST_DAYS - 1 - len(days)
        periods = [of_day, longest]
        periods += [week] if back < WEEK_DAYS else []
        periods += [today] if back == 0 else []
        for part in at_one_price(span):
            for spent in spent_in(part):
                name, usd = base_id(spent.model), cost_of(spent, part.start)
                for tally in (*periods, models[name]):
                    tally.add(usd, spent.tokens.counts)
                if usd is None:
                    unknown.add(name)
        days.append(of_day.period(day.isoformat()))
    return CostSummary(
        today=today.period(TODAY),
        last_7_days=week.period(WEEK),
        last_30_days=longest.period(LONGEST),
        models=dearest_first(models),
        days=tuple(days),
        unknown_models=tuple(sorted(unknown)),
    )


def dearest_first(tallies: Mapping[str, Tally]) -> tuple[CostPeriod, ...]:
    """Those without a price come last, larger ones first."""
    periods = [tally.period(name) for name, tally in tallies.items()]
    return tuple(
        sorted(periods, key=lambda it: (it.usd is None, -(it.usd or 0), -it.tokens.total, it.label))
    )


def unknown_cost(*, scanning: bool = False, notice: str = "") -> CostSummary:
    """The summary while no log was read."""
    never = CostPeriod(label="", usd=None, tokens=TokenCounts())
    return CostSummary(
        today=replace(never, label=TODAY),
        last_7_days=replace(never, label=WEEK),
        last_30_days=replace(never, label=LONGEST),
        scanning=scanning,
        notice=notice,
    )
