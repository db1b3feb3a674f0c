"""Other programs: real executables, from well-behaved to hostile, and real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tui.core.errors import MissingCredentials, NetworkError, ParseError, Unsupported
from tui.core.process import CommandResult
from tui.core.redact import Secret
from tui.gateways import _output, process_table
from tui.gateways._children import MARK
from tui.gateways._output import plain
from tui.gateways.alive import kill_all
from tui.gateways.process import LineConversation, OsName, ProcessTable, Programs
from tui.providers._context import Commands, Processes
from tui.providers._spec import Program

PYTHON = f"#!{sys.executable}\n"
SHELL = "#!/bin/sh\n"
SLEEP = "sleep 60"
IGNORES_TERM = "trap '' TERM HUP INT\n"


class Desk:
    """A folder on PATH with executables, and the gateway that runs them."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.work_dir = folder / "state" / "work"
        self.env = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(home)}
        self.pid_file = folder / "pids"
        self.bin.mkdir()

    def write(self, text: str, name: str = "tool", folder: Path | None = None) -> Path:
        """An executable file."""
        path = (folder or self.bin) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.startswith("#!") else SHELL + text)
        path.chmod(0o755)
        return path

    def programs(
        self,
        *declared: Program,
        cli_path: Path | None = None,
        drop_env: Sequence[str] = (),
        os_name: OsName = "linux",
    ) -> Programs:
        """The gateway; `tool` is declared unless the test says otherwise."""
        names = declared or (Program(name="tool"),)
        return Programs(names, cli_path, self.env, self.work_dir, drop_env, os_name)

    async def run(self, text: str, *args: str, **options: Any) -> CommandResult:
        """Write an executable and run it."""
        self.write(text)
        programs = self.programs(drop_env=options.pop("dropped", ()))
        tool = programs.find("tool")
        assert tool is not None
        env = {"PIDS": str(self.pid_file), **options.pop("env", {})}
        return await programs.run(tool, *args, env=env, **{"timeout_s": 10, **options})

    async def talk(self, text: str) -> LineConversation:
        """Write an executable and talk to it."""
        self.write(text)
        programs = self.programs()
        tool = programs.find("tool")
        assert tool is not None
        return await programs.talk(tool, env={"PIDS": str(self.pid_file)})

    def pids(self) -> list[int]:
        """What executables wrote with `echo $! >> $PIDS`."""
        return [int(word) for word in self.pid_file.read_text().split()]

    async def has_pids(self, count: int) -> list[int]:
        """The same, as soon as there are so many."""
        async with asyncio.timeout(10):
            while not self.pid_file.exists() or len(self.pids()) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return self.pids()


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie of a parent that does not look."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def all_gone(pids: Sequence[int]) -> bool:
    """Whether none of these is left; a moment is allowed for the last signal to arrive."""
    for _ in range(50):
        if not any(map(runs, pids)):
            return True
        await asyncio.sleep(0.01)
    return False


async def started(task: asyncio.Task[Any], desk: Desk, count: int = 1) -> list[int]:
    """The pids of a program that runs in a task."""
    waiting = asyncio.create_task(desk.has_pids(count))
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert not task.done()
    return await waiting


@pytest.fixture
def desk(tmp_path: Path, home: Path) -> Desk:
    """A desk of its own."""
    return Desk(tmp_path, home)


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """No test leaves a child, not even a zombie."""
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    assert not left


# How a program ends


async def test_both_outputs_and_the_exit_code_are_reported(desk: Desk) -> None:
    result = await desk.run("echo out; echo err >&2; exit 3")

    assert result == CommandResult(exit_code=3, stdout="out\n", stderr="err\n")


async def test_arguments_reach_the_program_as_they_are(desk: Desk) -> None:
    arguments = ("$HOME; echo x", "a  b", "", "*")
    result = await desk.run(f"{PYTHON}import sys; print(sys.argv[1:])", *arguments)

    assert result.stdout == f"{list(arguments)}\n"


async def test_a_program_that_asks_gets_no_input(desk: Desk) -> None:
    result = await desk.run("cat; echo end")

    assert result.stdout == "end\n"


