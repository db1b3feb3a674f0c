"""The limits Codex noted in its last run, for when the service could not be asked.

Codex writes every answer's limits into the log of the session. They were true then, and the
snapshot says so by its moment; a window that has reset since is unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import nlargest
from pathlib import Path
from typing import Any, NamedTuple

from tui.core.models import ProviderKey, ProviderSnapshot, UsageWindow
from tui.providers._context import FetchContext, FileInfo
from tui.providers._parse import at, first_text, mapping, number, timestamp
from tui.providers.codex.logins import CODEX_LOGIN, LOG_FOLDERS, Login, find_home, find_logins
from tui.providers.codex.parse import PLACES, parse_server_limits

SUFFIX = ".jsonl"
NEWEST_FILES = 4
"""Sessions run side by side, and the one written last need not hold the newest limits."""
TAIL_BYTES = 256 << 10
HEAD_BYTES = 256
STARTED = re.compile(rb'"timestamp"\s*:\s*"([^"]{10,40})"')
MARK = b'"rate_limits"'
EVENT = "token_count"
NO_PLAN = frozenset({"", "unknown"})
WHOLE_ACCOUNT = frozenset({"", "codex"})
"""Ids of the limits that concern the account as a whole; others belong to single models."""
COPIED_WITHIN = timedelta(seconds=2)
"""A session that continues another begins with a copy of its log, stamped as new."""


class Note(NamedTuple):
    """Limits, and when they were written down."""

    at: datetime
    limits: Mapping[str, Any]


# -- reading ---------------------------------------------------------------------------------------


def newest_note(content: bytes, *, started_at: datetime | None, now: datetime) -> Note | None:
    """The last limits of the account in the end of a log.

    Args:
        started_at: When the log was begun, as far as it says.
        now: A note of the future says nothing about its age.
    """
    first = None if started_at is None else started_at + COPIED_WITHIN
    notes = (_note(line) for line in reversed(content.splitlines()) if MARK in line)
    for note in notes:
        if note is not None and note.at <= now and (first is None or note.at >= first):
            return note
    return None


def _note(line: bytes) -> Note | None:
    """A line of the log as a note, if it holds a window of the account."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    moment, limits = timestamp(at(data, "timestamp")), mapping(at(data, "payload.rate_limits"))
    if moment is None or at(data, "payload.type") != EVENT:
        return None
    percents = (number(at(limits, f"{place}.used_percent")) for place in PLACES)
    concerns_all = first_text(limits, "limit_id") in WHOLE_ACCOUNT
    return Note(moment, limits) if concerns_all and any(p is not None for p in percents) else None


def parse_note(note: Note, *, key: ProviderKey, now: datetime) -> ProviderSnapshot | None:
    """What is still true of a note; `None` when every window has reset since."""
    snapshot = parse_server_limits({"rate_limits": note.limits}, {}, key=key, now=note.at)
    windows = tuple(_as_of_now(window, now) for window in snapshot.windows)
    if all(window.used_percent is None for window in windows):
        return None
    balances = (b for b in snapshot.balances if b.resets_at is None or b.resets_at > now)
    return replace(
        snapshot,
        source_id="local",
        windows=windows,
        balances=tuple(balances),
        confidence="percent_only",
        origin="last run of Codex",
    )


def _as_of_now(window: UsageWindow, now: datetime) -> UsageWindow:
    """Only a window whose reset lies ahead is still the one that was measured."""
    if window.resets_at is not None and window.resets_at > now:
        return window
    return replace(window, used_percent=None, resets_at=None)


# -- finding ---------------------------------------------------------------------------------------


async def find_last_run(ctx: FetchContext) -> ProviderSnapshot | None:
    """The newest limits in the logs, if they are those of the present login.

    A log does not name the account. So nothing is said where a key or an access token may have
    been used beside the login, of the time before it, and of another plan.
    """
    found = await find_logins(ctx)
    login = found.usual
    if login is None or login.origin != CODEX_LOGIN or found.personal is not None:
        return None
    note = await _newest_of_all(ctx)
    if note is None or not _may_be_of(login, note):
        return None
    return parse_note(note, key=ctx.key, now=ctx.clock.now())


def _may_be_of(login: Login, note: Note) -> bool:
    if login.signed_in_at is not None and note.at < login.signed_in_at:
        return False
    plan = first_text(note.limits, "plan_type").lower()
    return plan in NO_PLAN or login.owner.plan.lower() in {"", plan}


async def _newest_of_all(ctx: FetchContext) -> Note | None:
    """The newest note in the logs that were written last."""
    files: list[FileInfo] = []
    for folder in LOG_FOLDERS:
        files += await ctx.files.newest(find_home(ctx) / folder, SUFFIX, count=NEWEST_FILES)
    newest = nlargest(NEWEST_FILES, files, key=lambda info: info.mtime)
    notes = [await _newest_in(ctx, info.path) for info in newest]
    return max(filter(None, notes), key=lambda note: note.at, default=None)


async def _newest_in(ctx: FetchContext, file: Path) -> Note | None:
    head = await ctx.files.read_part(file, offset=0, max_bytes=HEAD_BYTES) or b""
    tail = await ctx.files.read_part(file, offset=-TAIL_BYTES, max_bytes=TAIL_BYTES) or b""
    started = STARTED.search(head)
    started_at = timestamp(started.group(1).decode(errors="replace")) if started else None
    return newest_note(tail, started_at=started_at, now=ctx.clock.now())
