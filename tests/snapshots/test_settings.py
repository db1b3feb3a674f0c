"""What the settings look like. The docstrings say what a human should see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from tests.ui.settings_deck import ALPHA, BETA, GAMMA, settings_deck
from tui.app import UsageApp
from tui.core.models import ProviderKey
from tui.form import Answer
from tui.screens.settings import SettingsScreen

Steps = Callable[[Pilot[Any]], Awaitable[None]]
SIZES = [(40, 12), (80, 24), (120, 36), (200, 50)]


def size_id(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until nothing is laid out or scrolled any more."""
    for _ in range(5):
        await pilot.pause(0.02)


def at(key: ProviderKey | None, *keys: str, then: Steps | None = None) -> Steps:
    """Open the settings, press keys, do something more."""

    async def steps(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, UsageApp)
        await pilot.pause()
        screen = SettingsScreen(app.deck, key)
        await app.push_screen(screen)
        while screen.focused is None:
            await pilot.pause()
        for pressed in keys:
            await pilot.press(pressed)
            await pilot.pause()
        if then is not None:
            await then(pilot)
        await settled(pilot)

    return steps


async def paste_a_request(pilot: Pilot[Any]) -> None:
    text = "curl 'https://beta.example/api' \\\r  -H 'Cookie: a=sessionvalue; b=2; c=3'"
    assert pilot.app.screen.focused is not None
    pilot.app.screen.focused.post_message(events.Paste(text))


@pytest.mark.parametrize("size", SIZES, ids=size_id)
def test_general(snap_compare: Any, size: tuple[int, int]) -> None:
    """Every global setting with its value and "default"; on 40 columns only the list."""
    assert snap_compare(UsageApp(settings_deck()), terminal_size=size, run_before=at(None))


@pytest.mark.parametrize("size", SIZES, ids=size_id)
def test_a_provider(snap_compare: Any, size: tuple[int, int]) -> None:
    """The key as eight dots and where it is stored; a bar left of the focused field; the warning
    in amber; no label, origin or help is cut."""
    deck = settings_deck()
    assert snap_compare(UsageApp(deck), terminal_size=size, run_before=at(ALPHA, "tab"))


def test_a_good_answer(snap_compare: Any) -> None:
    """Below the key: ✓ Pro plan, 3 windows, 0.4 s."""
    assert snap_compare(
        UsageApp(settings_deck()), terminal_size=(80, 24), run_before=at(ALPHA, "tab", "ctrl+t")
    )


def test_a_rejected_key(snap_compare: Any) -> None:
    """Below the key in red: ✗, why, and the next step; the key itself as dots and a count."""
    deck = settings_deck()
    deck.pages.answer = Answer(
        text="The key was rejected (401). Create one at alpha.example/settings/keys.",
        is_good=False,
        field="api_key",
    )
    assert snap_compare(
        UsageApp(deck), terminal_size=(80, 24), run_before=at(ALPHA, "tab", *"sk-bad", "ctrl+t")
    )


@pytest.mark.parametrize("size", [(40, 12), (80, 24)], ids=size_id)
def test_a_pasted_request(snap_compare: Any, size: tuple[int, int]) -> None:
    """Dots, "in 2 lines", and at once: Found 3 cookies for beta.example. The browser field is gone,
    the line on top says what is not saved."""
    assert snap_compare(
        UsageApp(settings_deck()), terminal_size=size, run_before=at(BETA, then=paste_a_request)
    )


def test_an_open_choice(snap_compare: Any) -> None:
    """Three words below Enabled, the chosen one highlighted."""
    assert snap_compare(
        UsageApp(settings_deck()), terminal_size=(80, 24), run_before=at(ALPHA, "enter")
    )


@pytest.mark.parametrize("size", [(40, 12), (80, 24)], ids=size_id)
def test_a_picker(snap_compare: Any, size: tuple[int, int]) -> None:
    """A frame named IDE over the dimmed page with what was found."""
    assert snap_compare(
        UsageApp(settings_deck()), terminal_size=size, run_before=at(GAMMA, "tab", "down")
    )


@pytest.mark.parametrize("size", [(40, 12), (80, 24)], ids=size_id)
def test_leaving_with_changes(snap_compare: Any, size: tuple[int, int]) -> None:
    """A question with its keys: save, discard, back."""
    assert snap_compare(
        UsageApp(settings_deck()),
        terminal_size=size,
        run_before=at(ALPHA, "tab", *"sk-x", "escape", "escape"),
    )


def test_without_utf_8(snap_compare: Any) -> None:
    """Every sign has an ASCII twin: * on, o off, ? needs setup."""
    deck = settings_deck()
    deck.prefs = type(deck.prefs)(ascii=True)
    assert snap_compare(UsageApp(deck), terminal_size=(80, 24), run_before=at(ALPHA, "tab"))


def test_on_a_light_theme(snap_compare: Any) -> None:
    """Dark words on light ground, the fields a shade darker."""
    deck = settings_deck()
    deck.config.theme = "textual-light"
    assert snap_compare(UsageApp(deck), terminal_size=(120, 36), run_before=at(ALPHA, "tab"))
