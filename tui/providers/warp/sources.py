"""How Warp is asked: its GraphQL endpoint with an API key.

The edge only lets through what looks like Warp's own client: another `User-Agent` gets 429.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    NetworkError,
    RateLimited,
    ServerError,
    Unauthorized,
)
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.core.text import clean, clean_value
from tui.providers._context import FetchContext, FoundSecret
from tui.providers._parse import ensure_ok, json_object, unreached
from tui.providers.warp.parse import (
    HOST,
    SERVICE,
    parse_limits,
    rejected_key,
    with_account,
    with_spending,
    words_of,
)
from tui.providers.warp.queries import ACCOUNT, LIMITS, LIMITS_SMALL, SPENDING, Operation

ENDPOINT = f"https://{HOST}/graphql/v2"
TIMEOUT_S = 15.0
KEY_PREFIX = "wk-"
OS_RELEASE = "/etc/os-release"
MACOS_VERSION = "/System/Library/CoreServices/SystemVersion.plist"
CATEGORIES = {"linux": "Linux", "macos": "macOS", "windows": "Windows"}


# -- the system, as Warp's client names it ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class System:
    """The operating system; an empty version is not sent."""

    category: str
    name: str
    version: str = ""

    def headers(self) -> dict[str, str]:
        """As headers of the client."""
        named = {f"x-warp-os-{field}": value for field, value in self.context().items()}
        return {"User-Agent": "Warp/1.0", "x-warp-client-id": "warp-app", **named}

    def context(self) -> dict[str, str]:
        """As the `osContext` of a query."""
        known = {"category": self.category, "name": self.name, "version": self.version}
        return {field: value for field, value in known.items() if value}


async def find_system(ctx: FetchContext) -> System:
    """The system from what it says about itself in files."""
    category = CATEGORIES[ctx.os_name]
    if ctx.os_name == "linux":
        release = parse_os_release(await read_quietly(ctx, OS_RELEASE))
        return System(category, release.get("NAME", category), release.get("VERSION_ID", ""))
    if ctx.os_name == "macos":
        plist = await read_quietly(ctx, MACOS_VERSION)
        found = re.search(r"<key>ProductVersion</key>\s*<string>([\d.]+)</string>", plist)
        return System(category, category, found.group(1) if found else "")
    return System(category, category)


async def read_quietly(ctx: FetchContext, path: str) -> str:
    """A file that may be missing or closed to us."""
    try:
        return await ctx.files.read_text(ctx.files.expand(path)) or ""
    except FetchError:
        return ""


def parse_os_release(content: str) -> dict[str, str]:
    """The non-empty assignments of an os-release file."""
    pairs = (line.partition("=") for line in content.splitlines() if not line.startswith("#"))
    cleaned = ((name.strip(), clean(clean_value(value), 60)) for name, _, value in pairs)
    return {name: value for name, value in cleaned if value}


# -- asking ----------------------------------------------------------------------------------------


async def fetch_limits(ctx: FetchContext) -> ProviderSnapshot:
    """Plan credits and add-on credits of the key."""
    found = await require_key(ctx)
    try:
        answer = await ask_limits(ctx, found.value)
        snapshot = parse_limits(answer, key=ctx.key, now=ctx.clock.now())
    except Unauthorized as error:
        if not found.value.startswith(KEY_PREFIX):
            error.hint += f" Keys normally start with {KEY_PREFIX}."
        raise
    return replace(snapshot, origin=found.origin)


async def require_key(ctx: FetchContext) -> FoundSecret:
    """The API key.

    Raises:
        MissingCredentials: There is none.
    """
    found = await ctx.secrets.find("api_key")
    if found is None:
        raise MissingCredentials(
            "Missing Warp API key.", hint="Add it in settings or set WARP_API_KEY."
        )
    return found


async def ask_limits(ctx: FetchContext, api_key: Secret) -> dict[str, Any]:
    """The limits; asked once more with fewer fields when the server does not know one."""
    reply = await send(ctx, api_key, LIMITS)
    if "cannot query field" in words_of(reply).lower():
        reply = await send(ctx, api_key, LIMITS_SMALL)
    return answer_of(ctx, reply)


async def add_account(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Plan, account, warnings, overage."""
    reply = await send(ctx, (await require_key(ctx)).value, ACCOUNT)
    return with_account(snapshot, answer_of(ctx, reply))


async def add_spending(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """What workspaces spent on add-on credits."""
    reply = await send(ctx, (await require_key(ctx)).value, SPENDING)
    return with_spending(snapshot, answer_of(ctx, reply))


async def send(ctx: FetchContext, api_key: Secret, operation: Operation) -> Reply:
    """One operation.

    Raises:
        NetworkError: Warp was not reached.
    """
    system = await find_system(ctx)
    context = {"clientContext": {}, "osContext": system.context()}
    body = {
        "operationName": operation.name,
        "variables": {"requestContext": context},
        "query": operation.query,
    }
    try:
        return await ctx.http.send(
            "POST",
            f"{ENDPOINT}?op={operation.name}",
            bearer=api_key,
            headers=system.headers(),
            json=body,
            timeout_s=TIMEOUT_S,
        )
    except NetworkError as error:
        hint = f"Check that the network reaches {HOST}."
        raise unreached(SERVICE, error, otherwise=hint) from error


def answer_of(ctx: FetchContext, reply: Reply) -> dict[str, Any]:
    """The body of a good status."""
    errors = {reply.status: answered, **STATUS_ERRORS}
    return json_object(
        ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=errors),
        SERVICE,
    )


# -- errors ----------------------------------------------------------------------------------------


def answered(reply: Reply) -> FetchError:
    """A status without a meaning of its own."""
    words = words_of(reply)
    return ServerError(f"{SERVICE} answered HTTP {reply.status}" + (f": {words}" if words else "."))


def limited(reply: Reply) -> FetchError:
    """HTTP 429: nearly always the edge, not the plan."""
    if reply.header("x-warp-error-code").upper() == "OUT_OF_CREDITS":
        return RateLimited(f"{SERVICE} reports that the credits are used up.")
    words = words_of(reply) or "too many requests."
    return RateLimited(
        f"{SERVICE} limits how often it is asked: {words}",
        hint="This is not your credit limit; try again later.",
    )


STATUS_ERRORS: Mapping[int, Callable[[Reply], FetchError]] = {
    401: lambda reply: rejected_key(),
    403: lambda reply: rejected_key(),
    429: limited,
}
