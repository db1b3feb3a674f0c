"""Bringing the store up to date with the logs.

What was read is kept every few files, so a scan that is stopped goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from tui.gateways.log_files import Job, Part
from tui.gateways.log_roots import LogFile, LogSource
from tui.gateways.log_store import KnownFile, LogStore
from tui.gateways.log_workers import read_all

DAY_S = 86_400
FEW_BYTES = 4 << 20
"""Up to here children would take longer to start, and sums are brought up to date one by one."""
PACKED_ENDING = ".zst"
NEVER_READ = KnownFile()
KEPT_AT_ONCE = 32
KEPT_AT_ONCE_BYTES = 32 << 20


class ScanProgress(NamedTuple):
    """How far a scan is."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int


class Task(NamedTuple):
    """A log that changed, and how far it was read."""

    log: LogFile
    before: KnownFile

    @property
    def new_bytes(self) -> int:
        """About how much there is to read."""
        return max(0, self.log.stamp.size - self.before.offset)


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over the logs of a source.

    Args:
        logs: All of it that are there now, by path.
        since: Older replies are of no interest; seconds since 1970.
        workers: Child processes for a long history; with 0 all is read in this thread.
        should_stop: Asked between parts of files.
        on_progress: Told about what was kept.
    """

    store: LogStore
    source: LogSource
    logs: Mapping[str, LogFile]
    since: int
    workers: int
    should_stop: Callable[[], bool]
    on_progress: Callable[[ScanProgress], None]

    def run(self) -> None:
        """Read what is new and keep it.

        Raises:
            sqlite3.Error: The store cannot be used.
        """
        known = self.store.known_files(self.source)
        gone = [path for path in sorted(known.keys() - self.logs.keys()) if not _is_packed(path)]
        tasks = [
            Task(log, self.store.known_file(log) if log.path in known else NEVER_READ)
            for log in self.logs.values()
            if self._is_changed(log, known.get(log.path))
        ]
        if tasks or gone:
            tasks.sort(key=lambda task: task.new_bytes, reverse=True)
            self._read(tasks, gone)
        if self._needs_rebuild():
            self.store.rebuild(self.since)

    def _is_changed(self, log: LogFile, known: int | None) -> bool:
        """A file that was last written before the period holds nothing of it."""
        if known is None:
            return log.stamp.mtime_ns >= self.since * 10**9
        return known != hash(log.stamp)

    def _read(self, tasks: Sequence[Task], gone: Sequence[str]) -> None:
        new_bytes = sum(task.new_bytes for task in tasks)
        workers = self.workers if new_bytes > FEW_BYTES else 0
        progress = ScanProgress(0, len(tasks), 0, new_bytes)
        self.on_progress(progress)
        with closing(read_all(self._jobs(tasks), workers, self.should_stop)) as parts:
            few = None
            if new_bytes <= FEW_BYTES and not gone and self.store.are_sums_ready:
                few = list(parts)
            keep_sums = few is not None and not any(part.restart for part in few)
            if not keep_sums:
                self.store.expect_rebuild()
                self.store.forget(self.source, gone)
            for portion in _portions(parts if few is None else few):
                named = [(tasks[part.number].log, part) for part in portion]
                self.store.save(named, keep_sums=keep_sums)
                progress = _advanced(progress, portion)
                self.on_progress(progress)

    def _jobs(self, tasks: Sequence[Task]) -> Iterator[Job]:
        for number, (log, (stamp, offset, mark, state)) in enumerate(tasks):
            yield Job(
                number=number,
                path=os.fsencode(log.path),
                new_bytes=max(0, log.stamp.size - offset),
                stamp=stamp,
                offset=offset,
                mark=mark,
                since=self.since,
                format=self.source.format,
                state=state,
            )

    def _needs_rebuild(self) -> bool:
        oldest = self.store.oldest()
        is_overdue = oldest is not None and oldest < self.since - DAY_S
        return is_overdue or not self.store.are_sums_ready


def _is_packed(path: str) -> bool:
    """Whether a log was replaced by a packed copy, as Codex does with what it archived a week ago:
    what was read of it stays."""
    return os.path.exists(path + PACKED_ENDING)


def _portions(parts: Iterable[Part]) -> Iterator[list[Part]]:
    portion: list[Part] = []
    for part in parts:
        portion.append(part)
        read_bytes = sum(part.read_bytes for part in portion)
        if len(portion) >= KEPT_AT_ONCE or read_bytes >= KEPT_AT_ONCE_BYTES:
            yield portion
            portion = []
    if portion:
        yield portion


def _advanced(progress: ScanProgress, portion: Sequence[Part]) -> ScanProgress:
    return progress._replace(
        files_done=progress.files_done + sum(part.is_last for part in portion),
        bytes_done=progress.bytes_done + sum(part.read_bytes for part in portion),
    )
