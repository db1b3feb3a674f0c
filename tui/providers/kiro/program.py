"""Running kiro-cli: on pipes first, on a terminal when it says nothing useful there, one deadline.

Each usage run starts an agent, so nothing here is repeated quickly, and valid-looking numbers of a
run that failed are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    NetworkError,
    ParseError,
    RateLimited,
    ServerError,
)
from tui.core.process import CommandResult
from tui.core.text import short_message
from tui.providers._context import FetchContext
from tui.providers.kiro.report import (
    NOT_RETRIEVED,
    RATE_LIMITED,
    SIGNED_OUT,
    lines_of,
    parse_account,
    parse_report,
)
from tui.providers.kiro.usage import Account, Usage

PROGRAM = "kiro-cli"
USAGE = ("chat", "--no-interactive", "/usage")
OLD_ENGINE = ("chat", "--no-interactive", "--agent-engine=v1", "--legacy-ui", "/usage")

USAGE_TIMEOUT_S = 20.0
USAGE_SILENCE_S = 10.0
COMPLETE_SILENCE_S = 4.0
PATIENCE_S = 5.0
"""Without a byte for so long it gets a terminal."""
ACCOUNT_TIMEOUT_S = 3.0
ACCOUNT_SILENCE_S = 1.5
VERSION_TIMEOUT_S = 2.0
RATE_LIMIT_S = 300.0
MOST_BYTES = 256 * 1024


class UnknownForm(ParseError):
    """The output was not understood: it may even be a model's answer, which costs credits."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one run brought: a report or an error."""

    outcome: Usage | FetchError
    is_final: bool
    """False where another transport may do better."""

    def report(self) -> Usage:
        """The report; raises the error."""
        if isinstance(self.outcome, FetchError):
            raise self.outcome
        return self.outcome


# -- judging ---------------------------------------------------------------------------------------


def judge(result: CommandResult, now: datetime) -> Verdict:
    """Whether a run said something that counts."""
    said = f"{result.stdout}\n{result.stderr}"
    usage = parse_report(said, now)
    ended_well = result.exit_code == 0 or result.went_silent
    if ended_well and usage.has_numbers:
        return Verdict(usage, is_final=True)
    if (refusal := refused(said)) is not None:
        return Verdict(refusal, is_final=True)
    if ended_well and (usage.is_stub or usage.is_managed):
        return Verdict(usage, is_final=True)
    return Verdict(failure(result, said), is_final=False)


def refused(said: str) -> FetchError | None:
    """What the program says in words that leave no doubt."""
    found = (error() for pattern, error in REFUSALS if pattern.search(said))
    return next(found, None)


def not_signed_in() -> FetchError:
    """Nobody is signed in."""
    return MissingCredentials("Not signed in to Kiro.", hint="Run `kiro-cli login`.")


def not_retrieved() -> FetchError:
    """The service behind the program has trouble."""
    return ServerError("Kiro could not retrieve usage right now.")


def rate_limited() -> FetchError:
    """The program is asked too often, or the month is used up."""
    return RateLimited("Kiro limits requests at the moment.", retry_after_s=RATE_LIMIT_S)


REFUSALS = (
    (SIGNED_OUT, not_signed_in),
    (NOT_RETRIEVED, not_retrieved),
    (RATE_LIMITED, rate_limited),
)


def failure(result: CommandResult, said: str) -> FetchError:
    """Why a run is of no use."""
    lines = lines_of(said)
    if result.timed_out:
        message = f"{PROGRAM} did not answer within {USAGE_TIMEOUT_S:g} seconds."
        return NetworkError(message, cause="timeout")
    if result.exit_code:
        words = short_message(lines[0]) if lines else ""
        ending = f": {words}" if words else "."
        return ServerError(f"{PROGRAM} failed (status {result.exit_code}){ending}")
    if not lines:
        return ParseError(f"{PROGRAM} printed nothing.", hint=f"Update {PROGRAM}.")
    return UnknownForm(
        f"This {PROGRAM} version prints usage in an unknown form.",
        hint=f"Update {PROGRAM}; it is asked again after 30 minutes.",
    )


def is_settled(said: str, now: datetime) -> bool:
    """Whether what came so far would count if the program ended here."""
    return judge(CommandResult(exit_code=0, stdout=said), now).is_final


# -- running ---------------------------------------------------------------------------------------


