"""Warp: AI credits of the plan and add-on credits, by an API key."""

from __future__ import annotations

from tui.providers._spec import Links, Mode, ProviderSpec, SecretField, Source
from tui.providers.warp.parse import HOST
from tui.providers.warp.sources import (
    MACOS_VERSION,
    OS_RELEASE,
    add_account,
    add_spending,
    fetch_limits,
)

KEY_GUIDE = "https://docs.warp.dev/reference/cli/api-keys"
WHERE_KEYS_ARE = (
    "In Warp: Profile → Settings → Platform → API Keys, in newer versions Settings → Cloud "
    "platform → Oz Cloud API Keys. Keys start with wk- and can expire; a team key has no plan "
    "credits."
)

PROVIDER = ProviderSpec(
    id="warp",
    name="Warp",
    aliases=("warp-ai", "warp-terminal"),
    hosts=(HOST,),
    settings=(
        SecretField(
            "api_key",
            "API key",
            env=("WARP_API_KEY", "WARP_TOKEN"),
            help=WHERE_KEYS_ARE,
            placeholder="wk-…",
        ),
    ),
    roots=(OS_RELEASE, MACOS_VERSION),
    sources=(
        Source(
            id="api",
            label="API",
            fetch=fetch_limits,
            extras=(add_account, add_spending),
        ),
    ),
    modes=(Mode("auto", ("api",)), Mode("api", ("api",))),
    links=Links(dashboard=KEY_GUIDE, keys=KEY_GUIDE, status="https://status.warp.dev/"),
    deadline_s=50.0,
)
