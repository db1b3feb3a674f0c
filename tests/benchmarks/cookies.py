"""What reading a full browser profile costs, and whether the screen notices it."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from tests.auth.browser_files import v10, write_chromium
from tui.auth.browser import BrowserLogins
from tui.core.clock import SystemClock

COOKIES = 5000
ROUNDS = 5
OWN = 25
DOMAIN = "ampcode.com"
STRANGER = "example.com"
PULSE_S = 0.002


def profile_of_cookies() -> list[str]:
    """(h) one profile with thousands of cookies: a few of the provider, or all of them."""
    return [
        _measured(own=OWN, words=f"{OWN} of them the provider's"),
        _measured(COOKIES, "all its own"),
    ]


def _measured(own: int, words: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        rows = [
            v10(f".{DOMAIN if number < own else STRANGER}", f"cookie{number}", "x" * 40)
            for number in range(COOKIES)
        ]
        write_chromium(home / ".config" / "chromium" / "Default" / "Cookies", rows)
        runs = [asyncio.run(_read(home, own)) for _ in range(ROUNDS)]
    seconds, blocked = zip(*runs, strict=True)
    return (
        f"(h) {COOKIES} cookies, {words}: {statistics.median(seconds) * 1000:.0f} ms (below 150),"
        f" the event loop blocked for {statistics.median(blocked) * 1000:.1f} ms (below 10)"
    )


async def _read(home: Path, own: int) -> tuple[float, float]:
    """Seconds until the jar is there, and the longest the event loop stood still meanwhile."""
    logins = BrowserLogins(env={}, home=home, state=home / "state", clock=SystemClock())
    browsers = logins.for_account((DOMAIN,), ("chromium",), "auto", user_initiated=False)
    stood_still: list[float] = []
    pulse = asyncio.create_task(_beat(stood_still))
    await asyncio.sleep(0)
    started = time.perf_counter()
    jars = [jar async for jar in browsers.cookies()]
    seconds = time.perf_counter() - started
    pulse.cancel()
    assert len(jars[0].names) == own
    return seconds, max(stood_still, default=0.0)


async def _beat(stood_still: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(PULSE_S)
        stood_still.append(time.perf_counter() - before - PULSE_S)
