"""Three ways to ask Amp: its program, an access token, the login of a browser.

A token never follows a redirect; the session cookie follows those that stay with Amp and do not
lead to a login page. A named account does not live on the program's login: that is somebody's.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
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
from tui.core.models import ProviderSnapshot
from tui.core.process import CommandResult
from tui.core.redact import Secret
from tui.core.sessions import CookieJar
from tui.core.text import clean_value
from tui.providers._context import FetchContext, FoundSecret
from tui.providers._cookies import BROWSER_AGENT, CookieLogin
from tui.providers._owner import require_program
from tui.providers._parse import ErrorTable, ensure_ok, json_value, mapping, text
from tui.providers.amp.display import asks_to_sign_in
from tui.providers.amp.page import HOST, leads_to_login, may_get_cookie
from tui.providers.amp.parse import (
    SERVICE,
    not_logged_in,
    parse_answer,
    parse_page,
    parse_text,
    token_refused,
)

PROGRAM = "amp"
CLI_LOGIN = "login of the amp CLI"
TIMEOUT_S = 15.0
BALANCE_URL = f"https://{HOST}/api/internal?userDisplayBalanceInfo"
"""The query is a bare word."""
BALANCE_CALL = {"method": "userDisplayBalanceInfo", "params": {}}
TOKEN_FILE = "${XDG_DATA_HOME:-~/.local/share}/amp/secrets.json"
WINDOWS_TOKEN_FILE = "%APPDATA%/amp/secrets.json"
TOKEN_FILES = {
    "linux": (TOKEN_FILE,),
    "macos": (TOKEN_FILE,),
    "windows": (TOKEN_FILE, WINDOWS_TOKEN_FILE),
}
TOKEN_MEMBERS = ("apiKey@https://ampcode.com/", "apiKey@https://ampcode.com")
SESSION = frozenset({"session"})
SESSION_VALUE = r"session=([^;\s]+)"
PAGES = (f"https://{HOST}/settings", f"https://www.{HOST}/settings")
PAGE_BYTES = 5 << 20
MAX_REDIRECTS = 5
PAGE_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.9",
    "User-Agent": BROWSER_AGENT,
    "Origin": f"https://{HOST}",
    "Referer": f"https://{HOST}/settings",
}


# -- errors ----------------------------------------------------------------------------------------


def rate_limited(reply: Reply | None = None) -> FetchError:
    """HTTP 429, or the same in the program's words."""
    return RateLimited(
        "Amp limits how often it is asked.", hint="Try later; it is asked again by itself."
    )


def redirected(reply: Reply) -> FetchError:
    """A redirect that was not followed."""
    return ServerError(
        f"Amp redirected to another address (HTTP {reply.status}), which was not followed."
    )


def session_expired(reply: Reply | None = None) -> FetchError:
    """The cookie is not accepted any more."""
    return Unauthorized(
        "The Amp session has expired.", hint="Sign in again at ampcode.com/settings."
    )


TOKEN_ERRORS: ErrorTable = {
    0: redirected,
    401: lambda reply: token_refused(),
    403: lambda reply: token_refused(),
    429: rate_limited,
}
PAGE_ERRORS: ErrorTable = {401: session_expired, 403: session_expired, 429: rate_limited}


def no_login() -> MissingCredentials:
    """Nothing is configured at all: the three ways."""
    return MissingCredentials(
        "No Amp login found.",
        hint="Sign in with the amp CLI, set AMP_API_KEY, or log in at ampcode.com in a browser.",
    )


# -- the program -----------------------------------------------------------------------------------


async def fetch_cli(ctx: FetchContext) -> ProviderSnapshot:
    """What `amp usage` prints."""
    program = find_program(ctx)
    result = await ctx.commands.run(program, "usage", timeout_s=TIMEOUT_S, env={"NO_COLOR": "1"})
    snapshot = parse_text(output_of(result), key=ctx.key, now=ctx.clock.now(), source_id="cli")
    return replace(snapshot, origin="amp CLI")


def find_program(ctx: FetchContext) -> Path:
    """The program that is signed in for this account.

    Raises:
        MissingCredentials: There is none.
    """
    return require_program(
        ctx, PROGRAM, "Amp CLI not found.", hint="Install it and sign in, or set cli_path."
    )


def output_of(result: CommandResult) -> str:
    """What the program said: its output, else its error output.

    Raises:
        FetchError: It failed, hung or said nothing.
    """
    said = result.stdout if result.stdout.strip() else result.stderr
    if result.timed_out:
        raise NetworkError(f"amp did not answer within {TIMEOUT_S:g} s.", cause="timeout")
    if result.exit_code:
        raise failure(said, result.exit_code)
    if not said.strip():
        raise ParseError("amp usage printed no usage data.")
    return said


def failure(said: str, exit_code: int) -> FetchError:
    """Why the program failed, by its own words."""
    if asks_to_sign_in(said):
        return not_logged_in()
    for pattern, error in FAILURES:
        if re.search(pattern, said, re.IGNORECASE):
            return error()
    return ServerError(f"amp usage failed (exit code {exit_code}).")


def not_reached() -> FetchError:
    """The program has no connection."""
    return NetworkError("The amp CLI could not reach Amp.")


