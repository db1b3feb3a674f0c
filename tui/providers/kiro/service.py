"""Asking the service itself, with a login that lies on this machine.

Two forms of one call: what the program sends, and what the IDE sends where that is refused. The
profile of the login decides the region; a region we do not know yet is trusted for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from tui.core.errors import FetchError, ParseError, ServerError, Unauthorized
from tui.core.http import Reply
from tui.providers._context import FetchContext
from tui.providers._parse import ErrorTable, ensure_ok, json_object
from tui.providers.kiro.limits import parse_limits
from tui.providers.kiro.logins import DEFAULT_REGION, RENEWALS, Login
from tui.providers.kiro.usage import Usage

SERVICE = "Kiro"
TIMEOUT_S = 10.0
HOSTS = (
    "codewhisperer.us-east-1.amazonaws.com",
    "q.us-east-1.amazonaws.com",
    "q.eu-central-1.amazonaws.com",
)
CALL_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "AmazonCodeWhispererService.GetUsageLimits",
}
QUERY = {"origin": "AI_EDITOR", "resourceType": "AGENTIC_REQUEST", "isEmailRequired": "true"}

Form: TypeAlias = Callable[[FetchContext, Login], Awaitable[Reply]]


class BadRequest(ServerError):
    """HTTP 400: the service does not take this form of the call."""


async def ask_limits(ctx: FetchContext, login: Login) -> Usage:
    """The credits behind a login.

    Raises:
        Unauthorized: The login is over; its owner has to renew it.
        FetchError: No form of the call brought numbers.
    """
    try:
        return await ask(ctx, login, call_of_program)
    except (ServerError, ParseError):
        pass
    try:
        return await ask(ctx, login, call_of_ide)
    except BadRequest:
        if not login.profile_arn:
            raise
    # Enterprise accounts are refused with their profile and answered without it.
    return await ask(ctx, login, call_without_profile)


async def ask(ctx: FetchContext, login: Login, form: Form) -> Usage:
    """The credits by one form of the call."""
    now = ctx.clock.now()
    reply = ensure_ok(await form(ctx, login), SERVICE, now=now, errors=errors(login))
    return parse_limits(json_object(reply, SERVICE), now)


def errors(login: Login) -> ErrorTable:
    """What refusals mean for a login."""

    def expired(reply: Reply) -> FetchError:
        return Unauthorized("Kiro's sign-in has expired.", hint=RENEWALS[login.origin])

    def bad_request(reply: Reply) -> FetchError:
        return BadRequest(f"{SERVICE} answered HTTP {reply.status}.")

    return {400: bad_request, 401: expired, 403: expired}


# -- forms -----------------------------------------------------------------------------------------


async def call_of_program(ctx: FetchContext, login: Login) -> Reply:
    """The call as kiro-cli sends it."""
    name = "codewhisperer" if login.region == DEFAULT_REGION else "q"
    url = f"https://{name}.{login.region}.amazonaws.com/"
    body: dict[str, Any] = {"profileArn": login.profile_arn} if login.profile_arn else {}
    return await ctx.http.trusting(url).send(
        "POST",
        url,
        bearer=login.token,
        headers=CALL_HEADERS,
        json=body,
        timeout_s=TIMEOUT_S,
        redirects="none",
    )


async def call_of_ide(ctx: FetchContext, login: Login) -> Reply:
    """The call as the IDE sends it."""
    profile = {"profileArn": login.profile_arn} if login.profile_arn else {}
    return await get_limits(ctx, login, QUERY | profile)


async def call_without_profile(ctx: FetchContext, login: Login) -> Reply:
    """The same for an account whose profile is refused."""
    return await get_limits(ctx, login, QUERY)


async def get_limits(ctx: FetchContext, login: Login, query: dict[str, str]) -> Reply:
    """One GET with a query."""
    url = f"https://q.{login.region}.amazonaws.com/getUsageLimits"
    return await ctx.http.trusting(url).send(
        "GET", url, bearer=login.token, params=query, timeout_s=TIMEOUT_S, redirects="none"
    )