async def test_it_works_in_an_empty_private_folder(desk: Desk) -> None:
    result = await desk.run("pwd; ls -A")

    assert result.stdout == f"{desk.work_dir}\n"
    assert desk.work_dir.stat().st_mode & 0o777 == 0o700


async def test_it_leads_a_session_of_its_own(desk: Desk) -> None:
    script = f"{PYTHON}import os; print(os.getsid(0) == os.getpgid(0) == os.getpid())"
    result = await desk.run(script)

    assert result.stdout == "True\n"


@pytest.mark.parametrize("pty", [False, True])
async def test_the_first_byte_is_told_once(desk: Desk, pty: bool) -> None:
    told: list[str] = []
    await desk.run(
        "echo one; sleep 0.05; echo two >&2", on_output=lambda: told.append("byte"), pty=pty
    )
    await desk.run("exit 0", on_output=lambda: told.append("silent"), pty=pty)

    assert told == ["byte"]


async def test_an_end_by_signal_is_a_negative_exit_code(desk: Desk) -> None:
    result = await desk.run("kill -9 $$")

    assert result.exit_code == -signal.SIGKILL


async def test_much_output_on_both_streams_arrives_completely(desk: Desk) -> None:
    script = f"{PYTHON}import sys; sys.stderr.write('e' * 400_000); sys.stdout.write('o' * 500_000)"
    result = await desk.run(script)

    assert (len(result.stdout), len(result.stderr)) == (500_000, 400_000)


async def test_garbage_becomes_plain_text(desk: Desk) -> None:
    result = await desk.run(r"printf '\033[1mbold\033[0m \377\377 \033]0;t\007one\r\ntwo\rthree'")

    assert result.stdout == "bold \ufffd\ufffd one\ntwo\nthree"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"a\r\nb", "a\nb", id="line of Windows"),
        pytest.param(b"a\r\r\nb", "a\nb", id="line of Windows on a terminal"),
        pytest.param(b"10%\r20%\r", "10%\n20%\n", id="progress that overwrites itself"),
        pytest.param(b"a\n\nb", "a\n\nb", id="empty lines stay"),
    ],
)
def test_carriage_returns_end_lines(data: bytes, expected: str) -> None:
    assert plain(data) == expected


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.write_bytes(b"\x7fELF nonsense"), id="no program at all"),
        pytest.param(lambda path: path.write_text("#!/no/such/shell\n"), id="no interpreter"),
        pytest.param(lambda path: path.unlink(), id="gone"),
        pytest.param(lambda path: path.chmod(0o600), id="not executable any more"),
    ],
)
async def test_a_program_that_cannot_start_is_missing(
    desk: Desk, make: Callable[[Path], object]
) -> None:
    desk.write("exit 0")
    programs = desk.programs()
    tool = programs.find("tool")
    assert tool is not None
    make(tool)

    with pytest.raises(MissingCredentials) as caught:
        await programs.run(tool, timeout_s=5)
    assert caught.value.message == "tool could not be started."


async def test_a_null_byte_in_an_argument_is_no_crash(desk: Desk) -> None:
    with pytest.raises(MissingCredentials):
        await desk.run("exit 0", "a\0b")


# When a program is cut off


async def test_a_slow_program_is_cut_off_and_its_output_kept(desk: Desk) -> None:
    result = await desk.run(f"echo $$ > $PIDS; echo begun; {SLEEP}", timeout_s=0.3)

    assert result == CommandResult(exit_code=None, stdout="begun\n", timed_out=True)
    assert await all_gone(desk.pids())


async def test_silence_counts_only_after_the_first_byte(desk: Desk) -> None:
    result = await desk.run(SLEEP, timeout_s=0.4, silence_s=0.05)

    assert result.timed_out
    assert not result.went_silent


async def test_a_program_that_falls_silent_is_cut_off(desk: Desk) -> None:
    started_at = time.monotonic()
    result = await desk.run(f"echo half; echo of it >&2; {SLEEP}", silence_s=0.2)

    assert result.went_silent
    assert (result.stdout, result.stderr) == ("half\n", "of it\n")
    assert result.exit_code is None
    assert not result.timed_out
    assert time.monotonic() - started_at < 3


