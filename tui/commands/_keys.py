"""Finding the setting behind a KEY of the command line.

`cadence`, `keys.refresh_all`, `zai.region`, `zai.accounts.work.label` (or `zai:work.label`) and
`zai.alerts.session.thresholds`; aliases of a provider and a leading `providers.` are accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tui.commands._base import UsageError
from tui.commands._settings import (
    WINDOW_ALERTS,
    AnySetting,
    FieldSetting,
    GlobalSetting,
    KeyboardSetting,
    WindowAlertSetting,
)
from tui.core.models import ProviderKey
from tui.gateways import config as config_gateway
from tui.gateways.config import ALERT_KEYS, KEYS, Config, is_account_name
from tui.gateways.toml_file import dotted, value_at
from tui.providers import Registry, load_providers
from tui.providers._spec import ProviderSpec, SettingField
from tui.values import COMMON_FIELDS, SOURCE


def find_setting(text: str, registry: Registry, config: Config) -> AnySetting:
    """The setting with this name.

    Raises:
        UsageError: There is none.
    """
    key = config_gateway.global_key(text)
    if key is not None:
        return GlobalSetting(key, registry)
    if text.startswith("keys.") and len(text) > len("keys."):
        return KeyboardSetting(text.removeprefix("keys."))
    found = split_provider(text, registry)
    if found is None:
        raise UsageError(
            f'There is no setting "{text}".',
            hint="See `quotadeck config list` and `quotadeck providers`.",
        )
    spec, rest = found
    if rest.startswith("alerts."):
        return _window_alert(spec, rest, config)
    account, field = _account_and_field(rest)
    return FieldSetting(
        spec, ProviderKey(spec.id, account), _field(spec, account, field), table_of(spec, config)
    )


def find_file_key(text: str, registry: Registry, config: Config) -> str:
    """The dotted key of a setting, of a whole account, or of anything else the file holds.

    Raises:
        UsageError: There is no such setting, neither in the program nor in the file.
    """
    found = split_provider(text, registry)
    beside = f"{table_of(found[0], config)}.{found[1]}" if found else text
    for candidate in (beside, text):
        value = value_at(config.document, candidate)
        is_section = isinstance(value, Mapping) and "." not in candidate
        if value is not None and not is_section:
            return candidate
    return find_setting(text, registry, config).file_key


def global_settings(config: Config) -> Iterator[GlobalSetting | KeyboardSetting]:
    """Every key that belongs to no provider."""
    for key in (*KEYS, *ALERT_KEYS):
        yield GlobalSetting(key, load_providers())
    for action in config.keys:
        yield KeyboardSetting(action)


def provider_settings(
    spec: ProviderSpec, key: ProviderKey, config: Config
) -> Iterator[FieldSetting]:
    """Every setting of an account."""
    table = table_of(spec, config)
    return (FieldSetting(spec, key, field, table) for field in fields_of(spec, key.account))


def account_keys(spec: ProviderSpec, config: Config) -> Iterator[ProviderKey]:
    """The nameless account and those the file names."""
    yield ProviderKey(spec.id)
    tables = value_at(config.document, f"{table_of(spec, config)}.accounts")
    for name, table in tables.items() if isinstance(tables, Mapping) else ():
        if spec.accounts and isinstance(table, Mapping):
            yield ProviderKey(spec.id, name)


def window_alerts(spec: ProviderSpec, config: Config) -> Iterator[WindowAlertSetting]:
    """What the file says about the alerts of its windows."""
    table = table_of(spec, config)
    windows = value_at(config.document, f"{table}.alerts")
    for window in windows if isinstance(windows, Mapping) else ():
        for key in ALERT_KEYS:
            if key.attribute in WINDOW_ALERTS:
                yield WindowAlertSetting(spec, window, key, table)


def split_provider(text: str, registry: Registry) -> tuple[ProviderSpec, str] | None:
    """The provider a key begins with, and what comes after; an account as `accounts.<name>`."""
    text = text.removeprefix("providers.")
    names = [(name, spec) for spec in registry.specs.values() for name in (spec.id, *spec.aliases)]
    for name, spec in sorted(names, key=lambda pair: -len(pair[0])):
        head, rest = text[: len(name)], text[len(name) :]
        if head.lower() == name.lower() and rest[:1] == ".":
            return spec, rest[1:]
        if head.lower() == name.lower() and rest[:1] == ":":
            return spec, f"accounts.{rest[1:]}"
    return None


def table_of(spec: ProviderSpec, config: Config) -> str:
    """The dotted key of a provider's table, under the name the file has."""
    for text in config.providers:
        if text.lower() in (spec.id, *map(str.lower, spec.aliases)):
            return dotted("providers", text)
    return dotted("providers", spec.id)


def fields_of(spec: ProviderSpec, account: str = "") -> tuple[SettingField, ...]:
    """Everything that can be set for a provider, or for one of its accounts."""
    common = {field.key: field for field in COMMON_FIELDS}
    first = ("label", "enabled") if account else ("enabled",)
    return (*(common[key] for key in first), SOURCE, *spec.fields(), common["extras"])


# -- inside --------------------------------------------------------------------------------------


def _account_and_field(rest: str) -> tuple[str, str]:
    if not rest.startswith("accounts."):
        return "", rest
    account, _, field = rest.removeprefix("accounts.").rpartition(".")
    return account, field


def _field(spec: ProviderSpec, account: str, name: str) -> SettingField:
    if account and not spec.accounts:
        raise UsageError(f"{spec.name} has no accounts.")
    if account and not is_account_name(account):
        raise UsageError(f'"{account}" cannot name an account.')
    fields = {field.key: field for field in fields_of(spec, account)}
    if name not in fields:
        whose = "An account of it" if account else "It"
        raise UsageError(
            f'{spec.name} has no setting "{name}".', hint=f"{whose} has {', '.join(fields)}."
        )
    return fields[name]


def _window_alert(spec: ProviderSpec, rest: str, config: Config) -> WindowAlertSetting:
    window, _, name = rest.removeprefix("alerts.").rpartition(".")
    key = next((key for key in ALERT_KEYS if key.attribute == name), None)
    if not window or key is None or name not in WINDOW_ALERTS:
        allowed = " or ".join(f"{spec.id}.alerts.WINDOW.{word}" for word in WINDOW_ALERTS)
        raise UsageError(f'There is no setting "{spec.id}.{rest}".', hint=f"Use {allowed}.")
    return WindowAlertSetting(spec, window, key, table_of(spec, config))
