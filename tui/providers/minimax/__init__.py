"""MiniMax: the Token Plan (formerly Coding Plan) with its 5-hour and weekly lanes and points.

A plan key or a login of the website answers. Two regions are two products: keys, hosts and pages
of one are of no use for the other.
"""

from __future__ import annotations

from tui.providers._spec import (
    ChoiceField,
    CookieUse,
    FlagField,
    Links,
    Mode,
    ProviderSpec,
    SecretField,
    Source,
    UrlField,
)
from tui.providers.minimax.api import fetch_by_key
from tui.providers.minimax.cli_login import FOLDER, detect
from tui.providers.minimax.endpoints import (
    CHINA,
    DASHBOARDS,
    GLOBAL,
    HOSTS,
    SITES,
    STRICT,
    check_overrides,
)
from tui.providers.minimax.web import (
    COOKIE_VARIABLES,
    add_charges,
    add_subscription,
    fetch_web,
)

PROVIDER = ProviderSpec(
    id="minimax",
    name="MiniMax",
    aliases=("mini-max",),
    hosts=HOSTS,
    settings=(
        SecretField(
            "api_key",
            "API key",
            env=("MINIMAX_CODING_API_KEY", "MINIMAX_API_KEY"),
            help="A plan key (sk-cp-…). Standard keys (sk-api-…) cannot read a plan and are never "
            "sent. The login of the mmx CLI is used where there is no key.",
            placeholder="sk-cp-…",
        ),
        ChoiceField(
            "region",
            "Region",
            choices=((GLOBAL, "Global (minimax.io)"), (CHINA, "China (minimaxi.com)")),
            aliases={"cn": CHINA},
            env=("MINIMAX_REGION",),
            default=GLOBAL,
            help="A key that the global host refuses is also tried in China.",
        ),
        UrlField(
            "host",
            "Website host",
            env=("MINIMAX_HOST",),
            help="Instead of platform.minimax.io; a path is ignored.",
        ),
        UrlField(
            "coding_plan_url",
            "Page URL",
            env=("MINIMAX_CODING_PLAN_URL",),
            help="The complete address of the plan page.",
        ),
        UrlField(
            "remains_url",
            "Remains URL",
            env=("MINIMAX_REMAINS_URL",),
            help="The complete address of the website's quota call, the only one tried.",
        ),
        UrlField(
            "billing_history_url",
            "Billing URL",
            env=("MINIMAX_BILLING_HISTORY_URL",),
            help="The complete address of the billing history.",
        ),
        FlagField(
            STRICT,
            "Own hosts only",
            env=("MINIMAX_REQUIRE_PROVIDER_ENDPOINT_OVERRIDES",),
            help=f"Refuse addresses outside {' and '.join(SITES.values())}.",
        ),
    ),
    cookies=CookieUse(
        domains=tuple(SITES.values()),
        browsers=("safari", "chrome", "firefox", "*"),
        env=COOKIE_VARIABLES,
        help="A Cookie header or a cURL command of platform.minimax.io, or a bare token.",
    ),
    sources=(
        Source(id="api", label="API key", fetch=fetch_by_key),
        Source(
            id="web",
            label="Login of the website",
            fetch=fetch_web,
            extras=(add_subscription, add_charges),
            extra_timeout_s=30.0,
        ),
    ),
    modes=(Mode("auto", ("api", "web")), Mode("api", ("api",)), Mode("web", ("web",))),
    roots=(FOLDER,),
    links=Links(
        dashboard=DASHBOARDS[GLOBAL],
        keys=DASHBOARDS[GLOBAL],
        login="https://platform.minimax.io",
    ),
    deadline_s=90.0,
    detect=detect,
    check=check_overrides,
)
