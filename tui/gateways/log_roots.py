"""Where session logs lie, and which files are there now."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from tui.gateways.files import OsName
from tui.gateways.log_files import Stamp, stamp_of
from tui.gateways.log_lines import Format

ENDING = ".jsonl"
SUBAGENTS = "subagents"
DESKTOP_FOLDER = "Library/Application Support/Claude"
DESKTOP_SESSIONS = ("local-agent-mode-sessions", "claude-code-sessions")
DESKTOP_DEPTH = 4
NOT_SEARCHED = frozenset(
    (".build", ".git", "build", "DerivedData", "node_modules", "outputs", "target")
)
ROLLOUT_FOLDERS = ("sessions", "archived_sessions")
SETTLED_NS = 2_000_000_000


class LogSource(NamedTuple):
    """Logs that are looked for and counted together."""

    format: Format
    home: str = ""
    """The folder of the program, where there may be several."""


TRANSCRIPTS = LogSource("transcripts")


class LogFile(NamedTuple):
    """A log as it lies there now."""

    path: str
    project: str
    """Name of its folder below the root where that spells the path of a working folder."""
    is_subagent: bool
    device: int
    stamp: Stamp
    source: LogSource = TRANSCRIPTS


def rollouts_of(home: Path) -> LogSource:
    """The logs of Codex in a folder of its own; two ways to the same folder are one source."""
    return LogSource("rollouts", os.path.realpath(home))


def roots_of(
    source: LogSource, env: Mapping[str, str], home: Path, os_name: OsName
) -> tuple[Path, ...]:
    """The folders that may hold logs of a source, whether they exist or not."""
    if source.format == "rollouts":
        return tuple(Path(source.home, name) for name in ROLLOUT_FOLDERS)
    return claude_roots(env, home, os_name)


def claude_roots(env: Mapping[str, str], home: Path, os_name: OsName) -> tuple[Path, ...]:
    """The folders that may hold logs of Claude Code, whether they exist or not.

    `CLAUDE_CONFIG_DIR` names one folder literally and excludes all others.
    """
    chosen = env.get("CLAUDE_CONFIG_DIR", "")
    if chosen:
        return (Path(chosen).absolute() / "projects",)
    roots = [home / ".config/claude/projects", home / ".claude/projects"]
    if os_name == "macos":
        for name in DESKTOP_SESSIONS:
            roots += _desktop_roots(home / DESKTOP_FOLDER / name, DESKTOP_DEPTH)
    return tuple(roots)


def _desktop_roots(folder: Path, depth: int) -> Iterator[Path]:
    """The folders `.claude/projects` some levels below, links not followed."""
    for entry in _entries(str(folder)):
        if entry.name in NOT_SEARCHED or not entry.is_dir(follow_symlinks=False):
            continue
        if entry.name == ".claude":
            projects = Path(entry.path) / "projects"
            if projects.is_dir() and not projects.is_symlink():
                yield projects
        elif depth:
            yield from _desktop_roots(Path(entry.path), depth - 1)


class LogFinder:
    """Finds the logs below some roots again and again.

    A folder is opened again only when its time says that names came or went: opening costs several
    times a look, and a long history has thousands of folders.
    """

    def __init__(self) -> None:
        self._listings: dict[str, _Listing] = {}

    def find(self, roots: Sequence[Path], source: LogSource = TRANSCRIPTS) -> dict[str, LogFile]:
        """Every log below the roots, by path; a file that can be reached in two ways is there once.

        Hidden and empty files are left out, links are followed.
        """
        found: list[LogFile] = []
        walked: list[str] = []
        for root in roots:
            if _is_new(str(root), walked):
                found += self._walk(str(root), source, walked)
        if len({(log.device, log.stamp.inode) for log in found}) < len(found):
            found = _without_aliases(found)
        return {log.path: log for log in found}

    def _walk(self, root: str, source: LogSource, walked: list[str]) -> Iterator[LogFile]:
        folders = [(root, "", False)]
        has_projects = source.format == "transcripts"
        while folders:
            folder, project, in_subagents = folders.pop()
            listing = self._list(folder)
            new_links = [link for link in listing.links if _is_new(link[0], walked)]
            for path, name in (*listing.folders, *new_links):
                inner = (project or name) if has_projects else ""
                folders.append((path, inner, in_subagents or name == SUBAGENTS))
            for path in listing.logs:
                with suppress(OSError):  # it vanished, or is a link to nowhere
                    found = os.stat(path)
                    if found.st_size and S_ISREG(found.st_mode):
                        stamp = stamp_of(found)
                        yield LogFile(path, project, in_subagents, found.st_dev, stamp, source)

    def _list(self, folder: str) -> _Listing:
        known = self._listings.get(folder)
        changed_ns = _changed_ns(folder)
        if known is not None and known.changed_ns == changed_ns:
            return known
        listing = _read_folder(folder, changed_ns)
        # Within the coarsest tick of a file system, a change leaves no trace in the time.
        if time.time_ns() - changed_ns > SETTLED_NS:
            self._listings[folder] = listing
        return listing


class _Listing(NamedTuple):
    """What a folder holds, as whole paths; folders with their names."""

    changed_ns: int
    logs: list[str]
    folders: list[tuple[str, str]]
    links: list[tuple[str, str]]
    """Links to folders."""


def _read_folder(folder: str, changed_ns: int) -> _Listing:
    listing = _Listing(changed_ns, [], [], [])
    for entry in _entries(folder):
        with suppress(OSError):
            if entry.is_dir():
                inner = listing.links if entry.is_symlink() else listing.folders
                inner.append((entry.path, entry.name))
            elif entry.name.endswith(ENDING) and not entry.name.startswith("."):
                listing.logs.append(entry.path)
    return listing


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _changed_ns(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def _without_aliases(logs: list[LogFile]) -> list[LogFile]:
    """Each file once, by the path that sorts first; some systems give no inode."""
    by_identity: dict[tuple[int, int | str], LogFile] = {}
    for log in sorted(logs, reverse=True):
        by_identity[log.device, log.stamp.inode or log.path] = log
    return list(by_identity.values())


def _is_new(folder: str, walked: list[str]) -> bool:
    """Whether a folder is reached in no other way, and does not lead in a circle."""
    real = os.path.realpath(folder)
    if any(_overlap(real, other) for other in walked):
        return False
    walked.append(real)
    return True


def _overlap(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer == shorter or longer.startswith(shorter.rstrip(os.sep) + os.sep)
