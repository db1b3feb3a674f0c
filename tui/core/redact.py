"""Secrets: one type that hides its value, one redactor that replaces what slipped through.

Every `Secret` that is made is remembered by value, so the redactor knows it wherever it turns up.
Beside that, shapes of well-known secrets are replaced (B§14). Used by the log formatter, JSON,
error texts and toasts.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from typing import Any, Final

HIDDEN: Final = "••••"
REDACTED: Final = "<redacted>"
SHORTEST_KNOWN = 6
"""A shorter value would be replaced inside ordinary words."""

_known_values: set[str] = set()
_known_lock = threading.Lock()


class Secret:
    """A string that does not print itself.

    `repr`, `str`, `format` and JSON give dots. `reveal()` is for the gateways that put it on the
    wire or into a store; sources pass the secret on, ask about its form, or derive another one
    from it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= SHORTEST_KNOWN:
            with _known_lock:
                _known_values.add(value)

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret is not pickled")

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def startswith(self, *prefixes: str) -> bool:
        """Whether it has one of these beginnings."""
        return self._value.startswith(prefixes)

    def matches(self, pattern: str) -> bool:
        """Whether the whole value has this form."""
        return re.fullmatch(pattern, self._value) is not None

    def search(self, pattern: str, group: int = 1) -> Secret | None:
        """The part a pattern finds (any case), as a secret of its own."""
        found = re.search(pattern, self._value, re.IGNORECASE | re.DOTALL)
        return Secret(found.group(group)) if found and found.group(group) else None

    def search_all(self, pattern: str, group: int = 1) -> tuple[Secret, ...]:
        """Every part a pattern finds (any case), in order, as secrets of their own."""
        found = re.finditer(pattern, self._value, re.IGNORECASE | re.DOTALL)
        return tuple(Secret(match.group(group)) for match in found if match.group(group))

    def plain(self, pattern: str, group: int = 1) -> str:
        """A part that is no secret by itself, such as a moment or an address; empty without one."""
        found = re.search(pattern, self._value, re.IGNORECASE | re.DOTALL)
        return (found.group(group) or "") if found else ""

    def replaced(self, pattern: str, by: str) -> Secret:
        """A secret in which everything a pattern finds (any case) is written differently.

        Args:
            by: May name groups of the pattern: `\\1`.
        """
        flags = re.IGNORECASE | re.DOTALL
        return Secret(re.sub(pattern, by, self._value, flags=flags))

    def within(self, template: str) -> Secret:
        """A secret built around this one: `within("kimi-auth={}")`."""
        return Secret(template.replace("{}", self._value))

    def document(self) -> Any:
        """The JSON document it holds, `None` when it holds none. What is secret in it has to become
        a secret again."""
        try:
            return json.loads(self._value)
        except (ValueError, RecursionError):
            return None

    def fingerprint(self) -> str:
        """A hash that tells whether two values are equal and no more."""
        return hashlib.sha256(self._value.encode()).hexdigest()

    def masked(self) -> str:
        """Enough to recognise it: `sk-or-v1-…c9f2`; only dots when it is short."""
        if len(self._value) < 16:
            return HIDDEN
        head = re.match(r"[A-Za-z]{2,6}-(?:[A-Za-z0-9]{2,4}-)?", self._value)
        return f"{head.group(0) if head else ''}…{self._value[-4:]}"


_EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b")
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(?im)\b((?:set-)?cookie|(?:proxy-)?authorization)(\"?\s*[:=]\s*).*$"),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"\bsk-(?:cp|api)-[A-Za-z0-9._-]{4,}"), "<redacted-minimax-token>"),
    (re.compile(r"\b(?:sk|rk|pk)-(?!\S*(?:…|\.\.\.))[A-Za-z0-9][A-Za-z0-9._-]{6,}"), REDACTED),
    (
        re.compile(r"\bsk-(?!\S*(?:…|\.\.\.))(?=[A-Za-z._-]*\d)[A-Za-z0-9][A-Za-z0-9._-]{2,}"),
        REDACTED,
    ),
    (re.compile(r"\b(?:wk|fk)-[A-Za-z0-9][A-Za-z0-9._-]{6,}"), REDACTED),
    (re.compile(r"\bsgamp_[A-Za-z0-9_-]{6,}"), REDACTED),
    (re.compile(r"\b(?:gh[opsur]_[A-Za-z0-9]{10,}|github_pat_[A-Za-z0-9_]{10,})"), REDACTED),
    (
        re.compile(
            r"\bAIza[A-Za-z0-9_-]{10,}|\bya29\.[A-Za-z0-9._-]{6,}|\bxox[a-z]-[A-Za-z0-9-]{6,}"
        ),
        REDACTED,
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}\.?[A-Za-z0-9_-]*"), REDACTED),
    (re.compile(r"\bFe26\.2\*[^\s;,\"']+"), REDACTED),
    (
        re.compile(r"(?i)\b(bearer)\s+(?!token\b|<redacted)[A-Za-z0-9._~+/=-]+"),
        rf"\1 {REDACTED}",
    ),
    (
        re.compile(r"(?i)([?&](?:[a-z0-9_-]*(?:key|token|secret|password))=)[^&\s\"'#]+"),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(
            r"(?i)([\"'][a-z0-9_-]{0,40}(?:token|secret|cookie|password|key|authorization)"
            r"[a-z0-9_-]{0,40}[\"']\s*:\s*)"
            r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
        ),
        rf'\1"{REDACTED}"',
    ),
    (re.compile(r"(?i)(--[a-z_]*csrf_token[ =]+)[^\s\"']+"), rf"\1{REDACTED}"),
)


class Redactor:
    """Takes secrets and, when asked, personal details out of text.

    Args:
        personal: Also hide e-mail addresses and account ids.
    """

    def __init__(self, *, personal: bool = True) -> None:
        self.personal = personal

    def __call__(self, text: str) -> str:
        """The text with every known secret and every well-known shape of one replaced."""
        if not text:
            return text
        with _known_lock:
            known = [value for value in _known_values if value in text]
        for value in sorted(known, key=len, reverse=True):
            text = text.replace(value, REDACTED)
        for pattern, replacement in _SHAPES:
            text = pattern.sub(replacement, text)
        if self.personal:
            text = _UUID.sub("<redacted-id>", _EMAIL.sub("<redacted-email>", text))
        return text


class RedactingFormatter(logging.Formatter):
    """Redacts the finished line, tracebacks included, so that no logger can bypass it."""

    def __init__(self, fmt: str, redactor: Redactor, datefmt: str | None = None) -> None:
        super().__init__(fmt, datefmt)
        self.redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line as it may be stored and shown."""
        return self.redactor(super().format(record))


def mask_account(text: str) -> str:
    """An e-mail address as `redacted@example.org`; any other account name as dots."""
    _, at, domain = text.partition("@")
    if at:
        return f"redacted@{domain}"
    return HIDDEN if text else ""
