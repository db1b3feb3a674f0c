"""Blocking calls: real threads that hang as long as the test likes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.core.errors import ErrorKind
from tui.gateways.blocking import BlockedError, run_blocking

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def prompt() -> Iterator[threading.Event]:
    """Something nobody answers until the test ends."""
    event = threading.Event()
    yield event
    event.set()


async def test_the_result_comes_back_from_another_daemon_thread() -> None:
    thread = await run_blocking(threading.current_thread, deadline_s=5)

    assert thread is not threading.main_thread()
    assert thread.daemon


async def test_an_exception_comes_back_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        await run_blocking(lambda: 1 // 0, deadline_s=5)


async def test_a_time_out_of_the_function_itself_is_not_taken_for_the_deadline() -> None:
    def impatient() -> None:
        raise TimeoutError("of the socket")

    with pytest.raises(TimeoutError, match="of the socket"):
        await run_blocking(impatient, deadline_s=5)


async def test_a_call_that_hangs_ends_at_its_deadline(prompt: threading.Event) -> None:
    with pytest.raises(BlockedError) as caught:
        await run_blocking(prompt.wait, deadline_s=0.05)

    assert caught.value.kind is ErrorKind.NETWORK
    assert caught.value.message == "The system did not answer within 0.05 s."


async def test_the_loop_goes_on_while_a_call_runs(prompt: threading.Event) -> None:
    waiting = asyncio.create_task(run_blocking(prompt.wait, deadline_s=5))
    await asyncio.sleep(0.01)
    prompt.set()

    assert await waiting is True


async def test_a_key_that_hangs_is_refused_at_once_and_starts_nothing(
    prompt: threading.Event,
) -> None:
    with pytest.raises(BlockedError):
        await run_blocking(prompt.wait, deadline_s=0.02, key="stuck")
    threads = threading.active_count()
    started_at = time.monotonic()

    with pytest.raises(BlockedError, match="earlier question"):
        await run_blocking(prompt.wait, deadline_s=60, key="stuck")

    assert time.monotonic() - started_at < 1
    assert threading.active_count() == threads


async def test_a_hanging_key_does_not_stop_other_keys(prompt: threading.Event) -> None:
    with pytest.raises(BlockedError):
        await run_blocking(prompt.wait, deadline_s=0.02, key="one")

    assert await run_blocking(lambda: "free", deadline_s=5, key="other") == "free"
    assert await run_blocking(lambda: "free", deadline_s=5) == "free"


async def test_a_key_is_free_again_when_its_call_came_back_late(prompt: threading.Event) -> None:
    with pytest.raises(BlockedError):
        await run_blocking(prompt.wait, deadline_s=0.02, key="late")
    prompt.set()

    async with asyncio.timeout(5):
        while True:
            try:
                answer = await run_blocking(lambda: "well", deadline_s=1, key="late")
                break
            except BlockedError:
                await asyncio.sleep(0.01)

    assert answer == "well"


async def test_calls_of_one_key_take_turns() -> None:
    running = 0
    most = 0

    def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.02)
        running -= 1

    await asyncio.gather(*(run_blocking(work, deadline_s=5, key="turn") for _ in range(4)))

    assert most == 1


async def test_waiting_for_a_turn_counts_against_the_deadline(prompt: threading.Event) -> None:
    first = asyncio.create_task(run_blocking(prompt.wait, deadline_s=5, key="slow"))
    await asyncio.sleep(0.01)
    second = threading.Event()

    with pytest.raises(BlockedError):
        await run_blocking(second.set, deadline_s=0.05, key="slow")
    prompt.set()
    await first

    assert not second.is_set()


async def test_a_failed_call_frees_its_key() -> None:
    with pytest.raises(ZeroDivisionError):
        await run_blocking(lambda: 1 // 0, deadline_s=5, key="failed")

    assert await run_blocking(lambda: 2, deadline_s=5, key="failed") == 2


async def test_cancelling_returns_at_once(prompt: threading.Event) -> None:
    waiting = asyncio.create_task(run_blocking(prompt.wait, deadline_s=60))
    await asyncio.sleep(0.01)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(1):
            await waiting


def test_the_program_ends_although_a_call_still_hangs() -> None:
    script = (
        "import asyncio, time\n"
        "from tui.gateways.blocking import BlockedError, run_blocking\n"
        "async def main():\n"
        "    try:\n"
        "        await run_blocking(lambda: time.sleep(60), deadline_s=0.05)\n"
        "    except BlockedError:\n"
        "        print('gave up')\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )

    assert ended.stdout == "gave up\n"
    assert ended.stderr == ""
