"""Ollama's settings page: two blocks with a percent, a plan, an e-mail address.

A block is found from its label: outwards to the first element that says how much is used, and no
further than to where the next label, the plan or the address begins. The bar is cut into one
segment per model; their widths are shares of what is used, never the use itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from tui.core.errors import ParseError, Unauthorized
from tui.core.models import (
    SESSION_MINUTES,
    WEEK_MINUTES,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import amount_text, counted, joined
from tui.providers._html import Element, Page, read_page
from tui.providers._parse import clamp_percent, decimal, number, timestamp

SIGN_IN_HINT = "Sign in at https://ollama.com/signin."
USED = r"(?<![\w.,])([-−]?(?:\d+(?:\.\d+)?|\.\d+))\s*%\s*used"
"""A whole number: the end of `1,000%` is none."""
LABEL = re.compile(rf"(session|hourly|weekly) usage\b[\s:]*(?:{USED})?", re.IGNORECASE)
PERCENT = re.compile(rf"{USED}\b", re.IGNORECASE)
WIDTH = re.compile(r"(?<![\w-])width:\s*(\d+(?:\.\d+)?)\s*%", re.IGNORECASE)
LIMIT_REACHED = re.compile(r"\b\w+ limit reached\b", re.IGNORECASE)
PLAN_HEADING = "cloud usage"
PLAN = re.compile(r"[A-Za-z][A-Za-z0-9 +.-]{0,23}")
EMAIL_ID = "header-email"
TRACK, SEGMENT = "data-usage-track", "data-usage-segment"
WHOLE_PAGE = frozenset(("", "html", "body", "main"))
"""What belongs to no block."""
MOST_STEPS = 40
"""A label lies no deeper than this within its block."""
AUTH_ROUTE = re.compile(r"(?:^|/)(?:login|signin)(?=$|[/?#])", re.IGNORECASE)
SIGN_IN_HEADING = re.compile(r"\b(?:sign|log) in to ollama\b", re.IGNORECASE)
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
WINDOWS = {
    "session": ("session", "Session", SESSION_MINUTES),
    # The older word says nothing about how long it is.
    "hourly": ("session", "Session", None),
    "weekly": ("weekly", "Weekly", WEEK_MINUTES),
}
"""Id, label and minutes by the first word of a block's label."""


