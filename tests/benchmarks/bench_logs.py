"""How fast session logs are read: cold, warm, beside ccusage, and in how much memory.

python -m tests.benchmarks.bench_logs [MIB]      size of the corpus, 1024 when not given

"Cold" means without a store; the logs were just written, so all programs read them from memory.
Scans are timed in processes of their own, in turn with those of ccusage.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.corpus import Corpus
from tui.core.models import CostSummary
from tui.gateways.session_logs import SCAN_EVERY_S, LogCosts

MIB = 1 << 20
DEFAULT_MIB = 1024
RUNS = 3
WARM_RUNS = 10
SAMPLE_S = 0.01
CLASSES = ("input", "cache_read", "cache_write", "output")
CCUSAGE = "ccusage@20.0.24"
TIMEOUT_S = 300


class SkippingClock:
    """A clock on which it is always time for another scan."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        self._seconds += SCAN_EVERY_S
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def logs(size_mib: int = DEFAULT_MIB) -> Iterator[str]:
    """A line for each measure."""
    with tempfile.TemporaryDirectory(prefix="quotadeck-logs-") as folder:
        yield from LogBench(Path(folder), size_mib).lines()


class LogBench:
    """All measures over one corpus."""

    def __init__(self, folder: Path, size_mib: int) -> None:
        self._cache = folder / "cache"
        self._logs = folder / "logs"
        self._corpus = Corpus(
            self._logs / "projects", end=datetime.now(UTC) - timedelta(minutes=30)
        )
        self._truth = self._corpus.write(size_mib * MIB)
        self._ccusage = Ccusage(folder / "npm", self._logs)

    def lines(self) -> Iterator[str]:
        truth = self._truth
        yield (
            f"log corpus: {truth.size_bytes / MIB:.0f} MiB, {truth.files:,} files,"
            f" {truth.lines:,} lines, {truth.replies:,} replies"
        )
        yield from self._cold_lines()
        yield f"log scan of a new process, store present: {1000 * self._scan()['seconds']:.0f} ms"
        yield from asyncio.run(self._warm_lines())
        shutil.rmtree(self._cache)
        peak = self._scan("--memory")["bytes"]
        yield f"log scan, peak memory of all processes: {peak / MIB:.0f} MiB above idle"

    def _cold_lines(self) -> Iterator[str]:
        ours: list[dict[str, Any]] = []
        theirs: list[tuple[float, int]] = []
        for _ in range(RUNS):
            shutil.rmtree(self._cache, ignore_errors=True)
            ours.append(self._scan())
            if self._ccusage.program:
                theirs.append(self._ccusage.run())
        exact = all(run["tokens"] == self._expected() for run in ours)
        seconds = [run["seconds"] for run in ours]
        verdict = "exact" if exact else "WRONG"
        yield f"log scan, cold: {_spread(seconds)}; totals by share and class {verdict}"
        if not theirs:
            yield f"ccusage: left out, {self._ccusage.missing}"
            return
        their_seconds = [run[0] for run in theirs]
        error = theirs[-1][1] / self._truth.total - 1
        ratio = statistics.median(seconds) / statistics.median(their_seconds)
        yield f"{CCUSAGE}, cold: {_spread(their_seconds)}; total tokens {error:+.1%}"
        yield f"log scan, cold: {ratio:.2f} of the time of ccusage"

    async def _warm_lines(self) -> list[str]:
        costs = _reader(self._logs, self._cache)
        await _timed(costs)
        warm = [(await _timed(costs))[0] for _ in range(WARM_RUNS)]
        path = max(self._logs.rglob("*.jsonl"), key=lambda path: path.stat().st_size)
        grown, new_bytes = [], 0
        for _ in range(WARM_RUNS):
            new_bytes = self._corpus.append(path)
            grown.append((await _timed(costs))[0])
        _, tokens = await _timed(costs)
        await costs.close()
        verdict = "exact" if tokens == self._expected() else "WRONG"
        return [
            f"log scan, warm, nothing new: {1000 * statistics.median(warm):.0f} ms",
            f"log scan, warm, one reply of about {new_bytes} bytes more:"
            f" {1000 * statistics.median(grown):.0f} ms; totals {verdict}",
        ]

    def _expected(self) -> dict[str, dict[str, int]]:
        count = self._truth.by_class
        return {
            share: {name: count[share, name] for name in CLASSES} for share in ("direct", "vertex")
        }

    def _scan(self, *options: str) -> Any:
        """One scan in a process of its own."""
        command = [sys.executable, "-m", __spec__.name, *options, str(self._logs), str(self._cache)]
        done = subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)
        return json.loads(done.stdout)


