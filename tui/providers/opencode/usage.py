"""Reading the windows of a subscription, in the many shapes they have been sent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from tui.core.models import (
    SESSION_MINUTES,
    WEEK_MINUTES,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.providers._parse import (
    boolean,
    clamp_percent,
    first_number,
    moment_in,
    number,
    share,
    text,
    timestamp,
)
from tui.providers.opencode.script import read_values

ROLLING = ("rollingUsage", "rolling", "rolling_usage", "rollingWindow", "rolling_window")
WEEKLY = ("weeklyUsage", "weekly", "weekly_usage", "weeklyWindow", "weekly_window")
WRAPPERS = ("data", "result", "usage", "billing", "payload")
DEEPEST = 6
"""Known wrappers inside one another, then a few unknown ones."""

PERCENT = (
    *("usagePercent", "usedPercent", "percentUsed", "percent", "usage_percent", "used_percent"),
    *("utilization", "utilizationPercent", "utilization_percent"),
)
AMBIGUOUS = "usage"
"""A percentage, unless a limit stands beside it."""
USED = ("used", AMBIGUOUS, "consumed", "count", "usedTokens")
LIMIT = ("limit", "total", "quota", "max", "cap", "tokenLimit")
SECONDS = (
    *("resetInSec", "resetInSeconds", "resetSeconds", "reset_sec", "reset_in_sec"),
    *("resetsInSec", "resetsInSeconds", "resetIn", "resetSec"),
)
RENEWAL = ("renewAt", "renew_at")
MOMENTS = (
    *("resetAt", "resetsAt", "reset_at", "resets_at", "nextReset", "next_reset"),
    *RENEWAL,
)
FIRST_MOMENT = 10**9
"""Epoch seconds below this are lengths, not moments."""
LONGEST_S = 2.0**63
PLANS = {"20", "100", "200"}
OWN_NAMES = re.compile(rf"{ROLLING[0]}|{WEEKLY[0]}")
HOURS = re.compile(r"rolling|hour|5h")
MOST_IN_LIST = 50


@dataclass(frozen=True, slots=True)
class Window:
    """Used percent, and the moment it starts again."""

    percent: float
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a subscription answer says."""

    rolling: Window
    weekly: Window | None = None
    renews_at: datetime | None = None
    plan: str = ""
    overflows: bool = False
    """Beyond the limits the balance is charged."""


# -- one window ------------------------------------------------------------------------------------


def read_window(data: Any, now: datetime) -> Window | None:
    """Percent and reset of one object; nothing when it has no percent."""
    if not isinstance(data, dict):
        return None
    percent = _percent(data)
    return None if percent is None else Window(clamp_percent(percent), _reset(data, now))


def _percent(data: Mapping[str, Any]) -> float | None:
    direct = first_number(data, *PERCENT)
    limit = first_number(data, *LIMIT)
    if direct is None and (limit is None or limit <= 0):
        direct = number(data.get(AMBIGUOUS))
    if direct is not None:
        # Exactly 1 is one percent: the service sends whole percents.
        return direct * 100 if 0 < direct < 1 else direct
    return share(first_number(data, *USED), limit)


def _reset(data: Mapping[str, Any], now: datetime) -> datetime | None:
    seconds = first_number(data, *SECONDS)
    if seconds is not None:
        return moment_in(max(seconds, 0.0) if seconds < LONGEST_S else 0.0, now)
    moments = (_moment(data.get(name)) for name in MOMENTS)
    moment = next((found for found in moments if found is not None), None)
    return max(moment, now) if moment is not None else None


def _moment(value: Any) -> datetime | None:
    seconds = number(value)
    return timestamp(value) if seconds is None or seconds > FIRST_MOMENT else None


# -- the whole answer ------------------------------------------------------------------------------


class Place(NamedTuple):
    """An object inside an answer."""

    path: str
    data: Mapping[str, Any]
    facts: Mapping[str, Any]
    """What it and the objects around it say beside windows; the innermost word counts."""


FACTS = {"renewAt": "renewal", "renew_at": "renewal", "plan": "plan", "useBalance": "overflow"}


def find_usage(answer: str, now: datetime) -> Usage | None:
    """The windows in an answer, JSON or JavaScript; nothing when there is no rolling one."""
    values = [[*_places(value)] for value in read_values(answer)]
    # Where the site's own names are, a window without a name is one that lost it.
    is_named = OWN_NAMES.search(answer) is not None
    for find in (_by_name, _by_part_of_name) if is_named else WAYS:
        for places in values:
            if (usage := find(places, now)) is not None:
                return usage
    return _by_text(answer, now)


def _places(value: Any) -> Iterator[Place]:
    """Every object, outer ones before inner ones, known wrappers before others."""
    level = [Place("", item, {}) for item in _objects(value)]
    for _ in range(DEEPEST):
        level = [place._replace(facts={**place.facts, **_facts(place.data)}) for place in level]
        yield from level
        level = [inner for place in level for inner in _inside(place)]


