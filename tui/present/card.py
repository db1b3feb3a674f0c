"""A provider's state and the time as a card."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, tzinfo

from tui.core import wording
from tui.core.errors import DEFAULT_HINTS, SWITCH_ON_HINT, ErrorInfo, ErrorKind
from tui.core.models import (
    CostPeriod,
    CostSummary,
    Indicator,
    Phase,
    ProviderSnapshot,
    ProviderState,
    map_text,
)
from tui.present import reading
from tui.present.reader import Reader
from tui.present.rows import RowMaker
from tui.present.views import BalanceView, CardView, Look, Preferences, RowView, Severity

LOOK_SYMBOLS: dict[Look, str] = {
    "waiting": "…",
    "stale": "▲",
    "needs_setup": "?",
    "error": "✗",
}
SERVICE: dict[Indicator, tuple[str, Severity]] = {
    "none": ("Operational", "ok"),
    "minor": ("Partial outage", "warning"),
    "major": ("Major outage", "critical"),
    "critical": ("Critical issue", "critical"),
    "maintenance": ("Maintenance", "warning"),
    "unknown": ("Status unknown", "unknown"),
}
"""What a status page may say (B§11)."""
TRIES_AGAIN = frozenset({ErrorKind.NETWORK, ErrorKind.SERVER, ErrorKind.RATE_LIMITED})


def card_view(
    state: ProviderState,
    *,
    name: str,
    short_name: str,
    now: datetime,
    prefs: Preferences,
    tz: tzinfo,
) -> CardView:
    """What the card of a provider shows.

    Args:
        name: Of the provider, or of the account where there are several.
        tz: The zone of the reader.
    """
    reader = Reader(now, prefs, tz)
    look = reading.look(state, now)
    card = CardView(
        key=state.key,
        name=reader.public(name),
        short_name=reader.public(short_name),
        look=look,
        symbol=LOOK_SYMBOLS.get(look, ""),
        account=_own_name(state, name, reader),
        refreshing=state.phase is Phase.REFRESHING,
        cost_text=cost_text(state.cost),
    )
    if look == "disabled":
        card = replace(card, message="Switched off.", hint=SWITCH_ON_HINT)
    else:
        card = _with_service(card, state)
        card = _with_numbers(card, state.snapshot, reader)
        card = _with_error(card, state, reader)
    return in_ascii(card) if prefs.ascii else card


def _own_name(state: ProviderState, name: str, reader: Reader) -> str:
    """What the settings call the account, unless the card is called so already."""
    own = reader.account(state.key.account)
    return "" if name.endswith(f": {own}") else own


def _with_service(card: CardView, state: ProviderState) -> CardView:
    if state.service is None:
        return card
    text, severity = SERVICE[state.service.indicator]
    if severity not in {"warning", "critical"}:
        return card
    return replace(card, service_text=text, service_severity=severity)


def _with_numbers(card: CardView, snapshot: ProviderSnapshot | None, reader: Reader) -> CardView:
    if snapshot is None:
        return card
    is_stale = card.look == "stale"
    maker = RowMaker(reader, snapshot, stale=is_stale)
    rows = tuple(maker.row(window) for window in snapshot.windows)
    at = snapshot.fetched_at
    return replace(
        card,
        symbol=card.symbol or _alarm(snapshot, rows),
        plan=snapshot.identity.plan,
        account=reader.account(snapshot.identity.account) or card.account,
        rows=rows,
        balances=_unsaid(rows, tuple(maker.balance(b) for b in snapshot.balances)),
        headline=_headline(snapshot, rows, reader.now),
        message=reader.public(snapshot.notice) or _nothing_reported(snapshot),
        source=source_text(snapshot),
        age=reader.as_of(at) if is_stale else reader.age(at),
    )


def _unsaid(
    rows: tuple[RowView, ...], balances: tuple[BalanceView, ...]
) -> tuple[BalanceView, ...]:
    """The balances that no window says already in the same words."""
    said = {row.note for row in rows}
    return tuple(balance for balance in balances if balance.text not in said)


def _headline(
    snapshot: ProviderSnapshot, rows: tuple[RowView, ...], now: datetime
) -> RowView | None:
    bound = reading.binding(snapshot, now)
    pairs = zip(snapshot.windows, rows, strict=True)
    return next((row for window, row in pairs if window is bound), None)


def _alarm(snapshot: ProviderSnapshot, rows: tuple[RowView, ...]) -> str:
    """`!` when a window of the main number is critical."""
    pairs = zip(snapshot.windows, rows, strict=True)
    is_critical = any(window.headline and row.severity == "critical" for window, row in pairs)
    return "!" if is_critical else ""


def _nothing_reported(snapshot: ProviderSnapshot) -> str:
    return "" if snapshot.windows or snapshot.balances else "No usage data reported."


def source_text(snapshot: ProviderSnapshot) -> str:
    """`api`, or `local, estimated`."""
    return f"{snapshot.source_id}{', estimated' if snapshot.confidence == 'estimated' else ''}"


def _with_error(card: CardView, state: ProviderState, reader: Reader) -> CardView:
    error = state.error
    if error is None:
        return card
    if reading.is_forgiven(state):
        return replace(card, failed_tries="1 failed try")
    next_text = next_try(state, reader.now)
    return replace(
        card,
        message=reader.public(error.message),
        hint=_hint(error, next_text, reader),
        next_text="" if card.look == "needs_setup" else next_text,
        error_kind=error.kind,
    )


def _hint(error: ErrorInfo, next_text: str, reader: Reader) -> str:
    """The next step; "tried again by itself" goes without saying beside the time of it."""
    is_said = error.kind in TRIES_AGAIN and error.hint == DEFAULT_HINTS[error.kind]
    return "" if next_text and is_said else reader.public(error.hint)


def next_try(state: ProviderState, now: datetime) -> str:
    """`next try 3m`, `next try now`; empty while one is running or none is planned."""
    if state.next_at is None or state.phase is Phase.REFRESHING:
        return ""
    return f"next try {wording.countdown(state.next_at, now).removeprefix('in ')}"


# -- cost ------------------------------------------------------------------------------------------


def cost_text(cost: CostSummary | None) -> str:
    """`Today $1.24 · 30 days $31.50 · estimated`; empty where nobody counts."""
    if cost is None:
        return ""
    if cost.scanning:
        return "Local cost: scanning…"
    if cost.notice:
        return cost.notice
    spent = f"Today {period_text(cost.today)} · 30 days {period_text(cost.last_30_days)}"
    return f"{spent} · estimated"


def period_text(period: CostPeriod) -> str:
    """`$1.24`, `$1.24+` when some of it has no known price, else the tokens."""
    if period.usd is None:
        total = period.tokens.total
        return f"{wording.tokens_text(total)} tokens" if total else wording.UNKNOWN
    return wording.money(period.usd, "USD") + ("+" if period.partial else "")


# -- signs -----------------------------------------------------------------------------------------


def in_ascii(card: CardView) -> CardView:
    """The card in signs every terminal has; its key is no text of the screen and stays as it is."""
    return replace(map_text(card, wording.ascii_twin), key=card.key)
