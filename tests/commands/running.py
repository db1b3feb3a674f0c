"""Running the command line: within the test, or as the real program of a stranger."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tui import cli

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "tui")
PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document."""
        return json.loads(self.out)

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Its elements by provider."""
        return {row["provider"]: row for row in self.json}


class Cli:
    """The command line within the test, so that respx answers for the network."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._patch = patch

    def __call__(self, *arguments: str, stdin: str = "") -> Ran:
        """Run it with something piped into it."""
        self._capsys.readouterr()
        self._patch.setattr("sys.stdin", io.StringIO(stdin))
        try:
            code = cli.main(arguments)
        except SystemExit as end:  # `--help`
            code = int(end.code or 0)
        return Ran(code, *self._capsys.readouterr())


def environment(home: Path, **more: str) -> dict[str, str]:
    """The whole environment of the real program."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**passed, "HOME": str(home), "PYTHONPATH": str(ROOT), "TZ": "UTC", **more}


def run_program(*arguments: str, env: Mapping[str, str], stdin: str = "") -> Ran:
    """Run the real program, without a terminal."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        env=dict(env),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def write_settings(home: Path, text: str) -> Path:
    """A settings file."""
    path = settings_file(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def settings_file(home: Path) -> Path:
    """Where the settings of a test are."""
    return home / ".config" / "quotadeck" / "config.toml"


def silent_resolver(folder: Path) -> Path:
    """A folder for `PYTHONPATH` with which no name look-up of the program comes back; the first one
    leaves the file `asked` there."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import pathlib, socket, time\n"
        "def hang(*args, **kwargs):\n"
        "    pathlib.Path(__file__).with_name('asked').touch()\n"
        "    time.sleep(60)\n"
        "socket.getaddrinfo = hang\n"
    )
    return folder
