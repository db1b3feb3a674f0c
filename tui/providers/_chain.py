"""Running the sources of a provider in order until one answers.

Only `auto` goes from one source to the next, and only after failures that the design or the
source names; anything else stops, so that a hiccup of a server does not start programs. Extras
come after the answer. Where nobody could be asked, numbers known from before may stand beside the
error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tui.core.errors import (
    ErrorInfo,
    ErrorKind,
    FetchError,
    NetworkError,
    Unsupported,
    internal_error,
    most_useful,
)
from tui.core.models import Attempt, ProviderSnapshot, UsageWindow
from tui.providers._context import FetchContext
from tui.providers._spec import Extra, LastKnown, ProviderSpec, Source

GOES_ON = frozenset({ErrorKind.MISSING_CREDENTIALS, ErrorKind.UNAUTHORIZED})
NOT_ASKED = frozenset(
    {ErrorKind.NETWORK, ErrorKind.SERVER, ErrorKind.RATE_LIMITED, ErrorKind.PARSE}
)
"""Failures that say nothing against the login, so that its older numbers still mean something."""
LAST_KNOWN_S = 10.0
PROGRAMS_AT_ONCE = 3
COOKIES_OFF = "Cookies are off: choose in the settings where they come from."
"""The next step of a browser login nobody looked for; that of any other source comes first."""
AUTO, WEB = "auto", "web"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """What one refresh brought."""

    snapshot: ProviderSnapshot | None = None
    error: ErrorInfo | None = None
    attempts: tuple[Attempt, ...] = ()
    drop_snapshot: bool = False
    """The last good numbers are void."""
    last_known: ProviderSnapshot | None = None
    """Beside an error: older numbers of another program, newer than those of before."""


@dataclass(slots=True)
class SourceMemory:
    """When costly sources last ran and what they said; one per account, kept by the engine."""

    last_run: dict[str, datetime] = field(default_factory=dict)
    last_good: dict[str, ProviderSnapshot] = field(default_factory=dict)
    last_error: dict[str, FetchError] = field(default_factory=dict)

    def reusable(self, source: Source, now: datetime) -> ProviderSnapshot | None:
        """The last answer, unless one of its windows has reset since."""
        snapshot = self.last_good.get(source.id)
        if snapshot is None or any(_was_reset(w, snapshot, now) for w in snapshot.windows):
            return None
        return snapshot

    def start(self, source: Source, now: datetime) -> None:
        """Note that it runs now; what it said before is over, and nobody knows whether it ends."""
        self.last_run[source.id] = now
        self.last_good.pop(source.id, None)
        self.last_error[source.id] = NetworkError(
            f"{source.label} was not done in time.", cause="timeout"
        )

    def rests(self, source: Source, ctx: FetchContext) -> bool:
        """Whether a background refresh must leave this source alone."""
        last = self.last_run.get(source.id)
        if ctx.user_initiated or not source.min_interval_s or last is None:
            return False
        # A clock that was set back does not make the rest longer.
        return timedelta(0) <= ctx.clock.now() - last < timedelta(seconds=source.min_interval_s)


def _was_reset(window: UsageWindow, snapshot: ProviderSnapshot, now: datetime) -> bool:
    return window.resets_at is not None and snapshot.fetched_at < window.resets_at <= now


@dataclass(frozen=True, slots=True)
class ProgramSlots:
    """How many child programs may run at once."""

    free: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(PROGRAMS_AT_ONCE), repr=False
    )
    deadline: asyncio.Timeout | None = None
    """Stands still while a program waits for its turn: those that hang use up only their own."""

    def under(self, deadline: asyncio.Timeout) -> ProgramSlots:
        """The same slots for one refresh and its deadline."""
        return replace(self, deadline=deadline)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a slot."""
        with _standing_still(self.deadline):
            await self.free.acquire()
        try:
            yield
        finally:
            self.free.release()


@contextmanager
def _standing_still(deadline: asyncio.Timeout | None) -> Iterator[None]:
    if deadline is None or (ends_at := deadline.when()) is None:
        yield
        return
    time_of_loop = asyncio.get_running_loop().time
    began_at = time_of_loop()
    deadline.reschedule(None)
    try:
        yield
    finally:
        deadline.reschedule(ends_at + time_of_loop() - began_at)


