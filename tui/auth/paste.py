"""Taking a pasted text apart: a Cookie header, a cURL command, a bearer token, or a bare value.

Values are kept byte for byte; only the quoting around them goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar, wall_clock
from tui.auth.shell_words import shell_words
from tui.core.redact import Secret
from tui.core.sessions import Pasted
from tui.core.text import clean_value

LABEL = "pasted"

_CURL = re.compile(r"(?:^|[\s;&|])curl(?:\.exe)?\s", re.IGNORECASE)
_COOKIE_FORMS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        r"-H\s*'cookie:\s*([^']*)'",
        r'-H\s*"cookie:\s*([^"]*)"',
        r"(?<![\w-])cookie[\"']?\s*:\s*'([^']*)'",
        r"(?<![\w-])cookie[\"']?\s*:\s*\"([^\"]*)\"",
        r"(?<![\w-])cookie:[ \t]*(\S[^\r\n]*)",
        r"^cookie:?[ \t]*\r?\n[ \t]*(\S[^\r\n]*)",
        r"(?<!\S)(?:--cookie|-b)[\s=]*'([^']*)'",
        r'(?<!\S)(?:--cookie|-b)[\s=]*"([^"]*)"',
        r"(?<!\S)-b([^\s=]+=\S*)",
        r"(?<!\S)(?:--cookie|-b)[\s=]+(\S+)",
    )
)
"""The forms of B§13.5 in their order, and a name with its value on the next line."""
_BEARER = re.compile(r"\bbearer\s+([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s'\"^<>\[\]]+", re.IGNORECASE)
_LEADING_NAME = re.compile(r"^cookie:\s*", re.IGNORECASE)


def read_paste(
    text: Secret, hosts: Sequence[str] = (), *, now: Callable[[], datetime] = wall_clock
) -> Pasted:
    """What a pasted text holds (B§13.5).

    Args:
        hosts: The provider's own hosts; the cookies go nowhere else.
        now: The clock that decides about the expiry of what answers set later.
    """
    pasted = text.reveal()
    header = _header_text(pasted)
    pairs = _pairs(header)
    bearer = _BEARER.search(pasted)
    return Pasted(
        text=text,
        jar=_jar(pairs, hosts, now) if pairs else None,
        header=Secret(_one_line(header, pairs)) if pairs else None,
        bearer=Secret(bearer.group(1)) if bearer else None,
    )


def copied_host(text: Secret) -> str:
    """The host a pasted cURL command asks; empty for anything else."""
    command = text.reveal()
    address = _ADDRESS.search(command) if _CURL.search(command) else None
    return (urlsplit(address.group()).hostname or "") if address else ""


def _header_text(text: str) -> str:
    """The Cookie header inside a text, else the text itself; without name and quotes."""
    found = next(iter(_curl_cookies(text)), None) if _CURL.search(text) else None
    if found is None:
        matches = (pattern.search(text) for pattern in _COOKIE_FORMS)
        found = next((match.group(1) for match in matches if match), text)
    return clean_value(_LEADING_NAME.sub("", found.strip()))


def _curl_cookies(command: str) -> Iterator[str]:
    """Cookie headers of a cURL command, those given as headers first."""
    options = list(_options(shell_words(command)))
    headers = (value for name, value in options if name == "header")
    yield from (value for value in headers if _LEADING_NAME.match(value.strip()))
    # Without an equals sign it is the name of a file.
    yield from (value for name, value in options if name == "cookie" and "=" in value)


_OPTIONS = {"-H": "header", "--header": "header", "-b": "cookie", "--cookie": "cookie"}


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Headers and cookies of a command line, in every way an option can be written."""
    rest = iter(words)
    for word in rest:
        long_name, equals, value = word.partition("=")
        if word in _OPTIONS:
            yield _OPTIONS[word], next(rest, "")
        elif equals and long_name.startswith("--") and long_name in _OPTIONS:
            yield _OPTIONS[long_name], value
        elif word[:2] in _OPTIONS and len(word) > 2:
            yield _OPTIONS[word[:2]], word[2:]


def _pairs(header: str) -> list[tuple[str, str]]:
    """Names and values; parts that cannot be a cookie are left out."""
    parts = (part.partition("=") for part in re.split(r"[;\r\n]", header))
    trimmed = ((name.strip(), equals, value.strip()) for name, equals, value in parts)
    return [
        (name, value)
        for name, equals, value in trimmed
        if equals and name and not re.search(r"[\s:]", name)
    ]


def _jar(pairs: list[tuple[str, str]], hosts: Sequence[str], now: Callable[[], datetime]) -> Jar:
    cookies = (Cookie(name=name, value=value, domain="") for name, value in pairs)
    return Jar(cookies, LABEL, hosts=hosts, now=now)


def _one_line(header: str, pairs: list[tuple[str, str]]) -> str:
    """The header as it was pasted; joined again when it was broken into lines."""
    if header.isprintable():
        return header
    return "; ".join(f"{name}={value}" for name, value in pairs)
