"""Reading Factory's answers: the profile, and the limits of its two account generations.

Older accounts have a billing period of Standard and Premium tokens, newer ones rolling pools of
five hours, a week and a month.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tui.core import jwt
from tui.core.errors import ParseError
from tui.core.models import (
    SESSION_MINUTES,
    WEEK_MINUTES,
    Balance,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.redact import Secret
from tui.core.wording import share_text
from tui.providers._parse import (
    at,
    boolean,
    clamp_percent,
    decimal,
    first_text,
    mapping,
    moment_in,
    number,
    share,
    text,
    timestamp,
)

SERVICE = "Factory"
UNLIMITED_ABOVE = 10**12
"""An allowance above this many tokens stands for none."""
FULL_TOKENS = 100_000_000
"""Without an allowance so many tokens fill the bar, so that activity is visible."""


# -- profile ---------------------------------------------------------------------------------------


def parse_identity(
    profile: Mapping[str, Any], *, overage: str = "", bearer: Secret | None = None
) -> Identity:
    """Account, organization and plan.

    Args:
        profile: The answer of `auth/me`; every field may be missing.
        overage: What is used when the limits are reached.
        bearer: Names the account when the profile does not.
    """
    account = first_text(profile, "userProfile.email")
    if not account and bearer is not None:
        account = jwt.text_claim(bearer, "email")
    return Identity(
        account=account,
        organization=first_text(profile, "organization.name"),
        plan=_plan(profile, overage),
    )


def _plan(profile: Mapping[str, Any], overage: str) -> str:
    subscription = at(profile, "organization.subscription")
    tier = first_text(subscription, "factoryTier")
    plan = first_text(subscription, "orbSubscription.plan.name", "orbSubscription.plan")
    parts = [f"{SERVICE} {tier.title()}"] if tier else []
    if plan and (SERVICE.lower() not in plan.lower() or not tier):
        parts.append(plan)
    if overage:
        parts.append(f"Fallback: {overage}")
    return " - ".join(parts)


def user_id(profile: Mapping[str, Any], bearer: Secret | None) -> str:
    """Who asks. Without it some organizations refuse usage as if the login were bad."""
    known = first_text(profile, "userProfile.id")
    return known or (jwt.text_claim(bearer, "sub").strip() if bearer is not None else "")


# -- current generation ----------------------------------------------------------------------------


class Lane(NamedTuple):
    """A window of the answer and what we call it."""

    name: str
    id: str
    label: str
    minutes: int | None


STANDARD = (
    Lane("fiveHour", "session", "5-hour", SESSION_MINUTES),
    Lane("weekly", "weekly", "Weekly", WEEK_MINUTES),
    Lane("monthly", "monthly", "Monthly", None),
)
CORE = (
    Lane("fiveHour", "core.session", "Core 5h", SESSION_MINUTES),
    Lane("weekly", "core.weekly", "Core 7-day", WEEK_MINUTES),
    Lane("monthly", "core.monthly", "Core Monthly", None),
)


def is_current(limits: Mapping[str, Any]) -> bool:
    """Whether these limits are all there is; API keys are answered without the switch."""
    if not isinstance(at(limits, "limits.standard"), dict):
        return False
    return boolean(limits.get("usesTokenRateLimitsBilling")) is not False


def parse_limits(
    limits: Mapping[str, Any],
    profile: Mapping[str, Any],
    *,
    key: ProviderKey,
    now: datetime,
    bearer: Secret | None = None,
) -> ProviderSnapshot:
    """The rolling pools of `billing/limits`.

    Raises:
        ParseError: No window has a percentage.
    """
    windows = [*_windows(at(limits, "limits.standard"), STANDARD, now)]
    core = at(limits, "limits.core")
    if _is_in_use(core):
        windows += _windows(core, CORE, now)
    if not windows:
        raise ParseError(f"{SERVICE} answered in an unexpected format (limits without percent).")
    return ProviderSnapshot(
        key=key,
        source_id="web",
        fetched_at=now,
        windows=tuple(windows),
        balances=tuple(_extra_usage(limits)),
        identity=parse_identity(
            profile, overage=text(limits.get("overagePreference")), bearer=bearer
        ),
    )


def _windows(pool: Any, lanes: tuple[Lane, ...], now: datetime) -> Iterator[UsageWindow]:
    for lane in lanes:
        data = mapping(at(pool, lane.name))
        used = number(data.get("usedPercent"))
        if used is None:
            continue
        resets_at = _reset(data, now)
        yield UsageWindow(
            id=lane.id,
            label=lane.label,
            used_percent=0.0 if _has_lapsed(data, now) else clamp_percent(used),
            window_minutes=lane.minutes,
            resets_at=resets_at,
            headline="." not in lane.id,
        )


def _reset(data: Mapping[str, Any], now: datetime) -> datetime | None:
    seconds = number(data.get("secondsRemaining"))
    if seconds is not None and seconds > 0 and (moment := moment_in(seconds, now)):
        return moment
    end = timestamp(data.get("windowEnd"))
    return end if end is not None and end > now else None


def _has_lapsed(data: Mapping[str, Any], now: datetime) -> bool:
    """A window that is over stays frozen at its last percentage; the website shows it as empty.

    An end that cannot be read says nothing of that.
    """
    if _reset(data, now) is not None or not data.keys() & {"windowEnd", "secondsRemaining"}:
        return False
    seconds, end = number(data.get("secondsRemaining")), data.get("windowEnd")
    if seconds is not None:
        return seconds <= 0
    is_idle = end is None and data.get("secondsRemaining") is None
    return is_idle or timestamp(end) is not None


def _is_in_use(pool: Any) -> bool:
    return any(
        (number(window.get("usedPercent")) or 0) > 0
        or window.get("windowEnd") is not None
        or window.get("secondsRemaining") is not None
        for lane in CORE
        for window in [mapping(at(pool, lane.name))]
    )


def _extra_usage(limits: Mapping[str, Any]) -> Iterator[Balance]:
    cents = decimal(limits.get("extraUsageBalanceCents")) or Decimal(0)
    if cents > 0 or boolean(limits.get("extraUsageAllowed")):
        yield Balance(id="extra", label="Extra usage balance", amount=cents / 100)


# -- legacy generation -----------------------------------------------------------------------------


LEGACY = (("standard", "Standard"), ("premium", "Premium"))


def parse_usage(
    answer: Mapping[str, Any],
    profile: Mapping[str, Any],
    *,
    key: ProviderKey,
    now: datetime,
    bearer: Secret | None = None,
) -> ProviderSnapshot:
    """Standard and Premium tokens of the billing period.

    Raises:
        ParseError: Neither of them was sent.
    """
    usage = mapping(answer.get("usage"))
    ends_at = timestamp(usage.get("endDate"))
    windows = [
        _allowance(name, label, usage[name], ends_at)
        for name, label in LEGACY
        if isinstance(usage.get(name), dict)
    ]
    if not windows:
        raise ParseError(f"{SERVICE} answered in an unexpected format (usage without tokens).")
    return ProviderSnapshot(
        key=key,
        source_id="web",
        fetched_at=now,
        windows=tuple(windows),
        identity=parse_identity(profile, bearer=bearer),
    )


def _allowance(
    id: str, label: str, data: Mapping[str, Any], ends_at: datetime | None
) -> UsageWindow:
    used, allowance = decimal(data.get("userTokens")), decimal(data.get("totalAllowance"))
    unlimited = (allowance or 0) > UNLIMITED_ABOVE
    limit = allowance if allowance and allowance > 0 and not unlimited else None
    return UsageWindow(
        id=id,
        label=label,
        used_percent=allowance_percent(used, allowance, number(data.get("usedRatio"))),
        used=used,
        limit=limit,
        unit="tokens",
        unlimited=unlimited,
        resets_at=ends_at,
        resets_text="" if used is None else share_text(used, limit, "tokens"),
    )


def allowance_percent(
    used: Decimal | int | None, allowance: Decimal | int | None, ratio: float | None
) -> float | None:
    """Used percent of a billing period; `None` when no number at all was sent.

    The ratio is the service's own figure, but is sometimes 0 in spite of usage, sometimes a
    percentage, sometimes nonsense.
    """
    if used is None and allowance is None and ratio is None:
        return None
    tokens, limit = used or 0, allowance or 0
    reliable = 0 < limit <= UNLIMITED_ABOVE
    is_stuck = ratio == 0 and tokens > 0 and reliable
    if ratio is not None and not is_stuck:
        if -0.001 <= ratio <= 1.001:
            return clamp_percent(ratio * 100)
        if not reliable and -0.1 <= ratio <= 100.1:
            return clamp_percent(ratio)
    if limit <= 0:
        return 0.0
    percent = share(tokens, FULL_TOKENS if limit > UNLIMITED_ABOVE else limit)
    return None if percent is None else clamp_percent(percent)
