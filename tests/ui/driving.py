"""Opening the app on a fake deck and looking at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from tests.ui.deck import FakeDeck
from tui.app import UsageApp
from tui.core.models import ProviderKey
from tui.widgets.log_pane import LogPane
from tui.widgets.provider_card import ProviderCard

PATIENCE_S = 10.0


@asynccontextmanager
async def opened(
    deck: FakeDeck, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[tuple[UsageApp, Pilot[str]]]:
    app = UsageApp(deck)
    async with app.run_test(size=size, notifications=True) as pilot:
        await ready(pilot)
        yield app, pilot


async def ready(pilot: Pilot[str]) -> None:
    """Wait until the deck is started and everything it caused is done."""
    app = pilot.app
    assert isinstance(app, UsageApp)
    await until(pilot, lambda: app.deck.is_started and not _is_starting(app))
    await pilot.pause()


def _is_starting(app: UsageApp) -> bool:
    return any(worker.name == "start" for worker in app.workers)


async def until(pilot: Pilot[str], condition: Callable[[], bool]) -> None:
    """Wait until something is so; fail if it never is."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await pilot.pause(0.01)


def card(app: UsageApp, provider: str) -> ProviderCard:
    return app.dashboard.query_one(f"#{ProviderKey(provider).dom_id}", ProviderCard)


def focused(app: UsageApp) -> str:
    place = app.focused
    return place.key.provider if isinstance(place, ProviderCard) else type(place).__name__


def shown(app: UsageApp) -> list[str]:
    return [item.key.provider for item in app.dashboard.grid.cards]


def screen_text(app: UsageApp) -> str:
    """What stands on the screen, line by line."""
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def log_lines(app: UsageApp) -> str:
    """What stands in the log pane."""
    region = app.dashboard.query_one(LogPane).region
    return "\n".join(screen_text(app).splitlines()[region.y + 1 : region.bottom])


async def open_log(app: UsageApp, pilot: Pilot[str]) -> None:
    """Open the log and wait for its first lines."""
    await pilot.press("L")
    await until(pilot, lambda: bool(log_lines(app).strip()) or not app.deck.ring.records(0, ""))
