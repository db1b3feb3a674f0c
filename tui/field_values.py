"""From what stands in a file or a variable to the value of a field, by the kind of field. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.core.text import clean_value
from tui.core.urls import https_url
from tui.gateways.files import expand
from tui.providers._spec import (
    ChoiceField,
    FlagField,
    ListField,
    NumberField,
    PathField,
    SecretField,
    SettingField,
    UrlField,
)

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


def read_field(field: SettingField, raw: Any, env: Mapping[str, str], home: Path) -> Any:
    """The value of a field.

    Args:
        env: For the variables in a path.

    Raises:
        ValueError: It is not allowed; the words go behind the name of the field.
    """
    match field:
        case ChoiceField():
            return _choice(field, raw)
        case FlagField():
            return read_flag(raw)
        case NumberField():
            return _number(field, raw)
        case ListField():
            return _list(raw)
        case PathField():
            return expand(_line(raw), env, home)
        case SecretField():
            return _sendable(raw)
        case UrlField():
            return https_url(
                _text(raw), bare_host=field.bare_host, loopback_http=field.loopback_http
            )
        case _:
            return _text(raw)


def rule_of(field: SettingField) -> str:
    """What an address may be, as the end of a hint."""
    if not isinstance(field, UrlField):
        return ""
    plain_host = " or plain host names" if field.bare_host else ""
    own_machine = ", http for this machine only" if field.loopback_http else ""
    return f": only https URLs{plain_host} are allowed{own_machine}"


def default_of(field: SettingField) -> Any:
    """What a field is when nobody said anything."""
    if isinstance(field, ListField):
        return ()
    return getattr(field, "default", None)


def _text(raw: Any) -> str:
    return _sendable(_line(raw))


def _sendable(text: str) -> str:
    """The text; the bytes of a variable may be none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("should be UTF-8") from error
    return text


def _line(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError("should be a text")
    if any(ord(c) < 32 for c in raw):
        raise ValueError("should be on a single line")
    return raw


def _choice(field: ChoiceField, raw: Any) -> str:
    word = str(raw).strip().lower()
    word = field.aliases.get(word, word)
    allowed = [choice for choice, _ in field.choices]
    if word not in allowed:
        raise ValueError("is not allowed; use one of " + ", ".join(allowed))
    return word


def read_flag(raw: Any) -> bool:
    """A switch.

    Raises:
        ValueError: It is none.
    """
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return word in TRUE_WORDS
    raise ValueError("should be true or false")


def _number(field: NumberField, raw: Any) -> int:
    value = int(raw) if isinstance(raw, str) and raw.strip().isdigit() else raw
    if type(value) is not int or not field.minimum <= value <= field.maximum:
        raise ValueError(f"should be a whole number from {field.minimum} to {field.maximum}")
    return value


def _list(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, str):
        raw = [part.strip() for part in raw.split(",") if part.strip()]
    if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
        raise ValueError("should be a list of texts")
    return tuple(clean_value(item) for item in raw if clean_value(item))
