"""Claude: the session, the week, weeks of single models and extra spend of a subscription.

Claude Code's login or the login of claude.ai answers; with an admin key it is what an
organization spends instead.
"""

from __future__ import annotations

from tui.providers._spec import (
    CookieUse,
    FlagField,
    Links,
    Mode,
    Program,
    ProviderSpec,
    SecretField,
    Source,
    TextField,
)
from tui.providers.claude.admin import add_tokens, fetch_costs
from tui.providers.claude.logins import FOLDER, ROOTS, SECURE_FOLDER, USER, VARIABLES, detect
from tui.providers.claude.oauth import add_account, fetch_oauth
from tui.providers.claude.screen import PROGRAM, fetch_cli
from tui.providers.claude.web import (
    add_account as add_web_account,
)
from tui.providers.claude.web import (
    add_overage,
    add_prepaid,
    fetch_web,
)

CLI_INTERVAL_S = 900.0

PROVIDER = ProviderSpec(
    id="claude",
    name="Claude",
    hosts=("api.anthropic.com", "claude.ai"),
    settings=(
        SecretField(
            "api_key",
            "Admin key",
            env=("ANTHROPIC_ADMIN_KEY", "ANTHROPIC_ADMIN_API_KEY"),
            help="Shows what an organization spends, instead of the limits of a subscription.",
            placeholder="sk-ant-admin…",
        ),
        TextField(
            "organization_id",
            "Organization ID",
            help="For a claude.ai login with several organizations.",
        ),
        FlagField(
            "read_keychain",
            "Read the keychain",
            help="macOS: Claude Code's entry, when you refresh by hand. The system may ask.",
        ),
    ),
    cookies=CookieUse(
        domains=("claude.ai",),
        help="The sessionKey cookie of claude.ai: a Cookie header, a cURL command or the bare "
        "value. A token sk-ant-oat… is understood too.",
    ),
    programs=(Program(name=PROGRAM, places=("~/.claude/local", "~/.local/bin")),),
    sources=(
        Source(id="api", label="Admin key", fetch=fetch_costs, extras=(add_tokens,)),
        Source(id="oauth", label="Claude Code login", fetch=fetch_oauth, extras=(add_account,)),
        Source(
            id="web",
            label="claude.ai login",
            fetch=fetch_web,
            extras=(add_overage, add_prepaid, add_web_account),
        ),
        Source(
            id="cli",
            label="Claude Code's screen",
            fetch=fetch_cli,
            min_interval_s=CLI_INTERVAL_S,
            starts_program=True,
        ),
    ),
    modes=(
        Mode("auto", ("api", "oauth", "web")),
        Mode("oauth", ("oauth",)),
        Mode("web", ("web",)),
        Mode("cli", ("cli",)),
        Mode("api", ("api",)),
    ),
    env=(
        SECURE_FOLDER,
        FOLDER,
        USER,
        *(name for pair in VARIABLES.items() for name in pair),
    ),
    roots=ROOTS,
    links=Links(
        dashboard="https://claude.ai/settings/usage",
        keys="https://console.anthropic.com/settings/admin-keys",
        login="https://claude.ai/login",
        status="https://status.claude.com",
    ),
    # Usage may take 30 s, then claude.ai two times 15 s, then what is added to it.
    deadline_s=90.0,
    detect=detect,
    costs="direct",
    codexbar={"workspace_id": "organization_id"},
)