async def test_a_program_that_goes_on_talking_is_not_silent(desk: Desk) -> None:
    result = await desk.run("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.1; done", silence_s=0.6)

    assert result.exit_code == 0
    assert result.stdout.split() == list("12345678")


async def test_complete_output_needs_less_patience(desk: Desk) -> None:
    asked: list[str] = []

    def done(text: str) -> bool:
        asked.append(text)
        return "all" in text

    script = f"echo some; sleep 0.3; echo all >&2; {SLEEP}"
    result = await desk.run(script, silence_s=8, done=done, done_silence_s=0.1)

    assert result.went_silent
    assert asked == ["some\n\n", "some\n\nall\n"]


async def test_too_much_output_ends_the_program(desk: Desk) -> None:
    result = await desk.run("echo $$ > $PIDS; exec yes", max_bytes=100_000)

    assert result.exit_code is None
    assert len(result.stdout) == 100_000
    assert not result.timed_out
    assert await all_gone(desk.pids())


async def test_output_that_was_cut_is_never_taken_for_a_success(desk: Desk) -> None:
    result = await desk.run("printf 123456", max_bytes=5)

    assert (result.stdout, result.exit_code) == ("12345", None)


async def test_a_program_may_end_itself_when_it_is_told_to(desk: Desk) -> None:
    script = f"trap 'echo bye; exit 0' TERM\necho $$ > $PIDS\n{SLEEP} & wait"
    result = await desk.run(script, timeout_s=0.3)

    assert result.stdout == "bye\n"
    assert result.exit_code is None


@pytest.mark.parametrize("pty", [False, True])
async def test_a_program_that_ignores_every_request_is_killed(desk: Desk, pty: bool) -> None:
    script = f"{IGNORES_TERM}echo $$ > $PIDS\nwhile :; do sleep 1; done"
    result = await desk.run(script, timeout_s=0.3, pty=pty)

    assert result.timed_out
    assert await all_gone(desk.pids())


# Helpers of a program


async def test_a_helper_that_holds_the_output_open_does_not_delay(desk: Desk) -> None:
    started_at = time.monotonic()
    result = await desk.run(f"{SLEEP} & echo $! > $PIDS; echo done; exit 4")

    assert result == CommandResult(exit_code=4, stdout="done\n")
    assert time.monotonic() - started_at < 3
    assert await all_gone(desk.pids())


@pytest.mark.parametrize("pty", [False, True])
async def test_a_detached_helper_that_holds_the_output_open_is_ended(
    desk: Desk, pty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_output, "HELD_OPEN_S", 0.1)
    script = f"(setsid sh -c 'echo $$ > $PIDS; {SLEEP}' &)\nuntil test -s $PIDS; do :; done; exit 0"
    result = await desk.run(script, pty=pty)

    assert result.exit_code == 0
    assert await all_gone(desk.pids())


async def test_an_orphan_in_another_session_is_found_by_its_mark(desk: Desk) -> None:
    detached = f"setsid sh -c 'echo $$ >> $PIDS; exec {SLEEP}' > /dev/null 2>&1"
    script = f"({detached} &)\nuntil test -s $PIDS; do :; done; {SLEEP}"
    result = await desk.run(script, timeout_s=1)

    assert result.timed_out
    assert await all_gone(desk.pids())


async def test_a_helper_that_dropped_its_mark_is_found_by_its_parent(desk: Desk) -> None:
    script = f"env -u {MARK} setsid sh -c 'echo $$ > $PIDS; exec {SLEEP}' & wait"
    task = asyncio.create_task(desk.run(script))
    pids = await started(task, desk)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await all_gone(pids)


async def test_a_helper_left_in_the_group_is_ended(desk: Desk) -> None:
    result = await desk.run(f"{SLEEP} > /dev/null 2>&1 & echo $! > $PIDS")

    assert result.exit_code == 0
    assert await all_gone(desk.pids())


async def test_a_helper_left_in_the_group_may_tidy_up(desk: Desk) -> None:
    tidies = f"trap 'echo tidy > $PIDS.done; exit' TERM; echo $$ > $PIDS; {SLEEP} & wait"
    script = 'sh -c "$1" > /dev/null 2>&1 &\nuntil test -s $PIDS; do :; done'
    await desk.run(script, tidies)

    assert desk.pid_file.with_name("pids.done").read_text() == "tidy\n"
    assert await all_gone(desk.pids())


