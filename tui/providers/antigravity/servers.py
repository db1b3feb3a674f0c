"""Which of the running processes belong to Antigravity, and what their command lines tell.

Windsurf uses the same program names, so a language server counts only with a mark of Antigravity.
Ports and tokens change with every start and are never kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from tui.core.process import ProcessInfo
from tui.core.redact import Secret
from tui.providers._parse import integer

LANGUAGE_SERVER = re.compile(
    r"(?:^|[/\"'])language[_-]server(?:[_-][a-z0-9]+)*(?:\.exe)?(?=[\s\"']|$)"
)
MARKS = re.compile(
    r"--app_data_dir\b.*\bantigravity|\bantigravity\b.*--app_data_dir\b"
    r"|antigravity(?: ide)?\.app/|/gemini\.app/|/antigravity/"
)
IDE_MARKS = re.compile(
    r"antigravity ide\.app/|--app_data_dir[= ]+[\"']?antigravity-ide\b"
    r"|/extensions/antigravity/bin/language_server"
)
CLI_FOLDERS = {"antigravity-cli", "antigravity_cli"}
CLI_PROGRAMS = {"agy", "agy.exe"}


class Flavour(IntEnum):
    """What runs, in the order in which it is asked."""

    APP = 0
    IDE = 1
    CLI = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A process that answers questions about quota."""

    pid: int
    flavour: Flavour
    token: Secret | None = None
    """For its own ports; the CLI needs none."""
    named_ports: tuple[int, ...] = ()
    """Ports its command line names."""
    extension_port: int | None = None
    extension_token: Secret | None = None


def find_servers(processes: Iterable[ProcessInfo]) -> list[Server]:
    """Every process of Antigravity that may answer: app, IDE, CLI, each as listed."""
    found = (read_process(process) for process in processes)
    return sorted((s for s in found if s is not None), key=lambda server: server.flavour)


def read_process(process: ProcessInfo) -> Server | None:
    """The server in a process; `None` when it is something else."""
    flavour = classify(process.arguments)
    if flavour is None:
        return None
    line = " ".join(process.arguments)
    ports = (port_flag(line, name) for name in ("https_server_port", "server_port"))
    return Server(
        pid=process.pid,
        flavour=flavour,
        token=secret_flag(line, "csrf_token"),
        named_ports=tuple(port for port in ports if port is not None),
        extension_port=port_flag(line, "extension_server_port"),
        extension_token=secret_flag(line, "extension_server_csrf_token"),
    )


def classify(arguments: tuple[str, ...]) -> Flavour | None:
    """What a command line runs."""
    line = " ".join(arguments).lower().replace("\\", "/")
    if LANGUAGE_SERVER.search(line) and MARKS.search(line):
        return Flavour.IDE if IDE_MARKS.search(line) else Flavour.APP
    program = arguments[0].lower().replace("\\", "/").split("/") if arguments else [""]
    is_cli = program[-1] in CLI_PROGRAMS or not CLI_FOLDERS.isdisjoint(program)
    return Flavour.CLI if is_cli else None


def flag(line: str, name: str) -> str:
    """The value of a flag, after a blank or `=`, quoted or not; empty without one."""
    value = r"(?:\"([^\"]*)\"|'([^']*)'|(?!--)([^\s\"']+))"
    found = re.search(rf"(?:^|\s)--{name}(?:=|\s+){value}", line, re.IGNORECASE)
    return next(filter(None, found.groups()), "") if found else ""


def secret_flag(line: str, name: str) -> Secret | None:
    """A token on a command line."""
    value = flag(line, name)
    return Secret(value) if value else None


def port_flag(line: str, name: str) -> int | None:
    """A port on a command line; 0 stands for one that is not known yet."""
    port = integer(flag(line, name))
    return port if port is not None and 0 < port < 65536 else None
