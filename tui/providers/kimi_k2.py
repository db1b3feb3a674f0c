"""Kimi K2: prepaid credits of the relay kimi-k2.ai, which Moonshot does not run.

The answer has no fixed shape, so the figures are searched by name in the places they have been
seen in. Only a 401 says anything about the key, and a key of the official product never leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    NetworkError,
    ParseError,
    RateLimited,
    ServerError,
    Unauthorized,
)
from tui.core.http import Reply
from tui.core.models import Balance, DetailRow, ProviderKey, ProviderSnapshot, UsageWindow
from tui.core.redact import Secret
from tui.core.text import short_message
from tui.core.wording import amount_text, counted
from tui.providers._context import FetchContext, FoundSecret
from tui.providers._parse import (
    at,
    boolean,
    clamp_percent,
    decimal,
    ensure_ok,
    first_text,
    json_object,
    number,
    share,
    timestamp,
)
from tui.providers._spec import Links, Mode, ProviderSpec, SecretField, Source

HOST = "kimi-k2.ai"
CREDITS_URL = f"https://{HOST}/api/user/credits"
KEYS_PAGE = f"{HOST}/user-center/api-keys"
CREDITS_PAGE = "kimrel.com/my-credits"
DISCONTINUED = "The service may have been discontinued; the official Kimi is a provider of its own."
KIMI_CODE_PREFIX = "sk-kimi-"
TIMEOUT_S = 15.0

CONTAINERS = (
    "data",
    "data.usage",
    "data.credits",
    "result",
    "result.usage",
    "result.credits",
    "usage",
    "credits",
)
"""Where figures have been seen beside the root, in the order they are searched."""
CONSUMED = (
    "total_credits_consumed",
    "totalCreditsConsumed",
    "total_credits_used",
    "totalCreditsUsed",
    "credits_consumed",
    "creditsConsumed",
    "consumedCredits",
    "usedCredits",
    "total",  # what was consumed, not what was bought
    "usage.total",
    "usage.consumed",
)
REMAINING = (
    "credits_remaining",
    "creditsRemaining",
    "remaining_credits",
    "remainingCredits",
    "available_credits",
    "availableCredits",
    "credits_left",
    "creditsLeft",
    "usage.credits_remaining",
    "usage.remaining",
)
AVERAGE_TOKENS = (
    "average_tokens_per_request",
    "averageTokensPerRequest",
    "average_tokens",
    "averageTokens",
    "avg_tokens",
    "avgTokens",
)
TIMES = ("updated_at", "updatedAt", "timestamp", "time", "last_update", "lastUpdated")

EPOCH_MS_FROM = 1e12
"""From here on a number counts milliseconds; below it seconds."""
LATEST_EPOCH_S = 1e11

T = TypeVar("T")


# -- parse -----------------------------------------------------------------------------------------


def parse_credits(
    data: dict[str, Any], *, key: ProviderKey, now: datetime, header_remaining: str = ""
) -> ProviderSnapshot:
    """The credits of an answer.

    Args:
        header_remaining: `X-Credits-Remaining`, which counts when the body has no remaining.

    Raises:
        ServerError: The body says why it has no figures.
        ParseError: It has none and says nothing.

    Source: tests/payloads/kimi-k2/
    """
    consumed = search(data, CONSUMED, decimal)
    remaining = search(data, REMAINING, decimal)
    if remaining is None:
        remaining = decimal(header_remaining)
    if consumed is None and remaining is None:
        raise no_figures(data)
    if remaining is not None:
        remaining = max(remaining, Decimal(0))
    total = consumed + remaining if consumed is not None and remaining is not None else None
    balance = Balance(
        id="credits",
        label="Credits",
        currency="credits",
        amount=remaining,
        used=consumed,
        limit=total,
    )
    return ProviderSnapshot(
        key=key,
        source_id="api",
        fetched_at=search(data, TIMES, figures_at) or now,
        windows=credit_windows(consumed, remaining, total),
        balances=(balance,),
        details=credit_details(remaining, search(data, AVERAGE_TOKENS, decimal)),
    )


def search(
    data: dict[str, Any], names: tuple[str, ...], read: Callable[[Any], T | None]
) -> T | None:
    """The first name with a usable value; of a name only the first place counts."""
    places = [data, *(place for path in CONTAINERS if isinstance(place := at(data, path), dict))]
    for name in names:
        hits = (hit for place in places if (hit := at(place, name)) is not None)
        found = read(next(hits, None))
        if found is not None:
            return found
    return None


def figures_at(value: Any) -> datetime | None:
    """When the figures were counted: epoch seconds, epoch milliseconds from 1e12, or ISO 8601."""
    epoch = number(value)
    if epoch is not None and LATEST_EPOCH_S <= epoch < EPOCH_MS_FROM:
        return None
    return timestamp(value)


def credit_windows(
    consumed: Decimal | None, remaining: Decimal | None, total: Decimal | None
) -> tuple[UsageWindow, ...]:
    """The share that is used, where both numbers are known; the card's main number stays the
    balance."""
    percent = share(consumed, total)
    if percent is None or consumed is None or remaining is None:
        return ()
    return (
        UsageWindow(
            id="credits",
            label="Credits",
            used_percent=clamp_percent(percent),
            used=consumed,
            limit=total,
            unit="credits",
            resets_text=f"{amount_text(remaining)} left · {amount_text(consumed)} used",
            headline=False,
        ),
    )


def credit_details(
    remaining: Decimal | None, average_tokens: Decimal | None
) -> tuple[DetailRow, ...]:
    """What the credits are good for: one request costs one credit."""
    rows = []
    if remaining is not None:
        requests = counted(Decimal(int(remaining)), "requests")
        rows.append(DetailRow("Credits", "Enough for", f"≈ {requests}"))
    if average_tokens is not None:
        average = f"{amount_text(average_tokens)} per request"
        rows.append(DetailRow("Credits", "Average tokens", average))
    return tuple(rows)


def no_figures(data: dict[str, Any]) -> FetchError:
    """Why an answer without figures came: a refusal in its envelope, else its form."""
    words = server_words(data)
    if words and is_refusal(data):
        return ServerError(f"{HOST} says: {words}")
    return ParseError(f"There are no credit figures in the answer of {HOST}.")


def is_refusal(data: dict[str, Any]) -> bool:
    """Whether the envelope itself tells of a failure."""
    failed = boolean(data.get("success")) is False or bool(data.get("error"))
    return failed or number(data.get("code")) not in {None, 0, 200}


def server_words(data: Any) -> str:
    """The service's own words in a body, one short line."""
    return short_message(first_text(data, "error", "message", "error.message"))


