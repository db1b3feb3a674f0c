"""Tokens per day from the session files the Droid CLI leaves on this machine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from tui.core.errors import FetchError
from tui.core.models import DetailRow, ProviderSnapshot, SeriesPoint, UsageSeries
from tui.core.wording import tokens_text
from tui.providers._context import FetchContext, FileInfo
from tui.providers._parse import integer, mapping, text
from tui.providers.factory.cli_login import FOLDER

DAYS = 14
MOST_FILES = 300
SUFFIX = ".settings.json"
GROUP = f"Droid CLI on this machine, {DAYS} days"
KINDS = (
    "inputTokens",
    "outputTokens",
    "thinkingTokens",
    "cacheCreationTokens",
    "cacheReadTokens",
)


class Session(NamedTuple):
    """One session of the CLI, on the day it ran last."""

    day: date
    model: str
    tokens: int


async def add_history(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """A chart of the last two weeks and a row per model."""
    if ctx.key.account:
        return snapshot
    today = ctx.clock.now().astimezone().date()
    sessions = [
        session
        for file in await _session_files(ctx, today - timedelta(days=DAYS - 1))
        if (session := await _read_session(ctx, file)) is not None
    ]
    if not sessions:
        return snapshot
    return replace(
        snapshot,
        series=(*snapshot.series, _series(sessions, today)),
        details=(*snapshot.details, *_rows(sessions)),
    )


async def _session_files(ctx: FetchContext, since: date) -> list[FileInfo]:
    """The session files written since a day, newest first."""
    projects = await ctx.files.list(ctx.files.expand(f"{FOLDER}/sessions"))
    files = [
        file
        for project in projects
        if project.is_dir
        for file in await ctx.files.list(project.path)
        if file.path.name.endswith(SUFFIX) and _day(file) >= since
    ]
    return sorted(files, key=lambda file: file.mtime, reverse=True)[:MOST_FILES]


async def _read_session(ctx: FetchContext, file: FileInfo) -> Session | None:
    try:
        content = await ctx.files.read_text(file.path)
    except FetchError:
        return None
    return parse_session(content or "", _day(file))


def _day(file: FileInfo) -> date:
    return file.mtime.astimezone().date()


def parse_session(content: str, day: date) -> Session | None:
    """Tokens of one session without its child runs, which have files of their own."""
    try:
        data: Any = mapping(json.loads(content))
    except (ValueError, RecursionError):
        return None
    usage = mapping(data.get("tokenUsage"))
    tokens = sum(max(integer(usage.get(kind)) or 0, 0) for kind in KINDS)
    return Session(day, text(data.get("model")), tokens) if tokens else None


def _series(sessions: Iterable[Session], today: date) -> UsageSeries:
    sums: Counter[date] = Counter()
    for session in sessions:
        sums[session.day] += session.tokens
    days = (today - timedelta(days=back) for back in reversed(range(DAYS)))
    points = tuple(SeriesPoint(f"{day:%m-%d}", float(sums[day])) for day in days)
    return UsageSeries(
        id="tokens", label="Tokens per day on this machine", unit="tokens", points=points
    )


def _rows(sessions: Iterable[Session]) -> list[DetailRow]:
    sums: Counter[str] = Counter()
    for session in sessions:
        sums[session.model or "unknown model"] += session.tokens
    return [DetailRow(GROUP, model, tokens_text(count)) for model, count in sums.most_common(8)]
