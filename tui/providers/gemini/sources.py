"""Asking Google for the quota of a Gemini login: tier and project first, then the buckets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tui.core.errors import FetchError, ServerError
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.providers._context import FetchContext
from tui.providers._google import SLOT
from tui.providers._parse import ErrorTable, ensure_ok, json_object
from tui.providers.gemini.login import (
    TIMEOUT_S,
    check_supported,
    find_login,
    refused,
    usable_token,
)
from tui.providers.gemini.parse import find_project, parse_identity, parse_project, parse_quota

SERVICE = "Gemini"
ASSIST_URL = "https://cloudcode-pa.googleapis.com/v1internal:loadCodeAssist"
QUOTA_URL = "https://cloudcode-pa.googleapis.com/v1internal:retrieveUserQuota"
PROJECTS_URL = "https://cloudresourcemanager.googleapis.com/v1/projects"
WHO_ASKS = {"metadata": {"ideType": "GEMINI_CLI", "pluginType": "GEMINI"}}


def not_ok(reply: Reply) -> FetchError:
    """A refusal that is not the login's fault."""
    return ServerError(f"{SERVICE} answered HTTP {reply.status}.")


ERRORS: ErrorTable = {401: lambda reply: refused(), 403: not_ok}


async def fetch_quota(ctx: FetchContext) -> ProviderSnapshot:
    """The quota of the account the CLI is signed in with.

    Raises:
        FetchError: As the provider's page says.
    """
    login = await find_login(ctx)
    token = await usable_token(ctx, login)
    assist = await ask_assist(ctx, token)
    project = parse_project(assist) or await ask_project(ctx, token)
    answer = await ask_quota(ctx, token, project)
    return replace(
        parse_quota(answer, key=ctx.key, now=ctx.clock.now()),
        identity=parse_identity(assist, login.claims),
        origin="Gemini CLI login",
    )


async def ask_quota(ctx: FetchContext, token: Secret, project: str) -> dict[str, Any]:
    """The buckets; a token of ours that is refused is not used again."""
    reply = await send(ctx, token, "POST", QUOTA_URL, {"project": project} if project else {})
    check_supported(reply)
    if reply.status == 401:
        await ctx.sessions.drop(SLOT, only=token)
    return json_object(ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS), SERVICE)


async def ask_assist(ctx: FetchContext, token: Secret) -> dict[str, Any]:
    """Tier and project; nothing when that fails.

    Raises:
        Unsupported: Google does not serve this account any more.
    """
    try:
        reply = await send(ctx, token, "POST", ASSIST_URL, WHO_ASKS)
    except FetchError as error:
        return left_out(ctx, "tier", error)
    check_supported(reply)
    return read_optional(ctx, "tier", reply)


async def ask_project(ctx: FetchContext, token: Secret) -> str:
    """A project of the account; empty when there is none or that fails."""
    try:
        reply = await send(ctx, token, "GET", PROJECTS_URL)
    except FetchError as error:
        return find_project(left_out(ctx, "projects", error))
    return find_project(read_optional(ctx, "projects", reply))


def read_optional(ctx: FetchContext, name: str, reply: Reply) -> dict[str, Any]:
    """An answer that is not needed."""
    try:
        return json_object(ensure_ok(reply, SERVICE, now=ctx.clock.now()), SERVICE)
    except FetchError as error:
        return left_out(ctx, name, error)


def left_out(ctx: FetchContext, name: str, error: FetchError) -> dict[str, Any]:
    """What stands for an optional answer that did not come."""
    ctx.log.debug("%s: optional %s left out (%s)", ctx.key, name, type(error).__name__)
    return {}


async def send(
    ctx: FetchContext, token: Secret, method: str, url: str, body: dict[str, Any] | None = None
) -> Reply:
    """One question."""
    return await ctx.http.send(
        method,
        url,
        bearer=token,
        headers={"Accept": "application/json"},
        json=body,
        timeout_s=TIMEOUT_S,
    )
