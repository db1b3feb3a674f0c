"""Keeping the web session from expiring while the dashboard runs.

A look every few minutes; a refresh of the session only when it is about to end, or has no end and
is old. Three failures in a row and it is silent until somebody acts. Nothing here opens a browser.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from tui.core.clock import LOCAL_ZONE
from tui.core.errors import FetchError, NetworkError, Unsupported
from tui.core.http import Reply
from tui.core.redact import Secret
from tui.core.sessions import CookieJar
from tui.core.wording import clock_text
from tui.providers._context import FetchContext
from tui.providers._cookies import BROWSER_AGENT, SLOT
from tui.providers._parse import json_object
from tui.providers.augment.cli import SERVICE, no_login
from tui.providers.augment.session import WebSession, session_of
from tui.providers.augment.web import (
    APP,
    APP_HOST,
    SESSION_NAMES,
    SessionExpired,
    keep,
    new_logins,
    remembered,
    renewed_paste,
)

PINGS = (f"{APP}/api/auth/session", f"{APP}/api/session", f"{APP}/api/user")
PING_TIMEOUT_S = 30.0
SIGNS_OF_A_USER = ("user", "email", "session")
STRIKES = 3
SETTLE_S = 1.0
"""What the website sets with a ping is on disk then."""
LOOK_S = 5.0
LOOKS = 24
"""For a new login, after the user was sent to log in: two minutes."""

EXPIRED = f"The Augment session has expired. Log out and in at {APP}, then refresh the session."
GIVEN_UP = f"Augment session expired. Log in at {APP_HOST}."


class Outcome(Enum):
    """How a refresh of the session ended."""

    RENEWED = auto()
    EXPIRED = auto()
    NO_ANSWER = auto()
    NO_LOGIN = auto()
    BUSY = auto()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The settings, in minutes."""

    check: int
    buffer: int
    min_gap: int
    session: int

    @classmethod
    def of(cls, ctx: FetchContext) -> Rhythm:
        """As the user wants it."""
        names = ("check", "buffer", "min_gap", "session")
        return cls(*(ctx.settings.number(f"keepalive_{name}_minutes") for name in names))


# -- the task --------------------------------------------------------------------------------------


async def keep_alive(ctx: FetchContext) -> None:
    """Check the session at every interval, the first time after one; ends when cancelled."""
    session = session_of(ctx)
    if not is_wanted(ctx) or session.is_kept_alive:
        return
    session.is_kept_alive = True
    try:
        await _keep_alive(ctx, session, Rhythm.of(ctx))
    finally:
        session.is_kept_alive = False


def is_wanted(ctx: FetchContext) -> bool:
    """Whether a web session can be in use with these settings."""
    is_web = ctx.mode != "cli" and ctx.sessions.cookie_source != "off"
    return is_web and ctx.settings.flag("keepalive")


async def _keep_alive(ctx: FetchContext, session: WebSession, rhythm: Rhythm) -> None:
    interval = timedelta(minutes=rhythm.check)
    session.next_check_at = ctx.clock.now() + interval
    while True:
        ctx.report(report_rows(session, rhythm, ctx.clock.now()))
        await stirred_until(ctx, session, session.next_check_at)
        is_time = ctx.clock.now() >= session.next_check_at
        try:
            announce(ctx, session, await _look(ctx, session, rhythm, is_time=is_time))
        except FetchError as error:
            ctx.log.debug("%s: the session was not checked (%s)", ctx.key, error.message)
        if is_time:
            now, planned = ctx.clock.now(), session.next_check_at + interval
            session.next_check_at = planned if planned > now else now + interval


async def _look(
    ctx: FetchContext, session: WebSession, rhythm: Rhythm, *, is_time: bool
) -> Outcome | None:
    if session.wants_renewal:
        session.wants_renewal = False
        return await renew(ctx, forced=True)
    return await check(ctx, session, rhythm) if is_time else None


async def stirred_until(ctx: FetchContext, session: WebSession, moment: datetime) -> None:
    """Wait for a moment, or until something changes before it."""
    seconds = (moment - ctx.clock.now()).total_seconds()
    waiting = {
        asyncio.ensure_future(ctx.clock.sleep(seconds)),
        asyncio.ensure_future(session.stirred.wait()),
    }
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    session.stirred.clear()


