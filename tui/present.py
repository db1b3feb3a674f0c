"""From a provider's state and the time to what a card shows.

Pure: every word, number and severity on the screen is decided here, so that card, details, one-line density and
plain text say the same. Widgets only place what they are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.core.models import ProviderKey

Look = Literal["waiting", "fresh", "aging", "stale", "needs_setup", "error", "disabled"]
Severity = Literal["ok", "warning", "critical", "unknown", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """How the user wants to read numbers and times."""

    show_used: bool = False
    absolute_times: bool = False
    pace: bool = True
    pace_work_days: int | None = None
    privacy: bool = False
    ascii: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    """One window of a card."""

    id: str
    label: str
    """"5-hour", "Week", "Credits"."""
    severity: Severity
    symbol: str = ""
    """`!` critical, `▲` warning: says the same as the colour."""
    bar_percent: float | None = None
    """How far the bar is filled, 0-100, in the chosen direction; `None` draws no bar."""
    tick_percent: float | None = None
    """Where even use would stand."""
    percent_text: str = "–"
    """"62%", "<1%", "112%", "–", "unlimited"."""
    percent_word: str = ""
    """`used` or `left`; empty without a percent."""
    reset_text: str = ""
    """"Resets in 2h 13m", "Resets Mon 09:00", "reset due – was 83%"."""
    reset_short: str = ""
    """"2h 13m", "Mon 09:00", "due"."""
    pace_text: str = ""
    """"on pace", "Runs out in 3h", "5% in reserve"."""
    note: str = ""
    """"blocked by Week", "345/1500 credits", "$41.20 left of $50.00"."""

    @property
    def spoken(self) -> str:
        """The row as a sentence, for tooltips and plain text."""
        parts = [f"{self.label}: {self.percent_text} {self.percent_word}".strip(), self.reset_text]
        return " · ".join(filter(None, [*parts, self.pace_text, self.note]))


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceView:
    """Money or credits of a card."""

    id: str
    label: str
    text: str
    """"$41.20 left of $50.00", "163 credits left"."""
    short: str
    """"$41.20"."""
    severity: Severity = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """Everything a card shows."""

    key: ProviderKey
    name: str
    short_name: str
    look: Look
    symbol: str = ""
    """`…` waiting, `▲` stale, `?` needs setup, `✗` error, `!` critical."""
    plan: str = ""
    account: str = ""
    rows: tuple[RowView, ...] = ()
    balances: tuple[BalanceView, ...] = ()
    headline: RowView | None = None
    """The row that binds: the one line densities show it."""
    message: str = ""
    """One calm sentence: a notice or what went wrong."""
    hint: str = ""
    """The one next step."""
    source: str = ""
    age: str = ""
    """"2m ago"; with `look` stale "as of 14:02 · 38m ago"."""
    next_text: str = ""
    """"next try 3m"."""
    refreshing: bool = False
    failed_tries: str = ""
    """"1 failed try" while the numbers are still good."""
    cost_text: str = ""
    """Estimated local cost, labelled as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeckView:
    """The top line: what is tightest, when the next reset comes, whether anything is broken."""

    tightest: str = ""
    next_reset: str = ""
    trouble: str = ""
    """"2 need you"."""
    severity: Severity = "ok"
    word: str = ""
    """"showing used" or "showing left"."""
    clock: str = ""
