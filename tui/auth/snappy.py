"""Unpacking Snappy, the compression of LevelDB tables and of Firefox's local storage.

Source: https://github.com/google/snappy/blob/main/format_description.txt
"""

from __future__ import annotations

LARGEST_BYTES = 64 << 20


class DamagedData(Exception):
    """Bytes that are not what they should be."""


def unpack(data: bytes) -> bytes:
    """The original bytes.

    Raises:
        DamagedData: Cut off, inconsistent or senselessly long.
    """
    try:
        return _unpack(data)
    except IndexError as error:
        raise DamagedData("cut off") from error


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where what follows begins.

    Raises:
        IndexError: The data ends inside it.
    """
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise DamagedData("a number without end")


def _unpack(data: bytes) -> bytes:
    length, at = read_varint(data, 0)
    if length > LARGEST_BYTES:
        raise DamagedData("too long")
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            count, at = _literal_length(tag >> 2, data, at)
            out += data[at : at + count]
            at += count
        else:
            count, offset, at = _copy(tag, data, at)
            _repeat(out, offset, count)
    if len(out) != length:
        raise DamagedData("wrong length")
    return bytes(out)


def _literal_length(code: int, data: bytes, at: int) -> tuple[int, int]:
    if code < 60:
        return code + 1, at
    size = code - 59
    return int.from_bytes(data[at : at + size], "little") + 1, at + size


def _copy(tag: int, data: bytes, at: int) -> tuple[int, int, int]:
    """Length and distance of a copy, and where what follows begins."""
    if tag & 3 == 1:
        return (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at], at + 1
    size = 2 if tag & 3 == 2 else 4
    return (tag >> 2) + 1, int.from_bytes(data[at : at + size], "little"), at + size


def _repeat(out: bytearray, offset: int, count: int) -> None:
    """Append what stands `offset` bytes back; it may overlap what is being written."""
    start = len(out) - offset
    if offset == 0 or start < 0 or len(out) + count > LARGEST_BYTES:
        raise DamagedData("a copy from nowhere")
    piece = bytes(out[start : start + count])
    while len(piece) < count:
        piece += piece[: count - len(piece)]
    out += piece
