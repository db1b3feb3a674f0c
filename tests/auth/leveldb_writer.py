"""Writing LevelDB files, to read them back: logs in blocks, tables with prefixes and Snappy."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

BLOCK_BYTES = 32768
Write = tuple[bytes, bytes | None]
"""Key and value; without a value the key is deleted."""


def varint(number: int) -> bytes:
    """A number of variable length."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def sized(data: bytes) -> bytes:
    """Bytes with their length in front."""
    return varint(len(data)) + data


def log_file(batches: Iterable[tuple[int, Sequence[Write]]]) -> bytes:
    """A write-ahead log of batches with their first sequence number."""
    out = bytearray()
    for sequence, writes in batches:
        body = struct.pack("<QI", sequence, len(writes))
        for key, value in writes:
            body += b"\0" + sized(key) if value is None else b"\1" + sized(key) + sized(value)
        _append_record(out, body)
    return bytes(out)


def _append_record(out: bytearray, body: bytes) -> None:
    is_first = True
    while True:
        room = BLOCK_BYTES - len(out) % BLOCK_BYTES
        if room < 7:
            out += bytes(room)
            continue
        piece, body = body[: room - 7], body[room - 7 :]
        kind = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}[
            is_first, not body
        ]
        out += struct.pack("<IHB", 0, len(piece), kind) + piece
        is_first = False
        if not body:
            return


def table_file(
    entries: Sequence[tuple[bytes, int, bytes | None]], *, per_block: int = 3, snappy: bool = True
) -> bytes:
    """A sorted table of keys with sequence numbers."""
    ordered = sorted(entries, key=lambda entry: (entry[0], -entry[1]))
    out = bytearray()
    index: list[tuple[bytes, bytes]] = []
    for start in range(0, len(ordered), per_block):
        rows = [
            (_internal(key, number, value), value or b"")
            for key, number, value in ordered[start : start + per_block]
        ]
        index.append((rows[-1][0], _append_block(out, _block(rows), snappy=snappy)))
    meta = _append_block(out, _block([]), snappy=False)
    handle = _append_block(out, _block(index), snappy=snappy)
    footer = (meta + handle).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    return bytes(out) + footer


def _internal(key: bytes, sequence: int, value: bytes | None) -> bytes:
    return key + struct.pack("<Q", sequence << 8 | (value is not None))


def _block(rows: Sequence[tuple[bytes, bytes]]) -> bytes:
    out = bytearray()
    before = b""
    for key, value in rows:
        shared = 0
        while shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        before = key
    return bytes(out) + struct.pack("<II", 0, 1)


def _append_block(out: bytearray, block: bytes, *, snappy: bool) -> bytes:
    content = pack(block) if snappy else block
    handle = varint(len(out)) + varint(len(content))
    out += content + bytes([snappy]) + bytes(4)
    return handle


def pack(data: bytes) -> bytes:
    """Snappy with copies of two bytes' distance for what was seen before."""
    out = bytearray(varint(len(data)))
    seen: dict[bytes, int] = {}
    at = start = 0
    while at < len(data):
        piece = data[at : at + 4]
        known = seen.get(piece)
        seen[piece] = at
        if known is None or len(piece) < 4 or at - known > 0xFFFF:
            at += 1
            continue
        out += _literal(data[start:at])
        length = 4
        while at + length < len(data) and length < 64 and data[known + length] == data[at + length]:
            length += 1
        out += bytes([(length - 1) << 2 | 2]) + struct.pack("<H", at - known)
        at += length
        start = at
    return bytes(out + _literal(data[start:]))


def _literal(data: bytes) -> bytes:
    if not data:
        return b""
    length = len(data) - 1
    if length < 60:
        return bytes([length << 2]) + data
    size = (length.bit_length() + 7) // 8
    return bytes([(59 + size) << 2]) + length.to_bytes(size, "little") + data


def local_storage_key(origin: str, name: str, *, underscore: bool = True) -> bytes:
    """A key of Chromium's local storage."""
    return b"_" * underscore + origin.encode() + b"\0" + encoded(name)


def encoded(text: str) -> bytes:
    """A text as Chromium keeps it: Latin-1 where it fits, else UTF-16."""
    try:
        return b"\1" + text.encode("latin-1")
    except UnicodeEncodeError:
        return b"\0" + text.encode("utf-16-le")


def write_store(folder: Path, **files: bytes) -> Path:
    """A folder with these files; `log_3` becomes `3.log`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        kind, _, number = name.partition("_")
        (folder / f"{int(number):06}.{kind}").write_bytes(content)
    (folder / "LOCK").touch()
    return folder
