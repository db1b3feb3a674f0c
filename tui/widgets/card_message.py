"""What a card says in words: what is the matter first, and always the next step.

Where lines are few, the explanation gives way to the step; the details screen has all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from tui.widgets.cells import chunks, shorten

Voice = Literal["muted", "step", "service", "sign"]
Piece = tuple[str, Voice]
"""A sentence or two, and how they are said."""

STYLES: dict[Voice, str] = {
    "muted": "$foreground 60%",
    "step": "$foreground",
    "service": "$text-warning",
    "sign": "",
}
GIVE_WAY: tuple[Voice, ...] = ("muted", "step", "service", "sign")
"""Who loses lines first."""


class CardMessage(Widget):
    """A few lines below the numbers."""

    pieces: reactive[tuple[Piece, ...]] = reactive[tuple[Piece, ...]]((), layout=True)
    """What to say. Equal pieces do not repaint."""
    most: reactive[int] = reactive(4, layout=True)
    """Lines there are."""

    short_step: reactive[str] = reactive("", layout=True)
    """Said in place of a step that would be cut off; empty when there is no such thing."""

    flows: reactive[bool] = reactive(False, layout=True)
    """One piece goes on where another ends, as long as all of it fits."""

    def __init__(
        self, pieces: tuple[Piece, ...], most: int, *, flows: bool, short_step: str = ""
    ) -> None:
        super().__init__()
        self.set_reactive(CardMessage.short_step, short_step)
        self.set_reactive(CardMessage.pieces, pieces)
        self.set_reactive(CardMessage.most, most)
        self.set_reactive(CardMessage.flows, flows)

    def render(self) -> Content:
        """The lines that fit."""
        width = max(1, self.size.width)
        if self._flowing_lines(width):
            return _styled(self.pieces, " ")
        return _styled(self._folded_lines(width), "\n")

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many as are needed, at most what there is."""
        return self._flowing_lines(width) or len(self._folded_lines(width))

    def _folded_lines(self, width: int) -> list[Piece]:
        return message_lines(self.pieces, width, self.most, self.short_step)

    def _flowing_lines(self, width: int) -> int:
        """How many lines it takes as one text; 0 when that is not wanted or not enough."""
        count = len(chunks(" ".join(text for text, _ in self.pieces), width))
        return count if self.flows and count <= self.most else 0


def _styled(pieces: Sequence[Piece], between: str) -> Content:
    return Content(between).join(Content.styled(text, STYLES[voice]) for text, voice in pieces)


def message_lines(
    pieces: Sequence[Piece], width: int, most: int, short_step: str = ""
) -> list[Piece]:
    """Every piece folded, together in at most so many lines.

    Args:
        short_step: In place of a step for which there is no room.
    """
    if short_step and sum(len(chunks(text, width)) for text, _ in pieces) > most:
        pieces = [(short_step if voice == "step" else text, voice) for text, voice in pieces]
    folded = [chunks(text, width) for text, _ in pieces]
    voices = [voice for _, voice in pieces]
    kept = _allotted([len(lines) for lines in folded], voices, most)
    return [
        (line, voice)
        for lines, voice, count in zip(folded, voices, kept, strict=True)
        for line in _first(lines, count, width)
    ]


def _allotted(wanted: Sequence[int], voices: Sequence[Voice], most: int) -> list[int]:
    """How many lines each piece gets: first all give way down to one line, then to none."""
    kept = list(wanted)
    for least in (1, 0):
        for voice in GIVE_WAY:
            for place in reversed(range(len(kept))):
                if voices[place] == voice:
                    kept[place] -= max(0, min(kept[place] - least, sum(kept) - most))
    return kept


def _first(lines: Sequence[str], count: int, width: int) -> list[str]:
    """So many lines; the last one tells that there is more."""
    if count >= len(lines) or not count:
        return list(lines[:count])
    return [*lines[: count - 1], shorten(" ".join(lines[count - 1 :]), width)]