FAILURES = (
    (r"unauthori[sz]ed|\b401\b", not_logged_in),
    (r"\b429\b|rate.?limit|too many requests", rate_limited),
    (r"ENOTFOUND|ECONN|ETIMEDOUT|EAI_AGAIN|fetch failed|network|timed? ?out", not_reached),
)


# -- the access token ------------------------------------------------------------------------------


async def fetch_api(ctx: FetchContext) -> ProviderSnapshot:
    """The balance with the configured token, else with the program's own."""
    failed: FetchError | None = None
    async for token in tokens(ctx):
        try:
            return await ask_balance(ctx, token)
        except FetchError as error:
            failed = failed or error
    raise failed or MissingCredentials(
        "Amp access token not configured.", hint="Set AMP_API_KEY or api_key."
    )


async def tokens(ctx: FetchContext) -> AsyncIterator[FoundSecret]:
    """Every token there is, the configured one first."""
    configured = await ctx.secrets.find("api_key")
    if configured is not None:
        yield configured
    stored = await find_stored_token(ctx)
    if stored is not None:
        yield stored


async def find_stored_token(ctx: FetchContext) -> FoundSecret | None:
    """The token the program keeps in a file; an unreadable file counts as none."""
    for file in () if ctx.key.account else TOKEN_FILES[ctx.os_name]:
        try:
            content = await ctx.files.read_text(ctx.files.expand(file)) or ""
        except FetchError as error:
            ctx.log.debug("%s: the amp CLI's token was not read (%s)", ctx.key, error.message)
            continue
        if token := stored_token(content):
            return FoundSecret(Secret(token), CLI_LOGIN)
    return None


def stored_token(content: str) -> str:
    """The token in the text of the program's file; empty for none."""
    try:
        members = mapping(json.loads(content))
    except (ValueError, RecursionError):
        return ""
    others = (name for name in members if name.startswith("apiKey@"))
    values = (clean_value(text(members.get(name))) for name in (*TOKEN_MEMBERS, *others))
    return next(filter(None, values), "")


async def ask_balance(ctx: FetchContext, token: FoundSecret) -> ProviderSnapshot:
    """The display text for a token."""
    reply = await ctx.http.send(
        "POST",
        BALANCE_URL,
        bearer=token.value,
        headers={"Content-Type": "application/json"},
        json=BALANCE_CALL,
        timeout_s=TIMEOUT_S,
        redirects="none",
    )
    now = ctx.clock.now()
    try:
        answer: Any = json_value(ensure_ok(reply, SERVICE, now=now, errors=TOKEN_ERRORS), SERVICE)
        return replace(parse_answer(answer, key=ctx.key, now=now), origin=token.origin)
    except Unauthorized as error:
        if token.origin == CLI_LOGIN:
            error.hint = "Run `amp login`."
        raise


async def detect(ctx: FetchContext) -> str:
    """The program's token file; that the program is installed is no login."""
    found = await find_stored_token(ctx)
    return found.origin if found is not None else ""


# -- the browser login -----------------------------------------------------------------------------


async def fetch_web(ctx: FetchContext) -> ProviderSnapshot:
    """The free tier on the settings page, with the session cookie alone."""

    async def attempt(jar: CookieJar) -> ProviderSnapshot:
        page = await load_page(ctx, jar)
        snapshot = parse_page(page, key=ctx.key, now=ctx.clock.now())
        return replace(snapshot, origin=jar.label)

    no_cookie = MissingCredentials(
        "No Amp session cookie.",
        hint="Log in to ampcode.com in a browser, or paste its Cookie header.",
    )
    login = CookieLogin(
        attempt=attempt,
        qualifies=lambda jar: start_page(jar) is not None,
        missing=no_login() if ctx.mode == "auto" else no_cookie,
        not_in_paste=no_cookie,
        bare_name="session",
    )
    return await login.fetch(ctx)


def start_page(jar: CookieJar) -> str | None:
    """The settings page of the host the session cookie belongs to."""
    headers = ((page, jar.header(page, only=SESSION)) for page in PAGES)
    return next((page for page, found in headers if found and found.search(SESSION_VALUE)), None)


async def load_page(ctx: FetchContext, jar: CookieJar) -> str:
    """The settings page, redirects followed by hand.

    Raises:
        Unauthorized: Refused, or led to a login page.
        ServerError: Led elsewhere, or another status.
    """
    url = start_page(jar) or PAGES[0]
    for _ in range(MAX_REDIRECTS):
        reply = await ctx.http.send(
            "GET",
            url,
            cookie=jar.header(url, only=SESSION),
            headers=PAGE_HEADERS,
            max_bytes=PAGE_BYTES,
            redirects="none",
        )
        if not reply.is_redirect:
            return ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=PAGE_ERRORS).text
        url = next_page(reply)
    raise ServerError("Amp redirected too often.")


def next_page(reply: Reply) -> str:
    """Where a redirect leads, if it may be followed.

    Raises:
        Unauthorized: To a login page.
        ServerError: To an address that is not Amp's.
    """
    target = reply.redirect_url
    if leads_to_login(target):
        raise session_expired(reply)
    if not may_get_cookie(target):
        raise redirected(reply)
    return target
