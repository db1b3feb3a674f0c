"""What a reading still means now: is it current, which window binds, what is blocked (B§5, B§8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tui.core.errors import ErrorKind
from tui.core.models import Phase, ProviderSnapshot, ProviderState, UsageWindow

if TYPE_CHECKING:
    from tui.present.views import Look, Severity

FRESH_S = 180.0
DEPLETED_PERCENT = 99.9999
SEVERITIES: tuple[tuple[float, Severity], ...] = ((10, "critical"), (25, "warning"))
"""Below so many percent left."""


def look(state: ProviderState, now: datetime) -> Look:
    """How the card looks as a whole."""
    if state.phase is Phase.DISABLED:
        return "disabled"
    if state.snapshot is None:
        return _look_without_numbers(state)
    if is_stale(state, now):
        return "stale"
    fresh_s = max(FRESH_S, 3 * state.interval_s)
    return "aging" if now - state.snapshot.fetched_at > timedelta(seconds=fresh_s) else "fresh"


def _look_without_numbers(state: ProviderState) -> Look:
    if state.error is None:
        return "waiting"
    return "needs_setup" if state.error.kind is ErrorKind.MISSING_CREDENTIALS else "error"


def is_forgiven(state: ProviderState) -> bool:
    """Whether the failure is only marked: the first one, while numbers of this run are there."""
    return state.error is not None and state.failures <= 1 and has_numbers(state)


def has_numbers(state: ProviderState) -> bool:
    """Whether this run has had a good answer that still counts."""
    return state.snapshot is not None and not state.restored


def is_stale(state: ProviderState, now: datetime) -> bool:
    """Whether the numbers may no longer be true."""
    if state.snapshot is None:
        return False
    if state.restored or (state.error is not None and not is_forgiven(state)):
        return True
    return any(has_reset_since(window, state.snapshot, now) for window in state.snapshot.windows)


def has_reset_since(window: UsageWindow, snapshot: ProviderSnapshot, now: datetime) -> bool:
    """Whether the window has reset after it was read, so that its percentage is history."""
    if window.unlimited or window.resets_at is None:
        return False
    return snapshot.fetched_at < window.resets_at <= now


def severity(used_percent: float | None) -> Severity:
    """How little is left, whichever way it is shown."""
    if used_percent is None:
        return "unknown"
    left = 100 - used_percent
    return next((name for below, name in SEVERITIES if left < below), "ok")


def is_exhausted(window: UsageWindow, now: datetime) -> bool:
    """Whether nothing is left until a reset that lies ahead or is unknown."""
    if window.used_percent is None or window.unlimited:
        return False
    is_over = window.resets_at is not None and window.resets_at <= now
    return window.used_percent >= DEPLETED_PERCENT and not is_over


def blocker(window: UsageWindow, snapshot: ProviderSnapshot, now: datetime) -> UsageWindow | None:
    """The longer exhausted window that makes this one useless.

    Windows concern each other within one lane only: `spark.weekly` blocks `spark.session`, not
    `session`. Windows outside the main number concern only others of a named lane.
    """
    if window.window_minutes is None:
        return None
    longer = [
        other
        for other in snapshot.windows
        if (other.window_minutes or 0) > window.window_minutes
        and _same_lane(window, other)
        and is_exhausted(other, now)
    ]
    return _latest_reset(longer)


def _same_lane(one: UsageWindow, other: UsageWindow) -> bool:
    lane = one.id.rpartition(".")[0]
    if lane != other.id.rpartition(".")[0]:
        return False
    return bool(lane) or (one.headline and other.headline)


def binding(snapshot: ProviderSnapshot, now: datetime) -> UsageWindow | None:
    """The window that decides: the exhausted one that opens last, else the one with least left."""
    shown = [window for window in snapshot.windows if window.headline]
    exhausted = [window for window in shown if is_exhausted(window, now)]
    if exhausted:
        return _latest_reset(exhausted)
    current = [
        window
        for window in shown
        if window.used_percent is not None
        and not window.unlimited
        and not has_reset_since(window, snapshot, now)
    ]
    if current:
        return max(current, key=lambda window: window.used_percent or 0.0)
    return shown[0] if shown else None


def _latest_reset(windows: Sequence[UsageWindow]) -> UsageWindow | None:
    """The one that opens last; one that does not say when counts as later than all."""
    latest: UsageWindow | None = None
    for window in windows:
        if window.resets_at is None:
            return window
        if latest is None or (latest.resets_at and window.resets_at > latest.resets_at):
            latest = window
    return latest
