"""The plan page of the website: data for its own scripts, else what a person would read.

Whoever is signed out sees a page too; words inside scripts are translations and say nothing.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tui.core.models import DAY_MINUTES
from tui.providers._parse import clamp_percent, decimal, moment_in, number, walk

DEEPEST = 14
"""The page wraps its data in properties of components."""
LONGEST_MINUTES = 366 * DAY_MINUTES

_SCRIPTED = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|noscript|template)\b[^>]*>.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[^>]*>")
_NEXT_DATA = re.compile(
    r"<script\b[^>]*\bid=[\"']__NEXT_DATA__[\"'][^>]*>(.*?)</script\s*>", re.IGNORECASE | re.DOTALL
)
_SIGN_IN = re.compile(r"sign in|log in|登录|登入", re.IGNORECASE)
_UNIT = r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\b"
_ALLOWANCE = re.compile(
    rf"available usage\s*[:：]?\s*([\d,]+(?:\.\d+)?)\s*prompts?\s*/\s*([\d.]+)\s*{_UNIT}",
    re.IGNORECASE,
)
_USED = re.compile(r"([\d.]+)\s*%\s*used|used\s*:?\s*([\d.]+)\s*%", re.IGNORECASE)
_RESETS_IN = re.compile(rf"resets?\s+in\s+((?:[\d.]+\s*{_UNIT}\s*)+)", re.IGNORECASE)
_SPAN = re.compile(rf"([\d.]+)\s*{_UNIT}", re.IGNORECASE)
_RESETS_AT = re.compile(r"resets?\s+at\s+(\d{1,2}):(\d{2})(?:\s*\(([^)]{1,40})\))?", re.IGNORECASE)
_OFFSET = re.compile(r"(?:UTC|GMT)(?:\s*([+-]\d{1,2})(?::?(\d{2}))?)?", re.IGNORECASE)
_ZONE_NAME = re.compile(r"[A-Za-z_]+(?:/[A-Za-z0-9_+-]+){1,2}")
_PLAN_MEMBERS = ("planName", "plan", "packageName")
_PLAN_IN_TEXT = re.compile(r"coding plan\s+(.{1,60}?)\s*[,;:·|-]?\s*available usage", re.IGNORECASE)
_PLAN_WORDS = re.compile(r"\b(?:plan|account)\b", re.IGNORECASE)
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """What can be read on the page."""

    plan: str = ""
    limit: Decimal | None = None
    """Prompts per window."""
    window_minutes: int | None = None
    used_percent: float | None = None
    resets_at: datetime | None = None

    @property
    def says_something(self) -> bool:
        """Whether one of the things that matter was found."""
        return bool(self.plan) or self.limit is not None or self.used_percent is not None


def visible_text(page: str) -> str:
    """The words between the tags, without scripts and styles, blanks folded."""
    bare = _TAG.sub(" ", _SCRIPTED.sub(" ", page))
    return " ".join(html.unescape(bare).split())


def is_signed_out(page: str) -> bool:
    """Whether a person is asked to sign in."""
    return _SIGN_IN.search(visible_text(page)) is not None


def find_remains(page: str) -> dict[str, Any] | None:
    """The object with the lanes in the data for the page's scripts."""
    script = _NEXT_DATA.search(page)
    if script is None:
        return None
    try:
        data = json.loads(script.group(1))
    except (ValueError, RecursionError):
        return None
    lanes = ("model_remains", "modelRemains")
    found = (item for item in walk(data, DEEPEST) if any(name in item for name in lanes))
    return next(found, None)


def read_text(page: str, now: datetime) -> PageText:
    """What a person would read."""
    words = visible_text(page)
    allowance = _ALLOWANCE.search(words)
    seconds = _seconds(allowance.group(2), allowance.group(3)) if allowance else None
    return PageText(
        plan=_plan(page, words),
        limit=decimal(allowance.group(1).replace(",", "")) if allowance else None,
        window_minutes=_minutes(seconds),
        used_percent=_used_percent(words),
        resets_at=_reset(words, now),
    )


def _seconds(count: str, unit: str) -> float | None:
    value = number(count)
    return None if value is None else value * _UNIT_S[unit[0].lower()]


def _minutes(seconds: float | None) -> int | None:
    minutes = None if seconds is None else seconds / 60
    return round(minutes) if minutes is not None and 1 <= minutes <= LONGEST_MINUTES else None


def _used_percent(words: str) -> float | None:
    found = _USED.search(words)
    percent = number(found.group(1) or found.group(2)) if found else None
    return None if percent is None else clamp_percent(percent)


# -- reset -----------------------------------------------------------------------------------------


def _reset(words: str, now: datetime) -> datetime | None:
    if (span := _RESETS_IN.search(words)) is not None:
        parts = [_seconds(count, unit) for count, unit in _SPAN.findall(span.group(1))]
        known = [part for part in parts if part is not None]
        return moment_in(sum(known), now) if known == parts else None
    if (clock := _RESETS_AT.search(words)) is not None:
        hour, minute = int(clock.group(1)), int(clock.group(2))
        return next_time(hour, minute, _zone(clock.group(3) or "UTC"), now)
    return None


def next_time(hour: int, minute: int, zone: tzinfo | None, now: datetime) -> datetime | None:
    """The next moment after now at which clocks of a zone show this time."""
    if zone is None or hour > 24 or minute > 59:
        return None
    local = now.astimezone(zone)
    moment = local.replace(hour=hour % 24, minute=minute, second=0, microsecond=0)
    later = moment if moment > local else moment + timedelta(days=1)
    return later.astimezone(UTC)


def _zone(name: str) -> tzinfo | None:
    """`UTC`, `UTC+8` or a name such as `Asia/Shanghai`."""
    name = name.strip()
    if offset := _OFFSET.fullmatch(name):
        hours, minutes = int(offset.group(1) or 0), int(offset.group(2) or 0)
        span = timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes)
        return timezone(span) if abs(span) < timedelta(days=1) else None
    if not _ZONE_NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return None


# -- plan ------------------------------------------------------------------------------------------


def _plan(page: str, words: str) -> str:
    return next(filter(None, map(_without_plan_words, _plan_candidates(page, words))), "")


def _plan_candidates(page: str, words: str) -> Iterator[str]:
    for member in _PLAN_MEMBERS:
        yield from re.findall(rf'"{member}"\s*:\s*"([^"\\]{{1,60}})"', page)
    found = _PLAN_IN_TEXT.search(words)
    yield found.group(1) if found else ""


def _without_plan_words(candidate: str) -> str:
    return " ".join(_PLAN_WORDS.sub(" ", candidate).split()).strip(" ,;:·|-")
