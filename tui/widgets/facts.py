"""Labels and texts in two columns; a long text goes on below its own beginning."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len as cells
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from tui.widgets.cells import chunks, padded

Fact = tuple[str, str]
"""A label and a text; without a text the label is a title."""


class Facts(Widget):
    """Rows of facts, some of them titles."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"facts--title", "facts--label"}

    rows: reactive[tuple[Fact, ...]] = reactive[tuple[Fact, ...]]((), layout=True)
    """What to show. Equal rows do not repaint."""
    indent: reactive[int] = reactive(0, layout=True)
    """Where the labels start."""
    label_width: reactive[int] = reactive(0, layout=True)
    """The column of the labels."""

    def __init__(
        self,
        rows: tuple[Fact, ...] = (),
        *,
        id: str | None = None,
        label_width: int = 0,
        indent: int = 0,
    ) -> None:
        super().__init__(id=id)
        self.set_reactive(Facts.indent, indent)
        self.set_reactive(Facts.label_width, label_width)
        self.set_reactive(Facts.rows, rows)

    def render(self) -> Content:
        """Every row, with its continuation lines."""
        return Content("\n").join(line for row in self.rows for line in self._lines(*row))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The lines after folding."""
        return sum(len(self._texts(text, width)) for _, text in self.rows)

    def _texts(self, text: str, width: int) -> list[str]:
        room = width - self.indent - self.label_width - 1
        return chunks(text, max(8, room)) if text else [""]

    def _lines(self, label: str, text: str) -> list[Content]:
        if not text:
            return [Content.styled(label, self.get_visual_style("facts--title"))]
        style = self.get_visual_style("facts--label")
        first, *rest = self._texts(text, self.size.width)
        start = " " * self.indent + padded(label, self.label_width) + " "
        below = " " * cells(start)
        return [Content.assemble((start, style), first), *(Content(below + line) for line in rest)]
