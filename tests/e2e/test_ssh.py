"""The real program in a real SSH session and inside tmux: what people look at all day."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import PROGRAM
from tests.e2e.terminal import Terminal
from tests.parts import find_part

pytestmark = pytest.mark.usefixtures("no_children_left")
STORED = Path(__file__).parent / "screens"
TREE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Server:
    """An sshd of this test."""

    port: int
    folder: Path

    def command(self, *remote: str) -> list[str]:
        """An ssh call that runs something on a terminal of the server."""
        options = (
            "StrictHostKeyChecking=no",
            f"UserKnownHostsFile={self.folder / 'known_hosts'}",
            "LogLevel=ERROR",
            "IdentitiesOnly=yes",
        )
        flags = [part for option in options for part in ("-o", option)]
        return [
            find_part("ssh") or "ssh",
            "-tt",
            *flags,
            *("-F", "none", "-p", str(self.port), "-i", str(self.folder / "user_key")),
            f"{getpass.getuser()}@127.0.0.1",
            shlex.join(remote),
        ]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A throw-away sshd with throw-away keys on a free port."""
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host_key", "user_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "sshd_config").write_text(_sshd_config(folder, port))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command = [find_part("sshd") or "sshd", "-D", "-E", str(folder / "log")]
    sshd = subprocess.Popen([*command, "-f", str(folder / "sshd_config")])
    try:
        _wait_for(port)
        yield Server(port, folder)
    finally:
        sshd.terminate()
        sshd.wait(10)


def _sshd_config(folder: Path, port: int) -> str:
    return "\n".join(
        (
            f"Port {port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {folder / 'host_key'}",
            f"AuthorizedKeysFile {folder / 'authorized_keys'}",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            f"PidFile {folder / 'pid'}",
            "",
        )
    )


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("sshd does not listen")


def remote_command(stranger: dict[str, str]) -> list[str]:
    """The program with exactly the environment of the stranger."""
    env = {**stranger, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    return ["env", "-i", *(f"{name}={value}" for name, value in env.items()), *PROGRAM]


def masked(lines: list[str]) -> str:
    """The screen without what differs from run to run: the clock."""
    first, *rest = lines
    words = first.split()
    clock = words[-1] if words and ":" in words[-1] else ""
    return "\n".join([first.replace(clock, "hh:mm") if clock else first, *rest]).rstrip() + "\n"


def compare(name: str, text: str) -> None:
    """Compare with the stored screen; `QUOTADECK_STORE_SCREENS=1` stores it instead."""
    path = STORED / name
    if os.environ.get("QUOTADECK_STORE_SCREENS"):
        STORED.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.needs("sshd", "ssh")
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 36)])
def test_over_ssh_the_deck_looks_as_stored(
    server: Server, stranger: dict[str, str], columns: int, rows: int
) -> None:
    """Two cards side by side: OpenRouter with its credits, z.ai with 69% left of the 5-hour window.

    Borders closed, bars drawn with blocks, the countdown complete, the keys in the last line.
    """
    client = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": stranger["HOME"]}
    command = server.command(*remote_command(stranger))
    with Terminal(command, env=client, columns=columns, rows=rows) as terminal:
        terminal.wait_for("69%", "$41.20", "just now")
        terminal.settle()
        compare(f"ssh_{columns}x{rows}.txt", masked(terminal.lines))
        terminal.send("q")
        assert terminal.wait() == 0


@pytest.mark.needs("sshd", "ssh")
def test_a_lost_connection_leaves_nothing_running_on_the_server(
    server: Server, stranger: dict[str, str]
) -> None:
    client = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": stranger["HOME"]}
    terminal = Terminal(server.command(*remote_command(stranger)), env=client)
    terminal.wait_for("69%")
    terminal.hang_up()
    terminal.close()


@pytest.mark.needs("tmux")
def test_inside_tmux_the_deck_reads_the_same(tmp_path: Path, stranger: dict[str, str]) -> None:
    tmux = [find_part("tmux") or "tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    shell = shlex.join(remote_command({**stranger, "TERM": "screen-256color"}))
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": stranger["HOME"]}
    run = {"env": env, "check": True, "timeout": 20}
    subprocess.run([*tmux, "new-session", "-d", "-x", "80", "-y", "24", shell], **run)  # type: ignore[call-overload]
    try:
        deadline = time.monotonic() + 30
        shown = ""
        while "69%" not in shown or "$41.20" not in shown:
            assert time.monotonic() < deadline, shown
            time.sleep(0.1)
            shown = subprocess.run(
                [*tmux, "capture-pane", "-p"], capture_output=True, text=True, env=env, check=True
            ).stdout
        assert "5-hour" in shown
        subprocess.run([*tmux, "send-keys", "q"], **run)  # type: ignore[call-overload]
    finally:
        subprocess.run([*tmux, "kill-server"], env=env, check=False, stderr=subprocess.DEVNULL)
