"""What the service says of an account: the answer of `GetUsageLimits`.

Its totals contain the overage. An answer whose parts do not add up is refused as a whole: a
percentage that is nearly right is worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tui.core.errors import ParseError
from tui.core.wording import is_currency
from tui.providers._parse import at, decimal, first_text, items, mapping, number, text, timestamp
from tui.providers.kiro.usage import Bonus, Overage, Usage

OLD_RESOURCE = "AGENTIC_REQUEST"
LARGEST = 10**12
"""No account has more credits than that."""
EARLIEST_S, LATEST_S = 1e9, 4.1e9
"""Moments come in seconds; what is outside is no moment of ours, such as milliseconds."""
SWITCH = {"ENABLED": True, "DISABLED": False}


def parse_limits(answer: Any, now: datetime) -> Usage:
    """The account's credits.

    Raises:
        ParseError: There is not exactly one row of credits, or its numbers contradict each other.
    """
    row = credit_row(answer)
    has_bonuses = bool(items(row.get("bonuses")))
    total = required(row, "currentUsage")
    limit = required(row, "usageLimit")
    overage = read_overage(row, answer)
    used = total - (overage.used or 0)
    if used < 0 or (used > limit and not has_bonuses):
        raise doubtful("usage within its limit")
    return Usage(
        plan=first_text(answer, "subscriptionInfo.subscriptionTitle"),
        used=used,
        limit=limit,
        resets_at=moment(row.get("nextDateReset")) or moment(at(answer, "nextDateReset")),
        bonuses=tuple(read_bonuses(row, now)),
        holds_bonuses=has_bonuses,
        overage=overage,
        account=first_text(answer, "userInfo.email"),
    )


def credit_row(answer: Any) -> dict[str, Any]:
    """The row of credits; old plans have one of requests instead."""
    rows = [mapping(row) for row in items(at(answer, "usageBreakdownList"))]
    for resource in ("CREDIT", OLD_RESOURCE):
        found = [row for row in rows if text(row.get("resourceType")).upper() == resource]
        if len(found) == 1:
            return found[0]
        if found:
            break
    raise doubtful("one row of credits")


def amount(row: dict[str, Any], name: str) -> Decimal | None:
    """A number of a row, the precise member first; `None` when it is missing.

    Raises:
        ParseError: It is there and no number from 0 on within reason.
    """
    for member in (f"{name}WithPrecision", name):
        if row.get(member) is not None:
            found = decimal(row[member])
            if found is None or not 0 <= found <= LARGEST:
                raise doubtful(f"a number from 0 on in {member}")
            return found
    return None


def required(row: dict[str, Any], name: str) -> Decimal:
    """A number that must be there."""
    found = amount(row, name)
    if found is None:
        raise doubtful(f"a number in {name}")
    return found


def moment(value: Any) -> datetime | None:
    """Seconds since 1970 within reason."""
    seconds = number(value)
    if seconds is None or not EARLIEST_S <= seconds <= LATEST_S:
        return None
    return timestamp(seconds)


def read_overage(row: dict[str, Any], answer: Any) -> Overage:
    """Overage with its cap and its price."""
    currency = text(row.get("currency")).upper()
    return Overage(
        is_enabled=SWITCH.get(text(at(answer, "overageConfiguration.overageStatus")).upper()),
        used=amount(row, "currentOverages"),
        cap=amount(row, "overageCap"),
        rate=amount(row, "overageRate"),
        charges=amount(row, "overageCharges"),
        currency=currency if is_currency(currency) else "",
    )


def read_bonuses(row: dict[str, Any], now: datetime) -> Iterator[Bonus]:
    """Bonuses that are in force, a free trial among them."""
    trial = mapping(row.get("freeTrialInfo"))
    rows = [(mapping(bonus), "status", "expiresAt") for bonus in items(row.get("bonuses"))]
    for bonus, status, expiry in (*rows, (trial, "freeTrialStatus", "freeTrialExpiry")):
        used, limit = amount(bonus, "currentUsage"), amount(bonus, "usageLimit")
        if text(bonus.get(status)).upper() not in {"", "ACTIVE"} or used is None or limit is None:
            continue
        yield Bonus(
            label=text(bonus.get("displayName")) or ("Free trial" if bonus is trial else "Bonus"),
            used=used,
            limit=limit,
            days_left=days_until(moment(bonus.get(expiry)), now),
        )


def days_until(end: datetime | None, now: datetime) -> int | None:
    """Whole days, begun ones included."""
    return None if end is None else max(0, math.ceil((end - now) / timedelta(days=1)))


def doubtful(expected: str) -> ParseError:
    """An answer that cannot be trusted."""
    return ParseError(f"Unexpected answer: usageBreakdownList should hold {expected}.")
