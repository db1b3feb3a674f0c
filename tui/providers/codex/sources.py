"""Usage by a token of the Codex program, at the address its settings name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from tui.core.errors import FetchError, MissingCredentials, ServerError, Unauthorized
from tui.core.http import Reply
from tui.core.models import ProviderSnapshot
from tui.core.urls import host_of, https_url
from tui.providers._context import FetchContext
from tui.providers._gate import politely
from tui.providers._owner import installed_version
from tui.providers._parse import (
    ErrorTable,
    ensure_ok,
    json_object,
    text,
    unsupported_setting,
)
from tui.providers.codex.logins import (
    CONFIG_FILE,
    SIGN_IN,
    Login,
    check_fresh,
    find_logins,
    read_base_url,
)
from tui.providers.codex.parse import (
    SERVICE,
    Owner,
    parse_monthly_usage,
    parse_usage,
    reset_rows,
    wants_monthly_usage,
)

PROGRAM = "codex"
HOSTS = ("chatgpt.com", "chat.openai.com")
BACKEND = "/backend-api"
DEFAULT_BASE = f"https://{HOSTS[0]}{BACKEND}"
WHOAMI_URL = "https://auth.openai.com/api/accounts/v1/user-auth-credential/whoami"
USAGE_TIMEOUT_S = 30.0
WHOAMI_TIMEOUT_S = 15.0
EXTRA_TIMEOUT_S = 4.0
ORIGINATOR = "codex_cli_rs"
VERSION_OTHERWISE = "0.149.0"
CALL = "call"


# -- errors ----------------------------------------------------------------------------------------


def refused(reply: Reply) -> FetchError:
    """HTTP 401 and 403; a page instead of data is a check for robots."""
    if reply.status == 403 and reply.is_html:
        return ServerError("ChatGPT wants to check that a person is asking (HTTP 403).")
    return Unauthorized(f"{SERVICE} did not accept the login.", hint=SIGN_IN)


ERRORS: ErrorTable = {401: refused, 403: refused}


# -- where to ask ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Service:
    """The address of the service."""

    base: str

    @property
    def is_chatgpt(self) -> bool:
        """Whether it has the paths of ChatGPT, or those of a gateway."""
        return BACKEND in self.base

    @property
    def usage_url(self) -> str:
        """Where the limits are."""
        return f"{self.base}/wham/usage" if self.is_chatgpt else f"{self.base}/api/codex/usage"


def service_at(base: str) -> Service:
    """The service behind an address of the program's settings; the usual one when it is empty.

    Raises:
        Unsupported: A token may not be sent there.
    """
    if not base:
        return Service(DEFAULT_BASE)
    try:
        base = https_url(base, bare_host=False).rstrip("/")
    except ValueError as error:
        raise unsupported_setting(f"chatgpt_base_url in {CONFIG_FILE}", str(error)) from error
    if host_of(base) in HOSTS and BACKEND not in base:
        base += BACKEND
    return Service(base)


# -- asking ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """What the optional requests go on with."""

    service: Service
    login: Login
    wants_monthly_usage: bool


async def fetch_oauth(ctx: FetchContext) -> ProviderSnapshot:
    """The limits behind the program's key or tokens."""
    login = (await find_logins(ctx)).usual
    if login is None:
        raise MissingCredentials("Codex has an access token, but no tokens.", hint=SIGN_IN)
    check_fresh(ctx, login)
    return await _ask_usage(ctx, login, source_id="oauth")


async def fetch_personal(ctx: FetchContext) -> ProviderSnapshot:
    """The limits behind a personal access token."""
    login = (await find_logins(ctx)).personal
    if login is None:
        raise MissingCredentials("Codex has no personal access token.", hint=SIGN_IN)
    return await _ask_usage(ctx, await _introduced(ctx, login), source_id="api")


async def _introduced(ctx: FetchContext, login: Login) -> Login:
    """The token with the account it belongs to, without which figures may be of another one."""
    version = await installed_version(ctx, PROGRAM, otherwise=VERSION_OTHERWISE)
    headers = {"User-Agent": f"{ORIGINATOR}/{version}", "originator": ORIGINATOR}
    with politely(ctx, login.bearer, SERVICE):
        reply = await ctx.http.send(
            "GET", WHOAMI_URL, bearer=login.bearer, headers=headers, timeout_s=WHOAMI_TIMEOUT_S
        )
        ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS)
    answer = json_object(reply, SERVICE)
    account_id = text(answer.get("chatgpt_account_id"))
    return replace(login, account_id=account_id, owner=owner_of(answer))


def owner_of(answer: Mapping[str, Any]) -> Owner:
    """Who a personal access token belongs to."""
    return Owner(text(answer.get("email")), text(answer.get("chatgpt_plan_type")))


async def _ask_usage(ctx: FetchContext, login: Login, *, source_id: str) -> ProviderSnapshot:
    service = service_at(await read_base_url(ctx))
    with politely(ctx, login.bearer, SERVICE):
        reply = await _send(ctx, service, service.usage_url, login, timeout_s=USAGE_TIMEOUT_S)
        ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS)
    answer = json_object(reply, SERVICE)
    snapshot = parse_usage(
        answer, key=ctx.key, now=ctx.clock.now(), owner=login.owner, source_id=source_id
    )
    plan = text(answer.get("plan_type")) or login.owner.plan
    ctx.memory[CALL] = Call(service, login, wants_monthly_usage(answer, plan))
    return replace(snapshot, origin=login.origin)


async def _send(
    ctx: FetchContext,
    service: Service,
    url: str,
    login: Login,
    *,
    timeout_s: float,
    headers: dict[str, str] | None = None,
) -> Reply:
    account = {"ChatGPT-Account-Id": login.account_id} if login.account_id else {}
    return await ctx.http.trusting(service.base).send(
        "GET",
        url,
        bearer=login.bearer,
        headers={**account, **(headers or {})},
        timeout_s=timeout_s,
    )


# -- optional --------------------------------------------------------------------------------------


async def add_resets(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Saved limit resets, and when the first of them is lost."""
    call: Call = ctx.memory[CALL]
    if not call.service.is_chatgpt:
        return snapshot
    url = f"{call.service.base}/wham/rate-limit-reset-credits"
    headers = {"OpenAI-Beta": "codex-1", "originator": "Codex Desktop"}
    rows = reset_rows(await _extra(ctx, call, url, headers), ctx.clock.now())
    return replace(snapshot, details=(*snapshot.details, *rows))


async def add_monthly_usage(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """The limit of one person, where the workspace keeps it to itself."""
    call: Call = ctx.memory[CALL]
    account_id = call.login.account_id
    if not (call.service.is_chatgpt and call.wants_monthly_usage and account_id):
        return snapshot
    account = f"{call.service.base}/accounts/{quote(account_id, safe='')}"
    url = f"{account}/spend-controls/current-user/monthly-usage"
    found = parse_monthly_usage(await _extra(ctx, call, url, {}))
    return snapshot if found is None else replace(snapshot, balances=(*snapshot.balances, found))


async def _extra(
    ctx: FetchContext, call: Call, url: str, headers: dict[str, str]
) -> dict[str, Any]:
    reply = await _send(
        ctx, call.service, url, call.login, timeout_s=EXTRA_TIMEOUT_S, headers=headers
    )
    return json_object(ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS), SERVICE)
