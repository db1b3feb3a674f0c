"""What the end of a refresh makes of the state of an account. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tui.core.errors import ErrorInfo, ErrorKind
from tui.core.models import Phase, ProviderState, map_text
from tui.core.schedule import carry_over
from tui.core.text import clean
from tui.core.wording import joined
from tui.providers._chain import FetchResult

DROPS_SNAPSHOT = frozenset({ErrorKind.MISSING_CREDENTIALS})
WANTED_AFTER_S = 180.0
MOST_FAILURES = 2


def succeeded(
    state: ProviderState, result: FetchResult, phase: Phase, now: datetime
) -> ProviderState:
    """With new numbers, cleaned of what a terminal would obey."""
    assert result.snapshot is not None
    return replace(
        state,
        phase=phase,
        snapshot=carry_over(state.snapshot, map_text(result.snapshot, clean)),
        error=None,
        failures=0,
        attempts=result.attempts or state.attempts,
        attempted_at=now,
        restored=False,
    )


def failed(state: ProviderState, result: FetchResult, now: datetime) -> ProviderState:
    """With an error, beside the numbers that still mean something."""
    assert result.error is not None
    return replace(
        _with_old_numbers(state, result),
        phase=Phase.WAITING,
        error=result.error,
        failures=state.failures + 1,
        attempts=result.attempts,
        attempted_at=now,
    )


def summary(state: ProviderState, before: ProviderState) -> str:
    """How a refresh ended, for the log: `ok in 0.4 s (web, Chromium: Default)`."""
    if state.error is not None:
        return f"{state.error.message} ({state.error.kind})"
    word = "answers again" if before.failures else "ok"
    elapsed_s = sum(attempt.elapsed_s or 0.0 for attempt in state.attempts)
    came_from = state.snapshot and (state.snapshot.source_id, state.snapshot.origin)
    return f"{word} in {elapsed_s:.1f} s ({joined(came_from or (), ', ')})"


def emptied(state: ProviderState) -> ProviderState:
    """Without anything that was learnt of the account."""
    return ProviderState(
        key=state.key, phase=state.phase, interval_s=state.interval_s, tasks=state.tasks
    )


def voids_numbers(result: FetchResult, error: ErrorInfo) -> bool:
    """Whether a failure says that the last numbers belong to nobody any more."""
    return result.drop_snapshot or error.kind in DROPS_SNAPSHOT


def wants_fresh(state: ProviderState, now: datetime) -> bool:
    """Whether numbers are missing or old when the user comes back (B§2.6)."""
    if state.phase is Phase.REFRESHING:
        return False
    if state.snapshot is None or state.error is not None:
        return state.failures < MOST_FAILURES
    oldest_s = max(WANTED_AFTER_S, 3 * state.interval_s)
    return now - state.snapshot.fetched_at > timedelta(seconds=oldest_s)


def _with_old_numbers(state: ProviderState, result: FetchResult) -> ProviderState:
    """Those of this run stay for as long as the failure is forgiven (B§4.2)."""
    assert result.error is not None
    if voids_numbers(result, result.error):
        return replace(state, snapshot=None)
    is_forgiven = state.failures == 0 and state.snapshot is not None and not state.restored
    if result.last_known is None or is_forgiven:
        return state
    return replace(state, snapshot=map_text(result.last_known, clean), restored=True)
