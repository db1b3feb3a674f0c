"""Session logs as Claude Code writes them, line by line."""

from __future__ import annotations

import json
import os
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

_numbers = count(1)


def new_id(kind: str = "msg_01") -> str:
    """An id as the service gives them."""
    return f"{kind}{next(_numbers):020}"


def reply(
    message_id: str | None = "",
    request_id: str | None = "",
    *,
    at: str = "2026-11-20T10:00:00.000Z",
    model: Any = "claude-opus-4-8",
    usage: Any = None,
    text: str = "done",
    message: dict[str, Any] | None = None,
    **record: Any,
) -> dict[str, Any]:
    """The record of one content block of a reply.

    Args:
        message_id: Empty makes a new one, `None` leaves it out; the same for `request_id`.
        usage: Counts, or the tokens of the output.
        message: Further keys of the message; those of the record follow.
    """
    if usage is None or isinstance(usage, int):
        usage = {"input_tokens": 0, "output_tokens": 1 if usage is None else usage}
    ids = {"id": new_id() if message_id == "" else message_id}
    requests = {"requestId": new_id("req_01") if request_id == "" else request_id}
    return {
        "parentUuid": "6a0c",
        "isSidechain": False,
        "userType": "external",
        "cwd": "/srv/app",
        "sessionId": "0b1c",
        "message": {
            **{key: value for key, value in ids.items() if value is not None},
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [{"type": "text", "text": text}],
            "usage": usage,
            **(message or {}),
        },
        **{key: value for key, value in requests.items() if value is not None},
        "type": "assistant",
        "timestamp": at,
        **record,
    }


def line(record: Any) -> bytes:
    """A record as it stands in the file."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def lines(*records: Any) -> bytes:
    """Several of them."""
    return b"".join(map(line, records))


def write_log(path: Path, *records: Any, at: datetime | None = None) -> Path:
    """A whole file, last written at some moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines(*records))
    if at is not None:
        os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def append(path: Path, content: bytes) -> None:
    """Write on, as the program that owns the file does."""
    with path.open("ab") as file:
        file.write(content)
