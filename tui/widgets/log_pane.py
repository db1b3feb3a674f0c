"""The log: live, narrowed by level and provider, copyable.

Lines come redacted and clean from the ring; the pane only chooses and places them, at most five
times a second.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import var
from textual.widget import Widget
from textual.widgets import RichLog

from tui.deck_api import LogLine, LogRing, Unsubscribe
from tui.messages import COPY_LIMIT, Closed, CopyRequested, LogLinesAdded

T = TypeVar("T")

FLUSH_S = 0.2
LINES_SHOWN = 1000
LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
PROVIDER_WIDTH = 12


class LogPane(Widget):
    """A frame around a `RichLog`; mounted when it is first opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "next_level", "level", id="log_level"),
        Binding("p", "next_provider", "provider", id="log_provider"),
        Binding("y", "copy", "copy", id="log_copy"),
        Binding("escape", "close", "back", id="log_back"),
        Binding("j", "scroll('scroll_down')", show=False),
        Binding("k", "scroll('scroll_up')", show=False),
        Binding("g", "scroll('scroll_home')", show=False),
        Binding("G", "scroll('scroll_end')", show=False),
        Binding("ctrl+d", "scroll('page_down')", show=False),
        Binding("ctrl+u", "scroll('page_up')", show=False),
    ]

    level: var[int] = var(logging.INFO)
    """Lines below it are left out."""
    provider: var[str] = var("")
    """Only lines of this provider; empty shows all."""

    def __init__(self, ring: LogRing, place: str = "") -> None:
        super().__init__(id="log-pane")
        self._place = place
        self._ring = ring
        self._last_line: LogLine | None = None
        self._flush_planned = False
        self._unsubscribe: Unsubscribe = lambda: None

    def compose(self) -> ComposeResult:
        """Only the lines; level and provider stand on the frame."""
        yield RichLog(max_lines=LINES_SHOWN, markup=False, wrap=True, min_width=0)

    def on_mount(self) -> None:
        """Follow the ring."""
        self._unsubscribe = self._ring.subscribe(self._line_added)

    def on_resize(self) -> None:
        """Wrap the lines anew."""
        self.call_after_refresh(self._start_again)

    def on_unmount(self) -> None:
        """Leave the ring."""
        self._unsubscribe()

    def watch_level(self) -> None:
        """Another choice of lines."""
        self._start_again()

    def watch_provider(self) -> None:
        """Another choice of lines."""
        self._start_again()

    def on_log_lines_added(self, message: LogLinesAdded) -> None:
        """Collect lines for a moment, then show them together."""
        message.stop()
        self.set_timer(FLUSH_S, self._flush)

    def action_next_level(self) -> None:
        """Debug, info, warning, error, and round again."""
        self.level = _after(self.level, LEVELS)

    def action_next_provider(self) -> None:
        """All, then each provider that has lines."""
        named = {line.provider for line in self._ring.records(logging.NOTSET, "") if line.provider}
        self.provider = _after(self.provider, ("", *sorted(named)))

    def action_copy(self) -> None:
        """The chosen lines; of very many the last ones, as far as a clipboard takes them."""
        lines = newest([line_text(x) for x in self._ring.records(self.level, self.provider)])
        if not lines:
            self.notify("There are no lines to copy.", markup=False)
            return
        what = f"{len(lines)} log line{'' if len(lines) == 1 else 's'}"
        place = f"The file is {self._place}" if self._place else ""
        self.post_message(CopyRequested("\n".join(lines), what, place))

    def action_close(self) -> None:
        """Put the log away."""
        self.close()

    async def action_scroll(self, how: str) -> None:
        """Letters for the scrolling keys."""
        await self.query_one(RichLog).run_action(how)

    def open(self) -> None:
        """Show the lines up to now and give them the focus, so that they scroll by key."""
        self.display = True
        self.query_one(RichLog).focus()
        self.call_after_refresh(self._start_again)

    def close(self) -> None:
        """Put the pane away; lines wait in the ring."""
        self.display = False
        self.post_message(Closed())

    def _line_added(self, line: LogLine) -> None:
        """Called from the thread that logged; only posting is allowed there."""
        if not self._flush_planned and self.is_attached:
            self._flush_planned = True
            self.post_message(LogLinesAdded())

    def _start_again(self) -> None:
        if not self.is_mounted:
            return
        who = self.provider or "all providers"
        level = logging.getLevelName(self.level).lower()
        self.border_title = Content(f" log · level {level} · {who} ")
        self.query_one(RichLog).clear()
        self._last_line = None
        self._flush()

    def _flush(self) -> None:
        self._flush_planned = False
        if not self.display:
            return
        lines = self._ring.records(self.level, self.provider)
        pane = self.query_one(RichLog)
        follows = pane.is_vertical_scroll_end
        if not lines:
            self._say_nothing(pane)
        elif self._last_line is None:
            pane.clear()
        for line in _after_line(lines, self._last_line)[-LINES_SHOWN:]:
            pane.write(Text(line_text(line)), scroll_end=follows)
        if lines:
            self._last_line = lines[-1]

    def _say_nothing(self, pane: RichLog) -> None:
        if not pane.lines:
            who = f" about {self.provider}" if self.provider else ""
            pane.write(Text(f"No lines of this level{who} yet.", style="dim"))


def line_text(line: LogLine) -> str:
    """`14:03:11  kimi          ok in 0.4 s`, in local time."""
    level = "" if line.level < logging.WARNING else f"{logging.getLevelName(line.level).lower()}: "
    text = line.text.removeprefix(f"{line.provider}: ")
    return f"{line.at.astimezone():%H:%M:%S}  {line.provider:{PROVIDER_WIDTH}}  {level}{text}"


def newest(lines: Sequence[str], limit: int = COPY_LIMIT) -> list[str]:
    """The last lines that together, with a line break each, are within a length."""
    lengths = accumulate(len(line) + 1 for line in reversed(lines))
    count = sum(length <= limit for length in lengths)
    return list(lines[len(lines) - count :])


def _after(value: T, values: Sequence[T]) -> T:
    """The value behind this one, round again at the end."""
    at = values.index(value) if value in values else -1
    return values[(at + 1) % len(values)]


def _after_line(lines: Sequence[LogLine], last: LogLine | None) -> Sequence[LogLine]:
    """The lines behind the one shown last; all if it is gone."""
    for index in range(len(lines) - 1, -1, -1):
        if lines[index] is last:
            return lines[index + 1 :]
    return lines
