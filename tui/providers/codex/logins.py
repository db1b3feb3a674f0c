"""The login of the Codex program: its file, and on request those of its neighbours.

All of them are only read. The program renews its tokens itself; a refresh token spent here would
sign the user out there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tui.core import jwt
from tui.core.errors import FetchError, MissingCredentials, Unauthorized, Unsupported
from tui.core.redact import Secret
from tui.providers._context import FetchContext
from tui.providers._owner import has_expired
from tui.providers._parse import first_text, mapping, text, timestamp
from tui.providers.codex.parse import NOBODY, Owner

FOLDER = "~/.codex"
AUTH_FILE, CONFIG_FILE = "auth.json", "config.toml"
LOG_FOLDERS = ("sessions", "archived_sessions")
OTHER_FILE = "~/.config/codex/auth.json"
OPENCODE_FILE = "${XDG_DATA_HOME:-~/.local/share}/opencode/auth.json"
ROOTS = (
    *(f"${{CODEX_HOME:-{FOLDER}}}/{name}" for name in (AUTH_FILE, CONFIG_FILE, *LOG_FOLDERS)),
    OTHER_FILE,
    OPENCODE_FILE,
)
CODEX_LOGIN = "Codex login"
STALE_AFTER = timedelta(days=8)
SIGN_IN = "Run `codex login`."
RENEW = "Run `codex` once, or `codex login`."
AUTH_CLAIM = "https://api.openai.com/auth"
PROFILE_CLAIM = "https://api.openai.com/profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What can be sent, and what is known of it without asking."""

    bearer: Secret
    origin: str = CODEX_LOGIN
    account_id: str = ""
    owner: Owner = NOBODY
    expires_at: datetime | None = None
    """`None` when it does not say."""
    is_stale: bool = False
    """Its owner has not renewed it for long."""
    signed_in_at: datetime | None = None
    """What was used before may be another account's; `None` when it does not say."""


@dataclass(frozen=True, slots=True)
class Logins:
    """What lies in the file: a personal access token, a key or tokens, or both."""

    personal: Login | None
    usual: Login | None


# -- where it lies ---------------------------------------------------------------------------------


def find_home(ctx: FetchContext) -> Path:
    """The folder of the program; a chosen account needs one of its own.

    Raises:
        MissingCredentials: It has none.
    """
    home = ctx.settings.path("home")
    if home is not None:
        return home
    if ctx.key.account:
        raise MissingCredentials(
            "This account has no Codex folder.", hint="Set `home` to the folder of its auth.json."
        )
    return ctx.files.expand(FOLDER)


async def find_logins(ctx: FetchContext) -> Logins:
    """The logins of this account.

    Raises:
        MissingCredentials: There is no file, it is damaged, or nobody is signed in there.
        Unsupported: It may not be read.
        Unauthorized: Another program has not renewed its login.
    """
    content = await _read(ctx, find_home(ctx) / AUTH_FILE)
    if content is not None:
        return parse_auth(content, ctx.clock.now())
    if ctx.settings.flag("other_logins") and not ctx.settings.is_set("home"):
        found = await _other_logins(ctx)
        if found is not None:
            return found
    raise MissingCredentials(f"Codex is not signed in: there is no {AUTH_FILE}.", hint=SIGN_IN)


async def _other_logins(ctx: FetchContext) -> Logins | None:
    content = await _read(ctx, ctx.files.expand(OTHER_FILE))
    if content is not None:
        return parse_auth(content, ctx.clock.now())
    login = parse_opencode(await _read(ctx, ctx.files.expand(OPENCODE_FILE)) or "")
    if login is None:
        return None
    if login.expires_at is None or login.expires_at <= ctx.clock.now():
        raise has_expired(ctx, login.origin, login.expires_at, hint="Run `opencode` once.")
    return Logins(None, login)


async def _read(ctx: FetchContext, file: Path) -> str | None:
    try:
        return await ctx.files.read_text(file)
    except Unsupported as error:
        error.try_next = True
        raise


async def detect(ctx: FetchContext) -> str:
    """Whether somebody is signed in, fresh or not."""
    try:
        found = await find_logins(ctx)
    except Unauthorized:
        return CODEX_LOGIN
    except FetchError:
        return ""
    login = found.usual or found.personal
    return login.origin if login is not None else ""


# -- reading ---------------------------------------------------------------------------------------


