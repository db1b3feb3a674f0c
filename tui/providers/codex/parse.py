"""Reading Codex limits: windows by their length, not their place; credits beside them.

The web service and the program's own server say the same in two spellings. One part that is
malformed never costs the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tui.core.clock import LOCAL_ZONE
from tui.core.errors import ParseError
from tui.core.models import (
    DAY_MINUTES,
    MONTH_MINUTES,
    SESSION_MINUTES,
    WEEK_MINUTES,
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import date_text, length_text
from tui.providers._parse import (
    boolean,
    decimal,
    first_number,
    first_text,
    integer,
    items,
    mapping,
    moment_in,
    slug,
    text,
    timestamp,
    walk,
)

SERVICE = "Codex"
CREDITS = "credits"
MONTHLY_LIMIT = "monthly-limit"
LONGEST_MINUTES = 366 * DAY_MINUTES


class Owner(NamedTuple):
    """Who the login says it belongs to."""

    email: str = ""
    plan: str = ""


NOBODY = Owner()


def parse_usage(
    answer: Mapping[str, Any],
    *,
    key: ProviderKey,
    now: datetime,
    owner: Owner,
    source_id: str = "oauth",
) -> ProviderSnapshot:
    """The answer of the web service.

    Raises:
        ParseError: It has neither windows nor a balance nor a limit.
    """
    limits = mapping(_any(answer, "rate_limit", "rateLimit"))
    readings = [
        _reading(_any(limits, f"{place}_window", f"{place}Window"), now) for place in PLACES
    ]
    email = owner.email or text(answer.get("email"))
    plan = first_text(answer, "plan_type", "planType") or owner.plan
    snapshot = _snapshot(answer, readings, key=key, now=now, source_id=source_id)
    identity = Identity(account=email, plan=plan_text(plan))
    windows = (*snapshot.windows, *_extra_limits(answer, now))
    return replace(snapshot, windows=windows, identity=identity)


def parse_server_limits(
    answer: Mapping[str, Any], account: Mapping[str, Any], *, key: ProviderKey, now: datetime
) -> ProviderSnapshot:
    """The answers of the program's own server: its limits, and who is signed in.

    Raises:
        ParseError: There are neither windows nor a balance nor a limit.
    """
    limits = mapping(_any(answer, "rateLimits", "rate_limits"))
    readings = [_reading(limits.get(place), now) for place in PLACES]
    snapshot = _snapshot(limits, readings, key=key, now=now, source_id="cli")
    plan = first_text(limits, "planType", "plan_type") or first_text(account, "account.planType")
    identity = Identity(account=first_text(account, "account.email"), plan=plan_text(plan))
    return replace(snapshot, identity=identity)


def usage_within(message: str) -> dict[str, Any]:
    """The answer of the web service that an error text of the program's server may carry."""
    found = re.search(r"body=(?=\{)", message)
    if found is None:
        return {}
    try:
        return mapping(json.JSONDecoder().raw_decode(message, found.end())[0])
    except (ValueError, RecursionError):
        return {}


def _any(data: Any, *names: str) -> Any:
    """The first of several spellings that has a value."""
    fields = mapping(data)
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _snapshot(
    answer: Mapping[str, Any],
    readings: Iterable[Reading | None],
    *,
    key: ProviderKey,
    now: datetime,
    source_id: str,
) -> ProviderSnapshot:
    credits = mapping(answer.get("credits"))
    details = tuple(_unlimited(credits))
    windows = tuple(_by_length(list(readings)))
    balances = (*_balance(credits), *_monthly_limit(answer))
    if not (windows or balances or details):
        raise ParseError(f"{SERVICE}: no rate limits found.")
    return ProviderSnapshot(
        key=key,
        source_id=source_id,
        fetched_at=now,
        windows=windows,
        balances=balances,
        details=details,
    )


# -- windows ---------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """One window as it was sent."""

    used_percent: float
    minutes: int | None
    resets_at: datetime | None

    def window(self, window_id: str, label: str, *, headline: bool = True) -> UsageWindow:
        """Under a name."""
        return UsageWindow(
            id=window_id,
            label=label,
            used_percent=self.used_percent,
            window_minutes=self.minutes,
            resets_at=self.resets_at,
            headline=headline,
        )


