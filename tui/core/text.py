"""Text from outside: made harmless before it is shown, made tidy before it is used."""

from __future__ import annotations

import re
import unicodedata

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
    go too: terminals disagree about the width of what stands before them.
    """
    without_escapes = strip_ansi(text) if "\x1b" in text or "\x9b" in text else text
    spaced = "".join(
        " " if c in LINE_BREAKS else c
        for c in without_escapes
        if c in LINE_BREAKS or not (unicodedata.category(c)[0] == "C" or c in VARIATION_SELECTORS)
    )
    folded = " ".join(spaced.split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


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