def announce(ctx: FetchContext, session: WebSession, outcome: Outcome | None) -> None:
    """Tell the user once that a session has expired, and once that it was given up."""
    if outcome not in (Outcome.EXPIRED, Outcome.NO_ANSWER):
        return
    ctx.log.info("%s: the session was not refreshed (%d in a row)", ctx.key, session.failures)
    if session.given_up:
        ctx.tell(GIVEN_UP)
    elif outcome is Outcome.EXPIRED and session.failures == 1:
        ctx.tell(EXPIRED)


def report_rows(session: WebSession, rhythm: Rhythm, now: datetime) -> tuple[tuple[str, str], ...]:
    """What the details say about the keepalive."""
    next_check = "none" if session.given_up else _time(session.next_check_at, now)
    return (
        ("State", state_text(session)),
        ("Last refresh", _time(session.last_success_at, now) or "not yet"),
        ("Next check", next_check),
        ("Rhythm", f"every {rhythm.check} min, refreshes {rhythm.min_gap} min apart or more"),
    )


def state_text(session: WebSession) -> str:
    """The state in words."""
    states = (
        (session.given_up, f"given up: log in at {APP_HOST}, then refresh the session"),
        (session.is_expired, f"expired: log out and in at {APP_HOST}"),
        (not session.is_used, "not needed: the numbers do not come from the website"),
        (session.failures > 0, f"not confirmed, {session.failures} in a row"),
    )
    return next((words for holds, words in states if holds), "kept alive")


def _time(moment: datetime | None, now: datetime) -> str:
    return "" if moment is None else clock_text(moment, now, LOCAL_ZONE)


# -- check and refresh -----------------------------------------------------------------------------


async def check(ctx: FetchContext, session: WebSession, rhythm: Rhythm) -> Outcome | None:
    """Refresh the session if it is due; nothing when it is not."""
    if session.is_renewing or session.given_up or not session.is_used:
        return None
    now, last = ctx.clock.now(), session.last_attempt_at
    if last is not None and now - last < timedelta(minutes=rhythm.min_gap):
        return None
    jar = await current_login(ctx)
    if jar is None or not is_due(session, rhythm, jar, now):
        return None
    return await renew(ctx, jar=jar)


def is_due(session: WebSession, rhythm: Rhythm, jar: CookieJar, now: datetime) -> bool:
    """Whether the session ends soon, or has no end and was not refreshed for long."""
    expires_at = jar.expires_at(SESSION_NAMES)
    if expires_at is not None:
        # After the next look it may be too late.
        next_answer = timedelta(minutes=rhythm.check, seconds=PING_TIMEOUT_S)
        return expires_at - now < max(timedelta(minutes=rhythm.buffer), next_answer)
    last = session.last_success_at
    return last is None or now - last > timedelta(minutes=rhythm.session)


async def renew(
    ctx: FetchContext, *, jar: CookieJar | None = None, forced: bool = False
) -> Outcome:
    """One refresh of the session.

    Args:
        jar: The login to refresh; else the present one.
        forced: Somebody asked for it: failures of before do not count, and what a browser has
            takes the place of what we kept.
    """
    session = session_of(ctx)
    if session.is_renewing:
        return Outcome.BUSY
    session.begin(ctx.clock.now(), forced=forced)
    try:
        jar = jar or await current_login(ctx, anew=forced)
        return Outcome.NO_LOGIN if jar is None else await _renew(ctx, session, jar)
    finally:
        session.is_renewing = False


async def _renew(ctx: FetchContext, session: WebSession, jar: CookieJar) -> Outcome:
    ping = await send_pings(ctx, jar)
    if ping.outcome is not Outcome.RENEWED:
        session.fail(STRIKES)
        return ping.outcome
    await keep(ctx, jar.updated(ping.url, ping.set_cookies))
    await ctx.clock.sleep(SETTLE_S)
    newest = later(jar, await imported_login(ctx, jar.label))
    if newest is not jar:
        await keep(ctx, newest.updated(ping.url, ping.set_cookies))
    session.succeed(ctx.clock.now())
    ctx.request_refresh()
    return Outcome.RENEWED


# -- which login -----------------------------------------------------------------------------------


async def current_login(ctx: FetchContext, *, anew: bool = False) -> CookieJar | None:
    """The login in use: pasted, or of the browser profile it came from, or as we kept it.

    Args:
        anew: What we kept is forgotten when any browser has a login.
    """
    if ctx.sessions.cookie_source == "manual":
        return await pasted_login(ctx)
    kept = await remembered(ctx)
    if kept is None:
        return await imported_login(ctx)
    imported = await imported_login(ctx, kept.jar.label)
    if anew and imported is None:
        imported = await imported_login(ctx)
    if imported is None:
        return kept.jar
    if anew:
        await ctx.sessions.drop(SLOT, only=kept.text)
        return imported
    return later(kept.jar, imported)