@dataclass(slots=True)
class _Run:
    """The attempts of one refresh, in order."""

    attempts: list[Attempt] = field(default_factory=list)
    tried: list[ErrorInfo] = field(default_factory=list)
    missing: list[ErrorInfo] = field(default_factory=list)
    drop_snapshot: bool = False

    def fail(self, source: Source, error: ErrorInfo, elapsed_s: float) -> None:
        is_missing = error.kind is ErrorKind.MISSING_CREDENTIALS
        self.attempts.append(
            Attempt(
                source_id=source.id,
                outcome="skipped" if is_missing else "failed",
                error=error,
                elapsed_s=elapsed_s,
            )
        )
        (self.missing if is_missing else self.tried).append(error)

    def result(self) -> FetchResult:
        wanted = [error for error in self.missing if error.hint != COOKIES_OFF]
        candidates = self.tried or wanted or self.missing
        error = most_useful(candidates) if candidates else None
        return FetchResult(
            error=error, attempts=tuple(self.attempts), drop_snapshot=self.drop_snapshot
        )


async def run(
    spec: ProviderSpec,
    ctx: FetchContext,
    on_partial: Callable[[ProviderSnapshot], None] = lambda snapshot: None,
    *,
    memory: SourceMemory | None = None,
    programs: ProgramSlots | None = None,
    extras: bool = True,
) -> FetchResult:
    """Try the sources of the chosen mode.

    Args:
        on_partial: Gets the required answer as soon as it is there, before the extras.
        extras: Whether optional enrichment is wanted.
    """
    mode = spec.mode(ctx.mode)
    if mode is None:
        allowed = ", ".join(item.id for item in spec.modes)
        error = Unsupported(f'source: "{ctx.mode}" is not one of {allowed}.').info()
        return FetchResult(error=error)
    try:
        if spec.check is not None:
            spec.check(ctx)
    except FetchError as error:
        return FetchResult(error=error.info(), drop_snapshot=error.drop_snapshot)
    try:
        sources = [spec.source(source_id) for source_id in mode.sources]
        wanted = extras and ctx.settings.flag("extras")
        result = await _try_in_order(
            sources, ctx, on_partial, memory or SourceMemory(), programs, wanted
        )
        if spec.last_known is not None and mode.id == AUTO and _was_not_asked(result):
            return await _with_last_known(result, spec.last_known, ctx)
        return result
    finally:
        await _end(ctx.running)


async def _try_in_order(
    sources: Sequence[Source],
    ctx: FetchContext,
    on_partial: Callable[[ProviderSnapshot], None],
    memory: SourceMemory,
    programs: ProgramSlots | None,
    extras: bool,
) -> FetchResult:
    run_state = _Run()
    for source in sources:
        started = time.monotonic()
        try:
            snapshot = await _fetch(source, ctx, memory, programs)
        except FetchError as error:
            _tell_of_cookies(error, source, ctx)
            run_state.drop_snapshot |= error.drop_snapshot
            run_state.fail(source, error.info(source.word), time.monotonic() - started)
            if not _goes_on(source, error):
                break
            continue
        except Exception as error:  # the one broad except: a source must never take the engine down
            ctx.log.exception("%s: %s failed", ctx.key, source.id)
            run_state.fail(
                source,
                replace(internal_error(error), source_id=source.word),
                time.monotonic() - started,
            )
            if ErrorKind.INTERNAL not in source.continue_on:
                break
            continue
        run_state.attempts.append(
            Attempt(
                source_id=snapshot.source_id,
                outcome="success",
                elapsed_s=time.monotonic() - started,
            )
        )
        if extras and source.extras:
            on_partial(snapshot)
            snapshot = await _enriched(source, ctx, snapshot)
        return FetchResult(snapshot=snapshot, attempts=tuple(run_state.attempts))
    return run_state.result()


def too_slow(spec: ProviderSpec) -> FetchResult:
    """What a refresh ends with that passed the deadline of its provider."""
    message = f"{spec.name} did not answer within {spec.deadline_s:g} s."
    return FetchResult(error=NetworkError(message, cause="timeout").info())


def _was_not_asked(result: FetchResult) -> bool:
    """Whether every source that tried failed for a reason that says nothing against the login."""
    if result.snapshot is not None or result.drop_snapshot:
        return False
    tried = [a.error for a in result.attempts if a.outcome == "failed" and a.error is not None]
    return bool(tried) and all(e.kind in NOT_ASKED or e.cause == "expired" for e in tried)


