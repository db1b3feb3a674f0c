"""Writing for the reader: the document to standard output, remarks to standard error.

Everything passes the redactor. A terminal or pipe that cannot show a character gets a stand-in.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from tui.core.redact import Redactor
from tui.core.text import clean, clean_line

NOTE_LENGTH = 1000
LINE_LENGTH = 2000
_without_secrets = Redactor(personal=False)


def print_json(document: Any) -> None:
    """The document as UTF-8, whatever the locale says."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    print(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))


def print_text(text: str, *, painted: bool = False) -> None:
    """The document for people.

    Args:
        painted: It holds colours of ours; everything else in it was made harmless before.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    shown = _without_secrets(text)
    print(shown if painted else "\n".join(map(_harmless, shown.split("\n"))))


def print_note(text: str) -> None:
    """One line on standard error; that nobody can read it there changes nothing."""
    if sys.stderr is None:
        return  # print would turn to standard output
    with contextlib.suppress(OSError):
        if isinstance(sys.stderr, io.TextIOWrapper):
            sys.stderr.reconfigure(errors="replace")
        print(f"quotadeck: {one_line(text)}", file=sys.stderr)


def one_line(text: str) -> str:
    """The text without secrets and control characters."""
    return clean(_without_secrets(text), NOTE_LENGTH)


def _harmless(line: str) -> str:
    """The line without signs that move a cursor or turn the direction of writing."""
    return clean_line(line, LINE_LENGTH)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody looks at a stream."""
    return stream is not None and not stream.closed and stream.isatty()


def may_colour() -> bool:
    """Whether standard output shows colours and the user wants them."""
    is_plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return is_terminal(sys.stdout) and not is_plain


def columns(rows: Iterable[Sequence[str]], indent: str = "") -> str:
    """Rows whose cells stand below each other; the last cell is as long as it likes."""
    table = [tuple(map(_harmless, row)) for row in rows]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    lines = (
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        for row in table
    )
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)