def parse_auth(content: str, now: datetime) -> Logins:
    """The file of the program.

    Raises:
        MissingCredentials: It is damaged, or holds no login.
    """
    try:
        data = mapping(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise MissingCredentials(f"{AUTH_FILE} of Codex is damaged.", hint=SIGN_IN) from error
    personal = first_text(data, "personal_access_token", "personalAccessToken")
    found = Logins(
        Login(bearer=Secret(personal), origin="Codex access token") if personal else None,
        _by_key(data) or _by_tokens(data, now),
    )
    if found == Logins(None, None):
        raise MissingCredentials(f"{AUTH_FILE} of Codex holds no tokens.", hint=SIGN_IN)
    return found


def _by_key(data: Mapping[str, Any]) -> Login | None:
    """A key is never stale."""
    key = text(data.get("OPENAI_API_KEY"))
    return Login(bearer=Secret(key), origin="Codex API key") if key else None


def _by_tokens(data: Mapping[str, Any], now: datetime) -> Login | None:
    tokens = mapping(data.get("tokens"))
    access = first_text(tokens, "access_token", "accessToken")
    if not access or not any(name in tokens for name in ("refresh_token", "refreshToken")):
        return None
    token = Secret(access)
    claims = [jwt.claims(first_text(tokens, "id_token", "idToken")), jwt.claims(token)]
    refreshed_at = timestamp(first_text(data, "last_refresh", "lastRefresh"))
    account_id = first_text(tokens, "account_id", "accountId")
    return Login(
        bearer=token,
        account_id=account_id or next(filter(None, map(_account_id, claims)), ""),
        owner=Owner(_email(claims[0]), next(filter(None, map(_plan, claims)), "")),
        expires_at=jwt.expires_at(token),
        is_stale=refreshed_at is None or now - refreshed_at > STALE_AFTER,
        signed_in_at=_signed_in_at(*claims),
    )


def _account_id(claims: Mapping[str, Any]) -> str:
    inner = mapping(claims.get(AUTH_CLAIM))
    return (
        text(claims.get("chatgpt_account_id"))
        or text(inner.get("chatgpt_account_id"))
        or first_text(claims, "organizations.0.id")
    )


def _email(claims: Mapping[str, Any]) -> str:
    return text(claims.get("email")) or text(mapping(claims.get(PROFILE_CLAIM)).get("email"))


def _plan(claims: Mapping[str, Any]) -> str:
    inner = mapping(claims.get(AUTH_CLAIM))
    return text(inner.get("chatgpt_plan_type")) or text(claims.get("chatgpt_plan_type"))


def _signed_in_at(identity: Mapping[str, Any], access: Mapping[str, Any]) -> datetime | None:
    """One counts in seconds, the other in milliseconds."""
    return timestamp(identity.get("auth_time")) or timestamp(access.get("pwd_auth_time"))


def parse_opencode(content: str) -> Login | None:
    """The login OpenCode keeps for the same service."""
    try:
        entry = mapping(mapping(json.loads(content)).get("openai"))
    except (ValueError, RecursionError):
        return None
    access = text(entry.get("access"))
    if entry.get("type") != "oauth" or not access:
        return None
    return Login(
        bearer=Secret(access),
        origin="OpenCode login",
        account_id=text(entry.get("accountId")) or _account_id(jwt.claims(access)),
        expires_at=timestamp(entry.get("expires")),
    )


def check_fresh(ctx: FetchContext, login: Login) -> None:
    """What can be known before any request.

    A stale mark alone does not count while the token says itself that it lasts.

    Raises:
        Unauthorized: It is over.
    """
    is_over = login.expires_at is not None and login.expires_at <= ctx.clock.now()
    if is_over:
        raise has_expired(ctx, login.origin, login.expires_at, hint=RENEW)
    if login.is_stale and login.expires_at is None:
        raise Unauthorized("The Codex login was not renewed for long.", hint=RENEW, cause="expired")


# -- where to ask ----------------------------------------------------------------------------------


async def read_base_url(ctx: FetchContext) -> str:
    """The address in the program's own settings; empty when there is none."""
    content = await _read(ctx, find_home(ctx) / CONFIG_FILE) or ""
    return next(_base_urls(content), "")


def _base_urls(content: str) -> Iterator[str]:
    """Values of the key, as far as the first table; with or without quotes, comments cut off."""
    for line in content.splitlines():
        if line.lstrip().startswith("["):
            return
        name, equals, value = line.partition("=")
        if equals and name.strip() == "chatgpt_base_url":
            yield _unquoted(value)


def _unquoted(value: str) -> str:
    value = value.strip()
    if value[:1] in {'"', "'"}:
        return value[1:].partition(value[0])[0].strip()
    return value.partition("#")[0].strip()
