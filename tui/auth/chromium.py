"""Cookies of Chromium and its relatives.

Values are encrypted; the first three bytes say how. Reading the rows needs no key, so it is found
out first whether a key is needed at all (providers/factory.md, appendix A.2).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from tui.auth.chromium_keys import Cipher
from tui.auth.cookie import Cookie
from tui.auth.profiles import CHROMIUM_COOKIES
from tui.auth.readers import Found, Trouble, concerned
from tui.gateways.sqlite_ro import columns, open_copy, rows

EPOCH_OFFSET_S = 11_644_473_600
"""From 1601, where Chromium's time begins, to 1970."""
HASHED_FROM_VERSION = 24
"""From this version of the database the clear text begins with a SHA-256 of the host."""

FIXED_KEY, STORED_KEY, PORTAL_KEY, APP_BOUND = b"v10", b"v11", b"v12", b"v20"


@dataclass(frozen=True, slots=True)
class EncryptedCookie:
    """A row as it lies in the database."""

    cookie: Cookie
    """With the value where it is not encrypted."""
    host_key: str
    encrypted: bytes = field(repr=False)
    is_hashed: bool

    @property
    def version(self) -> bytes:
        """How the value is encrypted; empty when it is not."""
        prefix = self.encrypted[:3]
        return prefix if prefix[:1] == b"v" and prefix[1:].isdigit() else b""


def read_rows(databases: Iterable[Path], domains: Sequence[str]) -> list[EncryptedCookie]:
    """The rows for these domains in the databases that exist, still encrypted.

    Rows of a storage partition are left out: they belong to a page inside another site.

    Raises:
        OSError: A file is there, but may not be read.
        sqlite3.Error: A file is no database, or not of this kind.
    """
    found: list[EncryptedCookie] = []
    for database in databases:
        try:
            with open_copy(database) as connection:
                found += _rows(connection, domains)
        except FileNotFoundError:
            continue
    return found


def cookie_files(profile_folder: Path) -> tuple[Path, ...]:
    """The places of the cookie database inside a profile."""
    return tuple(profile_folder / name for name in CHROMIUM_COOKIES)


def versions(found: Iterable[EncryptedCookie]) -> frozenset[bytes]:
    """The ways of encryption that occur."""
    return frozenset(row.version for row in found)


def decrypt(found: Iterable[EncryptedCookie], ciphers: dict[bytes, Sequence[Cipher]]) -> Found:
    """The cookies whose value can be read, and why others cannot.

    Args:
        ciphers: By version of the encryption; the first that fits is taken.
    """
    cookies: list[Cookie] = []
    troubles: set[Trouble] = set()
    for row in found:
        value = _value(row, ciphers.get(row.version, ()))
        if value is None:
            bound = row.version in (APP_BOUND, PORTAL_KEY)
            troubles.add(Trouble.APP_BOUND if bound else Trouble.KEY_MISSING)
        elif value or not row.encrypted:
            cookies.append(replace(row.cookie, value=value))
    return Found(tuple(cookies), frozenset(troubles))


def _rows(connection: sqlite3.Connection, domains: Sequence[str]) -> list[EncryptedCookie]:
    known = columns(connection, "cookies")
    if "host_key" not in known:
        raise sqlite3.DatabaseError("no cookies")
    stored = rows(connection, "SELECT DISTINCT host_key FROM cookies")
    hosts = concerned((host for (host,) in stored), domains)
    secure = "is_secure" if "is_secure" in known else "secure"
    partition = "top_frame_site_key" if "top_frame_site_key" in known else "''"
    # Of cookies that are equal in everything else the first one counts.
    order = "last_access_utc DESC" if "last_access_utc" in known else "rowid"
    marks = ",".join("?" * len(hosts))
    is_hashed = _version(connection) >= HASHED_FROM_VERSION
    return [
        EncryptedCookie(_cookie(*row[:-1]), row[0], bytes(row[-1] or b""), is_hashed)
        for row in rows(
            connection,
            f"SELECT host_key, name, value, path, expires_utc, {secure}, encrypted_value"
            f" FROM cookies WHERE host_key IN ({marks}) AND {partition} = '' ORDER BY {order}",
            hosts,
        )
    ]


def _version(connection: sqlite3.Connection) -> int:
    found = rows(connection, "SELECT value FROM meta WHERE key = 'version'")
    try:
        return int(found[0][0])
    except (IndexError, ValueError, TypeError):
        return 0


def _cookie(
    host_key: str, name: str, value: str, path: str, expires_utc: int, is_secure: int
) -> Cookie:
    return Cookie(
        name=name,
        value=value or "",
        domain=host_key.lstrip(".").lower(),
        host_only=not host_key.startswith("."),
        path=path or "/",
        secure=bool(is_secure),
        expires_at=_moment(expires_utc),
    )


def _moment(expires_utc: int) -> datetime | None:
    """Microseconds since 1601; 0 lives as long as the browser session."""
    if not expires_utc:
        return None
    try:
        return datetime.fromtimestamp(max(expires_utc / 1e6 - EPOCH_OFFSET_S, 0), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _value(row: EncryptedCookie, ciphers: Sequence[Cipher]) -> str | None:
    """The clear text; `None` when no cipher fits."""
    if not row.encrypted:
        return row.cookie.value
    if not row.version:
        return row.encrypted.decode("utf-8", errors="replace")
    for cipher in ciphers:
        clear = cipher.decrypt(row.encrypted[3:])
        text = None if clear is None else _without_hash(clear, row)
        if text is not None:
            return text
    return None


def _without_hash(clear: bytes, row: EncryptedCookie) -> str | None:
    """The text without the hash of its host; `None` shows that the key was wrong."""
    if row.is_hashed:
        host_hash = sha256(row.host_key.encode()).digest()
        if not clear.startswith(host_hash):
            return None
        clear = clear[len(host_hash) :]
    try:
        return clear.decode("utf-8")
    except UnicodeDecodeError:
        return None
