"""The session logs of Claude Code: one line as the tokens of a reply.

Most of a line is what the user works on; it is skipped without being decoded, and never searched.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from tui.gateways.log_lines import (
    MOST_TOKENS,
    ON_VERTEX,
    SIDE_CHAIN,
    BrokenLine,
    Count,
    Found,
    Row,
    clean_name,
    hash_of,
    repaired,
    seconds_of,
)

REPLY_WORDS = (b'"usage"', b'"assistant"')
"""A line without both holds no reply; a quick test before it is decoded."""
SERVICE_ID_LENGTH = 20
VERTEX_WORDS = ("vertex", "gcp")
VENDOR_KEYS = frozenset(
    (
        "provider",
        "platform",
        "backend",
        "api_provider",
        "apiprovider",
        "api_type",
        "apitype",
        "source",
        "vendor",
        "client",
    )
)
SEARCHED_OBJECTS = frozenset(("metadata", "request", "context", "client"))


class CacheWrites(msgspec.Struct):
    """How long what was written to the cache is kept."""

    ephemeral_5m_input_tokens: Count = 0
    ephemeral_1h_input_tokens: Count = 0


class Usage(msgspec.Struct):
    """Tokens as the service reports them."""

    input_tokens: Count = 0
    cache_creation_input_tokens: Count = 0
    cache_read_input_tokens: Count = 0
    output_tokens: Count = 0
    cache_creation: CacheWrites | None = None


class Message(msgspec.Struct):
    """What the service answered, but for the content."""

    model: str
    usage: Usage
    id: Any = None
    metadata: Any = None
    request: Any = None


class LoggedReply(msgspec.Struct, rename={"request_id": "requestId", "side": "isSidechain"}):
    """A line about a reply."""

    type: str
    timestamp: str
    message: Message
    request_id: Any = None
    side: Any = None

    @property
    def identity(self) -> str:
        """What two lines about the same reply share; empty when nothing tells.

        An id given by the service stands alone: copies of a reply repeat it under other request
        ids.
        """
        message_id, request_id = self.message.id, self.request_id
        if not message_id or not isinstance(message_id, str):
            return ""
        if message_id.startswith("msg_") and len(message_id) >= SERVICE_ID_LENGTH:
            return message_id
        has_request = request_id and isinstance(request_id, str)
        return f"{message_id}:{request_id}" if has_request else ""


_decode_reply = msgspec.json.Decoder(LoggedReply).decode
_decode_record = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_value = msgspec.json.Decoder().decode


def read_lines(lines: bytes, path: str, offset: int, state: bytes) -> Found:
    """Read from the end: of several lines about one reply only the last one counts."""
    first_word, second_word = REPLY_WORDS
    seen: set[str] = set()
    rows: list[Row] = []
    skipped = 0
    end = len(lines)
    while (hit := lines.rfind(first_word, 0, end)) >= 0:
        start = lines.rfind(b"\n", 0, hit) + 1
        end = lines.find(b"\n", hit)
        if lines.find(second_word, start, end) >= 0:
            try:
                if row := parse_line(lines[start:end], f"{path}\0{offset + start}", seen):
                    rows.append(row)
            except BrokenLine:
                skipped += 1
        end = start
    return Found(rows, skipped)


def parse_line(line: bytes, place: str, seen: set[str]) -> Row | None:
    """What the reply in a line used; `None` when that is nothing, when the line is about something
    else, or when a later line about the same reply was seen.

    Args:
        place: Tells this line from every other one; the key of a reply without an id.
        seen: Replies of the lines behind this one; its own is added.

    Raises:
        BrokenLine: It cannot be decoded.
    """
    try:
        return _parse(line, place, seen)
    except msgspec.ValidationError:  # JSON of another shape
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenLine(type(error).__name__) from error


def _parse(line: bytes, place: str, seen: set[str]) -> Row | None:
    reply = _decode(line)
    identity = reply.identity
    if reply.type != "assistant" or identity in seen:
        return None
    at = seconds_of(reply.timestamp)
    tokens = _tokens(reply.message.usage)
    if at is None or not any(tokens):
        return None
    if identity:
        seen.add(identity)
    side = reply.side in (True, 1)
    vertex = _is_on_vertex(reply, line)
    return Row(
        hash_of(identity or place),
        int(at),
        clean_name(reply.message.model),
        *tokens,
        side * SIDE_CHAIN + vertex * ON_VERTEX,
    )


def _decode(line: bytes) -> LoggedReply:
    try:
        return _decode_reply(line)
    except msgspec.ValidationError:
        return _decode_loosely(line)
    except msgspec.DecodeError:
        whole = repaired(line)
        if whole == line:
            raise
        return _decode(whole)


def _decode_loosely(line: bytes) -> LoggedReply:
    """Accept numbers of tokens in any form: fractions become whole, what is no number is 0."""
    record = _decode_value(line)
    try:
        usage = record["message"]["usage"]
        split = usage.get("cache_creation")
        counts: dict[str, Any] = _counts(usage, Usage.__struct_fields__)
        counts["cache_creation"] = (
            _counts(split, CacheWrites.__struct_fields__) if isinstance(split, dict) else None
        )
        record["message"]["usage"] = counts
    except (TypeError, KeyError, AttributeError) as error:
        raise msgspec.ValidationError("no usage") from error
    return msgspec.convert(record, LoggedReply)


def _counts(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, int]:
    return {name: _count(values.get(name)) for name in names}


def _count(value: Any) -> int:
    if type(value) not in (int, float):
        return 0
    return int(value) if 0 <= value <= MOST_TOKENS else 0


def _tokens(usage: Usage) -> tuple[int, int, int, int, int]:
    """Input, cache read, 5-minute write, 1-hour write, output."""
    written = usage.cache_creation_input_tokens
    hour = 0
    if usage.cache_creation is not None:
        hour = usage.cache_creation.ephemeral_1h_input_tokens
        written = written or hour + usage.cache_creation.ephemeral_5m_input_tokens
        hour = min(hour, written)
    return (
        usage.input_tokens,
        usage.cache_read_input_tokens,
        written - hour,
        hour,
        usage.output_tokens,
    )


def _is_on_vertex(reply: LoggedReply, line: bytes) -> bool:
    message = reply.message
    return (
        "_vrtx_" in str(message.id)
        or "_vrtx_" in str(reply.request_id)
        or ("@" in message.model and message.model.startswith("claude-"))
        or _mentions_vertex(message.metadata)
        or _mentions_vertex(message.request)
        or _record_tells_vertex(line)
    )


def _record_tells_vertex(line: bytes) -> bool:
    try:
        record = _decode_record(line)
    except msgspec.DecodeError:
        record = _decode_record(repaired(line))
    telling = _telling_keys(tuple(record))
    return any(_tells_vertex(key, _decode_value(record[key])) for key in telling)


@lru_cache(maxsize=256)
def _telling_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Of the keys of a record those that can tell where it came from: in most records none."""
    return tuple(
        key
        for key in keys
        if key in SEARCHED_OBJECTS
        or key.lower() in VENDOR_KEYS
        or any(word in key.lower() for word in VERTEX_WORDS)
    )


def _tells_vertex(key: str, value: Any) -> bool:
    name = key.lower()
    if any(word in name for word in VERTEX_WORDS):
        return True
    if isinstance(value, str):
        return name in VENDOR_KEYS and "vertex" in value.lower()
    return _mentions_vertex(value)


def _mentions_vertex(value: Any) -> bool:
    """Whether a key at any depth says so."""
    if isinstance(value, dict):
        return any(_tells_vertex(key, item) for key, item in value.items())
    return isinstance(value, list) and any(map(_mentions_vertex, value))
