"""Where Copilot is: on github.com, or on the host of an enterprise."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui.providers._context import FetchContext, Http
from tui.providers._parse import unsupported_setting

GITHUB = "github.com"
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
SETTING = "enterprise_host"


@dataclass(frozen=True, slots=True)
class Site:
    """A GitHub that people log in to."""

    host: str

    @property
    def api(self) -> str:
        """The address its programs talk to."""
        return f"https://api.{self.host}"

    @property
    def web(self) -> str:
        """The address of its pages."""
        return f"https://{self.host}"


def read_host(value: str) -> str:
    """The bare host of what was typed, in lower case: no scheme, no path, no `api.`."""
    bare = re.sub(r"^[a-z][a-z0-9+.-]*://", "", value.strip().lower())
    return bare.partition("/")[0].strip(". ").removeprefix("api.") or GITHUB


def site_of(ctx: FetchContext) -> Site:
    """The chosen GitHub."""
    return Site(read_host(ctx.settings.text(SETTING)))


def http_of(ctx: FetchContext, url: str) -> Http:
    """The network, with the host the user named."""
    return ctx.http.trusting(url)


def check_host(ctx: FetchContext) -> None:
    """Whether the enterprise's host can be one.

    Raises:
        Unsupported: It cannot.
    """
    if not HOST.fullmatch(site_of(ctx).host):
        raise unsupported_setting(ctx.settings.origin(SETTING), "a host name is wanted")
