"""What we keep of a Factory login, each part for itself, and what CodexBar kept before us."""

from __future__ import annotations

import json
from typing import Any

from tui.core import jwt
from tui.core.errors import FetchError
from tui.core.redact import Secret
from tui.core.sessions import CookieJar, StoredSession
from tui.providers._context import FetchContext
from tui.providers._parse import items, mapping, text

HEADER = "header"
"""The cookies of the last success, which are tried first."""
COOKIES = "cookies"
BEARER = "bearer"
REFRESH = "refresh"
SPENT = "spent"
"""Fingerprints of refresh tokens that browsers still have, but that are of no use any more."""
IMPORTED = "imported"
"""When the file that was imported last had been written."""

CODEXBAR = "CodexBar"
CODEXBAR_FILE = "~/Library/Application Support/CodexBar/factory-session.json"


def is_expired(ctx: FetchContext, token: Secret) -> bool:
    """Whether a token says itself that it is over."""
    expires_at = jwt.expires_at(token)
    return expires_at is not None and expires_at <= ctx.clock.now()


async def load_cookies(ctx: FetchContext, slot: str) -> tuple[StoredSession, CookieJar] | None:
    """Kept cookies, also as they lie in the store."""
    kept, jar = await ctx.sessions.get(slot), await ctx.sessions.get_jar(slot)
    return (kept, jar) if kept is not None and jar is not None and jar.names else None


async def keep_cookies(ctx: FetchContext, jar: CookieJar) -> None:
    """Keep cookies that have just worked."""
    for slot in (HEADER, COOKIES):
        await ctx.sessions.put(slot, jar.dump(), jar.label)


# -- tokens of browsers ----------------------------------------------------------------------------


async def is_spent(ctx: FetchContext, token: Secret) -> bool:
    """Whether this refresh token was used or refused before; it is good for one use."""
    kept = await ctx.sessions.get(SPENT)
    return kept is not None and kept.value.search(token.fingerprint(), 0) is not None


async def remember_spent(ctx: FetchContext, token: Secret) -> None:
    """Remember that this refresh token is of no use any more."""
    kept = await ctx.sessions.get(SPENT)
    recent = kept.value.search(r"((?:\w+ ){0,7}\w+)$") if kept is not None else None
    mark = token.fingerprint()
    await ctx.sessions.put(SPENT, recent.within("{} " + mark) if recent else Secret(mark))


# -- CodexBar --------------------------------------------------------------------------------------


async def import_codexbar(ctx: FetchContext) -> None:
    """Take over what CodexBar's file has, once for every time it was written.

    The file stays as it is, and so does what we keep ourselves.
    """
    if ctx.key.account:
        return
    path = ctx.files.expand(CODEXBAR_FILE)
    found = await ctx.files.stat(path)
    if found is None:
        return
    mark = Secret(found.mtime.isoformat())
    imported = await ctx.sessions.get(IMPORTED)
    if imported is not None and imported.value == mark:
        return
    try:
        content = parse_codexbar(await ctx.files.read_text(path) or "")
    except FetchError as error:
        ctx.log.info("%s: CodexBar's session was not read (%s)", ctx.key, error.message)
        return
    for slot, value in content.items():
        if await ctx.sessions.get(slot) is None:
            await ctx.sessions.put(slot, value, CODEXBAR)
    await ctx.sessions.put(IMPORTED, mark)


def parse_codexbar(content: str) -> dict[str, Secret]:
    """The parts of CodexBar's file by slot; an older one is the bare list of cookies."""
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    cookies = items(data) or items(mapping(data).get("cookies"))
    tokens = {
        slot: Secret(value)
        for slot, name in ((BEARER, "bearerToken"), (REFRESH, "refreshToken"))
        if (value := text(mapping(data).get(name)))
    }
    return {COOKIES: Secret(json.dumps(cookies)), **tokens} if cookies else tokens
