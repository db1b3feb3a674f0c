"""Asking Cloud Monitoring for the quotas of a project: usage and limits at once, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from tui.core.errors import (
    FetchError,
    NetworkError,
    RateLimited,
    ServerError,
    Unauthorized,
    Unsupported,
)
from tui.core.http import Reply
from tui.core.models import Identity, ProviderSnapshot
from tui.core.text import short_message
from tui.providers._context import FetchContext
from tui.providers._google import Token
from tui.providers._parse import at, ensure_ok, first_text, items, json_object
from tui.providers.vertexai.credentials import (
    SIGN_IN,
    Found,
    ServiceAccount,
    load_credentials,
)
from tui.providers.vertexai.project import active_configuration, find_project
from tui.providers.vertexai.quota import (
    Pair,
    Series,
    allocation_pairs,
    parse_page,
    quota_snapshot,
    rate_pairs,
    with_rates,
)
from tui.providers.vertexai.tokens import email_of, kept_token, new_token

SERVICE = "Cloud Monitoring"
API = "https://monitoring.googleapis.com/v3/projects"
TIMEOUT_S = 30.0
MAX_BYTES = 8 << 20
MOST_PAGES = 20
RATES = "rates"


@dataclass(frozen=True, slots=True)
class Query:
    """One kind of series."""

    metric_type: str
    back: timedelta
    period_s: int
    aligner: str


QUOTA = "serviceruntime.googleapis.com/quota"
USAGE = Query(f"{QUOTA}/allocation/usage", timedelta(hours=24), 3600, "ALIGN_MAX")
# Limits are sampled rarely.
LIMITS = Query(f"{QUOTA}/limit", timedelta(hours=26), 3600, "ALIGN_MAX")
PER_MINUTE = Query(f"{QUOTA}/rate/net_usage", timedelta(hours=1), 60, "ALIGN_SUM")


class TokenRefused(Unauthorized):
    """HTTP 401: another token may do."""


class ProjectRefused(Unauthorized):
    """HTTP 403: the login may not let a project pay for the call."""


async def fetch_quota(ctx: FetchContext) -> ProviderSnapshot:
    """The fullest quotas of the project."""
    found = await load_credentials(ctx)
    configuration = await active_configuration(ctx)
    project = await find_project(ctx, found.login, configuration)
    reader, usage, limits = await read_quotas(ctx, found, project)
    if ctx.settings.flag("extras"):
        ctx.running[RATES] = asyncio.create_task(read_rates(reader, limits))
    is_service = isinstance(found.login, ServiceAccount)
    identity = Identity(
        account=email_of(found.login, reader.token, configuration),
        organization=project,
        login_method="service account" if is_service else "gcloud",
    )
    pairs = allocation_pairs(usage, limits)
    shown = quota_snapshot(pairs, identity, key=ctx.key, now=ctx.clock.now())
    return replace(shown, origin=found.origin)


async def read_quotas(
    ctx: FetchContext, found: Found, project: str
) -> tuple[Reader, Sequence[Series], Sequence[Series]]:
    """Usage and limits; a kept token that is refused is replaced once."""
    token = await kept_token(ctx, found)
    if token is not None:
        try:
            return await Reader(ctx, found, project, token).both()
        except TokenRefused:
            ctx.log.debug("%s: the kept token was refused", ctx.key)
    return await Reader(ctx, found, project, await new_token(ctx, found)).both()


async def read_rates(reader: Reader, limits: Sequence[Series]) -> list[Pair]:
    """The quotas per minute."""
    return rate_pairs(await reader.series(PER_MINUTE), limits)


async def add_rates(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Quotas of requests and tokens per minute, where a project has such."""
    running = ctx.running.get(RATES)
    return with_rates(snapshot, await running) if running is not None else snapshot


# -- reading ---------------------------------------------------------------------------------------


