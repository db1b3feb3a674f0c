"""The keys of the place the user came from, and what the signs mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.widgets.facts import Fact, Facts
from tui.widgets.key_bar import in_declared_order

SIGNS = (
    ("…", "waiting for the first answer"),
    ("?", "needs to be set up"),
    ("✗", "did not answer; the card says why"),
    ("▲", "getting low, or numbers of an earlier time"),
    ("!", "almost nothing left"),
    ("┊", "where even use would stand"),
    ("–", "not reported"),
    ("↻", "being asked right now"),
)
KEY_WIDTH = 15


class HelpScreen(ModalScreen[None]):
    """Lists every key that works in one place, with the user's own keys."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1", "dismiss", "close"),
        Binding("j", "scroll('scroll_down')", show=False),
        Binding("k", "scroll('scroll_up')", show=False),
    ]

    def __init__(self, bindings: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self._places = tuple(bindings)

    def compose(self) -> ComposeResult:
        """Keys first, signs below."""
        with VerticalScroll() as frame:
            frame.border_title = "keys"
            frame.border_subtitle = "esc closes"
            yield Facts(self._keys(), label_width=KEY_WIDTH)
            yield Static("signs", classes="title")
            yield Facts(SIGNS, label_width=KEY_WIDTH)

    async def action_scroll(self, how: str) -> None:
        """Letters for the scrolling keys."""
        await self.query_one(VerticalScroll).run_action(how)

    def _keys(self) -> tuple[Fact, ...]:
        """One row per action, all its keys together."""
        rows: dict[tuple[str, str], list[str]] = {}
        for active in in_declared_order(self._places):
            binding = active.binding
            if binding.id and active.enabled:
                keys = rows.setdefault((binding.action, binding.description), [])
                shown = self.app.get_key_display(binding)
                if shown not in keys:
                    keys.append(shown)
        return tuple((" ".join(keys), what) for (_, what), keys in rows.items())
