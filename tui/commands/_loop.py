"""Running what waits: with standard output put aside, and an end that leaves no child behind."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from tui.gateways.logs import set_up, tear_down
from tui.gateways.paths import find_paths
from tui.runtime import NO_OPTIONS, Deck, Options

T = TypeVar("T")
SIGNALS = ("SIGTERM", "SIGHUP")


def run(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives.

    Dependencies print; until it ends, what they say goes to standard error. The log goes to its
    file.

    Raises:
        SystemExit: A signal ended it, after everything it had started was cleared away.
    """
    received: list[int] = []
    set_up(None, find_paths().state / "quotadeck.log")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return asyncio.run(_until_signal(work, received))
    except asyncio.CancelledError:
        if not received:
            raise
        raise SystemExit(128 + received[0]) from None
    finally:
        tear_down()


async def _until_signal(work: Coroutine[Any, Any, T], received: list[int]) -> T:
    task = asyncio.ensure_future(work)

    def end(number: int) -> None:
        received.append(number)
        task.cancel()

    for name in SIGNALS:
        with contextlib.suppress(AttributeError, NotImplementedError, RuntimeError):
            number = getattr(signal, name)
            asyncio.get_running_loop().add_signal_handler(number, end, number)
    return await task


async def with_open_deck(work: Callable[[Deck], Awaitable[T]], options: Options = NO_OPTIONS) -> T:
    """Do something with the settings, declarations and stores of this user."""
    deck = Deck(options=options)
    try:
        deck.open()
        return await work(deck)
    finally:
        await deck.aclose()
