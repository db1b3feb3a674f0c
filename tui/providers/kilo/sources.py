"""Asking Kilo with an API key or with the login of its command line program."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from tui.core import jwt
from tui.core.errors import FetchError, MissingCredentials, NetworkError, Unauthorized
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.providers._context import FetchContext
from tui.providers._parse import ensure_ok, json_object, unreached
from tui.providers.kilo.account import (
    Profile,
    Scope,
    Spent,
    parse_balance,
    parse_history,
    parse_profile,
    with_history,
    with_profile,
    with_scopes,
)
from tui.providers.kilo.answers import ERRORS, SERVICE, batch_url, read_batch
from tui.providers.kilo.cli_login import find_cli_login
from tui.providers.kilo.credits import find_credits
from tui.providers.kilo.parse import Answers, parse_usage

# The server wants an object for the first call; without one it refuses the whole batch.
USAGE_URL = batch_url(
    {
        "user.getCreditBlocks": {"json": None},
        "kiloPass.getState": {"json": None},
        "user.getAutoTopUpPaymentMethod": {"json": None},
    }
)
PROFILE_URL = "https://api.kilo.ai/api/profile"
BALANCE_URL = f"{PROFILE_URL}/balance"
HISTORY_URL = "https://app.kilo.ai/api/profile/usage?viewType=personal&groupByModel=true"
ORGANISATION_HEADER = "X-KILOCODE-ORGANIZATIONID"
ORGANISATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
TIMEOUT_S = 15.0
FALLBACK = "Using CLI fallback."
PROFILE, SCOPES, HISTORY = "profile", "organisations", "history"


# -- usage -----------------------------------------------------------------------------------------


async def fetch_with_key(ctx: FetchContext) -> ProviderSnapshot:
    """The usage by the API key."""
    found = await ctx.secrets.find("api_key")
    if found is None:
        raise MissingCredentials(
            "Kilo API key missing.", hint="Set KILO_API_KEY or save api_key in the settings."
        )
    snapshot = await _fetch(ctx, found.value, "api", "The Kilo API key")
    return replace(snapshot, origin=found.origin)


async def fetch_with_cli(ctx: FetchContext) -> ProviderSnapshot:
    """The usage by the login of the program."""
    login = await find_cli_login(ctx)
    snapshot = await _fetch(ctx, login.token, "cli", "The Kilo CLI login")
    return replace(snapshot, origin=login.origin)


async def _fetch(ctx: FetchContext, token: Secret, source_id: str, what: str) -> ProviderSnapshot:
    now = ctx.clock.now()
    expires_at = jwt.expires_at(token)
    if expires_at is not None and expires_at <= now:
        raise Unauthorized(f"{what} has expired.", hint="Refresh KILO_API_KEY or run `kilo login`.")
    reply = await _send(ctx, USAGE_URL, token)
    snapshot = parse_usage(
        Answers(*read_batch(reply, len(Answers._fields), now)),
        key=ctx.key,
        now=now,
        source_id=source_id,
        notice=FALLBACK if (ctx.mode, source_id) == ("auto", "cli") else "",
        credits_label="Personal credits" if _organisation_ids(ctx) else "Credits",
    )
    _start_extras(ctx, token)
    return snapshot


async def _send(
    ctx: FetchContext, url: str, token: Secret, headers: dict[str, str] | None = None
) -> Reply:
    try:
        return await ctx.http.send("GET", url, bearer=token, headers=headers, timeout_s=TIMEOUT_S)
    except NetworkError as error:
        raise unreached(SERVICE, error) from error


async def _ask(
    ctx: FetchContext, url: str, token: Secret, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    reply = await _send(ctx, url, token, headers)
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS)
    return json_object(reply, SERVICE)


# -- extras ----------------------------------------------------------------------------------------


def _organisation_ids(ctx: FetchContext) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ctx.settings.names("organization_ids")))


def _start_extras(ctx: FetchContext, token: Secret) -> None:
    """Ask for what may be added, with the token that was accepted."""
    if not ctx.settings.flag("extras"):
        return
    profile = asyncio.create_task(_profile(ctx, token))
    ctx.running[PROFILE] = profile
    ctx.running[HISTORY] = asyncio.create_task(_history(ctx, token))
    if _organisation_ids(ctx):
        ctx.running[SCOPES] = asyncio.create_task(_scopes(ctx, token, profile))


async def _profile(ctx: FetchContext, token: Secret) -> Profile:
    return parse_profile(await _ask(ctx, PROFILE_URL, token))


async def _history(ctx: FetchContext, token: Secret) -> tuple[Spent, ...]:
    return parse_history(await _ask(ctx, HISTORY_URL, token))


async def _scopes(ctx: FetchContext, token: Secret, profile: asyncio.Task[Profile]) -> list[Scope]:
    """Every chosen organisation; their names are good to have, no more."""
    scopes = await asyncio.gather(*(_scope(ctx, token, id) for id in _organisation_ids(ctx)))
    try:
        known = await profile
    except FetchError:
        known = Profile()
    return [replace(scope, name=known.name_of(scope.id)) for scope in scopes]


async def _scope(ctx: FetchContext, token: Secret, id: str) -> Scope:
    """The credits of an organisation by their blocks, else by their balance."""
    scope = Scope(id=id, name="")
    if not ORGANISATION_ID.fullmatch(id):
        return scope
    try:
        url = batch_url({"organizations.getCreditBlocks": {"organizationId": id}})
        (outcome,) = read_batch(await _send(ctx, url, token), 1, ctx.clock.now())
        if (found := find_credits(outcome.payload)) is not None:
            return replace(scope, credits=found)
        answer = await _ask(ctx, BALANCE_URL, token, {ORGANISATION_HEADER: id})
        return replace(scope, balance=parse_balance(answer))
    except FetchError as error:
        ctx.log.debug("%s: an organisation could not be read (%s)", ctx.key, error.kind)
        return scope


async def add_profile(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Account and organisations."""
    return await _add(ctx, snapshot, PROFILE, with_profile)


async def add_scopes(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """A row per chosen organisation."""
    return await _add(ctx, snapshot, SCOPES, with_scopes)


async def add_history(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Dollars per day."""
    today = ctx.clock.now().date()
    return await _add(
        ctx, snapshot, HISTORY, lambda shown, spent: with_history(shown, spent, today)
    )


async def _add(
    ctx: FetchContext,
    snapshot: ProviderSnapshot,
    name: str,
    add: Callable[[ProviderSnapshot, Any], ProviderSnapshot],
) -> ProviderSnapshot:
    asked: Awaitable[Any] | None = ctx.running.get(name)
    return snapshot if asked is None else add(snapshot, await asked)
