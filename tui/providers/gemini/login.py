"""The Google login of the Gemini CLI: read and never written.

Google's refresh tokens do not rotate, so an expired token may be renewed here without signing
anybody out; the new one is kept in our own session store.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    Unauthorized,
    Unsupported,
)
from tui.core.http import Reply
from tui.core.jwt import claims
from tui.core.redact import Secret
from tui.providers._context import FetchContext
from tui.providers._google import (
    SERVICE,
    SLOT,
    SPARE,
    ask_for_token,
    keep_token,
    kept_token,
    read_token,
    renewal_form,
)
from tui.providers._parse import at, ensure_ok, mapping, text, timestamp
from tui.providers.gemini.client import find_client

SETTINGS_FILE = "~/.gemini/settings.json"
LOGIN_FILE = "~/.gemini/oauth_creds.json"
OTHER_LOGINS = {
    "gemini-api-key": "an API key",
    "api-key": "an API key",
    "vertex-ai": "Vertex AI",
}
SHUTDOWN_SIGNS = (
    ("unsupported_client",),
    ("ineligibletiererror",),
    ("no longer supported", "gemini code assist"),
    ("migrate", "antigravity", "gemini"),
)
"""Consumer accounts moved away: all words of one line in an error body."""
TIMEOUT_S = 10.0
SIGN_IN = "Run `gemini` and sign in with Google."


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What the CLI keeps."""

    access_token: Secret | None = None
    refresh_token: Secret | None = None
    expires_at: datetime | None = None
    claims: dict[str, Any]
    """Of the identity token: `email`, and `hd` in an organisation."""

    def usable_token(self, now: datetime) -> Secret | None:
        """The access token, unless it is over within a minute."""
        is_over = self.expires_at is not None and self.expires_at - SPARE <= now
        return None if is_over else self.access_token


# -- reading ---------------------------------------------------------------------------------------


def parse_login(content: str) -> Login | None:
    """The login in the CLI's file; `None` when nobody is signed in there."""
    data = _object(content)
    access, refresh, identity = (
        Secret(value) if (value := text(data.get(name))) else None
        for name in ("access_token", "refresh_token", "id_token")
    )
    if access is None and refresh is None:
        return None
    return Login(
        access_token=access,
        refresh_token=refresh,
        expires_at=timestamp(data.get("expiry_date")),
        claims=claims(identity) if identity else {},
    )


def other_login(content: str) -> str:
    """The way to sign in that the CLI is set to, when it is one without usage data."""
    data = _object(content)
    chosen = at(data, "security.auth.selectedType") or data.get("selectedAuthType")
    return OTHER_LOGINS.get(text(chosen), "")


def _object(content: str) -> dict[str, Any]:
    try:
        return mapping(json.loads(content))
    except (ValueError, RecursionError):
        return {}


async def find_login(ctx: FetchContext) -> Login:
    """The login of the CLI, which belongs to the nameless account.

    Raises:
        MissingCredentials: Nobody is signed in.
        Unsupported: The CLI is set to another way to sign in.
    """
    if ctx.key.account:
        raise MissingCredentials(
            "The Gemini CLI keeps one login; an account of its own has none.",
            hint="Use Gemini without accounts.",
        )
    other = other_login(await ctx.files.read_text(ctx.files.expand(SETTINGS_FILE)) or "")
    if other:
        raise Unsupported(
            f"The Gemini CLI is set to {other}, which has no usage data.",
            hint="Sign in with Google instead: run `gemini` and choose it with /auth.",
        )
    login = parse_login(await ctx.files.read_text(ctx.files.expand(LOGIN_FILE)) or "")
    if login is None:
        raise MissingCredentials("The Gemini CLI is not signed in.", hint=SIGN_IN)
    return login


async def detect(ctx: FetchContext) -> str:
    """Whether the CLI is signed in with Google, fresh or not."""
    try:
        await find_login(ctx)
    except FetchError:
        return ""
    return "Gemini CLI login"


# -- renewing --------------------------------------------------------------------------------------


async def usable_token(ctx: FetchContext, login: Login) -> Secret:
    """An access token that has not expired: of the file, kept by us, or new.

    Raises:
        FetchError: It cannot be renewed.
    """
    async with ctx.sessions.lock(SLOT):
        known = login.usable_token(ctx.clock.now()) or await kept_token(ctx, login.refresh_token)
        return known or await _renewed(ctx, login)


async def _renewed(ctx: FetchContext, login: Login) -> Secret:
    """A new access token from Google, kept until it expires."""
    if login.refresh_token is None:
        raise MissingCredentials("The Gemini CLI login has expired.", hint=SIGN_IN)
    form = renewal_form(login.refresh_token, await find_client(ctx))
    reply = await ask_for_token(ctx.http, form, timeout_s=TIMEOUT_S)
    token = read_token(_accepted(reply, ctx.clock.now()), ctx.clock.now())
    if token is None:
        raise refused()
    await keep_token(ctx, login.refresh_token, token)
    return token.value


def _accepted(reply: Reply, now: datetime) -> Reply:
    check_supported(reply)
    if 400 <= reply.status < 500 and reply.status != 429:
        raise refused()
    return ensure_ok(reply, SERVICE, now=now)


# -- errors ----------------------------------------------------------------------------------------


def refused() -> FetchError:
    """Google does not accept the login."""
    return Unauthorized("Google no longer accepts the Gemini CLI login.", hint=SIGN_IN)


def check_supported(reply: Reply) -> None:
    """Whether Google still serves this account.

    Raises:
        Unsupported: It moved to another product; the old numbers are void.
    """
    if reply.status == 200:
        return
    said = reply.text.lower()
    if any(all(word in said for word in sign) for sign in SHUTDOWN_SIGNS):
        raise Unsupported(
            "Google moved this account from Gemini to Antigravity.",
            hint="Enable the provider Antigravity; Workspace accounts still work here.",
            drop_snapshot=True,
        )
