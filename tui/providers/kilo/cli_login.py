"""The login of Kilo's command line program, read and never written.

The program keeps logins of several services in one file; only the one to Kilo counts.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from tui.core.errors import FetchError, MissingCredentials, Unsupported
from tui.core.redact import Secret
from tui.core.text import clean_value
from tui.providers._context import FetchContext
from tui.providers._parse import mapping, text

LOGIN_FILE = "${XDG_DATA_HOME:-~/.local/share}/kilo/auth.json"
CONTENT_VARIABLE = "KILO_AUTH_CONTENT"
"""The content itself, which the program takes instead of the file."""
ENTRY = "kilo"
TOKEN_NAMES = {"oauth": "access", "api": "key"}
"""Where the token lies, by the type of the entry."""
OR_KEY = "or set KILO_API_KEY."


class CliLogin(NamedTuple):
    """A token of the program."""

    token: Secret
    origin: str


async def find_cli_login(ctx: FetchContext) -> CliLogin:
    """The login the program uses.

    Raises:
        MissingCredentials: There is none, or it cannot be read.
    """
    if ctx.key.account:
        raise MissingCredentials(
            "The Kilo CLI login belongs to no named account.", hint="Save an API key for it."
        )
    if content := ctx.env.get(CONTENT_VARIABLE):
        return _login(content, CONTENT_VARIABLE, f"from {CONTENT_VARIABLE}")
    place = shown_path(ctx)
    content = await _file_content(ctx, place)
    return _login(content, place, "Kilo CLI")


def shown_path(ctx: FetchContext) -> str:
    """The file, as people write it."""
    path, home = ctx.files.expand(LOGIN_FILE), ctx.files.home
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


async def _file_content(ctx: FetchContext, place: str) -> str:
    try:
        content = await ctx.files.read_text(ctx.files.expand(LOGIN_FILE))
    except Unsupported as error:
        raise MissingCredentials(
            f"{place} cannot be read.", hint=f"Fix its permissions or run `kilo login`, {OR_KEY}"
        ) from error
    if content is None:
        raise MissingCredentials(
            f"No Kilo CLI login in {place}.", hint=f"Run `kilo login`, {OR_KEY}"
        )
    return content


def _login(content: str, place: str, origin: str) -> CliLogin:
    token = parse_token(content)
    if token is None:
        raise MissingCredentials(
            f"{place} holds no login to Kilo.", hint=f"Run `kilo login` again, {OR_KEY}"
        )
    return CliLogin(token, origin)


def parse_token(content: str) -> Secret | None:
    """The token to Kilo in the program's file; `None` when there is none."""
    try:
        entry = mapping(mapping(json.loads(content)).get(ENTRY))
    except (ValueError, RecursionError):
        return None
    names = (TOKEN_NAMES.get(text(entry.get("type"))), *TOKEN_NAMES.values())
    tokens = (clean_value(text(entry.get(name))) for name in names if name)
    token = next(filter(None, tokens), "")
    return Secret(token) if token else None


async def detect(ctx: FetchContext) -> str:
    """Whether the program is signed in."""
    try:
        await find_cli_login(ctx)
    except FetchError:
        return ""
    return "login of the Kilo CLI"
