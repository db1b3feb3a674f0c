"""From Augment's numbers to a snapshot: one pool of credits, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from tui.core.errors import ParseError
from tui.core.models import (
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import amount_text, counted, date_text
from tui.providers._parse import at, boolean, clamp_percent, decimal, first_text, share, timestamp
from tui.providers.augment.display import read_status

CREDITS = "credits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """The pool, as far as it is known."""

    remaining: Decimal | None = None
    used: Decimal | None = None
    limit: Decimal | None = None
    unit: str = CREDITS
    resets_at: datetime | None = None

    @property
    def spent(self) -> Decimal | None:
        """What was used, else what is missing from the limit; bought credits make it no debt."""
        if self.used is not None or self.limit is None or self.remaining is None:
            return self.used
        return max(self.limit - self.remaining, Decimal(0))


# -- answers ---------------------------------------------------------------------------------------


def parse_status(
    text: str, *, key: ProviderKey, now: datetime, zone: tzinfo = UTC
) -> ProviderSnapshot:
    """The output of `auggie account status`.

    Args:
        zone: Of the user, for the day on which the cycle ends.

    Raises:
        ParseError: Neither of its layouts.
    """
    status = read_status(text, zone)
    if status is None:
        raise ParseError("The auggie output has changed; update needed.")
    credits = Credits(
        remaining=status.remaining,
        used=status.used,
        limit=status.total,
        resets_at=status.ends_at,
    )
    snapshot = snapshot_of(credits, key=key, now=now, source_id="cli")
    return replace(snapshot, identity=Identity(plan=status.plan))


def parse_credits(answer: Any, *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """The website's credits; a limit of 0 means that it is unknown.

    Raises:
        ParseError: Not a single number is known.
    """
    remaining = decimal(at(answer, "usageUnitsRemaining"))
    used = decimal(at(answer, "usageUnitsConsumedThisBillingCycle"))
    if used is None:
        used = decimal(at(answer, "usageUnitsUsedThisBillingCycle"))
    limit = positive(decimal(at(answer, "usageUnitsAvailable")))
    if limit is None and remaining is not None and used is not None:
        limit = positive(remaining + used)
    credits = Credits(remaining=remaining, used=used, limit=limit)
    snapshot = snapshot_of(credits, key=key, now=now, source_id="web")
    state = first_text(answer, "usageBalanceStatus")
    rows = (DetailRow("Credits", "Status", state),) if state else ()
    return replace(snapshot, details=(*snapshot.details, *rows))


def with_subscription(snapshot: ProviderSnapshot, answer: Any, now: datetime) -> ProviderSnapshot:
    """The snapshot with plan, account and end of the cycle, as far as they are known."""
    ends_at = timestamp(at(answer, "billingPeriodEnd"))
    windows = tuple(replace(window, resets_at=ends_at) for window in snapshot.windows)
    is_over = boolean(at(answer, "planIsExpired")) is True
    return replace(
        snapshot,
        windows=windows,
        identity=Identity(
            account=first_text(answer, "email"),
            organization=first_text(answer, "organization"),
            plan=first_text(answer, "planName"),
        ),
        details=(*snapshot.details, *_subscription_rows(answer, now)),
        notice="The Augment plan has expired." if is_over else "",
    )


def parse_credit_info(answer: Any, *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """What a tenant tells the program's own login.

    Raises:
        ParseError: Not a single number is known.
    """
    remaining = decimal(at(answer, "usage_units_remaining"))
    limit = positive(decimal(at(answer, "usage_units_total"))) or positive(
        decimal(at(answer, "included_usage_units_per_billing_cycle"))
    )
    credits = Credits(
        remaining=remaining,
        limit=limit,
        unit=first_text(answer, "display_info.usage_unit_display_name") or CREDITS,
        resets_at=timestamp(at(answer, "current_billing_cycle_end_date_iso")),
    )
    snapshot = snapshot_of(credits, key=key, now=now, source_id="cli")
    plan = first_text(answer, "display_info.plan_display_name")
    is_low = boolean(at(answer, "is_credit_balance_low")) is True
    return replace(
        snapshot,
        identity=Identity(plan=plan),
        notice="Augment says that few credits are left." if is_low else "",
    )


def with_account(snapshot: ProviderSnapshot, answer: Any) -> ProviderSnapshot:
    """The snapshot with whose login it is."""
    return replace(
        snapshot,
        identity=replace(
            snapshot.identity,
            account=first_text(answer, "user.email"),
            organization=first_text(answer, "user.tenant_name"),
        ),
    )


# -- snapshot --------------------------------------------------------------------------------------


def positive(value: Decimal | None) -> Decimal | None:
    """A limit; 0 and less are none."""
    return value if value is not None and value > 0 else None


def snapshot_of(
    credits: Credits, *, key: ProviderKey, now: datetime, source_id: str
) -> ProviderSnapshot:
    """One pool: a window when its limit is known, and what is left of it.

    Raises:
        ParseError: Not a single number is known.
    """
    if credits.remaining is None and credits.used is None and credits.limit is None:
        raise ParseError("Augment answered in an unexpected format.")
    return ProviderSnapshot(
        key=key,
        source_id=source_id,
        fetched_at=now,
        windows=tuple(_window(credits)),
        balances=tuple(_balance(credits)),
        details=tuple(_credit_rows(credits)),
    )


def _window(credits: Credits) -> Iterator[UsageWindow]:
    """The cycle is a calendar month, whose length is not said."""
    if credits.limit is None:
        return
    percent = share(credits.spent, credits.limit)
    yield UsageWindow(
        id="monthly",
        label="Credits",
        used_percent=None if percent is None else clamp_percent(percent),
        used=credits.spent,
        limit=credits.limit,
        unit=credits.unit,
        resets_at=credits.resets_at,
    )


def _balance(credits: Credits) -> Iterator[Balance]:
    """What is left; without it, and without a bar, what was used."""
    if credits.remaining is not None:
        yield Balance(
            id="credits", label="Balance", amount=credits.remaining, currency=credits.unit
        )
    elif credits.limit is None:
        yield Balance(id="credits", label="Balance", used=credits.used, currency=credits.unit)


def _credit_rows(credits: Credits) -> Iterator[DetailRow]:
    rows = (("Remaining", credits.remaining), ("Used", credits.spent), ("Limit", credits.limit))
    for label, value in rows:
        if value is not None:
            yield DetailRow("Credits", label, counted(value, credits.unit))


def _subscription_rows(answer: Any, now: datetime) -> Iterator[DetailRow]:
    renewing = decimal(at(answer, "creditsRenewingEachBillingCycle"))
    if renewing is not None:
        yield DetailRow("Credits", "Each cycle", amount_text(renewing))
    trial_ends_at = timestamp(at(answer, "trialPeriodEnd"))
    if trial_ends_at is not None:
        yield DetailRow("Plan", "Trial ends", date_text(trial_ends_at, now, UTC))
