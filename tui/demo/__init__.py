"""An upstream made of packaged answers, in-process and below the HTTP gateway.

The real sources, parsers, chain and engine run on it; only the far side of the network is played.
Each provider's part is a scene in `tui.demo.scenes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.core.clock import Clock
    from tui.runtime import Deck, Options


def open_demo(options: Options | None = None, clock: Clock | None = None) -> Deck:
    """A deck over the packaged upstream: every provider, moving numbers, no account, no network."""
    from tui.demo.deck import DemoDeck
    from tui.runtime import NO_OPTIONS

    return DemoDeck(options or NO_OPTIONS, clock)
