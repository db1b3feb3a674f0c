"""GitHub logins that Copilot answers to: a key, our own login, those of editors and of `gh`.

A key stands alone, since another login may be another person. Logins of other programs are read
and never written; those in a key store are asked for only when the user wants an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from tui.core.errors import FetchError, Unsupported
from tui.core.redact import Secret
from tui.providers._context import FetchContext
from tui.providers._parse import mapping, text
from tui.providers.copilot.hosts import site_of

PLUGIN_FOLDER = "${XDG_CONFIG_HOME:-~/.config}/github-copilot"
PLUGIN_FOLDER_WINDOWS = "%LOCALAPPDATA%/github-copilot"
PLUGIN_FILES = ("apps.json", "hosts.json")
GH_FILE = "${GH_CONFIG_DIR:-~/.config/gh}/hosts.yml"
GH = "gh"
GH_TIMEOUT_S = 5.0
GH_VARIABLES = ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
"""Tokens for other purposes, which `gh` would hand out in place of its login."""
TOKEN = re.compile(r"[A-Za-z0-9_]{10,}")
SLOT = "device"
OWN, OF_PLUGIN, OF_GH = "GitHub login", "Copilot plugin of an editor", "GitHub CLI login"


@dataclass(frozen=True, slots=True)
class Login:
    """A token and where it came from."""

    token: Secret
    origin: str
    stands_alone: bool = False
    """The user chose it: no other login answers in its place."""


async def find_logins(ctx: FetchContext) -> AsyncIterator[Login]:
    """Every login for the chosen host in order, each looked for only when reached."""
    found = await ctx.secrets.find("api_key")
    if found is not None:
        yield Login(found.value, found.origin, stands_alone=True)
        return
    async for login in signs_of_copilot(ctx):
        yield login
    if not ctx.key.account:
        async for login in gh_logins(ctx):
            yield login


async def signs_of_copilot(ctx: FetchContext) -> AsyncIterator[Login]:
    """Logins that were made for Copilot: our own, then those of editors."""
    host = site_of(ctx).host
    kept = await ctx.sessions.get(SLOT)
    if kept is not None and kept.label == host:
        yield Login(kept.value, OWN)
    if ctx.key.account:
        return
    folder = PLUGIN_FOLDER_WINDOWS if ctx.os_name == "windows" else PLUGIN_FOLDER
    for name in PLUGIN_FILES:
        for token in parse_plugin(await _content(ctx, f"{folder}/{name}"), host):
            yield Login(token, OF_PLUGIN)


async def _content(ctx: FetchContext, file: str) -> str:
    """What another program's file holds; one that cannot be read stands in nobody's way."""
    try:
        return await ctx.files.read_text(ctx.files.expand(file)) or ""
    except Unsupported as error:
        ctx.log.info("%s: %s", ctx.key, error.message)
        return ""


async def detect(ctx: FetchContext) -> str:
    """Whether a login for Copilot is there; one of `gh` says nothing of Copilot."""
    try:
        async for login in signs_of_copilot(ctx):
            return login.origin
    except FetchError:
        pass
    return ""


def parse_plugin(content: str, host: str) -> Iterator[Secret]:
    """Tokens for a host in a file of the editor plugins; newer ones name the app behind a colon."""
    try:
        entries = mapping(json.loads(content))
    except (ValueError, RecursionError):
        return
    for name, entry in entries.items():
        token = text(mapping(entry).get("oauth_token"))
        if token and name.partition(":")[0].lower() == host:
            yield Secret(token)


# -- the GitHub CLI --------------------------------------------------------------------------------


async def gh_logins(ctx: FetchContext) -> AsyncIterator[Login]:
    """The login of `gh`: in its file, or in a key store that only `gh` opens."""
    host = site_of(ctx).host
    section = gh_section(await _content(ctx, GH_FILE), host)
    if section is None:
        return
    token = gh_token(section) or await _told_by_gh(ctx, host)
    if token is not None:
        yield Login(token, OF_GH)


def gh_section(content: str, host: str) -> list[str] | None:
    """The lines of a host in `hosts.yml`; `None` when `gh` is not logged in there."""
    section: list[str] | None = None
    for line in content.splitlines():
        if line[:1].isspace() or not line.strip():
            if section is not None:
                section.append(line)
        elif section is not None:
            break
        elif line.strip().rstrip(":").strip("\"'").lower() == host:
            section = []
    return section


def gh_token(section: list[str]) -> Secret | None:
    """The token of the active user, which stands at the first level; others lie deeper."""
    pattern = re.compile(r"(\s+)oauth_token:\s*[\"']?([A-Za-z0-9_]{10,})[\"']?\s*")
    indent = min((len(line) - len(line.lstrip()) for line in section if line.strip()), default=0)
    found = (match for line in section if (match := pattern.fullmatch(line)))
    tokens = (match.group(2) for match in found if len(match.group(1)) == indent)
    return next(map(Secret, tokens), None)


async def gh_waits(ctx: FetchContext) -> bool:
    """Whether `gh` is logged in, but is asked only when the user wants an answer."""
    if ctx.key.account or ctx.user_initiated or ctx.commands.find(GH) is None:
        return False
    section = gh_section(await _content(ctx, GH_FILE), site_of(ctx).host)
    return section is not None and gh_token(section) is None


async def _told_by_gh(ctx: FetchContext, host: str) -> Secret | None:
    """What `gh` itself says, asked on the user's request and remembered for this run."""
    slot = f"gh {host}"
    if ctx.user_initiated:
        ctx.memory[slot] = await _ask_gh(ctx, host)
    token: Secret | None = ctx.memory.get(slot)
    return token


async def _ask_gh(ctx: FetchContext, host: str) -> Secret | None:
    program = ctx.commands.find(GH)
    if program is None:
        return None
    command = ("auth", "token", "--hostname", host)
    try:
        result = await ctx.commands.run(
            program, *command, timeout_s=GH_TIMEOUT_S, drop_env=GH_VARIABLES
        )
    except FetchError as error:
        ctx.log.debug("%s: %s gave no token (%s)", ctx.key, GH, error.message)
        return None
    said = result.stdout.strip()
    return Secret(said) if TOKEN.fullmatch(said) else None
