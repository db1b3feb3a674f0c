"""A small table in a file that only this user may read, changed by several instances at once.

Every change loads before it modifies, under a lock between processes, and replaces the file as a
whole. A damaged file is an error for readers; a writer sets it aside instead of overwriting it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from tui.auth import StoreError
from tui.gateways.atomic import clear_leftovers, only_one, repair_mode, write_private
from tui.gateways.blocking import run_blocking
from tui.gateways.regular import read_regular

Rows: TypeAlias = dict[str, dict[str, Any]]
Name: TypeAlias = tuple[str, str]
Stamp: TypeAlias = tuple[int, ...]
"""Every change replaces the file, so that at least its number changes."""

DEADLINE_S = 10.0
VERSION = 1
MAX_BYTES = 16 << 20
log = logging.getLogger(__name__)


class DamagedStore(StoreError):
    """A file of ours that holds something else than a table."""


class PrivateTable:
    """JSON values by row and column, such as secrets by provider key and field.

    Args:
        path: Folder 0700, file 0600; both are repaired when others could read them.
        title: The member of the JSON object that holds the rows.
    """

    def __init__(self, path: Path, title: str) -> None:
        self.path = path
        self._title = title
        self._is_reported = False
        self._known: dict[Name, Any] = {}
        self._known_stamp: Stamp | None = None
        """Of the file that holds what is known."""

    async def values(self) -> dict[Name, Any]:
        """Everything, by row and column.

        Raises:
            StoreError: The file cannot be read or is damaged.
        """
        stamp = _stamp(self.path)
        if stamp is None:
            return {}
        if not stamp or stamp != self._known_stamp:
            rows = await run_blocking(self._load, deadline_s=DEADLINE_S)
            self._known = {
                (row, column): value for row in rows for column, value in rows[row].items()
            }
            self._known_stamp = stamp
        return dict(self._known)

    async def put(self, row: str, column: str, value: Any) -> None:
        """Keep one value.

        Raises:
            StoreError: It could not be saved; the file is as before.
        """
        await self._update(lambda rows: rows.setdefault(row, {}).update({column: value}))

    async def remove(self, row: str, column: str) -> None:
        """Forget one value; an empty table has no file.

        Raises:
            StoreError: It could not be saved; the file is as before.
        """
        await self._update(lambda rows: rows.get(row, {}).pop(column, None))

    async def replace(self, row: str, columns: dict[str, Any]) -> None:
        """Keep a whole row instead of what was there.

        Raises:
            StoreError: It could not be saved; the file is as before.
        """
        await self._update(lambda rows: rows.update({row: columns}))

    async def _update(self, change: Callable[[Rows], object]) -> None:
        """Change the file. A cancelled caller still waits for it: nothing is half done."""
        saving = asyncio.ensure_future(
            run_blocking(lambda: self._change(change), deadline_s=DEADLINE_S)
        )
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            await asyncio.wait([saving])
            raise

    def _load(self) -> Rows:
        repair_mode(self.path)
        repair_mode(self.path.parent)
        try:
            content = json.loads(read_regular(self.path, MAX_BYTES))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreError(f"{self.path.name} cannot be read ({_reason(error)}).") from error
        except (ValueError, RecursionError) as error:
            raise self._damaged() from error
        rows = content.get(self._title) if isinstance(content, dict) else None
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
            raise self._damaged()
        return rows

    def _damaged(self) -> DamagedStore:
        error = DamagedStore(
            f"{self.path.name} is damaged.",
            hint="Repair it, or enter the secrets again; the damaged file is kept beside it.",
        )
        if not self._is_reported:
            log.warning("%s %s", error.message, error.hint)
        self._is_reported = True
        return error

    def _change(self, change: Callable[[Rows], object]) -> None:
        try:
            with only_one(self.path):
                self._change_alone(change)
        except OSError as error:
            raise StoreError(
                f"{self.path.name} could not be saved ({_reason(error)}).",
                hint="Look at the disk and the rights of its folder.",
            ) from error

    def _change_alone(self, change: Callable[[Rows], object]) -> None:
        rows = self._load_or_set_aside()
        before = json.dumps(rows)
        change(rows)
        if json.dumps(rows) == before:
            return
        rows = {name: row for name, row in rows.items() if row}
        if not rows:
            self.path.unlink(missing_ok=True)
            clear_leftovers(self.path)
            return
        text = json.dumps({"version": VERSION, self._title: rows}, indent=1)
        write_private(self.path, text.encode())

    def _load_or_set_aside(self) -> Rows:
        try:
            return self._load()
        except DamagedStore as error:
            aside = _free_name(self.path)
            os.replace(self.path, aside)
            log.warning("%s It is kept as %s.", error.message, aside.name)
            return {}


def _stamp(path: Path) -> Stamp | None:
    """`None` when nothing is there, nothing to go by when that cannot be told; modes count, because
    they are repaired when it is read."""
    try:
        found, folder = path.stat(), path.parent.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode, folder.st_mode


def _free_name(path: Path) -> Path:
    """`credentials.json.corrupt`, or the first numbered one that is free."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt{number if number > 1 else ''}")).exists():
        number += 1
    return aside


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    return reason[:1].lower() + reason[1:]
