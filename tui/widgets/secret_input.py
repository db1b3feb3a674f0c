"""A field for keys, tokens and pasted headers: takes them whole, never shows or gives them back.

Not an `Input`: that one shows its text to whoever asks, copies it, and keeps the first line of a
paste only. Here the text can grow, lose its end or go; nobody edits the middle of a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from tui.form import Entry, Typed

KEPT = "••••••••"
MOST_DOTS = 24
PASTE_GAP_S = 0.1
"""After a line break more comes within this time when a terminal pastes as if it were typing."""


class SecretInput(Widget, can_focus=True):
    """What is entered appears as dots and a count.

    Args:
        placeholder: Shown while nothing is entered.
        typed: What was entered before.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "secret-input--cursor",
        "secret-input--placeholder",
        "secret-input--count",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace", "drop_last", "delete the last character", show=False),
        Binding("ctrl+u,ctrl+w,delete", "clear", "delete all", show=False),
        Binding("ctrl+v", "paste", "paste", show=False),
    ]

    size_entered: reactive[int] = reactive(0)
    """How many characters there are."""

    @dataclass
    class Changed(Message):
        """Something else is entered."""

        typed: Typed
        is_whole: bool
        """It was pasted, or the user is done."""

    class Submitted(Message):
        """The user is done."""

    def __init__(self, placeholder: str = "", typed: Entry = None) -> None:
        super().__init__()
        self._text = typed.text if isinstance(typed, Typed) else ""
        self._placeholder = placeholder
        self._gap: Timer | None = None

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters belong to the secret, not to the keys of the screen."""
        return character is not None and character.isprintable()

    def render(self) -> Content:
        """Dots, the cursor, and how much there is."""
        if not self._text:
            return self._nothing_yet()
        count = f" {_count(self._text)}"
        room = max(1, self.size.width - len(count) - 1)
        return Content.assemble(
            "•" * min(len(self._text), MOST_DOTS, room),
            (" ", self.get_visual_style("secret-input--cursor") if self.has_focus else ""),
            (count, self.get_visual_style("secret-input--count")),
        )

    def clear(self) -> None:
        """Forget what was entered, without a message."""
        self._text = ""
        self.size_entered = 0

    # -- entering --------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Characters are taken; a line break ends the entry, unless more follows at once."""
        if event.key == "enter":
            event.stop()
            self._add("\n")
            self._gap = self.set_timer(PASTE_GAP_S, self._submit)
        elif event.is_printable and event.character:
            event.stop()
            event.prevent_default()
            self._add(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """A paste is one value, whatever line breaks it has."""
        event.stop()
        self._add(event.text.replace("\r\n", "\n").replace("\r", "\n"), is_whole=True)

    def on_blur(self) -> None:
        """Whoever leaves is done."""
        if self._text:
            self._tell(is_whole=True)

    def on_click(self) -> None:
        """A click goes into the field."""
        self.focus()

    def action_drop_last(self) -> None:
        """Take the last character away."""
        self._replace(self._text[:-1])

    def action_clear(self) -> None:
        """Take everything away."""
        self._replace("")

    def action_paste(self) -> None:
        """What was copied within this program."""
        self._add(self.app.clipboard, is_whole=True)

    # -- inside ----------------------------------------------------------------------------------

    def _add(self, text: str, *, is_whole: bool = False) -> None:
        if self._gap is not None:
            self._gap.stop()
        self._replace(self._text + text, is_whole=is_whole)

    def _replace(self, text: str, *, is_whole: bool = False) -> None:
        if text != self._text:
            self._text = text
            self.size_entered = len(text)
            self._tell(is_whole=is_whole)

    def _tell(self, *, is_whole: bool) -> None:
        self.post_message(self.Changed(Typed(self._text), is_whole))

    def _submit(self) -> None:
        self._replace(self._text.rstrip("\n"), is_whole=True)
        self.post_message(self.Submitted())

    def _nothing_yet(self) -> Content:
        """The placeholder; the cursor stands on its first character."""
        text = Content.styled(
            self._placeholder or " ", self.get_visual_style("secret-input--placeholder")
        )
        if not self.has_focus:
            return text
        return text.stylize(self.get_visual_style("secret-input--cursor"), 0, 1)


def _count(text: str) -> str:
    """`51 characters`, `4,213 characters in 12 lines`."""
    lines = len(text.strip().splitlines())
    length = len(text.strip())
    size = f"{length:,} character{'' if length == 1 else 's'}"
    return f"{size} in {lines} lines" if lines > 1 else size
