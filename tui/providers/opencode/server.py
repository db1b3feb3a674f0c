"""Calling the server functions of opencode.ai with a session, and what their refusals mean."""

from __future__ import annotations

import html
import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlsplit

from tui.core.errors import (
    FetchError,
    NetworkError,
    ParseError,
    RateLimited,
    ServerError,
    Unauthorized,
)
from tui.core.http import Reply
from tui.core.redact import Secret
from tui.core.text import short_message
from tui.providers._context import FetchContext
from tui.providers._parse import ErrorTable, ensure_ok, message_in, unreached

T = TypeVar("T")

SERVICE = "OpenCode"
BASE = "https://opencode.ai"
SERVER = f"{BASE}/_server"
TIMEOUT_S = 20.0
USER_AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/143.0.0.0 Safari/537.36"
)
NO_GET = frozenset({400, 404, 405, 501})
"""How servers answer that want a POST."""
NOBODY = r"auth/authorize|not associated with an account|actor of type \\*\"public"
SIGNED_OUT = re.compile(rf"login|sign in|{NOBODY}", re.IGNORECASE)
REFUSED = re.compile(NOBODY, re.IGNORECASE)
"""The same in an error; its page may offer a login whatever is wrong."""
LOGIN_PAGE = re.compile(r"/(?:auth|login|sign-?in)(?:/|$)")
NULL = re.compile(r"\s*null\s*|.*\]\s*=\s*\[\]\s*,\s*null\s*\)[\s;]*", re.IGNORECASE | re.DOTALL)
"""JSON null, or a chunk that leaves nothing but the empty list of its instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One call of a server function."""

    id: str
    arguments: tuple[str, ...] = ()
    page: str = ""
    """Path of the page it is called from."""

    @property
    def get_url(self) -> str:
        """Its address with the arguments in the query."""
        written = json.dumps(self.arguments, separators=(",", ":"))
        arguments = f"&args={quote(written, safe='')}" if self.arguments else ""
        return f"{SERVER}?id={quote(self.id, safe='')}{arguments}"


def signed_out() -> Unauthorized:
    """The site knows nobody by this session."""
    return Unauthorized(
        "The OpenCode session is invalid or expired.", hint="Log in again at opencode.ai."
    )


def is_null(answer: str) -> bool:
    """Whether the function gave nothing on purpose."""
    return NULL.fullmatch(answer) is not None


async def ask(
    ctx: FetchContext,
    session: Secret,
    function: Function,
    read: Callable[[str], T | None],
    *,
    methods: Sequence[str] = ("GET", "POST"),
) -> T | None:
    """What `read` finds in the first usable answer; nothing when none has it.

    Raises:
        FetchError: The session is not accepted, the call failed, or `read` says so.
    """
    for method in methods:
        reply = await _send(ctx, session, function, method)
        if reply.status in NO_GET and method != methods[-1]:
            continue
        answer = _text(ctx, reply)
        if (found := read(answer)) is not None:
            return found
        # Only now: a workspace may be called "Login service".
        if SIGNED_OUT.search(answer):
            raise signed_out()
        ctx.log.debug("%s: nothing usable by %s, %d bytes", ctx.key, method, len(reply.body))
    return None


async def _send(ctx: FetchContext, session: Secret, function: Function, method: str) -> Reply:
    is_get = method == "GET"
    try:
        reply = await ctx.http.send(
            method,
            function.get_url if is_get else SERVER,
            cookie=session,
            headers={
                "X-Server-Id": function.id,
                "X-Server-Instance": f"server-fn:{uuid.uuid4()}",
                "Accept": "text/javascript, application/json;q=0.9, */*;q=0.8",
                "Origin": BASE,
                "Referer": f"{BASE}{function.page}",
                "User-Agent": USER_AGENT,
            },
            json=None if is_get else list(function.arguments),
            timeout_s=TIMEOUT_S,
        )
    except NetworkError as error:
        raise unreached(SERVICE, error) from error
    if LOGIN_PAGE.search(urlsplit(reply.url).path):
        raise signed_out()
    return reply


# -- answers ---------------------------------------------------------------------------------------


def _text(ctx: FetchContext, reply: Reply) -> str:
    errors: ErrorTable = {reply.status: _failed, **ERRORS}
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=errors)
    try:
        return reply.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParseError(f"{SERVICE} sent an answer that is no text.") from error


def _failed(reply: Reply) -> FetchError:
    if REFUSED.search(reply.text):
        return signed_out()
    words = message_in(reply) or _title(reply.text)
    return ServerError(
        f"{SERVICE} API error: HTTP {reply.status}" + (f": {words}" if words else ".")
    )


def _moved(reply: Reply) -> FetchError:
    error = _failed(reply)
    if isinstance(error, ServerError):
        error.hint = "The site may have changed its function ids; they can be set in the settings."
    return error


def _title(page: str) -> str:
    found = re.search(r"<title[^>]*>(.*?)</title>", page, re.IGNORECASE | re.DOTALL)
    return short_message(html.unescape(found.group(1))) if found else ""


ERRORS: ErrorTable = {
    0: lambda reply: signed_out(),
    401: lambda reply: signed_out(),
    403: lambda reply: signed_out(),
    404: _moved,
    429: lambda reply: RateLimited(f"{SERVICE} is rate limiting."),
}
