"""`config import-codexbar`: everything of the file, nothing over what is ours."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Cli, settings_file, write_settings

THEIRS: dict[str, Any] = {
    "version": 1,
    "providers": [
        {
            "id": "zai",
            "enabled": True,
            "apiKey": "zai-plain-0123456789",
            "region": "bigmodel-cn",
            "workspaceID": "proj-7",
            "tokenAccounts": {
                "version": 1,
                "activeIndex": 1,
                "accounts": [
                    {"id": "0", "label": "Side job", "token": "zai-side-0123456789"},
                    {"id": "1", "label": "Main", "token": "zai-main-0123456789"},
                ],
            },
            "quotaWarnings": {"session": {"enabled": True, "thresholds": [40, 10]}},
        },
        {"id": "warp", "enabled": False, "apiKey": "wk-0123456789"},
        {"id": "kimik2", "source": "psychic"},
        {"id": "elevenlabs", "apiKey": "xi-0123456789"},
    ],
}


@pytest.fixture
def codexbar(home: Path) -> Path:
    """CodexBar's file at its usual place."""
    path = home / ".config/codexbar/config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(THEIRS))
    return path


def stored(home: Path) -> dict[str, dict[str, str]]:
    path = home / ".local/share/quotadeck/credentials.json"
    found: dict[str, dict[str, str]] = json.loads(path.read_text())["secrets"]
    return found


def test_values_go_into_the_file_and_secrets_into_the_store(
    cli: Cli, home: Path, codexbar: Path
) -> None:
    before = codexbar.read_bytes()
    ran = cli("config", "import-codexbar")
    assert ran.code == 0
    document = tomllib.loads(settings_file(home).read_text())
    assert document["order"] == ["zai", "warp", "kimi-k2"]
    assert document["providers"]["zai"] == {
        "enabled": True,
        "region": "china",
        "project_id": "proj-7",
        "accounts": {"Side-job": {"label": "Side job"}},
        "alerts": {"session": {"enabled": True, "thresholds": [40, 10]}},
    }
    assert stored(home) == {
        "zai": {"api_key": "zai-main-0123456789"},
        "zai:Side-job": {"api_key": "zai-side-0123456789"},
        "warp": {"api_key": "wk-0123456789"},
    }
    assert codexbar.read_bytes() == before
    assert "0123456789" not in ran.out + ran.err + settings_file(home).read_text()


def test_a_value_that_is_not_allowed_here_is_named_and_left_out(
    cli: Cli, home: Path, codexbar: Path
) -> None:
    assert "psychic" in cli("config", "import-codexbar").err
    assert "kimi-k2" not in tomllib.loads(settings_file(home).read_text())["providers"]


def test_what_is_set_here_stays(cli: Cli, home: Path, codexbar: Path) -> None:
    write_settings(home, 'order = ["warp"]\n[providers.zai]\nenabled = false\nregion = "global"\n')
    cli("secret", "set", "zai", "api_key", stdin="zai-own-0123456789")
    cli("config", "import-codexbar")
    document = tomllib.loads(settings_file(home).read_text())
    assert document["order"] == ["warp"]
    assert document["providers"]["zai"]["enabled"] is False
    assert document["providers"]["zai"]["region"] == "global"
    assert stored(home)["zai"]["api_key"] == "zai-own-0123456789"


def test_a_second_import_brings_nothing(cli: Cli, home: Path, codexbar: Path) -> None:
    cli("config", "import-codexbar")
    before = settings_file(home).read_bytes()
    again = cli("config", "import-codexbar")
    assert again.out.startswith("Nothing new in ")
    assert settings_file(home).read_bytes() == before


def test_accounts_are_not_shown_twice_afterwards(cli: Cli, codexbar: Path) -> None:
    cli("config", "import-codexbar")
    ran = cli("status", "--json", "--all")
    assert [row["account"] for row in ran.json if row["provider"] == "zai"] == [None, "Side job"]


def test_a_missing_file_is_said_so(cli: Cli) -> None:
    ran = cli("config", "import-codexbar")
    assert ran.code == 1
    assert "CODEXBAR_CONFIG" in ran.err
