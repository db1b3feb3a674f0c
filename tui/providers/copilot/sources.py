"""Asking GitHub for the seat of a user, the way Copilot's editor plugin does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tui.core.errors import FetchError, MissingCredentials, Unauthorized, Unsupported
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.providers._context import FetchContext, HeaderValue
from tui.providers._parse import ErrorTable, ensure_ok, json_object
from tui.providers.copilot.hosts import http_of, site_of
from tui.providers.copilot.logins import Login, find_logins
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


def refused(reply: Reply) -> FetchError:
    """HTTP 401 and 403."""
    return Unauthorized(
        f"{SERVICE} did not accept the token (HTTP {reply.status}).",
        hint="It needs a Copilot seat, and classic personal tokens are refused; log in with "
        "GitHub in the settings.",
    )


def no_copilot(reply: Reply) -> FetchError:
    """HTTP 404."""
    return Unsupported(
        "There is no Copilot on this GitHub account.",
        hint="Log in with the account that has the seat.",
    )


ERRORS: ErrorTable = {401: refused, 403: refused, 404: no_copilot}


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
    raise first or MissingCredentials(
        "No GitHub login for Copilot was found.",
        hint="Log in with GitHub: in the settings, or by `quotadeck login copilot`. "
        "A login of `gh` in a key store is read when you refresh by hand.",
    )


async def _fetch_with(ctx: FetchContext, login: Login) -> ProviderSnapshot:
    answer = await ask(ctx, login.token, SEAT)
    snapshot = parse_user(answer, key=ctx.key, now=ctx.clock.now())
    ctx.memory[WORKED] = login
    return replace(snapshot, origin=login.origin)


async def add_account(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Whose seat it is, where the seat does not say."""
    login = ctx.memory.get(WORKED)
    if snapshot.identity.account or not isinstance(login, Login):
        return snapshot
    account = parse_login(await ask(ctx, login.token, USER))
    return replace(snapshot, identity=replace(snapshot.identity, account=account))


async def ask(ctx: FetchContext, token: Secret, path: str) -> dict[str, Any]:
    """The object one call answers."""
    url = f"{site_of(ctx).api}/{path}"
    headers: dict[str, HeaderValue] = {**HEADERS, "Authorization": token.within("token {}")}
    reply = await http_of(ctx, url).send("GET", url, headers=headers, timeout_s=TIMEOUT_S)
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS)
    return json_object(reply, SERVICE)
