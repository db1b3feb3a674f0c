"""Running a program to its end, or until it has said enough."""

from __future__ import annotations

import asyncio
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from tui.core.process import CommandResult
from tui.core.text import strip_ansi
from tui.gateways._children import Child, ChildProtocol, Command, happens, start, start_on_terminal

HELD_OPEN_S = 1.0
"""How long helpers may keep the output open after the program itself ended."""
TYPE_PAUSE_S = 0.4
"""A program that says nothing for so long waits for what is typed."""
STDIN, STDOUT, STDERR = 0, 1, 2


class Cut(Enum):
    """Why a program was not left to its own end."""

    TIMED_OUT = auto()
    WENT_SILENT = auto()
    SAID_TOO_MUCH = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much a program may talk; see `Commands.run`."""

    timeout_s: float
    silence_s: float | None = None
    done: Callable[[str], bool] | None = None
    done_silence_s: float = 4.0
    on_output: Callable[[], None] | None = None
    type_next: Callable[[str], str] | None = None
    max_bytes: int = 1 << 20


class Output(ChildProtocol):
    """What a program says, up to a limit.

    Args:
        streams: The file descriptors that have to be closed before the output is complete.
        on_output: Called once, when the first byte comes.
    """

    def __init__(
        self,
        max_bytes: int,
        streams: tuple[int, ...],
        on_output: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.stirred = asyncio.Event()
        """Something came, or the program ended."""
        self.complete = asyncio.Event()
        """All streams were closed."""
        self.is_too_long = False
        self.last_at = math.inf
        """Time of the loop when the last byte came; no pause begins before the first."""
        self._room = max_bytes
        self._open = set(streams)
        self._on_output = on_output
        self._heard = {STDOUT: bytearray(), STDERR: bytearray()}

    @property
    def stdout(self) -> str:
        """Standard output as text."""
        return plain(self._heard[STDOUT])

    @property
    def stderr(self) -> str:
        """Standard error as text; empty on a terminal."""
        return plain(self._heard[STDERR])

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Called by asyncio."""
        if self._on_output is not None and math.isinf(self.last_at):
            self._on_output()
        self.last_at = asyncio.get_running_loop().time()
        self._heard[fd] += data[: self._room]
        self.is_too_long |= len(data) > self._room
        self._room -= min(len(data), self._room)
        self.stirred.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._open.discard(fd)
        if not self._open:
            self.complete.set()

    def process_exited(self) -> None:
        """Called by asyncio."""
        super().process_exited()
        self.stirred.set()


class Patience:
    """When to look at a running program again, and whether it may go on then.

    Args:
        deadline_at: Time of the loop at which it is cut off in any case.
    """

    def __init__(self, limits: Limits, output: Output, deadline_at: float) -> None:
        self._output = output
        self._deadline_at = deadline_at
        self._silence_s = math.inf if limits.silence_s is None else limits.silence_s
        self._done = limits.done
        self._done_silence_s = limits.done_silence_s
        self._judged_at = math.inf

    def next_look_at(self) -> float:
        """The next moment at which a limit is reached, if nothing comes until then."""
        done_silence_s = self._done_silence_s if self._is_news() else math.inf
        return min(self._deadline_at, self._output.last_at + min(self._silence_s, done_silence_s))

    def verdict(self, now: float) -> Cut | None:
        """Why it is cut off at this moment, if it is."""
        if self._output.is_too_long:
            return Cut.SAID_TOO_MUCH
        if now >= self._deadline_at:
            return Cut.TIMED_OUT
        quiet_s = now - self._output.last_at
        if quiet_s >= self._silence_s or (quiet_s >= self._done_silence_s and self._is_done()):
            return Cut.WENT_SILENT
        return None

    def _is_news(self) -> bool:
        return self._done is not None and self._output.last_at != self._judged_at

    def _is_done(self) -> bool:
        """Asked once per pause: `done` may read a long text."""
        if self._done is None or not self._is_news():
            return False
        self._judged_at = self._output.last_at
        return self._done(f"{self._output.stdout}\n{self._output.stderr}")


class Typist:
    """Types on the terminal of a program when it pauses; once per pause."""

    def __init__(
        self, type_next: Callable[[str], str] | None, output: Output, child: Child
    ) -> None:
        self._type_next = type_next
        self._output = output
        self._child = child
        self._typed_at = math.inf

    def next_look_at(self) -> float:
        """The end of the next pause, if nothing comes until then."""
        return self._output.last_at + TYPE_PAUSE_S if self._is_news() else math.inf

    def look(self, now: float) -> None:
        """Type what the output so far calls for, if the program pauses."""
        if self._type_next is None or now < self.next_look_at():
            return
        self._typed_at = self._output.last_at
        self._child.type(self._type_next(self._output.stdout))

    def _is_news(self) -> bool:
        return self._type_next is not None and self._output.last_at != self._typed_at


class TerminalOutput(asyncio.Protocol):
    """Hands on what appears on a terminal."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._output.pipe_data_received(STDOUT, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._output.pipe_connection_lost(STDOUT, exc)


def plain(data: bytes | bytearray) -> str:
    """Text without terminal escapes; a carriage return ends a line, with a line feed or alone."""
    return re.sub(r"\r+\n|\r", "\n", strip_ansi(data.decode("utf-8", errors="replace")))


async def run_to_end(command: Command, limits: Limits, *, pty: bool = False) -> CommandResult:
    """Run a program; whatever happens, nothing of it is left afterwards.

    Raises:
        MissingCredentials: It could not be started.
    """
    deadline_at = asyncio.get_running_loop().time() + limits.timeout_s
    on_terminal = pty and sys.platform != "win32"
    streams = (STDOUT,) if on_terminal else (STDOUT, STDERR)
    output = Output(limits.max_bytes, streams, limits.on_output)
    child = await _start(command, output, on_terminal)
    try:
        typist = Typist(limits.type_next, output, child)
        cut = await _outlast(output, Patience(limits, output, deadline_at), typist)
        if cut is None:
            await happens(output.complete, HELD_OPEN_S)
            cut = Cut.SAID_TOO_MUCH if output.is_too_long else None
    finally:
        await child.end(search=not (output.exited.is_set() and output.complete.is_set()))
    return CommandResult(
        exit_code=child.exit_code if cut is None else None,
        stdout=output.stdout,
        stderr=output.stderr,
        timed_out=cut is Cut.TIMED_OUT,
        went_silent=cut is Cut.WENT_SILENT,
    )


async def _start(command: Command, output: Output, on_terminal: bool) -> Child:
    if on_terminal:
        return await start_on_terminal(command, output, lambda: TerminalOutput(output))
    return await start(command, output)


async def _outlast(output: Output, patience: Patience, typist: Typist) -> Cut | None:
    """Wait until the program ended by itself (`None`) or is to be cut off."""
    now = asyncio.get_running_loop().time
    while not output.exited.is_set():
        if cut := patience.verdict(now()):
            return cut
        typist.look(now())
        output.stirred.clear()
        next_look_at = min(patience.next_look_at(), typist.next_look_at())
        await happens(output.stirred, next_look_at - now())
    return None
