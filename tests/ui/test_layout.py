"""Columns, densities and words in cells."""

from __future__ import annotations

import pytest

from tests.support import NOON
from tests.ui.states import everybody
from tui.core.clock import LOCAL_ZONE
from tui.core.models import ProviderKey
from tui.core.preferences import Preferences
from tui.present.card import card_view
from tui.present.views import CardView
from tui.widgets.card_message import Piece, message_lines
from tui.widgets.cells import chunks, fold, padded, shorten, shorten_apart
from tui.widgets.key_bar import fitting
from tui.widgets.row_layout import RowLine, card_lines, short_label, width_of
from tui.widgets.space import Space, choose_space


def card(name: str) -> CardView:
    found = next(state for shown, state in everybody() if shown == name)
    return card_view(
        found, name=name, short_name=name, now=NOON, prefs=Preferences(), tz=LOCAL_ZONE
    )


def text(line: RowLine, width: int) -> str:
    left = "".join(part for part, _ in line.left)
    right = "".join(part for part, _ in line.right)
    return left + "#" * (width - len(left) - len(right)) + right


@pytest.mark.parametrize(
    ("width", "height", "cards", "expected"),
    [
        pytest.param(120, 34, 12, ("comfortable", 3), id="the everyday screen"),
        pytest.param(120, 34, 16, ("compact", 3), id="more cards than fit comfortably"),
        pytest.param(80, 22, 16, ("compact", 2), id="what does not fit scrolls"),
        pytest.param(80, 22, 4, ("comfortable", 2), id="few cards on a small screen"),
        pytest.param(40, 10, 16, ("line", 1), id="one line a provider"),
        pytest.param(40, 10, 1, ("comfortable", 1), id="one card has all the room"),
        pytest.param(200, 58, 16, ("comfortable", 4), id="wide cards where they fit"),
        pytest.param(200, 58, 40, ("compact", 4), id="many cards"),
        pytest.param(200, 9, 20, ("line", 3), id="a low terminal"),
        pytest.param(30, 6, 0, ("comfortable", 1), id="no card at all"),
    ],
)
def test_the_density_follows_from_the_size(
    width: int, height: int, cards: int, expected: tuple[str, int]
) -> None:
    space = choose_space(width, height, cards)
    assert (space.density, space.columns) == expected


@pytest.mark.parametrize("wish", ["comfortable", "compact", "line"])
def test_a_chosen_density_is_kept_at_any_size(wish: str) -> None:
    for size in ((40, 10), (80, 22), (200, 58)):
        assert choose_space(*size, 16, wish).density == wish


def test_numbers_stand_in_columns_and_names_shorten_before_them() -> None:
    lines = card_lines(card("Claude"), Space(density="compact", width=40))
    rows = [text(line, 36) for line in lines]
    assert [row.index("%") for row in rows] == [26, 26, 26]
    assert rows[0].startswith("Session #")
    assert rows[0].endswith("▲ 17%  blocked")


def test_a_line_shows_the_window_that_binds() -> None:
    (line,) = card_lines(card("Kimi"), Space(density="line", width=40))
    assert text(line, 40) == "Kimi       ! wk ##########   6%   3d 21h"


def test_a_line_without_numbers_says_why() -> None:
    (line,) = card_lines(card("Droid"), Space(density="line", width=80))
    assert "".join(part for part, _ in line.left).startswith("Droid            ? Needs setup.")


def test_what_follows_below_a_bar_stands_under_it_where_it_fits() -> None:
    wide = card_lines(card("Codex"), Space(density="comfortable", width=50))
    narrow = card_lines(card("Codex"), Space(density="comfortable", width=38))
    assert wide[1].below == ("Resets in 5d", "Runs out in 4d 1h")
    assert wide[1].below_indent == width_of(wide[1].left)
    assert narrow[1].below_indent == 2


def test_wide_cards_say_the_word_behind_the_number() -> None:
    (first, *_) = card_lines(card("Codex"), Space(density="comfortable", width=50))
    assert text(first, 46).endswith(" 88% left")


@pytest.mark.parametrize(
    ("label", "short"),
    [("5-hour", "5h"), ("Week", "wk"), ("Credits", "cr"), ("30 days", "30d"), ("MCP", "mc")],
)
def test_labels_have_a_form_of_two_letters(label: str, short: str) -> None:
    assert short_label(label) == short


