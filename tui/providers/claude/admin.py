"""What an organization spends, by its admin key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tui.core.errors import FetchError, MissingCredentials, ParseError, Unauthorized
from tui.core.http import Reply
from tui.core.models import (
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    SeriesPoint,
    UsageSeries,
)
from tui.core.redact import Secret
from tui.core.wording import money, tokens_text
from tui.providers._context import FetchContext, HeaderValue
from tui.providers._gate import politely
from tui.providers._parse import (
    ErrorTable,
    decimal,
    ensure_ok,
    integer,
    items,
    json_object,
    mapping,
    text,
    timestamp,
)
from tui.providers.claude.logins import find_admin_key

SERVICE = "Anthropic"
BASE = "https://api.anthropic.com/v1/organizations"
COSTS = f"{BASE}/cost_report"
TOKENS = f"{BASE}/usage_report/messages"
VERSION = "2023-06-01"
TIMEOUT_S = 20.0
DAYS = 30
MOST_DAYS = "31"
MOST_ROWS = 12
USD = "USD"
PLAN = "Admin API"
OTHER = "Other"
BILLING = "https://console.anthropic.com/settings/billing"
TOKEN_COUNTS = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")


async def leave_to_admin_key(ctx: FetchContext) -> None:
    """With an admin key, `auto` is about the organization alone.

    Raises:
        MissingCredentials: There is one.
    """
    if ctx.mode == "auto" and await find_admin_key(ctx) is not None:
        raise MissingCredentials("Left out: an admin key is set.")


def key_refused(reply: Reply) -> FetchError:
    """HTTP 401 and 403."""
    return Unauthorized(
        f"{SERVICE} did not accept the admin key.",
        hint="Check it at console.anthropic.com/settings/admin-keys.",
    )


ERRORS: ErrorTable = {401: key_refused, 403: key_refused}


async def fetch_costs(ctx: FetchContext) -> ProviderSnapshot:
    """The spend of the last 30 days."""
    key = await find_admin_key(ctx)
    if key is None:
        raise MissingCredentials(
            "No admin key is set.", hint="Set ANTHROPIC_ADMIN_KEY, or save a key sk-ant-admin…."
        )
    answer = await _ask(ctx, key.value, COSTS, "description")
    snapshot = parse_costs(answer, key=ctx.key, now=ctx.clock.now())
    return replace(snapshot, origin=key.origin)


async def add_tokens(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """The tokens of the same days, by model."""
    key = await find_admin_key(ctx)
    if key is None:
        return snapshot
    rows = token_rows(await _ask(ctx, key.value, TOKENS, "model"))
    return replace(snapshot, details=(*snapshot.details, *rows))


async def _ask(ctx: FetchContext, key: Secret, url: str, group: str) -> dict[str, Any]:
    today = ctx.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    params = {
        "starting_at": _day_text(today - timedelta(days=DAYS - 1)),
        "ending_at": _day_text(today + timedelta(days=1)),
        "bucket_width": "1d",
        "limit": MOST_DAYS,
        "group_by[]": group,
    }
    headers: dict[str, HeaderValue] = {"x-api-key": key, "anthropic-version": VERSION}
    with politely(ctx, key, SERVICE):
        reply = await ctx.http.send("GET", url, headers=headers, params=params, timeout_s=TIMEOUT_S)
        ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS)
    return json_object(reply, SERVICE)


def _day_text(day: datetime) -> str:
    return f"{day:%Y-%m-%dT00:00:00Z}"


# -- reading ---------------------------------------------------------------------------------------


def parse_costs(answer: Mapping[str, Any], *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """Spend of today and of all days, each day, and what it was for.

    Raises:
        ParseError: There is no list of days in the answer.
    """
    days, purposes = Sums(), Sums()
    for day, results in _days(answer):
        spent = _spent_on(results)
        if spent or not results:
            days.add(day, Decimal())
        for purpose, usd in spent:
            days.add(day, usd)
            purposes.add(purpose, usd)
    return ProviderSnapshot(
        key=key,
        source_id="api",
        fetched_at=now,
        balances=tuple(_totals(days, now)),
        identity=Identity(plan=PLAN),
        details=tuple(
            DetailRow("Spend, last 30 days", purpose, money(usd, USD))
            for purpose, usd in purposes.largest()
        ),
        series=tuple(_chart(days)),
        dashboard_url=BILLING,
    )


def token_rows(answer: Mapping[str, Any]) -> tuple[DetailRow, ...]:
    """Tokens of every kind by model, most first."""
    models = Sums()
    for _, results in _days(answer):
        for result in results:
            models.add(text(result.get("model")) or OTHER, Decimal(_tokens(result)))
    return tuple(
        DetailRow("Tokens, last 30 days", model, tokens_text(count))
        for model, count in models.largest()
        if count
    )


class Sums(dict[str, Decimal]):
    """Amounts by name."""

    def add(self, name: str, amount: Decimal) -> None:
        """Add to what is there."""
        self[name] = self.get(name, Decimal()) + amount

    def largest(self) -> list[tuple[str, Decimal]]:
        """The largest few."""
        return sorted(self.items(), key=lambda item: (-item[1], item[0]))[:MOST_ROWS]


def _days(answer: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each day as `2026-09-10`, with its results."""
    if not isinstance(answer.get("data"), list):
        raise ParseError(f"{SERVICE} sent no list of days.")
    for bucket in map(mapping, answer["data"]):
        starts_at = timestamp(bucket.get("starting_at"))
        if starts_at is not None:
            yield f"{starts_at:%Y-%m-%d}", list(map(mapping, items(bucket.get("results"))))


def _spent_on(results: list[dict[str, Any]]) -> list[tuple[str, Decimal]]:
    """What is known of a day; the amounts are texts that count cents."""
    return [
        (text(result.get("description")) or OTHER, cents / 100)
        for result in results
        if (cents := decimal(result.get("amount"))) is not None
    ]


def _tokens(result: Mapping[str, Any]) -> int:
    written = result.get("cache_creation")
    counts = [result.get(name) for name in TOKEN_COUNTS]
    counts += written.values() if isinstance(written, dict) else [written]
    return sum(max(integer(count) or 0, 0) for count in counts)


def _totals(days: Sums, now: datetime) -> Iterator[Balance]:
    today = days.get(f"{now:%Y-%m-%d}")
    if today is not None:
        yield Balance(id="today", label="Today", used=today)
    if days:
        yield Balance(id="last-30-days", label="Last 30 days", used=sum(days.values(), Decimal()))


def _chart(days: Sums) -> Iterator[UsageSeries]:
    points = tuple(SeriesPoint(day[5:], float(usd)) for day, usd in sorted(days.items()))
    if points:
        yield UsageSeries(id="spend", label="Spend by day", unit=USD, points=points)
