"""Asking Ollama: the settings page with a session, or whether an API key is good.

A key shows no quota; it proves access, which is better than nothing where no browser is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from tui.core.errors import (
    ErrorKind,
    FetchError,
    MissingCredentials,
    NetworkError,
    RateLimited,
    ServerError,
    Unauthorized,
    Unsupported,
)
from tui.core.http import Reply
from tui.core.models import DetailRow, Identity, ProviderKey, ProviderSnapshot
from tui.core.redact import Secret
from tui.core.urls import host_of
from tui.providers._context import CookieJar, FetchContext
from tui.providers._cookies import BROWSER_AGENT, CookieLogin
from tui.providers._parse import ErrorTable, ensure_ok, json_object, page_instead
from tui.providers.ollama.page import parse_page
from tui.providers.ollama.session import (
    HOST,
    SETTINGS_URL,
    leads_to_sign_in,
    may_get_cookie,
    no_session,
    not_in_paste,
    pasted_header,
    qualifies,
)

SERVICE = "Ollama"
KEYS_PAGE = f"https://{HOST}/settings/keys"
PAGE_TIMEOUT_S = 30.0
KEY_TIMEOUT_S = 20.0
PAGE_BYTES = 5 << 20
MAX_REDIRECTS = 5
PAGE_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "User-Agent": BROWSER_AGENT,
    "Accept-Language": "en-US,en;q=0.9",
    "Origin": f"https://{HOST}",
    "Referer": SETTINGS_URL,
}
NEXT_PROFILE = frozenset((ErrorKind.UNAUTHORIZED, ErrorKind.PARSE))
KEY_NOTICE = "Key verified. Quotas are only visible with a browser login."


# -- errors ----------------------------------------------------------------------------------------


def session_expired(reply: Reply) -> FetchError:
    """Refused, or led to a page to sign in."""
    return Unauthorized(
        "The Ollama session has expired.", hint="Sign in again at https://ollama.com/signin."
    )


def key_refused(reply: Reply) -> FetchError:
    """HTTP 401 and 403 to a key."""
    return Unauthorized(
        "The Ollama API key is invalid or revoked.", hint=f"Create one at {KEYS_PAGE}."
    )


def failed(reply: Reply) -> FetchError:
    """A status without a meaning of its own."""
    return ServerError(f"Ollama request failed (HTTP {reply.status}).")


def checked(
    ctx: FetchContext,
    reply: Reply,
    refused: Callable[[Reply], FetchError],
    ok: tuple[int, ...] = (200,),
) -> Reply:
    """The reply, if its status is good."""
    errors: ErrorTable = {
        reply.status: failed,
        401: refused,
        403: refused,
        429: lambda reply: RateLimited("Ollama is rate-limiting."),
    }
    return ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=errors, ok=ok)


async def send(ctx: FetchContext, method: str, url: str, **options: Any) -> Reply:
    """One exchange.

    Raises:
        NetworkError: The host was not reached.
    """
    try:
        return await ctx.http.send(method, url, **options)
    except NetworkError as error:
        raise NetworkError(f"Could not reach {host_of(url)}.", hint=error.hint) from error


# -- the settings page -----------------------------------------------------------------------------


async def fetch_with_session(ctx: FetchContext) -> ProviderSnapshot:
    """The settings page, with the pasted session or with the first one that works."""
    if ctx.sessions.cookie_source == "manual":
        header = await pasted_header(ctx)
        return await load_settings(ctx, lambda url: header, "pasted")

    async def attempt(jar: CookieJar) -> ProviderSnapshot:
        return await load_settings(ctx, jar.header, jar.label)

    missing = no_session()
    login = CookieLogin(
        attempt=attempt,
        qualifies=qualifies,
        missing=missing,
        not_in_paste=not_in_paste(),
        next_on=NEXT_PROFILE,
    )
    try:
        return await login.fetch(ctx)
    except MissingCredentials as error:
        if error is missing:
            raise
        # A browser that says why it was not read has more to say than that nothing was found.
        raise Unsupported(error.message, hint=error.hint) from error


async def load_settings(
    ctx: FetchContext, cookie_for: Callable[[str], Secret | None], origin: str
) -> ProviderSnapshot:
    """What the settings page says to a session.

    Args:
        cookie_for: The Cookie header for an address.
        origin: Where the session comes from, for people.

    Raises:
        Unauthorized: The session is over.
        ParseError: The page has no usage on it.
    """
    url = SETTINGS_URL
    for _ in range(MAX_REDIRECTS):
        reply = await send(
            ctx,
            "GET",
            url,
            cookie=cookie_for(url),
            headers=PAGE_HEADERS,
            timeout_s=PAGE_TIMEOUT_S,
            max_bytes=PAGE_BYTES,
            redirects="none",
        )
        if not reply.is_redirect:
            page = checked(ctx, reply, session_expired).text
            snapshot = parse_page(page, key=ctx.key, now=ctx.clock.now())
            return replace(snapshot, origin=origin)
        url = next_page(reply)
    raise ServerError("Ollama redirected too often.")


def next_page(reply: Reply) -> str:
    """Where a redirect leads, if it may be followed.

    Raises:
        Unauthorized: To sign in.
        ServerError: To an address that must not get the session.
    """
    target = reply.redirect_url
    if leads_to_sign_in(target):
        raise session_expired(reply)
    if not may_get_cookie(target):
        raise ServerError("Ollama redirected to another address, which was not followed.")
    return target


# -- the key ---------------------------------------------------------------------------------------


async def check_key(ctx: FetchContext) -> ProviderSnapshot:
    """Whether the key is good, and how many models there are.

    Raises:
        MissingCredentials: There is no key.
        FetchError: It is refused, or nothing was proven.
    """
    found = await ctx.secrets.find("api_key")
    if found is None:
        raise await _no_key(ctx)
    base = (ctx.settings.text("base_url") or f"https://{HOST}").rstrip("/")
    await prove_key(ctx, base, found.value)
    models = await count_models(ctx, base, found.value)
    return replace(key_snapshot(models, key=ctx.key, now=ctx.clock.now()), origin=found.origin)


async def _no_key(ctx: FetchContext) -> MissingCredentials:
    """Without a key, `auto` lives on the session, so that is what is missing there."""
    if ctx.mode == "auto" and ctx.sessions.cookie_source == "manual":
        try:
            await pasted_header(ctx)
        except MissingCredentials as error:
            return error
    if ctx.mode == "auto" and ctx.sessions.cookie_source != "off":
        return no_session()
    return MissingCredentials(
        "Ollama API key missing.",
        hint=f"Set OLLAMA_API_KEY or api_key in the config; create one at {KEYS_PAGE}.",
    )


async def prove_key(ctx: FetchContext, base: str, api_key: Secret) -> None:
    """An empty search costs nothing and is refused after the key was looked at.

    Raises:
        Unauthorized: The key is refused.
        FetchError: Anything that proves nothing.
    """
    reply = await send(
        ctx,
        "POST",
        f"{base}/api/web_search",
        bearer=api_key,
        json={"query": ""},
        timeout_s=KEY_TIMEOUT_S,
        redirects="none",
    )
    checked(ctx, reply, key_refused, ok=(200, 400))
    if reply.is_html:
        raise page_instead("Ollama")


async def count_models(ctx: FetchContext, base: str, api_key: Secret) -> int | None:
    """How many models there are; the list is public, so it proves nothing.

    Raises:
        Unauthorized: The key is refused after all.
    """
    try:
        reply = await send(
            ctx,
            "GET",
            f"{base}/api/tags",
            bearer=api_key,
            timeout_s=KEY_TIMEOUT_S,
            redirects="none",
        )
        return parse_models(json_object(checked(ctx, reply, key_refused), SERVICE))
    except Unauthorized:
        raise
    except FetchError as error:
        ctx.log.debug("%s: models not counted (%s)", ctx.key, error.kind)
        return None


def parse_models(answer: dict[str, Any]) -> int | None:
    """The number of models in a list of them; entries may be empty."""
    models = answer.get("models")
    return len(models) if isinstance(models, list) else None


def key_snapshot(models: int | None, *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """What a good key shows: no window."""
    rows = () if models is None else (DetailRow("API key", "Models", f"{models:,}"),)
    return ProviderSnapshot(
        key=key,
        source_id="api",
        fetched_at=now,
        identity=Identity(plan="API key"),
        details=rows,
        notice=KEY_NOTICE,
    )
