"""The real program on a real terminal, with real TLS to an upstream on this machine."""

from __future__ import annotations

import re
import signal
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.commands.running import silent_resolver
from tests.e2e.conftest import PROGRAM, quota
from tests.e2e.terminal import RESTORED, Terminal
from tests.loopback import Response, World

pytestmark = pytest.mark.usefixtures("no_children_left")
ZAI = "https://api.z.ai/api/monitor/usage/quota/limit"


def test_the_numbers_of_a_stranger_appear_without_a_key_pressed(stranger: dict[str, str]) -> None:
    with Terminal(PROGRAM, env=stranger) as terminal:
        terminal.wait_for("z.ai", "Pro", "5-hour", "69%", "2h 15m", "OpenRouter", "$41.20")
        terminal.send("q")
        assert terminal.wait() == 0


def test_used_and_left_change_places_and_back(stranger: dict[str, str]) -> None:
    with Terminal(PROGRAM, env=stranger) as terminal:
        terminal.wait_for("69%")
        terminal.send("u")
        terminal.wait_for("31%", "used")
        terminal.send("u")
        terminal.wait_for("69%")


def test_a_refresh_brings_new_numbers_and_garbage_keeps_the_old(
    stranger: dict[str, str], world: World
) -> None:
    with Terminal(PROGRAM, env=stranger) as terminal:
        terminal.wait_for("69%")
        world.upstream.on("GET", ZAI, quota(52, 90.9))
        terminal.send("R")
        terminal.wait_for("48%")
        world.upstream.on("GET", ZAI, Response(b"<html>maintenance</html>", 503))
        terminal.send("R")
        terminal.wait_for("1 failed try")
        terminal.send("R")
        terminal.wait_for("unavailable", "48%")


def test_the_grid_reflows_and_says_when_there_is_no_room(stranger: dict[str, str]) -> None:
    with Terminal(PROGRAM, env=stranger, columns=120, rows=36) as terminal:
        terminal.wait_for("69%")
        for columns, rows in ((40, 12), (80, 24), (200, 60)):
            terminal.resize(columns, rows)
            terminal.wait_for("69%", "z.ai")
            terminal.settle()
            assert all(len(line) <= columns for line in terminal.lines)
        terminal.resize(25, 6)
        terminal.wait_for("30")
        terminal.send("q")
        assert terminal.wait() == 0


def test_the_last_numbers_are_there_before_the_network_answers(
    stranger: dict[str, str], world: World
) -> None:
    with Terminal(PROGRAM, env=stranger) as terminal:
        terminal.wait_for("69%")
        terminal.send("q")
        terminal.wait()
    for url in (ZAI, "https://openrouter.ai/api/v1/credits"):
        world.upstream.on("GET", url, Response(status=500, delay_s=8))
    with Terminal(PROGRAM, env=stranger) as terminal:
        terminal.wait_for("69%", "as of", timeout_s=5)


def test_the_way_into_the_settings_and_back(stranger: dict[str, str]) -> None:
    with Terminal(PROGRAM, env=stranger) as terminal:
        terminal.wait_for("69%")
        terminal.send("s")
        terminal.wait_for("General", "from OPENROUTER_API_KEY")
        terminal.send("\x1b")
        terminal.wait_for("⏎ open")
        terminal.send("\x1b")
        terminal.wait_for("69%")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_clean(
    stranger: dict[str, str], number: signal.Signals
) -> None:
    with Terminal(PROGRAM, env=stranger) as terminal:
        terminal.wait_for("69%")
        terminal.kill(number)
        terminal.wait()
        for sequence in RESTORED:
            assert sequence in terminal.raw


def test_a_dropped_line_ends_the_program(stranger: dict[str, str]) -> None:
    terminal = Terminal(PROGRAM, env=stranger)
    terminal.wait_for("69%")
    terminal.hang_up()
    terminal.wait()


def test_quitting_does_not_wait_for_a_name_look_up(
    stranger: dict[str, str], tmp_path: Path
) -> None:
    silent = silent_resolver(tmp_path / "silent")
    env = {name: value for name, value in stranger.items() if "PROXY" not in name.upper()}
    env["PYTHONPATH"] += f":{silent}"
    with Terminal(PROGRAM, env=env) as terminal:
        while not (silent / "asked").exists():
            terminal.settle(quiet_s=0.1)
        terminal.send("q")
        assert terminal.wait(timeout_s=10) == 0


def test_no_colour_and_ascii_show_the_same_facts(stranger: dict[str, str]) -> None:
    plain = {**stranger, "NO_COLOR": "1", "LANG": "C", "LC_ALL": "C"}
    with Terminal(PROGRAM, env=plain) as terminal:
        terminal.wait_for("69%", "#")
        assert all(ord(c) < 128 for c in terminal.settle() if c not in "╭╮╰╯│─┏┓┗┛┃━")
        assert re.search(rb"\x1b\[[0-9;]*[34]8;", terminal.raw) is None


def test_two_instances_at_once_do_not_hurt_each_other(stranger: dict[str, str]) -> None:
    with Terminal(PROGRAM, env=stranger) as one, Terminal(PROGRAM, env=stranger) as two:
        one.wait_for("69%")
        two.wait_for("69%")
        for terminal in (one, two):
            terminal.send("R")
        for terminal in (one, two):
            terminal.send("q")
            assert terminal.wait() == 0


def test_no_secret_is_in_any_file_or_on_the_screen(stranger: dict[str, str]) -> None:
    with Terminal(PROGRAM, env=stranger) as terminal:
        terminal.wait_for("69%")
        terminal.send("L")
        terminal.settle()
        terminal.send("q")
        terminal.wait()
    written = b"".join(p.read_bytes() for p in Path(stranger["HOME"]).rglob("*") if p.is_file())
    for name in ("Z_AI_API_KEY", "OPENROUTER_API_KEY"):
        assert stranger[name].encode() not in written + bytes(terminal.raw)


def test_a_broken_settings_file_is_named_and_everything_else_works(
    stranger: dict[str, str],
) -> None:
    file = Path(stranger["HOME"]) / ".config" / "quotadeck" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("theme = nord\nshow_used = true\n")
    with Terminal(PROGRAM, env=stranger) as terminal:
        terminal.wait_for("31%", "config.toml, line 1")
        terminal.send("q")
        terminal.wait()
    assert file.read_text() == "theme = nord\nshow_used = true\n"


def test_without_a_terminal_the_table_is_printed(stranger: dict[str, str]) -> None:
    done = subprocess.run(
        PROGRAM, env=stranger, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert "z.ai" in done.stdout
    assert "\x1b[?1049h" not in done.stdout


def test_the_settings_survive_as_toml(stranger: dict[str, str]) -> None:
    done = subprocess.run(
        [*PROGRAM, "config", "set", "zai.region", "global"],
        env=stranger,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    file = Path(stranger["HOME"]) / ".config" / "quotadeck" / "config.toml"
    assert tomllib.loads(file.read_text())["providers"]["zai"]["region"] == "global"
