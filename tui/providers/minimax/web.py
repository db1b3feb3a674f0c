"""The plan by a login of the website: what worked last, browsers, tokens alone, a pasted header.

For every login its bearer tokens are tried in order and at last none. What is refused or cannot
be read leads to the next; any other trouble would meet the next one too, so it stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from tui.core import jwt
from tui.core.errors import (
    FetchError,
    MissingCredentials,
    ParseError,
    Unauthorized,
    Unsupported,
    most_telling,
)
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.core.sessions import CookieJar
from tui.providers._context import FetchContext, FoundSecret
from tui.providers.minimax.answers import not_set_up, refused
from tui.providers.minimax.billing import with_charges
from tui.providers.minimax.calls import (
    Access,
    ask_charges,
    ask_page,
    ask_remains,
    ask_subscription,
)
from tui.providers.minimax.endpoints import CHINA, DASHBOARDS, Website, website
from tui.providers.minimax.local_logins import JWT, LONG, LocalLogins, group_in_claims
from tui.providers.minimax.parse import with_plan_of
from tui.providers.minimax.plan import with_subscription

COOKIE_VARIABLES = ("MINIMAX_COOKIE", "MINIMAX_COOKIE_HEADER")
SESSION_COOKIE = "HERTZ-SESSION"
GROUP_COOKIE = "minimax_group_id_v2"
PASTED_GROUPS = (r"x-group-id[\"']?\s*:\s*[\"']?(\d{4,})", rf"{GROUP_COOKIE}=(\d{{4,}})")
PASTED_GROUP_ANYWHERE = r"group_?id=(\d{4,})"
BARE_TOKEN = rf"\s*(?:{JWT}|[A-Za-z0-9._\-+/]{{{LONG},}}={{0,2}})\s*"
SUBSCRIPTION, CHARGES = "subscription", "charges"


# -- logins ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Cookies and tokens that belong together."""

    label: str
    jar: CookieJar | None = None
    header: Secret | None = None
    bearers: tuple[Secret, ...] = ()
    """Tokens that are known already, tried first."""
    group_id: Secret | None = None
    local: LocalLogins | None = None
    """Where more tokens of the same browser profile may lie."""
    is_found: bool = False
    """In a browser: worth remembering once it worked."""
    is_remembered: bool = False

    async def accesses(self, ctx: FetchContext) -> AsyncGenerator[Access, None]:
        """Every way to be signed in: with each token, with the session cookie as one, with none."""
        group_id, tried = self._group_id(), set[Secret]()
        for bearer in self.bearers:
            tried.add(bearer)
            yield self._access(bearer, group_id)
        local = await self.local.of(self.label) if self.local is not None else None
        group_id = group_id or (local.group_id if local is not None else None)
        session = self.jar.value(SESSION_COOKIE) if self.jar is not None else None
        for token in (*(local.tokens if local is not None else ()), session):
            if token is not None and token not in tried and not _is_over(ctx, token):
                tried.add(token)
                yield self._access(token, group_id)
        if self.jar is not None or self.header is not None:
            yield self._access(None, group_id)

    def _group_id(self) -> Secret | None:
        cookie = self.jar.value(GROUP_COOKIE) if self.jar is not None else None
        is_usable = cookie is not None and cookie.matches(r"\d{4,}")
        return self.group_id or (cookie if is_usable else None)

    def _access(self, bearer: Secret | None, group_id: Secret | None) -> Access:
        claimed = group_in_claims(bearer) if bearer is not None else None
        return Access(jar=self.jar, header=self.header, bearer=bearer, group_id=group_id or claimed)


def _is_over(ctx: FetchContext, token: Secret) -> bool:
    expires_at = jwt.expires_at(token)
    return expires_at is not None and expires_at <= ctx.clock.now()


# -- the source ------------------------------------------------------------------------------------


async def fetch_web(ctx: FetchContext) -> ProviderSnapshot:
    """The plan of the first login that is accepted."""
    site = website(ctx.settings)
    match ctx.sessions.cookie_source:
        case "off":
            raise not_set_up()
        case "manual":
            return await fetch_with(ctx, site, await pasted_login(ctx))
    return await _first_accepted(ctx, site)


