"""What OpenRouter says of an account's credits and of one key, and what both make together.

A wrong type in the key's answer spoils the key's part only. Money keeps every digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tui.core.errors import ParseError
from tui.core.models import (
    DAY_MINUTES,
    WEEK_MINUTES,
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import amount_text, countdown, date_text, money
from tui.providers._parse import (
    at,
    boolean,
    clamp_percent,
    decimal,
    require_object,
    share,
    text,
    timestamp,
)

USD = "USD"
PERIODS = ("", "_daily", "_weekly", "_monthly")
AMOUNTS = (
    "limit",
    "limit_remaining",
    *(f"usage{period}" for period in PERIODS),
    *(f"byok_usage{period}" for period in PERIODS),
)
USAGE_ROWS = (
    ("Used, all time", "usage"),
    ("Used today", "usage_daily"),
    ("Used this week", "usage_weekly"),
    ("Used this month", "usage_monthly"),
    ("With own provider keys", "byok_usage"),
)
BOUGHT_FOR_MORE_FREE_REQUESTS = 10
EXPIRES_SOON = timedelta(days=7)
NEEDS_MANAGEMENT_KEY = "Balance needs a management key: save one as the API key."
IN_DEBT = "The balance is negative: even free models are refused until it is topped up."


@dataclass(frozen=True, slots=True)
class Credits:
    """What an account ever bought and ever used, in USD."""

    bought: Decimal
    used: Decimal

    @property
    def left(self) -> Decimal:
        """May be negative."""
        return self.bought - self.used

    @property
    def are_blank(self) -> bool:
        """Two zeros: what ordinary keys get of accounts that do have credits."""
        return not self.bought and not self.used


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """What is known of one API key."""

    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    """USD by the service's names (`AMOUNTS`), as far as they were sent."""
    has_no_limit: bool = False
    """Said by the service; silence is not "no limit"."""
    label: str = ""
    reset: str = ""
    """`daily`, `weekly`, `monthly`, or another word in lower case; empty for never."""
    is_free_tier: bool = False
    expires_at: datetime | None = None
    rate_limit: str = ""
    free_used: Decimal | None = None
    free_limit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why an optional part is missing: "timed out", "HTTP 503", "invalid answer"."""

    reason: str


# -- answers ---------------------------------------------------------------------------------------


def parse_credits(answer: dict[str, Any]) -> Credits:
    """The credits answer.

    Raises:
        ParseError: A total is missing or no finite number.
    """
    require_object(answer, "data")
    bought = _number(answer, "data.total_credits")
    used = _number(answer, "data.total_usage")
    if bought is None or used is None:
        missing = "data.total_credits" if bought is None else "data.total_usage"
        raise ParseError(f"Unexpected answer: {missing} should be a number.")
    return Credits(bought, used)


def parse_key(answer: dict[str, Any]) -> KeyInfo:
    """The answer about a key; every field may be missing.

    Raises:
        ParseError: A number has another type.
    """
    data = require_object(answer, "data")
    found = {name: _number(answer, f"data.{name}") for name in AMOUNTS}
    free = {
        name: _number(answer, f"data.free_model_daily_requests.{name}")
        for name in ("used", "limit", "remaining")
    }
    return KeyInfo(
        amounts={name: amount for name, amount in found.items() if amount is not None},
        has_no_limit="limit" in data and data["limit"] is None,
        label=text(data.get("label")),
        reset=text(data.get("limit_reset")).lower(),
        is_free_tier=boolean(data.get("is_free_tier")) is True,
        expires_at=timestamp(data.get("expires_at")),
        rate_limit=_rate_limit(answer),
        free_used=_free_used(free),
        free_limit=free["limit"],
    )


def _number(answer: dict[str, Any], path: str) -> Decimal | None:
    """A JSON number; texts are none here, and a wrong type is an error."""
    value = at(answer, path)
    found = None if isinstance(value, str) else decimal(value)
    if found is None and value is not None:
        raise ParseError(f"Unexpected answer: {path} should be a number.")
    return found


def _rate_limit(answer: dict[str, Any]) -> str:
    """`200 requests / 10s`; the service writes -1 for none."""
    requests = _number(answer, "data.rate_limit.requests")
    interval = text(at(answer, "data.rate_limit.interval"))
    if requests is None or requests <= 0 or not interval:
        return ""
    return f"{amount_text(requests)} requests / {interval}"


def _free_used(free: Mapping[str, Decimal | None]) -> Decimal | None:
    used, limit, remaining = free["used"], free["limit"], free["remaining"]
    if used is None and limit is not None and remaining is not None:
        return limit - remaining
    return used


# -- credits ---------------------------------------------------------------------------------------


def credits_snapshot(
    credits: Credits, *, key: ProviderKey, now: datetime, account: str = ""
) -> ProviderSnapshot:
    """The account's part.

    Args:
        account: Our own name of the account, where there are several.
    """
    balance = Balance(
        id="credits",
        label="Credits",
        amount=credits.left,
        currency=USD,
        used=credits.used,
        limit=credits.bought if credits.bought > 0 else None,
    )
    return ProviderSnapshot(
        key=key,
        source_id="api",
        fetched_at=now,
        windows=tuple(_credits_window(credits)),
        balances=(balance,),
        identity=Identity(account=account),
        details=(
            DetailRow("Credits", "Remaining", money(credits.left, USD)),
            DetailRow("Credits", "Used", money(credits.used, USD)),
            DetailRow("Credits", "Bought", money(credits.bought, USD)),
            DetailRow("Free models", "Rate limit", _free_models_text(credits)),
        ),
        notice=IN_DEBT if credits.left < 0 else "",
    )


def no_balance_snapshot(
    reason: str, *, key: ProviderKey, now: datetime, account: str = ""
) -> ProviderSnapshot:
    """The account's part when its credits are not known."""
    return ProviderSnapshot(
        key=key,
        source_id="api",
        fetched_at=now,
        identity=Identity(account=account),
        notice=reason,
    )


