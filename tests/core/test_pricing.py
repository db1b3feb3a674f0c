"""What a request costs, to the last digit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tui.core.prices import AS_OF, PRICES, PriceRow
from tui.core.pricing import (
    KNOWN_MODELS,
    PRICE_CHANGES,
    PROMPT_BOUNDS,
    RequestTokens,
    base_id,
    find_price,
    request_cost,
    table_notice,
)

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
LONG = RequestTokens(input=240_000)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "at", "tokens", "usd"),
    [
        pytest.param(
            "claude-opus-4-7",
            NOVEMBER,
            RequestTokens(input=6, write_5m=1389, read=50_352, output=3922),
            "0.13193725",
            id="every class",
        ),
        pytest.param(
            "claude-fable-5",
            NOVEMBER,
            RequestTokens(input=100, write_5m=10, write_1h=20, read=20, output=5),
            "0.001795",
            id="writes kept for an hour",
        ),
        pytest.param("claude-sonnet-4-6", day("2026-03-12"), LONG, "1.44", id="long, dearer then"),
        pytest.param("claude-sonnet-4-6", day("2026-03-14"), LONG, "0.72", id="long, one price"),
        pytest.param(
            "claude-sonnet-4-5",
            NOVEMBER,
            RequestTokens(input=150_000, read=60_000, output=1000),
            "0.9585",
            id="above the line every class is dearer",
        ),
        pytest.param(
            "claude-sonnet-4-5",
            NOVEMBER,
            RequestTokens(input=150_000, read=50_000, output=1000),
            "0.48",
            id="exactly on the line is not above it",
        ),
        pytest.param(
            "gpt-6.1-sol",
            NOVEMBER,
            RequestTokens(input=22_000, read=248_000, write_5m=2000, output=10_000),
            "0.1738",
            id="OpenAI, exactly on the line",
        ),
        pytest.param(
            "gpt-6.1-sol",
            NOVEMBER,
            RequestTokens(input=22_001, read=248_000, write_5m=2000, output=10_000),
            "0.297604",
            id="OpenAI, above the line",
        ),
        pytest.param(
            "gpt-5.3-codex",
            NOVEMBER,
            RequestTokens(input=300_000, read=1_000_000, write_5m=100_000, output=1000),
            "0.889",
            id="an older one has one price, and writes to the cache for that of the input",
        ),
    ],
)
def test_the_check_figures(model: str, at: datetime, tokens: RequestTokens, usd: str) -> None:
    assert request_cost(model, at, tokens) == Decimal(usd)


@pytest.mark.parametrize(
    ("logged", "shown"),
    [
        ("claude-opus-4-8", "claude-opus-4-8"),
        ("  claude-opus-4-8\n", "claude-opus-4-8"),
        ("claude-opus-4-8[1m]", "claude-opus-4-8"),
        ("claude-opus-4-8@default", "claude-opus-4-8"),
        ("claude-opus-4-8@default[1m]", "claude-opus-4-8"),
        ("claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-opus-4@20250514", "claude-opus-4"),
        ("claude-3-7-sonnet@20250219", "claude-3-7-sonnet"),
        ("claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet"),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("publishers/anthropic/models/claude-opus-4-1@20250805", "claude-opus-4-1"),
        ("claude-unheard-9@default", "claude-unheard-9"),
        ("claude-unheard-9-20270101", "claude-unheard-9-20270101"),
        ("anthropic.other", "other"),
        ("gpt-6.1", "gpt-6.1"),
        ("openai/gpt-5.6-sol", "gpt-5.6-sol"),
        ("openai.gpt-6.1-sol", "gpt-6.1-sol"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("gpt-5-codex-high", "gpt-5-codex"),
        ("gpt-5.1-codex-max", "gpt-5.1-codex-max"),
        ("gpt-unheard-9-high", "gpt-unheard-9-high"),
        ("gpt-unheard-9-2027-01-01", "gpt-unheard-9-2027-01-01"),
        ("", ""),
    ],
)
def test_every_way_to_write_a_model_leads_to_its_base_id(logged: str, shown: str) -> None:
    assert base_id(logged) == shown


def test_a_price_that_changed_is_chosen_by_the_moment_of_the_request() -> None:
    read = RequestTokens(read=1_000_000)
    last_moment = datetime(2026, 10, 6, 23, 59, 59, tzinfo=UTC)
    assert request_cost("claude-sonnet-5-5", last_moment, read) == Decimal("0.20")
    assert request_cost("claude-sonnet-5-5", day("2026-10-07"), read) == Decimal("0.10")


def test_a_model_has_no_price_before_the_first_one_begins() -> None:
    assert request_cost("claude-haiku-5-5", day("2026-10-06"), LONG) is None
    assert request_cost("claude-haiku-5-5", day("2026-10-07"), LONG) == Decimal("0.12")


def test_each_model_has_its_own_line_between_short_and_long() -> None:
    below, above = RequestTokens(input=100_000), RequestTokens(input=100_001)
    assert request_cost("claude-haiku-5-5", NOVEMBER, below) == Decimal("0.01")
    assert request_cost("claude-haiku-5-5", NOVEMBER, above) == Decimal("0.0500005")
    assert request_cost("claude-opus-4-8", NOVEMBER, above) == Decimal("0.500005")


def test_the_prompt_is_everything_the_model_was_given() -> None:
    spread = RequestTokens(input=50_001, read=50_000, write_5m=50_000, write_1h=50_000, output=9)
    assert spread.prompt == 200_001
    price = find_price("claude-sonnet-4", NOVEMBER, spread.prompt)
    assert price is not None
    assert price.output == Decimal("22.50")


def test_an_unknown_model_has_no_price_rather_than_none_to_pay() -> None:
    assert request_cost("claude-unheard-9", NOVEMBER, LONG) is None


def test_tokens_are_shown_in_four_classes_that_do_not_overlap() -> None:
    counts = RequestTokens(input=1, read=2, write_5m=4, write_1h=8, output=16).counts
    assert (counts.input, counts.cache_read, counts.cache_write, counts.output) == (1, 2, 12, 16)
    assert counts.total == 31


CLAUDE = [row for row in PRICES if row.models[0].startswith("claude-")]
OTHERS = [row for row in PRICES if row not in CLAUDE]


@pytest.mark.parametrize("row", CLAUDE, ids=lambda row: row.models[0])
def test_cache_prices_follow_the_input_price(row: PriceRow) -> None:
    """An hour costs twice the input, five minutes 1.25 times; one old model 1.2 times."""
    factor = Decimal("1.2") if "claude-3-haiku" in row.models else Decimal("1.25")
    assert row.price.write_1h == row.price.input * 2
    assert row.price.write_5m == row.price.input * factor


@pytest.mark.parametrize("row", OTHERS, ids=lambda row: row.models[0])
def test_reading_from_the_cache_is_cheaper_and_writing_costs_a_quarter_more_at_most(
    row: PriceRow,
) -> None:
    assert row.price.read <= row.price.input / 4
    assert row.price.write_5m in (row.price.input, row.price.input * Decimal("1.25"))


def test_every_model_has_a_price_today_at_any_length() -> None:
    now = datetime.combine(AS_OF, datetime.min.time(), UTC)
    for model in KNOWN_MODELS:
        for prompt in (0, *(bound + 1 for bound in PROMPT_BOUNDS)):
            assert find_price(model, now, prompt) is not None, model


def test_the_table_says_where_prices_change() -> None:
    assert PROMPT_BOUNDS == (100_000, 200_000, 272_000)
    assert list(PRICE_CHANGES) == [day("2026-03-13"), day("2026-10-07")]


def test_an_old_table_says_so() -> None:
    fresh_until = datetime.combine(AS_OF + timedelta(days=90), datetime.max.time(), UTC)
    assert table_notice(fresh_until) == ""
    assert str(AS_OF) in table_notice(fresh_until + timedelta(days=1))