# Cancelling


@pytest.mark.parametrize("pty", [False, True])
async def test_cancelling_ends_everything(desk: Desk, pty: bool) -> None:
    script = f"{IGNORES_TERM}{SLEEP} & echo $$ $! > $PIDS; wait"
    task = asyncio.create_task(desk.run(script, pty=pty))
    pids = await started(task, desk, 2)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await all_gone(pids)


async def test_cancelling_twice_kills_at_once(desk: Desk) -> None:
    task = asyncio.create_task(desk.run(f"{IGNORES_TERM}echo $$ > $PIDS; while :; do :; done"))
    pids = await started(task, desk)
    task.cancel()
    await asyncio.sleep(0.05)
    cancelled_at = time.monotonic()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - cancelled_at < 0.3
    assert await all_gone(pids)


@pytest.mark.parametrize("pty", [False, True])
@pytest.mark.parametrize("turns", [1, 2, 3, 4, 6])
async def test_cancelling_during_the_start_leaves_nothing(
    desk: Desk, turns: int, pty: bool
) -> None:
    task = asyncio.create_task(desk.run(f"{IGNORES_TERM}{SLEEP}", pty=pty))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.Process().children(recursive=True)


async def test_everything_can_be_ended_without_waiting(desk: Desk) -> None:
    detached = f"setsid sh -c 'echo $$ >> $PIDS; exec {SLEEP}'"
    script = f"{IGNORES_TERM}echo $$ >> $PIDS; {detached} & {SLEEP}"
    task = asyncio.create_task(desk.run(script, timeout_s=60))
    pids = await started(task, desk, 2)
    kill_all()

    assert (await task).exit_code == -signal.SIGKILL
    assert await all_gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
async def test_no_file_stays_open(desk: Desk) -> None:
    await desk.run("echo once")
    before = os.listdir("/proc/self/fd")
    for pty in (False, True):
        await desk.run("echo again", pty=pty)
        await desk.run(SLEEP, pty=pty, timeout_s=0.05)
    await asyncio.sleep(0)

    assert len(os.listdir("/proc/self/fd")) == len(before)


# Terminals


ASKS_FOR_TERMINAL = "test -t 0 && test -t 1 && test -t 2 || { echo no; exit 1; }; stty size; "


async def test_what_a_program_asks_for_on_its_terminal_is_typed(desk: Desk) -> None:
    script = f"""{PYTHON}
for question in ("Trust this folder?", "Command:"):
    answer = input(question)
    print(f"got <{{answer}}>", flush=True)
"""

    def keys(said: str) -> str:
        if said.endswith("Trust this folder?"):
            return "yes\r"
        return "/usage\r" if said.endswith("Command:") else ""

    result = await desk.run(script, pty=True, type_next=keys)
    assert "got <yes>" in result.stdout
    assert "got </usage>" in result.stdout
    assert result.exit_code == 0


async def test_a_program_can_be_given_a_terminal(desk: Desk) -> None:
    result = await desk.run(f"{ASKS_FOR_TERMINAL} echo yes > /dev/tty; echo err >&2", pty=True)

    assert result == CommandResult(exit_code=0, stdout="50 200\nyes\nerr\n")


async def test_without_being_asked_it_gets_none(desk: Desk) -> None:
    result = await desk.run(ASKS_FOR_TERMINAL)

    assert result == CommandResult(exit_code=1, stdout="no\n")


async def test_arguments_and_exit_code_pass_through_a_terminal(desk: Desk) -> None:
    result = await desk.run('printf "<%s>" "$@"; exit 7', "a b", "", "--c", pty=True)

    assert (result.exit_code, result.stdout) == (7, "<a b><><--c>")


async def test_a_program_on_a_terminal_dies_of_a_broken_pipe_as_elsewhere(desk: Desk) -> None:
    script = f"{PYTHON}import signal; print(signal.getsignal(signal.SIGPIPE).name)"
    ignored = "grep SigIgn /proc/self/status" if sys.platform == "linux" else "echo same"

    assert "SIG_IGN" in (await desk.run(script, pty=True)).stdout
    assert (await desk.run(ignored, pty=True)).stdout == (await desk.run(ignored)).stdout


