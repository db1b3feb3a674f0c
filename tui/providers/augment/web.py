"""The website: which login is asked, and how.

A remembered login is forgotten only when the website says that it has expired. Any other trouble
ends the search, so that a hiccup of the network never opens a browser's store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from tui.core.errors import (
    FetchError,
    NetworkError,
    RateLimited,
    ServerError,
    Unauthorized,
)
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.core.sessions import CookieJar
from tui.core.urls import host_of
from tui.providers._context import FetchContext
from tui.providers._cookies import BROWSER_AGENT, SLOT
from tui.providers._parse import ErrorTable, ensure_ok, json_object, unreached
from tui.providers.augment.cli import SERVICE, no_login
from tui.providers.augment.parse import parse_credits, with_subscription
from tui.providers.augment.session import session_of

APP_HOST = "app.augmentcode.com"
APP = f"https://{APP_HOST}"
CREDITS_URL = f"{APP}/api/credits"
SUBSCRIPTION_URL = f"{APP}/api/subscription"
TIMEOUT_S = 15.0
SESSION_NAMES = frozenset(
    {
        "_session",
        "auth0",
        "auth0.is.authenticated",
        "a0.spajs.txs",
        "__Secure-next-auth.session-token",
        "next-auth.session-token",
        "__Host-authjs.csrf-token",
        "authjs.session-token",
        "__Secure-authjs.session-token",
        "session",
        "web_rpc_proxy_session",
    }
)
"""One of these makes a login; others, such as those of analytics, do not."""
LOGIN_HOSTS = frozenset({"login.augmentcode.com", "auth.augmentcode.com"})
LOGIN_SEGMENTS = frozenset({"login", "signin", "sign-in", "auth"})
RENEWED = "renewed"
"""A pasted login that was renewed since; its label tells which paste it was."""
REFUSED_FILE = "refused_file"
"""The cookies of CodexBar's file that were refused."""
CODEXBAR_FILE = "~/Library/Application Support/CodexBar/augment-session.json"


# -- errors ----------------------------------------------------------------------------------------


class SessionExpired(Unauthorized):
    """The website does not know the session any more."""

    def __init__(self) -> None:
        super().__init__(
            "The Augment session has expired.",
            hint=f"Log out and in at {APP_HOST}, then refresh the session.",
        )


def answered(reply: Reply) -> FetchError:
    """A status without a meaning of its own."""
    return ServerError(f"Augment API error (HTTP {reply.status}).")


WEB_ERRORS: ErrorTable = {
    0: answered,
    401: lambda reply: SessionExpired(),
    403: lambda reply: Unauthorized(
        "Augment refused access (403).", hint=f"Log in again at {APP_HOST}."
    ),
    429: lambda reply: RateLimited("Augment limits how often it is asked."),
}


def leads_to_login(reply: Reply) -> bool:
    """Whether a redirect asks to sign in: one that was followed by its end, or one that was not."""
    target = urljoin(reply.url, reply.header("location"))
    segments = set(urlsplit(target).path.lower().split("/"))
    return host_of(target) in LOGIN_HOSTS or bool(segments & LOGIN_SEGMENTS)


# -- requests --------------------------------------------------------------------------------------


async def fetch_web(ctx: FetchContext) -> ProviderSnapshot:
    """The credits with the first login that works."""
    session = session_of(ctx)
    session.use(website=True)
    try:
        return await _with_some_login(ctx)
    except SessionExpired:
        session.expire()
        raise


async def ask_credits(ctx: FetchContext, jar: CookieJar) -> ProviderSnapshot:
    """The credits for one login."""
    answer = await ask(ctx, jar, CREDITS_URL)
    snapshot = parse_credits(answer, key=ctx.key, now=ctx.clock.now())
    session_of(ctx).answered(jar)
    return replace(snapshot, origin=jar.label)


