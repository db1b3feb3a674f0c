"""Programs we start, with everything they start themselves: nothing of it outlives its use.

Each child leads a session of its own, so that its whole group can be ended at once, and carries a
mark in its environment, by which helpers are found that left the session or lost their parent.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.core.errors import MissingCredentials
from tui.gateways.alive import ALIVE

if TYPE_CHECKING:
    import psutil

MARK = "QUOTADECK_CHILD"
GRACE_S = 0.5
"""From TERM to KILL."""
COLLECT_S = 2.0
"""The system reports the end of a killed program much sooner."""
LOOK_S = 0.02
TERMINATE: int = signal.SIGTERM
KILL: int = getattr(signal, "SIGKILL", signal.SIGTERM)

if sys.platform == "win32":
    _APART: dict[str, Any] = {
        "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    }
else:
    _APART: dict[str, Any] = {"start_new_session": True}


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be started."""

    program: Path
    args: tuple[str, ...]
    env: dict[str, str] = field(repr=False)
    """The complete environment; holds secrets."""
    work_dir: Path
    launcher: tuple[str, ...] = ()
    """What runs first and becomes the program."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Standard input, output and error, as `subprocess` takes them."""

    stdin: int = subprocess.DEVNULL
    stdout: int = subprocess.PIPE
    stderr: int = subprocess.PIPE


class ChildProtocol(asyncio.SubprocessProtocol):
    """Notes that the program itself ended; asyncio's own `wait()` waits for its pipes too."""

    def __init__(self) -> None:
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        """Called by asyncio."""
        self.exited.set()


class Child:
    """A program that was started, and its helpers."""

    def __init__(
        self, transport: asyncio.SubprocessTransport, protocol: ChildProtocol, mark: str
    ) -> None:
        self.transport = transport
        self.terminal: asyncio.BaseTransport | None = None
        self._exited = protocol.exited
        self._mark = mark
        self._pid = transport.get_pid()
        ALIVE.add(self)

    @property
    def exit_code(self) -> int | None:
        """As it ended, a signal as a negative number; `None` while it runs."""
        return self.transport.get_returncode()

    def type(self, text: str) -> None:
        """Type on its terminal, as far as it has one and reads."""
        if text and self.terminal is not None:
            with suppress(OSError):
                os.write(self.terminal.get_extra_info("pipe").fileno(), text.encode())

    async def end(self, *, search: bool = True) -> None:
        """TERM to all of it, a short grace, KILL, collect; a cancellation only cuts the grace.

        Args:
            search: Look for helpers even if its group is empty.
        """
        if self not in ALIVE:
            return
        helpers: list[psutil.Process] = []
        try:
            helpers += self._helpers() if search or self._has_group() else []
            self._signal(TERMINATE, helpers)
            await self._gone(helpers)
        finally:
            self._signal(KILL, helpers)
            ALIVE.discard(self)
            await self._collect()

    def kill(self) -> None:
        """KILL to all of it, at once and without an event loop."""
        self._signal(KILL, self._helpers())

    async def _gone(self, helpers: Sequence[psutil.Process]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                # Nothing reports the end of processes that are not our own children.
                while not self._exited.is_set() or any(map(_runs, helpers)):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)

    async def _collect(self) -> None:
        # Closed earlier, the transport would take the exit code away from asyncio's own watcher.
        try:
            await happens(self._exited, COLLECT_S)
        finally:
            self.transport.close()
            if self.terminal is not None:
                self.terminal.close()

    def _has_group(self) -> bool:
        if sys.platform == "win32":
            return False
        try:
            os.killpg(self._pid, 0)
        except OSError:
            return False
        return True

    def _signal(self, number: int, helpers: Sequence[psutil.Process]) -> None:
        with suppress(OSError):
            if sys.platform == "win32":
                self.transport.terminate()
            else:
                os.killpg(self._pid, number)
        for helper in helpers:
            _signal(helper, number)

    def _helpers(self) -> list[psutil.Process]:
        """What runs below the program, and what carries its mark."""
        import psutil

        found: set[psutil.Process] = set()
        if self.exit_code is None:
            with suppress(psutil.Error):
                found.update(psutil.Process(self._pid).children(recursive=True))
        for pid in psutil.pids():
            with suppress(psutil.Error, OSError):
                process = psutil.Process(pid)
                if pid != self._pid and process.environ().get(MARK) == self._mark:
                    found.add(process)
        return list(found)


def _runs(process: psutil.Process) -> bool:
    import psutil

    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _signal(process: psutil.Process, number: int) -> None:
    import psutil

    with suppress(psutil.Error):
        process.send_signal(number)


async def happens(event: asyncio.Event, timeout_s: float) -> bool:
    """Whether an event comes in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
    return event.is_set()


async def start(command: Command, protocol: ChildProtocol, streams: Streams | None = None) -> Child:
    """Start a program; a cancellation meanwhile ends it again.

    Raises:
        MissingCredentials: It could not be started.
    """
    starting = asyncio.ensure_future(_spawn(command, protocol, streams or Streams()))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(MissingCredentials):
            child = await starting
            await child.end()
        raise


async def start_on_terminal(
    command: Command, protocol: ChildProtocol, read: Callable[[], asyncio.Protocol]
) -> Child:
    """Start a program whose input, output and error are one terminal.

    Args:
        read: Makes what receives the output.

    Raises:
        MissingCredentials: It could not be started.
    """
    from tui.gateways._terminal import LAUNCHER, open_terminal

    if not os.access(command.program, os.X_OK):
        raise _not_started(command)
    ours, theirs = open_terminal()
    loop = asyncio.get_running_loop()
    try:
        terminal, _ = await loop.connect_read_pipe(read, os.fdopen(ours, "rb", buffering=0))
        try:
            streams = Streams(theirs, theirs, theirs)
            child = await start(replace(command, launcher=LAUNCHER), protocol, streams)
        except BaseException:
            terminal.close()
            raise
    finally:
        os.close(theirs)
    child.terminal = terminal
    return child


async def _spawn(command: Command, protocol: ChildProtocol, streams: Streams) -> Child:
    mark = os.urandom(8).hex()
    _unblock_signals()
    try:
        command.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: protocol,
            *(*command.launcher, str(command.program), *command.args),
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            cwd=command.work_dir,
            env={**command.env, MARK: mark},
            **_APART,
        )
    except (OSError, ValueError) as error:
        raise _not_started(command) from error
    return Child(transport, protocol, mark)


def _unblock_signals() -> None:
    """A child inherits what is blocked here, and would be deaf to TERM."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _not_started(command: Command) -> MissingCredentials:
    return MissingCredentials(
        f"{command.program.name} could not be started.",
        hint="Check that it is installed and may be run.",
    )
