"""A page as a list of elements: what lies inside what, and the words between.

For services whose numbers stand on a page for people only. An element holds a range of that list,
so nothing here is deeper than a loop, however deep a page is. Code and styles are no words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

WITHOUT_CONTENT = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)
WITHOUT_WORDS = frozenset(("script", "style"))


@dataclass(slots=True, eq=False)
class Element:
    """An element of a page."""

    tag: str
    attributes: Mapping[str, str]
    parent: Element | None
    index: int
    """Its place among the elements of the page."""
    end: int = 0
    """The place after the last element inside."""
    first_words: int = 0
    end_words: int = 0
    """Which words of the page are inside."""


@dataclass(frozen=True, slots=True)
class Words:
    """A text between two tags, blanks folded."""

    text: str
    element: Element
    """The innermost one around it."""
    next_index: int
    """The place of the element that begins after it."""


@dataclass(slots=True)
class Page:
    """A page, taken apart."""

    elements: list[Element] = field(default_factory=list)
    """In the order in which they begin; the first one is the page itself."""
    words: list[Words] = field(default_factory=list)

    def within(self, element: Element) -> list[Element]:
        """The element and everything inside."""
        return self.elements[element.index : element.end]

    def text(self, element: Element) -> str:
        """All words inside, blanks folded."""
        inside = self.words[element.first_words : element.end_words]
        return " ".join(words.text for words in inside)


def read_page(html: str) -> Page:
    """The elements and words of a page, as far as it can be understood."""
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:
        # The parser gives up at an odd `<![`; what came before it counts.
        pass
    reader.close_all()
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._open: list[Element] = []
        self._open_tags: Counter[str] = Counter()
        self._begin("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._begin(tag, {name: value or "" for name, value in attrs})
        if tag in WITHOUT_CONTENT:
            self._end()

    def handle_endtag(self, tag: str) -> None:
        if not self._open_tags[tag]:
            return
        while self._end() != tag:
            pass

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and self._open[-1].tag not in WITHOUT_WORDS:
            self.page.words.append(Words(text, self._open[-1], len(self.page.elements)))

    def close_all(self) -> None:
        """Whatever is still open ends with the page."""
        while self._open:
            self._end()

    def _begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        parent = self._open[-1] if self._open else None
        element = Element(tag, attributes, parent, len(self.page.elements))
        element.first_words = len(self.page.words)
        self.page.elements.append(element)
        self._open.append(element)
        self._open_tags[tag] += 1

    def _end(self) -> str:
        """Close the innermost element; its tag."""
        element = self._open.pop()
        self._open_tags[element.tag] -= 1
        element.end = len(self.page.elements)
        element.end_words = len(self.page.words)
        return element.tag
