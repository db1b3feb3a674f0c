"""What nobody catches, in a real process: never on the terminal, redacted in the log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "plain-words-of-a-key-0123"
FAILURES = {
    "task": """
import asyncio
async def work():
    async def fail(): raise RuntimeError(key)
    asyncio.ensure_future(fail())
    await asyncio.sleep(0.01)
asyncio.run(work())""",
    "thread": """
import threading
def fail(): raise RuntimeError(key)
thread = threading.Thread(target=fail); thread.start(); thread.join()""",
    "finaliser": """
class Odd:
    def __del__(self): raise RuntimeError(key)
Odd()""",
    "other logger": """
import logging
logging.getLogger("keyring").error(key)""",
    "warning": """
import warnings
warnings.warn(key)""",
    "hidden by signs without a width": """
import logging
logging.getLogger("keyring").error(key[:3] + "\\u200b" + key[3:] + "\\x1b[2J")""",
    "uncaught": """
raise RuntimeError(key)""",
}
START = f"""
from pathlib import Path
from tui.core.redact import Secret
from tui.gateways.logs import set_up
from tui.gateways.strays import catch_strays
key = Secret("{KEY}").reveal()
catch_strays()
set_up(None, Path("quotadeck.log").absolute())
"""


@pytest.mark.parametrize("failure", FAILURES)
def test_what_nobody_catches_is_in_the_log_without_the_key(failure: str, tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    ended = subprocess.run(
        [sys.executable, "-c", START + FAILURES[failure]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = "quotadeck: Internal error (RuntimeError).\n" if failure == "uncaught" else ""
    assert (ended.stdout, ended.stderr) == ("", told)
    log = (tmp_path / "quotadeck.log").read_text()
    assert log.replace("\n", "").isprintable()
    assert "<redacted>" in log
    assert KEY not in log
