"""Reading other programs' files: below declared roots, with a size limit, never writing.

What was looked at is remembered, so that the engine can watch exactly these files while a
provider waits for its owner to renew a login.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from heapq import nlargest
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

from tui.core.errors import Unsupported
from tui.core.files import FileInfo
from tui.gateways.blocking import run_blocking
from tui.gateways.regular import open_regular

DEADLINE_S = 10.0
EPOCH = datetime.fromtimestamp(0, UTC)
PACKAGE_PLACES = ("lib/node_modules", "libexec/lib/node_modules", "share")
"""Where packages lie below the folder above `bin`."""
PACKAGE_LEVELS = 8
OsName = Literal["linux", "macos", "windows"]
T = TypeVar("T")
Stamp = tuple[int, int] | None
"""Modification time in nanoseconds and size; `None` when the file is not there."""

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)|%(\w+)%")


def expand(path: str, env: Mapping[str, str], home: Path) -> Path:
    """`~`, `$NAME`, `${NAME:-default}` and `%NAME%` filled in; unknown names become nothing."""

    def fill(found: re.Match[str]) -> str:
        name = found.group(1) or found.group(3) or found.group(4)
        return env.get(name, "").strip() or found.group(2) or ""

    text = _VARIABLE.sub(fill, path.strip())
    if text == "~" or text.startswith(("~/", "~\\")):
        return home / text[2:]
    return Path(text)


def stamp(path: Path) -> Stamp:
    """What changes when a file is written, replaced or removed."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


class DeclaredFiles:
    """Files of one provider.

    Args:
        roots: Files and folders that may be read, with variables.
        allowed: Further paths the user named in the settings.
    """

    def __init__(
        self,
        roots: Sequence[str],
        *,
        env: Mapping[str, str],
        home: Path,
        allowed: Sequence[Path] = (),
    ) -> None:
        self._env = env
        self._home = home
        self._roots = [self.expand(root) for root in roots] + list(allowed)
        self.touched: set[Path] = set()

    @property
    def home(self) -> Path:
        """The home folder."""
        return self._home

    def expand(self, path: str) -> Path:
        """`~` and variables filled in."""
        return expand(path, self._env, self._home)

    def watched(self) -> dict[Path, Stamp]:
        """What every file that was looked at is like now."""
        return {path: stamp(path) for path in self.touched}

    async def stat(self, path: Path) -> FileInfo | None:
        """`None` when it is not there or not reachable."""
        return await self._in_thread(path, lambda: _info(path))

    async def list(self, folder: Path) -> tuple[FileInfo, ...]:
        """What is directly inside, by name; empty when it cannot be listed."""
        return await self._in_thread(folder, lambda: _listed(folder)) or ()

    async def walk(self, folder: Path, suffix: str, *, max_files: int = 10_000) -> tuple[Path, ...]:
        """Files below a folder that end so, sorted."""
        found = await self._in_thread(folder, lambda: _walked(folder, suffix, max_files))
        return found or ()

    async def read_bytes(self, path: Path, *, max_bytes: int = 1 << 20) -> bytes | None:
        """The content; `None` when it is not there."""
        return await self._in_thread(path, lambda: _content(path, max_bytes))

    async def read_text(self, path: Path, *, max_bytes: int = 1 << 20) -> str | None:
        """The content as UTF-8."""
        content = await self.read_bytes(path, max_bytes=max_bytes)
        return None if content is None else content.decode("utf-8-sig", errors="replace")

    async def newest(self, folder: Path, suffix: str, *, count: int) -> tuple[FileInfo, ...]:
        """The files below a folder that end so and were written last, newest first."""
        self._check(folder)
        return await run_blocking(lambda: _newest(folder, suffix, count), deadline_s=DEADLINE_S)

    async def read_part(self, path: Path, *, offset: int, max_bytes: int) -> bytes | None:
        """A part of a long file; a negative offset counts from the end."""
        self._check(path)
        return await run_blocking(lambda: _part(path, offset, max_bytes), deadline_s=DEADLINE_S)

    async def query(
        self, database: Path, sql: str, parameters: Sequence[Any] = ()
    ) -> tuple[tuple[Any, ...], ...] | None:
        """Rows of a SQLite file, opened read-only; `None` when it is not there."""
        return await self._in_thread(database, lambda: _rows(database, sql, parameters))

    async def packages(self, program: Path) -> tuple[Path, ...]:
        """Folders with the packages of an installed program, which may be read from then on."""
        found = await run_blocking(lambda: _packages(program), deadline_s=DEADLINE_S)
        self._roots += found
        return found

    async def _in_thread(self, path: Path, read: Callable[[], T]) -> T:
        self._check(path)
        self.touched.add(path)
        return await run_blocking(read, deadline_s=DEADLINE_S)

    def _check(self, path: Path) -> None:
        wanted = Path(os.path.normpath(path))
        for root in self._roots:
            base = Path(os.path.normpath(root))
            if wanted == base or base in wanted.parents:
                return
        raise Unsupported("A file outside the declared places was refused.")


