"""Keeping every account fresh: one loop each, one refresh at a time each, politely.

The engine decides when to ask and who may publish. How a provider is asked is the chain's
business, what a source is given comes from `open_account`, and what the answers look like nobody
here knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from tui.core.clock import Clock
from tui.core.errors import (
    ErrorInfo,
    ErrorKind,
    FetchError,
    NetworkError,
    RateLimited,
    internal_error,
)
from tui.core.models import (
    CostSummary,
    DetailRow,
    Phase,
    ProviderKey,
    ProviderSnapshot,
    ProviderState,
    map_text,
)
from tui.core.redact import Redactor
from tui.core.schedule import (
    Cadence,
    Due,
    carry_over,
    gate_opens_at,
    interval_s,
    next_due,
    remember_boundary,
)
from tui.core.text import clean
from tui.gateways.blocking import BlockedError, run_blocking
from tui.gateways.cache import Gate, Remembered, SnapshotCache
from tui.providers._chain import FetchResult, ProgramSlots, SourceMemory, run
from tui.providers._context import FetchContext
from tui.providers._spec import BackgroundTask, ProviderSpec

log = logging.getLogger("tui.engine")

PROGRAMS_AT_ONCE = 3
CLOCK_JUMP_S = 60.0
SAVE_S = 10.0
PULSE_S = 15.0
WATCH_S = 1.0
"""Files of a login that is being waited for are looked at that often (B§4.4)."""
WAKE_SPREAD_S = 1.5
INTERACTION_STEP = timedelta(seconds=60)
WAITS_FOR_OWNER = frozenset({ErrorKind.MISSING_CREDENTIALS, ErrorKind.UNAUTHORIZED})
DROPS_SNAPSHOT = frozenset({ErrorKind.MISSING_CREDENTIALS})

Stamps = Mapping[Path, object]
Listener = Callable[[ProviderState], None]


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


@dataclass(slots=True)
class _Slot:
    """What the engine keeps of one account."""

    key: ProviderKey
    spec: ProviderSpec
    state: ProviderState
    phase: float
    fingerprint: str = ""
    generation: int = 0
    task: asyncio.Task[ProviderState] | None = None
    memory: SourceMemory = field(default_factory=SourceMemory)
    gate_until: datetime | None = None
    gates: dict[str, datetime] = field(default_factory=dict)
    """Waits of single credentials, which their sources look after; see `_gate.politely`."""
    anchor: datetime | None = None
    boundaries: tuple[datetime, ...] = ()
    due: Due | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    background: list[asyncio.Task[None]] = field(default_factory=list)
    """What runs beside the refreshes while this account is watched."""
    background_of: str = ""
    """The fingerprint it was started with."""
    watched: Callable[[], Stamps] = dict
    stamps: Stamps = field(default_factory=dict)
    asked: bool = False
    """A wake-up wants a refresh now, not just a new reckoning."""


class RefreshEngine:
    """Holds one state per account and tells subscribers when it changes.

    Args:
        rng: Numbers from 0 to 1, so that not all accounts ask in the same second.
    """

    def __init__(
        self,
        accounts: Accounts,
        *,
        clock: Clock,
        cache: SnapshotCache,
        rng: Callable[[], float],
        rhythm: Rhythm = DEFAULT_RHYTHM,
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._cache = cache
        self._rng = rng
        self._rhythm = rhythm
        self._slots: dict[ProviderKey, _Slot] = {}
        self._listeners: list[Listener] = []
        self._redact = Redactor(personal=False)
        self._programs = ProgramSlots(PROGRAMS_AT_ONCE)
        self._last_interaction: datetime | None = clock.now()
        self._pulse_task: asyncio.Task[None] | None = None
        self._begins_to_watch = asyncio.Event()
        self._saves: set[asyncio.Task[None]] = set()
        self.tell: Callable[[ProviderKey, str], None] = lambda key, sentence: None
        """Takes the sentences background tasks have for the user."""
        self._adopt(accounts.specs())

    # -- what others see -------------------------------------------------------------------------

    @property
    def keys(self) -> tuple[ProviderKey, ...]:
        """The accounts, in display order."""
        return tuple(self._slots)

    def state(self, key: ProviderKey) -> ProviderState:
        """The present state of an account.

        Raises:
            KeyError: It is not switched on.
        """
        return self._slots[key].state

    def states(self) -> tuple[ProviderState, ...]:
        """All states, in display order."""
        return tuple(slot.state for slot in self._slots.values())

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have every changed state passed on; call the result to end it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def restore(self) -> None:
        """Put the last good numbers on the cards, marked as unconfirmed. Reads small files."""
        for slot in self._slots.values():
            if slot.state.attempted_at is not None or slot.state.snapshot is not None:
                continue
            kept = self._cache.load(slot.key)
            slot.fingerprint = kept.fingerprint
            slot.gate_until = kept.gate_until
            slot.gates = {gate.credential: gate.until for gate in kept.gates}
            if kept.snapshot is not None and kept.snapshot.key == slot.key:
                self._publish(slot, replace(slot.state, snapshot=kept.snapshot, restored=True))

    # -- asking ----------------------------------------------------------------------------------

    async def refresh(self, key: ProviderKey, *, user: bool = False) -> ProviderState:
        """Ask one account now and give its state afterwards.

        A background request joins the running one and obeys the gate; a user's request replaces
        the running one and may pass the gate once.
        """
        slot = self._slots[key]
        if user:
            slot.generation += 1
            slot.task = asyncio.create_task(
                self._replace_running(slot, slot.task), name=f"refresh:{key}"
            )
        while True:
            if slot.task is None or slot.task.done():
                slot.task = asyncio.create_task(self._run(slot, False), name=f"refresh:{key}")
            task = slot.task
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                own = asyncio.current_task()
                if not task.cancelled() or (own is not None and own.cancelling()):
                    raise
                if slot.task is task:  # cancelled for good: switched off or shutting down
                    return slot.state

    def set_cost(self, key: ProviderKey, cost: CostSummary) -> None:
        """Put estimated local costs beside the numbers."""
        slot = self._slots.get(key)
        if slot is not None:
            self._publish(slot, replace(slot.state, cost=cost))

    async def refresh_all(self, *, user: bool = False) -> None:
        """Ask all accounts at once."""
        await asyncio.gather(*(self.refresh(key, user=user) for key in self.keys))

    async def watch(self, key: ProviderKey) -> None:
        """Keep one account fresh until cancelled; its background tasks live as long."""
        self._start_pulse()
        slot = self._slots[key]
        self._start_background(slot)
        try:
            while self._slots.get(key) is slot:
                await self._next_round(slot)
        finally:
            ending, slot.background = slot.background, []
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    def interaction(self) -> None:
        """The user touched the dashboard: the adaptive cadence may bring refreshes forward."""
        now, last = self._clock.now(), self._last_interaction
        self._last_interaction = now
        if last is None or not timedelta(0) <= now - last < INTERACTION_STEP:
            self._reckon_all()

    def focus_in(self) -> None:
        """The terminal got the focus: ask those whose numbers are missing or old (B§2.6)."""
        self.interaction()
        now = self._clock.now()
        for slot in self._slots.values():
            if self._rhythm.cadence != "manual" and _wants_fresh(slot.state, now):
                self._ask(slot)

    async def reconfigure(self, rhythm: Rhythm, changed: Iterable[ProviderKey] = ()) -> None:
        """Take over new settings: changed accounts are asked anew, those switched off are cleared.

        Args:
            changed: Accounts whose own settings or secrets changed; their old numbers are void.
        """
        self._rhythm = rhythm
        wanted = self._accounts.specs()
        for key in [key for key in self._slots if key not in wanted]:
            slot = self._slots.pop(key)
            await self._end_running(slot)
            slot.wake.set()
        self._adopt(wanted)
        for key in changed:
            if key in self._slots:
                await self._start_over(self._slots[key])
        self._reckon_all()

    async def aclose(self) -> None:
        """End every loop and refresh."""
        if self._pulse_task is not None:
            self._pulse_task.cancel()
            await asyncio.gather(self._pulse_task, return_exceptions=True)
        for slot in self._slots.values():
            await self._end_running(slot)
        await asyncio.gather(*self._saves)

    # -- one refresh -----------------------------------------------------------------------------

    async def _replace_running(
        self, slot: _Slot, running: asyncio.Task[ProviderState] | None
    ) -> ProviderState:
        if running is not None and not running.done():
            running.cancel()
            await asyncio.wait({running})
        return await self._run(slot, True)

    async def _run(self, slot: _Slot, user: bool) -> ProviderState:
        generation = slot.generation
        partial: list[ProviderSnapshot] = []

        def show(snapshot: ProviderSnapshot) -> None:
            partial.append(snapshot)
            if slot.generation == generation:
                self._succeed(slot, FetchResult(snapshot=snapshot), Phase.REFRESHING)

        self._publish(slot, replace(slot.state, phase=Phase.REFRESHING))
        try:
            async with asyncio.timeout(slot.spec.deadline_s):
                result = await self._ask_account(slot, user, show)
        except TimeoutError:
            result = self._timed_out(slot, partial)
        except FetchError as error:
            result = FetchResult(error=error.info(), drop_snapshot=error.drop_snapshot)
        except asyncio.CancelledError:
            self._publish(slot, replace(slot.state, phase=Phase.WAITING))
            if partial:
                self._keep(slot)
            raise
        except Exception as error:  # a mistake of ours is an error card, never the end of the loop
            log.exception("%s: the refresh failed", slot.key)
            result = FetchResult(error=internal_error(error))
        if slot.generation == generation and self._slots.get(slot.key) is slot:
            self._finish(slot, result)
        return slot.state

    async def _ask_account(
        self, slot: _Slot, user: bool, show: Callable[[ProviderSnapshot], None]
    ) -> FetchResult:
        opened = await self._accounts.open(slot.key, user_initiated=user)
        slot.watched = opened.watched
        if opened.fingerprint != slot.fingerprint:
            self._forget_numbers(slot)
            slot.fingerprint, slot.gate_until = opened.fingerprint, None
        if slot.background and slot.background_of != opened.fingerprint:
            self._start_background(slot)
        if not user:
            self._check_gate(slot)
        ctx = replace(opened.ctx, previous=slot.state.snapshot, gates=slot.gates)
        return await run(slot.spec, ctx, show, memory=slot.memory, programs=self._programs)

    def _check_gate(self, slot: _Slot) -> None:
        now = self._clock.now()
        if slot.gate_until is not None and now < slot.gate_until and not self._closed_gates(slot):
            raise RateLimited(
                f"{slot.spec.name} asked to wait.",
                retry_after_s=(slot.gate_until - now).total_seconds(),
            )

    def _closed_gates(self, slot: _Slot) -> tuple[Gate, ...]:
        """Credentials that have to wait still. Another one of this account may be used."""
        now = self._clock.now()
        return tuple(Gate(mark, until) for mark, until in slot.gates.items() if until > now)

    def _timed_out(self, slot: _Slot, partial: list[ProviderSnapshot]) -> FetchResult:
        if partial:
            return FetchResult(snapshot=partial[-1])
        seconds = slot.spec.deadline_s
        message = f"{slot.spec.name} did not answer within {seconds:g} s."
        error = NetworkError(message, cause="timeout")
        return FetchResult(error=error.info())

    def _finish(self, slot: _Slot, result: FetchResult) -> None:
        slot.stamps = {}
        if result.snapshot is not None:
            self._succeed(slot, result, Phase.WAITING)
            slot.gate_until = None
            self._keep(slot)
        elif result.error is not None:
            self._fail(slot, result, result.error)

    def _succeed(self, slot: _Slot, result: FetchResult, phase: Phase) -> None:
        assert result.snapshot is not None
        cleaned = map_text(result.snapshot, clean)
        before = slot.state
        if before.failures and phase is Phase.WAITING:
            log.info("%s: answers again", slot.key)
        self._publish(
            slot,
            replace(
                before,
                phase=phase,
                snapshot=carry_over(before.snapshot, cleaned),
                error=None,
                failures=0,
                attempts=result.attempts or before.attempts,
                attempted_at=self._clock.now(),
                restored=False,
            ),
        )

    def _fail(self, slot: _Slot, result: FetchResult, error: ErrorInfo) -> None:
        before = slot.state
        shown: ErrorInfo = map_text(error, self._shown)
        self._log_failure(slot, shown)
        gate = gate_opens_at(shown, self._clock.now())
        if gate is not None:
            slot.gate_until = gate
        drop = result.drop_snapshot or shown.kind in DROPS_SNAPSHOT
        gates = self._closed_gates(slot)
        if shown.kind in WAITS_FOR_OWNER or gates:
            slot.stamps = slot.watched()
            self._begins_to_watch.set()
        self._publish(
            slot,
            replace(
                _with_old_numbers(before, result, drop=drop),
                phase=Phase.WAITING,
                error=shown,
                failures=before.failures + 1,
                attempts=tuple(map_text(attempt, self._shown) for attempt in result.attempts),
                attempted_at=self._clock.now(),
            ),
        )
        if gate is not None or gates or drop:
            self._keep(slot)

    def _shown(self, text: str) -> str:
        return clean(self._redact(text))

    def _log_failure(self, slot: _Slot, error: ErrorInfo) -> None:
        first = slot.state.failures == 0
        level = logging.INFO if first else logging.DEBUG
        log.log(level, "%s: %s (%s)", slot.key, error.message, error.kind)

    # -- the loop of one account -----------------------------------------------------------------

    async def _next_round(self, slot: _Slot) -> None:
        due = self._reckon(slot)
        slot.wake.clear()
        if await self._sleep_until(slot, due.at):
            slot.asked = False
            await self.refresh(slot.key)
            slot.anchor = due.anchor
            if due.boundary is not None:
                slot.boundaries = remember_boundary(slot.boundaries, due.boundary)

    def _reckon(self, slot: _Slot) -> Due:
        """When this account is due, kept on its state for everyone to see."""
        now = self._clock.now()
        seconds, _ = interval_s(
            self._rhythm.cadence, self._last_interaction, now, self._rhythm.slow
        )
        due = next_due(
            slot.state,
            cadence=self._rhythm.cadence,
            now=now,
            anchor=slot.anchor,
            last_interaction=self._last_interaction,
            slow=self._rhythm.slow,
            gate_until=slot.gate_until if slot.state.attempted_at else None,
            tried_boundaries=slot.boundaries,
            phase=slot.phase,
        )
        slot.due = due
        self._publish(
            slot,
            replace(slot.state, next_at=due.at, next_reason=due.reason, interval_s=seconds),
        )
        return due

    async def _sleep_until(self, slot: _Slot, at: datetime | None) -> bool:
        """Whether it is time to ask; false when the reckoning has to be done again."""
        if slot.asked:
            return True
        seconds = None if at is None else (at - self._clock.now()).total_seconds()
        if seconds is not None and seconds <= 0:
            return True
        woken = await _either(
            None if seconds is None else self._clock.sleep(seconds), slot.wake.wait()
        )
        return slot.asked or not woken

    def _ask(self, slot: _Slot) -> None:
        slot.asked = True
        slot.wake.set()

    def _reckon_all(self) -> None:
        for slot in self._slots.values():
            slot.wake.set()

    # -- background tasks ------------------------------------------------------------------------

    def _start_background(self, slot: _Slot) -> None:
        """Start its tasks, instead of those that run with settings of before."""
        before = [task for task in slot.background if not task.done()]
        for running in before:
            running.cancel()
        started = [
            asyncio.create_task(self._background(slot, task), name=f"{task.id}:{slot.key}")
            for task in slot.spec.background
        ]
        slot.background = before + started

    async def _background(self, slot: _Slot, task: BackgroundTask) -> None:
        try:
            opened = await self._accounts.open(slot.key, user_initiated=False)
            slot.background_of = opened.fingerprint
            await task.run(
                replace(
                    opened.ctx,
                    request_refresh=lambda: self._ask(slot),
                    tell=lambda sentence: self.tell(slot.key, self._shown(sentence)),
                    report=lambda rows: self._report(slot, task, rows),
                )
            )
        except FetchError as error:
            log.info("%s: %s does not run: %s", slot.key, task.label, error.message)
        except Exception:  # a mistake of ours ends this task, never the watch
            log.exception("%s: %s failed", slot.key, task.label)
        finally:
            self._report(slot, task, ())

    def _report(self, slot: _Slot, task: BackgroundTask, rows: Sequence[tuple[str, str]]) -> None:
        kept = tuple(row for row in slot.state.tasks if row.group != task.label)
        new = tuple(DetailRow(task.label, label, self._shown(text)) for label, text in rows)
        self._publish(slot, replace(slot.state, tasks=kept + new))

    # -- one pulse for all -----------------------------------------------------------------------

    def _start_pulse(self) -> None:
        if self._pulse_task is None or self._pulse_task.done():
            self._pulse_task = asyncio.create_task(self._pulse(), name="pulse")

    async def _pulse(self) -> None:
        """Notice that the machine slept, and that the owner of a login renewed it."""
        offset = self._clock_offset()
        while True:
            self._begins_to_watch.clear()
            waiting = any(slot.stamps for slot in self._slots.values())
            seconds = WATCH_S if waiting else PULSE_S
            await _either(self._clock.sleep(seconds), self._begins_to_watch.wait())
            for slot in self._slots.values():
                if slot.stamps and slot.watched() != slot.stamps:
                    slot.stamps = {}
                    slot.memory = SourceMemory()
                    log.info("%s: its login changed, asking again", slot.key)
                    self._ask(slot)
            jumped = abs(self._clock_offset() - offset) > CLOCK_JUMP_S
            offset = self._clock_offset()
            if jumped:
                await self._wake_after_sleep()

    def _clock_offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

    async def _wake_after_sleep(self) -> None:
        log.info("the machine slept or its clock was set, asking all again")
        for slot in list(self._slots.values()):
            if self._rhythm.cadence != "manual":
                self._ask(slot)
            await self._clock.sleep(WAKE_SPREAD_S / max(len(self._slots), 1))

    # -- bookkeeping -----------------------------------------------------------------------------

    def _adopt(self, specs: Mapping[ProviderKey, ProviderSpec]) -> None:
        """Make slots for new accounts and bring all into display order."""
        self._slots = {
            key: self._slots.get(key)
            or _Slot(key=key, spec=spec, state=ProviderState(key=key), phase=self._rng())
            for key, spec in specs.items()
        }

    async def _end_running(self, slot: _Slot) -> None:
        """Cancel the running refresh and wait until it has really ended."""
        slot.generation += 1
        while slot.task is not None and not slot.task.done():
            slot.task.cancel()
            await asyncio.wait({slot.task})

    async def _start_over(self, slot: _Slot) -> None:
        await self._end_running(slot)
        slot.gate_until = None
        slot.memory = SourceMemory()
        self._forget_numbers(slot)
        self._ask(slot)

    def _forget_numbers(self, slot: _Slot) -> None:
        if slot.fingerprint or not slot.state.restored:
            self._publish(
                slot,
                ProviderState(
                    key=slot.key,
                    phase=slot.state.phase,
                    interval_s=slot.state.interval_s,
                    tasks=slot.state.tasks,
                ),
            )

    def _keep(self, slot: _Slot) -> None:
        """Write the numbers and the gate down, beside the event loop."""
        kept = Remembered(
            fingerprint=slot.fingerprint,
            snapshot=slot.state.snapshot,
            gate_until=slot.gate_until,
            gates=self._closed_gates(slot),
        )
        task = asyncio.create_task(self._save(slot.key, kept), name=f"keep:{slot.key}")
        self._saves.add(task)
        task.add_done_callback(self._saves.discard)

    async def _save(self, key: ProviderKey, kept: Remembered) -> None:
        try:
            await run_blocking(lambda: self._cache.save(key, kept), deadline_s=SAVE_S)
        except BlockedError:
            log.warning("%s: the disk is too slow, the last numbers were not kept", key)

    def _publish(self, slot: _Slot, state: ProviderState) -> None:
        if state == slot.state:
            return
        slot.state = state
        if self._slots.get(slot.key) is slot:
            for listener in tuple(self._listeners):
                listener(state)


def _with_old_numbers(state: ProviderState, result: FetchResult, *, drop: bool) -> ProviderState:
    """The state with the numbers that may stand beside an error.

    Those of this run stay for as long as the failure is forgiven (B§4.2).
    """
    if drop:
        return replace(state, snapshot=None)
    is_forgiven = state.failures == 0 and state.snapshot is not None and not state.restored
    if result.last_known is None or is_forgiven:
        return state
    return replace(state, snapshot=map_text(result.last_known, clean), restored=True)


def _wants_fresh(state: ProviderState, now: datetime) -> bool:
    if state.snapshot is None or state.error is not None:
        return state.failures < 2
    return (now - state.snapshot.fetched_at).total_seconds() > max(180.0, 3 * state.interval_s)


async def _either(sleep: Awaitable[None] | None, wake: Awaitable[bool]) -> bool:
    """Wait for the first of the two; true when it was the wake-up."""
    waker = asyncio.ensure_future(wake)
    waiting = {waker} if sleep is None else {waker, asyncio.ensure_future(sleep)}
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        return waker in done
    finally:
        for task in waiting:
            task.cancel()
