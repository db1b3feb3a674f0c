"""What the command line costs beside Python and beside a bare request."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.accounts import settings_text
from tests.loopback import Response, loopback_world
from tui.providers.kimi_k2 import CREDITS_URL, HOST

PYTHON = sys.executable
TREE = Path(__file__).parents[2]
ROUNDS = 11
ONE_REQUEST = "kimi-k2"
"""A provider that asks a single question: the bare script makes the same one."""
BARE_REQUEST = f"""
import asyncio, httpx, os
async def main():
    async with httpx.AsyncClient() as client:
        headers = {{"Authorization": "Bearer " + os.environ["KIMI_K2_API_KEY"]}}
        reply = await client.get("{CREDITS_URL}", headers=headers)
        print(reply.json()["data"]["credits_remaining"])
asyncio.run(main())
"""


def medians(commands: Sequence[Sequence[str]], env: Mapping[str, str]) -> list[float]:
    """Median seconds of each command, run in turns."""
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(ROUNDS + 1):
        for column, command in zip(times, commands, strict=True):
            started = time.perf_counter()
            subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, cwd=TREE)
            column.append(time.perf_counter() - started)
    return [statistics.median(column[1:]) for column in times]


def environment(home: str) -> dict[str, str]:
    """A user with an empty home."""
    return {"PATH": os.environ["PATH"], "HOME": home, "PYTHONPATH": str(TREE), "LANG": "C.UTF-8"}


def version() -> str:
    """(c) `--version` against an empty program."""
    with tempfile.TemporaryDirectory() as home:
        ours = [PYTHON, "-m", "tui", "--version"]
        own, empty = medians([ours, [PYTHON, "-c", "pass"]], environment(home))
    ratio = own / empty
    return f"(c) --version: {own * 1000:.0f} ms / {empty * 1000:.0f} ms = {ratio:.2f} (at most 2)"


def status() -> str:
    """(d) `status --json` with one provider against ten lines of httpx."""
    with (
        tempfile.TemporaryDirectory() as home,
        loopback_world(Path(home) / "tls", [HOST]) as world,
    ):
        credits = {"credits_remaining": 12.5, "total_credits_consumed": 3}
        world.upstream.on("GET", CREDITS_URL, Response.json({"data": credits}))
        env = {**environment(home), **world.env, "KIMI_K2_API_KEY": "key-for-a-bench.0123"}
        ours = [PYTHON, "-m", "tui", "status", "--json", "--provider", ONE_REQUEST]
        own, bare = medians([ours, [PYTHON, "-c", BARE_REQUEST]], env)
    return f"(d) status --json: {own:.3f} s / {bare:.3f} s = {own / bare:.2f} (at most 1.6)"


def fan_out(accounts: int = 16, delay_s: float = 0.5) -> str:
    """(e) providers that each answer after half a second, all shown together."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        file = Path(home) / ".config" / "quotadeck" / "config.toml"
        file.parent.mkdir(parents=True)
        file.write_text(settings_text(accounts))
        seconds = asyncio.run(_shown_after(accounts, delay_s))
    return (
        f"(e) {accounts} answers after {delay_s} s: all shown after {seconds:.3f} s"
        f" = {seconds / delay_s:.2f} x the delay (at most 1.25)"
    )


async def _shown_after(accounts: int, delay_s: float) -> float:
    from tests.benchmarks.launch import open_deck
    from tui.app import UsageApp
    from tui.core.models import Phase, ProviderState

    deck = open_deck(accounts, delay_s)
    app = UsageApp(deck)
    async with app.run_test(size=(200, 60)) as pilot:
        while not deck.is_started or any(s.snapshot is None for s in deck.engine.states()):
            await pilot.pause(0.05)
        await pilot.pause(1.0)
        waiting = set(deck.engine.keys)
        shown = asyncio.Event()

        def note(state: ProviderState) -> None:
            if state.phase is Phase.WAITING:
                waiting.discard(state.key)
            if not waiting:
                shown.set()

        deck.engine.subscribe(note)
        started = time.perf_counter()
        await pilot.press("R")
        await shown.wait()
        await pilot.pause()
        seconds = time.perf_counter() - started
        await pilot.press("q")
    return seconds
