"""From what Amp says to a snapshot: the free tier, a subscription, credits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tui.core.errors import FetchError, ParseError, ServerError, Unauthorized
from tui.core.models import (
    DAY_MINUTES,
    MONTH_MINUTES,
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.text import short_message
from tui.core.wording import joined, money, share_text
from tui.providers._parse import at, clamp_percent, first_text, share, text
from tui.providers.amp.display import (
    Allowance,
    DailyShare,
    Pool,
    Usage,
    asks_to_sign_in,
    read_usage,
)
from tui.providers.amp.page import read_free_tier, visible_text

SERVICE = "Amp"
FREE = "Amp Free"
USD = "USD"
NEW_YORK = "America/New_York"
DAILY_RESET_HOUR = 20
"""In New York, daylight saving included."""
LONGEST_HOURS = 366 * 24


# -- answers ---------------------------------------------------------------------------------------


def parse_text(shown: str, *, key: ProviderKey, now: datetime, source_id: str) -> ProviderSnapshot:
    """The output of `amp usage`, or a display text.

    Raises:
        Unauthorized: It asks to sign in.
        ParseError: No line of it is known.
    """
    usage = read_usage(shown, now)
    if not usage.is_empty:
        return snapshot_of(usage, key=key, now=now, source_id=source_id)
    raise not_logged_in() if asks_to_sign_in(shown) else not_understood()


def parse_answer(answer: Any, *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """The API's answer, whose refusals come with HTTP 200 too.

    Raises:
        Unauthorized: The token is not accepted, or the text asks to sign in.
        ServerError: Refused for another reason.
        ParseError: Not the expected shape.
    """
    if at(answer, "ok") is False:
        raise refusal(answer)
    shown = first_text(answer, "result.displayText")
    if at(answer, "ok") is not True or not shown:
        raise not_understood()
    return parse_text(shown, key=key, now=now, source_id="api")


def parse_page(page: str, *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """The settings page.

    Raises:
        Unauthorized: It asks to sign in.
        ParseError: It says nothing about the free tier.
    """
    free = read_free_tier(page)
    if free is not None:
        return snapshot_of(Usage(free=free), key=key, now=now, source_id="web")
    raise not_logged_in() if asks_to_sign_in(visible_text(page)) else not_understood()


def refusal(answer: Any) -> FetchError:
    """The error of an answer that is not ok."""
    if text(at(answer, "error.code")) == "auth-required":
        return token_refused()
    words = short_message(first_text(answer, "error.message", "error.code", "error"))
    return ServerError(f"{SERVICE} refused: {words}" if words else f"{SERVICE} refused to answer.")


def token_refused() -> FetchError:
    """The access token is not accepted."""
    return Unauthorized(
        "The Amp access token is invalid or expired.",
        hint="Make a new one in Amp settings and update AMP_API_KEY.",
    )


def not_logged_in() -> FetchError:
    """Text or page say that nobody is signed in."""
    return Unauthorized("Not logged in to Amp.", hint="Run `amp login`, or sign in at ampcode.com.")


def not_understood() -> FetchError:
    """No usage in what came."""
    return ParseError("Amp usage text not understood.")


# -- snapshot --------------------------------------------------------------------------------------


def snapshot_of(
    usage: Usage, *, key: ProviderKey, now: datetime, source_id: str
) -> ProviderSnapshot:
    """Subscription first, then the free tier, then credits."""
    windows = tuple(windows_of(usage, now))
    known = any(window.used is not None for window in windows) or not windows
    return ProviderSnapshot(
        key=key,
        source_id=source_id,
        fetched_at=now,
        windows=windows,
        balances=tuple(balances_of(usage)),
        identity=Identity(
            account=usage.account, organization=usage.organization, plan=plan_of(usage)
        ),
        details=tuple(details_of(usage)),
        confidence="exact" if known else "percent_only",
    )


def plan_of(usage: Usage) -> str:
    """The subscription's name, else what there is."""
    if usage.subscription is not None:
        return usage.subscription.name
    return FREE if usage.free is not None else SERVICE


