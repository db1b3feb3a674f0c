"""OpenRouter: prepaid credits of an account and the spending limit of its key, by API key.

Ordinary keys often may not see the credits; then the key's own numbers carry the card.
"""

from __future__ import annotations

from tui.providers._spec import Links, Mode, ProviderSpec, SecretField, Source, TextField, UrlField
from tui.providers.openrouter.sources import add_history, add_key, fetch_account

PROVIDER = ProviderSpec(
    id="openrouter",
    name="OpenRouter",
    aliases=("or",),
    hosts=("openrouter.ai",),
    settings=(
        SecretField(
            "api_key",
            "API key",
            env=("OPENROUTER_API_KEY",),
            help="From openrouter.ai/settings/keys. A management key also shows the balance.",
            placeholder="sk-or-v1-…",
        ),
        SecretField(
            "management_api_key",
            "Management key",
            env=("OPENROUTER_MANAGEMENT_API_KEY",),
            help="For 30 days of spending; from openrouter.ai/settings/management-keys.",
            optional=True,
        ),
        UrlField(
            "base_url",
            "Base URL",
            env=("OPENROUTER_API_URL",),
            help="Used as written: /credits and /key are appended, /api/v1 is not.",
            placeholder="https://openrouter.ai/api/v1",
        ),
        TextField(
            "http_referer",
            "HTTP-Referer",
            env=("OPENROUTER_HTTP_REFERER",),
            help="Sent only when it is set.",
        ),
        TextField(
            "x_title",
            "X-Title",
            env=("OPENROUTER_X_TITLE",),
            default="CodexBar",
            help="The name of the app that asks.",
        ),
    ),
    sources=(
        Source(id="api", label="API key", fetch=fetch_account, extras=(add_key, add_history)),
    ),
    modes=(Mode("auto", ("api",)), Mode("api", ("api",))),
    links=Links(
        dashboard="https://openrouter.ai/settings/credits",
        keys="https://openrouter.ai/settings/keys",
        status="https://status.openrouter.ai",
    ),
    deadline_s=30.0,
)
