"""What is known of an account's credits, and the snapshot it makes.

The program's report and the service's answer say the same in two forms; both end here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from tui.core.models import (
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import amount_text, joined, money
from tui.providers._parse import clamp_percent, share

CREDITS = "credits"
OVERAGE = "Overage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bonus:
    """Credits beside the plan's own."""

    label: str = "Bonus"
    used: Decimal
    limit: Decimal
    days_left: int | None = None
    """Whole days until they expire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overage:
    """What is used beyond the plan and paid for."""

    is_enabled: bool | None = None
    """`None` when nobody said."""
    used: Decimal | None = None
    """In credits."""
    cap: Decimal | None = None
    """In credits."""
    rate: Decimal | None = None
    """Money per credit."""
    charges: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One look at an account."""

    plan: str = ""
    used: Decimal | None = None
    """Credits of the plan, without overage."""
    limit: Decimal | None = None
    percent: float | None = None
    """Only where the amounts are not known."""
    resets_at: datetime | None = None
    bonuses: tuple[Bonus, ...] = ()
    holds_bonuses: bool = False
    """What was spent of bonuses may be part of `used`."""
    overage: Overage = Overage()
    account: str = ""
    """E-mail."""
    is_managed: bool = False
    """An organisation hides the numbers."""
    is_stub: bool = False
    """A report that has no numbers and counts what it leaves out."""

    @property
    def has_numbers(self) -> bool:
        """Whether it says how much of the plan is used."""
        has_amounts = self.used is not None and self.limit is not None
        return has_amounts or self.percent is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who is signed in, as far as the program told."""

    email: str = ""
    method: str = ""
    """`Google`, `Builder ID`, …"""
    profile: str = ""
    is_signed_out: bool = False


def snapshot(
    usage: Usage, account: Account, *, key: ProviderKey, now: datetime, source_id: str
) -> ProviderSnapshot:
    """What the card of an account shows; without numbers a plan at most."""
    return ProviderSnapshot(
        key=key,
        source_id=source_id,
        fetched_at=now,
        windows=tuple(windows(usage)),
        balances=tuple(overage_cost(usage.overage)),
        identity=Identity(
            account=account.email or usage.account,
            organization=account.profile,
            plan=usage.plan,
            login_method=account.method,
        ),
        details=tuple(overage_rows(usage.overage)),
        confidence="exact" if usage.percent is None or usage.limit else "percent_only",
    )


def with_finer_numbers(shown: ProviderSnapshot, finer: Usage) -> ProviderSnapshot:
    """The program's snapshot with what only the service knows: overage, and amounts where the
    program had none.

    Everything of the program stays where two accounts seem to be signed in.
    """
    known = shown.identity.account
    if known and finer.account and known.lower() != finer.account.lower():
        return shown
    return replace(
        shown,
        windows=finer_windows(shown.windows, finer),
        balances=finer_cost(shown.balances, finer.overage),
        details=finer_rows(shown.details, finer.overage),
        identity=replace(
            shown.identity, account=known or finer.account, plan=shown.identity.plan or finer.plan
        ),
    )


def finer_windows(shown: tuple[UsageWindow, ...], finer: Usage) -> tuple[UsageWindow, ...]:
    """The windows with amounts where there was a percentage alone, and those that are new."""
    found = {window.id: window for window in windows(finer)}
    if finer.holds_bonuses:
        found.pop(CREDITS, None)
    kept = [found.get(window.id, window) if window.used is None else window for window in shown]
    names = {window.id for window in kept}
    return (*kept, *(window for window in found.values() if window.id not in names))


def finer_cost(shown: tuple[Balance, ...], overage: Overage) -> tuple[Balance, ...]:
    """The service's charges; the program's estimate goes when overage is off."""
    if overage.is_enabled is False:
        return ()
    return tuple(overage_cost(overage)) or shown


def finer_rows(shown: tuple[DetailRow, ...], overage: Overage) -> tuple[DetailRow, ...]:
    """The service's rows about overage in place of the program's."""
    rows = tuple(overage_rows(overage))
    return (*rows, *(row for row in shown if row.group != OVERAGE)) if rows else shown


# -- windows ---------------------------------------------------------------------------------------


def windows(usage: Usage) -> Iterator[UsageWindow]:
    """The plan's credits, bonuses, and overage up to its cap.

    A used-up bonus and a reached cap block nothing, so both keep out of the card's main number.
    """
    if usage.has_numbers:
        yield credits_window(usage)
    for number, bonus in enumerate(usage.bonuses, 1):
        if bonus.limit > 0:
            yield bonus_window(bonus, "bonus" if number == 1 else f"bonus{number}")
    overage = usage.overage
    percent = share(overage.used, overage.cap)
    if overage.is_enabled and percent is not None:
        yield UsageWindow(
            id="overage",
            label="Overage",
            used_percent=clamp_percent(percent),
            used=overage.used,
            limit=overage.cap,
            unit=CREDITS,
            resets_at=usage.resets_at,
            headline=False,
        )


def credits_window(usage: Usage) -> UsageWindow:
    """The plan's credits; what was really used may be above the limit."""
    percent = share(usage.used, usage.limit)
    return UsageWindow(
        id=CREDITS,
        label="Credits",
        used_percent=usage.percent if percent is None else percent,
        used=usage.used,
        limit=usage.limit,
        unit=CREDITS,
        resets_at=usage.resets_at,
        resets_text=left_text(usage.used, usage.limit),
    )


def bonus_window(bonus: Bonus, window_id: str) -> UsageWindow:
    """Bonus credits with the days they still have."""
    return UsageWindow(
        id=window_id,
        label=bonus.label,
        used_percent=share(bonus.used, bonus.limit),
        used=bonus.used,
        limit=bonus.limit,
        unit=CREDITS,
        resets_text=joined((left_text(bonus.used, bonus.limit), expiry_text(bonus.days_left))),
        headline=False,
    )


def left_text(used: Decimal | None, limit: Decimal | None) -> str:
    """`2,879.92 of 10,000 credits left`."""
    if used is None or limit is None:
        return ""
    left = max(limit - used, Decimal(0))
    return f"{amount_text(left)} of {amount_text(limit)} credits left"


def expiry_text(days: int | None) -> str:
    """`expires in 19 days`."""
    if days is None:
        return ""
    return f"expires in {days} {'day' if days == 1 else 'days'}" if days > 0 else "expires today"


# -- overage ---------------------------------------------------------------------------------------


def overage_cost(overage: Overage) -> Iterator[Balance]:
    """What overage costs so far, in the currency it was reported in."""
    if overage.is_enabled is False or overage.charges is None or not overage.currency:
        return
    cap, rate = overage.cap, overage.rate
    yield Balance(
        id="overage",
        label="Overage cost",
        currency=overage.currency,
        used=overage.charges,
        limit=cap * rate if cap and rate else None,
    )


def overage_rows(overage: Overage) -> Iterator[DetailRow]:
    """Whether overage is on, and what a credit costs then."""
    if overage.is_enabled is None:
        return
    yield DetailRow(OVERAGE, "Status", "enabled" if overage.is_enabled else "disabled")
    if not overage.is_enabled:
        return
    if overage.used is not None:
        yield DetailRow(OVERAGE, "Used", f"{amount_text(overage.used)} credits")
    if overage.rate is not None and overage.currency:
        yield DetailRow(OVERAGE, "Rate", f"{money(overage.rate, overage.currency)} per credit")