def windows_of(usage: Usage, now: datetime) -> Iterator[UsageWindow]:
    """Every limit, in the order of importance."""
    plan = usage.subscription
    if plan is not None:
        for pool in plan.pools:
            yield pool_window(pool, resets_at=plan.resets_at, minutes=MONTH_MINUTES)
    if isinstance(usage.free, Allowance):
        yield allowance_window(usage.free, now, headline=plan is None)
    elif usage.free is not None:
        yield share_window(usage.free, now, headline=plan is None)
    if usage.monthly is not None:
        yield pool_window(usage.monthly)


def pool_window(
    pool: Pool, *, resets_at: datetime | None = None, minutes: int | None = None
) -> UsageWindow:
    """One pool; amounts are exact, the percent beside them is rounded."""
    used = None if pool.left is None or pool.limit is None else pool.limit - pool.left
    percent = share(used, pool.limit)
    if percent is None and pool.left_percent is not None:
        percent = 100 - clamp_percent(float(pool.left_percent))
    return UsageWindow(
        id=pool.id,
        label=pool.label,
        used_percent=None if percent is None else clamp_percent(percent),
        used=None if used is None else max(used, Decimal(0)),
        limit=pool.limit,
        unit=pool.unit,
        window_minutes=minutes,
        resets_at=resets_at,
    )


def allowance_window(free: Allowance, now: datetime, *, headline: bool) -> UsageWindow:
    """The free tier in dollars, with the time until it is full again."""
    percent = share(min(free.used, free.quota), free.quota)
    numbers = share_text(free.used, free.quota, USD)
    return UsageWindow(
        id="free",
        label=FREE,
        used_percent=percent or 0.0,
        used=free.used,
        limit=free.quota,
        unit=USD,
        window_minutes=minutes_of(free.window_hours),
        resets_at=full_at(free, now),
        resets_text=joined((numbers, rate_text(free))),
        headline=headline,
        paced=False,
        refills=True,
    )


def minutes_of(hours: Decimal | None) -> int | None:
    """A length; nothing when it makes no sense."""
    if hours is None or not 0 < hours <= LONGEST_HOURS:
        return None
    return round(hours * 60) or None


def full_at(free: Allowance, now: datetime) -> datetime | None:
    """When all of it is back if nothing more is used."""
    if free.hourly is None or free.quota <= 0 or free.used <= 0:
        return None
    hours = free.used / free.hourly
    return now + timedelta(hours=float(hours)) if hours <= LONGEST_HOURS else None


def rate_text(free: Allowance) -> str:
    """`+$0.42/hour`."""
    return f"+{money(free.hourly, USD)}/hour" if free.hourly is not None else ""


def share_window(free: DailyShare, now: datetime, *, headline: bool) -> UsageWindow:
    """The free tier in percent; it has a daily reset only when Amp says so."""
    return UsageWindow(
        id="free",
        label=FREE,
        used_percent=100 - clamp_percent(float(free.left_percent)),
        window_minutes=DAY_MINUTES,
        resets_at=next_daily_reset(now) if free.resets_daily else None,
        headline=headline,
    )


def next_daily_reset(now: datetime) -> datetime:
    """The next 20:00 in New York after this moment."""
    zone = ZoneInfo(NEW_YORK)
    local = now.astimezone(zone)
    day = local.date() + timedelta(days=1 if local.hour >= DAILY_RESET_HOUR else 0)
    return datetime.combine(day, time(DAILY_RESET_HOUR), zone).astimezone(UTC)


def balances_of(usage: Usage) -> Iterator[Balance]:
    """Paid credits: one's own, then those of workspaces."""
    if usage.credits is not None:
        yield Balance(id="credits", label="Individual credits", amount=usage.credits)
    for number, (name, left) in enumerate(usage.workspaces, start=1):
        yield Balance(id=f"workspace.{number}", label=f"Workspace {name}", amount=left)


def details_of(usage: Usage) -> Iterator[DetailRow]:
    """What is worth a row."""
    if isinstance(usage.free, Allowance):
        if rate := rate_text(usage.free):
            yield DetailRow(FREE, "Comes back", rate)
        if usage.free.bonus:
            yield DetailRow(FREE, "Promotion", usage.free.bonus)
    if usage.has_auto_reload_hint:
        yield DetailRow("Credits", "Auto-reload", "off")
