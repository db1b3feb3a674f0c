"""Values out of the JavaScript that opencode.ai's server functions answer with.

Nothing is run. Literals are read wherever they stand, with the names the serialisation gives to
values (`$R[3]={…}`, later just `$R[3]`), its short forms (`!0`, `void 0`) and its dates and errors.
What is none of these becomes `None`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

DEEPEST = 40
MOST_TOKENS = 200_000
"""An answer has some hundred; more would only take time."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<name>\$R\[\d+\])
    | (?P<string>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
    | (?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<word>[A-Za-z_$][\w$.]*)
    | (?P<sign>=>|[^\s])
    )""",
    re.VERBOSE | re.DOTALL,
)
_START = re.compile(r"\$R\[\d+\]=(?!>)|[{\[]")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_WORDS: Mapping[str, Any] = {"true": True, "false": False}
_OPENING, _CLOSING = "([{", ")]}"


def read_values(text: str) -> list[Any]:
    """The outermost values in an answer: of JSON the one, of JavaScript those that are found."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return _Reader(text).values()


class _Odd(Exception):
    """Here is no literal."""


class _GivenUp(Exception):
    """Too deep or too long."""


class _Reader:
    """Reads literals one after the other; `at` is where it is."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.named: dict[str, Any] = {}
        self.tokens_left = MOST_TOKENS

    def values(self) -> list[Any]:
        found = []
        try:
            while start := _START.search(self.text, self.at):
                self.at = start.start()
                try:
                    found.append(self.value(0))
                except _Odd:
                    self.at = start.end()
        except _GivenUp:
            pass
        return found

    # -- tokens ------------------------------------------------------------------------------------

    def take(self) -> tuple[str, str]:
        """The next token and its kind."""
        self.tokens_left -= 1
        if self.tokens_left < 0:
            raise _GivenUp
        found = _TOKEN.match(self.text, self.at)
        if found is None or found.lastgroup is None:
            raise _Odd
        self.at = found.end()
        return found.lastgroup, found.group(found.lastgroup)

    def takes(self, sign: str) -> bool:
        """Whether the next token is this sign; then it is taken."""
        start = self.at
        if self.take() == ("sign", sign):
            return True
        self.at = start
        return False

    def expect(self, sign: str) -> None:
        if not self.takes(sign):
            raise _Odd

    # -- values ------------------------------------------------------------------------------------

    def value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise _GivenUp
        kind, token = self.take()
        readers: Mapping[str, Callable[[str, int], Any]] = {
            "name": self._named,
            "string": lambda token, depth: _unquoted(token),
            "number": lambda token, depth: _number(token),
            "word": self._word,
            "sign": self._composed,
        }
        return readers[kind](token, depth)

    def _named(self, name: str, depth: int) -> Any:
        if self.takes("="):
            self.named[name] = self.value(depth + 1)
        return self.named.get(name)

    def _word(self, word: str, depth: int) -> Any:
        if word == "void":
            self.take()
            return None
        if word == "new":
            _, word = self.take()
        if not self.takes("("):
            return _WORDS.get(word)
        arguments = self._until(")", lambda: self.value(depth + 1))
        return _built(word, arguments)

    def _composed(self, sign: str, depth: int) -> Any:
        if sign == "!":
            return self.take()[1] == "0"
        if sign == "[":
            return self._until("]", lambda: self._tolerantly(depth))
        if sign == "{":
            return dict(self._until("}", lambda: self._member(depth)))
        raise _Odd

    def _member(self, depth: int) -> tuple[str, Any]:
        kind, token = self.take()
        if kind not in ("string", "word", "number"):
            raise _Odd
        self.expect(":")
        return _unquoted(token) if kind == "string" else token, self._tolerantly(depth)

    def _until(self, end: str, read: Callable[[], Any]) -> list[Any]:
        found: list[Any] = []
        while not self.takes(end):
            if found:
                self.expect(",")
                if self.takes(end):
                    break
            found.append(read())
        return found

    def _tolerantly(self, depth: int) -> Any:
        """A value; an expression that is none is passed over."""
        start = self.at
        try:
            value = self.value(depth + 1)
            if self._is_at_end():
                return value
        except _Odd:
            pass
        self.at = start
        self._pass_over()
        return None

    def _is_at_end(self) -> bool:
        start = self.at
        ends = self.take() in (("sign", ","), ("sign", "}"), ("sign", "]"))
        self.at = start
        return ends

    def _pass_over(self) -> None:
        """Up to the comma or bracket that ends this expression."""
        open_brackets = 0
        while open_brackets or not self._is_at_end():
            kind, token = self.take()
            if kind == "sign":
                open_brackets += (token in _OPENING) - (token in _CLOSING)
            if open_brackets < 0:
                raise _Odd


def _unquoted(token: str) -> str:
    def plain(found: re.Match[str]) -> str:
        code = found.group(1) or found.group(2)
        return chr(int(code, 16)) if code else _ESCAPED.get(found.group(3), found.group(3))

    return _ESCAPE.sub(plain, token[1:-1])


def _number(token: str) -> float | int:
    return int(token) if re.fullmatch(r"-?\d{1,300}", token) else float(token)


def _built(word: str, arguments: list[Any]) -> Any:
    """A date as its text, an error as an object with its message, their combinations."""
    first = arguments[0] if arguments else None
    if word == "Date":
        return first
    if word == "Error":
        return {"message": first}
    if word == "Object.assign":
        return {
            key: value
            for part in arguments
            if isinstance(part, dict)
            for key, value in part.items()
        }
    return None
