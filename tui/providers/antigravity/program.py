"""The report of the `agy` program, which needs neither the app nor a terminal.

Old versions take the question for a prompt and spend quota on it, so the version is asked first,
and a report that cost a turn is not asked for again.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    NetworkError,
    ParseError,
    Unauthorized,
    Unsupported,
)
from tui.core.models import ProviderSnapshot
from tui.core.process import CommandResult
from tui.providers._context import FetchContext
from tui.providers._parse import at, integer
from tui.providers.antigravity.lanes import Bucket, parse_report_text, parse_summary
from tui.providers.antigravity.local import (
    START,
    best_reading,
    check_named,
    chosen_email,
)
from tui.providers.antigravity.reading import Reading, make_snapshot, no_data
from tui.providers.antigravity.servers import Flavour, find_servers

PROGRAM = "agy"
REPORT = ("-p", "/usage", "--output-format", "json", "--print-timeout", "90s")
"""The limit needs a unit; without one the program may wait for ever."""
REPORT_TIMEOUT_S = 95.0
VERSION_TIMEOUT_S = 5.0
OLD_SERVER_S = 2.0
OLDEST = (1, 1, 11)
"""The first version that answers `/usage` itself."""
OWN_VARIABLES = (
    "QUOTADECK_ANTIGRAVITY_OAUTH",
    "ANTIGRAVITY_OAUTH_CLIENT_ID",
    "ANTIGRAVITY_OAUTH_CLIENT_SECRET",
)
SIGN_IN = re.compile(
    r"\b(?:sign(?:ed)?[ -]?(?:in|out)|log(?:ged)?[ -]?(?:in|out)|login method|authenticat\w+)\b",
    re.IGNORECASE,
)
SPENT_A_TURN = "antigravity.spent_a_turn"


class CostATurn(ParseError):
    """The question went to a model."""


async def fetch_report(ctx: FetchContext) -> ProviderSnapshot:
    """The limits as `agy` reports them; of an old one that runs, as its server does."""
    check_named(ctx)
    if wanted := chosen_email(ctx):
        raise MissingCredentials(f"agy does not say whether it is signed in as {wanted}.")
    version = ""
    try:
        program = find_program(ctx)
        version = await ask_version(ctx, program)
        reading = Reading(buckets=await ask_report(ctx, program, version))
    except (MissingCredentials, Unsupported) as error:
        reading = await ask_running(ctx, error)
    return make_snapshot(
        reading,
        key=ctx.key,
        now=ctx.clock.now(),
        source_id="cli",
        origin=f"{PROGRAM} {version}".strip(),
    )


def find_program(ctx: FetchContext) -> Path:
    """Where `agy` is.

    Raises:
        MissingCredentials: It is not installed.
    """
    program = ctx.commands.find(PROGRAM)
    if program is None:
        raise MissingCredentials("agy was not found.", hint=START, cause="no_program")
    return program


async def ask_version(ctx: FetchContext, program: Path) -> str:
    """The version, which must be one that does not spend quota on the question.

    Raises:
        Unsupported: It is older, or does not say.
    """
    result = await ctx.commands.run(
        program, "--version", timeout_s=VERSION_TIMEOUT_S, drop_env=OWN_VARIABLES
    )
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", result.stdout)
    update = "Update agy to 1.1.11 or newer."
    if found is None or result.exit_code != 0:
        raise Unsupported("agy did not say its version, so it was not asked.", hint=update)
    if tuple(map(int, found.groups())) < OLDEST:
        raise Unsupported(f"agy {found.group()} is too old to report limits.", hint=update)
    return found.group()


async def ask_report(ctx: FetchContext, program: Path, version: str) -> tuple[Bucket, ...]:
    """The pools of the report.

    Raises:
        FetchError: There is no report.
    """
    if ctx.memory.get(SPENT_A_TURN) == version:
        raise cost_a_turn(version)
    result = await ctx.commands.run(
        program, *REPORT, timeout_s=REPORT_TIMEOUT_S, drop_env=OWN_VARIABLES
    )
    if result.timed_out:
        raise NetworkError("agy did not answer in time.", cause="timeout")
    try:
        return parse_report(result)
    except CostATurn:
        ctx.memory[SPENT_A_TURN] = version
        raise cost_a_turn(version) from None


def cost_a_turn(version: str) -> CostATurn:
    """This version is left alone from now on."""
    return CostATurn(
        f"agy {version} passed the question on to a model, so it is not asked again.",
        hint="Update agy.",
    )


def parse_report(result: CommandResult) -> tuple[Bucket, ...]:
    """The pools in what the program said: JSON, or lines in columns.

    Raises:
        Unauthorized: Nobody is signed in.
        ParseError: It is no report.
    """
    answer = read_json(result.stdout)
    if (integer(at(answer, "num_turns")) or 0) > 0:
        raise CostATurn("agy passed the question on to a model.")
    buckets = accepted(answer) or parse_report_text(result.stdout)
    if buckets:
        return buckets
    if SIGN_IN.search(f"{result.stdout}\n{result.stderr}"):
        raise Unauthorized("agy is signed out.", hint="Run `agy` in a terminal and sign in.")
    raise no_data(PROGRAM)


def accepted(answer: Any) -> tuple[Bucket, ...]:
    """The pools of a finished report that cost nothing."""
    is_report = (
        at(answer, "status") == "SUCCESS"
        and at(answer, "command.name") == "usage"
        and integer(at(answer, "num_turns")) == 0
    )
    return parse_summary(at(answer, "command.data")) if is_report else ()


def read_json(output: str) -> Any:
    """The output as JSON; `None` when it is none."""
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return None


async def ask_running(ctx: FetchContext, error: FetchError) -> Reading:
    """An `agy` that runs already; before 1.2.2 its server answers without a token.

    Raises:
        FetchError: The given one, when there is none that answers.
    """
    running = find_servers(await ctx.processes.list())
    servers = [server for server in running if server.flavour is Flavour.CLI]
    if not servers:
        raise error
    bare = [replace(server, token=None) for server in servers]
    try:
        return await best_reading(ctx, bare, OLD_SERVER_S)
    except FetchError:
        raise error from None


async def renew_login(ctx: FetchContext) -> None:
    """Let `agy` renew its own login, which it does whenever it reports; failures are its own."""
    try:
        program = find_program(ctx)
        await ask_report(ctx, program, await ask_version(ctx, program))
    except FetchError as error:
        ctx.log.debug("%s: agy did not renew its login (%s)", ctx.key, type(error).__name__)
