"""The first start: what this machine already has, one row each, and a key to switch it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len as cells
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.deck_api import DeckApi, Detection
from tui.messages import SettingsRequested
from tui.widgets.cells import padded, shorten
from tui.widgets.key_bar import KeyBar

DIGITS = "123456789"
NAME_MAX = 16
HELP = (
    "A number switches a provider on; the login that is there is all it uses.",
    "Browsers are looked into only when you press b. Keys and cookies: s.",
    "Invented numbers to look around: d.",
)


class FoundRows(Widget):
    """What was found, one line each."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "found-rows--key",
        "found-rows--name",
        "found-rows--text",
    }

    found: reactive[tuple[Detection, ...]] = reactive[tuple[Detection, ...]]((), layout=True)
    """In the order of their digits."""
    note: reactive[str] = reactive("", layout=True)
    """What is shown instead of rows."""

    class Chosen(Message):
        """The user clicked a row."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def on_click(self, event: events.Click) -> None:
        """A click on a row is its digit."""
        self.post_message(self.Chosen(event.y))

    def render(self) -> Content:
        """Digit, or a tick once it is on; name; what was found and where."""
        if not self.found:
            return Content(self.note)
        return Content("\n").join(self._row(index, item) for index, item in enumerate(self.found))

    def _row(self, index: int, item: Detection) -> Content:
        digit = DIGITS[index] if index < len(DIGITS) else " "
        name_width = min(NAME_MAX, max(cells(found.name) for found in self.found))
        room = self.size.width - name_width - 6
        return Content.assemble(
            (f" {'✓' if item.enabled else digit}  ", self.get_visual_style("found-rows--key")),
            (padded(item.name, name_width) + "  ", self.get_visual_style("found-rows--name")),
            (shorten(item.text, room), self.get_visual_style("found-rows--text")),
        )


class WelcomeScreen(Screen[bool]):
    """Returns whether the user wants the demo."""

    CSS_PATH = "welcome.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(digit, f"switch_on({i})", show=False) for i, digit in enumerate(DIGITS)),
        Binding("enter,escape", "go_on", "deck", id="go_on"),
        Binding("s", "settings", "settings", id="settings"),
        Binding("b", "browsers", "browsers", id="browsers"),
        Binding("d", "demo", "demo", id="demo"),
    ]

    def __init__(self, deck: DeckApi) -> None:
        super().__init__()
        self.deck = deck
        self._browsers = False

    def compose(self) -> ComposeResult:
        """A heading, the rows, three lines of help."""
        with VerticalScroll():
            yield Static("quotadeck", id="brand")
            yield Static("Nothing is switched on yet. What this machine has:", id="heading")
            yield FoundRows()
            yield Static(Content("\n".join(HELP)), id="help", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Look for logins."""
        self._look()

    def on_screen_resume(self) -> None:
        """Back from the settings with something switched on, the deck is next."""
        if self.deck.keys():
            self.dismiss(False)

    def on_found_rows_chosen(self, message: FoundRows.Chosen) -> None:
        """A click does what the digit does."""
        self.action_switch_on(message.index)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a deck to go to once something is on."""
        return bool(self.deck.keys()) if action == "go_on" else True

    def action_switch_on(self, index: int) -> None:
        """Switch the provider of a row on."""
        found = self._rows.found
        if index < len(found) and not found[index].enabled:
            self.run_worker(self._enable(found[index].provider), group="enable")

    def action_go_on(self) -> None:
        """To the deck."""
        self.dismiss(False)

    def action_settings(self) -> None:
        """Everything there is to set."""
        self.post_message(SettingsRequested(None))

    def action_browsers(self) -> None:
        """Look for sessions in browsers, too."""
        self._browsers = True
        self._look()

    def action_demo(self) -> None:
        """Start again with invented numbers."""
        self.dismiss(True)

    @property
    def _rows(self) -> FoundRows:
        return self.query_one(FoundRows)

    def _look(self) -> None:
        self._rows.note = "Looking into browsers…" if self._browsers else "Looking…"
        self.run_worker(self._find(), group="find", exclusive=True)

    async def _find(self) -> None:
        self._show(await self.deck.detections(browsers=self._browsers))

    def _show(self, found: Sequence[Detection]) -> None:
        self._rows.found = tuple(found)
        self._rows.note = "No login was found. Settings take keys and cookies: press s."
        self.refresh_bindings()

    async def _enable(self, provider: str) -> None:
        try:
            await self.deck.enable(provider)
        except Exception as error:
            self.notify(str(error), severity="error", markup=False)
        await self._find()
