"""A short question with a key for every answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

Choice = tuple[str, str]
"""A key and what it does."""


class QuestionScreen(ModalScreen[str]):
    """Gives the key that was pressed; empty when the user thought better of it.

    Args:
        choices: One letter each, and what it does.
    """

    CSS_PATH = "question.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "back")]

    def __init__(self, question: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._question = question
        self._choices = (*choices, ("esc", "back"))

    def compose(self) -> ComposeResult:
        """The question above its answers."""
        with Vertical():
            yield Static(Content(self._question), markup=False)
            with Vertical(id="answers"):
                for key, what in self._choices:
                    yield AnswerLine(key, what)

    def on_key(self, event: events.Key) -> None:
        """A letter answers."""
        if any(event.character == key for key, _ in self._choices):
            event.stop()
            self.dismiss(event.character or "")


class AnswerLine(Static):
    """An answer that can be clicked."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(Content.assemble((f"{key:>4} ", "bold $text-accent"), what), markup=False)
        self._key = key

    def on_click(self) -> None:
        """Like the key."""
        self.app.simulate_key("escape" if self._key == "esc" else self._key)
