"""The deck: a line of facts, the grid of cards, the log when wanted, a line of keys.

It owns the one timer, the one clock value and one worker per provider; all three go on while other
screens lie above it.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import var
from textual.worker import Worker, WorkerState

from tui.core.clock import LOCAL_ZONE
from tui.core.errors import internal_error
from tui.core.models import Phase, ProviderKey, ProviderState
from tui.deck_api import DeckApi
from tui.messages import (
    Closed,
    DetailsRequested,
    FilterChanged,
    ProviderStateChanged,
    RefreshRequested,
    SettingsRequested,
)
from tui.screens.following import FollowingScreen
from tui.widgets.card_grid import CardGrid, Direction
from tui.widgets.key_bar import KeyBar
from tui.widgets.space import Space, choose_space
from tui.widgets.status_bar import StatusBar

if TYPE_CHECKING:
    from tui.present.views import CardView
    from tui.widgets.provider_card import ProviderCard

log = logging.getLogger("tui.screen")

TICK_S = 1.0
DECK_EVERY_TICKS = 5
"""The top line speaks in whole minutes."""
LINES_AROUND = 2
"""The top line and the line of keys."""
NOT_FORGIVEN = 2
"""A first failure is only marked; a watcher that ended does not try again."""
WATCH = "watch:"
"""Begins the name of the worker group of a provider."""
FOR_CARDS = frozenset({"refresh", "details", "filter", "move", "edge", "page"})
"""Actions that make no sense while the log has the focus."""


class DashboardScreen(FollowingScreen):
    """Everything at a glance."""

    AUTO_FOCUS = "ProviderCard"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-normal")]  # noqa: RUF012 - Textual's own name

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "refresh", "refresh", id="refresh"),
        Binding("enter", "details", "details", id="details"),
        Binding("s", "settings", "settings", id="settings"),
        Binding("L", "log", "log", id="log"),
        Binding("u", "used_left", "used/left", id="used_left"),
        Binding("t", "times", "clock", id="times"),
        Binding("slash", "filter", "filter", id="filter"),
        Binding("R", "refresh_all", "refresh all", id="refresh_all", show=False),
        Binding("left,h", "move('left')", "card to the left", id="left", show=False),
        Binding("down,j", "move('down')", "card below", id="down", show=False),
        Binding("up,k", "move('up')", "card above", id="up", show=False),
        Binding("right,l", "move('right')", "card to the right", id="right", show=False),
        Binding("g,home", "edge(0)", "first card", id="first", show=False),
        Binding("G,end", "edge(-1)", "last card", id="last", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "page up", id="page_up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "page down", id="page_down", show=False),
        Binding("tab", "app.focus_next", "next place", id="next_place", show=False),
        Binding("escape", "show_all", "show all", id="show_all", show=False),
    ]

    now: var[datetime | None] = var[datetime | None](None)
    """The time the cards show; one timer moves it."""
    space: var[Space] = var(Space())
    """The room the cards have; the size decides."""

    # Kept, not looked up: workers still speak of them while the screen closes.
    status: StatusBar
    grid: CardGrid

    class Started(Message):
        """The deck is up; providers are being asked."""

    class Empty(Message):
        """Nothing is switched on."""

    def __init__(self, deck: DeckApi) -> None:
        super().__init__(deck)
        self._ticks = 0
        self._deck_is_due = False
        self._came_from: ProviderCard | None = None
        self.set_reactive(DashboardScreen.now, deck.clock.now())

    def compose(self) -> ComposeResult:
        """Bars and outlines: all that the first frame needs."""
        self.set_reactive(DashboardScreen.space, self._choose_space())
        self.status = StatusBar(id="status")
        self.grid = CardGrid(tuple(face.name for face in self.deck.faces()), self.space)
        yield self.status
        yield self.grid
        yield KeyBar(id="keys")

    # -- bringing it up --------------------------------------------------------------------------

    def on_mount(self) -> None:
        """What is slow comes after the first frame."""
        self.status.mode = "demo" if self.deck.demo else ""
        self.set_interval(TICK_S, self._tick)
        self.call_after_refresh(self._start)

    def on_screen_resume(self) -> None:
        """Another screen may have changed how numbers are shown, or switched everything off."""
        if self.grid.all_cards:
            self.look_again()
        self._tell_if_empty()

    def _start(self) -> None:
        self.run_worker(self._bring_up(), name="start", group="start")

    async def _bring_up(self) -> None:
        """First the last run's numbers, then what brings new ones."""
        with self.app.batch_update():
            await self._sync_cards(self.deck.keys())
            self._fit()
            self._show_deck()
        await self.deck.start()
        self.follow()
        self.deck.engine.tell = self._say
        await self.take_over()
        self.post_message(self.Started())

    def _say(self, key: ProviderKey, sentence: str) -> None:
        """What a background task has for the user."""
        name = next((face.name for face in self.deck.faces() if face.key == key), str(key))
        self.notify(sentence, title=name, timeout=12, markup=False)

    async def take_over(self) -> None:
        """Bring cards and watchers in line with what is switched on now."""
        keys = self.deck.keys()
        await self._sync_cards(keys)
        watched = {worker.group for worker in self.workers if not worker.is_finished}
        for key in keys:
            if f"{WATCH}{key}" not in watched:
                self._watch(key)
        self._fit()
        self.look_again()
        self._tell_if_empty()

    def _tell_if_empty(self) -> None:
        if self.deck.is_started and not self.deck.keys():
            self.post_message(self.Empty())

    async def _sync_cards(self, keys: tuple[ProviderKey, ...]) -> None:
        cards = {card.key: card for card in self.grid.all_cards}
        for key in cards.keys() - set(keys):
            await cards[key].remove()
        await self.grid.mount_all([self._new_card(key) for key in keys if key not in cards])
        if tuple(cards) != keys:
            place = {key.dom_id: index for index, key in enumerate(keys)}
            self.grid.sort_children(key=lambda card: place.get(card.id or "", -1))
        for card in self.grid.all_cards:
            card.state = self._state(card.key)
        if self.focused is None:
            self.grid.focus_edge(0)

    def _new_card(self, key: ProviderKey) -> ProviderCard:
        from tui.widgets.provider_card import ProviderCard

        return ProviderCard(
            key,
            self._state(key),
            self.now or self.deck.clock.now(),
            space=self.space,
            present=self._present,
        )

    def _state(self, key: ProviderKey) -> ProviderState:
        return self.deck.engine.state(key) if self.deck.is_started else self.deck.last_state(key)

    def _watch(self, key: ProviderKey) -> None:
        self.run_worker(
            self.deck.engine.watch(key),
            name=str(key),
            group=f"{WATCH}{key}",
            exclusive=True,
            exit_on_error=False,
        )

    # -- showing what is known -------------------------------------------------------------------

    def look_again(self) -> None:
        """Present everything anew, after a preference changed."""
        for card in self.grid.all_cards:
            card.look_again()
        self._show_deck()

    def _present(self, state: ProviderState, now: datetime) -> CardView:
        from tui.present.card import card_view

        face = next(face for face in self.deck.faces() if face.key == state.key)
        return card_view(
            state,
            name=face.name,
            short_name=face.short_name,
            now=now,
            prefs=self.deck.prefs,
            tz=LOCAL_ZONE,
        )

    def _show_deck(self) -> None:
        """The top line, from the cards as they are shown."""
        from tui.present.deck import deck_view

        self.status.view = deck_view(
            [card.view for card in self.grid.all_cards if card.view is not None],
            now=self.now or self.deck.clock.now(),
            prefs=self.deck.prefs,
            tz=LOCAL_ZONE,
        )

    def _show_deck_soon(self) -> None:
        """Once for all the states that arrive together."""
        if not self._deck_is_due:
            self._deck_is_due = True
            self.call_after_refresh(self._show_due_deck)

    def _show_due_deck(self) -> None:
        self._deck_is_due = False
        self._show_deck()

    def watch_now(self, now: datetime | None) -> None:
        """Every card decides by itself whether the time matters to it."""
        for card in self.grid.all_cards:
            card.now = now

    def watch_space(self, space: Space) -> None:
        """Every card places its rows anew."""
        for card in self.grid.all_cards:
            card.space = space

    def _tick(self) -> None:
        self.now = self.deck.clock.now()
        self._ticks += 1
        if self._ticks % DECK_EVERY_TICKS == 0:
            self._show_deck()

    @on(ProviderStateChanged)
    def _state_changed(self, message: ProviderStateChanged) -> None:
        message.stop()
        for card in self.grid.all_cards:
            if card.key == message.state.key:
                card.now = self.deck.clock.now()
                card.state = message.state
        self._show_deck_soon()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        """A watcher never fails; if it does, its card says so and the others go on."""
        worker = event.worker
        if event.state is not WorkerState.ERROR or not worker.group.startswith(WATCH):
            return
        key = ProviderKey.parse(worker.name)
        error = worker.error or RuntimeError()
        log.error("%s: the watcher ended", key, exc_info=error)
        state = replace(
            self._state(key),
            phase=Phase.WAITING,
            error=internal_error(error),
            failures=NOT_FORGIVEN,
            next_at=None,
        )
        self.post_message(ProviderStateChanged(state))

    # -- size ------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Another size may want another density."""
        self._fit()

    def _fit(self) -> None:
        self.space = self._choose_space()
        self.grid.fit(self.space)

    def _choose_space(self) -> Space:
        width, height = self.app.size
        return choose_space(
            width,
            height - LINES_AROUND,
            len(self.deck.keys()),
            self.deck.config.density,
            ascii_only=self.deck.prefs.ascii,
        )

    # -- actions ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The log and the filter have keys of their own."""
        place = self.focused
        if place is None or place.parent is self.grid:
            return True
        return not place.check_consume_key("x", "x") and action not in FOR_CARDS

    def action_refresh(self) -> None:
        """Fresh numbers for the focused card."""
        card = self.grid.focused_card
        if card is not None:
            self.post_message(RefreshRequested(card.key))

    def action_refresh_all(self) -> None:
        """Fresh numbers for everybody."""
        self.post_message(RefreshRequested(None))

    def action_details(self) -> None:
        """Everything about the focused card."""
        card = self.grid.focused_card
        if card is not None:
            self.post_message(DetailsRequested(card.key))

    def action_settings(self) -> None:
        """The settings, opened at the focused card."""
        card = self.grid.focused_card
        self.post_message(SettingsRequested(card.key if card else None))

    def action_move(self, direction: Direction) -> None:
        """The focus goes to the neighbour."""
        self.grid.move_focus(direction)

    def action_edge(self, index: Literal[0, -1]) -> None:
        """The focus goes to the first or the last card."""
        self.grid.focus_edge(index)

    def action_page(self, pages: Literal[-1, 1]) -> None:
        """The focus goes a screenful further."""
        self.grid.focus_page(pages)

    # -- the log ---------------------------------------------------------------------------------

    async def action_log(self) -> None:
        """Open the log and go there; close it again."""
        from tui.widgets.log_pane import LogPane

        self._came_from = self.grid.focused_card or self._came_from
        if not self.query(LogPane):
            await self.mount(LogPane(self.deck.ring, self.deck.log_place), before="#keys")
            self.query_one(LogPane).open()
            return
        pane = self.query_one(LogPane)
        if pane.display:
            pane.close()
        else:
            pane.open()

    @on(Closed)
    def _back_to_cards(self) -> None:
        if self._came_from in self.grid.cards:
            self.set_focus(self._came_from)
        else:
            self.grid.focus_edge(0)

    # -- the filter ------------------------------------------------------------------------------

    async def action_filter(self) -> None:
        """Ask for words that the names must contain."""
        from tui.widgets.filter_line import FilterLine

        self._came_from = self.grid.focused_card or self._came_from
        if not self.query(FilterLine):
            await self.mount(FilterLine(), before="#keys")
        self.query_one(FilterLine).open()

    def action_show_all(self) -> None:
        """Forget the filter."""
        from tui.widgets.filter_line import FilterLine

        for line in self.query(FilterLine):
            line.action_clear_and_close()

    @on(FilterChanged)
    def _filter_changed(self, message: FilterChanged) -> None:
        from tui.widgets.filter_line import FilterLine

        message.stop()
        self.grid.show_only(message.words)
        found = bool(self.grid.cards) or not self.grid.all_cards
        self.query_one("#filter", FilterLine).tell("" if found else "no name contains this")
