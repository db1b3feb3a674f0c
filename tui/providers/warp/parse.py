"""What Warp's answers mean: plan credits, add-on credits, and the account around them.

HTTP 200 says nothing yet: a refusal may lie in `errors` or in another type of user. The API calls
credits "requests".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tui.core.errors import FetchError, ParseError, ServerError, Unauthorized
from tui.core.http import Reply
from tui.core.models import (
    MONTH_MINUTES,
    WEEK_MINUTES,
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.text import short_message
from tui.providers._parse import (
    at,
    boolean,
    clamp_percent,
    decimal,
    first_text,
    items,
    json_value,
    mapping,
    require_object,
    share,
    text,
    timestamp,
)

SERVICE = "Warp"
HOST = "app.warp.dev"
USER_PATH = "data.user.user"
REFRESH_MINUTES = {
    "WEEKLY": WEEK_MINUTES,
    "EVERY_TWO_WEEKS": 2 * WEEK_MINUTES,
    "MONTHLY": MONTH_MINUTES,
}
CLOUD_ONLY = "AMBIENT_ONLY"
AUTH_WORDS = re.compile(
    r"unauthori[sz]ed|unauthenticated|not authenticated|forbidden"
    r"|(invalid|expired) (api )?(token|key)|(token|key) (is |has )?(invalid|expired)",
    re.IGNORECASE,
)
NOTICES = {
    "PAST_DUE": "Warp reports a payment that is past due.",
    "UNPAID": "Warp reports an unpaid bill.",
    "DELINQUENT": "Warp holds the credits back until a payment is made.",
    "OUT_OF_CREDITS": "Warp reports that no credits are left to use.",
    "ENTERPRISE_TEAM_SPEND_LIMIT_HIT": "The spend limit of the team is reached.",
    "ENTERPRISE_PER_USER_SPEND_LIMIT_HIT": "Your spend limit in the company is reached.",
    "ENTERPRISE_WORKSPACE_SPEND_LIMIT_HIT": "The spend limit of the workspace is reached.",
    "TEAM_KEY": "A team key has no plan credits; only workspace add-on credits count.",
}
CREDIT_SOURCES = {
    "BASE_LIMIT": "plan credits",
    "BONUS_GRANT": "add-on credits",
    "PAYG": "pay as you go",
    "OVERAGE": "overage",
    "AMBIENT_BONUS_GRANT": "cloud agent credits",
}


# -- refusals --------------------------------------------------------------------------------------


def rejected_key() -> Unauthorized:
    """The key is not accepted, or something on the way answers for Warp."""
    return Unauthorized(
        "Warp rejected the key.",
        hint="Check that the token is valid (it may have expired), and that the network reaches "
        f"{HOST}.",
    )


def error_messages(answer: Any) -> str:
    """The first three messages of `errors`, whose entries are objects or plain texts."""
    entries = items(at(answer, "errors"))
    return "; ".join(filter(None, (text(e) or first_text(e, "message") for e in entries[:3])))


def words_of(reply: Reply) -> str:
    """What the server says in an error body, one short line; nothing for a page."""
    if reply.is_html:
        return ""
    try:
        body = json_value(reply, SERVICE)
    except ParseError:
        return short_message(reply.text)
    return short_message(
        error_messages(body) or first_text(body, "error", "error.message", "message")
    )


def check_answer(answer: dict[str, Any]) -> None:
    """Look for a refusal inside a good status.

    Raises:
        Unauthorized: The errors speak of the key.
        ServerError: Other errors, or a message for the user.
        ParseError: There is no user, or one of a type that has no figures.
    """
    if items(answer.get("errors")):
        raise refusal(short_message(error_messages(answer)))
    user = require_object(answer, "data.user")
    kind = short_message(text(user.get("__typename")), 60)
    if kind == "UserFacingError":
        said = short_message(first_text(user, "error.message")) or "it cannot answer."
        raise ServerError(f"{SERVICE} says: {said}")
    if kind not in {"UserOutput", ""}:
        raise ParseError(f"{SERVICE} answered with {kind} where UserOutput was expected.")


def refusal(words: str) -> FetchError:
    """The error for the messages of an answer."""
    if AUTH_WORDS.search(words):
        return rejected_key()
    return ServerError(f"{SERVICE} says: {words or 'an error without a message.'}")


# -- credits ---------------------------------------------------------------------------------------


def parse_limits(answer: dict[str, Any], *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """Plan credits and add-on credits.

    Raises:
        FetchError: The answer is a refusal or holds no limits.

    Source: tests/payloads/warp/monthly.json
    """
    check_answer(answer)
    info = require_object(answer, f"{USER_PATH}.requestLimitInfo")
    grants = read_grants(mapping(at(answer, USER_PATH)), now)
    pools = (
        pool_window("addon", "Add-on credits", [g for g in grants if not g.cloud_only]),
        pool_window("addon.cloud", "Cloud agent credits", [g for g in grants if g.cloud_only]),
    )
    return ProviderSnapshot(
        key=key,
        source_id="api",
        fetched_at=now,
        windows=(credits_window(info), *filter(None, pools)),
    )


def credits_window(info: dict[str, Any]) -> UsageWindow:
    """The plan's credits of this refresh cycle."""
    used = decimal(info.get("requestsUsedSinceLastRefresh"))
    window = UsageWindow(id="credits", label="Credits", used=used, unit="credits")
    if boolean(info.get("isUnlimited")):
        # Unlimited plans send a refresh time too, which resets nothing.
        return replace(window, unlimited=True, resets_text="Unlimited")
    limit = decimal(info.get("requestLimit"))
    return replace(
        window,
        used_percent=percent_of(used, limit),
        limit=limit,
        window_minutes=REFRESH_MINUTES.get(text(info.get("requestLimitRefreshDuration")).upper()),
        resets_at=timestamp(info.get("nextRefreshTime")),
        resets_text="" if None in (used, limit) else f"{count(used)}/{count(limit)} credits",
    )


