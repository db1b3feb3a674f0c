"""Other programs: found where their users have them, run without a shell, ended completely.

A provider reaches its declared programs only. Each runs in an empty folder of ours, without the
secrets of other providers; `_children` sees to it that nothing of it survives.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, cast

from tui.core.errors import NetworkError, ParseError, Unsupported
from tui.core.process import CommandResult
from tui.core.redact import Secret
from tui.core.text import clean_value
from tui.gateways._children import Child, ChildProtocol, Command, Streams, happens, start
from tui.gateways._output import STDIN, STDOUT, Limits, run_to_end
from tui.gateways.files import expand
from tui.gateways.process_table import ProcessTable as ProcessTable

OsName = Literal["linux", "macos", "windows"]

LONGEST_LINE_BYTES = 8 << 20
GOODBYE_S = 0.5
"""How long a program may take to end by itself once its input was closed."""
WINDOWS_ENDINGS = (".exe", ".cmd")
NODE_PLACES = (
    "~/.nvm/versions/node/*/bin",
    "~/.local/share/fnm/node-versions/*/installation/bin",
    "~/.volta/bin",
    "~/.local/share/mise/shims",
    "~/.asdf/shims",
    "~/.bun/bin",
    "~/.npm-global/bin",
    "~/.local/bin",
    "/opt/homebrew/bin",
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
)
"""Where programs look for Node after PATH, and where those installed with it lie; `*` stands for
versions, the newest first."""
WINDOWS_NODE_PLACES = ("%PROGRAMFILES%\\nodejs", "%APPDATA%\\npm")


class DeclaredProgram(Protocol):
    """A program a provider may run."""

    @property
    def name(self) -> str:
        """Its file name."""

    @property
    def env(self) -> str:
        """Variable that names its path; may be empty."""

    @property
    def places(self) -> tuple[str, ...]:
        """Usual paths or folders; `~` and variables are expanded."""


class Programs:
    """The declared programs of one provider.

    Args:
        cli_path: Where the user says the first program is. Nothing else is tried then.
        env: The user's environment.
        work_dir: Working folder of every program; made when needed, holds nothing of ours.
        drop_env: Variables no program gets: those of other providers.
    """

    def __init__(
        self,
        declared: Sequence[DeclaredProgram],
        cli_path: Path | None,
        env: Mapping[str, str],
        work_dir: Path,
        drop_env: Collection[str],
        os_name: OsName,
    ) -> None:
        self._declared = tuple(declared)
        self._cli_path = cli_path
        self._env = {name.upper(): env[name] for name in env} if os_name == "windows" else env
        self._work_dir = work_dir
        self._drop_env = frozenset(drop_env)
        self._on_windows = os_name == "windows"
        self._home = Path(env.get("HOME") or env.get("USERPROFILE") or Path.home())
        self._found: set[Path] = set()

    def find(self, name: str) -> Path | None:
        """Where a program is: setting, variable, PATH, usual places, version managers of Node.

        Looked up anew each time.

        Raises:
            Unsupported: It is not declared.
        """
        program = next((item for item in self._declared if item.name == name), None)
        if program is None:
            raise _undeclared()
        found = next(filter(_can_run, self._candidates(program)), None)
        if found is not None:
            self._found.add(found)
        return found

    async def run(
        self,
        program: Path,
        *args: str,
        timeout_s: float,
        silence_s: float | None = None,
        done: Callable[[str], bool] | None = None,
        done_silence_s: float = 4.0,
        on_output: Callable[[], None] | None = None,
        type_next: Callable[[str], str] | None = None,
        pty: bool = False,
        env: Mapping[str, str | Secret] | None = None,
        drop_env: Collection[str] = (),
        max_bytes: int = 1 << 20,
    ) -> CommandResult:
        """Run to its end, in an empty working folder of ours.

        Args:
            program: As `find` gave it.
            silence_s: After the first byte, cut off when nothing came for so long.
            done: Whether what came so far (output, line feed, error output) is complete; asked
                when nothing came for `done_silence_s`, and cut off when it is.
            on_output: Called once, when the first byte comes.
            type_next: What to type on the terminal, given all output so far; asked when nothing
                came for a moment.
            pty: Give it a terminal of 50 rows and 200 columns. Windows has pipes only.
            drop_env: Variables the child does not get, beside those of other providers.
            max_bytes: Of both outputs together; a program that says more is cut off there.

        Raises:
            MissingCredentials: It could not be started.
            Unsupported: It is not declared.
        """
        limits = Limits(
            timeout_s=timeout_s,
            silence_s=silence_s,
            done=done,
            done_silence_s=done_silence_s,
            on_output=on_output,
            type_next=type_next,
            max_bytes=max_bytes,
        )
        return await run_to_end(self._command(program, args, env or {}, drop_env), limits, pty=pty)

    async def talk(
        self, program: Path, *args: str, env: Mapping[str, str | Secret] | None = None
    ) -> LineConversation:
        """Start a program for a conversation over its input and output.

        Raises:
            MissingCredentials: It could not be started.
            Unsupported: It is not declared.
        """
        command = self._command(program, args, env or {}, ())
        lines = _Lines()
        streams = Streams(stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return LineConversation(program.name, await start(command, lines, streams), lines)

    def _command(
        self,
        program: Path,
        args: tuple[str, ...],
        env: Mapping[str, str | Secret],
        drop_env: Collection[str],
    ) -> Command:
        if program not in self._found:
            raise _undeclared()
        given = {
            name: value.reveal() if isinstance(value, Secret) else value
            for name, value in env.items()
        }
        environment = self._environment(program, self._drop_env | set(drop_env)) | given
        return Command(program, args, environment, self._work_dir)

    def _environment(self, program: Path, dropped: Collection[str]) -> dict[str, str]:
        defaults = {"COLORTERM": "truecolor", "LANG": "en_US.UTF-8", "HOME": str(self._home)}
        kept = {name: value for name, value in self._env.items() if name not in dropped}
        own = {"TERM": "xterm-256color", "PATH": self._search_path(program)}
        return defaults | kept | own

    def _search_path(self, program: Path) -> str:
        """PATH, after the program's own folder, where its Node lies, and before the usual ones."""
        folders = [program.parent, *self._path_folders(), *self._node_folders()]
        return self._separator.join(dict.fromkeys(map(str, folders)))

    def _node_folders(self) -> Iterator[Path]:
        for place in WINDOWS_NODE_PLACES if self._on_windows else NODE_PLACES:
            before, star, after = place.partition("*")
            folder = self._expand(before)
            yield from _newest_first(folder, star + after) if star else (folder,)

    @property
    def _separator(self) -> str:
        return ";" if self._on_windows else ":"

    def _path_folders(self) -> Iterator[Path]:
        # An empty or relative entry would mean the working folder.
        folders = map(Path, filter(None, self._env.get("PATH", "").split(self._separator)))
        return filter(Path.is_absolute, folders)

    def _candidates(self, program: DeclaredProgram) -> Iterator[Path]:
        if self._cli_path is not None and program is self._declared[0]:
            yield from self._at(self._cli_path, program.name)
            return
        named = clean_value(self._env.get(program.env, ""))
        if named:
            yield from self._at(self._expand(named), program.name)
        for folder in self._path_folders():
            yield from self._at(folder, program.name)
        for place in program.places:
            yield from self._at(self._expand(place), program.name)
        for folder in self._node_folders():
            yield from self._at(folder, program.name)

    def _at(self, place: Path, name: str) -> Iterator[Path]:
        """What a place may mean: the program, or the folder it is in."""
        if place.is_absolute():
            base = place / name if place.is_dir() else place
            endings = WINDOWS_ENDINGS if self._on_windows and not base.suffix else ("",)
            yield from (base.with_name(base.name + ending) for ending in endings)

    def _expand(self, place: str) -> Path:
        return expand(place, self._env, self._home)


