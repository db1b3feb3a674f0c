"""The command line as a fixture."""

from __future__ import annotations

import pytest

from tests.commands.running import Cli


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs a command line within the test."""
    for name in ("QUOTADECK_CONFIG", "CODEXBAR_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return Cli(capsys, monkeypatch)
