"""What stands beside the usage: who it is, organisations, and the spending of the last days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from tui.core.models import (
    Balance,
    DetailRow,
    ProviderSnapshot,
    SeriesPoint,
    UsageSeries,
    UsageWindow,
)
from tui.core.wording import counted, joined, tokens_text
from tui.providers._parse import decimal, first_text, integer, items, mapping, text, usd
from tui.providers.kilo.credits import LARGEST, MICRO, Credits, credits_window, first_decimal

ORGANISATIONS = "Organisations"
DAYS = 30
SPENDING = f"Spending, {DAYS} days"
MOST_MODELS = 8
UNREADABLE = "could not be read"
"""Shown for an organisation whose calls failed."""


# -- profile ---------------------------------------------------------------------------------------


class Profile(NamedTuple):
    """Who it is."""

    email: str = ""
    organisations: tuple[tuple[str, str, str], ...] = ()
    """Id, name and role of each."""

    def name_of(self, organisation_id: str) -> str:
        """The name of an organisation, else the beginning of its id."""
        names = (name for id, name, _ in self.organisations if id == organisation_id)
        return next(filter(None, names), f"Organisation {organisation_id[:8]}")


def parse_profile(answer: Mapping[str, Any]) -> Profile:
    """The profile; there may be no organisation."""
    rows = [mapping(row) for row in items(answer.get("organizations"))]
    return Profile(
        email=first_text(answer, "user.email", "user.name"),
        organisations=tuple(
            (text(row.get("id")), text(row.get("name")), text(row.get("role")))
            for row in rows
            if text(row.get("id"))
        ),
    )


def with_profile(snapshot: ProviderSnapshot, profile: Profile) -> ProviderSnapshot:
    """The snapshot with its account, and the organisations one may choose from."""
    rows = [
        DetailRow(ORGANISATIONS, joined((name or "Unnamed", role)), id)
        for id, name, role in profile.organisations
    ]
    return replace(
        snapshot,
        identity=replace(snapshot.identity, account=profile.email),
        details=(*snapshot.details, *rows),
    )


# -- organisations ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One organisation's numbers, by blocks or by its balance alone; neither when both failed."""

    id: str
    name: str
    credits: Credits | None = None
    balance: Decimal | None = None

    @property
    def _id(self) -> str:
        return f"organisation-{self.id.lower()}.credits"

    def windows(self) -> Iterator[UsageWindow]:
        """Its credits, beside the main number."""
        if self.credits is not None:
            window = credits_window(self.credits, id=self._id, label=f"{self.name} credits")
            yield replace(window, headline=False)

    def balances(self) -> Iterator[Balance]:
        """Its balance."""
        if self.balance is not None:
            yield Balance(id=self._id, label=f"{self.name} credits", amount=self.balance)

    def rows(self) -> Iterator[DetailRow]:
        """That nothing could be read."""
        if self.credits is None and self.balance is None:
            yield DetailRow(ORGANISATIONS, f"{self.name} credits", UNREADABLE)


def parse_balance(answer: Mapping[str, Any]) -> Decimal | None:
    """The dollars an organisation has left."""
    return first_decimal(answer, ("balance",))


def with_scopes(snapshot: ProviderSnapshot, scopes: Sequence[Scope]) -> ProviderSnapshot:
    """The snapshot with a row per organisation."""
    return replace(
        snapshot,
        windows=(*snapshot.windows, *(found for scope in scopes for found in scope.windows())),
        balances=(*snapshot.balances, *(found for scope in scopes for found in scope.balances())),
        details=(*snapshot.details, *(row for scope in scopes for row in scope.rows())),
    )


# -- history ---------------------------------------------------------------------------------------


class Spent(NamedTuple):
    """What one model cost on one day."""

    day: date
    model: str
    dollars: Decimal
    requests: int
    tokens: int


TOKENS = (
    *("total_input_tokens", "total_output_tokens"),
    *("total_cache_write_tokens", "total_cache_hit_tokens"),
)


def parse_history(answer: Mapping[str, Any]) -> tuple[Spent, ...]:
    """The rows that have a day."""
    rows = (_spent(mapping(row)) for row in items(answer.get("usage")))
    return tuple(row for row in rows if row is not None)


def _spent(row: Mapping[str, Any]) -> Spent | None:
    cost = decimal(row.get("total_cost")) or Decimal(0)
    try:
        day = datetime.strptime(text(row.get("date"))[:10], "%Y-%m-%d").date()
    except ValueError:
        return None
    if abs(cost) > LARGEST:
        return None
    return Spent(
        day=day,
        model=text(row.get("model")) or "unknown model",
        dollars=cost / MICRO,
        requests=_count(row.get("request_count")),
        tokens=sum(_count(row.get(name)) for name in TOKENS),
    )


def _count(value: Any) -> int:
    """A whole number within reason, else none at all."""
    found = integer(value) or 0
    return found if 0 < found < LARGEST else 0


def with_history(
    snapshot: ProviderSnapshot, spent: Sequence[Spent], today: date
) -> ProviderSnapshot:
    """A chart of dollars per day, and what the models cost."""
    first = today - timedelta(days=DAYS - 1)
    shown = [row for row in spent if first <= row.day <= today]
    if not shown:
        return snapshot
    sums: defaultdict[date, Decimal] = defaultdict(Decimal)
    for row in shown:
        sums[row.day] += row.dollars
    days = [first + timedelta(days=later) for later in range(DAYS)]
    points = tuple(SeriesPoint(f"{day:%m-%d}", float(sums[day])) for day in days)
    chart = UsageSeries(id="spend.30d", label="Dollars per day", unit="USD", points=points)
    return replace(
        snapshot,
        series=(*snapshot.series, chart),
        details=(*snapshot.details, *_model_rows(shown)),
    )


def _model_rows(spent: Sequence[Spent]) -> Iterator[DetailRow]:
    models = {row.model for row in spent}
    cost = {
        model: sum((r.dollars for r in spent if r.model == model), Decimal(0)) for model in models
    }
    for model in sorted(models, key=lambda name: (-cost[name], name))[:MOST_MODELS]:
        rows = [row for row in spent if row.model == model]
        requests, tokens = sum(row.requests for row in rows), sum(row.tokens for row in rows)
        words = (
            usd(cost[model]),
            counted(Decimal(requests), "requests"),
            f"{tokens_text(tokens)} tokens" if tokens else "",
        )
        yield DetailRow(SPENDING, model, joined(words))