def percent_of(used: Decimal | None, limit: Decimal | None) -> float | None:
    """Used percent between 0 and 100; unknown without a limit."""
    percent = share(used, limit)
    return None if percent is None else clamp_percent(percent)


def count(value: Decimal | None) -> str:
    """`1500`, `87.5`; an empty text when unknown."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Grant:
    """Credits that came on top of the plan."""

    granted: Decimal
    remaining: Decimal
    expires_at: datetime | None
    cloud_only: bool
    """Only agents in Warp's cloud may use them."""


def read_grants(user: dict[str, Any], now: datetime) -> list[Grant]:
    """The grants of the user and of all workspaces that have not expired."""
    rows = items(user.get("bonusGrants"))
    for workspace in items(user.get("workspaces")):
        rows = rows + items(at(workspace, "bonusGrantsInfo.grants"))
    grants = [read_grant(row) for row in rows if isinstance(row, dict)]
    return [grant for grant in grants if grant.expires_at is None or grant.expires_at > now]


def read_grant(row: dict[str, Any]) -> Grant:
    """One grant; a number that is missing adds nothing to the pool."""
    return Grant(
        granted=decimal(row.get("requestCreditsGranted")) or Decimal(0),
        remaining=decimal(row.get("requestCreditsRemaining")) or Decimal(0),
        expires_at=timestamp(row.get("expiration")),
        cloud_only=text(row.get("grantType")).upper() == CLOUD_ONLY,
    )


def pool_window(window_id: str, label: str, grants: list[Grant]) -> UsageWindow | None:
    """All grants as one pool; `None` when there is nothing in it and never was.

    It keeps out of the card's main number: a pool that is used up blocks nothing.
    """
    total = sum((grant.granted for grant in grants), Decimal(0))
    remaining = sum((grant.remaining for grant in grants), Decimal(0))
    if total <= 0 and remaining <= 0:
        return None
    return UsageWindow(
        id=window_id,
        label=label,
        used_percent=percent_of(total - remaining, total) if total > 0 else 0.0,
        used=max(total - remaining, Decimal(0)) if total > 0 else None,
        limit=total if total > 0 else None,
        unit="credits",
        resets_text=expiry_text(grants) or pool_text(remaining),
        headline=False,
    )


def pool_text(remaining: Decimal) -> str:
    """What is left of a pool, in words."""
    return f"{count(remaining)} credits left" if remaining > 0 else "none left"


def expiry_text(grants: list[Grant]) -> str:
    """What expires first, together with all that expires in the same second."""
    ends = [
        (grant.expires_at.replace(microsecond=0), grant.remaining)
        for grant in grants
        if grant.expires_at is not None and grant.remaining > 0
    ]
    if not ends:
        return ""
    first = min(end for end, _ in ends)
    amount = sum((remaining for end, remaining in ends if end == first), Decimal(0))
    return f"{count(amount)} credits expire on {first:%Y-%m-%d}"


# -- the account -----------------------------------------------------------------------------------


def with_account(snapshot: ProviderSnapshot, answer: dict[str, Any]) -> ProviderSnapshot:
    """The snapshot with plan, account, warnings and overage; parts the key may not read are left
    out."""
    output = mapping(at(answer, "data.user"))
    user = mapping(output.get("user"))
    is_team = is_team_key(output)
    return replace(
        snapshot,
        identity=Identity(
            account=first_text(user, "profile.email", "profile.displayName"),
            plan=plan_name(user),
            login_method="Team API key" if is_team else "",
        ),
        notice=notice_of(user, is_team),
        balances=snapshot.balances + overage(user),
        details=snapshot.details + account_details(user),
    )


def is_team_key(output: dict[str, Any]) -> bool:
    """Whether the key belongs to a team and not to a person."""
    owner = text(output.get("apiKeyOwnerType")).upper()
    return owner == "TEAM" or text(output.get("principalType")).upper() == "SERVICE_ACCOUNT"


