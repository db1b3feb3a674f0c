"""Which Google Cloud project counts: the setting, then what gcloud's own tools would take."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tui.core.errors import MissingCredentials
from tui.providers._context import FetchContext
from tui.providers.vertexai.credentials import Login, ServiceAccount, gcloud_folder

VARIABLES = ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
ACTIVE_VARIABLE = "CLOUDSDK_ACTIVE_CONFIG_NAME"
LAST_HINT_VARIABLE = "ANTHROPIC_VERTEX_PROJECT_ID"
"""Set for coding agents that run on Vertex AI."""
NAME = re.compile(r"[\w.-]+")


async def find_project(ctx: FetchContext, login: Login, configuration: Mapping[str, str]) -> str:
    """The project's id.

    Args:
        configuration: gcloud's active one.

    Raises:
        MissingCredentials: None is set anywhere.
    """
    own = login.project if isinstance(login, ServiceAccount) else ""
    candidates = (
        ctx.settings.text("project"),
        own,
        *map(ctx.env.get, VARIABLES),
        configuration.get("project", ""),
        login.quota_project,
        ctx.env.get(LAST_HINT_VARIABLE),
    )
    found = next(filter(None, map(str.strip, candidates)), "")
    if not found:
        raise MissingCredentials(
            "No Google Cloud project.", hint="Run `gcloud config set project PROJECT_ID`."
        )
    return found


async def active_configuration(ctx: FetchContext) -> dict[str, str]:
    """The section `core` of gcloud's active configuration; empty when there is none."""
    folder = gcloud_folder(ctx)
    name = ctx.env.get(ACTIVE_VARIABLE) or await ctx.files.read_text(folder / "active_config") or ""
    name = name.strip()
    file = f"config_{name if NAME.fullmatch(name) else 'default'}"
    return parse_configuration(await ctx.files.read_text(folder / "configurations" / file) or "")


def parse_configuration(content: str) -> dict[str, str]:
    """Keys of the section `core`; lines before any section count as its own."""
    found: dict[str, str] = {}
    section = "core"
    for line in map(str.strip, content.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif section == "core" and "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            found[key.strip()] = value.strip()
    return found
