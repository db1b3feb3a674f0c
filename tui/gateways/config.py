"""The settings file: read with every mistake named and the rest kept, written only when asked.

A value that is wrong is reported with key, line and what was expected, and its default is used (for
the cadence: 5 minutes). A file with broken syntax is read around the broken lines, and never
written over.
"""

from __future__ import annotations

import locale
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.core.preferences import Preferences, is_utf8
from tui.core.text import clean
from tui.gateways.atomic import only_one, repair_mode, write_private
from tui.gateways.toml_file import (
    Problem,
    dotted,
    line_of,
    parse_toml,
    read_text,
    steps_of,
    value_at,
)

log = logging.getLogger("tui.config")

HEADER = (
    "# Settings of quotadeck. The program writes this file only when you save something;\n"
    "# comments are lost then, the last version that held any is kept as config.toml.bak.\n"
)
CADENCES = ("adaptive", "manual", 1, 2, 5, 15, 30)


class ConfigError(Exception):
    """The file cannot be changed; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """`[alerts]`: kept for the alerts to come; only the switches of B§12.4 have a meaning yet."""

    enabled: bool = False
    thresholds: tuple[int, ...] = (50, 20)
    depleted: bool = True
    predictive: bool = False
    sound: bool = True
    quiet_hours: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings as they are in force."""

    path: Path
    version: int = 1
    cadence: str | int = "adaptive"
    slow_mode: str = "off"
    theme: str = "textual-dark"
    density: str = "auto"
    order: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    show_used: bool = False
    absolute_times: bool = False
    pace: bool = True
    pace_work_days: int | None = None
    status_checks: bool = True
    privacy: bool = False
    costs_show: bool = False
    alerts: Alerts = Alerts()
    hooks_enabled: bool = False
    hook_events: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    hosts: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)
    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    """Raw tables by id; each provider's own declaration checks them."""
    document: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The whole file as read."""
    problems: tuple[Problem, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether the file has broken syntax and must not be written."""
        return any(problem.syntax for problem in self.problems)


# -- the global keys -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A global key: the attribute it fills, what is expected, and how it is read."""

    name: str
    attribute: str
    expected: str
    read: Callable[[Any], Any]
    """Gives `None` for a wrong value."""
    instead: Any = None
    """Used for a wrong value; `None` means the default."""


def _word(*allowed: str) -> tuple[str, Callable[[Any], Any]]:
    return "one of " + ", ".join(allowed), lambda v: v if v in allowed else None


def _flag() -> tuple[str, Callable[[Any], Any]]:
    return "true or false", lambda v: v if isinstance(v, bool) else None


def _texts() -> tuple[str, Callable[[Any], Any]]:
    def read(value: Any) -> tuple[str, ...] | None:
        good = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return tuple(value) if good else None

    return "a list of texts", read


def _percents() -> tuple[str, Callable[[Any], Any]]:
    def read(value: Any) -> tuple[int, ...] | None:
        if not isinstance(value, list) or not all(type(v) is int and 0 <= v <= 99 for v in value):
            return None
        return tuple(sorted(set(value), reverse=True))

    return "a list of whole numbers from 0 to 99", read


def _text() -> tuple[str, Callable[[Any], Any]]:
    return "a text", lambda v: v if isinstance(v, str) else None


def _is_cadence(value: Any) -> Any:
    return value if type(value) in {str, int} and value in CADENCES else None


def _is_work_days(value: Any) -> Any:
    return value if type(value) is int and 2 <= value <= 7 else None


