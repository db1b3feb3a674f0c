"""Spending of the Go plan per day, from the database opencode keeps on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from tui.core.errors import Unsupported
from tui.core.models import ProviderSnapshot, SeriesPoint, UsageSeries
from tui.providers._context import FetchContext
from tui.providers._parse import number, timestamp
from tui.providers.opencode.go import FOLDER

DATABASE = f"{FOLDER}/opencode.db"
DAYS = 14
MESSAGES = """
    SELECT id, time_created, json_extract(data, '$.cost') FROM message
    WHERE time_created >= ? AND json_valid(data)
      AND json_extract(data, '$.role') = 'assistant'
      AND json_extract(data, '$.providerID') = 'opencode-go'
"""
STEPS = """
    SELECT part.message_id, sum(json_extract(part.data, '$.cost')) FROM part
    JOIN message ON message.id = part.message_id
    WHERE message.time_created >= ? AND json_valid(part.data)
      AND json_extract(part.data, '$.type') = 'step-finish'
    GROUP BY part.message_id
"""
"""The steps of a message, whose costs are exacter than that of the message."""


async def add_history(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """A chart of the last two weeks."""
    if ctx.key.account:
        return snapshot
    today = ctx.clock.now().astimezone().date()
    since_ms = (ctx.clock.now() - timedelta(days=DAYS + 1)).timestamp() * 1000
    database = ctx.files.expand(DATABASE)
    messages = await ctx.files.query(database, MESSAGES, (since_ms,))
    if not messages:
        return snapshot
    steps = dict(await _steps(ctx, database, since_ms))
    return replace(snapshot, series=(*snapshot.series, daily_cost(messages, steps, today)))


async def _steps(ctx: FetchContext, database: Path, since_ms: float) -> Sequence[Any]:
    try:
        return await ctx.files.query(database, STEPS, (since_ms,)) or ()
    except Unsupported:
        return ()


def daily_cost(
    messages: Iterable[Sequence[Any]], steps: Mapping[Any, Any], today: date
) -> UsageSeries:
    """USD per local day, oldest first.

    Args:
        messages: Rows of id, creation in milliseconds, cost in USD.
        steps: Cost by id, where it is known in steps.
    """
    sums = dict.fromkeys((today - timedelta(days=back) for back in reversed(range(DAYS))), 0.0)
    for id, created_ms, cost in messages:
        created_at: datetime | None = timestamp(created_ms)
        usd = number(steps.get(id)) or number(cost)
        if created_at is not None and usd and (day := created_at.astimezone().date()) in sums:
            sums[day] += usd
    points = tuple(SeriesPoint(f"{day:%m-%d}", round(usd, 4)) for day, usd in sums.items())
    return UsageSeries(
        id="spend", label="Go spending per day on this machine", unit="USD", points=points
    )
