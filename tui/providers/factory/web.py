"""The nine steps to a login of the website: what we keep, then what browsers keep.

Strictly one after the other, each looked at only when the one before failed: later steps may
raise a browser's question or spend a token. Only what failed is forgotten, and nothing read from
a browser replaces what we keep before it has worked.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias, TypeVar

from tui.core import jwt
from tui.core.errors import ErrorKind, FetchError, MissingCredentials, Unsupported, most_telling
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.core.sessions import CookieJar, LocalStorage, Pasted, StoredSession
from tui.providers._context import FetchContext
from tui.providers.factory.kept import (
    BEARER,
    COOKIES,
    HEADER,
    import_codexbar,
    is_expired,
    keep_cookies,
    load_cookies,
)
from tui.providers.factory.login import (
    ACCESS_TOKEN,
    API,
    APP,
    AUTH,
    QUALIFYING,
    bases_for,
    bearer_of,
)
from tui.providers.factory.requests import (
    NotLoggedIn,
    fetch_by_bearer,
    fetch_by_cookies,
    first_answer,
    no_session,
)
from tui.providers.factory.workos import (
    COOKIE_DOMAIN,
    mint_from_browser,
    mint_from_cookies,
    mint_from_kept,
)

T = TypeVar("T")
Step: TypeAlias = Callable[[], Awaitable[ProviderSnapshot | None]]
"""Gives nothing when there was nothing to try."""

ORIGINS = (APP, AUTH)
ACCESS_KEY = "workos:access-token"
REFRESH_KEY = "workos:refresh-token"
PASTE_BASES = (APP, AUTH, API)
SAFARI = ("safari",)
OTHERS = ("chrome", "*chromium", "*firefox")
"""Safari never asks for a key, so the others come last."""
BARE_TOKEN = r"\s*([^=;\s]{40,}|[^=;\s.]+(?:\.[^=;\s.]+){2})\s*"


async def fetch_web(ctx: FetchContext) -> ProviderSnapshot:
    """The numbers of a login of the website."""
    match ctx.sessions.cookie_source:
        case "off":
            raise no_session()
        case "manual":
            return await fetch_pasted(ctx)
    return await NineSteps(ctx).answer()


# -- pasted ----------------------------------------------------------------------------------------


async def fetch_pasted(ctx: FetchContext) -> ProviderSnapshot:
    """The numbers of the pasted login, and of no other."""
    pasted = await ctx.sessions.pasted()
    if pasted is None:
        raise no_session()
    bearer = pasted_bearer(pasted)
    if pasted.jar is None and bearer is None:
        raise MissingCredentials(
            "That does not look like a Factory cookie or token.",
            hint="Copy the Cookie request header from app.factory.ai.",
        )
    attempts: list[Callable[[], Awaitable[ProviderSnapshot]]] = []
    if pasted.jar is not None:
        attempts.append(partial(fetch_by_cookies, ctx, pasted.jar, bearer, PASTE_BASES))
    if bearer is not None:
        attempts.append(partial(fetch_by_bearer, ctx, bearer))
    return replace(await first_answer(attempts), origin="pasted")


def pasted_bearer(pasted: Pasted) -> Secret | None:
    """The token of a paste: behind the word `Bearer`, as a cookie, or the whole text."""
    if pasted.bearer is not None:
        return pasted.bearer
    if pasted.jar is not None and (token := pasted.jar.value(ACCESS_TOKEN)):
        return token
    return pasted.text.search(f"^{BARE_TOKEN}$")


# -- nine steps ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocalTokens:
    """What the website keeps in the local storage of a browser."""

    refresh: Secret
    access: Secret | None
    label: str


def tokens_in(store: LocalStorage) -> list[LocalTokens]:
    """The logins of a profile; other sites use the same names, so the origin counts."""
    return [
        LocalTokens(refresh, store.items.get((origin, ACCESS_KEY)), store.label)
        for origin in ORIGINS
        if (refresh := store.items.get((origin, REFRESH_KEY)))
    ]


@dataclass(frozen=True, slots=True)
class NineSteps:
    """One walk through the steps."""

    ctx: FetchContext
    errors: list[FetchError] = field(default_factory=list)

    async def answer(self) -> ProviderSnapshot:
        """What the first step that works gives.

        Raises:
            FetchError: The most useful failure, or that there was nothing to try.
        """
        await import_codexbar(self.ctx)
        async with aclosing(self.steps()) as steps:
            async for step in steps:
                try:
                    snapshot = await step()
                except MissingCredentials:
                    continue
                except FetchError as error:
                    self.errors.append(error)
                    continue
                if snapshot is not None:
                    return snapshot
        raise most_telling(self.errors) if self.errors else no_session()

    async def steps(self) -> AsyncGenerator[Step, None]:
        """The steps in order; a later one is looked for only when it is its turn."""
        yield self.kept_header
        yield self.kept_cookies
        yield self.kept_bearer
        yield self.kept_refresh_token
        browsers = self.ctx.browsers
        stores = browsers.local_storage(ORIGINS, browsers=(*SAFARI, *OTHERS))
        async for store in self._guarded(stores):
            for tokens in tokens_in(store):
                yield partial(self.local_storage, tokens)
        for group in self._browser_groups():
            async for jar in self._guarded(browsers.cookies(browsers=group)):
                if jar.names & QUALIFYING:
                    yield partial(self.browser_cookies, jar)
            workos = browsers.cookies(domains=(COOKIE_DOMAIN,), browsers=group)
            async for jar in self._guarded(workos):
                yield partial(self.workos_cookies, jar)

    def _browser_groups(self) -> tuple[Sequence[str], ...]:
        """Safari before the others, unless the user chose one browser for all steps."""
        is_chosen = self.ctx.settings.text("browser").strip().lower() != "auto"
        return ((),) if is_chosen else (SAFARI, OTHERS)

    async def _guarded(self, found: AsyncIterator[T]) -> AsyncIterator[T]:
        """What browsers give; that they cannot be read is one failure among others."""
        try:
            async for item in found:
                yield item
        except Unsupported as error:
            self.errors.append(
                Unsupported(
                    f"Browser cookies cannot be read here: {error.message}",
                    hint="Use FACTORY_API_KEY or paste a Cookie header.",
                )
            )
        except FetchError as error:
            self.errors.append(error)

    # -- what we keep --------------------------------------------------------------------------

    async def kept_header(self) -> ProviderSnapshot | None:
        """1: the cookies of the last success."""
        found = await load_cookies(self.ctx, HEADER)
        if found is None:
            return None
        kept, jar = found
        snapshot = fetch_by_cookies(self.ctx, jar, jar.value(ACCESS_TOKEN), PASTE_BASES)
        return await self._or_forget(HEADER, kept, snapshot)

    async def kept_cookies(self) -> ProviderSnapshot | None:
        """2: the cookies of the stored session."""
        found = await load_cookies(self.ctx, COOKIES)
        if found is None:
            return None
        kept, jar = found
        snapshot = fetch_by_cookies(self.ctx, jar, bearer_of(jar), bases_for(jar))
        return await self._or_forget(COOKIES, kept, snapshot)

    async def _or_forget(
        self, slot: str, kept: StoredSession, snapshot: Awaitable[ProviderSnapshot]
    ) -> ProviderSnapshot:
        try:
            return replace(await snapshot, origin=kept.label)
        except NotLoggedIn:
            await self.ctx.sessions.drop(slot, only=kept.value)
            raise

    async def kept_bearer(self) -> ProviderSnapshot | None:
        """3: the stored access token, unless it says itself that it is over."""
        kept = await self.ctx.sessions.get(BEARER)
        if kept is None or is_expired(self.ctx, kept.value):
            return None
        return await self._by_bearer(kept.value, kept.label)

    async def kept_refresh_token(self) -> ProviderSnapshot | None:
        """4: a new access token from the stored refresh token."""
        minted = await mint_from_kept(self.ctx)
        return await self._by_bearer(*minted) if minted is not None else None

    async def _by_bearer(self, bearer: Secret, label: str) -> ProviderSnapshot:
        return replace(await fetch_by_bearer(self.ctx, bearer), origin=label)

    # -- what browsers keep --------------------------------------------------------------------

    async def local_storage(self, tokens: LocalTokens) -> ProviderSnapshot:
        """5: the access token of a browser, or a new one from its refresh token."""
        access = tokens.access
        if access is not None and not is_expired(self.ctx, access):
            try:
                snapshot = await self._by_bearer(access, tokens.label)
            except FetchError as error:
                if error.kind in SPARES_THE_TOKEN:
                    raise
                self.errors.append(error)
            else:
                await self.ctx.sessions.put(BEARER, access, tokens.label)
                return snapshot
        organization = jwt.text_claim(access, "org_id") if access is not None else ""
        minted = await mint_from_browser(
            self.ctx, tokens.refresh, organization=organization, label=tokens.label
        )
        return await self._by_bearer(minted, tokens.label)

    async def browser_cookies(self, jar: CookieJar) -> ProviderSnapshot:
        """6 and 8: the cookies of a profile."""
        snapshot = await fetch_by_cookies(self.ctx, jar, bearer_of(jar), bases_for(jar))
        await keep_cookies(self.ctx, jar)
        return replace(snapshot, origin=jar.label)

    async def workos_cookies(self, jar: CookieJar) -> ProviderSnapshot | None:
        """7 and 9: a new access token from the WorkOS cookies of a profile."""
        minted = await mint_from_cookies(self.ctx, jar)
        return await self._by_bearer(minted, jar.label) if minted is not None else None


SPARES_THE_TOKEN = frozenset({ErrorKind.NETWORK, ErrorKind.RATE_LIMITED, ErrorKind.SERVER})
"""Troubles a new access token would not help against; the browser's refresh token is spared."""
