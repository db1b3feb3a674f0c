"""Cookies of Firefox and its relatives: in the clear, but in two places.

Lasting cookies lie in `cookies.sqlite` and its write-ahead log; those of the browser session only
in the file from which Firefox restores its windows. Rows of containers and of storage partitions
are left out: they are other logins.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tui.auth.cookie import Cookie
from tui.auth.profiles import FIREFOX_COOKIES
from tui.auth.readers import concerned, concerns
from tui.gateways.regular import read_regular
from tui.gateways.sqlite_ro import columns, open_copy, rows

MILLISECONDS_FROM = 1e11
"""Since schema 17 the expiry is in milliseconds; seconds reach this number in the year 5138."""
SESSION_FILES = (
    "sessionstore-backups/recovery.jsonlz4",
    "sessionstore.jsonlz4",
    "sessionstore-backups/previous.jsonlz4",
)
LARGEST_SESSION_BYTES = 64 << 20
MAGIC = b"mozLz40\0"


def read_cookies(profile_folder: Path, domains: Sequence[str]) -> list[Cookie]:
    """The cookies for these domains.

    Raises:
        OSError: The database may not be read.
        sqlite3.Error: It is no database, or not of this kind.
    """
    try:
        with open_copy(profile_folder / FIREFOX_COOKIES) as connection:
            lasting = _lasting(connection, domains)
    except FileNotFoundError:
        lasting = []
    return [*lasting, *_of_the_session(profile_folder, domains)]


def _lasting(connection: sqlite3.Connection, domains: Sequence[str]) -> list[Cookie]:
    known = columns(connection, "moz_cookies")
    if "host" not in known:
        raise sqlite3.DatabaseError("no cookies")
    stored = rows(connection, "SELECT DISTINCT host FROM moz_cookies")
    hosts = concerned((host for (host,) in stored), domains)
    attributes = "originAttributes" if "originAttributes" in known else "''"
    marks = ",".join("?" * len(hosts))
    found = rows(
        connection,
        "SELECT host, name, value, path, isSecure, expiry FROM moz_cookies"
        f" WHERE host IN ({marks}) AND {attributes} = ''",
        hosts,
    )
    return [_cookie(*row) for row in found]


def _cookie(
    host: str, name: str, value: str, path: str, is_secure: int, expiry: float | None
) -> Cookie:
    return Cookie(
        name=name or "",
        value=value or "",
        domain=host.lstrip(".").lower(),
        host_only=not host.startswith("."),
        path=path or "/",
        secure=bool(is_secure),
        expires_at=_moment(expiry),
    )


def _moment(expiry: float | None) -> datetime | None:
    if not expiry:
        return None
    seconds = expiry / 1000 if expiry >= MILLISECONDS_FROM else expiry
    try:
        return datetime.fromtimestamp(max(seconds, 0), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _of_the_session(profile_folder: Path, domains: Sequence[str]) -> Iterator[Cookie]:
    """Cookies that end with the browser, from the newest file that can be read."""
    for name in SESSION_FILES:
        state = _session_state(profile_folder / name)
        if state is not None:
            yield from _session_cookies(state.get("cookies"), domains)
            return


def _session_state(file: Path) -> dict[str, Any] | None:
    """The content of a compressed session file; `None` when it is not there or damaged."""
    try:
        packed = read_regular(file, LARGEST_SESSION_BYTES)
    except OSError:
        return None
    if not packed.startswith(MAGIC):
        return None
    import lz4.block  # type: ignore[import-untyped]

    try:
        state = json.loads(lz4.block.decompress(packed[len(MAGIC) :]))
    except (lz4.block.LZ4BlockError, ValueError, RecursionError, MemoryError):
        return None
    return state if isinstance(state, dict) else None


def _session_cookies(listed: Any, domains: Sequence[str]) -> Iterator[Cookie]:
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("host"), str):
            continue
        if concerns(entry["host"], domains) and not _belongs_elsewhere(entry):
            name, value, path = (str(entry.get(key) or "") for key in ("name", "value", "path"))
            yield _cookie(entry["host"], name, value, path, bool(entry.get("secure")), None)


def _belongs_elsewhere(entry: dict[str, Any]) -> bool:
    """Whether it is a cookie of a container, a partition or a private window."""
    attributes = entry.get("originAttributes")
    return isinstance(attributes, dict) and any(
        attributes.get(name)
        for name in ("userContextId", "partitionKey", "firstPartyDomain", "privateBrowsingId")
    )