# -- errors ----------------------------------------------------------------------------------------


def answered(reply: Reply) -> FetchError:
    """A status without a meaning of its own."""
    words = words_in(reply)
    said = f": {words}" if words else "."
    hint = DISCONTINUED if reply.is_html else ""
    return ServerError(f"{HOST} answered HTTP {reply.status}{said}", hint=hint)


def refused(reply: Reply) -> FetchError:
    """HTTP 403: the key is fine, its credits or permissions are not enough."""
    words = words_in(reply)
    return ServerError(
        f"{HOST} says: {words}" if words else f"{HOST} refused the request (HTTP 403).",
        hint="There are too few credits or a permission is missing; the key is fine.",
    )


def words_in(reply: Reply) -> str:
    """The service's own words in an error answer, else an empty text."""
    try:
        return server_words(json_object(reply, HOST))
    except ParseError:
        return ""


STATUS_ERRORS: Mapping[int, Callable[[Reply], FetchError]] = {
    0: lambda reply: ServerError(
        f"{HOST} moved to another address; the key was not sent there.", hint=DISCONTINUED
    ),
    401: lambda reply: Unauthorized(
        "Kimi K2 API key refused.", hint=f"Create a new one at {KEYS_PAGE}."
    ),
    402: lambda reply: ServerError(
        "The Kimi K2 account is out of credits.", hint=f"Top up at {CREDITS_PAGE}."
    ),
    403: refused,
    429: lambda reply: RateLimited(f"{HOST} is rate-limiting."),
}


# -- fetch -----------------------------------------------------------------------------------------


async def fetch_credits(ctx: FetchContext) -> ProviderSnapshot:
    """Ask the relay for the credits of the key."""
    found = await usable_key(ctx)
    reply = await ask(ctx, found.value)
    snapshot = parse_credits(
        answer_of(reply),
        key=ctx.key,
        now=ctx.clock.now(),
        header_remaining=reply.header("x-credits-remaining"),
    )
    return replace(snapshot, origin=found.origin)


async def usable_key(ctx: FetchContext) -> FoundSecret:
    """The key, unless it belongs to the official product.

    Raises:
        MissingCredentials: There is none, or it is a Kimi Code key.
    """
    found = await ctx.secrets.find("api_key")
    if found is None:
        raise MissingCredentials(
            "Kimi K2: no API key.", hint="Add it in settings or set KIMI_K2_API_KEY."
        )
    if found.value.startswith(KIMI_CODE_PREFIX):
        raise MissingCredentials(
            f"This is a Kimi Code key; it belongs to the Kimi provider, not to {HOST}.",
            hint=f"It is {found.origin}; a key of this relay comes from {KEYS_PAGE}.",
        )
    return found


async def ask(ctx: FetchContext, api_key: Secret) -> Reply:
    """The good answer to the one request there is."""
    try:
        reply = await ctx.http.send("GET", CREDITS_URL, bearer=api_key, timeout_s=TIMEOUT_S)
    except NetworkError as error:
        raise NetworkError(
            f"Kimi K2 is not reachable: {error.message}", hint=f"{error.hint} {DISCONTINUED}"
        ) from error
    errors = {reply.status: answered, **STATUS_ERRORS}
    return ensure_ok(reply, HOST, now=ctx.clock.now(), errors=errors)


def answer_of(reply: Reply) -> dict[str, Any]:
    """The body as an object.

    Raises:
        ParseError: It is something else.
    """
    try:
        return json_object(reply, HOST)
    except ParseError as error:
        raise ParseError(f"{HOST} sent no usable answer.", hint=DISCONTINUED) from error


PROVIDER = ProviderSpec(
    id="kimi-k2",
    name="Kimi K2",
    aliases=("kimik2",),
    hosts=(HOST,),
    settings=(
        SecretField(
            "api_key",
            "API key",
            env=("KIMI_K2_API_KEY",),
            weak_env=("KIMI_API_KEY", "KIMI_KEY"),
            help=f"From {KEYS_PAGE}. Keys of Kimi Code (sk-kimi-…) and Moonshot do not work here.",
        ),
    ),
    sources=(Source(id="api", label="API", fetch=fetch_credits),),
    modes=(Mode("auto", ("api",)), Mode("api", ("api",))),
    links=Links(dashboard=f"https://{CREDITS_PAGE}", keys=f"https://{KEYS_PAGE}"),
    deadline_s=20.0,
    warning="Kimi K2 (unofficial): a third-party relay, not operated by Moonshot.",
)
