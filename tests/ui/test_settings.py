"""The settings by keyboard and mouse: on pages in memory, then on the real deck."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import respx
from textual import events
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Select, Static, Switch

from tests.support import FakeClock, payload
from tests.ui.deck import FakeDeck
from tests.ui.settings_deck import ALPHA, BETA, GAMMA, KEPT, FakePages, settings_deck
from tests.ui.states import good
from tui.app import UsageApp
from tui.core.errors import Unsupported
from tui.core.models import ProviderKey
from tui.core.redact import Secret
from tui.form import Answer
from tui.gateways.paths import Paths
from tui.messages import SettingsSaved
from tui.runtime import Deck, Options
from tui.screens.drafting import ASK
from tui.screens.picker import PickerScreen
from tui.screens.question import QuestionScreen
from tui.screens.settings import SettingsScreen
from tui.screens.welcome import WelcomeScreen
from tui.widgets.key_bar import KeyBar
from tui.widgets.provider_card import ProviderCard
from tui.widgets.secret_input import SecretInput
from tui.widgets.setting_row import SettingRow
from tui.widgets.settings_list import SettingsList
from tui.widgets.settings_page import Note, PageLink

Opened = tuple[SettingsScreen, Pilot[str]]


@asynccontextmanager
async def opened(
    deck: FakeDeck | Deck, key: ProviderKey | None = None, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[Opened]:
    """The settings above a started dashboard."""
    app = UsageApp(deck)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: deck.is_started)
        screen = SettingsScreen(deck, key)
        app.push_screen(screen)
        await until(pilot, lambda: shows(screen, key))
        yield screen, pilot


async def until(pilot: Pilot[str], holds: object) -> None:
    """Let the program work until something is so."""
    assert callable(holds)
    for _ in range(300):
        await pilot.pause()
        if holds():
            await pilot.pause()
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


def text_of(app: UsageApp | None, pilot: Pilot[str]) -> str:
    """What stands on the screen, line by line."""
    strips = pilot.app.screen._compositor.render_strips(pilot.app.size)
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def seen(pilot: Pilot[str]) -> str:
    return text_of(None, pilot)


def shows(screen: SettingsScreen, key: ProviderKey | None) -> bool:
    """Whether the page of an entry is shown, with its rows."""
    draft = screen.page.draft
    return draft is not None and draft.page.key == key and bool(list(screen.page.rows))


def row(screen: SettingsScreen, key: str) -> SettingRow:
    found = screen.page.row(key)
    assert found is not None
    return found


def said(screen: SettingsScreen, key: str = "") -> str:
    """The sentence beside a field, or on top of the page."""
    where = (
        row(screen, key).query_one(".said", Static) if key else screen.query_one("#said", Static)
    )
    return str(where.content) if where.display else ""


def facts(screen: SettingsScreen, key: str) -> str:
    return str(row(screen, key).query_one(".facts", Static).content)


def in_field(screen: SettingsScreen) -> str:
    found = screen.page.row_of(screen.focused)
    return found.field.key if found else ""


def pages(screen: SettingsScreen) -> FakePages:
    assert isinstance(screen.deck.pages, FakePages)
    return screen.deck.pages


async def go_to(screen: SettingsScreen, pilot: Pilot[str], key: str) -> None:
    row(screen, key).control.focus()
    await pilot.pause()


async def paste(screen: SettingsScreen, pilot: Pilot[str], text: str) -> None:
    assert screen.focused is not None
    screen.focused.post_message(events.Paste(text))
    await pilot.pause()
    await pilot.pause()


async def type_in(pilot: Pilot[str], text: str) -> None:
    await pilot.press(*text)
    await pilot.pause()


# -- the list --------------------------------------------------------------------------------------


async def test_the_program_comes_first_then_every_provider_with_its_sign() -> None:
    async with opened(settings_deck()) as (screen, _):
        lines = [str(option.prompt) for option in screen.entries.options]
    assert lines == ["  General", "● Alpha", "? Beta [b]Markup[/x]", "○ Gamma IDE"]


async def test_accounts_stand_below_their_provider() -> None:
    deck = settings_deck()
    deck.pages.tables["alpha"] = {"accounts": {"work": {"label": "Work"}}}
    async with opened(deck, ProviderKey("alpha", "work")) as (screen, pilot):
        assert str(screen.entries.options[2].prompt) == "  ○ work"
        assert "Alpha: work" in seen(pilot)
        assert row(screen, "label").control is screen.focused


async def test_opening_for_a_provider_goes_into_its_page() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        assert in_field(screen) == "enabled"
        assert "Alpha (unofficial)" in seen(pilot)


async def test_what_needs_setup_is_opened_where_the_key_goes() -> None:
    async with opened(settings_deck(), BETA) as (screen, _):
        assert in_field(screen) == "cookie_header"


async def test_arrows_turn_the_pages_and_enter_goes_in() -> None:
    async with opened(settings_deck()) as (screen, pilot):
        await pilot.press("down", "down", "down")
        await until(pilot, lambda: shows(screen, GAMMA))
        await pilot.press("enter")
        await until(pilot, lambda: in_field(screen) == "enabled")
        await pilot.press("escape")
        assert isinstance(screen.focused, SettingsList)


async def test_a_search_shows_fitting_names_and_escape_all_again() -> None:
    async with opened(settings_deck()) as (screen, pilot):
        await pilot.press("slash", *"m")
        await until(pilot, lambda: screen.entries.option_count == 2)
        await pilot.press("enter")
        assert isinstance(screen.focused, SettingsList)
        await pilot.press("slash", "escape")
        await until(pilot, lambda: screen.entries.option_count == 4)
        assert screen.is_current


async def test_the_only_name_that_fits_is_opened_at_once() -> None:
    async with opened(settings_deck()) as (screen, pilot):
        await pilot.press("slash", *"gam")
        await until(pilot, lambda: screen.entries.option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: shows(screen, GAMMA) and in_field(screen) == "enabled")


async def test_a_new_state_changes_the_sign_and_the_line_on_the_page() -> None:
    deck = settings_deck()
    async with opened(deck, BETA) as (screen, pilot):
        await go_to(screen, pilot, "cookie_header")
        await type_in(pilot, "half")
        state = good("beta")
        deck.pages.states[BETA] = state
        deck.engine.publish(state)
        await until(pilot, lambda: str(screen.entries.options[2].prompt).startswith("●"))
        assert "On." in str(screen.query_one("#state", Static).content)
        assert in_field(screen) == "cookie_header"
        assert screen._drafts[BETA].changed("cookie_header")


# -- fields ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("enabled", Select),
        ("api_key", SecretInput),
        ("region", Select),
        ("base_url", Input),
        ("strict", Switch),
        ("minutes", Input),
    ],
)
async def test_every_kind_of_field_has_its_control(key: str, kind: type[Widget]) -> None:
    async with opened(settings_deck(), ALPHA) as (screen, _):
        assert isinstance(row(screen, key).control, kind)


async def test_every_field_says_where_its_value_comes_from() -> None:
    deck = settings_deck()
    deck.pages.tables["alpha"] = {"region": "china"}
    async with opened(deck, ALPHA) as (screen, _):
        assert facts(screen, "api_key").startswith("stored in memory")
        assert facts(screen, "region") == "config.toml"
        assert facts(screen, "base_url") == "default · A gateway of your own."


async def test_a_field_appears_while_its_condition_is_being_chosen() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        assert not row(screen, "team_id").display
        await go_to(screen, pilot, "scope")
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: row(screen, "team_id").display)


async def test_tab_and_shift_tab_walk_through_the_fields() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await pilot.press("tab", "tab")
        assert in_field(screen) == "region"
        await pilot.press("shift+tab")
        assert in_field(screen) == "api_key"


async def test_enabled_has_three_states() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await pilot.press("enter", "down", "down", "enter", "ctrl+s")
        await until(pilot, lambda: pages(screen).saved)
        assert pages(screen).saved == [("alpha", {"enabled": False}, {})]
        await pilot.press("enter", "up", "enter", "ctrl+s")
        await until(pilot, lambda: len(pages(screen).saved) == 2)
        assert pages(screen).saved[1][1] == {"enabled": True}


async def test_a_wrong_entry_is_told_at_its_field_and_goes_nowhere() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "base_url")
        await type_in(pilot, "http://plain.example")
        for key in ("ctrl+t", "ctrl+s"):
            await pilot.press(key)
            await until(pilot, lambda: said(screen, "base_url"))
            assert "https" in said(screen, "base_url")
        assert (pages(screen).tested, pages(screen).saved) == ([], [])


async def test_a_wrong_saved_value_is_shown_and_kept() -> None:
    deck = settings_deck()
    deck.pages.tables["alpha"] = {"region": "[mars]"}
    async with opened(deck, ALPHA) as (screen, pilot):
        assert "[mars] (not allowed)" in seen(pilot)
        assert "is not allowed" in said(screen, "region")
        assert not screen._drafts[ALPHA].is_changed


async def test_the_footer_names_the_keys_of_the_place() -> None:
    async with opened(settings_deck()) as (screen, pilot):
        assert "⏎ open" in seen(pilot)
        assert "test" not in str(screen.query_one(KeyBar).render())
        await pilot.press("down", "enter", "tab")
        await until(pilot, lambda: "^t test" in str(screen.query_one(KeyBar).render()))
        assert "/ search" not in str(screen.query_one(KeyBar).render())


# -- secrets ---------------------------------------------------------------------------------------

TYPED = "sk-typed-by-hand"


async def test_a_typed_secret_is_nowhere_but_in_the_draft() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await type_in(pilot, TYPED)
        dom = [repr(node) for node in screen.walk_children(with_self=True)]
        statics = [str(node.content) for node in screen.query(Static)]
        shown = seen(pilot)
        everything = "\n".join(
            [*dom, *statics, shown, repr(screen._drafts), repr(screen.page.draft)]
        )
        assert TYPED not in everything
        assert "••••" in shown
        assert "16 characters" in shown
        assert screen._drafts[ALPHA].secrets() == {"api_key": Secret(TYPED)}


async def test_a_kept_secret_shows_dots_and_stays_when_nothing_is_entered() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        assert KEPT not in seen(pilot)
        assert "••••••••" in seen(pilot)
        await go_to(screen, pilot, "api_key")
        await type_in(pilot, "x")
        await pilot.press("backspace")
        await until(pilot, lambda: not screen._drafts[ALPHA].is_changed)


CURL = "curl 'https://beta.example/api' \\\r\n  -H 'Cookie: a=1; b=2' \\\r\n  --compressed"


async def test_a_paste_of_many_lines_is_one_value() -> None:
    async with opened(settings_deck(), BETA) as (screen, pilot):
        await paste(screen, pilot, CURL)
        await until(pilot, lambda: said(screen, "cookie_header"))
        assert said(screen, "cookie_header") == "Found 2 cookies for beta.example."
        assert in_field(screen) == "cookie_header"
        assert "in 3 lines" in seen(pilot)
        secret = screen._drafts[BETA].secrets()["cookie_header"]
        assert secret == Secret(CURL.replace("\r\n", "\n"))


async def test_a_terminal_that_pastes_by_typing_loses_nothing_either() -> None:
    async with opened(settings_deck(), BETA) as (screen, pilot):
        keys = [("enter" if c == "\n" else c) for c in "a=1;\nb=2"]
        for key in keys:
            pilot.app.screen.focused.post_message(  # type: ignore[union-attr]
                events.Key(key, None if key == "enter" else key)
            )
        await until(pilot, lambda: screen._drafts[BETA].is_changed)
        await asyncio.sleep(0.2)
        await pilot.pause()
        assert in_field(screen) == "cookie_header"
        assert screen._drafts[BETA].secrets()["cookie_header"] == Secret("a=1;\nb=2")


async def test_enter_ends_a_secret_and_goes_on() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await type_in(pilot, TYPED)
        await pilot.press("enter")
        await until(pilot, lambda: in_field(screen) == "region")
        assert screen._drafts[ALPHA].secrets() == {"api_key": Secret(TYPED)}
        assert said(screen, "api_key").startswith("It will be kept in memory")


async def test_a_secret_is_neither_copied_nor_cut() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await type_in(pilot, TYPED)
        await pilot.press("ctrl+shift+a", "ctrl+x", "shift+home", "super+c")
        assert pilot.app.clipboard == ""
        assert screen._drafts[ALPHA].secrets() == {"api_key": Secret(TYPED)}
        assert screen.get_selected_text() is None


async def test_a_secret_can_be_taken_back_character_by_character_or_at_once() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await type_in(pilot, "abc")
        await pilot.press("backspace")
        await pilot.pause()
        assert screen._drafts[ALPHA].secrets() == {"api_key": Secret("ab")}
        await pilot.press("ctrl+u")
        await until(pilot, lambda: not screen._drafts[ALPHA].is_changed)


async def test_letters_of_a_secret_are_no_keys_of_the_screen() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await type_in(pilot, "tq?/jkslu")
        assert pages(screen).tested == []
        assert screen._drafts[ALPHA].secrets() == {"api_key": Secret("tq?/jkslu")}


async def test_a_kept_secret_is_forgotten_after_a_question_only() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuestionScreen))
        assert KEPT not in seen(pilot)
        await pilot.press("escape")
        assert pages(screen).forgotten == []
        await pilot.press("ctrl+r", "f")
        await until(pilot, lambda: pages(screen).forgotten == ["alpha.api_key"])
        await until(pilot, lambda: facts(screen, "api_key").startswith("not set"))
        assert said(screen, "api_key") == "✓ Forgotten."


async def test_a_variable_cannot_be_forgotten_here() -> None:
    deck = settings_deck()
    deck.pages.env["ALPHA_KEY"] = "sk-from-outside"
    await deck.pages.store.delete("alpha", "api_key")
    async with opened(deck, ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: said(screen, "api_key"))
        assert "from ALPHA_KEY" in said(screen, "api_key")
        assert screen.is_current


# -- test ------------------------------------------------------------------------------------------


async def test_t_asks_with_what_is_entered_and_the_answer_stands_beside_the_field() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await paste(screen, pilot, TYPED)
        await pilot.press("escape", "t")
        await until(pilot, lambda: said(screen, "api_key").startswith("✓"))
        assert said(screen, "api_key") == "✓ Pro plan, 3 windows, 0.4 s"
        assert pages(screen).tested == [({}, {"api_key": Secret(TYPED)})]
        assert pages(screen).saved == []


async def test_a_rejected_key_says_so_and_what_to_do() -> None:
    deck = settings_deck()
    deck.pages.answer = Answer(
        text="The key was rejected (401). Create one at alpha.example.",
        is_good=False,
        field="api_key",
    )
    async with opened(deck, ALPHA) as (screen, pilot):
        await pilot.press("tab", "ctrl+t")
        await until(pilot, lambda: said(screen, "api_key").startswith("✗"))
        assert "Create one at" in said(screen, "api_key")
        assert row(screen, "api_key").query_one(".said").has_class("-bad")


async def test_a_running_test_can_be_ended() -> None:
    deck = settings_deck()
    deck.pages.hold = asyncio.Event()
    async with opened(deck, ALPHA) as (screen, pilot):
        await pilot.press("tab", "ctrl+t")
        await until(pilot, lambda: "esc cancels" in said(screen, "api_key"))
        await pilot.press("escape")
        await until(pilot, lambda: said(screen) == "Cancelled.")
        assert said(screen, "api_key") == ""
        assert in_field(screen) == "api_key"
        assert not screen.is_busy(ASK)


async def test_another_page_ends_the_test_of_the_first() -> None:
    deck = settings_deck()
    deck.pages.hold = asyncio.Event()
    async with opened(deck, ALPHA) as (screen, pilot):
        await pilot.press("escape", "t")
        await until(pilot, lambda: screen.is_busy(ASK))
        await pilot.press("down")
        await until(pilot, lambda: not screen.is_busy(ASK))
        deck.pages.hold.set()
        await pilot.pause()
        assert "Pro plan" not in seen(pilot)


async def test_the_program_itself_has_nothing_to_test() -> None:
    async with opened(settings_deck()) as (screen, pilot):
        await pilot.press("t", "ctrl+t")
        await pilot.pause()
        assert pages(screen).tested == []


async def test_a_mistake_of_ours_is_a_sentence_without_details() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        pages(screen).failure = RuntimeError(KEPT)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: said(screen))
        assert said(screen).startswith("✗ Internal error (RuntimeError).")
        assert KEPT not in seen(pilot)


async def test_an_action_shows_its_button_and_what_it_says_meanwhile() -> None:
    deck = settings_deck()
    deck.pages.hold = asyncio.Event()
    async with opened(deck, ALPHA) as (screen, pilot):
        screen.query_one(Button).press()
        await until(pilot, lambda: "ABCD-1234" in said(screen))
        deck.pages.hold.set()
        await until(pilot, lambda: said(screen) == "✓ Did login.")


# -- save ------------------------------------------------------------------------------------------


async def test_saving_writes_what_changed_and_nothing_else() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await paste(screen, pilot, TYPED)
        await go_to(screen, pilot, "strict")
        await pilot.press("space")
        await until(pilot, lambda: facts(screen, "strict").startswith("not saved"))
        assert "not saved: Alpha" in seen(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pages(screen).saved)
        assert pages(screen).saved == [("alpha", {"strict": True}, {"api_key": Secret(TYPED)})]
        await until(pilot, lambda: said(screen) == "✓ Saved.")
        assert "not saved" not in seen(pilot)
        assert in_field(screen) == "strict"


async def test_the_provider_is_asked_after_a_save() -> None:
    deck = settings_deck()
    deck.pages.asked = Answer(text="Pro plan, 1 window, 0.2 s", is_good=True, field="strict")
    async with opened(deck, ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "strict")
        await pilot.press("space", "ctrl+s")
        await until(pilot, lambda: "Pro plan" in said(screen, "strict"))


async def test_what_cannot_be_saved_stays_in_the_form() -> None:
    deck = settings_deck()
    deck.pages.refusal = (
        "config.toml could not be saved (No space left on device); it is as it was."
    )
    async with opened(deck, ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await paste(screen, pilot, TYPED)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: said(screen))
        assert "No space left" in said(screen)
        assert screen._drafts[ALPHA].secrets() == {"api_key": Secret(TYPED)}
        assert await deck.pages.store.get("alpha", "api_key") == Secret(KEPT)


async def test_nothing_changed_is_nothing_saved() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await pilot.press("ctrl+s")
        await until(pilot, lambda: said(screen) == "Nothing has changed.")
        assert pages(screen).saved == []


async def test_entries_of_several_pages_wait_and_are_saved_together() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await go_to(screen, pilot, "strict")
        await pilot.press("space", "escape", "down")
        await until(pilot, lambda: shows(screen, BETA))
        await pilot.press("enter")
        await until(pilot, lambda: in_field(screen) == "cookie_header")
        await paste(screen, pilot, "a=1")
        assert str(screen.entries.options[1].prompt) == "● Alpha *"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(pages(screen).saved) == 2)
        assert [key for key, _, _ in pages(screen).saved] == ["alpha", "beta"]


async def test_reset_takes_an_entry_back() -> None:
    deck = settings_deck()
    deck.pages.tables["alpha"] = {"base_url": "https://gw.example", "strict": True}
    async with opened(deck, ALPHA) as (screen, pilot):
        for key in ("base_url", "strict"):
            await go_to(screen, pilot, key)
            await pilot.press("ctrl+r")
        await until(pilot, lambda: not row(screen, "strict").query_one(Switch).value)
        assert screen._drafts[ALPHA].values() == {"base_url": None, "strict": None}


# -- leaving ---------------------------------------------------------------------------------------


async def changed(screen: SettingsScreen, pilot: Pilot[str]) -> None:
    """Alpha is changed, the list has the focus."""
    await go_to(screen, pilot, "strict")
    await pilot.press("space", "escape")
    await until(pilot, lambda: isinstance(screen.focused, SettingsList))


async def test_leaving_asks_nothing_when_nothing_changed() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not screen.is_current)
        assert pilot.app.screen is pilot.app.screen_stack[0]


@pytest.mark.parametrize(
    ("key", "saved", "left"), [("s", 1, True), ("d", 0, True), ("escape", 0, False)]
)
async def test_leaving_asks_when_something_changed(key: str, saved: int, left: bool) -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await changed(screen, pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuestionScreen))
        assert "Changes of Alpha are not saved." in seen(pilot)
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(pilot.app.screen, QuestionScreen))
        await until(pilot, lambda: (screen not in pilot.app.screen_stack) == left)
        assert len(pages(screen).saved) == saved


async def test_quitting_asks_too() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        await changed(screen, pilot)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuestionScreen))


# -- the program itself ----------------------------------------------------------------------------


async def test_a_theme_is_tried_on_while_it_is_looked_at() -> None:
    async with opened(settings_deck()) as (screen, pilot):
        await go_to(screen, pilot, "theme")
        await pilot.press("enter", "up")
        tried = pilot.app.theme
        assert tried != "textual-dark"
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.theme == "textual-dark")
        await pilot.press("enter", "up", "enter")
        await until(pilot, lambda: screen._drafts[None].values() == {"theme": tried})
        await pilot.press("escape", "escape", "d")
        await until(pilot, lambda: not screen.is_current)
        assert pilot.app.theme == "textual-dark"


async def test_a_theme_that_is_reset_is_the_old_one_again() -> None:
    async with opened(settings_deck()) as (screen, pilot):
        await go_to(screen, pilot, "theme")
        await pilot.press("enter", "up", "enter")
        await until(pilot, lambda: screen._drafts[None].is_changed)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: not screen._drafts[None].is_changed)
        assert pilot.app.theme == "textual-dark"


async def test_global_settings_are_saved_as_the_file_wants_them() -> None:
    async with opened(settings_deck()) as (screen, pilot):
        await go_to(screen, pilot, "cadence")
        await pilot.press("enter", "down", "enter")
        await go_to(screen, pilot, "privacy")
        await pilot.press("space", "ctrl+s")
        await until(pilot, lambda: pages(screen).saved)
        assert pages(screen).saved == [("", {"cadence": 1, "privacy": True}, {})]


# -- choosing --------------------------------------------------------------------------------------


async def test_found_names_are_offered_and_the_chosen_one_is_entered() -> None:
    async with opened(settings_deck(), GAMMA) as (screen, pilot):
        await go_to(screen, pilot, "ide")
        await pilot.press("down")
        await until(pilot, lambda: "IDEA [2026]" in seen(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: screen.is_current)
        await until(pilot, lambda: screen._drafts[GAMMA].values() == {"ide": "idea"})
        assert in_field(screen) == "ide"


async def test_looking_for_names_holds_nothing_up_and_can_fail_with_a_sentence() -> None:
    deck = settings_deck()
    deck.pages.error = Unsupported("The list cannot be read.", hint="Sign in first.")
    async with opened(deck, GAMMA) as (screen, pilot):
        await go_to(screen, pilot, "ide")
        await pilot.press("down")
        await until(pilot, lambda: "The list cannot be read. Sign in first." in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: screen.is_current)
        assert not screen._drafts[GAMMA].is_changed


async def test_a_mistake_while_looking_is_a_sentence_too() -> None:
    deck = settings_deck()
    deck.pages.error = RuntimeError(KEPT)
    async with opened(deck, GAMMA) as (screen, pilot):
        await go_to(screen, pilot, "ide")
        await pilot.press("down")
        await until(pilot, lambda: "Internal error (RuntimeError)." in seen(pilot))
        assert KEPT not in seen(pilot)


async def test_a_path_is_found_by_walking() -> None:
    async with opened(settings_deck(), GAMMA) as (screen, pilot):
        await go_to(screen, pilot, "ide_path")
        await pilot.press("down")
        await until(pilot, lambda: "a [x].xml" in seen(pilot))
        picker = pilot.app.screen
        assert isinstance(picker, PickerScreen)
        picker.query_one(OptionList).action_last()
        await pilot.press("enter")
        await until(pilot, lambda: screen.is_current)
        written = str(Path("/home/mia") / "a [x].xml")
        await until(pilot, lambda: screen._drafts[GAMMA].values() == {"ide_path": written})


async def test_a_folder_that_cannot_be_read_is_no_dead_end() -> None:
    async with opened(settings_deck(), GAMMA) as (screen, pilot):
        await go_to(screen, pilot, "ide_path")
        await pilot.press("down")
        await until(pilot, lambda: "closed/" in seen(pilot))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: "It cannot be read" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "projects/" in seen(pilot))


async def test_the_arrow_opens_the_choices_by_mouse() -> None:
    async with opened(settings_deck(), GAMMA) as (_, pilot):
        assert await pilot.click("#row-ide .pick-arrow")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickerScreen))


async def test_list_switch_and_link_work_by_mouse() -> None:
    async with opened(settings_deck()) as (screen, pilot):
        await pilot.click("#list", offset=(5, 1))
        await until(pilot, lambda: shows(screen, ALPHA))
        await pilot.click("#row-strict Switch")
        await until(pilot, lambda: screen._drafts[ALPHA].values() == {"strict": True})
        await pilot.click("#row-api_key SecretInput")
        assert in_field(screen) == "api_key"


async def test_a_kept_login_tells_where_it_is_from() -> None:
    deck = settings_deck()
    deck.pages.kept_logins[BETA] = (("Session", "Chromium: Default, kept 2h ago"),)
    async with opened(deck, BETA) as (_, pilot):
        await until(pilot, lambda: "Chromium: Default, kept 2h ago" in seen(pilot))


async def test_addresses_are_printed_and_copied() -> None:
    async with opened(settings_deck(), ALPHA) as (screen, pilot):
        screen.query(PageLink).last().focus()
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.clipboard == "https://alpha.example/settings/keys")
        assert "https://alpha.example/settings/keys" in seen(pilot)


# -- sizes -----------------------------------------------------------------------------------------


async def test_a_narrow_terminal_shows_list_and_page_one_at_a_time() -> None:
    async with opened(settings_deck(), size=(40, 12)) as (screen, pilot):
        assert screen.left.display
        assert not screen.page.display
        await pilot.press("down", "enter")
        await until(pilot, lambda: in_field(screen) == "enabled")
        assert not screen.left.display
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: screen.left.display and screen.page.display)
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: not screen.left.display)
        await pilot.press("escape")
        await until(pilot, lambda: screen.left.display)
        assert isinstance(screen.focused, SettingsList)


async def test_a_page_that_is_not_in_sight_is_not_tested() -> None:
    async with opened(settings_deck(), ALPHA, size=(40, 12)) as (screen, pilot):
        assert "t test" in str(screen.query_one(KeyBar).render())
        await pilot.press("escape")
        await until(pilot, lambda: "t test" not in str(screen.query_one(KeyBar).render()))
        await pilot.press("t", "ctrl+t")
        await pilot.pause()
        assert not pages(screen).tested


async def test_the_answer_is_in_sight_on_the_smallest_screen() -> None:
    async with opened(settings_deck(), ALPHA, size=(40, 12)) as (_, pilot):
        await pilot.press("tab", "ctrl+t")
        await until(pilot, lambda: "✓ Pro plan, 3 windows, 0.4 s" in seen(pilot))


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("key", [None, ALPHA], ids=str)
async def test_nothing_is_cut_at_any_width(width: int, key: ProviderKey | None) -> None:
    async with opened(settings_deck(), key, size=(width, 30)) as (screen, pilot):
        await pilot.pause()
        labels = [*screen.query(".label").results(Static), screen.query_one("#heading", Static)]
        for label in labels:
            if label.size.width:
                assert label.content_region.width >= len(str(label.content)), label.content
        assert screen.query_one(VerticalScroll).max_scroll_x == 0
        for line in seen(pilot).splitlines():
            assert len(line) <= width
        for note in screen.query(Note):
            assert not note.region or note.region.right <= width


# -- on the real deck ------------------------------------------------------------------------------

CREDITS = "https://kimi-k2.ai/api/user/credits"
RELAY = ProviderKey("kimi-k2")


def real_deck(home: Path, config: str = "") -> Deck:
    folder = home / "quotadeck"
    folder.mkdir()
    (folder / "config.toml").write_text(config)
    return Deck(
        env={"HOME": str(home), "LANG": "C.UTF-8"},
        paths=Paths(
            config_file=folder / "config.toml",
            data=folder / "data",
            state=folder / "state",
            cache=folder / "cache",
            home=home,
        ),
        clock=FakeClock(),
        options=Options(log_to_file=False),
    )


@asynccontextmanager
async def at_the_relay(home: Path, config: str = "") -> AsyncIterator[Opened]:
    """The key field of a real provider, on the real deck."""
    async with opened(real_deck(home, config), RELAY) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        yield screen, pilot


@respx.mock
async def test_a_key_is_tested_by_the_real_chain_then_saved(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    good_answer = httpx.Response(200, content=payload("kimi-k2", "flat.json"))
    route = respx_mock.get(CREDITS).mock(return_value=good_answer)
    config = '[providers.kimi-k2]\napi_key = "old-key-by-hand"\n'
    async with at_the_relay(home, config) as (screen, pilot):
        assert facts(screen, "api_key").startswith("config.toml")
        await paste(screen, pilot, "new-key-by-hand")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: said(screen, "api_key").startswith("✓"))
        assert route.calls.last.request.headers["authorization"] == "Bearer new-key-by-hand"
        assert "old-key-by-hand" in (home / "quotadeck/config.toml").read_text()

        await pilot.press("ctrl+s")
        await until(pilot, lambda: "0600 file" in facts(screen, "api_key"))
        await until(pilot, lambda: said(screen, "api_key").startswith("✓"))
        assert "new-key-by-hand" in (home / "quotadeck/data/credentials.json").read_text()
        assert tomllib.loads((home / "quotadeck/config.toml").read_text()) == {"version": 1}
        assert screen.deck.engine.state(RELAY).snapshot is not None


@respx.mock
async def test_a_key_the_service_rejects_is_told_at_the_key(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(CREDITS).mock(return_value=httpx.Response(401, json={}))
    async with at_the_relay(home) as (screen, pilot):
        await paste(screen, pilot, "bad-key-by-hand")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: said(screen, "api_key").startswith("✗"))
        assert "bad-key-by-hand" not in seen(pilot)
        assert not (home / "quotadeck/data/credentials.json").exists()


async def test_a_broken_settings_file_costs_neither_the_old_key_nor_the_new_one(
    home: Path,
) -> None:
    async with at_the_relay(home) as (screen, pilot):
        store = screen.deck.accounts.world.store  # type: ignore[attr-defined]
        await store.set(str(RELAY), "api_key", Secret("old-key-by-hand"))
        (home / "quotadeck/config.toml").write_text("cadence = \n")
        await paste(screen, pilot, "new-key-by-hand")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: said(screen).startswith("✗"))
        assert "config.toml is not changed: correct line 1" in said(screen)
        assert await store.get(str(RELAY), "api_key") == Secret("old-key-by-hand")
        assert screen._drafts[RELAY].secrets() == {"api_key": Secret("new-key-by-hand")}


@pytest.mark.parametrize(
    ("config", "provider", "field"),
    [
        pytest.param("", "kimi-k2", "api_key", id="a key switches it on"),
        pytest.param("", "claude", "enabled", id="a browser may have the login"),
        pytest.param("", "kiro", "enabled", id="there is no key"),
        pytest.param("[providers.kimi-k2]\nenabled = false\n", "kimi-k2", "enabled", id="off"),
    ],
)
async def test_a_provider_that_waits_for_its_key_is_opened_there(
    home: Path, config: str, provider: str, field: str
) -> None:
    async with opened(real_deck(home, config), ProviderKey(provider)) as (screen, _):
        assert in_field(screen) == field


@respx.mock
async def test_a_saved_provider_has_its_card_while_the_settings_stay_open(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    good_answer = httpx.Response(200, content=payload("kimi-k2", "flat.json"))
    respx_mock.get(CREDITS).mock(return_value=good_answer)
    deck = real_deck(home)
    async with opened(deck, RELAY) as (screen, pilot):
        await go_to(screen, pilot, "api_key")
        await paste(screen, pilot, "new-key-by-hand")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: [card.key for card in cards(pilot)] == [RELAY])
        await until(pilot, lambda: deck.engine.state(RELAY).snapshot is not None)
        assert screen.is_current
        assert in_field(screen) == "api_key"


async def test_switching_the_last_provider_off_leaves_the_settings_in_front(home: Path) -> None:
    config = "[providers.kimi-k2]\nenabled = true\n"
    async with opened(real_deck(home, config), RELAY) as (screen, pilot):
        await go_to(screen, pilot, "enabled")
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: screen._drafts[RELAY].is_changed)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not cards(pilot))
        assert screen.is_current
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, WelcomeScreen))


async def test_a_theme_that_is_looked_at_stays_while_another_page_is_saved(home: Path) -> None:
    async with opened(real_deck(home)) as (screen, pilot):
        await go_to(screen, pilot, "theme")
        await pilot.press("enter", "up", "enter")
        await until(pilot, lambda: pilot.app.theme != "textual-dark")
        looked_at = pilot.app.theme
        screen.post_message(SettingsSaved(str(RELAY)))
        await pilot.pause()
        assert pilot.app.theme == looked_at


def cards(pilot: Pilot[str]) -> list[ProviderCard]:
    """What lies below the settings."""
    assert isinstance(pilot.app, UsageApp)
    return pilot.app.dashboard.grid.cards


@pytest.mark.parametrize("width", [40, 120])
async def test_every_real_page_fits(home: Path, width: int) -> None:
    async with opened(real_deck(home), None, size=(width, 40)) as (screen, pilot):
        screen.entries.focus()
        for entry in screen.deck.pages.entries():
            await pilot.press("down")
            await until(pilot, lambda key=entry.key: shows(screen, key))
            await pilot.press("enter")
            await pilot.pause()
            for label in screen.page.query(".label").results(Static):
                longest = max(map(len, str(label.content).split()))
                assert label.content_region.width >= longest or not label.region, label.content
            assert screen.page.max_scroll_x == 0
            await pilot.press("escape")


@pytest.mark.parametrize("pause_s", [0.005, 0.02, 0.1])
async def test_a_held_arrow_key_leads_down_the_list_and_not_out(home: Path, pause_s: float) -> None:
    """Turning a page takes longer than a key needs to repeat; no turning is broken off halfway."""
    async with opened(real_deck(home)) as (screen, pilot):
        for _ in range(40):
            screen.entries.action_cursor_down()
            await asyncio.sleep(pause_s)
        await until(pilot, lambda: shows(screen, screen.entries.key))
        assert row(screen, "enabled").query_one(".facts", Static).content
        assert pilot.app.is_running
