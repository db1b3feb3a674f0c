"""What a million tokens costs, as published: the one file to change when prices change.

Add or change a row, set `AS_OF`, run the tests. A price that changed becomes two rows, the old one
with `until` and the new one with `since`; the first row that fits a request is taken.

Source: the public price lists of the services (platform.claude.com/docs/en/about-claude/pricing,
developers.openai.com/api/docs/pricing), in US dollars, without discounts and surcharges.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

AS_OF = date(2026, 11, 20)
"""When the lists were last compared with this table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens of each class."""

    input: Decimal
    write_5m: Decimal
    write_1h: Decimal
    read: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """A price, the models it is for and the requests it is for."""

    models: tuple[str, ...]
    price: Price
    above_prompt: int = -1
    """Only for requests whose prompt has more tokens than this."""
    since: datetime | None = None
    until: datetime | None = None
    """The first moment it no longer holds."""


def _price(input_: str, write_5m: str, write_1h: str, read: str, output: str) -> Price:
    return Price(
        input=Decimal(input_),
        write_5m=Decimal(write_5m),
        write_1h=Decimal(write_1h),
        read=Decimal(read),
        output=Decimal(output),
    )


def _openai(
    models: tuple[str, ...], input_: str, write: str, read: str, output: str
) -> tuple[PriceRow, PriceRow]:
    """A model with its dearer price for long prompts: twice as much to read them, half as much
    again to answer. What is written to the cache is kept for half an hour."""
    price = _price(input_, write, write, read, output)
    long = Price(
        input=price.input * 2,
        write_5m=price.write_5m * 2,
        write_1h=price.write_1h * 2,
        read=price.read * 2,
        output=price.output * Decimal("1.5"),
    )
    return (
        PriceRow(models=models, above_prompt=LONG_OPENAI_PROMPT, price=long),
        PriceRow(models=models, price=price),
    )


def _openai_flat(models: tuple[str, ...], input_: str, read: str, output: str) -> PriceRow:
    """A model with one price at any length, from before writing to the cache was charged."""
    return PriceRow(models=models, price=_price(input_, input_, input_, read, output))


LONG_PROMPT = 200_000
LONG_HAIKU_PROMPT = 100_000
LONG_OPENAI_PROMPT = 272_000
AUTUMN_2026 = datetime(2026, 10, 7, tzinfo=UTC)
ONE_PRICE_AT_ANY_LENGTH = datetime(2026, 3, 13, tzinfo=UTC)

PRICES = (
    # Long prompts first: they are the narrower rows.
    PriceRow(
        models=("claude-sonnet-4-5", "claude-sonnet-4"),
        above_prompt=LONG_PROMPT,
        price=_price("6", "7.50", "12", "0.60", "22.50"),
    ),
    PriceRow(
        models=("claude-opus-4-6",),
        above_prompt=LONG_PROMPT,
        until=ONE_PRICE_AT_ANY_LENGTH,
        price=_price("10", "12.50", "20", "1.00", "37.50"),
    ),
    PriceRow(
        models=("claude-sonnet-4-6",),
        above_prompt=LONG_PROMPT,
        until=ONE_PRICE_AT_ANY_LENGTH,
        price=_price("6", "7.50", "12", "0.60", "22.50"),
    ),
    PriceRow(
        models=("claude-haiku-5-5",),
        above_prompt=LONG_HAIKU_PROMPT,
        since=AUTUMN_2026,
        price=_price("0.50", "0.625", "1.00", "0.05", "2.50"),
    ),
    PriceRow(
        models=("claude-fable-5-1", "claude-mythos-5-1"),
        price=_price("10", "12.50", "20", "0.25", "50"),
    ),
    PriceRow(
        models=("claude-fable-5", "claude-mythos-5"),
        price=_price("10", "12.50", "20", "1.00", "50"),
    ),
    PriceRow(
        models=("claude-opus-5-5",),
        price=_price("4", "5", "8", "0.20", "20"),
    ),
    PriceRow(
        models=(
            "claude-opus-5",
            "claude-opus-4-8",
            "claude-opus-4-7",
            "claude-opus-4-6",
            "claude-opus-4-5",
        ),
        price=_price("5", "6.25", "10", "0.50", "25"),
    ),
    PriceRow(
        models=("claude-opus-4-1", "claude-opus-4", "claude-3-opus"),
        price=_price("15", "18.75", "30", "1.50", "75"),
    ),
    PriceRow(
        models=("claude-sonnet-5-5",),
        until=AUTUMN_2026,
        price=_price("2", "2.50", "4", "0.20", "10"),
    ),
    PriceRow(
        models=("claude-sonnet-5-5",),
        since=AUTUMN_2026,
        price=_price("2", "2.50", "4", "0.10", "10"),
    ),
    PriceRow(
        models=("claude-sonnet-5",),
        price=_price("2", "2.50", "4", "0.20", "10"),
    ),
    PriceRow(
        models=(
            "claude-sonnet-4-6",
            "claude-sonnet-4-5",
            "claude-sonnet-4",
            "claude-3-7-sonnet",
            "claude-3-5-sonnet",
        ),
        price=_price("3", "3.75", "6", "0.30", "15"),
    ),
    PriceRow(
        models=("claude-haiku-5-5",),
        since=AUTUMN_2026,
        price=_price("0.10", "0.125", "0.20", "0.01", "0.50"),
    ),
    PriceRow(
        models=("claude-haiku-4-5",),
        price=_price("1", "1.25", "2", "0.10", "5"),
    ),
    PriceRow(
        models=("claude-3-5-haiku",),
        price=_price("0.80", "1", "1.60", "0.08", "4"),
    ),
    PriceRow(
        models=("claude-3-haiku",),
        price=_price("0.25", "0.30", "0.50", "0.03", "1.25"),
    ),
    *_openai(("gpt-6-astra",), "10", "12.50", "1.00", "50"),
    *_openai(("gpt-6.1-sol",), "2", "2.50", "0.10", "10"),
    *_openai(("gpt-6.1-terra",), "1", "1.25", "0.05", "5"),
    *_openai(("gpt-6-sol",), "2", "2.50", "0.20", "10"),
    *_openai(("gpt-6-luna",), "0.10", "0.125", "0.01", "0.50"),
    *_openai(("gpt-5.6-sol", "gpt-5.6"), "4", "5", "0.40", "20"),
    *_openai(("gpt-5.6-terra",), "2", "2.50", "0.20", "12"),
    *_openai(("gpt-5.6-luna",), "0.20", "0.25", "0.02", "1.20"),
    *_openai(("gpt-5.5",), "5", "5", "0.50", "30"),
    *_openai(("gpt-5.4",), "2.50", "2.50", "0.25", "15"),
    _openai_flat(("gpt-5.4-mini",), "0.75", "0.075", "4.50"),
    _openai_flat(("gpt-5.4-nano",), "0.20", "0.02", "1.25"),
    _openai_flat(("gpt-5.3-codex", "gpt-5.2-codex", "gpt-5.2"), "1.75", "0.175", "14"),
    _openai_flat(
        ("gpt-5.1-codex-max", "gpt-5.1-codex", "gpt-5.1", "gpt-5-codex", "gpt-5"),
        "1.25",
        "0.125",
        "10",
    ),
    _openai_flat(("gpt-5.1-codex-mini", "gpt-5-codex-mini", "gpt-5-mini"), "0.25", "0.025", "2"),
    _openai_flat(("gpt-5-nano",), "0.05", "0.005", "0.40"),
    _openai_flat(("codex-mini-latest",), "1.50", "0.375", "6"),
)
