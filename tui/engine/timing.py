"""When the accounts are due: the rhythm of the settings and what the user does."""

from __future__ import annotations

from datetime import datetime, timedelta

from tui.core.clock import Clock
from tui.core.schedule import Due, interval_s, next_due
from tui.engine.account import Rhythm, Slot
from tui.engine.pulse import either

OFTEN = timedelta(seconds=60)
"""Interactions so close together change nothing in the reckoning."""
AWAY = timedelta(hours=1)
"""Whoever did nothing for that long comes back to the dashboard (B§2.6)."""


class Timing:
    """Reckons and waits."""

    def __init__(self, clock: Clock, rhythm: Rhythm) -> None:
        self.rhythm = rhythm
        self._clock = clock
        self._last_interaction = clock.now()

    @property
    def is_manual(self) -> bool:
        """Whether nothing is asked without a key pressed."""
        return self.rhythm.cadence == "manual"

    def interaction(self) -> timedelta:
        """The user touched the dashboard; how long that had not happened."""
        now, last = self._clock.now(), self._last_interaction
        self._last_interaction = now
        return now - last

    def reckon(self, slot: Slot) -> Due:
        """When an account is due."""
        return next_due(
            slot.state,
            cadence=self.rhythm.cadence,
            now=self._clock.now(),
            anchor=slot.anchor,
            last_interaction=self._last_interaction,
            slow=self.rhythm.slow,
            gate_until=slot.gate_until if slot.state.attempted_at else None,
            tried_boundaries=slot.boundaries,
            phase=slot.phase,
        )

    def interval_s(self) -> float:
        """Seconds from one refresh to the next, as things are."""
        now, rhythm = self._clock.now(), self.rhythm
        seconds, _ = interval_s(rhythm.cadence, self._last_interaction, now, rhythm.slow)
        return seconds

    async def sleep_until(self, slot: Slot, at: datetime | None) -> bool:
        """Whether it is time to ask; false when the reckoning has to be done again."""
        if slot.asked:
            return True
        seconds = None if at is None else (at - self._clock.now()).total_seconds()
        if seconds is not None and seconds <= 0:
            return True
        sleep = None if seconds is None else self._clock.sleep(seconds)
        woken = await either(sleep, slot.wake.wait())
        return slot.asked or not woken
