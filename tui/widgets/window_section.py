"""A window in full: its bar, and every fact about it below."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalGroup

from tui.present.views import WindowDetail
from tui.widgets.facts import Fact, Facts
from tui.widgets.row_layout import detail_line
from tui.widgets.usage_row import UsageRow

FACT_WIDTH = 8


class WindowSection(VerticalGroup):
    """One window of the details screen."""

    def __init__(self, detail: WindowDetail, label_width: int, *, ascii_only: bool) -> None:
        super().__init__()
        line = detail_line(detail.row, label_width)
        self._row = UsageRow(line, ascii_only=ascii_only)
        self._facts = Facts(window_facts(detail), label_width=FACT_WIDTH, indent=line.indent)

    def compose(self) -> ComposeResult:
        """The row as on the card, then the facts."""
        yield self._row
        yield self._facts

    def show(self, detail: WindowDetail, label_width: int) -> None:
        """Take newer numbers; equal ones change nothing."""
        line = detail_line(detail.row, label_width)
        self._row.show(line)
        self._facts.indent = line.indent
        self._facts.rows = window_facts(detail)


def window_facts(detail: WindowDetail) -> tuple[Fact, ...]:
    """What there is to say about a window beside its bar."""
    rows = (
        ("resets", detail.reset or detail.row.reset_text),
        ("exactly", detail.exact),
        ("counted", detail.numbers),
        ("note", "" if detail.numbers else detail.row.note),
        ("pace", detail.pace),
        ("length", detail.length),
    )
    return tuple((label, text) for label, text in rows if text)
