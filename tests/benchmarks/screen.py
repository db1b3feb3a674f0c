"""Start, fill, idle and memory of the dashboard on a real pty."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.e2e.terminal import Terminal

PYTHON = sys.executable
TREE = Path(__file__).parents[2]
CARDS = 20
ROUNDS = 7
WATCHED_S = 3.0
COLUMNS, ROWS = 200, 60
DEMO = (PYTHON, "-m", "tui", "--demo")
BARE_APP = (PYTHON, "-m", "tests.benchmarks.bare", "app")
BARE_GRID = (PYTHON, "-m", "tests.benchmarks.bare", "grid")
DECK = (PYTHON, "-m", "tests.benchmarks.launch", str(CARDS))


def environment(home: str) -> dict[str, str]:
    """A user with an empty home."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(TREE),
    }


@contextmanager
def running(argv: Sequence[str], home: str, *, render: bool = True) -> Iterator[Terminal]:
    """A program on a terminal of its own."""
    with Terminal(
        argv, env=environment(home), columns=COLUMNS, rows=ROWS, cwd=TREE, render=render
    ) as terminal:
        yield terminal


def seconds_until(argv: Sequence[str], done: Callable[[str], bool], home: str) -> float:
    """From exec until the screen satisfies a condition.

    The bytes are drawn afterwards, by the times they came: drawing them at once would take the
    processor from the program.
    """
    with running(argv, home, render=False) as terminal:
        time.sleep(WATCHED_S)
    return terminal.replay(done)


def median_of(
    pairs: Sequence[tuple[Sequence[str], Callable[[str], bool]]], home: str
) -> list[float]:
    """Medians of the programs, run in turns so that a busy moment hits all alike."""
    for argv, done in pairs:
        seconds_until(argv, done, home)
    times: list[list[float]] = [[] for _ in pairs]
    for _ in range(ROUNDS):
        for column, (argv, done) in zip(times, pairs, strict=True):
            column.append(seconds_until(argv, done, home))
    return [statistics.median(column) for column in times]


def first_frame() -> str:
    """(a) bars of the screen and card outlines against ten lines of Textual."""
    with tempfile.TemporaryDirectory() as home:
        demo, bare = median_of(
            [
                (DEMO, lambda shown: shown.count("╭") >= 5 and "quit" in shown),
                (BARE_APP, lambda shown: "ready" in shown),
            ],
            home,
        )
    return (
        f"(a) first frame: {demo:.3f} s / {bare:.3f} s = {demo / bare:.2f} (at most 1.4, goal 1.2)"
    )


def filled() -> str:
    """(b) every card with its numbers against a plain grid."""
    with tempfile.TemporaryDirectory() as home:
        deck, grid = median_of(
            [
                (DECK, lambda shown: shown.count("%") >= 3 * CARDS),
                (BARE_GRID, lambda shown: shown.count("62%") >= 3 * CARDS),
            ],
            home,
        )
    ratio = deck / grid
    return (
        f"(b) {CARDS} cards with numbers: {deck:.3f} s / {grid:.3f} s = {ratio:.2f} (at most 1.3)"
    )


def idle(seconds: float = 60.0) -> list[str]:
    """(f) and (g): what an open dashboard costs while nothing happens."""
    with (
        tempfile.TemporaryDirectory() as home,
        running(DECK, home) as deck,
        running(BARE_APP, home) as bare,
    ):
        deck.wait_for("%")
        bare.wait_for("ready")
        deck.settle(quiet_s=3.0)
        programs = [psutil.Process(terminal.pid) for terminal in (deck, bare)]
        before = [_cpu_s(program) for program in programs]
        written = len(deck.raw)
        time.sleep(seconds)
        ours, theirs = (
            (_cpu_s(program) - start) / seconds * 100
            for program, start in zip(programs, before, strict=True)
        )
        rate = (len(deck.raw) - written) / seconds
        mebibytes = programs[0].memory_info().rss / 2**20
    return [
        f"(f) idle {seconds:.0f} s: {ours:.2f} % - {theirs:.2f} % = {ours - theirs:.2f} % of a core"
        f" above bare (below 0.5), {rate:.0f} B/s to the terminal (below 200)",
        f"(g) memory with {CARDS} cards: {mebibytes:.0f} MiB (below 90, goal 60)",
    ]


def _cpu_s(program: psutil.Process) -> float:
    times = program.cpu_times()
    return float(times.user + times.system)
