"""Gemini: daily shares of its model families, with the Google login of the Gemini CLI.

Accounts that Google moved to Antigravity are told so; API keys and Vertex AI have no usage data.
"""

from __future__ import annotations

from tui.providers._google import TOKEN_HOST
from tui.providers._spec import Links, Mode, Program, ProviderSpec, SecretField, Source, TextField
from tui.providers.gemini.client import PLACED, PROGRAM
from tui.providers.gemini.login import LOGIN_FILE, SETTINGS_FILE, detect
from tui.providers.gemini.sources import fetch_quota

PROVIDER = ProviderSpec(
    id="gemini",
    name="Gemini",
    hosts=(
        "cloudcode-pa.googleapis.com",
        "cloudresourcemanager.googleapis.com",
        TOKEN_HOST,
    ),
    settings=(
        TextField(
            "oauth_client_id",
            "OAuth client",
            env=("GEMINI_OAUTH_CLIENT_ID",),
            help="Renews the login where the Gemini CLI is not installed; the CLI's own client.",
        ),
        SecretField(
            "oauth_client_secret",
            "OAuth client secret",
            env=("GEMINI_OAUTH_CLIENT_SECRET",),
            optional=True,
        ),
    ),
    programs=(Program(name=PROGRAM, places=("~/.bun/bin", "/opt/homebrew/bin")),),
    sources=(Source(id="api", label="Gemini CLI login", fetch=fetch_quota),),
    modes=(Mode("auto", ("api",)), Mode("api", ("api",), label="Gemini CLI login")),
    mode_aliases={"oauth": "api"},
    env=(PLACED,),
    roots=(SETTINGS_FILE, LOGIN_FILE, f"${PLACED}"),
    links=Links(
        dashboard="https://gemini.google.com",
        status="https://www.google.com/appsstatus/dashboard/products/npdyhgECDJ6tB66MxXyo/history",
    ),
    # The token and three questions, 10 s each.
    deadline_s=45.0,
    detect=detect,
)
