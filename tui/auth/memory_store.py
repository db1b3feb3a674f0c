"""Secrets that live as long as the process: for tests and for runs that may not save."""

from __future__ import annotations

from collections.abc import Mapping

from tui.core.redact import Secret


class MemoryStore:
    """A `CredentialStore` that forgets everything at the end."""

    def __init__(self, values: Mapping[tuple[str, str], Secret] | None = None) -> None:
        self._values = dict(values or {})

    async def get(self, key: str, field: str, *, user_initiated: bool = False) -> Secret | None:
        """The secret, or nothing."""
        return self._values.get((key, field))

    async def set(
        self, key: str, field: str, value: Secret, *, user_initiated: bool = False
    ) -> None:
        """Keep a secret."""
        self._values[key, field] = value

    async def delete(self, key: str, field: str, *, user_initiated: bool = False) -> None:
        """Forget a secret."""
        self._values.pop((key, field), None)

    async def names(self) -> list[tuple[str, str]]:
        """What is kept."""
        return sorted(self._values)

    async def where(self, key: str, field: str) -> str:
        """Here, if at all."""
        return self.describe() if (key, field) in self._values else ""

    async def probe(self) -> None:
        """There is nothing to find out."""

    def describe(self) -> str:
        """Where this is."""
        return "in memory until the end of this run"
