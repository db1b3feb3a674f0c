"""TOML as people write it: read around broken lines, every mistake with its line. Reads only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.gateways.regular import read_regular

MAX_BROKEN_LINES = 50
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in the file that could not be used."""

    key: str
    line: int | None
    expected: str
    syntax: bool = False

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{where}{self.key}: {self.expected}"


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

    lines = text.splitlines()
    problems: list[Problem] = []
    for _ in range(MAX_BROKEN_LINES):
        try:
            return tomllib.loads("\n".join(lines) + "\n"), problems
        except tomllib.TOMLDecodeError as error:
            number = _line_of(error, len(lines))
            if number is None:
                break
            reason = re.sub(r"\s*\(at .*\)$", "", str(error))
            key = lines[number - 1].partition("=")[0].strip() or "syntax"
            problems.append(Problem(key=key, line=number, expected=reason, syntax=True))
            lines[number - 1] = ""
    problems.append(Problem(key="syntax", line=None, expected="not a TOML file", syntax=True))
    return {}, problems


def _line_of(error: ValueError, count: int) -> int | None:
    found = re.search(r"at line (\d+)", str(error))
    number = int(found.group(1)) if found else count
    return number if 1 <= number <= count else None


def line_of(text: str, key: str) -> int | None:
    """The line a dotted key stands on, as far as a look at the text can tell."""
    *tables, name = steps_of(key)
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+([^\]]+)\]+", line)
        if header:
            section = header.group(1).strip().replace('"', "")
        written = re.match(r'\s*"?([\w.-]+)"?\s*=', line)
        if written:
            full = f"{section}.{written.group(1)}" if section else written.group(1)
            if full == ".".join([*tables, name]):
                return number
    return None


def value_at(document: Mapping[str, Any], key: str) -> Any:
    """The raw value of a dotted key, `None` when absent."""
    found: Any = document
    for step in steps_of(key):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found
