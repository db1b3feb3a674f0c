"""The login of MiniMax's own command line program, read and never renewed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tui.core.errors import FetchError
from tui.core.redact import Secret
from tui.core.text import clean_value
from tui.core.urls import host_allowed, host_of
from tui.providers._context import FetchContext
from tui.providers._parse import mapping, text, timestamp
from tui.providers.minimax.endpoints import API_HOSTS, CHINA, GLOBAL

FOLDER = "~/.mmx"
CONFIG_FILE = "config.json"
LOGIN_FILE = "credentials.json"
STANDARD_PREFIX = "sk-api-"
"""Pay-as-you-go keys, which cannot read a plan."""
REGIONS = {"global": GLOBAL, "cn": CHINA}


class CliLogin(NamedTuple):
    """A token of the program."""

    token: Secret
    region: str
    """Empty when the program was told none."""
    origin: str


async def find_cli_login(ctx: FetchContext) -> CliLogin | None:
    """What the program signs in with; a chosen account has no part in it."""
    if ctx.key.account:
        return None
    config = await _read(ctx, CONFIG_FILE)
    if not is_own(config):
        return None
    region = REGIONS.get(text(config.get("region")).lower(), "")
    if key := clean_value(text(config.get("api_key"))):
        return CliLogin(Secret(key), region, f"from {FOLDER}/{CONFIG_FILE}")
    token = usable_token(await _read(ctx, LOGIN_FILE), ctx.clock.now())
    return CliLogin(Secret(token), region, f"from {FOLDER}/{LOGIN_FILE}") if token else None


def is_own(config: Mapping[str, Any]) -> bool:
    """Whether the program talks to MiniMax itself: its token goes nowhere else."""
    base = text(config.get("base_url"))
    try:
        return not base or host_allowed(host_of(base), tuple(API_HOSTS.values()))
    except ValueError:
        return False


def usable_token(login: Mapping[str, Any], now: datetime) -> str:
    """The access token, unless its time is over."""
    expires_at = timestamp(login.get("expires_at"))
    is_over = expires_at is not None and expires_at <= now
    return "" if is_over else clean_value(text(login.get("access_token")))


async def _read(ctx: FetchContext, name: str) -> dict[str, Any]:
    """The object in a file; an unreadable one counts as empty."""
    try:
        content = await ctx.files.read_text(ctx.files.expand(f"{FOLDER}/{name}"))
    except FetchError:
        return {}
    return parse_file(content or "")


def parse_file(content: str) -> dict[str, Any]:
    """The object in a file of the program; empty when there is none."""
    try:
        return mapping(json.loads(content))
    except (ValueError, RecursionError):
        return {}


async def detect(ctx: FetchContext) -> str:
    """Names the program's login, unless it cannot read a plan."""
    found = await find_cli_login(ctx)
    is_usable = found is not None and not found.token.startswith(STANDARD_PREFIX)
    return "login of the mmx CLI" if is_usable else ""
