"""OpenCode: a workspace of opencode.ai by browser login, or the Go plan by key.

A subscription has a 5-hour and a weekly window; without one, what counts is the money spent this
month and the prepaid balance.
"""

from __future__ import annotations

from tui.providers._spec import (
    CookieUse,
    Links,
    Mode,
    ProviderSpec,
    SecretField,
    Source,
    TextField,
)
from tui.providers.opencode.go import FOLDER, VARIABLE, detect, fetch_go
from tui.providers.opencode.history import add_history
from tui.providers.opencode.web import WORKSPACE_VARIABLES, add_balance, fetch_web

FUNCTIONS = "Changes with the site; only needed when it answers that the function is not found."

PROVIDER = ProviderSpec(
    id="opencode",
    name="OpenCode",
    hosts=("opencode.ai",),
    settings=(
        TextField(
            "workspace_id",
            "Workspace",
            env=WORKSPACE_VARIABLES,
            help="An id (wrk_…), or a text or address that contains it; without one the first.",
            placeholder="wrk_…",
        ),
        SecretField(
            "api_key",
            "Go key",
            env=(VARIABLE,),
            help="Key of the OpenCode Go plan.",
        ),
        TextField(
            "workspaces_function",
            "Workspaces function",
            default="def39973159c7f0483d8793a822b8dbb10d067e12c65455fcb4608459ba0234f",
            help=FUNCTIONS,
        ),
        TextField(
            "subscription_function",
            "Subscription function",
            default="7abeebee372f304e050aaaf92be863f4a86490e382f8c79db68fd94040d691b4",
            help=FUNCTIONS,
        ),
        TextField(
            "billing_function",
            "Billing function",
            default="c83b78a614689c38ebee981f9b39a8b377716db85c1fd7dbab604adc02d3313d",
            help=FUNCTIONS,
        ),
    ),
    cookies=CookieUse(
        domains=("opencode.ai", "app.opencode.ai"),
        browsers=("chrome", "dia", "chromium"),
        help="The Cookie header of the billing page, a cURL command, or the value of `auth`.",
    ),
    sources=(
        Source(
            id="web",
            label="Login of the website",
            fetch=fetch_web,
            extras=(add_balance,),
            extra_timeout_s=5.0,
        ),
        Source(id="api", label="Key of the Go plan", fetch=fetch_go, extras=(add_history,)),
    ),
    modes=(Mode("auto", ("web", "api")), Mode("web", ("web",)), Mode("api", ("api",))),
    roots=(FOLDER,),
    links=Links(dashboard="https://opencode.ai/auth", login="https://opencode.ai/auth"),
    # Up to three calls of 20 s.
    deadline_s=60.0,
    detect=detect,
)
