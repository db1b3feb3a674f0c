"""Asking z.ai: the key of the region, the quota, and what may be added to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from tui.core.errors import FetchError, MissingCredentials
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.core.text import clean_value
from tui.providers._context import FetchContext, FoundSecret
from tui.providers.zai.answers import read_answer
from tui.providers.zai.charts import DAYS, HOURS, Span, parse_usage, span_query
from tui.providers.zai.endpoints import CHINA, endpoints, is_china, with_query
from tui.providers.zai.parse import parse_balance, parse_quota

CHINA_VARIABLES = ("BIGMODEL_API_KEY", "ZHIPU_API_KEY", "ZHIPUAI_API_KEY", "GLM_API_KEY")
CHINA_FILES = (
    "~/.coding-relay/glm-api-key",
    "~/.config/bigmodel/api_key",
    "~/.config/zhipu/api_key",
)
TIMEOUT_S = 15.0
BALANCE_TIMEOUT_S = 5.0
MAX_BYTES = 5 << 20


# -- the key ---------------------------------------------------------------------------------------


async def find_key(ctx: FetchContext, region: str) -> FoundSecret:
    """The key for a region.

    Raises:
        MissingCredentials: There is none; the hint tells of a key that fits the other region only.
    """
    found = await ctx.secrets.find("api_key")
    if found is None and region == CHINA:
        found = await find_key_in_files(ctx)
    if found is None:
        raise MissingCredentials("z.ai API key not set.", hint=await _setup_hint(ctx, region))
    return found


async def _setup_hint(ctx: FetchContext, region: str) -> str:
    hint = "Add it in settings." if ctx.key.account else "Add it in settings or set Z_AI_API_KEY."
    if region != CHINA and await _has_china_key(ctx):
        hint += " A BigModel key is present; choose the China region to use it."
    return hint


async def _has_china_key(ctx: FetchContext) -> bool:
    in_variable = any(ctx.env.get(name) for name in CHINA_VARIABLES)
    return in_variable or await find_key_in_files(ctx) is not None


async def find_key_in_files(ctx: FetchContext) -> FoundSecret | None:
    """The first key of a file that belongs to China; a chosen account has none."""
    if ctx.key.account:
        return None
    for path in CHINA_FILES:
        if secret := await _key_in_file(ctx, path):
            return FoundSecret(secret, f"from {path}")
    return None


async def _key_in_file(ctx: FetchContext, path: str) -> Secret | None:
    """The first line that is not blank; an unreadable file counts as none."""
    try:
        content = await ctx.files.read_text(ctx.files.expand(path))
    except FetchError:
        return None
    key = next(filter(None, map(clean_value, (content or "").splitlines())), "")
    return Secret(key) if key else None


async def detect_key_in_files(ctx: FetchContext) -> str:
    """Names a file that counts because of the region; the field itself tells of the variables."""
    found = await find_key_in_files(ctx) if is_china(ctx.settings) else None
    return f"API key {found.origin}" if found else ""


# -- requests --------------------------------------------------------------------------------------


async def fetch_quota(ctx: FetchContext) -> ProviderSnapshot:
    """The quota: the one answer that must come."""
    target = endpoints(ctx.settings)
    key = await find_key(ctx, target.region)
    answer = await _ask(ctx, target.quota, key.value, headers=dict(target.team_headers))
    snapshot = parse_quota(answer, key=ctx.key, now=ctx.clock.now(), team=target.is_team)
    return replace(snapshot, origin=key.origin, dashboard_url=target.dashboard)


async def add_balance(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """The pay-as-you-go balance of a China account."""
    target = endpoints(ctx.settings)
    if not target.balance:
        return snapshot
    key = await find_key(ctx, target.region)
    answer = await _ask(ctx, target.balance, key.value, timeout_s=BALANCE_TIMEOUT_S)
    balance, rows = parse_balance(answer)
    balances = (balance,) if balance is not None else ()
    return replace(snapshot, balances=balances, details=snapshot.details + rows)


async def add_hours(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Tokens per hour."""
    return await _add_usage(ctx, snapshot, HOURS)


async def add_days(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """Tokens per day."""
    return await _add_usage(ctx, snapshot, DAYS)


async def _add_usage(ctx: FetchContext, snapshot: ProviderSnapshot, span: Span) -> ProviderSnapshot:
    target = endpoints(ctx.settings)
    key = await find_key(ctx, target.region)
    now = _local(ctx.clock.now())
    url = with_query(target.usage, span_query(span, now))
    answer = await _ask(ctx, url, key.value, headers=dict(target.team_headers))
    series, rows = parse_usage(answer, span, now)
    return replace(snapshot, series=snapshot.series + series, details=snapshot.details + rows)


async def _ask(
    ctx: FetchContext,
    url: str,
    key: Secret,
    *,
    headers: dict[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    reply = await ctx.http.send(
        "GET", url, bearer=key, headers=headers, timeout_s=timeout_s, max_bytes=MAX_BYTES
    )
    return read_answer(reply, ctx.clock.now())


def _local(moment: datetime) -> datetime:
    """Local time without a zone, as the service writes it."""
    return moment.astimezone().replace(tzinfo=None)
