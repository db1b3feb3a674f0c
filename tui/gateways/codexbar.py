"""CodexBar's settings file, read as a lower layer and never written (B§12.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.core.text import clean_value
from tui.gateways.regular import read_regular

MAX_BYTES = 1 << 20
PLAIN_NAMES = {
    "source": "source",
    "apiKey": "api_key",
    "cookieSource": "cookie_source",
    "cookieHeader": "cookie_header",
    "region": "region",
    "workspaceID": "workspace_id",
    "enterpriseHost": "enterprise_host",
    "extrasEnabled": "extras",
}
ACCOUNT_NAMES = {
    "usageScope": "usage_scope",
    "organizationId": "organization_id",
    "workspaceID": "workspace_id",
}


@dataclass(frozen=True, slots=True)
class ForeignEntry:
    """One provider of the file, in our names."""

    values: Mapping[str, Any] = field(default_factory=dict, hash=False)
    account: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The selected entry of its account list; its `token` is the credential."""
    others: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    """The entries that are not selected."""
    enabled: bool | None = None
    """No layer of ours: only an import takes it over."""
    alerts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    """Switch and thresholds by window."""


def find_file(env: Mapping[str, str], home: Path) -> Path:
    """Where the file would be."""
    chosen = env.get("CODEXBAR_CONFIG", "").strip()
    if chosen:
        return home / chosen[2:] if chosen.startswith("~/") else Path(chosen)
    xdg = Path(env.get("XDG_CONFIG_HOME", ""))
    if xdg.is_absolute():
        return xdg / "codexbar" / "config.json"
    standard = home / ".config" / "codexbar" / "config.json"
    legacy = home / ".codexbar" / "config.json"
    return legacy if legacy.exists() and not standard.exists() else standard


def load(path: Path) -> dict[str, ForeignEntry]:
    """Entries by CodexBar's id; empty when the file is missing or cannot be understood."""
    try:
        document = json.loads(read_regular(path, MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(document, dict) or document.get("version", 1) != 1:
        return {}
    entries: dict[str, ForeignEntry] = {}
    providers = document.get("providers")
    for raw in providers if isinstance(providers, list) else ():
        if isinstance(raw, dict) and isinstance(raw.get("id"), str):
            entries.setdefault(raw["id"], _entry(raw))
    return entries


def _entry(raw: Mapping[str, Any]) -> ForeignEntry:
    accounts, index = _accounts(raw)
    enabled = raw.get("enabled")
    return ForeignEntry(
        values=_renamed(raw, PLAIN_NAMES),
        account=accounts[index] if index is not None else {},
        others=tuple(account for place, account in enumerate(accounts) if place != index),
        enabled=enabled if isinstance(enabled, bool) else None,
        alerts=_alerts(raw),
    )


def _renamed(raw: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for theirs, ours in names.items():
        value = raw.get(theirs)
        if isinstance(value, str):
            value = clean_value(value)
        if value not in (None, "") and isinstance(value, (str, bool)):
            values[ours] = value
    return values


def _accounts(raw: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int | None]:
    """The entries of the account list, and which one is selected."""
    listed = raw.get("tokenAccounts")
    entries = listed.get("accounts") if isinstance(listed, dict) else None
    if not isinstance(listed, dict) or not isinstance(entries, list):
        return [], None
    names = {**ACCOUNT_NAMES, "token": "token", "label": "label"}
    accounts = [_renamed(entry, names) if isinstance(entry, dict) else {} for entry in entries]
    index = listed.get("activeIndex", 0)
    is_there = isinstance(index, int) and 0 <= index < len(accounts)
    return accounts, index if is_there else None


def _alerts(raw: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    windows = raw.get("quotaWarnings")
    return {
        window: {name: entry[name] for name in ("enabled", "thresholds") if name in entry}
        for window, entry in (windows.items() if isinstance(windows, dict) else ())
        if isinstance(entry, dict)
    }
