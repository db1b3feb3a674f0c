"""Google logins for Antigravity: one the user stored, or the one `agy` keeps.

Files and key store entries of `agy` are read and never written; a token renewed with a stored
login is kept in our own session store. The client that renews is the user's to name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tui.core.errors import FetchError, MissingCredentials, Unauthorized, Unsupported
from tui.core.jwt import text_claim
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
from tui.providers._parse import ensure_ok, text, timestamp, walk
from tui.providers.antigravity.local import chosen_email, not_running, running_here, same_account
from tui.providers.antigravity.program import renew_login

if TYPE_CHECKING:
    from tui.providers._google import Client

TOKEN_FILES = (
    "~/.gemini/jetski-standalone-oauth-token",
    "~/.gemini/antigravity-cli/antigravity-oauth-token",
)
KEY_STORE_ENTRY = ("gemini", "antigravity")
OF_PROGRAM = "login of agy"
TIMEOUT_S = 10.0
SIGN_IN_AGAIN = "Sign in again with `agy`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A Google login."""

    access_token: Secret | None = None
    refresh_token: Secret | None = None
    expires_at: datetime | None = None
    email: str = ""
    project: str = ""
    client_id: Secret | None = field(default=None, repr=False)
    client_secret: Secret | None = None
    is_workspace: bool = False
    """The account belongs to an organisation."""
    origin: str = ""
    is_stored: bool = False
    """The user stored it for this account; else it is the one of `agy`."""

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token will be accepted for another minute, as far as is known."""
        if self.access_token is None:
            return False
        return self.expires_at is None or self.expires_at - now > SPARE


# -- reading ---------------------------------------------------------------------------------------


def parse_login(content: Secret, *, origin: str = "", is_stored: bool = False) -> Login | None:
    """A login in JSON, in snake or camel case, at any depth; `None` when it holds no token."""
    parts = tuple(walk(content.document()))
    access, refresh = secret_in(parts, "access_token"), secret_in(parts, "refresh_token")
    if access is None and refresh is None:
        return None
    identity = secret_in(parts, "id_token")
    email = text_claim(identity, "email") if identity else ""
    return Login(
        access_token=access,
        refresh_token=refresh,
        expires_at=timestamp(value_in(parts, "expiry_date") or value_in(parts, "expiry")),
        email=email or text(value_in(parts, "email")),
        project=text(value_in(parts, "project_id")),
        client_id=secret_in(parts, "client_id"),
        client_secret=secret_in(parts, "client_secret"),
        is_workspace=bool(identity and text_claim(identity, "hd")),
        origin=origin,
        is_stored=is_stored,
    )


def value_in(parts: Sequence[Mapping[str, Any]], name: str) -> Any:
    """The first value of this name, in snake or camel case."""
    first, *rest = name.split("_")
    camel = first + "".join(word.capitalize() for word in rest)
    values = (part.get(spelling) for part in parts for spelling in (name, camel))
    return next((value for value in values if value is not None), None)


def secret_in(parts: Sequence[Mapping[str, Any]], name: str) -> Secret | None:
    """The first value of this name as a secret."""
    value = text(value_in(parts, name))
    return Secret(value) if value else None


# -- finding ---------------------------------------------------------------------------------------


async def find_login(ctx: FetchContext) -> Login:
    """The login to use; that of `agy` only for who chose this way or an account.

    Raises:
        MissingCredentials: There is none.
        Unsupported: What is stored is no login.
        Unauthorized: It is of another account than the chosen one.
    """
    login = await stored_login(ctx)
    if login is None:
        login = await login_of_program(ctx)
    check_login(ctx, login)
    return login


async def stored_login(ctx: FetchContext) -> Login | None:
    """The login the user stored."""
    found = await ctx.secrets.find("oauth_credentials")
    if found is None:
        return None
    login = parse_login(found.value, origin=found.origin, is_stored=True)
    if login is None:
        raise Unsupported(
            "The stored Google login holds no token.",
            hint="Save JSON with `access_token` or `refresh_token` as oauth_credentials.",
        )
    return login


async def login_of_program(ctx: FetchContext) -> Login:
    """The login of `agy`."""
    if ctx.key.account:
        raise MissingCredentials(
            "No Google login is stored for this account.", hint="Save its oauth_credentials."
        )
    if ctx.mode == "auto" and not chosen_email(ctx):
        raise not_running()
    async for login in program_logins(ctx):
        return login
    raise MissingCredentials(
        "No Google login for Antigravity was found.",
        hint="Sign in with `agy`, or save oauth_credentials.",
    )


async def program_logins(ctx: FetchContext) -> AsyncIterator[Login]:
    """Logins of `agy`, newest place first; each looked at only when reached."""
    for file in TOKEN_FILES:
        content = await ctx.files.read_text(ctx.files.expand(file))
        if content and (login := parse_login(Secret(content), origin=OF_PROGRAM)):
            yield login
    entry = await ctx.key_store.find(*KEY_STORE_ENTRY)
    if entry and (login := parse_login(entry, origin=OF_PROGRAM)):
        yield login


async def detect(ctx: FetchContext) -> str:
    """A login of `agy`, by its files, or a running server; whether it works is not looked at."""
    if ctx.key.account:
        return ""
    for file in TOKEN_FILES:
        if await ctx.files.stat(ctx.files.expand(file)) is not None:
            return OF_PROGRAM
    return await running_here(ctx)


def check_login(ctx: FetchContext, login: Login) -> None:
    """The login must be of the chosen account; one the user stored may leave that open."""
    wanted = chosen_email(ctx)
    is_open = login.is_stored and not login.email
    if not wanted or is_open or same_account(wanted, login.email):
        return
    message = f"The Google login is of {login.email}, not {wanted}."
    if not login.email:
        message = f"The {login.origin} does not say that it is of {wanted}."
    raise Unauthorized(message, hint=f"Save the oauth_credentials of {wanted}.")


# -- renewing --------------------------------------------------------------------------------------


async def usable_token(ctx: FetchContext, login: Login) -> Secret:
    """An access token that has not expired, renewed if need be.

    Raises:
        FetchError: It cannot be renewed.
    """
    async with ctx.sessions.lock(SLOT):
        if login.access_token is not None and login.is_fresh(ctx.clock.now()):
            return login.access_token
        kept = await kept_token(ctx, login.refresh_token)
        if kept is not None:
            return kept
        client = await find_client(ctx, login)
        if client is not None and login.refresh_token is not None:
            return await renewed(ctx, login.refresh_token, client)
    return await renewed_by_program(ctx, login)


async def find_client(ctx: FetchContext, login: Login) -> Client | None:
    """The client a login was made with: of the login itself, else of the settings."""
    if login.client_id and login.client_secret:
        return login.client_id, login.client_secret
    client_id = ctx.settings.text("oauth_client_id")
    secret = await ctx.secrets.get("oauth_client_secret")
    return (Secret(client_id), secret) if client_id and secret else None


async def renewed(ctx: FetchContext, refresh: Secret, client: Client) -> Secret:
    """A new access token from Google, kept until it expires."""
    now = ctx.clock.now()
    reply = await ask_for_token(ctx.http, renewal_form(refresh, client), timeout_s=TIMEOUT_S)
    errors = dict.fromkeys((400, 401, 403), lambda reply: not_accepted())
    token = read_token(ensure_ok(reply, SERVICE, now=now, errors=errors), now)
    if token is None:
        raise Unauthorized("Google gave no new access token.", hint=SIGN_IN_AGAIN)
    await keep_token(ctx, refresh, token)
    return token.value


async def renewed_by_program(ctx: FetchContext, login: Login) -> Secret:
    """The token of `agy` after it renewed it itself."""
    expired = "The Google login has expired."
    if login.is_stored:
        raise Unauthorized(expired, hint="Set oauth_client_id and oauth_client_secret.")
    await renew_login(ctx)
    async for again in program_logins(ctx):
        if again.access_token is not None and again.is_fresh(ctx.clock.now()):
            check_login(ctx, again)
            return again.access_token
    raise Unauthorized(expired, hint=SIGN_IN_AGAIN)


def not_accepted() -> FetchError:
    """Google refuses the login."""
    return Unauthorized("Google no longer accepts this login.", hint=SIGN_IN_AGAIN)
