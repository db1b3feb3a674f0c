"""What GitHub says of a Copilot seat: monthly quotas by kind, or the counters of the free tier.

Paid seats tell what is left in percent, the free tier in counts. Unlimited quotas are no meters,
and quotas of nothing are placeholders of seats that are billed by tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tui.core.errors import ParseError
from tui.core.models import (
    MONTH_MINUTES,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import amount_text
from tui.providers._parse import boolean, decimal, mapping, number, share, text, timestamp

LABELS = {"premium": "Premium", "completions": "Completions", "chat": "Chat"}
"""Lanes by id, in the order of the card."""
KNOWN = {"premium_interactions": "premium", "chat": "chat"}
WORDS = (
    ("chat", "chat"),
    ("completion", "completions"),
    ("premium", "premium"),
    ("code", "premium"),
)
"""What a name we do not know contains, and the lane that makes it."""
FREE_TIER = {"completions": "completions", "chat": "chat"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One quota of a month."""

    used_percent: float | None
    used: Decimal | None = None
    limit: Decimal | None = None


def parse_user(answer: dict[str, Any], *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """The answer about the seat of a user.

    Raises:
        ParseError: It tells of no quota, and not that there is none.
    """
    windows = _windows(_paid(answer), timestamp(answer.get("quota_reset_date")))
    if not windows:
        windows = _windows(_free(answer), timestamp(answer.get("limited_user_reset_date")))
    notice = "" if windows else _why_none(answer)
    return ProviderSnapshot(
        key=key,
        source_id="api",
        fetched_at=now,
        windows=windows,
        identity=Identity(account=text(answer.get("login")), plan=_plan(answer)),
        details=tuple(_credit_rows(answer)),
        notice=notice,
    )


def parse_login(answer: dict[str, Any]) -> str:
    """The name of the account that is asked for beside the seat."""
    return text(answer.get("login"))


def _windows(quotas: dict[str, Quota], resets_at: datetime | None) -> tuple[UsageWindow, ...]:
    return tuple(
        UsageWindow(
            id=lane,
            label=label,
            used_percent=quotas[lane].used_percent,
            used=quotas[lane].used,
            limit=quotas[lane].limit,
            unit="requests",
            window_minutes=MONTH_MINUTES,
            resets_at=resets_at,
        )
        for lane, label in LABELS.items()
        if lane in quotas
    )


# -- paid seats ------------------------------------------------------------------------------------


def _paid(answer: dict[str, Any]) -> dict[str, Quota]:
    """Quotas by lane: those with a known name, then those whose name is familiar, else any."""
    snapshots = {
        name: quota
        for name, value in mapping(answer.get("quota_snapshots")).items()
        if (quota := _quota(mapping(value))) is not None
    }
    found = {lane: snapshots[name] for name, lane in KNOWN.items() if name in snapshots}
    for name, quota in snapshots.items():
        if (lane := _familiar(name)) and name not in KNOWN:
            found.setdefault(lane, quota)
    if not found and snapshots:
        found["chat"] = next(iter(snapshots.values()))
    return found


def _familiar(name: str) -> str:
    return next((lane for word, lane in WORDS if word in name.lower()), "")


def _quota(entry: dict[str, Any]) -> Quota | None:
    """A quota that measures something."""
    limit, left = decimal(entry.get("entitlement")), decimal(entry.get("remaining"))
    is_placeholder = limit == 0 and left == 0
    if boolean(entry.get("unlimited")) or is_placeholder:
        return None
    percent_left = number(entry.get("percent_remaining"))
    counted = _counted(limit, left)
    if percent_left is None:
        return counted
    return Quota(
        used_percent=max(0.0, round(100 - percent_left, 4)),
        used=counted.used if counted else None,
        limit=counted.limit if counted else None,
    )


def _counted(limit: Decimal | None, left: Decimal | None) -> Quota | None:
    """A quota in numbers; more may be used than there was."""
    if limit is None or limit <= 0:
        return None
    used = None if left is None else max(limit - left, Decimal())
    return Quota(used_percent=share(used, limit), used=used, limit=limit)


# -- the free tier ---------------------------------------------------------------------------------


def _free(answer: dict[str, Any]) -> dict[str, Quota]:
    """What a month brings, and what is left of it."""
    limits = mapping(answer.get("monthly_quotas"))
    left = mapping(answer.get("limited_user_quotas"))
    quotas = {
        lane: _counted(decimal(limits.get(name)), decimal(left.get(name)))
        for name, lane in FREE_TIER.items()
    }
    return {lane: quota for lane, quota in quotas.items() if quota is not None}


# -- everything else -------------------------------------------------------------------------------


def _why_none(answer: dict[str, Any]) -> str:
    """Why a good answer has no meter.

    Raises:
        ParseError: It does not say.
    """
    if boolean(answer.get("token_based_billing")):
        return "This seat has token-based billing, which has no quota."
    snapshots = mapping(answer.get("quota_snapshots")).values()
    if any(boolean(mapping(value).get("unlimited")) for value in snapshots):
        return "This plan is unlimited."
    raise ParseError("Unexpected answer from GitHub: it has no Copilot quota.")


def _credit_rows(answer: dict[str, Any]) -> Iterator[DetailRow]:
    """The one real figure of a seat that is billed by tokens."""
    for value in mapping(answer.get("quota_snapshots")).values():
        credits = decimal(mapping(value).get("credits_used"))
        if credits is not None:
            yield DetailRow("Usage", "Credits used", amount_text(credits))
            return


def _plan(answer: dict[str, Any]) -> str:
    """`individual_pro` becomes "Individual Pro"."""
    words = text(answer.get("copilot_plan")).replace("_", " ").split()
    return " ".join(word[:1].upper() + word[1:] for word in words)
