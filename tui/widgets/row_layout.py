"""Where the words of a row go, for each density: pure, in terminal cells.

Names shorten before numbers do, and numbers stand in columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypedDict

from rich.cells import cell_len as cells
from rich.cells import set_cell_size

from tui.core.errors import DEFAULT_HINTS, ErrorKind
from tui.present.views import CardView, RowView
from tui.widgets.cells import padded, right_aligned, shorten_apart
from tui.widgets.space import Density, Space

Role = Literal["name", "label", "symbol", "number", "muted"]
Part = tuple[str, Role]

LABEL_MAX: dict[Density, int] = {"comfortable": 15, "compact": 12, "line": 8}
ROOMY_LABEL_MAX = 18
"""Where every number has room for its word."""
DETAIL_LABEL_MAX = 24
NUMBER_MIN = 4
RESET_MIN = 7
SMALL_INDENT = 2
SCROLL_BAR = 1
"""Lines are the density that may scroll."""
SET_UP = DEFAULT_HINTS[ErrorKind.MISSING_CREDENTIALS]
"""The step that fits everywhere: the settings tell the whole of it."""
SHORT_LABELS = {"week": "wk", "weekly": "wk"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLine:
    """A row as placed: words left and right of the bar, and pieces for the lines below."""

    left: tuple[Part, ...]
    right: tuple[Part, ...] = ()
    below: tuple[str, ...] = ()
    bar_percent: float | None = None
    tick_percent: float | None = field(default=None, compare=False)
    """Moves with the time; the bar alone decides whether that shows."""
    severity: str = "ok"
    spoken: str = ""
    below_indent: int = 0

    @property
    def indent(self) -> int:
        """Where the bar starts."""
        return width_of(self.left)


def width_of(parts: tuple[Part, ...]) -> int:
    """Cells these parts take."""
    return sum(cells(text) for text, _ in parts)


def short_label(label: str) -> str:
    """Two letters or so: `5h`, `wk`, `cr`."""
    word = label.lower()
    if word[:1].isdigit():
        digits = len(word) - len(word.lstrip("0123456789"))
        return word[:digits] + word[digits:].lstrip(" -")[:1]
    return SHORT_LABELS.get(word, set_cell_size(word, 2).rstrip())


def card_lines(card: CardView, space: Space) -> tuple[RowLine, ...]:
    """The rows of a card; in the one-line density exactly one."""
    if space.density == "line":
        return (_one_line(card, space),)
    columns = _Columns.of(card, space)
    place = _compact_row if space.density == "compact" else _comfortable_row
    labels = shorten_apart([row.label for row in card.rows], columns.label)
    pairs = zip(card.rows, labels, strict=True)
    return tuple(place(row, label, columns, space) for row, label in pairs)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths that all rows of a card share."""

    label: int
    number: int
    reset: int
    indent: int
    """Of the lines below the bars: under the bar if they fit there."""

    @classmethod
    def of(cls, card: CardView, space: Space) -> _Columns:
        labels = [cells(row.label) for row in card.rows]
        labels += [cells(balance.label) for balance in card.balances]
        longest = ROOMY_LABEL_MAX if space.word else LABEL_MAX[space.density]
        label = min(longest, max(labels, default=0))
        below = [len(" · ".join(_below(row))) for row in card.rows]
        under_bar = label + 1 + max(below, default=0) <= space.inside
        return cls(
            label=label,
            number=max([NUMBER_MIN, *(len(x.percent_text) for x in card.rows if _has_bar(x))]),
            reset=max([RESET_MIN, *(len(row.reset_short) for row in card.rows)]),
            indent=label + 1 if under_bar else SMALL_INDENT,
        )


def _has_bar(row: RowView) -> bool:
    return row.bar_percent is not None


def _below(row: RowView) -> tuple[str, ...]:
    return tuple(filter(None, (row.reset_text, row.pace_text, row.note)))


def _comfortable_row(row: RowView, label: str, columns: _Columns, space: Space) -> RowLine:
    return RowLine(
        left=((padded(label, columns.label) + " ", "label"),),
        right=_with_symbol(row, columns, space),
        below=_below(row),
        below_indent=columns.indent,
        **_values(row),
    )


def _compact_row(row: RowView, label: str, columns: _Columns, space: Space) -> RowLine:
    right = _with_symbol(row, columns, space)
    if row.reset_short or _has_bar(row):
        right = (*right, ("  " + right_aligned(row.reset_short, columns.reset), "muted"))
    return RowLine(
        left=((padded(label, columns.label) + " ", "label"),), right=right, **_values(row)
    )


def _one_line(card: CardView, space: Space) -> RowLine:
    narrow = space.is_narrow
    start: tuple[Part, ...] = (
        (padded(card.short_name if narrow else card.name, 10 if narrow else 16) + " ", "name"),
        (f"{card.symbol or ' '} ", "symbol"),
    )
    row = card.headline
    if row is None:
        words = _words_instead(card, space.width - SCROLL_BAR - width_of(start))
        return RowLine(left=(*start, (words, "muted")), severity="unknown")
    label = padded(short_label(row.label), 2) if narrow else padded(row.label, LABEL_MAX["line"])
    end = row.reset_short or (card.balances[0].short if card.balances else "")
    return RowLine(
        left=(*start, (label + " ", "label")),
        right=(
            (" ", "number"),
            *_number(row, NUMBER_MIN, space),
            ("  " + right_aligned(end, RESET_MIN if narrow else RESET_MIN + 2), "muted"),
        ),
        **_values(row),
    )


def _words_instead(card: CardView, room: int) -> str:
    """What a line says where there is no window: a whole step rather than half a sentence."""
    if not card.message and not card.hint:
        return " · ".join(f"{balance.label} {balance.short}" for balance in card.balances)
    whole = " ".join(filter(None, (card.message, card.hint)))
    shorter = (f"{card.message} Press s.", SET_UP) if card.look == "needs_setup" else ()
    choices = (whole, card.hint, *shorter)
    return next((text for text in choices if text and cells(text) <= room), card.message or whole)


def _with_symbol(row: RowView, columns: _Columns, space: Space) -> tuple[Part, ...]:
    return ((f" {row.symbol or ' '}", "symbol"), *_number(row, columns.number, space))


def _number(row: RowView, width: int, space: Space) -> tuple[Part, ...]:
    number: Part = (right_aligned(row.percent_text, width), "number")
    has_word = space.word and (_has_bar(row) or row.percent_word)
    return (number, (f" {row.percent_word:4}", "muted")) if has_word else (number,)


class _Values(TypedDict):
    bar_percent: float | None
    tick_percent: float | None
    severity: str
    spoken: str


def _values(row: RowView) -> _Values:
    return {
        "bar_percent": row.bar_percent,
        "tick_percent": row.tick_percent,
        "severity": row.severity,
        "spoken": row.spoken,
    }


def detail_line(row: RowView, label_width: int) -> RowLine:
    """The row as the head of its section on the details screen."""
    width = min(DETAIL_LABEL_MAX, label_width)
    return RowLine(
        left=((padded(row.label, width) + " ", "label"),),
        right=(
            (f" {row.symbol or ' '}", "symbol"),
            (right_aligned(row.percent_text, NUMBER_MIN), "number"),
            (f" {row.percent_word:4}" if row.percent_word else "", "muted"),
        ),
        **_values(row),
    )
