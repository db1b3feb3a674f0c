"""The objects `usage`, `credits` and `pace` of a row, as existing scripts know them (B§16)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from tui.core.models import (
    DetailRow,
    Identity,
    ProviderSnapshot,
    UsageSeries,
    UsageWindow,
)
from tui.core.pace import window_pace
from tui.core.wording import is_currency
from tui.present.reading import blocker
from tui.report.parts import SLOTS, Row, date, extra_window, known, number, rate_window, slotted

CONFIDENCE = {"exact": "exact", "estimated": "estimated", "percent_only": "percentOnly"}
MAX_SECTIONS = 8
MAX_ROWS = 24
MAX_POINTS = 120
MAX_TEXT = 120


def usage(snapshot: ProviderSnapshot) -> Row:
    """Windows in slots and beside them, identity, spend and details."""
    slots = slotted(snapshot.windows)
    held = [rate_window(window) for window in slots]
    held_ids = {id(window) for window in slots}
    identity = _identity(snapshot.identity)
    return {
        **dict.fromkeys(SLOTS),
        **dict(zip(SLOTS, held, strict=False)),
        "updatedAt": date(snapshot.fetched_at),
        "dataConfidence": CONFIDENCE[snapshot.confidence],
        **known(
            {
                "extraRateWindows": [
                    extra_window(window)
                    for window in snapshot.windows
                    if id(window) not in held_ids
                ],
                "providerCost": _provider_cost(snapshot),
                "details": _sections(snapshot.details, snapshot.series),
                "identity": {"providerID": snapshot.key.provider} | identity if identity else None,
                **identity,
            }
        ),
    }


def _identity(identity: Identity) -> Row:
    """`loginMethod` is where existing scripts look for the plan."""
    return known(
        {
            "accountEmail": identity.account,
            "accountOrganization": identity.organization,
            "loginMethod": identity.plan or identity.login_method,
        }
    )


def _provider_cost(snapshot: ProviderSnapshot) -> Row | None:
    """The first money that is spent against a budget."""
    for balance in snapshot.balances:
        if is_currency(balance.currency) and balance.used is not None and balance.limit is not None:
            return known(
                {
                    "used": number(balance.used),
                    "limit": number(balance.limit),
                    "currencyCode": balance.currency,
                    "resetsAt": date(balance.resets_at),
                    "balance": number(balance.amount),
                    "updatedAt": date(snapshot.fetched_at),
                }
            )
    return None


def credits_of(snapshot: ProviderSnapshot) -> Row | None:
    """What is left of the first balance that is not money."""
    for balance in snapshot.balances:
        if balance.amount is not None and not is_currency(balance.currency):
            return {
                "remaining": number(balance.amount),
                "events": [],
                "updatedAt": date(snapshot.fetched_at),
            }
    return None


# -- details ---------------------------------------------------------------------------------------


def _sections(details: Sequence[DetailRow], series: Sequence[UsageSeries]) -> list[Row]:
    """Free rows by their group, then charts; cut to what readers accept."""
    groups: dict[str, list[Row]] = {}
    for row in details:
        entry = {"label": row.label[:MAX_TEXT], "value": row.value[:MAX_TEXT]}
        groups.setdefault(row.group, []).append(entry)
    sections = [
        known({"title": title[:MAX_TEXT]}) | {"rows": entries[:MAX_ROWS]}
        for title, entries in groups.items()
    ]
    return [*sections, *map(_chart, series)][:MAX_SECTIONS]


def _chart(series: UsageSeries) -> Row:
    points = [
        {"label": point.label[:MAX_TEXT], "value": number(point.value)}
        for point in series.points[-MAX_POINTS:]
    ]
    title = series.label[:MAX_TEXT]
    chart = {"kind": "bars", "points": points} | known({"title": title, "unit": series.unit})
    return {"title": title, "rows": [], "chart": chart}


# -- pace ------------------------------------------------------------------------------------------


def pace(
    snapshot: ProviderSnapshot, now: datetime, *, work_days: int | None, tz: tzinfo
) -> Row | None:
    """The forecast of each slot that has one."""
    found = {
        name: _pace(window, snapshot, now, work_days, tz)
        for name, window in zip(SLOTS, slotted(snapshot.windows), strict=False)
    }
    return known(found) or None


def _pace(
    window: UsageWindow,
    snapshot: ProviderSnapshot,
    now: datetime,
    work_days: int | None,
    tz: tzinfo,
) -> Row | None:
    found = window_pace(window, now, work_days=work_days, tz=tz)
    if found is None or not found.is_shown or blocker(window, snapshot, now) is not None:
        return None
    eta = {} if found.eta_s is None else {"etaSeconds": round(found.eta_s)}
    return {
        "stage": found.stage,
        "deltaPercent": number(found.delta_percent, 1),
        "expectedUsedPercent": number(found.expected_percent, 1),
        "willLastToReset": found.lasts,
        **eta,
        "summary": " | ".join(found.parts),
    }
