"""Foreign text is made harmless, pasted values are made tidy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.text import clean, clean_line, clean_value, short_message, strip_ansi


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x1b]0;title\x07ok", "ok", id="title"),
        pytest.param("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link", id="hyperlink"),
        pytest.param("\x1bPq#0;2\x1b\\ok", "ok", id="sixel"),
        pytest.param("\x9b31mred", "red", id="C1"),
        pytest.param("a\u202eb\u200bc", "abc", id="direction and zero width"),
        pytest.param("\u2764\ufe0f Pro", "\u2764 Pro", id="a width terminals disagree about"),
        pytest.param("two\nlines\tand  blanks", "two lines and blanks", id="white space"),
        pytest.param("Ti\u1ebf\u0301ng", "Ti\u1ebf\u0301ng", id="marks of a language"),
        pytest.param("a" + "\u0301" * 300 + "b", "a\u0301\u0301\u0301b", id="tower of marks"),
        pytest.param("\u0301a \u0301b", "a b", id="marks on nothing"),
        pytest.param("\ud800lone", "lone", id="surrogate"),
        pytest.param("[b]markup[/b]", "[b]markup[/b]", id="markup is plain text"),
        pytest.param("\x1b]never closed", "", id="unfinished sequence"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert clean("x" * 1000, 10) == "x" * 9 + "…"


@given(st.text())
def test_whatever_comes_in_one_printable_line_comes_out(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) <= 300
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in cleaned)
    assert clean(cleaned) == cleaned


def test_a_line_keeps_its_columns_and_loses_what_moves_a_cursor() -> None:
    assert clean_line("  a  b") == "  a  b"
    assert clean_line("  a  \x1b[2Jb\u202e") == "  a b"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" key \n", "key"),
        ('"key"', "key"),
        ("' key '", "key"),
        ('"', ""),
        ("''", ""),
        ("\"mixed'", "\"mixed'"),
        ("  ", ""),
    ],
)
def test_clean_value(value: str, expected: str) -> None:
    assert clean_value(value) == expected


def test_a_page_is_no_message() -> None:
    assert short_message("<html><body>no</body></html>") == ""
    assert short_message("Rate exceeded.\n") == "Rate exceeded."


def test_program_output_loses_its_escapes_only() -> None:
    assert strip_ansi("\x1b[1mCredits\x1b[0m (1 of 2)\n71%") == "Credits (1 of 2)\n71%"
