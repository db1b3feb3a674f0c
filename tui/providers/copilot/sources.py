"""Asking GitHub for the seat of a user, the way Copilot's editor plugin does."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from tui.core.errors import FetchError, MissingCredentials, Unauthorized, Unsupported
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.providers._context import FetchContext, HeaderValue
from tui.providers._parse import ErrorTable, ensure_ok, json_object
from tui.providers.copilot.hosts import http_of, site_of
from tui.providers.copilot.logins import Login, find_logins, gh_waits
from tui.providers.copilot.parse import parse_login, parse_user

SERVICE = "GitHub"
SEAT = "copilot_internal/user"
USER = "user"
HEADERS = {
    "Accept": "application/json",
    "Editor-Version": "vscode/1.96.2",
    "Editor-Plugin-Version": "copilot-chat/0.26.7",
    "User-Agent": "GitHubCopilotChat/0.26.7",
    "X-Github-Api-Version": "2025-04-01",
}
TIMEOUT_S = 15.0
WORKED = "copilot.login"
LOG_IN = "Log in with GitHub in the settings, or run `quotadeck login copilot`."


def refused(login: Login, reply: Reply) -> FetchError:
    """HTTP 401 and 403."""
    hint = f"{LOG_IN} It needs a Copilot seat."
    if login.stands_alone:
        hint = f"Replace it ({login.origin}): it needs a Copilot seat, "
        hint += "and classic personal tokens are refused."
    return Unauthorized(f"{SERVICE} did not accept the token (HTTP {reply.status}).", hint=hint)


def no_copilot(reply: Reply) -> FetchError:
    """HTTP 404."""
    return Unsupported(
        "There is no Copilot on this GitHub account.",
        hint="Log in with the account that has the seat.",
    )


def errors_of(login: Login) -> ErrorTable:
    """What refusals of a login mean."""
    told = partial(refused, login)
    return {401: told, 403: told, 404: no_copilot}


async def no_login(ctx: FetchContext) -> MissingCredentials:
    """Nobody is logged in, as far as may be looked."""
    if await gh_waits(ctx):
        return MissingCredentials(
            "The login of `gh` lies in a key store.", hint="Refresh by hand to have it read."
        )
    return MissingCredentials("No GitHub login was found.", hint=LOG_IN)


async def fetch_seat(ctx: FetchContext) -> ProviderSnapshot:
    """What the first login that has a seat may see.

    Raises:
        FetchError: None was found, or what the first one was told.
    """
    first: FetchError | None = None
    async for login in find_logins(ctx):
        try:
            return await _fetch_with(ctx, login)
        except (Unauthorized, Unsupported) as error:
            if login.stands_alone:
                raise
            first = first or error
    raise first or await no_login(ctx)


async def _fetch_with(ctx: FetchContext, login: Login) -> ProviderSnapshot:
    answer = await ask(ctx, login, SEAT)
    snapshot = parse_user(answer, key=ctx.key, now=ctx.clock.now())
    ctx.memory[WORKED] = login
    return replace(snapshot, origin=login.origin)


async def add_account(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Whose seat it is, where the seat does not say."""
    login = ctx.memory.get(WORKED)
    if snapshot.identity.account or not isinstance(login, Login):
        return snapshot
    account = parse_login(await ask(ctx, login, USER))
    return replace(snapshot, identity=replace(snapshot.identity, account=account))


async def ask(ctx: FetchContext, login: Login, path: str) -> dict[str, Any]:
    """The object one call answers."""
    url = f"{site_of(ctx).api}/{path}"
    headers: dict[str, HeaderValue] = {**HEADERS, "Authorization": login.token.within("token {}")}
    reply = await http_of(ctx, url).send("GET", url, headers=headers, timeout_s=TIMEOUT_S)
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=errors_of(login))
    return json_object(reply, SERVICE)
