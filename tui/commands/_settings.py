"""What a KEY of `config get` and `config set` can be.

Each kind has a name on the command line and a key in the file, reads a word by its declaration,
and shows the value in force with its origin. `_keys` finds the one that is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.commands._base import UsageError
from tui.core.errors import Unsupported
from tui.core.models import ProviderKey
from tui.core.redact import HIDDEN
from tui.core.text import clean_value
from tui.gateways.config import ALERT_KEYS, Config, Key
from tui.gateways.toml_file import dotted, value_at
from tui.providers import Registry
from tui.providers._spec import (
    ChoiceField,
    FlagField,
    ListField,
    NumberField,
    ProviderSpec,
    SecretField,
    SettingField,
)
from tui.values import IN_FILE, SOURCE, ProviderValues

ID_LISTS = frozenset({"order", "hidden"})
WINDOW_ALERTS = ("enabled", "thresholds")
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as it is printed, and where it comes from."""

    text: str
    origin: str


# -- global --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GlobalSetting:
    """A key that belongs to no provider."""

    key: Key
    registry: Registry

    @property
    def name(self) -> str:
        """As it is written on the command line."""
        return self.key.name

    @property
    def file_key(self) -> str:
        """The same as in the file."""
        return self.key.name

    def read(self, word: str) -> Any:
        """The first meaning of the word that fits the key."""
        value = _fitting(self.key, word)
        if self.key.name in ID_LISTS:
            return [self._known_id(name) for name in value]
        return value

    def _known_id(self, name: str) -> str:
        spec = self.registry.find(name)
        if spec is None:
            raise UsageError(f'{self.name}: there is no provider "{name}".')
        return spec.id

    def shown(self, config: Config) -> Shown | None:
        """The value in force."""
        holder = config.alerts if self.key in ALERT_KEYS else config
        value = getattr(holder, self.key.attribute)
        raw = value_at(config.document, self.name)
        is_used = raw is not None and self.key.read(raw) is not None
        return None if value is None else Shown(as_text(value), IN_FILE if is_used else DEFAULT)


@dataclass(frozen=True, slots=True)
class KeyboardSetting:
    """The key of an action on the screen."""

    action: str

    @property
    def name(self) -> str:
        """As it is written on the command line."""
        return f"keys.{self.action}"

    @property
    def file_key(self) -> str:
        """The same as in the file."""
        return self.name

    def read(self, word: str) -> str:
        """The name of a key."""
        return _not_empty(self.name, word)

    def shown(self, config: Config) -> Shown | None:
        """The chosen key."""
        key = config.keys.get(self.action)
        return None if key is None else Shown(key, IN_FILE)


# -- of a provider -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldSetting:
    """A field of a provider or of one of its accounts."""

    spec: ProviderSpec
    key: ProviderKey
    field: SettingField
    table: str
    """The dotted key of the provider's table."""

    @property
    def name(self) -> str:
        """As it is written on the command line."""
        account = f".accounts.{self.key.account}" if self.key.account else ""
        return f"{self.spec.id}{account}.{self.field.key}"

    @property
    def table_key(self) -> str:
        """The dotted key of the account's own table."""
        if not self.key.account:
            return self.table
        return f"{self.table}.{dotted('accounts', self.key.account)}"

    @property
    def file_key(self) -> str:
        """Below the table, under whatever alias that was written."""
        return f"{self.table_key}.{dotted(self.field.key)}"

    @property
    def is_secret(self) -> bool:
        """Whether its value is never printed."""
        return isinstance(self.field, SecretField)

    def read(self, word: str) -> Any:
        """The checked value, in the form the declaration stores."""
        word = _not_empty(self.name, word)
        values = ProviderValues(
            self.spec, self.key, table={self.field.key: word}, env={}, home=Path.home()
        )
        try:
            if self.field is SOURCE:
                return values.mode()
            return word if self.is_secret else self._stored(word, values.value(self.field.key))
        except Unsupported as error:
            raise UsageError(error.message, hint=error.hint) from error

    def _stored(self, word: str, value: Any) -> Any:
        if isinstance(self.field, ListField):
            return list(value)
        checked = isinstance(self.field, (ChoiceField, FlagField, NumberField))
        return value if checked else word

    def shown(self, values: ProviderValues) -> Shown | None:
        """The value in force, even one that is not allowed; of a secret only where it lies."""
        if isinstance(self.field, SecretField):
            origin = values.secret_origin(self.field)
            return Shown(HIDDEN, origin) if origin else None
        found = values.look(self.field)
        if found is not None:
            return Shown(as_text(found.raw), found.origin)
        default = getattr(self.field, "default", None)
        return None if default in (None, "") else Shown(as_text(default), DEFAULT)


@dataclass(frozen=True, slots=True)
class WindowAlertSetting:
    """Alerts of one window of a provider."""

    spec: ProviderSpec
    window: str
    key: Key
    table: str

    @property
    def name(self) -> str:
        """As it is written on the command line."""
        return f"{self.spec.id}.alerts.{self.window}.{self.key.attribute}"

    @property
    def file_key(self) -> str:
        """Below the table of the provider."""
        return f"{self.table}.{dotted('alerts', self.window, self.key.attribute)}"

    def read(self, word: str) -> Any:
        """The same words as for all windows."""
        return _fitting(self.key, word)

    def shown(self, config: Config) -> Shown | None:
        """What the file says."""
        raw = value_at(config.document, self.file_key)
        return None if raw is None else Shown(as_text(raw), IN_FILE)


AnySetting = GlobalSetting | KeyboardSetting | FieldSetting | WindowAlertSetting


def as_text(value: Any) -> str:
    """A value of the file in the form the command line takes back."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(map(as_text, value))
    return str(value)


# -- words of the command line -------------------------------------------------------------------


def _not_empty(name: str, word: str) -> str:
    cleaned = clean_value(word)
    if not cleaned:
        raise UsageError(
            f"{name}: the value is empty.", hint=f"Use `quotadeck config unset {name}`."
        )
    return cleaned


def _fitting(key: Key, word: str) -> Any:
    for meaning in _meanings(word):
        value = key.read(meaning)
        if value is not None:
            return list(value) if isinstance(value, tuple) else value
    raise UsageError(f'{key.name}: "{word}" is not allowed.', hint=f"It should be {key.expected}.")


def _meanings(word: str) -> Iterator[Any]:
    """What a word may stand for: a text, a number or switch, a list of those."""
    items = [item.strip() for item in word.split(",") if item.strip()]
    yield word
    yield _typed(word)
    yield [_typed(item) for item in items]
    yield items


def _typed(word: str) -> Any:
    if word.isdecimal():
        return int(word)
    return {"true": True, "false": False}.get(word.lower(), word)
