"""Asking OpenRouter: credits and key at once, the account's activity beside them.

The ordinary key goes to the chosen base only, the management key to one exact address only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit, urlunsplit

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    ParseError,
    ServerError,
    Unauthorized,
)
from tui.core.http import Reply
from tui.core.models import DetailRow, ProviderSnapshot, UsageSeries
from tui.core.redact import Secret
from tui.providers._context import FetchContext, FoundSecret
from tui.providers._parse import ErrorTable, ensure_ok, json_object
from tui.providers.openrouter.history import GROUP, parse_history
from tui.providers.openrouter.parse import (
    NEEDS_MANAGEMENT_KEY,
    Credits,
    KeyInfo,
    Unavailable,
    credits_snapshot,
    no_balance_snapshot,
    parse_credits,
    parse_key,
    with_key,
)

SERVICE = "OpenRouter"
BASE_URL = "https://openrouter.ai/api/v1"
ACTIVITY_URL = "https://openrouter.ai/api/v1/activity"
CREDITS_TIMEOUT_S = 15.0
PART_TIMEOUT_S = 5.0
ACTIVITY_MAX_BYTES = 8 << 20
KEY_TASK = "key"
INVALID = Unavailable("invalid answer")

T = TypeVar("T")
History: TypeAlias = tuple[UsageSeries, tuple[DetailRow, ...]]


class CreditsForbidden(Unauthorized):
    """HTTP 403: only management keys may read the credits; the key itself may be fine."""


ERRORS: ErrorTable = {
    401: lambda reply: Unauthorized(
        "OpenRouter refused the API key.", hint="Create a new one at openrouter.ai/settings/keys."
    ),
    402: lambda reply: ServerError(
        "OpenRouter reports insufficient credits.",
        hint="Top up at openrouter.ai/settings/credits.",
    ),
    403: lambda reply: CreditsForbidden(
        "This OpenRouter key has no access.",
        hint="Create a new one at openrouter.ai/settings/keys.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The key and where it may go."""

    key: FoundSecret
    base: str
    headers: Mapping[str, str]

    def url(self, path: str) -> str:
        """An address below the base, which is used as written."""
        parts = urlsplit(self.base)
        return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path))


async def find_access(ctx: FetchContext) -> Access:
    """The key, the base and the headers that name the app.

    Raises:
        MissingCredentials: There is no key.
    """
    key = await ctx.secrets.find("api_key")
    if key is None:
        raise MissingCredentials(
            "OpenRouter API key not set.",
            hint="Create one at openrouter.ai/settings/keys and save it"
            + ("." if ctx.key.account else " or set OPENROUTER_API_KEY."),
        )
    titles = {
        "X-Title": ctx.settings.text("x_title"),
        "HTTP-Referer": ctx.settings.text("http_referer"),
    }
    return Access(
        key=key,
        base=ctx.settings.text("base_url") or BASE_URL,
        headers={name: value for name, value in titles.items() if value},
    )


# -- credits and key -------------------------------------------------------------------------------


async def fetch_account(ctx: FetchContext) -> ProviderSnapshot:
    """The credits, as soon as they are there; where they say nothing, what the key says.

    Both are asked at once. Good credits do not wait for the key: `add_key` brings it later.
    """
    access = await find_access(ctx)
    if ctx.settings.flag("extras"):
        ctx.running[KEY_TASK] = asyncio.create_task(ask_key(ctx, access))
    try:
        credits = await ask_credits(ctx, access)
    except FetchError as error:
        snapshot = await _from_key_alone(ctx, access, error)
    else:
        snapshot = await _from_credits(ctx, access, credits)
    return replace(snapshot, origin=access.key.origin)


async def _from_credits(ctx: FetchContext, access: Access, credits: Credits) -> ProviderSnapshot:
    known = credits_snapshot(credits, key=ctx.key, now=ctx.clock.now(), account=_own_name(ctx))
    if not credits.are_blank:
        return known
    info = await _key_part(ctx, access)
    if isinstance(info, KeyInfo) and info.amounts.get("usage", 0) > 0:
        known = _without_balance(ctx, NEEDS_MANAGEMENT_KEY)
    return with_key(known, info, ctx.clock.now())


