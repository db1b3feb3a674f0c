"""What a card, the top line and the details say: B§5, B§7 to B§9, B§11 and the vectors of B§19."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import states as any_
from tests.states import KEY, failing, of, snapshot, state, window
from tests.support import NOON
from tui.core.errors import DEFAULT_HINTS, ErrorInfo, ErrorKind
from tui.core.models import (
    Attempt,
    Balance,
    CostPeriod,
    CostSummary,
    DetailRow,
    Identity,
    Indicator,
    Phase,
    ProviderKey,
    ProviderState,
    ServiceStatus,
    TokenCounts,
    UsageWindow,
)
from tui.core.preferences import Preferences
from tui.present.card import card_view
from tui.present.changes import next_change
from tui.present.deck import deck_view
from tui.present.details import details_view
from tui.present.views import BalanceView, CardView, DetailsView, RowView

LEFT = Preferences()
USED = Preferences(show_used=True)
BERLIN = ZoneInfo("Europe/Berlin")


def card(
    shown: ProviderState, prefs: Preferences = USED, tz: tzinfo = UTC, name: str = "z.ai"
) -> CardView:
    return card_view(shown, name=name, short_name="z.ai", now=NOON, prefs=prefs, tz=tz)


def details(shown: ProviderState, prefs: Preferences = USED) -> DetailsView:
    return details_view(shown, name="z.ai", short_name="z.ai", now=NOON, prefs=prefs, tz=UTC)


def row(item: UsageWindow, prefs: Preferences = USED) -> RowView:
    return card(state(item), prefs).rows[0]


def balance(item: Balance) -> BalanceView:
    return card(of(snapshot(balances=(item,)))).balances[0]


# -- one row ---------------------------------------------------------------------------------------


def test_a_window_that_fills_up_bit_by_bit_has_no_reset() -> None:
    filling = row(replace(window(used=31, in_s=7980), refills=True))
    assert (filling.reset_text, filling.resets_at) == ("Full in 2h 13m", None)
    full = row(replace(window(used=83, in_s=0), refills=True))
    assert full.reset_text == "full by now – was 83%"


def test_the_direction_switches_number_word_and_bar_together() -> None:
    used, left = row(window(used=31)), row(window(used=31), LEFT)
    assert (used.percent_text, used.percent_word, used.bar_percent) == ("31%", "used", 31)
    assert (left.percent_text, left.percent_word, left.bar_percent) == ("69%", "left", 69)


@pytest.mark.parametrize("prefs", [LEFT, USED], ids=["left", "used"])
@pytest.mark.parametrize(
    ("used", "severity", "symbol"),
    [
        (0, "ok", ""),
        (75, "ok", ""),
        (75.1, "warning", "▲"),
        (90, "warning", "▲"),
        (90.1, "critical", "!"),
        (130, "critical", "!"),
    ],
)
def test_severity_is_what_is_left_in_either_direction(
    prefs: Preferences, used: float, severity: str, symbol: str
) -> None:
    shown = row(window(used=used), prefs)
    assert (shown.severity, shown.symbol) == (severity, symbol)


def test_more_than_everything_fills_the_bar_and_keeps_its_number() -> None:
    over = row(window(used=112))
    assert (over.bar_percent, over.percent_text, over.note) == (100, "112%", "")
    left = row(window(used=112), LEFT)
    assert (left.bar_percent, left.percent_text, left.note) == (0, "0%", "112% used")


def test_an_unknown_percentage_is_a_dash_without_a_bar() -> None:
    unknown = row(window(used=None, in_s=7200))
    assert (unknown.percent_text, unknown.percent_word, unknown.bar_percent) == ("–", "", None)
    assert (unknown.severity, unknown.reset_text) == ("unknown", "Resets in 2h")


def test_without_a_percentage_the_counts_are_shown() -> None:
    counted = window(used=None, unit="credits")
    counted = replace(counted, used=Decimal(345), limit=Decimal(0))
    assert row(counted).note == "345/0 credits"


def test_unlimited_is_a_word_without_bar_and_reset() -> None:
    free = row(window(used=0, in_s=3600, unlimited=True))
    assert (free.percent_text, free.bar_percent, free.reset_text) == ("unlimited", None, "")
    assert (free.severity, free.used_percent) == ("ok", None)


@pytest.mark.parametrize(
    ("in_s", "prefs", "text", "short"),
    [
        (7980, USED, "Resets in 2h 13m", "2h 13m"),
        (0.5, USED, "Resets now", "now"),
        (7980, replace(USED, absolute_times=True), "Resets 16:13", "16:13"),
        (86400, replace(USED, absolute_times=True), "Resets tomorrow, 14:00", "Fri 14:00"),
        (4 * 86400, replace(USED, absolute_times=True), "Resets Mon 14:00", "Mon 14:00"),
        (
            7980,
            replace(USED, absolute_times=True, twelve_hour=True),
            "Resets 4:13 PM",
            "4:13 PM",
        ),
        (400 * 86400, USED, "Resets in 400d", "400d"),
        (
            400 * 86400,
            replace(USED, absolute_times=True),
            "Resets Oct 15 2027, 14:00",
            "Oct 15 2027, 14:00",
        ),
    ],
)
def test_a_reset_as_countdown_or_clock(
    in_s: float, prefs: Preferences, text: str, short: str
) -> None:
    shown = card(state(window(in_s=in_s)), prefs, BERLIN).rows[0]
    assert (shown.reset_text, shown.reset_short) == (text, short)


def test_a_services_note_is_not_a_reset_but_its_own_reset_words_are() -> None:
    note = row(window(resets_text="345/1500 credits"))
    assert (note.note, note.reset_text) == ("345/1500 credits", "")
    words = row(window(resets_text="Resets 5pm (Europe/Berlin)"))
    assert (words.note, words.reset_text) == ("", "Resets 5pm (Europe/Berlin)")


def test_money_stands_beside_its_bar_and_counts_only_where_there_is_room() -> None:
    money = window(used=17.6, in_s=3600, unit="USD")
    money = replace(money, used=Decimal("8.80"), limit=Decimal(50))
    assert row(money).note == "$41.20 left of $50.00"
    counted = replace(money, unit="requests")
    assert row(counted).note == ""
    assert row(replace(counted, resets_at=None)).note == "8.8/50 requests"


@pytest.mark.parametrize(
    ("used", "text", "tick"),
    [
        (40, "10% in reserve", 50),
        (51, "on pace", 50),
        (90, "Projected empty in 17m", 50),
        (100, "", None),
    ],
)
def test_pace_stands_on_the_row_and_its_tick_on_the_bar(
    used: float, text: str, tick: float | None
) -> None:
    shown = row(window(used=used, minutes=300, in_s=9000))
    assert (shown.pace_text, shown.tick_percent) == (text, tick)


def test_the_tick_follows_the_direction() -> None:
    item = window(used=40, minutes=300, in_s=4500)
    assert (row(item).tick_percent, row(item, LEFT).tick_percent) == (75, 25)


def test_pace_can_be_switched_off_and_knows_work_days() -> None:
    monday = datetime(2026, 9, 14, tzinfo=UTC)
    item = replace(window(used=60, minutes=10080), resets_at=monday)
    assert row(item, replace(USED, pace=False)).pace_text == ""
    # Thursday noon of a week that began on Monday: 3.5 of 5 days, or 3.5 of 7.
    assert row(item, replace(USED, pace_work_days=5)).tick_percent == 70
    assert row(item).tick_percent == 50


def test_a_row_can_be_read_aloud() -> None:
    spoken = row(window(used=62, minutes=300, in_s=7920)).spoken
    assert spoken == "Session: 62% used · Resets in 2h 12m · Projected empty in 1h 43m"


# -- a reset that has passed -----------------------------------------------------------------------


@pytest.mark.parametrize(("prefs", "text"), [(USED, "83%"), (LEFT, "17%")])
def test_after_its_reset_an_old_percentage_is_history(prefs: Preferences, text: str) -> None:
    shown = card(state(window(used=83, in_s=-30), window("weekly", 40, in_s=9000)), prefs)
    due, other = shown.rows
    assert (due.percent_text, due.bar_percent, due.reset_short) == ("–", None, "due")
    assert due.reset_text == f"reset due – was {text}"
    assert (shown.look, shown.symbol, other.severity) == ("stale", "▲", "stale")
    assert shown.headline == other


def test_the_very_moment_of_the_reset_counts_as_passed() -> None:
    assert row(window(used=83, in_s=0)).reset_text == "reset due – was 83%"
    assert row(window(used=None, in_s=0)).reset_text == "reset due"


def test_numbers_read_after_a_reset_are_true_although_the_reset_lies_behind() -> None:
    shown = card(state(window(used=83, in_s=-90), age_s=60))
    assert shown.look == "fresh"
    assert (shown.rows[0].percent_text, shown.rows[0].reset_text) == ("83%", "Reset due")


# -- which window binds ----------------------------------------------------------------------------


def test_an_exhausted_week_binds_and_blocks_the_session() -> None:
    shown = card(
        state(window(used=20, minutes=300, in_s=3600), window("weekly", 100, 10080, 2 * 86400))
    )
    assert shown.headline is not None
    assert (shown.headline.percent_text, shown.headline.reset_text) == ("100%", "Resets in 2d")
    session = shown.rows[0]
    assert (session.percent_text, session.note) == ("20%", "blocked by weekly")
    assert (session.reset_short, session.pace_text, session.is_blocked) == ("blocked", "", True)
    assert shown.symbol == "!"


def test_of_several_exhausted_windows_the_last_to_open_binds() -> None:
    session = window(used=20, minutes=300, in_s=3600)
    week = window("weekly", 100, 10080, 2 * 86400)
    month = window("monthly", 100, 43200, 9 * 86400)
    shown = card(state(session, week, month))
    assert shown.headline is not None
    assert shown.headline.id == "monthly"
    assert shown.rows[0].note == "blocked by monthly"
    unknown = card(state(session, replace(week, resets_at=None), month))
    assert unknown.headline is not None
    assert (unknown.headline.id, unknown.headline.reset_text) == ("weekly", "")


def test_an_exhausted_session_blocks_nothing_longer() -> None:
    shown = card(state(window(used=100, minutes=300, in_s=3600), window("weekly", 50, 10080, 9e4)))
    assert [item.is_blocked for item in shown.rows] == [False, False]
    assert shown.headline is not None
    assert shown.headline.id == "session"


def test_a_week_that_has_reset_blocks_nothing_any_more() -> None:
    shown = card(state(window(used=20, minutes=300, in_s=3600), window("weekly", 100, 10080, -5)))
    assert not shown.rows[0].is_blocked
    assert shown.headline is not None
    assert shown.headline.id == "session"


def test_a_week_whose_reset_was_past_when_it_was_read_blocks_nothing() -> None:
    item = window("weekly", 100, 10080, -5)
    shown = state(window(used=20, minutes=300, in_s=3600), item, age_s=0)
    assert not card(shown).rows[0].is_blocked


def test_less_than_nothing_used_leaves_everything_and_no_more() -> None:
    item = window(used=-5, in_s=3600)
    assert row(item, LEFT).percent_text == "100%"
    assert details(state(item)).windows[0].exact == "-5% used · 100% left"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(window("mcp", 100, 43200, 9e4, headline=False), id="outside the main number"),
        pytest.param(window("spark.weekly", 100, 10080, 9e4, headline=False), id="another lane"),
        pytest.param(window("credits", 100), id="no length"),
    ],
)
def test_windows_that_do_not_concern_the_session_do_not_block_it(other: UsageWindow) -> None:
    assert not card(state(window(used=20, minutes=300, in_s=3600), other)).rows[0].is_blocked


def test_within_a_lane_windows_block_each_other() -> None:
    lane = (
        window("spark.session", 10, 300, 3600, headline=False),
        window("spark.weekly", 100, 10080, 9e4, headline=False, label="Spark Weekly"),
    )
    assert card(state(*lane)).rows[0].note == "blocked by Spark Weekly"


def test_otherwise_the_window_with_least_left_is_the_main_number() -> None:
    shown = card(state(window(used=31), window("weekly", 62), window("mcp", 99, headline=False)))
    assert shown.headline is not None
    assert shown.headline.id == "weekly"
    assert shown.symbol == ""


def test_without_a_main_number_there_is_no_headline() -> None:
    assert card(state(window(used=99, headline=False))).headline is None
    assert card(state()).headline is None
    only_unknown = card(state(window(used=None)))
    assert only_unknown.headline == only_unknown.rows[0]


# -- the four looks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_s", "interval_s", "look"),
    [
        (0, 60, "fresh"),
        (-30, 60, "fresh"),
        (180, 60, "fresh"),
        (181, 60, "aging"),
        (900, 300, "fresh"),
        (901, 300, "aging"),
    ],
)
def test_numbers_age_after_three_intervals(age_s: float, interval_s: float, look: str) -> None:
    assert card(state(window(), age_s=age_s, interval_s=interval_s)).look == look


def test_age_is_said_in_few_words() -> None:
    assert card(state(window(), age_s=10)).age == "just now"
    assert card(state(window(), age_s=150)).age == "2m ago"


@pytest.mark.parametrize(
    ("age_s", "age"),
    [
        (2280, "as of 13:22 · 38m ago"),
        (16 * 3600, "as of yesterday, 22:00 · 16h ago"),
        (3 * 86400, "as of Sep 7, 14:00"),
    ],
)
def test_stale_numbers_say_when_they_were_true(age_s: float, age: str) -> None:
    shown = card(failing(state(window(used=95), age_s=age_s)), tz=BERLIN)
    assert (shown.look, shown.age) == ("stale", age)
    assert (shown.rows[0].severity, shown.rows[0].percent_text) == ("stale", "95%")


def test_stale_numbers_have_no_forecast() -> None:
    shown = card(failing(state(window(used=40, minutes=300, in_s=9000)))).rows[0]
    assert (shown.pace_text, shown.tick_percent) == ("", None)


def test_the_first_failure_is_forgiven_and_marked() -> None:
    shown = card(failing(state(window(used=95)), failures=1))
    assert (shown.look, shown.failed_tries) == ("fresh", "1 failed try")
    assert (shown.message, shown.error_kind, shown.rows[0].severity) == ("", None, "critical")


def test_the_second_failure_shows_the_error_and_keeps_the_numbers() -> None:
    good = replace(state(window(used=95)), next_at=NOON + timedelta(seconds=170))
    shown = card(failing(good, hint=DEFAULT_HINTS[ErrorKind.NETWORK]))
    assert (shown.look, shown.message, shown.failed_tries) == ("stale", "It did not answer.", "")
    assert (shown.hint, shown.next_text) == ("", "next try 3m")
    assert shown.rows[0].percent_text == "95%"


def test_a_hint_of_its_own_stands_before_the_next_try() -> None:
    good = replace(state(window()), next_at=NOON + timedelta(seconds=1))
    shown = card(failing(good, ErrorKind.SERVER, hint="Check the proxy."))
    assert (shown.hint, shown.next_text) == ("Check the proxy.", "next try 1m")


def test_while_asking_there_is_no_next_try() -> None:
    busy = replace(failing(state(window())), phase=Phase.REFRESHING, next_at=NOON)
    assert (card(busy).refreshing, card(busy).next_text) == (True, "")


def test_restored_numbers_are_stale_until_the_first_answer_and_hide_no_failure() -> None:
    restored = replace(state(window(used=40), age_s=30), restored=True)
    assert (card(restored).look, card(restored).message) == ("stale", "")
    assert card(failing(restored, failures=1)).message == "It did not answer."


@pytest.mark.parametrize(
    ("kind", "look", "symbol", "needs_user"),
    [
        (ErrorKind.MISSING_CREDENTIALS, "needs_setup", "?", True),
        (ErrorKind.UNAUTHORIZED, "error", "✗", True),
        (ErrorKind.UNSUPPORTED, "error", "✗", True),
        (ErrorKind.NETWORK, "error", "✗", False),
        (ErrorKind.RATE_LIMITED, "error", "✗", False),
        (ErrorKind.INTERNAL, "error", "✗", False),
    ],
)
def test_without_numbers_the_error_is_the_card(
    kind: ErrorKind, look: str, symbol: str, needs_user: bool
) -> None:
    shown = card(failing(of(None), kind, failures=1, hint="Run `x login`."))
    assert (shown.look, shown.symbol, shown.needs_user) == (look, symbol, needs_user)
    assert (shown.message, shown.hint) == ("It did not answer.", "Run `x login`.")
    assert (shown.rows, shown.headline) == ((), None)


def test_a_card_waits_without_a_word() -> None:
    shown = card(ProviderState(key=KEY))
    assert (shown.look, shown.symbol, shown.message, shown.age) == ("waiting", "…", "", "")


def test_a_disabled_card_says_how_to_switch_it_on() -> None:
    shown = card(replace(failing(state(window())), phase=Phase.DISABLED))
    assert (shown.look, shown.rows, shown.error_kind) == ("disabled", (), None)
    assert shown.hint == "Press s to switch it on."


def test_an_answer_without_numbers_says_so() -> None:
    assert card(state()).message == "No usage data reported."
    assert card(of(snapshot(notice="No plan."))).message == "No plan."


@pytest.mark.parametrize(
    ("indicator", "text", "severity"),
    [
        ("none", "", "ok"),
        ("unknown", "", "ok"),
        ("minor", "Partial outage", "warning"),
        ("major", "Major outage", "critical"),
        ("critical", "Critical issue", "critical"),
        ("maintenance", "Maintenance", "warning"),
    ],
)
def test_the_status_page_is_mentioned_when_something_is_wrong(
    indicator: Indicator, text: str, severity: str
) -> None:
    shown = card(replace(state(window()), service=ServiceStatus(indicator=indicator)))
    assert (shown.service_text, shown.service_severity) == (text, severity)


# -- who, how much money, how many signs -----------------------------------------------------------


def test_privacy_masks_accounts_everywhere() -> None:
    private = replace(USED, privacy=True)
    who = Identity(account="ada@example.org", organization="Analytical Engines", plan="Pro")
    good = of(snapshot(window(), identity=who, notice="Signed in as ada@example.org."))
    assert card(good, private).account == "redacted@example.org"
    broken = failing(good, ErrorKind.UNAUTHORIZED)
    broken = replace(
        broken, error=ErrorInfo(kind=ErrorKind.UNAUTHORIZED, message="Not ada@example.org.")
    )
    for text in (str(card(good, private)), str(card(broken, private)), str(details(good, private))):
        assert "ada@" not in text
        assert "Engines" not in text
    assert card(good).account == "ada@example.org"


def test_the_account_of_the_settings_stands_in_for_an_unknown_one() -> None:
    shown = card(replace(state(window()), key=ProviderKey("zai", "work")))
    assert shown.account == "work"


def test_a_card_called_by_its_account_does_not_say_it_twice() -> None:
    shown = card(replace(state(window()), key=ProviderKey("zai", "work")), name="z.ai: work")
    assert shown.account == ""


@pytest.mark.parametrize(
    ("item", "text", "short", "severity"),
    [
        (
            Balance(id="b", label="Credits", amount=Decimal("41.2"), limit=Decimal(50)),
            "$41.20 left of $50.00",
            "$41.20",
            "ok",
        ),
        (
            Balance(id="b", label="Credits", amount=Decimal(163), currency="credits"),
            "163 credits left",
            "163 credits",
            "ok",
        ),
        (
            Balance(
                id="b", label="Bonus", amount=Decimal(5), limit=Decimal(500), currency="credits"
            ),
            "5 of 500 credits left",
            "5 credits",
            "critical",
        ),
        (
            Balance(id="b", label="Extra", used=Decimal(41), limit=Decimal(50)),
            "$41.00 of $50.00 spent",
            "$41.00",
            "warning",
        ),
        (Balance(id="b", label="Spent", used=Decimal("3.1")), "$3.10 spent", "$3.10", "ok"),
        (Balance(id="b", label="Cap", limit=Decimal(50)), "limit $50.00", "–", "ok"),
        (Balance(id="b", label="Debt", amount=Decimal(-3)), "-$3.00 left", "-$3.00", "critical"),
        (Balance(id="b", label="Empty", amount=Decimal(0)), "$0.00 left", "$0.00", "ok"),
        (Balance(id="b", label="Silent"), "–", "–", "ok"),
    ],
)
def test_a_balance_says_what_is_known(item: Balance, text: str, short: str, severity: str) -> None:
    shown = balance(item)
    assert (shown.text, shown.short, shown.severity) == (text, short, severity)


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (3, "5 credits left · expires in 3d"),
        (30, "5 credits left"),
        (-1, "5 credits left · expired"),
    ],
)
def test_a_balance_that_ends_soon_says_so(days: int, text: str) -> None:
    item = Balance(id="b", label="Bonus", amount=Decimal(5), currency="credits")
    assert balance(replace(item, expires_at=NOON + timedelta(days=days))).text == text


def cost(today: str | None, **more: object) -> CostSummary:
    def period(usd: str | None, partial: bool = False) -> CostPeriod:
        amount = None if usd is None else Decimal(usd)
        return CostPeriod(label="", usd=amount, tokens=TokenCounts(input=1200), partial=partial)

    summary = CostSummary(
        today=period(today), last_7_days=period("7"), last_30_days=period("31.5", True)
    )
    return replace(summary, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("summary", "text"),
    [
        (None, ""),
        (cost("1.24"), "Today $1.24 · 30 days $31.50+ · estimated"),
        (cost(None), "Today 1.2K tokens · 30 days $31.50+ · estimated"),
        (cost("0", scanning=True), "Local cost: scanning…"),
        (cost("0", notice="No Claude Code logs found."), "No Claude Code logs found."),
    ],
)
def test_local_cost_is_always_called_an_estimate(summary: CostSummary | None, text: str) -> None:
    assert card(replace(state(window()), cost=summary)).cost_text == text


def test_without_utf8_every_sign_of_ours_is_ascii_and_the_key_stays() -> None:
    key = ProviderKey("zai", "mein’s")
    shown = replace(failing(state(window(used=83, in_s=-5))), key=key)
    plain = card(shown, replace(USED, ascii=True))
    assert plain.key == key
    assert (plain.symbol, plain.rows[0].reset_text) == ("^", "reset due - was 83%")
    assert str(replace(plain, key=KEY)).isascii()
    assert str(replace(details(shown, replace(USED, ascii=True)), card=plain).windows).isascii()


def test_a_minute_without_news_changes_nothing_but_the_countdown() -> None:
    shown = state(window(used=62, minutes=10080, in_s=3 * 86400 + 3630))
    before = card(shown)
    after = card_view(
        shown, name="z.ai", short_name="z.ai", now=NOON + timedelta(seconds=20), prefs=USED, tz=UTC
    )
    assert after == before


# -- the top line ----------------------------------------------------------------------------------


def named(name: str, shown: ProviderState) -> CardView:
    return card_view(shown, name=name, short_name=name, now=NOON, prefs=USED, tz=UTC)


def test_the_top_line_answers_three_questions() -> None:
    cards = [
        named("Kimi", state(window("weekly", 94, 10080, 9e4))),
        named("z.ai", state(window(used=62, minutes=300, in_s=700, label="5-hour"))),
        named("Droid", failing(of(None), ErrorKind.MISSING_CREDENTIALS)),
        named("Amp", failing(of(None), ErrorKind.UNAUTHORIZED)),
        named("Kiro", failing(state(window(used=99)))),
    ]
    deck = deck_view(cards, now=NOON, prefs=USED, tz=BERLIN)
    assert deck.tightest == "! Kimi weekly 94% used"
    assert deck.next_reset == "next reset z.ai 5-hour in 12m"
    assert deck.trouble == "2 need you · 1 failing"
    assert (deck.severity, deck.word, deck.clock) == ("critical", "showing used", "14:00")


def test_a_healthy_top_line_is_quiet() -> None:
    deck = deck_view([named("z.ai", state(window(used=10)))], now=NOON, prefs=LEFT, tz=UTC)
    assert (deck.trouble, deck.next_reset, deck.word) == ("", "", "showing left")
    assert deck_view([], now=NOON, prefs=USED, tz=UTC).tightest == ""


def test_one_card_that_needs_somebody_is_one() -> None:
    cards = [named("Amp", failing(of(None), ErrorKind.UNSUPPORTED))]
    assert deck_view(cards, now=NOON, prefs=USED, tz=UTC).trouble == "1 needs you"


def test_a_blocked_window_is_not_the_next_reset() -> None:
    cards = [
        named(
            "Kimi", state(window(used=8, minutes=300, in_s=60), window("weekly", 100, 10080, 9e4))
        )
    ]
    assert (
        deck_view(cards, now=NOON, prefs=USED, tz=UTC).next_reset
        == "next reset Kimi weekly in 1d 1h"
    )


def test_twelve_providers_find_the_tightest() -> None:
    cards = [named(f"P{n}", state(window("weekly", 7.0 * n))) for n in range(12)]
    assert deck_view(cards, now=NOON, prefs=USED, tz=UTC).tightest == "▲ P11 weekly 77% used"


# -- details ---------------------------------------------------------------------------------------


def test_details_give_exact_numbers_countdown_and_clock() -> None:
    item = window("weekly", 62.371, 10080, 259200, unit="requests")
    item = replace(item, used=Decimal(1234), limit=Decimal(1980))
    shown = details(state(item)).windows[0]
    assert shown.exact == "62.37% used · 37.63% left"
    assert shown.numbers == "1,234 of 1,980 requests used · 746 left"
    assert (shown.reset, shown.length) == ("in 3d · Sun 12:00", "weekly")
    assert shown.pace == "5% in deficit · Expected 57% used · Runs out in 2d 9h"
    assert details(state(item), LEFT).windows[0].pace == shown.pace


def test_details_of_an_overdue_window_tell_only_what_it_was() -> None:
    shown = details(state(window(used=83, minutes=300, in_s=-40))).windows[0]
    assert (shown.exact, shown.reset, shown.pace) == ("", "due since 11:59 – was 83%", "")


def test_attempts_read_like_a_story() -> None:
    missing = ErrorInfo(kind=ErrorKind.MISSING_CREDENTIALS, message="no API key")
    rejected = ErrorInfo(kind=ErrorKind.UNAUTHORIZED, message="401")
    broken = ErrorInfo(kind=ErrorKind.PARSE, message="no data")
    good = replace(
        of(snapshot(window(), source_id="storage", origin="Chromium: Default")),
        attempts=(
            Attempt(source_id="api", outcome="skipped", error=missing),
            Attempt(source_id="cookie", outcome="failed", error=rejected, elapsed_s=0.31),
            Attempt(source_id="cli", outcome="failed", error=broken, elapsed_s=2),
            Attempt(source_id="storage", outcome="success", elapsed_s=0.6),
        ),
    )
    assert details(good).attempt_facts == (
        ("1 api     skipped ", "no API key"),
        ("2 cookie  rejected", "401 (0.3 s)"),
        ("3 cli     failed  ", "no data (2.0 s)"),
        ("4 storage ok      ", "0.6 s (Chromium: Default)"),
    )
    assert details(good).attempts[0].line() == "1 api skipped  no API key"


def test_an_attempt_is_not_given_the_login_of_another_source() -> None:
    attempts = (Attempt(source_id="local", outcome="success", elapsed_s=0.1),)
    shown = details(replace(of(snapshot(window(), origin="a key")), attempts=attempts))
    assert shown.attempt_facts == (("1 local ok      ", "0.1 s"),)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("warm", "next try 12:05 (adaptive: 5 min)"),
        ("fixed", "next try 12:05 (every 5 min)"),
        ("constrained", "next try 12:05 (slow mode: 5 min)"),
        ("resetBoundary", "next try 12:05 (after a reset)"),
        ("", "next try 12:05"),
    ],
)
def test_the_next_try_says_why(reason: str, text: str) -> None:
    planned = replace(
        state(window()), next_at=NOON + timedelta(minutes=5), next_reason=reason, interval_s=300.0
    )
    assert details(planned).next_text == text


def test_manual_cadence_says_that_nobody_asks() -> None:
    assert details(state(window(), next_reason="manual")).next_text == "asked only on request"


def test_details_group_free_rows_and_list_who_and_what() -> None:
    who = Identity(account="ada@example.org", plan="Pro", login_method="GitHub")
    rows = (
        DetailRow("MCP", "search", "12"),
        DetailRow("", "Note", "x"),
        DetailRow("MCP", "web", "3"),
    )
    shown = details(
        replace(
            of(snapshot(window(), identity=who, details=rows, confidence="estimated")),
            service=ServiceStatus(indicator="minor", description="Slow", updated_at=NOON),
        )
    )
    assert [(group.title, group.rows) for group in shown.groups] == [
        ("MCP", (("search", "12"), ("web", "3"))),
        ("", (("Note", "x"),)),
    ]
    assert dict(shown.facts) == {
        "Plan": "Pro",
        "Account": "ada@example.org",
        "Signed in with": "GitHub",
        "Source": "api, estimated",
        "Read": "11:59 · 1m ago",
        "Status": "Partial outage · Slow · just now",
    }


def test_what_runs_beside_the_refreshes_is_listed_also_without_numbers() -> None:
    tasks = (DetailRow("Session", "Next check", "12:05"),)
    (group,) = details(ProviderState(key=KEY, tasks=tasks)).groups
    assert (group.title, group.rows) == ("Session", (("Next check", "12:05"),))
    rows = (DetailRow("Credits", "Used", "12"),)
    both = details(replace(of(snapshot(window(), details=rows)), tasks=tasks)).groups
    assert [group.title for group in both] == ["Credits", "Session"]
    assert details(ProviderState(key=KEY, phase=Phase.DISABLED, tasks=tasks)).groups == ()


def test_details_of_a_balance_say_when_it_resets_and_ends() -> None:
    item = Balance(
        id="b",
        label="Extra",
        amount=Decimal("41.2"),
        used=Decimal("8.8"),
        resets_at=NOON + timedelta(days=1),
        expires_at=NOON + timedelta(days=40),
    )
    shown = details(of(snapshot(balances=(item,)))).balances[0]
    assert (shown.used, shown.dates) == (
        "$8.80 used",
        "resets tomorrow, 12:00 · expires Oct 20, 12:00",
    )


def test_details_list_costs_by_period_and_model() -> None:
    model = CostPeriod(label="claude-opus-5", usd=Decimal(9), tokens=TokenCounts(output=8_400_000))
    shown = details(
        replace(state(window()), cost=cost("1.24", models=(model,), unknown_models=("odd-1",)))
    )
    assert shown.costs == (
        ("Today", "$1.24 · 1.2K tokens"),
        ("7 days", "$7.00 · 1.2K tokens"),
        ("30 days", "$31.50+ · 1.2K tokens"),
        ("claude-opus-5", "$9.00 · 8.4M tokens"),
        ("odd-1", "no price known"),
    )
    assert shown.cost_note == "Estimated from local logs · may differ from your bill"


# -- any state at all ------------------------------------------------------------------------------

preferences = st.builds(
    Preferences,
    show_used=st.booleans(),
    absolute_times=st.booleans(),
    pace=st.booleans(),
    pace_work_days=st.sampled_from([None, 4, 5, 7]),
    privacy=st.booleans(),
    ascii=st.booleans(),
    twelve_hour=st.booleans(),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shown=any_.states, prefs=preferences, zone=st.sampled_from(["UTC", "Pacific/Apia"]))
def test_any_state_can_be_shown(shown: ProviderState, prefs: Preferences, zone: str) -> None:
    tz = ZoneInfo(zone)
    view = card_view(shown, name="z.ai", short_name="z.ai", now=NOON, prefs=prefs, tz=tz)
    assert view.key == shown.key
    for item in view.rows:
        assert item.bar_percent is None or 0 <= item.bar_percent <= 100
        assert item.tick_percent is None or 0 <= item.tick_percent <= 100
        assert (item.percent_word != "") == (item.bar_percent is not None)
        assert item.symbol == "" or item.severity in {"warning", "critical"}
    assert view.headline is None or view.headline in view.rows
    assert view.error_kind is None or shown.error is not None
    deck_view([view, view], now=NOON, prefs=prefs, tz=tz)
    full = details_view(shown, name="z.ai", short_name="z.ai", now=NOON, prefs=prefs, tz=tz)
    assert full.card == view
    assert len(full.attempt_facts) == len(shown.attempts)


# -- when to look again ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "seconds"),
    [
        (ProviderState(key=KEY), 60),
        (state(window(in_s=135), age_s=0), 15),
        (state(window(in_s=-45), age_s=0), 15),
        (state(window(in_s=120), age_s=20), 40),
        (of(snapshot(balances=(Balance(id="b", label="B", amount=None, expires_at=NOON),))), 60),
        (replace(ProviderState(key=KEY), next_at=NOON + timedelta(seconds=7)), 7),
    ],
)
def test_a_card_is_looked_at_again_when_a_whole_minute_is_reached(
    shown: ProviderState, seconds: float
) -> None:
    assert next_change(shown, NOON) == NOON + timedelta(seconds=seconds)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shown=any_.states, share=st.floats(0, 1))
def test_until_then_only_the_pace_moves_on(shown: ProviderState, share: float) -> None:
    still = replace(LEFT, pace=False)
    last = next_change(shown, NOON) - timedelta(seconds=1)  # in a last second "now" is near enough
    later = max(NOON, NOON + (last - NOON) * share)

    def seen(now: datetime) -> CardView:
        return card_view(shown, name="z.ai", short_name="z.ai", now=now, prefs=still, tz=UTC)

    assert seen(later) == seen(NOON)
