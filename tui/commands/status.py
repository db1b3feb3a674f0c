"""`status`: one refresh of every chosen account at once, printed as a table or as JSON."""

from __future__ import annotations

import asyncio
import math
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tui.commands import _loop
from tui.commands._base import Parser, add_provider_option
from tui.commands._ids import chosen_keys, only_known, providers_of
from tui.commands._output import may_colour, print_json, print_note, print_text
from tui.core.clock import LOCAL_ZONE
from tui.core.errors import Unsupported
from tui.core.models import Phase, ProviderKey, ProviderState
from tui.core.preferences import Preferences
from tui.core.redact import mask_account
from tui.faces import face_of
from tui.providers import Registry, load_providers
from tui.report.document import error_code, rows
from tui.runtime import Deck, Options
from tui.values import SOURCE

if TYPE_CHECKING:
    from tui.present.views import CardView

DESCRIPTION = "One refresh of every provider that is switched on."
EXAMPLES = (
    "quotadeck status",
    "quotadeck status --json --provider zai,openrouter",
    "quotadeck status --all --no-color --redact",
)
SOURCE_WORDS = ("auto", "api", "web", "cli", "oauth", "local")
"""Every mode there is; which of them a provider has, it says itself."""
NOTHING = (
    "No provider is switched on. See what this machine has with `quotadeck detect`, "
    "or add a key with `quotadeck secret set ID api_key`."
)
OpenDeck = Callable[[Options], Deck]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one run brought."""

    states: tuple[ProviderState, ...]
    registry: Registry
    now: datetime
    prefs: Preferences
    modes: dict[ProviderKey, str]
    labels: dict[ProviderKey, str]


def add_arguments(parser: Parser) -> None:
    """Which providers, how they are asked, and what the document looks like."""
    parser.add_argument("--json", action="store_true", help="an array for scripts")
    add_provider_option(parser, "only these, also when they are not switched on; ID,ID is fine")
    parser.add_argument(
        "--all", action="store_true", help="list those that are off too, without contacting them"
    )
    parser.add_argument("--source", type=_source, metavar="MODE", help="such as auto, api or cli")
    parser.add_argument(
        "--timeout", type=_seconds, metavar="S", help="seconds for the whole run of a provider"
    )
    parser.add_argument("--no-color", action="store_true", help="no colours in the table")
    parser.add_argument("--redact", action="store_true", help="mask accounts and names of people")
    parser.add_argument(
        "--allow-prompts",
        action="store_true",
        help="key stores may ask, as when a key is pressed in the dashboard",
    )


def run(args: Namespace, open_deck: OpenDeck = lambda options: Deck(options=options)) -> int:
    """Print the document; the exit code is that of B§16.

    Args:
        open_deck: Another deck than that of this user, such as the demo.
    """
    keys = chosen_keys(args.provider)
    answer = _loop.run(_ask(args, keys, open_deck))
    if args.json:
        print_json(_rows(answer))
    else:
        color = may_colour() and not args.no_color
        print_text(_table(answer, color=color) or NOTHING, painted=color)
    return exit_code(answer.states)


def exit_code(states: Collection[ProviderState]) -> int:
    """1 for any failure; a closer one when exactly one provider was asked (B§16)."""
    errors = [state.error for state in states if state.error is not None]
    providers = {state.key.provider for state in states if state.phase is not Phase.DISABLED}
    if len(providers) == 1 and errors:
        return error_code(errors[0])
    return 1 if errors else 0


# -- asking ----------------------------------------------------------------------------------------


async def _ask(args: Namespace, keys: tuple[ProviderKey, ...], open_deck: OpenDeck) -> Answer:
    only = providers_of(keys)
    options = Options(
        only=only,
        lean=True,
        flags=_flags(args.source, only),
        timeout_s=args.timeout,
        user_initiated=args.allow_prompts,
    )
    deck = open_deck(options)
    for problem in deck.problems:
        print_note(problem)
    async with deck:
        chosen = only_known(deck.engine.keys, keys)
        user = options.user_initiated
        await asyncio.gather(*(deck.engine.refresh(key, user=user) for key in chosen))
        await deck.update_costs()
        states = [deck.engine.state(key) for key in chosen]
        if args.all and not keys:
            states = _with_those_off(states, deck)
        return Answer(
            states=tuple(states),
            registry=deck.registry,
            now=deck.clock.now(),
            prefs=replace(deck.prefs, privacy=deck.prefs.privacy or args.redact),
            modes={s.key: await _mode(deck, s.key) for s in states if s.snapshot is None},
            labels={state.key: deck.accounts.label(state.key) for state in states},
        )


def _with_those_off(states: Iterable[ProviderState], deck: Deck) -> list[ProviderState]:
    """The states in display order, with those that were not asked between them."""
    asked = list(states)
    found = []
    for spec in deck.accounts.ordered():
        own = [state for state in asked if state.key.provider == spec.id]
        named = [ProviderKey(spec.id, name) for name in deck.accounts.account_tables(spec)]
        asked_keys = {state.key for state in own}
        off = [key for key in named if key not in asked_keys] if own else [ProviderKey(spec.id)]
        found += [*own, *(ProviderState(key=key, phase=Phase.DISABLED) for key in off)]
    return found


async def _mode(deck: Deck, key: ProviderKey) -> str:
    """The configured mode, also one that is not allowed."""
    values = await deck.accounts.values(key, reveal=False)
    found = values.look(SOURCE)
    try:
        return values.mode()
    except Unsupported:
        return str(found.raw) if found else SOURCE.default


def _flags(source: str | None, only: Iterable[str]) -> dict[str, dict[str, str]]:
    if source is None:
        return {}
    return {name: {SOURCE.key: source} for name in only or load_providers().specs}


# -- the document ----------------------------------------------------------------------------------


def _rows(answer: Answer) -> list[dict[str, Any]]:
    return rows(
        answer.states,
        answer.registry.specs,
        now=answer.now,
        modes=answer.modes,
        labels=answer.labels,
        redact=answer.prefs.privacy,
        work_days=answer.prefs.pace_work_days,
        tz=LOCAL_ZONE,
    )


def _table(answer: Answer, *, color: bool) -> str:
    from tui.report.table import table

    cards = [_card(answer, state) for state in answer.states]
    return table(cards, color=color, ascii_only=answer.prefs.ascii)


def _card(answer: Answer, state: ProviderState) -> CardView:
    from tui.present.card import card_view

    spec, label = answer.registry.specs[state.key.provider], answer.labels[state.key]
    shown = mask_account(label) if answer.prefs.privacy else label
    face = face_of(state.key, spec.name, spec.shown_short_name, shown)
    return card_view(
        state,
        name=face.name,
        short_name=face.short_name,
        now=answer.now,
        prefs=answer.prefs,
        tz=LOCAL_ZONE,
    )


# -- flags -----------------------------------------------------------------------------------------


def _source(word: str) -> str:
    if word not in SOURCE_WORDS:
        allowed = ", ".join(SOURCE_WORDS)
        raise ArgumentTypeError(f'"{word}" is not a mode; use one of {allowed}')
    return word


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ArgumentTypeError(f'"{word}" is not a number of seconds above 0')
    return seconds
