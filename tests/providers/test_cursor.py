"""Cursor: one cookie from many places, three lanes of a cycle, and money in cents."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import respx

from tests.support import (
    NOON,
    FakeBrowsers,
    FakeClock,
    FakeKeyStore,
    FetchFailed,
    fetch,
    make_context,
    payload,
    reply,
)
from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar
from tui.core.errors import ErrorKind
from tui.core.models import WEEK_MINUTES, ProviderKey, ProviderSnapshot
from tui.demo.scenes import cursor as scene
from tui.demo.stage import Moment
from tui.demo.transport import PlayedUpstream
from tui.gateways.http import HttpGateway
from tui.providers._context import FetchContext
from tui.providers._cookies import SLOT
from tui.providers._parse import ensure_ok, json_object
from tui.providers.cursor import PROVIDER
from tui.providers.cursor.logins import parse_object, user_id_of
from tui.providers.cursor.parse import parse_summary, with_bot, with_profile, with_requests
from tui.providers.cursor.website import ERRORS

KEY = ProviderKey("cursor")
SITE = "https://cursor.com/api"
SESSION = "WorkosCursorSessionToken"
CYCLE_MINUTES = 31 * 1440
STORAGE = "Cursor/User/globalStorage"


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "Cursor")


def summary(body: bytes) -> ProviderSnapshot:
    return parse_summary(decoded(body), key=KEY, now=NOON, source_id="web")


def stored(name: str) -> ProviderSnapshot:
    return summary(payload("cursor", name))


PARSERS: dict[str, Callable[[bytes], object]] = {
    "refused_*": lambda body: ensure_ok(reply(body, 401), "Cursor", now=NOON, errors=ERRORS),
    "*summary_*": summary,
    "profile*": lambda body: with_profile(stored("summary_pro.json"), decoded(body)),
    "bot*": lambda body: with_bot(stored("summary_pro.json"), decoded(body)),
    "requests_*": lambda body: with_requests(stored("summary_pro.json"), decoded(body)),
    "cli_*": lambda body: parse_object(body.decode(errors="replace")),
}


def changed(name: str, **parts: Any) -> ProviderSnapshot:
    """A stored answer in which parts of the plan are different."""
    answer = json.loads(payload("cursor", name))
    answer["individualUsage"]["plan"].update(parts)
    return summary(json.dumps(answer).encode())


def token(lasts: timedelta = timedelta(days=30), **claims: Any) -> str:
    """A token as editor and CLI keep them."""
    expiry = {"exp": int((NOON + lasts).timestamp())}
    parts = ({"alg": "HS256"}, {"sub": "auth0|user_01INES"} | expiry | claims)
    encoded = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    )
    return ".".join((*encoded, "c2lnbmF0dXJl"))


def cookie_of(access_token: str, user_id: str = "user_01INES") -> str:
    return f"{SESSION}={user_id}%3A%3A{access_token}"


def editor(home: Path, value: str | bytes, folder: str = f".config/{STORAGE}") -> Path:
    """The database of a signed-in editor."""
    file = home / folder / "state.vscdb"
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE ItemTable (key TEXT UNIQUE, value BLOB)")
        database.execute("INSERT INTO ItemTable VALUES ('cursorAuth/accessToken', ?)", (value,))
    return file


def cli(home: Path, access_token: str, folder: str = ".config/cursor") -> None:
    file = home / folder / "auth.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"accessToken": access_token, "refreshToken": "not-ours"}))


def jar(label: str, value: str = "user_01INES%3A%3Avalue", name: str = SESSION) -> Jar:
    session = Cookie(name=name, value=value, domain="cursor.com", secure=True)
    foreign = Cookie(name=SESSION, value="elsewhere", domain="authenticator.cursor.sh")
    return Jar([session, foreign], label, now=lambda: NOON)


class Service:
    """The four calls, good unless a test says otherwise."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        self.summary = router.get(f"{SITE}/usage-summary")
        self.profile = router.get(f"{SITE}/auth/me")
        self.bot = router.post(f"{SITE}/dashboard/get-sand-usage-status")
        self.requests = router.get(url__startswith=f"{SITE}/usage?")
        for route, name in (
            (self.summary, "summary_pro.json"),
            (self.profile, "profile.json"),
            (self.bot, "bot.json"),
            (self.requests, "requests_new.json"),
        ):
            route.respond(content=payload("cursor", name))

    @property
    def cookies(self) -> list[str]:
        """What the required call was asked with, in order."""
        return [call.request.headers["cookie"] for call in self.summary.calls]


