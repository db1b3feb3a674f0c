"""`config check`: each mistake with its code; the exit code says whether any is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.running import Cli, write_settings

HOOK = '[[hooks.events]]\nid = "a"\nevent = "quota_low"\nexecutable = "/bin/true"\n'
MANY = HOOK * 33
GOOD = """\
version = 1
cadence = 5
theme = "nord"
[keys]
refresh_all = "r"
[costs]
show = true
[alerts]
thresholds = [50]
[providers.zai]
enabled = true
region = "cn"
[providers.zai.accounts.work]
label = "Work"
[providers.zai.alerts.session]
enabled = true
"""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("version = 2\n", "version_mismatch", id="version"),
        pytest.param("[providers.nope]\n", "unsupported_provider", id="provider"),
        pytest.param('[providers.zai]\nsource = "web"\n', "unsupported_source", id="source"),
        pytest.param('[providers.jetbrains]\nsource = "api"\n', "api_source_unsupported", id="api"),
        pytest.param('[providers.zai]\nregion = "mars"\n', "invalid_region", id="region"),
        pytest.param("cadence = 7\n", "invalid_value", id="global value"),
        pytest.param('[providers.zai]\nenabled = "perhaps"\n', "invalid_value", id="flag"),
        pytest.param("[providers.zai]\napi_key = 5\n", "invalid_value", id="secret"),
        pytest.param(
            '[providers.zai.accounts.w]\nregion = "mars"\n', "invalid_region", id="in an account"
        ),
        pytest.param(
            "[providers.zai.alerts.session]\nthresholds = [200]\n", "invalid_value", id="alerts"
        ),
        pytest.param("cadence = \n", "syntax_error", id="syntax"),
        pytest.param(MANY, "too_many_hook_rules", id="hooks"),
        pytest.param(HOOK * 2, "duplicate_hook_id", id="hook id"),
        pytest.param(HOOK.replace("/bin/", ""), "invalid_hook_executable", id="hook executable"),
        pytest.param(f"{HOOK}threshold = 80\n", "invalid_hook_threshold", id="hook threshold"),
        pytest.param(f"{HOOK}timeout_s = 0\n", "invalid_hook_timeout", id="hook timeout"),
        pytest.param(
            f'{HOOK}arguments = ["{"x" * 5000}"]\n', "invalid_hook_command_size", id="hook size"
        ),
        pytest.param(f'{HOOK}provider = "nope"\n', "invalid_hook_provider", id="hook provider"),
        pytest.param(HOOK.replace("quota_low", "lunch"), "invalid_hook_event", id="hook event"),
        pytest.param(HOOK.replace('id = "a"\n', ""), "invalid_hook_id", id="hook without id"),
    ],
)
def test_errors_have_a_code_and_an_exit_code(cli: Cli, home: Path, text: str, code: str) -> None:
    write_settings(home, text)
    ran = cli("config", "check")
    assert ran.code == 1
    assert any(line.split()[:2] == ["error", code] for line in ran.out.splitlines())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param('[providers.jetbrains]\napi_key = "x"\n', "api_key_unused", id="key"),
        pytest.param('[providers.zai]\nsecret_key = "x"\n', "secret_key_unused", id="second key"),
        pytest.param('[providers.zai]\ncookie_source = "x"\n', "cookie_source_unused", id="source"),
        pytest.param('[providers.zai]\ncookie_header = "x"\n', "cookie_header_unused", id="header"),
        pytest.param('[providers.warp]\nregion = "x"\n', "region_unused", id="region"),
        pytest.param('[providers.zai]\nworkspace_id = "x"\n', "workspace_unused", id="workspace"),
        pytest.param(
            '[providers.zai]\nenterprise_host = "x"\n', "enterprise_host_unused", id="host"
        ),
        pytest.param("[providers.jetbrains.accounts.a]\n", "token_accounts_unused", id="accounts"),
        pytest.param('[providers.zai]\nsource = "api"\n', "api_key_missing", id="missing key"),
        pytest.param('[providers.zai]\napi_key = "x"\n', "secret_in_file", id="readable secret"),
        pytest.param("[providers.zai]\nregoin = 1\n", "unknown_key", id="typo"),
        pytest.param("cadance = 5\n", "unknown_key", id="global typo"),
        pytest.param("[alerts]\nloud = true\n", "unknown_key", id="typo in a section"),
        pytest.param(
            '[providers.zai]\n[providers."z.ai"]\n', "duplicate_provider", id="the same twice"
        ),
    ],
)
def test_warnings_have_a_code_and_do_not_fail(cli: Cli, home: Path, text: str, code: str) -> None:
    write_settings(home, text)
    ran = cli("config", "check")
    assert ran.code == 0, ran.out
    assert any(line.split()[:2] == ["warning", code] for line in ran.out.splitlines()), ran.out


def test_the_line_of_a_mistake_is_given(cli: Cli, home: Path) -> None:
    write_settings(home, '# mine\n[providers."z.ai"]\nenabled = true\nregion = "mars"\n')
    [finding, summary] = cli("config", "check").out.splitlines()
    assert "line 4" in finding
    assert "global, china" in finding
    assert summary.endswith("config.toml: 1 error, 0 warnings.")


def test_settings_that_contradict_each_other_are_found(cli: Cli, home: Path) -> None:
    write_settings(home, '[providers.zai]\nregion = "china"\nquota_url = "https://api.z.ai/q"\n')
    ran = cli("config", "check")
    assert ran.code == 1
    assert "invalid_combination" in ran.out


def test_a_file_without_mistakes_says_so(cli: Cli, home: Path) -> None:
    write_settings(home, f"{GOOD}{HOOK}")
    assert cli("config", "check").out.endswith("config.toml: 0 errors, 0 warnings.\n")


def test_no_file_is_no_mistake(cli: Cli) -> None:
    assert cli("config", "check").code == 0
