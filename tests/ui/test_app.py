"""The app as a whole: its end, its palette, its help, its signs."""

from __future__ import annotations

import io
import os
import signal

import pytest
from rich.console import Console
from textual.command import CommandPalette
from textual.theme import BUILTIN_THEMES

from tests.ui.deck import FakeConfig, FakeDeck
from tests.ui.driving import focused, opened, ready, screen_text, until
from tests.ui.states import everybody
from tui.app import UsageApp
from tui.core.preferences import Preferences
from tui.screens.help import HelpScreen
from tui.widgets.ascii_only import ascii_signs


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
async def test_a_signal_ends_the_app_and_what_it_started(name: str) -> None:
    deck = FakeDeck(everybody()[:2])
    async with opened(deck) as (app, pilot):
        os.kill(os.getpid(), getattr(signal, name))
        await until(pilot, lambda: not app.is_running)
    assert deck.closed
    assert not app.return_code


def crash() -> None:
    token = "sk-verysecretvalue"
    raise RuntimeError(token)


async def run_and_crash(app: UsageApp) -> None:
    async with app.run_test() as pilot:
        await ready(pilot)
        app.call_later(crash)
        await until(pilot, lambda: not app.is_running)


async def test_a_crash_prints_one_line_without_locals() -> None:
    deck = FakeDeck(everybody()[:2])
    app = UsageApp(deck)
    app.error_console = Console(file=io.StringIO(), width=200)
    with pytest.raises(RuntimeError, match="sk-verysecretvalue"):
        await run_and_crash(app)
    printed = app.error_console.file.getvalue()  # type: ignore[attr-defined]
    assert printed.strip() == (
        f"quotadeck: internal error (RuntimeError). The log has more: {deck.log_place}"
    )
    assert app.return_code == 1
    assert deck.closed


async def test_the_palette_has_every_action_and_every_provider() -> None:
    async with opened(FakeDeck(everybody())) as (app, pilot):
        await pilot.press("ctrl+p")
        await pilot.press(*"refresh all")
        await until(pilot, lambda: "key R" in screen_text(app))
        await pilot.press("escape")
        await pilot.press("ctrl+p")
        await pilot.press(*"jetb")
        await until(pilot, lambda: "go to JetBrains AI" in screen_text(app))
        await pilot.press("enter")
        await pilot.pause()
        assert not isinstance(app.screen, CommandPalette)
        assert focused(app) == "jetbrains"


async def test_help_lists_the_keys_of_the_place_with_the_users_own() -> None:
    deck = FakeDeck(everybody(), config=FakeConfig(keys={"refresh": "f5,x"}))
    async with opened(deck, size=(80, 40)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        text = screen_text(app)
        assert "f5 x            refresh" in text
        assert "← h             card to the left" in text
        assert "┊               where even use would stand" in text
        await pilot.press("escape", "L", "question_mark")
        await pilot.pause()
        assert "v               level" in screen_text(app)
        assert "card to the left" not in screen_text(app)


async def test_the_theme_of_the_settings_is_used_and_an_unknown_one_is_left_out() -> None:
    for wanted, used in (("nord", "nord"), ("no-such-theme", "textual-dark")):
        deck = FakeDeck(everybody()[:1], config=FakeConfig(theme=wanted))
        async with opened(deck) as (app, _):
            assert app.theme == used


@pytest.mark.parametrize("theme", sorted(BUILTIN_THEMES))
async def test_every_theme_can_draw_every_state(theme: str) -> None:
    async with opened(FakeDeck(everybody(), config=FakeConfig(theme=theme))) as (app, _):
        assert "38%" in screen_text(app)


async def test_without_utf8_every_sign_on_every_screen_is_ascii() -> None:
    deck = FakeDeck(everybody(), prefs=Preferences(ascii=True))
    async with opened(deck, size=(80, 24)) as (app, pilot):
        for keys in ((), ("enter",), ("escape", "L"), ("question_mark",), ("escape", "ctrl+p")):
            await pilot.press(*keys)
            await pilot.pause()
            text = screen_text(app)
            assert text.isascii()
            assert all(len(line) == 80 for line in text.splitlines())
        await pilot.press("escape")


async def test_without_utf8_keys_are_called_by_their_names() -> None:
    async with opened(FakeDeck(everybody()), size=(120, 36)) as (app, _):
        assert "⏎ details" in screen_text(app)
    deck = FakeDeck(everybody(), prefs=Preferences(ascii=True))
    async with opened(deck, size=(120, 36)) as (app, pilot):
        assert "enter details" in screen_text(app)
        await pilot.press("question_mark")
        await pilot.pause()
        assert "up k            card above" in screen_text(app)


def test_signs_keep_their_width() -> None:
    assert ascii_signs("╭─ Kimi · Pro ─╮ █▌· 月…") == "+- Kimi - Pro -+ ##- ??~"


async def test_without_colour_states_differ_by_signs_and_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(FakeDeck(everybody()), size=(120, 50)) as (app, _):
        text = screen_text(app)
        for sign in (
            "… Amp",
            "? Droid",
            "✗ Cursor",
            "▲ Kiro",
            "! Kimi",
            "as of 11:22",
            "unlimited",
        ):
            assert sign in text
        assert app.no_color


async def test_keys_that_do_not_work_out_are_told_once() -> None:
    keys = {"refresh_all": "s", "refresh": "x", "retry": "z"}
    async with opened(FakeDeck(everybody(), config=FakeConfig(keys=keys))) as (app, pilot):
        await pilot.press("right", "left")
        assert [note.message for note in app._notifications] == [
            "[keys]: there is no action retry.",
            "[keys]: s is refresh_all now, no longer settings.",
        ]


async def test_the_screen_is_painted_again_after_it_was_suspended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(FakeDeck(everybody()[:1])) as (app, pilot):
        layouts: list[bool] = []
        monkeypatch.setattr(app, "refresh", lambda *, layout: layouts.append(layout))
        app.app_resume_signal.publish(app)
        await pilot.pause()
        monkeypatch.undo()
        assert layouts == [True]