KEYS = (
    Key("version", "version", "1", lambda v: v if v == 1 else None),
    Key("cadence", "cadence", "adaptive, manual, 1, 2, 5, 15 or 30 (minutes)", _is_cadence, 5),
    Key("slow_mode", "slow_mode", *_word("off", "on", "auto")),
    Key("theme", "theme", *_text()),
    Key("density", "density", *_word("auto", "comfortable", "compact", "line")),
    Key("order", "order", *_texts()),
    Key("hidden", "hidden", *_texts()),
    Key("show_used", "show_used", *_flag()),
    Key("absolute_times", "absolute_times", *_flag()),
    Key("pace", "pace", *_flag()),
    Key("pace_work_days", "pace_work_days", "a whole number from 2 to 7", _is_work_days),
    Key("status_checks", "status_checks", *_flag()),
    Key("privacy", "privacy", *_flag()),
    Key("costs.show", "costs_show", *_flag()),
    Key("hooks.enabled", "hooks_enabled", *_flag()),
    Key("hosts", "hosts", *_texts()),
)
ALERT_KEYS = (
    Key("alerts.enabled", "enabled", *_flag()),
    Key("alerts.thresholds", "thresholds", *_percents()),
    Key("alerts.depleted", "depleted", *_flag()),
    Key("alerts.predictive", "predictive", *_flag()),
    Key("alerts.sound", "sound", *_flag()),
    Key("alerts.quiet_hours", "quiet_hours", *_text()),
)


def global_key(name: str) -> Key | None:
    """The declaration of a global key."""
    return next((key for key in (*KEYS, *ALERT_KEYS) if key.name == name), None)


# -- reading -------------------------------------------------------------------------------------


def load(path: Path) -> Config:
    """The settings of a file; defaults when it is not there. Never raises: see `problems`."""
    repair_mode(path)
    text, problems = read_text(path)
    document, broken = parse_toml(text)
    problems += broken
    values = _values(KEYS, document, text, problems)
    alerts = Alerts(**_values(ALERT_KEYS, document, text, problems))
    return Config(
        path=path,
        alerts=alerts,
        keys=_keymap(document, text, problems),
        hook_events=_hook_events(document, text, problems),
        providers=_provider_tables(document, text, problems),
        document=document,
        problems=tuple(problems),
        **values,
    )


