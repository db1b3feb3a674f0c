"""The settings: a list on the left, the page of the highlighted entry on the right.

Pages come from declarations (`tui.form`); what is entered stays in drafts until it is saved, also
while other pages are looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import ClassVar, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.worker import Worker, WorkerState

from tui.core.errors import internal_error
from tui.core.models import ProviderKey, ProviderState
from tui.deck_api import DeckApi, Unsubscribe
from tui.form import Answer, Draft, FormField, NotSaved, Page, Typed, error_text
from tui.messages import ProviderStateChanged, SettingsSaved
from tui.providers._spec import PathField, SecretField
from tui.screens.picker import FoundPicker, PathPicker, PickerScreen
from tui.screens.question import QuestionScreen
from tui.widgets.key_bar import KeyBar
from tui.widgets.secret_input import SecretInput
from tui.widgets.setting_row import SettingRow, Tone
from tui.widgets.settings_list import SettingsList
from tui.widgets.settings_page import SettingsPage

log = logging.getLogger("tui.screen")

ASK, SAVE = "ask", "save"
"""Groups of workers: what can be cancelled, and what must not."""
LOAD, STATE, STORE = "load", "state", "store"
"""Those that only show something."""
THEME = "theme"
Work: TypeAlias = Callable[[], Coroutine[None, None, None]]
SIDE_BY_SIDE = 70
"""From this width on list and page stand beside each other."""
BREAKPOINTS = [(0, "-narrow"), (SIDE_BY_SIDE, "-normal"), (110, "-wide")]


class SettingsScreen(Screen[None]):
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
    entries = query_one("#list", SettingsList)
    page = query_one("#page", SettingsPage)

    def __init__(self, deck: DeckApi, key: ProviderKey | None = None) -> None:
        super().__init__()
        self.deck = deck
        self._opened_for = key
        self._drafts: dict[ProviderKey | None, Draft] = {}
        self._unsubscribe: Unsubscribe = lambda: None
        self._theme_before = ""

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
        self._theme_before = self.app.theme
        self.query_one("#search").display = False
        self._unsubscribe = self.deck.engine.subscribe(self._heard)
        self.entries.fill(self.deck.pages.entries())
        self.entries.go_to(self._opened_for)
        await self._show(self.entries.key)
        if self._opened_for is None:
            self._enter_list()
        else:
            self._enter_page()
        self._run(self._find_store, STORE)

    def on_unmount(self) -> None:
        """Leave the engine."""
        self._unsubscribe()

    def _heard(self, state: ProviderState) -> None:
        self.post_message(ProviderStateChanged(state))

    async def _find_store(self) -> None:
        """Learn where secrets go, which may take a moment, and tell it on the page."""
        await self.deck.pages.find_store()
        for key in list(self._drafts):
            await self._load_again(key)

    @property
    def _draft(self) -> Draft | None:
        return self.page.draft

    async def _show(self, key: ProviderKey | None) -> None:
        """Show a page, with what was entered on it before."""
        if key not in self._drafts:
            self._drafts[key] = Draft(await self._load(key))
        await self.page.show(self._drafts[key])
        self.refresh_bindings()

    async def _load(self, key: ProviderKey | None) -> Page:
        return await self.deck.pages.load(key, tuple(sorted(self.app.available_themes)))

    async def _load_again(self, key: ProviderKey | None, *, forget_entries: bool = False) -> None:
        """Take what is saved now; what was entered stays, unless it was just saved."""
        page = await self._load(key)
        before = self._drafts.get(key)
        if before is not None and before.page == page and not forget_entries:
            return
        draft = Draft(page) if before is None or forget_entries else before.moved_to(page)
        self._drafts[key] = draft
        if self._draft is not None and self._draft.page.key == key:
            focused = self.page.row_of(self.focused)
            await self.page.show(draft)
            row = self.page.row(focused.field.key) if focused else None
            if row is not None:
                row.control.focus()
        self._mark()

    def set_focus(
        self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False
    ) -> None:
        """The page brings whole rows into sight by itself."""
        super().set_focus(widget, scroll_visible=False, from_app_focus=from_app_focus)

    # -- the list --------------------------------------------------------------------------------

    @on(OptionList.OptionHighlighted, "#list")
    def _highlighted(self, message: OptionList.OptionHighlighted) -> None:
        message.stop()
        if self._draft is None or self.entries.key != self._draft.page.key:
            self._cancel_asking()
            self._turn_to_page(self._show)

    @on(OptionList.OptionSelected, "#list")
    def _selected(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        self._turn_to_page(self._open)

    def _turn_to_page(
        self, show: Callable[[ProviderKey | None], Coroutine[None, None, None]]
    ) -> None:
        self._run(partial(show, self.entries.key), LOAD)

    async def _open(self, key: ProviderKey | None) -> None:
        if self._draft is None or self._draft.page.key != key:
            await self._show(key)
        self._enter_page()

    @on(ProviderStateChanged)
    def _state_changed(self, message: ProviderStateChanged) -> None:
        message.stop()
        self.entries.fill(self.deck.pages.entries())
        if self._draft is not None and self._draft.page.key == message.state.key:
            self._run(self._show_state, STATE)

    async def _show_state(self) -> None:
        if self._draft is not None:
            self.page.show_state(await self._load(self._draft.page.key))

    @on(Input.Changed, "#search")
    def _searched(self, message: Input.Changed) -> None:
        message.stop()
        self.entries.search(message.value)

    @on(Input.Submitted, "#search")
    def _found(self, message: Input.Submitted) -> None:
        message.stop()
        if not self.entries.is_empty:
            self.entries.focus()

    def _enter_page(self) -> None:
        self._turn_over(to_page=True)
        self.page.enter()

    def _enter_list(self) -> None:
        self._turn_over(to_page=False)
        self.entries.focus()

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

    # -- entering --------------------------------------------------------------------------------

    @on(SettingRow.Entered)
    def _entered(self, message: SettingRow.Entered) -> None:
        message.stop()
        draft, row = self._draft, self.page.row(message.key)
        if draft is None or row is None:
            return
        if row.field.shown(draft.entry(message.key)) != message.entry:
            draft.enter(message.key, message.entry)
            row.say("")
            self.page.update_rows()
            self._mark()
            self._preview(message.key, draft.in_force(message.key))
        if message.is_whole:
            row.say(*self._remark(draft, row.field))
            if row.has_focus_within:
                self.page.reveal(row)

    def _remark(self, draft: Draft, field: FormField) -> tuple[str, Tone]:
        """What there is to say about an entry at once."""
        if not draft.changed(field.key):
            return field.problem, "bad"
        if isinstance(draft.entry(field.key), Typed):
            found = self.deck.pages.describe_paste(draft, field.key)
            return found or f"It will be kept {draft.page.store}.", "plain"
        return draft.problems().get(field.key, ""), "bad"

    @on(SettingRow.Previewed)
    def _previewed(self, message: SettingRow.Previewed) -> None:
        message.stop()
        self._preview(message.key, message.word)

    def _preview(self, key: str, word: str) -> None:
        """A theme is best judged by looking at it."""
        if key == THEME and word in self.app.available_themes:
            self.app.theme = word

    @on(SettingRow.Done)
    def _done(self, message: SettingRow.Done) -> None:
        message.stop()
        self.focus_next()

    @on(SettingRow.OptionsRequested)
    def _choose(self, message: SettingRow.OptionsRequested) -> None:
        message.stop()
        draft, row = self._draft, self.page.row(message.key)
        if draft is None or row is None:
            return

        def take(value: str | None) -> None:
            if value is not None:
                row.put(value)
            row.control.focus()

        self.app.push_screen(self._picker(draft, row), take)

    def _picker(self, draft: Draft, row: SettingRow) -> PickerScreen:
        field, pages = row.field, self.deck.pages
        present = str(draft.entry(field.key) or field.standing)
        if isinstance(field.declared, PathField):
            return PathPicker(field.label, present, pages.folder)
        return FoundPicker(field.label, present, partial(pages.options, draft, field.key))

    def _mark(self) -> None:
        """Tell what is not saved."""
        unsaved = self._unsaved()
        self.entries.mark(frozenset(draft.page.key for draft in unsaved))
        names = ", ".join(draft.page.title for draft in unsaved)
        text = Content.assemble("settings", (f"   not saved: {names}", "$text-warning"))
        self.query_one("#heading", Static).update(text if names else Content("settings"))

    def _unsaved(self) -> list[Draft]:
        return [draft for draft in self._drafts.values() if draft.is_changed]

    def _focused_row(self) -> SettingRow | None:
        return self.page.row_of(self.focused)

    # -- asking ----------------------------------------------------------------------------------

    def action_test(self) -> None:
        """Ask the service with what stands in the form."""
        draft = self._draft
        if draft is not None and draft.page.key is not None:
            row = self._focused_row()
            self._ask(partial(self._test, draft, row.field.key if row else ""))

    async def _test(self, draft: Draft, asked_from: str) -> None:
        if await self._show_problems(draft):
            return
        self.page.say_nothing()
        self.page.say_busy(f"Asking {draft.page.title} … esc cancels.", asked_from)
        answer = await self.deck.pages.test(draft, asked_from)
        self.page.say_nothing()
        self.page.say(answer)

    @on(SettingsPage.ActionRequested)
    def _act(self, message: SettingsPage.ActionRequested) -> None:
        message.stop()
        if self._draft is not None:
            self._ask(partial(self._do, self._draft, message.action_id))

    async def _do(self, draft: Draft, action_id: str) -> None:
        self.page.say_on_top("Working … esc cancels.")
        answer = await self.deck.pages.act(draft, action_id, self.page.say_on_top)
        await self._load_again(draft.page.key)
        self.page.say(answer)

    def _ask(self, work: Work) -> None:
        self._run(work, ASK)

    def _run(self, work: Work, group: str) -> Worker[None]:
        """Work beside the screen, instead of what this group did before."""
        return self.run_worker(work, group=group, exclusive=True, exit_on_error=False)

    def _is_asking(self) -> bool:
        return any(w.group == ASK and not w.is_finished for w in self.workers)

    def _cancel_asking(self) -> None:
        if self._is_asking():
            self.workers.cancel_group(self, ASK)
            self.page.say_nothing()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        """A mistake of ours is a sentence on the page, never the end of the screen."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None and self.is_attached:
            log.error("the settings failed", exc_info=error)
            self.page.say_on_top(error_text(internal_error(error)), "bad")

    # -- saving ----------------------------------------------------------------------------------

    def action_save(self) -> None:
        """Save everything that changed, then ask the service once."""
        self._cancel_asking()
        row = self._focused_row()
        self._run_once(partial(self._save_and_ask, row.field.key if row else ""))

    async def _save_and_ask(self, asked_from: str) -> None:
        if not self._unsaved():
            self.page.say_on_top("Nothing has changed.")
        elif await self._save_all() and self._draft is not None:
            self.page.say_on_top("Saved.", "good")
            self._ask(partial(self._check, self._draft.page, asked_from))

    async def _check(self, page: Page, asked_from: str) -> None:
        answer = await self.deck.pages.ask(page, asked_from)
        if answer is not None:
            self.page.say(answer)

    async def _save_all(self) -> bool:
        """Whether everything is saved; otherwise the page that is not says why."""
        for draft in self._unsaved():
            key = draft.page.key
            if await self._show_problems(draft):
                return False
            try:
                await self.deck.pages.save(draft)
            except NotSaved as error:
                await self._turn_to(draft)
                self.page.say_on_top(str(error), "bad")
                return False
            self._theme_before = self.app.theme if key is None else self._theme_before
            await self._load_again(key, forget_entries=True)
            self.post_message(SettingsSaved(key.provider if key else ""))
        self.entries.fill(self.deck.pages.entries())
        return True

    async def _show_problems(self, draft: Draft) -> bool:
        """Whether entries are not allowed; they say why."""
        problems = draft.problems()
        if problems:
            await self._turn_to(draft)
            for key, why in problems.items():
                self.page.say(Answer(text=why, is_good=False, field=key))
        return bool(problems)

    async def _turn_to(self, draft: Draft) -> None:
        if self._draft is not draft:
            self.entries.search("")
            self.entries.go_to(draft.page.key)
            await self.page.show(draft)

    def _run_once(self, work: Work) -> None:
        """Saving is never cut off by a second key press."""
        if not any(w.group == SAVE and not w.is_finished for w in self.workers):
            self._run(work, SAVE)

    # -- taking back -----------------------------------------------------------------------------

    def action_reset(self) -> None:
        """Take an entry back; a secret that is kept is forgotten, after a question."""
        draft, row = self._draft, self._focused_row()
        if draft is None or row is None:
            return
        key, field = draft.page.key, row.field
        if not isinstance(field.declared, SecretField) or draft.changed(field.key):
            draft.enter(field.key, None)
            row.put(None)
            row.say("")
            self.page.update_rows()
            self._mark()
        elif field.is_kept and key is not None:
            self._ask_to_forget(key, field)
        else:
            row.say(f"It is {field.origin}; nothing of it is kept here.")

    def _ask_to_forget(self, key: ProviderKey, field: FormField) -> None:
        def answered(answer: str | None) -> None:
            if answer == "f":
                self._run_once(partial(self._forget, key, field))

        question = f"Forget the {field.label} ({field.origin})?"
        self.app.push_screen(QuestionScreen(question, (("f", "forget it"),)), answered)

    async def _forget(self, key: ProviderKey, field: FormField) -> None:
        try:
            await self.deck.pages.forget(key, field.key)
        except NotSaved as error:
            self.page.say_on_top(str(error), "bad")
            return
        await self._load_again(key)
        self.entries.fill(self.deck.pages.entries())
        self.post_message(SettingsSaved(key.provider))
        self.page.say(Answer(text="Forgotten.", is_good=True, field=field.key))

    # -- leaving ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing here are not shown."""
        if not self.is_mounted:
            return True
        if action == "test":
            return self._draft is not None and self._draft.page.key is not None
        if action == "reset":
            return self._focused_row() is not None
        if action == "search":
            return not isinstance(self.focused, Input | SecretInput)
        return True

    def action_search(self) -> None:
        """Type a part of a name."""
        self._turn_over(to_page=False)
        search = self.query_one("#search", Input)
        search.display = True
        search.focus()

    def action_back(self) -> None:
        """One step back: what runs, the search, the page, the settings."""
        search = self.query_one("#search", Input)
        if self._is_asking():
            self._cancel_asking()
            self.page.say_on_top("Cancelled.")
        elif search.display:
            search.value = ""
            search.display = False
            self.entries.focus()
        elif self._is_on_page():
            self._enter_list()
        else:
            self._leave(self.dismiss)

    def action_quit_asking(self) -> None:
        """End the program, after a question if something is not saved."""
        self._leave(self.app.exit)

    def _leave(self, leave: Callable[[], object]) -> None:
        unsaved = self._unsaved()
        if not unsaved:
            leave()
            return

        async def answered(answer: str | None) -> None:
            if answer == "d":
                self.app.theme = self._theme_before
                leave()
            elif answer == "s" and await self._save_all():
                leave()

        names = " and ".join(draft.page.title for draft in unsaved)
        question = f"Changes of {names} are not saved."
        choices = (("s", "save them"), ("d", "discard them"))
        self.app.push_screen(QuestionScreen(question, choices), answered)
