"""Working on pages: what is entered, asked, saved and taken back.

Everything of the settings but the list; entries stay in drafts until they are saved, also while
other pages are looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TypeAlias

from textual import on
from textual.getters import query_one
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from tui.core.errors import internal_error
from tui.core.models import ProviderKey
from tui.deck_api import DeckApi
from tui.form import Answer, Draft, Entry, FormField, NotSaved, Page, Typed, error_text
from tui.messages import SettingsSaved
from tui.providers._spec import PathField, SecretField
from tui.screens.picker import FoundPicker, PathPicker, PickerScreen
from tui.screens.question import QuestionScreen
from tui.widgets.setting_row import SettingRow
from tui.widgets.settings_page import SettingsPage

log = logging.getLogger("tui.screen")

Work: TypeAlias = Callable[[], Coroutine[None, None, None]]
ASK, SAVE = "ask", "save"
"""Groups of workers: what can be cancelled, and what must not."""
LOGINS = "logins"
THEME = "theme"


class DraftingScreen(Screen[None]):
    """A page and the drafts of all pages that were looked at."""

    page = query_one("#page", SettingsPage)

    def __init__(self, deck: DeckApi) -> None:
        super().__init__()
        self.deck = deck
        self.saved_theme = ""
        """The theme to return to when a preview is not saved."""
        self._drafts: dict[ProviderKey | None, Draft] = {}

    @property
    def draft(self) -> Draft | None:
        """The draft of the page that is shown."""
        return self.page.draft

    def unsaved(self) -> list[Draft]:
        """The drafts with something to save."""
        return [draft for draft in self._drafts.values() if draft.is_changed]

    def draft_changed(self) -> None:
        """There is more or less to save than before."""

    def page_saved(self) -> None:
        """Providers may be on or off now."""

    def turn_to(self, key: ProviderKey | None) -> None:
        """The page of this entry is shown now."""

    # -- pages -----------------------------------------------------------------------------------

    async def show(self, key: ProviderKey | None) -> None:
        """Show a page, with what was entered on it before."""
        if key not in self._drafts:
            self._drafts[key] = Draft(await self.load(key))
        await self._turn_page(self._drafts[key])
        self.refresh_bindings()

    async def _turn_page(self, draft: Draft) -> None:
        await self.page.show(draft)
        if draft.page.key is not None:
            self.run(partial(self._show_logins, draft, draft.page.key), LOGINS)

    async def _show_logins(self, draft: Draft, key: ProviderKey) -> None:
        """Reading what is kept may take a moment; the page does not wait for it."""
        logins = await self.deck.pages.logins(key)
        if self.draft is draft:
            self.page.add_notes(logins)

    async def load(self, key: ProviderKey | None) -> Page:
        """A page as it is saved now."""
        return await self.deck.pages.load(key, tuple(sorted(self.app.available_themes)))

    async def load_anew(self) -> None:
        """Take over what is saved now; what was entered stays."""
        for key in list(self._drafts):
            await self._load_again(key)

    async def _load_again(self, key: ProviderKey | None, *, forget_entries: bool = False) -> None:
        page, before = await self.load(key), self._drafts[key]
        if before.page == page and not forget_entries:
            return
        self._drafts[key] = Draft(page) if forget_entries else before.moved_to(page)
        if self.draft is before:
            await self._show_in_place(self._drafts[key])
        self.draft_changed()

    async def _show_in_place(self, draft: Draft) -> None:
        """Show the same page anew, with the focus where it was."""
        focused = self.focused_row()
        await self._turn_page(draft)
        row = self.page.row(focused.field.key) if focused else None
        if row is not None:
            self.set_focus(row.control)

    def set_focus(
        self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False
    ) -> None:
        """The page brings whole rows into sight by itself."""
        super().set_focus(widget, scroll_visible=False, from_app_focus=from_app_focus)

    def focused_row(self) -> SettingRow | None:
        """The row the user is in."""
        return self.page.row_of(self.focused)

    def _focused_key(self) -> str:
        row = self.focused_row()
        return row.field.key if row else ""

    # -- entering --------------------------------------------------------------------------------

    @on(SettingRow.Entered)
    def _entered(self, message: SettingRow.Entered) -> None:
        message.stop()
        draft, row = self.draft, message.row
        if draft is None or not row.is_attached or not draft.page.holds(row.field):
            return  # the page was turned meanwhile
        if draft.is_news(row.field.key, message.entry):
            self._enter(draft, row, message.entry)
        if message.is_whole:
            self._remark(draft, row)
            if row.has_focus_within:
                self.page.reveal(row)

    def _enter(self, draft: Draft, row: SettingRow, entry: Entry) -> None:
        key = row.field.key
        draft.enter(key, entry)
        row.say("")
        self.page.say_on_top("")
        self.page.update_rows()
        self.draft_changed()
        self._preview(key, draft.in_force(key))

    def _remark(self, draft: Draft, row: SettingRow) -> None:
        """Say at once what there is to say about an entry."""
        key = row.field.key
        if not draft.changed(key):
            row.say_nothing()
        elif isinstance(draft.entry(key), Typed):
            found = self.deck.pages.describe_paste(draft, key)
            row.say(found or f"It will be kept {draft.page.store}.")
        else:
            row.say(draft.problems().get(key, ""), "bad")

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
        draft, row = self.draft, message.row
        if draft is None:
            return

        def take(value: str | None) -> None:
            if value is not None:
                row.put(value)
            self.set_focus(row.control)

        self.app.push_screen(self._picker(draft, row.field), take)

    def _picker(self, draft: Draft, field: FormField) -> PickerScreen:
        pages = self.deck.pages
        present = str(draft.entry(field.key) or field.standing)
        if isinstance(field.declared, PathField):
            return PathPicker(field.label, present, pages.folder)
        return FoundPicker(field.label, present, partial(pages.options, draft, field.key))

    # -- asking ----------------------------------------------------------------------------------

    def action_test(self) -> None:
        """Ask the service with what stands in the form."""
        if self.draft is not None and self.draft.page.key is not None:
            self.ask(partial(self._test, self.draft, self._focused_key()))

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
        if self.draft is not None:
            self.ask(partial(self._do, self.draft, message.action_id))

    async def _do(self, draft: Draft, action_id: str) -> None:
        self.page.say_on_top("Working … esc cancels.")
        answer = await self.deck.pages.act(draft, action_id, self.page.say_on_top)
        await self._load_again(draft.page.key)
        self._tell_saved(draft.page.key)
        self.page.say(answer)

    def ask(self, work: Work) -> None:
        """Do something that takes time and can be cancelled."""
        self.run(work, ASK)

    def run(self, work: Work, group: str) -> Worker[None]:
        """Work beside the screen, instead of what this group did before."""
        return self.run_worker(work, group=group, exclusive=True, exit_on_error=False)

    def is_busy(self, group: str) -> bool:
        """Whether a group is at work."""
        return any(item.group == group and not item.is_finished for item in self.workers)

    def cancel_asking(self) -> None:
        """End what is running."""
        if self.is_busy(ASK):
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
        self.cancel_asking()
        self._save_once(partial(self._save_and_ask, self._focused_key()))

    def _save_once(self, work: Work) -> None:
        """Saving is never cut off by a second key press."""
        if not self.is_busy(SAVE):
            self.run(work, SAVE)

    async def _save_and_ask(self, asked_from: str) -> None:
        if not self.unsaved():
            self.page.say_on_top("Nothing has changed.")
        elif await self.save_all() and self.draft is not None:
            self.page.say_on_top("Saved.", "good")
            self.ask(partial(self._check, self.draft.page, asked_from))

    async def _check(self, page: Page, asked_from: str) -> None:
        answer = await self.deck.pages.ask(page, asked_from)
        if answer is not None:
            self.page.say(answer)

    async def save_all(self) -> bool:
        """Whether everything is saved; otherwise the page that is not says why."""
        for draft in self.unsaved():
            if not await self._save(draft):
                return False
        self.page_saved()
        return True

    async def _save(self, draft: Draft) -> bool:
        if await self._show_problems(draft):
            return False
        try:
            await self.deck.pages.save(draft)
        except NotSaved as error:
            await self._turn_to(draft)
            self.page.say_on_top(str(error), "bad")
            return False
        key = draft.page.key
        if key is None:
            self.saved_theme = self.app.theme
        await self._load_again(key, forget_entries=True)
        self._tell_saved(key)
        return True

    def _tell_saved(self, key: ProviderKey | None) -> None:
        self.post_message(SettingsSaved(key.provider if key else ""))

    async def _show_problems(self, draft: Draft) -> bool:
        """Whether entries are not allowed; they say why."""
        problems = draft.problems()
        if problems:
            await self._turn_to(draft)
            for key, why in problems.items():
                self.page.say(Answer(text=why, is_good=False, field=key))
        return bool(problems)

    async def _turn_to(self, draft: Draft) -> None:
        if self.draft is not draft:
            self.turn_to(draft.page.key)
            await self._turn_page(draft)

    # -- taking back -----------------------------------------------------------------------------

    def action_reset(self) -> None:
        """Take an entry back; a secret that is kept is forgotten, after a question."""
        draft, row = self.draft, self.focused_row()
        if draft is None or row is None:
            return
        field = row.field
        if not isinstance(field.declared, SecretField) or draft.changed(field.key):
            self._enter(draft, row, None)
            row.put(None)
        elif field.is_kept and draft.page.key is not None:
            self._ask_to_forget(draft.page.key, field)
        else:
            row.say(f"It is {field.origin}; nothing of it is kept here.")

    def _ask_to_forget(self, key: ProviderKey, field: FormField) -> None:
        def answered(answer: str | None) -> None:
            if answer == "f":
                self._save_once(partial(self._forget, key, field))

        question = f"Forget the {field.label} ({field.origin})?"
        self.app.push_screen(QuestionScreen(question, (("f", "forget it"),)), answered)

    async def _forget(self, key: ProviderKey, field: FormField) -> None:
        try:
            await self.deck.pages.forget(key, field.key)
        except NotSaved as error:
            self.page.say_on_top(str(error), "bad")
            return
        await self._load_again(key)
        self.page_saved()
        self._tell_saved(key)
        self.page.say(Answer(text="Forgotten.", is_good=True, field=field.key))
