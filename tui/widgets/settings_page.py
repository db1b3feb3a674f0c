"""The right side of the settings: everything about one entry of the list, as rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import HorizontalGroup, VerticalGroup, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.form import SIGNS, Answer, Draft, Page
from tui.messages import CopyRequested
from tui.widgets.setting_row import TONE_SIGNS, SettingRow, Tone


class Note(HorizontalGroup):
    """A fact below the fields."""

    def __init__(self, label: str, text: str) -> None:
        super().__init__(classes="note")
        self.label = label
        self.text = text

    def compose(self) -> ComposeResult:
        """The label in a column of its own."""
        yield Static(Content(self.label), classes="label", markup=False)
        yield Static(Content(self.text), classes="text", markup=False)


class PageLink(Note, can_focus=True):
    """An address to open or copy; printed in full, because not every terminal can do either."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open page", id="settings.open_link"),
        Binding("y", "copy", "copy address", id="settings.copy_link"),
    ]

    def on_click(self) -> None:
        """A click opens it."""
        self.action_open()

    def action_open(self) -> None:
        """Open it in the browser; on a server the address in the message has to do."""
        self.app.open_url(self.text)
        self.notify(f"{self.text}\ny copies the address.", title="Opening", markup=False)

    def action_copy(self) -> None:
        """The address onto the clipboard."""
        self.post_message(CopyRequested(self.text, "The address was", self.text))


class SettingsPage(VerticalScroll, can_focus=False):
    """Shows a page and keeps its rows in line with the draft."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", "page up", show=False),
        Binding("pagedown", "page_down", "page down", show=False),
    ]

    @dataclass
    class ActionRequested(Message):
        """The user wants what the provider offers beside a refresh."""

        action_id: str

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(id="page")
        self._ascii_only = ascii_only
        self._turning = asyncio.Lock()
        self._turns: set[asyncio.Task[None]] = set()
        self.draft: Draft | None = None

    async def show(self, draft: Draft) -> None:
        """Show a page with what was entered on it.

        Who waits may be called off; the turning itself goes on, because Textual's own tasks must
        not be cancelled: that would end the program.
        """
        self.draft = draft
        turn = asyncio.create_task(self._turn(draft), name="turn the page")
        self._turns.add(turn)
        turn.add_done_callback(self._turns.discard)
        await asyncio.shield(turn)

    async def _turn(self, draft: Draft) -> None:
        async with self._turning:
            if self.draft is not draft or not self.is_attached:
                return  # another page is wanted by now, or none
            await self.remove_children()
            await self.mount_all(self._parts(draft))
            self.scroll_home(animate=False)
            self.update_rows()

    def update_rows(self) -> None:
        """Show the rows that make sense now, and which of them are changed."""
        if self.draft is None:
            return
        for row in self.rows:
            row.display = self.draft.is_shown(row.field)
            row.show_changed(self.draft.changed(row.field.key))

    def show_state(self, page: Page) -> None:
        """Show how the provider is now; the rows stay as they are."""
        if self.draft is not None and page.key == self.draft.page.key:
            self._write("#title", self._title(page))
            self._write("#state", Content(page.state))

    def add_notes(self, notes: Sequence[tuple[str, str]]) -> None:
        """Show further facts below the fields."""
        for place in self.query("#notes").results(VerticalGroup):
            place.mount_all(Note(label, text) for label, text in notes)

    @property
    def rows(self) -> Iterator[SettingRow]:
        """All rows, in order."""
        return iter(self.query(SettingRow))

    def row(self, key: str) -> SettingRow | None:
        """The row of a field."""
        return next((row for row in self.rows if row.field.key == key), None)

    def row_of(self, widget: Widget | None) -> SettingRow | None:
        """The row a widget stands in."""
        above = widget.ancestors_with_self if widget is not None else ()
        return next((node for node in above if isinstance(node, SettingRow)), None)

    def say(self, answer: Answer) -> None:
        """Show an answer beside its field, and bring that into sight."""
        row = self.row(answer.field)
        tone: Tone = "good" if answer.is_good else "bad"
        if row is not None and row.display:
            row.say(answer.text, tone)
            self.reveal(row)
        else:
            self.say_on_top(answer.text, tone)

    def say_busy(self, text: str, key: str) -> None:
        """Show, beside a field or on top, that an answer is awaited."""
        row = self.row(key)
        if row is not None:
            row.say(text)
        else:
            self.say_on_top(text)

    def say_on_top(self, text: str, tone: Tone = "plain") -> None:
        """Show a sentence about the whole page."""
        self._write("#said", Content(f"{TONE_SIGNS[tone]}{text}" if text else ""), f"-{tone}")
        if text:
            self.scroll_home(animate=False)

    def say_nothing(self) -> None:
        """Take all answers away."""
        self.say_on_top("")
        for row in self.rows:
            row.say_nothing()

    def entrance(self) -> Widget | None:
        """Where something is most likely to be entered."""
        shown = [row for row in self.rows if row.display]
        missing = [row for row in shown if row.field.is_missing]
        page = self.draft.page if self.draft is not None else None
        if page is not None and page.sign != "setup":
            missing = [row for row in missing if row.field.key == page.waits_for]
        chosen = (*missing, *shown)
        return chosen[0].control if chosen else None

    def _write(self, place: str, text: Content, classes: str = "") -> None:
        """Fill one of the lines above the rows; none is there while the page is being turned."""
        for line in self.query(place).results(Static):
            line.display = bool(text)
            line.set_classes(classes)
            line.update(text)

    def _parts(self, draft: Draft) -> Iterator[Widget]:
        page = draft.page
        yield Static(self._title(page), id="title", markup=False)
        state = Static(Content(page.state), id="state", markup=False)
        state.display = bool(page.state)
        yield state
        if page.warning:
            yield Static(Content(f"! {page.warning}"), id="warning", markup=False)
        said = Static(id="said", markup=False)
        said.display = False
        yield said
        for field in page.fields:
            yield SettingRow(field, draft.entry(field.key))
        if page.actions:
            yield HorizontalGroup(
                *(
                    Button(Content(label), id=f"do-{name}", compact=True)
                    for name, label in page.actions
                ),
                id="actions",
            )
        links = (PageLink(label, url) for label, url in page.links)
        yield VerticalGroup(*links, *(Note(label, text) for label, text in page.notes), id="notes")

    def _title(self, page: Page) -> Content:
        sign = f"{SIGNS[page.sign][self._ascii_only]} " if page.sign else ""
        return Content.assemble(sign, (page.title, "bold"))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """What is said about a field is in sight together with it."""
        self.reveal(self.row_of(event.widget) or event.widget)

    def reveal(self, widget: Widget) -> None:
        """Bring a row into sight as it will be after the next layout."""
        self.call_after_refresh(widget.scroll_visible, animate=False)

    @on(Button.Pressed)
    def _wanted(self, message: Button.Pressed) -> None:
        message.stop()
        self.post_message(self.ActionRequested((message.button.id or "").removeprefix("do-")))
