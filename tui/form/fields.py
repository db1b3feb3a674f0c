"""What a page of the settings is made of. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tui.core.models import ProviderKey
from tui.core.redact import HIDDEN
from tui.providers._spec import ChoiceField, FlagField, SecretField, SettingField
from tui.values import NOT_SET

NOTHING = ""
"""The word of a choice that says nothing: it is left to what holds without the settings file."""
AUTOMATIC = "Automatic"

Sign = Literal["on", "off", "setup", "error"]
Links: TypeAlias = tuple[tuple[str, str], ...]


class Typed:
    """A secret while it is being typed.

    Not a `Secret` yet: those are hidden wherever they turn up, and the first letters of a key are
    ordinary words.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Typed) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


Entry: TypeAlias = "str | bool | Typed | None"
"""What stands in a field: a text or word, a switch, a new secret; `None` for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One field: what it is, what is saved, what holds without that, and who says so."""

    declared: SettingField
    saved: Entry = None
    """What the settings file holds. Never a secret."""
    standing: str | bool = NOTHING
    """What holds where the settings file says nothing."""
    origin: str = "default"
    """Where the present value comes from, for people."""
    problem: str = ""
    """What is wrong with the saved value."""
    caution: str = ""
    """What to mind about the saved value, although it works."""
    stored_as: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Words of a choice that the settings file holds as something else."""
    has_options: bool = False
    """Values can be found on this machine."""
    is_kept: bool = False
    """A secret that we can forget."""

    @property
    def is_missing(self) -> bool:
        """A secret that nobody gave and that could be the login."""
        is_login = isinstance(self.declared, SecretField) and not self.declared.optional
        return is_login and self.origin == NOT_SET

    @property
    def key(self) -> str:
        """Its key, dotted for global settings."""
        return self.declared.key

    @property
    def label(self) -> str:
        """Its name."""
        return self.declared.label

    def choices(self) -> tuple[tuple[str, str], ...]:
        """Words and labels to choose from; a word that is not allowed stays visible."""
        assert isinstance(self.declared, ChoiceField)
        declared = dict(self.declared.choices)
        if self.standing == NOTHING and NOTHING not in declared:
            declared = {NOTHING: AUTOMATIC, **declared}
        if isinstance(self.saved, str) and self.saved not in declared:
            declared[self.saved] = f"{self.saved} (not allowed)"
        return tuple(declared.items())

    def shown(self, entry: Entry) -> Entry:
        """What a control shows for an entry: choices and switches show what holds."""
        if isinstance(self.declared, ChoiceField | FlagField) and entry is None:
            return self.standing
        return entry


def _all_is_well(declared: SettingField, raw: Any) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything about one entry of the list."""

    key: ProviderKey | None
    """`None` for the general settings."""
    title: str
    fields: tuple[FormField, ...]
    state: str = ""
    """One line: whether the provider is on, and why."""
    sign: Sign | None = None
    warning: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    """Facts below the fields: where things are kept."""
    links: Links = ()
    actions: tuple[tuple[str, str], ...] = ()
    """Ids and labels of what can be done beside a refresh."""
    store: str = ""
    """Where a new secret goes."""
    has_header: bool = False
    """A pasted Cookie header is kept, so that `cookie_source` means the paste."""
    check: Callable[[SettingField, Any], str] = field(default=_all_is_well, compare=False)
    """Why a field cannot have a value; empty when it can."""

    @property
    def waits_for(self) -> str:
        """Key of the field that would switch the provider on; empty when another way leads there:
        a browser, a program, or the switch itself."""
        switch, key = self.field("enabled"), self.field("api_key")
        is_off = self.sign == "off" and switch is not None and switch.saved is None
        return key.key if is_off and key is not None and not self.field("cookie_source") else ""

    def holds(self, field: FormField) -> bool:
        """Whether this very field stands here, and not one of its kind on another page."""
        return any(own is field for own in self.fields)

    def field(self, key: str) -> FormField | None:
        """The field with this key."""
        return next((item for item in self.fields if item.key == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEntry:
    """One line of the list."""

    key: ProviderKey
    name: str
    sign: Sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a test, a save or an action said."""

    text: str
    is_good: bool
    field: str = ""
    """Key of the field it is about; empty for the whole page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What lies in a folder, by name."""

    path: str
    parent: str
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class NotSaved(Exception):
    """Nothing was changed; the text says why and what to do."""
