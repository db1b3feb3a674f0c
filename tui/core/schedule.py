"""Deciding when to ask a provider again.

Pure: the caller passes the clock, the dice and what it remembers. Nothing here sleeps, and nothing
here knows how a provider is asked; the engine does both. Rules: B§2, B§4.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from tui.core.errors import ErrorInfo, ErrorKind
from tui.core.models import Identity, ProviderSnapshot, ProviderState, UsageWindow

Cadence: TypeAlias = Literal["adaptive", "manual"] | int
"""`adaptive`, `manual`, or a fixed number of minutes."""
SlowMode = Literal["off", "on", "auto"]
Reason = Literal[
    "start",
    "recentInteraction",
    "warm",
    "idle",
    "longIdle",
    "constrained",
    "fixed",
    "manual",
    "resetBoundary",
    "rateLimited",
    "backOff",
    "startUpRetry",
]

CADENCES: tuple[Cadence, ...] = ("adaptive", "manual", 1, 2, 5, 15, 30)
MINUTE_S = 60.0
REPRESENTATIVE_S = 5 * MINUTE_S
"""Where one number must stand for the cadence although no timer runs."""
SLOW_S = 30 * MINUTE_S
LONGEST_BACK_OFF_S = 30 * MINUTE_S
GATE_S = 5 * MINUTE_S
"""After a 429 that names no time."""
SHORTEST_GATE_S = MINUTE_S
"""A service that says "wait one second" every time must not be asked every second."""
BOUNDARY_DELAY_S = 30.0
BOUNDARY_SOONEST_S = 5.0
BOUNDARIES_KEPT = 64
START_UP_RETRIES_S = (15.0, 45.0, 120.0, 300.0)
START_SPREAD_S = 1.5
TICK_SPREAD = 0.1
"""Part of the interval over which providers are spread."""
BACKS_OFF = frozenset(
    {ErrorKind.NETWORK, ErrorKind.SERVER, ErrorKind.PARSE, ErrorKind.INTERNAL},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The next automatic refresh."""

    at: datetime | None
    """`None`: only the user asks."""
    reason: Reason
    anchor: datetime
    """Pass this as `anchor` once this refresh has run."""
    boundary: datetime | None = None
    """The reset this refresh is for; `remember_boundary` it once the refresh has run."""


# -- cadence ---------------------------------------------------------------------------------------


def is_slow(mode: SlowMode, *, constrained: bool) -> bool:
    """Whether slow mode is in force.

    Args:
        constrained: The machine saves power; counts with `auto`.
    """
    return mode == "on" or (mode == "auto" and constrained)


def interval_s(
    cadence: Cadence, last_interaction: datetime | None, now: datetime, slow: bool = False
) -> tuple[float, Reason]:
    """Seconds between two automatic refreshes, and why.

    With `manual` no timer runs; its seconds only say when a reading counts as aging.
    """
    if cadence == "manual":
        return REPRESENTATIVE_S, "manual"
    if slow:
        return SLOW_S, "constrained"
    if cadence == "adaptive":
        return _adaptive_s(last_interaction, now)
    return cadence * MINUTE_S, "fixed"


def _adaptive_s(last_interaction: datetime | None, now: datetime) -> tuple[float, Reason]:
    """B§2.2; a moment in the future (a clock that was set back) counts as just now."""
    if last_interaction is None:
        return 30 * MINUTE_S, "longIdle"
    idle_s = (now - last_interaction).total_seconds()
    if idle_s <= 5 * MINUTE_S:
        return 2 * MINUTE_S, "recentInteraction"
    if idle_s <= 60 * MINUTE_S:
        return 5 * MINUTE_S, "warm"
    if idle_s < 240 * MINUTE_S:
        return 15 * MINUTE_S, "idle"
    return 30 * MINUTE_S, "longIdle"


# -- the next refresh ------------------------------------------------------------------------------


def gate_opens_at(error: ErrorInfo, now: datetime) -> datetime | None:
    """Until when a provider must not be asked after this failure; `None` when it may be (B§4.4)."""
    if error.kind is not ErrorKind.RATE_LIMITED:
        return None
    if error.retry_after_s is None:
        return _after(now, GATE_S)
    # A gate that held a refresh back opens when it would have: nobody was asked.
    shortest_s = 0.0 if error.cause == "held" else SHORTEST_GATE_S
    return _after(now, max(error.retry_after_s, shortest_s))


def next_due(
    state: ProviderState,
    *,
    cadence: Cadence,
    now: datetime,
    anchor: datetime | None = None,
    last_interaction: datetime | None = None,
    slow: bool = False,
    gate_until: datetime | None = None,
    tried_boundaries: Collection[datetime] = (),
    phase: float = 0.0,
) -> Due:
    """When to ask again, and why; never in the past. The first refresh of a run comes at once.

    Called after every attempt, and again when the user shows up: an interaction may only bring a
    refresh forward, so the caller then keeps the earlier of the two answers.

    Args:
        state: `attempted_at` is `None` before the first attempt of this run.
        anchor: `Due.anchor` of the last refresh that came by itself; `None` before the first.
        gate_until: From `gate_opens_at`, also one an earlier run stored. Holds everything back.
        tried_boundaries: Resets that had their refresh, see `remember_boundary`.
        phase: Fixed dice of this provider, 0 to 1, so that not all leave in the same second.
    """
    if state.attempted_at is None:
        at = _after(now, phase * START_SPREAD_S)
        return _held_back(Due(at=at, reason="start", anchor=now), now, gate_until)
    seconds, reason = interval_s(cadence, last_interaction, now, slow)
    # After a clock was set back, the old grid would begin in the future.
    anchor = min(anchor or state.attempted_at, state.attempted_at)
    beat = _Beat(state.attempted_at, anchor, seconds, reason, phase)
    due = _after_attempt(state, beat, gate_until)
    if cadence != "manual":
        due = _sooner(due, _reset_refresh(state, beat, now, tried_boundaries))
    return _held_back(due, now, gate_until)