async def pasted_login(ctx: FetchContext) -> CookieJar | None:
    """The pasted login, or what it has become since."""
    pasted = await ctx.sessions.pasted()
    if pasted is None:
        return None
    renewed = await renewed_paste(ctx, pasted.text)
    return pasted.jar if renewed is None else renewed.jar


async def imported_login(ctx: FetchContext, label: str = "") -> CookieJar | None:
    """The login of the browser profile with this label; without one the first there is."""
    if ctx.sessions.cookie_source == "auto":
        async for jar in new_logins(ctx):
            if label in ("", jar.label):
                return jar
    return None


def later(ours: CookieJar, imported: CookieJar | None) -> CookieJar:
    """The login that lasts longer; the browser's when nobody can tell."""
    if imported is None:
        return ours
    ends = ours.expires_at(SESSION_NAMES), imported.expires_at(SESSION_NAMES)
    is_ours = ends[0] is not None and ends[1] is not None and ends[0] > ends[1]
    return ours if is_ours else imported


# -- pings -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ping:
    """What the website said to a session."""

    outcome: Outcome
    url: str = ""
    set_cookies: tuple[str, ...] = ()


async def send_pings(ctx: FetchContext, jar: CookieJar) -> Ping:
    """Ask the three addresses that know a session, until one confirms it."""
    was_refused = False
    for url in PINGS:
        reply = await send_ping(ctx, jar, url)
        if reply is not None and confirms(reply):
            return Ping(Outcome.RENEWED, url, reply.all_headers("set-cookie"))
        was_refused |= reply is not None and reply.status == 401
    return Ping(Outcome.EXPIRED if was_refused else Outcome.NO_ANSWER)


async def send_ping(ctx: FetchContext, jar: CookieJar, url: str) -> Reply | None:
    """One answer; nothing when there was none."""
    cookie = jar.header(url)
    if cookie is None:
        return None
    headers = {"Origin": APP, "Referer": APP, "User-Agent": BROWSER_AGENT}
    try:
        return await ctx.http.send(
            "GET", url, cookie=cookie, headers=headers, timeout_s=PING_TIMEOUT_S, redirects="none"
        )
    except FetchError as error:
        ctx.log.debug("%s: %s", ctx.key, error.message)
        return None


def confirms(reply: Reply) -> bool:
    """Whether an answer knows a user; nulls mean that nobody is signed in."""
    if reply.status != 200:
        return False
    try:
        answer: dict[str, Any] = json_object(reply, SERVICE)
    except FetchError:
        return False
    return any(answer.get(name) is not None for name in SIGNS_OF_A_USER)


# -- what the user can do --------------------------------------------------------------------------


async def refresh_session(ctx: FetchContext) -> str:
    """Refresh the session now.

    Raises:
        FetchError: It could not be refreshed.
    """
    outcome = await renew(ctx, forced=True)
    session_of(ctx).stirred.set()
    match outcome:
        case Outcome.RENEWED:
            return "The session was refreshed."
        case Outcome.BUSY:
            return "The session is being refreshed already."
        case Outcome.NO_LOGIN:
            raise no_login(ctx)
        case Outcome.EXPIRED:
            raise SessionExpired
    raise NetworkError("Augment did not confirm the session.", hint="Try again later.")


async def log_in_again(ctx: FetchContext) -> str:
    """Send the user to the website and wait for the new login in a browser.

    Raises:
        Unsupported: The login is not looked for in browsers.
        SessionExpired: No new login came.
    """
    if ctx.sessions.cookie_source != "auto":
        raise Unsupported(
            "The login is not taken from a browser.",
            hint=f"Log in at {APP} and paste the new cookies.",
        )
    ctx.tell(f"Log out and back in at {APP}. The new login is looked for during two minutes.")
    tried = {_mark(jar) async for jar in new_logins(ctx)}
    for _ in range(LOOKS):
        await ctx.clock.sleep(LOOK_S)
        fresh = [jar async for jar in new_logins(ctx) if _mark(jar) not in tried]
        for jar in fresh:
            tried.add(_mark(jar))
            if await renew(ctx, jar=jar, forced=True) is Outcome.RENEWED:
                session_of(ctx).stirred.set()
                return "The new login was found."
    raise SessionExpired


def _mark(jar: CookieJar) -> Secret | None:
    """What is different after a login."""
    return jar.header(PINGS[0], only=SESSION_NAMES)
