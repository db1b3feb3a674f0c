"""Deciding when to ask a provider again.

Pure: the caller passes the clock, the dice and what it remembers. Nothing here sleeps, and nothing here knows
how a provider is asked; the engine does both. Rules: B§2, B§4.
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
"""A service that says "wait one second" each time must not be asked each second."""
BOUNDARY_DELAY_S = 30.0
SOONEST_S = 5.0
BOUNDARIES_KEPT = 64
START_UP_RETRIES_S = (15.0, 45.0, 120.0, 300.0)
START_SPREAD_S = 1.5
TICK_SPREAD = 0.1
"""Part of the interval over which providers are spread."""

BACKS_OFF = frozenset(
    {ErrorKind.NETWORK, ErrorKind.SERVER, ErrorKind.PARSE, ErrorKind.INTERNAL},
)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The next automatic refresh."""

    at: datetime | None
    """`None`: only the user asks."""
    reason: Reason
    anchor: datetime | None = None
    """Pass this as `anchor` next time, once this refresh has run."""
    boundary: datetime | None = None
    """The reset this refresh is for; `remember_boundary` it once it has run."""


def is_slow(mode: SlowMode, *, constrained: bool) -> bool:
    """Whether slow mode is in force.

    Args:
        constrained: The machine saves power.
    """
    return mode == "on" or (mode == "auto" and constrained)


def interval_s(
    cadence: Cadence, last_interaction: datetime | None, now: datetime, *, slow: bool = False
) -> tuple[float, Reason]:
    """Seconds between two automatic refreshes, and why.

    With `manual` no timer runs; its seconds only say when a reading counts as aging.
    """
    if cadence == "manual":
        return REPRESENTATIVE_S, "manual"
    if slow:
        return SLOW_S, "constrained"
    if cadence == "adaptive":
        return _adaptive(last_interaction, now)
    return cadence * MINUTE_S, "fixed"


def _adaptive(last_interaction: datetime | None, now: datetime) -> tuple[float, Reason]:
    """B§2.2, with key presses, mouse, focus and resize as interaction."""
    if last_interaction is None:
        return 30 * MINUTE_S, "longIdle"
    idle = now - last_interaction
    if idle <= timedelta(minutes=5):
        return 2 * MINUTE_S, "recentInteraction"
    if idle <= HOUR:
        return 5 * MINUTE_S, "warm"
    if idle < 4 * HOUR:
        return 15 * MINUTE_S, "idle"
    return 30 * MINUTE_S, "longIdle"


def gate_opens_at(error: ErrorInfo, now: datetime) -> datetime | None:
    """Until when a provider must not be asked after this failure; `None` when it may be asked (B§4.4)."""
    if error.kind is not ErrorKind.RATE_LIMITED:
        return None
    wait_s = GATE_S if error.retry_after_s is None else max(error.retry_after_s, SHORTEST_GATE_S)
    return now + timedelta(seconds=wait_s)


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
    """When to ask again, and why; never in the past.

    Called after every attempt, and again when the user shows up: an interaction may only bring the next
    refresh forward, so the caller keeps the earlier of the two answers.

    Args:
        anchor: `Due.anchor` of the refresh that ran last; `None` at the start.
        gate_until: From `gate_opens_at`, also when it was stored by an earlier run. It delays everything.
        tried_boundaries: Resets that had their refresh, see `remember_boundary`.
        phase: Fixed dice of this provider, 0 to 1.
    """
    if state.attempted_at is None:
        due = Due(at=now + timedelta(seconds=phase * START_SPREAD_S), reason="start", anchor=now)
    elif _retries_start_up(state):
        due = _start_up_retry(state, interval_s(cadence, last_interaction, now)[0], anchor)
    elif cadence == "manual":
        return Due(at=None, reason="manual", anchor=anchor)
    else:
        due = _regular(state, interval_s(cadence, last_interaction, now, slow=slow), anchor, phase)
        due = _earlier(due, _reset_boundary(state, now, anchor, slow, tried_boundaries))
    return _not_before(due, now, gate_until)


def remember_boundary(tried: tuple[datetime, ...], boundary: datetime) -> tuple[datetime, ...]:
    """The tried resets with one more, at most the last 64."""
    return (*tried, boundary)[-BOUNDARIES_KEPT:]


def _regular(
    state: ProviderState, interval: tuple[float, Reason], anchor: datetime | None, phase: float
) -> Due:
    seconds, reason = interval
    if state.error is not None and state.error.kind in BACKS_OFF:
        return _back_off(state, seconds, anchor)
    return _tick(state, seconds, reason, anchor, phase)


def _tick(
    state: ProviderState,
    seconds: float,
    reason: Reason,
    anchor: datetime | None,
    phase: float,
) -> Due:
    """The first point of the anchored grid after the last attempt: missed ticks are skipped."""
    served_at = state.attempted_at
    assert served_at is not None
    start = anchor or served_at
    step = timedelta(seconds=seconds)
    ticks = max(0, (served_at - start) // step) + 1
    tick = start + ticks * step
    spread = timedelta(seconds=phase * TICK_SPREAD * seconds)
    return Due(at=tick + spread, reason=reason, anchor=tick)