def _values(
    keys: tuple[Key, ...], document: Mapping[str, Any], text: str, problems: list[Problem]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key in keys:
        raw = value_at(document, key.name)
        if raw is None:
            continue
        good = key.read(raw)
        if good is None:
            problems.append(
                Problem(
                    key=key.name, line=line_of(text, key.name), expected=f"should be {key.expected}"
                )
            )
            good = key.instead
        if good is not None:
            values[key.attribute] = good
    return values


def _keymap(document: Mapping[str, Any], text: str, problems: list[Problem]) -> dict[str, str]:
    table = document.get("keys", {})
    if not isinstance(table, dict):
        problems.append(_no_table("keys", text))
        return {}
    good = {}
    for action, key in table.items():
        if isinstance(key, str) and key.strip():
            good[action] = key.strip()
        else:
            name = f"keys.{action}"
            problems.append(Problem(key=name, line=line_of(text, name), expected="should be a key"))
    return good


def _hook_events(
    document: Mapping[str, Any], text: str, problems: list[Problem]
) -> tuple[Mapping[str, Any], ...]:
    events = value_at(document, "hooks.events") or []
    if isinstance(events, list) and all(isinstance(event, dict) for event in events):
        return tuple(events)
    line = line_of(text, "hooks.events")
    problems.append(Problem(key="hooks.events", line=line, expected="should be a list of tables"))
    return ()


def _provider_tables(
    document: Mapping[str, Any], text: str, problems: list[Problem]
) -> dict[str, Mapping[str, Any]]:
    tables = document.get("providers", {})
    good: dict[str, Mapping[str, Any]] = {}
    if not isinstance(tables, dict):
        problems.append(_no_table("providers", text))
        return good
    for name, table in tables.items():
        if isinstance(table, dict):
            good[name] = _with_good_accounts(name, table, text, problems)
        else:
            problems.append(_no_table(dotted("providers", name), text))
    return good


def _with_good_accounts(
    provider: str, table: dict[str, Any], text: str, problems: list[Problem]
) -> dict[str, Any]:
    """The table without accounts whose names could not be shown or written."""
    accounts = table.get("accounts")
    if not isinstance(accounts, dict):
        return table
    odd = [name for name in accounts if not is_account_name(name)]
    for name in odd:
        key = dotted("providers", provider, "accounts", name)
        problems.append(
            Problem(key=key, line=line_of(text, key), expected="cannot name an account")
        )
    return {**table, "accounts": {name: accounts[name] for name in accounts if name not in odd}}


def is_account_name(text: str) -> bool:
    """Whether an account may be called so."""
    return bool(text) and text == clean(text) and text.isprintable() and '"' not in text


def _no_table(key: str, text: str) -> Problem:
    return Problem(key=key, line=line_of(text, key), expected="should be a table")


# -- writing -------------------------------------------------------------------------------------


def save(path: Path, changes: Mapping[str, Any]) -> Config:
    """Set dotted keys (see `dotted`), `None` takes one out; unknown keys of the file survive.

    The file is read anew under a lock, so that two programs do not undo each other's changes; it
    is not touched when nothing changes.

    Raises:
        ConfigError: The file has broken syntax, or cannot be written; it is as it was.
    """
    import tomli_w

    if path.exists() and not path.is_file():
        raise ConfigError(f"{path} is no file; nothing is saved.")
    try:
        with only_one(path):
            current = load(path)
            if current.broken:
                raise ConfigError(
                    f"{path.name} is not changed: correct {current.problems[0]} first."
                )
            document = _copy(current.document)
            for key, value in changes.items():
                _put(document, steps_of(key), value)
            if document != current.document:
                _keep_comments(path)
                content = tomli_w.dumps({"version": 1, **document})
                write_private(path.resolve(), f"{HEADER}\n{content}".encode())
    except RecursionError as error:
        raise ConfigError(f"{path.name} is nested too deeply; it is as it was.") from error
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ConfigError(f"{path.name} could not be saved ({reason}); it is as it was.") from error
    return load(path)


def _copy(table: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copy(v) if isinstance(v, Mapping) else v for k, v in table.items()}


def _put(table: dict[str, Any], steps: list[str], value: Any) -> None:
    head, *rest = steps
    if rest:
        below = table.setdefault(head, {})
        if not isinstance(below, dict):
            raise ConfigError(f"{head} is not a table in the settings file.")
        _put(below, rest, value)
        if not below:
            del table[head]
    elif value is None:
        table.pop(head, None)
    else:
        table[head] = value


def _keep_comments(path: Path) -> None:
    """Keep the file as `.bak` when it holds comments of the user."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return
    own = set(HEADER.splitlines())
    if any(_has_comment(line) for line in text.splitlines() if line not in own):
        write_private(path.with_name(path.name + ".bak"), text.encode())


def _has_comment(line: str) -> bool:
    """Whether a `#` stands outside of quotes."""
    return "#" in re.sub(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'", "", line)


# -- what follows from the settings ---------------------------------------------------------------


def preferences(config: Config, env: Mapping[str, str]) -> Preferences:
    """How numbers and times are shown, from the settings and the locale."""
    return Preferences(
        show_used=config.show_used,
        absolute_times=config.absolute_times,
        pace=config.pace,
        pace_work_days=config.pace_work_days,
        privacy=config.privacy,
        ascii=not is_utf8(env),
        twelve_hour=counts_to_twelve(env),
    )


def counts_to_twelve(env: Mapping[str, str]) -> bool:
    """Whether the locale writes 2:02 PM, as far as the system knows it (B§7.2)."""
    name = env.get("LC_ALL") or env.get("LC_TIME") or env.get("LANG") or "C"
    before = locale.setlocale(locale.LC_TIME)
    try:
        locale.setlocale(locale.LC_TIME, name)
        return any(sign in locale.nl_langinfo(locale.T_FMT) for sign in ("%r", "%I", "%p"))
    except (locale.Error, AttributeError):  # not installed; Windows keeps no such formats
        return False
    finally:
        locale.setlocale(locale.LC_TIME, before)
