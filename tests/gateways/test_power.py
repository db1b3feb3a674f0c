"""Saving power: the battery, the profile, and the changes of both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support import FakeClock
from tui.gateways import power
from tui.gateways.blocking import BlockedError
from tui.gateways.power import power_changes, saves_power


@dataclass
class FakeBattery:
    percent: float
    power_plugged: bool | None = False


@pytest.mark.parametrize(
    ("battery", "profile", "expected"),
    [
        pytest.param(None, "low-power", False, id="no battery"),
        pytest.param(FakeBattery(80), "balanced", False, id="on battery"),
        pytest.param(FakeBattery(80), None, False, id="on battery, no profile to read"),
        pytest.param(FakeBattery(80), "low-power", True, id="on battery in the low-power profile"),
        pytest.param(FakeBattery(19.9), None, True, id="the battery is almost empty"),
        pytest.param(FakeBattery(20), None, False, id="the battery is low, but not that low"),
        pytest.param(FakeBattery(5, True), "low-power", False, id="plugged in"),
        pytest.param(FakeBattery(5, None), "low-power", False, id="nobody knows whether plugged"),
    ],
)
def test_what_counts_as_saving_power(
    battery: FakeBattery | None,
    profile: str | None,
    expected: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "platform_profile"
    if profile is not None:
        file.write_text(f"{profile}\n")
    monkeypatch.setattr(power, "PROFILE", file)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    assert saves_power() is expected


def test_a_system_that_cannot_tell_does_not_save(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    assert saves_power() is False


class QuickClock(FakeClock):
    """Does not wait, but counts."""

    slept_s = 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept_s += seconds


async def test_only_changes_are_told_and_the_machine_is_asked_once_a_minute() -> None:
    clock, answers = QuickClock(), iter((False, True, True, False))
    changes = power_changes(clock, lambda: next(answers))
    assert await anext(changes) is True
    assert clock.slept_s == 60
    assert await anext(changes) is False
    assert clock.slept_s == 180
    await changes.aclose()


async def test_a_question_that_hangs_changes_nothing() -> None:
    def hang() -> bool:
        raise BlockedError("The system did not answer within 5 s.")

    answers = iter((hang, lambda: True))
    assert await anext(power_changes(QuickClock(), lambda: next(answers)())) is True
