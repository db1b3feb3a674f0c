"""After a refused question no browser of the family raises another one for six hours (B§13.4).

Only what a user starts may ask at all. Within the six hours one more try is allowed, so that a
slip of the hand can be made good; the refresh of many providers at once is one try.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.auth import StoreError
from tui.auth.private_table import PrivateTable
from tui.core.clock import Clock

PAUSE_S = 6 * 3600.0
SAME_ACTION_S = 30.0
FAMILY = "chromium"


class PromptGate:
    """Remembers refusals in a small file.

    Args:
        file: In the state folder; what cannot be written is remembered for this run.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self._table = PrivateTable(file, "refused")
        self._clock = clock
        self._refusal: dict[str, Any] | None = None

    async def may_ask(self) -> bool:
        """Whether a question the user started may be raised; the second try is used up by this."""
        refusal = await self._load()
        passed_s = self._clock.now().timestamp() - float(refusal.get("at") or 0)
        if not 0 <= passed_s < PAUSE_S:
            return True
        if passed_s < SAME_ACTION_S or refusal.get("asked_again"):
            return False
        await self._save({**refusal, "asked_again": True})
        return True

    async def refused(self, browser: str) -> None:
        """The user refused, or nobody answered."""
        before = await self._load()
        is_second = self._clock.now().timestamp() - float(before.get("at") or 0) < PAUSE_S
        await self._save(
            {
                "at": self._clock.now().timestamp(),
                "browser": browser,
                "asked_again": is_second and bool(before.get("asked_again")),
            }
        )

    async def granted(self) -> None:
        """The user agreed: everything is forgotten."""
        if await self._load():
            await self._save({})

    async def _load(self) -> dict[str, Any]:
        if self._refusal is None:
            try:
                values = await self._table.values()
            except StoreError:
                values = {}
            self._refusal = {name: value for (row, name), value in values.items() if row == FAMILY}
        return self._refusal

    async def _save(self, refusal: dict[str, Any]) -> None:
        self._refusal = refusal
        try:
            await self._table.replace(FAMILY, refusal)
        except StoreError:
            return
