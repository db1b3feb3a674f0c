"""Logins we keep ourselves: own tokens and the last working cookies, by provider key and slot.

A damaged or full store costs a login of a later run, never the numbers of this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from tui.auth import CredentialStore, StoreError, StoreLocked
from tui.core.clock import Clock
from tui.core.redact import Secret
from tui.core.sessions import StoredSession
from tui.gateways.atomic import open_own, try_lock
from tui.gateways.paths import make_private

POLL_S = 0.05
log = logging.getLogger(__name__)


class SessionStore:
    """Sessions in a credential store.

    Args:
        store: Where they lie.
        lock_folder: For locks between instances; `None` when nothing is shared.
    """

    def __init__(
        self, store: CredentialStore, clock: Clock, lock_folder: Path | None = None
    ) -> None:
        self._store = store
        self.clock = clock
        self._lock_folder = lock_folder
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._unsaved: dict[tuple[str, str], StoredSession] = {}

    async def get(self, key: str, slot: str) -> StoredSession | None:
        """What is kept under a name."""
        if (key, slot) in self._unsaved:
            return self._unsaved[key, slot]
        try:
            text = await self._store.get(key, _field(slot))
        except StoreLocked:
            return None
        except StoreError as error:
            log.warning("%s", error.message)
            return None
        return None if text is None else _from_text(text)

    async def put(self, key: str, slot: str, value: Secret, label: str = "") -> None:
        """Keep a value; the other slots stay as they are. Saved when this returns."""
        session = StoredSession(value, label, self.clock.now())
        async with self._locks[key, _field(slot)]:
            try:
                await self._store.set(key, _field(slot), _to_text(session))
                self._unsaved.pop((key, slot), None)
            except StoreError as error:
                log.warning("%s The login is kept for this run only.", error.message)
                self._unsaved[key, slot] = session

    async def drop(self, key: str, slot: str, only: Secret | None = None) -> None:
        """Forget a value; with `only`, not when it was replaced meanwhile."""
        async with self._locks[key, _field(slot)]:
            if only is not None:
                kept = await self.get(key, slot)
                if kept is None or kept.value != only:
                    return
            self._unsaved.pop((key, slot), None)
            try:
                await self._store.delete(key, _field(slot))
            except StoreError as error:
                log.warning("%s", error.message)

    async def slots(self, key: str) -> tuple[str, ...]:
        """Names of what is kept for a provider key."""
        prefix = _field("")
        try:
            names = await self._store.names()
        except StoreError:
            return ()
        found = {field.removeprefix(prefix) for owner, field in names if owner == key}
        return tuple(sorted(found | {slot for owner, slot in self._unsaved if owner == key}))

    @contextlib.asynccontextmanager
    async def lock(self, key: str, name: str) -> AsyncIterator[None]:
        """One at a time for this account, in this process and between instances."""
        async with self._locks[key, name], self._locked_between_instances(f"{key}.{name}"):
            yield

    @contextlib.asynccontextmanager
    async def _locked_between_instances(self, name: str) -> AsyncIterator[None]:
        handle = self._open_lock(name)
        try:
            if handle is not None:
                await _until_locked(handle)
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def _open_lock(self, name: str) -> int | None:
        """A lock file; without a place to write there is nothing to share either."""
        if self._lock_folder is None:
            return None
        file = self._lock_folder / (re.sub(r"[^\w.-]", "_", name) + ".lock")
        try:
            make_private(self._lock_folder)
            return open_own(file, os.O_RDWR)
        except OSError:
            return None


async def _until_locked(handle: int) -> None:
    while not try_lock(handle):  # noqa: ASYNC110 (another process tells us nothing)
        await asyncio.sleep(POLL_S)


def _field(slot: str) -> str:
    return f"session.{slot}"


def _to_text(session: StoredSession) -> Secret:
    record = {
        "value": session.value.reveal(),
        "label": session.label,
        "saved_at": session.saved_at.isoformat(),
    }
    return Secret(json.dumps(record))


def _from_text(text: Secret) -> StoredSession | None:
    try:
        record = json.loads(text.reveal())
        saved_at = datetime.fromisoformat(record["saved_at"])
        return StoredSession(Secret(str(record["value"])), str(record["label"]), saved_at)
    except (ValueError, KeyError, TypeError):
        return None
