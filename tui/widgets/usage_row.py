"""One window of a provider: label, bar, percent, reset."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Region, Size, Spacing
from textual.reactive import reactive
from textual.widget import Widget

from tui.widgets.cells import fold
from tui.widgets.row_layout import Part, Role, RowLine, width_of
from tui.widgets.usage_bar import UsageBar, bar_signs

STYLES: dict[Role, str] = {
    "name": "bold $foreground",
    "label": "$foreground 75%",
    "symbol": "bold",
    "number": "bold",
    "muted": "$foreground 55%",
}
"""Numbers and symbols take the colour of the row, which the style sheet chooses by severity."""


class UsageRow(Widget):
    """Paints its words itself and keeps one child, the bar, in the gap between them."""

    line: reactive[RowLine | None] = reactive[RowLine | None](None, repaint=False)
    """What is shown. An equal line does not repaint."""

    def __init__(self, line: RowLine, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.bar = UsageBar()
        self.ascii_only = ascii_only
        self.set_reactive(UsageRow.line, line)
        self._place_bar(line)

    def show(self, line: RowLine) -> None:
        """Take newer values; only what looks different is painted again."""
        self.bar.tick_percent = line.tick_percent
        self.line = line

    def compose(self) -> ComposeResult:
        """Only the bar; the words are painted below it."""
        yield self.bar

    def render(self) -> Content:
        """The words, with a gap where the bar lies."""
        line, width = self.line, self.size.width
        if line is None or width <= 0:
            return Content("")
        return Content("\n").join([self._first_line(line, width), *self._lines_below(line, width)])

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One line, and the folded ones below it."""
        return _height(self.line, width) if self.line else 1

    def watch_line(self, old: RowLine | None, new: RowLine | None) -> None:
        """Move the bar; lay out again only if the height changes."""
        if old is None or new is None:
            return
        self._place_bar(new)
        width = self.size.width
        if _height(old, width) != _height(new, width):
            self.refresh(layout=True)
        elif changed := _changed_regions(old, new, width):
            self.refresh(*changed)

    def _place_bar(self, line: RowLine) -> None:
        if not self.has_class(f"-{line.severity}"):
            self.set_classes(f"-{line.severity}")
            self.bar.set_classes(f"-{line.severity}")
        self.tooltip = Content(line.spoken) if line.spoken else None
        bar = self.bar
        if bar.display != (line.bar_percent is not None):
            bar.display = line.bar_percent is not None
        if line.bar_percent is None:
            return
        margin = Spacing(0, width_of(line.right), 0, line.indent)
        if bar.styles.margin != margin:
            bar.styles.margin = margin
        bar.signs = bar_signs(stale=line.severity == "stale", ascii_only=self.ascii_only)
        bar.tick_percent = line.tick_percent
        bar.progress = line.bar_percent

    def _first_line(self, line: RowLine, width: int) -> Content:
        right, left = _styled(line.right), _styled(line.left)
        room = width - right.cell_length
        if left.cell_length > room:
            left = left.truncate(max(0, room), ellipsis=True)
        return left.pad_right(max(0, room - left.cell_length)).append(right)

    def _lines_below(self, line: RowLine, width: int) -> list[Content]:
        pad = " " * line.below_indent
        return [Content.styled(pad + text, STYLES["muted"]) for text in _folded(line, width)]


def _styled(parts: tuple[Part, ...]) -> Content:
    return Content.assemble(*((text, STYLES[role]) for text, role in parts if text))


def _folded(line: RowLine, width: int) -> list[str]:
    return fold(line.below, width - line.below_indent)


def _height(line: RowLine, width: int) -> int:
    return 1 + len(_folded(line, width))


def _changed_regions(old: RowLine, new: RowLine, width: int) -> list[Region]:
    """Where the words differ; everything where the bar moved."""
    right = width_of(new.right)
    moved = width_of(old.right) != right or old.left != new.left or old.severity != new.severity
    if moved or old.bar_percent is None or new.bar_percent is None:
        return [Region(0, 0, width, _height(new, width))]
    regions = []
    if old.right != new.right:
        pairs = zip(old.right, new.right, strict=False)
        same = next((i for i, (was, now) in enumerate(pairs) if was != now), len(new.right))
        start = width - right + width_of(new.right[:same])
        regions.append(Region(start, 0, width - start, 1))
    lines = zip(_folded(old, width), _folded(new, width), strict=True)
    regions += [Region(0, 1 + y, width, 1) for y, (was, now) in enumerate(lines) if was != now]
    return regions
