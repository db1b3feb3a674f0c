"""Time as an argument: everything that waits or reads the time is given a clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta, tzinfo
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


class LocalZone(tzinfo):
    """The zone of the process, with the daylight saving of the moment it is asked about."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """The offset at a local moment."""
        return moment.replace(tzinfo=None).astimezone().utcoffset() if moment else None

    def dst(self, moment: datetime | None) -> timedelta | None:
        """Unknown: the offset says it all."""
        return None

    def tzname(self, moment: datetime | None) -> str | None:
        """`CEST`."""
        return moment.replace(tzinfo=None).astimezone().tzname() if moment else None

    def fromutc(self, moment: datetime) -> datetime:
        """A moment whose numbers are in UTC, in local ones."""
        return moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)


LOCAL_ZONE = LocalZone()
