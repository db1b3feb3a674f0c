"""No verb at all: the dashboard, or the table of `status` where there is no screen to draw on."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui import __version__
from tui.commands._output import is_terminal, print_note
from tui.gateways.logs import set_up
from tui.runtime import Deck, Options

if TYPE_CHECKING:
    from argparse import Namespace

    from tui.commands._base import Parser

DESCRIPTION = "A full-screen dashboard of AI coding limits; with a verb, the same without a screen."
EXAMPLES = (
    "quotadeck --demo",
    "quotadeck --provider zai openrouter",
    "quotadeck status --json --provider zai",
    "quotadeck doctor zai",
)
VERBS = (
    ("status", "every limit once, as a table or as JSON"),
    ("providers", "what is supported, switched on and detected; settings and variables"),
    ("detect", "what this machine already has: keys, logins, IDEs, running servers"),
    ("doctor", "ask a provider and explain every attempt"),
    ("config", "settings without the screen"),
    ("secret", "keep keys and cookies, list their names, delete them"),
    ("login", "sign in to a provider that offers it, also over SSH"),
)


def add_arguments(parser: Parser) -> None:
    """`--demo`, `--provider`, `--version`, and the list of verbs in the help."""
    from tui.commands._base import add_provider_option

    verbs = "\n".join(f"  {name:<11}{text}" for name, text in VERBS)
    parser.usage = "quotadeck [--demo] [--provider ID ...]\n       quotadeck VERB ..."
    parser.epilog = f"verbs (see `quotadeck VERB --help`):\n{verbs}\n\n{parser.epilog}"
    add_provider_option(parser, "show only these, by id or alias")
    parser.add_argument("--demo", action="store_true", help="packaged numbers: no account needed")
    parser.add_argument("-V", "--version", action="version", version=f"quotadeck {__version__}")


def run(args: Namespace) -> int:
    """Open it for the chosen providers."""
    return show(demo=args.demo, names=args.provider)


def show(*, demo: bool, names: Sequence[str] = ()) -> int:
    """Open the dashboard; its exit code is the app's."""
    options = Options(only=_only(names))
    if not _has_screen():
        return _print_instead(demo, names)
    deck = _deck(options, demo=demo)
    set_up(deck.ring, deck.log_file)  # a start that fails is in the log too
    from tui.app import DEMO, UsageApp

    app = UsageApp(deck)
    if app.run() == DEMO:
        app = UsageApp(_deck(options, demo=True))
        app.run()
    return app.return_code or 0


def _only(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    from tui.commands._ids import chosen_keys, providers_of

    return providers_of(chosen_keys(names))


def _deck(options: Options, *, demo: bool) -> Deck:
    if not demo:
        return Deck(options=options)
    from tui.demo import open_demo

    return open_demo(options)


def _has_screen() -> bool:
    """Whether there is a terminal to read keys from and to draw on."""
    is_dumb = os.environ.get("TERM") == "dumb"
    return all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))) and not is_dumb


def _print_instead(demo: bool, names: Sequence[str]) -> int:
    from tui.commands import status
    from tui.commands._base import Parser

    print_note("This is no terminal to draw on; here is `quotadeck status` instead.")
    parser = Parser(prog="quotadeck status")
    status.add_arguments(parser)
    chosen = ["--provider", *names] if names else []
    return status.run(
        parser.parse_args(chosen), open_deck=lambda options: _deck(options, demo=demo)
    )
