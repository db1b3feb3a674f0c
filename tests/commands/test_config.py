"""`config`: every kind of KEY read, written and explained by its declaration."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Cli, settings_file, write_settings

ACCOUNT = """\
cadence = 15
[providers.zai]
region = "china"
odd = 1
[providers.zai.accounts.work]
label = "Work"
"""


def document(home: Path) -> dict[str, Any]:
    return tomllib.loads(settings_file(home).read_text())


def test_the_path_is_the_one_of_the_surroundings(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("config", "path").out == f"{settings_file(home)}\n"
    monkeypatch.setenv("QUOTADECK_CONFIG", "~/deck.toml")
    assert cli("config", "path").out == f"{home}/deck.toml\n"


@pytest.mark.parametrize(
    ("key", "word", "steps", "stored"),
    [
        pytest.param("cadence", "5", ("cadence",), 5, id="number"),
        pytest.param("cadence", "manual", ("cadence",), "manual", id="word"),
        pytest.param("privacy", "true", ("privacy",), True, id="switch"),
        pytest.param("costs.show", "false", ("costs", "show"), False, id="in a section"),
        pytest.param("alerts.thresholds", "10, 40", ("alerts", "thresholds"), [40, 10], id="list"),
        pytest.param("order", "or,z.ai", ("order",), ["openrouter", "zai"], id="aliases in a list"),
        pytest.param("keys.refresh_all", "ctrl+r", ("keys", "refresh_all"), "ctrl+r", id="a key"),
        pytest.param(
            "zai.region", "bigmodel-cn", ("providers", "zai", "region"), "china", id="alias"
        ),
        pytest.param("Z.AI.region", "cn", ("providers", "zai", "region"), "china", id="name alias"),
        pytest.param(
            "providers.zai.enabled", "off", ("providers", "zai", "enabled"), False, id="on"
        ),
        pytest.param("zai.source", "api", ("providers", "zai", "source"), "api", id="source"),
        pytest.param("or.extras", "no", ("providers", "openrouter", "extras"), False, id="extras"),
        pytest.param(
            "jetbrains.ide_path",
            "~/ide",
            ("providers", "jetbrains", "ide_path"),
            "~/ide",
            id="path",
        ),
        pytest.param(
            "zai.accounts.work.label",
            "At work",
            ("providers", "zai", "accounts", "work", "label"),
            "At work",
            id="account",
        ),
        pytest.param(
            "z.ai:my.work.region",
            "china",
            ("providers", "zai", "accounts", "my.work", "region"),
            "china",
            id="account with a dot",
        ),
        pytest.param(
            "zai.alerts.session.thresholds",
            "20",
            ("providers", "zai", "alerts", "session", "thresholds"),
            [20],
            id="alerts of a window",
        ),
    ],
)
def test_a_value_is_stored_in_its_own_form(
    cli: Cli, home: Path, key: str, word: str, steps: tuple[str, ...], stored: object
) -> None:
    assert cli("config", "set", key, word).code == 0
    found: Any = document(home)
    for step in steps:
        found = found[step]
    assert found == stored
    assert cli("config", "get", key).code == 0


@pytest.mark.parametrize(
    ("key", "word", "named"),
    [
        pytest.param("cadence", "7", "adaptive, manual, 1, 2, 5, 15 or 30", id="cadence"),
        pytest.param("privacy", "perhaps", "true or false", id="switch"),
        pytest.param("alerts.thresholds", "120", "from 0 to 99", id="threshold"),
        pytest.param("hidden", "nope", '"nope"', id="unknown provider in a list"),
        pytest.param("zai.region", "mars", "global, china", id="choice"),
        pytest.param("zai.source", "web", "auto, api", id="mode"),
        pytest.param("zai.quota_url", "http://example.org/q", "https", id="plain http"),
        pytest.param("zai.enabled", "maybe", "true or false", id="flag"),
        pytest.param("zai.regoin", "china", "region", id="no such field"),
        pytest.param("zai.label", "x", "region", id="a label belongs to an account"),
        pytest.param("zai.organization_id", "a\nb", "single line", id="two lines"),
        pytest.param("zai.organization_id", "\udcff", "single line", id="no text"),
        pytest.param("zai.region", " ", "config unset zai.region", id="nothing"),
        pytest.param("jetbrains.accounts.a.label", "x", "no accounts", id="no accounts"),
        pytest.param("zai.alerts.session.sound", "true", "thresholds", id="no alert of a window"),
        pytest.param("nope", "1", "config list", id="no such key"),
        pytest.param("nope.region", "1", "config list", id="no such provider"),
    ],
)
def test_a_wrong_value_names_what_is_allowed_and_writes_nothing(
    cli: Cli, home: Path, key: str, word: str, named: str
) -> None:
    ran = cli("config", "set", key, word)
    assert ran.code == 64
    assert named in ran.err
    assert not settings_file(home).exists()


def test_a_table_keeps_the_name_it_has_in_the_file(cli: Cli, home: Path) -> None:
    write_settings(home, '[providers."z.ai"]\nregion = "china"\n')
    cli("config", "set", "zai.usage_scope", "team")
    assert document(home)["providers"] == {"z.ai": {"region": "china", "usage_scope": "team"}}


def test_a_secret_in_the_file_is_accepted_with_a_warning_and_never_shown(
    cli: Cli, home: Path
) -> None:
    ran = cli("config", "set", "zai.api_key", "zai-secret-0123456789")
    assert ran.code == 0
    assert "quotadeck secret set zai api_key" in ran.err
    shown = [ran, cli("config", "get", "zai.api_key"), cli("config", "list")]
    assert not any("secret-0123" in one.out + one.err for one in shown)
    assert document(home)["providers"]["zai"]["api_key"] == "zai-secret-0123456789"
    assert stat.S_IMODE(settings_file(home).stat().st_mode) == 0o600


def test_a_value_is_printed_alone_and_its_origin_beside_it(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Z_AI_API_HOST", "proxy.example.org")
    ran = cli("config", "get", "zai.api_host")
    assert ran.out == "proxy.example.org\n"
    assert "from Z_AI_API_HOST" in ran.err
    cli("config", "set", "zai.api_host", "other.example.org")
    assert "config.toml" in cli("config", "get", "zai.api_host").err
    assert "default" in cli("config", "get", "cadence").err


def test_what_is_not_set_is_said_so(cli: Cli) -> None:
    ran = cli("config", "get", "zai.organization_id")
    assert (ran.code, ran.out) == (1, "")
    assert "config set zai.organization_id" in ran.err


def test_the_list_has_global_values_and_what_was_set_for_providers(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-0123456789")
    write_settings(home, f"{ACCOUNT}[providers.zai.alerts.weekly]\nenabled = true\n")
    lines = [line.split() for line in cli("config", "list").out.splitlines()]
    assert ["cadence", "15", "config.toml"] in lines
    assert ["theme", "textual-dark", "default"] in lines
    assert ["zai.accounts.work.label", "Work", "config.toml"] in lines
    assert ["zai.alerts.weekly.enabled", "true", "config.toml"] in lines
    assert ["openrouter.api_key", "••••", "from", "OPENROUTER_API_KEY"] in lines
    assert not any(line[0].startswith("warp") for line in lines)


def test_the_list_moves_no_cursor(cli: Cli, home: Path) -> None:
    write_settings(home, '[keys]\n"a\\u001b[2J\\u202e" = "x\\u009bb"\n')
    out = cli("config", "list").out
    assert "keys.a" in out
    assert out.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("key", "left"),
    [
        pytest.param(
            "zai.region", {"zai": {"accounts": {"work": {"label": "Work"}}, "odd": 1}}, id="value"
        ),
        pytest.param("z.ai:work", {"zai": {"region": "china", "odd": 1}}, id="account"),
        pytest.param(
            "zai.odd",
            {"zai": {"region": "china", "accounts": {"work": {"label": "Work"}}}},
            id="typo",
        ),
        pytest.param("providers.zai", None, id="provider"),
    ],
)
def test_values_accounts_and_mistakes_are_taken_out(
    cli: Cli, home: Path, key: str, left: dict[str, Any] | None
) -> None:
    write_settings(home, ACCOUNT)
    assert cli("config", "unset", key).code == 0
    assert document(home).get("providers") == left


def test_what_is_not_there_needs_no_taking_out(cli: Cli, home: Path) -> None:
    assert cli("config", "unset", "zai.region").code == 0
    assert not settings_file(home).exists()
    assert cli("config", "unset", "providers").code == 64


def test_a_file_with_broken_syntax_is_not_written(cli: Cli, home: Path) -> None:
    path = write_settings(home, 'cadence = 5\nregion = "\n')
    ran = cli("config", "set", "cadence", "15")
    assert ran.code == 1
    assert "line 2" in ran.err
    assert path.read_text() == 'cadence = 5\nregion = "\n'


def test_a_folder_that_cannot_be_written_leaves_the_old_file(cli: Cli, home: Path) -> None:
    settings_file(home).parent.parent.mkdir()
    settings_file(home).parent.write_text("a file where the folder should be")
    ran = cli("config", "set", "cadence", "15")
    assert ran.code == 1
    assert "could not be saved" in ran.err
