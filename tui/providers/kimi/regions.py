"""The two services, kimi.com and kimi.ai, and the address an override makes of its base.

Accounts, keys, logins and cookies belong to one of them and never go to the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from tui.providers._context import FetchContext

CHINA = "china"
GLOBAL = "global"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where one service lives."""

    id: str
    api_base: str
    web: str
    domains: tuple[str, ...]
    """Whose cookies are the web login."""
    cli_file: str
    """Where the vendor's CLI keeps its login to this service, below its credentials."""

    @property
    def console(self) -> str:
        """The page for people."""
        return f"{self.web}/code/console"


REGIONS = {
    CHINA: Region(
        id=CHINA,
        api_base="https://api.kimi.com/coding/v1",
        web="https://www.kimi.com",
        domains=("www.kimi.com", "kimi.com"),
        cli_file="kimi-code.json",
    ),
    GLOBAL: Region(
        id=GLOBAL,
        api_base="https://api.kimi.ai/coding/v1",
        web="https://www.kimi.ai",
        domains=("www.kimi.ai", "kimi.ai"),
        # The CLI names it by a hash of the service's addresses.
        cli_file="kimi-code-env-0e4f99c69cc27850.json",
    ),
}
BASE_ENDINGS = (("/coding/v1", ""), ("/coding", "/v1"), ("", "/coding/v1"))
"""How the path of a base ends, and what it still lacks."""


def region_of(ctx: FetchContext) -> Region:
    """The chosen service."""
    return REGIONS[ctx.settings.text("region")]


def api_base(ctx: FetchContext) -> str:
    """The base the user gave, else that of the chosen service."""
    return ctx.settings.text("base_url") or region_of(ctx).api_base


def endpoint(base: str, name: str) -> str:
    """The address of a call below a base, which may name less than the whole path."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    lacks = next(rest for ending, rest in BASE_ENDINGS if path.endswith(ending))
    return urlunsplit(parts._replace(path=f"{path}{lacks}/{name}"))
