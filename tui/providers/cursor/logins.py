"""Logins for cursor.com: which cookies make one, and how one is built from a program's token.

The website refuses a bare token; it wants the cookie it would have set itself: the user's id and
the token in one value. Editor and CLI renew their token themselves, so it is only read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tui.core import jwt
from tui.core.errors import FetchError, MissingCredentials
from tui.core.redact import Secret
from tui.providers._context import CookieJar, FetchContext, OsName
from tui.providers._owner import has_expired
from tui.providers._parse import first_text, mapping, text
from tui.providers.cursor.website import SUMMARY_URL

COOKIE = "WorkosCursorSessionToken"
NAMES = frozenset(
    {
        COOKIE,
        "__Secure-next-auth.session-token",
        "next-auth.session-token",
        "wos-session",
        "__Secure-wos-session",
        "authjs.session-token",
        "__Secure-authjs.session-token",
    }
)
"""One of these makes a login."""
TOKEN = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}"
USER_ID = r"(?:.*\|)?([A-Za-z0-9._-]+)"
VALUE = r"\A([A-Za-z0-9._-]+)(?:%3A%3A|::)"
"""What the value of the cookie begins with."""
VALUE_TOKEN = rf"(?:%3A%3A|::)({TOKEN})\Z"
SPARE = timedelta(seconds=60)

STORAGE = "Cursor/User/globalStorage"
EDITOR_FOLDERS: dict[OsName, str] = {
    "linux": f"${{XDG_CONFIG_HOME:-~/.config}}/{STORAGE}",
    "macos": f"~/Library/Application Support/{STORAGE}",
    "windows": f"%APPDATA%/{STORAGE}",
}
DATABASE = "state.vscdb"
# As bytes, because the editor writes this text in more than one encoding.
QUERY = "SELECT CAST(value AS BLOB) FROM ItemTable WHERE key = 'cursorAuth/accessToken'"
CLI_FOLDERS = ("${XDG_CONFIG_HOME:-~/.config}/cursor", "~/.cursor")
CLI_FILE = "auth.json"
CLI_CONFIG = "~/.cursor/cli-config.json"
KEY_STORE_ENTRY = ("cursor-access-token", "cursor-user")
ROOTS = (*EDITOR_FOLDERS.values(), *CLI_FOLDERS)

EDITOR = "Cursor editor"
CLI = "Cursor CLI"
RENEWAL = {
    EDITOR: "Open Cursor once; it renews its login itself.",
    CLI: "Run `cursor-agent` once; it renews its login itself.",
}
SIGN_IN_HINT = (
    "Sign in to Cursor or at cursor.com, or paste the Cookie header of cursor.com/dashboard."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A Cookie header, and what it tells of its owner."""

    cookie: Secret
    origin: str
    user_id: str = ""
    email: str = ""


def missing(reason: str = "No Cursor login found.") -> MissingCredentials:
    """There is no login here."""
    return MissingCredentials(reason, hint=SIGN_IN_HINT)


# -- cookies ---------------------------------------------------------------------------------------


def is_named_session(jar: CookieJar) -> bool:
    """Whether the website would get a cookie that is known to be a session."""
    return jar.header(SUMMARY_URL, only=NAMES) is not None


def login_of_jar(jar: CookieJar) -> Login | None:
    """All cookies that may go to the website; `None` when there are none."""
    cookie = jar.header(SUMMARY_URL)
    if cookie is None:
        return None
    value = jar.value(COOKIE)
    token = value.search(VALUE_TOKEN) if value else None
    return Login(
        cookie=cookie,
        origin=jar.label,
        user_id=value.plain(VALUE) if value else "",
        email=jwt.text_claim(token, "email") if token else "",
    )


async def pasted_login(ctx: FetchContext) -> Login:
    """The pasted header, or what a bare value or token makes of itself.

    Raises:
        MissingCredentials: Nothing was pasted, or no login is in it.
    """
    pasted = await ctx.sessions.pasted()
    if pasted is None:
        raise missing()
    if pasted.text.matches(rf"\s*{TOKEN}\s*"):
        return login_of_token(pasted.text.replaced(r"\s", ""), "pasted")
    if pasted.text.matches(rf"\s*[\w.-]+(?:%3A%3A|::){TOKEN}\s*"):
        pasted = ctx.sessions.read_paste(pasted.text.within(f"{COOKIE}={{}}"))
    login = login_of_jar(pasted.jar) if pasted.jar else None
    if login is None:
        raise missing("No Cursor login found: the pasted text has no cookies.")
    return login


# -- tokens ----------------------------------------------------------------------------------------


