"""The calls of cursor.com; each takes the Cookie header and gives a JSON object."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeAlias

from tui.core.errors import FetchError, Unauthorized
from tui.core.http import Reply
from tui.core.redact import Secret
from tui.providers._context import FetchContext
from tui.providers._parse import ErrorTable, ensure_ok, json_object

SERVICE = "Cursor"
HOST = "cursor.com"
SITE = f"https://{HOST}"
DASHBOARD = f"{SITE}/dashboard?tab=usage"
SUMMARY_URL = f"{SITE}/api/usage-summary"
PROFILE_URL = f"{SITE}/api/auth/me"
BOT_URL = f"{SITE}/api/dashboard/get-sand-usage-status"
REQUESTS_URL = f"{SITE}/api/usage"
TIMEOUT_S = 15.0
BOT_TIMEOUT_S = 5.0
EXTRA_TIMEOUT_S = 2 * TIMEOUT_S + 2
"""The profile, and after it the requests of older plans."""

Json: TypeAlias = dict[str, Any]


def refused(reply: Reply) -> FetchError:
    """HTTP 401 and 403."""
    return Unauthorized(
        f"Cursor does not accept the login (HTTP {reply.status}).",
        hint="Sign in again at cursor.com.",
    )


ERRORS: ErrorTable = {401: refused, 403: refused}


async def ask_summary(ctx: FetchContext, cookie: Secret) -> Json:
    """The cycle, its lanes and the spend: the one call that has to work."""
    return await ask(ctx, "GET", SUMMARY_URL, cookie)


async def ask_profile(ctx: FetchContext, cookie: Secret) -> Json:
    """Whose account it is."""
    return await ask(ctx, "GET", PROFILE_URL, cookie)


async def ask_bot(ctx: FetchContext, cookie: Secret) -> Json:
    """The weekly allowance of the bot."""
    return await ask(
        ctx, "POST", BOT_URL, cookie, json={}, headers={"Origin": SITE}, timeout_s=BOT_TIMEOUT_S
    )


async def ask_requests(ctx: FetchContext, cookie: Secret, user: str) -> Json:
    """The requests of plans that count them."""
    return await ask(ctx, "GET", REQUESTS_URL, cookie, params={"user": user})


async def ask(ctx: FetchContext, method: str, url: str, cookie: Secret, **options: Any) -> Json:
    """The object one call answers.

    Raises:
        FetchError: Not reached, refused, or something else came.
    """
    headers = {"Accept": "application/json", **options.pop("headers", {})}
    reply = await ctx.http.send(
        method, url, cookie=cookie, headers=headers, **{"timeout_s": TIMEOUT_S, **options}
    )
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS)
    return json_object(reply, SERVICE)


async def optional(ctx: FetchContext, call: Awaitable[Json]) -> Json:
    """What a call brings that may fail; nothing when it does."""
    try:
        return await call
    except FetchError as error:
        ctx.log.debug("%s: left out (%s)", ctx.key, error.message)
        return {}
