"""A deck of canned states: what the screens see in tests, without engine, network or files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.support import NOON, FakeClock
from tui.core.models import ProviderKey, ProviderState
from tui.core.preferences import Preferences
from tui.providers._spec import Links, Mode, ProviderSpec


@dataclass(frozen=True)
class FakeFace:
    key: ProviderKey
    name: str
    short_name: str


@dataclass(frozen=True)
class FakeLine:
    at: datetime
    level: int
    provider: str
    text: str


@dataclass(frozen=True)
class FakeDetection:
    provider: str
    name: str
    text: str
    enabled: bool = False


@dataclass
class FakeConfig:
    keys: Mapping[str, str] = field(default_factory=dict)
    theme: str = "textual-dark"
    density: str = "auto"


class FakeRing:
    """Lines and listeners, nothing else."""

    def __init__(self) -> None:
        self.lines: list[FakeLine] = []
        self.listeners: list[Callable[[Any], None]] = []

    def add(self, text: str, level: int = logging.INFO, provider: str = "") -> None:
        line = FakeLine(NOON, level, provider, text)
        self.lines.append(line)
        for listener in tuple(self.listeners):
            listener(line)

    def records(self, level: int, provider: str) -> Sequence[FakeLine]:
        return [x for x in self.lines if x.level >= level and provider in ("", x.provider)]

    def subscribe(self, callback: Callable[[Any], None], /) -> Callable[[], None]:
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)


class FakeEngine:
    """Publishes what a test tells it and remembers what it was asked."""

    def __init__(self, states: dict[ProviderKey, ProviderState]) -> None:
        self.tell: Callable[[ProviderKey, str], None] = lambda key, sentence: None
        self.states = states
        self.listeners: list[Callable[[ProviderState], None]] = []
        self.asked: list[tuple[ProviderKey | None, bool]] = []
        self.interactions = 0
        self.focused = 0
        self.watching: list[ProviderKey] = []
        self.broken: set[ProviderKey] = set()

    def state(self, key: ProviderKey) -> ProviderState:
        return self.states[key]

    def publish(self, state: ProviderState) -> None:
        self.states[state.key] = state
        for listener in tuple(self.listeners):
            listener(state)

    def subscribe(self, listener: Callable[[ProviderState], None], /) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def watch(self, key: ProviderKey) -> None:
        self.watching.append(key)
        if key in self.broken:
            raise RuntimeError("sk-verysecretvalue")
        await asyncio.Event().wait()

    async def refresh(self, key: ProviderKey, *, user: bool) -> None:
        self.asked.append((key, user))

    async def refresh_all(self, *, user: bool) -> None:
        self.asked.append((None, user))

    def interaction(self) -> None:
        self.interactions += 1

    def focus_in(self) -> None:
        self.focused += 1


async def _no_fetch(ctx: Any) -> Any:
    raise AssertionError


def spec_of(provider: str, name: str, short_name: str = "") -> ProviderSpec:
    """A declaration with nothing but names and links."""
    return ProviderSpec(
        id=provider,
        name=name,
        short_name=short_name,
        sources=(),
        modes=(Mode("auto", ()),),
        links=Links(dashboard=f"https://{provider}.example/usage"),
    )


class FakeDeck:
    """Satisfies `DeckApi`."""

    def __init__(
        self,
        states: Sequence[tuple[str, ProviderState]],
        *,
        prefs: Preferences | None = None,
        config: FakeConfig | None = None,
        detections: Sequence[FakeDetection] = (),
        problems: tuple[str, ...] = (),
        demo: bool = False,
        remembered: bool = True,
    ) -> None:
        self.names = {state.key: name for name, state in states}
        self._engine = FakeEngine({state.key: state for _, state in states})
        self.clock = FakeClock(NOON)
        self.ring = FakeRing()
        self.config = config or FakeConfig()
        self.prefs = prefs or Preferences()
        self.demo = demo
        self.problems = problems
        self.log_place = "~/.local/state/quotadeck/quotadeck.log"
        self.found = list(detections)
        self.pages: Any = None
        self.is_started = False
        self.closed = False
        self.remembered = remembered

    def keys(self) -> tuple[ProviderKey, ...]:
        return tuple(self.names) if self.remembered or self.is_started else ()

    def faces(self) -> tuple[FakeFace, ...]:
        return tuple(FakeFace(key, name, name) for key, name in self.names.items())

    def last_state(self, key: ProviderKey) -> ProviderState:
        return replace(self._engine.states[key], restored=True)

    def set_pref(self, name: str, value: object) -> None:
        self.prefs = replace(self.prefs, **{name: value})  # type: ignore[arg-type]

    @property
    def engine(self) -> FakeEngine:
        assert self.is_started
        return self._engine

    def spec(self, key: ProviderKey) -> ProviderSpec:
        return spec_of(key.provider, self.names[key])

    async def start(self) -> None:
        await asyncio.sleep(0)
        self.is_started = True

    async def aclose(self) -> None:
        self.closed = True

    async def detections(self, *, browsers: bool = False) -> Sequence[FakeDetection]:
        extra = FakeDetection("amp", "Amp", "signed in to ampcode.com in Chromium")
        return [*self.found, extra] if browsers else list(self.found)

    async def enable(self, provider_id: str) -> None:
        self.found = [
            replace(x, enabled=x.enabled or x.provider == provider_id) for x in self.found
        ]
        key = ProviderKey(provider_id)
        self.names[key] = provider_id
        self._engine.states[key] = ProviderState(key=key)

    def let_pass(self, seconds: float) -> None:
        """Move the clock; the next tick of the screen sees it."""
        self.clock.moment += timedelta(seconds=seconds)
