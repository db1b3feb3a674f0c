"""What Amp says in words: the lines of `amp usage` and of the API's display text.

The wording changes several times a year. So every line stands for itself, what follows the known
part of a line is ignored, and so are lines of unknown kinds.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeVar

from tui.core.text import strip_ansi
from tui.providers._parse import decimal, timestamp

T = TypeVar("T")

NUMBER = r"(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)"
MONEY = rf"-?\$?-?{NUMBER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The free tier in dollars, which fills up by the hour."""

    used: Decimal
    quota: Decimal
    hourly: Decimal | None = None
    """What comes back per hour."""
    window_hours: Decimal | None = None
    bonus: str = ""
    """A promotion: "+20% bonus for 3 more days"."""


@dataclass(frozen=True, slots=True)
class DailyShare:
    """The free tier in percent."""

    left_percent: Decimal
    resets_daily: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One part of a subscription; either its percent or both amounts are known."""

    id: str
    label: str
    left_percent: Decimal | None = None
    left: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A monthly plan; agent usage comes before orb usage."""

    name: str
    pools: tuple[Pool, ...]
    resets_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Everything a display text says."""

    account: str = ""
    organization: str = ""
    free: Allowance | DailyShare | None = None
    subscription: Subscription | None = None
    monthly: Pool | None = None
    credits: Decimal | None = None
    """May be negative."""
    has_auto_reload_hint: bool = False
    """Amp proposes to set it up, so it is off."""
    workspaces: tuple[tuple[str, Decimal], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no line about usage was recognised."""
        found = (self.free, self.subscription, self.monthly, self.credits)
        return not self.workspaces and all(part is None for part in found)


def read_usage(text: str, now: datetime) -> Usage:
    """What the known lines say; the dollars of the free tier win over its percent."""
    lines = [line.strip() for line in strip_ansi(text).splitlines()]
    account, organization = first(lines, read_identity) or ("", "")
    credits, has_hint = first(lines, read_credits) or (None, False)
    return Usage(
        account=account,
        organization=organization,
        free=first(lines, read_allowance) or first(lines, read_share),
        subscription=first(lines, partial(read_subscription, now=now)),
        monthly=first(lines, read_monthly),
        credits=credits,
        has_auto_reload_hint=has_hint,
        workspaces=tuple(filter(None, map(read_workspace, lines))),
    )


def asks_to_sign_in(text: str) -> bool:
    """Whether it speaks of signing in, and of nobody who has; an e-mail address says nothing."""
    if re.search(r"\bsigned in as\b", text, re.IGNORECASE):
        return False
    words = re.sub(r"\S+@\S+", " ", text)
    return re.search(r"\b(?:sign|log) in\b|\blogin\b", words, re.IGNORECASE) is not None


# -- lines -----------------------------------------------------------------------------------------


def first(lines: Iterable[str], read: Callable[[str], T | None]) -> T | None:
    """What the first line of a kind says."""
    return next((found for line in lines if (found := read(line)) is not None), None)


def match(pattern: str, line: str) -> re.Match[str] | None:
    """A line that begins so, in any case."""
    return re.match(pattern, line, re.IGNORECASE)


def amount(text: str) -> Decimal | None:
    """`$1,234.50`, `-$0.03`; nothing when it is beyond all measure."""
    digits = decimal(re.sub(r"[^0-9.]", "", text))
    return -digits if digits is not None and "-" in text else digits


def read_identity(line: str) -> tuple[str, str] | None:
    """`Signed in as mia@example.org (studio)`."""
    found = match(r"signed in as\s+(\S+)(?:\s+\(([^)]*)\))?", line)
    return (found.group(1), (found.group(2) or "").strip()) if found else None


def read_allowance(line: str) -> Allowance | None:
    """`Amp Free: $4.71/$10 remaining (replenishes +$0.42/hour)`."""
    found = match(rf"amp free:\s*({MONEY})\s*/\s*({MONEY})\s+remaining(.*)", line)
    if found is None:
        return None
    left, quota = amount(found.group(1)), amount(found.group(2))
    if left is None or quota is None:
        return None
    hourly = hourly_rate(found.group(3))
    return Allowance(
        used=max(quota - left, Decimal(0)),
        quota=quota,
        hourly=hourly,
        window_hours=max(Decimal(1), (quota / hourly).to_integral_value()) if hourly else None,
        bonus=bonus(found.group(3)),
    )


def hourly_rate(rest: str) -> Decimal | None:
    """What comes back per hour; nothing when it is not said, or is nothing."""
    found = re.search(rf"replenishes\s+\+?({MONEY})\s*/\s*h", rest, re.IGNORECASE)
    rate = amount(found.group(1)) if found else None
    return rate if rate is not None and rate > 0 else None


def bonus(rest: str) -> str:
    """A promotion in Amp's words, inside the parenthesis or in brackets after it."""
    pattern = rf"\+?{NUMBER}%\s+bonus(?:\s+for\s+[0-9]+\s+more\s+[a-z]+)?"
    found = re.search(pattern, rest, re.IGNORECASE)
    return found.group() if found else ""


