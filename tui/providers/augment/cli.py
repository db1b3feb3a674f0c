"""The program `auggie`, and the login it leaves behind.

Both belong to whoever uses this machine, so a named account has neither, unless its own settings
name a program.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tui.core.clock import LOCAL_ZONE
from tui.core.errors import (
    FetchError,
    MissingCredentials,
    NetworkError,
    ParseError,
    ServerError,
    Unauthorized,
    Unsupported,
)
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.core.process import CommandResult
from tui.core.redact import Secret
from tui.core.urls import host_of, https_url
from tui.providers._context import FetchContext
from tui.providers._owner import require_program
from tui.providers._parse import ErrorTable, ensure_ok, first_text, json_object, mapping
from tui.providers.augment.display import read_status, says_signed_out
from tui.providers.augment.parse import parse_credit_info, parse_status, with_account
from tui.providers.augment.session import session_of

PROGRAM = "auggie"
PROGRAM_TIMEOUT_S = 15.0
SERVICE = "Augment"
TENANTS = ".augmentcode.com"
TENANT_TIMEOUT_S = 30.0
LOGIN_FILE = "~/.augment/session.json"
LOGIN_FILE_BYTES = 64 << 10
PROGRAM_LOGIN = "login of auggie"
LOGIN_VARIABLE = "AUGMENT_SESSION_AUTH"
TOKEN_VARIABLE = "AUGMENT_API_TOKEN"
URL_VARIABLE = "AUGMENT_API_URL"


def no_login(ctx: FetchContext) -> MissingCredentials:
    """Nothing was found; that the program is signed out is the nearest reason."""
    if session_of(ctx).program_is_signed_out and ctx.mode != "web":
        return signed_out()
    if ctx.mode == "cli":
        # Shown only where the program is not there: whatever else it does counts more.
        return MissingCredentials(
            "No Augment login found.",
            hint="Install auggie and run `auggie login`.",
            cause="no_program",
        )
    return MissingCredentials(
        "No Augment login found.",
        hint="Run `auggie login`, or sign in at app.augmentcode.com with your browser, or use the "
        "manual cookie setting.",
    )


def signed_out() -> MissingCredentials:
    """The program is there and nobody is signed in."""
    return MissingCredentials("Auggie is not logged in.", hint="Run `auggie login`.")


# -- the program -----------------------------------------------------------------------------------


async def fetch_cli(ctx: FetchContext) -> ProviderSnapshot:
    """What `auggie account status` prints."""
    session = session_of(ctx)
    session.program_is_signed_out = False
    result = await ctx.commands.run(
        find_program(ctx), "account", "status", timeout_s=PROGRAM_TIMEOUT_S
    )
    session.program_is_signed_out = is_signed_out(result)
    snapshot = parse_status(output_of(result), key=ctx.key, now=ctx.clock.now(), zone=LOCAL_ZONE)
    session.use(website=False)
    return replace(snapshot, origin=PROGRAM)


def find_program(ctx: FetchContext) -> Path:
    """Where the program is.

    Raises:
        MissingCredentials: It is not there, or not this account's.
    """
    return require_program(
        ctx,
        PROGRAM,
        "The auggie program was not found.",
        hint="Install it and run `auggie login`, or set cli_path.",
    )


def is_signed_out(result: CommandResult) -> bool:
    """Whether it asks for a login, on either output, instead of saying anything else."""
    asks = says_signed_out(f"{result.stdout}\n{result.stderr}")
    return asks and read_status(result.stdout, LOCAL_ZONE) is None


def output_of(result: CommandResult) -> str:
    """What the program printed.

    Raises:
        FetchError: It hung, asks for a login, failed or printed nothing.
    """
    if result.timed_out:
        message = f"auggie did not answer within {PROGRAM_TIMEOUT_S:g} s."
        raise NetworkError(message, cause="timeout")
    if is_signed_out(result):
        raise signed_out()
    if result.exit_code:
        raise ServerError(f"auggie failed (exit code {result.exit_code}).")
    if not result.stdout.strip():
        raise ParseError("auggie printed no output.")
    return result.stdout


# -- its login -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Login:
    """A token and the tenant it is for."""

    token: Secret
    tenant: str
    origin: str


async def find_login(ctx: FetchContext) -> Login | None:
    """The first login of the program: variables, then its file.

    Raises:
        Unsupported: The file is too large or may not be read.
    """
    if ctx.key.account:
        return None
    found = next(logins_in_variables(ctx), None)
    if found is not None:
        return found
    content = await ctx.files.read_text(ctx.files.expand(LOGIN_FILE), max_bytes=LOGIN_FILE_BYTES)
    return read_login(content or "", PROGRAM_LOGIN)


def logins_in_variables(ctx: FetchContext) -> Iterator[Login]:
    """Logins of the environment."""
    if login := read_login(ctx.env.get(LOGIN_VARIABLE), f"from {LOGIN_VARIABLE}"):
        yield login
    token, tenant = ctx.env.secret(TOKEN_VARIABLE), ctx.env.get(URL_VARIABLE)
    if token is not None and tenant:
        yield Login(token, tenant, f"from {TOKEN_VARIABLE}")


def read_login(text: str, origin: str) -> Login | None:
    """The login in the JSON that `auggie token print` prints and the file holds."""
    try:
        data: Any = mapping(json.loads(text))
    except (ValueError, RecursionError):
        return None
    token, tenant = first_text(data, "accessToken"), first_text(data, "tenantURL")
    return Login(Secret(token), tenant, origin) if token and tenant else None


async def detect(ctx: FetchContext) -> str:
    """A login the program left; that it is installed is none."""
    found = await find_login(ctx)
    return found.origin if found is not None else ""


async def fetch_login(ctx: FetchContext) -> ProviderSnapshot:
    """The credits the program's own login is told; starts no program."""
    login = await require_login(ctx)
    reply = await ask_tenant(ctx, login, "get-credit-info")
    snapshot = parse_credit_info(json_object(reply, SERVICE), key=ctx.key, now=ctx.clock.now())
    session_of(ctx).use(website=False)
    return replace(snapshot, origin=login.origin)


