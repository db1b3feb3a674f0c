"""Droid (Factory): rolling pools or a billing period of tokens, by API key or login.

Accounts come in two generations with different numbers; logins come from an API key, the Droid
CLI, or the website as browsers keep it.
"""

from __future__ import annotations

from tui.core.errors import ErrorKind
from tui.providers._context import FetchContext
from tui.providers._spec import CookieUse, Links, Mode, ProviderSpec, SecretField, Source
from tui.providers.factory.api_key import ENV_FILE, VARIABLE, fetch_by_key, find_key
from tui.providers.factory.cli_login import FOLDER, fetch_by_cli_login, find_login_file
from tui.providers.factory.history import add_history
from tui.providers.factory.kept import CODEXBAR, CODEXBAR_FILE
from tui.providers.factory.web import OTHERS, SAFARI, fetch_web
from tui.providers.factory.workos import HOST as WORKOS

ANY_FAILURE = frozenset(ErrorKind)


async def detect(ctx: FetchContext) -> str:
    """Names a key or login in a file; the key field itself tells of the other places."""
    if ctx.key.account:
        return ""
    key = await find_key(ctx)
    if key is not None and key.origin.endswith(ENV_FILE):
        return f"API key {key.origin}"
    if (file := await find_login_file(ctx)) is not None:
        return f"login of the Droid CLI in {file.path.name}"
    codexbar = await ctx.files.stat(ctx.files.expand(CODEXBAR_FILE))
    return f"login of {CODEXBAR}" if codexbar is not None else ""


PROVIDER = ProviderSpec(
    id="factory",
    name="Droid",
    aliases=("droid",),
    hosts=("app.factory.ai", "auth.factory.ai", "api.factory.ai", WORKOS),
    settings=(
        SecretField(
            "api_key",
            "API key",
            env=(VARIABLE,),
            help="Works on every system; from app.factory.ai/settings/api-keys.",
            placeholder="fk-…",
        ),
    ),
    cookies=CookieUse(
        domains=("factory.ai", "app.factory.ai", "auth.factory.ai"),
        browsers=(*SAFARI, *OTHERS),
        help="A Cookie or Authorization header of app.factory.ai, a cURL command, or a bare token.",
    ),
    sources=(
        Source(
            id="api",
            label="API key",
            fetch=fetch_by_key,
            extras=(add_history,),
            continue_on=ANY_FAILURE,
        ),
        Source(
            id="cli",
            label="Login of the Droid CLI",
            fetch=fetch_by_cli_login,
            extras=(add_history,),
            continue_on=ANY_FAILURE,
        ),
        Source(id="web", label="Login of the website", fetch=fetch_web, extras=(add_history,)),
    ),
    modes=(Mode("auto", ("api", "cli", "web")), Mode("api", ("api",)), Mode("web", ("web",))),
    mode_aliases={"cli": "auto"},
    env=("FACTORY_HOME_OVERRIDE",),
    roots=(FOLDER, ENV_FILE, CODEXBAR_FILE),
    links=Links(
        dashboard="https://app.factory.ai/settings/billing",
        keys="https://app.factory.ai/settings/api-keys",
        login="https://app.factory.ai",
        status="https://status.factory.ai",
    ),
    # Several hosts and logins of 15 s each.
    deadline_s=90.0,
    detect=detect,
)
