"""Where a Claude login may lie: pasted, in a variable, in Claude Code's file, in the key store.

Claude Code owns its file and its entry in the key store. Both are only read; a refresh token
spent here would sign the user out there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from tui.core.errors import FetchError, MissingCredentials, Unauthorized, Unsupported
from tui.core.redact import Secret
from tui.providers._context import FetchContext, FoundSecret
from tui.providers._owner import has_expired
from tui.providers._parse import at, first_text, items, mapping, text, timestamp
from tui.providers.claude.parse import plan_of

SECURE_FOLDER, FOLDER = "CLAUDE_SECURESTORAGE_CONFIG_DIR", "CLAUDE_CONFIG_DIR"
DEFAULT_FOLDER = "~/.claude"
LOGIN_FILE = ".credentials.json"
ACCOUNT_FILE, OWN_ACCOUNT_FILE = ".claude.json", ".config.json"
ROOTS = (
    f"${{{SECURE_FOLDER}:-{DEFAULT_FOLDER}}}/{LOGIN_FILE}",
    f"${{{FOLDER}:-{DEFAULT_FOLDER}}}/{LOGIN_FILE}",
    f"{DEFAULT_FOLDER}/{LOGIN_FILE}",
    f"${{{SECURE_FOLDER}:-{DEFAULT_FOLDER}}}/{OWN_ACCOUNT_FILE}",
    f"${{{FOLDER}:-{DEFAULT_FOLDER}}}/{OWN_ACCOUNT_FILE}",
    f"{DEFAULT_FOLDER}/{OWN_ACCOUNT_FILE}",
    f"${{{FOLDER}:-~}}/{ACCOUNT_FILE}",
)
ACCOUNT_BYTES = 16 << 20
"""Claude Code keeps its history beside the account."""
KEY_STORE_SERVICE = "Claude Code-credentials"
USER = "USER"
"""Claude Code files its entry under the name of the system's user."""
VARIABLES = {
    "QUOTADECK_CLAUDE_OAUTH_TOKEN": "QUOTADECK_CLAUDE_OAUTH_SCOPES",
    "CODEXBAR_CLAUDE_OAUTH_TOKEN": "CODEXBAR_CLAUDE_OAUTH_SCOPES",
}
"""Variables with a token, and those with its scopes, separated by commas."""
CLI_LOGIN = "Claude Code login"
NEEDED_SCOPE = "user:profile"
NEVER = datetime.max.replace(tzinfo=UTC)
SIGN_IN = "Run `claude` and sign in again."
RENEW = "Run `claude` once."


# -- what a pasted value is ------------------------------------------------------------------------


class Kind(Enum):
    """What a pasted value is good for."""

    COOKIE = "cookie"
    OAUTH = "oauth"
    ADMIN = "admin"


OAUTH_TOKEN = r"\A\s*(?:bearer\s+)?(sk-ant-oat\S+)\s*\Z"
ADMIN_KEY = r"\A\s*(?:bearer\s+)?(sk-ant-admin\S+)\s*\Z"
COOKIE_TEXT = r"(cookie:|=)"
PASTE_FIELDS = ("cookie_header", "api_key")


def kind_of(value: Secret) -> Kind:
    """By its form; what has none is the bare value of the session cookie."""
    if value.search(COOKIE_TEXT):
        return Kind.COOKIE
    if value.search(OAUTH_TOKEN):
        return Kind.OAUTH
    return Kind.ADMIN if value.search(ADMIN_KEY) else Kind.COOKIE


async def find_pasted(
    ctx: FetchContext, kind: Kind, fields: tuple[str, ...] = PASTE_FIELDS
) -> FoundSecret | None:
    """The first pasted value of a kind, whichever field it was pasted into.

    A variable is named after what it holds, so it is no paste.
    """
    for field in fields:
        found = await ctx.secrets.find(field)
        if found is None or found.origin.startswith("from "):
            continue
        if kind_of(found.value) is kind:
            return found
    return None


async def find_admin_key(ctx: FetchContext) -> FoundSecret | None:
    """The key of an organization, pasted or from a variable."""
    pasted = await find_pasted(ctx, Kind.ADMIN)
    found = pasted or await ctx.secrets.find("api_key")
    key = found.value.search(ADMIN_KEY) if found is not None else None
    return FoundSecret(key, found.origin) if found is not None and key is not None else None


# -- tokens ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthLogin:
    """A token and what is known of it."""

    token: Secret
    origin: str
    expires_at: datetime | None = NEVER
    """`None` when the owner does not say, which counts as over."""
    scopes: frozenset[str] | None = None
    """`None` when nobody says."""
    plan: str = ""


def check_usable(ctx: FetchContext, login: OAuthLogin) -> None:
    """What can be known before any request.

    Raises:
        Unauthorized: It may not read usage, or is over.
    """
    if login.scopes is not None and NEEDED_SCOPE not in login.scopes:
        raise scope_missing()
    if login.expires_at is None or login.expires_at <= ctx.clock.now():
        raise has_expired(ctx, "Claude token", login.expires_at, hint=RENEW)


def scope_missing() -> Unauthorized:
    """Tokens of `claude setup-token` are made so."""
    return Unauthorized(
        f"The Claude token lacks the scope {NEEDED_SCOPE}, without which usage cannot be read.",
        hint="Run `claude` and sign in with /login; a token of `claude setup-token` is not enough.",
    )


def not_signed_in() -> MissingCredentials:
    """There is no login at all."""
    return MissingCredentials(
        "Claude Code is not signed in.",
        hint="Run `claude` and sign in, or log in to claude.ai in a browser.",
    )


