"""The OAuth client that renews the login; it belongs to the Gemini CLI and is looked up there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from tui.core.errors import FetchError, Unsupported
from tui.core.redact import Secret
from tui.providers._context import FetchContext

if TYPE_CHECKING:
    from pathlib import Path

    from tui.providers._google import Client

PROGRAM = "gemini"
PLACED = "GEMINI_OAUTH2_JS_PATH"
PACKAGES = ("", "@google/gemini-cli", "gemini-cli")
"""Where the CLI is within a folder of packages, which may be its own."""
SCRIPTS = (
    "dist/src/code_assist/oauth2.js",
    "node_modules/@google/gemini-cli-core/dist/src/code_assist/oauth2.js",
    "../gemini-cli-core/dist/src/code_assist/oauth2.js",
)
BUNDLE = "bundle"
LARGEST_SCRIPT = 64 << 20
CLIENT_ID = re.compile(r"""OAUTH_CLIENT_ID\s*=\s*["']([^"']+)["']""")
CLIENT_SECRET = re.compile(r"""OAUTH_CLIENT_SECRET\s*=\s*["']([^"']+)["']""")
REMEMBERED = "gemini.client"


def parse_client(script: str) -> Client | None:
    """The client in a script of the CLI."""
    name, secret = CLIENT_ID.search(script), CLIENT_SECRET.search(script)
    return (Secret(name.group(1)), Secret(secret.group(1))) if name and secret else None


async def find_client(ctx: FetchContext) -> Client:
    """The client of the settings, else that of the installed CLI, looked up once in a run.

    Raises:
        Unsupported: There is none.
    """
    name = ctx.settings.text("oauth_client_id")
    secret = await ctx.secrets.get("oauth_client_secret")
    if name and secret:
        return Secret(name), secret
    if REMEMBERED not in ctx.memory:
        ctx.memory[REMEMBERED] = await _installed_client(ctx)
    client: Client = ctx.memory[REMEMBERED]
    return client


async def _installed_client(ctx: FetchContext) -> Client:
    async for script in _scripts(ctx):
        if (client := parse_client(script)) is not None:
            return client
    raise Unsupported(
        "The Gemini login has expired, and the client that renews it was not found.",
        hint="Run `gemini` once, or set GEMINI_OAUTH_CLIENT_ID and GEMINI_OAUTH_CLIENT_SECRET.",
    )


async def _scripts(ctx: FetchContext) -> AsyncIterator[str]:
    """Everything that may name the client, each read only when reached."""
    if ctx.env.get(PLACED):
        yield await _read(ctx, ctx.files.expand(f"${PLACED}"))
    program = ctx.commands.find(PROGRAM)
    folders = await ctx.files.packages(program) if program else ()
    places = [folder / package for folder in folders for package in PACKAGES]
    for place in places:
        for script in SCRIPTS:
            yield await _read(ctx, place / script)
    for place in places:
        for file in await ctx.files.list(place / BUNDLE):
            if file.path.suffix == ".js":
                yield await _read(ctx, file.path)


async def _read(ctx: FetchContext, script: Path) -> str:
    """A script; empty when it is not there or may not be read."""
    try:
        return await ctx.files.read_text(script, max_bytes=LARGEST_SCRIPT) or ""
    except FetchError:
        return ""
