"""Running sources: what a costly one says between its runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.support import NOON, FakeClock, make_context
from tui.core.errors import FetchError, NetworkError
from tui.core.models import ProviderSnapshot, UsageWindow
from tui.providers import _chain
from tui.providers._chain import FetchResult, SourceMemory
from tui.providers._context import FetchContext
from tui.providers._spec import Mode, ProviderSpec, Source


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
