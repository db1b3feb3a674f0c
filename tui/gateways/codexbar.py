"""CodexBar's settings file, read as a lower layer and never written (B§12.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.core.text import clean_value

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
        with path.open("rb") as file:
            document = json.loads(file.read(MAX_BYTES))
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
    return ForeignEntry(values=_renamed(raw, PLAIN_NAMES), account=_active_account(raw))


def _renamed(raw: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for theirs, ours in names.items():
        value = raw.get(theirs)
        if isinstance(value, str):
            value = clean_value(value)
        if value not in (None, "") and isinstance(value, (str, bool)):
            values[ours] = value
    return values


def _active_account(raw: Mapping[str, Any]) -> dict[str, Any]:
    listed = raw.get("tokenAccounts")
    accounts = listed.get("accounts") if isinstance(listed, dict) else None
    index = listed.get("activeIndex", 0) if isinstance(listed, dict) else 0
    if (
        not isinstance(accounts, list)
        or not isinstance(index, int)
        or not 0 <= index < len(accounts)
    ):
        return {}
    account = accounts[index]
    if not isinstance(account, dict):
        return {}
    return _renamed(account, {**ACCOUNT_NAMES, "token": "token", "label": "label"})
