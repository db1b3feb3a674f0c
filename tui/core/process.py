"""What a look at other programs says: how one ended, what runs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a program ended. Output is text without terminal escapes."""

    exit_code: int | None
    """`None` when it was cut off."""
    stdout: str = ""
    stderr: str = ""
    timed_out: bool = False
    went_silent: bool = False
    """Cut off because nothing came any more."""


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A running process of this user."""

    pid: int
    name: str
    arguments: tuple[str, ...] = field(repr=False)
    """The complete command line; may hold tokens."""