def test_pieces_share_a_line_as_long_as_they_fit() -> None:
    assert fold(("one", "", "two", "three"), 9) == ["one · two", "three"]
    assert fold(("a sentence that is long",), 10) == ["a sentence", "that is", "long"]


def test_words_are_counted_in_cells() -> None:
    assert shorten("月之暗面 Kimi", 7) == "月之暗…"
    assert padded("月", 4) == "月  "
    assert padded("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        pytest.param(18, ["Claude/GPT weekly", "Claude/GPT 5-hour", "Week"], id="all fit"),
        pytest.param(12, ["Claud…weekly", "Claud…5-hour", "Week"], id="ends are kept"),
        pytest.param(7, ["…weekly", "…5-hour", "Week"], id="ends alone"),
        pytest.param(5, ["…wee…", "…5-h…", "Week"], id="the beginnings of the ends"),
    ],
)
def test_names_that_begin_alike_stay_apart(width: int, expected: list[str]) -> None:
    names = ["Claude/GPT weekly", "Claude/GPT 5-hour", "Week"]
    assert shorten_apart(names, width) == expected


def test_names_that_differ_early_keep_their_beginnings() -> None:
    assert shorten_apart(["Sonnet weekly", "Monthly credits"], 8) == ["Sonnet…", "Monthly…"]


LOOK = "Look at its status page."
SAID: tuple[Piece, ...] = (
    ("The service answered with something that is no answer.", "muted"),
    (LOOK, "step"),
    ("Today $1.24", "muted"),
)


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (4, ["The service answered with", "something that is no answ…", LOOK, "Today $1.24"]),
        (3, ["The service answered with…", LOOK, "Today $1.24"]),
        (2, ["The service answered with…", LOOK]),
        (1, [LOOK]),
        (0, []),
    ],
)
def test_the_next_step_is_said_to_the_last(most: int, expected: list[str]) -> None:
    assert [line for line, _ in message_lines(SAID, 26, most)] == expected


def test_a_step_that_does_not_fit_gives_way_to_a_short_one() -> None:
    """Never half a step: the settings have the other half."""
    step = "Run `tool login`, or sign in at tool.example with your browser, or paste its cookies."
    said: tuple[Piece, ...] = (("No login found.", "muted"), (step, "step"))
    short = "Press s to set it up."
    assert [line for line, _ in message_lines(said, 35, 3, short)] == ["No login found.", short]
    assert len(message_lines(said, 35, 4, short)) == 4


def test_the_time_of_the_next_try_gives_way_to_the_step() -> None:
    step = "Create a new one at tool.example/settings/keys."
    said: tuple[Piece, ...] = (("The key was refused.", "muted"), (f"{step} next try 3m", "step"))
    lines = [line for line, _ in message_lines(said, 30, 3, step)]
    assert lines == ["The key was refused.", "Create a new one at", "tool.example/settings/keys."]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, "No key. Create one at tool.example/keys and save it."),
        (64, "Create one at tool.example/keys and save it."),
        (50, "No key. Press s."),
        (36, "Press s to set it up."),
    ],
)
def test_a_line_says_a_whole_step(width: int, expected: str) -> None:
    card_with_step = CardView(
        key=ProviderKey("tool"),
        name="Tool",
        short_name="Tool",
        look="needs_setup",
        symbol="?",
        message="No key." if width > 40 else "There is no key for Tool.",
        hint="Create one at tool.example/keys and save it.",
    )
    (line,) = card_lines(card_with_step, Space(density="line", width=width))
    assert line.left[-1][0] == expected


def test_an_address_is_split_but_never_lost() -> None:
    lines = chunks("https://example.org/a/very/long/path", 12)
    assert "".join(lines) == "https://example.org/a/very/long/path"
    assert max(map(len, lines)) == 12


def test_the_line_of_keys_gives_up_words_then_keys_but_never_the_last_ones() -> None:
    keys = (("r", "r", "refresh"), ("s", "s", "settings"))
    last = (("q", "q", "quit"),)
    assert fitting(keys, last, 40) == (*keys, *last)
    assert fitting(keys, last, 24) == (*keys, ("q", "q", ""))
    assert fitting(keys, last, 14) == (keys[0], ("q", "q", ""))
    assert fitting(keys, last, 3) == (("q", "q", ""),)
