"""What kiro-cli prints: usage in four generations of forms, and who is signed in.

The wording changed several times, so each fact is looked for by itself and within one line; a
boxed report has figures on the line after their label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from tui.core.text import strip_ansi
from tui.providers._parse import at, decimal, first_text, integer, number, text, timestamp
from tui.providers.kiro.usage import Account, Bonus, Overage, Usage

LONGEST_LINE = 500
NUMBER = r"([0-9][0-9,'’\u00a0\u202f]*(?:\.[0-9]+)?)"
BOX = str.maketrans(dict.fromkeys("┃│|┏┓┗┛┣┫━─", " "))
BAR = "█▓▒░▏▎▍▌▋▊▉■"

COVERED = re.compile(rf"\(\s*{NUMBER}\s+of\s+{NUMBER}\s+covered", re.IGNORECASE)
PERCENT = re.compile(rf"[{BAR}\s]*([0-9]+(?:\.[0-9]+)?)\s*%\s*(?:\(resets.*)?")
RESET = re.compile(r"resets\s+on\s+([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}/[0-9]{1,2})\b", re.I)
BONUS = re.compile(rf"{NUMBER}\s*/\s*{NUMBER}\s*credits\s+used(.*)", re.IGNORECASE)
EXPIRY = re.compile(r"expires\s+in\s+([0-9]{1,5})\s+days?", re.IGNORECASE)
MANAGED = re.compile(r"\bmanaged\s+by\s+(?:an?\s+|your\s+)?(?:admin|organi[sz]ation)", re.I)
STUB = re.compile(r"(?:Plan:\s*(.*?)\s*\|\s*)?[0-9]+\s+usage\s+breakdowns?", re.IGNORECASE)
PLAN = re.compile(r"^Plan:\s*([^|]*[^|\s])", re.IGNORECASE)
HEADER_PLAN = re.compile(r"\|\s*(KIRO\s[^|┃│]*[^|┃│\s])")
OVERAGES = re.compile(r"Overages:\s*(enabled|disabled)\b", re.IGNORECASE)
RATE = re.compile(r"billed\s+at\s+\$([0-9.]+)", re.IGNORECASE)
OVERAGE_USED = re.compile(rf"Credits\s+used:\s*{NUMBER}", re.IGNORECASE)
COST = re.compile(rf"Est\.\s*cost:\s*\$\s*{NUMBER}", re.IGNORECASE)

SIGNED_OUT = re.compile(
    r"not logged in|login required|failed to initialize auth portal|kiro-cli login|oauth error"
    r"|please log in",
    re.IGNORECASE,
)
NOT_RETRIEVED = re.compile(r"could not retrieve usage information", re.IGNORECASE)
RATE_LIMITED = re.compile(
    r"kiro rate limit reached|monthly usage limit has been reached", re.IGNORECASE
)


def lines_of(said: str) -> list[str]:
    """The lines, without escapes and blanks around; a stray carriage return ends one."""
    lines = (line[:LONGEST_LINE].strip() for line in re.split(r"[\r\n]+", strip_ansi(said)))
    return [line for line in lines if line]


def parse_report(said: str, now: datetime) -> Usage:
    """What the known parts of an output say; everything else is passed over."""
    lines = lines_of(said)
    used, limit = first_match(COVERED, lines) or ("", "")
    stub = next((found for line in lines if (found := STUB.fullmatch(line))), None)
    return Usage(
        plan=read_plan(lines),
        used=amount(used),
        limit=amount(limit),
        percent=read_percent(lines),
        resets_at=read_reset(lines, now),
        bonuses=read_bonuses(lines),
        overage=read_overage(lines),
        is_managed=any(map(MANAGED.search, lines)),
        is_stub=stub is not None,
    )


def first_match(pattern: re.Pattern[str], lines: Iterable[str]) -> tuple[str, ...] | None:
    """The groups of the first line that has the pattern."""
    found = next(filter(None, map(pattern.search, lines)), None)
    return tuple(group or "" for group in found.groups()) if found else None


def amount(digits: str) -> Decimal | None:
    """`7,120.08`; nothing when it is beyond all measure."""
    return decimal(re.sub(r"[^0-9.]", "", digits))


def read_plan(lines: Sequence[str]) -> str:
    """The plan's name, as the title, a line of its own, or the box's head has it."""
    for line in lines:
        if line.lower().startswith("estimated usage"):
            last = line.rpartition("|")[2].strip()
            return "" if last == line or RESET.search(last) else last
    (plan,) = first_match(PLAN, lines) or first_match(HEADER_PLAN, lines) or ("",)
    return plan.strip()


def read_percent(lines: Iterable[str]) -> float | None:
    """The number after the bar, or alone on its line."""
    for line in lines:
        if found := PERCENT.fullmatch(line.translate(BOX).strip()):
            return number(found.group(1))
    return None


def read_reset(lines: Iterable[str], now: datetime) -> datetime | None:
    """The day of the reset; Kiro resets at midnight UTC."""
    (day,) = first_match(RESET, lines) or ("",)
    if "/" not in day:
        return timestamp(day)
    month, _, day_of_month = day.partition("/")
    return next_date(int(month), int(day_of_month), now)


def next_date(month: int, day: int, now: datetime) -> datetime | None:
    """This year's date if it is today or later, else next year's."""
    today = now.astimezone(UTC).date()
    for year in (today.year, today.year + 1):
        try:
            moment = datetime(year, month, day, tzinfo=UTC)
        except ValueError:
            continue
        if moment.date() >= today:
            return moment
    return None


def read_bonuses(lines: Sequence[str]) -> tuple[Bonus, ...]:
    """Bonus credits, on the line of their label or on the next one."""
    plain = [line.translate(BOX).strip() for line in lines]
    places = (place for place, line in enumerate(plain) if "bonus credits" in line.lower())
    found = (first_match(BONUS, plain[place : place + 2]) for place in places)
    return tuple(bonus for groups in found if groups and (bonus := read_bonus(*groups)))


def read_bonus(used: str, limit: str, rest: str) -> Bonus | None:
    """`45.53/2000 credits used, expires in 19 days`."""
    spent, given = amount(used), amount(limit)
    if spent is None or given is None:
        return None
    (days,) = first_match(EXPIRY, [rest]) or ("",)
    return Bonus(used=spent, limit=given, days_left=integer(days))


def read_overage(lines: Sequence[str]) -> Overage:
    """Whether overage is on, and what it took; the program counts in dollars."""
    (word,) = first_match(OVERAGES, lines) or ("",)
    (rate,) = first_match(RATE, lines) or ("",)
    (used,) = first_match(OVERAGE_USED, lines) or ("",)
    (cost,) = first_match(COST, lines) or ("",)
    return Overage(
        is_enabled={"enabled": True, "disabled": False}.get(word.lower()),
        used=amount(used),
        rate=decimal(rate),
        charges=amount(cost),
        currency="USD" if rate or cost else "",
    )


# -- who is signed in ------------------------------------------------------------------------------

EMAIL = re.compile(r"[^\s@:]+@[^\s@]+\.[^\s@]+")
SIGNED_IN = re.compile(r"Logged in with\s+([^(]+[^(\s])", re.IGNORECASE)
METHODS = {"builderid": "Builder ID", "iamidentitycenter": "IAM Identity Center"}


def parse_account(said: str) -> Account:
    """What `kiro-cli whoami` says, as text or JSON."""
    lines = lines_of(said)
    if lines and lines[0].startswith("{"):
        return read_account_json("\n".join(lines))
    if any("not logged in" in line.lower() for line in lines):
        return Account(is_signed_out=True)
    (method,) = first_match(SIGNED_IN, lines) or ("",)
    return Account(
        email=next((found.group() for line in lines if (found := EMAIL.search(line))), ""),
        method=method,
        profile=read_profile(lines),
    )


def read_profile(lines: Sequence[str]) -> str:
    """The name after `Profile:`, on its line or on the next one."""
    for place, line in enumerate(lines):
        if line.lower().startswith("profile:"):
            names = (line.partition(":")[2].strip(), *lines[place + 1 : place + 2])
            return next((name for name in names if name and not name.startswith("arn:")), "")
    return ""


def read_account_json(said: str) -> Account:
    """`{"accountType":"BuilderId",…}`; a missing account is nobody."""
    try:
        answer = json.loads(said)
    except (ValueError, RecursionError):
        return Account()
    if isinstance(answer, dict) and "account" in answer and answer["account"] is None:
        return Account(is_signed_out=True)
    method = text(at(answer, "accountType"))
    return Account(
        email=first_text(answer, "email", "account.email"),
        method=METHODS.get(method.lower(), method),
    )
