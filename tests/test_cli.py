"""The command line as a whole: start, help, wrong usage, pipes, signals, mistakes of our own."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.commands.running import PROGRAM, Cli, environment, run_program, silent_resolver
from tests.loopback import Response, loopback_world
from tui import __version__
from tui.cli import VERBS
from tui.providers.kimi_k2 import CREDITS_URL, HOST

ACTIONS = (
    ("config", ("path", "list", "get", "set", "unset", "check", "import-codexbar")),
    ("secret", ("set", "list", "delete")),
)
EVERY_HELP = [
    (),
    *((verb,) for verb in VERBS),
    *((verb, action) for verb, actions in ACTIONS for action in actions),
]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(capsys, monkeypatch)


# -- start -----------------------------------------------------------------------------------------


def test_the_version_is_printed_without_loading_anything() -> None:
    code = (
        "import sys; before = set(sys.modules); from tui.cli import main; main(['--version']);"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    version, loaded = done.stdout.splitlines()
    assert version == f"quotadeck {__version__}"
    assert set(loaded.split()) == {"__future__", "tui", "tui.cli"}


def test_one_answer_loads_neither_screen_nor_key_store_nor_the_other_providers(home: Path) -> None:
    heavy = "('textual', 'keyring', 'psutil', 'browser_cookie3', 'tui.providers.zai', 'tui.app')"
    code = (
        "import sys; from tui.cli import main; main(['status', '--provider', 'kimi-k2']);"
        f"print(*[name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(home), capture_output=True, text=True
    )
    assert done.stderr.strip() == ""


def test_without_a_terminal_the_table_comes_instead_of_the_screen(home: Path) -> None:
    ran = run_program(env=environment(home))
    assert ran.code == 0
    assert "No provider is switched on." in ran.out
    assert "quotadeck status" in ran.err


def test_the_demo_has_a_table_too(home: Path) -> None:
    ran = run_program("--demo", "--provider", "zai", env=environment(home))
    assert ran.code == 0
    assert "z.ai · Pro" in ran.out
    assert "Warp" not in ran.out


def test_a_dumb_terminal_gets_the_table(home: Path) -> None:
    ours, theirs = pty.openpty()
    env = environment(home, TERM="dumb")
    with subprocess.Popen(PROGRAM, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while b"switched on" not in shown:
            shown += os.read(ours, 1024)
        assert process.wait(timeout=30) == 0
    os.close(ours)
    assert b"\x1b" not in shown


# -- help and usage --------------------------------------------------------------------------------


@pytest.mark.parametrize("words", EVERY_HELP, ids=" ".join)
def test_every_help_has_an_example(cli: Cli, words: tuple[str, ...]) -> None:
    ran = cli(*words, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "\nexample" in ran.out
    assert f"  quotadeck {' '.join(words)}".rstrip() in ran.out


def test_the_help_names_every_verb(cli: Cli) -> None:
    shown = cli("--help").out
    assert all(f"\n  {verb} " in shown for verb in VERBS)


@pytest.mark.parametrize(
    "words", [("stauts",), ("--nope",), ("config",), ("config", "frobnicate"), ("doctor", "a", "b")]
)
def test_wrong_usage_is_64_and_one_line_with_the_next_step(
    cli: Cli, words: tuple[str, ...]
) -> None:
    ran = cli(*words)
    assert (ran.code, ran.out) == (64, "")
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("quotadeck: ")


def test_a_secret_on_the_command_line_is_not_repeated(cli: Cli) -> None:
    ran = cli("status", "--json", "--provider", "sk-or-v1-0123456789abcdef0123")
    assert ran.code == 64
    assert "0123456789abcdef" not in ran.out + ran.err


@pytest.mark.parametrize("kind", [RuntimeError, asyncio.CancelledError, GeneratorExit])
def test_a_mistake_of_ours_is_one_sentence_and_a_redacted_log(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    def broken(*_: object) -> None:
        raise kind("token sk-or-v1-0123456789abcdef0123")

    monkeypatch.setattr("tui.commands.status.chosen_keys", broken)
    ran = cli("status", "--json")
    assert ran.code == 1
    assert ran.rows["cli"]["error"]["message"] == f"Internal error ({kind.__name__})."
    log = (home / ".local/state/quotadeck/quotadeck.log").read_text()
    assert "in broken" in log
    assert "0123456789abcdef" not in log


# -- pipes and signals -----------------------------------------------------------------------------


def test_a_reader_that_leaves_is_no_error(home: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "providers", "--json"],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=30), said) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is always full")
def test_remarks_that_cannot_be_written_change_nothing(home: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PROGRAM, "nope", "--json"],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
        )
    assert done.returncode == 64
    assert json.loads(done.stdout)[0]["provider"] == "cli"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is always full")
def test_a_full_disk_below_the_output_is_one_sentence(home: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PROGRAM, "config", "path"],
            env=environment(home),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "quotadeck: The output could not be written (No space left on device).\n"
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 128 + 15), (signal.SIGHUP, 128 + 1)]
)
def test_an_interrupted_run_ends_calmly(
    tmp_path: Path, home: Path, number: signal.Signals, code: int
) -> None:
    with loopback_world(tmp_path / "tls", [HOST]) as world:
        world.upstream.on("GET", CREDITS_URL, Response(b"{}", delay_s=20))
        env = environment(home, KIMI_K2_API_KEY="k2-secret-value-0123", **world.env)
        process = subprocess.Popen(
            [*PROGRAM, "status", "--json", "--provider", "kimi-k2"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        until = time.monotonic() + 20
        while not world.upstream.requests and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (code, b"", b"")


def test_a_name_look_up_that_hangs_does_not_hold_the_program(tmp_path: Path, home: Path) -> None:
    env = environment(home, KIMI_K2_API_KEY="k2-secret-value-0123")
    env["PYTHONPATH"] += os.pathsep + str(silent_resolver(tmp_path / "silent"))
    started = time.monotonic()
    ran = run_program("status", "--json", "--provider", "kimi-k2", "--timeout", "1", env=env)
    assert time.monotonic() - started < 20
    assert (ran.code, ran.rows["kimi-k2"]["error"]["errorKind"]) == (4, "network")
