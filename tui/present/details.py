"""Everything that is known about a provider, for the details screen and the doctor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from decimal import Decimal

from tui.core import wording
from tui.core.errors import ErrorKind
from tui.core.models import (
    Attempt,
    Balance,
    CostPeriod,
    CostSummary,
    DetailRow,
    Phase,
    ProviderSnapshot,
    ProviderState,
    UsageWindow,
    map_text,
)
from tui.present.card import SERVICE, card_view, in_ascii, period_text, source_text
from tui.present.reader import Reader, left_percent
from tui.present.rows import was_text
from tui.present.views import (
    AttemptView,
    BalanceDetail,
    BalanceView,
    DetailGroup,
    DetailsView,
    Fact,
    Preferences,
    RowView,
    WindowDetail,
)

REASON_WORDS = {
    "start": "first try",
    "recentInteraction": "adaptive: {minutes} min",
    "warm": "adaptive: {minutes} min",
    "idle": "adaptive: {minutes} min",
    "longIdle": "adaptive: {minutes} min",
    "constrained": "slow mode: {minutes} min",
    "fixed": "every {minutes} min",
    "resetBoundary": "after a reset",
    "rateLimited": "when the service allows it",
    "backOff": "slower after failures",
    "startUpRetry": "the network was not reached",
}
"""Reasons of the schedule."""
COST_NOTE = "Estimated from local logs · may differ from your bill"


def details_view(
    state: ProviderState,
    *,
    name: str,
    short_name: str,
    now: datetime,
    prefs: Preferences,
    tz: tzinfo,
) -> DetailsView:
    """What the details of a provider show; arguments as for `card_view`."""
    reader = Reader(now, replace(prefs, ascii=False), tz)
    details = DetailsView(
        card=card_view(state, name=name, short_name=short_name, now=now, prefs=reader.prefs, tz=tz),
        attempts=attempt_views(state, reader),
        next_text=next_text(state, reader),
        groups=_groups(_rows(state), reader),
        costs=_costs(state.cost),
        cost_note=COST_NOTE if state.cost is not None else "",
        facts=_facts(state, reader),
    )
    if state.snapshot is not None and state.phase is not Phase.DISABLED:
        details = _with_snapshot(details, state.snapshot, reader)
    if not prefs.ascii:
        return details
    return replace(map_text(details, wording.ascii_twin), card=in_ascii(details.card))


def _with_snapshot(details: DetailsView, snapshot: ProviderSnapshot, reader: Reader) -> DetailsView:
    card = details.card
    windows = zip(snapshot.windows, card.rows, strict=True)
    balances = zip(snapshot.balances, card.balances, strict=True)
    return replace(
        details,
        windows=tuple(_window(window, row, reader) for window, row in windows),
        balances=tuple(_balance(balance, view, reader) for balance, view in balances),
        series=snapshot.series,
        dashboard_url=snapshot.dashboard_url,
    )


# -- windows and balances --------------------------------------------------------------------------


def _window(window: UsageWindow, row: RowView, reader: Reader) -> WindowDetail:
    return WindowDetail(
        row=row,
        exact=_exact(window, row),
        numbers=_numbers(window),
        reset=_both_clocks(window, reader),
        pace=_pace(row, reader),
        length=wording.length_text(window.window_minutes) if window.window_minutes else "",
    )


def _exact(window: UsageWindow, row: RowView) -> str:
    if row.used_percent is None or window.unlimited:
        return ""
    left = left_percent(row.used_percent)
    used = wording.exact_percent(row.used_percent)
    return f"{used} used · {wording.exact_percent(left)} left"


def _numbers(window: UsageWindow) -> str:
    used, limit, unit = window.used, window.limit, window.unit
    if used is None or limit is None:
        return wording.share_text(used, limit, unit)
    left = wording.bare(max(limit - used, Decimal()), unit)
    return f"{wording.bare(used, unit)} of {wording.money(limit, unit)} used · {left} left"


def _both_clocks(window: UsageWindow, reader: Reader) -> str:
    moment = window.resets_at
    if moment is None:
        return ""
    clock = reader.clock(moment)
    if moment <= reader.now:
        return wording.joined((f"due since {clock}", was_text(window, reader)), " – ")
    return f"{wording.countdown(moment, reader.now)} · {clock}"


def _pace(row: RowView, reader: Reader) -> str:
    if not row.pace_parts or row.tick_percent is None:
        return ""
    tick = row.tick_percent
    expected = tick if reader.prefs.show_used else 100 - tick
    first, *rest = row.pace_parts
    return wording.joined((first, f"Expected {wording.percent_text(expected)} used", *rest))


def _balance(balance: Balance, view: BalanceView, reader: Reader) -> BalanceDetail:
    used = "" if balance.used is None else f"{wording.money(balance.used, balance.currency)} used"
    resets = f"resets {reader.clock(balance.resets_at)}" if balance.resets_at else ""
    expires = f"expires {reader.clock(balance.expires_at)}" if balance.expires_at else ""
    return BalanceDetail(balance=view, used=used, dates=wording.joined((resets, expires)))


# -- facts -----------------------------------------------------------------------------------------


def _facts(state: ProviderState, reader: Reader) -> tuple[Fact, ...]:
    facts = [("Status", _service(state, reader))]
    if state.snapshot is not None:
        facts = [*_identity(state.snapshot, reader), *facts]
    if state.failures > 1:
        facts.append(("Failed tries", str(state.failures)))
    return tuple((label, text) for label, text in facts if text)


def _identity(snapshot: ProviderSnapshot, reader: Reader) -> list[Fact]:
    identity = snapshot.identity
    origin = reader.public(snapshot.origin)
    return [
        ("Plan", identity.plan),
        ("Account", reader.account(identity.account)),
        ("Organisation", reader.account(identity.organization)),
        ("Signed in with", identity.login_method),
        ("Source", wording.joined((source_text(snapshot), origin))),
        ("Read", reader.as_of(snapshot.fetched_at).removeprefix("as of ")),
        ("Page", snapshot.dashboard_url),
    ]


def _service(state: ProviderState, reader: Reader) -> str:
    service = state.service
    if service is None:
        return ""
    age = reader.age(service.updated_at) if service.updated_at else ""
    return wording.joined((SERVICE[service.indicator][0], service.description, age))


def _rows(state: ProviderState) -> tuple[DetailRow, ...]:
    """Those of the answer, then those of what runs beside it."""
    if state.phase is Phase.DISABLED:
        return ()
    return (*(state.snapshot.details if state.snapshot is not None else ()), *state.tasks)


def _groups(rows: Sequence[DetailRow], reader: Reader) -> tuple[DetailGroup, ...]:
    """Rows under their titles, in the order in which the titles first appear."""
    grouped: dict[str, list[Fact]] = {}
    for row in rows:
        grouped.setdefault(row.group, []).append((row.label, reader.public(row.value)))
    return tuple(DetailGroup(title, tuple(facts)) for title, facts in grouped.items())


def _costs(cost: CostSummary | None) -> tuple[Fact, ...]:
    if cost is None:
        return ()
    facts = [
        ("Today", _cost(cost.today)),
        ("7 days", _cost(cost.last_7_days)),
        ("30 days", _cost(cost.last_30_days)),
        *((model.label, _cost(model)) for model in cost.models),
        *((model, "no price known") for model in cost.unknown_models),
        ("Note", cost.notice),
    ]
    return tuple((label, text) for label, text in facts if text)


def _cost(period: CostPeriod) -> str:
    return wording.joined((period_text(period), _tokens(period)))


def _tokens(period: CostPeriod) -> str:
    """Beside an amount of money; without one the tokens stand there already."""
    return "" if period.usd is None else f"{wording.tokens_text(period.tokens.total)} tokens"


# -- where the numbers come from -------------------------------------------------------------------


def attempt_views(state: ProviderState, reader: Reader) -> tuple[AttemptView, ...]:
    """What was tried in the last refresh, in order."""
    snapshot = state.snapshot
    return tuple(
        AttemptView(
            number=number,
            source=attempt.source_id,
            outcome=_outcome(attempt),
            text=reader.public(_attempt_text(attempt, snapshot)),
        )
        for number, attempt in enumerate(state.attempts, start=1)
    )


def _outcome(attempt: Attempt) -> str:
    if attempt.outcome == "success":
        return "ok"
    is_rejected = attempt.error is not None and attempt.error.kind is ErrorKind.UNAUTHORIZED
    return "rejected" if is_rejected and attempt.outcome == "failed" else attempt.outcome


def _attempt_text(attempt: Attempt, snapshot: ProviderSnapshot | None) -> str:
    elapsed = f"{attempt.elapsed_s:.1f} s" if attempt.elapsed_s else ""
    if attempt.error is not None:
        message = attempt.error.message
        return message if attempt.outcome == "skipped" else _bracketed(message, elapsed)
    if snapshot is None or snapshot.source_id != attempt.source_id:
        return elapsed
    return _bracketed(elapsed, snapshot.origin)


def _bracketed(text: str, remark: str) -> str:
    return f"{text} ({remark})" if remark else text


def next_text(state: ProviderState, reader: Reader) -> str:
    """`next try 14:08 (adaptive: 5 min)`."""
    if state.phase is Phase.DISABLED:
        return ""
    if state.next_at is None:
        return "asked only on request" if state.next_reason == "manual" else ""
    words = REASON_WORDS.get(state.next_reason, "").format(minutes=round(state.interval_s / 60))
    return _bracketed(f"next try {reader.clock(state.next_at)}", words)
