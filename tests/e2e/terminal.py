"""A terminal for the program under test: a real pty, rendered by pyte."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

# pyte takes these apart wrongly: kitty keyboard (CSI > u), mode requests (CSI ? $ p), DCS strings.
UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[>=<][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$[a-z]|\x1bP.*?\x1b\\", re.S
)
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h")
"""Leaves the alternate screen, shows the cursor."""


class Terminal:
    """Runs a command on a pty of its own and keeps what it draws.

    Args:
        env: The whole environment of the command.
        render: Draw what arrives at once; without it only `chunks` are kept, for `replay`.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        columns: int = 120,
        rows: int = 36,
        cwd: Path | None = None,
        render: bool = True,
    ) -> None:
        self.chunks: list[tuple[float, bytes]] = []
        self._render = render
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._lock = threading.Lock()
        self.raw = bytearray()
        self.started_at = time.monotonic()
        self.pid, self._handle = pty.fork()
        if self.pid == 0:
            _become(argv, env, cwd, columns, rows)
        self.resize(columns, rows, tell=False)
        self._status: int | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    # -- what it shows ---------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The lines of the screen without blanks at the end."""
        with self._lock:
            return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    def wait_for(self, *texts: str, timeout_s: float = 30.0) -> float:
        """Wait until all texts are on the screen; seconds since the start.

        Raises:
            AssertionError: They did not come; the message shows the screen.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            shown = self.text
            if all(text in shown for text in texts):
                return time.monotonic() - self.started_at
            time.sleep(0.01)
        raise AssertionError(f"{texts} did not come:\n{self.text}")

    def wait_until_gone(self, text: str, timeout_s: float = 30.0) -> None:
        """Wait until a text is no longer on the screen."""
        deadline = time.monotonic() + timeout_s
        while text in self.text:
            assert time.monotonic() < deadline, self.text
            time.sleep(0.01)

    def settle(self, quiet_s: float = 0.6, timeout_s: float = 20.0) -> str:
        """The screen once nothing was drawn for a while."""
        deadline = time.monotonic() + timeout_s
        size = -1
        while len(self.raw) != size and time.monotonic() < deadline:
            size = len(self.raw)
            time.sleep(quiet_s)
        return self.text

    # -- what is done to it ----------------------------------------------------------------------

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._handle, keys.encode())

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        """Give the terminal another size."""
        if tell:
            with self._lock:
                self.screen.resize(rows, columns)
        fcntl.ioctl(self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the command."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Drop the line, as when an SSH connection is lost."""
        os.close(self._handle)
        self._handle = -1

    def wait(self, timeout_s: float = 15.0) -> int:
        """The exit code, negative for a signal.

        Raises:
            AssertionError: It does not end.
        """
        deadline = time.monotonic() + timeout_s
        while self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
                break
            assert time.monotonic() < deadline, f"still running:\n{self.text}"
            time.sleep(0.02)
        self._reader.join(1.0)
        return self._status

    def close(self) -> None:
        """End the command, whatever it does."""
        if self._status is None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.kill(self.pid, number)
                    self.wait(5.0)
                    break
                except (AssertionError, ProcessLookupError, ChildProcessError):
                    continue
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        while self._handle >= 0:
            try:
                if not select.select([self._handle], [], [], 0.5)[0]:
                    continue
                data = os.read(self._handle, 65536)
            except (OSError, ValueError):
                return
            if not data:
                return
            self.raw += data
            self.chunks.append((time.monotonic() - self.started_at, data))
            if self._render:
                self._draw(data)

    def _draw(self, data: bytes) -> None:
        with self._lock:
            self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", data))

    def replay(self, done: Callable[[str], bool]) -> float:
        """Draw the kept chunks; the seconds at which the screen first satisfied a condition.

        Raises:
            AssertionError: It never did.
        """
        for seconds, data in self.chunks:
            self._draw(data)
            if done(self.text):
                return seconds
        raise AssertionError(self.text)


def _become(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path | None, columns: int, rows: int
) -> None:
    """In the child: take the size, then become the command."""
    try:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if cwd is not None:
            os.chdir(cwd)
        os.execvpe(argv[0], list(argv), dict(env))
    finally:
        os._exit(127)