class LineConversation:
    """A program one talks to line by line; what it says on error output is dropped."""

    def __init__(self, name: str, child: Child, lines: _Lines) -> None:
        self._name = name
        self._child = child
        self._exited = lines.exited
        self._stdin = cast(asyncio.WriteTransport, child.transport.get_pipe_transport(STDIN))
        self._stdout = lines.reader
        # asyncio stops reading while nobody takes the lines.
        self._stdout.set_transport(
            cast(asyncio.ReadTransport, child.transport.get_pipe_transport(STDOUT))
        )

    async def write_line(self, line: str) -> None:
        """Send one line.

        Raises:
            NetworkError: The program takes no more.
        """
        if self._stdin.is_closing() or self._stdout.at_eof():
            raise NetworkError(f"{self._name} ended early.")
        self._stdin.write(f"{line}\n".encode())

    async def read_line(self, timeout_s: float) -> str | None:
        """The next line; `None` at the end.

        Raises:
            NetworkError: None came in time.
            ParseError: It is longer than 8 MiB.
        """
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._stdout.readline()
        except TimeoutError as error:
            message = f"{self._name} did not answer within {timeout_s:g} s."
            raise NetworkError(message) from error
        except ValueError as error:
            raise ParseError(f"{self._name} sent a line that is too long.") from error
        return line.decode("utf-8", errors="replace").rstrip("\r\n") if line else None

    async def close(self) -> None:
        """Close its input, end its whole process group and collect it."""
        try:
            self._stdin.close()
            await happens(self._exited, GOODBYE_S)
        finally:
            await self._child.end()


class _Lines(ChildProtocol):
    """Standard output of a conversation."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = asyncio.StreamReader(limit=LONGEST_LINE_BYTES)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.reader.feed_data(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == STDOUT:
            self.reader.feed_eof()


def _undeclared() -> Unsupported:
    return Unsupported("A program outside the declared ones was refused.")


def _can_run(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    def version(path: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", str(path))]

    return sorted(folder.glob(pattern), key=version, reverse=True)
