"""The bottom line: the keys that work here. It shortens before it wraps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len as cells
from textual import events
from textual.binding import ActiveBinding, Binding
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

Key = tuple[str, str, str]
"""Key as bound, key as shown, what it does."""

KEPT_LAST = ("help", "quit")
"""Ids of the bindings that stay when others no longer fit."""
GAP = "  "


class KeyBar(Widget):
    """Like a footer, as one widget and never wider than the line."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--what"}

    keys: reactive[tuple[Key, ...]] = reactive[tuple[Key, ...]](())
    """The keys of this place, in order."""
    last: reactive[tuple[Key, ...]] = reactive[tuple[Key, ...]](())
    """The keys of every place."""

    def on_mount(self) -> None:
        """Follow the focus: every place has its own keys."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._changed(self.screen)

    def on_click(self, event: events.Click) -> None:
        """A click on a key presses it."""
        key = self._key_at(event.x - self.gutter.left)
        if key:
            self.app.simulate_key(key)

    def render(self) -> Content:
        """As many keys as fit."""
        key_style = self.get_visual_style("key-bar--key")
        what_style = self.get_visual_style("key-bar--what")
        return Content(GAP).join(
            Content.assemble((shown, key_style), (f" {what}" if what else "", what_style))
            for _, shown, what in self._fitting()
        )

    def _fitting(self) -> tuple[Key, ...]:
        return fitting(self.keys, self.last, self.size.width)

    def _changed(self, screen: Screen[object]) -> None:
        if not screen.is_active:
            return
        shown: dict[str, Binding] = {}
        for active in in_declared_order(screen.active_bindings.values()):
            if active.binding.show and active.enabled:
                shown.setdefault(active.binding.action, active.binding)
        bindings = shown.values()
        self.keys = tuple(self._key(item) for item in bindings if item.id not in KEPT_LAST)
        self.last = tuple(self._key(item) for item in bindings if item.id in KEPT_LAST)

    def _key(self, binding: Binding) -> Key:
        """Words of Textual's own widgets begin in upper case; here nothing does."""
        return binding.key, self.app.get_key_display(binding), binding.description.lower()

    def _key_at(self, x: int) -> str:
        start = 0
        for key in self._fitting():
            end = start + cells(_text(key))
            if start <= x < end:
                return key[0]
            start = end + len(GAP)
        return ""


def in_declared_order(active: Iterable[ActiveBinding]) -> list[ActiveBinding]:
    """By place in the chain of focus, then as declared; the user's own keys come last otherwise."""
    bindings = list(active)
    nodes = list(dict.fromkeys(item.node for item in bindings))
    places = {
        (node, binding.id): place
        for node in nodes
        for place, binding in enumerate(Binding.make_bindings(node.BINDINGS))
    }
    return sorted(
        bindings,
        key=lambda item: (nodes.index(item.node), places.get((item.node, item.binding.id), 0)),
    )


def fitting(keys: tuple[Key, ...], last: tuple[Key, ...], width: int) -> tuple[Key, ...]:
    """As much of both as fits: the last ones lose their words, then ordinary ones go.

    Args:
        last: The keys that stay to the end.
    """
    bare = tuple((key, shown, "") for key, shown, _ in last)
    choices = [(*keys, *last), *((*keys[:count], *bare) for count in range(len(keys), -1, -1))]
    return next((choice for choice in choices if _line_width(choice) <= width), choices[-1])


def _text(key: Key) -> str:
    return f"{key[1]} {key[2]}".strip()


def _line_width(keys: tuple[Key, ...]) -> int:
    return sum(cells(_text(key)) for key in keys) + len(GAP) * (len(keys) - 1)
