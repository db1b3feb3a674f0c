"""What cursor.com says: percentages of one billing cycle, and money in cents.

A percent is a percent, even below one. What is missing stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from tui.core.errors import ParseError
from tui.core.models import (
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import amount_text
from tui.providers._parse import (
    at,
    boolean,
    clamp_percent,
    decimal,
    first_text,
    mapping,
    number,
    share,
    text,
    timestamp,
    usd,
)

Json: TypeAlias = dict[str, Any]

TOTAL = "total"
BOT = "cursor-grok-bot"
LONGEST_MINUTES = 366 * 1440
PARTS = ("individualUsage", "teamUsage", "membershipType")
"""An answer without all of these is about something else."""
POOLS = ("individualUsage.plan", "individualUsage.overall", "teamUsage.pooled")
"""Where use and limit stand when no percent is given, in the order they count."""
LANES = (
    ("auto", "Cursor", "individualUsage.plan.autoPercentUsed"),
    ("third-party", "Third Party", "individualUsage.plan.apiPercentUsed"),
)
PLANS = {
    "enterprise": "Enterprise",
    "express": "Start",
    "free": "Free",
    "free_trial": "Pro Trial",
    "hobby": "Hobby",
    "pro": "Pro",
    "pro_student": "Pro",
    "pro_plus": "Pro+",
    "team": "Team",
    "ultra": "Ultra",
}
BUSINESS_PLANS = frozenset({"business", "enterprise", "team"})
USAGE = "Usage"


# -- the summary -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cycle:
    """From one reset to the next."""

    minutes: int | None
    ends_at: datetime | None


def parse_summary(
    answer: Json, *, key: ProviderKey, now: datetime, source_id: str
) -> ProviderSnapshot:
    """Lanes, spend and plan.

    Raises:
        ParseError: This is no summary of usage.
    """
    if not any(answer.get(part) for part in PARTS):
        raise ParseError("Unexpected answer from Cursor: it holds no usage.")
    cycle = read_cycle(answer.get("billingCycleStart"), answer.get("billingCycleEnd"))
    return ProviderSnapshot(
        key=key,
        source_id=source_id,
        fetched_at=now,
        windows=(total_window(answer, cycle), *lanes(answer, cycle)),
        balances=tuple(spend(answer, cycle)),
        identity=Identity(plan=plan_name(text(answer.get("membershipType")))),
        details=tuple(detail_rows(answer)),
    )


def read_cycle(start: Any, end: Any) -> Cycle:
    """The cycle between two moments; its length is unknown when they make no sense."""
    starts_at, ends_at = timestamp(start), timestamp(end)
    if starts_at is None or ends_at is None:
        return Cycle(None, ends_at)
    minutes = round((ends_at - starts_at).total_seconds() / 60)
    return Cycle(minutes if 0 < minutes <= LONGEST_MINUTES else None, ends_at)


def total_window(answer: Json, cycle: Cycle) -> UsageWindow:
    """All models together: a percent, else use of a limit, else unknown."""
    window = UsageWindow(
        id=TOTAL, label="Total", window_minutes=cycle.minutes, resets_at=cycle.ends_at
    )
    percent = total_percent(mapping(at(answer, POOLS[0])))
    if percent is not None:
        return replace(window, used_percent=clamp_percent(percent))
    for path in POOLS:
        used, limit = dollars(answer, f"{path}.used"), dollars(answer, f"{path}.limit")
        percent = share(used, limit)
        if percent is not None:
            return replace(
                window, used_percent=clamp_percent(percent), used=used, limit=limit, unit="USD"
            )
    return replace(window, unlimited=boolean(answer.get("isUnlimited")) is True)


def total_percent(plan: Json) -> float | None:
    """The total as the service says it, else what its parts tell of it."""
    total = number(plan.get("totalPercentUsed"))
    if total is not None:
        return total
    auto, api = number(plan.get("autoPercentUsed")), number(plan.get("apiPercentUsed"))
    if auto is not None and api is not None:
        return auto / 2 + api / 2
    return auto if api is None else api


def lanes(answer: Json, cycle: Cycle) -> Iterator[UsageWindow]:
    """Cursor's own choice of models, and the named ones."""
    for window_id, label, path in LANES:
        percent = number(at(answer, path))
        if percent is not None:
            yield UsageWindow(
                id=window_id,
                label=label,
                used_percent=clamp_percent(percent),
                window_minutes=cycle.minutes,
                resets_at=cycle.ends_at,
            )


