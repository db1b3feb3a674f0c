"""Reading a LevelDB folder while its owner writes: no lock taken, nothing touched.

Files are read into memory one by one; of each key the entry with the highest sequence number
counts, and a deletion counts as one. The manifest is not needed. A damaged or half-written file
gives what comes before the damage (providers/minimax.md 2.4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tui.auth.snappy import DamagedData, read_varint, unpack
from tui.gateways.regular import read_regular

LARGEST_FILE_BYTES = 64 << 20
BLOCK_BYTES = 32768
RECORD_HEADER = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
BATCH_HEADER = struct.Struct("<QI")
FOOTER_BYTES = 48
MAGIC = 0xDB4775248B80FB57
DELETION, PUT = 0, 1
TRIES = 3


class Entry(NamedTuple):
    """One write of one key."""

    key: bytes
    sequence: int
    value: bytes | None
    """`None` deletes the key."""


def newest_values(folder: Path, prefixes: Sequence[bytes] = (b"",)) -> dict[bytes, bytes]:
    """The present values of the keys that begin with one of the prefixes.

    Tables are sorted, so blocks that cannot hold such a key are not even unpacked.

    Raises:
        OSError: The folder or a file in it may not be read.
    """
    for _ in range(TRIES):
        try:
            return _newest(_entries(folder, prefixes))
        except FileNotFoundError:
            if not folder.is_dir():
                return {}
    return {}


def _newest(entries: Iterable[Entry]) -> dict[bytes, bytes]:
    last: dict[bytes, Entry] = {}
    for entry in entries:
        known = last.get(entry.key)
        if known is None or entry.sequence >= known.sequence:
            last[entry.key] = entry
    return {key: entry.value for key, entry in last.items() if entry.value is not None}


def _entries(folder: Path, prefixes: Sequence[bytes]) -> Iterator[Entry]:
    wanted = tuple(prefixes)
    for file in sorted(folder.iterdir()):
        if file.suffix == ".log":
            found = _until_damage(_log_entries(read_regular(file, LARGEST_FILE_BYTES)))
            yield from (entry for entry in found if entry.key.startswith(wanted))
        elif file.suffix in {".ldb", ".sst"}:
            content = read_regular(file, LARGEST_FILE_BYTES)
            yield from _until_damage(_table_entries(content, wanted))


def _until_damage(entries: Iterator[Entry]) -> Iterator[Entry]:
    try:
        yield from entries
    except (DamagedData, IndexError, struct.error):
        return


# -- the write-ahead log ---------------------------------------------------------------------------


def _log_entries(data: bytes) -> Iterator[Entry]:
    for batch in _batches(data):
        yield from _batch_entries(batch)


def _batches(data: bytes) -> Iterator[bytes]:
    """The batches of a log, put together from the pieces that its blocks of 32 KiB hold."""
    pieces: list[bytes] = []
    for start in range(0, len(data), BLOCK_BYTES):
        block = data[start : start + BLOCK_BYTES]
        at = 0
        while at + RECORD_HEADER.size <= len(block):
            _, length, kind = RECORD_HEADER.unpack_from(block, at)
            at += RECORD_HEADER.size
            piece = block[at : at + length]
            at += length
            if kind not in (FULL, FIRST, MIDDLE, LAST) or len(piece) < length:
                break
            if kind in (FULL, FIRST):
                pieces = []
            pieces.append(piece)
            if kind in (FULL, LAST):
                yield b"".join(pieces)
                pieces = []


def _batch_entries(batch: bytes) -> Iterator[Entry]:
    sequence, count = BATCH_HEADER.unpack_from(batch)
    at = BATCH_HEADER.size
    for number in range(count):
        kind = batch[at]
        key, at = _sized(batch, at + 1)
        value = None
        if kind == PUT:
            value, at = _sized(batch, at)
        elif kind != DELETION:
            raise DamagedData("an unknown kind of entry")
        yield Entry(key, sequence + number, value)


def _sized(data: bytes, at: int) -> tuple[bytes, int]:
    """Bytes with their length in front."""
    length, at = read_varint(data, at)
    if at + length > len(data):
        raise DamagedData("cut off")
    return data[at : at + length], at + length


# -- sorted tables ---------------------------------------------------------------------------------


def _table_entries(data: bytes, prefixes: tuple[bytes, ...]) -> Iterator[Entry]:
    """Entries of a table; its index names the last key of each block, in order."""
    if len(data) < FOOTER_BYTES or int.from_bytes(data[-8:], "little") != MAGIC:
        raise DamagedData("no table")
    footer = data[-FOOTER_BYTES:]
    _, at = read_varint(footer, 0)
    _, at = read_varint(footer, at)
    before = b""
    for last_key, handle in _block_entries(_block(data, footer, at)):
        last = last_key[:-8]
        if _may_hold(before, last, prefixes):
            yield from _kept(_block_entries(_block(data, handle, 0)), prefixes)
        before = last


def _may_hold(before: bytes, last: bytes, prefixes: tuple[bytes, ...]) -> bool:
    """Whether keys from `before` up to `last` can begin with a prefix."""
    return any(before[: len(p)] <= p and last >= p for p in prefixes)


def _kept(rows: Iterator[tuple[bytes, bytes]], prefixes: tuple[bytes, ...]) -> Iterator[Entry]:
    for internal_key, value in rows:
        if internal_key.startswith(prefixes):
            mark = int.from_bytes(internal_key[-8:], "little")
            is_put = mark & 0xFF == PUT
            yield Entry(internal_key[:-8], mark >> 8, value if is_put else None)


def _block(data: bytes, handle: bytes, at: int) -> bytes:
    """A block, unpacked; the handle says where it lies."""
    offset, at = read_varint(handle, at)
    size, at = read_varint(handle, at)
    content, compression = data[offset : offset + size], data[offset + size]
    if compression == 0:
        return content
    if compression == 1:
        return unpack(content)
    raise DamagedData("an unknown compression")


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values; each key repeats only what differs from the one before."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    at = 0
    key = b""
    while at < end:
        shared, at = read_varint(block, at)
        fresh, at = read_varint(block, at)
        length, at = read_varint(block, at)
        if at + fresh + length > end or shared > len(key):
            raise DamagedData("an entry beyond its block")
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length
