"""An engine on a fake clock, with providers whose answers a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from tests.support import FakeClock, make_context, settle
from tui.core.models import (
    ProviderKey,
    ProviderSnapshot,
    ProviderState,
    UsageWindow,
)
from tui.engine import DEFAULT_RHYTHM, OpenAccount, RefreshEngine, Rhythm
from tui.gateways.cache import SnapshotCache
from tui.providers._context import FetchContext
from tui.providers._spec import Mode, ProviderSpec, Source

KEY = ProviderKey("alpha")
Answer = Callable[[FetchContext], Awaitable[ProviderSnapshot]]
Reaction: TypeAlias = Answer | Exception | float


def snapshot(ctx: FetchContext, percent: float = 10.0, **window: Any) -> ProviderSnapshot:
    row = UsageWindow(id="session", label="5-hour", used_percent=percent, **window)
    return ProviderSnapshot(
        key=ctx.key, source_id="api", fetched_at=ctx.clock.now(), windows=(row,)
    )


@dataclass
class Upstream:
    """A provider whose answers a test chooses; counts how often it was asked."""

    answers: list[Reaction] = field(default_factory=list)
    calls: list[bool] = field(default_factory=list)
    held: asyncio.Event | None = None

    async def fetch(self, ctx: FetchContext) -> ProviderSnapshot:
        self.calls.append(ctx.user_initiated)
        if self.held is not None:
            await self.held.wait()
        answer = self.answers.pop(0) if self.answers else 10.0
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            return snapshot(ctx, answer)
        return await answer(ctx)

    def spec(self, **changes: Any) -> ProviderSpec:
        options: dict[str, Any] = {
            "id": "alpha",
            "name": "Alpha",
            "sources": (Source(id="api", label="API", fetch=self.fetch),),
            "modes": (Mode("auto", ("api",)),),
            "deadline_s": 5,
        }
        return ProviderSpec(**{**options, **changes})


@dataclass
class FakeAccounts:
    """Accounts over given declarations."""

    home: Path
    clock: FakeClock
    on: dict[ProviderKey, ProviderSpec]
    fingerprint: str = "one"
    stamps: dict[Path, object] = field(default_factory=dict)

    def specs(self) -> Mapping[ProviderKey, ProviderSpec]:
        return self.on

    async def open(self, key: ProviderKey, *, user_initiated: bool) -> OpenAccount:
        ctx = await make_context(
            self.on[key], self.home, clock=self.clock, user_initiated=user_initiated
        )
        return OpenAccount(
            ctx=replace(ctx, key=key),
            fingerprint=self.fingerprint,
            watched=lambda: dict(self.stamps),
        )


@dataclass
class Scene:
    """An engine, what it asks, and what it told."""

    engine: RefreshEngine
    upstream: Upstream
    accounts: FakeAccounts
    clock: FakeClock
    told: list[ProviderState]

    @property
    def state(self) -> ProviderState:
        return self.engine.state(KEY)


def make_scene(
    home: Path, upstream: Upstream | None = None, *, rhythm: Rhythm = DEFAULT_RHYTHM, **spec: Any
) -> Scene:
    clock = FakeClock()
    upstream = upstream or Upstream()
    accounts = FakeAccounts(home, clock, {KEY: upstream.spec(**spec)})
    engine = RefreshEngine(
        accounts,
        clock=clock,
        cache=SnapshotCache(home / "last"),
        rng=lambda: 0.0,
        rhythm=rhythm,
    )
    told: list[ProviderState] = []
    engine.subscribe(told.append)
    return Scene(engine, upstream, accounts, clock, told)


async def finished(scene: Scene, work: Awaitable[Any]) -> Any:
    """The result of work that does not wait for the fake clock."""
    return await asyncio.wait_for(work, 5)


async def watched(scene: Scene) -> asyncio.Task[None]:
    task = asyncio.create_task(scene.engine.watch(KEY))
    await settle()
    return task


async def stop(task: asyncio.Task[None], scene: Scene) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await scene.engine.aclose()
