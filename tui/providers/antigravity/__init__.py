"""Antigravity: pools and models as its own language server, `agy` or Google's service report them.

Everything it needs lies on this machine; Google is asked only by who stored a login or chose an
account.
"""

from __future__ import annotations

from tui.core.errors import ErrorKind
from tui.providers._google import TOKEN_HOST
from tui.providers._spec import Links, Mode, Program, ProviderSpec, SecretField, Source, TextField
from tui.providers.antigravity.local import fetch_app, fetch_ide
from tui.providers.antigravity.login import TOKEN_FILES, detect
from tui.providers.antigravity.program import PROGRAM, fetch_report
from tui.providers.antigravity.remote import HOST, fetch_oauth

ANY_FAILURE = frozenset(ErrorKind)
LOCAL = ("app", "agy", "ide")

PROVIDER = ProviderSpec(
    id="antigravity",
    name="Antigravity",
    short_name="Anti",
    hosts=(HOST, TOKEN_HOST),
    settings=(
        TextField(
            "account",
            "Account",
            help="The e-mail address to insist on; answers for another account are refused.",
            placeholder="mira@example.org",
        ),
        SecretField(
            "oauth_credentials",
            "Google login",
            env=("QUOTADECK_ANTIGRAVITY_OAUTH",),
            help="JSON with access_token or refresh_token; asked when nothing runs here.",
            placeholder="{…}",
        ),
        TextField(
            "oauth_client_id",
            "OAuth client",
            env=("ANTIGRAVITY_OAUTH_CLIENT_ID",),
            help="Renews the Google login; the client that Antigravity itself has.",
        ),
        SecretField(
            "oauth_client_secret",
            "OAuth client secret",
            env=("ANTIGRAVITY_OAUTH_CLIENT_SECRET",),
            optional=True,
        ),
    ),
    programs=(
        Program(
            name=PROGRAM,
            env="ANTIGRAVITY_CLI_PATH",
            places=(
                "~/.local/bin",
                "/opt/homebrew/bin",
                "/usr/local/bin",
                "%LOCALAPPDATA%\\agy\\bin",
            ),
        ),
    ),
    sources=(
        Source(
            id="app",
            label="Running app",
            kind="local",
            fetch=fetch_app,
            continue_on=ANY_FAILURE,
        ),
        Source(
            id="agy",
            label="Report of agy",
            kind="cli",
            fetch=fetch_report,
            continue_on=ANY_FAILURE,
            min_interval_s=900.0,
            starts_program=True,
        ),
        Source(
            id="ide",
            label="Running IDE",
            kind="local",
            fetch=fetch_ide,
            continue_on=ANY_FAILURE,
        ),
        Source(id="oauth", label="Google login", fetch=fetch_oauth),
    ),
    modes=(
        Mode("auto", (*LOCAL, "oauth")),
        Mode("local", LOCAL, label="This machine"),
        Mode("oauth", ("oauth",), label="Google login"),
    ),
    roots=TOKEN_FILES,
    links=Links(
        status="https://www.google.com/appsstatus/dashboard/products/npdyhgECDJ6tB66MxXyo/history",
    ),
    # The language servers 8 s, `agy` 5 and 95 s, the login and three questions 10 s each.
    deadline_s=150.0,
    detect=detect,
)
