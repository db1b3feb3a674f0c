"""`detect`: what this machine already has. Reads names and dates; contacts nobody, asks nothing."""

from __future__ import annotations

from argparse import Namespace

from tui.accounts import Detection
from tui.commands import _loop
from tui.commands._base import Parser
from tui.commands._output import columns, print_json, print_text
from tui.core.text import clean
from tui.runtime import Deck

DESCRIPTION = "What this machine already has. Contacts nobody and raises no prompt."
EXAMPLES = ("quotadeck detect", "quotadeck detect --browsers --json")
NOTHING = (
    "Nothing was found. `quotadeck providers` lists what is supported, "
    "`quotadeck doctor ID` says what one of them needs."
)
IN_BROWSERS = "With --browsers it also looks for sessions in browser profiles."


def add_arguments(parser: Parser) -> None:
    """Where to look, and for whom to write."""
    parser.add_argument(
        "--browsers", action="store_true", help="also look for sessions in browser profiles"
    )
    parser.add_argument("--json", action="store_true", help="an array for scripts")


def run(args: Namespace) -> int:
    """Print one row per provider that has something."""
    found = _loop.run(_loop.with_open_deck(lambda deck: _detect(deck, browsers=args.browsers)))
    if args.json:
        print_json([_row(item) for item in found])
        return 0
    print_text(columns(map(_cells, found)) if found else NOTHING)
    if not args.browsers:
        print_text(f"\n{IN_BROWSERS}")
    return 0


async def _detect(deck: Deck, *, browsers: bool) -> tuple[Detection, ...]:
    await deck.accounts.settle()
    return await deck.detections(browsers=browsers)


def _row(item: Detection) -> dict[str, object]:
    return {
        "provider": item.provider,
        "name": item.name,
        "found": clean(item.text),
        "enabled": item.enabled,
    }


def _cells(item: Detection) -> tuple[str, str, str, str]:
    return item.provider, item.name, "on" if item.enabled else "off", clean(item.text)
