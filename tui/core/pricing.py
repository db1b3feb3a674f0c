"""What a request cost by the packaged price table; nothing is downloaded.

A price depends on the model, the moment and the length of the whole prompt of one request. A model
without a price costs an unknown amount, never nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from tui.core.models import TokenCounts
from tui.core.prices import AS_OF, PRICES, Price

MILLION = Decimal(1_000_000)
TABLE_AGE = timedelta(days=90)
KNOWN_MODELS = frozenset(model for row in PRICES for model in row.models)
PROMPT_BOUNDS = tuple(sorted({row.above_prompt for row in PRICES if row.above_prompt >= 0}))
"""Prompts on the same side of all of these have the same price."""
PRICE_CHANGES = tuple(sorted({at for row in PRICES for at in (row.since, row.until) if at}))
"""Moments at which some price changes."""

_LONG_CONTEXT = re.compile(r"\[1m\]$")
_VENDOR = re.compile(r"^(?:.*/)?(?:.*\.(?=claude-)|(?:anthropic|openai)\.)?")
_REVISION = re.compile(r"-v\d+:\d+$")
_EFFORT = re.compile(r"-(?:minimal|low|medium|high|xhigh)$")
_DATE = re.compile(r"[@-]\d{8}$|-\d{4}-\d{2}-\d{2}$|@default$")
_OLD_REVISION = re.compile(r"^(claude-\d.*)-v\d+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTokens:
    """Tokens of one request, or of several with the same price; the classes do not overlap."""

    input: int = 0
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    output: int = 0

    @property
    def prompt(self) -> int:
        """What the model was given: new, from the cache and into the cache."""
        return self.input + self.read + self.write_5m + self.write_1h

    @property
    def counts(self) -> TokenCounts:
        """The classes that are shown."""
        return TokenCounts(
            input=self.input,
            cache_read=self.read,
            cache_write=self.write_5m + self.write_1h,
            output=self.output,
        )


@lru_cache(maxsize=512)
def base_id(model: str) -> str:
    """The name a price list uses, from any name a log uses: without region, path and revision, and
    without date and effort where the rest is a known model.

    `us.anthropic.claude-sonnet-4-5-20250929-v1:0` → `claude-sonnet-4-5`.
    """
    name = _LONG_CONTEXT.sub("", model.strip())
    name = _REVISION.sub("", _VENDOR.sub("", name))
    undated = _OLD_REVISION.sub(r"\1", _DATE.sub("", _EFFORT.sub("", name)))
    return undated if undated in KNOWN_MODELS or name.endswith("@default") else name


def find_price(model: str, at: datetime, prompt: int) -> Price | None:
    """The price of a request; `None` when the table has none.

    Args:
        model: As logged.
        at: When it was made; aware.
        prompt: Tokens of its whole prompt.
    """
    name = base_id(model)
    for row in PRICES:
        if (
            name in row.models
            and prompt > row.above_prompt
            and (row.since is None or at >= row.since)
            and (row.until is None or at < row.until)
        ):
            return row.price
    return None


def cost_at(price: Price, tokens: RequestTokens) -> Decimal:
    """US dollars, exact."""
    return (
        tokens.input * price.input
        + tokens.read * price.read
        + tokens.write_5m * price.write_5m
        + tokens.write_1h * price.write_1h
        + tokens.output * price.output
    ) / MILLION


def request_cost(model: str, at: datetime, tokens: RequestTokens) -> Decimal | None:
    """US dollars of one request; `None` when its model has no price."""
    price = find_price(model, at, tokens.prompt)
    return None if price is None else cost_at(price, tokens)


def table_notice(now: datetime) -> str:
    """A sentence when the price table is old; empty while it is fresh."""
    if now.date() - AS_OF <= TABLE_AGE:
        return ""
    return f"Prices are of {AS_OF}; newer ones are not known here."
