"""Kilo's batches of calls: one answer, in which every call has succeeded or failed for itself.

HTTP 207 says that some failed, so it is read like 200.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from tui.core.errors import (
    FetchError,
    ParseError,
    RateLimited,
    ServerError,
    Unauthorized,
)
from tui.core.http import Reply
from tui.providers._parse import (
    ErrorTable,
    at,
    ensure_ok,
    first_text,
    integer,
    json_value,
    mapping,
    text,
)

SERVICE = "Kilo"
BASE = "https://app.kilo.ai/api/trpc"
OK = (200, 207)


class Outcome(NamedTuple):
    """What became of one call."""

    payload: Any = None
    error: FetchError | None = None


# -- errors ----------------------------------------------------------------------------------------


def refused(_: object = None) -> Unauthorized:
    """The key or login is not accepted."""
    return Unauthorized(
        f"{SERVICE} did not accept the key or login.",
        hint="Refresh KILO_API_KEY or run `kilo login`.",
    )


def not_found(_: object = None) -> ServerError:
    """The calls have other names by now."""
    return ServerError(f"{SERVICE} API endpoint not found.", hint="The app may need an update.")


def _limited(_: object = None) -> RateLimited:
    return RateLimited(f"{SERVICE} is rate-limiting.", hint="Try again later.")


def _unavailable(status: int) -> ServerError:
    return ServerError(f"{SERVICE} is unavailable (HTTP {status}).", hint="Try again later.")


BY_STATUS = {401: refused, 403: refused, 404: not_found, 429: _limited}
ERRORS: ErrorTable = {
    **BY_STATUS,
    **dict.fromkeys(range(500, 600), lambda reply: _unavailable(reply.status)),
}
STATUS_BY_NAME = {
    "NOT_FOUND": 404,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "NOT_IMPLEMENTED": 501,
    "BAD_GATEWAY": 502,
    "SERVICE_UNAVAILABLE": 503,
    "GATEWAY_TIMEOUT": 504,
}
STATUS_BY_NUMBER = {-32001: 401, -32003: 403, -32004: 404, -32029: 429, -32603: 500}
"""JSON-RPC's numbers, where an error tells no more."""


def _error(data: Any) -> FetchError:
    """What the error of one call stands for."""
    status = _status(data)
    if status in BY_STATUS:
        return BY_STATUS[status]()
    if status >= 500:
        return _unavailable(status)
    return ParseError(f"{SERVICE} refused a call in an unknown way.")


def _status(data: Any) -> int:
    """The HTTP status an error stands for; 0 when nothing tells."""
    name = first_text(data, "data.code", "code").upper()
    said = f"{name} {text(data) or first_text(data, 'message')}".lower()
    if "unauthorized" in said or "forbidden" in said:
        return 401
    return (
        integer(at(data, "data.httpStatus"))
        or STATUS_BY_NAME.get(name)
        or STATUS_BY_NUMBER.get(integer(at(data, "code")) or 0)
        or (404 if "not found" in said else 0)
    )


# -- asking and reading ----------------------------------------------------------------------------


def batch_url(calls: Mapping[str, Any]) -> str:
    """The address of a batch.

    Args:
        calls: Names and what each is given.
    """
    inputs = {str(place): value for place, value in enumerate(calls.values())}
    written = quote(json.dumps(inputs, separators=(",", ":")), safe="")
    return f"{BASE}/{','.join(calls)}?batch=1&input={written}"


def read_batch(reply: Reply, size: int, now: datetime) -> tuple[Outcome, ...]:
    """What became of each call, in order.

    Args:
        size: How many were made; more in the answer are ignored.

    Raises:
        FetchError: By the status; ParseError when this is no batch.
    """
    ensure_ok(reply, SERVICE, now=now, errors=ERRORS, ok=OK)
    entries = _entries(json_value(reply, SERVICE))
    return tuple(
        _outcome(entries[place]) if place in entries else Outcome() for place in range(size)
    )


def _entries(body: Any) -> dict[int, Any]:
    """The entries by place: a list, an object of places, or the only one by itself."""
    if isinstance(body, list) and body:
        return dict(enumerate(body))
    if isinstance(body, dict):
        if "result" in body or "error" in body:
            return {0: body}
        places = {int(name): body[name] for name in body if name.isdecimal() and len(name) < 4}
        if places:
            return places
    raise ParseError(f"{SERVICE} sent no batch of answers.")


def _outcome(entry: Any) -> Outcome:
    entry = mapping(entry)
    if (error := entry.get("error")) is not None:
        return Outcome(error=_error(mapping(error).get("json", error)))
    if "result" not in entry:
        return Outcome(error=ParseError(f"{SERVICE} sent an entry without result or error."))
    result = mapping(entry["result"])
    found = result.get("data", result.get("json"))
    if isinstance(found, dict) and "json" in found:
        found = found["json"]
    return Outcome(payload=found)
