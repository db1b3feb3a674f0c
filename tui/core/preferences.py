"""How the user wants to read numbers and times."""

from __future__ import annotations

import os
from collections.abc import Mapping
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


def is_utf8(env: Mapping[str, str]) -> bool:
    """Whether the locale's character set is UTF-8, by the rules of POSIX."""
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    if os.name == "nt" and not locale:
        return True
    return "utf-8" in locale.lower() or "utf8" in locale.lower()
