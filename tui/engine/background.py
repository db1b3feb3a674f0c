"""What runs beside the refreshes of one account while it is watched, such as a keepalive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tui.core.errors import FetchError
from tui.core.models import ProviderKey
from tui.providers._spec import BackgroundTask

if TYPE_CHECKING:
    from tui.engine.account import OpenAccount

log = logging.getLogger("tui.engine")

Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the tasks of an account need of the engine."""

    open: Callable[[], Awaitable[OpenAccount]]
    ask: Callable[[], None]
    """Have the account refreshed now."""
    tell: Callable[[str], None]
    """Say a sentence to the user."""
    report: Callable[[BackgroundTask, Rows], None]
    """Show labels and texts until the task ends."""


class Background:
    """The tasks of one account."""

    def __init__(self, key: ProviderKey, tasks: Sequence[BackgroundTask], means: Means) -> None:
        self._key = key
        self._tasks = tasks
        self._means = means
        self._running: list[asyncio.Task[None]] = []
        self._fingerprint = ""

    def start(self) -> None:
        """Start them, instead of those that run with settings of before."""
        before = [task for task in self._running if not task.done()]
        for running in before:
            running.cancel()
        started = [
            asyncio.create_task(self._run(task), name=f"{task.id}:{self._key}")
            for task in self._tasks
        ]
        self._running = before + started

    def follow(self, fingerprint: str) -> None:
        """Start those that run anew when the account is another one now."""
        if self._running and self._fingerprint != fingerprint:
            self.start()

    async def end(self) -> None:
        """Cancel them and wait until they have ended."""
        ending, self._running = self._running, []
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _run(self, task: BackgroundTask) -> None:
        means = self._means
        try:
            opened = await means.open()
            self._fingerprint = opened.fingerprint
            await task.run(
                replace(
                    opened.ctx,
                    request_refresh=means.ask,
                    tell=means.tell,
                    report=lambda rows: means.report(task, rows),
                )
            )
        except FetchError as error:
            log.info("%s: %s does not run: %s", self._key, task.label, error.message)
        except Exception:  # a mistake of ours ends this task, never the watch
            log.exception("%s: %s failed", self._key, task.label)
        finally:
            means.report(task, ())