async def test_a_missing_program_on_a_terminal_is_missing(desk: Desk) -> None:
    desk.write("exit 0")
    programs = desk.programs()
    tool = programs.find("tool")
    assert tool is not None
    tool.unlink()

    with pytest.raises(MissingCredentials):
        await programs.run(tool, timeout_s=5, pty=True)


# Environment


@pytest.fixture
def term_blocked() -> Iterator[None]:
    """TERM is blocked in this thread, as a careless parent may leave it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("term_blocked")
async def test_a_blocked_signal_is_not_inherited(desk: Desk) -> None:
    script = f"{PYTHON}import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    result = await desk.run(script)

    assert result.stdout == "set()\n"


async def test_the_secrets_of_others_are_not_inherited(desk: Desk) -> None:
    desk.env |= {"OTHER_KEY": "theirs", "CALL_KEY": "not now", "MINE": "mine"}
    script = 'echo "$OTHER_KEY|$CALL_KEY|$MINE|$TOKEN|$TERM|$COLORTERM|$LANG|$HOME"'
    env = {"TOKEN": Secret("tok-123456")}
    result = await desk.run(script, dropped=["OTHER_KEY"], drop_env=["CALL_KEY"], env=env)

    home = desk.env["HOME"]
    assert result.stdout == f"||mine|tok-123456|xterm-256color|truecolor|en_US.UTF-8|{home}\n"


async def test_the_language_of_the_user_stays(desk: Desk) -> None:
    desk.env["LANG"] = "de_DE.UTF-8"
    result = await desk.run("echo $LANG")

    assert result.stdout == "de_DE.UTF-8\n"


async def test_a_script_finds_the_runtime_beside_it(desk: Desk) -> None:
    apart = desk.folder / "apart"
    desk.write('echo "ran $2"', "fakenode", apart)
    tool = desk.write("#!/usr/bin/env fakenode\n", folder=apart)
    programs = desk.programs(cli_path=tool)
    assert programs.find("tool") == tool

    assert (await programs.run(tool, "x", timeout_s=5)).stdout == "ran x\n"


async def test_the_newest_node_of_a_version_manager_is_on_the_path(desk: Desk, home: Path) -> None:
    for version in ("v9.11.2", "v22.3.0", "v18.20.1"):
        desk.write(f"echo {version}", "node", home / ".nvm/versions/node" / version / "bin")
    result = await desk.run("IFS=:; for p in $PATH; do case $p in */.nvm/*) echo $p; esac; done")

    assert [line.split("/")[-2] for line in result.stdout.split()] == [
        "v22.3.0",
        "v18.20.1",
        "v9.11.2",
    ]


def test_the_gateways_are_what_sources_are_given(desk: Desk) -> None:
    """Checked by mypy: neither side imports the other."""
    commands: Commands = desk.programs()
    processes: Processes = ProcessTable()

    assert commands
    assert processes


def test_psutil_is_loaded_only_when_it_is_needed() -> None:
    script = "import sys, tui.gateways.process; print('psutil' in sys.modules)"
    command = [sys.executable, "-c", script]
    folder = Path(__file__).parents[2]
    loaded = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)

    assert loaded.stdout == "False\n"


# Where a program is


def test_setting_variable_path_and_usual_places_are_tried_in_this_order(
    desk: Desk, home: Path
) -> None:
    places = ("~/own/tool", str(desk.folder / "usual"))
    declared = Program(name="tool", env="TOOL_PATH", places=places)
    assert desk.programs(declared).find("tool") is None

    for version in ("v9.9.0", "v22.1.0"):
        newest = desk.write("exit 0", folder=home / ".nvm/versions/node" / version / "bin")
    assert desk.programs(declared).find("tool") == newest

    in_folder = desk.write("exit 0", folder=desk.folder / "usual")
    assert desk.programs(declared).find("tool") == in_folder

    in_home = desk.write("exit 0", folder=home / "own")
    assert desk.programs(declared).find("tool") == in_home

    on_path = desk.write("exit 0")
    assert desk.programs(declared).find("tool") == on_path

    desk.env["TOOL_PATH"] = ' "$HOME/named" '
    assert desk.programs(declared).find("tool") == on_path
    named = desk.write("exit 0", "named", home)
    assert desk.programs(declared).find("tool") == named

    chosen = desk.write("exit 0", "chosen", home)
    assert desk.programs(declared, cli_path=chosen).find("tool") == chosen


def test_a_path_the_user_chose_is_not_replaced_by_another(desk: Desk, home: Path) -> None:
    desk.write("exit 0")
    second = desk.write("exit 0", "second")
    programs = desk.programs(
        Program(name="tool"), Program(name="second"), cli_path=home / "mistyped"
    )

    assert programs.find("tool") is None
    assert programs.find("second") == second


def test_a_program_is_looked_up_anew_each_time(desk: Desk) -> None:
    programs = desk.programs()
    assert programs.find("tool") is None
    tool = desk.write("exit 0")
    assert programs.find("tool") == tool
    tool.chmod(0o644)
    assert programs.find("tool") is None


def test_the_working_folder_is_never_searched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("exit 0", folder=desk.folder / "here")
    monkeypatch.chdir(desk.folder / "here")
    desk.env["PATH"] = ":.:../here"

    assert desk.programs(Program(name="tool", places=("$UNSET", "tool"))).find("tool") is None


@pytest.mark.parametrize("ending", [".exe", ".cmd"])
def test_windows_adds_the_ending(desk: Desk, ending: str) -> None:
    desk.env = {"Path": f"/nowhere;{desk.bin}", "USERPROFILE": str(desk.folder)}
    desk.write("exit 0", "tool")
    tool = desk.write("exit 0", f"tool{ending}")

    assert desk.programs(os_name="windows").find("tool") == tool
    assert desk.programs(os_name="windows", cli_path=tool).find("tool") == tool


async def test_other_programs_are_refused(desk: Desk) -> None:
    other = desk.write("exit 0", "other")
    programs = desk.programs()

    with pytest.raises(Unsupported):
        programs.find("other")
    with pytest.raises(Unsupported):
        await programs.run(other, timeout_s=1)
    with pytest.raises(Unsupported):
        await programs.talk(other)


# Conversations


SERVER = f"""{PYTHON}
import json, os, sys, time
print(os.getpid(), file=open(os.environ["PIDS"], "w"))
for line in sys.stdin:
    request = json.loads(line)
    match request["method"]:
        case "hang": time.sleep(60)
        case "end": break
        case "long": answer = "x" * request["length"]
        case "noise": sys.stderr.write("n" * 200_000); answer = "quiet"
        case _: answer = request["text"]
    print(json.dumps({{"id": request["id"], "result": answer}}), flush=True)
