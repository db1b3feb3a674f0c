"""A clean, closed world for every test: no variables of the user, an own home, loopback only."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path
from typing import Any

# Textual reads most of its variables when it is imported, so they go first.
KEPT = "TEXTUAL_SNAPSHOT_TEMPDIR"
for name in list(os.environ):
    if name != KEPT and name.startswith(
        ("TEXTUAL", "XDG_", "CLAUDE", "CODEX", "GEMINI", "ANTHROPIC", "GOOGLE")
    ):
        del os.environ[name]
for name in ("NO_COLOR", "COLORTERM", "DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND"):
    os.environ.pop(name, None)
for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
    os.environ.pop(name, None)
    os.environ.pop(name.lower(), None)
os.environ["LANG"] = os.environ["LC_ALL"] = "C.UTF-8"
os.environ["TERM"] = "xterm-256color"

import pytest  # noqa: E402

from tests.parts import missing_parts  # noqa: E402
from tui.core import redact  # noqa: E402
from tui.providers import load_providers  # noqa: E402

LEFT_OUT: dict[str, str] = {}


@pytest.fixture(autouse=True)
def clean_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, none of the variables a provider reads, a log that tests can see, and no
    secrets of other tests to look out for."""
    monkeypatch.setattr(redact, "_known_values", set(redact._known_values))
    logging.getLogger("tui").propagate = True
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for spec in load_providers().specs.values():
        for variable in spec.variables():
            monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home folder of this test."""
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this machine for no reason."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host and host not in {"127.0.0.1", "::1", "localhost"}:
            raise OSError(f"a test tried to reach {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what this machine cannot do, loudly; in CI a missing part is a failure."""
    for marker in item.iter_markers("needs"):
        for part, package in missing_parts(marker.args).items():
            if os.environ.get("CI"):
                pytest.fail(f"{part} is missing: install {package}")
            LEFT_OUT[part] = package
            pytest.skip(f"{part} is missing: install {package}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at the end which real parts were missing and how to get them."""
    left_out = dict(LEFT_OUT)
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr)
        if " is missing: install " in reason:
            part, _, package = reason.partition(" is missing: install ")
            left_out[part.rpartition("Skipped: ")[2]] = package.rstrip("')")
    if left_out:
        terminalreporter.section("real parts that were missing")
        for part, package in sorted(left_out.items()):
            terminalreporter.line(f"{part}: apt-get install {package}")
