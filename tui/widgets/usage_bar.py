"""The bar of a window: how full, and where even use would stand.

Readable without colour: full, empty and tick are different signs. One widget per bar: the stock
progress bar's children (half-cell steps) and its one-second timer are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual import events, on
from textual.app import ComposeResult
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import ProgressBar

Part = Literal["full", "empty", "tick-full", "tick"]
EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class BarSigns:
    """The characters a bar is drawn with."""

    full: str
    empty: str
    tick: str
    parts: str = ""
    """A cell filled by one eighth, two eighths, …; empty draws whole cells only."""


PLAIN = BarSigns("█", "·", "┊", EIGHTHS)
STALE = BarSigns("░", "·", "┊")
ASCII = BarSigns("#", "-", "|")
ASCII_STALE = BarSigns("=", "-", "|")


def bar_signs(*, stale: bool, ascii_only: bool) -> BarSigns:
    """The signs for a state and a terminal."""
    if ascii_only:
        return ASCII_STALE if stale else ASCII
    return STALE if stale else PLAIN


def filled_eighths(percent: float, width: int) -> int:
    """How many eighths of a cell are filled, rounded down.

    At least one whole cell above 0 % and at least one empty cell below 100 % (B§8).
    """
    if percent <= 0:
        return 0
    if percent >= 100:
        return width * 8
    return max(8, min(int(width * 8 * percent / 100), (width - 1) * 8))


def bar_parts(
    width: int, percent: float, tick_percent: float | None, signs: BarSigns
) -> list[tuple[str, Part]]:
    """The bar as runs of equal parts; together exactly `width` cells."""
    if width <= 0:
        return []
    whole, eighth = divmod(filled_eighths(percent, width), 8)
    partial = signs.parts[eighth] if signs.parts and eighth else ""
    full = signs.full * whole + partial
    cells: list[tuple[str, Part]] = [(sign, "full") for sign in full]
    cells += [(signs.empty, "empty")] * (width - len(full))
    at = tick_cell(width, tick_percent)
    if at is not None:
        cells[at] = (signs.tick, "tick-full" if at < whole else "tick")
    return _runs(cells)


def tick_cell(width: int, tick_percent: float | None) -> int | None:
    """The cell in which even use would stand."""
    if tick_percent is None:
        return None
    return max(0, min(width - 1, int(width * tick_percent / 100)))


def _runs(cells: list[tuple[str, Part]]) -> list[tuple[str, Part]]:
    runs: list[tuple[str, Part]] = []
    for sign, part in cells:
        if runs and runs[-1][1] == part:
            runs[-1] = (runs[-1][0] + sign, part)
        else:
            runs.append((sign, part))
    return runs


STYLES: dict[Part, str] = {
    "full": "",
    "empty": "$foreground 25%",
    "tick": "$foreground 80%",
    "tick-full": "reverse",
}
"""Beside the colour of the bar itself, which the style sheet chooses by severity."""


class UsageBar(ProgressBar):
    """A bar from 0 to 100."""

    tick_percent: reactive[float | None] = reactive[float | None](None, repaint=False)
    """Where even use would stand. It repaints only when it reaches another cell."""
    signs: reactive[BarSigns] = reactive(PLAIN)

    def __init__(self) -> None:
        super().__init__(total=100, show_percentage=False, show_eta=False)

    @on(events.Mount)
    def _keep_still(self, event: events.Mount) -> None:
        """The stock bar would start a timer of one second here."""
        event.prevent_default()

    def watch_tick_percent(self, old: float | None, new: float | None) -> None:
        """Most steps of the time are smaller than a cell."""
        width = self.size.width
        if tick_cell(width, old) != tick_cell(width, new):
            self.refresh()

    def compose(self) -> ComposeResult:
        """No children: the bar paints itself."""
        return ()

    def render(self) -> Content:
        """The bar in the width it was given."""
        parts = bar_parts(self.size.width, self.progress, self.tick_percent, self.signs)
        return Content.assemble(*((text, STYLES[part]) for text, part in parts))