async def _with_last_known(
    result: FetchResult, last_known: LastKnown, ctx: FetchContext
) -> FetchResult:
    """The failure with older numbers beside it, unless those of before are newer."""
    started = time.monotonic()
    found = await _optional(ctx, "last known numbers", last_known(ctx), LAST_KNOWN_S)
    if found is None or (ctx.previous and ctx.previous.fetched_at > found.fetched_at):
        return result
    attempt = Attempt(
        source_id=found.source_id, outcome="success", elapsed_s=time.monotonic() - started
    )
    return replace(result, attempts=(*result.attempts, attempt), last_known=found)


async def _end(running: dict[str, asyncio.Task[Any]]) -> None:
    for task in running.values():
        task.cancel()
    await asyncio.gather(*running.values(), return_exceptions=True)
    running.clear()


def _tell_of_cookies(error: FetchError, source: Source, ctx: FetchContext) -> None:
    """Whoever pasted cookies, or wants none, is not helped by a new login in a browser alone."""
    if source.word != WEB:
        return
    match ctx.sessions.cookie_source, error.kind:
        case "off", ErrorKind.MISSING_CREDENTIALS:
            error.hint = COOKIES_OFF
        case "manual", ErrorKind.UNAUTHORIZED if "paste" not in error.hint:
            step = error.hint.partition(", then ")[0].rstrip(".")
            error.hint = f"{step}, then paste the new cookies."


def _goes_on(source: Source, error: FetchError) -> bool:
    return error.try_next or error.kind in GOES_ON or error.kind in source.continue_on


async def _fetch(
    source: Source, ctx: FetchContext, memory: SourceMemory, programs: ProgramSlots | None
) -> ProviderSnapshot:
    if not source.min_interval_s:
        return await _run(source, ctx, programs)
    if memory.rests(source, ctx):
        kept = memory.reusable(source, ctx.clock.now())
        if kept is not None:
            return kept
        if source.id not in memory.last_good:
            raise memory.last_error[source.id].with_traceback(None)
    memory.start(source, ctx.clock.now())
    try:
        memory.last_good[source.id] = await _run(source, ctx, programs)
    except FetchError as error:
        memory.last_error[source.id] = error
        raise
    except Exception as error:  # a mistake of ours is said again as what it is
        memory.last_error[source.id] = FetchError(internal_error(error).message)
        raise
    return memory.last_good[source.id]


async def _run(
    source: Source, ctx: FetchContext, programs: ProgramSlots | None
) -> ProviderSnapshot:
    if not source.starts_program or programs is None:
        return await source.fetch(ctx)
    async with programs.turn():
        return await source.fetch(ctx)


async def _enriched(
    source: Source, ctx: FetchContext, snapshot: ProviderSnapshot
) -> ProviderSnapshot:
    """All extras start together; each sees the required answer, and what each added is kept."""
    added = await asyncio.gather(
        *(
            _optional(ctx, _name(extra), extra(ctx, snapshot), source.extra_timeout_s)
            for extra in source.extras
        )
    )
    result = snapshot
    for richer in added:
        if richer is not None:
            result = merge(snapshot, result, richer)
    return result


async def _optional(
    ctx: FetchContext, name: str, work: Awaitable[T | None], timeout_s: float
) -> T | None:
    """What it brings; nothing where it fails or takes too long."""
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except (FetchError, TimeoutError) as error:
        ctx.log.debug("%s: optional %s left out (%s)", ctx.key, name, type(error).__name__)
    except Exception:  # it may only add
        ctx.log.exception("%s: optional %s failed", ctx.key, name)
    return None


def _name(extra: Extra) -> str:
    return getattr(extra, "__name__", "extra").removeprefix("add_").replace("_", " ")


def merge(
    base: ProviderSnapshot, result: ProviderSnapshot, richer: ProviderSnapshot
) -> ProviderSnapshot:
    """`result` plus whatever `richer` changed against `base`; rows and windows are added, never
    lost."""
    changes: dict[str, object] = {}
    for name in ("windows", "balances", "series", "details"):
        before, now, new = getattr(base, name), getattr(result, name), getattr(richer, name)
        if new != before:
            changes[name] = _merged_rows(before, now, new)
    for name in ("identity", "notice", "confidence", "origin", "dashboard_url"):
        if getattr(richer, name) != getattr(base, name):
            changes[name] = getattr(richer, name)
    return replace(result, **changes) if changes else result  # type: ignore[arg-type]


def _merged_rows(
    before: tuple[object, ...], now: tuple[object, ...], new: tuple[object, ...]
) -> tuple[object, ...]:
    if now == before:
        return new
    return now + tuple(row for row in new if row not in before and row not in now)
