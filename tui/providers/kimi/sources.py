"""Asking Kimi, with an API key, the CLI's login or a web login.

What is asked beside the usage may only add: it starts with it or follows it, and is given up when
it takes long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    NetworkError,
    Unauthorized,
    Unsupported,
)
from tui.core.http import Reply
from tui.core.jwt import text_claim
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.core.urls import host_of
from tui.providers._context import FetchContext
from tui.providers._cookies import BROWSER_AGENT
from tui.providers._parse import ErrorTable, ensure_ok, json_object, message_in
from tui.providers.kimi.cli_login import find_login
from tui.providers.kimi.membership import with_membership, with_profile, with_subscription
from tui.providers.kimi.parse import parse_usage, parse_web_usage
from tui.providers.kimi.regions import api_base, endpoint, region_of
from tui.providers.kimi.web_login import WebLogin, with_login

SERVICE = "Kimi"
ANSWER = "Unexpected answer from Kimi: it"
TIMEOUT_S = 15.0
PART_TIMEOUT_S = 2.0
"""For everything optional beside a web login's usage."""

USAGES = "kimi.gateway.billing.v1.BillingService/GetUsages"
MEMBERSHIP = "kimi.gateway.membership.v2.MembershipService/GetSubscriptionStats"
SUBSCRIPTION = "kimi.gateway.order.v1.SubscriptionService/GetSubscription"
CODING_SCOPE = {"scope": ["FEATURE_CODING"]}
CLAIM_HEADERS = (
    ("x-msh-device-id", "device_id"),
    ("x-msh-session-id", "ssid"),
    ("x-traffic-id", "sub"),
)

Json: TypeAlias = dict[str, Any]


# -- errors ----------------------------------------------------------------------------------------


def bad_request(reply: Reply) -> FetchError:
    """HTTP 400 speaks of the settings, so no other source is tried."""
    hint = message_in(reply) or "Check the region and the base URL."
    return Unsupported("Kimi refused the request (HTTP 400).", hint=hint)


def forbidden(reply: Reply) -> FetchError:
    """HTTP 403: a used-up plan answers so as well."""
    words = message_in(reply)
    return Unauthorized(
        "HTTP 403 from Kimi: permission or quota" + (f": {words}" if words else "."),
        hint="The plan may be used up; else check it at kimi.com/code/console.",
    )


def unknown_here(reply: Reply) -> FetchError:
    """HTTP 404 under both names of the call."""
    return Unsupported(
        "The usage endpoint is not available for this key.",
        hint="Check the region and the base URL.",
        try_next=True,
    )


def web_refused(reply: Reply) -> FetchError:
    """HTTP 401 and 403 of a web login."""
    return Unauthorized(
        "Kimi web login is invalid or expired.",
        hint=f"Log in again at {host_of(reply.url).removeprefix('www.')}.",
    )


USAGE_ERRORS: ErrorTable = {400: bad_request, 403: forbidden, 404: unknown_here}
WEB_ERRORS: ErrorTable = {400: bad_request, 401: web_refused, 403: web_refused}


async def ask(
    ctx: FetchContext, method: str, url: str, *, errors: ErrorTable, **options: Any
) -> Json:
    """The object one call answers.

    Raises:
        FetchError: As section 7 of the provider's page says.
    """
    reply = await send(ctx, method, url, **options)
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=errors)
    return json_object(reply, ANSWER)


async def send(ctx: FetchContext, method: str, url: str, **options: Any) -> Reply:
    """One exchange.

    Raises:
        NetworkError: Kimi was not reached.
    """
    try:
        return await ctx.http.send(method, url, timeout_s=TIMEOUT_S, **options)
    except NetworkError as error:
        verb = "timed out" if error.info().cause == "timeout" else "is not reachable"
        raise NetworkError(f"Kimi {verb}: {error.message}", hint=error.hint) from error


# -- API key and CLI login -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A token, and the only service it goes to."""

    token: Secret
    base: str
    origin: str
    method: str
    """The way to log in, for people."""
    console: str
    """The page that shows the same."""
    refused: Callable[[Reply], FetchError]
    """What HTTP 401 means."""


async def key_access(ctx: FetchContext) -> Access:
    """The API key.

    Raises:
        MissingCredentials: There is none.
    """
    found = await ctx.secrets.find("api_key")
    if found is None:
        raise MissingCredentials(
            "Kimi Code API key missing.",
            hint="Create one at kimi.com/code/console and save it or set KIMI_CODE_API_KEY.",
        )
    return Access(
        token=found.value,
        base=api_base(ctx),
        origin=found.origin,
        method="API key",
        console=region_of(ctx).console,
        refused=lambda reply: Unauthorized(
            "Kimi Code API key refused.", hint="Create a new one at kimi.com/code/console."
        ),
    )


async def cli_access(ctx: FetchContext) -> Access:
    """The CLI's login.

    Raises:
        MissingCredentials: The CLI is not signed in.
        Unauthorized: Its login has expired.
    """
    token, region = await find_login(ctx)
    return Access(
        token=token,
        base=region.api_base,
        origin="Kimi CLI login",
        method="Kimi CLI",
        console=region.console,
        refused=lambda reply: Unauthorized(
            "Kimi CLI login refused.", hint="Sign in again in the Kimi CLI (we do not renew it)."
        ),
    )


async def fetch_with_key(ctx: FetchContext) -> ProviderSnapshot:
    """The usage an API key may see."""
    return await fetch_usage(ctx, await key_access(ctx), "api")


