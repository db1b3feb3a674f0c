"""Everything that is known about one provider, and where each number comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len as cells
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalGroup, VerticalScroll
from textual.content import Content
from textual.reactive import var
from textual.widgets import Sparkline, Static

from tui.core import wording
from tui.core.clock import LOCAL_ZONE
from tui.core.models import ProviderKey, ProviderState, UsageSeries
from tui.deck_api import DeckApi
from tui.messages import CopyRequested, ProviderStateChanged, RefreshRequested
from tui.present.details import details_view
from tui.present.views import BalanceDetail, DetailsView
from tui.providers._spec import Links
from tui.screens.following import FollowingScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.key_bar import KeyBar
from tui.widgets.window_section import WindowSection

LABEL_MAX = 20
"""Of the facts on the right."""
LINK_LABELS = (
    ("dashboard", "Usage"),
    ("keys", "Keys"),
    ("login", "Sign in"),
    ("status", "Status"),
)


class DetailsScreen(FollowingScreen):
    """Windows and charts on the left, plan, money and links on the right, attempts below."""

    CSS_PATH = "details.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-wide")]  # noqa: RUF012 - Textual's own name
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "dismiss", "back", id="back"),
        Binding("r", "refresh", "refresh", id="refresh"),
        Binding("o", "open_link", "open page", id="open_link"),
        Binding("y", "copy_link", "copy address", id="copy_link"),
        Binding("p", "privacy", "hide account", id="privacy"),
        Binding("u", "used_left", "used/left", id="used_left"),
        Binding("t", "times", "clock", id="times", show=False),
        Binding("j", "scroll('scroll_down')", "down", id="down", show=False),
        Binding("k", "scroll('scroll_up')", "up", id="up", show=False),
        Binding("g", "scroll('scroll_home')", "top", id="first", show=False),
        Binding("G", "scroll('scroll_end')", "bottom", id="last", show=False),
        Binding("ctrl+d", "scroll('page_down')", "page down", id="page_down", show=False),
        Binding("ctrl+u", "scroll('page_up')", "page up", id="page_up", show=False),
    ]

    view: var[DetailsView | None] = var[DetailsView | None](None)
    """What is shown. An equal view touches nothing."""

    def __init__(self, deck: DeckApi, key: ProviderKey) -> None:
        super().__init__(deck)
        self.key = key
        self._state = _state_of(deck, key)
        self._hides_account = deck.prefs.privacy
        self.set_reactive(DetailsScreen.view, self._seen())

    def compose(self) -> ComposeResult:
        """One scrolling page; the columns stand below each other where it is narrow."""
        yield Static(id="title", markup=False)
        with VerticalScroll(id="page"):
            with Container(id="columns"):
                yield VerticalGroup(id="left")
                yield VerticalGroup(Facts(id="facts"), id="right")
            yield Static("Where this number comes from", id="origin", markup=False)
            yield Facts(id="attempts")
            yield Static(id="next", markup=False)
        yield KeyBar()

    async def on_mount(self) -> None:
        """Follow the engine while the screen is open."""
        if self.deck.is_started:
            self.follow()
        await self._show(self.view)

    async def watch_view(self, view: DetailsView | None) -> None:
        """Show what changed."""
        if self.is_mounted:
            await self._show(view)

    @on(ProviderStateChanged)
    def _state_changed(self, message: ProviderStateChanged) -> None:
        message.stop()
        if message.state.key == self.key:
            self._state = message.state
            self.look_again()

    def look_again(self) -> None:
        """Present the state as of now."""
        self.view = self._seen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a page there is none to open."""
        return action not in ("open_link", "copy_link") or bool(self._page())

    def action_refresh(self) -> None:
        """Ask this provider now."""
        self.post_message(RefreshRequested(self.key))

    def action_open_link(self) -> None:
        """Open the provider's page; on a server the address in the message has to do."""
        url = self._page()
        if url:
            self.app.open_url(url)
            self.notify(f"{url}\ny copies the address.", title="Opening", markup=False)

    def action_copy_link(self) -> None:
        """The address of the provider's page."""
        url = self._page()
        if url:
            self.post_message(CopyRequested(url, "The address was", url))

    def action_privacy(self) -> None:
        """Mask the account, or show it."""
        self._hides_account = not self._hides_account
        self.look_again()

    async def action_scroll(self, how: str) -> None:
        """Letters for the scrolling keys."""
        await self.query_one("#page").run_action(how)

    # -- showing it ------------------------------------------------------------------------------

    def _seen(self) -> DetailsView:
        face = next(face for face in self.deck.faces() if face.key == self.key)
        return details_view(
            self._state,
            name=face.name,
            short_name=face.short_name,
            now=self.deck.clock.now(),
            prefs=replace(self.deck.prefs, privacy=self._hides_account),
            tz=LOCAL_ZONE,
        )

    async def _show(self, view: DetailsView | None) -> None:
        if view is None:
            return
        self.query_one("#title", Static).update(_title(view))
        await self._show_windows(view)
        await self._show_charts(view.series)
        _show_facts(self.query_one("#facts", Facts), self._facts(view), LABEL_MAX)
        self._show_attempts(view)

    async def _show_windows(self, view: DetailsView) -> None:
        left = self.query_one("#left")
        sections = list(left.query_children(WindowSection))
        label_width = max((len(detail.row.label) for detail in view.windows), default=0)
        for section, detail in zip(sections, view.windows, strict=False):
            section.show(detail, label_width)
        for section in sections[len(view.windows) :]:
            await section.remove()
        new = view.windows[len(sections) :]
        await left.mount_all(
            WindowSection(detail, label_width, ascii_only=self.deck.prefs.ascii) for detail in new
        )

    async def _show_charts(self, series: tuple[UsageSeries, ...]) -> None:
        left = self.query_one("#left")
        charts = {chart.series.id: chart for chart in left.query_children(Chart)}
        for wanted in series:
            chart = charts.pop(wanted.id, None)
            if chart is None:
                await left.mount(Chart(wanted))
            else:
                chart.show(wanted)
        for chart in charts.values():
            await chart.remove()

    def _show_attempts(self, view: DetailsView) -> None:
        rows = tuple((head, text or wording.UNKNOWN) for head, text in view.attempt_facts)
        _show_facts(self.query_one("#attempts", Facts), rows)
        next_text = wording.joined(("" if rows else "Not asked yet.", view.next_text), " ")
        self.query_one("#next", Static).update(Content(next_text))

    def _facts(self, view: DetailsView) -> tuple[Fact, ...]:
        """Title and rows of every part that has something to say."""
        money = [(item.balance.label, _balance_text(item)) for item in view.balances]
        parts: list[tuple[str, Sequence[Fact]]] = [
            ("", view.facts),
            ("Balances", money),
            *((group.title, group.rows) for group in view.groups),
            ("Estimated cost", view.costs),
            ("Links", self._links()),
        ]
        return tuple(
            fact
            for title, rows in parts
            if rows
            for fact in (*([(title, "")] if title else []), *rows, ("", ""))
        )

    def _links(self) -> list[tuple[str, str]]:
        """Every address once, without the one that stands among the facts."""
        try:
            links = self.deck.spec(self.key).links if self.deck.is_started else Links()
        except KeyError:  # its module is broken
            return []
        by_url: dict[str, str] = {}
        for name, label in LINK_LABELS:
            by_url.setdefault(getattr(links, name), label)
        own = self.view.dashboard_url if self.view else ""
        return [(label, url) for url, label in by_url.items() if url and url != own]

    def _page(self) -> str:
        own = self.view.dashboard_url if self.view else ""
        return own or next((url for _, url in self._links()), "")


