"""Vertex AI: the fullest quota of a Google Cloud project, by the login of gcloud.

Beside it the estimated cost of Claude on Vertex AI from the local session logs. A credentials file
alone does not switch it on: many people have one for other reasons.
"""

from __future__ import annotations

from tui.providers._google import TOKEN_HOST
from tui.providers._spec import Links, Mode, Program, ProviderSpec, Source, TextField
from tui.providers.vertexai.credentials import FILE_VARIABLE, FOLDER_VARIABLE, ROOTS, detect
from tui.providers.vertexai.project import ACTIVE_VARIABLE, LAST_HINT_VARIABLE, VARIABLES
from tui.providers.vertexai.sources import add_rates, fetch_quota
from tui.providers.vertexai.tokens import GCLOUD

PROVIDER = ProviderSpec(
    id="vertexai",
    name="Vertex AI",
    short_name="Vertex",
    aliases=("vertex",),
    hosts=("monitoring.googleapis.com", TOKEN_HOST),
    settings=(
        TextField(
            "project",
            "Project",
            help="The Google Cloud project; without it gcloud's own one counts.",
            placeholder="my-project-123",
        ),
    ),
    programs=(
        Program(
            name=GCLOUD,
            places=(
                "~/google-cloud-sdk/bin",
                "/opt/homebrew/bin",
                "/usr/local/bin",
                "/snap/bin",
                "/usr/lib/google-cloud-sdk/bin",
            ),
        ),
    ),
    env=(FILE_VARIABLE, FOLDER_VARIABLE, *VARIABLES, ACTIVE_VARIABLE, LAST_HINT_VARIABLE),
    roots=ROOTS,
    sources=(Source(id="oauth", label="Google login", fetch=fetch_quota, extras=(add_rates,)),),
    modes=(Mode("auto", ("oauth",)), Mode("oauth", ("oauth",))),
    links=Links(
        dashboard="https://console.cloud.google.com/vertex-ai",
        status="https://status.cloud.google.com",
    ),
    # A token, then many pages of series.
    deadline_s=90.0,
    detect=detect,
    enable_on_detect=False,
    costs="vertex",
)
