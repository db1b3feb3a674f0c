"""One refresh of the engine: who may ask, who may publish, what is kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.engine_scene import (
    KEY,
    Scene,
    Upstream,
    finished,
    make_scene,
    snapshot,
    stop,
    watched,
)
from tests.support import NOON, settle
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
    Phase,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.redact import Secret
from tui.engine import Rhythm
from tui.engine.keeping import Keeper
from tui.gateways.cache import Remembered, SnapshotCache
from tui.providers._context import FetchContext
from tui.providers._gate import politely
from tui.providers._spec import Mode, Source


@pytest.fixture
async def scene(home: Path) -> Scene:
    return make_scene(home)


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


async def test_whoever_asks_twice_waits_for_the_first_to_end_as_well(home: Path) -> None:
    running: list[int] = []

    async def slow_to_end(ctx: FetchContext) -> ProviderSnapshot:
        running.append(len(running))
        assert running == [0]
        try:
            if len(upstream.calls) == 1:
                await asyncio.Event().wait()
            return snapshot(ctx)
        finally:
            await settle(50)
            running.clear()

    upstream = Upstream([slow_to_end, slow_to_end, slow_to_end])
    scene = make_scene(home, upstream)
    asked = [asyncio.create_task(scene.engine.refresh(KEY))]
    await settle()
    asked.append(asyncio.create_task(scene.engine.refresh(KEY, user=True)))
    await settle(3)
    asked.append(asyncio.create_task(scene.engine.refresh(KEY, user=True)))
    states = await finished(scene, asyncio.gather(*asked))
    assert [state.error for state in states] == [None, None, None]
    assert scene.state.phase is Phase.WAITING


async def test_the_end_waits_for_a_replaced_refresh_too(home: Path) -> None:
    ended: list[bool] = []

    async def slow_to_end(ctx: FetchContext) -> ProviderSnapshot:
        try:
            await asyncio.Event().wait()
        finally:
            await settle(50)
            ended.append(True)
        raise AssertionError

    scene = make_scene(home, Upstream([slow_to_end]))
    first = asyncio.create_task(scene.engine.refresh(KEY))
    await settle()
    second = asyncio.create_task(scene.engine.refresh(KEY, user=True))
    await settle(3)
    await scene.engine.aclose()
    assert ended == [True]
    await asyncio.gather(first, second)


async def test_a_provider_that_hangs_becomes_a_network_error_after_its_deadline(
    home: Path,
) -> None:
    scene = make_scene(home, deadline_s=0.05)
    scene.upstream.held = asyncio.Event()
    state = await finished(scene, scene.engine.refresh(KEY))
    assert state.error is not None
    assert state.error.kind is ErrorKind.NETWORK
    assert "0.05 s" in state.error.message


async def test_three_programs_run_at_once_and_hanging_ones_use_up_nobodys_time(home: Path) -> None:
    running: set[ProviderKey] = set()

    async def program(ctx: FetchContext) -> ProviderSnapshot:
        running.add(ctx.key)
        assert len(running) <= 3
        try:
            await asyncio.sleep(0.01 if ctx.key.account == "last" else 3600)
        finally:
            running.discard(ctx.key)
        return snapshot(ctx)

    source = Source(id="cli", label="Program", fetch=program, starts_program=True)
    keys = [ProviderKey("alpha", name) for name in ("one", "two", "three", "last")]
    scene = make_scene(home)
    spec = scene.upstream.spec(sources=(source,), modes=(Mode("auto", ("cli",)),), deadline_s=0.2)
    scene.accounts.on = dict.fromkeys(keys, spec)
    await scene.engine.reconfigure(Rhythm())
    await finished(scene, scene.engine.refresh_all())
    errors = [state.error and state.error.cause for state in scene.engine.states()]
    assert errors == ["timeout", "timeout", "timeout", None]


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


async def test_a_key_in_an_error_is_hidden_also_with_signs_without_a_width_in_it(
    home: Path,
) -> None:
    key = Secret("plain-words-of-a-key-0123").reveal()
    echoes = ServerError(f"refused {key[:5]}\u200b{key[5:]} {'x' * 255} {key}")
    scene = make_scene(home, Upstream([echoes]))
    state = await finished(scene, scene.engine.refresh(KEY))
    assert state.error is not None
    assert state.error.message.startswith("refused <redacted> x")
    assert "plain" not in state.error.message


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


async def test_being_held_back_does_not_lengthen_the_wait(home: Path) -> None:
    scene = make_scene(home, Upstream([RateLimited("Wait.", retry_after_s=120)]))
    await finished(scene, scene.engine.refresh(KEY))
    for calls in (1, 1, 1, 1, 2):
        await scene.clock.advance(25)
        await finished(scene, scene.engine.refresh(KEY))
        assert len(scene.upstream.calls) == calls


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


async def test_a_token_that_is_held_back_does_not_wait_longer(home: Path) -> None:
    login = Login()
    scene = make_scene(home, **login.options())
    await finished(scene, scene.engine.refresh(KEY))
    login.limited.clear()
    await scene.clock.advance(580)
    assert (await finished(scene, scene.engine.refresh(KEY))).error is not None
    await scene.clock.advance(25)
    assert (await finished(scene, scene.engine.refresh(KEY))).error is None


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


async def test_the_newest_numbers_are_kept_when_an_earlier_save_is_slow(home: Path) -> None:
    class SlowAtFirst(SnapshotCache):
        saves = 0

        def save(self, key: ProviderKey, kept: Remembered) -> None:
            self.saves += 1
            time.sleep(0.2 if self.saves == 1 else 0)
            super().save(key, kept)

    cache = SlowAtFirst(home / "last")
    keeper = Keeper(cache)
    for name in ("first", "second"):
        keeper.keep(KEY, Remembered(fingerprint=name))
        await settle()
    await keeper.end()
    assert cache.load(KEY).fingerprint == "second"


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
