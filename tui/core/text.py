"""Text from outside: made harmless before it is shown, made tidy before it is used."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from tui.core.redact import Redactor

ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS, SOS, PM, APC up to their end
    r"|\x1b[ -/]*[0-~]"  # two-byte and three-byte sequences
    r"|\x9b[0-?]*[ -/]*[@-~]",
    re.DOTALL,
)
LINE_BREAKS = frozenset("\t\r\n\v\f\x85\u2028\u2029")
VARIATION_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
MARKS = frozenset({"Mn", "Me"})
"""Categories of signs without a width, which stand on the sign before them."""
MOST_MARKS = 3
SHOWN_LENGTH = 300
"""Longer foreign text is cut: no card, detail row or message needs more."""
LONGEST_QUOTE = 4000
"""Of a service's own words no more is looked at."""

_without_secrets = Redactor(personal=False)


def strip_ansi(text: str) -> str:
    """The text without terminal escape sequences (ECMA-48)."""
    return ANSI.sub("", text)


def clean(text: str, limit: int = SHOWN_LENGTH) -> str:
    """One harmless line: no escapes, no control or formatting characters, blanks folded, at most
    `limit` long.

    Characters that reverse the direction of writing or have no width can forge a line of the
    screen, so everything of Unicode's class C goes, and so do lone surrogates. Variation selectors
    go too: terminals disagree about the width of what stands before them. Of the marks on a sign as
    many stay as a language needs: a tower of them runs into the lines around.
    """
    without_escapes = strip_ansi(text) if "\x1b" in text or "\x9b" in text else text
    folded = " ".join("".join(_harmless_signs(without_escapes)).split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


def _harmless_signs(text: str) -> Iterator[str]:
    marks = MOST_MARKS  # at the beginning there is nothing for a mark to stand on
    for sign in text:
        kind = unicodedata.category(sign)
        if sign in LINE_BREAKS or sign.isspace():
            marks = MOST_MARKS
            yield " "
        elif kind in MARKS:
            marks += 1
            if marks <= MOST_MARKS and sign not in VARIATION_SELECTORS:
                yield sign
        elif kind[0] != "C":
            marks = 0
            yield sign


def clean_line(line: str, limit: int = SHOWN_LENGTH) -> str:
    """As `clean`, but blanks stay where they are when every sign can be printed, and in any case
    those at the beginning."""
    if line.isprintable():
        return line
    indent = line[: len(line) - len(line.lstrip(" "))]
    return indent + clean(line, limit)


def clean_value(text: str) -> str:
    """A pasted or configured value: trimmed, one pair of equal quotes removed, trimmed again."""
    value = text.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1].strip()
    return "" if value in {'"', "'"} else value


def short_message(text: str, limit: int = 200) -> str:
    """A service's own words for an error text: one clean line without secrets; nothing when it is
    a page or a document."""
    line = clean(text, LONGEST_QUOTE)
    if line[:1] in {"<", "{", "["}:
        return ""
    # Secrets go before the cut: the half of one would no longer be recognised.
    return clean(_without_secrets(line), limit)