"""


@pytest.fixture
async def server(desk: Desk) -> AsyncIterator[LineConversation]:
    """A program that answers lines of JSON."""
    conversation = await desk.talk(SERVER)
    yield conversation
    await conversation.close()
    assert await all_gone(desk.pids())


async def ask(server: LineConversation, method: str, timeout_s: float = 10, **more: Any) -> Any:
    """The answer to one request."""
    await server.write_line(json.dumps({"id": 1, "method": method, **more}))
    line = await server.read_line(timeout_s)
    return None if line is None else json.loads(line)["result"]


async def test_a_conversation_goes_to_and_fro(server: LineConversation) -> None:
    assert await ask(server, "echo", text="grüße") == "grüße"
    assert await ask(server, "noise") == "quiet"
    assert await ask(server, "echo", text="again") == "again"


async def test_long_lines_are_read(server: LineConversation) -> None:
    assert len(await ask(server, "long", length=7_000_000)) == 7_000_000


async def test_endless_lines_are_refused(server: LineConversation) -> None:
    with pytest.raises(ParseError):
        await ask(server, "long", length=17_000_000)


async def test_a_late_answer_is_a_network_error(server: LineConversation) -> None:
    with pytest.raises(NetworkError) as caught:
        await ask(server, "hang", timeout_s=0.05)
    assert caught.value.message == "tool did not answer within 0.05 s."


async def test_the_end_of_the_program_ends_the_conversation(server: LineConversation) -> None:
    assert await ask(server, "end") is None
    with pytest.raises(NetworkError):
        await server.write_line("more")


async def test_closing_ends_a_program_that_does_not_want_to(desk: Desk) -> None:
    conversation = await desk.talk(f"{IGNORES_TERM}{SLEEP} & echo $$ $! > $PIDS; wait; wait")
    pids = await desk.has_pids(2)
    await conversation.close()
    await conversation.close()

    assert await all_gone(pids)


async def test_a_conversation_needs_a_program(desk: Desk) -> None:
    with pytest.raises(MissingCredentials):
        await desk.talk("#!/no/such/shell\n")


# What runs, and where it listens


LISTENER = """
import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
if socket.has_dualstack_ipv6():
    sockets.append(socket.create_server(("::1", 0), family=socket.AF_INET6))
