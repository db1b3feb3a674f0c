"""Codex: session, week, limits of single models and credits of a ChatGPT plan.

The login of the Codex program answers; the program itself is asked only where its file does not
help, and what it noted in its last run stands in where nobody can be asked.
"""

from __future__ import annotations

from tui.providers._spec import (
    SHOW_COSTS,
    FlagField,
    Links,
    Mode,
    PathField,
    Program,
    ProviderSpec,
    Source,
)
from tui.providers.codex.app_server import fetch_cli
from tui.providers.codex.last_run import find_last_run
from tui.providers.codex.logins import ROOTS, detect
from tui.providers.codex.sources import (
    EXTRA_TIMEOUT_S,
    HOSTS,
    PROGRAM,
    add_monthly_usage,
    add_resets,
    fetch_oauth,
    fetch_personal,
)

EXTRAS = (add_resets, add_monthly_usage)
CLI_INTERVAL_S = 900.0

PROVIDER = ProviderSpec(
    id="codex",
    name="Codex",
    hosts=(*HOSTS, "auth.openai.com"),
    settings=(
        PathField(
            "home",
            "Codex folder",
            env=("CODEX_HOME",),
            help="Where auth.json lies. Several accounts have one folder each.",
            placeholder="~/.codex",
        ),
        FlagField(
            "other_logins",
            "Other programs' logins",
            help="Without an own login also look at ~/.config/codex and OpenCode.",
        ),
        FlagField(
            SHOW_COSTS,
            "Local costs",
            help="Estimated from the session logs on this machine; may differ from your bill.",
        ),
    ),
    programs=(Program(name=PROGRAM),),
    sources=(
        Source(
            id="api",
            label="Personal access token",
            fetch=fetch_personal,
            extras=EXTRAS,
            extra_timeout_s=EXTRA_TIMEOUT_S,
        ),
        Source(
            id="oauth",
            label="Codex login",
            fetch=fetch_oauth,
            extras=EXTRAS,
            extra_timeout_s=EXTRA_TIMEOUT_S,
        ),
        Source(
            id="cli",
            label="Codex program",
            fetch=fetch_cli,
            min_interval_s=CLI_INTERVAL_S,
            starts_program=True,
        ),
    ),
    modes=(
        Mode("auto", ("api", "oauth", "cli")),
        Mode("oauth", ("oauth",)),
        Mode("api", ("api",)),
        Mode("cli", ("cli",)),
    ),
    roots=ROOTS,
    links=Links(
        dashboard="https://chatgpt.com/codex/settings/usage",
        login="https://chatgpt.com",
        status="https://status.openai.com",
    ),
    # A token has to introduce itself (15 s) before the usage (30 s); the program may come after.
    deadline_s=90.0,
    detect=detect,
    last_known=find_last_run,
    costs="rollouts",
    costs_home="home",
)
