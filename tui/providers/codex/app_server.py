"""The limits from the Codex program itself: its app server, spoken to line by line.

The program renews its own login on the way, so this helps where the file alone is stale. It is
asked rarely, and ended completely each time.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tui import __version__
from tui.core.errors import (
    FetchError,
    MissingCredentials,
    NetworkError,
    ServerError,
    Unauthorized,
    Unsupported,
)
from tui.core.models import ProviderSnapshot
from tui.core.text import short_message
from tui.providers._context import Conversation, FetchContext
from tui.providers._parse import at, first_text, mapping, text
from tui.providers.codex.logins import SIGN_IN, find_home, find_logins
from tui.providers.codex.parse import Owner, parse_server_limits, parse_usage, usage_within
from tui.providers.codex.sources import PROGRAM

ARGUMENTS = ("-s", "read-only", "-a", "never", "app-server")
START_S = 8.0
REQUEST_S = 3.0
RETRY_START_AFTER = timedelta(minutes=30)
NOT_STARTED = "not started"
SIGNED_OUT = "authentication required"
WITH_CHATGPT = "chatgpt"


# -- the conversation ------------------------------------------------------------------------------


class Refused(Exception):
    """The server answered with an error."""


class AppServer:
    """Requests and their answers; notifications in between are passed over."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._last_id = 0

    async def initialize(self) -> None:
        """Say who is asking; nothing else is answered before."""
        client = {"name": "quotadeck", "version": __version__}
        await self.request("initialize", {"clientInfo": client}, timeout_s=START_S)
        await self._write({"method": "initialized"})

    async def request(
        self, method: str, params: dict[str, Any] | None = None, *, timeout_s: float
    ) -> dict[str, Any]:
        """The result of one request.

        Raises:
            Refused: The server answered with an error; its words.
            NetworkError: No answer in time, or the program ended.
        """
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method}
        # Methods without parameters refuse an empty object.
        await self._write(message if params is None else {**message, "params": params})
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._answer_to(self._last_id, timeout_s)
        except TimeoutError as error:
            raise NetworkError(f"codex did not answer within {timeout_s:g} s.") from error
        if answer.get("error") is not None:
            raise Refused(first_text(answer, "error.message") or "codex refused.")
        return mapping(answer.get("result"))

    async def _write(self, message: dict[str, Any]) -> None:
        await self._conversation.write_line(json.dumps(message))

    async def _answer_to(self, request_id: int, timeout_s: float) -> dict[str, Any]:
        while (line := await self._conversation.read_line(timeout_s)) is not None:
            try:
                message = mapping(json.loads(line))
            except (ValueError, RecursionError):
                continue
            if message.get("id") == request_id and "method" not in message:
                return message
        raise NetworkError("codex ended before it answered.")


# -- the source ------------------------------------------------------------------------------------


async def fetch_cli(ctx: FetchContext) -> ProviderSnapshot:
    """The limits the program's own server gives."""
    program = await find_program(ctx)
    conversation = await _start(ctx, program)
    try:
        server = AppServer(conversation)
        await server.initialize()
        return await _ask(ctx, server)
    except Refused as error:
        raise ServerError(f"codex refused: {short_message(str(error))}") from error
    finally:
        await conversation.close()


async def find_program(ctx: FetchContext) -> Path:
    """The program.

    Raises:
        FetchError: It is not installed; in `auto` what is wrong with the login comes first.
    """
    find_home(ctx)
    program = ctx.commands.find(PROGRAM)
    if program is not None:
        return program
    if ctx.mode == "auto":
        await find_logins(ctx)
    raise MissingCredentials(
        "The codex program was not found.",
        hint="Install it and run `codex login`, or set cli_path.",
        cause="no_program",
    )


async def _start(ctx: FetchContext, program: Path) -> Conversation:
    """The running program; when it does not start, the background leaves it alone for long."""
    failed_at: datetime | None = ctx.memory.get(NOT_STARTED)
    now = ctx.clock.now()
    if failed_at is not None and not ctx.user_initiated and now - failed_at < RETRY_START_AFTER:
        raise _not_started()
    home = {"CODEX_HOME": str(find_home(ctx))} if ctx.settings.is_set("home") else {}
    try:
        conversation = await ctx.commands.talk(program, *ARGUMENTS, env=home)
    except FetchError as error:
        ctx.memory[NOT_STARTED] = now
        raise _not_started() from error
    ctx.memory.pop(NOT_STARTED, None)
    return conversation


def _not_started() -> MissingCredentials:
    return MissingCredentials(
        "codex could not be started.", hint="Check that it runs, then refresh by hand."
    )


async def _ask(ctx: FetchContext, server: AppServer) -> ProviderSnapshot:
    now = ctx.clock.now()
    account: dict[str, Any] = {}
    try:
        limits = await server.request("account/rateLimits/read", timeout_s=REQUEST_S)
    except Refused as error:
        account = await _account(server)
        answer = usage_within(str(error))
        if not answer:
            raise failure(str(error), text(at(account, "account.type"))) from error
        owner = Owner(first_text(account, "account.email"), first_text(account, "account.planType"))
        return parse_usage(answer, key=ctx.key, now=now, owner=owner, source_id="cli")
    account = await _account(server)
    check_backend(text(at(account, "account.type")), limits)
    return parse_server_limits(limits, account, key=ctx.key, now=now)


async def _account(server: AppServer) -> dict[str, Any]:
    """Who is signed in; nothing when it does not say."""
    try:
        return await server.request("account/read", {"refreshToken": False}, timeout_s=REQUEST_S)
    except (Refused, NetworkError):
        return {}


def failure(message: str, account_type: str) -> FetchError:
    """Why there are no limits, by the server's words."""
    if account_type and account_type != WITH_CHATGPT:
        return no_limits(account_type)
    if SIGNED_OUT in message.lower():
        return Unauthorized("Codex is not signed in.", hint=SIGN_IN)
    return ServerError(f"codex could not read its limits: {short_message(message)}")


def check_backend(account_type: str, limits: dict[str, Any]) -> None:
    """Other backends have no limits.

    Raises:
        Unsupported: Codex uses one of them.
    """
    has_limits = bool(mapping(limits.get("rateLimits")))
    if not has_limits and account_type and account_type != WITH_CHATGPT:
        raise no_limits(account_type)


def no_limits(account_type: str) -> Unsupported:
    """Codex runs on a key or a cloud."""
    return Unsupported(
        f"Codex uses {account_type}, which has no usage limits.",
        hint="Limits exist for a ChatGPT login: run `codex login`.",
    )
