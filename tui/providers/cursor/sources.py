"""Asking the website with whichever login there is.

A refused login makes room for the next one; any other trouble ends the search, so that a hiccup
of the network opens no browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from tui.core.errors import FetchError, Unauthorized
from tui.core.models import ProviderSnapshot
from tui.providers._context import CookieJar, FetchContext
from tui.providers._cookies import SLOT
from tui.providers._parse import text
from tui.providers.cursor.logins import (
    CLI,
    EDITOR,
    Login,
    cli_login,
    editor_login,
    editor_token,
    is_named_session,
    login_of_jar,
    login_of_token,
    missing,
    pasted_login,
    user_id_of,
)
from tui.providers.cursor.parse import parse_summary, with_bot, with_profile, with_requests
from tui.providers.cursor.website import (
    ask_bot,
    ask_profile,
    ask_requests,
    ask_summary,
    optional,
)

ANSWERED = "login that answered"
SOURCE_OF = {EDITOR: "cli", CLI: "cli"}
"""By origin; every other login is a cookie of the web."""
SIGN_IN_AGAIN = {EDITOR: "Sign in again in Cursor.", CLI: "Run `cursor-agent login`."}


async def fetch_with_paste(ctx: FetchContext) -> ProviderSnapshot:
    """The usage for the pasted cookies, where they are what the user chose."""
    if ctx.sessions.cookie_source != "manual":
        raise missing("No cookies are pasted.")
    return await fetch_usage(ctx, await pasted_login(ctx))


async def fetch_with_editor(ctx: FetchContext) -> ProviderSnapshot:
    """The usage for the account the editor is signed in to."""
    return await fetch_usage(ctx, await editor_login(ctx))


async def fetch_with_cli(ctx: FetchContext) -> ProviderSnapshot:
    """The usage for the account the CLI is signed in to."""
    return await fetch_usage(ctx, await cli_login(ctx))


async def fetch_usage(ctx: FetchContext, login: Login) -> ProviderSnapshot:
    """The usage for one login, which is noted for the extras."""
    try:
        answer = await ask_summary(ctx, login.cookie)
    except Unauthorized as error:
        error.hint = SIGN_IN_AGAIN.get(login.origin, error.hint)
        raise
    snapshot = parse_summary(
        answer,
        key=ctx.key,
        now=ctx.clock.now(),
        source_id=SOURCE_OF.get(login.origin, "web"),
    )
    ctx.memory[ANSWERED] = login
    return replace(
        snapshot,
        origin=login.origin,
        identity=replace(snapshot.identity, account=login.email),
    )


# -- browsers --------------------------------------------------------------------------------------


async def fetch_with_browser(ctx: FetchContext) -> ProviderSnapshot:
    """The usage for the remembered cookies, else for those of the first profile that works.

    Raises:
        FetchError: The first refusal, or that there is no login.
    """
    if ctx.sessions.cookie_source != "auto":
        raise missing()
    refused: FetchError | None = None
    remembered = await ctx.sessions.get_jar(SLOT)
    login = login_of_jar(remembered) if remembered else None
    if remembered is not None and login is not None:
        try:
            return await fetch_usage(ctx, login)
        except Unauthorized as error:
            await ctx.sessions.drop(SLOT, only=remembered.dump())
            refused = error
    return await _with_profiles(ctx, refused)


async def _with_profiles(ctx: FetchContext, original: FetchError | None) -> ProviderSnapshot:
    refused = original
    async for jar in _candidates(ctx):
        login = login_of_jar(jar)
        if login is None:
            continue
        try:
            snapshot = await fetch_usage(ctx, login)
        except Unauthorized as error:
            refused = refused or error
            continue
        except FetchError as error:
            raise (original or error) from None
        await ctx.sessions.put(SLOT, jar.dump(), jar.label)
        return snapshot
    raise refused or missing()


async def _candidates(ctx: FetchContext) -> AsyncIterator[CookieJar]:
    """Profiles with a session of a known name; after them all others, as the names change."""
    others: list[CookieJar] = []
    async for jar in ctx.browsers.cookies():
        if is_named_session(jar):
            yield jar
        else:
            others.append(jar)
    for jar in others:
        yield jar


# -- what is added ---------------------------------------------------------------------------------


async def add_account(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Account, bot allowance and the requests of older plans, for the login that answered.

    One extra for all: plans that count requests replace the lanes the others would add to.
    """
    login: Login = ctx.memory[ANSWERED]
    profile, bot = await asyncio.gather(
        optional(ctx, ask_profile(ctx, login.cookie)), optional(ctx, ask_bot(ctx, login.cookie))
    )
    user = text(profile.get("sub")) or login.user_id
    requests = await optional(ctx, ask_requests(ctx, login.cookie, user)) if user else {}
    richer = with_requests(with_bot(with_profile(snapshot, profile), bot), requests)
    return replace(richer, notice=await _other_account(ctx, login, user_id_of(user)))


async def _other_account(ctx: FetchContext, login: Login, user_id: str) -> str:
    """A sentence, if the other login of this machine is somebody else's."""
    other = await _other_login(ctx, login)
    if other is None or not (other.user_id and user_id) or other.user_id == user_id:
        return ""
    return f"{other.origin} is signed in to another account than the one shown."


async def _other_login(ctx: FetchContext, login: Login) -> Login | None:
    """Of editor and browser the one that did not answer."""
    if login.origin in SOURCE_OF:
        jar = await ctx.sessions.get_jar(SLOT)
        return login_of_jar(jar) if jar else None
    try:
        token = await editor_token(ctx)
        return login_of_token(token, EDITOR) if token else None
    except FetchError:
        return None
