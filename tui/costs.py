"""Estimated local costs beside the numbers of the accounts that want them.

Read beside the event loop, never on the way of a refresh, and only while somebody wants them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tui.accounts import Accounts
from tui.contexts import os_name
from tui.core.errors import FetchError
from tui.engine import RefreshEngine
from tui.gateways.session_logs import SCAN_EVERY_S, LogCosts
from tui.providers._spec import SHOW_COSTS
from tui.values import ProviderValues

log = logging.getLogger("tui.costs")


class CostKeeper:
    """Puts costs on the states of an engine.

    Args:
        show_by_default: The global setting, which an account may overrule.
    """

    def __init__(
        self, accounts: Accounts, engine: RefreshEngine, show_by_default: Callable[[], bool]
    ) -> None:
        self._accounts = accounts
        self._engine = engine
        self._show_by_default = show_by_default
        self._task: asyncio.Task[None] | None = None
        world = accounts.world
        self._logs = LogCosts(
            world.paths.cache, world.env, world.paths.home, os_name=os_name(), clock=world.clock
        )

    def start(self) -> None:
        """Read now, then every quarter of an hour."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="costs")

    async def _keep(self) -> None:
        while True:
            await self.update()
            await self._accounts.world.clock.sleep(SCAN_EVERY_S)

    async def update(self) -> None:
        """Read what is new and show it; nothing is touched when nobody wants costs."""
        keys = [key for key, spec in self._accounts.specs().items() if spec.costs]
        values = [await self._accounts.values(key, reveal=False) for key in keys]
        for wanted in filter(self._wants, values):
            await self._show(wanted)

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._logs.close()

    def _wants(self, values: ProviderValues) -> bool:
        try:
            if values.key.account and values.spec.costs_home and not _folder(values):
                return False
            if values.is_set(SHOW_COSTS):
                return values.flag(SHOW_COSTS)
        except FetchError:  # the refresh names the setting that is wrong
            return False
        return self._show_by_default()

    async def _show(self, values: ProviderValues) -> None:
        key, share, folder = values.key, values.spec.costs, _folder(values)
        assert share
        zone = datetime.now().astimezone().tzinfo
        assert zone is not None
        if self._engine.state(key).cost is None:
            self._engine.set_cost(key, self._logs.latest(share, folder))
        try:
            now = self._accounts.world.clock.now()
            summary = await self._logs.summary(share, now, zone, folder=folder)
            self._engine.set_cost(key, summary)
        except FetchError as error:
            log.warning("%s: no local costs: %s", key, error.message)


def _folder(values: ProviderValues) -> Path | None:
    """Where the logs of an account lie; `None` in the usual place."""
    name = values.spec.costs_home
    return values.path(name) if name else None
