"""What every format of session logs has in common: the rows its lines become.

A row holds tokens, a moment, a model and a hashed key: no text, no path, no session. A format is a
function that reads whole lines; what it has to know of the lines before them it hands on as bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec

from tui.core.text import clean

Format = Literal["transcripts", "rollouts"]
"""Of Claude Code and of Codex, in the words of these programs."""

SIDE_CHAIN = 1
ON_VERTEX = 2
BOM = b"\xef\xbb\xbf"
MOST_TOKENS = 10**12
"""A larger number in one reply is not a count of tokens."""
LONGEST_NAME = 100

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]


class Row(msgspec.Struct, array_like=True, gc=False):
    """The tokens of one reply."""

    key: int
    """Hash of what makes the reply the same one in another line or file."""
    at: int
    """Seconds since 1970."""
    model: str
    input: int
    read: int
    write_5m: int
    write_1h: int
    output: int
    flags: int
    """`SIDE_CHAIN`, `ON_VERTEX`."""


class Found(NamedTuple):
    """What some lines hold."""

    rows: list[Row]
    skipped: int = 0
    """Lines that should hold a reply but are broken."""
    state: bytes = b""
    """What the lines after them need to know."""


ReadLines: TypeAlias = Callable[[bytes, str, int, bytes], Found]
"""Lines with their newlines, the path of the log, the offset of the first line, and the state the
lines before it left: empty at the start of a log."""


class BrokenLine(ValueError):
    """A line is not JSON."""


def repaired(line: bytes) -> bytes:
    """Without a byte order mark, and without halves of escaped pairs, which no strict decoder
    accepts: text that was cut inside an emoji has them."""
    return _SURROGATE.sub(rb"\\ufffd", line.removeprefix(BOM))


def seconds_of(timestamp: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 moment."""
    try:
        at = datetime.fromisoformat(timestamp)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def hash_of(text: str) -> int:
    """A number that stands for a text, of a size that fits into a database."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


@lru_cache(maxsize=256)
def clean_name(model: str) -> str:
    """A model as it may be shown."""
    return clean(model, LONGEST_NAME)