PLACES = ("primary", "secondary")
NAMES = {
    SESSION_MINUTES: ("session", "Session"),
    WEEK_MINUTES: ("weekly", "Weekly"),
    MONTH_MINUTES: ("monthly", "Monthly"),
}
BY_PLACE = (SESSION_MINUTES, WEEK_MINUTES)
"""What a window of another or unknown length stands for, first and second."""


def _reading(data: Any, now: datetime) -> Reading | None:
    """A window; nothing where there is none, or no number in it."""
    fields = mapping(data)
    percent = first_number(fields, "used_percent", "usedPercent")
    if percent is None:
        return None
    resets_at = timestamp(_any(fields, "reset_at", "resetAt", "resets_at", "resetsAt"))
    wait_s = first_number(fields, "reset_after_seconds", "resetAfterSeconds", "resets_in_seconds")
    if resets_at is None and wait_s is not None and wait_s > 0:
        resets_at = moment_in(wait_s, now)
    return Reading(max(percent, 0.0), _minutes(fields), resets_at)


def _minutes(fields: Mapping[str, Any]) -> int | None:
    seconds = first_number(fields, "limit_window_seconds", "limitWindowSeconds")
    minutes = first_number(fields, "windowDurationMins", "window_minutes")
    if seconds is not None:
        minutes = seconds / 60
    if minutes is None or not 1 <= minutes <= LONGEST_MINUTES:
        return None
    # Some versions of the program count one minute less: 299, 10079.
    return next((known for known in NAMES if abs(known - minutes) <= 1), int(minutes))


def _by_length(readings: list[Reading | None]) -> list[UsageWindow]:
    """Named by their length; what has another one keeps its place. Shorter ones come first."""
    named: dict[str, UsageWindow] = {}
    others: list[tuple[int, Reading]] = []
    for place, reading in enumerate(readings):
        if reading is None:
            continue
        window_id, label = NAMES.get(reading.minutes or 0, ("", ""))
        if window_id and window_id not in named:
            named[window_id] = reading.window(window_id, label)
        else:
            others.append((place, reading))
    for place, reading in others:
        window_id, label = next(
            name
            for minutes in (*BY_PLACE[place:], *BY_PLACE)
            if (name := NAMES[minutes])[0] not in named
        )
        if reading.minutes is not None:
            label = length_text(reading.minutes).capitalize()
        named[window_id] = reading.window(window_id, label)
    return sorted(named.values(), key=_rank)


def _rank(window: UsageWindow) -> int:
    usual = {window_id: minutes for minutes, (window_id, _) in NAMES.items()}
    return window.window_minutes or usual[window.id]


SPARK = "spark"
SPARK_NAMES = (("spark.session", "Codex Spark 5-hour"), ("spark.weekly", "Codex Spark Weekly"))
SHORT_UP_TO_MINUTES = 6 * 60
LONG_FROM_MINUTES = 6 * DAY_MINUTES


def _extra_limits(answer: Mapping[str, Any], now: datetime) -> Iterator[UsageWindow]:
    """Limits of single models and features."""
    seen: set[str] = set()
    for entry in items(_any(answer, "additional_rate_limits", "additionalRateLimits")):
        for window in _extra_limit(mapping(entry), now):
            if window.id not in seen:
                seen.add(window.id)
                yield window


def _extra_limit(entry: Mapping[str, Any], now: datetime) -> Iterator[UsageWindow]:
    name = first_text(entry, "limit_name", "limitName")
    feature = first_text(entry, "metered_feature", "meteredFeature")
    limits = mapping(_any(entry, "rate_limit", "rateLimit"))
    readings = [
        _reading(_any(limits, f"{place}_window", f"{place}Window"), now) for place in PLACES
    ]
    if SPARK in f"{name} {feature}".lower():
        yield from _spark(readings)
        return
    first = next((reading for reading in readings if reading is not None), None)
    part = slug(feature or name)
    if first is not None and part:
        yield first.window(f"codex-{part}", name or feature, headline=False)


def _spark(readings: Iterable[Reading | None]) -> Iterator[UsageWindow]:
    for place, reading in enumerate(readings):
        if reading is not None:
            window_id, label = SPARK_NAMES[_spark_place(reading.minutes, place)]
            yield reading.window(window_id, label, headline=False)


