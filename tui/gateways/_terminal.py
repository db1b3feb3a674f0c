"""A terminal for programs that refuse a pipe. Not on Windows.

Run as a script it makes standard input the controlling terminal and becomes the program. A
`preexec_fn` would do this within a fork of a program with threads, which can deadlock.
"""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import sys
import termios

ROWS, COLUMNS = 50, 200
CANNOT_RUN = 127
"""Exit code when the program could not be run after all, as a shell gives it."""
LAUNCHER = (sys.executable, "-I", "-S", __file__)


def open_terminal() -> tuple[int, int]:
    """File descriptors of a new terminal: our end and the program's."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    return ours, theirs


def main(command: list[str]) -> None:
    """Take the terminal and become `command`."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Python ignores these two, and what is ignored stays so in the program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execv(command[0], command)
    except OSError:
        os._exit(CANNOT_RUN)


if __name__ == "__main__":
    main(sys.argv[1:])