def read_share(line: str) -> DailyShare | None:
    """`Amp Free: 61% remaining today (resets daily)`."""
    found = match(rf"amp free:\s*({NUMBER})%\s+remaining(.*)", line)
    left = amount(found.group(1)) if found else None
    if found is None or left is None:
        return None
    return DailyShare(left, "resets daily" in found.group(2).lower())


def read_monthly(line: str) -> Pool | None:
    """`Monthly credits: $5 / $20 remaining`."""
    found = match(rf"monthly credits:\s*({MONEY})\s*/\s*({MONEY})\s+remaining", line)
    if found is None:
        return None
    left, limit = map(amount, found.groups())
    return Pool(id="monthly", label="Monthly credits", left=left, limit=limit, unit="USD")


def read_credits(line: str) -> tuple[Decimal | None, bool] | None:
    """`Individual credits: $17.23 remaining (set up auto-reload …)`."""
    found = match(rf"individual credits:\s*({MONEY})\s+remaining(.*)", line)
    if found is None:
        return None
    return amount(found.group(1)), "set up auto-reload" in found.group(2).lower()


def read_workspace(line: str) -> tuple[str, Decimal] | None:
    """`Workspace Blue Team: $1,234.50 remaining`."""
    found = match(rf"workspace\s+(.+?):\s*({MONEY})\s+remaining", line)
    left = amount(found.group(2)) if found else None
    return (found.group(1), left) if found is not None and left is not None else None


# -- subscriptions ---------------------------------------------------------------------------------

POOLS = {"other": ("agent", "Other usage"), "agent": ("agent", "Agent usage")}
ORB = ("orb", "Orb usage")
IN_PERCENT = rf"({NUMBER})%\s+(other|agent|orb)\s+usage"
IN_AMOUNTS = (
    rf"(other|agent|orb)\s+usage\s+({MONEY})\s*(h?)\s+of\s+({MONEY})\s*h?\b[^,(]*?remaining"
    rf"(?:\s*\(({NUMBER})%\))?"
)
UNITS = {"hour": 1, "day": 24, "week": 168}


def read_subscription(line: str, now: datetime) -> Subscription | None:
    """`Subscription Megawatt: …`, `Amp Gigawatt Subscription: …` or `Amp Megawatt Tier: …`."""
    found = match(r"(?:subscription\s+(.+?)|amp\s+(.+?)\s+(?:subscription|tier)):\s*(.*)", line)
    pools = read_pools(found.group(3)) if found else ()
    if found is None or not pools:
        return None
    name = found.group(1) or found.group(2)
    return Subscription(name, pools, read_renewal(found.group(3), now))


def read_pools(text: str) -> tuple[Pool, ...]:
    """The pools of one subscription, agent usage first."""
    shares = (pool_in_percent(found) for found in re.finditer(IN_PERCENT, text, re.IGNORECASE))
    amounts = (pool_in_amounts(found) for found in re.finditer(IN_AMOUNTS, text, re.IGNORECASE))
    pools = {pool.id: pool for pool in (*shares, *amounts)}
    return tuple(sorted(pools.values(), key=lambda pool: pool.id))


def pool_in_percent(found: re.Match[str]) -> Pool:
    """`73% other usage`."""
    pool_id, label = POOLS.get(found.group(2).lower(), ORB)
    return Pool(id=pool_id, label=label, left_percent=amount(found.group(1)))


def pool_in_amounts(found: re.Match[str]) -> Pool:
    """`agent usage $18.50 of $20 remaining (93%)`, `orb usage 700.5h of 750h … remaining (93%)`."""
    name, left, hours, limit, percent = found.groups()
    pool_id, label = POOLS.get(name.lower(), ORB)
    return Pool(
        id=pool_id,
        label=label,
        left_percent=amount(percent) if percent else None,
        left=amount(left),
        limit=amount(limit),
        unit="hours" if hours else "USD",
    )


def read_renewal(text: str, now: datetime) -> datetime | None:
    """The end of the period, at the start of that day in UTC; else the time until the renewal."""
    period = re.search(r"period\s+[0-9-]+\s+to\s+([0-9]{4}-[0-9]{2}-[0-9]{2})\b", text)
    if period and (end := timestamp(period.group(1))) is not None:
        return end
    found = re.search(
        r"renewal\s+in\s+([0-9]{1,3})\s+(hour|day|week|month|year)s?\b", text, re.IGNORECASE
    )
    if found is None:
        return None
    count, unit = int(found.group(1)), found.group(2).lower()
    if unit in UNITS:
        return now + timedelta(hours=count * UNITS[unit])
    return months_later(now, count * (12 if unit == "year" else 1))


def months_later(moment: datetime, months: int) -> datetime:
    """The same day and time so many calendar months later, or that month's last day."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
