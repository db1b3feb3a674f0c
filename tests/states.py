"""States for tests of what is shown: hand-made ones, and any state at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support import NOON
from tui.core.errors import ErrorInfo, ErrorKind
from tui.core.models import (
    Attempt,
    Balance,
    CostPeriod,
    CostSummary,
    DetailRow,
    Identity,
    Phase,
    ProviderKey,
    ProviderSnapshot,
    ProviderState,
    SeriesPoint,
    ServiceStatus,
    TokenCounts,
    UsageSeries,
    UsageWindow,
)

KEY = ProviderKey("zai")


def window(
    id: str = "session",
    used: float | None = 31.0,
    minutes: int | None = None,
    in_s: float | None = None,
    **more: Any,
) -> UsageWindow:
    """A window that resets so many seconds after noon."""
    label = more.pop("label", id.capitalize())
    resets_at = None if in_s is None else NOON + timedelta(seconds=in_s)
    return UsageWindow(
        id=id, label=label, used_percent=used, window_minutes=minutes, resets_at=resets_at, **more
    )


def snapshot(*windows: UsageWindow, age_s: float = 60, **more: Any) -> ProviderSnapshot:
    """An answer that is a minute old."""
    more = {"key": KEY, "source_id": "api", **more}
    return ProviderSnapshot(fetched_at=NOON - timedelta(seconds=age_s), windows=windows, **more)


def state(*windows: UsageWindow, age_s: float = 60, **more: Any) -> ProviderState:
    """A good state with these windows."""
    return of(snapshot(*windows, age_s=age_s), **more)


def of(answer: ProviderSnapshot | None, **more: Any) -> ProviderState:
    """A state around an answer."""
    return ProviderState(key=KEY, snapshot=answer, attempted_at=NOON, **more)


def failing(
    good: ProviderState, kind: ErrorKind = ErrorKind.NETWORK, failures: int = 2, **more: Any
) -> ProviderState:
    """The same state after failures."""
    error = ErrorInfo(kind=kind, message="It did not answer.", **more)
    return replace(good, error=error, failures=failures)


# -- any state at all ------------------------------------------------------------------------------

moments = st.datetimes(
    datetime(1971, 1, 1), datetime(3999, 12, 30), timezones=st.just(UTC)
) | st.integers(-(10**6), 10**6).map(lambda seconds: NOON + timedelta(seconds=seconds))
amounts = st.none() | st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False)
percents = st.none() | st.floats(0, 1000, allow_nan=False) | st.sampled_from([0.0, 99.99, 100.0])
words = st.text(max_size=12) | st.sampled_from(["", "Weekly", "resets in 3h", "345/1500 credits"])
units = st.sampled_from(["", "USD", "JPY", "CHF", "credits", "tokens", "requests"])
counts = st.integers(0, 10**13)

windows = st.builds(
    UsageWindow,
    id=st.sampled_from(["session", "weekly", "monthly", "spark.session", "spark.weekly"]),
    label=words,
    used_percent=percents,
    used=amounts,
    limit=amounts,
    unit=units,
    unlimited=st.booleans(),
    window_minutes=st.none() | st.sampled_from([300, 1440, 10080, 43200]) | st.integers(0, 10**9),
    resets_at=st.none() | moments,
    resets_text=words,
    headline=st.booleans(),
    paced=st.booleans(),
)
balances = st.builds(
    Balance,
    id=words,
    label=words,
    amount=amounts,
    currency=units,
    used=amounts,
    limit=amounts,
    resets_at=st.none() | moments,
    expires_at=st.none() | moments,
)
errors = st.builds(
    ErrorInfo,
    kind=st.sampled_from(ErrorKind),
    message=words,
    hint=words,
    retry_after_s=st.none() | st.floats(0, 1e9),
    source_id=words,
)
series = st.builds(
    UsageSeries,
    id=words,
    label=words,
    unit=words,
    points=st.lists(
        st.builds(SeriesPoint, words, st.floats(allow_nan=False, allow_infinity=False)), max_size=3
    ).map(tuple),
)
snapshots = st.builds(
    ProviderSnapshot,
    key=st.just(KEY),
    source_id=words,
    fetched_at=moments,
    windows=st.lists(windows, max_size=5).map(tuple),
    balances=st.lists(balances, max_size=2).map(tuple),
    identity=st.builds(Identity, account=words, organization=words, plan=words, login_method=words),
    details=st.lists(st.builds(DetailRow, words, words, words), max_size=3).map(tuple),
    series=st.lists(series, max_size=2).map(tuple),
    confidence=st.sampled_from(["exact", "estimated", "percent_only"]),
    notice=words,
    origin=words,
)
tokens = st.builds(TokenCounts, input=counts, cache_read=counts, cache_write=counts, output=counts)
periods = st.builds(
    CostPeriod,
    label=words,
    usd=st.none() | st.decimals(0, 10**6, allow_nan=False),
    tokens=tokens,
    partial=st.booleans(),
)
costs = st.builds(
    CostSummary,
    today=periods,
    last_7_days=periods,
    last_30_days=periods,
    models=st.lists(periods, max_size=2).map(tuple),
    days=st.lists(periods, max_size=2).map(tuple),
    unknown_models=st.lists(words, max_size=2).map(tuple),
    scanning=st.booleans(),
    notice=words,
)
attempts = st.builds(
    Attempt,
    source_id=words,
    outcome=st.sampled_from(["success", "skipped", "failed"]),
    error=st.none() | errors,
    elapsed_s=st.floats(0, 1e4),
)
states = st.builds(
    ProviderState,
    key=st.builds(ProviderKey, st.just("zai"), words),
    phase=st.sampled_from(Phase),
    snapshot=st.none() | snapshots,
    error=st.none() | errors,
    failures=st.integers(0, 9),
    attempts=st.lists(attempts, max_size=3).map(tuple),
    attempted_at=st.none() | moments,
    next_at=st.none() | moments,
    next_reason=st.sampled_from(["", "manual", "warm", "backOff", "resetBoundary", "unheard of"]),
    interval_s=st.floats(60, 1800),
    restored=st.booleans(),
    service=st.none()
    | st.builds(
        ServiceStatus,
        indicator=st.sampled_from(["none", "minor", "major", "critical", "maintenance", "unknown"]),
        description=words,
        updated_at=st.none() | moments,
        url=words,
    ),
    cost=st.none() | costs,
    tasks=st.lists(st.builds(DetailRow, words, words, words), max_size=2).map(tuple),
)
