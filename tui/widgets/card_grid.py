"""The grid of cards: as many columns as fit, and the focus moving through it by position.

Before there are cards it paints their outlines, so that the first frame need not wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from rich.cells import cell_len as cells
from rich.cells import set_cell_size
from textual.containers import ItemGrid
from textual.content import Content
from textual.layouts.grid import GridLayout

from tui.widgets.space import CARD_HEIGHT, CARD_WIDTH, CARD_WIDTH_MAX, LINE_WIDTH_MAX, Space

if TYPE_CHECKING:
    from tui.widgets.provider_card import ProviderCard

Direction = Literal["left", "right", "up", "down"]


class CardGrid(ItemGrid, can_focus=False):
    """Lays the cards out and scrolls to the focused one."""

    def __init__(self, names: tuple[str, ...], space: Space) -> None:
        super().__init__(id="cards", min_column_width=CARD_WIDTH)
        self._names = names
        self._space = space

    @property
    def all_cards(self) -> list[ProviderCard]:
        """Every card, in display order."""
        return cast("list[ProviderCard]", list(self.children))

    @property
    def cards(self) -> list[ProviderCard]:
        """The cards that the filter lets through."""
        return [card for card in self.all_cards if card.display]

    @property
    def columns(self) -> int:
        """How many cards stand side by side."""
        layout = self.layout
        size = layout.grid_size if isinstance(layout, GridLayout) else None
        return size[0] if size else 1

    @property
    def focused_card(self) -> ProviderCard | None:
        """The card that has the focus."""
        return next((card for card in self.cards if card.has_focus), None)

    def render(self) -> Content:
        """Only outlines, and only until the cards are there."""
        if self.children:
            return Content("")
        return Content.styled(outlines(self._names, self._space), "$foreground 25%")

    def fit(self, space: Space) -> None:
        """As many columns as were chosen; few cards do not stretch over a wide terminal."""
        self._space = space
        width = max(1, len(self.cards)) * _widest(space)
        if self.styles.max_width is None or self.styles.max_width.value != width:
            self.styles.max_width = width
        # One less than the share of a column, so that a scrollbar does not cost a column.
        self.min_column_width = max(1, space.width - 1)

    def move_focus(self, direction: Direction) -> None:
        """To the neighbour in that direction; along a row it goes on in the next one."""
        step = {"left": -1, "right": 1, "up": -self.columns, "down": self.columns}[direction]
        cards, card = self.cards, self.focused_card
        if not cards:
            return
        if card is None:
            cards[0].focus()
            return
        target = cards.index(card) + step
        if direction == "down":
            target = min(target, len(cards) - 1)
        if 0 <= target < len(cards):
            cards[target].focus()

    def focus_edge(self, index: Literal[0, -1]) -> None:
        """To the first or the last card."""
        if self.cards:
            self.cards[index].focus()

    def focus_page(self, pages: Literal[-1, 1]) -> None:
        """About one screenful up or down."""
        cards, card = self.cards, self.focused_card
        if not cards or card is None:
            return
        rows = max(1, self.size.height // max(1, card.outer_size.height) - 1)
        target = cards.index(card) + pages * rows * self.columns
        cards[max(0, min(len(cards) - 1, target))].focus()

    def show_only(self, words: str) -> None:
        """Hide the cards whose name does not contain the words."""
        wanted = words.casefold().split()
        for card in self.all_cards:
            card.display = all(word in card.searched for word in wanted)


def outlines(names: tuple[str, ...], space: Space) -> str:
    """Empty cards with their names, as lines of text."""
    if space.density == "line":
        return "\n".join(names)
    width = min(space.width, _widest(space))
    rows = [names[start : start + space.columns] for start in range(0, len(names), space.columns)]
    return "\n".join(line for row in rows for line in _outline_lines(row, width, space))


def _outline_lines(names: tuple[str, ...], width: int, space: Space) -> list[str]:
    inside = width - 2
    tops = "".join(f"╭─ {_fitted(name, inside - 4)} {_rule(name, inside)}╮" for name in names)
    sides = f"│{' ' * inside}│" * len(names)
    bottoms = f"╰{'─' * inside}╯" * len(names)
    return [tops, *([sides] * (CARD_HEIGHT[space.density] - 2)), bottoms]


def _fitted(name: str, width: int) -> str:
    return name if cells(name) <= width else set_cell_size(name, width)


def _rule(name: str, inside: int) -> str:
    return "─" * max(1, inside - 3 - cells(_fitted(name, inside - 4)))


def _widest(space: Space) -> int:
    return LINE_WIDTH_MAX if space.density == "line" else CARD_WIDTH_MAX
