"""Session logs as Codex writes them, line by line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.session_logs import lines

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
_numbers = count(1)


def usage(input_: int = 0, cached: int = 0, output: int = 0, written: int = 0) -> dict[str, int]:
    """Tokens as the service counts them."""
    return {
        "input_tokens": input_,
        "cached_input_tokens": cached,
        "cache_write_input_tokens": written,
        "output_tokens": output,
        "reasoning_output_tokens": output // 2,
        "total_tokens": input_ + output,
    }


def added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    """A counter after a step."""
    return {name: one[name] + other[name] for name in one}


def entry(kind: str, payload: Any, at: datetime = START, **more: Any) -> dict[str, Any]:
    """Any line."""
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"timestamp": stamp, **more, "type": kind, "payload": payload}


def header(session: str, at: datetime = START, **more: Any) -> dict[str, Any]:
    """The line that names a session."""
    payload = {
        "id": session,
        "timestamp": at.isoformat(),
        "cwd": "/srv/app",
        "originator": "codex_cli_rs",
        "cli_version": "0.155.1",
        "source": "cli",
        "model_provider": "openai",
        "base_instructions": {"text": "Be brief."},
        **more,
    }
    return entry("session_meta", payload, at)


def turn(model: str | None, at: datetime = START) -> dict[str, Any]:
    """The line that names the model of the replies that follow."""
    return entry("turn_context", {"cwd": "/srv/app", "model": model, "effort": "high"}, at)


def counter(
    total: dict[str, int] | None, last: dict[str, int] | None, at: datetime = START, **more: Any
) -> dict[str, Any]:
    """The counter of the session, and the reply it went up by."""
    info = {"total_token_usage": total, "last_token_usage": last, "model_context_window": 272_000}
    payload = {"type": "token_count", "info": {**info, **more}, "rate_limits": None}
    return entry("event_msg", payload, at)


def record(
    session: str, used: dict[str, int], at: datetime = START, response: str | None = ""
) -> dict[str, Any]:
    """The record of one reply; an empty id makes a new one."""
    ids = {"response_id": f"resp_{next(_numbers):030}" if response == "" else response}
    return entry("token_usage_record", {"thread_id": session, **ids, "usage": used}, at)


class Session:
    """A session that goes on, line by line; every reply takes ten seconds."""

    def __init__(
        self,
        name: str = "019fa149-0000-7000-8000-000000000001",
        model: str | None = "gpt-5.3-codex",
        *,
        at: datetime = START,
        records: bool = False,
        **meta: Any,
    ) -> None:
        self.name = name
        self.at = at
        self.total = usage()
        self._records = records
        self.lines: list[dict[str, Any]] = [header(name, at, **meta)]
        if model is not None:
            self.use(model)

    def use(self, model: str) -> Session:
        """Go on with another model."""
        self.lines.append(turn(model, self.at))
        return self

    def reply(self, input_: int = 0, cached: int = 0, output: int = 0, written: int = 0) -> Session:
        """One reply, and what the program writes about it."""
        self.at += timedelta(seconds=10)
        used = usage(input_, cached, output, written)
        self.total = added(self.total, used)
        if self._records:
            self.lines.append(record(self.name, used, self.at))
        self.lines.append(entry("response_item", {"type": "message", "content": "…"}, self.at))
        self.lines.append(counter(self.total, used, self.at))
        return self

    def copied_to(self, name: str, at: datetime, **meta: Any) -> Session:
        """A session forked from this one: it begins with these lines, written anew at once."""
        child = Session(name, None, at=at, forked_from_id=self.name, **meta)
        for index, line in enumerate(self.lines):
            moment = at + timedelta(milliseconds=1 + index)
            if line["type"] != "token_usage_record":
                child.lines.append(entry(line["type"], line["payload"], moment))
        child.total = self.total
        child.at = child.at + timedelta(milliseconds=len(self.lines))
        return child

    @property
    def content(self) -> bytes:
        """The whole log."""
        return lines(*self.lines)
