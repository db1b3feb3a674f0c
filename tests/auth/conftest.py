"""Key stores and browsers that are real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.auth.real_keyring import Bus, gnome_keyring, session_bus


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A session bus with an unlocked keyring."""
    with session_bus(tmp_path_factory.mktemp("bus")) as found, gnome_keyring(found):
        yield found


@pytest.fixture
def on_bus(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """This process uses that bus, and keyring chooses its backend anew."""
    use_bus(bus, monkeypatch)
    return bus


def use_bus(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process use a bus."""
    for name, value in bus.env.items():
        monkeypatch.setenv(name, value)
    forget_backends(monkeypatch)


def forget_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let keyring look around again."""
    import keyring.backend

    monkeypatch.setattr("keyring.core._keyring_backend", None)
    vars(keyring.backend.get_all_keyring).pop("saved_result", None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Our data folder, which does not exist yet."""
    return tmp_path / "share" / "quotadeck"
