"""Reading Claude's usage: windows by the service's own names, spend in cents, the plan in words.

The OAuth service and the website answer in the same form. What is null is not there: a session
that has not begun is no session of 0 %.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

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
from tui.core.wording import is_currency
from tui.providers._parse import (
    at,
    boolean,
    decimal,
    first_text,
    items,
    mapping,
    number,
    share,
    slug,
    text,
    timestamp,
)

SERVICE = "Claude"
EXTRA = "extra"
"""Id of what is spent beyond the plan."""
ENTERPRISE = "Claude Enterprise"


# -- windows ---------------------------------------------------------------------------------------


class Lane(NamedTuple):
    """A window of the answer and what we call it."""

    name: str
    id: str
    label: str
    minutes: int = WEEK_MINUTES


MAIN = (
    Lane("five_hour", "session", "Session", SESSION_MINUTES),
    Lane("seven_day", "weekly", "Weekly"),
)
MODELS = (
    Lane("seven_day_sonnet", "model.sonnet", "Sonnet weekly"),
    Lane("seven_day_opus", "model.opus", "Opus weekly"),
)
"""The first that is there counts."""
APPS = Lane("seven_day_oauth_apps", "apps", "OAuth apps")
ROUTINES = tuple(
    Lane(name, "routines", "Daily Routines")
    for name in (
        "seven_day_routines",
        "seven_day_claude_routines",
        "claude_routines",
        "routines",
        "routine",
        "seven_day_cowork",
        "cowork",
    )
)
"""One window under the names it had; the first that is there counts."""
ALL_MODELS = "all-models"
"""Repeats the week as a whole."""


def parse_usage(
    answer: Mapping[str, Any],
    *,
    key: ProviderKey,
    now: datetime,
    source_id: str,
    plan: str = "",
) -> ProviderSnapshot:
    """Windows and spend; a spend limit alone is an answer too.

    Raises:
        ParseError: Neither of them was sent.
    """
    windows = _with_headline(tuple(_windows(answer)))
    extra = extra_usage(answer.get("extra_usage"), plan)
    if not windows and extra is not None and extra.limit is not None:
        windows = (_spend_window(extra, at(answer, "extra_usage.utilization")),)
    if not windows:
        raise ParseError(f"{SERVICE} sent no session data.")
    return ProviderSnapshot(
        key=key,
        source_id=source_id,
        fetched_at=now,
        windows=windows,
        balances=() if extra is None else (extra,),
        identity=Identity(plan=plan),
    )


def _with_headline(windows: tuple[UsageWindow, ...]) -> tuple[UsageWindow, ...]:
    """Where nothing concerns all models, the rest is the main number."""
    if any(window.headline for window in windows):
        return windows
    return tuple(replace(window, headline=True) for window in windows)


def _windows(answer: Mapping[str, Any]) -> Iterator[UsageWindow]:
    """In the order of the card: session, week, week of a model, scoped weeks, routines."""
    for lane in MAIN:
        yield from _first_of((lane,), answer, headline=True)
    yield from _first_of(MODELS, answer)
    yield from _first_of((APPS,), answer)
    yield from _scoped_weeks(answer)
    yield from _first_of(ROUTINES, answer)


def _first_of(
    lanes: tuple[Lane, ...], answer: Mapping[str, Any], *, headline: bool = False
) -> Iterator[UsageWindow]:
    for lane in lanes:
        data = mapping(answer.get(lane.name))
        percent = number(data.get("utilization"))
        if percent is not None:
            yield UsageWindow(
                id=lane.id,
                label=lane.label,
                used_percent=max(percent, 0.0),
                window_minutes=lane.minutes,
                resets_at=timestamp(data.get("resets_at")),
                headline=headline,
            )
            return


def _scoped_weeks(answer: Mapping[str, Any]) -> Iterator[UsageWindow]:
    """Weeks of single models; one that is not active now is a limit all the same."""
    found = (_scoped_week(mapping(entry)) for entry in items(answer.get("limits")))
    by_id: dict[str, UsageWindow] = {}
    for window in found:
        if window is not None:
            by_id.setdefault(window.id, window)
    yield from by_id.values()


def _scoped_week(entry: Mapping[str, Any]) -> UsageWindow | None:
    model_id, name = (text(at(entry, f"scope.model.{part}")) for part in ("id", "display_name"))
    percent = number(entry.get("percent"))
    if (entry.get("group"), entry.get("kind")) != ("weekly", "weekly_scoped"):
        return None
    part = slug(model_id or name)
    if percent is None or not part or _is_all_models(model_id, name):
        return None
    return UsageWindow(
        id=f"weekly.{part}",
        label=f"{name or model_id} only",
        used_percent=max(percent, 0.0),
        window_minutes=WEEK_MINUTES,
        resets_at=timestamp(entry.get("resets_at")),
        headline=False,
    )


def _is_all_models(model_id: str, name: str) -> bool:
    return slug(model_id).endswith(ALL_MODELS) or slug(name) == ALL_MODELS


# -- spend -----------------------------------------------------------------------------------------


def extra_usage(data: Any, plan: str = "") -> Balance | None:
    """What is spent beyond the plan, of the usage answer; nothing while that is switched off."""
    fields = mapping(data)
    return spend_limit(
        fields, used=fields.get("used_credits"), limit=fields.get("monthly_limit"), plan=plan
    )


def spend_limit(fields: Mapping[str, Any], *, used: Any, limit: Any, plan: str) -> Balance | None:
    """Amounts come in cents; a limit of 0 is none."""
    used_cents, limit_cents = decimal(used), decimal(limit)
    if boolean(fields.get("is_enabled")) is not True or used_cents is None or limit_cents is None:
        return None
    return Balance(
        id=EXTRA,
        label="Spend limit" if plan == ENTERPRISE else "Monthly cap",
        used=used_cents / 100,
        limit=limit_cents / 100 if limit_cents > 0 else None,
        currency=currency_of(fields),
    )


def currency_of(fields: Mapping[str, Any]) -> str:
    """The code of a currency, US dollars when it is missing."""
    code = text(fields.get("currency")).upper()
    return code if is_currency(code) else "USD"


def _spend_window(extra: Balance, utilization: Any) -> UsageWindow:
    """The spend as the one limit of an account that has no other."""
    percent = number(utilization)
    return UsageWindow(
        id="spend",
        label=extra.label,
        used_percent=share(extra.used, extra.limit) if percent is None else max(percent, 0.0),
        used=extra.used,
        limit=extra.limit,
        unit=extra.currency,
    )


def prepaid_credits(answer: Mapping[str, Any]) -> Balance | None:
    """Credits that were bought in advance."""
    cents = decimal(answer.get("amount"))
    if cents is None:
        return None
    amount: Decimal = cents / 100
    return Balance(
        id="prepaid", label="Prepaid credits", amount=amount, currency=currency_of(answer)
    )


# -- plan and account ------------------------------------------------------------------------------

PLANS = ("max", "pro", "team", "enterprise", "ultra")
TIERS = PLANS[:4]
SEATS = {"team_standard": "Claude Team Standard", "team_tier_1": "Claude Team Premium"}


def plan_of(subscription: str, tier: str) -> str:
    """`Claude Max 20x`; empty when no known word is in either.

    Args:
        subscription: Such as `max`; its words count first.
        tier: Such as `default_claude_max_20x`.
    """
    words = set(re.split(r"[^a-z0-9]+", subscription.lower()))
    named = (plan for plan in PLANS if plan in words)
    meant = (plan for plan in TIERS if plan in tier.lower())
    plan = next(named, "") or next(meant, "")
    if not plan:
        return ""
    times = re.search(r"max[^a-z0-9]*(\d+x)(?![a-z0-9])", tier.lower()) if plan == "max" else None
    return f"{SERVICE} {plan.title()}" + (f" {times.group(1)}" if times else "")


def plan_of_membership(membership: Mapping[str, Any]) -> str:
    """The plan of a seat in an organization."""
    seat = SEATS.get(text(membership.get("seat_tier")))
    tier = first_text(membership, "organization.rate_limit_tier")
    if seat or (plan := plan_of("", tier)):
        return seat or plan
    pays = first_text(membership, "organization.billing_type").startswith("stripe")
    return f"{SERVICE} Pro" if pays and "claude" in tier.lower() else ""


def parse_account(answer: Mapping[str, Any], organization_id: str) -> Identity:
    """Whose account it is, and the plan in one organization, of the website."""
    memberships = (mapping(entry) for entry in items(answer.get("memberships")))
    chosen = next(
        (m for m in memberships if first_text(m, "organization.uuid") == organization_id), {}
    )
    return Identity(
        account=text(answer.get("email_address")),
        organization=first_text(chosen, "organization.name"),
        plan=plan_of_membership(chosen),
    )


class Profile(NamedTuple):
    """Who an OAuth token belongs to."""

    email: str
    organization: str
    organization_id: str


def parse_profile(answer: Mapping[str, Any]) -> Profile:
    """The profile of an OAuth token; whatever is missing is empty."""
    names = ("email", "email_address", "emailAddress")
    return Profile(
        email=first_text(answer, *(f"account.{name}" for name in names)),
        organization=first_text(answer, "organization.name"),
        organization_id=first_text(answer, "organization.uuid"),
    )
