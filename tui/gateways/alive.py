"""Children of this program that still run: ended at the end, without loading what starts them."""

from __future__ import annotations

from typing import Protocol


class Killable(Protocol):
    """A running program."""

    def kill(self) -> None:
        """End it at once, with everything it started."""


ALIVE: set[Killable] = set()


def kill_all() -> None:
    """End every child that still runs, at once: for exit handlers and signals."""
    for child in tuple(ALIVE):
        child.kill()