@pytest.fixture
def service() -> Iterator[Service]:
    with respx.mock(assert_all_called=False) as router:
        yield Service(router)


async def fetched(home: Path, **options: Any) -> ProviderSnapshot:
    return await fetch(PROVIDER, await make_context(PROVIDER, home, **options))


async def failed(home: Path, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetched(home, **options)
    return caught.value


# -- lanes -----------------------------------------------------------------------------------------


def test_three_lanes_share_the_cycle() -> None:
    windows = stored("summary_pro.json").windows
    assert [(w.id, w.label, w.used_percent) for w in windows] == [
        ("total", "Total", 31.6),
        ("auto", "Cursor", 0.36),
        ("third-party", "Third Party", 12.5),
    ]
    assert {w.window_minutes for w in windows} == {CYCLE_MINUTES}
    assert {w.resets_at for w in windows} == {datetime(2026, 9, 12, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("parts", "total", "others"),
    [
        ({"totalPercentUsed": "130"}, 100, 2),
        ({"totalPercentUsed": None, "autoPercentUsed": 27}, 19.75, 2),
        ({"totalPercentUsed": None, "autoPercentUsed": None}, 12.5, 1),
        ({"totalPercentUsed": None, "apiPercentUsed": "NaN"}, 0.36, 1),
        ({"totalPercentUsed": None, "autoPercentUsed": None, "apiPercentUsed": None}, 31.6, 0),
    ],
)
def test_the_total_takes_the_first_number_that_applies(
    parts: dict[str, Any], total: float, others: int
) -> None:
    snapshot = changed("summary_pro.json", **parts)
    assert snapshot.window("total").used_percent == pytest.approx(total)
    assert len(snapshot.windows) == 1 + others


def test_use_of_a_limit_counts_where_there_is_no_percent() -> None:
    window = stored("summary_team.json").window("total")
    assert (window.used_percent, window.used, window.limit, window.unit) == (
        25.0,
        Decimal("12.5"),
        Decimal(50),
        "USD",
    )


def test_the_pool_of_the_team_comes_last() -> None:
    answer = json.loads(payload("cursor", "summary_team.json"))
    answer["individualUsage"]["overall"] = None
    assert summary(json.dumps(answer).encode()).window("total").used_percent == 96.25


def test_nothing_known_is_unknown_and_not_zero() -> None:
    snapshot = stored("summary_free.json")
    (window,) = snapshot.windows
    assert (window.used_percent, window.unlimited, window.window_minutes) == (None, False, None)
    assert window.resets_at == datetime(2026, 9, 20, 8, 30, 0, 500_000, tzinfo=UTC)
    assert snapshot.balances == ()


def test_an_unlimited_plan_says_so() -> None:
    assert stored("summary_unlimited.json").window("total").unlimited


# -- money and plan --------------------------------------------------------------------------------


def test_the_personal_cap_comes_before_that_of_the_team() -> None:
    snapshot = stored("summary_pro.json")
    (balance,) = snapshot.balances
    assert (balance.used, balance.limit, balance.currency) == (Decimal("5.5"), Decimal(50), "USD")
    assert balance.resets_at == datetime(2026, 9, 12, tzinfo=UTC)
    assert [row.value for row in snapshot.details] == ["$6.32 of $20.00"]


def test_team_use_is_never_set_against_a_personal_number() -> None:
    snapshot = stored("summary_team.json")
    assert [(b.id, b.used, b.limit) for b in snapshot.balances] == [
        ("on-demand.team", 420, 1000),
        ("on-demand", Decimal("3.1"), None),
    ]
    assert "token fee" in snapshot.details[-1].value


def test_personal_use_without_a_cap_has_no_limit() -> None:
    (balance,) = stored("summary_unlimited.json").balances
    assert (balance.used, balance.limit) == (Decimal("2.75"), None)


@pytest.mark.parametrize(
    ("word", "plan"),
    [
        ("enterprise", "Cursor Enterprise"),
        ("express", "Cursor Start"),
        ("free_trial", "Cursor Pro Trial"),
        ("pro_student", "Cursor Pro"),
        ("PRO_PLUS", "Cursor Pro+"),
        ("ultra", "Cursor Ultra"),
        ("galaxy", "Cursor galaxy"),
        (None, ""),
    ],
)
def test_plans_have_names(word: str | None, plan: str) -> None:
    answer = json.loads(payload("cursor", "summary_pro.json")) | {"membershipType": word}
    assert summary(json.dumps(answer).encode()).identity.plan == plan


# -- what is added ---------------------------------------------------------------------------------


async def test_everything_together(home: Path, service: Service) -> None:
    snapshot = await fetched(home, secrets={"cookie_header": f"a=b; {SESSION}=user_9%3A%3Ax"})
    assert (snapshot.identity.account, snapshot.identity.plan) == ("ines@example.com", "Cursor Pro")
    assert [w.id for w in snapshot.windows] == ["total", "auto", "third-party", "cursor-grok-bot"]
    bot = snapshot.window("cursor-grok-bot")
    assert (bot.label, bot.used_percent, bot.window_minutes) == ("Grok Bot", 14, WEEK_MINUTES)
    assert (snapshot.source_id, snapshot.notice) == ("web", "")
    for route in (service.summary, service.profile, service.bot, service.requests):
        headers = route.calls.last.request.headers
        assert headers["cookie"] == f"a=b; {SESSION}=user_9%3A%3Ax"
        assert headers["accept"] == "application/json"
    asked = service.bot.calls.last.request
    assert (asked.content, asked.headers["origin"]) == (b"{}", "https://cursor.com")
    assert service.requests.calls.last.request.url.params["user"] == "auth0|user_01INES"


async def test_a_plan_that_counts_requests_has_one_lane(home: Path, service: Service) -> None:
    service.requests.respond(content=payload("cursor", "requests_legacy.json"))
    (window,) = (await fetched(home, secrets={"cookie_header": "wos-session=x"})).windows
    assert (window.used_percent, window.used, window.limit) == (40, Decimal(60), Decimal(150))
    assert (window.unit, window.resets_text) == ("requests", "60 / 150 requests")
    assert window.resets_at == datetime(2026, 9, 12, tzinfo=UTC)


def test_requests_of_this_plan_count_where_all_are_unknown() -> None:
    answer = {"gpt-4": {"numRequests": "0", "maxRequestUsage": "150"}}
    window = with_requests(stored("summary_pro.json"), answer).window("total")
    assert (window.used_percent, window.resets_text) == (0, "0 / 150 requests")


def test_no_allowance_is_no_lane() -> None:
    base = stored("summary_pro.json")
    assert with_bot(base, decoded(payload("cursor", "bot_none.json"))) == base
    assert with_bot(base, {"hasNonZeroIncludedLimit": True, "usagePercent": None}) == base


@pytest.mark.parametrize(
    "answer", [httpx.Response(401), httpx.Response(200, html="<p>"), httpx.ReadTimeout("slow")]
)
async def test_what_is_added_may_fail(home: Path, service: Service, answer: Any) -> None:
    for route in (service.profile, service.bot, service.requests):
        route.mock(side_effect=[answer])
    email = token(email="ines@example.org")
    snapshot = await fetched(home, secrets={"cookie_header": cookie_of(email)})
    assert len(snapshot.windows) == 3
    assert snapshot.identity.account == "ines@example.org"
    assert service.requests.calls.last.request.url.params["user"] == "user_01INES"


async def test_without_extras_only_the_summary_is_asked(home: Path, service: Service) -> None:
    await fetched(home, settings={"extras": False}, secrets={"cookie_header": "wos-session=x"})
    assert service.router.calls.call_count == 1


# -- editor and CLI --------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("as_text", [True, False])
async def test_the_cookie_is_built_from_the_token_of_the_editor(
    home: Path, service: Service, encoding: str, as_text: bool
) -> None:
    own = token()
    editor(home, own if as_text else own.encode(encoding))
    snapshot = await fetched(home)
    assert service.cookies == [cookie_of(own)]
    assert (snapshot.source_id, snapshot.origin) == ("cli", "Cursor editor")
    assert "authorization" not in service.summary.calls.last.request.headers


@pytest.mark.parametrize(
    ("os_name", "env", "folder"),
    [
        ("linux", {"XDG_CONFIG_HOME": "{home}/elsewhere"}, f"elsewhere/{STORAGE}"),
        ("macos", {}, f"Library/Application Support/{STORAGE}"),
    ],
)
async def test_where_the_editor_keeps_its_database(
    home: Path,
    service: Service,
    os_name: Literal["linux", "macos"],
    env: dict[str, str],
    folder: str,
) -> None:
    editor(home, token(), folder)
    env = {name: value.format(home=home) for name, value in env.items()}
    assert (await fetched(home, os_name=os_name, env=env)).origin == "Cursor editor"


async def test_a_token_in_the_write_ahead_log_is_seen(home: Path, service: Service) -> None:
    file = editor(home, token(sub="auth0|old"))
    newer = token()
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        with database:
            database.execute("UPDATE ItemTable SET value = ?", (newer.encode(),))
        assert file.with_name("state.vscdb-wal").stat().st_size
        await fetched(home)
    assert service.cookies == [cookie_of(newer)]


@pytest.mark.parametrize("folder", [".config/cursor", ".cursor"])
async def test_the_file_of_the_cli_comes_after_the_editor(
    home: Path, service: Service, folder: str
) -> None:
    cli(home, token(sub="user_01CLI"), folder)
    snapshot = await fetched(home)
    assert (snapshot.source_id, snapshot.origin) == ("cli", "Cursor CLI")
    editor(home, token())
    assert (await fetched(home)).origin == "Cursor editor"
    assert service.cookies[0] == cookie_of(token(sub="user_01CLI"), "user_01CLI")


async def test_on_macos_the_key_store_of_the_cli_is_asked(home: Path, service: Service) -> None:
    config = home / ".cursor/cli-config.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"authInfo": {"authId": "auth0|user_01MAC"}}))
    own = token(sub=None)
    store = FakeKeyStore({("cursor-access-token", "cursor-user"): own})
    assert (await fetched(home, os_name="macos", key_store=store)).origin == "Cursor CLI"
    assert service.cookies == [cookie_of(own, "user_01MAC")]
    await failed(home, key_store=store)
    assert len(store.asked) == 1


@pytest.mark.parametrize("lasts_s", [-3600, 0, 60])
@pytest.mark.parametrize(
    ("make", "whose", "renewal"),
    [(editor, "Cursor editor", "Open Cursor"), (cli, "Cursor CLI", "Run `cursor-agent`")],
)
async def test_an_expired_token_is_not_sent(
    home: Path,
    service: Service,
    make: Callable[[Path, str], object],
    whose: str,
    renewal: str,
    lasts_s: int,
) -> None:
    make(home, token(timedelta(seconds=lasts_s)))
    error = (await failed(home)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert error.message.startswith(f"{whose} login expired")
    assert renewal in error.hint
    assert not service.router.calls


@pytest.mark.parametrize(
    ("make", "step"),
    [(editor, "Sign in again in Cursor."), (cli, "Run `cursor-agent login`.")],
)
async def test_a_refused_token_is_renewed_where_it_came_from(
    home: Path, service: Service, make: Callable[[Path, str], object], step: str
) -> None:
    make(home, token(timedelta(days=1)))
    service.summary.respond(401)
    assert (await failed(home)).error.hint == step


async def test_an_expired_editor_makes_room_for_the_browser(home: Path, service: Service) -> None:
    editor(home, token(timedelta(days=-1)))
    browsers = FakeBrowsers(jars=[jar("Chrome: Default")])
    assert (await fetched(home, browsers=browsers)).origin == "Chrome: Default"


@pytest.mark.parametrize("value", ["no-token", token(sub="auth0|a;b=c"), token(sub=""), ""])
async def test_what_is_no_token_of_a_user_is_passed_over(
    home: Path, service: Service, value: str
) -> None:
    editor(home, value)
    assert (await failed(home)).error.kind is ErrorKind.MISSING_CREDENTIALS
    assert not service.router.calls


async def test_a_broken_database_does_not_hide_the_cli(home: Path, service: Service) -> None:
    editor(home, token()).write_bytes(b"no database at all" * 100)
    assert (await failed(home)).error.kind is ErrorKind.UNSUPPORTED
    cli(home, token())
    assert (await fetched(home)).origin == "Cursor CLI"


async def test_a_named_account_uses_no_login_of_this_machine(home: Path, service: Service) -> None:
    editor(home, token())
    cli(home, token())
    assert (await failed(home, account="work")).error.kind is ErrorKind.MISSING_CREDENTIALS
    assert not service.router.calls


def test_the_id_of_a_user_is_the_last_part() -> None:
    assert user_id_of("google-oauth2|x|user_01") == "user_01"
    assert user_id_of("user_01") == "user_01"
    assert user_id_of("auth0|two words") == user_id_of("auth0|") == ""


@pytest.mark.parametrize(
    ("make", "found"), [(editor, "Cursor editor login"), (cli, "Cursor CLI login")]
)
async def test_a_login_on_this_machine_is_noticed(
    home: Path, make: Callable[[Path, str], object], found: str
) -> None:
    make(home, token(timedelta(days=-1)))
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(await make_context(PROVIDER, home)) == found


# -- cookies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pasted", "sent"),
    [
        (f"Cookie: theme=dark; {SESSION}=abc", f"theme=dark; {SESSION}=abc"),
        ("only=unknown", "only=unknown"),
        (f"user_7%3A%3A{token()}", f"{SESSION}=user_7%3A%3A{token()}"),
        (f" {token()} ", cookie_of(token())),
    ],
)
async def test_what_may_be_pasted(home: Path, service: Service, pasted: str, sent: str) -> None:
    snapshot = await fetched(home, secrets={"cookie_header": pasted}, settings={"source": "web"})
    assert service.cookies == [sent]
    assert snapshot.origin == "pasted"


async def test_a_paste_comes_before_the_editor_and_no_browser_is_opened(
    home: Path, service: Service
) -> None:
    editor(home, token())
    browsers = FakeBrowsers(jars=[jar("Chrome: Default")])
    secrets = {"cookie_header": f"{SESSION}=pasted-one"}
    await fetched(home, secrets=secrets, browsers=browsers)
    service.summary.mock(
        side_effect=[
            httpx.Response(401),
            httpx.Response(200, content=payload("cursor", "summary_pro.json")),
        ]
    )
    snapshot = await fetched(home, secrets=secrets, browsers=browsers)
    assert snapshot.origin == "Cursor editor"
    assert service.cookies == [f"{SESSION}=pasted-one", f"{SESSION}=pasted-one", cookie_of(token())]
    assert browsers.opened == []


async def test_off_means_no_cookies_but_the_editor(home: Path, service: Service) -> None:
    browsers = FakeBrowsers(jars=[jar("Chrome: Default")])
    off = {"cookie_source": "off"}
    error = (await failed(home, settings=off, browsers=browsers)).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert "Cookie header of cursor.com/dashboard" in error.hint
    editor(home, token())
    assert (await fetched(home, settings=off)).origin == "Cursor editor"
    assert browsers.opened == []


async def test_named_sessions_come_before_other_cookies(home: Path, service: Service) -> None:
    service.summary.mock(
        side_effect=[
            httpx.Response(403),
            httpx.Response(200, content=payload("cursor", "summary_pro.json")),
        ]
    )
    browsers = FakeBrowsers(
        jars=[jar("Safari: Default", "new", "brand-new"), jar("Chrome: Default", "old")]
    )
    ctx = await make_context(PROVIDER, home, settings={"source": "web"}, browsers=browsers)
    assert (await fetch(PROVIDER, ctx)).origin == "Safari: Default"
    assert service.cookies == [f"{SESSION}=old", "brand-new=new"]
    kept = await ctx.sessions.get_jar(SLOT)
    assert kept is not None
    assert kept.label == "Safari: Default"


async def remembering(home: Path, browsers: FakeBrowsers) -> FetchContext:
    """A run that begins with a remembered login."""
    ctx = await make_context(PROVIDER, home, settings={"source": "web"}, browsers=browsers)
    old = jar("Brave: Default", "old")
    await ctx.sessions.put(SLOT, old.dump(), old.label)
    return ctx


async def test_a_refused_remembered_login_is_replaced(home: Path, service: Service) -> None:
    good = httpx.Response(200, content=payload("cursor", "summary_pro.json"))
    service.summary.mock(side_effect=[httpx.Response(401), good])
    browsers = FakeBrowsers(jars=[jar("Chrome: Default", "fresh")])
    ctx = await remembering(home, browsers)
    assert (await fetch(PROVIDER, ctx)).origin == "Chrome: Default"
    assert service.cookies == [f"{SESSION}=old", f"{SESSION}=fresh"]
    kept = await ctx.sessions.get_jar(SLOT)
    assert kept is not None
    assert kept.label == "Chrome: Default"


async def test_trouble_of_the_server_keeps_it_and_opens_no_browser(
    home: Path, service: Service
) -> None:
    service.summary.respond(500)
    browsers = FakeBrowsers(jars=[jar("Chrome: Default")])
    ctx = await remembering(home, browsers)
    with pytest.raises(FetchFailed, match="unavailable"):
        await fetch(PROVIDER, ctx)
    assert browsers.opened == []
    assert await ctx.sessions.get_jar(SLOT) is not None


async def test_the_first_refusal_counts_when_no_browser_helps(home: Path, service: Service) -> None:
    service.summary.mock(side_effect=[httpx.Response(401), httpx.Response(500)])
    browsers = FakeBrowsers(jars=[jar("Chrome: Default", "fresh")])
    ctx = await remembering(home, browsers)
    with pytest.raises(FetchFailed, match="unauthorized"):
        await fetch(PROVIDER, ctx)
    assert await ctx.sessions.get_jar(SLOT) is None


async def test_another_account_in_the_other_place_is_mentioned(
    home: Path, service: Service
) -> None:
    editor(home, token())
    ctx = await make_context(PROVIDER, home)
    assert (await fetch(PROVIDER, ctx)).notice == ""
    other = jar("Chrome: Default", "user_02TOM%3A%3Avalue")
    await ctx.sessions.put(SLOT, other.dump(), other.label)
    assert (await fetch(PROVIDER, ctx)).notice == (
        "Chrome: Default is signed in to another account than the one shown."
    )
    service.profile.respond(json={"sub": "auth0|user_02TOM"})
    snapshot = await fetched(home, secrets={"cookie_header": f"{SESSION}=user_02TOM%3A%3Ax"})
    assert snapshot.notice.startswith("Cursor editor is signed in to another account")


# -- what can go wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(401), ErrorKind.UNAUTHORIZED),
        (httpx.Response(403, html="<p>"), ErrorKind.UNAUTHORIZED),
        (httpx.Response(404), ErrorKind.SERVER),
        (httpx.Response(503), ErrorKind.SERVER),
        (httpx.Response(302, headers={"Location": "https://evil.example/"}), ErrorKind.SERVER),
        (httpx.Response(200), ErrorKind.PARSE),
        (httpx.Response(200, content=b'{"membershipType": "pr'), ErrorKind.PARSE),
        (
            httpx.Response(200, html=payload("cursor", "bad_summary_page.html").decode()),
            ErrorKind.PARSE,
        ),
        (httpx.ConnectError("down"), ErrorKind.NETWORK),
    ],
)
async def test_failures_have_kinds(
    home: Path, service: Service, answer: Any, kind: ErrorKind
) -> None:
    service.summary.mock(side_effect=[answer])
    error = (await failed(home, secrets={"cookie_header": "wos-session=x"})).error
    assert error.kind is kind
    assert service.router.calls.call_count == 1


