"""`config import-codexbar`: what CodexBar's file holds becomes ours, for good.

Values go into the settings file, keys and cookies into the credential store. What is set here
already stays as it is, and CodexBar's file is not touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.commands import _loop
from tui.commands._base import SettingsError, UsageError
from tui.commands._keys import provider_settings, table_of
from tui.commands._output import columns, print_note, print_text
from tui.commands._settings import FieldSetting, as_text
from tui.core.models import ProviderKey
from tui.core.redact import HIDDEN, Secret
from tui.core.text import clean
from tui.gateways import codexbar
from tui.gateways import config as config_gateway
from tui.gateways.codexbar import ForeignEntry
from tui.gateways.toml_file import dotted
from tui.providers._spec import ProviderSpec
from tui.runtime import Deck
from tui.values import ProviderValues


@dataclass(slots=True)
class Haul:
    """What is new for us."""

    settings: dict[str, Any] = field(default_factory=dict)
    """By dotted key of our file."""
    secrets: dict[tuple[ProviderKey, str], Secret] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    """Values that are not allowed here, one sentence each."""


def run() -> int:
    """Take it over and say what came."""
    path, haul = _loop.run(_loop.with_open_deck(_take_over))
    for sentence in haul.refused:
        print_note(f"Left out: {sentence}")
    rows = [
        (key.removeprefix("providers."), as_text(value)) for key, value in haul.settings.items()
    ]
    rows += [(f"{key} {name}", HIDDEN) for key, name in haul.secrets]
    if rows:
        print_text(columns((name, clean(text)) for name, text in rows))
    count = f"{len(rows)} value{'' if len(rows) == 1 else 's'}"
    print_text(f"{count} taken over from {path}." if rows else f"Nothing new in {path}.")
    return 0


async def _take_over(deck: Deck) -> tuple[Path, Haul]:
    path = codexbar.find_file(deck.env, deck.paths.home)
    entries = codexbar.load(path)
    if not entries:
        raise SettingsError(
            f"{path} holds nothing that can be read.",
            hint="Set CODEXBAR_CONFIG when the file is elsewhere.",
        )
    haul = await _haul(deck, entries)
    for (key, name), secret in haul.secrets.items():
        await deck.accounts.world.store.set(str(key), name, secret, user_initiated=True)
    config_gateway.save(deck.config.path, haul.settings)
    return path, haul


async def _haul(deck: Deck, entries: Mapping[str, ForeignEntry]) -> Haul:
    stored = set(await deck.accounts.world.store.names())
    haul = Haul()
    known = [(spec, entry) for name, entry in entries.items() if (spec := deck.registry.find(name))]
    if "order" not in deck.config.document:
        haul.settings["order"] = [spec.id for spec, _ in known]
    for spec, entry in known:
        table, prefix = deck.accounts.table(spec), table_of(spec, deck.config)
        if entry.enabled and "enabled" not in table:
            haul.settings[f"{prefix}.enabled"] = True
        haul.settings |= _new_alerts(entry, table, prefix)
        for key, present, part in _accounts(spec, entry, table):
            # A chosen account sees no lower layer, so its entry is read as the nameless one's.
            values = ProviderValues(
                spec, ProviderKey(spec.id), table={}, env={}, home=deck.paths.home, foreign=part
            )
            for setting in provider_settings(spec, key, deck.config):
                name = (str(key), setting.field.key)
                if setting.field.key not in present and name not in stored:
                    _take(haul, setting, values)
    return haul


def _accounts(
    spec: ProviderSpec, entry: ForeignEntry, table: Mapping[str, Any]
) -> Iterator[tuple[ProviderKey, Mapping[str, Any], ForeignEntry]]:
    """The selected account is the nameless one here; the others keep their labels."""
    yield ProviderKey(spec.id), table, entry
    tables = table.get("accounts")
    ours = tables if isinstance(tables, dict) else {}
    for number, other in enumerate(entry.others if spec.accounts else (), 2):
        name = re.sub(r"[^\w@+-]+", "-", str(other.get("label", ""))).strip("-")
        key = ProviderKey(spec.id, name or f"account-{number}")
        yield key, ours.get(key.account, {}), ForeignEntry(account=other)


def _take(haul: Haul, setting: FieldSetting, values: ProviderValues) -> None:
    if setting.is_secret:
        found = values.secret_now(setting.field.key)
        if found is not None:
            haul.secrets[setting.key, setting.field.key] = found.value
        return
    raw = values.look(setting.field)
    if raw is None:
        return
    try:
        haul.settings[setting.file_key] = setting.read(as_text(raw.raw))
    except UsageError as error:
        haul.refused.append(f"{setting.name}: {error.message}")


def _new_alerts(entry: ForeignEntry, table: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    ours = table.get("alerts")
    windows = ours if isinstance(ours, dict) else {}
    return {
        f"{prefix}.{dotted('alerts', window, name)}": value
        for window, values in entry.alerts.items()
        for name, value in values.items()
        if name not in windows.get(window, {})
    }