def _credits_window(credits: Credits) -> Iterator[UsageWindow]:
    percent = share(credits.used, credits.bought)
    if percent is not None:
        yield UsageWindow(
            id="credits",
            label="Credits",
            used_percent=clamp_percent(percent),
            used=credits.used,
            limit=credits.bought,
            unit=USD,
        )


def _free_models_text(credits: Credits) -> str:
    many = credits.bought >= BOUGHT_FOR_MORE_FREE_REQUESTS
    return f"{'1,000' if many else '50'} requests a day, 20 a minute"


# -- the key ---------------------------------------------------------------------------------------


def with_key(
    snapshot: ProviderSnapshot, info: KeyInfo | Unavailable, now: datetime
) -> ProviderSnapshot:
    """The snapshot with what is known of the key, or with why it is not."""
    if isinstance(info, Unavailable):
        row = DetailRow("API key", "Limit", f"unavailable: {info.reason}")
        notice = f"API key limit unavailable: {info.reason}."
        return replace(
            snapshot, details=(*snapshot.details, row), notice=_sentences(snapshot.notice, notice)
        )
    return replace(
        snapshot,
        windows=(*snapshot.windows, *_limit_window(info, now), *_free_window(info, now)),
        balances=(*snapshot.balances, *_unlimited_spending(info)),
        details=(*snapshot.details, *_key_rows(info, now)),
        identity=replace(
            snapshot.identity,
            account=snapshot.identity.account or info.label,
            plan="Free tier" if info.is_free_tier else "",
        ),
        notice=_sentences(snapshot.notice, _expiry_notice(info, now)),
    )


def limit_used(info: KeyInfo) -> Decimal | None:
    """What counts against the key's limit: from what remains of it, else the usage of its period,
    else all usage; `None` when unknown or negative."""
    limit, remaining = info.amounts.get("limit"), info.amounts.get("limit_remaining")
    if limit is not None and remaining is not None:
        return limit - min(max(remaining, Decimal(0)), limit)
    used = info.amounts.get(f"usage_{info.reset}", info.amounts.get("usage"))
    return used if used is not None and used >= 0 else None


def period_end(reset: str, now: datetime) -> tuple[datetime | None, int | None]:
    """When a key's limit opens again, and the length of its period in minutes.

    Days, weeks from Monday and calendar months end at midnight UTC.
    """
    midnight = datetime.combine(now.date(), time(), UTC)
    if reset == "daily":
        return midnight + timedelta(days=1), DAY_MINUTES
    if reset == "weekly":
        return midnight + timedelta(days=7 - now.weekday()), WEEK_MINUTES
    if reset == "monthly":
        first = midnight.replace(day=1)
        next_first = (first + timedelta(days=31)).replace(day=1)
        return next_first, (next_first - first).days * DAY_MINUTES
    return None, None


def _limit_window(info: KeyInfo, now: datetime) -> Iterator[UsageWindow]:
    limit, used = info.amounts.get("limit"), limit_used(info)
    percent = share(used, limit)
    if percent is None:
        return
    resets_at, minutes = period_end(info.reset, now)
    yield UsageWindow(
        id="key",
        label="API key limit",
        used_percent=clamp_percent(percent),
        used=used,
        limit=limit,
        unit=USD,
        window_minutes=minutes,
        resets_at=resets_at,
    )


def _free_window(info: KeyInfo, now: datetime) -> Iterator[UsageWindow]:
    percent = share(info.free_used, info.free_limit)
    if percent is None:
        return
    resets_at, minutes = period_end("daily", now)
    yield UsageWindow(
        id="free_models",
        label="Free models",
        used_percent=percent,
        used=info.free_used,
        limit=info.free_limit,
        unit="requests",
        window_minutes=minutes,
        resets_at=resets_at,
        headline=False,
    )


def _unlimited_spending(info: KeyInfo) -> Iterator[Balance]:
    """Without a limit there is no bar; what was spent is all there is to show."""
    used = info.amounts.get("usage")
    if info.has_no_limit and used is not None:
        yield Balance(id="key", label="API key, no limit", currency=USD, used=used)


def _key_rows(info: KeyInfo, now: datetime) -> Iterator[DetailRow]:
    limit, used = info.amounts.get("limit"), limit_used(info)
    if info.has_no_limit:
        yield DetailRow("API key", "Limit", "no limit on this key")
    if limit is not None:
        yield DetailRow("API key", "Limit", money(limit, USD))
        yield DetailRow("API key", "Limit resets", info.reset or "never")
        if used is not None:
            yield DetailRow("API key", "Remaining", money(max(limit - used, Decimal(0)), USD))
    for label, name in USAGE_ROWS:
        if name in info.amounts:
            yield DetailRow("API key", label, money(info.amounts[name], USD))
    if info.rate_limit:
        yield DetailRow("API key", "Rate limit", info.rate_limit)
    if info.expires_at is not None:
        yield DetailRow("API key", "Expires", date_text(info.expires_at, now, UTC))


def _expiry_notice(info: KeyInfo, now: datetime) -> str:
    if info.expires_at is None or info.expires_at - now > EXPIRES_SOON:
        return ""
    if info.expires_at <= now:
        return "The API key has expired."
    return f"The API key expires {countdown(info.expires_at, now)}."


def _sentences(*parts: str) -> str:
    return " ".join(filter(None, parts))
