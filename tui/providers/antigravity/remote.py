"""Asking Google's service with a login, for machines where Antigravity does not run.

The service answers "everything is left" where it does not know, so a full house counts only when
a second question confirms it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tui.core.errors import FetchError, RateLimited, Unauthorized, Unsupported
from tui.core.models import Balance, Identity, ProviderSnapshot
from tui.core.redact import Secret
from tui.core.text import clean
from tui.providers._context import FetchContext
from tui.providers._google import SERVICE, SLOT
from tui.providers._parse import (
    at,
    decimal,
    ensure_ok,
    first_text,
    items,
    json_object,
    mapping,
    text,
)
from tui.providers.antigravity.lanes import Bucket, parse_summary
from tui.providers.antigravity.login import (
    SIGN_IN_AGAIN,
    TIMEOUT_S,
    Login,
    find_login,
    usable_token,
)
from tui.providers.antigravity.reading import Reading, make_snapshot
from tui.providers.antigravity.rows import ModelRow, parse_buckets, parse_model_map

HOST = "daily-cloudcode-pa.googleapis.com"
"""The host without `daily-` answers 100 % for everything."""
ACCOUNT = "loadCodeAssist"
SUMMARY = "retrieveUserQuotaSummary"
MODELS = "fetchAvailableModels"
QUOTA = "retrieveUserQuota"
METADATA = {"metadata": {"ideType": "ANTIGRAVITY"}}
FULL = 0.999
NO_LIMITS = "Google does not report limits for this account."
PLANS = {"standard-tier": "Paid", "free-tier": "Free", "legacy-tier": "Legacy"}
GOOGLE_ONE = "GOOGLE_ONE_AI"


class NoLimits(Unsupported):
    """The login is good and there are no limits to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the service says about an account."""

    project: str = ""
    plan: str = ""
    balances: tuple[Balance, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """The service, with a token."""

    ctx: FetchContext
    token: Secret = field(repr=False)

    async def ask(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a method.

        Raises:
            Unauthorized: The token is not accepted.
            NoLimits: This account may not ask.
        """
        reply = await self.ctx.http.send(
            "POST",
            f"https://{HOST}/v1internal:{method}",
            bearer=self.token,
            headers={"User-Agent": "antigravity"},
            json=dict(body),
            timeout_s=TIMEOUT_S,
            redirects="none",
        )
        errors = {
            401: lambda reply: Unauthorized("Antigravity is signed out.", hint=SIGN_IN_AGAIN),
            403: lambda reply: NoLimits(NO_LIMITS),
        }
        good = ensure_ok(reply, SERVICE, now=self.ctx.clock.now(), errors=errors)
        return json_object(good, SERVICE)


async def fetch_oauth(ctx: FetchContext) -> ProviderSnapshot:
    """The limits behind a Google login; without limits at least whose login it is."""
    login = await find_login(ctx)
    account = Account(project=login.project)
    try:
        service = Service(ctx, await usable_token(ctx, login))
        account = parse_account(await service.ask(ACCOUNT, METADATA), login)
        reading = await ask_limits(service, account.project)
    except NoLimits as error:
        return without_limits(ctx, login, account, error)
    except Unauthorized as error:
        await ctx.sessions.drop(SLOT)
        if login.is_stored and error.hint == SIGN_IN_AGAIN:
            error.hint = f"Save a new Google login ({login.origin})."
        raise
    shown = make_snapshot(
        reading, key=ctx.key, now=ctx.clock.now(), source_id="oauth", origin=login.origin
    )
    return replace(
        shown,
        identity=identity_of(login, account),
        balances=account.balances,
        confidence="estimated" if reading.rows and is_full_house(reading.rows) else "exact",
    )


def without_limits(
    ctx: FetchContext, login: Login, account: Account, error: NoLimits
) -> ProviderSnapshot:
    """Account and plan with a notice; unknown limits are no 0 %."""
    return ProviderSnapshot(
        key=ctx.key,
        source_id="oauth",
        fetched_at=ctx.clock.now(),
        identity=identity_of(login, account),
        balances=account.balances,
        notice=error.message,
        origin=login.origin,
    )


def identity_of(login: Login, account: Account) -> Identity:
    """Whose numbers these are."""
    return Identity(account=clean(login.email), plan=account.plan)


# -- the account -----------------------------------------------------------------------------------


def parse_account(answer: Any, login: Login) -> Account:
    """Project, plan and credits of `loadCodeAssist`."""
    project = at(answer, "cloudaicompanionProject")
    return Account(
        project=text(project) or first_text(project, "id", "projectId") or login.project,
        plan=clean(plan_in(answer, is_workspace=login.is_workspace)),
        balances=tuple(credits_in(answer)),
    )


def plan_in(answer: Any, *, is_workspace: bool) -> str:
    """The name of the paid tier, else a word for the current one."""
    tier = first_text(answer, "currentTier.id")
    word = "Workspace" if tier == "free-tier" and is_workspace else PLANS.get(tier, "")
    return first_text(answer, "paidTier.name") or word or first_text(answer, "currentTier.name")


def credits_in(answer: Any) -> list[Balance]:
    """Credits of Google One, where the paid tier has some."""
    entries = map(mapping, items(at(answer, "paidTier.availableCredits")))
    amounts = [
        decimal(entry.get("creditAmount")) for entry in entries if GOOGLE_ONE in entry.values()
    ]
    return [
        Balance(id="credits", label="Google One credits", amount=amount, currency="credits")
        for amount in amounts[:1]
        if amount is not None
    ]


# -- the limits ------------------------------------------------------------------------------------


async def ask_limits(service: Service, project: str) -> Reading:
    """The pools; where they are not reported, the models.

    Raises:
        NoLimits: Neither is known.
    """
    body = {"project": project} if project else {}
    buckets = await ask_buckets(service, body)
    if buckets:
        return Reading(buckets=buckets)
    rows = parse_model_map((await service.ask(MODELS, body)).get("models"))
    if is_full_house(rows):
        rows = confirmed(rows, parse_buckets((await service.ask(QUOTA, body)).get("buckets")))
    if not any(row.remaining is not None for row in rows):
        raise NoLimits(NO_LIMITS)
    return Reading(rows=rows)


async def ask_buckets(service: Service, body: Mapping[str, Any]) -> tuple[Bucket, ...]:
    """The pools; none when the service has no such report."""
    try:
        return parse_summary(await service.ask(SUMMARY, body))
    except (Unauthorized, RateLimited):
        raise
    except FetchError:
        return ()


def is_full_house(rows: Sequence[ModelRow]) -> bool:
    """Whether everything is said to be left, as the service does when it does not know."""
    return all(row.remaining is None or row.remaining >= FULL for row in rows)


def confirmed(rows: Sequence[ModelRow], quota: Sequence[ModelRow]) -> tuple[ModelRow, ...]:
    """The rows for which a share was told twice, with the second one."""
    told = {row.id: row for row in quota if row.remaining is not None}
    return tuple(
        replace(
            row,
            remaining=told[row.id].remaining,
            resets_at=told[row.id].resets_at or row.resets_at,
        )
        for row in rows
        if row.id in told
    )