ports = [one.getsockname()[1] for one in sockets]
client = socket.create_connection(("127.0.0.1", ports[0]))
print(*ports, flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Listener:
    """A process that listens."""

    pid: int
    arguments: tuple[str, ...]
    ports: tuple[int, ...]


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """A real one, with odd arguments."""
    command = (sys.executable, "-c", LISTENER, "--csrf_token", "a b", "", "--port=1")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        ports = sorted(map(int, process.stdout.readline().split()))
        yield Listener(process.pid, command, tuple(ports))
        process.communicate()


async def test_command_lines_are_listed_exactly(listener: Listener) -> None:
    processes = {process.pid: process for process in await ProcessTable().list()}

    assert processes[listener.pid].arguments == listener.arguments
    assert processes[listener.pid].name.startswith("python")
    assert "csrf" not in repr(processes[listener.pid])


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process of another user."""
    with subprocess.Popen(["sleep", "60"], user=65534, cwd="/") as process:
        yield process.pid
        process.kill()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a process of another user")
async def test_processes_of_other_users_are_left_out(stranger: int) -> None:
    pids = [process.pid for process in await ProcessTable().list()]

    assert os.getpid() in pids
    assert stranger not in pids


async def test_listening_ports_are_found(listener: Listener) -> None:
    assert await ProcessTable().listening_ports(listener.pid) == listener.ports


def sees_nothing(pid: int) -> tuple[int, ...]:
    """A system that tells nothing."""
    return ()


@pytest.mark.needs("lsof")
async def test_lsof_is_asked_when_the_system_tells_nothing(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_table, "psutil_ports", sees_nothing)
    monkeypatch.setattr(process_table, "kernel_ports", sees_nothing)
    table = ProcessTable()

    assert await table.listening_ports(listener.pid) == listener.ports
    assert await table.listening_ports(os.getpid()) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_kernel_is_asked_when_there_is_no_lsof(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_table, "psutil_ports", sees_nothing)
    monkeypatch.setattr(process_table, "LSOF_PLACES", ())
    table = ProcessTable({})

    assert await table.listening_ports(listener.pid) == listener.ports
    assert await table.listening_ports(os.getpid()) == ()


async def test_a_process_that_is_gone_listens_nowhere() -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()

    assert await ProcessTable().listening_ports(gone.pid) == ()


LSOF = """COMMAND   PID USER   FD   TYPE DEVICE SIZE/OFF NODE NAME
language_ 842 me    12u  IPv4 0x1f2e      0t0  TCP 127.0.0.1:42111 (LISTEN)
language_ 842 me    13u  IPv6 0x1f2f      0t0  TCP [::1]:4300 (LISTEN)
language_ 842 me    14u  IPv4 0x1f30      0t0  TCP 127.0.0.1:42111 (LISTEN)
"""


@pytest.mark.parametrize(
    ("exit_code", "stdout", "stderr", "expected"),
    [
        pytest.param(0, LSOF, "", (4300, 42111), id="found"),
        pytest.param(1, LSOF, "lsof: WARNING", (4300, 42111), id="found, with a warning"),
        pytest.param(1, "", "", (), id="none yet"),
        pytest.param(1, "", "lsof: no pwd entry", None, id="failed"),
        pytest.param(None, "", "", None, id="cut off"),
    ],
)
def test_the_answer_of_lsof(
    exit_code: int | None, stdout: str, stderr: str, expected: tuple[int, ...] | None
) -> None:
    assert process_table.lsof_ports(exit_code, stdout, stderr) == expected
