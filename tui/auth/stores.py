"""Which store keeps a secret: the key store when it opens without a question, else the file.

Reading looks into both, the file first: what lies there is newer or was kept there because the
key store did not open.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui.auth.file_store import FileStore
from tui.auth.keyring_store import KeyringStore, KeyStore
from tui.auth.session_store import SessionStore
from tui.core.clock import Clock
from tui.core.redact import Secret


class CombinedStore:
    """A `CredentialStore` over the key store and the file."""

    def __init__(self, file: FileStore, keyring: KeyringStore) -> None:
        self._file = file
        self._keyring = keyring

    async def get(self, key: str, field: str, *, user_initiated: bool = False) -> Secret | None:
        """The secret, or nothing."""
        if await self._file.decides(key, field):
            return await self._file.get(key, field)
        return await self._keyring.get(key, field, user_initiated=user_initiated)

    async def set(
        self, key: str, field: str, value: Secret, *, user_initiated: bool = False
    ) -> None:
        """Keep a secret: one that lies in the file moves only when the user saves it."""
        stays = not user_initiated and await self._file.get(key, field) is not None
        if not stays and await self._keyring.try_set(
            key, field, value, user_initiated=user_initiated
        ):
            await self._file.delete(key, field)
        else:
            await self._file.set(key, field, value)

    async def delete(self, key: str, field: str, *, user_initiated: bool = False) -> None:
        """Forget a secret; where the key store does not open, it is at least never read again."""
        if await self._keyring.try_delete(key, field, user_initiated=user_initiated):
            await self._file.delete(key, field)
            return
        await self._file.bury(key, field)
        if user_initiated:
            await self._keyring.delete(key, field, user_initiated=True)

    async def names(self) -> list[tuple[str, str]]:
        """What is kept in either."""
        hidden = set(await self._file.graves())
        return sorted({*await self._file.names(), *await self._keyring.names()} - hidden)

    async def where(self, key: str, field: str) -> str:
        """For people: where this secret lies; empty when there is none."""
        if await self._file.decides(key, field):
            return await self._file.where(key, field)
        return await self._keyring.where(key, field)

    async def probe(self) -> None:
        """Find out where a new secret would go, without a question."""
        await self._keyring.probe()

    def describe(self) -> str:
        """Where a new secret goes, as far as it is known."""
        kind = self._keyring.kind
        if kind is None:
            return "in the OS key store, or in a 0600 file where none opens"
        return self._keyring.describe() if kind else self._file.describe()


@dataclass(frozen=True, slots=True)
class Stores:
    """What this program keeps by itself."""

    credentials: CombinedStore
    sessions: SessionStore


def open_stores(data_folder: Path, clock: Clock) -> Stores:
    """The stores of this user. Nothing is read or created yet."""
    key_store = KeyStore()

    def combined(file: str, names: str) -> CombinedStore:
        keyring = KeyringStore(data_folder / names, key_store)
        return CombinedStore(FileStore(data_folder / file), keyring)

    return Stores(
        credentials=combined("credentials.json", "keystore.json"),
        sessions=SessionStore(
            combined("sessions.json", "keystore-sessions.json"), clock, data_folder / "locks"
        ),
    )
