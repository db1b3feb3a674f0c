"""One window, one balance: their words, severity and bar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from tui.core import wording
from tui.core.models import Balance, ProviderSnapshot, UsageWindow
from tui.core.pace import Pace, window_pace
from tui.present import reading
from tui.present.reader import Reader, within_sentence
from tui.present.views import BalanceView, RowView, Severity

SYMBOLS: dict[Severity, str] = {"critical": "!", "warning": "▲"}
EXPIRES_SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Makes the rows of one snapshot."""

    reader: Reader
    snapshot: ProviderSnapshot
    stale: bool

    def row(self, window: UsageWindow) -> RowView:
        """The row of a window."""
        if window.unlimited:
            return self._unlimited(window)
        if reading.has_reset_since(window, self.snapshot, self.reader.now):
            return self._due(window)
        if window.used_percent is None:
            return self._without_percent(window)
        return self._ordinary(window, window.used_percent)

    def pace(self, window: UsageWindow) -> Pace | None:
        """The forecast of a window, where it says something and the numbers are current."""
        prefs = self.reader.prefs
        if self.stale or not prefs.pace or self._blocker(window) is not None:
            return None
        pace = window_pace(
            window, self.reader.now, work_days=prefs.pace_work_days, tz=self.reader.tz
        )
        return pace if pace is not None and pace.is_shown else None

    def _blocker(self, window: UsageWindow) -> UsageWindow | None:
        return reading.blocker(window, self.snapshot, self.reader.now)

    def _severity(self, severity: Severity) -> Severity:
        return "stale" if self.stale else severity

    def _unlimited(self, window: UsageWindow) -> RowView:
        return RowView(
            id=window.id,
            label=window.label,
            severity=self._severity("ok"),
            percent_text="unlimited",
            note=window.resets_text or wording.share_text(window.used, None, window.unit),
        )

    def _due(self, window: UsageWindow) -> RowView:
        """An old percentage is never shown as a present one (B§5)."""
        was = was_text(window, self.reader)
        due = "full by now" if window.refills else "reset due"
        return RowView(
            id=window.id,
            label=window.label,
            severity="stale",
            reset_text=wording.joined((due, was), " – "),
            reset_short="due",
        )

    def _without_percent(self, window: UsageWindow) -> RowView:
        row = RowView(
            id=window.id,
            label=window.label,
            severity=self._severity("unknown"),
            note=_note(window) or wording.share_text(window.used, window.limit, window.unit),
        )
        return self._with_reset(row, window)

    def _ordinary(self, window: UsageWindow, used_percent: float) -> RowView:
        shown = self.reader.shown_percent(used_percent)
        severity = self._severity(reading.severity(used_percent))
        pace = self.pace(window)
        row = RowView(
            id=window.id,
            label=window.label,
            severity=severity,
            symbol=SYMBOLS.get(severity, ""),
            bar_percent=min(max(shown, 0.0), 100.0),
            tick_percent=self._tick_percent(pace),
            percent_text=wording.percent_text(shown),
            percent_word=self.reader.word,
            pace_text=pace.short_text if pace else "",
            pace_parts=pace.parts if pace else (),
            note=self._notes(window, used_percent),
            used_percent=used_percent,
        )
        return self._with_reset(row, window)

    def _tick_percent(self, pace: Pace | None) -> float | None:
        """Whole, so that a bar is painted again when its tick moves and not all the time."""
        if pace is None:
            return None
        return float(wording.whole(self.reader.shown_percent(pace.expected_percent)))

    def _with_reset(self, row: RowView, window: UsageWindow) -> RowView:
        """The row with the words for its reset and for what stands in its way."""
        at = window.resets_at
        if at is None:
            row = replace(row, reset_text=wording.reset_phrase(window.resets_text))
        elif at <= self.reader.now:
            row = replace(row, reset_text="Reset due", reset_short="due")
        else:
            verb = "Full" if window.refills else "Resets"
            text, short = f"{verb} {self.reader.until(at)}", self.reader.until_short(at)
            resets_at = None if window.refills else at
            row = replace(row, reset_text=text, reset_short=short, resets_at=resets_at)
        blocker = self._blocker(window)
        if blocker is None:
            return row
        blocked = f"blocked by {within_sentence(blocker.label)}"
        note = wording.joined((blocked, row.note))
        return replace(row, reset_short="blocked", note=note, is_blocked=True)

    def _notes(self, window: UsageWindow, used_percent: float) -> str:
        over = f"{wording.percent_text(used_percent)} used" if used_percent > 100 else ""
        hidden = "" if self.reader.prefs.show_used else over
        return wording.joined((hidden, _note(window) or _numbers(window)))

    # -- balances ----------------------------------------------------------------------------------

    def balance(self, balance: Balance) -> BalanceView:
        """The row of a balance."""
        text = balance_text(balance)
        return BalanceView(
            id=balance.id,
            label=balance.label,
            text=wording.joined((text, self._expiry(balance))),
            short=balance_short(balance),
            severity=self._severity(balance_severity(balance)),
        )

    def _expiry(self, balance: Balance) -> str:
        at = balance.expires_at
        if at is None or at - self.reader.now > EXPIRES_SOON:
            return ""
        return "expired" if at <= self.reader.now else f"expires {self.reader.until(at)}"


def _note(window: UsageWindow) -> str:
    """The service's own words, unless they stand where the reset stands."""
    is_reset = window.resets_at is None and wording.reset_phrase(window.resets_text)
    return "" if is_reset else window.resets_text


def _numbers(window: UsageWindow) -> str:
    """Money always, counts where no reset needs the room; the details have them all."""
    if window.used is None or window.limit is None:
        return ""
    if window.resets_at is not None and not wording.is_currency(window.unit):
        return ""
    return wording.share_text(window.used, window.limit, window.unit)


def balance_text(balance: Balance) -> str:
    """`$41.20 left of $50.00`, `163 credits left`, `$8.80 of $50.00 spent`; `–` when unknown."""
    currency, limit = balance.currency, balance.limit
    is_money = wording.is_currency(currency)
    if balance.amount is not None and is_money and limit is not None:
        return f"{wording.money(balance.amount, currency)} left of {wording.money(limit, currency)}"
    if balance.amount is not None:
        return f"{_of_limit(balance.amount, limit, currency)} left"
    if balance.used is not None:
        return f"{_of_limit(balance.used, limit, currency)} {'spent' if is_money else 'used'}"
    return wording.UNKNOWN if limit is None else f"limit {wording.money(limit, currency)}"


def _of_limit(amount: Decimal, limit: Decimal | None, currency: str) -> str:
    if limit is None:
        return wording.money(amount, currency)
    return f"{wording.bare(amount, currency)} of {wording.money(limit, currency)}"


def balance_short(balance: Balance) -> str:
    """The one amount: what is left, else what was spent."""
    amount = balance.used if balance.amount is None else balance.amount
    return wording.UNKNOWN if amount is None else wording.money(amount, balance.currency)


def balance_severity(balance: Balance) -> Severity:
    """From what is left of a limit; a debt is critical, an empty extra is not."""
    amount, used, limit = balance.amount, balance.used, balance.limit
    if amount is not None and amount < 0:
        return "critical"
    if limit is None or limit <= 0:
        return "ok"
    spent = limit - amount if amount is not None else used
    return "ok" if spent is None else reading.severity(float(spent / limit * 100))


def was_text(window: UsageWindow, reader: Reader) -> str:
    """`was 83%`: the last reading of a window that has been reset since."""
    if window.used_percent is None:
        return ""
    return f"was {wording.percent_text(reader.shown_percent(window.used_percent))}"
