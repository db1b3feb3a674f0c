"""The user's own keys against the actions there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding, BindingType


def key_problems(
    wanted: Mapping[str, str],
    everywhere: Iterable[BindingType],
    together: Iterable[BindingType],
) -> list[str]:
    """What is wrong with `[keys]`, one sentence each.

    Args:
        wanted: Action id to keys, as in the settings.
        everywhere: The bindings of all places.
        together: Those that work at the same time on the deck.
    """
    known = {binding.id for binding in Binding.make_bindings(everywhere) if binding.id}
    problems = [f"[keys]: there is no action {name}." for name in wanted if name not in known]
    taken = {key: name for name, keys in wanted.items() for key in _split(keys)}
    for binding in Binding.make_bindings(together):
        winner = taken.get(binding.key)
        if winner and binding.id and binding.id not in wanted and winner != binding.id:
            problems.append(f"[keys]: {binding.key} is {winner} now, no longer {binding.id}.")
    return problems


def _split(keys: str) -> list[str]:
    return [binding.key for binding in Binding.make_bindings([Binding(keys, "")])]
