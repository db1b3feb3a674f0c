"""What stands in a form laid over what is saved, for a test before saving."""

from __future__ import annotations

from collections.abc import Mapping

from tui.auth import CredentialStore
from tui.core.redact import Secret


class OverlayStore:
    """Reads entered secrets of one account first; writes nothing.

    Args:
        entered: By field; `None` stands for one that was cleared.
    """

    def __init__(
        self, below: CredentialStore, key: str, entered: Mapping[str, Secret | None]
    ) -> None:
        self._below = below
        self._key = key
        self._entered = entered

    async def get(self, key: str, field: str, *, user_initiated: bool = False) -> Secret | None:
        """The entered secret, else the saved one."""
        if key == self._key and field in self._entered:
            return self._entered[field]
        return await self._below.get(key, field, user_initiated=user_initiated)

    async def set(
        self, key: str, field: str, value: Secret, *, user_initiated: bool = False
    ) -> None:
        """Refused: a test saves nothing."""
        raise TypeError("a form under test is not saved")

    async def delete(self, key: str, field: str, *, user_initiated: bool = False) -> None:
        """Refused: a test saves nothing."""
        raise TypeError("a form under test is not saved")

    async def names(self) -> list[tuple[str, str]]:
        """What would be kept if the form were saved."""
        saved = set(await self._below.names())
        for field, value in self._entered.items():
            if value is None:
                saved.discard((self._key, field))
            else:
                saved.add((self._key, field))
        return sorted(saved)

    async def where(self, key: str, field: str) -> str:
        """Where it is, or would be kept."""
        if key == self._key and field in self._entered:
            return self.describe() if self._entered[field] else ""
        return await self._below.where(key, field)

    async def probe(self) -> None:
        """Find out where it would be kept."""
        await self._below.probe()

    def describe(self) -> str:
        """Where it would be kept."""
        return self._below.describe()
