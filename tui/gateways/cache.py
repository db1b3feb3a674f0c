"""The last good numbers and the gates of each account, so that a start is not blank and not
impolite.

One small file per account in the state folder. A file that cannot be understood counts as absent.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tui.core.models import ProviderKey, ProviderSnapshot
from tui.core.plain import from_plain, to_plain
from tui.gateways.atomic import repair_mode, write_private
from tui.gateways.regular import read_regular

log = logging.getLogger("tui.cache")

VERSION = 1
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Gate:
    """A credential that must not be used for a while."""

    credential: str
    """Its fingerprint."""
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is kept of one account."""

    version: int = VERSION
    fingerprint: str = ""
    """Hash of the credential and the settings the numbers belong to."""
    snapshot: ProviderSnapshot | None = None
    gate_until: datetime | None = None
    """The service must not be asked before."""
    gates: tuple[Gate, ...] = ()


class SnapshotCache:
    """Reads and writes the files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: ProviderKey) -> Remembered:
        """What is kept of an account; empty when nothing is."""
        path = self._path(key)
        try:
            kept = from_plain(Remembered, json.loads(read_regular(path, MAX_BYTES)))
        except FileNotFoundError:
            return Remembered()
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s: the last numbers cannot be read (%s)", key, type(error).__name__)
            return Remembered()
        repair_mode(path)
        return kept if kept.version == VERSION else Remembered()

    def save(self, key: ProviderKey, kept: Remembered) -> None:
        """Keep it; a full disk is a line in the log, no more."""
        try:
            write_private(self._path(key), json.dumps(to_plain(kept)).encode())
        except OSError as error:
            log.warning("%s: the last numbers were not kept (%s)", key, error.strerror)

    def _path(self, key: ProviderKey) -> Path:
        return self._folder / f"{key.dom_id.removeprefix('card-')}.json"
