"""What is known of the session logs: which bytes were read, and the tokens they held.

Tokens only; prices are put on when they are shown. A private database file in the cache folder:
each change happens as a whole or not at all, however the program ends, and memory does not grow
with it. One made by another version, or damaged, is replaced by an empty one: the logs hold it all.

A reply counts once over all files of a source. Sums are kept ready by quarters of an hour, in which
the days of every time zone begin.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from tui.core.costs import Span, Spent
from tui.core.pricing import PROMPT_BOUNDS, RequestTokens
from tui.gateways.atomic import open_own, repair_mode
from tui.gateways.log_files import Part, Stamp
from tui.gateways.log_lines import ON_VERTEX, SIDE_CHAIN
from tui.gateways.log_roots import TRANSCRIPTS, LogFile, LogSource
from tui.gateways.paths import make_private

Share = Literal["vertex", "direct", "rollouts"]

FILE_NAME = "session-logs.sqlite"
QUARTER_S = 900
BUSY_S = 10.0
CACHE_KIB = 8 << 10
MOST_ANSWERS = 500
SCHEMA = 2
"""Raise it when rows mean something else or are found in another way."""
KIND = f"{SCHEMA}:{PROMPT_BOUNDS}"
SHORTEST_PROMPTS = (0, *(bound + 1 for bound in PROMPT_BOUNDS))
"""By the column `length`: a prompt that stands for those with the same price."""
CLASSES = ("input", "read", "write_5m", "write_1h", "output")

# The number of the source is part of the key of a reply, so that sources never share one, and of
# its flags, above the others: without them it is the number of a share.
TABLES = (
    "CREATE TABLE facts(name TEXT PRIMARY KEY, value TEXT)",
    """CREATE TABLE files(
        id INTEGER PRIMARY KEY, source INTEGER, path BLOB, project INTEGER, subagent INTEGER,
        inode INTEGER, size INTEGER, mtime_ns INTEGER, offset INTEGER, mark INTEGER, state BLOB,
        skipped INTEGER, UNIQUE(source, path))""",
    "CREATE TABLE names(id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
    """CREATE TABLE replies(
        file INTEGER, key INTEGER, at INTEGER, model INTEGER, input INTEGER, read INTEGER,
        write_5m INTEGER, write_1h INTEGER, output INTEGER, flags INTEGER,
        PRIMARY KEY(file, key)) WITHOUT ROWID""",
    "CREATE INDEX replies_by_key ON replies(key)",
    """CREATE TABLE sums(
        share INTEGER, quarter INTEGER, model INTEGER, length INTEGER,
        input INTEGER, read INTEGER, write_5m INTEGER, write_1h INTEGER, output INTEGER,
        PRIMARY KEY(share, quarter, model, length)) WITHOUT ROWID""",
)
COLUMNS = f"""
    flags / {ON_VERTEX} AS share, at, model, {", ".join(CLASSES)}, {
    " + ".join(f"(input + read + write_5m + write_1h > {bound})" for bound in PROMPT_BOUNDS) or "0"
} AS length"""
SINGLE_REPLIES = f"SELECT {COLUMNS} FROM replies WHERE key NOT IN (SELECT key FROM touched)"
# min() makes SQLite take the other columns from the same row. The copy that counts is not a side
# chain, else not of a sub-agent, else of the path that sorts first.
BEST_COPY = f"""
    SELECT {COLUMNS}, project, min((2 * (flags & {SIDE_CHAIN}) + subagent) || path)
    FROM replies JOIN files ON files.id = replies.file WHERE {{which}} GROUP BY key"""
COPIED_REPLIES = BEST_COPY.format(which="key IN (SELECT key FROM touched)")
FIRST_TOUCHED = "SELECT min(at) FROM replies WHERE key IN (SELECT key FROM touched)"
ADD_TO_SUMS = f"""
    INSERT INTO sums SELECT
        share, at / {QUARTER_S}, model, length, {", ".join(f":sign * sum({c})" for c in CLASSES)}
    FROM ({{replies}}) WHERE true GROUP BY 1, 2, 3, 4
    ON CONFLICT DO UPDATE SET {", ".join(f"{c} = {c} + excluded.{c}" for c in CLASSES)}"""
SPENT = f"""
    SELECT name, length, {", ".join(CLASSES)} FROM (
        SELECT model, length, {", ".join(f"sum({c}) AS {c}" for c in CLASSES)}
        FROM sums WHERE share = ? AND quarter >= ? AND quarter < ? GROUP BY model, length
    ) JOIN names ON names.id = model"""
SPENT_BY_PROJECT = f"""
    SELECT models.name, length, {", ".join(f"sum({c})" for c in CLASSES)}, projects.name
    FROM ({BEST_COPY.format(which="true")})
    JOIN names AS models ON models.id = model JOIN names AS projects ON projects.id = project
    WHERE share = ? AND at >= ? AND at < ? GROUP BY model, project, length"""


class StoreUnusable(Exception):
    """The store can neither be read nor made anew: no room, no permission, taken by another."""


class KnownFile(NamedTuple):
    """How far a log was read."""

    stamp: Stamp = Stamp()
    offset: int = 0
    mark: int = 0
    state: bytes = b""


class LogStore:
    """The database of one cache folder, for one thread at a time.

    Raises:
        sqlite3.Error: From every method.
    """

    def __init__(self, path: Path) -> None:
        os.close(open_own(path, os.O_RDWR))
        repair_mode(path)
        self._database = sqlite3.connect(
            path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        self._names: dict[str, int] = {}
        self._known: dict[LogSource, dict[str, int]] = {}
        self._known_version: int | None = None
        self._spent: dict[tuple[int, Span], list[Spent]] = {}
        """Answers that still hold."""
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def known_files(self, source: LogSource = TRANSCRIPTS) -> dict[str, int]:
        """Every log of a source that was read, by path, with the hash of its stamp."""
        # The number changes when another program changed the file.
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        if version != self._known_version:
            self._known.clear()
            self._known_version = version
            self._spent.clear()
        if source not in self._known:
            rows = self._database.execute(
                "SELECT path, inode, size, mtime_ns FROM files WHERE source = ?",
                (self._number(source),),
            )
            self._known[source] = {os.fsdecode(path): hash(tuple(stamp)) for path, *stamp in rows}
        return self._known[source]

    def known_file(self, log: LogFile) -> KnownFile:
        """How far a log was read."""
        found = self._database.execute(
            """SELECT inode, size, mtime_ns, offset, mark, state FROM files
            WHERE source = ? AND path = ?""",
            self._place(log.source, log.path),
        ).fetchone()
        return KnownFile(Stamp(*found[:3]), *found[3:]) if found else KnownFile()

    @property
    def are_sums_ready(self) -> bool:
        """False after a large change, until `rebuild`."""
        return self._fact("sums") == "ready"

    def expect_rebuild(self) -> None:
        """Say before a large change that sums and index will not keep up."""
        with self._change():
            self._set_fact("sums", "old")
            self._database.execute("DROP INDEX IF EXISTS replies_by_key")

    def forget(self, source: LogSource, paths: Iterable[str]) -> None:
        """Drop logs that are gone; a `rebuild` has to follow."""
        with self._change():
            for path in paths:
                self._forget(source, path)

    def save(self, parts: Sequence[tuple[LogFile, Part]], *, keep_sums: bool) -> None:
        """Keep what was read.

        Args:
            keep_sums: Also bring the sums up to date: right for few parts, none of them a restart.
                Else a `rebuild` has to follow.
        """
        with self._change():
            if keep_sums:
                self._touch(
                    (row.key ^ self._number(log.source),)
                    for log, part in parts
                    for row in part.rows
                )
                self._move_sums(-1)
            for log, part in parts:
                self._save_part(self._file_id(log, part), log, part)
            if keep_sums:
                self._move_sums(1)

    def rebuild(self, since: int) -> None:
        """Make the sums anew, without what is older than a moment."""
        with self._change():
            self._database.execute("DELETE FROM replies WHERE at < ?", (since,))
            self._database.execute("CREATE INDEX IF NOT EXISTS replies_by_key ON replies(key)")
            self._touch(
                self._database.execute("SELECT key FROM replies GROUP BY key HAVING count(*) > 1")
            )
            self._database.execute("DELETE FROM sums")
            self._add_to_sums(SINGLE_REPLIES, 1)
            self._add_to_sums(COPIED_REPLIES, 1)
            self._set_fact("sums", "ready")
        self._spent.clear()

    def oldest(self) -> int | None:
        """The quarter of an hour the sums begin with; `None` when there are none."""
        (quarter,) = self._database.execute("SELECT min(quarter) FROM sums").fetchone()
        return None if quarter is None else int(quarter) * QUARTER_S

    def spent(self, share: Share, span: Span, source: LogSource = TRANSCRIPTS) -> list[Spent]:
        """Tokens of the quarters of an hour in a span; one that has begun counts as a whole."""
        number = self._share(source, share)
        if (number, span) not in self._spent:
            limits = (number, span.start // QUARTER_S, -(-span.end // QUARTER_S))
            self._spent[number, span] = [
                Spent(model, SHORTEST_PROMPTS[length], _tokens(counts))
                for model, length, *counts in self._database.execute(SPENT, limits)
            ]
        return self._spent[number, span]

    def spent_by_project(
        self, share: Share, span: Span, source: LogSource = TRANSCRIPTS
    ) -> list[tuple[str, Spent]]:
        """Tokens of a span with the project they were used for; this takes its time."""
        rows = self._database.execute(SPENT_BY_PROJECT, (self._share(source, share), *span))
        return [
            (project, Spent(model, SHORTEST_PROMPTS[length], _tokens(counts)))
            for model, length, *counts, project in rows
        ]

    def skipped_lines(self) -> int:
        """Broken lines in all logs."""
        return int(self._database.execute("SELECT total(skipped) FROM files").fetchone()[0])

    def _prepare(self) -> None:
        """Find the tables as this version makes them, or make them."""
        settings = ("journal_mode = WAL", "synchronous = NORMAL", f"cache_size = -{CACHE_KIB}")
        for setting in settings:
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TEMP TABLE touched(key INTEGER PRIMARY KEY)")
        with self._change():
            if not self._database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                for table in TABLES:
                    self._database.execute(table)
                self._set_fact("kind", KIND)
                self._set_fact("sums", "ready")
        if self._kind() != KIND:
            raise sqlite3.DatabaseError("made by another version")

    def _kind(self) -> str:
        try:
            return self._fact("kind")
        except sqlite3.OperationalError:  # it has other tables
            return ""

    @contextmanager
    def _change(self) -> Iterator[None]:
        """All of it or nothing."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._known_version = None
            self._names.clear()
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _fact(self, name: str) -> str:
        found = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def _set_fact(self, name: str, value: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO facts VALUES(?, ?)", (name, value))

    def _touch(self, keys: Iterable[tuple[int]]) -> None:
        self._database.execute("DELETE FROM touched")
        self._database.executemany("INSERT OR IGNORE INTO touched VALUES(?)", keys)

    def _add_to_sums(self, replies: str, sign: int) -> None:
        self._database.execute(ADD_TO_SUMS.format(replies=replies), {"sign": sign})

    def _move_sums(self, sign: int) -> None:
        """Take the touched replies out of the sums or put them in, and forget what that changes."""
        self._add_to_sums(COPIED_REPLIES, sign)
        (first,) = self._database.execute(FIRST_TOUCHED).fetchone()
        if first is not None:
            kept = {key: spent for key, spent in self._spent.items() if key[1].end <= first}
            self._spent = kept if len(kept) < MOST_ANSWERS else {}

    def _file_id(self, log: LogFile, part: Part) -> int:
        """The file a part belongs to; what is read anew becomes another file."""
        if part.restart:
            self._forget(log.source, log.path)
        place = self._place(log.source, log.path)
        if log.path in self.known_files(log.source):
            found = self._database.execute(
                "SELECT id FROM files WHERE source = ? AND path = ?", place
            )
            return int(found.fetchone()[0])
        added = self._database.execute(
            "INSERT INTO files(source, path, project, subagent, skipped) VALUES(?, ?, ?, ?, 0)",
            (*place, self._name(log.project), log.is_subagent),
        )
        return int(added.lastrowid or 0)

    def _forget(self, source: LogSource, path: str) -> None:
        place = self._place(source, path)
        self._database.execute(
            """DELETE FROM replies WHERE file =
            (SELECT id FROM files WHERE source = ? AND path = ?)""",
            place,
        )
        self._database.execute("DELETE FROM files WHERE source = ? AND path = ?", place)
        self.known_files(source).pop(path, None)

    def _place(self, source: LogSource, path: str) -> tuple[int, bytes]:
        return self._number(source), os.fsencode(path)

    def _number(self, source: LogSource) -> int:
        return self._name(" ".join(source))

    def _share(self, source: LogSource, share: Share) -> int:
        """The number of a part of a source."""
        return 2 * self._number(source) + (share == "vertex")

    def _name(self, name: str) -> int:
        """The number of a model, project or source."""
        if name not in self._names:
            find = "SELECT id FROM names WHERE name = ?"
            if not self._database.execute(find, (name,)).fetchone():
                self._database.execute("INSERT OR IGNORE INTO names(name) VALUES(?)", (name,))
            self._names[name] = int(self._database.execute(find, (name,)).fetchone()[0])
        return self._names[name]

    def _save_part(self, file: int, log: LogFile, part: Part) -> None:
        # A file of which only a part was read looks shorter, so that its reading goes on.
        stamp = part.stamp if part.is_last else part.stamp._replace(size=part.offset)
        self.known_files(log.source)[log.path] = hash(stamp)
        self._database.execute(
            """UPDATE files SET inode = ?, size = ?, mtime_ns = ?, offset = ?, mark = ?, state = ?,
            skipped = skipped + ? WHERE id = ?""",
            (*stamp, part.offset, part.mark, part.state, part.skipped, file),
        )
        source = self._number(log.source)
        self._database.executemany(
            "INSERT OR REPLACE INTO replies VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    file,
                    row.key ^ source,
                    row.at,
                    self._name(row.model),
                    row.input,
                    row.read,
                    row.write_5m,
                    row.write_1h,
                    row.output,
                    row.flags + 2 * ON_VERTEX * source,
                )
                for row in part.rows
            ),
        )


def _tokens(counts: Sequence[int]) -> RequestTokens:
    return RequestTokens(**dict(zip(CLASSES, counts, strict=True)))


def open_store(folder: Path) -> LogStore:
    """The store of a cache folder, made where it is missing; one that is damaged or made by another
    version is replaced by an empty one.

    Raises:
        StoreUnusable: It cannot be made.
    """
    path = folder / FILE_NAME
    try:
        make_private(folder)
        try:
            return LogStore(path)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            discard_store(folder)
            return LogStore(path)
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(type(error).__name__) from error


def discard_store(folder: Path) -> None:
    """Remove the store."""
    for ending in ("", "-wal", "-shm"):
        with suppress(OSError):
            (folder / f"{FILE_NAME}{ending}").unlink()


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is wrong, not its use: no room, no permission, taken by another."""
    return not isinstance(error, sqlite3.OperationalError)