class Reader:
    """Reads series of one project with one token.

    Args:
        found: Its login decides which project pays for the call.
    """

    def __init__(self, ctx: FetchContext, found: Found, project: str, token: Token) -> None:
        self.token = token
        self._ctx = ctx
        self._project = project
        is_service = isinstance(found.login, ServiceAccount)
        self._payer = "" if is_service else found.login.quota_project or project

    async def both(self) -> tuple[Reader, Sequence[Series], Sequence[Series]]:
        """Usage and limits at once."""
        reading = [asyncio.create_task(self.series(query)) for query in (USAGE, LIMITS)]
        try:
            usage, limits = await asyncio.gather(*reading)
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
        return self, usage, limits

    async def series(self, query: Query) -> Sequence[Series]:
        """All pages of a query; a token that comes twice ends them."""
        found: list[Series] = []
        seen = {""}
        token = ""
        for _ in range(MOST_PAGES):
            answer = await self._page(query, token)
            page, token = parse_page(answer, query.metric_type)
            found += page
            if token in seen:
                break
            seen.add(token)
        return found

    async def _page(self, query: Query, page_token: str) -> dict[str, Any]:
        try:
            return await self._ask(query, page_token, self._payer)
        except ProjectRefused:
            # The login may not name a payer: without one the call is its own project's.
            self._payer = ""
            return await self._ask(query, page_token, "")

    async def _ask(self, query: Query, page_token: str, payer: str) -> dict[str, Any]:
        now = self._ctx.clock.now()
        try:
            reply = await self._ctx.http.send(
                "GET",
                f"{API}/{quote(self._project, safe='')}/timeSeries",
                bearer=self.token.value,
                headers={"x-goog-user-project": payer} if payer else {},
                params=parameters(query, now) | ({"pageToken": page_token} if page_token else {}),
                timeout_s=TIMEOUT_S,
                max_bytes=MAX_BYTES,
                redirects="none",
            )
        except NetworkError as error:
            raise NetworkError("Cannot reach Google.", hint=error.hint) from error
        if reply.status not in {200, *range(300, 400)}:
            raise refusal(reply, self._project, payer, now)
        return json_object(ensure_ok(reply, SERVICE, now=now), SERVICE)


def parameters(query: Query, now: datetime) -> dict[str, str]:
    """The parameters of a query up to now."""
    return {
        "filter": f'metric.type="{query.metric_type}" '
        'AND resource.type="consumer_quota" '
        'AND resource.label.service="aiplatform.googleapis.com"',
        "interval.startTime": rfc3339(now - query.back),
        "interval.endTime": rfc3339(now),
        "aggregation.alignmentPeriod": f"{query.period_s}s",
        "aggregation.perSeriesAligner": query.aligner,
        "view": "FULL",
    }


def rfc3339(moment: datetime) -> str:
    """`2026-11-20T12:00:00Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


# -- refusals --------------------------------------------------------------------------------------


def refusal(reply: Reply, project: str, payer: str, now: datetime) -> FetchError:
    """What an error answer means; of its words only the first line is told.

    Args:
        payer: The project that was to pay for the call.
    """
    status = reply.status
    error = error_in(reply)
    if status == 401:
        return TokenRefused("Google sign-in expired or was revoked.", hint=SIGN_IN)
    if status == 403:
        return forbidden(error, project, payer)
    if status == 404:
        return ServerError(f"Project {project} was not found.", hint="Check its id.")
    if status == 429:
        wait_s = reply.retry_after_s(now)
        return RateLimited("Monitoring quota used up; retry later.", retry_after_s=wait_s)
    if status >= 500:
        return ServerError(f"{SERVICE} answered HTTP {status}.")
    words = " ".join(filter(None, (first_text(error, "status"), first_line(error))))
    return ServerError(f"{SERVICE} answered HTTP {status}{f': {words}' if words else '.'}")


def forbidden(error: Any, project: str, payer: str) -> FetchError:
    """HTTP 403: the interface is off, a payer is not allowed, or the role is missing."""
    reasons = {first_text(detail, "reason") for detail in items(at(error, "details"))}
    if "SERVICE_DISABLED" in reasons:
        return Unsupported(
            f"The Cloud Monitoring API is off in {payer or project}.",
            hint="Enable it: `gcloud services enable monitoring.googleapis.com`.",
        )
    if payer and ("USER_PROJECT_DENIED" in reasons or "serviceusage" in first_line(error)):
        return ProjectRefused(f"Access denied for project {payer}.")
    return Unauthorized(
        f"Access denied for project {project}: Monitoring Viewer role needed.",
        hint="Have roles/monitoring.viewer granted to this account.",
    )


def error_in(reply: Reply) -> Any:
    """The error of an answer, if it has one."""
    try:
        return json_object(reply, SERVICE).get("error")
    except FetchError:
        return None


def first_line(error: Any) -> str:
    """The first line of the message, short and without secrets."""
    return short_message(first_text(error, "message").partition("\n")[0])
