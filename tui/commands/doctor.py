"""`doctor`: ask a provider now, past every gate, and explain each attempt.

What it prints is meant for a public issue: no secret, no account, no path of a home folder.
"""

from __future__ import annotations

import asyncio
import platform
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tui import __version__
from tui.commands import _loop
from tui.commands._base import Parser
from tui.commands._ids import chosen_keys, only_known, providers_of
from tui.commands._keys import provider_settings
from tui.commands._output import columns, print_text
from tui.commands._settings import DEFAULT
from tui.commands.status import NOTHING, exit_code
from tui.core.clock import LOCAL_ZONE
from tui.core.errors import DEFAULT_HINTS, ErrorInfo, ErrorKind, FetchError, NetworkError
from tui.core.models import ProviderKey, ProviderSnapshot, ProviderState
from tui.core.redact import Redactor
from tui.present.details import attempt_views
from tui.present.reader import Reader
from tui.providers import _chain
from tui.providers._spec import ProviderSpec
from tui.report.parts import headless_hint
from tui.runtime import Deck, Options
from tui.values import ProviderValues

DESCRIPTION = "Ask a provider now and explain every attempt. Safe to paste into a public issue."
EXAMPLES = ("quotadeck doctor zai", "quotadeck doctor")
SURROUNDINGS = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""Variables that decide whether a host is reached; their names are printed, no values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One account after its examination."""

    spec: ProviderSpec
    state: ProviderState
    mode: str
    values: ProviderValues
    lines: tuple[str, ...]
    """What it wrote into the log."""


def add_arguments(parser: Parser) -> None:
    """Whom to ask."""
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="a provider or account; without it all that are on"
    )


def run(args: Namespace) -> int:
    """Print the findings; the exit code is that of `status`."""
    keys = chosen_keys([args.id] if args.id else [])
    text, states = _loop.run(
        _loop.with_open_deck(
            lambda deck: _examine_all(deck, keys), Options(only=providers_of(keys), lean=True)
        )
    )
    print_text(text)
    return exit_code(states)


# -- asking ----------------------------------------------------------------------------------------


async def _examine_all(deck: Deck, keys: Sequence[ProviderKey]) -> tuple[str, list[ProviderState]]:
    await deck.accounts.settle()
    chosen = only_known(deck.accounts.specs(), keys)
    programs = _chain.ProgramSlots()
    examined = await asyncio.gather(*(_examine(deck, key, programs) for key in chosen))
    parts = [_surroundings(deck), *(_paragraph(item, deck) for item in examined)]
    text = "\n\n".join(parts if examined else [*parts, NOTHING])
    return _public(text, deck.paths.home), [item.state for item in examined]


async def _examine(deck: Deck, key: ProviderKey, programs: _chain.ProgramSlots) -> Examined:
    spec = deck.accounts.specs()[key]
    values = await deck.accounts.values(key, reveal=False)
    result = await _result(deck, spec, key, programs)
    state = ProviderState(
        key=key,
        snapshot=result.snapshot,
        error=result.error,
        attempts=result.attempts,
        attempted_at=deck.clock.now(),
    )
    lines = tuple(line.text for line in deck.ring.records(provider=key.provider))
    return Examined(spec=spec, state=state, mode=_mode(values), values=values, lines=lines)


async def _result(
    deck: Deck, spec: ProviderSpec, key: ProviderKey, programs: _chain.ProgramSlots
) -> _chain.FetchResult:
    """The whole chain, without cache and gates; nothing may ask."""
    try:
        async with asyncio.timeout(spec.deadline_s):
            opened = await deck.accounts.open(key, user_initiated=False)
            return await _chain.run(spec, opened.ctx, programs=programs)
    except TimeoutError:
        message = f"{spec.name} did not answer within {spec.deadline_s:g} s."
        return _chain.FetchResult(error=NetworkError(message, cause="timeout").info())
    except FetchError as error:
        return _chain.FetchResult(error=error.info())


def _mode(values: ProviderValues) -> str:
    try:
        return values.mode()
    except FetchError:
        return "not allowed"


# -- explaining ------------------------------------------------------------------------------------


def _surroundings(deck: Deck) -> str:
    """The program, the system and what may stand between us and a host."""
    names = [name for name in SURROUNDINGS if deck.env.get(name) or deck.env.get(name.lower())]
    rows = [
        ("quotadeck", f"{__version__}, Python {platform.python_version()}"),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("settings", f"{deck.config.path}{'' if deck.config.path.exists() else ' (not there)'}"),
        *(("problem", problem) for problem in deck.problems),
        ("secrets", deck.accounts.world.store.describe()),
        ("variables", ", ".join(names) or "none that concern the network"),
    ]
    return columns(rows)


def _paragraph(item: Examined, deck: Deck) -> str:
    head = f"{item.spec.name} ({item.state.key}), mode {item.mode}"
    sections = (_attempts(item, deck), _outcome(item.state), _origins(item, deck), _log(item))
    return "\n".join((head, *(f"  {line}" for section in sections for line in section)))


def _attempts(item: Examined, deck: Deck) -> Iterator[str]:
    """Every attempt with the next step of its failure, then what was not reached."""
    reader = Reader(deck.clock.now(), replace(deck.prefs, privacy=True), LOCAL_ZONE)
    width = max((len(source.id) for source in item.spec.sources), default=0)
    views = attempt_views(item.state, reader)
    for view, attempt in zip(views, item.state.attempts, strict=True):
        yield view.line(width)
        if attempt.error is not None:
            yield from _next_step(attempt.error, item.state.key, indent="  ")
    mode = item.spec.mode(item.mode)
    tried = {attempt.source_id for attempt in item.state.attempts}
    missed = [name for name in (mode.sources if mode else ()) if name not in tried]
    if missed and item.state.snapshot is None:
        yield f"{', '.join(missed)}: not tried"


def _outcome(state: ProviderState) -> Iterator[str]:
    if state.snapshot is not None:
        yield f"answer: {_summary(state.snapshot)}"
        if state.snapshot.notice:
            yield f"notice: {state.snapshot.notice}"
    is_told = any(attempt.error == state.error for attempt in state.attempts)
    if state.error is not None and not is_told:
        yield f"result: {state.error.message}"
        yield from _next_step(state.error, state.key)


def _next_step(error: ErrorInfo, key: ProviderKey, indent: str = "") -> Iterator[str]:
    hint = headless_hint(error.hint, key.provider)
    if hint and error.hint != DEFAULT_HINTS[ErrorKind.MISSING_CREDENTIALS]:
        yield f"{indent}next step: {hint}"


def _log(item: Examined) -> Iterator[str]:
    return (f"log: {line}" for line in item.lines)


def _summary(snapshot: ProviderSnapshot) -> str:
    windows = ", ".join(window.id for window in snapshot.windows) or "none"
    balances = ", ".join(balance.id for balance in snapshot.balances) or "none"
    return f"windows {windows}; balances {balances}; {snapshot.confidence}"


def _origins(item: Examined, deck: Deck) -> Iterator[str]:
    """Where each setting comes from; the values may be nobody's business."""
    for setting in provider_settings(item.spec, item.state.key, deck.config):
        shown = setting.shown(item.values)
        if shown is not None and shown.origin != DEFAULT:
            yield f"{setting.field.key}: {shown.origin}"


def _public(text: str, home: Path) -> str:
    """Without secrets, names of people and their home folder, where it is not all there is."""
    is_own = len(home.parts) > 1
    return Redactor(personal=True)(text.replace(str(home), "~") if is_own else text)