def remember_boundary(tried: tuple[datetime, ...], boundary: datetime) -> tuple[datetime, ...]:
    """The tried resets with one more, at most the last 64."""
    return (*tried, boundary)[-BOUNDARIES_KEPT:]


@dataclass(frozen=True, slots=True)
class _Beat:
    """The rhythm of one provider."""

    asked_at: datetime
    anchor: datetime
    seconds: float
    reason: Reason
    phase: float

    def tick(self) -> Due:
        """The first point of the anchored grid after the last attempt: missed ticks are skipped."""
        step = timedelta(seconds=self.seconds)
        ticks = (self.asked_at - self.anchor) // step
        tick = self.anchor + (ticks + 1) * step
        at = _after(tick, self.phase * TICK_SPREAD * self.seconds)
        return Due(at=at, reason=self.reason, anchor=tick)

    def once(self, at: datetime, reason: Reason, boundary: datetime | None = None) -> Due:
        """A refresh beside the grid; in slow mode at least half an hour after the last one."""
        if self.reason == "constrained":
            at = max(at, _after(self.asked_at, SLOW_S))
        return Due(at=at, reason=reason, anchor=self.anchor, boundary=boundary)


def _after_attempt(state: ProviderState, beat: _Beat, gate_until: datetime | None) -> Due:
    kind = state.error.kind if state.error else None
    retries_s = _start_up_retries_s(state)
    if 1 <= state.failures <= len(retries_s):
        delay_s = min(retries_s[state.failures - 1], beat.seconds)
        return Due(at=_after(beat.asked_at, delay_s), reason="startUpRetry", anchor=beat.anchor)
    if beat.reason == "manual":
        return Due(at=None, reason="manual", anchor=beat.anchor)
    if kind in BACKS_OFF:
        delay_s = _back_off_s(beat.seconds, state.failures - len(retries_s))
        return beat.once(_after(beat.asked_at, delay_s), "backOff")
    if kind is ErrorKind.RATE_LIMITED and gate_until is not None:
        return beat.once(gate_until, "rateLimited")
    return beat.tick()


def _start_up_retries_s(state: ProviderState) -> tuple[float, ...]:
    """The short series while nothing was reached in this run yet (B§2.5)."""
    answered = state.snapshot is not None and not state.restored
    offline = state.error is not None and state.error.kind is ErrorKind.NETWORK
    return START_UP_RETRIES_S if offline and not answered else ()


def _back_off_s(seconds: float, failures: int) -> float:
    doublings = min(max(failures - 1, 0), 8)
    return min(seconds * (1 << doublings), LONGEST_BACK_OFF_S)


def _reset_refresh(
    state: ProviderState, beat: _Beat, now: datetime, tried: Collection[datetime]
) -> Due | None:
    """Half a minute after the first reset that the numbers do not know of yet (B§2.4)."""
    snapshot = state.snapshot
    if snapshot is None:
        return None
    resets = (window.resets_at for window in snapshot.windows if window.resets_at is not None)
    open_resets = [at for at in resets if at > snapshot.fetched_at and at not in tried]
    if not open_resets:
        return None
    boundary = min(open_resets)
    at = max(_after(boundary, BOUNDARY_DELAY_S), _after(now, BOUNDARY_SOONEST_S))
    return beat.once(at, "resetBoundary", boundary)


def _sooner(due: Due, other: Due | None) -> Due:
    if other is None or other.at is None or due.at is None or due.at <= other.at:
        return due
    return other


def _held_back(due: Due, now: datetime, gate_until: datetime | None) -> Due:
    if due.at is None:
        return due
    if gate_until is not None and due.at < gate_until:
        return replace(due, at=max(gate_until, now), reason="rateLimited")
    return replace(due, at=max(due.at, now))


def _after(moment: datetime, seconds: float) -> datetime:
    """The moment so many seconds later; a time beyond the calendar is as good as never."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)


# -- a reset time the answer left out --------------------------------------------------------------


def carry_over(previous: ProviderSnapshot | None, new: ProviderSnapshot) -> ProviderSnapshot:
    """The new answer; reset times it lacks come from the previous one, if still ahead (B§5)."""
    if previous is None or previous.key != new.key or _differ(previous.identity, new.identity):
        return new
    known = {window.id: window.resets_at for window in previous.windows if not window.refills}
    windows = tuple(_with_reset(window, known.get(window.id), new) for window in new.windows)
    return new if windows == new.windows else replace(new, windows=windows)


def _with_reset(
    window: UsageWindow, resets_at: datetime | None, new: ProviderSnapshot
) -> UsageWindow:
    if window.resets_at or window.unlimited or resets_at is None or resets_at <= new.fetched_at:
        return window
    return replace(window, resets_at=resets_at)


def _differ(one: Identity, other: Identity) -> bool:
    """Whether the accounts are known to differ; an unknown name contradicts nothing."""
    pairs = ((one.account, other.account), (one.organization, other.organization))
    return any(a and b and a != b for a, b in pairs)
