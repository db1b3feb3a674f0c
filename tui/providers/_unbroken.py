"""Work that must not be cut in half: spending a single-use token and keeping the new one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

GRACE_S = 5.0


async def unbroken(work: Coroutine[Any, Any, T], *, grace_s: float = GRACE_S) -> T:
    """What the work returns or raises.

    When the wait for it is cancelled, the work goes on to its end before the cancellation does.

    Args:
        grace_s: Then it gets no more time than this.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=grace_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
