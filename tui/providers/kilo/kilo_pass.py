"""Kilo Pass, the monthly subscription: its base credits, its bonus, its state.

The bonus is promised from the first day and part of the total, although it is issued only when
the base is used up. An ended pass still reports its price, which is no allowance any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tui.core.models import MONTH_MINUTES, DetailRow, UsageWindow
from tui.core.wording import date_text
from tui.providers._parse import (
    boolean,
    clamp_percent,
    first_text,
    integer,
    share,
    text,
    usd,
    walk,
)
from tui.providers.kilo.credits import DEPTH, MICRO, ZERO, first_decimal, moment

NAME = "Kilo Pass"
TIERS = {"tier_19": "Starter", "tier_49": "Pro", "tier_199": "Expert"}
ENDED = frozenset({"canceled", "unpaid", "incomplete_expired"})
STATES = {
    "past_due": f"The payment for {NAME} is past due.",
    "paused": f"{NAME} is paused.",
    "incomplete": f"The first payment for {NAME} is not complete.",
}
BASE, BONUS, USED = (
    "currentPeriodBaseCreditsUsd",
    "currentPeriodBonusCreditsUsd",
    "currentPeriodUsageUsd",
)
SIGNS = (USED, BASE, BONUS, "tier")
"""Members by which a subscription is known without its wrapper."""
OTHER_BASE, OTHER_USED, OTHER_LEFT, OTHER_BONUS = (
    ("amount", "total", "limit"),
    ("used", "usage", "spent"),
    ("remaining",),
    ("bonus",),
)
SUFFIXES = (("Cents", 100), ("_mUsd", MICRO), ("", 1))
"""What follows a name, and how many of it make a dollar."""
RESETS = (
    *("refillAt", "nextBillingAt", "nextRenewalAt", "renewsAt", "renewAt"),
    *("resetAt", "resetsAt", "currentPeriodEnd", "expiresAt"),
)
"""A yearly pass is refilled every month and billed much later, so the refill counts first."""
PLAN_NAMES = ("planName", "tierName", "passName", "plan.name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A subscription, understood."""

    plan: str = ""
    base: Decimal | None = None
    """Dollars of the period, without the bonus."""
    bonus: Decimal = ZERO
    used: Decimal | None = None
    resets_at: datetime | None = None
    is_ended: bool = False
    notice: str = ""
    details: tuple[DetailRow, ...] = ()

    @property
    def total(self) -> Decimal | None:
        """Base and bonus together."""
        return None if self.base is None else max(self.base, ZERO) + self.bonus

    @property
    def used_percent(self) -> float | None:
        """Unknown without a usage; a total of nothing counts as used up."""
        if self.used is None:
            return None
        percent = share(self.used, self.total)
        return 100.0 if percent is None else clamp_percent(percent)

    @property
    def note(self) -> str:
        """`$24.50 / $49.00 (+ $9.80 bonus)`: the second figure is without the bonus."""
        base = usd(max(self.base or ZERO, ZERO))
        bonus = f" (+ {usd(self.bonus)} bonus)" if self.bonus > 0 else ""
        return (base if self.used is None else f"{usd(self.used)} / {base}") + bonus


def find_pass(payload: Any, now: datetime) -> Pass | None:
    """The pass in a payload; `None` when there is no subscription."""
    for data in walk(payload, DEPTH):
        if "subscription" in data:
            found = data["subscription"]
            return _subscription(found, now) if isinstance(found, dict) else None
    for data in walk(payload, DEPTH):
        if any(data.get(name) is not None for name in SIGNS):
            return _subscription(data, now)
    return next(filter(None, (_other(data) for data in walk(payload, DEPTH))), None)


def pass_window(found: Pass) -> UsageWindow | None:
    """The pass as a window of one month; none for an ended pass or without a total."""
    if found.total is None or found.is_ended:
        return None
    return UsageWindow(
        id="pass",
        label=NAME,
        used_percent=found.used_percent,
        used=found.used,
        limit=found.total,
        unit="USD",
        window_minutes=MONTH_MINUTES,
        resets_at=found.resets_at,
        resets_text=found.note,
    )


def named_plan(*payloads: Any) -> str:
    """A plan's name outside any subscription."""
    found = (first_text(data, *PLAN_NAMES) for payload in payloads for data in walk(payload, DEPTH))
    return next(filter(None, found), "")


# -- the usual form --------------------------------------------------------------------------------


def _subscription(data: Mapping[str, Any], now: datetime) -> Pass:
    status = text(data.get("status")).lower()
    is_ended = status in ENDED
    tier = text(data.get("tier"))
    return Pass(
        plan=f"{NAME} ended" if is_ended else TIERS.get(tier, tier) or NAME,
        base=first_decimal(data, (BASE,)),
        bonus=max(first_decimal(data, (BONUS,)) or ZERO, ZERO),
        used=at_least_zero(first_decimal(data, (USED,))),
        resets_at=_reset(data),
        is_ended=is_ended,
        notice=STATES.get(status, ""),
        details=() if is_ended else tuple(_details(data, now)),
    )


def at_least_zero(amount: Decimal | None) -> Decimal | None:
    """An amount that cannot be negative."""
    return None if amount is None else max(amount, ZERO)


def _reset(data: Mapping[str, Any]) -> datetime | None:
    found = (moment(data.get(name)) for name in RESETS)
    return next((at for at in found if at is not None), None)


def _details(data: Mapping[str, Any], now: datetime) -> Iterator[DetailRow]:
    billed_at = moment(data.get("nextBillingAt"))
    if billed_at is not None:
        is_last = boolean(data.get("cancelAtPeriodEnd"))
        yield DetailRow(NAME, "Ends" if is_last else "Renews", date_text(billed_at, now, UTC))
    next_bonus = first_decimal(data, ("nextBonusCreditsUsd",))
    if next_bonus is not None and next_bonus > 0:
        yield DetailRow(NAME, "Next bonus", usd(next_bonus))
    months = integer(data.get("currentStreakMonths"))
    if months is not None and months > 0:
        yield DetailRow(NAME, "Streak", f"{months} month{'s' if months > 1 else ''}")
    if cadence := text(data.get("cadence")):
        yield DetailRow(NAME, "Billed", cadence)


# -- other forms -----------------------------------------------------------------------------------


def _other(data: Mapping[str, Any]) -> Pass | None:
    """Amounts in cents, micro-dollars or dollars."""
    base, used, left, bonus = (
        _dollars(data, names) for names in (OTHER_BASE, OTHER_USED, OTHER_LEFT, OTHER_BONUS)
    )
    if base is None and used is not None and left is not None:
        base = used + left - (bonus or ZERO)
    if base is None:
        return None
    if used is None and left is not None:
        used = base + (bonus or ZERO) - left
    return Pass(
        plan=first_text(data, *PLAN_NAMES) or NAME,
        base=base,
        bonus=max(bonus or ZERO, ZERO),
        used=at_least_zero(used),
        resets_at=_reset(data),
    )


def _dollars(data: Mapping[str, Any], names: tuple[str, ...]) -> Decimal | None:
    for suffix, per_dollar in SUFFIXES:
        amount = first_decimal(data, tuple(name + suffix for name in names))
        if amount is not None:
            return amount / per_dollar
    return None
