"""What a membership adds to the usage: the monthly pool, the plan's name, whose account it is.

All of it is optional; nothing here replaces a number the usage answer knew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tui.core.errors import ParseError
from tui.core.models import DetailRow, ProviderSnapshot, UsageWindow
from tui.core.wording import date_text, exact_percent, joined
from tui.providers._parse import (
    at,
    boolean,
    clamp_percent,
    first_text,
    items,
    mapping,
    number,
    timestamp,
)
from tui.providers.kimi.parse import (
    CODE_WEEKLY,
    MONTHLY,
    SESSION,
    WEEKLY,
    Pool,
    in_order,
    pool_window,
    reset_in,
)

SAME_RESET = timedelta(minutes=5)
SAME_PERCENT = 1.0


def with_membership(snapshot: ProviderSnapshot, answer: dict[str, Any]) -> ProviderSnapshot:
    """The snapshot with the lanes of a membership."""
    windows = _repaired(snapshot.windows, answer)
    windows += [*_monthly(windows, answer), *_code_weekly(windows, answer)]
    return replace(
        snapshot,
        windows=in_order(windows) if windows else (),
        details=(*snapshot.details, *_split_rows(answer), *_gift_rows(answer, snapshot.fetched_at)),
    )


def _repaired(windows: tuple[UsageWindow, ...], answer: dict[str, Any]) -> list[UsageWindow]:
    """Some accounts report ratios of 0 whatever they use; the membership knows better."""
    lanes = {
        SESSION.id: _lane(answer.get("ratelimitCode5h")),
        WEEKLY.id: _lane(answer.get("ratelimitCode7d")),
    }
    return [_repaired_window(window, lanes.get(window.id)) for window in windows]


def _repaired_window(window: UsageWindow, lane: Pool | None) -> UsageWindow:
    if lane is None or window.used_percent != 0 or window.used is not None:
        return window
    return replace(window, used_percent=lane.percent, resets_at=lane.resets_at or window.resets_at)


def _lane(value: Any) -> Pool | None:
    lane = mapping(value)
    ratio = number(lane.get("ratio"))
    if ratio is None or boolean(lane.get("enabled")) is False:
        return None
    return Pool(ratio, reset_in(lane))


def _monthly(windows: list[UsageWindow], answer: dict[str, Any]) -> Iterator[UsageWindow]:
    """The pool of everything, unless the usage answer had it."""
    balance = mapping(answer.get("subscriptionBalance"))
    ratio = number(balance.get("amountUsedRatio"))
    is_whole_pool = balance.get("feature") in (None, "FEATURE_OMNI")
    is_plan = balance.get("type") in (None, "SUBSCRIPTION")
    is_new = all(window.id != MONTHLY.id for window in windows)
    if ratio is not None and is_whole_pool and is_plan and is_new:
        yield pool_window(MONTHLY, Pool(ratio, timestamp(balance.get("expireTime"))))


def _code_weekly(windows: list[UsageWindow], answer: dict[str, Any]) -> Iterator[UsageWindow]:
    lane = _lane(answer.get("ratelimitCode7d"))
    if lane is None:
        return
    weekly = next((window for window in windows if window.id == WEEKLY.id), None)
    if weekly is None or not _repeats(weekly, lane):
        yield pool_window(CODE_WEEKLY, lane)


def _repeats(weekly: UsageWindow, lane: Pool) -> bool:
    """Whether the lane is provably the weekly window told twice."""
    if weekly.window_minutes is None or weekly.used_percent is None:
        return False
    if weekly.resets_at is None or lane.resets_at is None:
        return False
    is_same_percent = abs(weekly.used_percent - lane.percent) <= SAME_PERCENT
    return is_same_percent and abs(weekly.resets_at - lane.resets_at) <= SAME_RESET


def _split_rows(answer: dict[str, Any]) -> Iterator[DetailRow]:
    """How coding and everything else share the monthly pool."""
    balance = mapping(answer.get("subscriptionBalance"))
    whole, code = (number(balance.get(name)) for name in ("amountUsedRatio", "kimiCodeUsedRatio"))
    if whole is None or code is None or not 0 <= code <= whole:
        return
    yield DetailRow("Monthly pool", "Kimi Code", _used_text(code))
    yield DetailRow("Monthly pool", "Elsewhere", _used_text(whole - code))


def _gift_rows(answer: dict[str, Any], now: datetime) -> Iterator[DetailRow]:
    for index, gift in enumerate(map(mapping, items(answer.get("giftBalances"))), start=1):
        ratio, expires_at = number(gift.get("amountUsedRatio")), timestamp(gift.get("expireTime"))
        used = "" if ratio is None else _used_text(ratio)
        words = joined((used, _expiry_text(expires_at, now)))
        if words:
            yield DetailRow("Gift balances", f"Gift {index}", words)


def _used_text(ratio: float) -> str:
    return f"{exact_percent(clamp_percent(ratio * 100))} used"


def _expiry_text(expires_at: datetime | None, now: datetime) -> str:
    if expires_at is None:
        return ""
    return f"{'expired' if expires_at <= now else 'expires'} {date_text(expires_at, now, UTC)}"


# -- plan and account ------------------------------------------------------------------------------


def with_subscription(snapshot: ProviderSnapshot, answer: dict[str, Any]) -> ProviderSnapshot:
    """The snapshot with the plan's own name and the user's, as the web page shows them."""
    plan = first_text(answer, "subscription.goods.title")
    return _named(snapshot, plan, first_text(answer, "subscription.userName"))


def with_profile(snapshot: ProviderSnapshot, answer: dict[str, Any]) -> ProviderSnapshot:
    """The snapshot with the plan and the account of a profile.

    Raises:
        ParseError: This is no profile.
    """
    if at(answer, "user_id") in (None, ""):
        raise ParseError("Unexpected answer: user_id should be a text.")
    plan = first_text(answer, "user_level_name")
    return _named(snapshot, plan, first_text(answer, "nickname", "email"))


def _named(snapshot: ProviderSnapshot, plan: str, account: str) -> ProviderSnapshot:
    known = snapshot.identity
    named = replace(known, plan=plan or known.plan, account=account or known.account)
    return replace(snapshot, identity=named)
