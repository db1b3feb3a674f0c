"""One line to type words into; the names of the cards have to contain them."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.messages import Closed, FilterChanged


class FilterInput(Input):
    """Shows in the line of keys what enter does here."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "keep")]


class FilterLine(Widget):
    """Stays in sight as long as it holds something."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_and_close", "show all"),
        Binding("down", "keep", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="filter")

    def compose(self) -> ComposeResult:
        """The words, and what to say when they match nothing."""
        yield FilterInput(compact=True, placeholder="part of a name")
        yield Static(markup=False)

    def open(self) -> None:
        """Show the line and type into it."""
        self.display = True
        self.query_one(Input).focus()

    def tell(self, remark: str) -> None:
        """Say something beside the words."""
        self.query_one(Static).update(remark)

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        self.post_message(FilterChanged(message.value))

    @on(Input.Submitted)
    def action_keep(self) -> None:
        """Back to the cards; an empty line disappears."""
        self.display = bool(self.query_one(Input).value)
        self.post_message(Closed())

    def action_clear_and_close(self) -> None:
        """Forget the words."""
        self.query_one(Input).value = ""
        self.post_message(FilterChanged(""))
        self.action_keep()
