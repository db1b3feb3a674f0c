"""Days, periods and models made of counted tokens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tui.core.costs import Span, Spent, days_of, longest_span, summarize, unknown_cost
from tui.core.models import CostSummary
from tui.core.pricing import RequestTokens

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


class Replies:
    """Replies at moments, asked for by span."""

    def __init__(self, *replies: tuple[str, str, RequestTokens]) -> None:
        self._replies = [
            (int(datetime.fromisoformat(at).timestamp()), Spent(model, tokens.prompt, tokens))
            for at, model, tokens in replies
        ]

    def __call__(self, span: Span) -> Iterable[Spent]:
        return [spent for at, spent in self._replies if span.start <= at < span.end]


def summary_of(
    *replies: tuple[str, str, RequestTokens], now: datetime = NOON, tz: str = "UTC"
) -> CostSummary:
    return summarize(Replies(*replies), now, ZoneInfo(tz))


def dollar(count: int = 1) -> RequestTokens:
    """So many dollars at the price of claude-opus-4-8."""
    return RequestTokens(input=200_000 * count)


def usd_by_day(summary: CostSummary) -> dict[str, Decimal | None]:
    return {day.label: day.usd for day in summary.days if day.tokens.total}


def test_periods_end_with_today_and_include_it() -> None:
    summary = summary_of(
        ("2026-11-20T00:00:00Z", "claude-opus-4-8", dollar(1)),
        ("2026-11-14T00:00:00Z", "claude-opus-4-8", dollar(10)),
        ("2026-11-13T23:59:59Z", "claude-opus-4-8", dollar(100)),
        ("2026-10-22T00:00:00Z", "claude-opus-4-8", dollar(1000)),
        ("2026-10-21T23:59:59Z", "claude-opus-4-8", dollar(10_000)),
    )
    assert summary.today.usd == 1
    assert summary.last_7_days.usd == 11
    assert summary.last_30_days.usd == 1111
    assert [len(summary.days), summary.days[0].label] == [30, "2026-10-22"]
    assert summary.days[-1].label == "2026-11-20"


def test_evening_work_counts_on_the_local_day() -> None:
    late = ("2026-11-19T23:30:00Z", "claude-opus-4-8", dollar())
    assert usd_by_day(summary_of(late, tz="UTC")) == {"2026-11-19": 1}
    assert usd_by_day(summary_of(late, tz="Europe/Berlin")) == {"2026-11-20": 1}
    assert usd_by_day(summary_of(late, tz="America/New_York")) == {"2026-11-19": 1}


@pytest.mark.parametrize(
    ("today", "hours"),
    [
        pytest.param(date(2026, 3, 29), 23, id="clocks go forward"),
        pytest.param(date(2026, 10, 25), 25, id="clocks go back"),
        pytest.param(date(2026, 6, 1), 24, id="an ordinary day"),
    ],
)
def test_days_have_the_length_the_clocks_give_them(today: date, hours: int) -> None:
    tomorrow = datetime.combine(today + timedelta(days=1), datetime.min.time(), BERLIN)
    spans = dict(days_of(tomorrow, BERLIN))
    assert spans[today].end - spans[today].start == hours * 3600


def test_days_follow_each_other_without_a_gap() -> None:
    in_april = datetime(2026, 4, 10, 12, tzinfo=UTC)
    for tz in (BERLIN, ZoneInfo("Asia/Beirut"), ZoneInfo("Asia/Kathmandu"), UTC):
        spans = [span for _, span in days_of(in_april, tz)]
        assert [span.end for span in spans[:-1]] == [span.start for span in spans[1:]]


def test_the_hour_that_comes_twice_belongs_to_one_day() -> None:
    summary = summary_of(
        ("2026-10-25T00:30:00Z", "claude-opus-4-8", dollar()),
        ("2026-10-25T01:30:00Z", "claude-opus-4-8", dollar()),
        ("2026-10-25T23:30:00Z", "claude-opus-4-8", dollar()),
        now=datetime(2026, 10, 27, tzinfo=UTC),
        tz="Europe/Berlin",
    )
    assert usd_by_day(summary) == {"2026-10-25": 2, "2026-10-26": 1}


def test_what_lies_in_the_future_is_not_of_today() -> None:
    summary = summary_of(
        ("2026-11-20T12:00:01Z", "claude-opus-4-8", dollar()),
        ("2026-11-21T09:00:00Z", "claude-opus-4-8", dollar()),
    )
    assert summary.today.usd == 0
    assert summary.last_30_days.usd == 0


def test_a_price_that_changes_during_a_local_day_cuts_it() -> None:
    read = RequestTokens(read=1_000_000)
    summary = summarize(
        Replies(
            ("2026-10-06T23:59:00Z", "claude-sonnet-5-5", read),
            ("2026-10-07T00:01:00Z", "claude-sonnet-5-5", read),
        ),
        datetime(2026, 10, 7, 10, tzinfo=UTC),
        timezone(timedelta(hours=12)),
    )
    assert usd_by_day(summary) == {"2026-10-07": Decimal("0.30")}


def test_tokens_without_a_price_are_counted_and_make_the_total_partial() -> None:
    summary = summary_of(
        ("2026-11-20T10:00:00Z", "claude-opus-4-8", dollar()),
        ("2026-11-20T10:00:00Z", "claude-unheard-9", RequestTokens(output=7)),
    )
    assert summary.today.usd == 1
    assert summary.today.partial
    assert summary.today.tokens.output == 7
    assert summary.unknown_models == ("claude-unheard-9",)


def test_a_period_of_unknown_models_only_has_no_cost() -> None:
    summary = summary_of(("2026-11-20T10:00:00Z", "claude-unheard-9", dollar()))
    assert summary.today.usd is None
    assert summary.today.partial


def test_a_day_without_requests_cost_nothing() -> None:
    summary = summary_of(("2026-11-18T10:00:00Z", "claude-opus-4-8", dollar()))
    assert summary.today.usd == 0
    assert not summary.today.partial


def test_models_are_listed_dearest_first_and_unknown_ones_last() -> None:
    summary = summary_of(
        ("2026-11-01T10:00:00Z", "claude-unheard-9", dollar(9)),
        ("2026-11-01T10:00:00Z", "claude-haiku-4-5-20251001", dollar()),
        ("2026-11-02T10:00:00Z", "claude-opus-4-8@default", dollar(2)),
        ("2026-11-03T10:00:00Z", "claude-opus-4-8", dollar(1)),
    )
    assert [(model.label, model.usd) for model in summary.models] == [
        ("claude-opus-4-8", 3),
        ("claude-haiku-4-5", Decimal("0.2")),
        ("claude-unheard-9", None),
    ]


def test_logs_that_were_never_read_have_no_cost() -> None:
    summary = unknown_cost(scanning=True)
    assert summary.today.usd is None
    assert summary.scanning


def test_the_longest_period_spans_all_days() -> None:
    spans = [span for _, span in days_of(NOON, BERLIN)]
    assert longest_span(NOON, BERLIN) == Span(spans[0].start, spans[-1].end)
