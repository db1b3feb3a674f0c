"""The top line: what is tightest, when the next reset comes, whether anything needs the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len as cells
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.widgets.cells import shorten

if TYPE_CHECKING:
    from tui.present.views import DeckView

BRAND = "quotadeck"
NARROW = 60
WIDE = 100
GAP = 2
"""Between the facts and the clock."""


class StatusBar(Widget):
    """One line. What matters least goes first when room is short."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status-bar--brand",
        "status-bar--tightest",
        "status-bar--trouble",
        "status-bar--muted",
    }

    view: reactive[DeckView | None] = reactive["DeckView | None"](None)
    """What to show. An equal view does not repaint."""
    mode: reactive[str] = reactive("")
    """A word about this run: "demo"."""

    def watch_view(self, view: DeckView | None) -> None:
        """Severity is a class."""
        if view is not None and not self.has_class(f"-{view.severity}"):
            self.set_classes(f"-{view.severity}")

    def render(self) -> Content:
        """Left the facts, right the word and the clock."""
        view, width = self.view, self.size.width
        if view is None:
            return self._joined([(BRAND, "brand")])
        right = self._right(view, width)
        left = self._left(view, width - right.cell_length - GAP)
        return left.pad_right(max(1, width - left.cell_length - right.cell_length)).append(right)

    def _right(self, view: DeckView, width: int) -> Content:
        word = view.word if width >= WIDE else view.word.removeprefix("showing ")
        texts = (self.mode, word if width >= NARROW else "", view.clock)
        return Content.styled(
            "   ".join(filter(None, texts)), self.get_visual_style("status-bar--muted")
        )

    def _left(self, view: DeckView, room: int) -> Content:
        """The first of these that fits; the last one is shortened."""
        facts = (
            (BRAND, "brand"),
            (view.tightest, "tightest"),
            (view.next_reset, "muted"),
            (view.trouble, "trouble"),
        )
        for roles in (
            {"brand", "tightest", "muted", "trouble"},
            {"tightest", "muted", "trouble"},
            {"tightest", "trouble"},
            {"tightest"},
        ):
            chosen = [fact for fact in facts if fact[0] and fact[1] in roles]
            if cells(" · ".join(text for text, _ in chosen)) <= room:
                return self._joined(chosen)
        return self._joined([(shorten(view.tightest or BRAND, room), "tightest")])

    def _joined(self, facts: list[tuple[str, str]]) -> Content:
        muted = self.get_visual_style("status-bar--muted")
        parts = [
            Content.styled(text, self.get_visual_style(f"status-bar--{role}"))
            for text, role in facts
        ]
        return Content.styled(" · ", muted).join(parts)