async def add_subscription(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Plan, account and end of the cycle for the login that answered."""
    jar = session_of(ctx).jar
    if jar is None:
        return snapshot
    answer = await ask(ctx, jar, SUBSCRIPTION_URL)
    return with_subscription(snapshot, answer, ctx.clock.now())


async def ask(ctx: FetchContext, jar: CookieJar, url: str) -> dict[str, Any]:
    """One JSON object.

    Raises:
        SessionExpired: Refused as signed out, or a page for signing in came.
        FetchError: As the status says.
    """
    cookie = jar.header(url)
    if cookie is None:
        raise SessionExpired
    try:
        reply = await ctx.http.send(
            "GET",
            url,
            cookie=cookie,
            headers={"User-Agent": BROWSER_AGENT},
            timeout_s=TIMEOUT_S,
        )
    except NetworkError as error:
        raise unreached(SERVICE, error) from error
    if leads_to_login(reply):
        raise SessionExpired
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors={reply.status: answered, **WEB_ERRORS})
    if reply.is_html:
        raise SessionExpired
    return json_object(reply, SERVICE)


# -- which login -----------------------------------------------------------------------------------


def qualifies(jar: CookieJar) -> bool:
    """Whether the website would get a cookie of a session."""
    return jar.header(CREDITS_URL, only=SESSION_NAMES) is not None


@dataclass(frozen=True, slots=True)
class Kept:
    """A login of ours and the text it is kept as."""

    jar: CookieJar
    text: Secret


async def _with_some_login(ctx: FetchContext) -> ProviderSnapshot:
    match ctx.sessions.cookie_source:
        case "off":
            raise no_login(ctx)
        case "manual":
            return await _with_paste(ctx)
    refused: FetchError | None = None
    kept = await remembered(ctx)
    if kept is not None:
        try:
            return await ask_credits(ctx, kept.jar)
        except SessionExpired as error:
            await ctx.sessions.drop(SLOT, only=kept.text)
            refused = error
        except Unauthorized as error:
            # The user may have logged in again since; by itself it would be refused for ever.
            if not ctx.user_initiated:
                raise
            refused = error
    async for jar in new_logins(ctx):
        try:
            snapshot = await ask_credits(ctx, jar)
        except Unauthorized as error:
            refused = refused or error
            continue
        await ctx.sessions.put(SLOT, jar.dump(), jar.label)
        return snapshot
    return await _with_codexbar(ctx, refused)


async def _with_paste(ctx: FetchContext) -> ProviderSnapshot:
    pasted = await ctx.sessions.pasted()
    if pasted is None or pasted.jar is None:
        raise no_login(ctx)
    renewed = await renewed_paste(ctx, pasted.text)
    if renewed is not None:
        try:
            return await ask_credits(ctx, renewed.jar)
        except SessionExpired:
            await ctx.sessions.drop(RENEWED, only=renewed.text)
    return await ask_credits(ctx, pasted.jar)


async def remembered(ctx: FetchContext) -> Kept | None:
    """The login that worked last."""
    kept = await ctx.sessions.get(SLOT)
    return Kept(ctx.sessions.read_jar(kept.value, kept.label), kept.value) if kept else None


async def renewed_paste(ctx: FetchContext, text: Secret) -> Kept | None:
    """The pasted login as it was renewed since; not that of another paste."""
    kept = await ctx.sessions.get(RENEWED)
    if kept is None or kept.label != text.fingerprint():
        return None
    return Kept(ctx.sessions.read_jar(kept.value, "pasted, renewed since"), kept.value)


async def new_logins(ctx: FetchContext) -> AsyncIterator[CookieJar]:
    """Logins in browsers, in their order."""
    async for jar in ctx.browsers.cookies():
        if qualifies(jar):
            yield jar
        else:
            names = ", ".join(sorted(jar.names))
            ctx.log.debug("%s: no login in %s (%s)", ctx.key, jar.label, names)


async def keep(ctx: FetchContext, jar: CookieJar) -> None:
    """Remember a login that was renewed."""
    if ctx.sessions.cookie_source == "auto":
        await ctx.sessions.put(SLOT, jar.dump(), jar.label)
        return
    pasted = await ctx.sessions.pasted()
    if pasted is not None:
        await ctx.sessions.put(RENEWED, jar.dump(), pasted.text.fingerprint())


# -- the session CodexBar kept ---------------------------------------------------------------------


async def _with_codexbar(ctx: FetchContext, refused: FetchError | None) -> ProviderSnapshot:
    """The login in CodexBar's file, unless it was refused since the file was written."""
    jar = await codexbar_login(ctx)
    if jar is None:
        raise refused or no_login(ctx)
    try:
        snapshot = await ask_credits(ctx, jar)
    except SessionExpired:
        await ctx.sessions.put(REFUSED_FILE, jar.dump())
        if refused is None:
            raise
        raise refused from None
    await ctx.sessions.put(SLOT, jar.dump(), jar.label)
    return snapshot


async def codexbar_login(ctx: FetchContext) -> CookieJar | None:
    """The cookies of CodexBar's file; a named account has none, nor has an unreadable file."""
    if ctx.key.account:
        return None
    try:
        content = await ctx.files.read_text(ctx.files.expand(CODEXBAR_FILE))
    except FetchError as error:
        ctx.log.debug("%s: CodexBar's session was not read (%s)", ctx.key, error.message)
        return None
    if not content:
        return None
    jar = ctx.sessions.read_jar(Secret(content), "CodexBar")
    known = await ctx.sessions.get(REFUSED_FILE)
    is_refused = known is not None and known.value == jar.dump()
    return jar if qualifies(jar) and not is_refused else None
