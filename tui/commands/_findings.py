"""What is wrong or needless in the settings file, with the codes of B§12.2. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tui.commands._hook_findings import hook_mistakes
from tui.commands._keys import fields_of
from tui.commands._settings import WINDOW_ALERTS
from tui.core.errors import Unsupported
from tui.core.models import ProviderKey
from tui.gateways.config import ALERT_KEYS, KEYS, Config
from tui.gateways.toml_file import Problem, dotted
from tui.providers import Registry
from tui.providers._spec import ProviderSpec, SecretField, SettingField
from tui.values import SOURCE, ProviderValues

UNUSED_CODES = {
    "api_key": "api_key_unused",
    "secret_key": "secret_key_unused",
    "cookie_source": "cookie_source_unused",
    "cookie_header": "cookie_header_unused",
    "region": "region_unused",
    "workspace_id": "workspace_unused",
    "enterprise_host": "enterprise_host_unused",
    "accounts": "token_accounts_unused",
}
FREE_SECTIONS = frozenset({"providers", "keys"})
SUB_TABLES = frozenset({"accounts", "alerts"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about the file."""

    severity: Literal["error", "warning"]
    code: str
    key: str
    """Dotted, as in the file."""
    text: str
    line: int | None = None


def error(code: str, key: str, text: str) -> Finding:
    """Something that keeps a setting from working."""
    return Finding("error", code, key, text)


def warning(code: str, key: str, text: str) -> Finding:
    """Something that has no effect, or a better place."""
    return Finding("warning", code, key, text)


# -- the file --------------------------------------------------------------------------------------


def file_findings(config: Config, registry: Registry) -> Iterator[Finding]:
    """Everything outside the tables of known providers."""
    for problem in config.problems:
        yield Finding("error", _code_of(problem), problem.key, problem.expected, problem.line)
    for key in _unknown_keys(config.document):
        yield warning("unknown_key", key, "is not a setting of this program")
    yield from _stray_tables(config, registry)
    for code, key, text in hook_mistakes(config.hook_events, registry):
        yield error(code, key, text)


def _code_of(problem: Problem) -> str:
    if problem.syntax:
        return "syntax_error"
    return "version_mismatch" if problem.key == "version" else "invalid_value"


def _unknown_keys(document: Mapping[str, Any]) -> Iterator[str]:
    known = {key.name for key in (*KEYS, *ALERT_KEYS)} | {"hooks.events"}
    sections = {name.partition(".")[0] for name in known if "." in name}
    for name, value in document.items():
        if name in sections and isinstance(value, Mapping):
            below = (f"{name}.{step}" for step in value)
            yield from (key for key in below if key not in known)
        elif name not in known and name not in FREE_SECTIONS:
            yield name


def _stray_tables(config: Config, registry: Registry) -> Iterator[Finding]:
    seen: set[str] = set()
    for name in config.providers:
        spec = registry.find(name)
        key = dotted("providers", name)
        if spec is None and name not in registry.broken:
            yield error("unsupported_provider", key, "is not a provider of this program")
        elif spec is not None and spec.id in seen:
            yield warning("duplicate_provider", key, f"is {spec.name} once more and is not used")
        seen.add(spec.id if spec else name)


# -- a provider or account -------------------------------------------------------------------------


def table_findings(spec: ProviderSpec, table: Mapping[str, Any], prefix: str) -> Iterator[Finding]:
    """The sub-tables of a provider: accounts that make no sense, alerts that cannot be read."""
    if "accounts" in table and not spec.accounts:
        yield warning(
            UNUSED_CODES["accounts"], f"{prefix}.accounts", f"{spec.name} has no accounts"
        )
    alerts = table.get("alerts", {})
    for window, entries in alerts.items() if isinstance(alerts, Mapping) else ():
        for name, raw in entries.items() if isinstance(entries, Mapping) else ():
            key = f"{prefix}.{dotted('alerts', window, name)}"
            rule = next((rule for rule in ALERT_KEYS if rule.attribute == name), None)
            if rule is None or name not in WINDOW_ALERTS:
                yield warning("unknown_key", key, "is not a setting of a window")
            elif rule.read(raw) is None:
                yield error("invalid_value", key, f"should be {rule.expected}")


def account_findings(
    spec: ProviderSpec, key: ProviderKey, table: Mapping[str, Any], prefix: str
) -> Iterator[Finding]:
    """The values of one account as they stand in the file."""
    fields = {field.key: field for field in fields_of(spec, key.account)}
    values = ProviderValues(spec, key, table=table, env={}, home=Path.home())
    for name, raw in table.items():
        file_key = f"{prefix}.{dotted(name)}"
        if name in fields:
            yield from _value_findings(fields[name], raw, values, file_key)
        elif name not in SUB_TABLES:
            code = UNUSED_CODES.get(name, "unknown_key")
            yield warning(code, file_key, f"{spec.name} does not use it")


def _value_findings(
    field: SettingField, raw: Any, values: ProviderValues, file_key: str
) -> Iterator[Finding]:
    if isinstance(field, SecretField):
        if isinstance(raw, str):
            better = (
                f"lies readable; `quotadeck secret set {values.key} {field.key}` keeps it better"
            )
            yield warning("secret_in_file", file_key, better)
        else:
            yield error("invalid_value", file_key, "should be a text")
        return
    try:
        if field is SOURCE:
            values.mode()
        else:
            values.value(field.key)
    except Unsupported as problem:
        yield error(_value_code(field.key, raw), file_key, f"{problem.message} {problem.hint}")


def _value_code(name: str, raw: Any) -> str:
    if name == "source":
        return "api_source_unsupported" if raw == "api" else "unsupported_source"
    return "invalid_region" if name == "region" else "invalid_value"


def missing_credentials(values: ProviderValues, prefix: str) -> Iterator[Finding]:
    """A way that was chosen although what it needs lies nowhere."""
    chosen = {"api_key": values.mode() == "api"}
    if values.spec.cookies is not None:
        chosen["cookie_header"] = values.text("cookie_source") == "manual"
    for name, is_chosen in chosen.items():
        field = values.spec.field(name)
        if is_chosen and isinstance(field, SecretField) and not values.secret_origin(field):
            how = f"run `quotadeck secret set {values.key} {name}`"
            yield warning(f"{name}_missing", prefix, f"the {field.label} is missing; {how}")
