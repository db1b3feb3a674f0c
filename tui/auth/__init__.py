"""Where secrets live and where they can be found. Nothing here knows a provider."""

from __future__ import annotations

from typing import Protocol

from tui.core.errors import MissingCredentials, Unsupported
from tui.core.redact import Secret


class StoreError(Unsupported):
    """A store of ours is damaged, full or held by another instance."""


class StoreLocked(MissingCredentials):
    """The secret lies in a key store that does not open now."""


class CredentialStore(Protocol):
    """Secrets by provider key (`zai`, `zai:work`) and field (`api_key`).

    `user_initiated` allows the question to unlock a key store; without it none is ever raised.
    """

    async def get(self, key: str, field: str, *, user_initiated: bool = False) -> Secret | None:
        """The secret, or nothing.

        Raises:
            StoreError: The file is damaged.
            StoreLocked: It is in the key store, which does not open now.
        """

    async def set(
        self, key: str, field: str, value: Secret, *, user_initiated: bool = False
    ) -> None:
        """Keep a secret; on return it is safe on the disk or in the key store.

        Raises:
            StoreError: It could not be saved; what was there is unchanged.
        """

    async def delete(self, key: str, field: str, *, user_initiated: bool = False) -> None:
        """Forget a secret.

        Raises:
            StoreError: It could not be removed everywhere.
        """

    async def names(self) -> list[tuple[str, str]]:
        """What is kept: pairs of key and field, sorted. Opens no key store."""

    async def where(self, key: str, field: str) -> str:
        """For people: where this secret lies; empty when there is none. Opens no key store."""

    async def probe(self) -> None:
        """Find out where a new secret would go, without a question; `describe` knows it then."""

    def describe(self) -> str:
        """Where a new secret goes, as far as it is known: "in the OS key store (…)"."""
