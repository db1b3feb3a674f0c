"""What MiniMax says of a plan: its lanes in three forms, plan name and points."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from tui.core.errors import ParseError
from tui.core.models import (
    DAY_MINUTES,
    Balance,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import share_text
from tui.providers._parse import clamp_percent, decimal, first_text, items, number, share, text
from tui.providers.minimax.answers import (
    check_refusal,
    flattened,
    refused,
    snaked,
    unknown_format,
)
from tui.providers.minimax.lanes import (
    PROMPTS,
    Lane,
    headed,
    lane_rows,
    lane_windows,
    length_name,
    prompts_text,
    read_lane,
)
from tui.providers.minimax.page import (
    PageText,
    find_remains,
    is_signed_out,
    next_time,
    read_text,
)

PLAN_NAMES = (
    "current_subscribe_title",
    "plan_name",
    "combo_title",
    "current_plan_title",
    "current_combo_card.title",
)
POINTS = ("points_balance", "point_balance", "credits_balance", "credit_balance", "balance")
TIERS = ("Plus", "Max", "Ultra")
CHINA_TIME = timezone(timedelta(hours=8))
TEXT_SERVICE = "text generation"


# -- lanes as JSON ---------------------------------------------------------------------------------


def parse_remains(
    answer: Mapping[str, Any],
    *,
    key: ProviderKey,
    now: datetime,
    source_id: str = "api",
    counts_used: bool = False,
) -> ProviderSnapshot:
    """The lanes of an answer.

    Args:
        counts_used: `usage_count` is what was used, not what is left; the address tells.

    Raises:
        FetchError: Refused; ParseError when it says nothing of a plan.
    """
    check_refusal(answer)
    body = flattened(answer)
    windows = service_windows(items(body.get("services")), now)
    lanes = [] if windows else read_lanes(body, counts_used=counts_used, now=now)
    plan, balances = plan_of(body, lanes), tuple(points(body))
    if not windows and not lanes and not plan and not balances:
        raise unknown_format()
    is_exact = bool(windows) or any(lane.interval.is_counted for lane in lanes)
    return ProviderSnapshot(
        key=key,
        source_id=source_id,
        fetched_at=now,
        windows=windows or lane_windows(lanes),
        balances=balances,
        identity=Identity(plan=plan),
        details=lane_rows(lanes),
        confidence="exact" if is_exact else "percent_only",
    )


def read_lanes(body: Mapping[str, Any], *, counts_used: bool, now: datetime) -> list[Lane]:
    """The lanes with a name, else the first item as the only one."""
    found = [
        read_lane(snaked(item), counts_used=counts_used, now=now)
        for item in items(body.get("model_remains"))
        if isinstance(item, dict)
    ]
    return [lane for lane in found if lane.model] or found[:1]


def plan_of(body: Mapping[str, Any], lanes: Sequence[Lane]) -> str:
    """The plan's name; of the plans without one only Plus has no videos."""
    named = shown_plan(first_text(body, *PLAN_NAMES))
    has_text = any(lane.is_text and lane.model for lane in lanes)
    lacks_video = any(lane.label == "Video" and lane.interval.is_absent for lane in lanes)
    return named or ("Plus" if has_text and lacks_video else "")


def shown_plan(title: str) -> str:
    """`TokenPlanPlus-年度会员` as Plus; other titles as they are."""
    joined = re.sub(r"\s+", "", title).lower()
    return next((tier for tier in TIERS if f"tokenplan{tier.lower()}" in joined), title)


def points(body: Mapping[str, Any]) -> Iterator[Balance]:
    """The points of the account, which are no money."""
    amounts = (decimal(body.get(name)) for name in POINTS)
    amount = next((found for found in amounts if found is not None), None)
    if amount is not None and amount >= 0:
        yield Balance(id="points", label="Points", amount=amount, currency="points")


# -- services --------------------------------------------------------------------------------------