async def _from_key_alone(ctx: FetchContext, access: Access, error: FetchError) -> ProviderSnapshot:
    """What the key says when the credits failed, unless the key itself was refused."""
    forbidden = isinstance(error, CreditsForbidden)
    if isinstance(error, Unauthorized) and not forbidden:
        raise error
    info = await _key_part(ctx, access)
    if isinstance(info, Unavailable):
        raise error
    reason = NEEDS_MANAGEMENT_KEY if forbidden else f"Balance unavailable: {error.message}"
    return with_key(_without_balance(ctx, reason), info, ctx.clock.now())


def _without_balance(ctx: FetchContext, reason: str) -> ProviderSnapshot:
    return no_balance_snapshot(reason, key=ctx.key, now=ctx.clock.now(), account=_own_name(ctx))


def _own_name(ctx: FetchContext) -> str:
    """The user's name for a chosen account."""
    return (ctx.settings.text("label") or ctx.key.account) if ctx.key.account else ""


async def _key_part(ctx: FetchContext, access: Access) -> KeyInfo | Unavailable:
    started = ctx.running.pop(KEY_TASK, None)
    return await (started or ask_key(ctx, access))


async def add_key(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """The key's part, where the snapshot does not have it yet."""
    started = ctx.running.get(KEY_TASK)
    if started is None:
        return snapshot
    return with_key(snapshot, await started, ctx.clock.now())


async def ask_credits(ctx: FetchContext, access: Access) -> Credits:
    """The credits of the account.

    Raises:
        FetchError: As section 7 of the provider's page says.
    """
    reply = await ctx.http.send(
        "GET",
        access.url("/credits"),
        bearer=access.key.value,
        headers=access.headers,
        timeout_s=CREDITS_TIMEOUT_S,
    )
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS)
    return parse_credits(json_object(reply, SERVICE))


async def ask_key(ctx: FetchContext, access: Access) -> KeyInfo | Unavailable:
    """What the service says of the key, or why it says nothing; never raises a `FetchError`."""
    answer = await _part(
        ctx.http.send("GET", access.url("/key"), bearer=access.key.value, headers=access.headers)
    )
    return answer if isinstance(answer, Unavailable) else _read(lambda: parse_key(answer))


# -- activity --------------------------------------------------------------------------------------


async def add_history(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Thirty days of spending, or a row that says why there are none."""
    management = await ctx.secrets.get("management_api_key")
    found: History | Unavailable = Unavailable("no management key")
    if management is not None:
        found = await ask_history(ctx, management)
    if isinstance(found, Unavailable):
        row = DetailRow(GROUP, "Total", f"unavailable: {found.reason}")
        return replace(snapshot, details=(*snapshot.details, row))
    series, rows = found
    return replace(snapshot, series=(*snapshot.series, series), details=(*snapshot.details, *rows))


async def ask_history(ctx: FetchContext, management: Secret) -> History | Unavailable:
    """The completed days and, by a second call, today; never raises a `FetchError`."""
    today = ctx.clock.now().date()
    past, present = await asyncio.gather(
        _ask_activity(ctx, management, ACTIVITY_URL),
        _ask_activity(ctx, management, f"{ACTIVITY_URL}?date={today:%Y-%m-%d}"),
    )
    if isinstance(past, Unavailable):
        return past
    if isinstance(present, Unavailable):
        return present
    return _read(lambda: parse_history((past, present), today))


async def _ask_activity(
    ctx: FetchContext, management: Secret, url: str
) -> dict[str, Any] | Unavailable:
    sending = ctx.http.send(
        "GET", url, bearer=management, max_bytes=ACTIVITY_MAX_BYTES, redirects="none"
    )
    return await _part(sending, {403: "management key required"})


# -- optional parts --------------------------------------------------------------------------------


async def _part(
    sending: Awaitable[Reply], words: Mapping[int, str] | None = None
) -> dict[str, Any] | Unavailable:
    """An answer that may be missing: its object, or why not.

    Args:
        words: What a status means here.
    """
    try:
        async with asyncio.timeout(PART_TIMEOUT_S):
            reply = await sending
    except TimeoutError:
        return Unavailable("timed out")
    except ParseError:
        return INVALID
    except FetchError:
        return Unavailable("not reachable")
    if reply.status != 200:
        return Unavailable((words or {}).get(reply.status, f"HTTP {reply.status}"))
    return _read(lambda: json_object(reply, SERVICE))


def _read(read: Callable[[], T]) -> T | Unavailable:
    try:
        return read()
    except ParseError:
        return INVALID