def _spark_place(minutes: int | None, place: int) -> int:
    if minutes is None or SHORT_UP_TO_MINUTES < minutes < LONG_FROM_MINUTES:
        return place
    return 0 if minutes <= SHORT_UP_TO_MINUTES else 1


# -- credits ---------------------------------------------------------------------------------------


def _balance(credits: Mapping[str, Any]) -> Iterator[Balance]:
    """Credits that were bought; an account without the feature has none to show."""
    amount = decimal(credits.get("balance"))
    has_credits = boolean(_any(credits, "has_credits", "hasCredits"))
    if amount is None or boolean(credits.get("unlimited")) or (has_credits is False and not amount):
        return
    yield Balance(id=CREDITS, label="Credits", amount=amount, currency=CREDITS)


def _unlimited(credits: Mapping[str, Any]) -> Iterator[DetailRow]:
    if boolean(credits.get("unlimited")) or text(credits.get("balance")).lower() == "unlimited":
        yield DetailRow("Credits", "Balance", "unlimited")


def _monthly_limit(answer: Mapping[str, Any]) -> Iterator[Balance]:
    """The limit of one person in an organization, wherever it stands."""
    limits = _any(answer, "rate_limit", "rateLimit")
    control = _any(answer, "spend_control", "spendControl")
    for holder in (answer, limits, control):
        found = credit_limit(_any(holder, "individual_limit", "individualLimit"))
        if found is not None:
            yield found
            return


def credit_limit(data: Any) -> Balance | None:
    """Credits of a month, with what is left of them."""
    fields = mapping(data)
    limit, used = decimal(fields.get("limit")), decimal(fields.get("used"))
    if limit is None:
        return None
    left_percent = decimal(_any(fields, "remaining_percent", "remainingPercent"))
    if used is None and left_percent is not None:
        used = limit - limit * min(max(left_percent, Decimal()), Decimal(100)) / 100
    return Balance(
        id=MONTHLY_LIMIT,
        label="Monthly credits",
        amount=None if used is None else max(limit - used, Decimal()),
        used=used,
        limit=limit,
        currency=CREDITS,
        resets_at=timestamp(_any(fields, "reset_at", "resets_at", "resetAt", "resetsAt")),
    )


def parse_monthly_usage(answer: Any) -> Balance | None:
    """The monthly limit of one person, as the workspace says it."""
    found = (credit_limit(data) for data in walk(answer, 3))
    return next((limit for limit in found if limit is not None), None)


BUSINESS = frozenset({"business", "team", "enterprise", "edu", "education", "k12"})


def wants_monthly_usage(answer: Mapping[str, Any], plan: str) -> bool:
    """Whether a workspace controls the spend and the answer does not say how."""
    is_controlled = "spend_control" in answer or "spendControl" in answer
    words = set(re.split(r"[^a-z0-9]+", plan.lower()))
    return is_controlled and bool(words & BUSINESS) and not tuple(_monthly_limit(answer))


SPENT_RESETS = frozenset({"used", "redeemed", "consumed", "expired"})


def reset_rows(answer: Mapping[str, Any], now: datetime) -> tuple[DetailRow, ...]:
    """How many saved limit resets there are, and when the first of them is lost."""
    open_ones = [
        fields
        for fields in map(mapping, items(answer.get("credits")))
        if text(fields.get("status")).lower() not in SPENT_RESETS
    ]
    count = integer(_any(answer, "available_count", "availableCount"))
    count = len(open_ones) if count is None else count
    if count <= 0:
        return ()
    ends = [timestamp(_any(fields, "expires_at", "expiresAt")) for fields in open_ones]
    first = min((end for end in ends if end is not None and end > now), default=None)
    expiry = "" if first is None else f" · next expires {date_text(first, now, LOCAL_ZONE)}"
    return (DetailRow("Limit resets", "Available", f"{count}{expiry}"),)


# -- plan ------------------------------------------------------------------------------------------

PLANS = {"pro": "Pro 20x", "prolite": "Pro 5x", "pro_lite": "Pro 5x"}


def plan_text(plan: str) -> str:
    """`Pro 20x`, `Free Workspace`, `K12`; empty when unknown."""
    known = PLANS.get(plan.lower())
    if known:
        return known
    return " ".join(map(_word, filter(None, re.split(r"[_\-\s]+", plan))))


def _word(word: str) -> str:
    return word.upper() if re.fullmatch(r"[A-Za-z]\d+", word) else word.capitalize()
