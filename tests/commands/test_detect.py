"""`detect` and `providers`: what is here and what is supported, without contacting anybody."""

from __future__ import annotations

from pathlib import Path

import pytest
import respx

from tests.commands.running import Cli, write_settings
from tests.support import payload
from tui.providers import load_providers

KEY = "sk-or-v1-0123456789abcdef"


def test_keys_and_ides_are_found_by_name(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    quota = home / ".config/JetBrains/GoLand2026.1/options/AIAssistantQuotaManager2.xml"
    quota.parent.mkdir(parents=True)
    quota.write_bytes(payload("jetbrains", "monthly.xml"))
    with respx.mock() as router:
        ran = cli("detect", "--json")
        assert not router.calls
    assert ran.code == 0
    assert "OPENROUTER_API_KEY" in ran.rows["openrouter"]["found"]
    assert "GoLand" in ran.rows["jetbrains"]["found"]
    assert all(row["enabled"] for row in ran.json)
    assert KEY not in ran.out


def test_nothing_found_comes_with_the_next_step(cli: Cli) -> None:
    assert cli("detect", "--json").json == []
    ran = cli("detect")
    assert ran.code == 0
    assert "quotadeck doctor ID" in ran.out
    assert "--browsers" in ran.out


def test_browsers_are_looked_at_on_request(cli: Cli) -> None:
    ran = cli("detect", "--browsers")
    assert ran.code == 0
    assert "--browsers" not in ran.out


def test_every_provider_is_listed_with_its_settings(cli: Cli) -> None:
    rows = {row["id"]: row for row in cli("providers", "--json").json}
    assert set(rows) == set(load_providers().specs)
    zai = rows["zai"]
    assert (zai["enabled"], zai["detected"], zai["modes"]) == (False, None, ["auto", "api"])
    fields = {field["key"]: field for field in zai["settings"]}
    assert fields["api_key"]["type"] == "secret"
    assert fields["api_key"]["environment"][:2] == ["Z_AI_API_KEY", "BIGMODEL_API_KEY"]
    assert fields["region"]["choices"] == ["global", "china"]
    assert {"enabled", "source", "extras"} <= set(fields)


def test_the_list_for_people_names_variables_choices_and_state(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARP_API_KEY", "wk-0123456789")
    shown = cli("providers").out
    assert "warp (also warp-ai, warp-terminal): Warp, on, API key from WARP_API_KEY" in shown
    assert "global|china" in shown
    assert "Z_AI_QUOTA_URL" in shown
    assert "0123456789" not in shown


def test_what_is_switched_off_is_detected_but_off(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARP_API_KEY", "wk-0123456789")
    write_settings(home, "[providers.warp]\nenabled = false\n")
    assert cli("detect", "--json").rows["warp"]["enabled"] is False
