"""SQLite files of other programs, read without ever writing beside them."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = tuple[Any, ...]

BUSY_S = 0.25
SIDE_FILES = ("-wal", "-shm", "-journal")
TRIES = 3
LARGEST_COPY_BYTES = 512 << 20
"""No store of cookies comes near; a larger one would fill the disk of temporary files."""


@contextmanager
def open_read_only(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, with a busy time-out of 250 ms.

    Where SQLite would have to create side files to read, and there are none to respect, the file
    is taken as unchanging; never while a write-ahead log exists.

    Raises:
        sqlite3.Error: It cannot be opened, or is no database.
    """
    address = f"{database.absolute().as_uri()}?mode=ro"
    with closing(_connect(address)) as connection:
        try:
            connection.execute("SELECT 1 FROM sqlite_master")
        except sqlite3.OperationalError:
            if any(path.exists() for path in _side_files(database)[:2]):
                raise
        else:
            yield connection
            return
    with closing(_connect(f"{address}&immutable=1")) as connection:
        connection.execute("SELECT 1 FROM sqlite_master")
        yield connection


@contextmanager
def open_copy(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a private copy, so that a running owner neither waits nor notices.

    Raises:
        FileNotFoundError: It is not there.
        OSError: It may not be read, or its owner locks it.
        sqlite3.Error: It is no database.
    """
    with tempfile.TemporaryDirectory(prefix="quotadeck-") as folder:
        copy = Path(folder) / "copy.sqlite"
        _copy_whole(database, copy)
        with closing(_connect(copy.as_uri())) as connection:
            yield connection


def rows(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """All rows of a query."""
    return connection.execute(sql, tuple(parameters)).fetchall()


def columns(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """The names of a table's columns; empty when there is no such table."""
    found = rows(connection, "SELECT name FROM pragma_table_info(?)", (table,))
    return frozenset(name for (name,) in found)


def _connect(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_S)
    connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
    return connection


def _side_files(database: Path) -> list[Path]:
    return [database.with_name(database.name + ending) for ending in SIDE_FILES]


def _copy_whole(database: Path, copy: Path) -> None:
    """Copy a database with its side files; again when its owner wrote in the middle."""
    for _ in range(TRIES):
        before = _stamps(database)
        shutil.copyfile(database, copy)
        for source, target in zip(_side_files(database), _side_files(copy), strict=True):
            target.unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.copyfile(source, target)
        if _stamps(database) == before:
            return


def _stamps(database: Path) -> list[tuple[int, int] | None]:
    return [_stamp(path) for path in (database, *_side_files(database))]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_COPY_BYTES:
        raise OSError(errno.EFBIG, "No file that could be copied", str(path))
    return found.st_mtime_ns, found.st_size
