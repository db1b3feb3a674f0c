"""The engine over time: when it asks by itself, and what runs beside it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.engine_scene import (
    KEY,
    Reaction,
    Upstream,
    finished,
    make_scene,
    snapshot,
    stop,
    watched,
)
from tests.support import NOON, settle
from tui.core.errors import (
    MissingCredentials,
    NetworkError,
    RateLimited,
    ServerError,
    Unauthorized,
    Unsupported,
)
from tui.core.models import (
    DetailRow,
    ProviderSnapshot,
)
from tui.engine import DEFAULT_RHYTHM, Rhythm
from tui.providers._context import FetchContext
from tui.providers._spec import BackgroundTask, Mode, Source


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
    failures: list[Reaction] = [NetworkError("No network.") for _ in range(3)]
    scene = make_scene(home, Upstream(failures), rhythm=Rhythm(cadence=30))
    task = await watched(scene)
    await scene.clock.advance(16)
    assert len(scene.upstream.calls) == 2
    await scene.clock.advance(46)
    assert len(scene.upstream.calls) == 3
    await stop(task, scene)


# -- the reckoning after something came in between ------------------------------------------------


async def test_a_success_of_the_user_ends_a_long_back_off(home: Path) -> None:
    down: list[Reaction] = [ServerError("Down.") for _ in range(9)]
    scene = make_scene(home, Upstream(down), rhythm=Rhythm(cadence=5))
    task = await watched(scene)
    await scene.clock.advance(36 * 60)
    scene.upstream.answers.clear()
    await finished(scene, scene.engine.refresh(KEY, user=True))
    await settle()
    assert scene.state.next_at is not None
    assert scene.state.next_at - scene.clock.now() <= timedelta(minutes=5)
    await stop(task, scene)


async def test_a_rate_limit_the_user_ran_into_is_told_with_its_time(home: Path) -> None:
    answers: list[Reaction] = [1.0, RateLimited("Wait.", retry_after_s=3600)]
    scene = make_scene(home, Upstream(answers), rhythm=Rhythm(cadence=5))
    task = await watched(scene)
    await finished(scene, scene.engine.refresh(KEY, user=True))
    await settle()
    assert scene.state.next_at == scene.clock.now() + timedelta(hours=1)
    await stop(task, scene)


async def test_a_refresh_between_two_ticks_leaves_the_grid_alone(home: Path) -> None:
    scene = make_scene(home, rhythm=Rhythm(cadence=30))
    task = await watched(scene)
    await scene.clock.advance(60)
    await scene.engine.reconfigure(Rhythm(cadence=30), changed=(KEY,))
    await settle()
    assert len(scene.upstream.calls) == 2
    await scene.clock.advance(29 * 60 + 1)
    assert len(scene.upstream.calls) == 3
    await stop(task, scene)


async def test_a_refresh_before_a_reset_does_not_stand_for_the_one_after_it(home: Path) -> None:
    async def resets_soon(ctx: FetchContext) -> ProviderSnapshot:
        return snapshot(ctx, 80.0, resets_at=NOON + timedelta(minutes=10))

    answers: list[Reaction] = [resets_soon, Unauthorized("Expired."), resets_soon]
    scene = make_scene(home, Upstream(answers), rhythm=Rhythm(cadence=30))
    scene.accounts.stamps = {home / "login.json": 1}
    task = await watched(scene)
    await scene.clock.advance(290)
    await finished(scene, scene.engine.refresh(KEY))
    scene.accounts.stamps = {home / "login.json": 2}
    await scene.clock.advance(2)
    assert len(scene.upstream.calls) == 3
    await scene.clock.advance(5 * 60 + 40)
    assert len(scene.upstream.calls) == 4
    await stop(task, scene)


@pytest.mark.parametrize("hours", [-3, 3])
async def test_after_the_clock_was_set_the_cadence_goes_on(home: Path, hours: int) -> None:
    scene = make_scene(home, rhythm=Rhythm(cadence=5))
    task = await watched(scene)
    await scene.clock.advance(400)
    scene.clock.moment += timedelta(hours=hours)
    await scene.clock.advance(20)
    calls = len(scene.upstream.calls)
    assert calls == 3
    await scene.clock.advance(11 * 60)
    assert len(scene.upstream.calls) == calls + 2
    await stop(task, scene)


@pytest.mark.parametrize(
    ("minutes", "asked"), [pytest.param(59, False, id="59 min"), pytest.param(60, True, id="1 h")]
)
async def test_an_hour_without_a_key_counts_as_coming_back(
    home: Path, minutes: int, asked: bool
) -> None:
    answers: list[Reaction] = [1.0, 1.0, ServerError("Down.")]
    scene = make_scene(home, Upstream(answers), rhythm=Rhythm(cadence=30))
    task = await watched(scene)
    await scene.clock.advance(10 * 60)
    scene.engine.interaction()
    await scene.clock.advance(minutes * 60)
    assert (len(scene.upstream.calls), scene.state.failures) == (3, 1)
    scene.engine.interaction()
    await settle()
    assert len(scene.upstream.calls) == 3 + asked
    await stop(task, scene)


async def test_coming_back_during_a_refresh_asks_no_second_time(home: Path) -> None:
    scene = make_scene(home, rhythm=Rhythm(cadence=30))
    scene.upstream.held = asyncio.Event()
    task = await watched(scene)
    scene.engine.focus_in()
    await settle()
    scene.upstream.held.set()
    await settle()
    assert len(scene.upstream.calls) == 1
    await stop(task, scene)


async def test_a_login_of_the_wrong_kind_is_watched_as_well(home: Path) -> None:
    answers: list[Reaction] = [Unsupported("Keys have no limits."), 7.0]
    scene = make_scene(home, Upstream(answers), rhythm=Rhythm(cadence=30))
    scene.accounts.stamps = {home / "login.json": 1}
    task = await watched(scene)
    scene.accounts.stamps = {home / "login.json": 2}
    await scene.clock.advance(2)
    assert scene.state.error is None
    await stop(task, scene)
