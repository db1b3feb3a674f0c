"""Calls that may hang: each in a daemon thread, with a deadline.

Not `asyncio.to_thread`: its pool also serves DNS look-ups, so a few hanging key store prompts would
stop every network request, and leaving the program would wait for its threads. A daemon thread is
simply left behind.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from tui.core.errors import NetworkError

T = TypeVar("T")


class BlockedError(NetworkError):
    """A call into the system did not come back in time, or one before it still hangs."""


async def run_blocking(func: Callable[[], T], *, deadline_s: float, key: str | None = None) -> T:
    """What a blocking function returns or raises.

    Args:
        deadline_s: For the whole call, the wait for its turn included.
        key: At most one call per key runs at a time. A second one waits for its turn; once the
            running one is past its own deadline, it hangs, and others are refused at once.

    Raises:
        BlockedError: No result within the deadline, or the key is taken by a call that hangs.
            The thread goes on by itself; its result is dropped.
    """
    call = _Call(func, deadline_s)
    limit = asyncio.timeout(deadline_s)
    try:
        async with limit:
            await _take_turn(call, key)
            return await call.run(key)
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise BlockedError(f"The system did not answer within {deadline_s:g} s.") from error


class LeavingPool(ThreadPoolExecutor):
    """Threads for name look-ups, as asyncio's own pool, but nobody waits for them at the end: a
    look-up cannot be called off, and one that hangs would hold the program for half a minute."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; those that run are left behind."""
        super().shutdown(wait=False, cancel_futures=True)


class _Call(Generic[T]):
    """One call; its state belongs to no event loop, so it outlives the one that asked."""

    def __init__(self, func: Callable[[], T], deadline_s: float) -> None:
        self._func = func
        self._outcome: Future[T] = Future()
        self._outcome.set_running_or_notify_cancel()
        self._due_at = time.monotonic() + deadline_s

    @property
    def hangs(self) -> bool:
        return time.monotonic() > self._due_at

    async def run(self, key: str | None) -> T:
        threading.Thread(
            target=self._work, args=(key,), name=f"blocking-{key or 'call'}", daemon=True
        ).start()
        return await asyncio.wrap_future(self._outcome)

    async def ended(self) -> None:
        await asyncio.gather(asyncio.wrap_future(self._outcome), return_exceptions=True)

    def _work(self, key: str | None) -> None:
        try:
            result = self._func()
        except BaseException as error:
            _release(key)
            self._outcome.set_exception(error)
        else:
            _release(key)
            self._outcome.set_result(result)


_running: dict[str, _Call[Any]] = {}


async def _take_turn(call: _Call[Any], key: str | None) -> None:
    # setdefault looks and takes in one step, whichever thread releases the key meanwhile.
    while key is not None and (running := _running.setdefault(key, call)) is not call:
        if running.hangs:
            raise BlockedError("The system has not answered an earlier question yet.")
        await running.ended()


def _release(key: str | None) -> None:
    if key is not None:
        del _running[key]
