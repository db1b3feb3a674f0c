"""An API key of the user: from the settings, the environment, or the Droid CLI's `.env` file."""

from __future__ import annotations

from dataclasses import replace

from tui.core.errors import FetchError, MissingCredentials, Unauthorized
from tui.core.models import ProviderSnapshot
from tui.core.redact import Secret
from tui.core.text import clean_value
from tui.providers._context import FetchContext, FoundSecret
from tui.providers.factory.parse import SERVICE
from tui.providers.factory.requests import fetch_by_bearer

VARIABLE = "FACTORY_API_KEY"
ENV_FILE = "~/.factory/.env"
KEYS_PAGE = "app.factory.ai/settings/api-keys"


async def fetch_by_key(ctx: FetchContext) -> ProviderSnapshot:
    """The numbers behind the API key."""
    found = await find_key(ctx)
    if found is None:
        raise MissingCredentials(
            "Droid API key missing.",
            hint=f"Set {VARIABLE}, put it in {ENV_FILE}, or add api_key to the config "
            f"(create one at {KEYS_PAGE}).",
        )
    try:
        snapshot = await fetch_by_bearer(ctx, found.value, is_key=True)
    except Unauthorized as error:
        raise Unauthorized(
            f"{SERVICE} rejected the API key.", hint=f"Create a new one at {KEYS_PAGE}."
        ) from error
    return replace(snapshot, source_id="api", origin=found.origin)


async def find_key(ctx: FetchContext) -> FoundSecret | None:
    """The first API key; a chosen account has no part in the file."""
    found = await ctx.secrets.find("api_key")
    if found is not None or ctx.key.account:
        return found
    try:
        content = await ctx.files.read_text(ctx.files.expand(ENV_FILE))
    except FetchError as error:
        ctx.log.info("%s: %s", ctx.key, error.message)
        return None
    key = key_in_env_file(content or "")
    return FoundSecret(Secret(key), f"from {ENV_FILE}") if key else None


def key_in_env_file(content: str) -> str:
    """The value of the first assignment of the key, cleaned; empty when there is none."""
    lines = (line.strip().removeprefix("export ") for line in content.splitlines())
    assignments = (line.partition("=") for line in lines if not line.startswith("#"))
    values = (
        clean_value(value)
        for name, equals, value in assignments
        if equals and name.strip() == VARIABLE
    )
    return next(values, "")
