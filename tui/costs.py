"""Estimated local costs beside the numbers of the accounts that want them.

Read beside the event loop, never on the way of a refresh, and only while somebody wants them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from tui.accounts import Accounts
from tui.contexts import os_name
from tui.core.errors import FetchError
from tui.core.models import ProviderKey
from tui.engine import RefreshEngine
from tui.gateways.session_logs import SCAN_EVERY_S, LogCosts
from tui.providers._spec import SHOW_COSTS, ProviderSpec

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
        world = accounts.world
        self._logs = LogCosts(
            world.paths.cache, world.env, world.paths.home, os_name=os_name(), clock=world.clock
        )

    async def keep(self) -> None:
        """Until cancelled: read now, then every quarter of an hour."""
        while True:
            await self.update()
            await self._accounts.world.clock.sleep(SCAN_EVERY_S)

    async def update(self) -> None:
        """Read what is new and show it; nothing is touched when nobody wants costs."""
        wanted = [
            (key, spec)
            for key, spec in self._accounts.specs().items()
            if await self._wants(key, spec)
        ]
        for key, spec in wanted:
            await self._show(key, spec)

    async def close(self) -> None:
        """Stop reading."""
        await self._logs.close()

    async def _wants(self, key: ProviderKey, spec: ProviderSpec) -> bool:
        if not spec.costs:
            return False
        values = await self._accounts.values(key, reveal=False)
        if values.is_set(SHOW_COSTS):
            return values.flag(SHOW_COSTS)
        return self._show_by_default()

    async def _show(self, key: ProviderKey, spec: ProviderSpec) -> None:
        assert spec.costs
        zone = datetime.now().astimezone().tzinfo
        assert zone is not None
        if self._engine.state(key).cost is None:
            self._engine.set_cost(key, self._logs.latest(spec.costs))
        try:
            now = self._accounts.world.clock.now()
            self._engine.set_cost(key, await self._logs.summary(spec.costs, now, zone))
        except FetchError as error:
            log.warning("%s: no local costs: %s", key, error.message)
