"""Kilo: prepaid credits and the monthly Kilo Pass, by API key or the login of its CLI."""

from __future__ import annotations

from tui.providers._spec import Links, ListField, Mode, ProviderSpec, SecretField, Source
from tui.providers.kilo.cli_login import CONTENT_VARIABLE, LOGIN_FILE, detect
from tui.providers.kilo.sources import (
    add_history,
    add_profile,
    add_scopes,
    fetch_with_cli,
    fetch_with_key,
)

EXTRAS = (add_profile, add_scopes, add_history)

PROVIDER = ProviderSpec(
    id="kilo",
    name="Kilo",
    aliases=("kilo-ai",),
    hosts=("app.kilo.ai", "api.kilo.ai"),
    settings=(
        SecretField(
            "api_key",
            "API key",
            env=("KILO_API_KEY",),
            help="From the profile page of app.kilo.ai. Without a key the login of the Kilo CLI "
            "is used.",
        ),
        ListField(
            "organization_ids",
            "Organisations",
            help="Ids whose credits are shown beside yours; the details list what there is.",
        ),
    ),
    sources=(
        Source(id="api", label="API key", fetch=fetch_with_key, extras=EXTRAS),
        Source(id="cli", label="Kilo CLI", fetch=fetch_with_cli, extras=EXTRAS),
    ),
    modes=(Mode("auto", ("api", "cli")), Mode("api", ("api",)), Mode("cli", ("cli",))),
    mode_aliases={"web": "auto", "oauth": "auto"},
    env=("XDG_DATA_HOME", CONTENT_VARIABLE),
    roots=(LOGIN_FILE,),
    links=Links(
        dashboard="https://app.kilo.ai/usage",
        keys="https://app.kilo.ai/profile",
        login="https://app.kilo.ai",
        status="https://status.kilo.ai/",
    ),
    # The key, the login after it, and what is added, 15 s each.
    deadline_s=50.0,
    detect=detect,
)