async def _first_accepted(ctx: FetchContext, site: Website) -> ProviderSnapshot:
    errors: list[FetchError] = []
    async with aclosing(find_logins(ctx, site, errors)) as logins:
        async for login in logins:
            try:
                return await fetch_with(ctx, site, login)
            except (Unauthorized, ParseError) as error:
                errors.append(error)
                if login.is_remembered:
                    await forget(ctx, site, login)
    raise most_telling(errors) if errors else not_set_up()


async def find_logins(
    ctx: FetchContext, site: Website, errors: list[FetchError]
) -> AsyncGenerator[Login, None]:
    """The logins in the order they are tried, each looked for when it is its turn.

    Args:
        errors: Why browsers could not be read; the others are still tried.
    """
    local = LocalLogins(ctx, site.site)
    if (kept := await remembered(ctx, site, local)) is not None:
        yield kept
    profiles: set[str] = set()
    jars = ctx.browsers.cookies(domains=(site.site,))
    async for jar in _guarded(jars, errors):
        if any(jar.header(url) is not None for url in (site.page, *site.remains)):
            profiles.add(jar.label)
            yield Login(label=jar.label, jar=jar, local=local, is_found=True)
    for found in await local.beside(profiles):
        yield Login(label=found.label, bearers=found.tokens, group_id=found.group_id, is_found=True)
    if await ctx.sessions.pasted() is not None:
        try:
            yield await pasted_login(ctx)
        except MissingCredentials as error:
            errors.append(error)


async def _guarded(
    jars: AsyncIterator[CookieJar], errors: list[FetchError]
) -> AsyncIterator[CookieJar]:
    try:
        async for jar in jars:
            yield jar
    except (Unsupported, MissingCredentials) as error:
        errors.append(error)


async def pasted_login(ctx: FetchContext) -> Login:
    """What was pasted, or the first usable variable.

    Raises:
        MissingCredentials: Nothing, or nothing usable.
    """
    texts = await _pasted_texts(ctx)
    if not texts:
        raise not_set_up()
    login = next(filter(None, (_login_in(ctx, found) for found in texts)), None)
    if login is None:
        raise MissingCredentials(
            "That is no MiniMax cookie.",
            hint="Copy the Cookie request header from platform.minimax.io and paste it again.",
        )
    return login


async def _pasted_texts(ctx: FetchContext) -> list[FoundSecret]:
    """What counts, and the other variable where it is one."""
    found = await ctx.secrets.find("cookie_header")
    if found is None:
        return []
    first, second = COOKIE_VARIABLES
    spare = ctx.env.secret(second) if found.origin == f"from {first}" else None
    return [found] if spare is None else [found, FoundSecret(spare, f"from {second}")]


def _login_in(ctx: FetchContext, found: FoundSecret) -> Login | None:
    pasted = ctx.sessions.read_paste(found.value)
    label = found.origin if found.origin.startswith("from ") else "pasted"
    if pasted.text.matches(BARE_TOKEN):
        return Login(label=label, bearers=(pasted.text,))
    if pasted.header is None and pasted.bearer is None:
        return None
    groups = (pasted.text.search(form) for form in (*PASTED_GROUPS, PASTED_GROUP_ANYWHERE))
    return Login(
        label=label,
        jar=pasted.jar,
        header=pasted.header,
        bearers=() if pasted.bearer is None else (pasted.bearer,),
        group_id=next((group for group in groups if group is not None), None),
    )


# -- one login -------------------------------------------------------------------------------------


async def fetch_with(ctx: FetchContext, site: Website, login: Login) -> ProviderSnapshot:
    """The plan of a login.

    Raises:
        FetchError: The most telling refusal, or the trouble that stopped it.
    """
    errors: list[FetchError] = []
    async with aclosing(login.accesses(ctx)) as accesses:
        async for access in accesses:
            try:
                snapshot = await fetch_plan(ctx, site, access)
            except (Unauthorized, ParseError) as error:
                errors.append(error)
                continue
            await remember(ctx, site, login, access)
            start_extras(ctx, site, login, access)
            return replace(snapshot, origin=login.label, dashboard_url=DASHBOARDS[site.region])
    raise most_telling(errors) if errors else refused()


