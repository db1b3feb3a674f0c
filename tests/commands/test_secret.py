"""`secret`: in through a prompt or a pipe, out never."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
from pathlib import Path

import pytest

from tests.commands.running import (
    PROGRAM,
    Cli,
    environment,
    run_program,
    settings_file,
    write_settings,
)

VALUE = "zai-secret-0123456789"


def stored(home: Path) -> dict[str, dict[str, str]]:
    path = home / ".local/share/quotadeck/credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found: dict[str, dict[str, str]] = json.loads(path.read_text())["secrets"]
    return found


def test_a_piped_value_is_kept_and_never_shown(cli: Cli, home: Path) -> None:
    ran = cli("secret", "set", "z.ai", "api_key", stdin=f"  '{VALUE}'\n")
    assert ran.code == 0
    assert "0600 file" in ran.out
    assert stored(home) == {"zai": {"api_key": VALUE}}
    shown = cli("secret", "list").out
    assert shown.split()[:2] == ["zai", "api_key"]
    assert VALUE not in ran.out + ran.err + shown
    assert not settings_file(home).exists()


def test_the_prompt_does_not_echo(home: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "secret", "set", "zai", "api_key"],
        env=environment(home, TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while b"API key of zai:" not in shown:
        shown += os.read(ours, 1024)
    os.write(ours, f"{VALUE}\n".encode())
    while b"kept" not in shown:
        shown += os.read(ours, 1024)
    assert process.wait(timeout=30) == 0
    os.close(ours)
    assert VALUE.encode() not in shown
    assert stored(home) == {"zai": {"api_key": VALUE}}


def test_the_same_key_goes_out_of_the_settings_file(cli: Cli, home: Path) -> None:
    write_settings(home, f'[providers.zai]\napi_key = "{VALUE}-old"\nregion = "china"\n')
    assert "config.toml, readable" in cli("secret", "list").out
    cli("secret", "set", "zai", "api_key", stdin=VALUE)
    assert "api_key" not in settings_file(home).read_text()
    assert 'region = "china"' in settings_file(home).read_text()
    assert cli("secret", "list").out.count("\n") == 1


@pytest.mark.parametrize("broken", ["[providers.zai\n", '[providers.zai]\napi_key = "x\n'])
def test_a_settings_file_that_cannot_be_saved_leaves_everything(
    cli: Cli, home: Path, broken: str
) -> None:
    write_settings(home, broken)
    ran = cli("secret", "set", "zai", "api_key", stdin=VALUE)
    assert (ran.code, "config.toml is not changed" in ran.err) == (1, True)
    assert cli("secret", "list").out.startswith("No secrets are kept.")


def test_settings_that_do_not_hold_it_need_no_saving(cli: Cli, home: Path) -> None:
    write_settings(home, '# mine\n[providers.zai]\nregion = "china"\n')
    cli("secret", "set", "zai", "api_key", stdin=VALUE)
    assert [path.name for path in settings_file(home).parent.iterdir()] == ["config.toml"]


def test_a_secret_makes_the_account_it_is_for(cli: Cli, home: Path) -> None:
    cli("secret", "set", "zai:work", "api_key", stdin=VALUE)
    assert stored(home) == {"zai:work": {"api_key": VALUE}}
    assert cli("config", "get", "zai:work.label").out == "work\n"
    ran = cli("status", "--json", "--provider", "jetbrains,zai:work")
    assert "zai" in ran.rows


def test_a_secret_is_forgotten_wherever_it_lies(cli: Cli, home: Path) -> None:
    cli("secret", "set", "zai", "api_key", stdin=VALUE)
    cli("config", "set", "zai.api_key", f"{VALUE}-other")
    assert cli("secret", "delete", "zai", "api_key").code == 0
    assert cli("secret", "list").out.startswith("No secrets are kept.")
    again = cli("secret", "delete", "zai", "api_key")
    assert again.code == 0
    assert "not kept" in again.err


@pytest.mark.parametrize(
    ("words", "stdin", "named"),
    [
        pytest.param(("set", "nope", "api_key"), "x", "zai", id="provider"),
        pytest.param(("set", "zai", "region"), "x", "It has api_key.", id="no secret"),
        pytest.param(("set", "zai", "api_key"), " \n", "No value", id="nothing piped"),
        pytest.param(("set", "zai", "api_key"), "\udcff", "not UTF-8", id="no text piped"),
        pytest.param(("set", "zai", "api_key"), "k" * 1_048_577, "longer", id="endless"),
        pytest.param(("set", "zai:", "api_key"), "x", "account", id="account without a name"),
        pytest.param(("delete", "jetbrains", "api_key"), "", "It needs none.", id="needs none"),
    ],
)
def test_wrong_usage_keeps_nothing(
    cli: Cli, home: Path, words: tuple[str, ...], stdin: str, named: str
) -> None:
    ran = cli("secret", *words, stdin=stdin)
    assert ran.code == 64
    assert named in ran.err
    assert not (home / ".local/share/quotadeck/credentials.json").exists()


def test_a_damaged_store_is_named(home: Path) -> None:
    path = home / ".local/share/quotadeck/credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    ran = run_program("secret", "list", env=environment(home))
    assert ran.code == 1
    assert ran.err.startswith("quotadeck: credentials.json is damaged.")


def test_secrets_of_a_damaged_store_can_be_entered_again(home: Path) -> None:
    path = home / ".local/share/quotadeck/credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    ran = run_program("secret", "set", "zai", "api_key", env=environment(home), stdin=VALUE)
    assert ran.code == 0
    assert stored(home) == {"zai": {"api_key": VALUE}}
    assert (path.parent / "credentials.json.corrupt").read_text() == "{"
