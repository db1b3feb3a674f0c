"""The login of the Droid CLI, read from its encrypted files.

Read only: the CLI guards its files with a lock, and its refresh token is good for one use, so both
stay untouched. When the access token is over, running the CLI once renews it.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, NamedTuple

from tui.core.errors import MissingCredentials, Unauthorized, Unsupported
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.providers._context import FetchContext, FileInfo
from tui.providers._parse import text, walk
from tui.providers.factory.kept import is_expired
from tui.providers.factory.parse import SERVICE
from tui.providers.factory.requests import fetch_by_bearer

FOLDER = "${FACTORY_HOME_OVERRIDE:-~/.factory}"
KEY_FILE = "auth.v2.key"
KEY_SERVICE = "Factory CLI"
KEY_ACCOUNTS = ("auth-encryption-key-security-cli", "auth-encryption-key")
IN_FILE, IN_KEY_STORE = "file", "key store"
NEWER = {
    "auth.v2.file": (IN_FILE,),
    "auth.v2.loginkeychain": (IN_KEY_STORE,),
    "auth.v2.keyring": (IN_KEY_STORE,),
}
"""Login files and where the key of each lies; the one written last counts."""
OLDER = {"auth.encrypted": (IN_FILE, IN_KEY_STORE), "auth.json": ()}
RAW_KEY_BYTES = 32
RENEW = "Run `droid` once to refresh the login."


class Sealed(NamedTuple):
    """The parts of an encrypted file."""

    nonce: bytes
    tag: bytes
    ciphertext: bytes


async def fetch_by_cli_login(ctx: FetchContext) -> ProviderSnapshot:
    """The numbers behind the login of the Droid CLI."""
    token = await read_token(ctx)
    if is_expired(ctx, token):
        raise Unauthorized("The login of the Droid CLI has expired.", hint=RENEW)
    try:
        snapshot = await fetch_by_bearer(ctx, token, is_key=True)
    except Unauthorized as error:
        raise Unauthorized(f"{SERVICE} rejected the login of the Droid CLI.", hint=RENEW) from error
    return replace(snapshot, source_id="cli", origin="Droid CLI")


async def find_login_file(ctx: FetchContext) -> FileInfo | None:
    """The file that holds the login; a chosen account has no part in it."""
    if ctx.key.account:
        return None
    files = await ctx.files.list(ctx.files.expand(FOLDER))
    found = {file.path.name: file for file in files if not file.is_dir}
    newer = [found[name] for name in NEWER if name in found]
    older = (found[name] for name in OLDER if name in found)
    return max(newer, key=lambda file: file.mtime) if newer else next(older, None)


async def read_token(ctx: FetchContext) -> Secret:
    """The access token of the login.

    Raises:
        MissingCredentials: There is no login.
        Unsupported: It cannot be decrypted.
    """
    file = await find_login_file(ctx)
    if file is None:
        raise MissingCredentials("No login of the Droid CLI found.", hint="Run `droid` to log in.")
    content = (await ctx.files.read_text(file.path) or "").strip()
    sealed = sealed_parts(content)
    clear = content if sealed is None else await _decrypted(ctx, file, sealed)
    token = token_in(clear)
    if token is None:
        raise MissingCredentials("The Droid CLI is not logged in.", hint="Run `droid` to log in.")
    return token


async def _decrypted(ctx: FetchContext, file: FileInfo, sealed: Sealed) -> bytes:
    async for key in _keys(ctx, file):
        clear = ctx.crypto.decrypt_aes_gcm(key, **sealed._asdict())
        if clear is not None:
            return clear
    raise Unsupported(
        "The login of the Droid CLI could not be decrypted: its key was not found.",
        hint="Set FACTORY_API_KEY, or refresh by hand if your key store asks first.",
    )


async def _keys(ctx: FetchContext, file: FileInfo) -> AsyncIterator[Secret]:
    """The keys that may fit, each looked for only when the one before did not."""
    for place in {**NEWER, **OLDER}[file.path.name]:
        if place == IN_FILE:
            content = await ctx.files.read_bytes(file.path.with_name(KEY_FILE))
            if content is not None:
                yield key_in_file(content)
            continue
        for account in KEY_ACCOUNTS:
            if key := await ctx.key_store.find(KEY_SERVICE, account):
                yield key


def sealed_parts(content: str) -> Sealed | None:
    """`nonce:tag:ciphertext`, each in base64; nothing when it is not encrypted."""
    parts = content.split(":")
    if len(parts) != len(Sealed._fields):
        return None
    try:
        return Sealed(*(b64decode(part, validate=True) for part in parts))
    except (ValueError, binascii.Error):
        return None


def key_in_file(content: bytes) -> Secret:
    """The key as text: from raw bytes, UTF-8 or UTF-16."""
    if len(content) == RAW_KEY_BYTES:
        return Secret(b64encode(content).decode())
    encoding = "utf-16-le" if b"\0" in content else "utf-8"
    return Secret(content.decode(encoding, errors="ignore").strip("\ufeff\0 \r\n\t"))


def token_in(clear: str | bytes) -> Secret | None:
    """The access token, at whatever depth."""
    try:
        data: Any = json.loads(clear)
    except (ValueError, RecursionError):
        return None
    for found in walk(data):
        if token := text(found.get("access_token")) or text(found.get("accessToken")):
            return Secret(token)
    return None
