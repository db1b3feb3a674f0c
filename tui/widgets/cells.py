"""Text in the cells of a terminal: shortened, padded, folded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import takewhile

from rich.cells import cell_len as cells
from rich.cells import chop_cells, set_cell_size


def shorten(text: str, width: int) -> str:
    """The text, or its beginning with `…`, in at most `width` cells."""
    if cells(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + "…" if width > 0 else ""


def shorten_apart(texts: Sequence[str], width: int) -> list[str]:
    """The texts in at most `width` cells each; where beginnings would look alike, ends are kept."""
    groups: dict[str, set[str]] = {}
    for text in texts:
        if cells(text) > width:
            groups.setdefault(text.partition(" ")[0], set()).add(text)
    return [_apart(text, groups.get(text.partition(" ")[0], set()), width) for text in texts]


def _apart(text: str, alike: Collection[str], width: int) -> str:
    short = shorten(text, width)
    if text not in alike or len({shorten(one, width) for one in alike}) == len(alike):
        return short
    words = zip(*(one.split(" ") for one in alike), strict=False)
    shared = "".join(f"{same[0]} " for same in takewhile(lambda each: len(set(each)) == 1, words))
    rest = text[len(shared) :]
    room = width - cells(rest)
    return shorten(shared, room) + rest if room > 1 else shorten(f"…{rest}", width)


def padded(text: str, width: int) -> str:
    """The text in exactly `width` cells."""
    return set_cell_size(shorten(text, width), width)


def right_aligned(text: str, width: int) -> str:
    """The text with blanks in front; longer texts stay whole."""
    return " " * max(0, width - cells(text)) + text


def fold(pieces: tuple[str, ...], width: int) -> list[str]:
    """Pieces joined by ` · ` into as few lines as possible; pieces break at blanks only."""
    lines: list[str] = []
    for piece in filter(None, pieces):
        joined = f"{lines[-1]} · {piece}" if lines else piece
        if lines and cells(joined) <= width:
            lines[-1] = joined
        else:
            lines += _wrap(piece, width)
    return lines


def _wrap(text: str, width: int) -> list[str]:
    return [shorten(line, width) for line in _wrap_whole(text, width)]


def _wrap_whole(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if cells(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def chunks(text: str, width: int) -> list[str]:
    """The whole text in lines of at most `width` cells; addresses too long for a line are split."""
    return [
        piece
        for line in _wrap_whole(text, width)
        for piece in (chop_cells(line, width) if cells(line) > width else [line])
    ]
