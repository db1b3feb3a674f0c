"""The last step before a terminal without UTF-8: every sign becomes one it has.

Works on finished lines, so that frames, scrollbars and the palette are covered too. Every sign
keeps its width.
"""

from __future__ import annotations

from rich.cells import cell_len as cells
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

TWINS: dict[int, str] = {
    **dict.fromkeys(map(ord, "─╌╍┄┅┈┉╴╶▔▁"), "-"),
    **dict.fromkeys(map(ord, "│┃║╎┆┇┊┋╵╷╹╻▏▕▎▍"), "|"),
    **dict.fromkeys(map(ord, "╭╮╰╯┌┐└┘┏┓┗┛╔╗╚╝├┤┬┴┼┡┩╇┠┨┯┷┿"), "+"),
    **dict.fromkeys(map(ord, "█▇▆▅▉▊▋▌▐▓■"), "#"),
    **dict.fromkeys(map(ord, "━═╸╺▒▄▃▂"), "="),
    **dict.fromkeys(map(ord, "░·–—‐‑"), "-"),
    **dict.fromkeys(map(ord, "•↻×✗❌"), "x"),
    **dict.fromkeys(map(ord, "‘’"), "'"),
    **dict.fromkeys(map(ord, "“”"), '"'),
    **dict.fromkeys(map(ord, "▶❯›→⏵"), ">"),
    **dict.fromkeys(map(ord, "◀❮‹←⏴"), "<"),
    **dict.fromkeys(map(ord, "▲↑"), "^"),
    **dict.fromkeys(map(ord, "▼↓"), "v"),
    ord("…"): "~",
    ord("✓"): "+",
    ord("⏎"): "E",
    ord("\N{NO-BREAK SPACE}"): " ",
}


def ascii_signs(text: str) -> str:
    """The text in ASCII, in the same width."""
    if text.isascii():
        return text
    return "".join(sign if sign.isascii() else "?" * cells(sign) for sign in text.translate(TWINS))


class AsciiOnly(LineFilter):
    """Replaces what a terminal without UTF-8 cannot show."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in ASCII."""
        return [Segment(ascii_signs(text), style, control) for text, style, control in segments]
