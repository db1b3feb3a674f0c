"""Numbers and moments as words: B§7 and its vectors in B§19."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core import wording

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)  # a Thursday
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "now"),
        (0, "now"),
        (0.4, "now"),
        (1, "in 1m"),
        (60, "in 1m"),
        (61, "in 2m"),
        (3599, "in 1h"),
        (3600, "in 1h"),
        (3601, "in 1h 1m"),
        (7920, "in 2h 12m"),
        (86400, "in 1d"),
        (88200, "in 1d 30m"),
        (90000, "in 1d 1h"),
        (192540, "in 2d 5h"),
        (604800, "in 7d"),
        (90 * 86400, "in 90d"),
    ],
)
def test_countdown_rounds_up_to_whole_minutes(seconds: float, text: str) -> None:
    assert wording.countdown(NOW + timedelta(seconds=seconds), NOW) == text


def test_an_unknown_moment_has_no_countdown() -> None:
    assert wording.countdown(None, NOW) == ""


@given(st.integers(1, 10**9))
def test_a_countdown_to_the_future_always_says_how_long(seconds: int) -> None:
    text = wording.countdown(NOW + timedelta(seconds=seconds), NOW)
    assert text.startswith("in ")
    assert not text.endswith(" ")
    assert "0" not in {text[3], text.split()[-1][0]}


@pytest.mark.parametrize(
    ("moment", "text", "short"),
    [
        pytest.param("2026-09-10T13:30", "15:30", "15:30", id="today"),
        pytest.param("2026-09-10T22:30", "tomorrow, 00:30", "Fri 00:30", id="tomorrow, local"),
        pytest.param("2026-09-14T07:30", "Mon 09:30", "Mon 09:30", id="within the week"),
        pytest.param("2026-09-17T07:30", "Sep 17, 09:30", "Sep 17, 09:30", id="a week away"),
        pytest.param("2026-12-01T00:00", "Dec 1, 01:00", "Dec 1, 01:00", id="winter time"),
        pytest.param(
            "2027-09-14T07:30", "Sep 14 2027, 09:30", "Sep 14 2027, 09:30", id="next year"
        ),
        pytest.param("2026-09-09T20:00", "yesterday, 22:00", "Sep 9, 22:00", id="yesterday"),
        pytest.param("2026-09-01T20:00", "Sep 1, 22:00", "Sep 1, 22:00", id="last week"),
    ],
)
def test_clock_says_the_day_as_people_do(moment: str, text: str, short: str) -> None:
    at = datetime.fromisoformat(moment + "+00:00")
    assert wording.clock_text(at, NOW, BERLIN) == text
    assert wording.clock_text(at, NOW, BERLIN, short=True) == short


@pytest.mark.parametrize(
    ("hour", "text"), [(0, "12:05 AM"), (9, "9:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")]
)
def test_a_clock_of_twelve_hours_says_which_half(hour: int, text: str) -> None:
    at = NOW.replace(hour=hour, minute=5)
    assert wording.clock_text(at, NOW, UTC, twelve_hour=True) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-60, "just now"),
        (0, "just now"),
        (59.9, "just now"),
        (60, "1m ago"),
        (3599, "59m ago"),
        (3600, "1h ago"),
        (86399, "23h ago"),
        (86400, "Sep 9, 14:00"),
        (400 * 86400, "Aug 6 2025, 14:00"),
    ],
)
def test_age_becomes_a_date_after_a_day(seconds: float, text: str) -> None:
    assert wording.age_text(NOW - timedelta(seconds=seconds), NOW, BERLIN) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Resets 5pm (Europe/Berlin)", "Resets 5pm (Europe/Berlin)"),
        ("resets in 3h", "Resets in 3h"),
        ("Reset: Monday", "Resets Monday"),
        ("345/1500 credits", ""),
        ("resetting soon", ""),
        ("Resets", ""),
        ("", ""),
    ],
)
def test_a_services_own_reset_text_says_resets_once(text: str, expected: str) -> None:
    assert wording.reset_phrase(text) == expected


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (300, "5h"),
        (1440, "daily"),
        (10080, "weekly"),
        (43200, "monthly"),
        (20160, "14d"),
        (90, "90m"),
        (720, "12h"),
    ],
)
def test_a_length_has_a_name(minutes: int, text: str) -> None:
    assert wording.length_text(minutes) == text


@pytest.mark.parametrize(
    ("percent", "text"),
    [
        (-3, "0%"),
        (0, "0%"),
        (0.36, "<1%"),
        (1, "1%"),
        (62.4, "62%"),
        (62.5, "63%"),
        (99.7, "99%"),
        (100, "100%"),
        (112.3, "112%"),
    ],
)
def test_percent_is_whole_and_full_only_when_full(percent: float, text: str) -> None:
    assert wording.percent_text(percent) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (950, "950"),
        (999, "999"),
        (1000, "1K"),
        (1234, "1.2K"),
        (9949, "9.9K"),
        (9950, "10K"),
        (12_345, "12K"),
        (999_499, "999K"),
        (999_500, "1M"),
        (8_400_000, "8.4M"),
        (20_000_000, "20M"),
        (2_000_000_000, "2B"),
        (Decimal("1500.0"), "1.5K"),
    ],
)
def test_tokens_are_short(count: int | Decimal, text: str) -> None:
    assert wording.tokens_text(count) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("41.2", "USD", "$41.20"),
        ("-3", "USD", "-$3.00"),
        ("0", "USD", "$0.00"),
        ("0.004", "USD", "<$0.01"),
        ("1234.5", "EUR", "€1,234.50"),
        ("12", "CNY", "¥12.00"),
        ("12", "CHF", "12.00 CHF"),
        ("1234", "JPY", "1,234 JPY"),
        ("163", "credits", "163 credits"),
        ("1", "credits", "1 credit"),
        ("6.875", "credits", "6.88 credits"),
        ("212500", "points", "212,500 points"),
        ("12.50", "", "12.5"),
    ],
)
def test_money_knows_its_currency(amount: str, currency: str, text: str) -> None:
    assert wording.money(Decimal(amount), currency) == text


@pytest.mark.parametrize(
    ("used", "limit", "unit", "text"),
    [
        ("8.80", "50", "USD", "$41.20 left of $50.00"),
        ("60", "50", "USD", "$0.00 left of $50.00"),
        ("345", "1500", "credits", "345/1,500 credits"),
        ("8400000", "20000000", "tokens", "8.4M/20M tokens"),
        ("812", None, "credits", "812 credits used"),
        (None, "1500", "credits", "of 1,500 credits"),
        (None, None, "credits", ""),
        ("18", "75", "", "18/75"),
    ],
)
def test_used_and_limit_in_their_unit(
    used: str | None, limit: str | None, unit: str, text: str
) -> None:
    numbers = [None if value is None else Decimal(value) for value in (used, limit)]
    assert wording.share_text(numbers[0], numbers[1], unit) == text


@pytest.mark.parametrize(
    ("percent", "bar"),
    [
        (0, "----------"),
        (0.4, "#---------"),
        (59.9, "#####-----"),
        (99.9, "#########-"),
        (100, "##########"),
        (140, "##########"),
    ],
)
def test_a_bar_is_only_empty_or_full_when_it_is(percent: float, bar: str) -> None:
    assert wording.ascii_twin(wording.bar_text(percent, 10)) == bar


@pytest.mark.parametrize(
    "text",
    [
        wording.percent_text(1e300),
        wording.exact_percent(1e300),
        wording.amount_text(Decimal("-1e300")),
        wording.tokens_text(Decimal("1e300")),
        wording.money(Decimal("1e300"), "USD"),
        wording.money(Decimal("1e300"), "credits"),
        wording.share_text(Decimal("1e300"), Decimal("1e307"), "USD"),
    ],
)
def test_a_number_beyond_all_measure_stays_short(text: str) -> None:
    assert "e+" in text
    assert len(text) < 30


def test_a_large_number_keeps_its_digits() -> None:
    assert wording.amount_text(999_999_999_999_999) == "999,999,999,999,999"


def test_every_sign_of_ours_has_an_ascii_twin() -> None:
    assert wording.ascii_twin("▲ as of 14:02 · ✗ – …") == "^ as of 14:02 - x - ..."
    assert wording.ascii_twin("≈ 1.5× €2.00 ¥3.00").isascii()
