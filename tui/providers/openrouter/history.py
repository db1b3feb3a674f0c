"""What an account spent in the last 30 days, from the activity a management key may read.

The two answers can overlap, so an equal row counts once. Anything doubtful drops the whole
history: a sum that is nearly right is worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tui.core.errors import ParseError
from tui.core.models import DetailRow, SeriesPoint, UsageSeries
from tui.core.wording import money
from tui.providers._parse import decimal, integer, text

DAYS = 30
MOST_ROWS = 20_000
MOST_MODELS = 20
USD = "USD"
GROUP = "Spend, last 30 days"


@dataclass(frozen=True, slots=True)
class Place:
    """What a row is about: a day, a model and where it ran."""

    day: date
    model: str
    endpoint: str
    provider: str
    workspace: str


@dataclass(frozen=True, slots=True)
class Spend:
    """What it took."""

    charged: Decimal
    own_keys: Decimal
    """Estimated by the service, for requests with keys of other providers."""
    prompt: int
    completion: int
    reasoning: int
    """Part of `completion`."""
    requests: int

    @property
    def tokens(self) -> int:
        """Asked and answered."""
        return self.prompt + self.completion

    @property
    def total(self) -> Decimal:
        """Charged and estimated, in USD."""
        return self.charged + self.own_keys

    def __add__(self, other: Spend) -> Spend:
        return Spend(
            self.charged + other.charged,
            self.own_keys + other.own_keys,
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.reasoning + other.reasoning,
            self.requests + other.requests,
        )


NOTHING = Spend(Decimal(0), Decimal(0), 0, 0, 0, 0)


def parse_history(
    answers: Iterable[dict[str, Any]], today: date
) -> tuple[UsageSeries, tuple[DetailRow, ...]]:
    """Spending per day, and rows for the total, today and each model.

    Args:
        today: The day in UTC.

    Raises:
        ParseError: Any row of the last 30 days is in doubt.
    """
    rows = _rows(answers, today)
    series = UsageSeries(id="spend", label=GROUP, unit=USD, points=tuple(_days(rows, today)))
    return series, tuple(_details(rows, today))


def _rows(answers: Iterable[dict[str, Any]], today: date) -> dict[Place, Spend]:
    rows: dict[Place, Spend] = {}
    for index, row in enumerate(_raw_rows(answers)):
        if index >= MOST_ROWS:
            raise _doubt(f"at most {MOST_ROWS} rows")
        place = _place(row, today)
        if today - place.day >= timedelta(days=DAYS):
            continue
        spend = _spend(row)
        if rows.setdefault(place, spend) != spend:
            raise _doubt("one row for each day, model and endpoint")
    return rows


def _raw_rows(answers: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for answer in answers:
        data = answer.get("data")
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise _doubt("a list of objects")
        yield from data


def _place(row: dict[str, Any], today: date) -> Place:
    day = _day(row.get("date"))
    if day is None or day > today:
        raise _doubt("a list of past days")
    return Place(
        day,
        text(row.get("model")) or text(row.get("model_permaslug")) or "Unknown",
        text(row.get("endpoint_id")),
        text(row.get("provider_name")),
        text(row.get("workspace_id")),
    )


def _day(value: Any) -> date | None:
    """`2026-09-10` and no other spelling."""
    try:
        day = date.fromisoformat(text(value))
    except ValueError:
        return None
    return day if day.isoformat() == text(value) else None


def _spend(row: dict[str, Any]) -> Spend:
    prompt, completion, reasoning, requests = (
        _count(row, name)
        for name in ("prompt_tokens", "completion_tokens", "reasoning_tokens", "requests")
    )
    if reasoning > completion:
        raise _doubt("reasoning within completion tokens")
    own_keys = row.get("byok_usage_inference")
    return Spend(
        _usd(row.get("usage")),
        Decimal(0) if own_keys is None else _usd(own_keys),
        prompt,
        completion,
        reasoning,
        requests,
    )


def _count(row: dict[str, Any], name: str) -> int:
    value = row.get(name)
    found = None if isinstance(value, str) else integer(value)
    if found is None or found < 0:
        raise _doubt(f"whole numbers in {name}")
    return found


def _usd(value: Any) -> Decimal:
    found = None if isinstance(value, str) else decimal(value)
    if found is None:
        raise _doubt("finite amounts")
    return found


def _doubt(expected: str) -> ParseError:
    return ParseError(f"Unexpected answer: data should be {expected}.")


# -- sums ------------------------------------------------------------------------------------------


def _sum(spends: Iterable[Spend]) -> Spend:
    total = sum(spends, NOTHING)
    if not math.isfinite(float(total.total)):
        raise _doubt("finite in sum")
    return total


def _days(rows: dict[Place, Spend], today: date) -> Iterator[SeriesPoint]:
    for ago in reversed(range(DAYS)):
        day = today - timedelta(days=ago)
        spent = _sum(spend for place, spend in rows.items() if place.day == day)
        yield SeriesPoint(f"{day:%m-%d}", float(spent.total))


def _details(rows: dict[Place, Spend], today: date) -> Iterator[DetailRow]:
    total = _sum(rows.values())
    yield DetailRow(GROUP, "Total", f"{_text(total)} · {total.requests:,} requests")
    if total.own_keys:
        yield DetailRow(GROUP, "With own keys (estimate)", money(total.own_keys, USD))
    spent_today = _sum(spend for place, spend in rows.items() if place.day == today)
    yield DetailRow(GROUP, "Today", _text(spent_today))
    for model, spend in _by_model(rows)[:MOST_MODELS]:
        yield DetailRow("Models, last 30 days", model, _text(spend))


def _by_model(rows: dict[Place, Spend]) -> list[tuple[str, Spend]]:
    models: dict[str, Spend] = {}
    for place, spend in rows.items():
        models[place.model] = models.get(place.model, NOTHING) + spend
    return sorted(models.items(), key=lambda item: (-item[1].total, item[0]))


def _text(spend: Spend) -> str:
    return f"{money(spend.total, USD)} · {spend.tokens:,} tokens"
