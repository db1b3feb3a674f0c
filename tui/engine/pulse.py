"""One look around for all accounts: did the machine sleep, did a login change?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tui.core.clock import Clock

PULSE_S = 15.0
WATCH_S = 1.0
"""Files of a login that is being waited for are looked at that often (B§4.4)."""
CLOCK_JUMP_S = 60.0


class Pulse:
    """Beats rarely, and every second while a login is waited for.

    Args:
        is_waiting: Whether a login is waited for.
        look: Called at every beat.
        on_jump: Called when the wall clock went on without the other one.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        is_waiting: Callable[[], bool],
        look: Callable[[], None],
        on_jump: Callable[[], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._is_waiting = is_waiting
        self._look = look
        self._on_jump = on_jump
        self._task: asyncio.Task[None] | None = None
        self._begins_to_wait = asyncio.Event()

    def start(self) -> None:
        """Begin, unless it beats already."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._beat(), name="pulse")

    def hurry(self) -> None:
        """A login is waited for from now on."""
        self._begins_to_wait.set()

    async def end(self) -> None:
        """Stop and wait until it has stopped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        offset = self._clock_offset()
        while True:
            self._begins_to_wait.clear()
            seconds = WATCH_S if self._is_waiting() else PULSE_S
            await either(self._clock.sleep(seconds), self._begins_to_wait.wait())
            self._look()
            before, offset = offset, self._clock_offset()
            if abs(offset - before) > CLOCK_JUMP_S:
                await self._on_jump()

    def _clock_offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()


async def either(sleep: Awaitable[None] | None, wake: Awaitable[bool]) -> bool:
    """Wait for the first of the two; true when it was the wake-up."""
    waker = asyncio.ensure_future(wake)
    waiting = {waker} if sleep is None else {waker, asyncio.ensure_future(sleep)}
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        return waker in done
    finally:
        for task in waiting:
            task.cancel()
