"""`config`: settings without the screen."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping

from tui.commands import _config_check, _import_codexbar, _loop
from tui.commands._base import CliError, Parser, UsageError
from tui.commands._keys import (
    account_keys,
    find_file_key,
    find_setting,
    global_settings,
    provider_settings,
    window_alerts,
)
from tui.commands._output import columns, print_note, print_text
from tui.commands._settings import DEFAULT, FieldSetting, Shown, as_text
from tui.core.redact import HIDDEN
from tui.core.text import clean
from tui.gateways import config as config_gateway
from tui.gateways.paths import find_paths
from tui.gateways.toml_file import value_at
from tui.providers import load_providers
from tui.runtime import Deck

DESCRIPTION = "Settings without the screen. KEY is cadence, zai.region, zai.accounts.work.label, …"
EXAMPLES = (
    "quotadeck config list",
    "quotadeck config set cadence 5",
    "quotadeck config set zai.region china",
)


def add_arguments(parser: Parser) -> None:
    """One sub-verb each."""
    verbs = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, text: str, *examples: str) -> Parser:
        action: Parser = verbs.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", examples=examples
        )
        return action

    add("path", "print where the settings file is", "quotadeck config path")
    add("list", "print every value and where it comes from", "quotadeck config list")
    get = add("get", "print one value", "quotadeck config get zai.region")
    put = add(
        "set",
        "write one value into the settings file",
        "quotadeck config set zai.region china",
        "quotadeck config set alerts.thresholds 50,20",
        "quotadeck config set zai.accounts.work.label Work",
    )
    unset = add(
        "unset",
        "take a value, or a whole account, out of the settings file",
        "quotadeck config unset zai.region",
        "quotadeck config unset zai.accounts.work",
    )
    for action in (get, put, unset):
        action.add_argument("key", metavar="KEY")
    put.add_argument("value", metavar="VALUE")
    add("check", "look for mistakes in the settings file", "quotadeck config check")
    add(
        "import-codexbar",
        "take over what CodexBar's settings file holds",
        "quotadeck config import-codexbar",
    )


def run(args: Namespace) -> int:
    """Do what the sub-verb says."""
    return ACTIONS[args.action](args)


def _path(args: Namespace) -> int:
    print_text(str(find_paths().config_file))
    return 0


def _list(args: Namespace) -> int:
    problems, rows = _loop.run(_loop.with_open_deck(_listed))
    for problem in problems:
        print_note(problem)
    print_text(columns((name, clean(shown.text), shown.origin) for name, shown in rows))
    return 0


def _get(args: Namespace) -> int:
    name, shown = _loop.run(_loop.with_open_deck(lambda deck: _found(deck, args.key)))
    if shown is None:
        raise CliError(f"{name} is not set.", hint=f"Use `quotadeck config set {name} VALUE`.")
    print_text(shown.text)
    print_note(f"{name}: {shown.origin}")
    return 0


def _set(args: Namespace) -> int:
    path = find_paths().config_file
    setting = find_setting(args.key, load_providers(), config_gateway.load(path))
    if not args.value.isprintable():
        raise UsageError(f"{setting.name}: the value should be on a single line.")
    value = setting.read(args.value)
    config_gateway.save(path, {setting.file_key: value})
    is_secret = isinstance(setting, FieldSetting) and setting.is_secret
    print_text(f"{setting.name} = {HIDDEN if is_secret else as_text(value)}")
    if isinstance(setting, FieldSetting) and is_secret:
        better = f"quotadeck secret set {setting.key} {setting.field.key}"
        print_note(f"It lies readable in {path.name}. A better place: `{better}`.")
    return 0


def _unset(args: Namespace) -> int:
    path = find_paths().config_file
    config = config_gateway.load(path)
    file_key = find_file_key(args.key, load_providers(), config)
    if value_at(config.document, file_key) is None:
        print_note(f"{args.key} is not in {path.name}.")
        return 0
    config_gateway.save(path, {file_key: None})
    print_text(f"{args.key} is taken out of {path.name}.")
    return 0


ACTIONS: Mapping[str, Callable[[Namespace], int]] = {
    "path": _path,
    "list": _list,
    "get": _get,
    "set": _set,
    "unset": _unset,
    "check": lambda args: _config_check.run(),
    "import-codexbar": lambda args: _import_codexbar.run(),
}


# -- values ----------------------------------------------------------------------------------------


async def _listed(deck: Deck) -> tuple[tuple[str, ...], list[tuple[str, Shown]]]:
    """What is wrong with the file; every global value, and of the providers what was set."""
    found = [(setting.name, setting.shown(deck.config)) for setting in global_settings(deck.config)]
    for spec in deck.accounts.ordered():
        found += [(item.name, item.shown(deck.config)) for item in window_alerts(spec, deck.config)]
        for key in account_keys(spec, deck.config):
            values = await deck.accounts.values(key, reveal=False)
            items = provider_settings(spec, key, deck.config)
            shown = [(item.name, item.shown(values)) for item in items]
            found += [(name, one) for name, one in shown if one and one.origin != DEFAULT]
    return deck.problems, [(name, shown) for name, shown in found if shown is not None]


async def _found(deck: Deck, text: str) -> tuple[str, Shown | None]:
    setting = find_setting(text, deck.registry, deck.config)
    if not isinstance(setting, FieldSetting):
        return setting.name, setting.shown(deck.config)
    if setting.key not in account_keys(setting.spec, deck.config):
        raise CliError(f'{setting.spec.name} has no account "{setting.key.account}".')
    values = await deck.accounts.values(setting.key, reveal=False)
    return setting.name, setting.shown(values)