async def find_login(ctx: FetchContext) -> OAuthLogin:
    """The token to use: pasted, from a variable, or Claude Code's own.

    A chosen account has nothing but what was pasted for it.

    Raises:
        MissingCredentials: There is none, or only one for MCP servers.
        Unsupported: The file may not be read.
    """
    pasted = await find_pasted(ctx, Kind.OAUTH)
    if pasted is not None and (token := pasted.value.search(OAUTH_TOKEN)) is not None:
        return OAuthLogin(token=token, origin=pasted.origin)
    if ctx.key.account:
        raise MissingCredentials(
            "This account has no Claude token.", hint="Paste a token or the sessionKey cookie."
        )
    return _from_variables(ctx) or await _from_claude_code(ctx)


def _from_variables(ctx: FetchContext) -> OAuthLogin | None:
    for name, scopes_name in VARIABLES.items():
        token = ctx.env.secret(name)
        if token is not None:
            scopes = ctx.env.get(scopes_name) or NEEDED_SCOPE
            return OAuthLogin(token=token, origin=f"from {name}", scopes=scope_words(scopes))
    return None


def scope_words(scopes: str) -> frozenset[str]:
    """Scopes from a text, separated by commas or blanks."""
    return frozenset(scopes.replace(",", " ").split())


# -- Claude Code's own -----------------------------------------------------------------------------


async def _from_claude_code(ctx: FetchContext) -> OAuthLogin:
    """Its file; with the key store allowed, whichever of the two lasts longer."""
    stored = await _from_key_store(ctx)
    try:
        login = await _from_file(ctx)
    except MissingCredentials:
        if stored is None:
            raise
        return stored
    return max(stored or login, login, key=_lasts_until)


def _lasts_until(login: OAuthLogin) -> datetime:
    return login.expires_at or datetime.min.replace(tzinfo=UTC)


async def _from_file(ctx: FetchContext) -> OAuthLogin:
    folder = login_folder(ctx)
    content = await _read(ctx, folder / LOGIN_FILE) if folder is not None else None
    if content is None:
        raise not_signed_in()
    return parse_login(content)


async def _read(ctx: FetchContext, file: Path) -> str | None:
    try:
        return await ctx.files.read_text(file)
    except Unsupported as error:
        error.try_next = True
        raise


def login_folder(ctx: FetchContext) -> Path | None:
    """The folder of the login; `None` for a relative one, which only Claude Code can resolve."""
    named = ctx.env.get(SECURE_FOLDER if ctx.env.is_set(SECURE_FOLDER) else FOLDER)
    if not named:
        return ctx.files.expand(DEFAULT_FOLDER)
    return Path(named) if Path(named).is_absolute() else None


def parse_login(content: str) -> OAuthLogin:
    """The login in Claude Code's file.

    Raises:
        MissingCredentials: It is damaged, or nobody is signed in with an account.
    """
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MissingCredentials(
            "The login file of Claude Code cannot be understood.", hint=SIGN_IN
        ) from error
    login = login_in(data)
    if login is not None:
        return login
    if at(data, "mcpOAuth") is not None:
        raise MissingCredentials(
            "Claude Code is signed in for MCP servers only, not for an account.", hint=SIGN_IN
        )
    raise not_signed_in()


def login_in(data: Any) -> OAuthLogin | None:
    """The login of an account, if the document has one."""
    login = mapping(at(data, "claudeAiOauth"))
    token = text(login.get("accessToken"))
    if not token:
        return None
    return OAuthLogin(
        token=Secret(token),
        origin=CLI_LOGIN,
        expires_at=timestamp(login.get("expiresAt")),
        scopes=_scopes(login.get("scopes")),
        plan=plan_of(text(login.get("subscriptionType")), text(login.get("rateLimitTier"))),
    )


def _scopes(value: Any) -> frozenset[str] | None:
    if isinstance(value, str):
        return scope_words(value)
    return frozenset(map(text, items(value))) if isinstance(value, list) else None


async def _from_key_store(ctx: FetchContext) -> OAuthLogin | None:
    """The entry of macOS, which asks for permission again whenever Claude Code rewrote it.

    So it is read when the user asks, and remembered while the token lasts.
    """
    if ctx.os_name != "macos" or not ctx.settings.flag("read_keychain"):
        return None
    if ctx.user_initiated and (user := ctx.env.get(USER)):
        content = await ctx.key_store.find(KEY_STORE_SERVICE, user)
        ctx.memory[KEY_STORE_SERVICE] = login_in(content.document()) if content else None
    kept: OAuthLogin | None = ctx.memory.get(KEY_STORE_SERVICE)
    return kept


async def detect(ctx: FetchContext) -> str:
    """Whether a token lies in a variable or in Claude Code's file, fresh or not."""
    try:
        return (await find_login(ctx)).origin
    except FetchError:
        return ""


# -- the account behind it -------------------------------------------------------------------------


async def find_account_id(ctx: FetchContext) -> str:
    """The id of the account Claude Code is signed in with; empty when unknown."""
    folder = login_folder(ctx)
    files = [folder / OWN_ACCOUNT_FILE] if folder is not None else []
    named = ctx.env.get(FOLDER)
    files.append(Path(named, ACCOUNT_FILE) if named else ctx.files.home / ACCOUNT_FILE)
    for file in files:
        try:
            content = await ctx.files.read_text(file, max_bytes=ACCOUNT_BYTES)
        except Unsupported as error:
            ctx.log.debug("%s: %s", ctx.key, error.message)
            continue
        if content and (found := account_id_in(content)):
            return found
    return ""


def account_id_in(content: str) -> str:
    """The id in one of Claude Code's files."""
    try:
        data: Mapping[str, Any] = mapping(json.loads(content))
    except (ValueError, RecursionError):
        return ""
    return first_text(data, "oauthAccount.accountUuid")
