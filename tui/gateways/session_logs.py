"""What the requests in the session logs of this machine cost: read beside the event loop, and only
what is new.

One reader serves several panels: each asks for its share of some logs.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from threading import Event
from typing import TypeVar

from tui.core.clock import Clock, SystemClock
from tui.core.costs import (
    LONGEST_DAYS,
    Tally,
    at_one_price,
    cost_of,
    dearest_first,
    longest_span,
    summarize,
    unknown_cost,
)
from tui.core.errors import Unsupported
from tui.core.models import CostPeriod, CostSummary
from tui.core.pricing import table_notice
from tui.gateways.atomic import only_one
from tui.gateways.blocking import run_blocking
from tui.gateways.files import OsName
from tui.gateways.log_lines import Format
from tui.gateways.log_roots import TRANSCRIPTS, LogFinder, LogSource, rollouts_of, roots_of
from tui.gateways.log_scan import Scan, ScanProgress
from tui.gateways.log_store import (
    FILE_NAME,
    LogStore,
    Share,
    StoreUnusable,
    discard_store,
    is_damage,
    open_store,
)
from tui.gateways.log_workers import worker_count

log = logging.getLogger("tui.logs")
T = TypeVar("T")

SCAN_EVERY_S = 900.0
LONGEST_SCAN_S = 600.0
GRACE_S = 30.0
ROLLOUT_HOME = ".codex"
KEPT_DAYS = LONGEST_DAYS + 2
"""The longest period and a day at both ends, so that every time zone finds its days."""
NO_LOGS: Mapping[Format, str] = {
    "transcripts": "No Claude Code logs found",
    "rollouts": "No Codex session logs found",
}
NONE_ON_VERTEX = "No Vertex AI requests in the local logs"


@dataclass
class Reading:
    """How far the logs of a source were read."""

    scanned_at: float | None = None
    has_logs: bool = False
    is_complete: bool = False


class LogCosts:
    """Reads the logs of this machine and keeps what was read in the cache folder.

    Args:
        env: May name the folder of Claude Code.
        on_progress: Told how far a long scan is, in the thread that reads.
        workers: Child processes for a long history; one for each core when not given.
    """

    def __init__(
        self,
        cache_dir: Path,
        env: Mapping[str, str],
        home: Path,
        *,
        os_name: OsName = "linux",
        clock: Clock | None = None,
        on_progress: Callable[[ScanProgress], None] | None = None,
        workers: int | None = None,
    ) -> None:
        self.progress: ScanProgress | None = None
        """How far the running scan is."""
        self._cache_dir = cache_dir
        self._env = env
        self._home = home
        self._os_name = os_name
        self._clock = clock or SystemClock()
        self._on_progress = on_progress
        self._workers = worker_count() if workers is None else workers
        self._finder = LogFinder()
        self._turn = asyncio.Lock()
        self._is_closed = Event()
        self._store: LogStore | None = None
        self._readings: defaultdict[LogSource, Reading] = defaultdict(Reading)
        self._latest: dict[tuple[LogSource, Share], CostSummary] = {}

    def latest(self, share: Share, folder: Path | None = None) -> CostSummary:
        """The last summary, at once; unknown before the first one."""
        is_scanning = self.progress is not None
        summary = self._latest.get((self._source(share, folder), share), unknown_cost())
        return replace(summary, scanning=is_scanning or summary.scanning)

    async def summary(
        self,
        share: Share,
        now: datetime,
        tz: tzinfo,
        *,
        folder: Path | None = None,
        interval_s: float = 0.0,
    ) -> CostSummary:
        """Costs of a share of the logs. What is new is read first, when the last reading is long
        enough ago; a cancelled reading goes on where it was the next time.

        Args:
            now: Aware; later requests are left out.
            tz: Where the days begin.
            folder: Of Codex, where it is not the usual one.
            interval_s: How often the caller refreshes; logs are read at most as often.

        Raises:
            Unsupported: The cache folder cannot be used.
        """
        source = self._source(share, folder)
        async with self._turn:
            if self._is_due(source, interval_s):
                await self._in_thread(partial(self._scan, source, now))
            found = await self._in_thread(lambda stop: self._summarize(source, share, now, tz))
            self._latest[source, share] = found
            return found

    async def projects(
        self, share: Share, now: datetime, tz: tzinfo, *, folder: Path | None = None
    ) -> tuple[CostPeriod, ...]:
        """The longest period by project, dearest first; Codex sorts by day and names none. The
        names spell paths of working folders: show them only to who asks.

        Raises:
            Unsupported: The cache folder cannot be used.
        """
        source = self._source(share, folder)
        async with self._turn:
            return await self._in_thread(lambda stop: self._by_project(source, share, now, tz))

    async def skipped_lines(self) -> int:
        """Broken lines in all logs."""
        async with self._turn:
            return await self._in_thread(lambda stop: self._open().skipped_lines())

    async def close(self) -> None:
        """Stop reading and let go of the store."""
        self._is_closed.set()
        async with self._turn:
            await self._in_thread(lambda stop: self._let_go())

    def _source(self, share: Share, folder: Path | None) -> LogSource:
        if share != "rollouts":
            return TRANSCRIPTS
        return rollouts_of(folder or self._home / ROLLOUT_HOME)

    def _is_due(self, source: LogSource, interval_s: float) -> bool:
        if self._is_closed.is_set():
            return False
        wait_s = max(interval_s, SCAN_EVERY_S)
        scanned_at = self._readings[source].scanned_at
        return scanned_at is None or self._clock.monotonic() - scanned_at >= wait_s

    async def _in_thread(self, work: Callable[[Event], T]) -> T:
        """Run with the store, in a thread; a cancellation asks it to stop."""
        stop = Event()
        try:
            return await run_blocking(
                lambda: self._repairing(partial(work, stop)),
                deadline_s=LONGEST_SCAN_S + GRACE_S,
                key=f"session logs in {self._cache_dir}",
            )
        except asyncio.CancelledError:
            stop.set()
            raise

    def _repairing(self, work: Callable[[], T]) -> T:
        """Do it; do it once more with a new store when this one is damaged."""
        try:
            try:
                return work()
            except sqlite3.Error as error:
                self._let_go()
                if not is_damage(error):
                    raise
                log.warning("the store of the log reader was damaged and is made anew")
                discard_store(self._cache_dir)
                return work()
        except (sqlite3.Error, StoreUnusable, OSError) as error:
            raise Unsupported(
                "The cache folder cannot be used to read the local logs.",
                hint="Check its permissions and the free space.",
            ) from error

    def _open(self) -> LogStore:
        self._store = self._store or open_store(self._cache_dir)
        return self._store

    def _let_go(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _scan(self, source: LogSource, now: datetime, stop: Event) -> None:
        def is_cancelled() -> bool:
            return stop.is_set() or self._is_closed.is_set()

        ends_at = time.monotonic() + LONGEST_SCAN_S
        roots = roots_of(source, self._env, self._home, self._os_name)
        logs = self._finder.find(roots, source)
        reading = self._readings[source]
        scan = Scan(
            store=self._open(),
            source=source,
            logs=logs,
            since=int((now - timedelta(days=KEPT_DAYS)).timestamp()),
            workers=self._workers,
            should_stop=lambda: is_cancelled() or time.monotonic() > ends_at,
            on_progress=self._advance,
        )
        reading.is_complete = False
        try:
            with only_one(self._cache_dir / FILE_NAME):
                scan.run()
        except TimeoutError:
            log.debug("another quotadeck reads the logs")
            return
        finally:
            self.progress = None
        reading.has_logs = bool(logs or scan.store.known_files(source))
        reading.is_complete = not scan.should_stop()
        if not is_cancelled():
            reading.scanned_at = self._clock.monotonic()

    def _advance(self, progress: ScanProgress) -> None:
        self.progress = progress
        if self._on_progress is not None:
            self._on_progress(progress)

    def _summarize(self, source: LogSource, share: Share, now: datetime, tz: tzinfo) -> CostSummary:
        store = self._open()
        reading = self._readings[source]
        scanning = not reading.is_complete
        if not reading.has_logs and not scanning:
            return unknown_cost(notice=NO_LOGS[source.format])
        if scanning and not store.known_files(source):
            return unknown_cost(scanning=True)
        summary = summarize(lambda span: store.spent(share, span, source), now, tz)
        has_none = share == "vertex" and not scanning and not summary.last_30_days.tokens.total
        notices = (NONE_ON_VERTEX if has_none else "", table_notice(now))
        return replace(summary, scanning=scanning, notice=" · ".join(filter(None, notices)))

    def _by_project(
        self, source: LogSource, share: Share, now: datetime, tz: tzinfo
    ) -> tuple[CostPeriod, ...]:
        tallies: defaultdict[str, Tally] = defaultdict(Tally)
        for part in at_one_price(longest_span(now, tz)):
            for project, spent in self._open().spent_by_project(share, part, source):
                tallies[project].add(cost_of(spent, part.start), spent.tokens.counts)
        return dearest_first(tallies)
