"""Usage bought on top of a plan: what is left of it, and what it may cost in a month.

Amounts are millionths of a cent, prices are cents.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tui.core.models import Balance, DetailRow
from tui.core.wording import money
from tui.providers._parse import at, boolean, decimal, mapping, text

GROUP = "Extra usage"
MICRO = Decimal(1_000_000)
CENT = Decimal("0.01")


def booster_balances(answer: dict[str, Any]) -> Iterator[Balance]:
    """Bought usage on top of the plan, where there is some."""
    if (wallet := _wallet(answer)) is not None:
        yield Balance(
            id="booster",
            label=GROUP,
            amount=_from_micro_cents(at(wallet, "balance.amountLeft")),
            currency=_currency(wallet),
        )


def booster_rows(answer: dict[str, Any]) -> Iterator[DetailRow]:
    """The same with this month's spending and its limit."""
    wallet = _wallet(answer)
    if wallet is None:
        return
    currency = _currency(wallet)
    left = _from_micro_cents(at(wallet, "balance.amountLeft"))
    yield DetailRow(GROUP, "Balance", money(left, currency))
    spent = decimal(at(wallet, "monthlyUsed.priceInCents"))
    if spent is not None:
        yield DetailRow(GROUP, "Spent this month", money(spent * CENT, currency))
    yield DetailRow(GROUP, "Monthly limit", _monthly_limit(wallet, currency))


def _wallet(answer: dict[str, Any]) -> dict[str, Any] | None:
    wallet = mapping(answer.get("boosterWallet"))
    amount = decimal(at(wallet, "balance.amount"))
    is_booster = at(wallet, "balance.type") == "BOOSTER"
    return wallet if is_booster and amount is not None and amount > 0 else None


def _from_micro_cents(value: Any) -> Decimal:
    """Millionths of a cent; a rest below one cent counts as one."""
    cents = (decimal(value) or Decimal()) / MICRO
    return (Decimal(1) if 0 < cents < 1 else cents) * CENT


def _monthly_limit(wallet: dict[str, Any], currency: str) -> str:
    cents = decimal(at(wallet, "monthlyChargeLimit.priceInCents"))
    if not boolean(wallet.get("monthlyChargeLimitEnabled")) or not cents:
        return "unlimited"
    return money(cents * CENT, currency)


def _currency(wallet: dict[str, Any]) -> str:
    named = (
        text(at(wallet, f"{part}.currency")).upper()
        for part in ("monthlyChargeLimit", "monthlyUsed")
    )
    return next(filter(None, named), "USD")
