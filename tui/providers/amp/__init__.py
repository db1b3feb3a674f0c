"""Amp: its free tier, monthly subscriptions and credits.

The program knows most and comes first, the access token knows the same; the settings page knows
the free tier of some accounts only.
"""

from __future__ import annotations

from tui.core.errors import ErrorKind
from tui.providers._spec import CookieUse, Links, Mode, Program, ProviderSpec, SecretField, Source
from tui.providers.amp.page import HOST
from tui.providers.amp.sources import (
    PROGRAM,
    TOKEN_FILE,
    WINDOWS_TOKEN_FILE,
    detect,
    fetch_api,
    fetch_cli,
    fetch_web,
)

ANY_FAILURE = frozenset(ErrorKind)

PROVIDER = ProviderSpec(
    id="amp",
    name="Amp",
    hosts=(HOST, f".{HOST}"),
    settings=(
        SecretField(
            "api_key",
            "Access token",
            env=("AMP_API_KEY",),
            help="From the settings page of Amp. Not needed when the amp CLI is signed in.",
            placeholder="sgamp_…",
        ),
    ),
    cookies=CookieUse(
        domains=(HOST, f"www.{HOST}"),
        browsers=("safari", "*chromium", "firefox", "*"),
        help="A Cookie header, a cURL command, or the bare value of the cookie session.",
    ),
    programs=(
        Program(
            name=PROGRAM,
            env="AMP_CLI_PATH",
            places=(
                "~/.local/bin/amp",
                "~/.amp/bin/amp",
                "/opt/homebrew/bin/amp",
                "/usr/local/bin/amp",
            ),
        ),
    ),
    roots=(TOKEN_FILE, WINDOWS_TOKEN_FILE),
    sources=(
        Source(
            id="cli",
            label="amp CLI",
            fetch=fetch_cli,
            continue_on=ANY_FAILURE,
            min_interval_s=900.0,
            starts_program=True,
        ),
        Source(id="api", label="Access token", fetch=fetch_api, continue_on=ANY_FAILURE),
        Source(id="web", label="Browser login", fetch=fetch_web, continue_on=ANY_FAILURE),
    ),
    modes=(
        Mode("auto", ("cli", "api", "web")),
        Mode("cli", ("cli",)),
        Mode("api", ("api",)),
        Mode("web", ("web",)),
    ),
    links=Links(
        dashboard=f"https://{HOST}/settings/usage",
        keys=f"https://{HOST}/settings",
        login=f"https://{HOST}/settings",
        status="https://ampcodestatus.com",
    ),
    # The program, a token or two and a page with redirects, one after the other.
    deadline_s=75.0,
    detect=detect,
)
