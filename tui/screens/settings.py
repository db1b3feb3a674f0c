"""The settings: a list on the left, the page of the highlighted entry on the right."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Input, OptionList, Static

from tui.core.models import ProviderKey, ProviderState
from tui.deck_api import DeckApi, Unsubscribe
from tui.messages import ProviderStateChanged
from tui.screens.drafting import ASK, DraftingScreen
from tui.screens.question import QuestionScreen
from tui.widgets.key_bar import KeyBar
from tui.widgets.secret_input import SecretInput
from tui.widgets.settings_list import SettingsList
from tui.widgets.settings_page import SettingsPage

LOAD, STATE, STORE = "load", "state", "store"
"""Groups of workers that only show something."""
SIDE_BY_SIDE = 70
"""From this width on list and page stand beside each other."""
BREAKPOINTS = [(0, "-narrow"), (SIDE_BY_SIDE, "-normal"), (110, "-wide")]


class SettingsScreen(DraftingScreen):
    """Everything that can be set, by keyboard or mouse.

    Args:
        key: Whose page to open; `None` opens the list at the general page.
    """

    AUTO_FOCUS = ""
    CSS_PATH = "settings.tcss"
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "test", "test", id="settings.test"),
        Binding("ctrl+t", "test", "test", id="settings.test_anywhere"),
        Binding("escape", "back", "back", id="settings.back"),
        Binding("ctrl+s", "save", "save", id="settings.save"),
        Binding("ctrl+r", "reset", "reset", id="settings.reset"),
        Binding("slash", "search", "search", id="settings.search"),
        Binding("q", "quit_asking", "quit", id="quit"),
    ]

    left = query_one("#left", Vertical)
    search = query_one("#search", Input)
    entries = query_one("#list", SettingsList)

    def __init__(self, deck: DeckApi, key: ProviderKey | None = None) -> None:
        super().__init__(deck)
        self._opened_for = key
        self._unsubscribe: Unsubscribe = lambda: None

    def compose(self) -> ComposeResult:
        """List and page side by side; one at a time where it is narrow."""
        yield Static("settings", id="heading", markup=False)
        with Horizontal(id="both"):
            with Vertical(id="left"):
                yield Input(id="search", placeholder="part of a name", compact=True)
                yield SettingsList(ascii_only=self.deck.prefs.ascii)
            yield SettingsPage(ascii_only=self.deck.prefs.ascii)
        yield KeyBar()

    # -- bringing it up --------------------------------------------------------------------------

    async def on_mount(self) -> None:
        """Open at the wanted page."""
        self.saved_theme = self.app.theme
        self.search.display = False
        self.search.cursor_blink = False
        self._unsubscribe = self.deck.engine.subscribe(self._heard)
        self.page_saved()
        self.turn_to(self._opened_for)
        await self.show(self.entries.key)
        if self._opened_for is None:
            self._enter_list()
        else:
            self._enter_page()
        self.run(self._find_store, STORE)

    def on_unmount(self) -> None:
        """Leave the engine."""
        self._unsubscribe()

    async def _find_store(self) -> None:
        """Learn where secrets go, which may take a moment, and tell it on the page."""
        await self.deck.pages.find_store()
        await self.load_anew()

    def _heard(self, state: ProviderState) -> None:
        self.post_message(ProviderStateChanged(state))

    @on(ProviderStateChanged)
    def _state_changed(self, message: ProviderStateChanged) -> None:
        message.stop()
        self.entries.fill(self.deck.pages.entries())
        if self.draft is not None and self.draft.page.key == message.state.key:
            self.run(self._show_state, STATE)

    async def _show_state(self) -> None:
        if self.draft is not None:
            self.page.show_state(await self.load(self.draft.page.key))

    # -- what the pages tell ---------------------------------------------------------------------

    def draft_changed(self) -> None:
        """Tell what is not saved."""
        unsaved = self.unsaved()
        self.entries.mark(frozenset(draft.page.key for draft in unsaved))
        names = ", ".join(draft.page.title for draft in unsaved)
        told = (f"   not saved: {names}", "$text-warning") if names else ""
        self.query_one("#heading", Static).update(Content.assemble("settings", told))

    def page_saved(self) -> None:
        """Signs and accounts may be others now."""
        self.entries.fill(self.deck.pages.entries())

    def turn_to(self, key: ProviderKey | None) -> None:
        """Highlight the entry of a page."""
        self.search.value = ""
        self.entries.search("")
        self.entries.go_to(key)

    # -- the list --------------------------------------------------------------------------------

    @on(OptionList.OptionHighlighted, "#list")
    def _highlighted(self, message: OptionList.OptionHighlighted) -> None:
        message.stop()
        if not self._shows(self.entries.key):
            self.cancel_asking()
            self._load_page(self.show)

    @on(OptionList.OptionSelected, "#list")
    def _selected(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        self._load_page(self._open)

    def _load_page(self, show: Callable[[ProviderKey | None], Coroutine[None, None, None]]) -> None:
        self.run(partial(show, self.entries.key), LOAD)

    async def _open(self, key: ProviderKey | None) -> None:
        if not self._shows(key):
            await self.show(key)
        self._enter_page()

    def _shows(self, key: ProviderKey | None) -> bool:
        return self.draft is not None and self.draft.page.key == key

    @on(Input.Changed, "#search")
    def _searched(self, message: Input.Changed) -> None:
        message.stop()
        self.entries.search(message.value)

    @on(Input.Submitted, "#search")
    def _found(self, message: Input.Submitted) -> None:
        message.stop()
        if self.entries.option_count == 1:
            self._load_page(self._open)
        elif not self.entries.is_empty:
            self.set_focus(self.entries)

    def action_search(self) -> None:
        """Type a part of a name."""
        self._turn_over(to_page=False)
        self.search.display = True
        self.set_focus(self.search)

    # -- going to and fro ------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing here are not shown."""
        if not self.is_mounted:
            return True
        if action == "test":
            draft = self.draft
            return self.page.display and draft is not None and draft.page.key is not None
        if action == "reset":
            return self.focused_row() is not None
        if action == "search":
            return not isinstance(self.focused, Input | SecretInput)
        return True

    def _enter_page(self) -> None:
        self._turn_over(to_page=True)
        self.set_focus(self.page.entrance())

    def _enter_list(self) -> None:
        self._turn_over(to_page=False)
        self.set_focus(self.entries)

    def _turn_over(self, *, to_page: bool) -> None:
        """Where it is narrow, list and page are like two sides of a sheet."""
        is_narrow = self.app.size.width < SIDE_BY_SIDE
        self.left.display = not (is_narrow and to_page)
        self.page.display = to_page or not is_narrow

    def _is_on_page(self) -> bool:
        return self.page.has_focus_within or not self.left.display

    def on_resize(self) -> None:
        """Another width may have room for both."""
        self._turn_over(to_page=self._is_on_page())

    def action_back(self) -> None:
        """One step back: what runs, the page, the search, the settings."""
        if self.is_busy(ASK):
            self.cancel_asking()
            self.page.say_on_top("Cancelled.")
        elif self._is_on_page():
            self._enter_list()
        elif self.search.display:
            self.search.value = ""
            self.search.display = False
            self.set_focus(self.entries)
        else:
            self._leave(self.dismiss)

    def action_quit_asking(self) -> None:
        """End the program, after a question if something is not saved."""
        self._leave(self.app.exit)

    def _leave(self, leave: Callable[[], object]) -> None:
        unsaved = self.unsaved()
        if not unsaved:
            leave()
            return

        async def answered(answer: str | None) -> None:
            if answer == "d":
                self.app.theme = self.saved_theme
                leave()
            elif answer == "s" and await self.save_all():
                leave()

        names = " and ".join(draft.page.title for draft in unsaved)
        question = f"Changes of {names} are not saved."
        choices = (("s", "save them"), ("d", "discard them"))
        self.app.push_screen(QuestionScreen(question, choices), answered)
