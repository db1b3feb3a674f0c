"""What is shown where nothing can be shown: how much room it takes."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

SMALLEST = Size(30, 8)


def is_too_small(size: Size) -> bool:
    """Whether a terminal of this size cannot hold a line of numbers."""
    return size.width < SMALLEST.width or size.height < SMALLEST.height


class TooSmallScreen(Screen[None]):
    """One sentence. It goes away by itself when there is room again; q still quits."""

    CSS = """
    TooSmallScreen {
        align: center middle;
        Static { width: 1fr; height: auto; text-align: center; }
    }
    """

    def compose(self) -> ComposeResult:
        """The sentence, kept up to date while the size changes."""
        yield Static(self._sentence(), markup=False)

    def on_screen_resume(self) -> None:
        """Whatever lay above may have lasted longer than the shortage."""
        if not is_too_small(self.app.size):
            self.dismiss()

    def on_resize(self) -> None:
        """Tell the size as it is now."""
        self.query_one(Static).update(self._sentence())

    def _sentence(self) -> Content:
        have = self.app.size
        need = f"{SMALLEST.width}×{SMALLEST.height}"
        return Content(f"{have.width}×{have.height} is too small, {need} is needed. q quits.")
