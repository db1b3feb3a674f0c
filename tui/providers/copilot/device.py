"""Logging in with GitHub by a code that is typed in any browser, so that it works over SSH too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tui.core.errors import FetchError, NetworkError, ParseError, ServerError, Unauthorized
from tui.core.redact import Secret
from tui.core.urls import origin
from tui.providers._context import FetchContext, HeaderValue
from tui.providers._parse import ensure_ok, json_object, number, text
from tui.providers.copilot.hosts import Site, check_host, http_of, site_of
from tui.providers.copilot.logins import SLOT

CLIENT_ID = "Iv1.b507a08c87ecfe98"
"""The app of Copilot's editor plugins."""
SCOPE = "read:user"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
USER_CODE = re.compile(r"[A-Za-z0-9-]{4,20}")
TIMEOUT_S = 15.0
EXPIRES_S, INTERVAL_S = 900.0, 5.0
"""Where GitHub does not say."""
LONGEST_S, LONGEST_INTERVAL_S = 1800.0, 60.0
SLOWER_S = 5.0
START_AGAIN = "Start the login again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What the user types, where, and how long it counts."""

    device_code: Secret
    user_code: str
    page: str
    expires_s: float
    interval_s: float


def parse_code(answer: dict[str, Any], site: Site) -> Code:
    """The answer to the wish to log in.

    Raises:
        ParseError: There is no code in it.
    """
    device, user = text(answer.get("device_code")), text(answer.get("user_code"))
    if not device or not USER_CODE.fullmatch(user):
        raise ParseError("Unexpected answer from GitHub: it has no code to log in with.")
    return Code(
        device_code=Secret(device),
        user_code=user,
        page=_page(text(answer.get("verification_uri")), site),
        expires_s=_within(answer.get("expires_in"), EXPIRES_S, LONGEST_S),
        interval_s=_within(answer.get("interval"), INTERVAL_S, LONGEST_INTERVAL_S),
    )


def _page(address: str, site: Site) -> str:
    """The page to open; one of another host is not shown to anybody."""
    try:
        is_ours = origin(address) == origin(site.web)
    except ValueError:
        is_ours = False
    return address if is_ours and address.isprintable() else f"{site.web}/login/device"


def _within(value: Any, default: float, longest: float) -> float:
    seconds = number(value)
    return min(seconds, longest) if seconds is not None and seconds > 0 else default


async def log_in(ctx: FetchContext) -> str:
    """Show a code, wait until it was typed, and keep the login.

    Raises:
        FetchError: It was declined, took too long, or GitHub has trouble.
    """
    check_host(ctx)
    site = site_of(ctx)
    form = {"client_id": CLIENT_ID, "scope": SCOPE}
    code = parse_code(await _ask(ctx, f"{site.web}/login/device/code", form), site)
    ctx.tell(f"Open {code.page} and enter {code.user_code}.")
    token = await _wait_for_token(ctx, site, code)
    await ctx.sessions.put(SLOT, token, site.host)
    return "Logged in with GitHub."


async def log_out(ctx: FetchContext) -> str:
    """Forget the login that was made here; logins of other programs stay."""
    await ctx.sessions.drop(SLOT)
    return "The GitHub login kept here is forgotten."


async def _wait_for_token(ctx: FetchContext, site: Site, code: Code) -> Secret:
    """Ask until the user has typed the code."""
    ends_at, interval_s = ctx.clock.monotonic() + code.expires_s, code.interval_s
    while ctx.clock.monotonic() + interval_s < ends_at:
        await ctx.clock.sleep(interval_s)
        answer = await _ask_token(ctx, site, code)
        if token := text(answer.get("access_token")):
            return Secret(token)
        word = text(answer.get("error"))
        if word == "slow_down":
            interval_s += SLOWER_S
        elif word != "authorization_pending":
            raise _ended(word)
    raise _ended("expired_token")


async def _ask_token(ctx: FetchContext, site: Site, code: Code) -> dict[str, Any]:
    """One question; a network that is away for a moment does not end the login."""
    form: dict[str, HeaderValue] = {
        "client_id": CLIENT_ID,
        "device_code": code.device_code,
        "grant_type": GRANT,
    }
    try:
        return await _ask(ctx, f"{site.web}/login/oauth/access_token", form)
    except NetworkError:
        return {"error": "authorization_pending"}


def _ended(word: str) -> FetchError:
    if word == "expired_token":
        return Unauthorized("The code has expired.", hint=START_AGAIN)
    if word == "access_denied":
        return Unauthorized("The login was declined on GitHub.", hint=START_AGAIN)
    return ServerError("GitHub refused the login.", hint=START_AGAIN)


async def _ask(ctx: FetchContext, url: str, form: Mapping[str, HeaderValue]) -> dict[str, Any]:
    reply = await http_of(ctx, url).send(
        "POST",
        url,
        form=form,
        headers={"Accept": "application/json"},
        timeout_s=TIMEOUT_S,
        redirects="none",
    )
    return json_object(ensure_ok(reply, "GitHub", now=ctx.clock.now()), "GitHub")
