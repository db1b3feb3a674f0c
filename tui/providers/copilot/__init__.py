"""Copilot: monthly premium requests and chats of a GitHub seat, or the counters of the free tier.

The key, our own login by code, the editor plugins and `gh` are tried in this order; tokens that
lie in `GH_TOKEN` or `GITHUB_TOKEN` are meant for other things and stay untouched.
"""

from __future__ import annotations

from tui.providers._spec import (
    Action,
    Links,
    Mode,
    Program,
    ProviderSpec,
    SecretField,
    Source,
    TextField,
)
from tui.providers.copilot.device import log_in, log_out
from tui.providers.copilot.hosts import GITHUB, check_host
from tui.providers.copilot.logins import GH, GH_FILE, PLUGIN_FOLDER, PLUGIN_FOLDER_WINDOWS, detect
from tui.providers.copilot.sources import add_account, fetch_seat

PROVIDER = ProviderSpec(
    id="copilot",
    name="Copilot",
    hosts=(GITHUB, f"api.{GITHUB}"),
    settings=(
        SecretField(
            "api_key",
            "GitHub token",
            env=("COPILOT_API_TOKEN",),
            help="An OAuth token of an account with a Copilot seat; classic personal tokens are "
            "refused. Logging in with GitHub needs none.",
            placeholder="gho_…",
        ),
        TextField(
            "enterprise_host",
            "Enterprise host",
            help="Only for GitHub Enterprise; empty for github.com.",
            placeholder="octocorp.ghe.com",
        ),
    ),
    programs=(Program(name=GH, places=("~/.local/bin", "/opt/homebrew/bin", "/usr/local/bin")),),
    sources=(Source(id="api", label="GitHub login", fetch=fetch_seat, extras=(add_account,)),),
    modes=(Mode("auto", ("api",)), Mode("api", ("api",), label="GitHub login")),
    env=("GH_CONFIG_DIR",),
    roots=(PLUGIN_FOLDER, PLUGIN_FOLDER_WINDOWS, GH_FILE),
    links=Links(
        dashboard="https://github.com/settings/copilot",
        login="https://github.com/login/device",
        status="https://www.githubstatus.com",
    ),
    # A few logins of 15 s each, one after the other.
    deadline_s=60.0,
    detect=detect,
    check=check_host,
    actions=(
        Action(id="log_in", label="Log in with GitHub", run=log_in),
        Action(id="log_out", label="Forget the GitHub login", run=log_out),
    ),
)
