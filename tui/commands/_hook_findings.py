"""Whether the rules of `[[hooks.events]]` can run (B§15). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from tui.providers import Registry

MAX_RULES = 32
MAX_ID_BYTES = 128
MAX_ARGUMENTS = 32
MAX_ARGUMENT_BYTES = 4 << 10
MAX_COMMAND_BYTES = 32 << 10
TIMEOUT_S = (0.1, 300)
EVENTS = (
    "quota_low",
    "quota_reached",
    "quota_reset",
    "provider_unavailable",
    "provider_recovered",
    "refresh_failed",
)
Mistake = tuple[str, str, str]
"""Code, key and what was expected."""


def hook_mistakes(rules: Sequence[Mapping[str, Any]], registry: Registry) -> Iterator[Mistake]:
    """Every rule that would not run, and what too many or equal rules break."""
    if len(rules) > MAX_RULES:
        yield "too_many_hook_rules", "hooks.events", f"at most {MAX_RULES} rules are allowed"
    counts = Counter(str(rule.get("id")) for rule in rules)
    for number, rule in enumerate(rules, 1):
        key = f"hooks.events, rule {number}"
        if counts[str(rule.get("id"))] > 1:
            yield "duplicate_hook_id", key, f'the id "{rule.get("id")}" is used more than once'
        for part, is_good, expected in CHECKS:
            if not is_good(rule):
                yield f"invalid_hook_{part}", key, expected
        name = rule.get("provider")
        if name is not None and (not isinstance(name, str) or registry.find(name) is None):
            yield "invalid_hook_provider", key, f'there is no provider "{name}"'


def _has_id(rule: Mapping[str, Any]) -> bool:
    found = rule.get("id")
    return isinstance(found, str) and 0 < len(found.encode()) <= MAX_ID_BYTES


def _has_event(rule: Mapping[str, Any]) -> bool:
    return rule.get("event") in EVENTS


def _has_executable(rule: Mapping[str, Any]) -> bool:
    found = rule.get("executable")
    if not isinstance(found, str):
        return False
    return PurePosixPath(found).is_absolute() or PureWindowsPath(found).is_absolute()


def _has_threshold(rule: Mapping[str, Any]) -> bool:
    found = rule.get("threshold")
    return found is None or (_is_number(found) and 0 < found <= 1)


def _has_timeout(rule: Mapping[str, Any]) -> bool:
    found = rule.get("timeout_s", 10)
    return _is_number(found) and TIMEOUT_S[0] <= found <= TIMEOUT_S[1]


def _has_command_size(rule: Mapping[str, Any]) -> bool:
    arguments = rule.get("arguments", [])
    if not isinstance(arguments, list) or not all(isinstance(item, str) for item in arguments):
        return False
    sizes = [len(item.encode()) for item in arguments]
    whole = sum(sizes) + len(str(rule.get("executable", "")).encode())
    longest = max(sizes, default=0)
    return (
        len(sizes) <= MAX_ARGUMENTS and longest <= MAX_ARGUMENT_BYTES and whole <= MAX_COMMAND_BYTES
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


CHECKS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool], str], ...] = (
    ("id", _has_id, f"id should be a text of at most {MAX_ID_BYTES} bytes"),
    ("event", _has_event, f"event should be one of {', '.join(EVENTS)}"),
    ("executable", _has_executable, "executable should be an absolute path"),
    ("threshold", _has_threshold, "threshold should be above 0 and at most 1"),
    ("timeout", _has_timeout, "timeout_s should be from 0.1 to 300"),
    (
        "command_size",
        _has_command_size,
        f"arguments should be at most {MAX_ARGUMENTS} texts, each at most 4 KiB, all 32 KiB",
    ),
)
