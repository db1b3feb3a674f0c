"""Secrets in a 0600 file, for machines without a key store that opens by itself."""

from __future__ import annotations

from pathlib import Path

from tui.auth.private_table import Name, PrivateTable
from tui.core.redact import Secret


class FileStore:
    """A `CredentialStore` in one JSON file.

    A field with the value null is a grave: it hides a secret that could not be taken out of the
    key store yet.
    """

    def __init__(self, path: Path) -> None:
        self._table = PrivateTable(path, "secrets")

    async def get(self, key: str, field: str, *, user_initiated: bool = False) -> Secret | None:
        """The secret, or nothing."""
        value = (await self._table.values()).get((key, field))
        return Secret(value) if isinstance(value, str) else None

    async def set(
        self, key: str, field: str, value: Secret, *, user_initiated: bool = False
    ) -> None:
        """Keep a secret."""
        await self._table.put(key, field, value.reveal())

    async def delete(self, key: str, field: str, *, user_initiated: bool = False) -> None:
        """Forget a secret."""
        await self._table.remove(key, field)

    async def names(self) -> list[Name]:
        """What is kept."""
        values = await self._table.values()
        return sorted(name for name, value in values.items() if isinstance(value, str))

    async def where(self, key: str, field: str) -> str:
        """Here, if at all."""
        return self.describe() if await self.get(key, field) is not None else ""

    async def probe(self) -> None:
        """There is nothing to find out."""

    def describe(self) -> str:
        """Where this is."""
        return f"in a 0600 file: {_short(self._table.path)}"

    async def decides(self, key: str, field: str) -> bool:
        """Whether the file has a word on this field: a secret or a grave."""
        return (key, field) in await self._table.values()

    async def bury(self, key: str, field: str) -> None:
        """Hide what the key store still has under this name."""
        await self._table.put(key, field, None)

    async def graves(self) -> list[Name]:
        """Names that are hidden."""
        return [name for name, value in (await self._table.values()).items() if value is None]


def _short(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home()).as_posix()}"
    except (ValueError, RuntimeError):
        return str(path)
