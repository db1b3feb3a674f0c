"""Everything about one provider."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support import NOON
from tests.ui.deck import FakeDeck
from tests.ui.driving import opened, screen_text
from tests.ui.states import days, everybody, failed, good, window
from tui.core.errors import ErrorKind
from tui.core.models import ProviderKey, UsageSeries
from tui.screens.details import Chart, DetailsScreen
from tui.widgets.window_section import WindowSection


async def test_windows_facts_links_charts_and_attempts_are_all_there() -> None:
    async with opened(FakeDeck(everybody()), size=(120, 50)) as (app, pilot):
        await pilot.press("right", "enter")
        await pilot.pause()
        text = screen_text(app)
        for expected in (
            "z.ai  Pro · api · 2m ago",
            "Balance needs a management key.",
            "in 2h 12m · 14:12",
            "62% used · 38% left",
            "120 of 500 requests used · 380 left",
            "6% in deficit · Expected 56% used",
            "weekly",
            "ada@example.org",
            "search-prime 12 calls",
            "https://zai.example/usage",
            "Tokens per day",
            "most 3.6M tokens (Sep 6)",
            "Where this number comes from",
            "1 api ok       0.4 s",
        ):
            assert expected in text


async def test_an_error_stands_on_top_with_its_next_step_and_its_attempts() -> None:
    async with opened(FakeDeck(everybody())) as (app, pilot):
        await pilot.press("slash", *"cursor", "enter", "enter")
        await pilot.pause()
        lines = screen_text(app).splitlines()
        assert lines[0].strip() == "✗ Cursor"
        assert lines[1].strip() == "Cursor does not accept the login. Sign in at cursor.com."
        assert "1 api rejected Cursor does not accept the login. (0.3 s)" in screen_text(app)


async def test_new_numbers_arrive_while_the_screen_is_open() -> None:
    deck = FakeDeck([("Codex", good("codex", window("Week", 30)))])
    async with opened(deck) as (app, pilot):
        await pilot.press("enter")
        for windows in (
            (window("Week", 97), window("Day", 11)),
            (window("Day", 12),),
        ):
            deck.engine.publish(good("codex", *windows))
            await pilot.pause()
            await pilot.pause()
            assert len(app.screen.query(WindowSection)) == len(windows)
        assert "88% left" in screen_text(app)


async def test_facts_move_with_the_bar_they_belong_to() -> None:
    week = window("Week", 60, 10080, days(1))
    deck = FakeDeck([("Codex", good("codex", week))])
    async with opened(deck, size=(80, 30)) as (app, pilot):
        await pilot.press("enter")
        for more in ((window("A much longer label"),), (window("Day"),)):
            deck.engine.publish(good("codex", week, *more))
            await pilot.pause(0.1)
            lines = screen_text(app).splitlines()
            bar = next(line for line in lines if line.startswith(" Week"))
            fact = next(line for line in lines if "resets" in line)
            assert fact.index("resets") == min(bar.index(sign) for sign in "█┊" if sign in bar)


@pytest.mark.parametrize("width", [40, 60, 100, 120])
async def test_long_texts_of_the_attempts_go_on_in_their_column(width: int) -> None:
    message = "The service answered with something that is not an answer at all, whoever asks."
    deck = FakeDeck([("Codex", failed("codex", ErrorKind.SERVER, message))])
    async with opened(deck, size=(width, 40)) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        lines = screen_text(app).splitlines()
        at = next(i for i, line in enumerate(lines) if "1 api failed" in line)
        column = lines[at].index("The service")
        said = " ".join(line[column:].strip() for line in lines[at : at + 9])
        assert f"{message} (0.3 s)" in said
        folded = lines[at + 1 : at + len(message) // (width - column)]
        assert all(not line[:column].strip() for line in folded)


async def test_charts_follow_the_series() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (app, pilot):
        await pilot.press("right", "enter")
        await pilot.pause()
        state = deck.engine.state(ProviderKey("zai"))
        assert state.snapshot is not None
        (series,) = state.snapshot.series
        other = UsageSeries(id="calls", label="Calls", unit="calls", points=series.points[:3])
        deck.engine.publish(replace(state, snapshot=replace(state.snapshot, series=(other,))))
        await pilot.pause()
        await pilot.pause()
        assert [chart.series.id for chart in app.screen.query(Chart)] == ["calls"]


async def test_the_time_goes_on() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (app, pilot):
        await pilot.press("right", "enter")
        await pilot.pause()
        deck.let_pass(600)
        app.dashboard._tick()
        await pilot.pause()
        assert "in 2h 2m · 14:12" in screen_text(app)


async def test_p_masks_the_account() -> None:
    async with opened(FakeDeck(everybody())) as (app, pilot):
        await pilot.press("right", "enter", "p")
        await pilot.pause()
        assert "ada@example.org" not in screen_text(app)
        await pilot.press("p")
        await pilot.pause()
        assert "ada@example.org" in screen_text(app)


async def test_the_way_of_counting_holds_for_the_deck_too() -> None:
    async with opened(FakeDeck(everybody())) as (app, pilot):
        await pilot.press("right", "enter", "u", "t")
        await pilot.pause()
        assert "62% used" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "showing used" in screen_text(app)


async def test_r_asks_this_provider() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (_, pilot):
        await pilot.press("right", "enter", "r")
        await pilot.pause()
        assert deck.engine.asked == [(ProviderKey("zai"), True)]


async def test_the_address_is_opened_copied_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(FakeDeck(everybody())) as (app, pilot):
        pages: list[str] = []
        monkeypatch.setattr(app, "open_url", pages.append)
        await pilot.press("right", "enter", "o", "y")
        await pilot.pause()
        assert pages == ["https://zai.example/usage"]
        assert app.clipboard == "https://zai.example/usage"
        assert all("https://zai.example/usage" in note.message for note in app._notifications)


async def test_a_provider_that_never_answered_has_details_too() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck, size=(80, 24)) as (app, pilot):
        await pilot.press("slash", *"amp", "enter", "enter")
        await pilot.pause()
        assert isinstance(app.screen, DetailsScreen)
        assert "Not asked yet." in screen_text(app)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)])
async def test_long_facts_go_on_below_their_beginning(size: tuple[int, int]) -> None:
    deck = FakeDeck(everybody())
    deck.clock.moment = NOON
    async with opened(deck, size=size) as (app, pilot):
        await pilot.press("right", "enter")
        await pilot.pause()
        text = screen_text(app)
        assert all(len(line) == size[0] for line in text.splitlines())
        assert "exactly" in text
