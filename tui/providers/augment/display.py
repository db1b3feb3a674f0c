"""What `auggie account status` prints, in both of its layouts.

Frames, colours and columns side by side are taken away first; then every line is read for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from tui.core.text import strip_ansi
from tui.core.wording import amount_text
from tui.providers._parse import decimal

FRAME = re.compile("[\u2500-\u257f]")
"""Unicode's box drawing characters."""
NUMBER = r"([0-9][0-9,]*(?:\.[0-9]+)?)"
MONTHLY = re.compile(rf"{NUMBER}\s+credits\s*/\s*month", re.IGNORECASE)
REMAINING = re.compile(rf"{NUMBER}\s+credits\s+remaining", re.IGNORECASE)
USED = re.compile(
    rf"{NUMBER}\s+remaining\b.*?{NUMBER}\s*/\s*{NUMBER}\s+credits\s+used", re.IGNORECASE
)
CYCLE = re.compile(r"billing cycle\b.*?\bends\s+([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})\b", re.I)
PLAN = re.compile(r"(?:[A-Z][\w+&.'-]* ){1,3}Plan\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Credits as far as they were printed."""

    remaining: Decimal | None = None
    used: Decimal | None = None
    total: Decimal | None = None
    """With what was bought or carried over, where that is printed; else the monthly credits."""
    plan: str = ""
    ends_at: datetime | None = None


def read_status(text: str, zone: tzinfo) -> Status | None:
    """What the lines say; nothing when remaining or total credits are missing.

    Args:
        zone: The day on which a cycle ends begins at midnight there.
    """
    lines = [FRAME.sub(" ", line).strip() for line in strip_ansi(text).splitlines()]
    remaining, used, total = _used(lines) or (_first(REMAINING, _outside_cycle(lines)), None, None)
    monthly = _first(MONTHLY, lines)
    limit = monthly if total is None else total
    if remaining is None or limit is None:
        return None
    return Status(
        remaining=remaining,
        used=max(limit - remaining, Decimal(0)) if used is None else used,
        total=limit,
        plan=_plan(lines) or (f"{amount_text(monthly)} credits/month" if monthly else ""),
        ends_at=_cycle_end(lines, zone),
    )


def says_signed_out(text: str) -> bool:
    """Whether the program asks for a login."""
    return re.search(r"authentication failed|auggie login", text, re.IGNORECASE) is not None


def _outside_cycle(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if "billing cycle" not in line.lower()]


def _amount(text: str) -> Decimal | None:
    return decimal(text.replace(",", ""))


def _first(pattern: re.Pattern[str], lines: Iterable[str]) -> Decimal | None:
    found = next(filter(None, map(pattern.search, lines)), None)
    return _amount(found.group(1)) if found else None


def _used(lines: Iterable[str]) -> tuple[Decimal | None, ...] | None:
    """`20,000 remaining · 480,000 / 500,000 credits used`."""
    found = next(filter(None, map(USED.search, lines)), None)
    return tuple(map(_amount, found.groups())) if found else None


def _plan(lines: Iterable[str]) -> str:
    """The words that end in "Plan" beside the remaining or in front of the monthly credits."""
    for line in lines:
        if found := REMAINING.search(line):
            places = [line[found.end() :], line[: found.start()]]
        elif found := MONTHLY.search(line):
            places = [line[: found.start()]]
        else:
            continue
        if plan := next(filter(None, map(PLAN.search, places)), None):
            return plan.group()
    return ""


def _cycle_end(lines: Iterable[str], zone: tzinfo) -> datetime | None:
    """`ends 10/3/2026`: month, day, year."""
    found = next(filter(None, map(CYCLE.search, lines)), None)
    if found is None:
        return None
    month, day, year = map(int, found.groups())
    try:
        return datetime(year, month, day, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
