"""A stranger's machine: an empty home, the program, an upstream it reaches like the real one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from tests.loopback import Response, World, loopback_world

HOSTS = ("api.z.ai", "openrouter.ai", "app.warp.dev", "kimi-k2.ai")
PROGRAM = (sys.executable, "-m", "tui")
PASSED_ON = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV")


def quota(percent: int, reset_minutes: float) -> Response:
    """A z.ai answer with one window; minutes and pace read the same for most of a minute."""
    resets = datetime.now(UTC) + timedelta(minutes=reset_minutes)
    limit = {
        "type": "TOKENS_LIMIT",
        "unit": 3,
        "number": 5,
        "percentage": percent,
        "nextResetTime": int(resets.timestamp() * 1000),
    }
    data = {"code": 200, "success": True, "data": {"level": "pro", "limits": [limit]}}
    return Response.json(data)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An upstream where z.ai and OpenRouter answer."""
    with loopback_world(tmp_path / "tls", HOSTS) as world:
        world.upstream.on("GET", "https://api.z.ai/api/monitor/usage/quota/limit", quota(31, 134.9))
        credit = {"data": {"total_credits": 50, "total_usage": 8.8}}
        world.upstream.on("GET", "https://openrouter.ai/api/v1/credits", Response.json(credit))
        key = {"data": {"limit": None, "usage": 8.8}}
        world.upstream.on("GET", "https://openrouter.ai/api/v1/key", Response.json(key))
        yield world


@pytest.fixture
def stranger(tmp_path: Path, world: World) -> dict[str, str]:
    """The whole environment of the program: an empty home and two keys."""
    home = tmp_path / "stranger"
    home.mkdir()
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {
        **passed,
        **world.env,
        "HOME": str(home),
        "TERM": "xterm-256color",
        "TZ": "UTC",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "Z_AI_API_KEY": "a-key-for-tests.0123456789",
        "OPENROUTER_API_KEY": "sk-or-v1-key-for-tests",
    }


@pytest.fixture
def no_children_left() -> Iterator[None]:
    """Nothing this test started is still running at its end."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield
    after = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
    gone, alive = psutil.wait_procs(after, timeout=3)
    assert [process.cmdline() for process in alive] == []
    assert gone is not None
