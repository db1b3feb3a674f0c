"""Cards as plain text for a terminal or a pipe: the words of the screen, in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui.core.wording import ascii_twin, bar_text, joined
from tui.present.views import BalanceView, CardView, RowView, Severity
from tui.report.parts import headless_hint

BAR_WIDTH = 12
LABEL_WIDTH = 20
COLOURS: dict[Severity, str] = {
    "ok": "32",
    "warning": "33",
    "critical": "31",
    "unknown": "2",
    "stale": "2",
}
"""The terminal's own 16 colours; 2 is dim."""
BOLD = "1"
DIM = "2"
LOOK_COLOURS = {"needs_setup": "33", "error": "31", "stale": "33"}


def table(cards: Sequence[CardView], *, color: bool = False, ascii_only: bool = False) -> str:
    """Every card as a few lines, with a blank line between them.

    Args:
        color: Paint with the terminal's 16 colours.
        ascii_only: Only signs that every terminal has.
    """
    labels = [row.label for card in cards for row in card.rows]
    labels += [balance.label for card in cards for balance in card.balances]
    pen = _Pen(color, min(LABEL_WIDTH, max(map(len, labels), default=0)))
    text = "\n\n".join("\n".join(pen.card(card)) for card in cards)
    return ascii_twin(text) if ascii_only else text


@dataclass(frozen=True, slots=True)
class _Pen:
    color: bool
    label_width: int

    def card(self, card: CardView) -> Iterable[str]:
        yield self._head(card)
        yield from (self._row(row) for row in card.rows)
        yield from (self._balance(balance) for balance in card.balances)
        hint = headless_hint(card.hint, card.key.provider)
        follow_up = joined((hint, card.next_text), " ")
        yield from (f"  {text}" for text in (card.message, follow_up, card.cost_text) if text)

    def _head(self, card: CardView) -> str:
        symbol = self._painted(card.symbol, LOOK_COLOURS.get(card.look, "31"))
        name = joined((self._painted(card.name, BOLD), card.plan, card.account))
        origin = joined((card.source, card.age, card.failed_tries, card.service_text))
        return joined((joined((symbol, name), " "), self._painted(origin, DIM)), "  ")

    def _row(self, row: RowView) -> str:
        words = joined((row.reset_text, joined(row.pace_parts, " | "), row.note), "  ")
        number = joined((row.percent_text, row.percent_word), " ")
        cells = (
            self._label(row.label),
            self._painted(self._bar(row), COLOURS[row.severity]),
            self._painted(f"{number:>9}", COLOURS[row.severity]),
            row.symbol or " ",
            words,
        )
        return ("  " + " ".join(cells)).rstrip()

    def _balance(self, balance: BalanceView) -> str:
        colour = COLOURS[balance.severity] if balance.severity != "ok" else ""
        return f"  {self._label(balance.label)} {self._painted(balance.text, colour)}"

    def _label(self, label: str) -> str:
        return f"{label:{self.label_width}}"

    def _bar(self, row: RowView) -> str:
        if row.bar_percent is None:
            return " " * BAR_WIDTH
        return bar_text(row.bar_percent, BAR_WIDTH)

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.color and colour and text.strip() else text
