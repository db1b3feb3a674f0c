"""How much room the cards have: columns, density and width follow from the size of the terminal.

Pure, and free of everything a card shows: the first frame needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Density = Literal["comfortable", "compact", "line"]

CARD_WIDTH = 38
"""A card is at least that wide, unless the terminal is not."""
CARD_WIDTH_MAX = 54
"""Wider cards would only have longer bars."""
CARD_HEIGHT: dict[Density, int] = {"comfortable": 8, "compact": 5}
"""Of an ordinary card with three windows."""
LINE_WIDTH = 56
LINE_WIDTH_MAX = 110
WORD_FITS: dict[Density, int] = {"comfortable": 46, "compact": 50, "line": 66}
"""From this width of a card on, every number has its word behind it."""
CARD_EDGES = 4
"""Border and padding, left and right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The room every card of the grid has; decided once per size, so that cards look alike."""

    density: Density = "comfortable"
    columns: int = 1
    width: int = CARD_WIDTH
    """Of one card, with its edges."""
    ascii_only: bool = False

    @property
    def word(self) -> bool:
        """Whether there is room for `used` or `left` behind every number."""
        return self.width >= WORD_FITS[self.density]

    @property
    def is_narrow(self) -> bool:
        """Whether a line has to abbreviate."""
        return self.width < LINE_WIDTH

    @property
    def inside(self) -> int:
        """The width between the edges of a card."""
        return self.width - CARD_EDGES


def choose_space(
    width: int, height: int, cards: int, wish: str = "auto", *, ascii_only: bool = False
) -> Space:
    """The roomiest density in which every card is in sight; no lines where cards fit.

    Args:
        width: Of the grid, in cells.
        height: Of the grid, in lines.
        cards: How many there are.
        wish: The setting; anything but `auto` decides the density.
    """
    density, columns = next(
        (
            (density, columns)
            for density, columns in _choices(width, cards, wish)
            if -(-cards // columns) * CARD_HEIGHT.get(density, 1) <= height
        ),
        _last_resort(width, height, cards, wish),
    )
    return Space(density=density, columns=columns, width=width // columns, ascii_only=ascii_only)


def _choices(width: int, cards: int, wish: str) -> Iterator[tuple[Density, int]]:
    """Wide cards before narrow ones, comfortable before compact."""
    fewest, most = _columns(width, cards, CARD_WIDTH_MAX, up=True), _columns(width, cards)
    for density in CARD_HEIGHT:
        if wish in ("auto", density):
            yield from ((density, columns) for columns in range(fewest, most + 1))


def _last_resort(width: int, height: int, cards: int, wish: str) -> tuple[Density, int]:
    """What scrolls: compact cards, lines where not even two of them stand side by side."""
    if wish == "comfortable":
        return "comfortable", _columns(width, cards)
    if wish == "compact" or (wish == "auto" and width >= 2 * CARD_WIDTH and height >= 16):
        return "compact", _columns(width, cards)
    return "line", _columns(width, cards, LINE_WIDTH)


def _columns(width: int, cards: int, wanted: int = CARD_WIDTH, *, up: bool = False) -> int:
    fitting = -(-width // wanted) if up else width // wanted
    return max(1, min(cards, fitting))
