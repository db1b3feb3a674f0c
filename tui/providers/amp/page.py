"""What Amp's settings page tells: the free tier among its script data, and where it leads.

The data is JavaScript, not strict JSON: keys may be bare, and the same name occurs in other
places. So every place is tried until one holds the three numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import urlsplit

from tui.core.urls import host_allowed, host_of
from tui.providers._parse import decimal
from tui.providers.amp.display import Allowance

HOST = "ampcode.com"
LOGIN_HOST = "auth.ampcode.com"
LOGIN_SEGMENTS = frozenset({"login", "signin", "sign-in"})
COMES_BACK = re.compile(r"\b(?:returnto|redirect|redirectto)=", re.IGNORECASE)

PLACE = re.compile(r"[fF]reeTierUsage")
MOST_PLACES = 50
LONGEST_BLOCK = 10_000
TOKEN = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{}]""", re.DOTALL)
TEXT_VALUE = re.compile(r""":\s*(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.DOTALL)
NUMBER = r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
CENTS = Decimal(100)
"""The numbers agree with the display text when they are read as US cents."""


def read_free_tier(page: str) -> Allowance | None:
    """The free tier, if the page has it."""
    return next(filter(None, map(allowance, blocks(page))), None)


def blocks(page: str) -> Iterator[str]:
    """The `{…}` that follows each place where the free tier is named."""
    for found, _ in zip(PLACE.finditer(page), range(MOST_PLACES), strict=False):
        start = page.find("{", found.end(), found.end() + LONGEST_BLOCK)
        if start >= 0 and (block := balanced(page[start : start + LONGEST_BLOCK])):
            yield block


def balanced(text: str) -> str:
    """From the first brace to the one that closes it; braces in strings do not count."""
    depth = 0
    for token in TOKEN.finditer(text):
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if depth == 0:
            return text[: token.end()]
    return ""


def allowance(block: str) -> Allowance | None:
    """What a block holds, if it holds what is needed."""
    bare = TEXT_VALUE.sub(quoted_number, block)
    quota, used, hourly = (member(bare, name) for name in ("quota", "used", "hourlyReplenishment"))
    if quota is None or used is None or hourly is None:
        return None
    return Allowance(
        used=max(used, Decimal(0)) / CENTS,
        quota=quota / CENTS,
        hourly=hourly / CENTS if hourly > 0 else None,
        window_hours=member(bare, "windowHours"),
    )


def quoted_number(found: re.Match[str]) -> str:
    """A text value without its content, unless that is a number."""
    content = found.group()[1:].strip()[1:-1]
    return f":{content}" if re.fullmatch(NUMBER, content) else ":0text"


def member(block: str, name: str) -> Decimal | None:
    """The number of a member; its key may be quoted."""
    found = re.search(rf"""(?<![\w$])["']?{name}["']?\s*:\s*({NUMBER})(?![\w.])""", block)
    return decimal(found.group(1)) if found else None


def visible_text(page: str) -> str:
    """What a reader of the page sees."""
    without_code = re.sub(r"(?is)<(script|style)\b.*?(?:</\1\s*>|$)", " ", page)
    return re.sub(r"<[^>]*>", " ", without_code)


# -- where a redirect leads ------------------------------------------------------------------------


def is_amp(url: str) -> bool:
    """Whether an address is one of Amp's; look-alikes are not."""
    return host_allowed(host_of(url), (f".{HOST}",))


def may_get_cookie(url: str) -> bool:
    """Whether the session may travel there."""
    return is_amp(url) and urlsplit(url).scheme.lower() == "https"


def leads_to_login(url: str) -> bool:
    """Whether an address is where Amp asks to sign in."""
    if not is_amp(url):
        return False
    parts = urlsplit(url)
    segments = set(parts.path.lower().split("/"))
    comes_back = "auth" in segments and COMES_BACK.search(parts.query) is not None
    return host_of(url) == LOGIN_HOST or comes_back or bool(segments & LOGIN_SEGMENTS)