class Chart(VerticalGroup):
    """Values over time, with the numbers that the bars cannot tell."""

    def __init__(self, series: UsageSeries) -> None:
        super().__init__()
        self.series = series

    def compose(self) -> ComposeResult:
        """A line of words above the bars."""
        yield Static(_chart_title(self.series), markup=False)
        yield Sparkline(_values(self.series), summary_function=max)

    def show(self, series: UsageSeries) -> None:
        """Take newer values."""
        if series != self.series:
            self.series = series
            self.query_one(Static).update(_chart_title(series))
            self.query_one(Sparkline).data = _values(series)


def _state_of(deck: DeckApi, key: ProviderKey) -> ProviderState:
    return deck.engine.state(key) if deck.is_started else deck.last_state(key)


def _show_facts(facts: Facts, rows: tuple[Fact, ...], label_max: int | None = None) -> None:
    """The column of labels is as wide as the longest one."""
    longest = max((cells(label) for label, text in rows if text), default=0)
    facts.label_width = longest if label_max is None else min(label_max, longest)
    facts.rows = rows


def _title(view: DetailsView) -> Content:
    card = view.card
    about = wording.joined((card.plan, card.source, card.age))
    said = wording.joined((card.message, card.hint), " ")
    title = Content.assemble(
        (f"{card.symbol} " if card.symbol else "", "bold"), (card.name, "bold"), f"  {about}"
    )
    return Content("\n").join([title, Content(said)]) if said else title


def _balance_text(item: BalanceDetail) -> str:
    return wording.joined((item.balance.text, item.used, item.dates))


def _values(series: UsageSeries) -> list[float]:
    return [point.value for point in series.points]


def _chart_title(series: UsageSeries) -> Content:
    points = series.points
    if not points:
        return Content(series.label)
    highest = max(points, key=lambda point: point.value)
    span = f"{points[0].label} – {points[-1].label}"
    top = f"most {wording.tokens_text(highest.value)} {series.unit} ({highest.label})"
    return Content.assemble((series.label, "bold"), f"  {span} · {top}")