async def fetch_plan(ctx: FetchContext, site: Website, access: Access) -> ProviderSnapshot:
    """The page where that has lanes, else the remains; a coarse page is better than a failure.

    Raises:
        FetchError: Refused, or there is nothing to show.
    """
    has_cookie = access.cookie(site.page) is not None
    page = await ask_page(ctx, site, access) if has_cookie else None
    if page is not None and page.is_complete:
        return page.snapshot
    try:
        return with_plan_of(await ask_remains(ctx, site, access), page)
    except Unauthorized:
        raise
    except FetchError:
        if page is None:
            raise
        return page.snapshot


# -- what is remembered ----------------------------------------------------------------------------


def _slots(site: Website) -> tuple[str, str, str]:
    """Where cookies, token and group id of a region's website are kept."""
    return f"cookies.{site.site}", f"bearer.{site.site}", f"group.{site.site}"


async def remembered(ctx: FetchContext, site: Website, local: LocalLogins) -> Login | None:
    """The login that worked last."""
    cookies, bearer, group = _slots(site)
    jar, kept = await ctx.sessions.get_jar(cookies), await ctx.sessions.get(bearer)
    label = jar.label if jar is not None else kept.label if kept is not None else ""
    if not label:
        return None
    kept_group = await ctx.sessions.get(group)
    return Login(
        label=label,
        jar=jar,
        bearers=() if kept is None else (kept.value,),
        group_id=None if kept_group is None else kept_group.value,
        local=local,
        is_remembered=True,
    )


async def remember(ctx: FetchContext, site: Website, login: Login, access: Access) -> None:
    """Keep a login of a browser, and the token that made it work."""
    if not (login.is_found or login.is_remembered):
        return
    jar = access.jar.dump() if access.jar is not None else None
    for slot, value in zip(_slots(site), (jar, access.bearer, access.group_id), strict=True):
        kept = await ctx.sessions.get(slot)
        if value is None and kept is not None:
            await ctx.sessions.drop(slot)
        elif value is not None and (kept is None or kept.value != value):
            await ctx.sessions.put(slot, value, login.label)


async def forget(ctx: FetchContext, site: Website, login: Login) -> None:
    """Drop a login that is refused, unless another one took its place meanwhile."""
    jar = login.jar.dump() if login.jar is not None else None
    values = (jar, next(iter(login.bearers), None), login.group_id)
    for slot, value in zip(_slots(site), values, strict=True):
        if value is not None:
            await ctx.sessions.drop(slot, only=value)


# -- extras ----------------------------------------------------------------------------------------


def start_extras(ctx: FetchContext, site: Website, login: Login, access: Access) -> None:
    """Ask for what may be added, with the login that was accepted."""
    if not ctx.settings.flag("extras"):
        return
    if access.group_id is not None and access.cookie(site.plan) is not None:
        asked = ask_subscription(ctx, site, access)
        ctx.running[SUBSCRIPTION] = asyncio.create_task(asked)
    session = login.jar.value(SESSION_COOKIE) if login.jar is not None else None
    spare = [bearer for bearer in (access.bearer, session) if bearer is not None]
    bearers = [*dict.fromkeys(spare), *([None] if access.cookie(site.billing) else [])]
    ctx.running[CHARGES] = asyncio.create_task(ask_charges(ctx, site, access, bearers))


async def add_subscription(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """The plan's own name, its end and its renewal."""
    asked = ctx.running.get(SUBSCRIPTION)
    if asked is None:
        return snapshot
    return with_subscription(snapshot, await asked, ctx.clock.now())


async def add_charges(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Tokens per day, and what they went to."""
    asked = ctx.running.get(CHARGES)
    if asked is None:
        return snapshot
    today = ctx.clock.now().astimezone().date()
    currency = "CNY" if website(ctx.settings).region == CHINA else "USD"
    return with_charges(snapshot, await asked, today=today, currency=currency)
