"""What goes along with a request, and what to leave out when Factory calls a part of it stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tui.core.redact import Secret
from tui.core.sessions import CookieJar

APP = "https://app.factory.ai"
AUTH = "https://auth.factory.ai"
API = "https://api.factory.ai"
ACCESS_TOKEN = "access-token"

AUTH_SESSION = (
    "__Secure-next-auth.session-token",
    "next-auth.session-token",
    "__Secure-authjs.session-token",
    "authjs.session-token",
)
CSRF = "__Host-authjs.csrf-token"
QUALIFYING = frozenset({"wos-session", CSRF, "session", ACCESS_TOKEN, *AUTH_SESSION})
"""A profile without any of these is not logged in."""

TOKENS = frozenset({ACCESS_TOKEN, "__recent_auth"})
SESSIONS = frozenset({"session", "wos-session"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Cookies, a bearer token, or both."""

    jar: CookieJar | None = None
    bearer: Secret | None = None
    only: frozenset[str] | None = None
    """Cookies that are sent; all when missing."""
    without: frozenset[str] = frozenset()

    def cookie(self, url: str) -> Secret | None:
        """The Cookie header for an address."""
        if self.jar is None:
            return None
        return self.jar.header(url, only=self.only, without=self.without)

    def reaches(self, url: str) -> bool:
        """Whether anything of it may go to an address."""
        return self.bearer is not None or self.cookie(url) is not None


def bearer_of(
    jar: CookieJar, *, only: frozenset[str] | None = None, without: frozenset[str] = frozenset()
) -> Secret | None:
    """The bearer token among the cookies: the best that looks like one, else an opaque one."""

    def value(name: str) -> Secret | None:
        is_sent = name not in without and (only is None or name in only)
        return jar.value(name) if is_sent else None

    access = value(ACCESS_TOKEN)
    auth_session = next(filter(None, map(value, AUTH_SESSION)), None)
    for token in (access, auth_session, value("session")):
        if token is not None and token.search(r"\.", 0):
            return token
    return access or auth_session


def bases_for(jar: CookieJar) -> tuple[str, ...]:
    """Where the cookies of a browser work: those of the auth host only there."""
    first = (AUTH,) if "auth.factory.ai" in jar.domains else ()
    return (*first, API, APP)


def with_less(jar: CookieJar) -> Iterator[Login]:
    """The login with fewer and fewer of the cookies that may be stale."""
    for without in (TOKENS, SESSIONS, TOKENS | SESSIONS):
        if jar.names & without:
            yield Login(jar=jar, bearer=bearer_of(jar, without=without), without=without)
    only = frozenset({*AUTH_SESSION, CSRF})
    if jar.names & only and jar.names - only:
        yield Login(jar=jar, bearer=bearer_of(jar, only=only), only=only)
