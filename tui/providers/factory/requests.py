"""Asking Factory with one login: which addresses, in which order, and what refusals mean."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    NetworkError,
    ParseError,
    RateLimited,
    ServerError,
    Unauthorized,
    most_telling,
)
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.core.sessions import CookieJar
from tui.providers._context import FetchContext
from tui.providers._parse import ErrorTable, ensure_ok, json_object, message_in, unreached
from tui.providers.factory.login import API, APP, Login, with_less
from tui.providers.factory.parse import SERVICE, is_current, parse_limits, parse_usage, user_id

T = TypeVar("T")

TIMEOUT_S = 15.0
HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "Origin": APP,
    "Referer": f"{APP}/",
    "x-factory-client": "web-app",
}
PROFILE = "/api/app/auth/me"
LIMITS = f"{API}/api/billing/limits"
USAGE = "/api/organization/subscription/usage"
REFUSED = frozenset({401, 403})


# -- refusals --------------------------------------------------------------------------------------


SIGN_IN = "Log in again at app.factory.ai, then refresh."


class NotLoggedIn(Unauthorized):
    """Factory knows nobody by this login."""


class StaleToken(Unauthorized):
    """Some part of the login was replaced by a newer one.

    Args:
        is_named: The answer says that it is a token.
    """

    def __init__(self, *, is_named: bool) -> None:
        super().__init__(
            f"{SERVICE} says the stored token is stale.", hint="Log out and in at app.factory.ai."
        )
        self.is_named = is_named


def no_session() -> MissingCredentials:
    """There is nothing to log in with."""
    return MissingCredentials(
        f"No {SERVICE} login found on this machine.",
        hint="Open app.factory.ai in your browser and sign in, or use the manual cookie setting.",
    )


def not_logged_in(reply: Reply) -> FetchError:
    """HTTP 401, a redirect, or a page in place of data."""
    return NotLoggedIn("No usable Droid session.", hint=SIGN_IN)


def _refused_profile(reply: Reply) -> FetchError:
    words = message_in(reply)
    end = f": {words}" if words else "."
    return Unauthorized(f"{SERVICE} refused access (403){end}", hint=SIGN_IN)


def _refused_usage(reply: Reply) -> FetchError:
    # Not a NotLoggedIn: the login is good, but may not see this, so it must not be forgotten.
    return Unauthorized("No usable Droid session.", hint=SIGN_IN)


def _stale(reply: Reply) -> FetchError:
    return StaleToken(is_named=bool(re.search(r"stale[ _-]?token", reply.text, re.IGNORECASE)))


def _limited(reply: Reply) -> FetchError:
    return RateLimited(f"{SERVICE} is rate limiting.")


def _failed(reply: Reply) -> FetchError:
    return ServerError(f"{SERVICE} API error (HTTP {reply.status}).")


ERRORS: ErrorTable = {
    0: not_logged_in,
    401: not_logged_in,
    403: _refused_profile,
    409: _stale,
    429: _limited,
}


# -- one account -----------------------------------------------------------------------------------


async def fetch_account(
    ctx: FetchContext, base: str, login: Login, *, is_key: bool = False
) -> ProviderSnapshot:
    """The numbers of one login.

    Args:
        base: Where profile and usage are asked; the limits are always asked at the API host.
        is_key: The profile only decorates; limits are shown without it.
    """
    profile, trouble = await _profile(ctx, base, login, is_key=is_key)
    limits = await _limits(ctx, login)
    now, bearer = ctx.clock.now(), login.bearer
    if is_current(limits):
        snapshot = parse_limits(limits, profile, key=ctx.key, now=now, bearer=bearer)
        return snapshot if ctx.settings.flag("extras") else replace(snapshot, balances=())
    if trouble is not None:
        raise trouble
    usage = await _usage(ctx, base, login, user_id(profile, bearer))
    return parse_usage(usage, profile, key=ctx.key, now=now, bearer=bearer)


async def _profile(
    ctx: FetchContext, base: str, login: Login, *, is_key: bool
) -> tuple[dict[str, Any], FetchError | None]:
    """The profile, or for keys why there is none; unless that is a refusal, keys do without it."""
    status = 0
    try:
        reply = await _send(ctx, "GET", base + PROFILE, login)
        status = reply.status
        return _object(ctx, reply), None
    except FetchError as error:
        if not is_key or status in REFUSED:
            raise
        return {}, error


async def _limits(ctx: FetchContext, login: Login) -> dict[str, Any]:
    """Limits of the current generation; nothing when they cannot be had."""
    if not login.reaches(LIMITS):
        return {}
    try:
        return _object(ctx, await _send(ctx, "GET", LIMITS, login))
    except FetchError as error:
        ctx.log.debug("%s: no rolling limits (%s)", ctx.key, error.kind)
        return {}


async def _usage(ctx: FetchContext, base: str, login: Login, user: str) -> dict[str, Any]:
    """Usage of the legacy generation: by GET, from servers that do not know that by POST."""
    who = {"userId": user} if user else {}
    url = base + USAGE
    reply = await _send(ctx, "GET", url, login, params={"useCache": "true", **who})
    if reply.status in {404, 405} or (reply.status == 400 and "method" in reply.text.lower()):
        reply = await _send(ctx, "POST", url, login, json={"useCache": True, **who})
    return _object(ctx, reply, {**ERRORS, 403: _refused_usage})


async def _send(ctx: FetchContext, method: str, url: str, login: Login, **options: Any) -> Reply:
    try:
        return await ctx.http.send(
            method,
            url,
            bearer=login.bearer,
            cookie=login.cookie(url),
            headers=HEADERS,
            timeout_s=TIMEOUT_S,
            **options,
        )
    except NetworkError as error:
        raise unreached(SERVICE, error) from error


def _object(ctx: FetchContext, reply: Reply, errors: ErrorTable = ERRORS) -> dict[str, Any]:
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors={reply.status: _failed, **errors})
    if reply.is_html:
        raise not_logged_in(reply)
    try:
        return json_object(reply, SERVICE)
    except ParseError as error:
        raise ParseError(f"{SERVICE} answered in an unexpected format.") from error


# -- one login, several ways -----------------------------------------------------------------------


async def fetch_by_bearer(
    ctx: FetchContext, bearer: Secret, *, is_key: bool = False
) -> ProviderSnapshot:
    """The numbers behind a token or key, without any cookie."""
    login = Login(bearer=bearer)
    return await first_answer(
        partial(fetch_account, ctx, base, login, is_key=is_key) for base in (API, APP)
    )


async def fetch_by_cookies(
    ctx: FetchContext, jar: CookieJar, bearer: Secret | None, bases: Sequence[str]
) -> ProviderSnapshot:
    """The numbers behind cookies, from the first host that gives them.

    Args:
        bearer: Sent along.
        bases: Hosts in order; those the cookies do not belong to are passed over.
    """
    full = Login(jar=jar, bearer=bearer)
    reached = [base for base in bases if full.reaches(base + PROFILE)]
    return await first_answer(partial(_with_less_and_less, ctx, base, full) for base in reached)


async def _with_less_and_less(ctx: FetchContext, base: str, full: Login) -> ProviderSnapshot:
    """A refused login once more without its token; a stale one also with fewer cookies."""
    assert full.jar is not None
    refusals: list[FetchError] = []
    for login in _reaching(base, (full, Login(jar=full.jar)) if full.bearer else (full,)):
        try:
            return await fetch_account(ctx, base, login)
        except (NotLoggedIn, StaleToken) as error:
            refusals.append(error)
    if any(isinstance(error, StaleToken) for error in refusals):
        for login in _reaching(base, with_less(full.jar)):
            try:
                return await fetch_account(ctx, base, login)
            except (NotLoggedIn, StaleToken) as error:
                refusals.append(error)
                if isinstance(error, StaleToken) and not error.is_named:
                    break
    raise refusals[-1]


def _reaching(base: str, logins: Iterable[Login]) -> Iterable[Login]:
    return (login for login in logins if login.reaches(base + PROFILE))


async def first_answer(attempts: Iterable[Callable[[], Awaitable[T]]]) -> T:
    """What the first attempt that succeeds gives.

    Raises:
        FetchError: The first refusal of the login, which a later host's 404 must not hide, else
            the most telling error.
    """
    errors: list[FetchError] = []
    for attempt in attempts:
        try:
            return await attempt()
        except FetchError as error:
            errors.append(error)
    refusals = (error for error in errors if isinstance(error, Unauthorized))
    raise next(refusals, None) or (most_telling(errors) if errors else no_session())
