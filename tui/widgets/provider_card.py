"""One provider: name and plan on the upper edge, source and age on the lower one, numbers between.

The card turns a state and the time into a `CardView` and places it. A view equal to the last one
touches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Self

from rich.cells import cell_len as cells
from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.reactive import var
from textual.widget import Widget

from tui.core.models import ProviderKey, ProviderState
from tui.messages import DetailsRequested
from tui.present.changes import next_change
from tui.present.views import BalanceView, CardView
from tui.widgets.balance_row import BalanceRow
from tui.widgets.card_message import CardMessage, Piece
from tui.widgets.row_layout import SET_UP, RowLine, card_lines
from tui.widgets.space import Space
from tui.widgets.usage_row import UsageRow

Present = Callable[[ProviderState, datetime], CardView]

STYLES = {
    "name": "bold $foreground",
    "old name": "bold $foreground 65%",
    "muted": "$foreground 60%",
}
"""The symbol takes the colour of the edge's title, which the style sheet chooses by look."""


class ProviderCard(Widget, can_focus=True):
    """The card of one provider or account."""

    state: var[ProviderState | None] = var[ProviderState | None](None)
    """What the engine knows."""
    now: var[datetime | None] = var[datetime | None](None)
    """The time; the screen has the one clock."""
    space: var[Space] = var(Space())
    """The room it has; the screen decides."""
    view: var[CardView | None] = var[CardView | None](None)
    """What is shown."""

    _edge_line: Region | None = None
    """The line that is being written on, relative to the content."""

    def __init__(
        self,
        key: ProviderKey,
        state: ProviderState,
        now: datetime,
        *,
        space: Space,
        present: Present,
    ) -> None:
        super().__init__(id=key.dom_id)
        self.key = key
        self._present = present
        self._looked_at = self._look_again_at = now
        self._edges: dict[str, Content] = {}
        self.set_reactive(ProviderCard.space, space)
        self.set_reactive(ProviderCard.now, now)
        self.set_reactive(ProviderCard.state, state)
        self.set_reactive(ProviderCard.view, self._seen(state, now))
        self._show_classes()

    @property
    def searched(self) -> str:
        """What the filter looks into."""
        card = self.view
        names = (card.name, card.short_name) if card else ()
        return " ".join((str(self.key), *names)).casefold()

    def compose(self) -> ComposeResult:
        """The rows of the first view; later views add and hide rows, nothing is composed again."""
        card = self.view
        if card is None:
            return
        for line in card_lines(card, self.space):
            yield self._row(line)
        for balance in self._balances(card):
            yield BalanceRow(balance)
        if pieces := self._pieces(card):
            yield self._new_message(card, pieces)

    def on_mount(self) -> None:
        """Write on the edges."""
        self._show_edges()

    def on_resize(self, event: events.Resize) -> None:
        """The lower edge drops words that do not fit."""
        self._show_edges()

    def on_click(self, event: events.Click) -> None:
        """A double click opens the details."""
        if event.chain == 2:
            self.post_message(DetailsRequested(self.key))

    def watch_state(self, state: ProviderState | None) -> None:
        """A new state is shown at once."""
        self.look_again()

    def watch_now(self, now: datetime | None) -> None:
        """The time went on; most ticks cannot change a text."""
        if now is not None and not self._looked_at <= now < self._look_again_at:
            self.look_again()

    def watch_space(self, space: Space) -> None:
        """Another density or size places the same view anew."""
        if self.is_mounted:
            self._show()

    def watch_view(self, view: CardView | None) -> None:
        """Show what changed."""
        if self.is_mounted:
            self._show()

    def look_again(self) -> None:
        """Present the state as of now; an equal view repaints nothing."""
        if self.state is not None and self.now is not None:
            self.view = self._seen(self.state, self.now)

    def _seen(self, state: ProviderState, now: datetime) -> CardView:
        self._looked_at, self._look_again_at = now, next_change(state, now)
        return self._present(state, now)

    def _show(self) -> None:
        self._show_classes()
        self._show_rows()
        self._show_edges()

    def _show_classes(self) -> None:
        card = self.view
        if card is None:
            return
        severity = card.headline.severity if card.headline else "unknown"
        classes = {f"-{self.space.density}", f"-look-{card.look.replace('_', '-')}", f"-{severity}"}
        if self.classes != classes:
            self.set_classes(classes)

    def _show_rows(self) -> None:
        """Values for the rows that are there, more rows where they do not suffice."""
        card = self.view
        if card is None:
            return
        lines, balances = card_lines(card, self.space), self._balances(card)
        rows = list(self.query_children(UsageRow))
        balance_rows = list(self.query_children(BalanceRow))
        for row, line in zip(rows, lines, strict=False):
            row.show(line)
        for balance_row, balance in zip(balance_rows, balances, strict=False):
            balance_row.view = balance
        _show_first(rows, len(lines))
        _show_first(balance_rows, len(balances))
        self._add([self._row(line) for line in lines[len(rows) :]], after=len(rows))
        more = [BalanceRow(view) for view in balances[len(balance_rows) :]]
        self._add(more, after=max(len(rows), len(lines)) + len(balance_rows))
        self._show_message(card)

    def _add(self, widgets: Sequence[Widget], *, after: int) -> None:
        if widgets:
            behind = self.children[after] if after < len(self.children) else None
            self.mount_all(widgets, before=behind)

    def _row(self, line: RowLine) -> UsageRow:
        return UsageRow(line, ascii_only=self.space.ascii_only)

    def _balances(self, card: CardView) -> tuple[BalanceView, ...]:
        return () if self.space.density == "line" else card.balances

    def _show_message(self, card: CardView) -> None:
        pieces = self._pieces(card)
        for message in self.query_children(CardMessage):
            _display(message, bool(pieces))
            message.pieces, message.most = pieces, self._message_lines(card)
            message.flows = self.space.density == "compact"
            message.short_step = _short_step(card)
            return
        if pieces:
            self.mount(self._new_message(card, pieces))

    def _new_message(self, card: CardView, pieces: tuple[Piece, ...]) -> CardMessage:
        flows = self.space.density == "compact"
        most = self._message_lines(card)
        return CardMessage(pieces, most, flows=flows, short_step=_short_step(card))

    def _pieces(self, card: CardView) -> tuple[Piece, ...]:
        if self.space.density == "line":
            return ()
        next_text = card.next_text if card.message else ""
        pieces: tuple[Piece, ...] = (
            (card.service_text, "service"),
            (card.message, "muted"),
            (" ".join(filter(None, (card.hint, next_text))), "step"),
            (card.cost_text, "muted"),
        )
        said = tuple(piece for piece in pieces if piece[0])
        is_empty = not said and not card.rows and not card.balances
        return ((card.symbol, "sign"),) if is_empty else said

    def _message_lines(self, card: CardView) -> int:
        """Without numbers there is room for more words."""
        if self.space.density == "compact":
            return 3
        return 4 if card.rows or card.balances else 6

    def _show_edges(self) -> None:
        card = self.view
        if card is None or self.space.density == "line":
            return
        width, height = self.outer_size
        edges = (
            ("border_title", self._upper_edge(card), 0),
            ("border_subtitle", self._lower_edge(card, self.size.width - 2), height - 1),
        )
        for name, text, y in edges:
            if self._edges.get(name) != text:
                self._edges[name] = text
                self._edge_line = Region(0, y, width, 1).translate(-self.content_offset)
                setattr(self, name, text)
        self._edge_line = None

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Words written on an edge repaint that line, not the whole card."""
        if self._edge_line is not None and not regions:
            regions = (self._edge_line,)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _upper_edge(self, card: CardView) -> Content:
        return Content.assemble(
            (f"{card.symbol} " if card.symbol else "", "bold"),
            (card.name, STYLES["old name" if card.look == "stale" else "name"]),
            (f" · {card.plan}" if card.plan else "", STYLES["muted"]),
        )

    def _lower_edge(self, card: CardView, room: int) -> Content:
        """Source, age and troubles, without the less important ones where they do not fit."""
        age = f"{card.age} ↻".strip() if card.refreshing else card.age
        next_text = card.next_text if card.failed_tries else ""
        choices = (
            (card.source, age, card.failed_tries, next_text),
            (card.source, age, card.failed_tries),
            (card.source, age),
            (age,),
        )
        texts = [" · ".join(filter(None, choice)) for choice in choices]
        return Content(next((text for text in texts if cells(text) <= room), texts[-1]))


def _short_step(card: CardView) -> str:
    """The step without the time of the next try, or the one that leads to the whole of it."""
    return SET_UP if card.look == "needs_setup" else card.hint


def _show_first(rows: Sequence[Widget], count: int) -> None:
    for index, row in enumerate(rows):
        _display(row, index < count)


def _display(widget: Widget, wanted: bool) -> None:
    """Setting it repaints, even to what it is."""
    if widget.display != wanted:
        widget.display = wanted
