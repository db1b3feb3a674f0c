"""The first start."""

from __future__ import annotations

from tests.ui.deck import FakeDeck, FakeDetection
from tests.ui.driving import opened, screen_text, shown, until
from tui.app import DEMO
from tui.screens.welcome import FoundRows, WelcomeScreen

FOUND = (
    FakeDetection("kiro", "Kiro", "kiro-cli on PATH"),
    FakeDetection("vertexai", "Vertex AI", "gcloud login of ada@example.org"),
)


async def test_nothing_configured_is_never_an_empty_grid() -> None:
    async with opened(FakeDeck([], detections=FOUND)) as (app, pilot):
        await pilot.pause()
        text = screen_text(app)
        assert isinstance(app.screen, WelcomeScreen)
        assert "1  Kiro       kiro-cli on PATH" in text
        assert "2  Vertex AI  gcloud login of ada@example.org" in text
        assert text.splitlines()[-1].split()[:6] == [
            *("s", "settings", "b", "browsers", "d", "demo"),
        ]


async def test_a_digit_switches_a_provider_on_and_enter_goes_to_the_deck() -> None:
    async with opened(FakeDeck([], detections=FOUND)) as (app, pilot):
        await pilot.press("enter", "2")
        await until(pilot, lambda: "✓  Vertex AI" in screen_text(app))
        assert "1  Kiro" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is app.dashboard
        assert shown(app) == ["vertexai"]


async def test_a_click_on_a_row_is_its_digit() -> None:
    async with opened(FakeDeck([], detections=FOUND)) as (app, pilot):
        await pilot.pause()
        await pilot.click(FoundRows, offset=(6, 0))
        await until(pilot, lambda: "✓  Kiro" in screen_text(app))


async def test_browsers_are_looked_into_only_when_asked() -> None:
    async with opened(FakeDeck([])) as (app, pilot):
        await until(pilot, lambda: "No login was found." in screen_text(app))
        await pilot.press("b")
        await until(pilot, lambda: "signed in to ampcode.com in Chromium" in screen_text(app))


async def test_the_help_is_reached_by_keyboard_on_a_small_screen() -> None:
    async with opened(FakeDeck([], detections=FOUND), size=(40, 12)) as (app, pilot):
        await until(pilot, lambda: "Kiro" in screen_text(app))
        assert "look around: d." not in screen_text(app)
        await pilot.press("end")
        await until(pilot, lambda: "look around: d." in screen_text(app))


async def test_d_ends_the_app_with_the_wish_for_the_demo() -> None:
    async with opened(FakeDeck([], detections=FOUND)) as (app, pilot):
        await pilot.press("d")
        await pilot.pause()
        assert app.return_value == DEMO


async def test_what_cannot_be_switched_on_is_told_and_the_screen_goes_on() -> None:
    deck = FakeDeck([], detections=FOUND)

    async def refuse(provider_id: str) -> None:
        raise OSError("config.toml cannot be written: the disk is full.")

    deck.enable = refuse  # type: ignore[method-assign]
    async with opened(deck) as (app, pilot):
        await pilot.press("1")
        await pilot.pause()
        (note,) = app._notifications
        assert "the disk is full" in note.message
        assert isinstance(app.screen, WelcomeScreen)


async def test_switching_the_last_provider_off_leads_back_to_the_welcome() -> None:
    deck = FakeDeck([], detections=FOUND)
    async with opened(deck) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: "✓  Kiro" in screen_text(app))
        await pilot.press("enter")
        await pilot.pause()
        deck.names.clear()
        await app.dashboard.take_over()
        await pilot.pause()
        assert isinstance(app.screen, WelcomeScreen)
