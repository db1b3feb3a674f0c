"""Entries of other programs: in a real Secret Service, and as macOS and Windows name them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from tests.auth.conftest import use_bus
from tests.auth.real_keyring import Bus, gnome_keyring, lock, session_bus
from tui.auth.foreign_keys import ForeignKeys
from tui.auth.keyring_store import KeyStore
from tui.core.redact import Secret

real = pytest.mark.needs("dbus", "gnome-keyring")


def keep(attributes: dict[str, str], value: bytes) -> None:
    import secretstorage

    with closing(secretstorage.dbus_init()) as connection:
        secretstorage.get_default_collection(connection).create_item("x", attributes, value)


def keys(system: str, backend: Any = None, *, may_ask: bool = False) -> ForeignKeys:
    store = KeyStore()
    store._backend = backend
    return ForeignKeys(store, may_ask=may_ask, system=system)


@real
@pytest.mark.parametrize("name", ["account", "username"])
async def test_linux_tells_entries_by_attributes(on_bus: Bus, name: str) -> None:
    keep({"service": f"Tool of {name}", name: "key"}, b"value-0123456789\n")
    assert await keys("linux").find(f"Tool of {name}", "key") == Secret("value-0123456789")
    assert await keys("linux").find(f"Tool of {name}", "another") is None


@real
@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("naïve".encode("utf-16-le"), "naïve", id="UTF-16"),
        pytest.param(b"\xff\xfe\xfd", "//79", id="bytes that are no text"),
    ],
)
async def test_values_that_are_not_utf_8(on_bus: Bus, value: bytes, text: str) -> None:
    keep({"service": "Odd tool", "account": text}, value)
    assert await keys("linux").find("Odd tool", text) == Secret(text)


@real
async def test_a_locked_store_has_nothing_in_the_background(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_bus(tmp_path / "bus") as bus, gnome_keyring(bus):
        use_bus(bus, monkeypatch)
        keep({"service": "Tool", "account": "key"}, b"value-0123456789")
        lock(bus)
        assert await keys("linux").find("Tool", "key") is None


async def test_without_a_session_bus_there_is_nothing() -> None:
    assert await keys("linux").find("Tool", "key") is None


class Vault:
    """A key store like that of macOS or Windows."""

    def __init__(self, entries: dict[tuple[str, str | None], str]) -> None:
        self.entries = entries

    def get_password(self, service: str, username: str | None) -> str | None:
        return self.entries.get((service, username))


Vault.__module__ = "keyring.backends.Windows"


@pytest.mark.parametrize("place", [("Tool/key", None), ("Tool", "key")])
async def test_other_systems_tell_entries_by_name(place: tuple[str, str | None]) -> None:
    backend = Vault({place: "value-0123456789"})
    assert await keys("win32", backend).find("Tool", "key") == Secret("value-0123456789")
    assert await keys("win32", backend).find("Tool", "another") is None