async def fetch_with_cli(ctx: FetchContext) -> ProviderSnapshot:
    """The usage the CLI's login may see."""
    return await fetch_usage(ctx, await cli_access(ctx), "cli")


async def fetch_usage(ctx: FetchContext, access: Access, source_id: str) -> ProviderSnapshot:
    """The usage; some accounts know the call under a second name."""
    errors: ErrorTable = {**USAGE_ERRORS, 401: access.refused}
    reply = await send(ctx, "GET", endpoint(access.base, "usages"), bearer=access.token)
    if reply.status == 404:
        reply = await send(ctx, "GET", endpoint(access.base, "usage"), bearer=access.token)
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=errors)
    snapshot = parse_usage(
        json_object(reply, ANSWER), key=ctx.key, now=ctx.clock.now(), source_id=source_id
    )
    return replace(
        snapshot,
        origin=access.origin,
        identity=replace(snapshot.identity, login_method=access.method),
        dashboard_url=access.console,
    )


async def add_key_profile(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Plan and account of an API key."""
    return await add_profile(ctx, snapshot, await key_access(ctx))


async def add_cli_profile(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Plan and account of the CLI's login."""
    return await add_profile(ctx, snapshot, await cli_access(ctx))


async def add_profile(
    ctx: FetchContext, snapshot: ProviderSnapshot, access: Access
) -> ProviderSnapshot:
    """Plan and account, where the service tells them."""
    url = endpoint(access.base, "me")
    return with_profile(snapshot, await ask(ctx, "GET", url, errors={}, bearer=access.token))


async def add_membership(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """The lanes of the membership, if there is a web login beside the key."""
    if ctx.sessions.cookie_source == "off":
        return snapshot
    answer = await with_login(ctx, lambda login: ask_web(ctx, login, MEMBERSHIP, {}))
    return with_membership(snapshot, answer)


# -- web login -------------------------------------------------------------------------------------


async def fetch_with_web(ctx: FetchContext) -> ProviderSnapshot:
    """The usage the first accepted web login may see."""
    return await with_login(ctx, lambda login: fetch_web_usage(ctx, login), any_text=True)


async def fetch_web_usage(ctx: FetchContext, login: WebLogin) -> ProviderSnapshot:
    """The usage; membership and plan are asked at the same time and awaited later."""
    if ctx.settings.flag("extras"):
        for name in (MEMBERSHIP, SUBSCRIPTION):
            ctx.running[name] = asyncio.create_task(ask_part(ctx, login, name))
    try:
        answer = await ask_web(ctx, login, USAGES, CODING_SCOPE)
        snapshot = parse_web_usage(answer, key=ctx.key, now=ctx.clock.now())
    except FetchError:
        await end_parts(ctx)
        raise
    return replace(
        snapshot,
        origin=login.origin,
        identity=replace(snapshot.identity, login_method="Web login"),
        dashboard_url=region_of(ctx).console,
    )


async def ask_part(ctx: FetchContext, login: WebLogin, name: str) -> Json:
    """An optional call, given up early."""
    async with asyncio.timeout(PART_TIMEOUT_S):
        return await ask_web(ctx, login, name, {})


async def end_parts(ctx: FetchContext) -> None:
    """Drop what was asked for a login that does not work."""
    parts = list(ctx.running.values())
    ctx.running.clear()
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)


async def add_web_membership(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """The lanes of the membership."""
    return await add_part(ctx, snapshot, MEMBERSHIP, with_membership)


async def add_web_plan(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Plan and user."""
    return await add_part(ctx, snapshot, SUBSCRIPTION, with_subscription)


async def add_part(
    ctx: FetchContext,
    snapshot: ProviderSnapshot,
    name: str,
    add: Callable[[ProviderSnapshot, Json], ProviderSnapshot],
) -> ProviderSnapshot:
    """What a call that was started with the usage adds."""
    part: Awaitable[Json] | None = ctx.running.get(name)
    return snapshot if part is None else add(snapshot, await part)


async def ask_web(ctx: FetchContext, login: WebLogin, name: str, body: Json) -> Json:
    """One call of the web page."""
    web = region_of(ctx).web
    return await ask(
        ctx,
        "POST",
        f"{web}/apiv2/{name}",
        errors=WEB_ERRORS,
        bearer=login.token,
        cookie=login.token.within("kimi-auth={}"),
        headers=web_headers(web, login.token, ctx.clock.now()),
        json=body,
    )


def web_headers(web: str, token: Secret, now: datetime) -> dict[str, str | Secret]:
    """What the page sends along, the claims of the token among it."""
    claims = {header: text_claim(token, claim) for header, claim in CLAIM_HEADERS}
    return {
        "Content-Type": "application/json",
        "Origin": web,
        "Referer": f"{web}/code/console",
        "Accept": "*/*",
        "Accept-Language": "en-US,en;q=0.9",
        "User-Agent": BROWSER_AGENT,
        "connect-protocol-version": "1",
        "x-language": "en-US",
        "x-msh-platform": "web",
        "r-timezone": zone_name(now),
        **{name: Secret(value) for name, value in claims.items() if value.isprintable() and value},
    }


def zone_name(now: datetime) -> str:
    """The local zone as an IANA name that says no more than the offset; UTC for part hours."""
    offset = now.astimezone().utcoffset() or timedelta()
    hours, rest = divmod(offset, timedelta(hours=1))
    # Zones of this family have the opposite sign: Etc/GMT-8 is eight hours ahead of UTC.
    return f"Etc/GMT{-hours:+d}" if hours and not rest else "UTC"
