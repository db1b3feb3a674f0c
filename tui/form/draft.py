"""What the user entered on a page and has not saved.

Pure: a draft knows what changed, which fields make sense now, and what would be written.
"""

from __future__ import annotations

import re
from typing import Any

from tui.core.redact import Secret
from tui.core.text import clean_value
from tui.form.fields import Entry, FormField, Page, Typed
from tui.providers._spec import FlagField, ListField, NumberField, SecretField

BEARER = re.compile(r"(?:authorization:\s*)?bearer\s+(\S+)", re.IGNORECASE)
PART_OF_A_KEY = re.compile(r"[\w.~+/=-]+")


class Draft:
    """The entries of one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._entered: dict[str, Entry] = {}

    @property
    def is_changed(self) -> bool:
        """Whether there is something to save."""
        return bool(self._entered)

    def changed(self, key: str) -> bool:
        """Whether a field differs from what is saved."""
        return key in self._entered

    def entry(self, key: str) -> Entry:
        """What stands in a field."""
        return self._entered.get(key, self._field(key).saved)

    def is_news(self, key: str, entry: Entry) -> bool:
        """Whether an entry says something else than what the field shows now."""
        return (self._field(key).shown(self.entry(key)) or None) != (entry or None)

    def enter(self, key: str, entry: Entry) -> None:
        """Take over what stands in a field; what says the same as before is no change."""
        field = self._field(key)
        is_same = entry == field.saved or (field.saved is None and _says(field, entry))
        if is_same:
            self._entered.pop(key, None)
        else:
            self._entered[key] = entry

    def moved_to(self, page: Page) -> Draft:
        """The same entries on the page as it was loaded anew."""
        draft = Draft(page)
        for key, entry in self._entered.items():
            if page.field(key) is not None:
                draft.enter(key, entry)
        return draft

    def in_force(self, key: str) -> str:
        """The value a field would have, as the word other fields ask for."""
        field = self._field(key)
        entry = self.entry(key)
        value = field.standing if entry is None else entry
        if key == "cookie_source" and not value:
            return "manual" if self._has_header() else "auto"
        return str(value).lower() if isinstance(value, bool) else str(value)

    def is_shown(self, field: FormField) -> bool:
        """Whether a field makes sense beside the others."""
        condition = field.declared.visible_if
        if condition is None or self.page.field(condition[0]) is None:
            return True
        return self.in_force(condition[0]) == condition[1]

    def values(self) -> dict[str, Any]:
        """What would be written into the settings file, by key; `None` takes one out."""
        return {
            key: stored_value(self._field(key), entry)
            for key, entry in self._entered.items()
            if not isinstance(entry, Typed)
        }

    def secrets(self) -> dict[str, Secret | None]:
        """What would be kept in the store."""
        return {
            key: Secret(tidy_secret(entry.text))
            for key, entry in self._entered.items()
            if isinstance(entry, Typed)
        }

    def problems(self) -> dict[str, str]:
        """Which entries are not allowed, and why."""
        found = {
            key: self.page.check(self._field(key).declared, value)
            for key, value in self.values().items()
            if value is not None
        }
        return {key: why for key, why in found.items() if why}

    def _field(self, key: str) -> FormField:
        field = self.page.field(key)
        if field is None:
            raise KeyError(key)
        return field

    def _has_header(self) -> bool:
        return self.page.has_header or "cookie_header" in self._entered


def _says(field: FormField, entry: Entry) -> bool:
    """Whether an entry says no more than what holds anyway."""
    if isinstance(entry, Typed):
        return not tidy_secret(entry.text)
    return entry in (None, "") or entry == field.standing


def stored_value(field: FormField, entry: Entry) -> Any:
    """How the settings file holds an entry; `None` for nothing."""
    if isinstance(entry, bool) or entry is None:
        return entry
    text = clean_value(str(entry))
    match field.declared:
        case ListField():
            return [part.strip() for part in text.split(",") if part.strip()] or None
        case NumberField() if text.isdecimal():
            return int(text)
        case _:
            return field.stored_as.get(text, text or None)


def entry_of(declared: object, raw: Any) -> Entry:
    """What a control shows for a value of the settings file."""
    match raw, declared:
        case (None, _) | (_, SecretField()):
            return None
        case bool(), FlagField():
            return raw
        case str(), FlagField():
            return raw.lower() in ("1", "true", "yes", "on")
        case bool(), _:
            return str(raw).lower()
        case list(), _:
            return ", ".join(str(item) for item in raw)
    return str(raw)


def tidy_secret(text: str) -> str:
    """A pasted secret without the blanks, quotes, `Bearer` and broken lines around it.

    Cookie headers and cURL commands stay as they are.
    """
    value = clean_value(text)
    bearer = BEARER.fullmatch(value)
    if bearer:
        return bearer.group(1)
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1 and all(PART_OF_A_KEY.fullmatch(line) for line in lines):
        return "".join(lines)
    return value