async def add_account(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """E-mail and tenant of the program's login."""
    reply = await ask_tenant(ctx, await require_login(ctx), "get-models")
    return with_account(snapshot, json_object(reply, SERVICE))


async def require_login(ctx: FetchContext) -> Login:
    """The program's login, for a tenant that is Augment's.

    Raises:
        MissingCredentials: There is none.
        Unsupported: Its tenant is a stranger.
    """
    login = await find_login(ctx)
    if login is None:
        raise no_login(ctx)
    return replace(login, tenant=checked_tenant(login))


def checked_tenant(login: Login) -> str:
    """The address without slashes at its end.

    Raises:
        Unsupported: No https, or not one of Augment's hosts.
    """
    try:
        tenant = https_url(login.tenant, bare_host=False)
    except ValueError:
        tenant = ""
    if not host_of(tenant).endswith(TENANTS):
        raise Unsupported(
            f"The tenant of the auggie login ({login.origin}) is not an address of Augment.",
            hint=renewal(login),
        )
    return tenant.rstrip("/")


def renewal(login: Login) -> str:
    """Who can renew a login: its program, or whoever set the variable."""
    if login.origin == PROGRAM_LOGIN:
        return "Run `auggie login` again."
    return f"Replace the token ({login.origin})."


async def ask_tenant(ctx: FetchContext, login: Login, call: str) -> Reply:
    """One call with the program's login."""
    reply = await ctx.http.send(
        "POST",
        f"{login.tenant}/{call}",
        bearer=login.token,
        json={},
        timeout_s=TENANT_TIMEOUT_S,
        redirects="none",
    )
    errors: ErrorTable = dict.fromkeys((401, 403), partial(login_refused, login))
    return ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=errors)


def login_refused(login: Login, reply: Reply) -> FetchError:
    """The program's login is not accepted any more."""
    return Unauthorized(
        f"Augment did not accept the login of auggie (HTTP {reply.status}).", hint=renewal(login)
    )
