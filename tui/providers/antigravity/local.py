"""The language servers of the app and the IDE on this machine.

All that run are asked at once and the best answer counts; an answer for another account than the
chosen one never does. The time for this is short, because nothing here leaves the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tui.core.errors import (
    ErrorKind,
    FetchError,
    MissingCredentials,
    NetworkError,
    ParseError,
    Unauthorized,
)
from tui.core.models import ProviderSnapshot
from tui.providers._context import FetchContext
from tui.providers.antigravity.calls import (
    MODELS,
    STATUS,
    SUMMARY,
    Budget,
    Line,
    doors,
    too_late,
)
from tui.providers.antigravity.lanes import Bucket, parse_summary
from tui.providers.antigravity.reading import (
    Reading,
    make_snapshot,
    no_data,
    parse_models,
    parse_status,
)
from tui.providers.antigravity.servers import Flavour, Server, find_servers

BUDGET_S = 8.0
"""For the language servers in one refresh; app and IDE share it when both run."""
IDENTITY_S = 1.0
"""For the account, when the limits are known already."""
POLL_S = 0.25
"""Between two looks for the account of a server that has just started."""
ORIGINS = {Flavour.APP: "Antigravity", Flavour.IDE: "Antigravity IDE"}
TELLING = (ErrorKind.UNAUTHORIZED, ErrorKind.PARSE, ErrorKind.SERVER, ErrorKind.NETWORK)
"""Of the errors of several servers the first kind of this list is reported."""
START = "Start Antigravity (or sign in with `agy`) and refresh."


async def fetch_app(ctx: FetchContext) -> ProviderSnapshot:
    """What the app says."""
    return await fetch_running(ctx, Flavour.APP)


async def fetch_ide(ctx: FetchContext) -> ProviderSnapshot:
    """What the IDE says."""
    return await fetch_running(ctx, Flavour.IDE)


async def fetch_running(ctx: FetchContext, flavour: Flavour) -> ProviderSnapshot:
    """The best answer of the servers of one flavour."""
    check_named(ctx)
    found = find_servers(await ctx.processes.list())
    mine = [server for server in found if server.flavour is flavour]
    if not mine:
        raise not_running()
    sharing = {server.flavour for server in found} & {Flavour.APP, Flavour.IDE}
    reading = await best_reading(ctx, with_tokens(mine), BUDGET_S / len(sharing))
    check_account(ctx, reading.email)
    return make_snapshot(
        reading, key=ctx.key, now=ctx.clock.now(), source_id="local", origin=ORIGINS[flavour]
    )


def with_tokens(servers: Sequence[Server]) -> list[Server]:
    """The servers that can be asked.

    Raises:
        ParseError: None has a token.
    """
    found = [server for server in servers if server.token is not None]
    if not found:
        raise ParseError(
            "Antigravity's CSRF token was not found on its command line.",
            hint="Restart Antigravity.",
        )
    return found


async def running_here(ctx: FetchContext) -> str:
    """What runs that could be asked, in words; empty when nothing."""
    found = find_servers(await ctx.processes.list())
    origins = (ORIGINS[s.flavour] for s in found if s.flavour in ORIGINS and s.token is not None)
    return next((f"running {origin}" for origin in origins), "")


def not_running() -> MissingCredentials:
    """There is nothing to ask."""
    return MissingCredentials("Antigravity is not running.", hint=START)


# -- accounts --------------------------------------------------------------------------------------


def chosen_email(ctx: FetchContext) -> str:
    """The account the user insists on; empty for any."""
    return ctx.settings.text("account").strip()


def same_account(one: str, other: str) -> bool:
    """Whether two addresses mean one account."""
    return one.casefold() == other.casefold()


def check_named(ctx: FetchContext) -> None:
    """A named account must say which one it is before anything of this machine is taken for it.

    Raises:
        MissingCredentials: It does not.
    """
    if ctx.key.account and not chosen_email(ctx):
        raise MissingCredentials(
            "This account does not say which Google account it is.",
            hint="Set its `account` to the e-mail address, or save its `oauth_credentials`.",
        )


def check_account(ctx: FetchContext, email: str) -> None:
    """What was read must belong to the chosen account.

    Raises:
        Unauthorized: It is of another or an unknown account.
    """
    wanted = chosen_email(ctx)
    if not wanted or same_account(wanted, email):
        return
    message = f"The running Antigravity is signed in as {email}, not {wanted}."
    if not email:
        message = f"Antigravity did not say that it is signed in as {wanted}."
    raise Unauthorized(message, hint=f"Sign in as {wanted} inside Antigravity.")


# -- asking ----------------------------------------------------------------------------------------


async def best_reading(ctx: FetchContext, servers: Sequence[Server], budget_s: float) -> Reading:
    """Ask all servers at once and take the answer that says most.

    Raises:
        FetchError: None answered; the most telling error.
    """
    outcomes = await asyncio.gather(*(outcome(ctx, server, budget_s) for server in servers))
    readings = [found for found in outcomes if isinstance(found, Reading)]
    if not readings:
        errors = [found for found in outcomes if isinstance(found, FetchError)]
        raise min(errors, key=telling)
    wanted = chosen_email(ctx)
    return max(readings, key=lambda reading: worth(reading, wanted))


def telling(error: FetchError) -> int:
    """How early an error is reported."""
    return TELLING.index(error.kind) if error.kind in TELLING else len(TELLING)


def worth(reading: Reading, wanted: str) -> tuple[bool, bool, int, bool]:
    """How much an answer says: the chosen account, pools, known models, account and plan."""
    return (
        bool(wanted) and same_account(wanted, reading.email),
        bool(reading.buckets),
        reading.known_rows,
        bool(reading.email and reading.plan),
    )


async def outcome(ctx: FetchContext, server: Server, budget_s: float) -> Reading | FetchError:
    """What a server says in time, or why it does not."""
    try:
        async with asyncio.timeout(budget_s):
            return await read_server(ctx, server, Budget(budget_s))
    except TimeoutError:
        return too_late()
    except FetchError as error:
        return error


async def read_server(ctx: FetchContext, server: Server, budget: Budget) -> Reading:
    """Account and limits of one server.

    Raises:
        FetchError: It has no limits to tell.
    """
    found = doors(server, await ctx.processes.listening_ports(server.pid))
    if not found:
        raise NetworkError(
            "Antigravity is starting and has no open port yet.", hint="Try again in a few seconds."
        )
    line = Line(ctx, found)
    await line.open(budget.half())
    buckets = await ask_buckets(line, budget.half())
    reading = await ask_account(line, budget, buckets)
    while chosen_email(ctx) and not reading.email and budget.left_s > POLL_S:
        await ctx.clock.sleep(POLL_S)
        reading = await ask_account(line, budget, buckets)
    return reading


async def ask_buckets(line: Line, budget: Budget) -> tuple[Bucket, ...]:
    """The pools; none when this build does not know them."""
    try:
        return parse_summary(await line.ask(SUMMARY, budget))
    except FetchError:
        return ()


async def ask_account(line: Line, budget: Budget, buckets: tuple[Bucket, ...]) -> Reading:
    """Account and models beside the pools; without pools the models must come.

    Raises:
        FetchError: There are neither pools nor models.
    """
    within = Budget(min(IDENTITY_S, budget.left_s)) if buckets else budget.half()
    failed: FetchError | None = None
    reading = Reading()
    try:
        reading = parse_status(await line.ask(STATUS, within))
    except FetchError as error:
        failed = error
    if reading.rows or buckets:
        return reading.with_buckets(buckets)
    try:
        models = parse_models(await line.ask(MODELS, budget))
    except FetchError:
        models = Reading()
    if not models.rows:
        raise failed or no_data()
    return reading.with_rows(models.rows)
