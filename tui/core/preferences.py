"""How the user wants to read numbers and times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """How the user wants to read numbers and times."""

    show_used: bool = False
    absolute_times: bool = False
    pace: bool = True
    pace_work_days: int | None = None
    privacy: bool = False
    ascii: bool = False
    twelve_hour: bool = False
    """`2:02 PM` instead of `14:02`."""
