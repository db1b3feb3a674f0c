"""The subscription behind a plan: its name, its end, its renewal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tui.core.models import DetailRow, ProviderSnapshot
from tui.core.wording import date_text
from tui.providers._parse import text, timestamp, walk
from tui.providers.minimax.parse import CHINA_TIME, shown_plan

CURRENT = ("current_subscribe", "current_subscription", "current_plan")
"""Keys above what belongs to the account; beside it the answer lists what is for sale."""
WANTED = tuple(
    re.compile(form, re.IGNORECASE | re.DOTALL)
    for form in (
        *(".*tokenplanplus.*", ".*tokenplanmax.*", ".*tokenplanultra.*"),
        r".*token plan\b.*\b(?:plus|max|ultra)\b.*",
        r"(?:plus|max|ultra)",
    )
)
"""What a title may look like, best first."""
TIER = re.compile(r"plus|max|ultra", re.IGNORECASE)
DEEPEST = 8
DATE_FORM = "%m/%d/%Y"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What the metadata says."""

    plan: str = ""
    ends_at: datetime | None = None
    renews_at: datetime | None = None


def parse_subscription(answer: Mapping[str, Any]) -> Subscription:
    """The subscription in an answer that is no refusal; unknown parts stay empty."""
    return Subscription(
        plan=_plan(answer),
        ends_at=_first(answer, "current_subscribe_end_time_ts", "current_subscribe_end_time"),
        renews_at=_first(answer, "renewal_trigger_time_ts", "renewal_date"),
    )


def with_subscription(
    snapshot: ProviderSnapshot, subscription: Subscription, now: datetime
) -> ProviderSnapshot:
    """The snapshot with the plan's own name and dates."""
    plan = subscription.plan or snapshot.identity.plan
    dates = (("Ends", subscription.ends_at), ("Renews", subscription.renews_at))
    rows = [
        DetailRow("Plan", label, date_text(moment, now, CHINA_TIME))
        for label, moment in dates
        if moment is not None
    ]
    return replace(
        snapshot,
        identity=replace(snapshot.identity, plan=plan),
        details=(*snapshot.details, *rows),
    )


# -- plan ------------------------------------------------------------------------------------------


def _plan(answer: Mapping[str, Any]) -> str:
    """The best title below what is current, else anywhere."""
    current = [
        title
        for data in walk(answer, DEEPEST)
        for name, value in data.items()
        if any(part in name.lower() for part in CURRENT)
        for title in _strings(value, DEEPEST)
    ]
    for titles in (current, [*_strings(answer, DEEPEST)]):
        for form in WANTED:
            found = next((title for title in titles if form.fullmatch(title)), "")
            if found:
                return _shown(found)
    return ""


def _strings(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield text(value)
    elif depth > 0 and isinstance(value, (dict, list)):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _strings(child, depth - 1)


def _shown(title: str) -> str:
    plan = shown_plan(title)
    tier = TIER.search(title)
    return tier.group().title() if plan == title and tier else plan


# -- dates -----------------------------------------------------------------------------------------


def _first(answer: Mapping[str, Any], *names: str) -> datetime | None:
    for name in names:
        for data in walk(answer, DEEPEST):
            if (moment := _moment(data.get(name))) is not None:
                return moment
    return None


def _moment(value: Any) -> datetime | None:
    """An epoch, or a day of China."""
    try:
        day = datetime.strptime(text(value), DATE_FORM)
    except ValueError:
        return timestamp(value)
    return day.replace(tzinfo=CHINA_TIME)
