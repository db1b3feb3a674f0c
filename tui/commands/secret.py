"""`secret`: keys and cookies into the key store, or into a 0600 file where none opens."""

from __future__ import annotations

import getpass
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping

from tui.auth.secret_changes import changed_secrets
from tui.auth.stores import CombinedStore, open_stores
from tui.commands import _loop
from tui.commands._base import Parser, UsageError
from tui.commands._ids import find_key
from tui.commands._keys import account_keys, provider_settings
from tui.commands._output import columns, is_terminal, print_note, print_text
from tui.commands._settings import FieldSetting
from tui.core.clock import SystemClock
from tui.core.redact import Secret
from tui.core.text import clean_value
from tui.gateways import config as config_gateway
from tui.gateways.config import Config
from tui.gateways.paths import find_paths
from tui.gateways.toml_file import value_at
from tui.providers import load_providers

DESCRIPTION = "Keys and cookies: kept in the key store, or in a 0600 file where none opens."
EXAMPLES = (
    "quotadeck secret set zai api_key",
    "quotadeck secret set zai:work api_key < key.txt",
    "quotadeck secret list",
)
MAX_CHARACTERS = 1 << 20


def add_arguments(parser: Parser) -> None:
    """`set`, `list` and `delete`."""
    verbs = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    put = verbs.add_parser(
        "set",
        help="keep a secret: asked for without echo, or read from standard input",
        description="Keep a secret: asked for without echo, or read from standard input.",
        examples=EXAMPLES[:2],
    )
    verbs.add_parser(
        "list",
        help="print which secrets there are and where, never their values",
        description="Print which secrets there are and where, never their values.",
        examples=["quotadeck secret list"],
    )
    delete = verbs.add_parser(
        "delete",
        help="forget a secret",
        description="Forget a secret.",
        examples=["quotadeck secret delete zai api_key"],
    )
    for action in (put, delete):
        action.add_argument("id", metavar="ID", help="a provider, or an account such as zai:work")
        action.add_argument("field", metavar="FIELD", help="such as api_key or cookie_header")


def run(args: Namespace) -> int:
    """Do what the sub-verb says."""
    return ACTIONS[args.action](args)


def _set(args: Namespace) -> int:
    setting = _target(args)
    secret = Secret(_ask(f"{setting.field.label} of {args.id}: "))
    if not secret:
        raise UsageError("No value was given; nothing is changed.")
    place = _loop.run(_keep(setting, secret))
    print_text(f"{setting.key} {setting.field.key}: kept {place}.")
    return 0


def _delete(args: Namespace) -> int:
    setting = _target(args)
    if _loop.run(_forget(setting)):
        print_text(f"{setting.key} {setting.field.key}: deleted.")
    else:
        print_note(f"{setting.key} {setting.field.key} was not kept here.")
    return 0


def _list(args: Namespace) -> int:
    rows = _loop.run(_places())
    if rows:
        print_text(columns(rows))
    else:
        print_text("No secrets are kept. Add one with `quotadeck secret set ID FIELD`.")
    return 0


ACTIONS: Mapping[str, Callable[[Namespace], int]] = {"set": _set, "list": _list, "delete": _delete}


# -- reading ---------------------------------------------------------------------------------------


def _target(args: Namespace) -> FieldSetting:
    """The secret field that is meant.

    Raises:
        UsageError: There is no such provider, or it has no such secret.
    """
    registry = load_providers()
    key = find_key(registry, args.id)
    spec = registry.specs[key.provider]
    secrets = [item for item in provider_settings(spec, key, _config()) if item.is_secret]
    found = next((item for item in secrets if item.field.key == args.field), None)
    if found is not None:
        return found
    names = ", ".join(item.field.key for item in secrets)
    hint = f"It has {names}." if names else "It needs none."
    raise UsageError(f'{spec.name} has no secret "{args.field}".', hint=hint)


def _ask(prompt: str) -> str:
    """The value that was typed or piped; empty when there was none.

    Raises:
        UsageError: It is no text, or endless.
    """
    try:
        value = _typed(prompt) if is_terminal(sys.stdin) else _piped()
        value.encode()
    except UnicodeError as error:
        raise UsageError("The value is not UTF-8 text; nothing is changed.") from error
    return clean_value(value)


def _typed(prompt: str) -> str:
    try:
        return getpass.getpass(prompt)
    except EOFError:
        return ""


def _piped() -> str:
    value = sys.stdin.read(MAX_CHARACTERS + 1) if sys.stdin is not None else ""
    if len(value) > MAX_CHARACTERS:
        raise UsageError("The value is longer than any secret; nothing is changed.")
    return value


def _config() -> Config:
    return config_gateway.load(find_paths().config_file)


def _store() -> CombinedStore:
    return open_stores(find_paths().data, SystemClock()).credentials


# -- keeping ---------------------------------------------------------------------------------------


async def _keep(setting: FieldSetting, secret: Secret) -> str:
    """Store it, take it out of the settings file, and say where it is now; all of it or nothing."""
    store, key = _store(), setting.key
    async with changed_secrets(store, str(key), {setting.field.key: secret}):
        if changes := _changes(setting, _config()):
            config_gateway.save(find_paths().config_file, changes)
    return await store.where(str(key), setting.field.key)


def _changes(setting: FieldSetting, config: Config) -> dict[str, object]:
    """What a stored secret changes in the settings file: it leaves, and a new account gets a name.

    A file with broken syntax may hold it where nobody sees it.
    """
    changes: dict[str, object] = {}
    if config.broken or value_at(config.document, setting.file_key) is not None:
        changes[setting.file_key] = None
    if setting.key.account and value_at(config.document, setting.table_key) is None:
        changes[f"{setting.table_key}.label"] = setting.key.account
    return changes


async def _forget(setting: FieldSetting) -> bool:
    """Forget it in the store and in the settings file; false when it was in neither."""
    store, name = _store(), (str(setting.key), setting.field.key)
    in_file = value_at(_config().document, setting.file_key) is not None
    in_store = name in await store.names()
    if in_store:
        await store.delete(*name, user_initiated=True)
    if in_file:
        config_gateway.save(find_paths().config_file, {setting.file_key: None})
    return in_store or in_file


async def _places() -> list[tuple[str, str, str]]:
    """Account, field and place of every secret; the settings file may hold some too."""
    store, config = _store(), _config()
    kept = [(key, field, await store.where(key, field)) for key, field in await store.names()]
    return kept + [
        (str(item.key), item.field.key, f"{config.path.name}, readable")
        for spec in load_providers().specs.values()
        for account in account_keys(spec, config)
        for item in provider_settings(spec, account, config)
        if item.is_secret and value_at(config.document, item.file_key) is not None
    ]
