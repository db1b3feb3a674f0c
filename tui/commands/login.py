"""`login`: signing in to a provider that offers it itself, such as by a code in any browser."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from tui.commands import _loop
from tui.commands._base import Parser, UsageError
from tui.commands._ids import find_key, only_known
from tui.commands._keys import account_keys
from tui.commands._output import one_line, print_note, print_text
from tui.core.models import ProviderKey
from tui.providers import Registry, load_providers
from tui.providers._spec import Action, ProviderSpec
from tui.runtime import Deck

DESCRIPTION = "Sign in to a provider that offers it, also where no browser is, as over SSH."
EXAMPLES = ("quotadeck login copilot", "quotadeck login copilot:work")
LOG_IN = "log_in"
"""The id of the action that does it."""


def add_arguments(parser: Parser) -> None:
    """To whom."""
    parser.add_argument("id", metavar="ID", help="a provider, or an account such as copilot:work")


def run(args: Namespace) -> int:
    """Sign in and say what happened."""
    registry = load_providers()
    key = find_key(registry, args.id)
    action = find_action(registry, key)
    print_text(one_line(_loop.run(_loop.with_open_deck(lambda deck: _act(deck, key, action)))))
    return 0


def find_action(registry: Registry, key: ProviderKey) -> Action:
    """What signs in to a provider.

    Raises:
        UsageError: It offers nothing of that kind.
    """
    spec = registry.specs[key.provider]
    action = _login_of(spec)
    if action is not None:
        return action
    able = ", ".join(sorted(name for name, other in registry.specs.items() if _login_of(other)))
    raise UsageError(
        f"{spec.name} offers no login here.",
        hint=f"Known: {able}. Elsewhere sign in with its own program, or use `quotadeck secret`.",
    )


def _login_of(spec: ProviderSpec) -> Action | None:
    return next((action for action in spec.actions if action.id == LOG_IN), None)


async def _act(deck: Deck, key: ProviderKey, action: Action) -> str:
    """Do it for one account; what the user has to know meanwhile is a remark."""
    if key.account:
        only_known(account_keys(deck.registry.specs[key.provider], deck.config), (key,))
    opened = await deck.accounts.open(key, user_initiated=True)
    return await action.run(replace(opened.ctx, tell=print_note))
