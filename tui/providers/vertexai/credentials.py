"""Google's application default credentials on this machine: which file counts, and what it is.

Files of gcloud are read and never written.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from tui.core.errors import MissingCredentials, ParseError
from tui.core.redact import Secret
from tui.providers._context import FetchContext
from tui.providers._google import TOKEN_URL
from tui.providers._parse import first_text, text, timestamp

FILE_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
FOLDER_VARIABLE = "CLOUDSDK_CONFIG"
FILE_NAME = "application_default_credentials.json"
UNIX_FOLDER = f"${{{FOLDER_VARIABLE}:-~/.config/gcloud}}"
WINDOWS_FOLDER = "${APPDATA:-~/AppData/Roaming}/gcloud"
ROOTS = (f"${FILE_VARIABLE}", UNIX_FOLDER, WINDOWS_FOLDER)

SIGN_IN = "Run `gcloud auth application-default login`."
FROM_GCLOUD = "gcloud's credentials file"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLogin:
    """A person's login, made by gcloud."""

    client_id: str
    client_secret: Secret
    refresh_token: Secret
    access_token: Secret | None = None
    """Rarely kept in the file."""
    access_until: datetime | None = None
    account: str = ""
    id_token: Secret | None = None
    quota_project: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """A key that signs for a service account."""

    email: str
    private_key: Secret
    key_id: str = ""
    token_url: str = TOKEN_URL
    project: str = ""
    quota_project: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLogin:
    """A kind of credentials that only gcloud can use."""

    kind: str
    quota_project: str = ""


Login: TypeAlias = UserLogin | ServiceAccount | OtherLogin


@dataclass(frozen=True, slots=True)
class Found:
    """Credentials, where they were, and a hash that changes with the file."""

    login: Login
    origin: str
    fingerprint: str


async def load_credentials(ctx: FetchContext) -> Found:
    """The credentials that count; a file that is named and missing is never replaced.

    Raises:
        MissingCredentials: There are none, or something is missing in them.
        ParseError: The file is no JSON object.
    """
    path, origin = place(ctx)
    content = await ctx.files.read_text(path)
    if content is None:
        raise missing(origin)
    digest = hashlib.sha256(content.encode(errors="replace")).hexdigest()
    return Found(parse_credentials(content), origin, digest)


def place(ctx: FetchContext) -> tuple[Path, str]:
    """The file that counts, and how to call it."""
    named = ctx.files.expand(f"${FILE_VARIABLE}")
    if named != Path():
        return named, f"from {FILE_VARIABLE}"
    return gcloud_folder(ctx) / FILE_NAME, FROM_GCLOUD


def gcloud_folder(ctx: FetchContext) -> Path:
    """Where gcloud keeps its files."""
    chosen = ctx.files.expand(f"${FOLDER_VARIABLE}")
    if ctx.os_name != "windows" or chosen != Path():
        return ctx.files.expand(UNIX_FOLDER)
    return ctx.files.expand(WINDOWS_FOLDER)


def missing(origin: str) -> MissingCredentials:
    """No file where it should be."""
    if origin == FROM_GCLOUD:
        return MissingCredentials("No Google credentials.", hint=SIGN_IN)
    return MissingCredentials(
        f"{FILE_VARIABLE} names a file that does not exist.", hint="Correct it or unset it."
    )


async def detect(ctx: FetchContext) -> str:
    """A credentials file, by the place it lies in; many have one for other reasons."""
    path, origin = place(ctx)
    info = await ctx.files.stat(path)
    return origin if info is not None and not info.is_dir else ""


# -- the file --------------------------------------------------------------------------------------


def parse_credentials(content: str) -> Login:
    """What kind of login a file holds; the key of a service account counts first.

    Raises:
        ParseError: It is no JSON object.
        MissingCredentials: It lacks what its kind needs.
    """
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise no_json() from error
    if not isinstance(data, dict):
        raise no_json()
    kind = text(data.get("type"))
    if text(data.get("client_email")) and text(data.get("private_key")):
        return read_service_account(data)
    if kind in {"", "authorized_user"}:
        return read_user(data)
    return OtherLogin(kind=kind, quota_project=first_text(data, "quota_project_id"))


def no_json() -> ParseError:
    """The file is damaged."""
    return ParseError("The credentials file is not valid JSON.", hint=SIGN_IN)


def read_service_account(data: dict[str, Any]) -> ServiceAccount:
    """A key file as the console gives it out."""
    return ServiceAccount(
        email=first_text(data, "client_email"),
        private_key=Secret(first_text(data, "private_key")),
        key_id=first_text(data, "private_key_id"),
        token_url=first_text(data, "token_uri") or TOKEN_URL,
        project=first_text(data, "project_id"),
        quota_project=first_text(data, "quota_project_id"),
    )


def read_user(data: dict[str, Any]) -> UserLogin:
    """What the login of gcloud leaves behind."""
    client_id, client_secret = first_text(data, "client_id"), first_text(data, "client_secret")
    if not client_id or not client_secret:
        raise incomplete("client")
    refresh_token = first_text(data, "refresh_token")
    if not refresh_token:
        raise incomplete("refresh token")
    return UserLogin(
        client_id=client_id,
        client_secret=Secret(client_secret),
        refresh_token=Secret(refresh_token),
        access_token=secret(data, "access_token"),
        access_until=timestamp(data.get("token_expiry")),
        account=first_text(data, "account"),
        id_token=secret(data, "id_token"),
        quota_project=first_text(data, "quota_project_id"),
    )


def secret(data: dict[str, Any], name: str) -> Secret | None:
    """A text as a secret, if there is one."""
    value = first_text(data, name)
    return Secret(value) if value else None


def incomplete(part: str) -> MissingCredentials:
    """A file of a login that was never finished."""
    return MissingCredentials(
        f"The credentials file has no {part}.",
        hint="Run the login again: `gcloud auth application-default login`.",
    )
