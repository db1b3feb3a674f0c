"""Reading in child processes: real ones, killed and left alone too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.session_logs import reply, write_log
from tui.gateways import log_workers
from tui.gateways.log_files import Job, Part
from tui.gateways.log_workers import read_all, worker_count


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    files = [
        write_log(tmp_path / f"{number}.jsonl", *(reply(usage=number) for _ in range(number % 7)))
        for number in range(1, 200)
    ]
    return [
        Job(number, os.fsencode(path), new_bytes=path.stat().st_size)
        for number, path in enumerate(files)
    ]


def never() -> bool:
    return False


def outputs(parts: list[Part]) -> list[int]:
    return sorted(row.output for part in parts for row in part.rows)


def children() -> list[psutil.Process]:
    return [it for it in psutil.Process().children() if it.status() != psutil.STATUS_ZOMBIE]


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_children_read_what_one_thread_reads(jobs: list[Job]) -> None:
    assert outputs(list(read_all(iter(jobs), 2, never))) == outputs(
        list(read_all(iter(jobs), 0, never))
    )


def test_every_file_is_read_once(jobs: list[Job]) -> None:
    numbers = [part.number for part in read_all(iter(jobs), 2, never) if part.is_last]
    assert sorted(numbers) == list(range(len(jobs)))


def test_no_more_children_than_there_is_work_for(jobs: list[Job]) -> None:
    reading = read_all(iter(jobs[:3]), 4, never)
    next(reading)
    assert len(children()) <= 1
    reading.close()


def test_vanished_files_are_left_out(jobs: list[Job]) -> None:
    os.unlink(jobs[0].path)
    numbers = [part.number for part in read_all(iter(jobs), 2, never)]
    assert sorted(numbers) == list(range(1, len(jobs)))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow text only")
def test_a_path_may_hold_any_bytes(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\n.jsonl"
    write_log(Path(os.fsdecode(path)), reply(usage=3))
    assert outputs(list(read_all(iter([Job(0, path)]), 1, never))) == [3]


def test_nothing_is_left_running(jobs: list[Job]) -> None:
    list(read_all(iter(jobs), 2, never))
    assert children() == []


@pytest.mark.parametrize("workers", [0, 2])
def test_it_stops_when_asked(
    jobs: list[Job], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_workers, "PORTION_FILES", 5)
    read: list[Part] = []
    for part in read_all(iter(jobs), workers, lambda: len(read) >= 3):
        read.append(part)
    assert 3 <= len(read) < len(jobs)
    assert children() == []


def test_leaving_early_ends_the_children(jobs: list[Job]) -> None:
    reading = read_all(iter(jobs), 2, never)
    next(reading)
    assert children()
    reading.close()
    assert children() == []


def test_what_a_killed_child_had_not_read_is_left_out(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_workers, "PORTION_FILES", 5)
    reading = read_all(iter(jobs), 2, never)
    read = [next(reading)]
    victim = children()[0]
    victim.kill()
    read += reading
    assert len(read) >= 3
    assert children() == []
    assert len({(part.number, part.offset) for part in read}) == len(read)


def test_without_programs_it_is_read_here(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/missing/python")
    assert len(list(read_all(iter(jobs), 2, never))) == len(jobs)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a thing of Unix")
def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """Nobody tells them; the pipe closes."""
    code = (
        "import time; from tui.gateways import log_workers as w\n"
        "child = w._start_child(); print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        (sys.executable, "-c", code), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not has_ended(child)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    until(lambda: has_ended(child))


def test_there_is_a_worker_for_each_core_up_to_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= worker_count() <= log_workers.MOST_WORKERS
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)))
        assert worker_count() == log_workers.MOST_WORKERS
