"""A key store of the system: real where it can be, and every way it can fail."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.auth.conftest import forget_backends, use_bus
from tests.auth.real_keyring import Bus, gnome_keyring, lock, session_bus, silent_prompter
from tui.auth import StoreError, StoreLocked, keyring_store, secret_service
from tui.auth.keyring_store import KeyringStore, KeyStore
from tui.auth.stores import CombinedStore, open_stores
from tui.core.clock import SystemClock
from tui.core.redact import Secret

VALUE = Secret("sk-0123456789")
real = pytest.mark.needs("dbus", "gnome-keyring")


def combined(data: Path) -> CombinedStore:
    return open_stores(data, SystemClock()).credentials


async def until_the_question_is_withdrawn() -> None:
    asking = [thread for thread in threading.enumerate() if thread.name == "blocking-keyring"]
    for thread in asking:
        await asyncio.to_thread(thread.join, 10)


@pytest.fixture
def own_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    """A keyring that may be locked: it is not shared with other tests."""
    with session_bus(tmp_path / "bus") as found, gnome_keyring(found):
        use_bus(found, monkeypatch)
        yield found


@real
async def test_an_open_key_store_keeps_secrets_and_the_file_only_names(
    on_bus: Bus, data: Path
) -> None:
    store = combined(data)
    await store.set("zai", "api_key", VALUE)
    assert await combined(data).get("zai", "api_key") == VALUE
    assert await store.names() == [("zai", "api_key")]
    assert store.describe() == "in the OS key store (SecretService)"
    assert await store.where("zai", "api_key") == "in the OS key store (SecretService)"
    assert not (data / "credentials.json").exists()
    assert "sk-" not in (data / "keystore.json").read_text()
    await store.delete("zai", "api_key")
    assert await store.get("zai", "api_key") is None
    assert await store.names() == []


@real
async def test_a_locked_key_store_is_not_asked_in_the_background(own_bus: Bus, data: Path) -> None:
    store = combined(data)
    await store.set("zai", "api_key", VALUE)
    lock(own_bus)
    with silent_prompter(own_bus) as asked:
        with pytest.raises(StoreLocked, match="does not open now"):
            await store.get("zai", "api_key")
        await store.set("kilo", "api_key", VALUE)
        await store.set("zai", "api_key", Secret("newer"))
    assert asked == []
    assert await store.get("kilo", "api_key") == VALUE
    assert await store.get("zai", "api_key") == Secret("newer")
    assert await store.where("kilo", "api_key") == f"in a 0600 file: {data / 'credentials.json'}"


@real
async def test_a_question_nobody_answers_ends_after_the_deadline(
    own_bus: Bus, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = combined(data)
    await store.set("zai", "api_key", VALUE)
    lock(own_bus)
    monkeypatch.setattr(keyring_store, "DEADLINE_S", 0.5)
    monkeypatch.setattr(secret_service, "PATIENCE_S", 1.0)
    with silent_prompter(own_bus) as asked:
        started = time.monotonic()
        with pytest.raises(StoreLocked):
            await store.get("zai", "api_key", user_initiated=True)
        assert 0.4 < time.monotonic() - started < 3
        assert asked
        await until_the_question_is_withdrawn()


@real
async def test_a_secret_deleted_while_locked_never_comes_back(own_bus: Bus, data: Path) -> None:
    store = combined(data)
    await store.set("zai", "api_key", VALUE)
    lock(own_bus)
    await store.delete("zai", "api_key")
    assert await store.get("zai", "api_key") is None
    assert await store.names() == []
    with pytest.raises(StoreError, match="still in it"):
        await store.delete("zai", "api_key", user_initiated=True)


@real
async def test_a_bus_without_a_key_store_means_the_file(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_bus(tmp_path / "bus") as empty:
        use_bus(empty, monkeypatch)
        store = combined(data)
        await store.set("zai", "api_key", VALUE, user_initiated=True)
    assert await store.get("zai", "api_key") == VALUE
    assert store.describe() == f"in a 0600 file: {data / 'credentials.json'}"


async def test_without_a_session_bus_secrets_go_into_the_file(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_backends(monkeypatch)
    store = combined(data)
    await store.set("zai", "api_key", VALUE, user_initiated=True)
    assert (data / "credentials.json").exists()
    assert not (data / "keystore.json").exists()
    assert store.describe().startswith("in a 0600 file")


async def test_keyring_is_not_loaded_when_it_has_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    store = combined(data)
    assert await store.get("zai", "api_key") is None
    await store.delete("zai", "api_key")
    assert await store.names() == []
    assert store.describe() == "in the OS key store, or in a 0600 file where none opens"


# -- backends that are not what they seem --------------------------------------------------------


class Backend:
    """What keyring may hand out."""

    priority = 5.0

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[f"{service} {username}"] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[f"{service} {username}"]


def backend(module: str, **members: object) -> Backend:
    made = type("Keyring", (Backend,), {"__module__": module, **members})()
    assert isinstance(made, Backend)
    return made


def install(found: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_keyring", lambda: found)


async def test_the_names_in_the_key_store_are_service_and_key_and_field(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = backend("keyring.backends.Windows")
    install(windows, monkeypatch)
    await combined(data).set("zai:work", "api_key", VALUE)
    assert windows.kept == {"quotadeck zai:work/api_key": VALUE.reveal()}


@pytest.mark.parametrize(
    "found",
    [
        backend("keyring.backends.null"),
        backend("keyring.backends.fail"),
        backend("keyrings.alt.file"),
        backend("keyring.backends.Windows", priority=0.5),
        backend("keyring.backends.Windows", set_password=lambda *_: None),
        backend("keyring.backends.chainer", backends=[backend("keyrings.alt.file")]),
    ],
    ids=["null", "fail", "file", "low priority", "forgets", "chain of files"],
)
async def test_a_backend_that_does_not_protect_is_no_key_store(
    found: Backend, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(found, monkeypatch)
    store = combined(data)
    await store.set("zai", "api_key", VALUE, user_initiated=True)
    assert (data / "credentials.json").exists()
    assert not (data / "keystore.json").exists()
    assert await store.get("zai", "api_key") == VALUE


async def test_a_real_store_in_a_chain_is_used(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = backend("keyring.backends.Windows")
    chain = backend("keyring.backends.chainer", backends=[backend("keyrings.alt.file"), windows])
    install(chain, monkeypatch)
    await combined(data).set("zai", "api_key", VALUE)
    assert len(windows.kept) == 1


async def test_a_backend_that_raises_anything_means_the_file(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_long(*_: object) -> None:
        raise ZeroDivisionError("2560 bytes at most")

    install(backend("keyring.backends.Windows", set_password=too_long), monkeypatch)
    store = combined(data)
    await store.set("zai", "api_key", VALUE)
    assert await store.get("zai", "api_key") == VALUE
    assert (data / "credentials.json").exists()


async def test_a_store_that_hangs_is_asked_once_per_session(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring_store, "DEADLINE_S", 0.2)
    calls: list[int] = []
    free = threading.Event()

    def hang(*_: object) -> None:
        calls.append(1)
        free.wait(30)

    install(backend("keyring.backends.Windows", get_password=hang), monkeypatch)
    key_store = KeyStore()
    store = KeyringStore(data / "keystore.json", key_store)
    assert await store.try_set("zai", "api_key", VALUE) is False
    started = time.monotonic()
    assert await store.try_set("zai", "api_key", VALUE) is False
    assert time.monotonic() - started < 0.1
    assert calls == [1]
    assert key_store.name == ""
    free.set()


async def test_a_refused_question_is_not_put_again_for_the_next_secret(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def refuse(*, may_ask: bool) -> bool:
        asked.append(may_ask)
        return False

    install(backend("keyring.backends.SecretService"), monkeypatch)
    monkeypatch.setitem(keyring_store.OPENERS, "SecretService", refuse)
    store = combined(data)
    for field in ("api_key", "cookie_header", "another"):
        await store.set("zai", field, VALUE, user_initiated=True)
    assert asked == [True, False, False]


async def test_moving_into_the_key_store_happens_only_when_the_user_saves(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(backend("keyring.backends.fail"), monkeypatch)
    await combined(data).set("zai", "api_key", VALUE)
    windows = backend("keyring.backends.Windows")
    install(windows, monkeypatch)
    store = combined(data)
    await store.set("zai", "api_key", Secret("second"))
    assert windows.kept == {}
    await store.set("zai", "api_key", Secret("third"), user_initiated=True)
    assert list(windows.kept.values()) == ["third"]
    assert not (data / "credentials.json").exists()
    assert await store.get("zai", "api_key") == Secret("third")