def plan_name(user: dict[str, Any]) -> str:
    """`Build`, `Build Max`, `Free`."""
    customer = first_text(user, "billingMetadata.customerType").replace("_", " ").title()
    return first_text(user, "billingMetadata.tier.name") or customer


def notice_of(user: dict[str, Any], is_team: bool) -> str:
    """The first thing that keeps the credits from being used."""
    words = (
        first_text(user, "billingMetadata.delinquencyStatus"),
        first_text(user, "aiCreditAvailability.denialReason"),
        "TEAM_KEY" if is_team else "",
    )
    return next((NOTICES[word] for word in words if word in NOTICES), "")


def overage(user: dict[str, Any]) -> tuple[Balance, ...]:
    """What requests beyond the plan cost in this period, when they cost anything."""
    found = mapping(at(user, "billingMetadata.aiOverages"))
    cost = dollars(found.get("currentMonthlyRequestCostCents"))
    if not cost:
        return ()
    end = timestamp(found.get("currentPeriodEnd"))
    return (Balance(id="overage", label="Overage", used=cost, resets_at=end),)


def dollars(cents: Any) -> Decimal | None:
    """Whole cents as dollars."""
    amount = decimal(cents)
    return None if amount is None else amount / 100


def account_details(user: dict[str, Any]) -> tuple[DetailRow, ...]:
    """Where credits come from at the moment, overage in requests, voice requests."""
    source = CREDIT_SOURCES.get(first_text(user, "aiCreditAvailability.creditSource"), "")
    overages = decimal(at(user, "billingMetadata.aiOverages.currentMonthlyRequestsUsed"))
    rows = (
        DetailRow("Credits", "Taken from", source),
        DetailRow("Credits", "Overage", f"{count(overages)} requests" if overages else ""),
        DetailRow("Voice", "Requests", voice_text(mapping(user.get("requestLimitInfo")))),
    )
    return shown(rows)


def voice_text(info: dict[str, Any]) -> str:
    """`12 of 100 used`, `unlimited`."""
    if boolean(info.get("isUnlimitedVoice")):
        return "unlimited"
    used = decimal(info.get("voiceRequestsUsedSinceLastRefresh"))
    limit = decimal(info.get("voiceRequestLimit"))
    return "" if used is None or not limit else f"{count(used)} of {count(limit)} used"


def shown(rows: Iterable[DetailRow]) -> tuple[DetailRow, ...]:
    """The rows that have a value."""
    return tuple(row for row in rows if row.value)


# -- spending --------------------------------------------------------------------------------------


def with_spending(snapshot: ProviderSnapshot, answer: dict[str, Any]) -> ProviderSnapshot:
    """The snapshot with what every workspace spent on add-on credits this month."""
    workspaces = [mapping(row) for row in items(at(answer, f"{USER_PATH}.workspaces"))]
    balances = [spending(row, number) for number, row in enumerate(workspaces, start=1)]
    details = [row for workspace in workspaces for row in spending_details(workspace)]
    return replace(
        snapshot,
        balances=snapshot.balances + tuple(filter(None, balances)),
        details=snapshot.details + shown(details),
    )


def spending(workspace: dict[str, Any], number: int) -> Balance | None:
    """Add-on purchases of the calendar month against the limit the workspace set itself."""
    info = mapping(at(workspace, "bonusGrantsInfo.spendingInfo"))
    spent = dollars(info.get("currentMonthSpendCents"))
    limit = dollars(at(workspace, "settings.addonCreditsSettings.maxMonthlySpendCents"))
    if spent is None or not (spent or limit):
        return None
    name = text(workspace.get("name"))
    return Balance(
        id=f"addon_spend.{number}",
        label=f"Add-on spend · {name}" if name else "Add-on spend",
        amount=None if limit is None else max(limit - spent, Decimal(0)),
        used=spent,
        limit=limit,
        resets_at=timestamp(info.get("currentMonthPeriodEnd")),
    )


def spending_details(workspace: dict[str, Any]) -> tuple[DetailRow, ...]:
    """Credits bought this month, and whether more are bought by themselves."""
    group = text(workspace.get("name")) or "Workspace"
    bought = decimal(at(workspace, "bonusGrantsInfo.spendingInfo.currentMonthCreditsPurchased"))
    settings = mapping(at(workspace, "settings.addonCreditsSettings"))
    return (
        DetailRow(group, "Bought this month", f"{count(bought)} credits" if bought else ""),
        DetailRow(group, "Auto-reload", reload_text(settings)),
    )


def reload_text(settings: dict[str, Any]) -> str:
    """`off`, or `400 credits when 100 are left`."""
    enabled = boolean(settings.get("autoReloadEnabled"))
    if not enabled:
        return "" if enabled is None else "off"
    amount = decimal(settings.get("selectedAutoReloadCreditDenomination"))
    return f"{count(amount)} credits when 100 are left" if amount else "on"
