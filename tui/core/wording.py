"""Numbers and moments as words: the only place that decides how they look.

Pure and without a locale: whoever knows the user's zone and clock passes them. Rules: B§7, B§8.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

UNKNOWN = "–"
BEYOND_MEASURE = 10**15
"""From here on nobody counts digits, and hundreds of them would push everything else away."""
MINUTES_PER_DAY = 1440
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
YEAR_SHOWN_DAYS = 300
"""A date further away than this needs its year."""

LENGTHS = {300: "5h", 1440: "daily", 10080: "weekly", 43200: "monthly"}
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥"}
"""Other currencies show their code."""
WHOLE_CURRENCIES = frozenset({"JPY", "KRW"})
ASCII_TWINS = str.maketrans(
    {
        "…": "...",
        "▲": "^",
        "✗": "x",
        "✓": "ok",
        "–": "-",
        "—": "-",
        "·": "-",
        "≈": "~",
        "×": "x",
        "→": "->",
        "↻": "*",
        "•": "*",
        "█": "#",
        "░": "-",
        "€": "EUR ",
        "£": "GBP ",
        "¥": "CNY ",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "\N{NO-BREAK SPACE}": " ",
    }
)


# -- moments ---------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """`2h 13m`: rounded up to whole minutes, at most two parts, at least `1m`."""
    minutes = max(1, math.ceil(seconds / 60))
    days, hours, rest = minutes // MINUTES_PER_DAY, minutes // 60 % 24, minutes % 60
    if days:
        return _parts((days, "d"), (hours, "h") if hours else (rest, "m"))
    return _parts((hours, "h"), (rest, "m"))


def _parts(*parts: tuple[int, str]) -> str:
    return " ".join(f"{count}{unit}" for count, unit in parts if count)


def countdown(moment: datetime | None, now: datetime) -> str:
    """`in 2h 13m`; `now` when less than a second is left; empty when unknown."""
    if moment is None:
        return ""
    seconds = (moment - now).total_seconds()
    return "now" if seconds < 1 else f"in {duration(seconds)}"


def time_of_day(moment: datetime, tz: tzinfo, *, twelve_hour: bool = False) -> str:
    """`09:30`, or `9:30 AM`."""
    local = moment.astimezone(tz)
    if not twelve_hour:
        return f"{local:%H:%M}"
    return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"


def clock_text(
    moment: datetime, now: datetime, tz: tzinfo, *, twelve_hour: bool = False, short: bool = False
) -> str:
    """The moment as people say it: `09:30`, `tomorrow, 09:30`, `Mon 09:30`, `Sep 14, 09:30`.

    Args:
        short: For columns: a weekday also where there is a word for the day.
    """
    local = moment.astimezone(tz)
    days = (local.date() - now.astimezone(tz).date()).days
    time = time_of_day(moment, tz, twelve_hour=twelve_hour)
    if days == 0:
        return time
    if not short and days in {1, -1}:
        return f"{'tomorrow' if days == 1 else 'yesterday'}, {time}"
    if 0 < days < 7:
        return f"{WEEKDAYS[local.weekday()]} {time}"
    return f"{date_text(moment, now, tz)}, {time}"


def date_text(moment: datetime, now: datetime, tz: tzinfo) -> str:
    """`Sep 14`, with the year when that is far away."""
    local = moment.astimezone(tz)
    is_far = abs(moment - now) > timedelta(days=YEAR_SHOWN_DAYS)
    return f"{MONTHS[local.month - 1]} {local.day}" + (f" {local.year}" if is_far else "")


def age_text(moment: datetime, now: datetime, tz: tzinfo, *, twelve_hour: bool = False) -> str:
    """`just now`, `2m ago`, `5h ago`; from one day on date and time."""
    seconds = int((now - moment).total_seconds())
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60}m ago"
    if seconds < 86400:
        return f"{seconds // 3600}h ago"
    time = time_of_day(moment, tz, twelve_hour=twelve_hour)
    return f"{date_text(moment, now, tz)}, {time}"


def reset_phrase(text: str) -> str:
    """`Resets …` of a provider's own words, without doubling the verb; empty for other notes."""
    found = re.match(r"resets?\b[\s:]*(.*)", text.strip(), re.IGNORECASE)
    return f"Resets {found.group(1)}" if found and found.group(1) else ""


def length_text(minutes: int) -> str:
    """The name of a window's length: `5h`, `daily`, `weekly`, `monthly`, `90m`, `14d`."""
    if minutes in LENGTHS:
        return LENGTHS[minutes]
    for size, unit in ((MINUTES_PER_DAY, "d"), (60, "h")):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


