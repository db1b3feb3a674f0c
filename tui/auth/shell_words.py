"""Splitting a copied command line as a shell would, without running anything.

Understands what browsers produce: single and double quotes, bash's `$'…'`, backslashes, line
continuations, and the carets of the Windows prompt. An unfinished quote ends with the text.
"""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"\$'(?P<ansi>(?:[^'\\]|\\.)*)'?"
    r"|'(?P<single>[^']*)'?"
    r'|"(?P<double>(?:[^"\\]|\\.)*)"?'
    r"|\\(?P<escaped>.)"
    r"|(?P<blank>\s+)"
    r"|(?P<plain>[^\s'\"\\$]+|\$|\\$)",
    re.DOTALL,
)
_ANSI_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL
)
_ANSI_LETTERS = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "v": "\v",
}
_CARET = re.compile(r"\^(\r?\n|.)", re.DOTALL)


def shell_words(text: str) -> list[str]:
    """The words of a command line, unquoted."""
    if '^"' in text:
        text = _CARET.sub(lambda found: found.group(1).lstrip("\r\n"), text)
    text = re.sub(r"\\\r?\n", " ", text)
    words: list[str] = []
    is_new = True
    for piece in _PIECE.finditer(text):
        if piece.group("blank"):
            is_new = True
            continue
        if is_new:
            words.append("")
        words[-1] += _unquoted(piece)
        is_new = False
    return words


def _unquoted(piece: re.Match[str]) -> str:
    kind = piece.lastgroup or "plain"
    content = piece.group(kind)
    if kind == "ansi":
        return _ANSI_ESCAPE.sub(_ansi_character, content)
    if kind == "double":
        return re.sub(r"\\([\"\\$`])", r"\1", content)
    return content


def _ansi_character(escape: re.Match[str]) -> str:
    short, long, hexadecimal, octal, letter = escape.groups()
    if letter:
        return _ANSI_LETTERS.get(letter, letter)
    number = int(octal, 8) if octal else int(short or long or hexadecimal, 16)
    return chr(number) if number < 0x110000 else ""
