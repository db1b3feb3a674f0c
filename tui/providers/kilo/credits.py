"""Prepaid credits in US dollars, as blocks that run down.

Blocks that are used up disappear from the answer, so the total is what was once put into those
that remain, not what was ever bought.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tui.core.models import DetailRow, UsageWindow
from tui.core.wording import date_text
from tui.providers._parse import clamp_percent, decimal, items, number, share, timestamp, usd, walk

MICRO = 10**6
"""`_mUsd` counts micro-dollars."""
DEPTH = 2
"""How far below a payload figures without a known place are looked for."""
USED = ("used", "usedCredits", "creditsUsed", "consumed", "spent")
TOTAL = ("total", "totalCredits", "creditsTotal", "limit")
REMAINING = ("remaining", "remainingCredits", "creditsRemaining")
MS_FROM = 10**10
ZERO = Decimal(0)
LARGEST = 10**15
"""What is larger is no amount anybody has or spends."""


class Credits(NamedTuple):
    """An amount of dollars, how much of it is used."""

    used: Decimal
    total: Decimal

    @property
    def used_percent(self) -> float:
        """Nothing at all counts as used up."""
        percent = share(self.used, self.total)
        return 100.0 if percent is None else clamp_percent(percent)


def find_credits(payload: Any) -> Credits | None:
    """The credits of a payload: by blocks, by names, by the balance alone."""
    for find in (_by_blocks, _by_names, _by_balance):
        if (found := find(payload)) is not None:
            return found
    return None


def credits_window(found: Credits, *, id: str = "credits", label: str = "Credits") -> UsageWindow:
    """Credits as a window without length or reset."""
    return UsageWindow(
        id=id,
        label=label,
        used_percent=found.used_percent,
        used=found.used,
        limit=found.total,
        unit="USD",
        resets_text=f"{usd(found.used)} of {usd(found.total)} used",
    )


# -- three ways ------------------------------------------------------------------------------------


def _by_blocks(payload: Any) -> Credits | None:
    total = left = ZERO
    blocks = list(filter(None, map(_block, _blocks(payload, "creditBlocks"))))
    for amount, balance in blocks:
        total, left = total + max(amount, ZERO), left + max(balance, ZERO)
    return Credits(used=max(total - left, ZERO) / MICRO, total=total / MICRO) if blocks else None


def _block(data: Mapping[str, Any]) -> tuple[Decimal, Decimal] | None:
    """Amount and balance; one without the other says nothing of what is used."""
    amount, left = first_decimal(data, ("amount_mUsd",)), first_decimal(data, ("balance_mUsd",))
    return None if amount is None or left is None else (amount, left)


def _by_names(payload: Any) -> Credits | None:
    for data in walk(payload, DEPTH):
        rows = [row for row in items(data.get("blocks")) if isinstance(row, dict)]
        for group in (rows, [data]):
            if (found := _named(group)) is not None:
                return found
    return None


def _named(rows: Sequence[dict[str, Any]]) -> Credits | None:
    used, total, left = (_sum(rows, names) for names in (USED, TOTAL, REMAINING))
    if total is None and used is not None and left is not None:
        total = used + left
    if used is None and total is not None and left is not None:
        used = total - left
    if used is None or total is None:
        return None
    return Credits(used=max(used, ZERO), total=max(total, ZERO))


def _sum(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> Decimal | None:
    found = (first_decimal(row, names) for row in rows)
    known = [amount for amount in found if amount is not None]
    return sum(known, ZERO) if known else None


def _by_balance(payload: Any) -> Credits | None:
    balances = (first_decimal(data, ("totalBalance_mUsd",)) for data in walk(payload, DEPTH))
    balance = next((found for found in balances if found is not None), None)
    return None if balance is None else Credits(used=ZERO, total=max(balance, ZERO) / MICRO)


def first_decimal(data: Mapping[str, Any], names: Sequence[str]) -> Decimal | None:
    """The first of these members that is a number within reason."""
    found = (decimal(data.get(name)) for name in names)
    return next((n for n in found if n is not None and abs(n) <= LARGEST), None)


def _blocks(payload: Any, name: str) -> Iterator[dict[str, Any]]:
    for data in walk(payload, DEPTH):
        yield from (block for block in items(data.get(name)) if isinstance(block, dict))


# -- dates -----------------------------------------------------------------------------------------


def moment(value: Any) -> datetime | None:
    """ISO, epoch seconds, or epoch milliseconds."""
    seconds = number(value)
    if seconds is None:
        return timestamp(value)
    return timestamp(seconds / 1000 if seconds > MS_FROM else seconds)


def expiry_rows(payload: Any, now: datetime) -> Iterator[DetailRow]:
    """The credits that will be lost next, unless they are spent before."""
    coming: dict[datetime, Decimal] = {}
    for block in _blocks(payload, "creditBlocks"):
        expires_at, left = moment(block.get("expiry_date")), first_decimal(block, ("balance_mUsd",))
        if expires_at is not None and left is not None and expires_at > now and left > 0:
            coming[expires_at] = coming.get(expires_at, ZERO) + left / MICRO
    if coming:
        first = min(coming)
        words = f"{usd(coming[first])} expire on {date_text(first, now, UTC)}"
        yield DetailRow("Credits", "Expiring", words)