async def test_a_rate_limit_says_how_long(home: Path, service: Service) -> None:
    service.summary.respond(429, headers={"Retry-After": "90"})
    error = (await failed(home, secrets={"cookie_header": "wos-session=x"})).error
    assert (error.kind, error.retry_after_s) == (ErrorKind.RATE_LIMITED, 90)


@pytest.mark.parametrize("mode", ["auto", "web", "cli"])
async def test_nothing_found_says_what_to_paste(home: Path, service: Service, mode: str) -> None:
    error = (await failed(home, settings={"source": mode})).error
    assert (error.kind, error.message) == (
        ErrorKind.MISSING_CREDENTIALS,
        "No Cursor login found.",
    )
    assert "paste the Cookie header of cursor.com/dashboard" in error.hint
    assert not service.router.calls


async def test_the_demo_plays_an_account(home: Path) -> None:
    clock = FakeClock()
    moment = Moment(clock.now(), clock.now())
    upstream = PlayedUpstream(scene.SCENE.routes, lambda: moment, delays=False)
    snapshot = await fetched(
        home, secrets=scene.SCENE.secrets, clock=clock, gateway=HttpGateway(upstream)
    )
    assert len(snapshot.windows) == 4
    assert all(window.resets_at for window in snapshot.windows)
    assert snapshot.balances
