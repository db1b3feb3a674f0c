"""Sessions: slots that do not disturb each other, saved before anybody goes on."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import NOON, FakeClock
from tui.auth import StoreError
from tui.auth.file_store import FileStore
from tui.auth.memory_store import MemoryStore
from tui.auth.session_store import SessionStore
from tui.core.redact import Secret

COOKIES, TOKEN = Secret("cookies-of-yesterday"), Secret("refresh-token-1")


def session_store(data: Path) -> SessionStore:
    return SessionStore(FileStore(data / "sessions.json"), FakeClock(), data / "locks")


async def test_a_slot_has_value_label_and_time(data: Path) -> None:
    await session_store(data).put("amp", "cookies", COOKIES, "Chromium: Default")
    kept = await session_store(data).get("amp", "cookies")
    assert kept is not None
    assert (kept.value, kept.label, kept.saved_at) == (COOKIES, "Chromium: Default", NOON)


async def test_slots_and_accounts_do_not_disturb_each_other(data: Path) -> None:
    store = session_store(data)
    await asyncio.gather(
        store.put("amp", "cookies", COOKIES),
        session_store(data).put("amp", "token", TOKEN),
        store.put("amp:work", "token", Secret("other")),
    )
    await store.drop("amp", "cookies")
    assert await store.slots("amp") == ("token",)
    kept = await store.get("amp:work", "token")
    assert kept is not None
    assert kept.value == Secret("other")


async def test_only_the_value_that_failed_is_dropped(data: Path) -> None:
    store = session_store(data)
    await store.put("amp", "token", Secret("refresh-token-2"))
    await store.drop("amp", "token", only=TOKEN)
    assert await store.get("amp", "token") is not None
    await store.drop("amp", "token", only=Secret("refresh-token-2"))
    assert await store.get("amp", "token") is None


PUT_AND_DIE = """
import asyncio, os, sys
from pathlib import Path
from tui.auth.file_store import FileStore
from tui.auth.session_store import SessionStore
from tui.core.clock import SystemClock
from tui.core.redact import Secret
async def main():
    data = Path(sys.argv[1])
    store = SessionStore(FileStore(data / "sessions.json"), SystemClock(), data / "locks")
    await store.put("amp", "token", Secret("rotated"))
    os._exit(9)
asyncio.run(main())
"""


async def test_what_was_put_survives_a_kill_right_after(data: Path) -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", PUT_AND_DIE, str(data))
    assert await child.wait() == 9
    kept = await session_store(data).get("amp", "token")
    assert kept is not None
    assert kept.value == Secret("rotated")


class FullStore(MemoryStore):
    async def set(
        self, key: str, field: str, value: Secret, *, user_initiated: bool = False
    ) -> None:
        raise StoreError("sessions.json could not be saved (no space left on device).")


async def test_a_login_that_cannot_be_saved_lives_until_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = SessionStore(FullStore(), FakeClock())
    await store.put("amp", "cookies", COOKIES, "pasted")
    kept = await store.get("amp", "cookies")
    assert kept is not None
    assert kept.value == COOKIES
    assert await store.slots("amp") == ("cookies",)
    assert "for this run only" in caplog.text
    await store.drop("amp", "cookies")
    assert await store.get("amp", "cookies") is None


async def test_a_damaged_file_costs_the_kept_logins_but_no_refresh(data: Path) -> None:
    data.mkdir(parents=True)
    (data / "sessions.json").write_text("{")
    store = session_store(data)
    assert await store.get("amp", "cookies") is None
    await store.put("amp", "cookies", COOKIES)
    assert await store.get("amp", "cookies") is not None
    assert (data / "sessions.json.corrupt").read_text() == "{"


@pytest.mark.parametrize("text", ["", "[]", '{"value": "x"}', '{"saved_at": "never"}'])
async def test_a_record_of_another_form_counts_as_nothing(text: str) -> None:
    below = MemoryStore({("amp", "session.cookies"): Secret(text)})
    assert await SessionStore(below, FakeClock()).get("amp", "cookies") is None


async def test_a_lock_lets_one_in_also_between_instances(data: Path) -> None:
    inside = 0
    most = 0

    async def spend(store: SessionStore) -> None:
        nonlocal inside, most
        async with store.lock("amp", "mint"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.02)
            inside -= 1

    first, second = session_store(data), session_store(data)
    await asyncio.wait_for(
        asyncio.gather(spend(first), spend(second), spend(first), spend(second)), 10
    )
    assert most == 1


async def test_accounts_do_not_wait_for_each_other_and_a_cancelled_one_lets_go(data: Path) -> None:
    store = session_store(data)
    async with store.lock("amp", "mint"):
        async with asyncio.timeout(2), store.lock("amp:work", "mint"):
            pass
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), session_store(data).lock("amp", "mint"):
                pytest.fail("two were let in")
    async with asyncio.timeout(2), store.lock("amp", "mint"):
        pass


async def test_a_folder_that_cannot_be_written_still_locks_this_process(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    store = SessionStore(MemoryStore(), FakeClock(), blocked / "locks")
    async with store.lock("amp", "mint"):
        pass


async def test_saved_again_means_a_new_time(data: Path) -> None:
    clock = FakeClock()
    store = SessionStore(MemoryStore(), clock)
    await store.put("amp", "cookies", COOKIES)
    await clock.advance(60)
    await store.put("amp", "cookies", COOKIES)
    kept = await store.get("amp", "cookies")
    assert kept is not None
    assert kept.saved_at == NOON + timedelta(seconds=60)
