"""Bringing the store up to date with the logs.

What was read is kept every few files, so a scan that is stopped goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from tui.gateways.log_files import Job, Part, Stamp
from tui.gateways.log_roots import LogFile
from tui.gateways.log_store import KnownFile, LogStore
from tui.gateways.log_workers import FEW_BYTES, read_all

DAY_S = 86_400
NEVER_READ = KnownFile(0, Stamp(), 0, 0)
KEPT_AT_ONCE = 32
KEPT_AT_ONCE_BYTES = 32 << 20


class ScanProgress(NamedTuple):
    """How far a scan is."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over the logs.

    Args:
        logs: All that are there now, by path.
        since: Older replies are of no interest; seconds since 1970.
        workers: Child processes for a long history; with 0 all is read in this thread.
        should_stop: Asked between parts of files.
        on_progress: Told about what was kept.
    """

    store: LogStore
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
        known = self.store.known_files()
        gone = sorted(known.keys() - self.logs.keys())
        changed = [log for log in self.logs.values() if self._is_changed(log, known.get(log.path))]
        if changed or gone:
            jobs = [self._job(i, log, known.get(log.path)) for i, log in enumerate(changed)]
            self._read(changed, jobs, gone)
        if self._needs_rebuild():
            self.store.rebuild(self.since)

    def _is_changed(self, log: LogFile, before: KnownFile | None) -> bool:
        """A file that was last written before the period holds nothing of it."""
        if before is None:
            return log.stamp.mtime_ns >= self.since * 10**9
        return before.stamp != log.stamp

    def _job(self, number: int, log: LogFile, before: KnownFile | None) -> Job:
        _, stamp, offset, mark = before or NEVER_READ
        return Job(
            number=number,
            path=os.fsencode(log.path),
            new_bytes=max(0, log.stamp.size - offset),
            stamp=stamp,
            offset=offset,
            mark=mark,
            since=self.since,
        )

    def _read(self, logs: Sequence[LogFile], jobs: Sequence[Job], gone: Sequence[str]) -> None:
        progress = ScanProgress(0, len(jobs), 0, sum(job.new_bytes for job in jobs))
        self.on_progress(progress)
        with closing(read_all(jobs, self.workers, self.should_stop)) as parts:
            few = None
            if progress.bytes_total <= FEW_BYTES and not gone and self.store.are_sums_ready:
                few = list(parts)
            keep_sums = few is not None and not any(part.restart for part in few)
            if not keep_sums:
                self.store.expect_rebuild()
                self.store.forget(gone)
            for portion in _portions(parts if few is None else few):
                self.store.save(
                    [(logs[part.number], part) for part in portion], keep_sums=keep_sums
                )
                progress = _advanced(progress, portion)
                self.on_progress(progress)

    def _needs_rebuild(self) -> bool:
        oldest = self.store.oldest()
        is_overdue = oldest is not None and oldest < self.since - DAY_S
        return is_overdue or not self.store.are_sums_ready


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
