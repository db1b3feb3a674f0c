"""What is new in one log file, in bounded memory.

A log is a stream of lines that another program appends to. It is never held as a whole, and the
place to go on from is always behind a newline: the line that is being written is read again.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from io import FileIO
from typing import NamedTuple

import msgspec

from tui.gateways import claude_lines, codex_lines
from tui.gateways.log_lines import Format, ReadLines, Row

FORMATS: Mapping[Format, ReadLines] = {
    "transcripts": claude_lines.read_lines,
    "rollouts": codex_lines.read_lines,
}

BLOCK_BYTES = 256 << 10
LONGEST_LINE_BYTES = 32 << 20
PART_ROWS = 2000
PART_BYTES = 16 << 20
MARK_BYTES = 256
LARGEST_NUMBER = (1 << 63) - 1


class Stamp(NamedTuple):
    """What tells whether a file is the one that was read, and whether it changed."""

    inode: int = 0
    size: int = 0
    mtime_ns: int = 0


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a file; some systems number files higher than a database can."""
    return Stamp(found.st_ino & LARGEST_NUMBER, found.st_size, found.st_mtime_ns)


class Job(msgspec.Struct, array_like=True):
    """A file to read, and where an earlier reading ended."""

    number: int
    path: bytes
    new_bytes: int = 0
    """About how much there is to read."""
    stamp: Stamp = Stamp()
    offset: int = 0
    """The first byte that was not read; 0 or behind a newline."""
    mark: int = 0
    """Checksum of the bytes before it."""
    since: int = 0
    """Older rows are of no interest; seconds since 1970."""
    format: Format = "transcripts"
    state: bytes = b""
    """What the format has to know of the bytes before the offset."""


class Part(msgspec.Struct, array_like=True):
    """A stretch of a file that was read."""

    number: int
    """Of the job."""
    stamp: Stamp
    restart: bool
    """The file does not continue what was read earlier: those rows are void."""
    offset: int
    mark: int
    read_bytes: int
    skipped: int
    """Lines that should hold a reply but are broken or too long."""
    is_last: bool
    rows: list[Row]
    state: bytes = b""
    """What a reading that goes on here has to know."""


def read_parts(job: Job) -> Iterator[Part]:
    """What is new in a file, in parts that can each be kept for good.

    A last line without a newline counts when it is complete; its key keeps it from counting twice
    when it is read again. The stamp is taken first, so a file that grows meanwhile differs from it.

    Raises:
        OSError: The file is gone or cannot be read.
    """
    with open(job.path, "rb", buffering=0) as file:
        stamp = stamp_of(os.fstat(file.fileno()))
        start = job.offset if _continues(job, stamp, file) else 0
        yield from _Reading(job, stamp, file, start).parts()


def _continues(job: Job, now: Stamp, file: FileIO) -> bool:
    before = job.stamp
    return (
        now.inode == before.inode
        and now.size > before.size
        and now.size >= job.offset
        and _mark_before(file, job.offset) == job.mark
    )


def _mark_before(file: FileIO, offset: int) -> int:
    """Checksum of the last bytes before an offset; another one when the file was rewritten."""
    file.seek(max(0, offset - MARK_BYTES))
    return zlib.crc32(file.read(min(offset, MARK_BYTES)))


class _Reading:
    """The state of reading one file from some place to its end."""

    def __init__(self, job: Job, stamp: Stamp, file: FileIO, start: int) -> None:
        self._job = job
        self._path = os.fsdecode(job.path)
        self._read = FORMATS[job.format]
        self._state = job.state if start else b""
        self._stamp = stamp
        self._file = file
        self._offset = start
        """Of the first byte whose line has not ended yet."""
        self._pieces: list[bytes] = []
        """What is known of that line."""
        self._waiting_bytes = 0
        self._too_long = False
        self._restart = start == 0 and job.stamp != Stamp()
        self._kept_offset = start
        self._rows: dict[int, Row] = {}
        self._skipped = 0

    def parts(self) -> Iterator[Part]:
        self._file.seek(self._offset)
        while block := self._file.read(BLOCK_BYTES):
            self._take(block)
            if self._is_part_full():
                yield self._part(is_last=False)
                self._file.seek(self._offset + self._waiting_bytes)
        self._take_unfinished_line()
        yield self._part(is_last=True)

    def _take(self, block: bytes) -> None:
        end = block.rfind(b"\n") + 1
        if not end:
            self._wait(block)
            return
        ended = self._offset + self._waiting_bytes + end
        lines = b"".join((*self._pieces, block[:end]))
        if self._too_long:
            lines = lines[lines.index(b"\n") + 1 :]
            self._skipped += 1
        self._state = self._read_lines(lines, ended - len(lines))
        self._offset = ended
        self._pieces.clear()
        self._waiting_bytes = 0
        self._wait(block[end:])

    def _wait(self, piece: bytes) -> None:
        """Keep the beginning of a line until its end comes, unless it gets too long to hold."""
        self._waiting_bytes += len(piece)
        self._too_long = self._waiting_bytes > LONGEST_LINE_BYTES
        if self._too_long:
            self._pieces.clear()
        elif piece:
            self._pieces.append(piece)

    def _read_lines(self, lines: bytes, offset: int) -> bytes:
        """Keep the rows of whole lines; what the lines after them have to know."""
        found = self._read(lines, self._path, offset, self._state)
        self._rows.update((row.key, row) for row in found.rows if row.at >= self._job.since)
        self._skipped += found.skipped
        return found.state

    def _take_unfinished_line(self) -> None:
        """It may become whole: then it is read again, after the same lines."""
        skipped = self._skipped
        self._read_lines(b"".join((*self._pieces, b"\n")), self._offset)
        self._skipped = skipped

    def _is_part_full(self) -> bool:
        return len(self._rows) >= PART_ROWS or self._offset - self._kept_offset >= PART_BYTES

    def _part(self, *, is_last: bool) -> Part:
        part = Part(
            number=self._job.number,
            stamp=self._stamp,
            restart=self._restart,
            offset=self._offset,
            mark=_mark_before(self._file, self._offset),
            read_bytes=self._offset - self._kept_offset,
            skipped=self._skipped,
            is_last=is_last,
            rows=list(self._rows.values()),
            state=self._state,
        )
        self._restart = False
        self._kept_offset = self._offset
        self._rows = {}
        self._skipped = 0
        return part
