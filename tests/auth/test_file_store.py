"""Secrets in a file: private, never half written, never lost between instances."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tui.auth import StoreError
from tui.auth.file_store import FileStore
from tui.core.models import ProviderKey
from tui.core.redact import Secret
from tui.providers import load_providers
from tui.values import ProviderValues

VALUE = Secret("sk-0123456789")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


async def test_a_secret_is_kept_until_it_is_deleted(data: Path) -> None:
    store = FileStore(data / "credentials.json")
    assert await store.get("zai", "api_key") is None
    await store.set("zai", "api_key", VALUE)
    await store.set("zai:work", "api_key", Secret("another"))
    assert await FileStore(data / "credentials.json").get("zai", "api_key") == VALUE
    assert await store.names() == [("zai", "api_key"), ("zai:work", "api_key")]
    await store.delete("zai", "api_key")
    assert await store.names() == [("zai:work", "api_key")]
    await store.delete("zai:work", "api_key")
    assert not (data / "credentials.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no modes on Windows")
async def test_file_and_folder_are_private_from_the_start(data: Path) -> None:
    previous = os.umask(0)
    try:
        await FileStore(data / "credentials.json").set("zai", "api_key", VALUE)
    finally:
        os.umask(previous)
    assert mode(data / "credentials.json") == 0o600
    assert mode(data) == 0o700
    assert all(mode(path) == 0o600 for path in data.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="no modes on Windows")
async def test_a_file_others_can_read_is_repaired_when_it_is_read(data: Path) -> None:
    store = FileStore(data / "credentials.json")
    await store.set("zai", "api_key", VALUE)
    (data / "credentials.json").chmod(0o644)
    data.chmod(0o755)
    assert await store.get("zai", "api_key") == VALUE
    assert mode(data / "credentials.json") == 0o600
    assert mode(data) == 0o700


async def test_a_damaged_file_is_an_error_and_is_kept_beside_the_new_one(data: Path) -> None:
    path = data / "credentials.json"
    path.parent.mkdir(parents=True)
    for number, damage in enumerate(('{"secrets": ', "[]", '{"secrets": {"zai": 3}}')):
        path.write_text(damage)
        store = FileStore(path)
        with pytest.raises(StoreError, match=r"credentials\.json is damaged"):
            await store.get("zai", "api_key")
        assert path.read_text() == damage
        await store.set("zai", "api_key", VALUE)
        kept = data / f"credentials.json.corrupt{number + 1 if number else ''}"
        assert kept.read_text() == damage
        assert await store.get("zai", "api_key") == VALUE


FILL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from tui.auth.file_store import FileStore
from tui.auth import StoreError
from tui.core.redact import Secret
resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))
try:
    asyncio.run(FileStore(Path(sys.argv[1])).set("zai", "api_key", Secret("x" * 500)))
except StoreError as error:
    print(error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the file size")
async def test_a_full_disk_leaves_the_old_file(data: Path) -> None:
    path = data / "credentials.json"
    await FileStore(path).set("zai", "api_key", VALUE)
    ended = run_python(FILL_DISK, str(path))
    assert "credentials.json could not be saved (file too large)." in ended.stdout
    assert await FileStore(path).get("zai", "api_key") == VALUE
    assert [item.name for item in data.iterdir() if "lock" not in item.name] == [path.name]


WRITE_MANY = """
import asyncio, sys
from pathlib import Path
from tui.auth.file_store import FileStore
from tui.core.redact import Secret
async def main():
    store = FileStore(Path(sys.argv[1]))
    await asyncio.gather(*(store.set(sys.argv[2], f"f{i}", Secret("v")) for i in range(12)))
asyncio.run(main())
"""


@pytest.mark.parametrize("change", ["set", "delete"])
async def test_what_a_killed_program_left_goes_with_the_next_change(
    data: Path, change: str
) -> None:
    store = FileStore(data / "credentials.json")
    await store.set("zai", "api_key", VALUE)
    old, new = data / ".credentials.json.0123abcd", data / ".credentials.json.4567abcd"
    for unfinished in (old, new):
        unfinished.write_text(VALUE.reveal())
    os.utime(old, (1, 1))
    if change == "set":
        await store.set("zai", "api_key", Secret("another"))
    else:
        await store.delete("zai", "api_key")
    assert (old.exists(), new.exists()) == (False, True)
    assert (data / ".credentials.json.lock").exists()


async def test_instances_that_write_at_once_lose_nothing(data: Path) -> None:
    path = str(data / "credentials.json")
    await asyncio.gather(
        *(asyncio.to_thread(run_python, WRITE_MANY, path, f"p{number}") for number in range(3))
    )
    assert len(await FileStore(Path(path)).names()) == 36


async def test_a_cancelled_save_is_finished_first(data: Path) -> None:
    store = FileStore(data / "credentials.json")
    saving = asyncio.create_task(store.set("zai", "api_key", VALUE))
    await asyncio.sleep(0)
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert await store.get("zai", "api_key") == VALUE


async def test_the_file_says_what_it_is(data: Path) -> None:
    path = data / "credentials.json"
    store = FileStore(path)
    await store.set("zai", "api_key", VALUE)
    assert json.loads(path.read_text())["version"] == 1
    assert store.describe() == f"in a 0600 file: {path}"


async def test_damage_is_logged_once(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    data.mkdir(parents=True)
    (data / "credentials.json").write_text("{")
    store = FileStore(data / "credentials.json")
    for _ in range(3):
        with pytest.raises(StoreError):
            await store.names()
    assert caplog.text.count("credentials.json is damaged.") == 1


async def test_a_look_at_the_values_survives_a_damaged_store_and_a_refresh_says_so(
    data: Path, home: Path
) -> None:
    data.mkdir(parents=True)
    (data / "credentials.json").write_text("{")
    store = FileStore(data / "credentials.json")
    spec = next(iter(load_providers().specs.values()))
    values = ProviderValues(spec, ProviderKey(spec.id), table={}, env={}, home=home)
    await values.load(store, reveal=False)
    with pytest.raises(StoreError, match="is damaged"):
        await values.load(store)


async def test_a_file_is_read_again_only_when_it_changed(data: Path) -> None:
    path = data / "credentials.json"
    await FileStore(path).set("zai", "api_key", Secret("first"))
    store = FileStore(path)
    await store.names()
    content = path.read_bytes()
    kept = path.stat()
    path.write_bytes(content.replace(b"first", b"other"))
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert await value_of(store) == "first"
    await FileStore(path).set("zai", "api_key", Secret("another instance wrote"))
    assert await value_of(store) == "another instance wrote"


async def value_of(store: FileStore) -> str:
    found = await store.get("zai", "api_key")
    assert found is not None
    return found.reveal()
