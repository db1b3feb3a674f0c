"""What pages keep in a browser: local storage of three families, and Chromium's other stores.

Only the origins that were asked for are looked at; another site that uses the same names stays
out of it. Everything here blocks.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from tui.auth.leveldb import newest_values
from tui.auth.profiles import SAFARI_DATA
from tui.auth.snappy import DamagedData, unpack
from tui.gateways.sqlite_ro import columns, open_copy, open_read_only, rows

Items: TypeAlias = dict[tuple[str, str], str]
"""Values by origin (`https://host`) and key."""

CHROMIUM_FOLDER = "Local Storage/leveldb"
FIREFOX_FOLDER = "storage/default"
LARGEST_SCAN_BYTES = 16 << 20
"""A larger store is left alone: taking it apart would take longer than anybody waits."""


# -- Chromium --------------------------------------------------------------------------------------


def chromium_items(profile_folder: Path, hosts: Sequence[str]) -> Items:
    """Local storage of these hosts.

    Raises:
        OSError: It may not be read.
    """
    prefixes = [b"%s%s" % (start, host.encode()) for host in hosts for start in KEY_STARTS]
    found: Items = {}
    shared: Items = {}
    for raw_key, raw_value in newest_values(profile_folder / CHROMIUM_FOLDER, prefixes).items():
        origin_part, zero, name = raw_key.partition(b"\0")
        origin, _, partition = origin_part.decode("latin-1").partition("^")
        host = _host_in(origin.removeprefix("_"))
        if zero and host in hosts:
            place = (f"https://{host}", _text(name))
            (shared if partition else found)[place] = _text(raw_value)
    return {**shared, **found}


KEY_STARTS = (b"_https://", b"https://", b"_http://", b"http://", b"_", b"")
"""Some builds leave out the underscore, some entries the scheme."""


def _text(raw: bytes) -> str:
    """The first byte names the encoding: 0 UTF-16, 1 Latin-1."""
    if raw[:1] == b"\0":
        return raw[1:].decode("utf-16-le", errors="replace")
    return raw[1:].decode("latin-1")


def _host_in(origin: str) -> str:
    """The host of an origin that may lack its scheme."""
    return (urlsplit(origin if "//" in origin else f"//{origin}").hostname or "").lower()


def session_items(folder: Path, hosts: Sequence[str]) -> Items:
    """Session storage of these hosts: a namespace names a map, the map holds the values.

    Raises:
        OSError: It may not be read.
    """
    stored = newest_values(folder, (b"namespace-", b"map-"))
    maps: dict[bytes, str] = {}
    for key, value in stored.items():
        start = key.find(b"http") if key.startswith(b"namespace-") else -1
        host = _host_in(key[start:].partition(b"^")[0].decode("latin-1")) if start > 0 else ""
        if host in hosts:
            maps[value] = host
    found: Items = {}
    for key, value in stored.items():
        _, number, name = (*key.split(b"-", 2), b"", b"")[:3]
        if key.startswith(b"map-") and number in maps:
            place = (f"https://{maps[number]}", name.decode("utf-8", errors="replace"))
            found[place] = value.decode("utf-16-le", errors="replace")
    return found


def texts_of(folder: Path, hosts: Sequence[str]) -> Items:
    """Readable text of the entries that mention a host; all of them in a store of that host.

    The form of such entries is the browser's own, so only runs of readable characters are given,
    one per line.

    Raises:
        OSError: It may not be read.
    """
    if _size(folder) > LARGEST_SCAN_BYTES:
        return {}
    own_host = next((host for host in hosts if f"_{host}_" in folder.name), "")
    found: Items = {}
    for number, (key, value) in enumerate(newest_values(folder).items()):
        text = "\n".join(_readable(key + b"\0\0" + value))
        host = own_host or _mentioned(hosts, text)
        if host and text:
            found[f"https://{host}", f"entry {number}"] = text
    return found


def _size(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in folder.iterdir())
    except OSError:
        return 0


def _readable(raw: bytes) -> Iterator[str]:
    """Runs of readable characters, of one byte each and of two."""
    yield from (run.decode("ascii") for run in _NARROW.findall(raw))
    yield from (run.decode("utf-16-le") for run in _WIDE.findall(raw))


_NARROW = re.compile(rb"[\x20-\x7e]{4,}")
_WIDE = re.compile(rb"(?:[\x20-\x7e]\x00){4,}")
"""Fewer characters in a row are no text."""


def _mentioned(hosts: Sequence[str], text: str) -> str:
    """The first of the hosts that a text names, and not as a part of a longer name."""
    return next(
        (host for host in hosts if re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w.-])", text)), ""
    )


# -- Firefox ---------------------------------------------------------------------------------------


def firefox_items(profile_folder: Path, hosts: Sequence[str]) -> Items:
    """Local storage of these hosts, without containers and partitions.

    Raises:
        OSError: It may not be read.
    """
    found: Items = {}
    for host in hosts:
        database = profile_folder / FIREFOX_FOLDER / f"https+++{host}" / "ls" / "data.sqlite"
        try:
            with open_copy(database) as connection:
                listed = rows(
                    connection,
                    "SELECT key, value, conversion_type, compression_type FROM data",
                )
        except (FileNotFoundError, sqlite3.Error):
            continue
        for key, value, conversion, compression in listed:
            text = _firefox_text(value, conversion, compression)
            if text is not None:
                found[f"https://{host}", str(key)] = text
    return found


def _firefox_text(value: bytes | str, conversion: int, compression: int) -> str | None:
    raw = value if isinstance(value, bytes) else value.encode()
    try:
        clear = unpack(raw) if compression == 1 else raw
    except DamagedData:
        return None
    return clear.decode("utf-8" if conversion == 1 else "utf-16-le", errors="replace")


# -- Safari ----------------------------------------------------------------------------------------


def safari_items(library: Path, hosts: Sequence[str]) -> Items:
    """Local storage of these hosts; each website has a folder with a file `origin`.

    Raises:
        OSError: It may not be read: Full Disk Access is missing.
    """
    found: Items = {}
    for origin_file in _origin_files(library / SAFARI_DATA):
        content = origin_file.read_bytes()
        text = content.decode("utf-8", errors="replace") + content.decode("latin-1")
        if host := _mentioned(hosts, text):
            database = origin_file.parent / "LocalStorage" / "localstorage.sqlite3"
            found |= {(f"https://{host}", key): value for key, value in _safari_rows(database)}
    return found


def _origin_files(folder: Path) -> list[Path]:
    if not folder.exists():
        return []
    list(folder.iterdir())
    return sorted(path for path in folder.rglob("origin") if path.is_file())


def _safari_rows(database: Path) -> Iterator[tuple[str, str]]:
    if not database.exists():
        return
    try:
        with open_read_only(database) as connection:
            table = next(
                (name for name in ("ItemTable", "localstorage") if columns(connection, name)), None
            )
            listed = rows(connection, f"SELECT key, value FROM {table}") if table else []
    except sqlite3.Error:
        return
    for key, value in listed:
        yield str(key), _safari_text(value)


def _safari_text(value: bytes | str | None) -> str:
    """Text, or bytes: UTF-16 where there are zeros, else UTF-8; blanks around it go."""
    if not isinstance(value, bytes):
        return _trimmed(value or "")
    encodings = ("utf-16-le", "utf-8") if b"\0" in value else ("utf-8", "utf-16-le")
    for encoding in encodings:
        try:
            return _trimmed(value.decode(encoding))
        except UnicodeDecodeError:
            continue
    return _trimmed(value.decode("latin-1"))


def _trimmed(text: str) -> str:
    return text.strip("".join(map(chr, range(33))) + "\x7f")


# -- all of them -----------------------------------------------------------------------------------


def hosts_of(origins: Iterable[str]) -> tuple[str, ...]:
    """The hosts of origins, in lower case."""
    return tuple(dict.fromkeys(host for origin in origins if (host := _host_in(origin))))
