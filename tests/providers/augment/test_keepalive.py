"""The session keepalive on a fake clock: when it looks, when it asks, and when it is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.support import (
    NOON,
    FakeBrowsers,
    FakeClock,
    FakeCommands,
    MemorySessions,
    make_context,
    payload,
    settle,
)
from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar
from tui.core.errors import ErrorKind, FetchError, Unsupported
from tui.core.http import Reply
from tui.core.models import ProviderKey
from tui.core.process import CommandResult
from tui.core.redact import Secret
from tui.engine import OpenAccount, RefreshEngine, Rhythm
from tui.gateways.cache import SnapshotCache
from tui.providers._context import FetchContext
from tui.providers._spec import ProviderSpec
from tui.providers.augment import PROVIDER
from tui.providers.augment.keepalive import (
    EXPIRED,
    GIVEN_UP,
    PINGS,
    confirms,
    keep_alive,
    log_in_again,
    refresh_session,
)
from tui.providers.augment.session import WebSession, session_of

APP = "https://app.augmentcode.com"
KEY = ProviderKey("augment")
WEB = {"source": "web"}
USER = {"user": {"email": "mira@example.com"}, "expires": "2026-10-01T00:00:00Z"}
MINUTE = 60.0
RUNNING: list[asyncio.Task[None]] = []


def jar(
    clock: FakeClock,
    value: str = "first",
    *,
    expires_in_s: float | None = None,
    label: str = "Chrome: Default",
    extra: Sequence[Cookie] = (),
) -> Jar:
    expires_at = None if expires_in_s is None else clock.now() + timedelta(seconds=expires_in_s)
    session = Cookie(
        name="session",
        value=f"{value}-0123456789",
        domain="app.augmentcode.com",
        host_only=True,
        secure=True,
        expires_at=expires_at,
    )
    return Jar([session, *extra], label, now=clock.now)


@dataclass
class Stage:
    """A keepalive that runs, the website it asks, and everything it said."""

    ctx: FetchContext
    clock: FakeClock
    browsers: FakeBrowsers
    router: respx.MockRouter
    refreshes: list[datetime] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    shown: list[dict[str, str]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    @property
    def session(self) -> WebSession:
        return session_of(self.ctx)

    @property
    def pings(self) -> list[str]:
        return [call.request.url.path for call in self.router.calls]

    def cookies(self) -> list[str]:
        return [call.request.headers["cookie"] for call in self.router.calls]

    def answers(self, *answers: httpx.Response | Exception) -> None:
        """What the three addresses say, in their order; the last one for the rest."""
        for index, url in enumerate(PINGS):
            self.router.get(url).mock(side_effect=_always(answers[min(index, len(answers) - 1)]))

    async def start(self) -> None:
        self.session.is_used = True
        self.task = asyncio.create_task(keep_alive(self.ctx))
        RUNNING.append(self.task)
        await settle()

    async def minutes(self, count: float) -> None:
        """Let time pass in small steps, so that requests can end."""
        for _ in range(round(count * 2)):
            await self.clock.advance(MINUTE / 2)
            await settle(200)

    async def kept(self, slot: str = "cookies") -> Jar | None:
        kept = await self.ctx.sessions.get(slot)
        return Jar.load(kept.value, kept.label, now=self.clock.now) if kept else None


def _always(answer: httpx.Response | Exception) -> Any:
    def react(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    return react


def ok(set_cookie: str = "") -> httpx.Response:
    headers = {"set-cookie": set_cookie} if set_cookie else {}
    return httpx.Response(200, json=USER, headers=headers)


async def make_stage(
    home: Path,
    router: respx.MockRouter,
    clock: FakeClock,
    *jars: Jar,
    settings: Mapping[str, Any] = WEB,
    **options: Any,
) -> Stage:
    browsers = FakeBrowsers(jars=jars)
    options = {"user_initiated": False, **options}
    ctx = await make_context(
        PROVIDER, home, settings=settings, clock=clock, browsers=browsers, **options
    )
    stage = Stage(ctx, clock, browsers, router)
    stage.ctx = replace(
        ctx,
        request_refresh=lambda: stage.refreshes.append(clock.now()),
        tell=stage.told.append,
        report=lambda rows: stage.shown.append(dict(rows)),
    )
    return stage


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def router() -> AsyncIterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as mocked:
        yield mocked


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """No keepalive outlives its test."""
    yield
    for task in RUNNING:
        task.cancel()
    await asyncio.gather(*RUNNING, return_exceptions=True)
    RUNNING.clear()


# -- when it asks ----------------------------------------------------------------------------------


async def test_a_session_is_refreshed_when_it_is_about_to_end(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock, expires_in_s=14 * MINUTE))
    stage.answers(ok())
    await stage.start()
    await stage.minutes(9.5)
    assert stage.pings == []
    await stage.minutes(1)
    assert stage.pings == ["/api/auth/session"]
    assert stage.refreshes != []
    assert stage.session.last_success_at == stage.refreshes[0]


async def test_a_ping_looks_like_the_website_itself(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock))
    stage.answers(ok())
    await stage.start()
    await stage.minutes(5.5)
    request = router.calls.last.request
    assert request.headers["cookie"] == "session=first-0123456789"
    assert request.headers["origin"] == request.headers["referer"] == APP
    assert request.headers["accept"] == "application/json"


async def test_a_session_without_an_end_is_refreshed_at_once_and_then_every_half_hour(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock))
    stage.answers(ok())
    await stage.start()
    await stage.minutes(4.5)
    assert stage.pings == []
    await stage.minutes(1)
    assert len(stage.pings) == 1
    await stage.minutes(29)
    assert len(stage.pings) == 1
    await stage.minutes(6)
    assert len(stage.pings) == 2


async def test_a_session_that_would_be_over_at_the_next_look_is_refreshed_now(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    login = jar(clock, expires_in_s=55 * MINUTE)
    settings = {**WEB, "keepalive_check_minutes": 30}
    stage = await make_stage(home, router, clock, login, settings=settings)
    stage.answers(ok())
    await stage.start()
    await stage.minutes(30.5)
    assert len(stage.pings) == 1


async def test_the_end_of_an_analytics_cookie_means_nothing(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    analytics = Cookie(
        name="_ga",
        value="1",
        domain="app.augmentcode.com",
        expires_at=NOON + timedelta(minutes=8),
    )
    login = jar(clock, expires_in_s=3600 * 24, extra=[analytics])
    stage = await make_stage(home, router, clock, login)
    stage.answers(ok())
    await stage.start()
    await stage.minutes(30)
    assert stage.pings == []


async def test_the_rhythm_is_a_setting_and_attempts_keep_their_distance(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    rhythm = {
        "keepalive_check_minutes": 1,
        "keepalive_buffer_minutes": 60,
        "keepalive_min_gap_minutes": 4,
    }
    login = jar(clock, expires_in_s=50 * MINUTE)
    stage = await make_stage(home, router, clock, login, settings={**WEB, **rhythm})
    stage.answers(ok())
    await stage.start()
    await stage.minutes(12.5)
    moments = [round((moment - NOON).total_seconds() / 60) for moment in stage.refreshes]
    assert moments == [1, 5, 9]
    assert stage.shown[0]["Rhythm"] == "every 1 min, refreshes 4 min apart or more"


@pytest.mark.parametrize(
    "settings",
    [
        {**WEB, "keepalive": False},
        {"source": "cli"},
        {**WEB, "cookie_source": "off"},
    ],
)
async def test_it_does_not_run_where_it_is_of_no_use(
    home: Path, router: respx.MockRouter, clock: FakeClock, settings: Mapping[str, Any]
) -> None:
    stage = await make_stage(home, router, clock, jar(clock), settings=settings)
    await stage.start()
    assert stage.task is not None
    assert stage.task.done()
    assert stage.shown == []


async def test_it_opens_no_browser_while_the_program_answers(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock), settings={})
    await stage.start()
    stage.session.is_used = False
    await stage.minutes(40)
    assert stage.browsers.opened == []
    assert stage.shown[-1]["State"].startswith("not needed")


async def test_starting_twice_does_nothing_and_stopping_is_immediate(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock))
    stage.answers(ok())
    await stage.start()
    second = asyncio.create_task(keep_alive(stage.ctx))
    await settle()
    assert second.done()
    assert stage.task is not None
    stage.task.cancel()
    await settle()
    assert stage.task.cancelled()
    await stage.minutes(10)
    assert stage.pings == []
    await stage.start()
    await stage.minutes(6)
    assert stage.pings == ["/api/auth/session"]


async def test_without_a_login_nothing_is_asked_or_counted(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock)
    await stage.start()
    await stage.minutes(20)
    assert (stage.pings, stage.session.failures) == ([], 0)


async def test_a_browser_that_cannot_be_read_does_not_end_it(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock))
    stage.answers(ok())
    stage.browsers.error = Unsupported("The store cannot be read.")
    await stage.start()
    await stage.minutes(6)
    stage.browsers.error = None
    await stage.minutes(5)
    assert len(stage.pings) == 1


# -- what a ping says ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "is_known"),
    [
        (200, b'{"user": {}}', True),
        (200, b'{"email": "a@example.com"}', True),
        (200, b'{"session": "x", "user": null}', True),
        (200, b"{}", False),
        (200, b'{"user": null, "email": null}', False),
        (200, b'["user"]', False),
        (200, b"<!doctype html>user", False),
        (200, b"", False),
        (404, b'{"user": {}}', False),
        (302, b'{"user": {}}', False),
    ],
)
def test_which_answers_confirm_a_session(status: int, body: bytes, is_known: bool) -> None:
    assert confirms(Reply(status=status, url=PINGS[0], body=body)) is is_known


async def test_the_next_address_is_asked_until_one_confirms(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock))
    stage.answers(httpx.Response(401), httpx.ConnectError("dns"), ok())
    await stage.start()
    await stage.minutes(5.5)
    assert stage.pings == ["/api/auth/session", "/api/session", "/api/user"]
    assert (len(stage.refreshes), stage.session.failures) == (1, 0)


async def test_a_session_that_expired_is_told_once_and_given_up_after_three_times(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock))
    stage.answers(httpx.Response(404), httpx.Response(401), httpx.Response(200, json={}))
    await stage.start()
    await stage.minutes(11)
    assert (stage.told, len(stage.pings)) == ([EXPIRED], 6)
    assert stage.shown[-1]["State"] == "not confirmed, 2 in a row"
    await stage.minutes(40)
    assert stage.told == [EXPIRED, GIVEN_UP]
    assert len(stage.pings) == 9
    assert stage.shown[-1]["State"].startswith("given up: log in at app.augmentcode.com")
    assert stage.shown[-1]["Next check"] == "none"
    assert stage.refreshes == []


async def test_a_website_that_is_away_counts_but_is_told_at_the_end_only(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock))
    stage.answers(httpx.ReadTimeout("slow"))
    await stage.start()
    await stage.minutes(40)
    assert (stage.told, len(stage.pings)) == ([GIVEN_UP], 9)


async def test_one_success_forgets_the_failures(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock))
    stage.answers(httpx.Response(503))
    await stage.start()
    await stage.minutes(11)
    assert stage.session.failures == 2
    stage.answers(ok())
    await stage.minutes(5)
    assert stage.session.failures == 0
    stage.answers(httpx.Response(503))
    await stage.minutes(36)
    assert not stage.session.given_up


# -- what is kept ----------------------------------------------------------------------------------


async def test_what_a_ping_sets_goes_into_the_login_that_is_kept(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock)
    first = jar(clock, expires_in_s=12 * MINUTE)
    await stage.ctx.sessions.put("cookies", first.dump(), first.label)
    stage.answers(ok("session=second-0123456789; Path=/; Secure; Max-Age=3600"))
    await stage.start()
    await stage.minutes(11)
    kept = await stage.kept()
    assert kept is not None
    assert kept.label == "Chrome: Default"
    assert kept.header(APP) == Secret("session=second-0123456789")
    ends_at = kept.expires_at()
    assert ends_at is not None
    assert timedelta(minutes=58) < ends_at - clock.now() <= timedelta(minutes=60)
    await stage.minutes(40)
    assert len(stage.pings) == 1
    await stage.minutes(16)
    assert stage.cookies()[-1] == "session=second-0123456789"


async def test_the_cookies_of_the_browser_are_taken_again_after_a_ping(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock, expires_in_s=9 * MINUTE))
    longer = jar(clock, "longer", expires_in_s=90 * MINUTE)

    def renewed_by_the_browser(request: httpx.Request) -> httpx.Response:
        stage.browsers.jars = (longer,)
        return ok()

    router.get(PINGS[0]).mock(side_effect=renewed_by_the_browser)
    await stage.start()
    await stage.minutes(5.5)
    kept = await stage.kept()
    assert kept is not None
    assert kept.header(APP) == Secret("session=longer-0123456789")


async def test_the_profile_whose_login_works_is_kept_alive_and_no_other(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    other, own = jar(clock, "other"), jar(clock, "own", label="Firefox: work")
    stage = await make_stage(home, router, clock, other, own)
    await stage.ctx.sessions.put("cookies", own.dump(), own.label)
    stage.answers(ok())
    await stage.start()
    await stage.minutes(6)
    assert stage.cookies() == ["session=own-0123456789"]


async def test_a_pasted_login_lives_on_by_what_the_website_sets(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    pasted = "session=pasted-0123456789; own=1"
    stage = await make_stage(home, router, clock, jar(clock), secrets={"cookie_header": pasted})
    stage.answers(ok("session=second-0123456789; Path=/; Secure; Max-Age=1200"))
    await stage.start()
    await stage.minutes(6)
    assert stage.cookies() == [pasted]
    assert stage.browsers.opened == []
    renewed = await stage.kept("renewed")
    assert renewed is not None
    header = renewed.header(APP)
    assert header is not None
    assert header.matches(".*session=second-0123456789.*")
    await stage.minutes(20)
    assert "second" in stage.cookies()[-1]


# -- from outside ----------------------------------------------------------------------------------


async def test_an_expired_answer_starts_one_refresh_at_once(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock, expires_in_s=86400))
    stage.answers(ok())
    await stage.start()
    await stage.minutes(1)
    stage.session.expire()
    await stage.minutes(0.5)
    assert len(stage.refreshes) == 1
    stage.session.expire()
    await stage.minutes(3)
    assert len(stage.refreshes) == 1
    assert stage.shown[-1]["State"].startswith("expired")


async def test_a_given_up_session_comes_back_when_the_user_refreshes_it(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock))
    stage.answers(httpx.Response(401))
    await stage.start()
    await stage.minutes(40)
    assert stage.session.given_up
    stage.answers(ok())
    action = asyncio.create_task(refresh_session(stage.ctx))
    await stage.minutes(0.5)
    assert await action == "The session was refreshed."
    assert not stage.session.given_up
    assert stage.shown[-1]["State"] == "kept alive"
    assert stage.shown[-1]["Last refresh"] != "not yet"
    assert stage.shown[-1]["Next check"] != "none"


async def test_the_users_refresh_takes_what_the_browser_has(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock, "new", label="Edge: Default"))
    old = jar(clock, "old", expires_in_s=86400)
    await stage.ctx.sessions.put("cookies", old.dump(), old.label)
    stage.answers(ok())
    action = asyncio.create_task(refresh_session(stage.ctx))
    await stage.minutes(0.5)
    await action
    assert stage.cookies() == ["session=new-0123456789"]
    kept = await stage.kept()
    assert kept is not None
    assert kept.label == "Edge: Default"


@pytest.mark.parametrize(
    ("answer", "has_login", "kind", "words"),
    [
        (httpx.Response(401), True, ErrorKind.UNAUTHORIZED, "has expired"),
        (httpx.Response(503), True, ErrorKind.NETWORK, "did not confirm"),
        (httpx.Response(503), False, ErrorKind.MISSING_CREDENTIALS, "No Augment login"),
    ],
)
async def test_why_the_users_refresh_failed(
    home: Path,
    router: respx.MockRouter,
    clock: FakeClock,
    answer: httpx.Response,
    has_login: bool,
    kind: ErrorKind,
    words: str,
) -> None:
    jars = (jar(clock),) if has_login else ()
    stage = await make_stage(home, router, clock, *jars)
    stage.answers(answer)
    with pytest.raises(FetchError, match=words) as caught:
        await refresh_session(stage.ctx)
    assert caught.value.kind is kind


async def test_two_refreshes_do_not_run_at_once(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock))
    stage.answers(ok())
    first = asyncio.create_task(refresh_session(stage.ctx))
    await settle(200)
    assert await refresh_session(stage.ctx) == "The session is being refreshed already."
    await stage.minutes(0.5)
    assert await first == "The session was refreshed."
    assert len(stage.pings) == 1


async def test_logging_in_again_waits_for_the_new_login_and_opens_nothing(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock, "old"))
    stage.answers(ok())
    action = asyncio.create_task(log_in_again(stage.ctx))
    await stage.minutes(1)
    assert stage.pings == []
    assert "https://app.augmentcode.com" in stage.told[0]
    stage.browsers.jars = (jar(clock, "new"),)
    await stage.minutes(0.5)
    assert await action == "The new login was found."
    assert stage.cookies() == ["session=new-0123456789"]


async def test_logging_in_again_ends_after_two_minutes(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    stage = await make_stage(home, router, clock, jar(clock, "old"))
    action = asyncio.create_task(log_in_again(stage.ctx))
    await stage.minutes(2.5)
    with pytest.raises(FetchError, match="has expired"):
        await action
    pasted = await make_stage(
        home, router, clock, secrets={"cookie_header": "session=0123456789abc"}
    )
    with pytest.raises(FetchError, match="not taken from a browser"):
        await log_in_again(pasted.ctx)


def test_the_actions_are_offered() -> None:
    assert [(action.id, action.label) for action in PROVIDER.actions] == [
        ("refresh_session", "Refresh session"),
        ("log_in_again", "Open Augment (log out and back in)"),
    ]


# -- together with the engine ----------------------------------------------------------------------


@dataclass
class OneAccount:
    """An account whose sessions and memory outlive a refresh, as in the program."""

    home: Path
    clock: FakeClock
    options: dict[str, Any]
    sessions: MemorySessions | None = None
    memory: dict[str, Any] = field(default_factory=dict)

    def specs(self) -> Mapping[ProviderKey, ProviderSpec]:
        return {KEY: PROVIDER}

    async def open(self, key: ProviderKey, *, user_initiated: bool) -> OpenAccount:
        ctx = await make_context(
            PROVIDER, self.home, clock=self.clock, user_initiated=user_initiated, **self.options
        )
        assert isinstance(ctx.sessions, MemorySessions)
        self.sessions = self.sessions or ctx.sessions
        ctx = replace(ctx, sessions=self.sessions, memory=self.memory)
        return OpenAccount(ctx=ctx, fingerprint="one")


def make_engine(home: Path, clock: FakeClock, **options: Any) -> RefreshEngine:
    return RefreshEngine(
        OneAccount(home, clock, options),
        clock=clock,
        cache=SnapshotCache(home / "last"),
        rng=lambda: 0.0,
        rhythm=Rhythm(cadence=30),
    )


async def test_a_refused_answer_refreshes_the_session_and_then_the_numbers(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    """The website refuses the first time, accepts what its ping has set, and the card is good."""

    def credits(request: httpx.Request) -> httpx.Response:
        is_renewed = "second" in request.headers["cookie"]
        body = payload("augment", "credits.json")
        return httpx.Response(200, content=body) if is_renewed else httpx.Response(401)

    router.get(f"{APP}/api/credits").mock(side_effect=credits)
    router.get(f"{APP}/api/subscription").respond(500)
    router.get(PINGS[0]).mock(return_value=ok("session=second-0123456789; Path=/; Max-Age=7200"))
    browsers = FakeBrowsers(jars=(jar(clock),))
    engine = make_engine(home, clock, settings=WEB, browsers=browsers)
    task = asyncio.create_task(engine.watch(KEY))
    for _ in range(8):
        await clock.advance(1)
        await settle(300)
    state = engine.state(KEY)
    assert state.error is None
    assert state.snapshot is not None
    assert state.snapshot.origin == "Chrome: Default"
    shown = {row.label: row.value for row in state.tasks}
    assert shown["State"] == "kept alive"
    assert shown["Last refresh"] != "not yet"
    assert shown["Next check"]
    assert {row.group for row in state.tasks} == {"Session keepalive"}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await engine.aclose()
    assert engine.state(KEY).tasks == ()


async def test_the_program_makes_the_keepalive_rest(
    home: Path, router: respx.MockRouter, clock: FakeClock
) -> None:
    status = CommandResult(exit_code=0, stdout=payload("augment", "status.txt").decode())
    commands = FakeCommands({("account", "status"): status}, program=Path("/opt/bin/auggie"))
    browsers = FakeBrowsers(jars=(jar(clock),))
    engine = make_engine(home, clock, commands=commands, browsers=browsers)
    task = asyncio.create_task(engine.watch(KEY))
    for _ in range(12):
        await clock.advance(MINUTE)
        await settle(300)
    assert browsers.opened == []
    assert router.calls.call_count == 0
    assert engine.state(KEY).tasks[0].value.startswith("not needed")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await engine.aclose()
