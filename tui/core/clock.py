"""Time as an argument: everything that waits or reads the time is given a clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine and the sources may ask about time."""

    def now(self) -> datetime:
        """The wall clock, aware and in UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards; they stand still while the machine sleeps."""

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The wall clock, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment before the start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await asyncio.sleep(seconds)
