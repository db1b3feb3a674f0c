"""What runs on this machine, and on which ports it listens."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tui.core.errors import MissingCredentials
from tui.core.process import ProcessInfo
from tui.gateways._children import Command
from tui.gateways._output import Limits, run_to_end
from tui.gateways.blocking import run_blocking

DEADLINE_S = 5.0
KEY = "processes"
LSOF_PLACES = ("/usr/sbin", "/usr/bin")
LISTENING = "0A"
"""State column of the kernel's TCP tables."""


class ProcessTable:
    """Processes of this user.

    Args:
        env: Environment in which `lsof` is looked up.
    """

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self._env = env

    async def list(self) -> tuple[ProcessInfo, ...]:
        """Processes of this user with their complete command lines, by pid.

        Raises:
            BlockedError: The system did not answer in time.
        """
        return await run_blocking(_processes, deadline_s=DEADLINE_S, key=KEY)

    async def listening_ports(self, pid: int) -> tuple[int, ...]:
        """TCP ports this process listens on, ascending; empty when it is gone or may not be asked.

        psutil answers in 0.1 ms; where it sees nothing or is refused, `lsof` is asked (53 ms), and
        without it the tables of Linux are read.

        Raises:
            BlockedError: The system did not answer in time.
        """
        ports = await run_blocking(lambda: psutil_ports(pid), deadline_s=DEADLINE_S, key=KEY)
        if ports or sys.platform == "win32":
            return ports
        told = await self._lsof_ports(pid)
        if told is not None or sys.platform != "linux":
            return told or ()
        return await run_blocking(lambda: kernel_ports(pid), deadline_s=DEADLINE_S, key=KEY)

    async def _lsof_ports(self, pid: int) -> tuple[int, ...] | None:
        path = os.pathsep.join((self._env.get("PATH", ""), *LSOF_PLACES))
        lsof = shutil.which("lsof", path=path)
        if lsof is None:
            return None
        # Without `-a` the conditions are alternatives: every port of the machine would be listed.
        args = ("-nP", "-iTCP", "-sTCP:LISTEN", "-a", "-p", str(pid))
        command = Command(Path(lsof), args, {"PATH": path}, Path("/"))
        with suppress(MissingCredentials):
            told = await run_to_end(command, Limits(timeout_s=DEADLINE_S))
            return lsof_ports(told.exit_code, told.stdout, told.stderr)
        return None


def lsof_ports(exit_code: int | None, stdout: str, stderr: str) -> tuple[int, ...] | None:
    """Ports in the answer of `lsof`; `None` when it failed. Nothing found is exit code 1 too."""
    ports = _ascending(int(port) for port in re.findall(r":(\d+) \(LISTEN\)", stdout))
    failed = exit_code != 0 and (exit_code != 1 or stderr.strip() != "")
    return None if failed and not ports else ports


def psutil_ports(pid: int) -> tuple[int, ...]:
    """Ports as psutil sees them; empty when it is refused."""
    import psutil

    with suppress(psutil.Error, OSError):
        connections = psutil.Process(pid).net_connections(kind="tcp")
        return _ascending(
            connection.laddr.port
            for connection in connections
            if connection.status == psutil.CONN_LISTEN
        )
    return ()


def kernel_ports(pid: int) -> tuple[int, ...]:
    """Ports by the tables of Linux, those under this pid: a container has its own."""
    process = Path("/proc") / str(pid)
    sockets = set(_sockets(process / "fd"))
    rows = [*_rows(process / "net" / "tcp"), *_rows(process / "net" / "tcp6")]
    return _ascending(
        int(row[1].rpartition(":")[2], 16)
        for row in rows
        if row[3] == LISTENING and row[9] in sockets
    )


def _sockets(folder: Path) -> Iterator[str]:
    """Inodes of the sockets a process holds."""
    with suppress(OSError):
        for link in folder.iterdir():
            with suppress(OSError):
                found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link))
                if found:
                    yield found.group(1)


def _rows(table: Path) -> Iterator[list[str]]:
    with suppress(OSError):
        for line in table.read_text().splitlines()[1:]:
            yield line.split()


def _ascending(ports: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(ports)))


def _processes() -> tuple[ProcessInfo, ...]:
    import psutil

    attributes = ["pid", "name", "cmdline", "username"]
    user = psutil.Process().username()
    return tuple(
        ProcessInfo(found["pid"], found["name"] or "", tuple(found["cmdline"]))
        for found in (process.info for process in psutil.process_iter(attributes))
        if found["username"] == user and found["cmdline"]
    )
