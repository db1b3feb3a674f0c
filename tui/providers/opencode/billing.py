"""Reading the billing of a workspace: money spent this month, a limit of one's own, the balance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tui.core.models import (
    MONTH_MINUTES,
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.providers._parse import (
    boolean,
    clamp_percent,
    decimal,
    share,
    text,
    timestamp,
    usd,
    walk,
)
from tui.providers.opencode.script import read_values

UNITS_PER_USD = 10**8
CUSTOMER = "customerID"
"""Numbers count only beside a customer: before billing is set up they mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """What a billing answer says."""

    spent: Decimal | None
    """This month in USD; `None` when there is no such field."""
    is_subscriber: bool
    balance: Balance | None
    limit: Decimal | None
    details: tuple[DetailRow, ...]


def find_billing(answer: str, now: datetime) -> Billing | None:
    """The billing in an answer, JSON or JavaScript, at whatever depth."""
    for value in read_values(answer):
        for data in walk(value):
            if text(data.get(CUSTOMER)):
                return _billing(data, now)
    return None


def _billing(data: Mapping[str, Any], now: datetime) -> Billing:
    amount = _money(data.get("balance"))
    balance = Balance(id="balance", label="Balance", amount=amount) if amount is not None else None
    limit = decimal(data.get("monthlyLimit"))
    return Billing(
        spent=_spent(data, now),
        is_subscriber=data.get("subscription") is not None,
        balance=balance,
        limit=limit if limit is not None and limit > 0 else None,
        details=tuple(_details(data)),
    )


def _money(value: Any) -> Decimal | None:
    units = decimal(value)
    return units / UNITS_PER_USD if units is not None else None


def _spent(data: Mapping[str, Any], now: datetime) -> Decimal | None:
    """What was spent in this month of UTC: the number stays until there is a newer one."""
    if "monthlyUsage" not in data:
        return None
    if data["monthlyUsage"] is None:
        return Decimal(0)
    updated_at = timestamp(data.get("timeMonthlyUsageUpdated"))
    if updated_at is not None and _month(updated_at) != _month(now):
        return Decimal(0)
    return _money(data["monthlyUsage"])


def _month(moment: datetime) -> tuple[int, int]:
    in_utc = moment.astimezone(UTC)
    return in_utc.year, in_utc.month


def _next_month(now: datetime) -> datetime:
    year, month = _month(now)
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _details(data: Mapping[str, Any]) -> Iterator[DetailRow]:
    amount, trigger = decimal(data.get("reloadAmount")), decimal(data.get("reloadTrigger"))
    if boolean(data.get("reload")) and amount is not None and trigger is not None:
        yield DetailRow("Billing", "Auto-reload", f"{usd(amount)} below {usd(trigger)}")


def pay_as_you_go(
    billing: Billing, *, key: ProviderKey, now: datetime, workspace: str = ""
) -> ProviderSnapshot | None:
    """The numbers of a workspace without a subscription; nothing for any other one."""
    if billing.spent is None or billing.is_subscriber:
        return None
    monthly = _monthly(billing.spent, billing.limit, now)
    spent = Balance(
        id="spent",
        label="Spent this month",
        used=billing.spent,
        resets_at=_next_month(now),
    )
    return ProviderSnapshot(
        key=key,
        source_id="web",
        fetched_at=now,
        windows=(monthly,) if monthly is not None else (),
        balances=tuple(
            balance
            for balance in (spent if monthly is None else None, billing.balance)
            if balance is not None
        ),
        identity=Identity(organization=workspace, plan="Pay as you go"),
        details=billing.details,
    )


def _monthly(spent: Decimal, limit: Decimal | None, now: datetime) -> UsageWindow | None:
    percent = share(spent, limit)
    if limit is None or percent is None:
        return None
    return UsageWindow(
        id="monthly",
        label="Monthly",
        used_percent=clamp_percent(percent),
        used=spent,
        limit=limit,
        unit="USD",
        window_minutes=MONTH_MINUTES,
        resets_at=_next_month(now),
        resets_text=f"{usd(spent)} / {usd(limit)}",
    )
