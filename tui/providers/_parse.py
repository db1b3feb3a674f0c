"""Typed access to answers. Every error names the path and what was expected there, never the
content.

`find_*` gives `None` for what is missing or null or of a useless type; `require_*` raises
`ParseError`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from tui.core.errors import (
    DEFAULT_HINTS,
    FetchError,
    NetworkError,
    ParseError,
    RateLimited,
    ServerError,
    Unauthorized,
    Unsupported,
)
from tui.core.http import Reply
from tui.core.text import short_message
from tui.core.wording import amount_text as amount_text

LATEST_YEAR = 4000
LONGEST_SLUG = 60
CHECK_NETWORK = "Check the network and its proxy."
"""The next step where a page came that is not the service's."""
ErrorTable = Mapping[int, Callable[[Reply], FetchError]]
"""What a provider says about a status, for the statuses where its page has a text of its own."""


# -- answers ---------------------------------------------------------------------------------------


def ensure_ok(
    reply: Reply,
    service: str,
    *,
    now: datetime,
    errors: ErrorTable | None = None,
    ok: tuple[int, ...] = (200,),
) -> Reply:
    """The reply, if its status is good.

    Args:
        service: Name for the messages.
        errors: The provider's own errors by status; 0 stands for a redirect that was not followed.
        ok: Good statuses.

    Raises:
        FetchError: From `errors`, else by the status: 401 and 403 unauthorized, 429 rate limited,
            else server.
    """
    if reply.status in ok:
        return reply
    table = errors or {}
    wanted = 0 if reply.is_redirect else reply.status
    if wanted in table:
        error = table[wanted](reply)
        if error.retry_after_s is None and reply.status in {429, 503}:
            error.retry_after_s = reply.retry_after_s(now)
        raise error
    raise _by_status(reply, service, now)


def _by_status(reply: Reply, service: str, now: datetime) -> FetchError:
    if reply.is_redirect:
        return ServerError(f"{service} redirected to another address, which was not followed.")
    if reply.status in {401, 403}:
        return Unauthorized(f"{service} did not accept the login (HTTP {reply.status}).")
    if reply.status == 429:
        return RateLimited(f"{service} is rate-limiting.", retry_after_s=reply.retry_after_s(now))
    if reply.status >= 500:
        return ServerError(f"{service} is unavailable (HTTP {reply.status}).")
    return ServerError(f"{service} answered HTTP {reply.status}.")


def json_value(reply: Reply, service: str) -> Any:
    """The body as JSON.

    Raises:
        ParseError: Empty, a page, or not JSON.
    """
    if not reply.body.strip():
        raise ParseError(f"{service} sent an empty answer.")
    if reply.is_html:
        raise page_instead(service)
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{service} sent no valid JSON.") from error


def page_instead(service: str) -> ParseError:
    """A page where data was expected: somebody on the way answered, the form is as it was."""
    return ParseError(
        f"{service} sent a page instead of data; a proxy or a login page answered.",
        hint=CHECK_NETWORK,
    )


def unreached(service: str, error: NetworkError, *, otherwise: str = "") -> NetworkError:
    """A failed exchange in a sentence that names the service; the next step stays.

    Args:
        otherwise: The next step where there was none but waiting.
    """
    is_general = error.hint == DEFAULT_HINTS[error.kind]
    return NetworkError(
        f"Could not reach {service}: {error.message}",
        hint=otherwise if is_general else error.hint,
    )


def json_object(reply: Reply, service: str) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        ParseError: Empty, a page, not JSON, or not an object.
    """
    value = json_value(reply, service)
    if not isinstance(value, dict):
        raise ParseError(f"{service} sent {type_word(value)} where an object was expected.")
    return value


def message_in(reply: Reply) -> str:
    """The service's own words in an error body, one clean short line, else an empty text.

    Looks at `message`, `detail`, `error_description`, `error`, `error.message` and
    `errors[].message`.
    """
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    return short_message(_message(body))


def _message(body: Any) -> str:
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return ""
    for name in ("message", "detail", "error_description", "error"):
        found = _message(body.get(name))
        if found:
            return found
    errors = body.get("errors")
    if isinstance(errors, list):
        return "; ".join(filter(None, map(_message, errors[:3])))
    return ""


# -- values ----------------------------------------------------------------------------------------


def type_word(value: Any) -> str:
    """A JSON type in words."""
    words = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        type(None): "null",
    }
    return words.get(type(value), "a number")


def at(data: Any, path: str) -> Any:
    """What lies at a dotted path (`data.limits.0.unit`), or `None` when any step is missing."""
    for step in path.split("."):
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def number(value: Any) -> float | None:
    """A finite number; decimal texts count, booleans and NaN do not."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        if not re.fullmatch(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", value):
            return None
    elif not isinstance(value, (int, float, Decimal)):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def decimal(value: Any) -> Decimal | None:
    """A finite number without the rounding of floats: money, credits, counts."""
    if number(value) is None:
        return None
    try:
        return Decimal(str(value).strip())
    except InvalidOperation:
        return None


