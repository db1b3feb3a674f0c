"""Whether this machine saves power. What cannot be found out counts as no."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Protocol

from tui.core.clock import Clock
from tui.gateways.blocking import BlockedError, run_blocking

PROFILE = Path("/sys/firmware/acpi/platform_profile")
LOW_POWER = "low-power"
LOW_BATTERY_PERCENT = 20
ASK_EVERY_S = 60.0
DEADLINE_S = 5.0


class Battery(Protocol):
    """What the system says about it."""

    @property
    def percent(self) -> float:
        """How full it is."""

    @property
    def power_plugged(self) -> bool | None:
        """Whether it is being charged; `None` when that is not known."""


async def power_changes(
    clock: Clock, ask: Callable[[], bool] | None = None
) -> AsyncGenerator[bool, None]:
    """Tell whenever the machine begins or ends to save power; at first it does not."""
    told = False
    while True:
        with contextlib.suppress(BlockedError):
            saves = await run_blocking(ask or saves_power, deadline_s=DEADLINE_S, key="power")
            if saves != told:
                told = saves
                yield told
        await clock.sleep(ASK_EVERY_S)


def saves_power() -> bool:
    """Whether it runs on a battery that is low, or on one with the low-power profile (B§2.2)."""
    battery = _battery()
    if battery is None or battery.power_plugged is not False:
        return False
    return battery.percent < LOW_BATTERY_PERCENT or _profile() == LOW_POWER


def _battery() -> Battery | None:
    import psutil

    try:
        return psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError):  # not on every system, not in every container
        return None


def _profile() -> str:
    try:
        return PROFILE.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
