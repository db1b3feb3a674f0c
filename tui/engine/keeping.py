"""Writing the last numbers and waits down, beside the event loop."""

from __future__ import annotations

import asyncio
import logging

from tui.core.models import ProviderKey
from tui.gateways.blocking import BlockedError, run_blocking
from tui.gateways.cache import Remembered, SnapshotCache

log = logging.getLogger("tui.engine")

SAVE_S = 10.0


class Keeper:
    """Saves in the background, one after the other; `end` waits for what is under way."""

    def __init__(self, cache: SnapshotCache) -> None:
        self._cache = cache
        self._saves: set[asyncio.Task[None]] = set()

    def keep(self, key: ProviderKey, kept: Remembered) -> None:
        """Write it soon."""
        task = asyncio.create_task(self._save(key, kept), name=f"keep:{key}")
        self._saves.add(task)
        task.add_done_callback(self._saves.discard)

    async def end(self) -> None:
        """Wait until all is written."""
        await asyncio.gather(*self._saves)

    async def _save(self, key: ProviderKey, kept: Remembered) -> None:
        try:
            await run_blocking(
                lambda: self._cache.save(key, kept), deadline_s=SAVE_S, key=f"keep:{key}"
            )
        except BlockedError:
            log.warning("%s: the disk is too slow, the last numbers were not kept", key)
