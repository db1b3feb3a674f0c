"""What the engine gets to open an account, and what it keeps of one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tui.core.errors import RateLimited
from tui.core.models import ProviderKey, ProviderState
from tui.core.schedule import Cadence, Due, remember_boundary
from tui.engine.background import Background
from tui.gateways.cache import Gate, Remembered
from tui.providers._chain import SourceMemory
from tui.providers._context import FetchContext
from tui.providers._spec import ProviderSpec

Stamps = Mapping[Path, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount:
    """An account made ready for one refresh."""

    ctx: FetchContext
    fingerprint: str
    """Changes when the numbers of before no longer belong to it."""
    watched: Callable[[], Stamps] = dict
    """What the files that were looked at are like."""


class Accounts(Protocol):
    """Where the engine gets its accounts from."""

    def specs(self) -> Mapping[ProviderKey, ProviderSpec]:
        """The accounts that are switched on, in display order."""

    async def open(self, key: ProviderKey, *, user_initiated: bool) -> OpenAccount:
        """Make one ready.

        Raises:
            FetchError: Its settings cannot be used.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often to ask, as the settings say."""

    cadence: Cadence = "adaptive"
    slow: bool = False


DEFAULT_RHYTHM = Rhythm()


@dataclass(slots=True, kw_only=True)
class Slot:
    """What the engine keeps of one account."""

    key: ProviderKey
    spec: ProviderSpec
    state: ProviderState
    phase: float
    """From 0 to 1: its share of the jitter, so that not all ask in the same second."""
    background: Background
    fingerprint: str = ""
    generation: int = 0
    """Only the newest may publish."""
    task: asyncio.Task[ProviderState] | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the refresh that runs, until it has really ended."""
    memory: SourceMemory = field(default_factory=SourceMemory)
    gate_until: datetime | None = None
    gates: dict[str, datetime] = field(default_factory=dict)
    """Waits of single credentials, which their sources look after; see `_gate.politely`."""
    anchor: datetime | None = None
    boundaries: tuple[datetime, ...] = ()
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    asked: bool = False
    """A wake-up wants a refresh now, not just a new reckoning."""
    watched: Callable[[], Stamps] = dict
    stamps: Stamps = field(default_factory=dict)
    """The files of a login that is waited for, as they were; empty while none is."""

    def came_by_itself(self, due: Due) -> None:
        """A refresh that was due has run."""
        self.anchor = due.anchor
        if due.boundary is not None:
            self.boundaries = remember_boundary(self.boundaries, due.boundary)

    def ask(self) -> None:
        """Have its loop refresh it now."""
        self.asked = True
        self.wake.set()

    def closed_gates(self, now: datetime) -> tuple[Gate, ...]:
        """Credentials that have to wait still. Another one of this account may be used."""
        return tuple(Gate(mark, until) for mark, until in self.gates.items() if until > now)

    def check_gate(self, now: datetime) -> None:
        """Let a refresh pass that nobody asked for.

        Raises:
            RateLimited: The account as a whole has to wait.
        """
        if self.gate_until is None or now >= self.gate_until or self.closed_gates(now):
            return
        wait_s = (self.gate_until - now).total_seconds()
        raise RateLimited(f"{self.spec.name} asked to wait.", retry_after_s=wait_s, cause="held")

    def remembered(self, now: datetime) -> Remembered:
        """What the next run should know."""
        return Remembered(
            fingerprint=self.fingerprint,
            snapshot=self.state.snapshot,
            gate_until=self.gate_until,
            gates=self.closed_gates(now),
        )

    def notice_renewal(self) -> bool:
        """Whether the owner of a login that is waited for has renewed it; it is waited for no
        longer then."""
        if not self.stamps or self.watched() == self.stamps:
            return False
        self.stamps = {}
        self.memory = SourceMemory()
        return True
