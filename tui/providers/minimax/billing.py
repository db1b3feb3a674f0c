"""The billing history: tokens per day of the last 30 days, by model and method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from tui.core.models import DetailRow, ProviderSnapshot, SeriesPoint, UsageSeries
from tui.core.wording import money, tokens_text
from tui.providers._parse import decimal, first_text, integer, items, number, text, timestamp
from tui.providers.minimax.answers import flattened

DAYS = 30
MOST_ROWS = 5
GROUP = f"Billing, {DAYS} days"
DAY_FORMS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d")
SECONDS_BELOW = 10**12
LARGEST = 10**15
"""What is larger is no count of tokens."""


class Charge(NamedTuple):
    """One record that counts."""

    day: date
    tokens: int
    cash: Decimal
    model: str
    method: str


class Charges(NamedTuple):
    """One page of the history."""

    charges: tuple[Charge, ...]
    """Those that count."""
    records: int
    """All on this page."""
    total: int | None
    """On all pages."""
    oldest: date | None


def first_day(today: date) -> date:
    """Where the shown history begins."""
    return today - timedelta(days=DAYS - 1)


# -- reading ---------------------------------------------------------------------------------------


def parse_charges(answer: Mapping[str, Any]) -> Charges:
    """A page of an answer that is no refusal."""
    body = flattened(answer)
    rows = [row for row in items(body.get("charge_records")) if isinstance(row, dict)]
    dated = [(row, _day(row)) for row in rows]
    days = [day for _, day in dated if day is not None]
    return Charges(
        charges=tuple(_charge(row, day) for row, day in dated if day and _is_good(row)),
        records=len(rows),
        total=integer(body.get("total_cnt")),
        oldest=min(days, default=None),
    )


def _charge(row: Mapping[str, Any], day: date) -> Charge:
    cash = decimal(row.get("consume_cash_after_voucher"))
    cash = decimal(row.get("consume_cash")) if cash is None else cash
    return Charge(
        day=day,
        tokens=_tokens(row),
        cash=cash or Decimal(0),
        model=first_text(row, "model") or "unknown model",
        method=first_text(row, "method") or "unknown method",
    )


def _tokens(row: Mapping[str, Any]) -> int:
    """The sum where it is sent, else input and output."""
    both = ("consume_input_token", "consume_output_token")
    return _count(row.get("consume_token")) or sum(_count(row.get(name)) for name in both)


def _count(value: Any) -> int:
    """A whole number within reason, else none at all."""
    found = integer(value) or 0
    return found if 0 < found < LARGEST else 0


def _is_good(row: Mapping[str, Any]) -> bool:
    """Failed records cost nothing; a status of 0 is no success here."""
    results = (row.get("result"), row.get("status"))
    said = [result for result in results if result not in (None, "")]
    return all(text(result).lower() == "success" for result in said)


def _day(row: Mapping[str, Any]) -> date | None:
    """The local day of a record."""
    return (
        _day_of_moment(row.get("created_at"))
        or _day_as_written(row.get("ymd"))
        or _day_of_moment(row.get("consume_time"))
        or _day_as_written(row.get("consume_time"))
    )


def _day_of_moment(value: Any) -> date | None:
    seconds = number(value)
    if seconds is not None:
        value = seconds / 1000 if seconds > SECONDS_BELOW else seconds
        moment = timestamp(value) if SECONDS_BELOW / 1000 < value < SECONDS_BELOW / 10 else None
    else:
        moment = timestamp(value) if isinstance(value, str) and len(value) > 10 else None
    return moment.astimezone().date() if moment is not None else None


def _day_as_written(value: Any) -> date | None:
    written = text(str(value))[:10]
    for form in DAY_FORMS:
        try:
            return datetime.strptime(written, form).date()
        except ValueError:
            continue
    return None


# -- adding ----------------------------------------------------------------------------------------


def with_charges(
    snapshot: ProviderSnapshot, charges: Sequence[Charge], *, today: date, currency: str
) -> ProviderSnapshot:
    """A chart of tokens per day, the sums, and what they went to."""
    shown = [charge for charge in charges if first_day(today) <= charge.day <= today]
    if not shown:
        return snapshot
    return replace(
        snapshot,
        series=(*snapshot.series, _series(shown, today)),
        details=(*snapshot.details, *_rows(shown, currency)),
    )


def _series(charges: Sequence[Charge], today: date) -> UsageSeries:
    sums: Counter[date] = Counter()
    for charge in charges:
        sums[charge.day] += charge.tokens
    days = (first_day(today) + timedelta(days=later) for later in range(DAYS))
    points = tuple(SeriesPoint(f"{day:%m-%d}", float(sums[day])) for day in days)
    return UsageSeries(id="tokens.30d", label="Tokens per day", unit="tokens", points=points)


def _rows(charges: Sequence[Charge], currency: str) -> list[DetailRow]:
    cash = sum((charge.cash for charge in charges), Decimal(0))
    return [
        DetailRow(GROUP, "Tokens", tokens_text(sum(charge.tokens for charge in charges))),
        *([DetailRow(GROUP, "Charged", money(cash, currency))] if cash > 0 else []),
        *_top("Tokens by model", charges, lambda charge: charge.model),
        *_top("Tokens by method", charges, lambda charge: charge.method),
    ]


def _top(
    group: str, charges: Sequence[Charge], name_of: Callable[[Charge], str]
) -> list[DetailRow]:
    sums: Counter[str] = Counter()
    for charge in charges:
        sums[name_of(charge)] += charge.tokens
    return [DetailRow(group, name, tokens_text(sum_)) for name, sum_ in sums.most_common(MOST_ROWS)]
