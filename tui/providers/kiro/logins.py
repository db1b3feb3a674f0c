"""Logins that kiro-cli and the Kiro IDE keep on this machine, read and never renewed.

Their refresh tokens are good for one use: spending one here would sign the owner out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tui.core.errors import FetchError
from tui.core.redact import Secret
from tui.providers._context import FetchContext, OsName
from tui.providers._parse import at, first_text, text, timestamp

DATA_VARIABLE = "KIRO_DATA_DIR"
DATABASE = "data.sqlite3"
DATA_FOLDERS: dict[OsName, tuple[str, ...]] = {
    "linux": ("${XDG_DATA_HOME:-~/.local/share}/kiro-cli",),
    "macos": ("~/Library/Application Support/kiro-cli",),
    "windows": (
        "${LOCALAPPDATA:-~/AppData/Local}/kiro-cli",
        "${APPDATA:-~/AppData/Roaming}/kiro-cli",
    ),
}
IDE_FILE = "~/.aws/sso/cache/kiro-auth-token.json"
ROOTS = (
    f"${DATA_VARIABLE}/{DATABASE}",
    *(f"{folder}/{DATABASE}" for folders in DATA_FOLDERS.values() for folder in folders),
    IDE_FILE,
)
TOKEN_KEYS = ("kirocli:odic:token", "kirocli:social:token")
PROFILE_KEY = "api.codewhisperer.profile"

OF_PROGRAM = "login of kiro-cli"
OF_IDE = "login of the Kiro IDE"
RENEWALS = {OF_PROGRAM: "Run `kiro-cli login`.", OF_IDE: "Open Kiro once to renew it."}
"""How the owner renews a login."""

REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}")
DEFAULT_REGION = "us-east-1"
REGIONS = (DEFAULT_REGION, "eu-central-1")
"""Where the service is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An access token and where it counts."""

    token: Secret
    origin: str
    profile_arn: str = ""
    token_region: str = ""
    expires_at: datetime | None = None

    @property
    def region(self) -> str:
        """Where the service keeps this account: the profile says, then the token."""
        of_profile = (self.profile_arn.split(":") + [""] * 4)[3]
        if REGION.fullmatch(of_profile):
            return of_profile
        return self.token_region if self.token_region in REGIONS else DEFAULT_REGION


async def find_logins(ctx: FetchContext, *, of_ide: bool) -> list[Login]:
    """Logins that have not expired, those of the program first.

    Args:
        of_ide: Also the one of the IDE, which may be another account.
    """
    found = await program_logins(ctx)
    if of_ide:
        found += await ide_login(ctx)
    now = ctx.clock.now()
    return [login for login in found if login.expires_at is None or login.expires_at > now]


async def detect(ctx: FetchContext) -> str:
    """A login that lies here, by name; whether it still works is not looked at."""
    found = await program_logins(ctx) or await ide_login(ctx)
    return found[0].origin if found else ""


# -- kiro-cli --------------------------------------------------------------------------------------


def databases(ctx: FetchContext) -> tuple[Path, ...]:
    """Where the program may keep its state."""
    if ctx.env.get(DATA_VARIABLE):
        folders: tuple[str, ...] = (f"${DATA_VARIABLE}",)
    else:
        folders = DATA_FOLDERS[ctx.os_name]
    return tuple(ctx.files.expand(f"{folder}/{DATABASE}") for folder in folders)


async def program_logins(ctx: FetchContext) -> list[Login]:
    """What the first database that has logins holds."""
    for database in databases(ctx):
        tokens = await stored(ctx, database, "auth_kv", TOKEN_KEYS)
        if tokens:
            profile = await stored(ctx, database, "state", (PROFILE_KEY,))
            arn = text(at(profile.get(PROFILE_KEY), "arn"))
            logins = (read_token(tokens[key], arn) for key in TOKEN_KEYS if key in tokens)
            return [login for login in logins if login is not None]
    return []


async def stored(
    ctx: FetchContext, database: Path, table: str, keys: Sequence[str]
) -> dict[str, Any]:
    """The JSON values of a table by key; what cannot be read counts as missing."""
    marks = ", ".join("?" * len(keys))
    sql = f"SELECT key, value FROM {table} WHERE key IN ({marks})"
    try:
        rows = await ctx.files.query(database, sql, keys) or ()
    except FetchError as error:
        ctx.log.debug("%s: the state of kiro-cli was not read (%s)", ctx.key, error.message)
        return {}
    return {key: value for key, raw in rows if (value := read_json(raw)) is not None}


def read_json(raw: Any) -> Any:
    """A JSON value in a text or in bytes; `None` when it is none."""
    try:
        return json.loads(raw)
    except (ValueError, TypeError, RecursionError):
        return None


def read_token(value: Any, profile_arn: str) -> Login | None:
    """A token of the program; its two kinds differ in what else they hold."""
    token = first_text(value, "access_token", "accessToken")
    if not token:
        return None
    return Login(
        token=Secret(token),
        origin=OF_PROGRAM,
        profile_arn=profile_arn or first_text(value, "profile_arn", "profileArn"),
        token_region=first_text(value, "region"),
        expires_at=timestamp(at(value, "expires_at") or at(value, "expiresAt")),
    )


# -- the IDE ---------------------------------------------------------------------------------------


async def ide_login(ctx: FetchContext) -> list[Login]:
    """The login of the IDE, if there is one."""
    try:
        content = await ctx.files.read_text(ctx.files.expand(IDE_FILE))
    except FetchError as error:
        ctx.log.debug("%s: the login of the IDE was not read (%s)", ctx.key, error.message)
        return []
    value = read_json(content)
    token = first_text(value, "accessToken")
    if not token:
        return []
    login = Login(
        token=Secret(token),
        origin=OF_IDE,
        profile_arn=first_text(value, "profileArn"),
        token_region=first_text(value, "region"),
        expires_at=timestamp(at(value, "expiresAt")),
    )
    return [login]
