"""The list on the left: the program itself first, then every provider with its sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.core.models import ProviderKey
from tui.form import SIGNS, PageEntry, Sign

GENERAL = "General"
SIGN_STYLES: dict[Sign, str] = {
    "on": "$foreground 80%",
    "off": "$foreground 45%",
    "setup": "bold $text-warning",
    "error": "bold $text-error",
}


class SettingsList(OptionList):
    """Every page by name. The highlighted one is shown beside it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="settings.open"),
        Binding("right,l", "open", "open", show=False),
        Binding("j", "cursor_down", "down", show=False, id="settings.down"),
        Binding("k", "cursor_up", "up", show=False, id="settings.up"),
        Binding("g", "first", "first", show=False, id="settings.first"),
        Binding("G", "last", "last", show=False, id="settings.last"),
    ]

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(id="list", compact=True)
        self._ascii_only = ascii_only
        self._entries: tuple[PageEntry, ...] = ()
        self._keys: tuple[ProviderKey | None, ...] = ()
        self._words = ""
        self._unsaved: frozenset[ProviderKey | None] = frozenset()

    def action_open(self) -> None:
        """Go into the page of the highlighted line."""
        self.action_select()

    @property
    def key(self) -> ProviderKey | None:
        """Whose line is highlighted; `None` for the program itself."""
        return self._keys[self.highlighted] if self.highlighted is not None else None

    @property
    def is_empty(self) -> bool:
        """Whether no name fits the words that were searched for."""
        return not self._keys

    def fill(self, entries: Sequence[PageEntry]) -> None:
        """Show these, in this order."""
        self._entries = tuple(entries)
        self._show()

    def mark(self, unsaved: frozenset[ProviderKey | None]) -> None:
        """Tell on which pages something is not saved yet."""
        if unsaved != self._unsaved:
            self._unsaved = unsaved
            self._show()

    def search(self, words: str) -> None:
        """Show only the names that contain these words."""
        self._words = words.strip().lower()
        self._show()

    def go_to(self, key: ProviderKey | None) -> None:
        """Highlight a line, if it is shown."""
        if key in self._keys:
            self.highlighted = self._keys.index(key)

    def _show(self) -> None:
        before = self.key if self._keys else None
        lines: list[tuple[ProviderKey | None, str, Content]] = [
            (None, GENERAL, self._line(None, GENERAL, None)),
            *(
                (entry.key, entry.name, self._line(entry.sign, entry.name, entry.key))
                for entry in self._entries
            ),
        ]
        found = [line for line in lines if self._fits(line[0], line[1])]
        keys = tuple(key for key, _, _ in found)
        if keys == self._keys:
            for index, (_, _, prompt) in enumerate(found):
                self.replace_option_prompt_at_index(index, prompt)
            return
        self._keys = keys
        self.set_options(Option(prompt) for _, _, prompt in found)
        if keys:
            self.highlighted = keys.index(before) if before in keys else 0

    def _fits(self, key: ProviderKey | None, name: str) -> bool:
        provider = key.provider if key else ""
        return self._words in f"{name} {provider}".lower()

    def _line(self, sign: Sign | None, name: str, key: ProviderKey | None) -> Content:
        """Sign and name; an account stands further right."""
        shown, style = " ", ""
        if sign is not None:
            shown, style = SIGNS[sign][self._ascii_only], SIGN_STYLES[sign]
        return Content.assemble(
            "  " if key and key.account else "",
            (shown, style),
            f" {name}",
            (" *" if key in self._unsaved else "", "$text-warning"),
        )
