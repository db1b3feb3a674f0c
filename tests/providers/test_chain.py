"""Running sources: what a costly one says between its runs, and what may stand beside an error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import NOON, FakeClock, make_context
from tui.core.errors import (
    ErrorKind,
    FetchError,
    MissingCredentials,
    NetworkError,
    ParseError,
    RateLimited,
    ServerError,
    Unauthorized,
    Unsupported,
)
from tui.core.models import ProviderSnapshot, UsageWindow
from tui.providers import _chain
from tui.providers._chain import FetchResult, SourceMemory
from tui.providers._context import FetchContext
from tui.providers._spec import Fetch, LastKnown, Mode, ProviderSpec, Source


@dataclass
class Costly:
    """A source that may run every quarter of an hour, asked in the background."""

    home: Path
    answer: Callable[[FetchContext], ProviderSnapshot]
    runs: int = 0
    clock: FakeClock = field(default_factory=FakeClock)
    memory: SourceMemory = field(default_factory=SourceMemory)

    async def fetch(self, ctx: FetchContext) -> ProviderSnapshot:
        self.runs += 1
        return self.answer(ctx)

    async def ask(self, *, after_s: float = 0) -> FetchResult:
        await self.clock.advance(after_s)
        source = Source(id="cli", label="Program", fetch=self.fetch, min_interval_s=900)
        spec = ProviderSpec(id="x", name="X", sources=(source,), modes=(Mode("auto", ("cli",)),))
        ctx = await make_context(spec, self.home, clock=self.clock, user_initiated=False)
        return await _chain.run(spec, ctx, memory=self.memory)


def hangs(ctx: FetchContext) -> ProviderSnapshot:
    raise NetworkError("It did not answer.", cause="timeout")


def resetting(after: timedelta) -> Callable[[FetchContext], ProviderSnapshot]:
    window = UsageWindow(id="monthly", label="Monthly", used_percent=5, resets_at=NOON + after)

    def answer(ctx: FetchContext) -> ProviderSnapshot:
        now = ctx.clock.now()
        return ProviderSnapshot(key=ctx.key, source_id="cli", fetched_at=now, windows=(window,))

    return answer


async def test_a_costly_source_that_failed_says_so_until_it_may_run_again(home: Path) -> None:
    source = Costly(home, hangs)
    first = await source.ask()
    again = await source.ask(after_s=300)
    assert first.error == again.error
    assert isinstance(source.memory.last_error["cli"], FetchError)
    assert source.runs == 1
    await source.ask(after_s=601)
    assert source.runs == 2


async def test_a_mistake_in_a_costly_source_is_said_again_as_what_it_is(home: Path) -> None:
    def mistake(ctx: FetchContext) -> ProviderSnapshot:
        raise ZeroDivisionError

    source = Costly(home, mistake)
    errors = [(await source.ask(after_s=after_s)).error for after_s in (0, 300)]
    assert [error and error.kind for error in errors] == [ErrorKind.INTERNAL] * 2
    assert source.runs == 1


async def test_a_costly_source_that_was_cut_off_is_no_missing_login(home: Path) -> None:
    def cut_off(ctx: FetchContext) -> ProviderSnapshot:
        raise asyncio.CancelledError

    source = Costly(home, cut_off)
    with pytest.raises(asyncio.CancelledError):
        await source.ask()
    again = await source.ask(after_s=300)
    assert again.error is not None
    assert (again.error.kind, again.error.cause) == (ErrorKind.NETWORK, "timeout")


async def test_a_clock_that_was_set_back_does_not_lengthen_the_rest(home: Path) -> None:
    source = Costly(home, hangs)
    await source.ask()
    source.clock.moment -= timedelta(hours=3)
    await source.ask()
    assert source.runs == 2


async def test_an_answer_is_void_when_a_window_has_reset_since_it_was_read(home: Path) -> None:
    source = Costly(home, resetting(timedelta(seconds=90)))
    await source.ask()
    await source.ask(after_s=60)
    assert source.runs == 1
    await source.ask(after_s=60)
    assert source.runs == 2


async def test_a_reset_that_lay_in_the_past_when_it_was_read_voids_nothing(home: Path) -> None:
    source = Costly(home, resetting(timedelta(hours=-3)))
    await source.ask()
    result = await source.ask(after_s=60)
    assert result.snapshot is not None
    assert source.runs == 1


# -- numbers known from before ---------------------------------------------------------------------


async def failing_with(
    home: Path,
    *errors: Exception,
    mode: str = "auto",
    previous_age: timedelta | None = None,
    last_known: LastKnown | None = None,
) -> FetchResult:
    """What comes of sources that fail one after the other, with older numbers at hand."""

    def fetch(error: Exception) -> Fetch:
        async def fail(ctx: FetchContext) -> ProviderSnapshot:
            raise error

        return fail

    async def noted(ctx: FetchContext) -> ProviderSnapshot | None:
        at = NOON - timedelta(hours=1)
        return ProviderSnapshot(key=ctx.key, source_id="local", fetched_at=at)

    sources = tuple(
        Source(id=f"s{place}", label="S", fetch=fetch(error)) for place, error in enumerate(errors)
    )
    ids = tuple(source.id for source in sources)
    spec = ProviderSpec(
        id="x",
        name="X",
        sources=sources,
        modes=(Mode("auto", ids), Mode("s0", ids[:1])),
        last_known=last_known or noted,
    )
    ctx = await make_context(spec, home, settings={"source": mode})
    if previous_age is not None:
        before = ProviderSnapshot(key=ctx.key, source_id="s0", fetched_at=NOON - previous_age)
        ctx = replace(ctx, previous=before)
    return await _chain.run(spec, ctx)


EXPIRED = Unauthorized("It expired.", cause="expired")
REFUSED = Unauthorized("It was refused.")


@pytest.mark.parametrize(
    "errors",
    [
        pytest.param((NetworkError("Down."),), id="no network"),
        pytest.param((NetworkError("Late.", cause="timeout"),), id="too late"),
        pytest.param((ServerError("503."),), id="trouble"),
        pytest.param((RateLimited("Wait."),), id="has to wait"),
        pytest.param((ParseError("A page."),), id="a page of a hotel"),
        pytest.param((EXPIRED,), id="waits for its owner"),
        pytest.param((MissingCredentials("No key."), EXPIRED), id="after one without a login"),
        pytest.param((EXPIRED, ServerError("The program failed.")), id="then the program failed"),
    ],
)
async def test_older_numbers_stand_beside_an_error_when_nobody_could_be_asked(
    home: Path, errors: tuple[Exception, ...]
) -> None:
    result = await failing_with(home, *errors)
    assert result.snapshot is None
    assert result.error is not None
    assert result.last_known is not None
    assert (result.attempts[-1].source_id, result.attempts[-1].outcome) == ("local", "success")


@pytest.mark.parametrize(
    "errors",
    [
        pytest.param((REFUSED,), id="refused"),
        pytest.param((EXPIRED, REFUSED), id="refused by the program"),
        pytest.param((REFUSED, NetworkError("Down.")), id="one of them refused"),
        pytest.param((MissingCredentials("No login."),), id="nobody is signed in"),
        pytest.param((Unsupported("No limits."),), id="no limits"),
        pytest.param((ServerError("Gone.", drop_snapshot=True),), id="void"),
        pytest.param((ZeroDivisionError(),), id="a mistake of ours"),
    ],
)
async def test_older_numbers_say_nothing_after_a_refusal(
    home: Path, errors: tuple[Exception, ...]
) -> None:
    assert (await failing_with(home, *errors)).last_known is None


async def test_a_chosen_source_stands_alone(home: Path) -> None:
    assert (await failing_with(home, NetworkError("Down."), mode="s0")).last_known is None


@pytest.mark.parametrize(("hours", "is_replaced"), [(0.5, False), (2.0, True)])
async def test_the_newer_numbers_count(home: Path, hours: float, is_replaced: bool) -> None:
    age = timedelta(hours=hours)
    result = await failing_with(home, NetworkError("Down."), previous_age=age)
    assert (result.last_known is not None) is is_replaced


async def test_what_cannot_be_found_out_changes_nothing(home: Path) -> None:
    async def broken(ctx: FetchContext) -> ProviderSnapshot | None:
        raise ZeroDivisionError

    async def none(ctx: FetchContext) -> ProviderSnapshot | None:
        return None

    for last_known in (broken, none):
        result = await failing_with(home, NetworkError("Down."), last_known=last_known)
        assert result.error is not None
        assert result.last_known is None
        assert [attempt.source_id for attempt in result.attempts] == ["s0"]
