"""The engine on a fake clock, with providers made for the purpose."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import NOON, FakeClock, make_context, settle
from tui.core.errors import (
    ErrorKind,
    FetchError,
    MissingCredentials,
    NetworkError,
    RateLimited,
    ServerError,
    Unauthorized,
)
from tui.core.models import (
    DetailRow,
    Phase,
    ProviderKey,
    ProviderSnapshot,
    ProviderState,
    UsageWindow,
)
from tui.core.redact import Secret
from tui.engine import DEFAULT_RHYTHM, OpenAccount, RefreshEngine, Rhythm
from tui.gateways.cache import SnapshotCache
from tui.providers._context import FetchContext
from tui.providers._gate import politely
from tui.providers._spec import BackgroundTask, Mode, ProviderSpec, Source

KEY = ProviderKey("alpha")
Answer = Callable[[FetchContext], Awaitable[ProviderSnapshot]]


def snapshot(ctx: FetchContext, percent: float = 10.0, **window: Any) -> ProviderSnapshot:
    row = UsageWindow(id="session", label="5-hour", used_percent=percent, **window)
    return ProviderSnapshot(
        key=ctx.key, source_id="api", fetched_at=ctx.clock.now(), windows=(row,)
    )


@dataclass
class Upstream:
    """A provider whose answers a test chooses; counts how often it was asked."""

    answers: list[Answer | Exception | float] = field(default_factory=list)
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


@pytest.fixture
async def scene(home: Path) -> Scene:
    return make_scene(home)


async def finished(scene: Scene, work: Awaitable[Any]) -> Any:
    """The result of work that does not wait for the fake clock."""
    return await asyncio.wait_for(work, 5)


async def test_a_refresh_ends_with_the_answer_and_no_error(scene: Scene) -> None:
    state = await finished(scene, scene.engine.refresh(KEY))
    assert state.snapshot is not None
    assert state.snapshot.window("session").used_percent == 10.0
    assert state.phase is Phase.WAITING
    assert state.error is None
    assert scene.told[0].phase is Phase.REFRESHING


async def test_only_changes_are_news_in_the_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    lost = NetworkError("No answer.")
    scene.upstream.answers = [1.0, 2.0, lost, lost, 3.0]
    with caplog.at_level(logging.DEBUG, logger="tui.engine"):
        for _ in range(5):
            await finished(scene, scene.engine.refresh(KEY))
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert lines == [
        ("INFO", "alpha: ok in 0.0 s (api)"),
        ("DEBUG", "alpha: ok in 0.0 s (api)"),
        ("INFO", "alpha: No answer. (network)"),
        ("DEBUG", "alpha: No answer. (network)"),
        ("INFO", "alpha: answers again in 0.0 s (api)"),
    ]


async def test_a_second_background_refresh_joins_the_running_one(scene: Scene) -> None:
    scene.upstream.held = asyncio.Event()
    first = asyncio.create_task(scene.engine.refresh(KEY))
    second = asyncio.create_task(scene.engine.refresh(KEY))
    await settle()
    scene.upstream.held.set()
    assert await first == await second
    assert len(scene.upstream.calls) == 1


async def test_a_users_refresh_replaces_the_running_one_and_its_waiters_get_the_new_answer(
    scene: Scene,
) -> None:
    scene.upstream.held = asyncio.Event()
    background = asyncio.create_task(scene.engine.refresh(KEY))
    await settle()
    users = asyncio.create_task(scene.engine.refresh(KEY, user=True))
    await settle()
    scene.upstream.held.set()
    await users
    assert (await background).snapshot == (await users).snapshot
    assert scene.upstream.calls == [False, True]


async def test_a_replaced_refresh_that_ignores_cancellation_cannot_publish(home: Path) -> None:
    late = asyncio.Event()

    async def stubborn(ctx: FetchContext) -> ProviderSnapshot:
        try:
            await late.wait()
        except asyncio.CancelledError:
            return snapshot(ctx, 99.0)
        raise AssertionError

    scene = make_scene(home, Upstream([stubborn, 20.0]))
    old = asyncio.create_task(scene.engine.refresh(KEY))
    await settle()
    await finished(scene, scene.engine.refresh(KEY, user=True))
    await asyncio.wait_for(old, 5)
    percents = {s.snapshot.window("session").used_percent for s in scene.told if s.snapshot}
    assert percents == {20.0}


async def test_a_provider_that_hangs_becomes_a_network_error_after_its_deadline(
    home: Path,
) -> None:
    scene = make_scene(home, deadline_s=0.05)
    scene.upstream.held = asyncio.Event()
    state = await finished(scene, scene.engine.refresh(KEY))
    assert state.error is not None
    assert state.error.kind is ErrorKind.NETWORK
    assert "0.05 s" in state.error.message


async def test_an_answer_shown_before_a_slow_extra_survives_the_deadline(home: Path) -> None:
    async def never(ctx: FetchContext, shown: ProviderSnapshot) -> ProviderSnapshot:
        await asyncio.sleep(3600)
        return shown

    upstream = Upstream()
    source = Source(id="api", label="API", fetch=upstream.fetch, extras=(never,))
    scene = make_scene(home, upstream, sources=(source,), deadline_s=0.05)
    state = await finished(scene, scene.engine.refresh(KEY))
    assert state.error is None
    assert state.snapshot is not None


async def test_the_last_good_numbers_stay_beside_an_error(home: Path) -> None:
    scene = make_scene(home, Upstream([30.0, ServerError("Alpha is unavailable (HTTP 503).")]))
    await finished(scene, scene.engine.refresh(KEY))
    state = await finished(scene, scene.engine.refresh(KEY))
    assert state.snapshot is not None
    assert state.error is not None
    assert state.failures == 1


def noted(minutes_ago: float, percent: float = 45.0) -> Callable[..., Any]:
    """What another program wrote down, so many minutes before noon."""

    async def last_known(ctx: FetchContext) -> ProviderSnapshot:
        at = NOON - timedelta(minutes=minutes_ago)
        return replace(snapshot(ctx, percent), source_id="local", fetched_at=at)

    return last_known


async def test_older_numbers_of_another_program_stand_beside_the_first_error(home: Path) -> None:
    upstream = Upstream([NetworkError("Not reached."), NetworkError("Not reached."), 50.0])
    scene = make_scene(home, upstream, last_known=noted(30))
    for failures in (1, 2):
        state = await finished(scene, scene.engine.refresh(KEY))
        assert state.error is not None
        assert state.snapshot is not None
        assert state.snapshot.fetched_at == NOON - timedelta(minutes=30)
        assert (state.restored, state.failures) == (True, failures)
    state = await finished(scene, scene.engine.refresh(KEY))
    assert (state.error, state.restored, state.failures) == (None, False, 0)


async def test_numbers_of_this_run_stay_while_a_failure_is_forgiven(home: Path) -> None:
    down = NetworkError("Not reached.")
    scene = make_scene(home, Upstream([10.0, down, down]), last_known=noted(-5))
    await finished(scene, scene.engine.refresh(KEY))
    sources = []
    for _ in range(2):
        state = await finished(scene, scene.engine.refresh(KEY))
        assert state.snapshot is not None
        sources.append(state.snapshot.source_id)
    assert sources == ["api", "local"]


async def test_newer_numbers_of_ours_are_not_replaced(home: Path) -> None:
    down = NetworkError("Not reached.")
    scene = make_scene(home, Upstream([10.0, down, down]), last_known=noted(1))
    for _ in range(3):
        state = await finished(scene, scene.engine.refresh(KEY))
    assert state.snapshot is not None
    assert (state.snapshot.source_id, state.restored) == ("api", False)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(MissingCredentials("No key."), id="credentials removed"),
        pytest.param(Unauthorized("Moved.", drop_snapshot=True), id="the source says void"),
    ],
)
async def test_numbers_that_are_void_go_away(home: Path, error: FetchError) -> None:
    scene = make_scene(home, Upstream([30.0, error]))
    await finished(scene, scene.engine.refresh(KEY))
    state = await finished(scene, scene.engine.refresh(KEY))
    assert state.snapshot is None


async def test_a_mistake_in_a_source_is_an_error_card_with_the_class_name_only(
    home: Path,
) -> None:
    scene = make_scene(home, Upstream([ZeroDivisionError("secret detail")]))
    state = await finished(scene, scene.engine.refresh(KEY))
    assert state.error is not None
    assert state.error.kind is ErrorKind.INTERNAL
    assert state.error.message == "Internal error (ZeroDivisionError)."


async def test_foreign_text_is_harmless_before_anybody_sees_it(home: Path) -> None:
    async def hostile(ctx: FetchContext) -> ProviderSnapshot:
        row = UsageWindow(id="x", label="\x1b]0;owned\x07[b]Pro\u202e\n", used_percent=1.0)
        return replace(snapshot(ctx), windows=(row,))

    scene = make_scene(home, Upstream([hostile]))
    state = await finished(scene, scene.engine.refresh(KEY))
    assert state.snapshot is not None
    assert state.snapshot.windows[0].label == "[b]Pro"


# -- gates -----------------------------------------------------------------------------------------


async def test_a_rate_limit_holds_the_background_and_survives_a_restart(home: Path) -> None:
    scene = make_scene(home, Upstream([RateLimited("Wait.", retry_after_s=600)]))
    await finished(scene, scene.engine.refresh(KEY))
    await scene.engine.aclose()
    again = make_scene(home)
    again.engine.restore()
    state = await finished(again, again.engine.refresh(KEY))
    assert again.upstream.calls == []
    assert state.error is not None
    assert state.error.kind is ErrorKind.RATE_LIMITED
    assert state.error.retry_after_s == pytest.approx(600)


async def test_one_try_of_the_user_may_pass_the_gate_and_success_clears_it(home: Path) -> None:
    scene = make_scene(home, Upstream([RateLimited("Wait.", retry_after_s=600), 5.0, 6.0]))
    await finished(scene, scene.engine.refresh(KEY))
    state = await finished(scene, scene.engine.refresh(KEY, user=True))
    assert state.error is None
    await finished(scene, scene.engine.refresh(KEY))
    assert len(scene.upstream.calls) == 3


async def test_the_gate_of_one_credential_does_not_hold_another(home: Path) -> None:
    scene = make_scene(home, Upstream([RateLimited("Wait.", retry_after_s=600), 5.0]))
    await finished(scene, scene.engine.refresh(KEY))
    scene.accounts.fingerprint = "two"
    state = await finished(scene, scene.engine.refresh(KEY))
    assert state.error is None


class Login:
    """A token in a file of another program, and a service that limits the first one."""

    def __init__(self, *, has_cookie: bool = False) -> None:
        self.token = Secret("token-of-the-first-login")
        self.limited = {self.token}
        self.asked: list[Secret] = []
        self.has_cookie = has_cookie

    async def by_token(self, ctx: FetchContext) -> ProviderSnapshot:
        try:
            with politely(ctx, self.token, "Alpha"):
                self.asked.append(self.token)
                if self.token in self.limited:
                    raise RateLimited("Wait.", retry_after_s=600)
        except RateLimited as error:
            error.try_next = self.has_cookie
            raise
        return snapshot(ctx, 20.0)

    async def by_cookie(self, ctx: FetchContext) -> ProviderSnapshot:
        return snapshot(ctx, 30.0)

    def options(self) -> dict[str, Any]:
        by_token = Source(id="oauth", label="Token", fetch=self.by_token)
        by_cookie = Source(id="web", label="Cookie", fetch=self.by_cookie)
        return {"sources": (by_token, by_cookie), "modes": (Mode("auto", ("oauth", "web")),)}


async def test_a_wait_of_one_token_survives_a_restart_and_ends_with_the_next_token(
    home: Path,
) -> None:
    login = Login()
    scene = make_scene(home, **login.options())
    await finished(scene, scene.engine.refresh(KEY))
    await scene.engine.aclose()
    again = make_scene(home, **login.options())
    again.engine.restore()
    state = await finished(again, again.engine.refresh(KEY))
    assert state.error is not None
    assert state.error.kind is ErrorKind.RATE_LIMITED
    assert len(login.asked) == 1
    login.token = Secret("token-of-another-login")
    state = await finished(again, again.engine.refresh(KEY))
    assert state.error is None


async def test_while_a_token_waits_its_file_is_watched(home: Path) -> None:
    login = Login()
    scene = make_scene(home, rhythm=Rhythm(cadence=30), **login.options())
    file = home / "login.json"
    scene.accounts.stamps = {file: 1}
    task = await watched(scene)
    assert len(login.asked) == 1
    login.token = Secret("token-of-another-login")
    scene.accounts.stamps = {file: 2}
    await scene.clock.advance(2)
    assert scene.state.error is None
    await stop(task, scene)


async def test_a_token_goes_on_waiting_while_another_source_answers(home: Path) -> None:
    login = Login(has_cookie=True)
    scene = make_scene(home, **login.options())
    for _ in range(3):
        state = await finished(scene, scene.engine.refresh(KEY))
        assert state.error is None
    assert len(login.asked) == 1
    await finished(scene, scene.engine.refresh(KEY, user=True))
    assert len(login.asked) == 2


# -- the cache -------------------------------------------------------------------------------------


async def test_the_last_numbers_are_there_at_the_next_start_marked_as_unconfirmed(
    home: Path,
) -> None:
    scene = make_scene(home, Upstream([42.0]))
    await finished(scene, scene.engine.refresh(KEY))
    await scene.engine.aclose()
    again = make_scene(home)
    again.engine.restore()
    assert again.state.restored
    assert again.state.snapshot is not None
    assert again.state.snapshot.window("session").used_percent == 42.0


async def test_numbers_whose_extras_were_still_running_at_the_end_are_kept_too(
    home: Path,
) -> None:
    async def never(ctx: FetchContext, shown: ProviderSnapshot) -> ProviderSnapshot:
        await asyncio.Event().wait()
        return shown

    upstream = Upstream([42.0])
    source = Source(id="api", label="API", fetch=upstream.fetch, extras=(never,))
    scene = make_scene(home, upstream, sources=(source,))
    refresh = asyncio.create_task(scene.engine.refresh(KEY))
    while scene.state.snapshot is None:
        await settle()
    await scene.engine.aclose()
    await refresh
    again = make_scene(home)
    again.engine.restore()
    assert again.state.snapshot is not None


async def test_numbers_of_another_credential_are_dropped_before_the_request(home: Path) -> None:
    scene = make_scene(home, Upstream([42.0]))
    await finished(scene, scene.engine.refresh(KEY))
    await scene.engine.aclose()
    again = make_scene(home, Upstream([NetworkError("No network.")]))
    again.accounts.fingerprint = "two"
    again.engine.restore()
    state = await finished(again, again.engine.refresh(KEY))
    assert state.snapshot is None


# -- the loop --------------------------------------------------------------------------------------


async def watched(scene: Scene) -> asyncio.Task[None]:
    task = asyncio.create_task(scene.engine.watch(KEY))
    await settle()
    return task


async def stop(task: asyncio.Task[None], scene: Scene) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await scene.engine.aclose()


async def test_a_login_renewed_right_after_the_start_is_noticed_within_two_seconds(
    home: Path,
) -> None:
    scene = make_scene(home, Upstream([Unauthorized("Expired."), 20.0]), rhythm=Rhythm(cadence=30))
    file = home / "login.json"
    scene.accounts.stamps = {file: 1}
    task = await watched(scene)
    assert scene.state.error is not None
    scene.accounts.stamps = {file: 2}
    await scene.clock.advance(2)
    assert scene.state.error is None
    await stop(task, scene)


async def test_a_watched_account_is_asked_at_once_and_then_at_cadence(home: Path) -> None:
    scene = make_scene(home, rhythm=Rhythm(cadence=5))
    task = await watched(scene)
    assert len(scene.upstream.calls) == 1
    await scene.clock.advance(299)
    assert len(scene.upstream.calls) == 1
    await scene.clock.advance(2)
    assert len(scene.upstream.calls) == 2
    await stop(task, scene)


async def test_with_manual_cadence_only_the_first_refresh_comes_by_itself(home: Path) -> None:
    scene = make_scene(home, rhythm=Rhythm(cadence="manual"))
    task = await watched(scene)
    await scene.clock.advance(86400)
    assert len(scene.upstream.calls) == 1
    await stop(task, scene)


async def test_a_window_that_resets_is_asked_again_half_a_minute_later(home: Path) -> None:
    async def resets_soon(ctx: FetchContext) -> ProviderSnapshot:
        return snapshot(ctx, 80.0, resets_at=NOON + timedelta(seconds=60))

    scene = make_scene(home, Upstream([resets_soon]), rhythm=Rhythm(cadence=30))
    task = await watched(scene)
    await scene.clock.advance(85)
    assert len(scene.upstream.calls) == 1
    await scene.clock.advance(10)
    assert len(scene.upstream.calls) == 2
    await stop(task, scene)


async def test_an_interaction_after_a_long_pause_brings_the_refresh_forward(home: Path) -> None:
    scene = make_scene(home)
    task = await watched(scene)
    await scene.clock.advance(5 * 3600)
    calls = len(scene.upstream.calls)
    scene.engine.interaction()
    await settle()
    await scene.clock.advance(125)
    assert len(scene.upstream.calls) > calls
    await stop(task, scene)


async def test_after_the_machine_slept_everything_is_asked_at_once(home: Path) -> None:
    scene = make_scene(home, rhythm=Rhythm(cadence=30))
    task = await watched(scene)
    scene.clock.moment += timedelta(hours=8)
    await scene.clock.advance(20)
    assert len(scene.upstream.calls) == 2
    await stop(task, scene)


async def test_a_renewed_login_file_is_noticed_within_two_seconds(home: Path) -> None:
    scene = make_scene(home, Upstream([Unauthorized("Expired."), 7.0]), rhythm=Rhythm(cadence=30))
    scene.accounts.stamps = {home / "login.json": (1, 1)}
    task = await watched(scene)
    await scene.clock.advance(20)
    assert len(scene.upstream.calls) == 1
    scene.accounts.stamps = {home / "login.json": (2, 1)}
    await scene.clock.advance(2)
    assert scene.state.error is None
    assert len(scene.upstream.calls) == 2
    await stop(task, scene)


async def test_a_renewed_login_lets_a_resting_program_run_at_once(home: Path) -> None:
    upstream = Upstream([MissingCredentials("Not signed in."), 7.0])
    source = Source(id="cli", label="Program", fetch=upstream.fetch, min_interval_s=900)
    scene = make_scene(
        home,
        upstream,
        rhythm=Rhythm(cadence=2),
        sources=(source,),
        modes=(Mode("auto", ("cli",)),),
    )
    scene.accounts.stamps = {home / "login.db": (1, 1)}
    task = await watched(scene)
    await scene.clock.advance(600)
    assert len(scene.upstream.calls) == 1
    scene.accounts.stamps = {home / "login.db": (2, 1)}
    await scene.clock.advance(2)
    assert len(scene.upstream.calls) == 2
    await stop(task, scene)


async def test_switching_an_account_off_ends_its_loop_and_clears_it(home: Path) -> None:
    scene = make_scene(home)
    task = await watched(scene)
    scene.accounts.on.clear()
    await scene.engine.reconfigure(Rhythm())
    await settle()
    assert task.done()
    assert scene.engine.keys == ()
    await scene.engine.aclose()


async def test_changed_settings_drop_the_numbers_and_ask_again(home: Path) -> None:
    scene = make_scene(home, Upstream([10.0, 20.0]), rhythm=Rhythm(cadence=30))
    task = await watched(scene)
    await scene.engine.reconfigure(Rhythm(cadence=30), changed=[KEY])
    assert scene.state.snapshot is None
    await settle()
    assert scene.state.snapshot is not None
    assert scene.state.snapshot.window("session").used_percent == 20.0
    await stop(task, scene)


async def test_background_tasks_live_as_long_as_the_watch_and_can_ask_for_a_refresh(
    home: Path,
) -> None:
    ended: list[str] = []

    async def keepalive(ctx: FetchContext) -> None:
        try:
            await ctx.clock.sleep(60)
            ctx.tell("Log in again.")
            ctx.request_refresh()
            await asyncio.Event().wait()
        finally:
            ended.append("yes")

    scene = make_scene(
        home,
        rhythm=Rhythm(cadence=30),
        background=(BackgroundTask(id="keepalive", label="Keepalive", run=keepalive),),
    )
    told: list[str] = []
    scene.engine.tell = lambda key, sentence: told.append(sentence)
    task = await watched(scene)
    await scene.clock.advance(61)
    assert told == ["Log in again."]
    assert len(scene.upstream.calls) == 2
    await stop(task, scene)
    assert ended == ["yes"]


async def test_what_a_background_task_reports_is_shown_until_it_ends(home: Path) -> None:
    async def keepalive(ctx: FetchContext) -> None:
        ctx.report([("Last refresh", "not yet"), ("Next check", "12:05")])
        await ctx.clock.sleep(60)
        ctx.report([("Last refresh", "12:01\x1b[31m")])
        await ctx.clock.sleep(60)

    background = (BackgroundTask(id="keepalive", label="Keepalive", run=keepalive),)
    scene = make_scene(home, rhythm=Rhythm(cadence=30), background=background)
    task = await watched(scene)
    assert [row.label for row in scene.state.tasks] == ["Last refresh", "Next check"]
    assert scene.state.snapshot is not None
    await scene.clock.advance(60)
    (row,) = scene.state.tasks
    assert row == DetailRow("Keepalive", "Last refresh", "12:01")
    await scene.clock.advance(60)
    assert not scene.state.tasks
    await stop(task, scene)


async def test_background_tasks_start_anew_when_the_settings_changed(home: Path) -> None:
    started: list[FetchContext] = []
    running: set[int] = set()

    async def keepalive(ctx: FetchContext) -> None:
        started.append(ctx)
        running.add(id(ctx))
        try:
            await asyncio.Event().wait()
        finally:
            running.discard(id(ctx))

    background = (BackgroundTask(id="keepalive", label="Keepalive", run=keepalive),)
    scene = make_scene(home, background=background)
    task = await watched(scene)
    await scene.engine.reconfigure(DEFAULT_RHYTHM, changed=(KEY,))
    await settle()
    assert len(started) == 1
    scene.accounts.fingerprint = "two"
    await scene.engine.reconfigure(DEFAULT_RHYTHM, changed=(KEY,))
    await settle()
    assert len(started) == 2
    assert running == {id(started[-1])}
    await stop(task, scene)
    assert running == set()


async def test_a_background_task_that_fails_leaves_the_refreshes_alone(home: Path) -> None:
    async def broken(ctx: FetchContext) -> None:
        raise KeyError("a mistake")

    background = (BackgroundTask(id="keepalive", label="Keepalive", run=broken),)
    scene = make_scene(home, background=background)
    task = await watched(scene)
    assert scene.state.snapshot is not None
    await stop(task, scene)


async def test_a_rate_limited_account_waits_in_its_loop_until_the_gate_opens(home: Path) -> None:
    scene = make_scene(
        home, Upstream([RateLimited("Wait.", retry_after_s=900)]), rhythm=Rhythm(cadence=1)
    )
    task = await watched(scene)
    await scene.clock.advance(890)
    assert len(scene.upstream.calls) == 1
    assert scene.state.next_reason == "rateLimited"
    await scene.clock.advance(80)
    assert len(scene.upstream.calls) >= 2
    await stop(task, scene)


async def test_without_network_at_the_start_the_retries_come_in_the_short_series(
    home: Path,
) -> None:
    failures: list[Answer | Exception | float] = [NetworkError("No network.") for _ in range(3)]
    scene = make_scene(home, Upstream(failures), rhythm=Rhythm(cadence=30))
    task = await watched(scene)
    await scene.clock.advance(16)
    assert len(scene.upstream.calls) == 2
    await scene.clock.advance(46)
    assert len(scene.upstream.calls) == 3
    await stop(task, scene)
