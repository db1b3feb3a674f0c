"""What the dashboard is compared with: Textual doing as little as possible.

python -m tests.benchmarks.bare app      ten lines of Textual
python -m tests.benchmarks.bare grid     20 bordered cards with three stock bars each
"""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.containers import Grid, Vertical
from textual.widgets import ProgressBar, Static


class BareApp(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        """The line."""
        yield Static("ready")


class BareGrid(App[None]):
    """Cards without any thought behind them."""

    CSS = """
    Grid { grid-size: 4; grid-rows: auto; }
    Vertical { border: round white; height: 8; }
    """

    def compose(self) -> ComposeResult:
        """The cards."""
        with Grid():
            for card in range(20):
                with Vertical():
                    yield Static(f"card {card}")
                    for bar in range(3):
                        yield ProgressBar(total=100, show_eta=False, id=f"bar-{card}-{bar}")

    def on_mount(self) -> None:
        """Give every bar its number."""
        for bar in self.query(ProgressBar):
            bar.update(progress=62)


if __name__ == "__main__":
    (BareGrid() if sys.argv[1] == "grid" else BareApp()).run()
