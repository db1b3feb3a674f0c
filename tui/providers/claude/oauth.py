"""Usage by an OAuth token, mostly the one Claude Code keeps fresh."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tui.core.errors import FetchError, RateLimited, ServerError, Unauthorized
from tui.core.http import Reply
from tui.core.models import DetailRow, ProviderSnapshot
from tui.core.text import clean
from tui.providers._context import FetchContext
from tui.providers._gate import politely
from tui.providers._owner import installed_version
from tui.providers._parse import ErrorTable, ensure_ok, json_object
from tui.providers.claude.admin import leave_to_admin_key
from tui.providers.claude.logins import (
    CLI_LOGIN,
    NEEDED_SCOPE,
    SIGN_IN,
    OAuthLogin,
    check_usable,
    find_account_id,
    find_login,
    scope_missing,
)
from tui.providers.claude.parse import SERVICE, Profile, parse_profile, parse_usage
from tui.providers.claude.web import has_cookie

PROGRAM = "claude"
USAGE_URL = "https://api.anthropic.com/api/oauth/usage"
PROFILE_URL = "https://api.anthropic.com/api/oauth/profile"
USAGE_TIMEOUT_S = 30.0
PROFILE_TIMEOUT_S = 15.0
BETA = "oauth-2025-04-20"
VERSION_OTHERWISE = "2.1.0"
LOGGED_LENGTH = 400
ACCOUNT = "account"


def token_refused(reply: Reply) -> FetchError:
    """HTTP 401."""
    return Unauthorized(f"{SERVICE} did not accept the token.", hint=SIGN_IN)


def forbidden(reply: Reply) -> FetchError:
    """HTTP 403: most of the time the scope, as the body says then."""
    if NEEDED_SCOPE in reply.text:
        return scope_missing()
    return ServerError(f"{SERVICE} answered HTTP 403.")


ERRORS: ErrorTable = {401: token_refused, 403: forbidden}


async def fetch_oauth(ctx: FetchContext) -> ProviderSnapshot:
    """The windows of the account a token belongs to.

    Raises:
        RateLimited: With a cookie at hand the next source is tried.
    """
    await leave_to_admin_key(ctx)
    login = await find_login(ctx)
    try:
        check_usable(ctx, login)
        answer = await _ask_usage(ctx, login)
    except RateLimited as error:
        error.try_next = await has_cookie(ctx)
        raise
    except Unauthorized as error:
        if login.origin != CLI_LOGIN:
            error.hint = (
                f"Replace the token ({login.origin}); one of `claude setup-token` is not enough."
            )
        raise
    snapshot = parse_usage(
        answer, key=ctx.key, now=ctx.clock.now(), source_id="oauth", plan=login.plan
    )
    return replace(snapshot, origin=login.origin)


async def _ask_usage(ctx: FetchContext, login: OAuthLogin) -> dict[str, Any]:
    headers = await _headers(ctx)
    with politely(ctx, login.token, SERVICE):
        reply = await ctx.http.send(
            "GET", USAGE_URL, bearer=login.token, headers=headers, timeout_s=USAGE_TIMEOUT_S
        )
        _note(ctx, reply)
        ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS)
    return json_object(reply, SERVICE)


async def _headers(ctx: FetchContext) -> dict[str, str]:
    """Programs with another name are asked to wait sooner."""
    version = await installed_version(ctx, PROGRAM, otherwise=VERSION_OTHERWISE)
    return {
        "Content-Type": "application/json",
        "anthropic-beta": BETA,
        "User-Agent": f"claude-code/{version}",
    }


def _note(ctx: FetchContext, reply: Reply) -> None:
    """The beginning of an unexpected answer, for the log."""
    if reply.status not in {200, 401, 429}:
        said = clean(reply.text, LOGGED_LENGTH)
        ctx.log.debug("%s: HTTP %s: %s", ctx.key, reply.status, said)


# -- whose account it is ---------------------------------------------------------------------------


async def add_account(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """E-mail, organization and ids of the account; looked up once per token."""
    login = await find_login(ctx)
    mark = login.token.fingerprint()
    kept = ctx.memory.get(ACCOUNT)
    if kept is None or kept[0] != mark:
        kept = ctx.memory[ACCOUNT] = (mark, await _profile(ctx, login), await _id(ctx, login))
    profile: Profile = kept[1]
    ids = (("Account ID", kept[2]), ("Organization ID", profile.organization_id))
    rows = tuple(DetailRow("Account", label, value) for label, value in ids if value)
    identity = replace(snapshot.identity, account=profile.email, organization=profile.organization)
    return replace(snapshot, identity=identity, details=(*snapshot.details, *rows))


async def _profile(ctx: FetchContext, login: OAuthLogin) -> Profile:
    """What the service says about the owner; a refusal says nothing."""
    reply = await ctx.http.send(
        "GET",
        PROFILE_URL,
        bearer=login.token,
        headers=await _headers(ctx),
        timeout_s=PROFILE_TIMEOUT_S,
    )
    try:
        answer = json_object(ensure_ok(reply, SERVICE, now=ctx.clock.now()), SERVICE)
    except FetchError as error:
        ctx.log.debug("%s: no profile (%s)", ctx.key, error.kind)
        answer = {}
    return parse_profile(answer)


async def _id(ctx: FetchContext, login: OAuthLogin) -> str:
    return await find_account_id(ctx) if login.origin == CLI_LOGIN else ""
