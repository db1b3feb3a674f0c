"""Access tokens: kept in memory, made from a refresh token, a signed assertion, or by gcloud."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta

from tui.core.errors import (
    FetchError,
    NetworkError,
    ParseError,
    ServerError,
    Unauthorized,
    Unsupported,
)
from tui.core.http import Reply
from tui.core.jwt import text_claim
from tui.core.process import CommandResult
from tui.core.redact import Secret
from tui.core.text import short_message
from tui.providers._context import FetchContext, HeaderValue
from tui.providers._google import (
    LIFE_S,
    SERVICE,
    TOKEN_URL,
    Token,
    ask_for_token,
    read_token,
    renewal_form,
)
from tui.providers._parse import ErrorTable, ensure_ok, first_text, json_object, moment_in
from tui.providers.vertexai.credentials import (
    SIGN_IN,
    Found,
    Login,
    OtherLogin,
    ServiceAccount,
    UserLogin,
)

SCOPE = "https://www.googleapis.com/auth/monitoring.read"
ASSERTION_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EARLY = timedelta(minutes=5)
TIMEOUT_S = 30.0
GCLOUD = "gcloud"
GCLOUD_TIMEOUT_S = 20.0
KEPT = "vertexai.token"
CODE = re.compile(r"[a-z_]{1,40}")
CHECK_KEY = "Check the key of the service account, and the clock of this machine."


async def kept_token(ctx: FetchContext, found: Found) -> Token | None:
    """A token of an earlier refresh, or the one in the file, while it lasts."""
    now = ctx.clock.now()
    fingerprint, token = ctx.memory.get(KEPT, ("", None))
    if isinstance(token, Token) and fingerprint == found.fingerprint and token.lasts(now, EARLY):
        return token
    login = found.login
    if isinstance(login, UserLogin) and login.access_token is not None:
        stored = Token(value=login.access_token, expires_at=login.access_until)
        return stored if stored.lasts(now, EARLY) else None
    return None


async def new_token(ctx: FetchContext, found: Found) -> Token:
    """A new token, kept in memory only.

    Raises:
        FetchError: As section 7 of the provider's page says.
    """
    ctx.memory.pop(KEPT, None)
    token = await make_token(ctx, found.login)
    ctx.memory[KEPT] = (found.fingerprint, token)
    return token


async def make_token(ctx: FetchContext, login: Login) -> Token:
    """A token by the way this login has."""
    if isinstance(login, UserLogin):
        return await refreshed(ctx, login)
    if isinstance(login, ServiceAccount):
        assertion = sign(ctx, login)
        if assertion is not None:
            return await asserted(ctx, login, assertion)
    return await from_gcloud(ctx)


def email_of(login: Login, token: Token, configuration: Mapping[str, str]) -> str:
    """Whose login it is, as far as anything says so."""
    if isinstance(login, ServiceAccount):
        return login.email
    if isinstance(login, OtherLogin):
        return token.email or configuration.get("account", "")
    claimed = text_claim(login.id_token, "email") if login.id_token else ""
    return token.email or claimed or login.account or configuration.get("account", "")


# -- a person --------------------------------------------------------------------------------------


async def refreshed(ctx: FetchContext, login: UserLogin) -> Token:
    """A token for the refresh token of gcloud's login, which stays valid."""
    form = renewal_form(login.refresh_token, (login.client_id, login.client_secret))
    return await exchange(ctx, TOKEN_URL, form, hint=SIGN_IN)


# -- a service account -----------------------------------------------------------------------------


def sign(ctx: FetchContext, login: ServiceAccount) -> Secret | None:
    """The assertion that is exchanged for a token; `None` when the key cannot sign."""
    issued_at = int(ctx.clock.now().timestamp())
    header = {"alg": "RS256", "typ": "JWT", "kid": login.key_id}
    claims = {
        "iss": login.email,
        "scope": SCOPE,
        "aud": login.token_url,
        "iat": issued_at,
        "exp": issued_at + int(LIFE_S),
    }
    signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    try:
        signature = ctx.crypto.sign_rs256(login.private_key, signed.encode())
    except ValueError:
        return None
    return Secret(f"{signed}.{encoded(signature)}")


