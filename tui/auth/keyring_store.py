"""Secrets in the operating system's key store, which is slow to load, may hang and may ask.

keyring is imported on the first use only, in a guarded thread with a deadline. A list of names,
without values, says what the key store holds, so that it stays untouched when it holds nothing
for this run.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tui.auth import StoreError, StoreLocked, kwallet, secret_service
from tui.auth.private_table import Name, PrivateTable
from tui.core.redact import Secret
from tui.gateways.blocking import BlockedError, run_blocking

SERVICE = "quotadeck"
DEADLINE_S = 5.0
SAME_ACTION_S = 30.0
"""A refused question is not put again for the other secrets of the same action."""
log = logging.getLogger(__name__)
T = TypeVar("T")

ACCEPTED = {
    "keyring.backends.SecretService": "SecretService",
    "keyring.backends.libsecret": "libsecret",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.macOS": "macOS Keychain",
    "keyring.backends.Windows": "Windows Credential Manager",
}
"""Backends that protect what they keep; others lose it, leave it open, or ask on stdin."""

OPENERS: dict[str, Callable[..., bool]] = {
    "SecretService": secret_service.opens,
    "libsecret": secret_service.opens,
    "KWallet": kwallet.opens,
}
"""Stores that would ask when they are read while locked; they are opened beforehand."""


class KeyStoreUnavailable(Exception):
    """There is no key store, it is locked, or it did not answer in time."""


class KeyStore:
    """The key store behind keyring: one call at a time, five seconds for each.

    A store that is missing or silent is not asked again in this session. A locked one is: the
    user may unlock it any time.
    """

    def __init__(self) -> None:
        self._backend: Any = None
        self._given_up = False
        self._may_be_asking = False
        self._quiet_until_s = 0.0

    @property
    def name(self) -> str | None:
        """The kind of store; empty when there is none, `None` when it was not looked for yet."""
        if self._given_up:
            return ""
        return None if self._backend is None else ACCEPTED[type(self._backend).__module__]

    async def is_usable(self, *, user_initiated: bool = False) -> bool:
        """Whether it opens now; without a question unless the user started this."""
        try:
            await self._ask(lambda backend: None, user_initiated)
        except KeyStoreUnavailable:
            return False
        return True

    async def read(self, username: str, *, user_initiated: bool = False) -> str | None:
        """The value under a name.

        Raises:
            KeyStoreUnavailable: It does not open now.
        """
        return await self._ask(
            lambda backend: backend.get_password(SERVICE, username), user_initiated
        )

    async def read_foreign(
        self, service: str, account: str, *, user_initiated: bool = False
    ) -> str | None:
        """What another program keeps.

        Raises:
            KeyStoreUnavailable: It does not open now.
        """

        def look_up(backend: Any) -> str | None:
            # Windows has one name for an entry, into which programs put both.
            names = ((f"{service}/{account}", None), (service, account))
            found = (backend.get_password(target, username) for target, username in names)
            return next(filter(None, found), None)

        return await self._ask(look_up, user_initiated)

    async def write(self, username: str, value: str, *, user_initiated: bool = False) -> bool:
        """Keep a value; False when reading it back gives another one.

        Raises:
            KeyStoreUnavailable: It does not open now.
        """

        def write_and_read_back(backend: Any) -> bool:
            backend.set_password(SERVICE, username, value)
            return bool(backend.get_password(SERVICE, username) == value)

        return await self._ask(write_and_read_back, user_initiated)

    async def remove(self, username: str, *, user_initiated: bool = False) -> None:
        """Forget a value.

        Raises:
            KeyStoreUnavailable: It does not open now.
        """

        def remove(backend: Any) -> None:
            if backend.get_password(SERVICE, username) is not None:
                backend.delete_password(SERVICE, username)

        await self._ask(remove, user_initiated)

    async def _ask(self, work: Callable[[Any], T], user_initiated: bool) -> T:
        if self._given_up:
            raise KeyStoreUnavailable
        try:
            return await run_blocking(
                lambda: self._with_backend(work, user_initiated),
                deadline_s=DEADLINE_S,
                key="keyring",
            )
        except KeyStoreUnavailable:
            raise
        except BlockedError as error:
            # A question the user has not answered yet is no reason to stop asking later.
            self._may_be_asking |= user_initiated
            self._given_up = not self._may_be_asking
            raise KeyStoreUnavailable from error
        except Exception as error:
            self._given_up = self._backend is None
            log.info("The key store failed (%s).", type(error).__name__)
            raise KeyStoreUnavailable from error

    def _with_backend(self, work: Callable[[Any], T], may_ask: bool) -> T:
        if self._backend is None:
            self._backend = _find_backend()
        if self._backend is None:
            self._given_up = True
            raise KeyStoreUnavailable
        may_ask = may_ask and time.monotonic() >= self._quiet_until_s
        opens = OPENERS.get(self.name or "")
        if opens is not None and not opens(may_ask=may_ask):
            if may_ask:
                self._quiet_until_s = time.monotonic() + SAME_ACTION_S
            raise KeyStoreUnavailable
        with contextlib.nullcontext() if may_ask else _no_questions():
            return work(self._backend)


def _find_backend() -> Any:
    """The first real backend keyring would use, or nothing."""
    import keyring

    backend: Any = keyring.get_keyring()
    is_chain = type(backend).__module__ == "keyring.backends.chainer"
    candidates = backend.backends if is_chain else [backend]
    return next((found for found in candidates if _is_accepted(found)), None)


def _is_accepted(backend: Any) -> bool:
    return type(backend).__module__ in ACCEPTED and backend.priority >= 1


@contextlib.contextmanager
def _no_questions() -> Iterator[None]:
    """On macOS: a keychain that would have to ask fails instead."""
    if sys.platform != "darwin":
        yield
        return
    import ctypes

    security = ctypes.CDLL("/System/Library/Frameworks/Security.framework/Security")
    security.SecKeychainSetUserInteractionAllowed(0)
    try:
        yield
    finally:
        security.SecKeychainSetUserInteractionAllowed(1)


class KeyringStore:
    """A `CredentialStore` in the key store, with its list of names beside the other data.

    Args:
        names_file: Where the list of names is kept.
        key_store: Shared by every store of this run.
    """

    def __init__(self, names_file: Path, key_store: KeyStore) -> None:
        self._names = PrivateTable(names_file, "names")
        self._key_store = key_store

    async def get(self, key: str, field: str, *, user_initiated: bool = False) -> Secret | None:
        """The secret, or nothing."""
        if not await self.holds(key, field):
            return None
        try:
            value = await self._key_store.read(_username(key, field), user_initiated=user_initiated)
        except KeyStoreUnavailable as error:
            raise StoreLocked(
                "A secret lies in the key store, which does not open now.",
                hint="Unlock the key store, then refresh.",
            ) from error
        return None if value is None else Secret(value)

    async def set(
        self, key: str, field: str, value: Secret, *, user_initiated: bool = False
    ) -> None:
        """Keep a secret."""
        if not await self.try_set(key, field, value, user_initiated=user_initiated):
            raise StoreError("The key store did not take the secret.")

    async def try_set(
        self, key: str, field: str, value: Secret, *, user_initiated: bool = False
    ) -> bool:
        """Keep a secret if the store opens and gives it back unchanged."""
        if not await self._key_store.is_usable(user_initiated=user_initiated):
            return False
        was_there = await self.holds(key, field)
        # The name goes first: a name without a value does no harm, a value without a name is lost.
        await self._names.put(key, field, True)
        is_kept = await self._write(key, field, value, user_initiated)
        if not is_kept and not was_there:
            await self._names.remove(key, field)
        return is_kept

    async def delete(self, key: str, field: str, *, user_initiated: bool = False) -> None:
        """Forget a secret."""
        if not await self.try_delete(key, field, user_initiated=user_initiated):
            raise StoreError(
                "The key store did not open; the secret is still in it.",
                hint="Unlock the key store and delete it again.",
            )

    async def try_delete(self, key: str, field: str, *, user_initiated: bool = False) -> bool:
        """Forget a secret if the store opens; True also when there is none."""
        if not await self.holds(key, field):
            return True
        try:
            await self._key_store.remove(_username(key, field), user_initiated=user_initiated)
        except KeyStoreUnavailable:
            return False
        await self._names.remove(key, field)
        return True

    async def names(self) -> list[Name]:
        """What is kept, from the list of names."""
        return sorted(await self._names.values())

    async def holds(self, key: str, field: str) -> bool:
        """Whether the list of names has this one."""
        return (key, field) in await self._names.values()

    async def where(self, key: str, field: str) -> str:
        """Here, if at all."""
        return self.describe() if await self.holds(key, field) else ""

    async def probe(self) -> None:
        """Find out whether there is a key store that opens without a question."""
        await self._key_store.is_usable()

    @property
    def kind(self) -> str | None:
        """The kind of key store; empty when there is none, `None` when not looked for yet."""
        return self._key_store.name

    def describe(self) -> str:
        """Where this is."""
        return f"in the OS key store ({self.kind})" if self.kind else "in the OS key store"

    async def _write(self, key: str, field: str, value: Secret, user_initiated: bool) -> bool:
        try:
            return await self._key_store.write(
                _username(key, field), value.reveal(), user_initiated=user_initiated
            )
        except KeyStoreUnavailable:
            return False


def _username(key: str, field: str) -> str:
    return f"{key}/{field}"
