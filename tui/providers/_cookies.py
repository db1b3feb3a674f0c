"""Living on a browser login: the pasted one alone, or the remembered one, then every profile in
order.

A remembered login is used until the service refuses it; then it is forgotten and the browsers are
looked at once. What failed for another reason stays, and is reported (B§13.3).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tui.core.errors import ErrorKind, FetchError, MissingCredentials
from tui.core.sessions import CookieJar
from tui.providers._context import FetchContext

T = TypeVar("T")
SLOT = "cookies"
REFUSED = frozenset({ErrorKind.UNAUTHORIZED})
BARE_VALUE = r"\s*[^\s;:,='\"]{8,}={0,2}\s*"
"""A pasted value without the name of its cookie."""
BROWSER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/143.0.0.0 Safari/537.36"
)
"""For services that answer programs with a page for robots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieLogin(Generic[T]):
    """How one provider uses browser logins.

    Args:
        attempt: Fetches with the cookies of a jar.
        qualifies: Whether a jar can hold a login at all; others are passed over.
        missing: What to say when there is none.
        not_in_paste: What to say when the pasted text holds none.
        next_on: Failures after which the next browser profile is tried.
        forget_on: Failures after which the remembered login is forgotten.
        browsers: Instead of the declared order.
        bare_name: The cookie whose value may be pasted alone.
    """

    attempt: Callable[[CookieJar], Awaitable[T]]
    qualifies: Callable[[CookieJar], bool]
    missing: MissingCredentials
    not_in_paste: MissingCredentials
    next_on: frozenset[ErrorKind] = REFUSED
    forget_on: frozenset[ErrorKind] = REFUSED
    browsers: Sequence[str] = ()
    bare_name: str = ""

    async def fetch(self, ctx: FetchContext) -> T:
        """The answer of the first login that works.

        Raises:
            FetchError: The refusal of the remembered or last login, or that there is none.
        """
        match ctx.sessions.cookie_source:
            case "off":
                raise self.missing
            case "manual":
                return await self.attempt(await self.pasted(ctx))
        refused: FetchError | None = None
        remembered = await ctx.sessions.get_jar(SLOT)
        if remembered is not None:
            try:
                return await self.attempt(remembered)
            except FetchError as error:
                if error.kind not in self.forget_on | self.next_on:
                    raise
                if error.kind in self.forget_on:
                    await ctx.sessions.drop(SLOT, only=remembered.dump())
                refused = error
        return await self._from_browsers(ctx, refused)

    async def pasted(self, ctx: FetchContext) -> CookieJar:
        """The cookies of the pasted text.

        Raises:
            MissingCredentials: Nothing was pasted, or no login is in it.
        """
        pasted = await ctx.sessions.pasted()
        if pasted is None:
            raise self.missing
        if self.bare_name and pasted.text.matches(BARE_VALUE):
            pasted = ctx.sessions.read_paste(pasted.text.within(f"{self.bare_name}={{}}"))
        if pasted.jar is None or not self.qualifies(pasted.jar):
            raise self.not_in_paste
        return pasted.jar

    async def _from_browsers(self, ctx: FetchContext, original: FetchError | None) -> T:
        """What a browser login brings; when none works the original refusal counts (B§13.3)."""
        refused = original
        async for jar in ctx.browsers.cookies(browsers=self.browsers):
            if not self.qualifies(jar):
                ctx.log.debug(
                    "%s: no login in %s (%s)", ctx.key, jar.label, ", ".join(sorted(jar.names))
                )
                continue
            try:
                answer = await self.attempt(jar)
            except FetchError as error:
                if error.kind in self.next_on:
                    refused = refused or error
                    continue
                if original is None:
                    raise
                raise original from None
            await ctx.sessions.put(SLOT, jar.dump(), jar.label)
            return answer
        raise refused or self.missing
