"""Accounts with what stands in a form laid over what is saved, and a try of the real chain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tui.accounts import Accounts
from tui.auth.overlay_store import OverlayStore
from tui.core.errors import FetchError
from tui.core.models import ProviderKey
from tui.core.redact import Secret
from tui.providers._chain import FetchResult, run, too_slow
from tui.values import ProviderValues

Entered = Mapping[str, Any]
EnteredSecrets = Mapping[str, Secret | None]
"""`None` stands for a secret that is to be forgotten."""


async def entered_values(
    accounts: Accounts, key: ProviderKey, values: Entered, secrets: EnteredSecrets
) -> ProviderValues:
    """The values of an account as they would be if the form were saved."""
    table = {
        name: value
        for name, value in {**accounts.own_table(key), **values}.items()
        if value is not None and name not in secrets
    }
    store = OverlayStore(accounts.world.store, str(key), secrets)
    return await accounts.values(key, table=table, store=store, user_initiated=True)


async def try_out(
    accounts: Accounts, key: ProviderKey, values: Entered, secrets: EnteredSecrets
) -> FetchResult:
    """Run the chain once with what stands in a form, without saving any of it."""
    spec = accounts.registry.specs[key.provider]
    try:
        entered = await entered_values(accounts, key, values, secrets)
        opened = accounts.open_values(entered, user_initiated=True)
        async with asyncio.timeout(spec.deadline_s):
            return await run(spec, opened.ctx)
    except TimeoutError:
        return too_slow(spec)
    except FetchError as error:
        return FetchResult(error=error.info())
