"""Logins that belong to another program: it renews them, we only say when it has to."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from tui.core.clock import LOCAL_ZONE
from tui.core.errors import FetchError, MissingCredentials, Unauthorized
from tui.core.wording import clock_text
from tui.providers._context import FetchContext

VERSION_TIMEOUT_S = 5.0


def has_expired(
    ctx: FetchContext, what: str, expired_at: datetime | None, *, hint: str
) -> Unauthorized:
    """The calm words for a token that is over, which is its normal state every morning.

    Args:
        what: "Claude token".
        expired_at: `None` when unknown.
        hint: The command that renews it.
    """
    if expired_at is None:
        return Unauthorized(f"{what} has expired.", hint=hint, cause="expired")
    when = clock_text(expired_at, ctx.clock.now(), LOCAL_ZONE)
    return Unauthorized(f"{what} expired {when}.", hint=hint, cause="expired")


def require_program(ctx: FetchContext, name: str, missing: str, *, hint: str) -> Path:
    """Where a program is that is signed in for this account; a named account has to say which.

    Args:
        missing: "The auggie program was not found."

    Raises:
        MissingCredentials: There is none.
    """
    is_foreign = bool(ctx.key.account) and not ctx.settings.is_set("cli_path")
    program = None if is_foreign else ctx.commands.find(name)
    if program is None:
        raise MissingCredentials(missing, hint=hint, cause="no_program")
    return program


async def installed_version(ctx: FetchContext, program: str, *, otherwise: str) -> str:
    """The version of an installed program, asked for once in a run."""
    slot = f"{program} version"
    if slot not in ctx.memory:
        ctx.memory[slot] = await _ask_version(ctx, program)
    found: str = ctx.memory[slot]
    return found or otherwise


async def _ask_version(ctx: FetchContext, program: str) -> str:
    path = ctx.commands.find(program)
    if path is None:
        return ""
    try:
        result = await ctx.commands.run(path, "--version", timeout_s=VERSION_TIMEOUT_S)
    except FetchError as error:
        ctx.log.debug("%s: no version of %s (%s)", ctx.key, program, error.message)
        return ""
    found = re.search(r"\d+\.\d+\.\d+", result.stdout)
    return found.group() if found and result.exit_code == 0 else ""
