"""Minting access tokens at WorkOS, which keeps Factory's logins.

A refresh token is good for one use. The one that comes back is saved before anything else is
done, whether or not somebody still waits for the answer; one is minted at a time per account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from tui.core.redact import Secret
from tui.core.sessions import CookieJar
from tui.providers._context import FetchContext
from tui.providers._parse import json_object, message_in, text, unreached
from tui.providers._unbroken import unbroken
from tui.providers.factory.kept import BEARER, REFRESH, is_spent, remember_spent

HOST = "api.workos.com"
COOKIE_DOMAIN = "workos.com"
URL = f"https://{HOST}/user_management/authenticate"
CLIENT_IDS = ("client_01HXRMBQ9BJ3E7QSTQ9X2PHVB7", "client_01HNM792M5G5G1A2THWPXKFMXB")
TIMEOUT_S = 15.0
LOCK = "workos"


class DeadToken(Unauthorized):
    """WorkOS does not take this refresh token any more."""

    def __init__(self) -> None:
        super().__init__(
            "The saved Factory login has expired.", hint="Log in again at app.factory.ai."
        )


class NoSession(MissingCredentials):
    """The cookies carry no login."""


class Refusal(ServerError):
    """WorkOS said no for another reason, and will again."""


FINAL = (DeadToken, NoSession, Refusal)


# -- three things to mint from ---------------------------------------------------------------------


async def mint_from_kept(ctx: FetchContext) -> tuple[Secret, str] | None:
    """A new access token from our own refresh token, and where that came from.

    Raises:
        FetchError: WorkOS refused; a dead token is forgotten.
    """
    seen = await ctx.sessions.get(REFRESH)
    if seen is None:
        return None
    async with ctx.sessions.lock(LOCK):
        kept = await ctx.sessions.get(REFRESH)
        if kept is None:
            return None
        if kept.value != seen.value:
            return await _minted_meanwhile(ctx)
        try:
            grant = Grant(body={"refresh_token": kept.value}, label=kept.label)
            return await _mint(ctx, grant), kept.label
        except (DeadToken, NoSession):
            await ctx.sessions.drop(REFRESH, only=kept.value)
            raise


async def _minted_meanwhile(ctx: FetchContext) -> tuple[Secret, str] | None:
    """What another instance saved while we waited for our turn."""
    bearer = await ctx.sessions.get(BEARER)
    return (bearer.value, bearer.label) if bearer is not None else None


async def mint_from_browser(
    ctx: FetchContext, refresh_token: Secret, *, organization: str, label: str
) -> Secret:
    """A new access token from a refresh token that lies in a browser.

    Raises:
        FetchError: WorkOS refused, or the token is known to be spent.
    """
    in_organization = {"organization_id": organization} if organization else {}
    async with ctx.sessions.lock(LOCK):
        if await is_spent(ctx, refresh_token):
            raise DeadToken
        body = {"refresh_token": refresh_token, **in_organization}
        try:
            return await _mint(ctx, Grant(body=body, label=label, borrowed=refresh_token))
        except (DeadToken, NoSession):
            await remember_spent(ctx, refresh_token)
            raise


async def mint_from_cookies(ctx: FetchContext, jar: CookieJar) -> Secret | None:
    """A new access token from the WorkOS cookies of a browser profile."""
    cookie = jar.header(URL)
    if cookie is None:
        return None
    async with ctx.sessions.lock(LOCK):
        return await _mint(ctx, Grant(body={"useCookie": True}, label=jar.label, cookie=cookie))


# -- minting ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an access token is minted from."""

    body: Mapping[str, Any]
    label: str
    """Where it comes from, for people."""
    cookie: Secret | None = None
    borrowed: Secret | None = None
    """A refresh token that still lies in a browser after it was spent."""


async def _mint(ctx: FetchContext, grant: Grant) -> Secret:
    """A new access token; it and a rotated refresh token are saved when this returns."""
    return await unbroken(_mint_and_save(ctx, grant))


async def _mint_and_save(ctx: FetchContext, grant: Grant) -> Secret:
    answer = await _ask_as_each_client(ctx, grant)
    if rotated := text(answer.get("refresh_token")):
        await ctx.sessions.put(REFRESH, Secret(rotated), grant.label)
        if grant.borrowed is not None:
            await remember_spent(ctx, grant.borrowed)
    token = text(answer.get("access_token"))
    if not token:
        raise ParseError("WorkOS answered without an access token.")
    bearer = Secret(token)
    await ctx.sessions.put(BEARER, bearer, grant.label)
    return bearer


async def _ask_as_each_client(ctx: FetchContext, grant: Grant) -> dict[str, Any]:
    """The first good answer. A token is dead only when no client leaves it any hope."""
    errors: list[FetchError] = []
    for client_id in CLIENT_IDS:
        try:
            return await _authenticate(ctx, client_id, grant)
        except FetchError as error:
            errors.append(error)
    hopes = (error for error in errors if not isinstance(error, FINAL))
    deaths = (error for error in errors if isinstance(error, (DeadToken, NoSession)))
    raise next(hopes, None) or next(deaths, None) or errors[-1]


async def _authenticate(ctx: FetchContext, client_id: str, grant: Grant) -> dict[str, Any]:
    try:
        reply = await ctx.http.send(
            "POST",
            URL,
            cookie=grant.cookie,
            json={"client_id": client_id, "grant_type": "refresh_token", **grant.body},
            timeout_s=TIMEOUT_S,
        )
    except NetworkError as error:
        raise unreached("WorkOS", error) from error
    if reply.status == 200:
        return json_object(reply, "WorkOS")
    raise _refusal(ctx, reply)


def _refusal(ctx: FetchContext, reply: Reply) -> FetchError:
    words = reply.text.lower()
    if reply.status == 429:
        wait_s = reply.retry_after_s(ctx.clock.now())
        return RateLimited("WorkOS is rate limiting.", retry_after_s=wait_s)
    if "invalid_grant" in words:
        return DeadToken()
    if "missing refresh token" in words:
        return NoSession("WorkOS knows no Factory login by these cookies.")
    said = message_in(reply)
    sentence = f"WorkOS HTTP {reply.status}" + (f": {said}" if said else ".")
    return ServerError(sentence) if reply.status >= 500 else Refusal(sentence)
