"""The demo as a picture: the real providers, parsers, chain and engine on the played upstream."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from tests.support import StoppedClock
from tui.app import UsageApp
from tui.core.models import Phase
from tui.demo import open_demo

Compare = Callable[..., bool]


def demo_app() -> UsageApp:
    """The dashboard of the demo at a moment that does not pass."""
    return UsageApp(open_demo(clock=StoppedClock()))


async def until_everybody_answered(pilot: Pilot[str]) -> None:
    """Wait for the engine, then for the screen."""
    app = pilot.app
    assert isinstance(app, UsageApp)
    deck = app.deck
    while not deck.is_started or any(
        deck.engine.state(key).attempted_at is None
        or deck.engine.state(key).phase is Phase.REFRESHING
        for key in tuple(deck.keys())
    ):
        await pilot.pause(0.05)
    await pilot.pause(0.3)


def test_the_deck_of_the_readme(snap_compare: Compare) -> None:
    """Three columns of cards, every bar visible, one card that needs setup, no number cut."""
    assert snap_compare(demo_app(), terminal_size=(120, 36), run_before=until_everybody_answered)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 50)], ids=["40x12", "80x24", "200x50"])
def test_the_deck_at_other_sizes(snap_compare: Compare, size: tuple[int, int]) -> None:
    """One line a provider at 40 columns, two columns at 80; the keys fit in one line."""
    assert snap_compare(demo_app(), terminal_size=size, run_before=until_everybody_answered)
