"""Reading many logs at once: in child processes for a long history, right here for a few lines.

Decoding keeps a core busy and, in a thread, the screen waiting. The children are this program's own
interpreter, speak over pipes and live as long as one scan; they end by themselves when the pipes
close. (Not `multiprocessing`: it runs the main module again, and fails where a full-screen program
has replaced the standard streams.)
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Lock, Thread
from typing import IO, Any

import msgspec

from tui.gateways.log_files import Job, Part, read_parts

log = logging.getLogger("tui.logs")

MOST_WORKERS = 4
PORTION_BYTES = 8 << 20
PORTION_FILES = 64
WAITING_PARTS = 8
LOOK_S = 0.1
LENGTH_BYTES = 4
NICENESS = 5
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from tui.gateways.log_workers import serve; serve()"
)
if sys.platform == "win32":
    _OPTIONS: dict[str, Any] = {
        "creationflags": subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    }
else:
    _OPTIONS: dict[str, Any] = {}


def worker_count() -> int:
    """One for each core this program may use, up to a few."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, MOST_WORKERS)


def read_all(
    jobs: Iterator[Job], workers: int, should_stop: Callable[[], bool]
) -> Generator[Part, None, None]:
    """What is new in many files, in no particular order of files.

    A file that vanished is left out, and so is what a child that was killed had not read.

    Args:
        jobs: Large files first, so that no child waits long for another at the end.
        workers: Child processes; with 0 all is read in this thread.
        should_stop: Asked between parts; what was not read by then is left out.
    """
    if workers:
        yield from _Pool(jobs, workers).parts(should_stop)
        return
    for part in _read_files(jobs):
        yield part
        if should_stop():
            return


def _read_files(jobs: Iterable[Job]) -> Iterator[Part]:
    for job in jobs:
        with suppress(OSError):  # it vanished
            yield from read_parts(job)


Child = subprocess.Popen[bytes]


class _Pool:
    """Children that are handed portions, each by a thread of its own that waits for it."""

    def __init__(self, jobs: Iterator[Job], count: int) -> None:
        self._jobs = jobs
        self._jobs_lock = Lock()
        self._count = count
        self._children: list[Child] = []
        self._parts: Queue[Part | None] = Queue(WAITING_PARTS)
        """`None` when a thread has ended."""

    def parts(self, should_stop: Callable[[], bool]) -> Iterator[Part]:
        for _ in range(self._count):
            Thread(target=self._drive, name="log-worker", daemon=True).start()
        ended = 0
        try:
            while ended < self._count and not should_stop():
                try:
                    part = self._parts.get(timeout=LOOK_S)
                except Empty:
                    continue
                if part is None:
                    ended += 1
                else:
                    yield part
        finally:
            self._jobs = iter(())
            for child in self._children:
                child.kill()
            while ended < self._count:
                ended += self._parts.get() is None

    def _drive(self) -> None:
        child = None
        try:
            while portion := self._next_portion():
                child = child or self._start_child()
                for part in _ask(child, portion) if child else _read_files(portion):
                    self._parts.put(part)
        except (OSError, EOFError, msgspec.DecodeError) as error:
            log.debug("a reader of session logs ended early (%s)", type(error).__name__)
        finally:
            if child is not None:
                _end(child)
            self._parts.put(None)

    def _next_portion(self) -> list[Job]:
        """Files of some size together; empty when all are handed out."""
        portion: list[Job] = []
        room_bytes = PORTION_BYTES
        with self._jobs_lock:
            for job in self._jobs:
                portion.append(job)
                room_bytes -= job.new_bytes
                if room_bytes <= 0 or len(portion) >= PORTION_FILES:
                    break
        return portion

    def _start_child(self) -> Child | None:
        child = _start_child()
        if child is not None:
            self._children.append(child)
        return child


def _start_child() -> Child | None:
    """`None` where no program can be started."""
    try:
        return subprocess.Popen(
            (sys.executable or "", "-I", "-c", START, json.dumps(sys.path)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **_OPTIONS,
        )
    except OSError:
        return None


def _ask(child: Child, portion: list[Job]) -> Iterator[Part]:
    assert child.stdin is not None
    assert child.stdout is not None
    _send(child.stdin, _encode(portion))
    while frame := _receive(child.stdout):
        yield _decode_part(frame)


def _end(child: Child) -> None:
    with suppress(OSError), child:  # closes the pipes, which ends it, and waits
        pass


def serve() -> None:
    """The life of a child: portions of jobs come in, parts go out, until a pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _let_others_go_first()
    with suppress(EOFError, OSError):
        while True:
            for part in _read_files(_decode_portion(_receive(sys.stdin.buffer))):
                _send(sys.stdout.buffer, _encode(part))
            _send(sys.stdout.buffer, b"")
    os._exit(0)


def _let_others_go_first() -> None:
    """Tell the system that nobody waits at the keyboard for this process."""
    with suppress(OSError):
        if sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        elif sys.platform != "win32":  # there it was said at the start
            os.nice(NICENESS)


_encode = msgspec.msgpack.Encoder().encode
_decode_portion = msgspec.msgpack.Decoder(list[Job]).decode
_decode_part = msgspec.msgpack.Decoder(Part).decode


def _send(stream: IO[bytes], frame: bytes) -> None:
    """Write with its length in front; an empty one ends a portion."""
    stream.write(len(frame).to_bytes(LENGTH_BYTES, "little") + frame)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    length = stream.read(LENGTH_BYTES)
    frame = stream.read(int.from_bytes(length, "little"))
    if len(length) < LENGTH_BYTES:
        raise EOFError
    return frame
