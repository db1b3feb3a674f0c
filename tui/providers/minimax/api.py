"""The plan by API key: three addresses, and for keys that the global host refuses those of China.

Keys for pay-as-you-go cannot read a plan, so they are never sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from tui.core.errors import (
    FetchError,
    NetworkError,
    ParseError,
    Unauthorized,
    Unsupported,
    most_telling,
)
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.providers._context import FetchContext
from tui.providers.minimax.answers import (
    NotHere,
    not_set_up,
    read_answer,
    send,
)
from tui.providers.minimax.cli_login import STANDARD_PREFIX, find_cli_login
from tui.providers.minimax.endpoints import (
    CHINA,
    DASHBOARDS,
    GLOBAL,
    api_urls,
    counts_are_used,
)
from tui.providers.minimax.parse import parse_remains

HEADERS = {"Content-Type": "application/json", "MM-API-Source": "quotadeck"}
ANSWERED = "region that answered"
"""Remembers a key of China among settings that say nothing of it."""


class Key(NamedTuple):
    """A key, and the regions it is tried in."""

    value: Secret
    origin: str
    region: str


async def fetch_by_key(ctx: FetchContext) -> ProviderSnapshot:
    """The plan of the API key."""
    key = await find_key(ctx)
    refusal: FetchError | None = None
    for region in _regions(ctx, key):
        try:
            snapshot = await _first_answer(ctx, key, region)
        except Unauthorized as error:
            refusal = refusal or error
            continue
        except FetchError:
            if refusal is None:
                raise
            break
        ctx.memory[ANSWERED] = region
        return replace(snapshot, origin=key.origin, dashboard_url=DASHBOARDS[region])
    raise refusal or not_set_up()


async def find_key(ctx: FetchContext) -> Key:
    """The key that counts: of the settings, of a variable, of MiniMax's own program.

    Raises:
        MissingCredentials: There is none.
        Unsupported: It is one for pay-as-you-go.
    """
    chosen = ctx.settings.text("region")
    found = await ctx.secrets.find("api_key")
    if found is not None:
        key = Key(found.value, found.origin, chosen)
    elif (login := await find_cli_login(ctx)) is not None:
        is_chosen = ctx.settings.is_set("region") or not login.region
        key = Key(login.token, login.origin, chosen if is_chosen else login.region)
    else:
        raise not_set_up()
    if key.value.startswith(STANDARD_PREFIX):
        raise Unsupported(
            "This is a standard MiniMax key, which cannot read plan usage.",
            hint="A plan key (sk-cp-…) is needed, or a browser session.",
            try_next=True,
        )
    return key


def _regions(ctx: FetchContext, key: Key) -> tuple[str, ...]:
    """China alone where it was chosen; else the region that answered last goes first."""
    if key.region == CHINA:
        return (CHINA,)
    return (CHINA, GLOBAL) if ctx.memory.get(ANSWERED) == CHINA else (GLOBAL, CHINA)


async def _first_answer(ctx: FetchContext, key: Key, region: str) -> ProviderSnapshot:
    """The first address that knows the plan.

    Raises:
        Unauthorized: One of them refused the key, whatever the others said.
        FetchError: What stopped it, or the most telling failure of all.
    """
    errors: list[FetchError] = []
    for url in api_urls(region):
        try:
            return await _ask(ctx, key, url)
        except (Unauthorized, NotHere, NetworkError, ParseError) as error:
            errors.append(error)
        except FetchError as error:
            errors.append(error)
            break
    raise next(_refusals(errors), None) or _failure(errors)


async def _ask(ctx: FetchContext, key: Key, url: str) -> ProviderSnapshot:
    reply = await send(ctx, url, bearer=key.value, headers=HEADERS)
    now = ctx.clock.now()
    answer = read_answer(reply, now)
    return parse_remains(answer, key=ctx.key, now=now, counts_used=counts_are_used(url))


def _refusals(errors: list[FetchError]) -> Iterator[Unauthorized]:
    return (error for error in errors if isinstance(error, Unauthorized))


def _failure(errors: list[FetchError]) -> FetchError:
    """What to say; when even the last address is unknown, a website login may still help."""
    known = [error for error in errors if not isinstance(error, NotHere)]
    failure = most_telling(known or errors)
    last = errors[-1]
    failure.try_next = isinstance(last, NotHere) and last.is_missing
    return failure
