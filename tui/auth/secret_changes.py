"""Changing several secrets together with something else: all of it happens, or none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tui.auth import CredentialStore, StoreError, StoreLocked
from tui.core.redact import Secret


@asynccontextmanager
async def changed_secrets(
    store: CredentialStore, key: str, secrets: Mapping[str, Secret | None]
) -> AsyncIterator[None]:
    """Inside the block the secrets of an account are changed; if it fails, the old ones are back.

    Args:
        secrets: By field; `None` forgets one.

    Raises:
        StoreError: A secret could not be kept; the old ones are as they were.
    """
    before = await _readable(store, key, secrets)
    is_done = False
    try:
        await _put(store, key, secrets)
        yield
        is_done = True
    finally:
        if not is_done:
            await _put(store, key, before)


async def _readable(
    store: CredentialStore, key: str, secrets: Mapping[str, Secret | None]
) -> dict[str, Secret | None]:
    """The present values. One in a locked key store cannot be overwritten, and a damaged file is
    set aside as a whole, so neither needs a copy."""
    found: dict[str, Secret | None] = {}
    for field in secrets:
        try:
            found[field] = await store.get(key, field, user_initiated=True)
        except (StoreError, StoreLocked):
            continue
    return found


async def _put(store: CredentialStore, key: str, secrets: Mapping[str, Secret | None]) -> None:
    for field, value in secrets.items():
        if value is None:
            await store.delete(key, field, user_initiated=True)
        else:
            await store.set(key, field, value, user_initiated=True)
