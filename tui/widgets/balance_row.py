"""Money or credits of a provider: one line, the amount in the column of the numbers."""

from __future__ import annotations

from rich.cells import cell_len as cells
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.present.views import BalanceView
from tui.widgets.cells import shorten


class BalanceRow(Widget):
    """Label on the left, amount on the right; the short form where the long one does not fit."""

    view: reactive[BalanceView | None] = reactive[BalanceView | None](None)
    """What to show. An equal view does not repaint."""

    def __init__(self, view: BalanceView) -> None:
        super().__init__()
        self.set_reactive(BalanceRow.view, view)
        self.watch_view(view)

    def render(self) -> Content:
        """One line; a long label shortens before the amount does."""
        view, width = self.view, self.size.width
        if view is None or width <= 0:
            return Content("")
        fits = cells(view.label) + 1 + cells(view.text) <= width
        amount = view.text if fits else view.short
        label = shorten(view.label, width - cells(amount) - 1)
        gap = " " * max(1, width - cells(label) - cells(amount))
        return Content.assemble((label + gap, "$foreground 75%"), amount)

    def watch_view(self, view: BalanceView | None) -> None:
        """Severity is a class; the whole sentence is the tooltip."""
        if view is not None:
            if not self.has_class(f"-{view.severity}"):
                self.set_classes(f"-{view.severity}")
            self.tooltip = Content(f"{view.label}: {view.text}")
