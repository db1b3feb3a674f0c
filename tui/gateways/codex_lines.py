"""The session logs of Codex: steps of a session as the tokens of its replies.

The model stands in one line and the tokens in later ones, so a log is read forward with a little
state. Of a reply tell up to two lines: since version 0.153 a record of its own, and always a
counter of the whole session, which is written again whenever something else changed.

A session that was forked from another, as sub-agents are, begins with the lines of its parent, most
often dated anew. All of it is written at once, so it ends where the log first pauses.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import msgspec
from msgspec.structs import astuple

from tui.gateways.log_lines import (
    BrokenLine,
    Count,
    Found,
    Row,
    clean_name,
    hash_of,
    repaired,
    seconds_of,
)

WORDS = (b'"session_meta"', b'"turn_context"', b'"token_count"', b'"token_usage_record"')
"""A line without any of these tells nothing; a quick test before it is decoded."""
UNKNOWN_MODEL = "unknown"
PAUSE_S = 1.0
"""No reply comes sooner, and no copying waits as long."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens as the service reports them: what was cached is part of the input."""

    input_tokens: Count = 0
    cached_input_tokens: Count = 0
    cache_write_input_tokens: Count = 0
    output_tokens: Count = 0

    def since(self, before: Usage | None) -> Usage:
        """What a counter went up by; all of it where it began anew."""
        if before is None:
            return self
        steps = [now - then for now, then in zip(astuple(self), astuple(before), strict=True)]
        return Usage(*steps) if min(steps) >= 0 else self


class State(msgspec.Struct, array_like=True):
    """What the lines so far leave to know."""

    session: int = 0
    """Hash of its id; 0 before the line that names it."""
    model: str = ""
    total: Usage | None = None
    """The counter as it was seen last."""
    is_recorded: bool = False
    """The next step of the counter is a reply that had a record."""
    copied_at: float | None = None
    """The last moment of what was copied from a parent; `None` behind its end."""


class Line(msgspec.Struct):
    """Any line."""

    type: str
    payload: msgspec.Raw
    timestamp: str = ""


class SessionMeta(msgspec.Struct):
    """Whose lines follow: of this session, or copied from a parent."""

    id: str
    forked_from_id: Any = None
    parent_thread_id: Any = None
    source: Any = None

    @property
    def has_parent(self) -> bool:
        """Whether the session may begin with lines of another."""
        is_agent = isinstance(self.source, dict) and "subagent" in self.source
        return bool(self.forked_from_id or self.parent_thread_id or is_agent)


class TurnContext(msgspec.Struct):
    """The settings of the replies that follow."""

    model: str | None = None


class Info(msgspec.Struct):
    """The counter, and the reply it went up by."""

    total_token_usage: Usage | None = None
    last_token_usage: Usage | None = None
    model: str | None = None


class Event(msgspec.Struct):
    """Something that happened; most of it is of no interest."""

    type: str
    info: Info | None = None


class Record(msgspec.Struct):
    """A reply of its own."""

    usage: Usage
    response_id: str | None = None
    thread_id: str | None = None


_decode_line = msgspec.json.Decoder(Line).decode
_decode_meta = msgspec.json.Decoder(SessionMeta).decode
_decode_turn = msgspec.json.Decoder(TurnContext).decode
_decode_event = msgspec.json.Decoder(Event).decode
_decode_record = msgspec.json.Decoder(Record).decode
_decode_state = msgspec.msgpack.Decoder(State).decode
_encode_state = msgspec.msgpack.Encoder().encode


def read_lines(lines: bytes, path: str, offset: int, state: bytes) -> Found:
    """Read forward, from what the lines before left to know."""
    session = _Session(path, _decode_state(state) if state else State())
    skipped = 0
    for start, line in _telling_lines(lines):
        try:
            session.read(line, offset + start)
        except BrokenLine:
            skipped += 1
    return Found(session.rows, skipped, _encode_state(session.state))


