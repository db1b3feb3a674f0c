"""`providers`: what is supported, switched on and detected; settings and their variables."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tui.commands import _loop
from tui.commands._base import Parser
from tui.commands._keys import fields_of
from tui.commands._output import columns, print_json, print_text
from tui.core.text import clean
from tui.providers._spec import (
    ChoiceField,
    FlagField,
    ListField,
    NumberField,
    PathField,
    ProviderSpec,
    SecretField,
    SettingField,
    UrlField,
)
from tui.runtime import Deck
from tui.values import SOURCE

DESCRIPTION = "What is supported, switched on and detected; settings and their variables."
EXAMPLES = ("quotadeck providers", "quotadeck providers --json")
KINDS: dict[type, str] = {
    SecretField: "secret",
    ChoiceField: "choice",
    FlagField: "flag",
    NumberField: "number",
    ListField: "list",
    PathField: "path",
    UrlField: "url",
}
"""Everything else is a text."""


@dataclass(frozen=True, slots=True)
class Supported:
    """A provider on this machine."""

    spec: ProviderSpec
    enabled: bool
    detected: str


def add_arguments(parser: Parser) -> None:
    """For whom to write."""
    parser.add_argument("--json", action="store_true", help="an array for scripts")


def run(args: Namespace) -> int:
    """Print every provider, in display order."""
    found = _loop.run(_loop.with_open_deck(_look))
    if args.json:
        print_json([_row(item) for item in found])
    else:
        print_text("\n\n".join(map(_paragraph, found)))
    return 0


async def _look(deck: Deck) -> list[Supported]:
    await deck.accounts.settle()
    specs = deck.accounts.ordered()
    signs = await asyncio.gather(*(deck.accounts.signs(spec) for spec in specs))
    on = {key.provider for key in deck.accounts.specs()}
    return [
        Supported(spec, spec.id in on, clean(text)) for spec, text in zip(specs, signs, strict=True)
    ]


# -- for scripts -----------------------------------------------------------------------------------


def _row(item: Supported) -> dict[str, Any]:
    spec = item.spec
    return {
        "id": spec.id,
        "name": spec.name,
        "aliases": list(spec.aliases),
        "enabled": item.enabled,
        "detected": item.detected or None,
        "modes": [mode.id for mode in spec.modes],
        "accounts": spec.accounts,
        "settings": [_field_row(field) for field in fields_of(spec)],
        "dashboard": spec.links.dashboard or None,
        "warning": spec.warning or None,
    }


def _field_row(field: SettingField) -> dict[str, Any]:
    default = getattr(field, "default", None)
    return {
        "key": field.key,
        "type": _kind(field),
        "label": field.label,
        "environment": list(_variables(field)),
        "choices": list(_choices(field)) or None,
        "default": None if default in (None, "") else default,
        "help": field.help or None,
    }


# -- for people ------------------------------------------------------------------------------------


def _paragraph(item: Supported) -> str:
    spec = item.spec
    aliases = f" (also {', '.join(spec.aliases)})" if spec.aliases else ""
    state = ["on" if item.enabled else "off", item.detected]
    lines = [f"{spec.id}{aliases}: {spec.name}, {', '.join(filter(None, state))}"]
    if spec.warning:
        lines.append(f"  {spec.warning}")
    modes = " ".join(mode.id for mode in spec.modes)
    rows = [
        (field.key, modes if field is SOURCE else _values(field), " ".join(_variables(field)))
        for field in fields_of(spec)
    ]
    return "\n".join((*lines, columns(rows, indent="  ")))


def _values(field: SettingField) -> str:
    return "|".join(_choices(field)) or _kind(field)


def _kind(field: SettingField) -> str:
    return KINDS.get(type(field), "text")


def _choices(field: SettingField) -> Iterator[str]:
    if isinstance(field, ChoiceField):
        yield from (word for word, _ in field.choices)
    elif isinstance(field, FlagField):
        yield from ("true", "false")


def _variables(field: SettingField) -> tuple[str, ...]:
    return field.env + (field.weak_env if isinstance(field, SecretField) else ())
