"""TOML as people write it: read around broken lines, every mistake with its line. Reads only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tui.core.text import clean
from tui.gateways.regular import read_regular

MAX_BROKEN_LINES = 50
MAX_BYTES = 1 << 20
SHOWN_KEY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in the file that could not be used."""

    key: str
    line: int | None
    expected: str
    syntax: bool = False

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return clean(f"{where}{clean(self.key, SHOWN_KEY)}: {self.expected}")


def dotted(*steps: str) -> str:
    """A dotted key; a step that holds a dot itself stands in quotes, as in the file."""
    return ".".join(f'"{step}"' if "." in step else step for step in steps)


def steps_of(key: str) -> list[str]:
    """The steps of a dotted key."""
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^."]+)', key)]


def read_text(path: Path) -> tuple[str, list[Problem]]:
    """The text of a file, empty when it is not there or cannot be read."""
    try:
        content = read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        return "", []
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return "", [
            Problem(key=path.name, line=None, expected=f"cannot be read ({reason})", syntax=True)
        ]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return "", [Problem(key=path.name, line=None, expected="is not UTF-8", syntax=True)]


def parse_toml(text: str) -> tuple[dict[str, Any], list[Problem]]:
    """The document, read around lines with broken syntax."""
    if not text:  # on a first start
        return {}, []
    import tomllib

    lines = _lines(text)
    problems: list[Problem] = []
    for _ in range(MAX_BROKEN_LINES):
        try:
            return tomllib.loads("\n".join(lines) + "\n"), problems
        except (ValueError, RecursionError) as error:
            number = _line_of(error, lines)
            if number is None:
                break
            key, reason = _key_on(lines[number - 1]), _reason(error)
            problems.append(Problem(key=key, line=number, expected=reason, syntax=True))
            lines[number - 1] = ""
    problems.append(Problem(key="syntax", line=None, expected="not a TOML file", syntax=True))
    return {}, problems


def _lines(text: str) -> list[str]:
    """Lines as TOML counts them; other signs that break lines may stand inside a text."""
    return re.split(r"\r\n|\n|\r", text)


def _line_of(error: Exception, lines: list[str]) -> int | None:
    if _is_too_much(error):  # it has no place
        return next((number for number, line in enumerate(lines, 1) if _breaks(line)), None)
    found = re.search(r"at line (\d+)", str(error))
    if found is None:  # something is open at the end
        return max((number for number, line in enumerate(lines, 1) if line.strip()), default=None)
    number = int(found.group(1))
    return number if number <= len(lines) else None


def _is_too_much(error: Exception) -> bool:
    """Whether the text is TOML, but more than Python takes: nested too deeply, too many digits."""
    import tomllib

    return not isinstance(error, tomllib.TOMLDecodeError)


def _breaks(line: str) -> bool:
    import tomllib

    try:
        tomllib.loads(line)
    except (ValueError, RecursionError) as error:
        return _is_too_much(error)
    return False


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "Nested too deeply"
    if _is_too_much(error):
        return "A number has too many digits"
    return re.sub(r"\s*\(at .*\)$", "", str(error))


def _key_on(line: str) -> str:
    """The key or table of a line. What is neither may be a secret on the wrong line."""
    found = re.match(r"""\s*(\[[^\]]*\]+|(?:[\w.-]+|"[^"]*"|'[^']*')+(?=\s*[=:]))""", line)
    return clean(found.group(1)) if found else "syntax"


def line_of(text: str, key: str) -> int | None:
    """The line a dotted key stands on, as far as a look at the text can tell."""
    return _places(text).get(".".join(steps_of(key)))


@lru_cache(maxsize=1)
def _places(text: str) -> dict[str, int]:
    """The first line of every table and key."""
    places: dict[str, int] = {}
    section = ""
    for number, line in enumerate(_lines(text), 1):
        if header := re.match(r"\s*\[+([^\]]+)\]+", line):
            section = header.group(1).strip().replace('"', "")
            places.setdefault(section, number)
        elif written := re.match(r'\s*"?([\w.-]+)"?\s*=', line):
            name = written.group(1)
            places.setdefault(f"{section}.{name}" if section else name, number)
    return places


def value_at(document: Mapping[str, Any], key: str) -> Any:
    """The raw value of a dotted key, `None` when absent."""
    found: Any = document
    for step in steps_of(key):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found
