"""The envelope of MiniMax's answers, and the refusals that arrive in it with HTTP 200."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    NetworkError,
    ParseError,
    RateLimited,
    ServerError,
    Unauthorized,
)
from tui.core.http import Reply
from tui.core.redact import Redactor
from tui.core.text import short_message
from tui.providers._context import FetchContext
from tui.providers._parse import (
    CHECK_NETWORK,
    ErrorTable,
    ensure_ok,
    integer,
    json_object,
    mapping,
    text,
    unreached,
)
from tui.providers.minimax.page import is_signed_out

SERVICE = "MiniMax"
TIMEOUT_S = 30.0
LOGIN_CODE = 1004
LOGIN_WORDS = re.compile(r"cookie|log ?in|invalid api key", re.IGNORECASE)
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


# -- errors ----------------------------------------------------------------------------------------


class NotHere(ServerError):
    """The address is unknown to the server, or not asked like this."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{SERVICE} does not know this address (HTTP {reply.status}).")
        self.is_missing = reply.status == 404


def not_set_up() -> MissingCredentials:
    """Neither key nor login."""
    return MissingCredentials(
        f"{SERVICE} is not set up.",
        hint="Set MINIMAX_CODING_API_KEY or MINIMAX_API_KEY, add the key in settings, or sign in "
        "at platform.minimax.io / platform.minimaxi.com and refresh.",
    )


def refused(_: object = None) -> Unauthorized:
    """The key or login is not accepted."""
    return Unauthorized(
        f"{SERVICE} credentials are invalid or expired.",
        hint="Make a new key or sign in again; check the region.",
    )


def unknown_format(hint: str = "") -> ParseError:
    """An answer nobody has seen before."""
    return ParseError(f"{SERVICE} answered in an unknown format.", hint=hint)


def _limited(_: object) -> FetchError:
    return RateLimited(f"{SERVICE} is rate-limiting.", hint="Try again later.")


ERRORS: ErrorTable = {401: refused, 403: refused, 404: NotHere, 405: NotHere, 429: _limited}
WEB_ERRORS: ErrorTable = {**ERRORS, 0: refused}
"""Whoever is sent elsewhere by the website is signed out there."""


# -- answers ---------------------------------------------------------------------------------------


async def send(ctx: FetchContext, url: str, **options: Any) -> Reply:
    """One exchange.

    Raises:
        NetworkError: MiniMax was not reached.
    """
    try:
        return await ctx.http.send("GET", url, timeout_s=TIMEOUT_S, **options)
    except NetworkError as error:
        raise unreached(SERVICE, error, otherwise="Check the connection.") from error


def read_answer(reply: Reply, now: datetime, errors: ErrorTable = ERRORS) -> dict[str, Any]:
    """The object of an answer that is no refusal.

    Raises:
        FetchError: By the status or by what the answer says.
    """
    ensure_ok(reply, SERVICE, now=now, errors=errors)
    if reply.is_html:
        raise refused() if is_signed_out(reply.text) else unknown_format(CHECK_NETWORK)
    try:
        answer = json_object(reply, SERVICE)
    except ParseError as error:
        raise unknown_format() from error
    check_refusal(answer)
    return answer


def check_refusal(answer: Mapping[str, Any]) -> None:
    """Raise what `base_resp` says; the one inside `data` counts first.

    Raises:
        Unauthorized: The key or login is not accepted.
        ServerError: Any other refusal.
    """
    inside = mapping(mapping(answer.get("data")).get("base_resp"))
    base = inside or mapping(answer.get("base_resp"))
    code = base.get("status_code")
    if code in (None, "") or integer(code) == 0:
        return
    words = short_message(Redactor()(text(base.get("status_msg"))))
    if integer(code) == LOGIN_CODE or LOGIN_WORDS.search(words):
        raise refused()
    number = integer(code)
    said = words or ("no reason" if number is None else f"code {number}")
    raise ServerError(f"{SERVICE} refused: {said}")


def flattened(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The members at the root and below `data`, which count first, in one spelling."""
    return {**snaked(answer), **snaked(mapping(answer.get("data")))}


def snaked(data: Mapping[str, Any]) -> dict[str, Any]:
    """The members that say something, `modelRemains` as `model_remains`."""
    said = {name: value for name, value in data.items() if value is not None}
    return {**{CAMEL.sub("_", name).lower(): value for name, value in said.items()}, **said}