def find_program(ctx: FetchContext) -> Path:
    """The program, looked up anew: it updates itself.

    Raises:
        MissingCredentials: It is not there.
    """
    program = ctx.commands.find(PROGRAM)
    if program is None:
        raise MissingCredentials(
            f"{PROGRAM} was not found.",
            hint="Install it from https://kiro.dev and run `kiro-cli login`.",
            cause="no_program",
        )
    return program


async def ask_usage(ctx: FetchContext, program: Path) -> Verdict:
    """The usage report, by whichever transport brings it first."""
    ends_at = now_s() + USAGE_TIMEOUT_S
    spoke = asyncio.Event()
    runs = [asyncio.create_task(run(ctx, program, USAGE, ends_at, on_output=spoke.set))]
    try:
        await wait_for_words(runs[0], spoke)
        if spoke.is_set() or runs[0].done() or ctx.os_name == "windows":
            verdict = await runs[0]
            if verdict.is_final or ctx.os_name == "windows":
                return verdict
        runs.append(asyncio.create_task(run(ctx, program, USAGE, ends_at, pty=True)))
        return await best(runs)
    finally:
        await end(runs)


async def ask_old_engine(ctx: FetchContext, program: Path) -> Verdict:
    """The report of the engine that still prints numbers."""
    return await run(ctx, program, OLD_ENGINE, now_s() + USAGE_TIMEOUT_S)


async def run(
    ctx: FetchContext,
    program: Path,
    args: Sequence[str],
    ends_at: float,
    *,
    pty: bool = False,
    on_output: Callable[[], None] | None = None,
) -> Verdict:
    """One run until the common deadline, judged.

    Args:
        ends_at: Time of the event loop.
    """
    try:
        result = await ctx.commands.run(
            program,
            *args,
            timeout_s=max(ends_at - now_s(), 0.0),
            silence_s=USAGE_SILENCE_S,
            done=lambda said: is_settled(said, ctx.clock.now()),
            done_silence_s=COMPLETE_SILENCE_S,
            on_output=on_output,
            pty=pty,
            max_bytes=MOST_BYTES,
        )
    except FetchError as error:
        return Verdict(error, is_final=True)
    return judge(result, ctx.clock.now())


def now_s() -> float:
    """Time of the event loop, by which programs are timed."""
    return asyncio.get_running_loop().time()


async def wait_for_words(running: asyncio.Task[Verdict], spoke: asyncio.Event) -> None:
    """Until the program said something, ended, or was silent for too long."""
    speaking = asyncio.create_task(spoke.wait())
    patience_s = min(PATIENCE_S, USAGE_TIMEOUT_S / 2)
    try:
        await asyncio.wait(
            {running, speaking}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        await end([speaking])


async def best(runs: Sequence[asyncio.Task[Verdict]]) -> Verdict:
    """The first verdict that is final; without one, of the failures that of a run which ended by
    itself."""
    verdicts = []
    for finished in asyncio.as_completed(runs):
        verdict = await finished
        if verdict.is_final:
            return verdict
        verdicts.append(verdict)
    ended = (v for v in verdicts if not isinstance(v.outcome, NetworkError))
    return next(ended, verdicts[0])


async def end(tasks: Sequence[asyncio.Task[Verdict] | asyncio.Task[bool]]) -> None:
    """Cancel what still runs, and wait until it is gone."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# -- beside the report -----------------------------------------------------------------------------


async def ask_account(ctx: FetchContext, program: Path) -> Account:
    """Who is signed in; nobody known when the program does not say so in time."""
    try:
        result = await ctx.commands.run(
            program,
            "whoami",
            timeout_s=ACCOUNT_TIMEOUT_S,
            silence_s=ACCOUNT_SILENCE_S,
            max_bytes=MOST_BYTES,
        )
    except FetchError:
        return Account()
    return parse_account(f"{result.stdout}\n{result.stderr}")


async def ask_version(ctx: FetchContext, program: Path) -> str:
    """`2.21.4`; empty when it is not said in time."""
    try:
        result = await ctx.commands.run(
            program, "--version", timeout_s=VERSION_TIMEOUT_S, max_bytes=MOST_BYTES
        )
    except FetchError:
        return ""
    lines = lines_of(result.stdout) if result.exit_code == 0 else []
    return lines[0].removeprefix(PROGRAM).strip() if lines else ""