def encoded(data: bytes) -> str:
    """Base64 as tokens write it."""
    return urlsafe_b64encode(data).decode().rstrip("=")


async def asserted(ctx: FetchContext, login: ServiceAccount, assertion: Secret) -> Token:
    """A token for a signed assertion."""
    form: dict[str, HeaderValue] = {"grant_type": ASSERTION_GRANT, "assertion": assertion}
    return await exchange(ctx, login.token_url, form, hint=CHECK_KEY)


# -- the token service -----------------------------------------------------------------------------


async def exchange(
    ctx: FetchContext, url: str, form: Mapping[str, HeaderValue], *, hint: str
) -> Token:
    """What the token service gives for a form.

    Args:
        url: For a service account its file names it.
        hint: What to do when the login is not accepted.
    """
    now = ctx.clock.now()
    try:
        reply = await ask_for_token(ctx.http.trusting(url), form, url=url, timeout_s=TIMEOUT_S)
    except NetworkError as error:
        raise NetworkError("Cannot reach Google.", hint=error.hint) from error
    if reply.status in {400, 401}:
        raise refused(reply, hint)
    not_accepted = Unauthorized(f"{SERVICE} did not accept the login (HTTP 403).", hint=hint)
    errors: ErrorTable = {403: lambda reply: not_accepted}
    return parse_token(ensure_ok(reply, SERVICE, now=now, errors=errors), now)


def refused(reply: Reply, hint: str) -> FetchError:
    """Why there is no token; of the answer only its code is told."""
    try:
        code = first_text(json_object(reply, SERVICE), "error")
    except ParseError:
        code = ""
    if code in {"invalid_grant", "invalid_rapt"}:
        return Unauthorized("Google sign-in expired or was revoked.", hint=hint)
    if code in {"invalid_client", "unauthorized_client"}:
        return Unauthorized("Google did not accept the client of the credentials.", hint=hint)
    shown = f" ({code})" if CODE.fullmatch(code) else ""
    return ServerError(f"Google refused the sign-in with HTTP {reply.status}{shown}.")


def parse_token(reply: Reply, now: datetime) -> Token:
    """The token in a good answer.

    Raises:
        ParseError: There is none.
    """
    token = read_token(reply, now)
    if token is None:
        raise ParseError("Unexpected answer: access_token should be a text.")
    return token


# -- gcloud ----------------------------------------------------------------------------------------


async def from_gcloud(ctx: FetchContext) -> Token:
    """A token by gcloud, which knows every kind of credentials.

    Raises:
        Unsupported: gcloud is not installed.
        FetchError: It gave none.
    """
    program = ctx.commands.find(GCLOUD)
    if program is None:
        raise Unsupported(
            "Install gcloud to use this credential type.",
            hint="See https://cloud.google.com/sdk/docs/install.",
            cause="no_program",
        )
    result = await ctx.commands.run(
        program,
        "auth",
        "application-default",
        "print-access-token",
        timeout_s=GCLOUD_TIMEOUT_S,
    )
    lines = result.stdout.split()
    if result.exit_code != 0 or not lines:
        raise gcloud_failure(result)
    # gcloud does not say how long its token lasts; new ones live for an hour.
    return Token(value=Secret(lines[-1]), expires_at=moment_in(LIFE_S, ctx.clock.now()))


def gcloud_failure(result: CommandResult) -> FetchError:
    """Why gcloud gave no token."""
    if result.timed_out:
        message = f"{GCLOUD} did not answer within {GCLOUD_TIMEOUT_S:g} seconds."
        return NetworkError(message, cause="timeout")
    said = result.stderr.strip()
    if re.search(r"invalid_grant|reauth|invalid_rapt|login` again", said, re.IGNORECASE):
        return Unauthorized("Google sign-in expired or was revoked.", hint=SIGN_IN)
    words = short_message(said.partition("\n")[0])
    return ServerError(f"{GCLOUD} gave no token{f': {words}' if words else '.'}", hint=SIGN_IN)
