"""What cards are called before their providers are loaded: for the first frame of the next run."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from tui.core.models import ProviderKey
from tui.gateways.atomic import write_private
from tui.gateways.regular import read_regular

log = logging.getLogger("tui.runtime")

MAX_BYTES = 1 << 20
SHORT_WIDTH = 10
"""Where room is scarce, names have no more; the label matters most."""
SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Face:
    """The name of a card."""

    key: ProviderKey
    name: str
    short_name: str


def face_of(key: ProviderKey, name: str, short_name: str, label: str = "") -> Face:
    """The name of a provider's card, or of one of its accounts.

    Args:
        label: What the user calls the account; empty for the nameless one.
    """
    if not label:
        return Face(key, name, short_name)
    room = max(SHORTEST, SHORT_WIDTH - 1 - len(label))
    return Face(key, f"{name}: {label}", f"{short_name[:room]}:{label}")


def load_faces(file: Path, only: Collection[str] = ()) -> list[Face]:
    """Those of a file, in display order; none when it cannot be read.

    Args:
        only: Ids of the wanted providers; empty means all.
    """
    try:
        rows = json.loads(read_regular(file, MAX_BYTES))
        faces = [Face(ProviderKey.parse(key), name, short) for key, name, short in rows]
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return []
    return [face for face in faces if not only or face.key.provider in only]


def save_faces(file: Path, faces: Iterable[Face]) -> None:
    """Write them down, if they are others than before."""
    rows = [[str(face.key), face.name, face.short_name] for face in faces]
    content = json.dumps(rows).encode()
    try:
        if _content(file) != content:
            write_private(file, content)
    except OSError as error:
        log.warning("the names of the cards were not kept (%s)", error.strerror)


def _content(file: Path) -> bytes | None:
    try:
        return read_regular(file, MAX_BYTES)
    except OSError:
        return None