class Ccusage:
    """The fastest other reader, where npm brings it."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._logs = logs
        self.missing = ""
        """Why it cannot run."""
        self.program = self._install(folder)

    def run(self) -> tuple[float, int]:
        """Seconds and tokens of one report."""
        assert self.program is not None
        env = {**os.environ, "CLAUDE_CONFIG_DIR": str(self._logs)}
        start = time.perf_counter()
        done = subprocess.run(
            [self.program, "claude", "daily", "--json", "--offline"],
            env=env,
            check=True,
            capture_output=True,
            timeout=TIMEOUT_S,
        )
        return time.perf_counter() - start, json.loads(done.stdout)["totals"]["totalTokens"]

    def _install(self, folder: Path) -> Path | None:
        npm = shutil.which("npm")
        if npm is None:
            self.missing = "npm is not here"
            return None
        folder.mkdir()
        program = folder / "node_modules" / ".bin" / "ccusage"
        try:
            subprocess.run(
                [npm, "install", "--prefix", str(folder), "--include=optional", CCUSAGE],
                check=True,
                capture_output=True,
                timeout=TIMEOUT_S,
            )
            subprocess.run([program, "--version"], check=True, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError) as error:
            self.missing = f"npm could not bring it ({type(error).__name__})"
            return None
        return program


def scan_once(logs: str, cache: str) -> dict[str, Any]:
    """Seconds and tokens of a scan with what store there is."""
    return asyncio.run(_scan_once(_reader(Path(logs), Path(cache))))


async def _scan_once(costs: LogCosts) -> dict[str, Any]:
    seconds, tokens = await _timed(costs)
    await costs.close()
    return {"seconds": seconds, "tokens": tokens}


def scan_watched(logs: str, cache: str) -> dict[str, Any]:
    """The most memory a scan takes, of this process and those below it."""
    costs = _reader(Path(logs), Path(cache))
    idle_bytes = _resident_bytes()
    samples = [idle_bytes]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLE_S):
            samples.append(_resident_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    asyncio.run(_scan_once(costs))
    done.set()
    watcher.join()
    return {"bytes": max(samples) - idle_bytes}


def _resident_bytes() -> int:
    """What processes share is counted for each of them."""
    this = psutil.Process()
    total = 0
    for process in (this, *this.children(recursive=True)):
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def _reader(logs: Path, cache: Path) -> LogCosts:
    return LogCosts(cache, {"CLAUDE_CONFIG_DIR": str(logs)}, logs, clock=SkippingClock())


async def _timed(costs: LogCosts) -> tuple[float, dict[str, dict[str, int]]]:
    """Seconds of a scan with its summary, and the tokens of both shares."""
    now = datetime.now(UTC)
    start = time.perf_counter()
    direct = await costs.summary("direct", now, UTC)
    seconds = time.perf_counter() - start
    vertex = await costs.summary("vertex", now, UTC)
    return seconds, {"direct": _by_class(direct), "vertex": _by_class(vertex)}


def _by_class(summary: CostSummary) -> dict[str, int]:
    tokens = summary.last_30_days.tokens
    return {name: getattr(tokens, name) for name in CLASSES}


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def main(arguments: list[str]) -> None:
    """Print the measures, or one of them as JSON for the process that asked."""
    if len(arguments) >= 2:
        run = scan_watched if arguments[0] == "--memory" else scan_once
        print(json.dumps(run(*arguments[-2:])))
        return
    for line in logs(*map(int, arguments)):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
