"""What an hour costs on a credit plan: full price at peak times, half of it otherwise.

Peak is Monday to Friday, 06:00 to 10:00 UTC (14:00 to 18:00 in China).
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from tui.core.models import DetailRow
from tui.core.wording import duration

PEAK_STARTS = time(6)
PEAK_ENDS = time(10)
SATURDAY = 5


def price_row(now: datetime) -> DetailRow:
    """Which price counts now and when it changes."""
    change = next_price_change(now)
    left = duration((change - now).total_seconds())
    if is_peak(now):
        return DetailRow("Price", "Now", f"Peak, full price, ends in {left}")
    return DetailRow("Price", "Now", f"Off-peak, half price, peak in {left}")


def is_peak(now: datetime) -> bool:
    """Whether the full price counts at a moment in UTC."""
    return now.weekday() < SATURDAY and PEAK_STARTS <= now.time() < PEAK_ENDS


def next_price_change(now: datetime) -> datetime:
    """The end of this peak, or the start of the next one."""
    if is_peak(now):
        return datetime.combine(now.date(), PEAK_ENDS, now.tzinfo)
    start = datetime.combine(now.date(), PEAK_STARTS, now.tzinfo)
    while start <= now or start.weekday() >= SATURDAY:
        start += timedelta(days=1)
    return start
