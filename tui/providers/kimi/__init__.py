"""Kimi Code: weekly and 5-hour quota of a coding plan, and the monthly pool of its membership.

An API key, the login of the Kimi CLI or a web login answers. Keys of the Moonshot platform and of
the relay kimi-k2.ai are other products, so `KIMI_API_KEY` is not read here.
"""

from __future__ import annotations

from tui.core.errors import ErrorKind
from tui.providers._spec import (
    ChoiceField,
    CookieUse,
    Links,
    Mode,
    ProviderSpec,
    SecretField,
    Source,
    UrlField,
)
from tui.providers.kimi.cli_login import FOLDER, HOST_VARIABLES, detect
from tui.providers.kimi.regions import CHINA, GLOBAL, REGIONS
from tui.providers.kimi.sources import (
    add_cli_profile,
    add_key_profile,
    add_membership,
    add_web_membership,
    add_web_plan,
    fetch_with_cli,
    fetch_with_key,
    fetch_with_web,
)
from tui.providers.kimi.web_login import BROWSERS, VARIABLES

ALL_BUT_SETTINGS = frozenset(ErrorKind) - {ErrorKind.UNSUPPORTED}
CONSOLE = REGIONS[CHINA].console

PROVIDER = ProviderSpec(
    id="kimi",
    name="Kimi",
    aliases=("kimi-ai",),
    hosts=("api.kimi.com", "www.kimi.com", "api.kimi.ai", "www.kimi.ai"),
    settings=(
        SecretField(
            "api_key",
            "API key",
            env=("KIMI_CODE_API_KEY",),
            help="A Kimi Code key from kimi.com/code/console. Keys of the Moonshot platform and "
            "of kimi-k2.ai do not work here.",
            placeholder="sk-kimi-…",
        ),
        ChoiceField(
            "region",
            "Region",
            choices=((CHINA, "kimi.com"), (GLOBAL, "International (kimi.ai)")),
            aliases={"cn": CHINA, "mainland-cn": CHINA, "international": GLOBAL},
            default=CHINA,
        ),
        UrlField(
            "base_url",
            "Base URL",
            env=("KIMI_CODE_BASE_URL",),
            bare_host=False,
            help="For the API key; wins over the region. The CLI login is never sent there.",
            placeholder="https://api.kimi.com/coding/v1",
        ),
    ),
    cookies=CookieUse(
        domains=tuple(domain for region in REGIONS.values() for domain in region.domains),
        browsers=BROWSERS,
        env=VARIABLES,
        help="The kimi-auth cookie: a Cookie header, a cURL command or the bare token.",
    ),
    sources=(
        Source(
            id="api",
            label="API key",
            fetch=fetch_with_key,
            extras=(add_membership, add_key_profile),
            continue_on=ALL_BUT_SETTINGS,
        ),
        Source(
            id="cli",
            label="Kimi CLI",
            fetch=fetch_with_cli,
            extras=(add_membership, add_cli_profile),
            continue_on=ALL_BUT_SETTINGS,
        ),
        Source(
            id="web",
            label="Web login",
            fetch=fetch_with_web,
            extras=(add_web_membership, add_web_plan),
        ),
    ),
    modes=(
        Mode("auto", ("api", "cli", "web")),
        Mode("api", ("api",)),
        Mode("cli", ("cli",)),
        Mode("web", ("web",)),
    ),
    env=("KIMI_CODE_HOME", *HOST_VARIABLES),
    roots=(FOLDER,),
    links=Links(dashboard=CONSOLE, keys=CONSOLE, login="https://www.kimi.com"),
    # Three sources of 15 s each, and what is added to the last.
    deadline_s=60.0,
    detect=detect,
)