# -- numbers ---------------------------------------------------------------------------------------


def whole(number: float) -> int:
    """The nearest whole number; halves go up."""
    return math.floor(number + 0.5)


def percent_text(percent: float) -> str:
    """`62%`, `<1%`, `112%`. What is not quite full is never shown as 100 %."""
    if percent <= 0:
        return "0%"
    if percent < 1:
        return "<1%"
    if percent >= BEYOND_MEASURE:
        return f"{grouped(percent, 0)}%"
    return f"{min(whole(percent), 99) if percent < 100 else whole(percent)}%"


def exact_percent(percent: float) -> str:
    """At most two decimals: `62.37%`."""
    return f"{amount_text(percent)}%"


def amount_text(value: Decimal | float) -> str:
    """A count with separators, at most two decimals, none when whole: `212,500`, `6.87`."""
    if _is_beyond_measure(value):
        return grouped(value, 0)
    text = grouped(value, 2).rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def grouped(value: Decimal | float, places: int) -> str:
    """Digits in groups; of a number beyond all measure only its size."""
    return f"{value:.1e}" if _is_beyond_measure(value) else f"{value:,.{places}f}"


def _is_beyond_measure(value: Decimal | float) -> bool:
    return value >= BEYOND_MEASURE or value <= -BEYOND_MEASURE


def tokens_text(count: Decimal | float) -> str:
    """`950`, `1.2K`, `12K`, `8.4M`, `2B`."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        scaled = float(count) / size
        if scaled >= 0.9995:  # 999.5K is better read as 1M
            text = f"{scaled:.1f}" if scaled < 9.95 else f"{whole(scaled):.15g}"
            return text.removesuffix(".0") + unit
    return str(whole(float(count)))


def is_currency(word: str) -> bool:
    """Whether this is an ISO 4217 code and not a word such as "credits"."""
    return re.fullmatch(r"[A-Z]{3}", word) is not None


def money(amount: Decimal, currency: str) -> str:
    """`$41.20`, `-¥3.00`, `12.00 CHF`, `<$0.01`, `163 credits`."""
    if not is_currency(currency):
        return counted(amount, currency)
    sign = SIGNS.get(currency, "")
    places = 0 if currency in WHOLE_CURRENCIES else 2
    smallest = Decimal(1).scaleb(-places)
    size = abs(amount)
    below = "<" if 0 < size < smallest else ""
    digits = grouped(max(size, smallest) if below else size, places)
    minus = "-" if amount < 0 else ""
    return f"{minus}{below}{sign}{digits}" + ("" if sign else f" {currency}")


def bare(amount: Decimal, unit: str) -> str:
    """An amount whose unit stands elsewhere: `$8.80`, but `163`."""
    return money(amount, unit) if is_currency(unit) else amount_text(amount)


def counted(amount: Decimal, unit: str) -> str:
    """`163 credits`, `1 credit`, `12` without a unit."""
    one = amount == 1 and unit.endswith("s") and not unit.endswith("ss")
    return f"{amount_text(amount)} {unit[:-1] if one else unit}".strip()


def share_text(used: Decimal | None, limit: Decimal | None, unit: str) -> str:
    """Both in their unit: `$41.20 left of $50.00`, `345/1,500 credits`, `812 credits used`."""
    if used is None:
        return f"of {money(limit, unit)}" if limit is not None else ""
    if limit is None:
        return f"{money(used, unit)} used"
    if is_currency(unit):
        return f"{money(max(limit - used, Decimal()), unit)} left of {money(limit, unit)}"
    show = tokens_text if unit == "tokens" else amount_text
    return f"{show(used)}/{show(limit)} {unit}".strip()


# -- signs -----------------------------------------------------------------------------------------


def bar_text(percent: float, width: int) -> str:
    """A bar for plain text: one full cell above 0 %, one empty cell below 100 % at least (B§8)."""
    full = math.floor(width * percent / 100)
    if 0 < percent < 100:
        full = min(max(full, 1), width - 1)
    full = min(max(full, 0), width)
    return "█" * full + "░" * (width - full)


def ascii_twin(text: str) -> str:
    """The text with our signs replaced by ones every terminal has."""
    return text if text.isascii() else text.translate(ASCII_TWINS)


def joined(pieces: Iterable[str], separator: str = " · ") -> str:
    """The pieces that say something."""
    return separator.join(filter(None, pieces))
