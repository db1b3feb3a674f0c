"""Pass, credits and auto top-up as one answer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tui.core.errors import FetchError, Unauthorized
from tui.core.models import DetailRow, Identity, ProviderKey, ProviderSnapshot
from tui.core.wording import joined
from tui.providers._parse import boolean, decimal, first_text, mapping, text, usd
from tui.providers.kilo.answers import Outcome
from tui.providers.kilo.credits import credits_window, expiry_rows, find_credits
from tui.providers.kilo.kilo_pass import NAME, Pass, find_pass, named_plan, pass_window

ACTIVITY = "Activity"
AUTO_TOP_UP = "Auto top-up"
ON_WORDS = frozenset({"enabled", "active", "on"})
OFF_WORDS = frozenset({"disabled", "inactive", "off", "none"})
CENTS = 100
NO_PASS = f"{NAME} could not be read."


class Answers(NamedTuple):
    """What became of the three calls."""

    credits: Outcome
    kilo_pass: Outcome
    top_up: Outcome


def parse_usage(
    answers: Answers,
    *,
    key: ProviderKey,
    now: datetime,
    source_id: str = "api",
    notice: str = "",
    credits_label: str = "Credits",
) -> ProviderSnapshot:
    """Pass and credits; empty payloads are an answer without numbers.

    Args:
        notice: What else there is to say.
        credits_label: Other where credits of organisations stand beside them.

    Raises:
        FetchError: The credits failed, or any needed call for want of a login.
    """
    needed = [outcome.error for outcome in answers[:2] if outcome.error is not None]
    refusal = next((error for error in needed if isinstance(error, Unauthorized)), None)
    if refusal is not None or answers.credits.error is not None:
        raise refusal or needed[0]
    found = find_pass(answers.kilo_pass.payload, now)
    credits_ = find_credits(answers.credits.payload)
    windows = (
        pass_window(found) if found is not None else None,
        credits_window(credits_, label=credits_label) if credits_ is not None else None,
    )
    troubles = (_pass_trouble(answers.kilo_pass.error), found.notice if found is not None else "")
    return ProviderSnapshot(
        key=key,
        source_id=source_id,
        fetched_at=now,
        windows=tuple(window for window in windows if window is not None),
        identity=Identity(plan=_plan(found, answers)),
        details=(
            *(found.details if found is not None else ()),
            *expiry_rows(answers.credits.payload, now),
            *activity_rows(answers.credits.payload, answers.top_up.payload),
        ),
        notice=joined((notice, *troubles), " "),
    )


def _pass_trouble(error: FetchError | None) -> str:
    return NO_PASS if error is not None else ""


def _plan(found: Pass | None, answers: Answers) -> str:
    return found.plan if found is not None else named_plan(answers.kilo_pass.payload)


# -- activity --------------------------------------------------------------------------------------


def activity_rows(credits_: Any, top_up: Any) -> tuple[DetailRow, ...]:
    """Auto top-up: off, or how it is paid; nothing when nobody says."""
    data = mapping(top_up)
    is_on = _is_on(data)
    if is_on is None:
        is_on = boolean(mapping(credits_).get("autoTopUpEnabled"))
    if is_on is None:
        return ()
    return (DetailRow(ACTIVITY, AUTO_TOP_UP, _method(data) if is_on else "off"),)


def _is_on(data: dict[str, Any]) -> bool | None:
    for name in ("enabled", "isEnabled", "active"):
        if (found := boolean(data.get(name))) is not None:
            return found
    word = text(data.get("status")).lower()
    return True if word in ON_WORDS else False if word in OFF_WORDS else None


def _method(data: dict[str, Any]) -> str:
    """The payment method, else the amount."""
    named = first_text(data, "paymentMethod", "paymentMethod.brand")
    cents = decimal(data.get("amountCents"))
    if named or cents is None or cents <= 0:
        return named or "enabled"
    return _whole_dollars(cents / CENTS)


def _whole_dollars(amount: Decimal) -> str:
    return usd(amount).removesuffix(".00")
