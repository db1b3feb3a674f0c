"""The numbers of a workspace by a login of the website: a subscription, else pay-as-you-go."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from functools import partial

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    ParseError,
    ServerError,
    Unauthorized,
    Unsupported,
)
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.providers._context import CookieJar, FetchContext
from tui.providers._parse import text, walk
from tui.providers.opencode.billing import Billing, find_billing, pay_as_you_go
from tui.providers.opencode.script import read_values
from tui.providers.opencode.server import BASE, Function, ask, is_null
from tui.providers.opencode.usage import find_usage, subscription

COOKIES = ("auth", "__Host-auth")
SLOT = "header"
BILLING = "billing"
BROWSERS = {
    "macos": ("chrome", "dia"),
    "linux": ("chrome", "chromium"),
    "windows": ("chrome", "chromium"),
}
"""Few, because each may ask for a key; the setting `browser` chooses others."""
WORKSPACE = re.compile(r"wrk_[A-Za-z0-9]+")
WORKSPACE_VARIABLES = ("CODEXBAR_OPENCODE_WORKSPACE_ID", "OPENCODE_WORKSPACE_ID")


# -- logins ----------------------------------------------------------------------------------------


async def fetch_web(ctx: FetchContext) -> ProviderSnapshot:
    """The numbers of the first login that works.

    Raises:
        FetchError: The refusal of the remembered or first login, or that there is none.
    """
    match ctx.sessions.cookie_source:
        case "off":
            raise no_session()
        case "manual":
            return await _fetch(ctx, await pasted_session(ctx), "pasted")
    failure: FetchError = no_session()
    kept = await ctx.sessions.get(SLOT)
    if kept is not None:
        try:
            return await _fetch(ctx, kept.value, kept.label)
        except Unauthorized as error:
            await ctx.sessions.drop(SLOT, only=kept.value)
            failure = error
    return await _by_browsers(ctx, failure)


async def _by_browsers(ctx: FetchContext, failure: FetchError) -> ProviderSnapshot:
    """The first profile that works; the first refusal is the one that is reported."""
    async for jar in ctx.browsers.cookies(browsers=BROWSERS[ctx.os_name]):
        session = session_in(jar)
        if session is None:
            continue
        try:
            snapshot = await _fetch(ctx, session, jar.label)
        except Unauthorized as error:
            failure = failure if isinstance(failure, Unauthorized) else error
            continue
        await ctx.sessions.put(SLOT, session, jar.label)
        return snapshot
    raise failure


async def pasted_session(ctx: FetchContext) -> Secret:
    """The session cookies of the pasted text.

    Raises:
        MissingCredentials: Nothing was pasted, or they are not in it.
    """
    pasted = await ctx.sessions.pasted()
    if pasted is None:
        raise no_session()
    session = session_in(pasted.jar) if pasted.jar is not None else None
    if session is None and (value := pasted.text.search(r"^\s*(Fe26\.2\*[^\s;]+)\s*$")):
        session = value.within(f"{COOKIES[0]}={{}}")
    if session is None:
        raise MissingCredentials(
            "That header has no OpenCode `auth` cookie.",
            hint="Copy the Cookie request header of the billing page.",
        )
    return session


def session_in(jar: CookieJar) -> Secret | None:
    """The session cookies of a jar as they are sent; `None` when there is none with a value."""
    header = jar.header(BASE, only=COOKIES)
    return header if header is not None and header.search(r"auth=([^;\s]+)") else None


def no_session() -> MissingCredentials:
    """There is nothing to log in with."""
    return MissingCredentials(
        "No OpenCode session found.",
        hint="Log in at opencode.ai in Chrome, or paste a Cookie header.",
    )


async def why_no_session(ctx: FetchContext) -> MissingCredentials:
    """The same, more exactly where the user pasted something."""
    if ctx.sessions.cookie_source == "manual":
        try:
            await pasted_session(ctx)
        except MissingCredentials as error:
            return error
    return no_session()


# -- one login -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Workspace:
    """What the numbers are about."""

    id: str
    name: str = ""

    @property
    def title(self) -> str:
        """Its name where it is known."""
        return self.name or self.id

    @property
    def page(self) -> str:
        """Path of its page."""
        return f"/workspace/{self.id}"


class NoSubscription(Unsupported):
    """The workspace pays as it goes, or not at all."""


async def _fetch(ctx: FetchContext, session: Secret, origin: str) -> ProviderSnapshot:
    workspace = chosen_workspace(ctx) or await _first_workspace(ctx, session)
    try:
        snapshot = await _subscription(ctx, session, workspace)
    except (ServerError, ParseError, NoSubscription) as error:
        snapshot = await _pay_as_you_go(ctx, session, workspace, error)
    else:
        if ctx.settings.flag("extras"):
            request = _billing(ctx, session, workspace)
            ctx.running[BILLING] = asyncio.create_task(request, name="opencode billing")
    return replace(snapshot, origin=origin, dashboard_url=f"{BASE}{workspace.page}/billing")


def chosen_workspace(ctx: FetchContext) -> Workspace | None:
    """The workspace of the setting: an id, or a text or address that contains one; what contains
    none counts as unset."""
    given = (ctx.settings.text("workspace_id"), *map(ctx.env.get, WORKSPACE_VARIABLES))
    found = next(filter(None, map(WORKSPACE.search, given)), None)
    return Workspace(found.group()) if found else None


async def _first_workspace(ctx: FetchContext, session: Secret) -> Workspace:
    function = Function(id=ctx.settings.text("workspaces_function"))
    workspace = await ask(ctx, session, function, find_workspace)
    if workspace is None:
        raise ParseError(
            "No OpenCode workspace found.",
            hint="Set workspace_id in the config (wrk_… or the workspace URL).",
        )
    return workspace


def find_workspace(answer: str) -> Workspace | None:
    """The first workspace of an answer, with its name where there is one."""
    found = WORKSPACE.search(answer)
    if found is None:
        return None
    named = (data for value in read_values(answer) for data in walk(value))
    name = next((text(data.get("name")) for data in named if data.get("id") == found.group()), "")
    return Workspace(found.group(), name)


async def _subscription(
    ctx: FetchContext, session: Secret, workspace: Workspace
) -> ProviderSnapshot:
    now = ctx.clock.now()

    def read(answer: str) -> ProviderSnapshot | None:
        # Asked by POST, the server fails over a workspace without a subscription.
        if is_null(answer):
            raise NoSubscription(f"Workspace {workspace.id} has no OpenCode subscription data.")
        usage = find_usage(answer, now)
        if usage is None:
            return None
        return subscription(usage, key=ctx.key, now=now, workspace=workspace.title)

    function = Function(
        id=ctx.settings.text("subscription_function"),
        arguments=(workspace.id,),
        page=f"{workspace.page}/billing",
    )
    snapshot = await ask(ctx, session, function, read)
    if snapshot is None:
        raise ParseError("OpenCode answered without usage fields.")
    return snapshot


# -- billing ---------------------------------------------------------------------------------------


async def _billing(ctx: FetchContext, session: Secret, workspace: Workspace) -> Billing | None:
    function = Function(
        id=ctx.settings.text("billing_function"), arguments=(workspace.id,), page=workspace.page
    )
    read = partial(find_billing, now=ctx.clock.now())
    return await ask(ctx, session, function, read, methods=("GET",))


async def _pay_as_you_go(
    ctx: FetchContext, session: Secret, workspace: Workspace, failure: FetchError
) -> ProviderSnapshot:
    """What a workspace without a subscription spent; a subscriber's failure stays one."""
    try:
        billing = await _billing(ctx, session, workspace)
    except Unauthorized:
        raise
    except FetchError as error:
        ctx.log.debug("%s: no billing (%s)", ctx.key, error.kind)
        raise failure from error
    now, title = ctx.clock.now(), workspace.title
    snapshot = pay_as_you_go(billing, key=ctx.key, now=now, workspace=title) if billing else None
    if snapshot is None:
        raise failure
    return snapshot


async def add_balance(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """The prepaid balance beside a subscription; asked for while the windows are shown already."""
    if BILLING not in ctx.running:
        return snapshot
    billing: Billing | None = await ctx.running[BILLING]
    if billing is None or billing.balance is None:
        return snapshot
    return replace(
        snapshot,
        balances=(*snapshot.balances, billing.balance),
        details=(*snapshot.details, *billing.details),
    )