def parse_page(html: str, *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """The windows, plan and account of a settings page.

    Raises:
        Unauthorized: It is a page to sign in.
        ParseError: No window is on it.
    """
    page = read_page(html)
    blocks = list(_blocks(page))
    if not blocks:
        raise _why_empty(page)
    return ProviderSnapshot(
        key=key,
        source_id="web",
        fetched_at=now,
        windows=tuple(_window(page, block) for block in blocks),
        identity=Identity(account=_email(page), plan=_plan(page)),
        details=tuple(row for block in blocks for row in _model_rows(page, block)),
        confidence="percent_only",
    )


def _why_empty(page: Page) -> ParseError | Unauthorized:
    if is_signed_out(page):
        return Unauthorized("Not signed in to Ollama.", hint=SIGN_IN_HINT)
    return ParseError("No usage data on the Ollama settings page; its layout may have changed.")


# -- blocks ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Label:
    """Where a window is named."""

    word: str
    """`session`, `hourly` or `weekly`."""
    element: Element

    @property
    def window_id(self) -> str:
        """Two words name the same window."""
        return WINDOWS[self.word][0]


@dataclass(frozen=True, slots=True)
class Block:
    """What the page says of one window."""

    label: Label
    percent: float
    ways_out: tuple[Element, ...]
    """The element with the percent and those around it, up to the end of the block."""

    @property
    def whole(self) -> Element:
        """The block."""
        return self.ways_out[-1]


def _blocks(page: Page) -> Iterator[Block]:
    """One block per window, the session first."""
    labels = list(_labels(page))
    for window_id in ("session", "weekly"):
        others = [label.element for label in labels if label.window_id != window_id]
        fences = [*others, *_landmarks(page)]
        own = (label for label in labels if label.window_id == window_id)
        found = (_block(page, label, fences) for label in own)
        block = next((block for block in found if block is not None), None)
        if block is not None:
            yield block


def _labels(page: Page) -> Iterator[Label]:
    named = [(words.text, words.element) for words in page.words]
    named += [(_spoken(element), element) for element in page.elements]
    for text, element in sorted(named, key=lambda item: item[1].index):
        if found := LABEL.fullmatch(text):
            yield Label(found.group(1).lower(), element)


def _spoken(element: Element) -> str:
    return " ".join(element.attributes.get("aria-label", "").split())


def _landmarks(page: Page) -> Iterator[Element]:
    """Where no block is."""
    yield from (words.element for words in page.words if words.text.lower() == PLAN_HEADING)
    yield from (element for element in page.elements if element.attributes.get("id") == EMAIL_ID)


def _block(page: Page, label: Label, fences: list[Element]) -> Block | None:
    """From a label outwards; `None` when no percent belongs to it."""
    ways_out = list(islice(_outwards(label.element, fences), MOST_STEPS))
    for place, element in enumerate(ways_out):
        percent = _percent(page, element)
        if percent is None:
            continue
        rest = [way for way in ways_out[place + 1 :] if way.tag not in WHOLE_PAGE]
        return Block(label, percent, (element, *rest))
    return None


def _outwards(element: Element, fences: list[Element]) -> Iterator[Element]:
    """The element and those around it that hold no fence."""
    way: Element | None = element
    while way is not None and not any(way.index <= f.index < way.end for f in fences):
        yield way
        way = way.parent


def _percent(page: Page, element: Element) -> float | None:
    """From the words, else from what is read aloud, else from the bar."""
    within = page.within(element)
    spoken = (_spoken(inner) for inner in within)
    for text in (page.text(element), *spoken):
        if found := PERCENT.search(text):
            return clamp_percent(float(found.group(1).replace("−", "-")))
    tracks = (inner for inner in within if TRACK in inner.attributes)
    track = next(tracks, None)
    bar = page.within(track) if track is not None else within
    widths = (_width(inner) for inner in bar if SEGMENT not in inner.attributes)
    return next((clamp_percent(width) for width in widths if width is not None), None)


def _width(element: Element) -> float | None:
    found = WIDTH.search(element.attributes.get("style", ""))
    return number(found.group(1)) if found else None


# -- what a block says -----------------------------------------------------------------------------


def _window(page: Page, block: Block) -> UsageWindow:
    window_id, label, minutes = WINDOWS[block.label.word]
    reached = LIMIT_REACHED.search(page.text(block.whole))
    return UsageWindow(
        id=window_id,
        label=label,
        used_percent=block.percent,
        window_minutes=minutes,
        resets_at=_resets_at(page, block),
        resets_text=reached.group().capitalize() if reached else "",
    )


def _resets_at(page: Page, block: Block) -> datetime | None:
    """The nearest moment, so that none of another part of the page is borrowed."""
    for way in block.ways_out:
        for element in page.within(way):
            if moment := element.attributes.get("data-time"):
                return timestamp(moment)
    return None


def _model_rows(page: Page, block: Block) -> Iterator[DetailRow]:
    """What each model took of the window."""
    group = f"{WINDOWS[block.label.word][1]} by model"
    for element in page.within(block.whole):
        model = element.attributes.get("data-model", "").strip()
        if SEGMENT not in element.attributes or not model:
            continue
        width, requests = _width(element), decimal(element.attributes.get("data-requests"))
        share = "" if width is None else f"{amount_text(block.percent * width / 100)}%"
        count = "" if requests is None else counted(requests, "requests")
        if words := joined((share, count)):
            yield DetailRow(group, model, words)


# -- the rest of the page --------------------------------------------------------------------------


def _plan(page: Page) -> str:
    """The badge that follows the heading; it is written in lower case."""
    for words in page.words:
        if words.text.lower() != PLAN_HEADING or words.next_index >= len(page.elements):
            continue
        badge = page.text(page.elements[words.next_index])
        if PLAN.fullmatch(badge):
            return badge.title() if badge.islower() else badge
    return ""


def _email(page: Page) -> str:
    named = (element for element in page.elements if element.attributes.get("id") == EMAIL_ID)
    texts = (page.text(element) for element in named)
    return next((text for text in texts if "@" in text), "")


def is_signed_out(page: Page) -> bool:
    """Whether this is a page to sign in; the words alone prove nothing."""
    if not any(element.tag == "form" for element in page.elements):
        return False
    inputs = [element.attributes for element in page.elements if element.tag == "input"]
    has_password = any(field.get("type", "").lower() == "password" for field in inputs)
    has_email = any("email" in (field.get("type", ""), field.get("name", "")) for field in inputs)
    has_route = any(
        AUTH_ROUTE.search(element.attributes.get(name, ""))
        for element in page.elements
        for name in ("action", "href")
    )
    has_heading = any(
        element.tag in HEADINGS and SIGN_IN_HEADING.search(page.text(element))
        for element in page.elements
    )
    return (
        has_route or (has_password and has_email) or (has_heading and (has_password or has_email))
    )