def _facts(data: Mapping[str, Any]) -> dict[str, Any]:
    return {fact: data[name] for name, fact in FACTS.items() if data.get(name) is not None}


def _inside(place: Place) -> Iterator[Place]:
    for name in sorted(place.data, key=lambda name: name not in WRAPPERS):
        for item in _objects(place.data[name]):
            yield Place(f"{place.path}.{name}", item, place.facts)


def _objects(value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    return [item for item in found if isinstance(item, dict)][:MOST_IN_LIST]


def _usage(place: Place, rolling: Window, weekly: Window | None, now: datetime) -> Usage:
    renews_at = _moment(place.facts.get("renewal"))
    plan = text(str(place.facts.get("plan", "")))
    return Usage(
        rolling=rolling,
        weekly=weekly,
        renews_at=renews_at if renews_at is not None and renews_at > now else None,
        plan=plan if plan in PLANS else "",
        overflows=boolean(place.facts.get("overflow")) is True,
    )


def _by_name(places: Sequence[Place], now: datetime) -> Usage | None:
    """Windows under the names they are known by."""
    for place in places:
        rolling, weekly = (
            next(filter(None, (read_window(place.data.get(name), now) for name in names)), None)
            for names in (ROLLING, WEEKLY)
        )
        if rolling is not None:
            return _usage(place, rolling, weekly, now)
    return None


def _by_part_of_name(places: Sequence[Place], now: datetime) -> Usage | None:
    """Windows under names that only hint."""
    windows = _windows(places, now)
    rolling = next((found for found in windows if "rolling" in found.name), None)
    weekly = next((found.window for found in windows if "week" in found.name), None)
    return _usage(rolling.place, rolling.window, weekly, now) if rolling is not None else None


def _by_length(places: Sequence[Place], now: datetime) -> Usage | None:
    """Windows without a telling name: the one that resets first is the rolling one."""
    windows = _windows(places, now)
    weeks = [found for found in windows if "week" in found.path]
    others = [found for found in windows if found not in weeks]
    hours = [found for found in others if HOURS.search(found.path)]
    if not others:
        return None
    rolling = min(hours or others, key=_resets_first)
    rest = weeks or [found for found in others if found is not rolling]
    weekly = max(rest, key=_resets_last).window if rest else None
    return _usage(rolling.place, rolling.window, weekly, now)


WAYS = (_by_name, _by_part_of_name, _by_length)


class Found(NamedTuple):
    """A window and where it is."""

    place: Place
    window: Window

    @property
    def path(self) -> str:
        return self.place.path.lower()

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


def _windows(places: Sequence[Place], now: datetime) -> list[Found]:
    windows = ((place, read_window(place.data, now)) for place in places)
    return [Found(place, window) for place, window in windows if window is not None]


def _resets_first(found: Found) -> tuple[float, float]:
    moment = found.window.resets_at
    return (moment.timestamp() if moment is not None else math.inf, -found.window.percent)


def _resets_last(found: Found) -> tuple[float, float]:
    moment = found.window.resets_at
    return (moment.timestamp() if moment is not None else -math.inf, found.window.percent)


def _by_text(answer: str, now: datetime) -> Usage | None:
    """The last resort: the numbers that follow the known names, within the same object."""
    rolling, weekly = (_text_window(answer, name, now) for name in (ROLLING[0], WEEKLY[0]))
    return Usage(rolling=rolling, weekly=weekly) if rolling is not None else None


def _text_window(answer: str, name: str, now: datetime) -> Window | None:
    after = re.search(rf"{name}\b([^}}]*)", answer)
    if after is None:
        return None
    names = ("usagePercent", "resetInSec")
    found = (re.search(rf'\b{name}"?\s*:\s*([-+\w.]+)', after.group(1)) for name in names)
    percent, seconds = (number(match.group(1)) if match else None for match in found)
    return read_window({names[0]: percent, names[1]: seconds}, now)


# -- snapshot --------------------------------------------------------------------------------------


def subscription(
    usage: Usage, *, key: ProviderKey, now: datetime, workspace: str = ""
) -> ProviderSnapshot:
    """The windows of a subscription.

    Args:
        workspace: Its name or id.
    """
    windows = [_window("session", "5-hour", SESSION_MINUTES, usage.rolling)]
    if usage.weekly is not None:
        windows.append(_window("weekly", "Weekly", WEEK_MINUTES, usage.weekly))
    if usage.renews_at is not None:
        windows.append(
            UsageWindow(id="renewal", label="Renews", resets_at=usage.renews_at, headline=False)
        )
    return ProviderSnapshot(
        key=key,
        source_id="web",
        fetched_at=now,
        windows=tuple(windows),
        identity=Identity(
            organization=workspace,
            plan=f"OpenCode Black ${usage.plan}" if usage.plan else "",
        ),
        notice="Overflow is charged to the balance." if usage.overflows else "",
    )


def _window(id: str, label: str, minutes: int, window: Window) -> UsageWindow:
    return UsageWindow(
        id=id,
        label=label,
        used_percent=window.percent,
        window_minutes=minutes,
        resets_at=window.resets_at,
    )