def integer(value: Any) -> int | None:
    """A whole number; `5.0` and "5" count."""
    result = number(value)
    return int(result) if result is not None and result == int(result) else None


def text(value: Any) -> str:
    """A trimmed string, else an empty one."""
    return value.strip() if isinstance(value, str) else ""


def first_text(data: Any, *paths: str) -> str:
    """The first path that holds a non-blank string."""
    return next(filter(None, (text(at(data, path)) for path in paths)), "")


def first_number(data: Any, *paths: str) -> float | None:
    """The first path that holds a number."""
    return next((found for path in paths if (found := number(at(data, path))) is not None), None)


def boolean(value: Any) -> bool | None:
    """True or false; 0, 1, "true", "yes", "1", "false", "no", "0" count."""
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(value, str):
        return words.get(value.strip().lower())
    return bool(value) if value in (0, 1) and value is not None else None


def items(value: Any) -> list[Any]:
    """A list, else an empty one."""
    return value if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """An object, else an empty one."""
    return value if isinstance(value, dict) else {}


def timestamp(value: Any) -> datetime | None:
    """A moment in UTC: ISO 8601 with any fraction, epoch seconds, or epoch milliseconds (from
    1e11).

    Numeric texts count. Zero, negative, and years beyond 4000 do not. A time without a zone is UTC.
    """
    seconds = number(value)
    if seconds is not None:
        return _from_epoch(seconds / 1000 if abs(seconds) >= 1e11 else seconds)
    if not isinstance(value, str):
        return None
    shortened = re.sub(r"(\.\d{6})\d+", r"\1", value.strip())
    try:
        moment = datetime.fromisoformat(shortened)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1971 <= moment.year <= LATEST_YEAR else None


def _from_epoch(seconds: float) -> datetime | None:
    try:
        moment = datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment is not None and moment.year <= LATEST_YEAR else None


def moment_in(seconds: float | None, now: datetime) -> datetime | None:
    """So many seconds from now; `None` when unknown or beyond the year 4000."""
    if seconds is None:
        return None
    try:
        moment = now + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return moment if moment.year <= LATEST_YEAR else None


def clamp_percent(value: float) -> float:
    """Within 0 and 100."""
    return min(max(value, 0.0), 100.0)


def share(used: Decimal | float | None, limit: Decimal | float | None) -> float | None:
    """Used percent of a limit, at least 0; `None` when either is unknown, the limit is not
    positive, or the numbers are beyond all measure."""
    if used is None or limit is None or limit <= 0:
        return None
    percent = float(Decimal(used) / Decimal(limit) * 100)
    return max(percent, 0.0) if math.isfinite(percent) else None


def usd(amount: Decimal | float) -> str:
    """`$1,234.50`, `-$0.03`."""
    sign = "-" if amount < 0 else ""
    return f"{sign}${abs(amount):,.2f}"


def slug(name: str) -> str:
    """A name as part of an id: `GPT-5.3 Codex` becomes `gpt-5-3-codex`; empty when nothing is
    left."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_SLUG].rstrip("-")


def walk(data: Any, depth: int = 6) -> Iterator[dict[str, Any]]:
    """Every object inside, outermost first, down to a depth."""
    if depth < 0:
        return
    if isinstance(data, dict):
        yield data
        children: Any = data.values()
    elif isinstance(data, list):
        children = data
    else:
        return
    for child in children:
        yield from walk(child, depth - 1)


# -- required values -------------------------------------------------------------------------------


def require(data: Any, path: str, expected: str, read: Callable[[Any], Any]) -> Any:
    """What `read` makes of the value at a path.

    Raises:
        ParseError: It made nothing of it; path and expectation are named.
    """
    found = read(at(data, path))
    if found is None or found == "":
        raise ParseError(f"Unexpected answer: {path} should be {expected}.")
    return found


def require_number(data: Any, path: str) -> float:
    """The finite number at a path.

    Raises:
        ParseError: There is none.
    """
    return float(require(data, path, "a number", number))


def require_object(data: Any, path: str) -> dict[str, Any]:
    """The object at a path.

    Raises:
        ParseError: There is none.
    """
    found = require(
        data, path, "an object", lambda value: value if isinstance(value, dict) else None
    )
    return dict(found)


def unsupported_setting(name: str, rule: str) -> Unsupported:
    """A setting or variable that is not allowed."""
    return Unsupported(f"{name}: {rule}.", hint="Correct it in the settings or the environment.")
