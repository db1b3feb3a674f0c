"""The values every part of the program speaks in.

All frozen, slotted and hashable: equality is meaning, so an equal snapshot repaints nothing. A
number the service did not send is `None`, never 0. Moments are aware and in UTC; lengths carry
their unit in the name.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.core.errors import ErrorInfo

Confidence = Literal["exact", "estimated", "percent_only"]
Outcome = Literal["success", "skipped", "failed"]
Indicator = Literal["none", "minor", "major", "critical", "maintenance", "unknown"]

SESSION_MINUTES = 300
DAY_MINUTES = 1440
WEEK_MINUTES = 10080
MONTH_MINUTES = 43200
"""Stands for one calendar month; pace uses the real month that ends at the reset."""


class Phase(StrEnum):
    """What the engine is doing for a provider."""

    DISABLED = "disabled"
    WAITING = "waiting"
    REFRESHING = "refreshing"


@dataclass(frozen=True, slots=True, order=True)
class ProviderKey:
    """One provider, or one account of it."""

    provider: str
    account: str = ""
    """Name of the account in the settings; empty for the only one."""

    def __str__(self) -> str:
        return f"{self.provider}:{self.account}" if self.account else self.provider

    @property
    def dom_id(self) -> str:
        """A name for widgets and files, another one for every key: letters, digits, `-`, `_`."""
        plain = (
            c if c.isascii() and (c.isalnum() or c == "-") else f"_{ord(c):x}_" for c in str(self)
        )
        return "card-" + "".join(plain)

    @classmethod
    def parse(cls, text: str) -> ProviderKey:
        """`zai` or `zai:work`."""
        provider, _, account = text.partition(":")
        return cls(provider, account)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWindow:
    """One limit of a provider: how much of it is used and when it opens again."""

    id: str
    """Stable: `session`, `weekly`, `monthly`, `mcp`, `model.opus`, …"""
    label: str
    used_percent: float | None = None
    """As reported; may exceed 100. `None` when unknown."""
    used: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""
    """What `used` and `limit` count: "credits", "tokens", "requests", "USD"."""
    unlimited: bool = False
    window_minutes: int | None = None
    resets_at: datetime | None = None
    resets_text: str = ""
    """A note of the window that is not a moment: "345/1500 credits", "full in 3h"."""
    headline: bool = True
    """False keeps this window out of the card's main number."""
    paced: bool = True
    """False where even use over the length means nothing: rolling windows have no pace (B§9.6)."""
    refills: bool = False
    """It fills up bit by bit: `resets_at` is when it is full again if nothing more is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Money or credits that are left, or spent against a budget."""

    id: str
    label: str
    amount: Decimal | None = None
    """What is left. `None` when the service did not say; never 0 as a stand-in."""
    currency: str = "USD"
    """ISO 4217 code, or a word such as "credits" or "points"."""
    used: Decimal | None = None
    limit: Decimal | None = None
    resets_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose numbers these are; never merged across providers."""

    account: str = ""
    """E-mail or login name."""
    organization: str = ""
    plan: str = ""
    login_method: str = ""


@dataclass(frozen=True, slots=True)
class DetailRow:
    """A free row of the details screen."""

    group: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One bar of a chart."""

    label: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSeries:
    """Values over time, oldest first."""

    id: str
    label: str
    unit: str
    points: tuple[SeriesPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSnapshot:
    """One good answer of a provider."""

    key: ProviderKey
    source_id: str
    """The way it was obtained: `api`, `web`, `cli`, `local`, `oauth`."""
    fetched_at: datetime
    """The moment the numbers are of: usually the fetch, for local files the file's time."""
    windows: tuple[UsageWindow, ...] = ()
    balances: tuple[Balance, ...] = ()
    identity: Identity = Identity()
    details: tuple[DetailRow, ...] = ()
    series: tuple[UsageSeries, ...] = ()
    confidence: Confidence = "exact"
    notice: str = ""
    """One calm sentence: "Balance needs a management key."."""
    origin: str = ""
    """Where the login came from: "Chromium: Default, saved 3d ago", "from OPENROUTER_API_KEY"."""
    dashboard_url: str = ""
    """Overrides the declared dashboard link, where it depends on the answer."""

    def window(self, window_id: str) -> UsageWindow:
        """The window with this id.

        Raises:
            KeyError: There is none.
        """
        for window in self.windows:
            if window.id == window_id:
                return window
        raise KeyError(window_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One source that was tried, or skipped."""

    source_id: str
    outcome: Outcome
    error: ErrorInfo | None = None
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """What the provider's status page says."""

    indicator: Indicator
    description: str = ""
    updated_at: datetime | None = None
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """Tokens by class; the four do not overlap."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0

    @property
    def total(self) -> int:
        """All four classes together."""
        return self.input + self.cache_read + self.cache_write + self.output

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts(
            input=self.input + other.input,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
            output=self.output + other.output,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPeriod:
    """Estimated spend of a span: today, 7 days, 30 days, one day or one model."""

    label: str
    usd: Decimal | None
    """`None` when no part of it has a known price."""
    tokens: TokenCounts
    partial: bool = False
    """Some of it has no known price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSummary:
    """Estimated cost from the session logs on this machine; never a bill."""

    today: CostPeriod
    last_7_days: CostPeriod
    last_30_days: CostPeriod
    models: tuple[CostPeriod, ...] = ()
    days: tuple[CostPeriod, ...] = ()
    unknown_models: tuple[str, ...] = ()
    scanning: bool = False
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """What cards and JSON are made of. It may hold a snapshot and an error at once."""

    key: ProviderKey
    phase: Phase = Phase.WAITING
    snapshot: ProviderSnapshot | None = None
    error: ErrorInfo | None = None
    failures: int = 0
    """Consecutive failures; 0 after a success."""
    attempts: tuple[Attempt, ...] = ()
    attempted_at: datetime | None = None
    next_at: datetime | None = None
    next_reason: str = ""
    interval_s: float = 300.0
    """The cadence in force, which decides when a reading counts as aging."""
    restored: bool = False
    """The snapshot was read from this machine and has not been confirmed in this run."""
    service: ServiceStatus | None = None
    cost: CostSummary | None = None
    tasks: tuple[DetailRow, ...] = ()
    """What its background tasks say about themselves."""


T = TypeVar("T")


def map_text(value: T, change: Callable[[str], str]) -> T:
    """A copy of a model value in which every string went through `change`, at any depth."""
    if isinstance(value, StrEnum):
        return value
    if isinstance(value, str):
        return change(value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(map_text(item, change) for item in value)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: map_text(getattr(value, f.name), change) for f in fields(value)}
        return replace(value, **changed)
    return value
