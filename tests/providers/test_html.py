"""Pages as lists of elements: nesting, words, and pages that are badly written."""

from __future__ import annotations

import pytest

from tui.providers._html import Page, read_page


def tags(page: Page) -> list[str]:
    return [element.tag for element in page.elements]


def test_an_element_holds_what_lies_inside() -> None:
    page = read_page("<div><p>one <b>two</b></p><br><i>three</i></div><u>four</u>")
    assert tags(page) == ["", "div", "p", "b", "br", "i", "u"]
    whole, div, p, *_ = page.elements
    assert [element.tag for element in page.within(div)] == ["div", "p", "b", "br", "i"]
    assert (page.text(p), page.text(div)) == ("one two", "one two three")
    assert page.text(whole) == "one two three four"
    assert p.parent is div
    assert div.parent is whole


def test_words_know_which_element_follows() -> None:
    page = read_page("<h2>Cloud\n  usage</h2><div><span>pro</span></div>")
    words = page.words[0]
    assert (words.text, words.element.tag) == ("Cloud usage", "h2")
    assert page.elements[words.next_index].tag == "div"


def test_code_and_styles_and_comments_are_no_words() -> None:
    page = read_page("a<script>if (1 < 2) { x = '<b>' }</script><style>b{}</style><!-- c --> d")
    assert page.text(page.elements[0]) == "a d"


def test_attributes_are_decoded_and_always_texts() -> None:
    page = read_page('<a href="?a=1&amp;b=2" hidden data-x=7>x</a>')
    assert page.elements[1].attributes == {"href": "?a=1&b=2", "hidden": "", "data-x": "7"}


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        pytest.param("<div><span>a</div>b", ["", "div", "span"], id="inner end is missing"),
        pytest.param("</div>a</p><p>b", ["", "p"], id="ends without a beginning"),
        pytest.param("<p>a<![weird x]>b</p>", ["", "p"], id="odd declaration"),
        pytest.param("<p>a</p><div class='", ["", "p"], id="cut off inside a tag"),
        pytest.param("", [""], id="nothing"),
    ],
)
def test_badly_written_pages_are_read_as_far_as_possible(html: str, expected: list[str]) -> None:
    page = read_page(html)
    assert tags(page) == expected
    assert all(element.index < element.end <= len(expected) for element in page.elements)
    assert all(element.end_words <= len(page.words) for element in page.elements)


def test_an_element_that_is_not_closed_ends_with_the_one_around_it() -> None:
    page = read_page("<div><span>a</div>b")
    assert page.text(page.elements[2]) == "a"


def test_a_very_deep_page_is_no_trouble() -> None:
    page = read_page("<div>" * 20_000 + "x" + "</b>" * 20_000)
    assert len(page.elements) == 20_001
    assert page.text(page.elements[20_000]) == "x"
