"""The engine itself: who is asked when, who may publish, and who hears of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from tui.core.clock import Clock
from tui.core.errors import ErrorInfo, ErrorKind, FetchError, internal_error
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
from tui.core.schedule import gate_opens_at
from tui.core.text import LONGEST_QUOTE, clean
from tui.engine.account import DEFAULT_RHYTHM, Accounts, Rhythm, Slot
from tui.engine.background import Background, Means, Rows
from tui.engine.keeping import Keeper
from tui.engine.outcome import (
    emptied,
    failed,
    succeeded,
    summary,
    voids_numbers,
    wants_fresh,
)
from tui.engine.pulse import Pulse
from tui.engine.timing import AWAY, OFTEN, Timing
from tui.gateways.cache import SnapshotCache
from tui.providers._chain import FetchResult, ProgramSlots, SourceMemory, run, too_slow
from tui.providers._spec import BackgroundTask, ProviderSpec

log = logging.getLogger("tui.engine")

WAKE_SPREAD_S = 1.5
WAITS_FOR_OWNER = frozenset(
    {ErrorKind.MISSING_CREDENTIALS, ErrorKind.UNAUTHORIZED, ErrorKind.UNSUPPORTED}
)

Listener = Callable[[ProviderState], None]


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
        self._timing = Timing(clock, rhythm)
        self._slots: dict[ProviderKey, Slot] = {}
        self._listeners: list[Listener] = []
        self._redact = Redactor(personal=False)
        self._programs = ProgramSlots()
        self._pulse = Pulse(
            clock,
            is_waiting=lambda: any(slot.stamps for slot in self._slots.values()),
            look=self._look_for_renewals,
            on_jump=self._wake_after_sleep,
        )
        self._keeper = Keeper(cache)
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
            if slot.task is not None:
                slot.task.cancel()
            slot.task = asyncio.create_task(self._run(slot, True), name=f"refresh:{key}")
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
        self._pulse.start()
        slot = self._slots[key]
        slot.background.start()
        try:
            while self._slots.get(key) is slot:
                await self._next_round(slot)
        finally:
            await slot.background.end()

    def interaction(self) -> None:
        """The user touched the dashboard: the adaptive cadence may bring refreshes forward."""
        pause = self._timing.interaction()
        if pause >= AWAY:
            self._ask_for_fresh()
        if not timedelta(0) <= pause < OFTEN:
            self._reckon_all()

    def focus_in(self) -> None:
        """The terminal got the focus: ask those whose numbers are missing or old (B§2.6)."""
        self._timing.interaction()
        self._ask_for_fresh()
        self._reckon_all()

    async def reconfigure(self, rhythm: Rhythm, changed: Iterable[ProviderKey] = ()) -> None:
        """Take over new settings: changed accounts are asked anew, those switched off are cleared.

        Args:
            changed: Accounts whose own settings or secrets changed; their old numbers are void.
        """
        self._timing.rhythm = rhythm
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
        await self._pulse.end()
        for slot in self._slots.values():
            await self._end_running(slot)
        await self._keeper.end()

    # -- one refresh -----------------------------------------------------------------------------

    async def _run(self, slot: Slot, user: bool) -> ProviderState:
        async with slot.turn:  # one that was replaced may still be ending
            return await self._run_alone(slot, user)

    async def _run_alone(self, slot: Slot, user: bool) -> ProviderState:
        generation, before = slot.generation, slot.state
        partial: list[ProviderSnapshot] = []

        def show(snapshot: ProviderSnapshot) -> None:
            partial.append(snapshot)
            if slot.generation == generation:
                self._succeed(slot, FetchResult(snapshot=snapshot), Phase.REFRESHING)

        self._publish(slot, replace(slot.state, phase=Phase.REFRESHING))
        try:
            async with asyncio.timeout(slot.spec.deadline_s) as deadline:
                programs = self._programs.under(deadline)
                result = await self._ask_account(slot, user, show, programs)
        except TimeoutError:
            result = FetchResult(snapshot=partial[-1]) if partial else too_slow(slot.spec)
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
            self._log_outcome(slot, before)
        return slot.state

    async def _ask_account(
        self,
        slot: Slot,
        user: bool,
        show: Callable[[ProviderSnapshot], None],
        programs: ProgramSlots,
    ) -> FetchResult:
        opened = await self._accounts.open(slot.key, user_initiated=user)
        slot.watched = opened.watched
        if opened.fingerprint != slot.fingerprint:
            self._forget_numbers(slot)
            slot.fingerprint, slot.gate_until = opened.fingerprint, None
        slot.background.follow(opened.fingerprint)
        if not user:
            slot.check_gate(self._clock.now())
        ctx = replace(opened.ctx, previous=slot.state.snapshot, gates=slot.gates)
        return await run(slot.spec, ctx, show, memory=slot.memory, programs=programs)

    def _finish(self, slot: Slot, result: FetchResult) -> None:
        slot.stamps = {}
        slot.wake.set()
        if result.snapshot is not None:
            self._succeed(slot, result, Phase.WAITING)
            slot.gate_until = None
            self._keep(slot)
        elif result.error is not None:
            error = map_text(result.error, self._shown)
            attempts = tuple(map_text(attempt, self._shown) for attempt in result.attempts)
            self._fail(slot, replace(result, error=error, attempts=attempts), error)

    def _succeed(self, slot: Slot, result: FetchResult, phase: Phase) -> None:
        self._publish(slot, succeeded(slot.state, result, phase, self._clock.now()))

    def _fail(self, slot: Slot, result: FetchResult, error: ErrorInfo) -> None:
        now = self._clock.now()
        gate = gate_opens_at(error, now)
        if gate is not None:
            slot.gate_until = gate
        gates = slot.closed_gates(now)
        if error.kind in WAITS_FOR_OWNER or gates:
            slot.stamps = slot.watched()
            self._pulse.hurry()
        self._publish(slot, failed(slot.state, result, now))
        if gate is not None or gates or voids_numbers(result, error):
            self._keep(slot)

    def _shown(self, text: str) -> str:
        # Once before: a sign without a width inside a secret would hide it. Once after: the half of
        # one, cut off, would no longer be recognised.
        return clean(self._redact(clean(text, LONGEST_QUOTE)))

    def _log_outcome(self, slot: Slot, before: ProviderState) -> None:
        """The first answer, the first failure and every change between them are news."""
        state = slot.state
        is_first = before.attempted_at is None
        is_news = is_first or bool(before.failures) != bool(state.failures)
        log.log(
            logging.INFO if is_news else logging.DEBUG, "%s: %s", slot.key, summary(state, before)
        )

    # -- the loop of one account -----------------------------------------------------------------

    async def _next_round(self, slot: Slot) -> None:
        due = self._timing.reckon(slot)
        self._publish(
            slot,
            replace(
                slot.state,
                next_at=due.at,
                next_reason=due.reason,
                interval_s=self._timing.interval_s(),
            ),
        )
        slot.wake.clear()
        if not await self._timing.sleep_until(slot, due.at):
            return
        was_asked, slot.asked = slot.asked, False
        await self.refresh(slot.key)
        if not was_asked:
            slot.came_by_itself(due)

    def _reckon_all(self) -> None:
        for slot in self._slots.values():
            slot.wake.set()

    def _ask_for_fresh(self) -> None:
        now = self._clock.now()
        for slot in self._slots.values():
            if not self._timing.is_manual and wants_fresh(slot.state, now):
                slot.ask()

    # -- beside the refreshes --------------------------------------------------------------------

    def _background(self, key: ProviderKey, spec: ProviderSpec) -> Background:
        means = Means(
            open=lambda: self._accounts.open(key, user_initiated=False),
            ask=lambda: self._ask(key),
            tell=lambda sentence: self.tell(key, self._shown(sentence)),
            report=lambda task, rows: self._report(key, task, rows),
        )
        return Background(key, spec.background, means)

    def _ask(self, key: ProviderKey) -> None:
        slot = self._slots.get(key)
        if slot is not None:
            slot.ask()

    def _report(self, key: ProviderKey, task: BackgroundTask, rows: Rows) -> None:
        slot = self._slots.get(key)
        if slot is None:
            return
        kept = tuple(row for row in slot.state.tasks if row.group != task.label)
        new = tuple(DetailRow(task.label, label, self._shown(text)) for label, text in rows)
        self._publish(slot, replace(slot.state, tasks=kept + new))

    def _look_for_renewals(self) -> None:
        for slot in self._slots.values():
            if slot.notice_renewal():
                log.info("%s: its login changed, asking again", slot.key)
                slot.ask()

    async def _wake_after_sleep(self) -> None:
        log.info("the machine slept or its clock was set, asking all again")
        for slot in list(self._slots.values()):
            if not self._timing.is_manual:
                slot.ask()
            await self._clock.sleep(WAKE_SPREAD_S / max(len(self._slots), 1))

    # -- bookkeeping -----------------------------------------------------------------------------

    def _adopt(self, specs: Mapping[ProviderKey, ProviderSpec]) -> None:
        """Make slots for new accounts and bring all into display order."""
        self._slots = {
            key: self._slots.get(key)
            or Slot(
                key=key,
                spec=spec,
                state=ProviderState(key=key),
                phase=self._rng(),
                background=self._background(key, spec),
            )
            for key, spec in specs.items()
        }

    async def _end_running(self, slot: Slot) -> None:
        """Cancel the running refresh and wait until it has really ended."""
        slot.generation += 1
        while slot.task is not None and not slot.task.done():
            slot.task.cancel()
            await asyncio.wait({slot.task})
        async with slot.turn:
            pass

    async def _start_over(self, slot: Slot) -> None:
        await self._end_running(slot)
        slot.gate_until = None
        slot.memory = SourceMemory()
        self._forget_numbers(slot)
        slot.ask()

    def _forget_numbers(self, slot: Slot) -> None:
        if slot.fingerprint or not slot.state.restored:
            self._publish(slot, emptied(slot.state))

    def _keep(self, slot: Slot) -> None:
        """Have the numbers and the gates written down."""
        self._keeper.keep(slot.key, slot.remembered(self._clock.now()))

    def _publish(self, slot: Slot, state: ProviderState) -> None:
        if state == slot.state:
            return
        slot.state = state
        if self._slots.get(slot.key) is slot:
            for listener in tuple(self._listeners):
                listener(state)
