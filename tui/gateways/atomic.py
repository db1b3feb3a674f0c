"""Replacing a file as a whole: a reader sees the old or the new one, a full disk leaves the old."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tui.gateways.paths import make_private
from tui.gateways.regular import NO_FOLLOWING

LOCK_WAIT_S = 5.0
LEFT_S = 60.0
"""No writing takes so long: what is older was left by a program that was killed."""


def write_private(path: Path, content: bytes) -> None:
    """Write 0600 from the first byte, fsync, rename.

    Raises:
        OSError: Nothing was changed.
    """
    make_private(path.parent)
    clear_leftovers(path)
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def clear_leftovers(path: Path) -> None:
    """Remove what killed programs left beside a file: it may hold what was deleted since."""
    unfinished = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}")
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if unfinished.fullmatch(entry.name) and time.time() - _written_at(entry) > LEFT_S:
                os.unlink(entry.path)


def _written_at(entry: os.DirEntry[str]) -> float:
    return entry.stat(follow_symlinks=False).st_mtime


def open_own(path: Path, flags: int) -> int:
    """Open a file of ours, made 0600 where it is missing; what a link points to is not ours.

    Raises:
        OSError: It cannot be opened, or is a link.
    """
    return os.open(path, flags | os.O_CREAT | NO_FOLLOWING, 0o600)


def repair_mode(path: Path) -> None:
    """Take a file or folder of ours away from others, where they could look into it; a device such
    as `/dev/null` is nobody's."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        mode = path.stat().st_mode
        ours = 0o600 if stat.S_ISREG(mode) else 0o700 if stat.S_ISDIR(mode) else None
        if ours is not None and mode & 0o077:
            path.chmod(ours)


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Between processes: one at a time changes this file. Gives up waiting after some seconds."""
    make_private(path.parent)
    handle = open_own(path.with_name(f".{path.name}.lock"), os.O_RDWR)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while not try_lock(handle):
        if time.monotonic() > deadline:
            raise TimeoutError("another quotadeck holds this file")
        time.sleep(0.02)


def try_lock(handle: int) -> bool:
    """Lock an open file between processes, without waiting; closing it gives it free."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