def plan_name(word: str) -> str:
    """`Cursor Pro+`; an unknown word as it is."""
    return f"Cursor {PLANS.get(word.lower(), word)}" if word else ""


def dollars(answer: Json, path: str) -> Decimal | None:
    """Money, which is sent in cents."""
    cents = decimal(at(answer, path))
    return None if cents is None else cents / 100


# -- money -----------------------------------------------------------------------------------------


def spend(answer: Json, cycle: Cycle) -> Iterator[Balance]:
    """On-demand use against the personal cap, else the team's, else without one."""
    own, own_cap = _on_demand(answer, "individualUsage")
    team, team_cap = _on_demand(answer, "teamUsage")
    if own_cap is None and team_cap is not None:
        yield Balance(
            id="on-demand.team",
            label="Team on-demand",
            used=team,
            limit=team_cap,
            resets_at=cycle.ends_at,
        )
    if own_cap is not None or own:
        yield Balance(
            id="on-demand", label="On-demand", used=own, limit=own_cap, resets_at=cycle.ends_at
        )


def _on_demand(answer: Json, whose: str) -> tuple[Decimal | None, Decimal | None]:
    """Use, and the cap if there is a real one."""
    limit = dollars(answer, f"{whose}.onDemand.limit")
    return dollars(answer, f"{whose}.onDemand.used"), limit if limit and limit > 0 else None


def detail_rows(answer: Json) -> Iterator[DetailRow]:
    """What the plan includes, and what its percentages leave out."""
    used, limit = (dollars(answer, f"{POOLS[0]}.{name}") for name in ("used", "limit"))
    if used is not None and limit:
        yield DetailRow(USAGE, "Included", f"{usd(used)} of {usd(limit)}")
    bonus = dollars(answer, f"{POOLS[0]}.breakdown.bonus")
    if bonus:
        yield DetailRow(USAGE, "Bonus", usd(bonus))
    if text(answer.get("membershipType")).lower() in BUSINESS_PLANS:
        yield DetailRow(USAGE, "Percentages", "without the token fee of business plans")


# -- what is added ---------------------------------------------------------------------------------


def with_profile(snapshot: ProviderSnapshot, profile: Json) -> ProviderSnapshot:
    """With the account's address; the one in the login stays when there is none."""
    email = first_text(profile, "email") or snapshot.identity.account
    return replace(snapshot, identity=replace(snapshot.identity, account=email))


def with_bot(snapshot: ProviderSnapshot, answer: Json) -> ProviderSnapshot:
    """With the bot's week, where the plan includes one."""
    percent = number(answer.get("usagePercent"))
    if percent is None or boolean(answer.get("hasNonZeroIncludedLimit")) is not True:
        return snapshot
    week = read_cycle(answer.get("currentPeriodStart"), answer.get("nextResetTimestampUtc"))
    lane = UsageWindow(
        id=BOT,
        label="Grok Bot",
        used_percent=clamp_percent(percent),
        window_minutes=week.minutes,
        resets_at=week.ends_at,
        headline=False,
    )
    return replace(snapshot, windows=(*snapshot.windows, lane))


def with_requests(snapshot: ProviderSnapshot, answer: Json) -> ProviderSnapshot:
    """For plans that count requests: these alone."""
    counts = mapping(answer.get("gpt-4"))
    limit = decimal(counts.get("maxRequestUsage"))
    if limit is None or limit <= 0:
        return snapshot
    used = decimal(counts.get("numRequestsTotal"))
    used = decimal(counts.get("numRequests")) if used is None else used
    note = "" if used is None else f"{amount_text(used)} / {amount_text(limit)} requests"
    lane = replace(
        snapshot.window(TOTAL),
        used_percent=share(used, limit),
        used=used,
        limit=limit,
        unit="requests",
        unlimited=False,
        resets_text=note,
    )
    return replace(snapshot, windows=(lane,))
