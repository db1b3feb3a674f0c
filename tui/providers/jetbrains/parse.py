"""What the quota file of a JetBrains IDE says.

The outer numbers are the sum of the monthly credits and the bought ones, so the monthly window
comes from its own part. `until` is the end of the licence and never a reset.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from tui.core.errors import ParseError
from tui.core.models import (
    DAY_MINUTES,
    MONTH_MINUTES,
    WEEK_MINUTES,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.providers._parse import (
    clamp_percent,
    decimal,
    first_text,
    mapping,
    share,
    text,
    timestamp,
)

COMPONENT = "AIAssistantQuotaManager2"
RAW_PER_CREDIT = Decimal(100_000)
OLD_AFTER = timedelta(hours=24)
DURATION = re.compile(
    r"P(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?)?"
)
LONGEST_MINUTES = 366 * DAY_MINUTES
DURATION_MINUTES = (MONTH_MINUTES, WEEK_MINUTES, DAY_MINUTES, 60, 1)


@dataclass(frozen=True, slots=True)
class Pool:
    """One supply of credits, in the numbers of the file."""

    used: Decimal | None
    maximum: Decimal | None
    remaining: Decimal | None

    @property
    def has_quota(self) -> bool:
        """Whether there is anything to use."""
        return self.maximum is not None and self.maximum > 0


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota file, read."""

    state: str
    """"Available", "free", …: passed through."""
    monthly: Pool
    topup: Pool
    raw_per_credit: Decimal
    refill_at: datetime | None
    refill_amount: Decimal | None
    window_minutes: int | None
    licensed_until: datetime | None


# -- the file --------------------------------------------------------------------------------------


def read_quota(content: str) -> Quota:
    """The quota in the text of a file.

    Raises:
        ParseError: It is damaged, or holds no quota yet.

    Source: tests/payloads/jetbrains/topup.xml
    """
    options = read_options(content)
    info = quota_info(options.get("quotaInfo", ""))
    refill = refill_info(options.get("nextRefill", ""))
    monthly = monthly_pool(info)
    topup = read_pool(mapping(info.get("topUpQuota")))
    duration = first_text(refill, "tariff.duration", "duration")
    tariff = mapping(refill.get("tariff")) or refill
    refill_amount = decimal(tariff.get("amount"))
    maxima = (decimal(info.get("maximum")), monthly.maximum, topup.maximum)
    return Quota(
        state=text(info.get("type")),
        monthly=monthly,
        topup=topup,
        raw_per_credit=raw_per_credit(*maxima, refill_amount),
        refill_at=refill_time(refill),
        refill_amount=refill_amount,
        window_minutes=duration_minutes(duration),
        licensed_until=timestamp(info.get("until")),
    )


def read_options(content: str) -> dict[str, str]:
    """The options of the one component that counts, by name.

    Raises:
        ParseError: It is no XML, declares entities, or has no such component.
    """
    if "<!DOCTYPE" in content:
        # Entities can only be declared there; the IDE declares none.
        raise damaged()
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise damaged() from error
    for component in root.iter("component"):
        if component.get("name") == COMPONENT:
            return {o.get("name", ""): o.get("value", "") for o in component.findall("option")}
    raise no_data_yet()


def quota_info(value: str) -> dict[str, Any]:
    """The object of the option `quotaInfo`.

    Raises:
        ParseError: It is empty, or no JSON object.
    """
    info = read_json(value) if value.strip() else None
    if not info:
        raise no_data_yet()
    if not isinstance(info, dict):
        raise damaged()
    return info


def refill_info(value: str) -> dict[str, Any]:
    """The object of the option `nextRefill`, which may be missing or of no use."""
    try:
        return mapping(read_json(value))
    except ParseError:
        return {}


def read_json(value: str) -> Any:
    """The JSON of an option; some copies are escaped twice.

    Raises:
        ParseError: It is none in either way.
    """
    for candidate in (value, html.unescape(value)):
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    raise damaged()


def damaged() -> ParseError:
    """The file is broken, or half written."""
    return ParseError(
        "The quota file is damaged or its format changed.",
        hint="Open AI Assistant once and refresh.",
    )


def no_data_yet() -> ParseError:
    """The file is sound and empty."""
    return ParseError("The quota file holds no quota data yet.", hint="Use AI Assistant once.")


# -- numbers ---------------------------------------------------------------------------------------


def monthly_pool(info: dict[str, Any]) -> Pool:
    """The part of the tariff when it has both numbers, else the sum."""
    tariff = read_pool(mapping(info.get("tariffQuota")))
    return tariff if tariff.has_quota and tariff.used is not None else read_pool(info)


