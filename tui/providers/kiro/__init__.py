"""Kiro: credits of the month's plan, bonus credits and paid overage, by kiro-cli.

Newer versions of the program print a line without numbers; then the service is asked with the
login the program keeps.
"""

from __future__ import annotations

from tui.providers._spec import Links, Mode, Program, ProviderSpec, Source
from tui.providers.kiro.logins import DATA_VARIABLE, ROOTS, detect
from tui.providers.kiro.program import PROGRAM
from tui.providers.kiro.service import HOSTS
from tui.providers.kiro.sources import USAGE_PAGE, add_overage, fetch_usage

PROVIDER = ProviderSpec(
    id="kiro",
    name="Kiro",
    hosts=HOSTS,
    programs=(
        Program(
            name=PROGRAM,
            env="KIRO_CLI_PATH",
            places=(
                "~/.local/bin/kiro-cli",
                "/opt/homebrew/bin/kiro-cli",
                "/usr/local/bin/kiro-cli",
            ),
        ),
    ),
    env=(DATA_VARIABLE,),
    roots=ROOTS,
    sources=(
        Source(
            id="cli",
            label="kiro-cli",
            fetch=fetch_usage,
            extras=(add_overage,),
            min_interval_s=900.0,
            starts_program=True,
        ),
    ),
    modes=(Mode("auto", ("cli",)), Mode("cli", ("cli",))),
    links=Links(
        dashboard=f"https://{USAGE_PAGE}",
        status="https://health.aws.amazon.com/health/status",
    ),
    # The report, the old engine, and three forms of the call, one after the other.
    deadline_s=75.0,
    accounts=False,
    detect=detect,
)
