"""The bar: exact cells, readable without colour."""

from __future__ import annotations

import pytest

from tui.widgets.usage_bar import ASCII, PLAIN, STALE, bar_parts, filled_eighths, tick_cell


def drawn(width: int, percent: float, tick: float | None = None, signs: object = PLAIN) -> str:
    return "".join(text for text, _ in bar_parts(width, percent, tick, signs))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        pytest.param(0, "··········", id="nothing"),
        pytest.param(0.4, "█·········", id="one cell above zero"),
        pytest.param(50, "█████·····", id="half"),
        pytest.param(53, "█████▎····", id="cells are filled in eighths, rounded down"),
        pytest.param(99.9, "█████████·", id="one cell empty below hundred"),
        pytest.param(100, "██████████", id="all"),
        pytest.param(112, "██████████", id="more than all"),
    ],
)
def test_a_bar_is_full_only_when_it_is_full(percent: float, expected: str) -> None:
    assert drawn(10, percent) == expected


@pytest.mark.parametrize("width", [1, 2, 5, 23])
@pytest.mark.parametrize("percent", [0, 0.1, 37, 99.99, 100])
@pytest.mark.parametrize("tick", [None, 0, 50, 100])
def test_a_bar_is_exactly_as_wide_as_its_place(
    width: int, percent: float, tick: float | None
) -> None:
    assert len(drawn(width, percent, tick)) == width


def test_a_bar_without_room_is_nothing() -> None:
    assert bar_parts(0, 50, 50, PLAIN) == []


def test_the_tick_stands_out_inside_and_outside_of_the_filled_part() -> None:
    assert bar_parts(4, 50, 25, PLAIN) == [
        ("█", "full"),
        ("┊", "tick-full"),
        ("··", "empty"),
    ]
    assert drawn(4, 50, 75) == "██·┊"


def test_ascii_and_stale_bars_have_whole_cells_of_their_own_signs() -> None:
    assert drawn(10, 53, None, ASCII) == "#####-----"
    assert drawn(10, 53, None, STALE) == "░░░░░·····"


def test_eighths_never_exceed_the_width() -> None:
    assert filled_eighths(100, 10) == 80
    assert filled_eighths(99.99, 10) == 72


@pytest.mark.parametrize(("tick", "cell"), [(None, None), (0, 0), (100, 9), (55, 5), (-3, 0)])
def test_the_tick_stays_on_the_bar(tick: float | None, cell: int | None) -> None:
    assert tick_cell(10, tick) == cell
