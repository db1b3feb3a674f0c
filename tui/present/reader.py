"""Numbers and moments in the words one user wants: direction, clock, zone, signs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from tui.core import wording
from tui.core.redact import Redactor, mask_account
from tui.present.views import Preferences

COMMON_LABELS = frozenset(
    {"Credits", "Daily", "Day", "Month", "Monthly", "Prompts", "Session", "Week", "Weekly"}
)
"""Labels that are ordinary words, written small inside a sentence."""

_without_people = Redactor(personal=True)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, where and when."""

    now: datetime
    prefs: Preferences
    tz: tzinfo

    @property
    def word(self) -> str:
        """`used` or `left`."""
        return "used" if self.prefs.show_used else "left"

    def shown_percent(self, used_percent: float) -> float:
        """In the chosen direction; more than everything leaves nothing, and never is more left."""
        return used_percent if self.prefs.show_used else left_percent(used_percent)

    def clock(self, moment: datetime, *, short: bool = False) -> str:
        """`14:02`, `tomorrow, 09:30`, `Mon 09:30`."""
        twelve = self.prefs.twelve_hour
        return wording.clock_text(moment, self.now, self.tz, twelve_hour=twelve, short=short)

    def age(self, moment: datetime) -> str:
        """`2m ago`; from one day on date and time."""
        twelve = self.prefs.twelve_hour
        return wording.age_text(moment, self.now, self.tz, twelve_hour=twelve)

    def as_of(self, moment: datetime) -> str:
        """`as of 14:02 · 38m ago`; a date says enough by itself."""
        age = self.age(moment)
        if not age.endswith(("ago", "now")):
            return f"as of {age}"
        return f"as of {self.clock(moment)} · {age}"

    def until(self, moment: datetime) -> str:
        """`in 2h 13m`, or the clock when that is what the user wants."""
        if self.prefs.absolute_times:
            return self.clock(moment)
        return wording.countdown(moment, self.now)

    def until_short(self, moment: datetime) -> str:
        """For a column: `2h 13m`, or `Mon 09:30`."""
        if self.prefs.absolute_times:
            return self.clock(moment, short=True)
        return wording.countdown(moment, self.now).removeprefix("in ")

    def account(self, name: str) -> str:
        """An account's name, masked when the user wants that."""
        return mask_account(name) if self.prefs.privacy else name

    def public(self, text: str) -> str:
        """The text without names of people, when the user wants that."""
        return _without_people(text) if self.prefs.privacy else text


def left_percent(used_percent: float) -> float:
    """What is left, from nothing to everything."""
    return min(max(100 - used_percent, 0.0), 100.0)


def within_sentence(label: str) -> str:
    """`Weekly` as `weekly`; names and abbreviations stay."""
    return label.lower() if label in COMMON_LABELS else label
