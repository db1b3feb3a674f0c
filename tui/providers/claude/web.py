"""Usage by the login of claude.ai: one cookie, which the website renews now and then.

Nothing but that cookie is sent. A newer value is kept beside the login it came from, so that a
pasted login lives as long as one in a browser.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from tui.core.errors import FetchError, MissingCredentials, ServerError, Unauthorized
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.core.sessions import CookieJar
from tui.providers._context import FetchContext
from tui.providers._cookies import SLOT, CookieLogin
from tui.providers._gate import politely
from tui.providers._parse import ErrorTable, ensure_ok, json_object, json_value
from tui.providers.claude.admin import leave_to_admin_key
from tui.providers.claude.logins import Kind, find_login, find_pasted
from tui.providers.claude.organizations import choose, parse_organizations
from tui.providers.claude.parse import (
    EXTRA,
    parse_account,
    parse_usage,
    prepaid_credits,
    spend_limit,
)

SERVICE = "claude.ai"
BASE = f"https://{SERVICE}/api"
COOKIE = "sessionKey"
SESSION = rf"(?:^|;\s*){COOKIE}=\"?(sk-ant-[^;\"\s]+)"
RENEWED = "renewed"
MARK_LENGTH = 16
TIMEOUT_S = 15.0
PREPAID_TIMEOUT_S = 2.0
SITE = "site"


# -- errors ----------------------------------------------------------------------------------------


def session_refused(reply: Reply) -> FetchError:
    """HTTP 401 and 403; a page instead of data is a check for robots."""
    if reply.status == 403 and reply.is_html:
        return ServerError(
            f"{SERVICE} wants to check that a person is asking (HTTP 403).",
            hint="Sign in with Claude Code instead, or open claude.ai in a browser and try later.",
        )
    return Unauthorized(
        f"{SERVICE} did not accept the session.", hint="Log in to claude.ai again, or paste anew."
    )


ERRORS: ErrorTable = {401: session_refused, 403: session_refused}


def no_session() -> MissingCredentials:
    """There is no login of the website."""
    return MissingCredentials(
        "No claude.ai login found.",
        hint="Log in to claude.ai in a browser, or paste its sessionKey cookie.",
    )


async def missing(ctx: FetchContext) -> MissingCredentials:
    """What to say without a login; in `auto` what is wrong with Claude Code's own comes first."""
    if ctx.mode == "auto":
        try:
            await find_login(ctx)
        except MissingCredentials as error:
            return error
    return no_session()


# -- which session ---------------------------------------------------------------------------------


def session_in(jar: CookieJar) -> Secret | None:
    """The session cookie, if it has the form of one."""
    header = jar.header(BASE, only={COOKIE})
    return header.search(SESSION) if header is not None else None


async def pasted_jar(ctx: FetchContext) -> CookieJar | None:
    """The cookies the user gave, in whichever field; a bare value is the session cookie.

    The field for headers counts when pasting was chosen.
    """
    is_manual = ctx.sessions.cookie_source == "manual"
    found = await find_pasted(
        ctx, Kind.COOKIE, ("cookie_header", "api_key") if is_manual else ("api_key",)
    )
    if found is None:
        return None
    pasted = ctx.sessions.read_paste(found.value)
    if pasted.jar is None:
        pasted = ctx.sessions.read_paste(found.value.within(f"{COOKIE}={{}}"))
    return pasted.jar


async def has_cookie(ctx: FetchContext) -> bool:
    """Whether a session was pasted, or one of a browser worked before."""
    if ctx.sessions.cookie_source == "off":
        return False
    jar = await pasted_jar(ctx) or await ctx.sessions.get_jar(SLOT)
    return jar is not None and session_in(jar) is not None


def may_look_into_browsers(ctx: FetchContext) -> bool:
    """A chosen account does so only when it was told to: the login there may be another's."""
    told = ctx.settings.is_set("browser") or ctx.settings.is_set("cookie_source")
    return ctx.sessions.cookie_source == "auto" and (not ctx.key.account or told)


async def fetch_web(ctx: FetchContext) -> ProviderSnapshot:
    """The windows of the chosen organization.

    Raises:
        FetchError: The refusal of the pasted, remembered or last login, or that there is none.
    """
    await leave_to_admin_key(ctx)
    if ctx.sessions.cookie_source == "off":
        raise await missing(ctx)
    pasted = await pasted_jar(ctx)
    if pasted is not None:
        if session_in(pasted) is None:
            raise MissingCredentials(
                f"The pasted text has no {COOKIE} cookie of claude.ai.",
                hint=f"Copy the value of {COOKIE}, which begins with sk-ant-.",
            )
        return await ask(ctx, pasted)
    if not may_look_into_browsers(ctx):
        raise await missing(ctx)
    return await _login(ctx, await missing(ctx)).fetch(ctx)


