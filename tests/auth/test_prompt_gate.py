"""After a refused question there is silence for six hours, but for one more try."""

from __future__ import annotations

from pathlib import Path

from tests.support import FakeClock
from tui.auth.prompt_gate import PromptGate

HOUR_S = 3600.0


def gate(data: Path, clock: FakeClock) -> PromptGate:
    return PromptGate(data / "browser-prompts.json", clock)


async def test_without_a_refusal_one_may_ask(data: Path) -> None:
    assert await gate(data, FakeClock()).may_ask()


async def test_a_refusal_holds_for_the_same_action_and_survives_a_restart(data: Path) -> None:
    clock = FakeClock()
    await gate(data, clock).refused("chromium")
    await clock.advance(10)
    assert not await gate(data, clock).may_ask()


async def test_one_more_try_is_allowed_and_used_up(data: Path) -> None:
    clock = FakeClock()
    await gate(data, clock).refused("chromium")
    await clock.advance(60)
    assert await gate(data, clock).may_ask()
    await clock.advance(60)
    assert not await gate(data, clock).may_ask()


async def test_a_second_refusal_ends_the_questions_for_six_hours(data: Path) -> None:
    clock = FakeClock()
    await gate(data, clock).refused("chromium")
    await clock.advance(HOUR_S)
    assert await gate(data, clock).may_ask()
    await gate(data, clock).refused("chromium")
    await clock.advance(5 * HOUR_S)
    assert not await gate(data, clock).may_ask()
    await clock.advance(HOUR_S)
    assert await gate(data, clock).may_ask()


async def test_consent_forgets_the_refusal(data: Path) -> None:
    clock = FakeClock()
    asked = gate(data, clock)
    await asked.refused("chromium")
    await asked.granted()
    assert await gate(data, clock).may_ask()
    assert not (data / "browser-prompts.json").exists()


async def test_a_folder_that_cannot_be_written_still_remembers_in_this_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    clock = FakeClock()
    asked = gate(tmp_path / "file", clock)
    await asked.refused("chromium")
    assert not await asked.may_ask()
