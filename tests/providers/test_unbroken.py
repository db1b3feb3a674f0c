"""Work that goes on to its end although nobody waits for it any more."""

from __future__ import annotations

import asyncio

import pytest

from tests.support import settle
from tui.providers._unbroken import unbroken


async def test_the_result_and_the_error_come_through() -> None:
    async def work(value: int) -> int:
        await asyncio.sleep(0)
        return 10 // value

    assert await unbroken(work(5)) == 2
    with pytest.raises(ZeroDivisionError):
        await unbroken(work(0))


async def test_a_cancellation_waits_for_the_end_of_the_work() -> None:
    answered, saved = asyncio.Event(), []

    async def work() -> None:
        await answered.wait()
        await asyncio.sleep(0)
        saved.append("token")

    waiting = asyncio.create_task(unbroken(work()))
    await settle()
    waiting.cancel()
    await settle()
    assert not waiting.done()
    answered.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert saved == ["token"]


async def test_work_that_does_not_end_gets_only_its_grace() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    waiting = asyncio.create_task(unbroken(work(), grace_s=0.01))
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["work"]