def service_windows(rows: Sequence[Any], now: datetime) -> tuple[UsageWindow, ...]:
    """The windows of a list of services, text first; incomplete rows are left out."""
    found = [window for row in rows if (window := _service(row, now)) is not None]
    found.sort(key=lambda window: window.label.lower() != TEXT_SERVICE)
    windows: dict[str, UsageWindow] = {}
    for window in found:
        is_first = not windows and window.label.lower() == TEXT_SERVICE
        window_id = "session" if is_first else window.id
        windows.setdefault(window_id, replace(window, id=window_id))
    return headed([*windows.values()])


def _service(row: Any, now: datetime) -> UsageWindow | None:
    if not isinstance(row, dict):
        return None
    name, kind = text(row.get("service_type")), text(row.get("window_type"))
    used, limit = decimal(row.get("usage")), decimal(row.get("limit"))
    if not name or not kind or used is None or limit is None or limit <= 0:
        return None
    percent = number(row.get("percent"))
    minutes = _service_minutes(kind)
    return UsageWindow(
        id=f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:60] or 'service'}.session",
        label=name,
        used_percent=_percent(percent, used, limit),
        used=used,
        limit=limit,
        unit="requests",
        window_minutes=minutes,
        resets_at=_service_end(text(row.get("time_range")), minutes, now),
        resets_text=share_text(used, limit, ""),
    )


def _percent(percent: float | None, used: Decimal, limit: Decimal) -> float | None:
    found = share(used, limit) if percent is None else percent
    return None if found is None else clamp_percent(found)


def _service_minutes(kind: str) -> int | None:
    if kind.lower() == "today":
        return DAY_MINUTES
    hours = re.fullmatch(r"(\d{1,3})\s*hours?", kind, re.IGNORECASE)
    return int(hours.group(1)) * 60 or None if hours else None


def _service_end(span: str, minutes: int | None, now: datetime) -> datetime | None:
    """What stands behind the dash: a date and time, or the next such time, of China."""
    date = re.search(r"-\s*(\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2})", span)
    clock = re.search(r"-\s*(\d{1,2}):(\d{2})", span)
    try:
        if date is not None:
            end = datetime.strptime(date.group(1), "%Y/%m/%d %H:%M").replace(tzinfo=CHINA_TIME)
            return end if end > now else None
    except ValueError:
        return None
    if clock is None or minutes is None:
        return None
    return next_time(int(clock.group(1)), int(clock.group(2)), CHINA_TIME, now)


# -- page ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """What a page gave."""

    snapshot: ProviderSnapshot
    is_complete: bool
    """It has lanes; a coarse one only fills gaps."""


def parse_page(page: str, *, key: ProviderKey, now: datetime) -> Page:
    """The plan page, its data first.

    Raises:
        Unauthorized: The page asks to sign in, or its data is a refusal.
        FetchError: Another refusal; ParseError when nothing can be read.
    """
    snapshot = _from_data(page, key, now)
    if snapshot is not None and snapshot.windows:
        return Page(snapshot, is_complete=True)
    if is_signed_out(page):
        raise refused()
    words = read_text(page, now)
    if not words.says_something:
        raise unknown_format()
    return Page(_coarse(words, key, now), is_complete=False)


def _from_data(page: str, key: ProviderKey, now: datetime) -> ProviderSnapshot | None:
    data = find_remains(page)
    try:
        return parse_remains(data, key=key, now=now, source_id="web") if data else None
    except ParseError:
        return None


def _coarse(words: PageText, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    window = UsageWindow(
        id="session",
        label=PROMPTS,
        used_percent=words.used_percent,
        limit=words.limit,
        unit="prompts" if words.limit is not None else "",
        window_minutes=words.window_minutes,
        resets_at=words.resets_at,
        resets_text=prompts_text(words.limit, length_name(words.window_minutes)),
    )
    is_known = words.limit is not None or words.used_percent is not None
    return ProviderSnapshot(
        key=key,
        source_id="web",
        fetched_at=now,
        windows=(window,) if is_known else (),
        identity=Identity(plan=shown_plan(words.plan)),
        confidence="percent_only",
    )


def with_plan_of(snapshot: ProviderSnapshot, page: Page | None) -> ProviderSnapshot:
    """The snapshot, its plan from the page where the API names none."""
    if page is None or snapshot.identity.plan:
        return snapshot
    plan = page.snapshot.identity.plan
    return replace(snapshot, identity=replace(snapshot.identity, plan=plan))
