"""The calls of the website with one login: page, remains, subscription, billing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from tui.core.errors import FetchError, NetworkError, ParseError, Unauthorized, most_telling
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.core.sessions import CookieJar
from tui.providers._context import FetchContext, HeaderValue
from tui.providers._cookies import BROWSER_AGENT
from tui.providers._parse import ensure_ok
from tui.providers.minimax.answers import (
    SERVICE,
    WEB_ERRORS,
    NotHere,
    read_answer,
    refused,
    send,
)
from tui.providers.minimax.billing import Charge, first_day, parse_charges
from tui.providers.minimax.endpoints import Website, counts_are_used, origin_of, without_query
from tui.providers.minimax.parse import Page, parse_page, parse_remains
from tui.providers.minimax.plan import Subscription, parse_subscription

PAGE_BYTES = 5 << 20
RECORDS_PER_PAGE = 100
MOST_PAGES = 40
PAGE_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
DATA_ACCEPT = "application/json, text/plain, */*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What one attempt is signed in with."""

    jar: CookieJar | None = None
    header: Secret | None = None
    """A pasted header, sent as it is instead of the jar's."""
    bearer: Secret | None = None
    group_id: Secret | None = None

    def cookie(self, url: str) -> Secret | None:
        """The Cookie header for an address."""
        if self.header is not None:
            return self.header
        return self.jar.header(url) if self.jar is not None else None


# -- the plan --------------------------------------------------------------------------------------


async def ask_page(ctx: FetchContext, site: Website, access: Access) -> Page | None:
    """What the page gives; nothing when it is not there or cannot be read.

    Raises:
        FetchError: The login is refused, or MiniMax has trouble.
    """
    reply = await _send(ctx, site, access, site.page, PAGE_ACCEPT)
    try:
        ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=WEB_ERRORS)
        return _read_page(ctx, site, reply)
    except (NotHere, ParseError) as error:
        ctx.log.debug("%s: the page says nothing (%s)", ctx.key, error.message)
        return None


def _read_page(ctx: FetchContext, site: Website, reply: Reply) -> Page:
    if "json" in reply.header("content-type").lower():
        return Page(_read_remains(ctx, reply, site.page), is_complete=True)
    return parse_page(reply.text, key=ctx.key, now=ctx.clock.now())


async def ask_remains(ctx: FetchContext, site: Website, access: Access) -> ProviderSnapshot:
    """The lanes from the first address that has them.

    Raises:
        FetchError: Refused, in trouble, or the most telling of all failures.
    """
    params = {"GroupId": access.group_id} if access.group_id is not None else None
    errors: list[FetchError] = []
    for url in site.remains:
        try:
            reply = await _send(ctx, site, access, url, DATA_ACCEPT, params=params)
            return _read_remains(ctx, reply, url)
        except (NotHere, NetworkError, ParseError) as error:
            errors.append(error)
    raise most_telling(errors)


def _read_remains(ctx: FetchContext, reply: Reply, url: str) -> ProviderSnapshot:
    now = ctx.clock.now()
    return parse_remains(
        read_answer(reply, now, WEB_ERRORS),
        key=ctx.key,
        now=now,
        source_id="web",
        counts_used=counts_are_used(url),
    )


async def _send(
    ctx: FetchContext,
    site: Website,
    access: Access,
    url: str,
    accept: str,
    *,
    params: dict[str, Secret] | None = None,
) -> Reply:
    from_script = {"X-Requested-With": "XMLHttpRequest"} if accept == DATA_ACCEPT else {}
    headers: dict[str, HeaderValue] = {
        "Accept": accept,
        "Accept-Language": "en-US,en;q=0.9",
        "User-Agent": BROWSER_AGENT,
        "Origin": site.origin,
        "Referer": without_query(site.page),
        **from_script,
    }
    return await send(
        ctx,
        url,
        bearer=access.bearer,
        cookie=access.cookie(url),
        headers=headers,
        params=params,
        max_bytes=PAGE_BYTES,
    )


# -- the subscription ------------------------------------------------------------------------------


async def ask_subscription(ctx: FetchContext, site: Website, access: Access) -> Subscription:
    """Plan name and dates; needs cookies and a group id."""
    assert access.group_id is not None
    reply = await send(
        ctx,
        site.plan,
        cookie=access.cookie(site.plan),
        headers={
            "Accept": DATA_ACCEPT,
            "Accept-Language": "zh-CN,zh;q=0.9",
            "User-Agent": BROWSER_AGENT,
            "Origin": site.origin,
            "Referer": f"{site.origin}/",
            "x-group-id": access.group_id,
        },
    )
    return parse_subscription(read_answer(reply, ctx.clock.now(), WEB_ERRORS))


# -- billing ---------------------------------------------------------------------------------------


async def ask_charges(
    ctx: FetchContext, site: Website, access: Access, bearers: Sequence[Secret | None]
) -> list[Charge]:
    """The charges of the last 30 days and maybe some before.

    Args:
        bearers: Tried in order: one that reads the plan may be stale here.
    """
    for bearer in bearers:
        try:
            return await _history(ctx, site, replace(access, bearer=bearer))
        except Unauthorized:
            continue
    raise refused()


async def _history(ctx: FetchContext, site: Website, access: Access) -> list[Charge]:
    since = first_day(ctx.clock.now().astimezone().date())
    charges: list[Charge] = []
    records = 0
    for page in range(1, MOST_PAGES + 1):
        found = parse_charges(await _ask_charges(ctx, site, access, page))
        charges += found.charges
        records += found.records
        is_all = found.total is not None and records >= found.total
        if not found.records or is_all or _is_before(found.oldest, since):
            break
    return charges


def _is_before(oldest: date | None, since: date) -> bool:
    return oldest is not None and oldest < since


async def _ask_charges(
    ctx: FetchContext, site: Website, access: Access, page: int
) -> dict[str, object]:
    origin = origin_of(site.billing)
    reply = await send(
        ctx,
        site.billing,
        bearer=access.bearer,
        cookie=access.cookie(site.billing),
        headers={
            "Accept": DATA_ACCEPT,
            "Accept-Language": "en-US,en;q=0.9",
            "User-Agent": BROWSER_AGENT,
            "Origin": origin,
            "Referer": f"{origin}/account",
            "X-Requested-With": "XMLHttpRequest",
        },
        params={"page": str(page), "limit": str(RECORDS_PER_PAGE), "aggregate": "false"},
    )
    return read_answer(reply, ctx.clock.now(), WEB_ERRORS)
