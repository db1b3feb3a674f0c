"""Even use, work days, months and the words for them: B§9 and its vectors in B§19."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.models import UsageWindow
from tui.core.pace import Pace, month_before, window_pace, work_spans

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def window(used: float | None, left_s: float | None, minutes: int | None) -> UsageWindow:
    resets_at = None if left_s is None else NOW + timedelta(seconds=left_s)
    return UsageWindow(
        id="w", label="W", used_percent=used, window_minutes=minutes, resets_at=resets_at
    )


def pace(used: float, left_s: float, minutes: int) -> Pace:
    found = window_pace(window(used, left_s, minutes), NOW)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("minutes", "used", "left_s", "expected", "delta", "stage", "eta_s"),
    [
        (300, 40, 9000, 50, -10, "behind", None),
        (300, 90, 12000, 33.33, 56.67, "farAhead", 667),
        (10080, 62, 259200, 57.14, 4.86, "slightlyAhead", 211819),
        (10080, 20, 302400, 50, -30, "farBehind", None),
        (10080, 100, 40000, 93.39, 6.61, "ahead", 0),
        (10080, 0, 302400, 50, -50, "farBehind", None),
    ],
)
def test_pace_of_an_ordinary_window(
    minutes: int,
    used: float,
    left_s: float,
    expected: float,
    delta: float,
    stage: str,
    eta_s: float | None,
) -> None:
    found = pace(used, left_s, minutes)
    assert found.expected_percent == pytest.approx(expected, abs=0.01)
    assert found.delta_percent == pytest.approx(delta, abs=0.01)
    assert found.stage == stage
    assert found.eta_s == (None if eta_s is None else pytest.approx(eta_s, abs=1))


@pytest.mark.parametrize(
    ("used", "left_s", "minutes", "headroom"), [(40, 9000, 300, 1.5), (20, 302400, 10080, 4)]
)
def test_headroom_is_how_much_faster_it_could_be_used(
    used: float, left_s: float, minutes: int, headroom: float
) -> None:
    assert pace(used, left_s, minutes).headroom == pytest.approx(headroom)


@pytest.mark.parametrize(
    "gone",
    [
        pytest.param(window(40, -1, 300), id="reset in the past"),
        pytest.param(window(40, 0, 300), id="reset now"),
        pytest.param(window(40, 18001, 300), id="reset further away than the length"),
        pytest.param(window(40, 18000, 300), id="used before it began"),
        pytest.param(window(None, 9000, 300), id="percent unknown"),
        pytest.param(window(40, None, 300), id="reset unknown"),
        pytest.param(window(40, 9000, None), id="length unknown"),
        pytest.param(window(40, 9000, 0), id="length zero"),
        pytest.param(window(40, 9000, 10**12), id="length absurd"),
    ],
)
def test_no_pace_where_something_is_missing(gone: UsageWindow) -> None:
    assert window_pace(gone, NOW) is None


def test_unlimited_and_rolling_windows_have_no_pace() -> None:
    plain = window(40, 9000, 300)
    assert window_pace(replace(plain, unlimited=True), NOW) is None
    assert window_pace(replace(plain, paced=False), NOW) is None


@pytest.mark.parametrize(
    ("delta", "stage"),
    [
        (2, "onTrack"),
        (2.1, "slightlyAhead"),
        (6, "slightlyAhead"),
        (6.1, "ahead"),
        (12, "ahead"),
        (12.1, "farAhead"),
        (-2, "onTrack"),
        (-2.1, "slightlyBehind"),
        (-6, "slightlyBehind"),
        (-12, "behind"),
        (-12.1, "farBehind"),
    ],
)
def test_the_distance_has_a_name(delta: float, stage: str) -> None:
    assert Pace(actual_percent=50 + delta, expected_percent=50).stage == stage


@pytest.mark.parametrize(
    ("used", "left_s", "minutes", "parts"),
    [
        (50, 9000, 300, ("On pace", "Lasts until reset")),
        (40, 9000, 300, ("10% in reserve", "Lasts until reset")),
        (90, 12000, 300, ("57% in deficit", "Projected empty in 12m")),
        (62, 259200, 10080, ("5% in deficit", "Runs out in 2d 10h")),
        (20, 302400, 10080, ("30% in reserve", "Lasts until reset", "4× headroom")),
        (100, 40000, 10080, ("7% in deficit", "Runs out now")),
    ],
)
def test_pace_in_words(used: float, left_s: float, minutes: int, parts: tuple[str, ...]) -> None:
    assert pace(used, left_s, minutes).parts == parts


@pytest.mark.parametrize(
    ("used", "left_s", "text"),
    [(51, 9000, "on pace"), (40, 9000, "10% in reserve"), (90, 12000, "Projected empty in 12m")],
)
def test_the_short_word_is_the_one_that_matters(used: float, left_s: float, text: str) -> None:
    assert pace(used, left_s, 300).short_text == text


@pytest.mark.parametrize(
    ("used", "left_s", "shown"),
    [
        pytest.param(40, 9000, True, id="in the middle"),
        pytest.param(1, 18000 * 0.975, False, id="2.5 % elapsed"),
        pytest.param(1, 18000 * 0.965, True, id="3.5 % elapsed"),
        pytest.param(100, 9000, False, id="nothing left"),
        pytest.param(112, 9000, False, id="over the limit"),
        pytest.param(0, 18000, False, id="just begun"),
    ],
)
def test_pace_hides_where_it_says_nothing(used: float, left_s: float, shown: bool) -> None:
    assert pace(used, left_s, 300).is_shown is shown


def week(used: float, resets_at: datetime) -> UsageWindow:
    return UsageWindow(
        id="weekly", label="Week", used_percent=used, window_minutes=10080, resets_at=resets_at
    )


def test_five_work_days_count_monday_to_friday_only() -> None:
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    wednesday_noon = monday + timedelta(days=2, hours=12)
    found = window_pace(week(60, monday + timedelta(days=7)), wednesday_noon, work_days=5)
    assert found is not None
    assert (found.expected_percent, found.delta_percent, found.stage) == (50, 10, "ahead")


def test_on_days_off_the_expectation_stands_still_and_the_rest_runs_out_on_monday() -> None:
    thursday = datetime(2026, 11, 26, tzinfo=UTC)
    found = [
        window_pace(week(60, thursday), moment, work_days=5)
        for moment in (
            datetime(2026, 11, 21, 1, tzinfo=UTC),
            datetime(2026, 11, 22, 23, tzinfo=UTC),
        )
    ]
    assert [pace.expected_percent for pace in found if pace] == [40, 40]
    sunday = found[1]
    assert sunday is not None
    # 60 % took two work days, so 40 % take 32 h of work from Monday 00:00, an hour away.
    assert sunday.eta_s == pytest.approx(33 * 3600)


@pytest.mark.parametrize("work_days", [None, 0, 1, 7, 12])
def test_other_numbers_of_work_days_count_every_day(work_days: int | None) -> None:
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    now = monday + timedelta(days=3, hours=12)
    found = window_pace(week(50, monday + timedelta(days=7)), now, work_days=work_days)
    assert found is not None
    assert found.expected_percent == 50


def test_work_days_leave_other_lengths_alone() -> None:
    found = window_pace(window(40, 9000, 300), NOW, work_days=2)
    assert found is not None
    assert found.expected_percent == 50


@pytest.mark.parametrize(
    ("zone", "start", "hours"),
    [
        pytest.param("Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC), 25, id="clocks back"),
        pytest.param(
            "Europe/Berlin", datetime(2026, 3, 28, 23, tzinfo=UTC), 23, id="clocks forward"
        ),
        pytest.param(
            "America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC), 23, id="no midnight that day"
        ),
    ],
)
def test_work_days_have_the_length_the_clocks_give_them(
    zone: str, start: datetime, hours: int
) -> None:
    """The Sunday of the change, as the only day counted in full."""
    tz = ZoneInfo(zone)
    sunday = [
        span
        for span in work_spans(start, start + timedelta(days=6), 7, tz)
        if span[0].astimezone(tz).isoweekday() == 7
    ]
    assert [end - begin for begin, end in sunday] == [timedelta(hours=hours)]


def test_work_days_follow_the_local_zone() -> None:
    start = datetime(2026, 11, 22, 15, tzinfo=UTC)  # Monday 00:00 in Tokyo
    spans = work_spans(start, start + timedelta(days=7), 5, ZoneInfo("Asia/Tokyo"))
    assert (spans[0][0], spans[-1][1]) == (start, start + timedelta(days=5))


@pytest.mark.parametrize(
    ("end", "start"),
    [
        ("2026-12-01T00:00", "2026-11-01T00:00"),
        ("2027-01-15T08:30", "2026-12-15T08:30"),
        ("2026-03-31T00:00", "2026-02-28T00:00"),
        ("2028-03-30T00:00", "2028-02-29T00:00"),
    ],
)
def test_a_month_is_the_real_one_that_ends_at_the_reset(end: str, start: str) -> None:
    assert month_before(datetime.fromisoformat(end + "+00:00")).isoformat() == start + ":00+00:00"


def test_a_window_called_monthly_is_a_month_without_being_told() -> None:
    unnamed = window(50, 14 * 86400, None)
    month = replace(unnamed, id="monthly")
    assert window_pace(unnamed, NOW) is None
    assert window_pace(month, NOW) == window_pace(replace(month, window_minutes=43200), NOW)
    assert window_pace(month, NOW) is not None


def test_a_month_of_28_days_is_half_over_after_14() -> None:
    month = UsageWindow(
        id="monthly",
        label="Month",
        used_percent=50.0,
        window_minutes=43200,
        resets_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    found = window_pace(month, datetime(2026, 2, 15, tzinfo=UTC))
    assert found is not None
    assert found.expected_percent == 50


@given(
    used=st.floats(0, 500),
    left_s=st.integers(1, 7 * 86400),
    minutes=st.sampled_from([1, 300, 1440, 10080, 43200, 20160]),
    work_days=st.sampled_from([None, 2, 5, 6]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]),
)
def test_a_run_out_always_lies_between_now_and_the_reset(
    used: float, left_s: int, minutes: int, work_days: int | None, zone: str
) -> None:
    found = window_pace(window(used, left_s, minutes), NOW, work_days=work_days, tz=ZoneInfo(zone))
    if found is None:
        return
    assert 0 <= found.expected_percent <= 100
    assert found.lasts or 0 <= (found.eta_s or 0) <= left_s
    assert all(found.parts)
