"""OpenCode Go, a subscription with an API of its own, by key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tui.core.errors import (
    FetchError,
    MissingCredentials,
    NetworkError,
    ParseError,
    Unauthorized,
    Unsupported,
)
from tui.core.http import Reply
from tui.core.models import (
    MONTH_MINUTES,
    SESSION_MINUTES,
    WEEK_MINUTES,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.redact import Secret
from tui.core.text import clean_value
from tui.providers._context import FetchContext, FoundSecret
from tui.providers._parse import (
    ErrorTable,
    at,
    clamp_percent,
    ensure_ok,
    first_text,
    json_object,
    number,
    text,
    timestamp,
    unreached,
)
from tui.providers.opencode.server import BASE, SERVICE, TIMEOUT_S
from tui.providers.opencode.web import why_no_session

URL = f"{BASE}/zen/go/v1/usage"
VARIABLE = "OPENCODE_API_KEY"
FOLDER = "${XDG_DATA_HOME:-~/.local/share}/opencode"
AUTH_FILE = f"{FOLDER}/auth.json"
WINDOWS = (
    ("rolling", "session", "5-hour", SESSION_MINUTES),
    ("weekly", "weekly", "Weekly", WEEK_MINUTES),
    ("monthly", "monthly", "Monthly", MONTH_MINUTES),
)


def parse_go(answer: Mapping[str, Any], *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """The three windows of the Go plan.

    Raises:
        ParseError: None of them has a percentage.
    """
    windows = [
        UsageWindow(
            id=id,
            label=label,
            used_percent=clamp_percent(percent),
            window_minutes=minutes,
            resets_at=timestamp(at(answer, f"usage.{name}.resetsAt")),
        )
        for name, id, label, minutes in WINDOWS
        if (percent := number(at(answer, f"usage.{name}.percent"))) is not None
    ]
    if not windows:
        raise ParseError(f"{SERVICE} answered without usage fields.")
    return ProviderSnapshot(
        key=key,
        source_id="api",
        fetched_at=now,
        windows=tuple(windows),
        identity=Identity(organization=text(answer.get("workspaceID")), plan="OpenCode Go"),
    )


# -- the key ---------------------------------------------------------------------------------------


async def find_key(ctx: FetchContext) -> FoundSecret | None:
    """The first key of the Go plan; a chosen account has no part in the file."""
    found = await ctx.secrets.find("api_key")
    if found is not None or ctx.key.account:
        return found
    try:
        content = await ctx.files.read_text(ctx.files.expand(AUTH_FILE))
    except FetchError as error:
        ctx.log.info("%s: %s", ctx.key, error.message)
        return None
    key = key_in_auth_file(content or "")
    return FoundSecret(Secret(key), "from opencode's auth.json") if key else None


def key_in_auth_file(content: str) -> str:
    """What `opencode auth login` kept for the Go plan."""
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    return clean_value(first_text(data, "opencode-go.key"))


async def detect(ctx: FetchContext) -> str:
    """Names a key in the file; the field itself tells of the other places."""
    found = await find_key(ctx)
    return f"Go key {found.origin}" if found is not None and "auth.json" in found.origin else ""


# -- asking ----------------------------------------------------------------------------------------


async def fetch_go(ctx: FetchContext) -> ProviderSnapshot:
    """The windows of the Go plan."""
    found = await find_key(ctx)
    if found is None and ctx.mode != "api":
        raise await why_no_session(ctx)
    if found is None:
        raise MissingCredentials(
            "No key of OpenCode Go found.", hint=f"Set {VARIABLE}, or add api_key in settings."
        )
    try:
        reply = await ctx.http.send("GET", URL, bearer=found.value, timeout_s=TIMEOUT_S)
    except NetworkError as error:
        raise unreached(SERVICE, error) from error
    ensure_ok(reply, SERVICE, now=ctx.clock.now(), errors=ERRORS)
    answer = json_object(reply, SERVICE)
    return replace(parse_go(answer, key=ctx.key, now=ctx.clock.now()), origin=found.origin)


def _rejected(reply: Reply) -> FetchError:
    return Unauthorized(
        f"{SERVICE} rejected the key.", hint="Create a new one at opencode.ai/auth."
    )


def _forbidden(reply: Reply) -> FetchError:
    if "EntitlementError" in reply.text:
        return Unsupported(
            "The key works, but there is no OpenCode Go subscription.",
            hint="Subscribe to Go, or use the website's login for other plans.",
        )
    return _rejected(reply)


ERRORS: ErrorTable = {401: _rejected, 403: _forbidden}