def user_id_of(subject: str) -> str:
    """The user's id within a subject such as `auth0|user_01H`; empty when it has another form."""
    found = re.fullmatch(USER_ID, subject)
    return found.group(1) if found else ""


def login_of_token(token: Secret, origin: str, subject: str = "") -> Login:
    """The cookie the website would have set for a token.

    Args:
        subject: Whose token it is, where it does not say so itself.

    Raises:
        MissingCredentials: It is no token of a user.
    """
    user_id = user_id_of(jwt.text_claim(token, "sub") or subject)
    if not user_id or not token.matches(TOKEN):
        raise missing(f"{origin}: the stored login has an unknown form.")
    return Login(
        cookie=token.within(f"{COOKIE}={user_id}%3A%3A{{}}"),
        origin=origin,
        user_id=user_id,
        email=jwt.text_claim(token, "email"),
    )


def usable(ctx: FetchContext, token: Secret, login: Login) -> Login:
    """The login, if its token is accepted for another minute.

    Raises:
        Unauthorized: Its program has not renewed it.
    """
    expires_at = jwt.expires_at(token)
    if expires_at is None or expires_at - ctx.clock.now() <= SPARE:
        raise has_expired(ctx, f"{login.origin} login", expires_at, hint=RENEWAL[login.origin])
    return login


# -- the editor ------------------------------------------------------------------------------------


async def editor_login(ctx: FetchContext) -> Login:
    """The editor's login.

    Raises:
        MissingCredentials: The editor is not signed in.
        Unauthorized: Its login has expired.
    """
    token = await editor_token(ctx)
    if token is None:
        raise missing("The Cursor editor is not signed in.")
    return usable(ctx, token, login_of_token(token, EDITOR))


async def editor_token(ctx: FetchContext) -> Secret | None:
    """The token in the editor's database; it belongs to no named account."""
    if ctx.key.account:
        return None
    database = ctx.files.expand(EDITOR_FOLDERS[ctx.os_name]) / DATABASE
    try:
        rows = await ctx.files.query(database, QUERY)
    except FetchError as error:
        error.try_next = True
        raise
    found = (decoded(row[0]) for row in rows or ())
    return next((Secret(token) for token in found if token), None)


def decoded(value: Any) -> str:
    """A stored text, UTF-8 or UTF-16; with or without quotes."""
    if not isinstance(value, bytes):
        return ""
    encoding = "utf-16-le" if b"\0" in value else "utf-8"
    return value.decode(encoding, errors="replace").strip("\ufeff\0 \t\r\n\"'")


# -- the CLI ---------------------------------------------------------------------------------------


async def cli_login(ctx: FetchContext) -> Login:
    """The CLI's login.

    Raises:
        MissingCredentials: The CLI is not signed in.
        Unauthorized: Its login has expired.
    """
    token = await cli_token(ctx)
    if token is None:
        raise missing()
    return usable(ctx, token, login_of_token(token, CLI, await cli_subject(ctx)))


async def cli_token(ctx: FetchContext) -> Secret | None:
    """The token in the CLI's file, on macOS in its key store."""
    token = await cli_file_token(ctx)
    if token is None and ctx.os_name == "macos" and not ctx.key.account:
        return await ctx.key_store.find(*KEY_STORE_ENTRY)
    return token


async def cli_file_token(ctx: FetchContext) -> Secret | None:
    """The token in the CLI's file; it belongs to no named account."""
    if ctx.key.account:
        return None
    for folder in CLI_FOLDERS:
        token = first_text(
            await read_object(ctx, ctx.files.expand(folder) / CLI_FILE), "accessToken"
        )
        if token:
            return Secret(token)
    return None


async def cli_subject(ctx: FetchContext) -> str:
    """Whose login it is, by the CLI's settings."""
    config = await read_object(ctx, ctx.files.expand(CLI_CONFIG))
    return text(mapping(config.get("authInfo")).get("authId"))


async def read_object(ctx: FetchContext, file: Path) -> dict[str, Any]:
    """A JSON object of the CLI; empty when there is none."""
    try:
        return parse_object(await ctx.files.read_text(file) or "")
    except FetchError as error:
        error.try_next = True
        raise


def parse_object(content: str) -> dict[str, Any]:
    """A JSON object, else an empty one."""
    try:
        return mapping(json.loads(content))
    except (ValueError, RecursionError):
        return {}


# -- what lies on this machine ---------------------------------------------------------------------


async def detect(ctx: FetchContext) -> str:
    """Whether editor or CLI are signed in, fresh or not; key stores are left alone."""
    for name, token_of in ((EDITOR, editor_token), (CLI, cli_file_token)):
        try:
            if await token_of(ctx):
                return f"{name} login"
        except FetchError:
            continue
    return ""