def _info(path: Path) -> FileInfo | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return FileInfo(
        path=path, mtime=_moment(found.st_mtime), size=found.st_size, is_dir=path.is_dir()
    )


def _moment(mtime: float) -> datetime:
    """When a file was written; 1970 when no calendar has such a moment."""
    try:
        return datetime.fromtimestamp(mtime, UTC)
    except (ValueError, OverflowError, OSError):
        return EPOCH


def _listed(folder: Path) -> tuple[FileInfo, ...]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError:
        return ()
    return tuple(info for name in names if (info := _info(folder / name)) is not None)


def _walked(folder: Path, suffix: str, max_files: int) -> tuple[Path, ...]:
    return tuple(islice(_below(folder, suffix), max_files))


def _below(folder: Path, suffix: str) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(parent) / name for name in sorted(names) if name.endswith(suffix))


def _newest(folder: Path, suffix: str, count: int) -> tuple[FileInfo, ...]:
    found = filter(None, map(_info, _below(folder, suffix)))
    return tuple(nlargest(count, found, key=lambda info: info.mtime))


def _packages(program: Path) -> tuple[Path, ...]:
    """As npm, bun, Homebrew and Nix install: around the real file, and below its prefix."""
    real = program.resolve()
    found = [parent for parent in real.parents if parent.name == "node_modules"][:1]
    owners = real.parents[:PACKAGE_LEVELS]
    found += [folder for folder in owners if (folder / "package.json").is_file()][:1]
    prefixes = (path.parent.parent for path in (real, program))
    found += [prefix / place for prefix in prefixes for place in PACKAGE_PLACES]
    return tuple(dict.fromkeys(folder for folder in found if folder.is_dir()))


def _content(path: Path, max_bytes: int) -> bytes | None:
    content = _part(path, 0, max_bytes + 1)
    if content is not None and len(content) > max_bytes:
        raise Unsupported(f"{path.name} is larger than {max_bytes // 1024} KiB; it was not read.")
    return content


def _part(path: Path, offset: int, max_bytes: int) -> bytes | None:
    try:
        with open_regular(path) as file:
            if offset:
                length = file.seek(0, os.SEEK_END)
                file.seek(max(length + offset, 0) if offset < 0 else offset)
            return file.read(max_bytes)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unsupported(
            f"{path.name} cannot be read ({error.strerror or type(error).__name__}).",
            hint="Check its permissions.",
        ) from error


def _rows(
    database: Path, sql: str, parameters: Sequence[Any]
) -> tuple[tuple[Any, ...], ...] | None:
    from sqlite3 import Error  # few sources read databases

    from tui.gateways.sqlite_ro import open_read_only, rows

    if not database.exists():
        return None
    if not database.is_file():
        raise Unsupported(f"{database.name} is no file.")
    try:
        with open_read_only(database) as connection:
            return tuple(rows(connection, sql, parameters))
    except Error as error:
        raise Unsupported(
            f"{database.name} cannot be read ({type(error).__name__}).",
            hint="Close the program that owns it and try again.",
        ) from error
