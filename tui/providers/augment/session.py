"""What is known of the login in this run; the sources, the keepalive and the actions share it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from tui.core.sessions import CookieJar
from tui.providers._context import FetchContext

MEMORY = "session"


@dataclass(slots=True)
class WebSession:
    """The state of one account's web session, and of the program's login beside it."""

    is_used: bool = False
    """The numbers are sought on the website, not taken from the program."""
    program_is_signed_out: bool = False
    jar: CookieJar | None = None
    """The cookies that answered last."""
    is_expired: bool = False
    """The last answer was that the session has expired."""
    wants_renewal: bool = False
    """Somebody asks for a refresh beside the rhythm."""
    is_renewing: bool = False
    is_kept_alive: bool = False
    """A keepalive runs."""
    last_attempt_at: datetime | None = None
    last_success_at: datetime | None = None
    next_check_at: datetime | None = None
    failures: int = 0
    given_up: bool = False
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    """Something changed that the keepalive has to look at now."""

    def use(self, website: bool) -> None:
        """The numbers are sought on the website, or came from elsewhere."""
        if self.is_used is not website:
            self.is_used = website
            self.stirred.set()

    def answered(self, jar: CookieJar) -> None:
        """The website gave numbers."""
        self.jar = jar
        if self.is_expired:
            self.is_expired = False
            self.stirred.set()

    def expire(self) -> None:
        """The website says that the session has expired: one refresh, until it answers again."""
        self.wants_renewal |= not self.is_expired
        self.is_expired = True
        self.stirred.set()

    def begin(self, now: datetime, *, forced: bool) -> None:
        """A refresh of the session starts."""
        self.is_renewing = True
        self.last_attempt_at = now
        if forced:
            self.failures, self.given_up = 0, False

    def succeed(self, now: datetime) -> None:
        """The session was confirmed."""
        self.last_success_at = now
        self.failures, self.given_up = 0, False

    def fail(self, strikes: int) -> None:
        """The session was not confirmed; after so many times in a row it is given up."""
        self.failures += 1
        self.given_up = self.failures >= strikes


def session_of(ctx: FetchContext) -> WebSession:
    """The state that belongs to this account and its present settings."""
    session = ctx.memory.setdefault(MEMORY, WebSession())
    assert isinstance(session, WebSession)
    return session
