"""From the program to the service: who is asked when, and what a report without numbers becomes.

What the program said holds for a while, because each run starts an agent and some versions hand
the question to a model. The mode `cli` never asks the service.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from tui.core.errors import ErrorKind, FetchError, MissingCredentials, Unauthorized, Unsupported
from tui.core.models import DetailRow, ProviderSnapshot
from tui.providers._context import FetchContext
from tui.providers.kiro.logins import OF_PROGRAM, find_logins
from tui.providers.kiro.program import (
    PROGRAM,
    UnknownForm,
    ask_account,
    ask_old_engine,
    ask_usage,
    ask_version,
    find_program,
    not_signed_in,
)
from tui.providers.kiro.service import ask_limits
from tui.providers.kiro.usage import Account, Usage, snapshot, with_finer_numbers

PAUSE_S = 60.0
PAUSE_AFTER_UNKNOWN_S = 1800.0
COSTS_NOTHING = frozenset({ErrorKind.MISSING_CREDENTIALS, ErrorKind.UNAUTHORIZED})
"""Failures before an agent starts; the user may have repaired them meanwhile."""
LAST_RUN = "kiro.last_run"
MANAGED = "Usage is managed by your organisation and not reported."
USAGE_PAGE = "app.kiro.dev/account/usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the program said in one round."""

    usage: Usage
    account: Account
    version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the program's last round ended, and when the next one may begin."""

    outcome: Said | FetchError
    again_at: datetime

    def said(self) -> Said:
        """What it said; raises its error."""
        if isinstance(self.outcome, FetchError):
            raise self.outcome.with_traceback(None)
        return self.outcome


async def fetch_usage(ctx: FetchContext) -> ProviderSnapshot:
    """The program's numbers; where it has none, those of the service."""
    try:
        said = await said_by_program(ctx)
    except FetchError as error:
        try:
            return await from_service(ctx, Account())
        except FetchError:
            raise error from None
    if said.usage.has_numbers:
        return from_program(ctx, said)
    try:
        return await from_service(ctx, said.account)
    except FetchError as error:
        if isinstance(error, Unauthorized) and not said.usage.is_managed:
            raise
        return without_numbers(ctx, said)


# -- the program -----------------------------------------------------------------------------------


async def said_by_program(ctx: FetchContext) -> Said:
    """What the program says, or said a moment ago.

    Raises:
        FetchError: It has no report.
    """
    last = ctx.memory.get(LAST_RUN)
    if isinstance(last, LastRun) and ctx.clock.now() < last.again_at:
        return last.said()
    outcome: Said | FetchError
    try:
        outcome = await ask_program(ctx)
    except FetchError as error:
        outcome = error
    last = LastRun(outcome, ctx.clock.now() + timedelta(seconds=pause_s(outcome)))
    ctx.memory[LAST_RUN] = last
    return last.said()


def pause_s(outcome: Said | FetchError) -> float:
    """How long the program is left alone now."""
    if isinstance(outcome, UnknownForm):
        return PAUSE_AFTER_UNKNOWN_S
    return 0.0 if isinstance(outcome, FetchError) and outcome.kind in COSTS_NOTHING else PAUSE_S


async def ask_program(ctx: FetchContext) -> Said:
    """One round: usage, account and version at once; the account never decides alone."""
    program = find_program(ctx)
    # Unlike `gather`, a group that is cancelled waits until every program of it is gone.
    async with asyncio.TaskGroup() as together:
        asked = together.create_task(ask_usage(ctx, program))
        who = together.create_task(ask_account(ctx, program))
        version = together.create_task(ask_version(ctx, program))
    account = who.result()
    if account.is_signed_out and isinstance(asked.result().outcome, FetchError):
        raise not_signed_in()
    usage = asked.result().report()
    if usage.is_stub:
        usage = await from_old_engine(ctx, program, usage)
    return Said(usage=usage, account=account, version=version.result(), at=ctx.clock.now())


async def from_old_engine(ctx: FetchContext, program: Path, stub: Usage) -> Usage:
    """The numbers a stub leaves out, if the old engine is still there and has them."""
    older = (await ask_old_engine(ctx, program)).outcome
    if isinstance(older, FetchError) or not older.has_numbers:
        return stub
    return replace(older, plan=older.plan or stub.plan)


def from_program(ctx: FetchContext, said: Said) -> ProviderSnapshot:
    """The snapshot of a report."""
    shown = snapshot(said.usage, said.account, key=ctx.key, now=said.at, source_id="cli")
    rows = (DetailRow(PROGRAM, "Version", said.version),) if said.version else ()
    return replace(shown, details=(*shown.details, *rows), origin=PROGRAM)


def without_numbers(ctx: FetchContext, said: Said) -> ProviderSnapshot:
    """The plan with a notice; unknown usage is not 0 %.

    Raises:
        Unsupported: Not even the plan is known.
    """
    name = f"{PROGRAM} {said.version}".strip()
    notice = f"{name} no longer prints credit numbers; open {USAGE_PAGE}."
    if said.usage.is_managed:
        notice = MANAGED
    elif not said.usage.plan:
        raise Unsupported(notice, hint=f"Open {USAGE_PAGE}.")
    return replace(from_program(ctx, said), notice=notice)


# -- the service -----------------------------------------------------------------------------------


async def from_service(ctx: FetchContext, account: Account) -> ProviderSnapshot:
    """The service's numbers with the first login that brings some.

    Args:
        account: Who is signed in to the program.

    Raises:
        FetchError: There is no login, or none brings numbers.
    """
    failed: FetchError | None = None
    for login in await find_logins(ctx, of_ide=True) if ctx.mode == "auto" else ():
        try:
            usage = await ask_limits(ctx, login)
        except FetchError as error:
            failed = failed or error
            continue
        who = account if login.origin == OF_PROGRAM else Account()
        shown = snapshot(usage, who, key=ctx.key, now=ctx.clock.now(), source_id="api")
        return replace(shown, origin=login.origin)
    raise failed or MissingCredentials("No Kiro login found.", hint="Run `kiro-cli login`.")


async def add_overage(ctx: FetchContext, shown: ProviderSnapshot) -> ProviderSnapshot:
    """What only the service knows beside a report of the program."""
    if ctx.mode != "auto" or shown.source_id != "cli" or not shown.windows:
        return shown
    for login in await find_logins(ctx, of_ide=False):
        return with_finer_numbers(shown, await ask_limits(ctx, login))
    return shown
