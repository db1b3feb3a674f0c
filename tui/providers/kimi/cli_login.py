"""The login of the official Kimi CLI, read and never touched.

Its access token lives for minutes and is renewed by the CLI alone: a second program that spends
the refresh token signs the user out there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from tui.core.errors import FetchError, MissingCredentials, Unauthorized, Unsupported
from tui.core.redact import Secret
from tui.providers._context import FetchContext
from tui.providers._parse import mapping, number, text, timestamp
from tui.providers.kimi.regions import REGIONS, Region, region_of

FOLDER = "${KIMI_CODE_HOME:-~/.kimi-code}/credentials"
HOST_VARIABLES = ("KIMI_CODE_OAUTH_HOST", "KIMI_OAUTH_HOST")
LATEST_EPOCH_S = 10_000_000_000
"""A larger number counts milliseconds."""
SPARE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class CliLogin:
    """A login that is signed in, whether it works now or not."""

    access_token: Secret
    """May be empty."""
    expires_at: datetime | None

    def is_usable(self, now: datetime) -> bool:
        """Whether the token will be accepted for another minute."""
        is_fresh = self.expires_at is not None and self.expires_at - now > SPARE
        return bool(self.access_token) and is_fresh


def parse_login(content: str) -> CliLogin | None:
    """The login in the CLI's file; `None` when nobody is signed in there."""
    try:
        data = mapping(json.loads(content))
    except (ValueError, RecursionError):
        return None
    access = text(data.get("access_token"))
    if not access and not text(data.get("refresh_token")):
        return None
    return CliLogin(Secret(access), _expiry(number(data.get("expires_at"))))


def _expiry(epoch: float | None) -> datetime | None:
    if epoch is None:
        return None
    return timestamp(epoch / 1000 if epoch > LATEST_EPOCH_S else epoch)


async def find_login(ctx: FetchContext) -> tuple[Secret, Region]:
    """The CLI's access token and the service it belongs to.

    Raises:
        MissingCredentials: The CLI is not signed in, or its login may not be used here.
        Unauthorized: The CLI has not renewed its login.
    """
    if (reason := _why_ignored(ctx)) is not None:
        raise reason
    found = [(await read_login(ctx, region), region) for region in _regions(ctx)]
    signed_in = [(login, region) for login, region in found if login is not None]
    if not signed_in:
        raise MissingCredentials(
            "The Kimi CLI is not signed in.", hint="Sign in with the Kimi CLI."
        )
    for login, region in signed_in:
        if login.is_usable(ctx.clock.now()):
            return login.access_token, region
    raise Unauthorized(
        "Kimi CLI login has expired.", hint="Run the Kimi CLI once or set KIMI_CODE_API_KEY."
    )


def _why_ignored(ctx: FetchContext) -> MissingCredentials | None:
    """The token goes to its own service only, so another address rules it out."""
    overrides = [name for name in HOST_VARIABLES if ctx.env.get(name)]
    if ctx.settings.is_set("base_url"):
        overrides.append(ctx.settings.origin("base_url"))
    if overrides:
        return MissingCredentials(
            f"The Kimi CLI login is not used while {overrides[0]} is set.",
            hint=f"Unset {overrides[0]}, or save an API key.",
        )
    if ctx.key.account:
        return MissingCredentials(
            "The Kimi CLI login belongs to no named account.", hint="Save an API key for it."
        )
    return None


def _regions(ctx: FetchContext) -> tuple[Region, ...]:
    """The chosen service; without a choice the CLI's own one counts too."""
    chosen = region_of(ctx)
    if ctx.settings.is_set("region"):
        return (chosen,)
    return (chosen, *(region for region in REGIONS.values() if region is not chosen))


async def read_login(ctx: FetchContext, region: Region) -> CliLogin | None:
    """The CLI's login to one service.

    Raises:
        Unsupported: The file is there and may not be read.
    """
    file = ctx.files.expand(FOLDER) / region.cli_file
    try:
        return parse_login(await ctx.files.read_text(file) or "")
    except Unsupported as error:
        error.try_next = True
        raise


async def detect(ctx: FetchContext) -> str:
    """Whether the CLI is signed in, fresh or not."""
    try:
        await find_login(ctx)
    except Unauthorized:
        pass
    except FetchError:
        return ""
    return "Kimi CLI login"
