"""The values of one provider or account: looked up in their order, checked, with their origin.

For one field the first value wins: flag, settings file, credential store, environment, CodexBar's
file, default. A chosen account uses its own values only. A value that is set but wrong stops that
provider before any request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.auth import CredentialStore, StoreError
from tui.core.errors import Unsupported
from tui.core.models import ProviderKey
from tui.core.redact import Secret
from tui.core.text import clean_value
from tui.core.urls import host_of
from tui.field_values import default_of, read_field, rule_of
from tui.gateways.codexbar import ForeignEntry
from tui.providers._context import FoundSecret
from tui.providers._spec import (
    ChoiceField,
    FlagField,
    PathField,
    ProviderSpec,
    SecretField,
    SettingField,
    TextField,
    UrlField,
)

COMMON_FIELDS: tuple[SettingField, ...] = (
    FlagField("extras", "Optional details", default=True),
    FlagField("enabled", "On"),
    TextField("label", "Label"),
)
SOURCE = TextField("source", "Source", default="auto")
"""Chooses the mode."""
IN_FILE = "config.toml"
NOT_SET = "not set"
FROM_CODEXBAR = "CodexBar's config.json"


@dataclass(frozen=True, slots=True)
class Found:
    """A raw value and where it was."""

    raw: Any
    origin: str
    """For people: "config.toml", "from Z_AI_API_HOST", "default"."""
    name: str
    """What an error names: the key or the variable."""


class ProviderValues:
    """Settings, secrets and variables of one account, as its sources see them.

    Args:
        table: Its table of the settings file, for an account the account's own.
        flags: Values of this run, by key.
        foreign: Its entry in CodexBar's file.
    """

    def __init__(
        self,
        spec: ProviderSpec,
        key: ProviderKey,
        *,
        table: Mapping[str, Any],
        env: Mapping[str, str],
        home: Path,
        flags: Mapping[str, str] | None = None,
        foreign: ForeignEntry | None = None,
    ) -> None:
        self.spec = spec
        self.key = key
        self._table = table
        self._env = env
        self._home = home
        self._flags = flags or {}
        self._foreign = (foreign or ForeignEntry()) if not key.account else ForeignEntry()
        self._stored: dict[str, Secret] = {}
        self._held: dict[str, str] = {}
        """Where each stored secret lies, by field."""
        self.store_name = ""
        """Where a new secret goes: "in the OS key store (…)"."""

    async def load(
        self, store: CredentialStore, *, reveal: bool = True, user_initiated: bool = False
    ) -> ProviderValues:
        """Fetch what is stored, so that every later look is immediate.

        Args:
            reveal: Read the secrets; without it only their names, which opens no key store.
            user_initiated: The key store may ask to be unlocked.

        Raises:
            StoreError: The stored secrets cannot be read; a look at the names passes over that.
            StoreLocked: A secret lies in a key store that does not open now.
        """
        try:
            held = [field for key, field in await store.names() if key == str(self.key)]
        except StoreError:
            if reveal:
                raise
            held = []
        self._held = {field: await store.where(str(self.key), field) for field in held}
        self.store_name = store.describe()
        for field in self.spec.fields() if reveal else ():
            if isinstance(field, SecretField) and field.key in self._held:
                value = await store.get(str(self.key), field.key, user_initiated=user_initiated)
                if value is not None:
                    self._stored[field.key] = value
        return self

    # -- the protocol Settings -------------------------------------------------------------------

    def text(self, key: str) -> str:
        """A text or the stored word of a choice."""
        value = self.value(key)
        return value if isinstance(value, str) else ""

    def flag(self, key: str) -> bool:
        """A switch."""
        return bool(self.value(key))

    def number(self, key: str) -> int:
        """A whole number."""
        return int(self.value(key))

    def names(self, key: str) -> tuple[str, ...]:
        """A list of short texts."""
        value = self.value(key)
        return value if isinstance(value, tuple) else ()

    def path(self, key: str) -> Path | None:
        """A path with `~` and variables expanded."""
        value = self.value(key)
        return value if isinstance(value, Path) else None

    def is_set(self, key: str) -> bool:
        """Whether the user gave a value anywhere."""
        return self.look(self._field(key)) is not None

    def origin(self, key: str) -> str:
        """The key or the variable's name."""
        found = self.look(self._field(key))
        return found.name if found else key

    # -- the protocol Secrets --------------------------------------------------------------------

    async def find(self, field: str) -> FoundSecret | None:
        """The first value of a secret field and its origin."""
        return self.secret_now(field)

    async def get(self, field: str) -> Secret | None:
        """The first value of a secret field."""
        found = self.secret_now(field)
        return found.value if found else None

    def secret_now(self, key: str) -> FoundSecret | None:
        """The same without waiting."""
        field = self._field(key)
        if not isinstance(field, SecretField):
            raise KeyError(key)
        if (found := self._in_file(field)) is not None:
            return FoundSecret(Secret(str(found.raw)), found.origin)
        if key in self._stored:
            return FoundSecret(self._stored[key], f"stored {self._held[key]}")
        found = self._in_env(field) or self._in_foreign(field)
        return FoundSecret(Secret(str(found.raw)), found.origin) if found else None

    def is_implied_manual(self) -> bool:
        """Whether a pasted header lies in the file or the store."""
        field = self.spec.field("cookie_header")
        return field is not None and (
            self._in_file(field) is not None
            or "cookie_header" in self._held
            or self._in_foreign(field) is not None
        )

    def has_strong_secret(self) -> bool:
        """Whether a key or header was found that is a login by itself."""
        return any(
            self.secret_origin(field)
            for field in self.spec.fields()
            if isinstance(field, SecretField) and not field.optional
        )

    def secret_origin(self, field: SecretField) -> str:
        """Where a secret lies, without reading it; empty when there is none."""
        if found := self._in_file(field):
            return found.origin
        if field.key in self._held:
            return f"stored {self._held[field.key]}"
        found = self._in_env(field) or self._in_foreign(field)
        return found.origin if found else ""

    # -- the protocol Environment ----------------------------------------------------------------

    def variable(self, name: str) -> str:
        """A declared variable, cleaned; a chosen account sees none.

        Raises:
            KeyError: Not declared.
        """
        if name not in self.spec.variables():
            raise KeyError(name)
        return "" if self.key.account else clean_value(self._env.get(name, ""))

    def has_variable(self, name: str) -> bool:
        """Whether a declared variable is there, even if it is empty; for a chosen account it is
        not.

        Raises:
            KeyError: Not declared.
        """
        if name not in self.spec.variables():
            raise KeyError(name)
        return not self.key.account and name in self._env

    # -- values ----------------------------------------------------------------------------------

    def value(self, key: str) -> Any:
        """The checked value of a field, or its default.

        Raises:
            Unsupported: A value is set but not allowed; it names key, value and rule.
        """
        field = self._field(key)
        found = self.look(field)
        return default_of(field) if found is None else self._checked(field, found)

    def look(self, field: SettingField) -> Found | None:
        """The first raw value of a field that is no secret."""
        flag = self._flags.get(field.key)
        if flag is not None:
            return Found(flag, "from the command line", f"--{field.key}")
        return self._in_file(field) or self._in_env(field) or self._in_foreign(field)

    def check(self) -> None:
        """Look at every field.

        Raises:
            Unsupported: The first one that is set but not allowed.
        """
        for field in (*COMMON_FIELDS, *self.spec.fields()):
            if isinstance(field, SecretField):
                self._check_secret(field)
            else:
                self.value(field.key)

    def mode(self) -> str:
        """The chosen source mode.

        Raises:
            Unsupported: Not one of this provider's.
        """
        found = self.look(SOURCE)
        word = str(found.raw) if found else SOURCE.default
        mode = self.spec.mode(word)
        if mode is not None:
            return mode.id
        allowed = ", ".join(mode.id for mode in self.spec.modes)
        name = found.name if found else "source"
        raise Unsupported(f'{name}: "{word}" is not allowed.', hint=f"Use one of {allowed}.")

    def trusted_hosts(self) -> tuple[str, ...]:
        """Hosts of the addresses the user gave."""
        fields = [field for field in self.spec.fields() if isinstance(field, UrlField)]
        return tuple(host_of(self.text(field.key)) for field in fields if self.is_set(field.key))

    def trusted_paths(self) -> tuple[Path, ...]:
        """Paths the user gave."""
        fields = [field for field in self.spec.fields() if isinstance(field, PathField)]
        return tuple(path for field in fields if (path := self.path(field.key)) is not None)

    def origin_text(self, field: SettingField) -> str:
        """Where the present value of a field comes from, for the settings screen."""
        if isinstance(field, SecretField):
            return self.secret_origin(field) or NOT_SET
        found = self.look(field)
        return found.origin if found else "default"

    # -- for the settings form -------------------------------------------------------------------

    def saved(self, key: str) -> Any:
        """What the settings file holds for a field, as written; `None` for nothing."""
        raw = self._table.get(key)
        return clean_value(raw) or None if isinstance(raw, str) else raw

    def below(self, field: SettingField) -> Found | None:
        """What holds where the settings file says nothing, unless it is the default."""
        return self._in_env(field) or self._in_foreign(field)

    def is_kept(self, field: SecretField) -> bool:
        """Whether a secret lies in the settings file or in our store, so that we can forget it."""
        return self._in_file(field) is not None or field.key in self._held

    def problem(self, field: SettingField, raw: Any) -> str:
        """Why a field cannot have this value; empty when it can."""
        try:
            self._checked(field, Found(raw, IN_FILE, field.label))
        except Unsupported as error:
            return f"{error.message} {error.hint}".strip()
        return ""

    # -- where values lie ------------------------------------------------------------------------

    def _field(self, key: str) -> SettingField:
        found = self.spec.field(key)
        if found is not None:
            return found
        for field in COMMON_FIELDS:
            if field.key == key:
                return field
        raise KeyError(key)

    def _in_file(self, field: SettingField) -> Found | None:
        raw = self._table.get(field.key)
        if isinstance(raw, str):
            raw = clean_value(raw)
        return None if raw in (None, "") else Found(raw, IN_FILE, field.key)

    def _in_env(self, field: SettingField) -> Found | None:
        names = field.env
        if isinstance(field, SecretField) and field.weak_env and self._may_be_weak(field):
            names += field.weak_env
        return self._first_env(names)

    def _may_be_weak(self, field: SecretField) -> bool:
        try:
            return field.weak_if(self)
        except Unsupported:  # the wrong setting is reported where it stops the refresh
            return False

    def _first_env(self, names: tuple[str, ...]) -> Found | None:
        if self.key.account:
            return None
        for name in names:
            value = clean_value(self._env.get(name, ""))
            if value:
                return Found(value, f"from {name}", name)
        return None

    def _in_foreign(self, field: SettingField) -> Found | None:
        credential = "cookie_header" if self.spec.cookies and not self._has_key() else "api_key"
        if field.key == credential and "token" in self._foreign.account:
            return _foreign(self._foreign.account["token"], field)
        for values in (self._foreign.account, self._foreign.values):
            for theirs in self._their_names(field.key):
                if theirs in values:
                    return _foreign(values[theirs], field)
        return None

    def _has_key(self) -> bool:
        return self.spec.field("api_key") is not None

    def _their_names(self, key: str) -> tuple[str, ...]:
        renamed = tuple(theirs for theirs, ours in self.spec.codexbar.items() if ours == key)
        twin = ("enterprise_host",) if key == "base_url" else ()
        return (*renamed, *twin, *(() if key in self.spec.codexbar else (key,)))

    # -- checking --------------------------------------------------------------------------------

    def _checked(self, field: SettingField, found: Found) -> Any:
        try:
            return read_field(field, found.raw, self._env, self._home)
        except ValueError as error:
            shown = f' "{found.raw}"' if isinstance(field, ChoiceField) else ""
            hint = f"Correct {found.name}{rule_of(field)}."
            raise Unsupported(f"{found.name}:{shown} {error}.", hint=hint) from error

    def _check_secret(self, field: SecretField) -> None:
        raw = self._table.get(field.key)
        if raw is not None and not isinstance(raw, str):
            raise Unsupported(f"{field.key}: should be a text.", hint=f"Correct {field.key}.")
        found = self._in_env(field)
        if found is not None and not self.is_kept(field):
            self._checked(field, found)


def _foreign(raw: Any, field: SettingField) -> Found:
    return Found(raw, FROM_CODEXBAR, f"{field.key} in {FROM_CODEXBAR}")


class Variables:
    """The protocol `Environment`: only declared names, and none of them for a chosen account."""

    def __init__(self, values: ProviderValues) -> None:
        self._values = values

    def get(self, name: str) -> str:
        """The cleaned value, empty when unset.

        Raises:
            KeyError: The provider did not declare this variable.
        """
        return self._values.variable(name)

    def secret(self, name: str) -> Secret | None:
        """The cleaned value as a secret."""
        value = self._values.variable(name)
        return Secret(value) if value else None

    def is_set(self, name: str) -> bool:
        """Whether the variable is there, even if it is empty."""
        return self._values.has_variable(name)
