"""When the words for a state can become others, so that nobody looks in vain meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tui.core.models import ProviderState

MINUTE = timedelta(minutes=1)
WALL_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)
"""Days begin, and pace moves on, with its minutes."""


def next_change(state: ProviderState, now: datetime) -> datetime:
    """The next moment at which a card can say something else: countdowns and ages are whole minutes
    from the moments in the state."""
    return now + min(_to_whole_minute(moment, now) for moment in _moments(state))


def _to_whole_minute(moment: datetime, now: datetime) -> timedelta:
    """How long until the two are whole minutes apart; never nothing."""
    return (moment - now) % MINUTE or MINUTE


def _moments(state: ProviderState) -> Iterator[datetime]:
    yield WALL_CLOCK
    found = [state.attempted_at, state.next_at]
    if state.snapshot is not None:
        found.append(state.snapshot.fetched_at)
        found += [window.resets_at for window in state.snapshot.windows]
        for balance in state.snapshot.balances:
            found += [balance.resets_at, balance.expires_at]
    yield from (moment for moment in found if moment is not None)