def _telling_lines(lines: bytes) -> Iterator[tuple[int, bytes]]:
    starts = sorted({start for word in WORDS for start in _lines_with(word, lines)})
    return ((start, lines[start : lines.find(b"\n", start)]) for start in starts)


def _lines_with(word: bytes, lines: bytes) -> Iterator[int]:
    hit = lines.find(word)
    while hit >= 0:
        yield lines.rfind(b"\n", 0, hit) + 1
        hit = lines.find(word, lines.find(b"\n", hit))


class _Session:
    """A log while it is read."""

    def __init__(self, path: str, state: State) -> None:
        self.state = state
        self.rows: list[Row] = []
        self._path = path

    def read(self, line: bytes, offset: int) -> None:
        """Take the next line that may tell something.

        Raises:
            BrokenLine: It cannot be decoded.
        """
        try:
            self._take(_decode_line(line), offset)
        except msgspec.ValidationError:  # JSON of another shape
            return
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            whole = repaired(line)
            if whole == line:
                raise BrokenLine(type(error).__name__) from error
            self.read(whole, offset)

    def _take(self, line: Line, offset: int) -> None:
        at = seconds_of(line.timestamp)
        if at is None:
            return
        self._notice_pause(at)
        match line.type:
            case "session_meta":
                self._begin(_decode_meta(line.payload), at)
            case "turn_context":
                self.state.model = clean_name(_decode_turn(line.payload).model or "")
            case "token_usage_record":
                self._record(_decode_record(line.payload), at, offset)
            case "event_msg":
                event = _decode_event(line.payload)
                if event.type == "token_count" and event.info is not None:
                    self._count(event.info, at, offset)

    def _notice_pause(self, at: float) -> None:
        """Behind the first one the session itself goes on; older moments were copied too."""
        copied_at = self.state.copied_at
        if copied_at is not None:
            self.state.copied_at = max(at, copied_at) if at - copied_at < PAUSE_S else None

    def _begin(self, meta: SessionMeta, at: float) -> None:
        """Only the first header is of this session; another one was copied with what follows."""
        session = hash_of(meta.id)
        is_first = not self.state.session
        if is_first:
            self.state.session = session
        is_parent = session != self.state.session
        if is_parent or (is_first and meta.has_parent):
            self.state.copied_at = max(at, self.state.copied_at or at)

    def _record(self, record: Record, at: float, offset: int) -> None:
        self.state.is_recorded = True
        if record.thread_id and self.state.session:
            if hash_of(record.thread_id) != self.state.session:
                return
            self.state.copied_at = None
        if self.state.copied_at is None:
            self._add(record.usage, at, record.response_id or f"at {offset}")

    def _count(self, info: Info, at: float, offset: int) -> None:
        before, total = self.state.total, info.total_token_usage
        if total is not None and total == before:
            return
        was_recorded = self.state.is_recorded
        self.state.total, self.state.is_recorded = total or before, False
        usage = info.last_token_usage or (total.since(before) if total else None)
        if usage is None or was_recorded or self.state.copied_at is not None:
            return
        step = f"{astuple(total)} {astuple(usage)}" if total else f"at {offset}"
        self._add(usage, at, step, info.model or "")

    def _add(self, usage: Usage, at: float, reply: str, model: str = "") -> None:
        """Keep what a reply used, under what no other reply of the session has."""
        session = self.state.session or hash_of(PurePath(self._path).name)
        read = min(usage.cached_input_tokens, usage.input_tokens)
        written = min(usage.cache_write_input_tokens, usage.input_tokens - read)
        tokens = (usage.input_tokens - read - written, read, written, 0, usage.output_tokens)
        if any(tokens):
            name = clean_name(model) or self.state.model or UNKNOWN_MODEL
            self.rows.append(Row(hash_of(f"{session} {reply}"), int(at), name, *tokens, 0))
