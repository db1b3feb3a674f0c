"""When a provider is asked again: the tables of B§2, B§4 and B§19."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.errors import ErrorInfo, ErrorKind
from tui.core.models import Identity, ProviderKey, ProviderSnapshot, ProviderState, UsageWindow
from tui.core.schedule import (
    Cadence,
    SlowMode,
    carry_over,
    gate_opens_at,
    interval_s,
    is_slow,
    next_due,
    remember_boundary,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = ProviderKey("zai")


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


def ahead(**parts: float) -> datetime:
    return NOW + timedelta(**parts)


def snapshot(*resets: datetime | None, fetched_at: datetime = NOW) -> ProviderSnapshot:
    windows = tuple(
        UsageWindow(id=f"w{index}", label="Week", used_percent=50.0, resets_at=at)
        for index, at in enumerate(resets)
    )
    return ProviderSnapshot(key=KEY, source_id="api", fetched_at=fetched_at, windows=windows)


def good(*resets: datetime | None, at: datetime = NOW) -> ProviderState:
    return ProviderState(key=KEY, snapshot=snapshot(*resets, fetched_at=at), attempted_at=at)


def failed(kind: ErrorKind, failures: int = 1, at: datetime = NOW) -> ProviderState:
    error = ErrorInfo(kind=kind, message="No.")
    old = snapshot(fetched_at=at - timedelta(hours=1))
    return ProviderState(key=KEY, snapshot=old, error=error, failures=failures, attempted_at=at)


@pytest.mark.parametrize(
    ("interaction", "minutes", "reason"),
    [
        pytest.param(ago(minutes=4), 2, "recentInteraction", id="4 min ago"),
        pytest.param(ago(minutes=5), 2, "recentInteraction", id="exactly 5 min ago"),
        pytest.param(ahead(hours=1), 2, "recentInteraction", id="clock was set back"),
        pytest.param(ago(minutes=5, seconds=1), 5, "warm", id="just over 5 min ago"),
        pytest.param(ago(minutes=30), 5, "warm", id="30 min ago"),
        pytest.param(ago(hours=1), 5, "warm", id="exactly 1 h ago"),
        pytest.param(ago(hours=3), 15, "idle", id="3 h ago"),
        pytest.param(ago(hours=4), 30, "longIdle", id="exactly 4 h ago"),
        pytest.param(ago(hours=5), 30, "longIdle", id="5 h ago"),
        pytest.param(None, 30, "longIdle", id="never"),
    ],
)
def test_adaptive_cadence_follows_the_last_interaction(
    interaction: datetime | None, minutes: int, reason: str
) -> None:
    assert interval_s("adaptive", interaction, NOW) == (minutes * 60, reason)


@pytest.mark.parametrize(
    ("cadence", "slow", "expected"),
    [
        ("adaptive", True, (1800, "constrained")),
        (1, True, (1800, "constrained")),
        (30, True, (1800, "constrained")),
        (5, False, (300, "fixed")),
        ("manual", True, (300, "manual")),
    ],
)
def test_slow_mode_lasts_half_an_hour_and_leaves_manual_alone(
    cadence: Cadence, slow: bool, expected: tuple[float, str]
) -> None:
    assert interval_s(cadence, ago(minutes=1), NOW, slow) == expected


@pytest.mark.parametrize(
    ("mode", "constrained", "expected"),
    [("off", True, False), ("on", False, True), ("auto", False, False), ("auto", True, True)],
)
def test_automatic_slow_mode_follows_the_machine(
    mode: SlowMode, constrained: bool, expected: bool
) -> None:
    assert is_slow(mode, constrained=constrained) is expected


def test_the_first_refresh_comes_at_once_spread_over_a_second_and_a_half() -> None:
    state = ProviderState(key=KEY)
    assert next_due(state, cadence="manual", now=NOW).at == NOW
    due = next_due(state, cadence=5, now=NOW, phase=1.0)
    assert (due.at, due.reason, due.anchor) == (ahead(seconds=1.5), "start", NOW)


def test_fixed_cadence_counts_from_the_planned_time_not_from_the_end_of_the_fetch() -> None:
    due = next_due(good(at=ago(seconds=-7)), cadence=5, now=ahead(seconds=7), anchor=NOW)
    assert (due.at, due.reason) == (ahead(minutes=5), "fixed")


def test_ticks_missed_while_suspended_are_skipped() -> None:
    woken_at = ahead(hours=3, minutes=2)
    due = next_due(good(at=woken_at), cadence=5, now=woken_at, anchor=NOW)
    assert due.at == ahead(hours=3, minutes=5)


def test_a_grid_from_before_a_clock_was_set_back_is_given_up() -> None:
    due = next_due(good(), cadence=5, now=NOW, anchor=ahead(hours=3))
    assert (due.at, due.anchor) == (ahead(minutes=5), ahead(minutes=5))


def test_an_overdue_tick_is_caught_up_at_once() -> None:
    returned_at = ahead(minutes=20)
    due = next_due(
        good(), cadence="adaptive", now=returned_at, anchor=NOW, last_interaction=returned_at
    )
    assert (due.at, due.reason) == (returned_at, "recentInteraction")


def test_the_phase_shifts_a_tick_without_moving_the_grid() -> None:
    due = next_due(good(), cadence=5, now=NOW, anchor=NOW, phase=0.5)
    assert (due.at, due.anchor) == (ahead(minutes=5, seconds=15), ahead(minutes=5))
    assert due.at is not None
    later = next_due(good(at=due.at), cadence=5, now=due.at, anchor=due.anchor, phase=0.5)
    assert later.at == ahead(minutes=10, seconds=15)


def test_manual_has_no_timer_after_a_success_or_a_failure() -> None:
    for state in (good(ahead(minutes=1)), failed(ErrorKind.SERVER), failed(ErrorKind.RATE_LIMITED)):
        due = next_due(state, cadence="manual", now=NOW, gate_until=ahead(minutes=5))
        assert (due.at, due.reason) == (None, "manual")


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 5), (2, 10), (3, 20), (4, 30), (9, 30), (5000, 30)]
)
@pytest.mark.parametrize(
    "kind", [ErrorKind.NETWORK, ErrorKind.SERVER, ErrorKind.PARSE, ErrorKind.INTERNAL]
)
def test_repeated_failures_double_the_wait_up_to_half_an_hour(
    kind: ErrorKind, failures: int, minutes: int
) -> None:
    due = next_due(failed(kind, failures), cadence=5, now=NOW, anchor=NOW)
    assert (due.at, due.reason) == (ahead(minutes=minutes), "backOff")


@pytest.mark.parametrize(
    "kind", [ErrorKind.UNAUTHORIZED, ErrorKind.MISSING_CREDENTIALS, ErrorKind.UNSUPPORTED]
)
def test_what_the_user_must_mend_is_asked_at_the_usual_pace(kind: ErrorKind) -> None:
    due = next_due(failed(kind, 7), cadence=5, now=NOW, anchor=NOW)
    assert (due.at, due.reason) == (ahead(minutes=5), "fixed")


@pytest.mark.parametrize(
    ("failures", "wait_s", "reason"),
    [
        (1, 15, "startUpRetry"),
        (2, 45, "startUpRetry"),
        (3, 120, "startUpRetry"),
        (4, 300, "startUpRetry"),
        (5, 900, "backOff"),
        (6, 1800, "backOff"),
    ],
)
def test_without_network_at_the_start_the_first_tries_come_quickly(
    failures: int, wait_s: int, reason: str
) -> None:
    first = replace(failed(ErrorKind.NETWORK, failures), restored=True)
    due = next_due(first, cadence=15, now=NOW)
    assert (due.at, due.reason) == (ahead(seconds=wait_s), reason)


def test_a_start_up_retry_is_never_slower_than_the_cadence() -> None:
    state = replace(failed(ErrorKind.NETWORK, 4), snapshot=None)
    assert next_due(state, cadence=1, now=NOW).at == ahead(seconds=60)


def test_only_network_trouble_gets_the_start_up_series() -> None:
    state = replace(failed(ErrorKind.SERVER), snapshot=None)
    assert next_due(state, cadence=15, now=NOW).at == ahead(minutes=15)


@pytest.mark.parametrize(
    ("retry_after_s", "wait_s"), [(None, 300), (90.0, 90), (3600.0, 3600), (0.0, 60), (1e18, None)]
)
def test_a_gate_lasts_as_long_as_the_service_says(
    retry_after_s: float | None, wait_s: int | None
) -> None:
    error = ErrorInfo(
        kind=ErrorKind.RATE_LIMITED, message="Slow down.", retry_after_s=retry_after_s
    )
    opens_at = gate_opens_at(error, NOW)
    assert opens_at == (
        datetime.max.replace(tzinfo=UTC) if wait_s is None else ahead(seconds=wait_s)
    )


def test_a_refresh_that_a_gate_held_back_waits_no_longer_than_the_gate() -> None:
    error = ErrorInfo(
        kind=ErrorKind.RATE_LIMITED, message="Asked to wait.", retry_after_s=3.0, cause="held"
    )
    assert gate_opens_at(error, NOW) == ahead(seconds=3)


def test_other_failures_open_no_gate() -> None:
    assert gate_opens_at(ErrorInfo(kind=ErrorKind.SERVER, message="No."), NOW) is None


def test_a_rate_limited_provider_is_asked_when_its_gate_opens() -> None:
    state = failed(ErrorKind.RATE_LIMITED)
    for wait in (timedelta(minutes=1), timedelta(hours=2)):
        due = next_due(state, cadence=5, now=NOW, gate_until=NOW + wait)
        assert (due.at, due.reason) == (NOW + wait, "rateLimited")


def test_a_stored_gate_holds_back_the_first_refresh() -> None:
    due = next_due(ProviderState(key=KEY), cadence=5, now=NOW, gate_until=ahead(minutes=3))
    assert (due.at, due.reason) == (ahead(minutes=3), "rateLimited")


def test_an_open_gate_changes_nothing() -> None:
    due = next_due(good(), cadence=5, now=NOW, gate_until=ago(minutes=1))
    assert (due.at, due.reason) == (ahead(minutes=5), "fixed")


def test_numbers_are_asked_for_half_a_minute_after_a_window_resets() -> None:
    reset = ahead(minutes=2)
    due = next_due(good(ahead(days=2), reset, None), cadence=30, now=NOW, anchor=NOW)
    assert (due.at, due.reason, due.boundary) == (ahead(seconds=150), "resetBoundary", reset)


@pytest.mark.parametrize(
    ("reset", "tried"),
    [
        pytest.param(ahead(minutes=4, seconds=40), (), id="the tick comes first"),
        pytest.param(ago(minutes=1), (), id="the numbers are younger than the reset"),
        pytest.param(ahead(minutes=1), (ahead(minutes=1),), id="tried once already"),
    ],
)
def test_a_reset_is_left_to_the_usual_tick(reset: datetime, tried: tuple[datetime, ...]) -> None:
    due = next_due(good(reset), cadence=5, now=NOW, anchor=NOW, tried_boundaries=tried)
    assert (due.reason, due.boundary) == ("fixed", None)


def test_a_reset_refresh_leaves_five_seconds_to_breathe() -> None:
    now = ahead(minutes=2)
    due = next_due(good(ahead(seconds=60)), cadence=30, now=now, anchor=NOW)
    assert due.at == now + timedelta(seconds=5)


def test_in_slow_mode_a_reset_waits_for_the_half_hour() -> None:
    state = good(ahead(minutes=2))
    due = next_due(state, cadence=5, now=NOW, anchor=ago(minutes=1), slow=True)
    assert (due.at, due.reason) == (ahead(minutes=29), "constrained")


def test_in_slow_mode_an_open_gate_waits_for_the_half_hour() -> None:
    state = failed(ErrorKind.RATE_LIMITED)
    due = next_due(state, cadence=5, now=NOW, slow=True, gate_until=ahead(minutes=5))
    assert due.at == ahead(minutes=30)


def test_a_gate_holds_back_a_reset_refresh_which_still_counts_as_tried() -> None:
    reset = ahead(minutes=1)
    due = next_due(good(reset), cadence=30, now=NOW, anchor=NOW, gate_until=ahead(minutes=4))
    assert (due.at, due.reason, due.boundary) == (ahead(minutes=4), "rateLimited", reset)


def test_a_reset_beside_the_grid_does_not_move_the_grid() -> None:
    due = next_due(good(ahead(minutes=1)), cadence=5, now=NOW, anchor=NOW)
    assert due.at is not None
    after = next_due(good(at=due.at), cadence=5, now=due.at, anchor=due.anchor)
    assert after.at == ahead(minutes=5)


def test_the_last_sixty_four_resets_are_remembered() -> None:
    tried: tuple[datetime, ...] = ()
    for minute in range(70):
        tried = remember_boundary(tried, ahead(minutes=minute))
    assert (len(tried), tried[0], tried[-1]) == (64, ahead(minutes=6), ahead(minutes=69))


@given(
    kind=st.sampled_from([None, *ErrorKind]),
    failures=st.integers(0, 40),
    cadence=st.sampled_from(["adaptive", 1, 2, 5, 15, 30]),
    attempted_s=st.integers(0, 10**6),
    anchor_s=st.integers(-(10**6), 10**6),
    reset_s=st.integers(-(10**5), 10**5),
    gate_s=st.one_of(st.none(), st.integers(-1000, 1000)),
    slow=st.booleans(),
    restored=st.booleans(),
    phase=st.floats(0, 1),
)
def test_an_automatic_refresh_is_never_in_the_past_and_never_before_its_gate(
    kind: ErrorKind | None,
    failures: int,
    cadence: Cadence,
    attempted_s: int,
    anchor_s: int,
    reset_s: int,
    gate_s: int | None,
    slow: bool,
    restored: bool,
    phase: float,
) -> None:
    state = ProviderState(
        key=KEY,
        snapshot=snapshot(ahead(seconds=reset_s), fetched_at=ago(seconds=attempted_s)),
        error=ErrorInfo(kind=kind, message="No.") if kind else None,
        failures=failures if kind else 0,
        attempted_at=ago(seconds=attempted_s),
        restored=restored,
    )
    gate_until = None if gate_s is None else ahead(seconds=gate_s)
    due = next_due(
        state,
        cadence=cadence,
        now=NOW,
        anchor=ago(seconds=anchor_s),
        slow=slow,
        gate_until=gate_until,
        phase=phase,
    )
    assert due.at is not None
    assert due.at >= max(NOW, gate_until or NOW)
    assert due.at <= ahead(minutes=33.1)


def test_a_missing_reset_time_is_taken_from_the_previous_answer() -> None:
    reset = ahead(hours=1)
    assert carry_over(snapshot(reset), snapshot(None)).windows[0].resets_at == reset


def test_a_reset_time_that_has_passed_is_not_carried_over() -> None:
    later = snapshot(None, fetched_at=ahead(hours=2))
    assert carry_over(snapshot(ahead(hours=1)), later) is later


def test_a_reset_time_the_service_sent_stays() -> None:
    new = snapshot(ahead(hours=3))
    assert carry_over(snapshot(ahead(hours=1)), new) is new


def test_a_reset_time_is_not_carried_to_another_account() -> None:
    old = replace(snapshot(ahead(hours=1)), identity=Identity(account="ada@example.org"))
    new = replace(snapshot(None), identity=Identity(account="bob@example.org"))
    assert carry_over(old, new) is new
    assert carry_over(None, new) is new
    unnamed = snapshot(None)
    assert carry_over(old, unnamed).windows[0].resets_at == ahead(hours=1)


def test_the_moment_a_window_would_be_full_again_is_not_carried_over() -> None:
    old = snapshot(ahead(hours=1))
    filling = replace(old, windows=(replace(old.windows[0], refills=True),))
    new = snapshot(None)
    assert carry_over(filling, new) is new