def read_pool(data: dict[str, Any]) -> Pool:
    """Used, maximum and what is left, each from the others where it is missing."""
    used, maximum = decimal(data.get("current")), decimal(data.get("maximum"))
    remaining = decimal(data.get("available"))
    if maximum is not None:
        if used is None and remaining is not None:
            used = maximum - remaining
        elif remaining is None and used is not None:
            remaining = max(maximum - used, Decimal(0))
    return Pool(used, maximum, remaining)


def raw_per_credit(*amounts: Decimal | None) -> Decimal:
    """How many of the file's units are one credit: large numbers count hundred-thousandths."""
    is_large = any(amount is not None and amount >= RAW_PER_CREDIT for amount in amounts)
    return RAW_PER_CREDIT if is_large else Decimal(1)


def refill_time(refill: dict[str, Any]) -> datetime | None:
    """When the monthly credits come back, if the IDE knows."""
    is_known = text(refill.get("type")).lower() in {"known", ""}
    return timestamp(refill.get("next")) if is_known else None


def duration_minutes(duration: str) -> int | None:
    """Minutes of an ISO 8601 duration up to a year: `PT720H` is 43200."""
    found = DURATION.fullmatch(duration)
    if found is None:
        return None
    parts = zip(found.groups(), DURATION_MINUTES, strict=True)
    total = sum(int(number) * minutes for number, minutes in parts if number)
    return total if 0 < total <= LONGEST_MINUTES else None


# -- the snapshot ----------------------------------------------------------------------------------


def parse_quota(
    quota: Quota, *, key: ProviderKey, name: str, written_at: datetime, now: datetime
) -> ProviderSnapshot:
    """The snapshot of a quota.

    Args:
        name: The IDE or folder the file belongs to.
        written_at: When the IDE wrote the file, which is the moment of the numbers.
    """
    is_due = quota.refill_at is not None and quota.refill_at <= now
    return ProviderSnapshot(
        key=key,
        source_id="local",
        fetched_at=written_at,
        windows=quota_windows(quota),
        identity=Identity(organization=name, plan=quota.state),
        details=quota_details(quota),
        confidence="estimated" if is_due else "exact",
        notice="Refill due, open the IDE." if is_due else age_notice(now - written_at),
        origin=name,
    )


def quota_windows(quota: Quota) -> tuple[UsageWindow, ...]:
    """Monthly credits, and bought ones where there are any.

    Bought credits that are used up block nothing, so they keep out of the card's main number.
    """
    monthly = UsageWindow(
        id="monthly",
        label="Monthly credits",
        window_minutes=quota.window_minutes,
        resets_at=quota.refill_at,
        **pool_values(quota.monthly, quota.raw_per_credit),
    )
    if not quota.topup.has_quota:
        return (monthly,)
    bought = pool_values(quota.topup, quota.raw_per_credit)
    return (monthly, UsageWindow(id="topup", label="Top-up credits", headline=False, **bought))


def pool_values(pool: Pool, per_credit: Decimal) -> dict[str, Any]:
    """The fields of a window that come from its pool."""
    percent = share(pool.used, pool.maximum)
    return {
        "used_percent": None if percent is None else clamp_percent(percent),
        "used": None if pool.used is None else pool.used / per_credit,
        "limit": None if pool.maximum is None else pool.maximum / per_credit,
        "unit": "credits",
        "resets_text": left_text(pool, per_credit),
    }


def left_text(pool: Pool, per_credit: Decimal) -> str:
    """`6.87 of 10.00 credits left`."""
    if pool.maximum is None or not pool.has_quota:
        return "no quota"
    if pool.remaining is None:
        return ""
    return f"{pool.remaining / per_credit:.2f} of {pool.maximum / per_credit:.2f} credits left"


def quota_details(quota: Quota) -> tuple[DetailRow, ...]:
    """The end of the licence and the size of the next refill."""
    rows = []
    if quota.licensed_until is not None:
        rows.append(DetailRow("Licence", "Valid", f"until {quota.licensed_until:%Y-%m-%d}"))
    if quota.refill_amount is not None:
        amount = f"{quota.refill_amount / quota.raw_per_credit:.2f} credits"
        rows.append(DetailRow("Refill", "Amount", amount))
    return tuple(rows)


def age_notice(age: timedelta) -> str:
    """That the numbers are old, in whole days; empty within the first 24 hours."""
    if age < OLD_AFTER:
        return ""
    days = "1 day" if age.days == 1 else f"{age.days} days"
    return f"The IDE wrote these numbers {days} ago; open it to renew them."
