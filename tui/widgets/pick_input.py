"""A line to type into, with an arrow to choose from what is there instead."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, Static


class PickInput(Input):
    """Opens on the same key as the other lists of choices."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "pick", "choose", id="settings.choose"),
    ]

    class Opened(Message):
        """The user wants to choose."""

    def action_pick(self) -> None:
        """Ask for the choices."""
        self.post_message(self.Opened())


class PickArrow(Static):
    """The arrow behind the line, for the mouse."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__("▼", classes="pick-arrow", markup=False)

    def on_click(self) -> None:
        """Like the key."""
        self.post_message(PickInput.Opened())
