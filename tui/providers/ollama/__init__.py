"""Ollama Cloud: session and weekly use of one account, from the settings page of a browser login.

There is no call for the quota. An API key can only be checked.
"""

from __future__ import annotations

from tui.core.errors import ErrorKind
from tui.providers._spec import (
    CookieUse,
    Links,
    Mode,
    ProviderSpec,
    SecretField,
    Source,
    UrlField,
)
from tui.providers.ollama.session import HOST, SETTINGS_URL
from tui.providers.ollama.sources import KEYS_PAGE, check_key, fetch_with_session

PROVIDER = ProviderSpec(
    id="ollama",
    name="Ollama",
    hosts=(f".{HOST}",),
    settings=(
        SecretField(
            "api_key",
            "API key",
            env=("OLLAMA_API_KEY", "OLLAMA_KEY"),
            help="From ollama.com/settings/keys. It proves access; quotas need a browser login.",
        ),
        UrlField(
            "base_url",
            "Base URL",
            loopback_http=True,
            help="Where the API key is checked; the settings page is always ollama.com.",
            placeholder=f"https://{HOST}",
        ),
    ),
    cookies=CookieUse(
        domains=(HOST, f"www.{HOST}"),
        browsers=("chrome", "*"),
        help="The session of ollama.com: a Cookie header, a cURL command or the bare value.",
    ),
    sources=(
        Source(
            id="web",
            label="Settings page",
            fetch=fetch_with_session,
            continue_on=frozenset(ErrorKind),
        ),
        Source(id="api", label="API key", fetch=check_key),
    ),
    modes=(Mode("auto", ("web", "api")), Mode("web", ("web",)), Mode("api", ("api",))),
    links=Links(dashboard=SETTINGS_URL, keys=KEYS_PAGE, login=f"https://{HOST}/signin"),
    deadline_s=60.0,
)