def _login(ctx: FetchContext, missing: MissingCredentials) -> CookieLogin[ProviderSnapshot]:
    return CookieLogin(
        attempt=lambda jar: ask(ctx, jar),
        qualifies=lambda jar: session_in(jar) is not None,
        missing=missing,
        not_in_paste=missing,
    )


# -- asking ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Site:
    """The website as one login sees it."""

    ctx: FetchContext
    session: Secret
    mark: str
    """Tells whose newer value is kept: that of this login."""
    organization_id: str = ""
    """The chosen one, once it is known."""

    async def get(self, path: str, *, timeout_s: float = TIMEOUT_S) -> Reply:
        """One answer; a renewed session is used from then on."""
        with politely(self.ctx, self.session, SERVICE):
            reply = await self.ctx.http.send(
                "GET",
                f"{BASE}/{path}",
                cookie=self.session.within(f"{COOKIE}={{}}"),
                timeout_s=timeout_s,
            )
            await self._keep_renewed(reply)
            return ensure_ok(reply, SERVICE, now=self.ctx.clock.now(), errors=ERRORS)

    async def of_organization(self, path: str, *, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        """An answer about the chosen organization."""
        organization_id = quote(self.organization_id, safe="")
        reply = await self.get(f"organizations/{organization_id}/{path}", timeout_s=timeout_s)
        return json_object(reply, SERVICE)

    async def _keep_renewed(self, reply: Reply) -> None:
        for header in reply.all_headers("set-cookie"):
            newer = Secret(header).search(SESSION)
            if newer is not None and newer != self.session:
                self.session = newer
                await self.ctx.sessions.put(RENEWED, newer, self.mark)


async def open_site(ctx: FetchContext, jar: CookieJar) -> Site:
    """The website with the newest value of a login."""
    session = session_in(jar)
    if session is None:
        raise no_session()
    mark = session.fingerprint()[:MARK_LENGTH]
    kept = await ctx.sessions.get(RENEWED)
    if kept is not None and kept.label == mark:
        session = kept.value
    return Site(ctx, session, mark)


async def ask(ctx: FetchContext, jar: CookieJar) -> ProviderSnapshot:
    """The windows a login leads to; a refused renewal is forgotten with it."""
    site = await open_site(ctx, jar)
    try:
        organizations = parse_organizations(json_value(await site.get("organizations"), SERVICE))
        chosen = choose(organizations, ctx.settings.text("organization_id"))
        site.organization_id = chosen.id
        answer = await site.of_organization("usage")
    except Unauthorized:
        await ctx.sessions.drop(RENEWED)
        raise
    snapshot = parse_usage(answer, key=ctx.key, now=ctx.clock.now(), source_id="web")
    identity = replace(snapshot.identity, organization=chosen.name)
    ctx.memory[SITE] = site
    return replace(snapshot, identity=identity, origin=jar.label)


# -- optional --------------------------------------------------------------------------------------


async def add_overage(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """The cap on what is spent beyond the plan, unless the usage answer had it."""
    if any(balance.id == EXTRA for balance in snapshot.balances):
        return snapshot
    answer = await _site(ctx).of_organization("overage_spend_limit")
    used, limit = answer.get("used_credits"), answer.get("monthly_credit_limit")
    found = spend_limit(answer, used=used, limit=limit, plan=snapshot.identity.plan)
    return snapshot if found is None else replace(snapshot, balances=(*snapshot.balances, found))


async def add_prepaid(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Credits that were bought in advance."""
    answer = await _site(ctx).of_organization("prepaid/credits", timeout_s=PREPAID_TIMEOUT_S)
    found = prepaid_credits(answer)
    return snapshot if found is None else replace(snapshot, balances=(*snapshot.balances, found))


async def add_account(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """E-mail and plan."""
    site = _site(ctx)
    answer = json_object(await site.get("account"), SERVICE)
    found = parse_account(answer, site.organization_id)
    organization = found.organization or snapshot.identity.organization
    return replace(snapshot, identity=replace(found, organization=organization))


def _site(ctx: FetchContext) -> Site:
    """The website as the source left it."""
    site: Site = ctx.memory[SITE]
    return site
