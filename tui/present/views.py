"""What cards, the top line and the details screen are made of. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tui.core.errors import ErrorKind
from tui.core.models import ProviderKey, UsageSeries
from tui.core.preferences import Preferences as Preferences

Look = Literal["waiting", "fresh", "aging", "stale", "needs_setup", "error", "disabled"]
Severity = Literal["ok", "warning", "critical", "unknown", "stale"]
Fact = tuple[str, str]
"""A label and a text."""

NEEDS_USER = frozenset(
    {ErrorKind.MISSING_CREDENTIALS, ErrorKind.UNAUTHORIZED, ErrorKind.UNSUPPORTED}
)


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
    """"2h 13m", "Mon 09:00", "due", "blocked"."""
    pace_text: str = ""
    """"on pace", "Runs out in 3h", "5% in reserve"."""
    note: str = ""
    """"blocked by week", "345/1500 credits", "$41.20 left of $50.00"."""
    pace_parts: tuple[str, ...] = ()
    """The whole forecast: "5% in deficit", "Runs out in 2d 8h"."""
    used_percent: float | None = None
    """What the row is ranked by; `None` when it is unknown or no longer true."""
    resets_at: datetime | None = None
    """The next reset, if it lies ahead."""
    is_blocked: bool = False
    """A longer window is used up: this one is of no use, whatever it says."""

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
    """"next try 3m"; only where something went wrong."""
    refreshing: bool = False
    failed_tries: str = ""
    """"1 failed try" while the numbers are still good."""
    cost_text: str = ""
    """Estimated local cost, labelled as such."""
    service_text: str = ""
    """"Partial outage": what the status page says, unless all is well."""
    service_severity: Severity = "ok"
    error_kind: ErrorKind | None = None
    """Of the error that is shown."""

    @property
    def needs_user(self) -> bool:
        """Whether only the user can mend it."""
        return self.error_kind in NEEDS_USER


@dataclass(frozen=True, slots=True, kw_only=True)
class DeckView:
    """The top line: what is tightest, when the next reset comes, whether anything is broken."""

    tightest: str = ""
    """"! Kimi week 94% used"."""
    next_reset: str = ""
    """"next reset z.ai 5-hour in 12m"."""
    trouble: str = ""
    """"2 need you"."""
    severity: Severity = "ok"
    word: str = ""
    """"showing used" or "showing left"."""
    clock: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowDetail:
    """A window in full."""

    row: RowView
    exact: str = ""
    """"62.37% used · 37.63% left"."""
    numbers: str = ""
    """"345 of 1,500 credits used · 1,155 left"."""
    reset: str = ""
    """Countdown and clock: "in 2h 13m · Mon 09:30"."""
    pace: str = ""
    """"5% in deficit · Expected 57% used · Runs out in 2d 8h"."""
    length: str = ""
    """"5h", "weekly"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceDetail:
    """A balance in full."""

    balance: BalanceView
    used: str = ""
    """"$8.80 used"."""
    dates: str = ""
    """"resets Dec 1, 00:00 · expires Dec 24, 00:00"."""


@dataclass(frozen=True, slots=True)
class DetailGroup:
    """Free rows under one title."""

    title: str
    rows: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One source of the last refresh: "2 cookie rejected 401 in 0.3 s"."""

    number: int
    source: str
    outcome: str
    """`ok`, `skipped`, `rejected`, `failed`."""
    text: str

    def head(self, source_width: int = 0) -> str:
        """Everything before the text, in columns when given the width of the longest source."""
        return f"{self.number} {self.source:{source_width}} {self.outcome:8}"

    def line(self, source_width: int = 0) -> str:
        """The attempt as one line."""
        return f"{self.head(source_width)} {self.text}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsView:
    """Everything that is known about a provider."""

    card: CardView
    windows: tuple[WindowDetail, ...] = ()
    balances: tuple[BalanceDetail, ...] = ()
    facts: tuple[Fact, ...] = ()
    """Plan, account, source and the like."""
    groups: tuple[DetailGroup, ...] = ()
    series: tuple[UsageSeries, ...] = ()
    costs: tuple[Fact, ...] = ()
    """Estimated spend by period and by model."""
    cost_note: str = ""
    attempts: tuple[AttemptView, ...] = ()
    next_text: str = ""
    """"next try 14:08 (adaptive: 5 min)"."""
    dashboard_url: str = ""
    """Where the answer itself names its page."""

    @property
    def attempt_facts(self) -> tuple[Fact, ...]:
        """The attempts in columns: what happened, and what there is to say about it."""
        width = max((len(attempt.source) for attempt in self.attempts), default=0)
        return tuple((attempt.head(width), attempt.text) for attempt in self.attempts)
