"""OpenCode: scripts that are read and not run, subscriptions, balances, sessions, the Go plan."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.support import (
    NOON,
    FakeBrowsers,
    FetchFailed,
    fetch,
    make_context,
    payload,
    reply,
)
from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar
from tui.core.errors import ErrorKind, ParseError
from tui.core.models import (
    MONTH_MINUTES,
    SESSION_MINUTES,
    WEEK_MINUTES,
    ProviderKey,
    ProviderSnapshot,
)
from tui.core.redact import Secret
from tui.core.sessions import CookieJar
from tui.providers._context import FetchContext
from tui.providers._parse import json_object
from tui.providers.opencode import PROVIDER
from tui.providers.opencode.billing import find_billing, pay_as_you_go
from tui.providers.opencode.go import key_in_auth_file, parse_go
from tui.providers.opencode.script import read_values
from tui.providers.opencode.server import is_null
from tui.providers.opencode.usage import Usage, find_usage, subscription
from tui.providers.opencode.web import find_workspace

KEY = ProviderKey("opencode")
SERVER = "https://opencode.ai/_server"
GO = "https://opencode.ai/zen/go/v1/usage"
WORKSPACES = "def39973159c7f0483d8793a822b8dbb10d067e12c65455fcb4608459ba0234f"
SUBSCRIPTION = "7abeebee372f304e050aaaf92be863f4a86490e382f8c79db68fd94040d691b4"
BILLING = "c83b78a614689c38ebee981f9b39a8b377716db85c1fd7dbab604adc02d3313d"
WORKSPACE = "wrk_01KB2M4T7Q9ZC8X5V3N6P0RSTU"
SESSION = "Fe26.2**a1b2c3*d4e5_f6-g7*h8==~2"


def answer(name: str) -> str:
    return payload("opencode", name).decode()


def usage_in(text: str) -> Usage:
    found = find_usage(text, NOON)
    if found is None:
        raise ParseError("no windows")
    return found


def windows(body: bytes) -> ProviderSnapshot:
    return subscription(usage_in(body.decode(errors="replace")), key=KEY, now=NOON)


def money(body: bytes) -> ProviderSnapshot | None:
    billing = find_billing(body.decode(errors="replace"), NOON)
    return pay_as_you_go(billing, key=KEY, now=NOON) if billing is not None else None


def go(body: bytes) -> ProviderSnapshot:
    return parse_go(json_object(reply(body), "OpenCode"), key=KEY, now=NOON)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "workspaces*": lambda body: find_workspace(body.decode(errors="replace")),
    "billing_*": money,
    "*go*": go,
    "auth.json": lambda body: key_in_auth_file(body.decode(errors="replace")),
    "*": windows,
}


# -- scripts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("{a:!0,b:!1,c:void 0,d:null,e:undefined}", dict(a=True, b=False, c=None, d=None, e=None)),
        ("[1,-2.5,3e2,.5]", [1, -2.5, 300.0, 0.5]),
        (r"""{"a b":'it\'s',c:"\x41\u00e9\n"}""", {"a b": "it's", "c": "Aé\n"}),
        (
            '$R[1]={at:$R[2]=new Date("2026-09-14T09:00:00.000Z")}',
            {"at": "2026-09-14T09:00:00.000Z"},
        ),
        (
            "$R[0]={one:$R[1]={n:1},two:$R[1],none:$R[9]}",
            dict(one={"n": 1}, two={"n": 1}, none=None),
        ),
        (
            '$R[0]=Object.assign(new Error("say \\"no\\""),{stack:"x"})',
            {"message": 'say "no"', "stack": "x"},
        ),
        (
            "{a:()=>{return {b:1}},c:f(1)[2],d:x.y,e:[1,g=>g,2,]}",
            dict(a=None, c=None, d=None, e=[1, None, 2]),
        ),
        ('{"json":{"n":[true,false]}}', {"json": {"n": [True, False]}}),
    ],
)
def test_literals_are_read_and_expressions_passed_over(script: str, value: object) -> None:
    assert read_values(script) == [value]


def test_values_of_several_chunks_are_found() -> None:
    assert {"a": 1} in read_values(";0x00000010;$R[0]={a:1};0x00000012;$R[1]={b:$R[0]}")
    assert {"b": {"a": 1}} in read_values(";0x00000010;$R[0]={a:1};0x00000012;$R[1]={b:$R[0]}")


@pytest.mark.parametrize("text", ["[" * 90_000, "{a:" * 90_000, "[1," * 90_000, '{"' * 90_000, ""])
def test_hostile_answers_end_soon(text: str) -> None:
    assert isinstance(read_values(text), list)


# -- windows ---------------------------------------------------------------------------------------


def test_a_subscription_as_the_site_sends_it() -> None:
    snapshot = windows(payload("opencode", "subscription.txt"))
    session, weekly = snapshot.windows
    assert (session.id, session.label, session.used_percent) == ("session", "5-hour", 23.0)
    assert (weekly.id, weekly.label, weekly.used_percent) == ("weekly", "Weekly", 100.0)
    assert (session.window_minutes, weekly.window_minutes) == (SESSION_MINUTES, WEEK_MINUTES)
    assert session.resets_at == NOON + timedelta(seconds=7260)
    assert weekly.resets_at == NOON + timedelta(seconds=190800)
    assert snapshot.identity.plan == "OpenCode Black $100"
    assert snapshot.notice == ""


def test_overflow_renewal_and_the_first_percent() -> None:
    snapshot = windows(payload("opencode", "subscription_overflow.txt"))
    assert [w.used_percent for w in snapshot.windows] == [0.0, 1.0, None]
    renewal = snapshot.window("renewal")
    assert (renewal.label, renewal.headline) == ("Renews", False)
    assert renewal.resets_at == datetime(2026, 9, 30, tzinfo=UTC)
    assert snapshot.notice == "Overflow is charged to the balance."


def test_wrapped_json_with_counters_texts_and_a_renewal_around_it() -> None:
    usage = usage_in(answer("subscription_wrapped.json"))
    assert usage.weekly is not None
    assert (usage.rolling.percent, usage.weekly.percent) == (37.0, 30.0)
    assert usage.rolling.resets_at == NOON + timedelta(hours=2.5)
    assert usage.renews_at == datetime(2026, 10, 14, tzinfo=UTC)


def test_windows_without_known_names_are_told_by_their_reset() -> None:
    usage = usage_in(answer("subscription_unnamed.json"))
    assert usage.weekly is not None
    assert (usage.rolling.percent, usage.weekly.percent) == (12.0, 48.0)


def test_an_omitted_weekly_window_stays_absent() -> None:
    snapshot = windows(payload("opencode", "subscription_rolling_only.json"))
    assert [(w.id, w.used_percent) for w in snapshot.windows] == [("session", 25.0)]
    assert snapshot.window("session").resets_at == NOON


def test_odd_values_are_ignored() -> None:
    usage = usage_in(answer("subscription_odd_values.json"))
    assert usage.weekly is not None
    assert (usage.rolling.percent, usage.rolling.resets_at) == (41.5, None)
    assert (usage.weekly.percent, usage.weekly.resets_at) == (100.0, NOON)
    assert usage.plan == ""


def test_the_text_is_the_last_resort() -> None:
    usage = usage_in(answer("subscription_cut_off.txt"))
    assert usage.weekly is not None
    assert (usage.rolling.percent, usage.weekly.percent) == (23.0, 4.0)
    broken = "x rollingUsage:y={resetInSec:60,usagePercent:7} weeklyUsage:z={usagePercent:9,"
    usage = usage_in(broken)
    assert usage.weekly is not None
    assert (usage.rolling.percent, usage.weekly.percent) == (7.0, 9.0)
    assert usage.rolling.resets_at == NOON + timedelta(minutes=1)
    assert find_usage("weeklyUsage:$R[2]={usagePercent:9,resetInSec:60}", NOON) is None


@pytest.mark.parametrize(
    "fields",
    [
        '{"usagePercent": 1e309}',
        '{"usagePercent": 12.5.1}',
        '{"used": 1e308, "limit": 1e-308}',
        '{"used": 5, "limit": 0}',
    ],
)
def test_numbers_beyond_all_measure_are_no_percentage(fields: str) -> None:
    assert find_usage(f'{{"rollingUsage": {fields}}}', NOON) is None


def rolling(**fields: Any) -> Usage:
    return usage_in(json.dumps({"rollingUsage": fields}))


@pytest.mark.parametrize(
    ("fields", "percent"),
    [
        pytest.param({"usagePercent": 1}, 1.0, id="exactly one is one percent"),
        pytest.param({"usagePercent": 0.25}, 25.0, id="between zero and one is a ratio"),
        pytest.param({"usagePercent": "64"}, 64.0, id="a text"),
        pytest.param({"usagePercent": None, "utilization": 12}, 12.0, id="the first readable name"),
        pytest.param({"used": 1, "limit": 200}, 0.5, id="a computed percent is no ratio"),
        pytest.param({"consumed": 30, "quota": "60"}, 50.0, id="other names"),
        pytest.param({"usage": 40}, 40.0, id="usage alone is a percent"),
        pytest.param({"usage": 90, "limit": 300}, 30.0, id="usage of a limit"),
        pytest.param({"percent": 140}, 100.0, id="too much"),
        pytest.param({"percent": -3}, 0.0, id="too little"),
    ],
)
def test_percent_of_a_window(fields: dict[str, Any], percent: float) -> None:
    assert rolling(**fields).rolling.percent == percent


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"resetInSec": 90}, 90.0),
        ({"resets_in": 90, "resetSec": "30"}, 30.0),
        ({"resetInSec": -90}, 0.0),
        ({"resetInSec": 1e30}, 0.0),
        ({"resetAt": "2026-09-10T12:01:00.5Z"}, 60.5),
        ({"resets_at": NOON.timestamp() + 60}, 60.0),
        ({"next_reset": str(int(NOON.timestamp() + 60) * 1000)}, 60.0),
        ({"resetAt": "2026-09-10T11:00:00Z"}, 0.0),
        ({"renewAt": "2026-09-10T12:01:00Z"}, 60.0),
        ({"resetAt": 90}, None),
        ({"resetAt": "soon"}, None),
        ({}, None),
    ],
)
def test_reset_of_a_window(fields: dict[str, Any], seconds: float | None) -> None:
    expected = None if seconds is None else NOON + timedelta(seconds=seconds)
    assert rolling(usagePercent=5, **fields).rolling.resets_at == expected


@pytest.mark.parametrize(
    "data",
    [
        {"rolling_usage": {"percent": 7}, "weekly_window": {"percent": 8}},
        {"result": {"payload": {"rollingWindow": {"percent": 7}, "weekly": {"percent": 8}}}},
        {"a": {"b": {"c": {"rolling": {"percent": 7}, "weekly": {"percent": 8}}}}},
        {"x": {"myRollingLimit": {"percent": 7}}, "y": [{"perWeekLimit": {"percent": 8}}]},
        {
            "limits": {
                "5-hour": {"percent": 7, "resetInSec": 900},
                "long": {"percent": 8, "resetInSec": 800},
            }
        },
        {
            "limits": {
                "perWeek": {"percent": 8, "resetInSec": 5},
                "short": {"percent": 7, "resetInSec": 9},
            }
        },
        [{"percent": 7, "resetInSec": 60}, {"percent": 8, "resetInSec": 90}],
        [
            {"percent": 7, "resetInSec": 60},
            {"percent": 3, "resetInSec": 60},
            {"percent": 8, "resetInSec": 70},
        ],
    ],
)
def test_windows_are_found_under_many_names(data: object) -> None:
    usage = usage_in(json.dumps(data))
    assert usage.weekly is not None
    assert (usage.rolling.percent, usage.weekly.percent) == (7.0, 8.0)


def test_the_innermost_renewal_counts() -> None:
    inner = {"rolling": {"percent": 7}, "renew_at": "2026-10-01T00:00:00Z"}
    usage = usage_in(json.dumps({"renewAt": "2027-01-01T00:00:00Z", "data": inner}))
    assert usage.renews_at == datetime(2026, 10, 1, tzinfo=UTC)
    past = json.dumps({"rolling": {"percent": 7}, "renewAt": "2026-01-01T00:00:00Z"})
    assert usage_in(past).renews_at is None


# -- billing ---------------------------------------------------------------------------------------


def paid(name: str) -> ProviderSnapshot:
    snapshot = money(payload("opencode", name))
    assert snapshot is not None
    return snapshot


def test_money_spent_of_a_limit_and_a_balance() -> None:
    snapshot = paid("billing_limit.txt")
    monthly = snapshot.window("monthly")
    assert (monthly.label, monthly.used_percent, monthly.window_minutes) == (
        *("Monthly", 24.5, MONTH_MINUTES),
    )
    assert (monthly.used, monthly.limit, monthly.unit) == (Decimal("12.25"), Decimal(50), "USD")
    assert monthly.resets_text == "$12.25 / $50.00"
    assert monthly.resets_at == datetime(2026, 10, 1, tzinfo=UTC)
    assert [(b.id, b.amount) for b in snapshot.balances] == [("balance", Decimal("8.4"))]


def test_without_a_limit_there_is_no_window() -> None:
    snapshot = paid("billing_no_limit.json")
    spent, balance = snapshot.balances
    assert snapshot.windows == ()
    assert (spent.label, spent.used, spent.amount) == ("Spent this month", Decimal("3.1"), None)
    assert balance.amount == Decimal("-0.03")
    assert [row.value for row in snapshot.details] == ["$20.00 below $5.00"]


def test_a_number_of_last_month_counts_as_nothing_spent() -> None:
    spent, _ = paid("billing_last_month.txt").balances
    assert spent.used == Decimal(0)


def test_never_used_is_nothing_spent() -> None:
    assert paid("billing_never_used.json").window("monthly").used_percent == 0.0


def test_december_is_followed_by_january() -> None:
    now = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    billing = find_billing(answer("billing_never_used.json"), now)
    assert billing is not None
    snapshot = pay_as_you_go(billing, key=KEY, now=now)
    assert snapshot is not None
    assert snapshot.window("monthly").resets_at == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["billing_subscriber.txt", "billing_not_set_up.json"])
def test_subscribers_and_workspaces_without_billing_do_not_pay_as_they_go(name: str) -> None:
    assert money(payload("opencode", name)) is None


def test_billing_without_this_months_field_is_of_no_use() -> None:
    assert money(b'{"customerID":"cus_1","balance":100}') is None


# -- a played site ---------------------------------------------------------------------------------


def script(name: str) -> httpx.Response:
    return httpx.Response(
        200, content=payload("opencode", name), headers={"content-type": "text/javascript"}
    )


@dataclass
class Site:
    """The server functions: what each answers to GET and POST, and what was asked."""

    answers: dict[tuple[str, str], httpx.Response] = field(default_factory=dict)
    good: set[str] = field(default_factory=lambda: {f"auth={SESSION}"})
    refusal: httpx.Response = field(default_factory=lambda: httpx.Response(401))
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.headers.get("cookie") not in self.good:
            return self.refusal
        name = request.headers["x-server-id"]
        return self.answers.get((request.method, name), httpx.Response(500))

    def plays(self, *, get: dict[str, str], post: dict[str, str] | None = None) -> None:
        """Answers from stored ones, by function."""
        for method, names in (("GET", get), ("POST", post or {})):
            for function, name in names.items():
                self.answers[method, function] = script(name)

    @property
    def asked(self) -> list[str]:
        names = {WORKSPACES: "workspaces", SUBSCRIPTION: "subscription", BILLING: "billing"}
        return [f"{r.method} {names[r.headers['x-server-id']]}" for r in self.requests]


@pytest.fixture
def site() -> Iterator[Site]:
    played = Site()
    with respx.mock(assert_all_called=False) as router:
        router.route(url__startswith=SERVER).mock(side_effect=played)
        router.get("https://opencode.ai/auth").respond(404)
        yield played


async def pasted(home: Path, header: str = f"auth={SESSION}", **settings: Any) -> FetchContext:
    table = {"source": "web", "cookie_header": header, "extras": False, **settings}
    return await make_context(PROVIDER, home, settings=table)


async def failure(ctx: FetchContext) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, ctx)
    return caught.value


def words(failed: FetchFailed) -> str:
    return f"{failed.error.message} {failed.error.hint}"


SUBSCRIBED = {WORKSPACES: "workspaces.txt", SUBSCRIPTION: "subscription.txt"}


async def test_a_subscription_is_read_with_two_gets(site: Site, home: Path) -> None:
    site.plays(get=SUBSCRIBED)
    snapshot = await fetch(PROVIDER, await pasted(home))
    assert (snapshot.source_id, snapshot.origin) == ("web", "pasted")
    assert snapshot.window("session").used_percent == 23.0
    assert snapshot.identity.organization == "Login service"
    assert snapshot.dashboard_url == f"https://opencode.ai/workspace/{WORKSPACE}/billing"
    assert site.asked == ["GET workspaces", "GET subscription"]


async def test_addresses_and_headers_of_the_calls(site: Site, home: Path) -> None:
    site.plays(get=SUBSCRIBED)
    await fetch(PROVIDER, await pasted(home))
    first, second = site.requests
    assert str(first.url) == f"{SERVER}?id={WORKSPACES}"
    assert str(second.url) == f"{SERVER}?id={SUBSCRIPTION}&args=%5B%22{WORKSPACE}%22%5D"
    assert first.headers["referer"] == "https://opencode.ai"
    assert second.headers["referer"] == f"https://opencode.ai/workspace/{WORKSPACE}/billing"
    for request in site.requests:
        assert request.headers["origin"] == "https://opencode.ai"
        assert request.headers["accept"].startswith("text/javascript")
        assert request.headers["user-agent"].startswith("Mozilla/5.0")
        assert request.headers["cookie"] == f"auth={SESSION}"
        assert re.fullmatch(r"server-fn:[0-9a-f-]{36}", request.headers["x-server-instance"])
        assert "content-type" not in request.headers
    assert first.headers["x-server-instance"] != second.headers["x-server-instance"]


async def test_unusable_answers_are_asked_for_again_by_post(site: Site, home: Path) -> None:
    site.plays(get=dict.fromkeys(SUBSCRIBED, "bad_empty.json"), post=SUBSCRIBED)
    await fetch(PROVIDER, await pasted(home))
    assert site.asked == [
        *("GET workspaces", "POST workspaces", "GET subscription", "POST subscription"),
    ]
    workspaces, subscription = site.requests[1], site.requests[3]
    assert str(workspaces.url) == SERVER
    assert json.loads(workspaces.content) == []
    assert json.loads(subscription.content) == [WORKSPACE]
    assert subscription.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [404, 405])
async def test_a_server_that_only_takes_posts(site: Site, home: Path, status: int) -> None:
    site.plays(get={}, post=SUBSCRIBED)
    for function in SUBSCRIBED:
        site.answers["GET", function] = httpx.Response(status)
    assert (await fetch(PROVIDER, await pasted(home))).window("weekly").used_percent == 100.0


async def test_functions_can_be_replaced(site: Site, home: Path) -> None:
    site.plays(get={"new-1": "workspaces.json", "new-2": "subscription_wrapped.json"})
    settings = {"workspaces_function": "new-1", "subscription_function": "new-2"}
    snapshot = await fetch(PROVIDER, await pasted(home, **settings))
    assert snapshot.identity.organization == "Default"


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        (WORKSPACE, "GET subscription"),
        (f"https://opencode.ai/workspace/{WORKSPACE}/billing?x=1", "GET subscription"),
        (f"my workspace ({WORKSPACE})", "GET subscription"),
        ("team", "GET workspaces"),
    ],
)
async def test_a_chosen_workspace(site: Site, home: Path, value: str, asked: str) -> None:
    site.plays(get=SUBSCRIBED)
    await fetch(PROVIDER, await pasted(home, workspace_id=value))
    assert site.asked[0] == asked


@pytest.mark.parametrize("name", ["CODEXBAR_OPENCODE_WORKSPACE_ID", "OPENCODE_WORKSPACE_ID"])
async def test_a_workspace_from_the_environment(site: Site, home: Path, name: str) -> None:
    site.plays(get=SUBSCRIBED)
    settings = {"cookie_header": f"auth={SESSION}"}
    ctx = await make_context(PROVIDER, home, settings=settings, env={name: f"'{WORKSPACE}'"})
    await fetch(PROVIDER, ctx)
    assert "GET workspaces" not in site.asked


async def test_a_setting_without_a_workspace_does_not_hide_a_variable(
    site: Site, home: Path
) -> None:
    site.plays(get=SUBSCRIBED)
    settings = {"cookie_header": f"auth={SESSION}", "workspace_id": "my team"}
    env = {"OPENCODE_WORKSPACE_ID": WORKSPACE}
    await fetch(PROVIDER, await make_context(PROVIDER, home, settings=settings, env=env))
    assert "GET workspaces" not in site.asked


# -- billing instead of a subscription -------------------------------------------------------------


async def test_no_subscription_is_not_posted_and_the_billing_counts(site: Site, home: Path) -> None:
    site.plays(get={SUBSCRIPTION: "bad_null.txt", BILLING: "billing_limit.txt"})
    snapshot = await fetch(PROVIDER, await pasted(home, workspace_id=WORKSPACE))
    assert snapshot.window("monthly").used_percent == 24.5
    assert snapshot.identity.organization == WORKSPACE
    assert site.asked == ["GET subscription", "GET billing"]
    assert site.requests[1].headers["referer"] == f"https://opencode.ai/workspace/{WORKSPACE}"


@pytest.mark.parametrize("name", ["bad_empty.json", "bad_weekly_only.json"])
async def test_the_billing_also_counts_after_answers_without_windows(
    site: Site, home: Path, name: str
) -> None:
    answers = {SUBSCRIPTION: name}
    site.plays(get={**answers, BILLING: "billing_no_limit.json"}, post=answers)
    snapshot = await fetch(PROVIDER, await pasted(home, workspace_id=WORKSPACE))
    assert snapshot.balances[0].label == "Spent this month"


@pytest.mark.parametrize("name", ["billing_subscriber.txt", "billing_not_set_up.json", ""])
async def test_a_subscribers_failure_stays_a_failure(site: Site, home: Path, name: str) -> None:
    if name:
        site.plays(get={BILLING: name})
    failed = await failure(await pasted(home, workspace_id=WORKSPACE))
    assert failed.error.kind is ErrorKind.SERVER
    assert failed.error.message == "OpenCode API error: HTTP 500."


async def test_neither_subscription_nor_billing_names_the_workspace(site: Site, home: Path) -> None:
    site.plays(get={SUBSCRIPTION: "bad_null.txt", BILLING: "billing_not_set_up.json"})
    failed = await failure(await pasted(home, workspace_id=WORKSPACE))
    assert failed.error.kind is ErrorKind.UNSUPPORTED
    assert failed.error.message == f"Workspace {WORKSPACE} has no OpenCode subscription data."


async def test_a_signed_out_billing_is_no_failure_of_the_server(site: Site, home: Path) -> None:
    site.plays(get={SUBSCRIPTION: "bad_null.txt", BILLING: "bad_public_actor.txt"})
    failed = await failure(await pasted(home, workspace_id=WORKSPACE))
    assert failed.error.kind is ErrorKind.UNAUTHORIZED


@pytest.mark.parametrize(
    ("text", "null"),
    [
        (" NULL \n", True),
        ("null", True),
        (';0x1;((self.$R=self.$R||{})["server-fn:1"]=[],null)', True),
        ("{}", False),
        ('{"a":null}', False),
        ("", False),
    ],
)
def test_null_on_purpose(text: str, null: bool) -> None:
    assert is_null(text) == null


async def test_the_balance_is_added_to_a_subscription(site: Site, home: Path) -> None:
    site.plays(get={**SUBSCRIBED, BILLING: "billing_subscriber.txt"})
    snapshot = await fetch(PROVIDER, await pasted(home, extras=True))
    assert [w.id for w in snapshot.windows] == ["session", "weekly"]
    assert [b.amount for b in snapshot.balances] == [Decimal("8.4")]


async def test_a_failed_balance_is_not_seen(site: Site, home: Path) -> None:
    site.plays(get=SUBSCRIBED)
    snapshot = await fetch(PROVIDER, await pasted(home, extras=True))
    assert snapshot.balances == ()
    assert snapshot.window("session").used_percent == 23.0


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (httpx.Response(401), ErrorKind.UNAUTHORIZED, "invalid or expired. Log in again at open"),
        (httpx.Response(403), ErrorKind.UNAUTHORIZED, "invalid or expired"),
        (
            httpx.Response(302, headers={"location": "https://auth.example/authorize"}),
            ErrorKind.UNAUTHORIZED,
            "invalid or expired",
        ),
        (
            httpx.Response(302, headers={"location": "/auth"}),
            ErrorKind.UNAUTHORIZED,
            "invalid or expired",
        ),
        (
            httpx.Response(500, text='actor of type \\"public\\" is not associated with'),
            ErrorKind.UNAUTHORIZED,
            "invalid or expired",
        ),
        (httpx.Response(429, headers={"retry-after": "9"}), ErrorKind.RATE_LIMITED, "rate limit"),
        (
            httpx.Response(500, text="<title>Sorry</title><a href=/login>login</a>"),
            ErrorKind.SERVER,
            "HTTP 500: Sorry",
        ),
        (
            httpx.Response(500, json={"error": {"message": "it broke"}}),
            ErrorKind.SERVER,
            "OpenCode API error: HTTP 500: it broke",
        ),
        (
            httpx.Response(503, text="<HTML><TITLE>Down &amp; out</TITLE></HTML>"),
            ErrorKind.SERVER,
            "OpenCode API error: HTTP 503: Down & out",
        ),
        (httpx.Response(404), ErrorKind.SERVER, "may have changed its function ids"),
        (httpx.Response(200, content=b"\xff\xfe"), ErrorKind.PARSE, "no text"),
        (httpx.Response(200, content=b""), ErrorKind.PARSE, "No OpenCode workspace found. Set"),
        (httpx.Response(200, text="{}"), ErrorKind.PARSE, "Set workspace_id in the config (wrk_"),
    ],
)
async def test_refusals_of_the_site(
    site: Site, home: Path, answer: httpx.Response, kind: ErrorKind, said: str
) -> None:
    site.answers = dict.fromkeys((("GET", WORKSPACES), ("POST", WORKSPACES)), answer)
    failed = await failure(await pasted(home))
    assert failed.error.kind is kind
    assert said in words(failed)
    assert {request.url.host for request in site.requests} == {"opencode.ai"}


@pytest.mark.parametrize("name", ["bad_public_actor.txt", "bad_login_page.html"])
async def test_signed_out_answers_come_with_status_200(site: Site, home: Path, name: str) -> None:
    site.plays(get={WORKSPACES: name})
    failed = await failure(await pasted(home))
    assert failed.error.kind is ErrorKind.UNAUTHORIZED
    assert site.asked == ["GET workspaces"]


async def test_without_windows_and_billing_the_format_is_the_trouble(
    site: Site, home: Path
) -> None:
    site.plays(get={SUBSCRIPTION: "bad_empty.json"}, post={SUBSCRIPTION: "bad_empty.json"})
    failed = await failure(await pasted(home, workspace_id=WORKSPACE))
    assert failed.error.kind is ErrorKind.PARSE
    assert failed.error.message == "OpenCode answered without usage fields."


async def test_a_site_that_is_not_reached(home: Path) -> None:
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=httpx.ConnectError("no route"))
        failed = await failure(await pasted(home))
    assert failed.error.kind is ErrorKind.NETWORK
    assert failed.error.message.startswith("Could not reach OpenCode")


# -- sessions --------------------------------------------------------------------------------------


@dataclass
class Browsers(FakeBrowsers):
    """Remembers which browsers were asked for."""

    order: list[tuple[str, ...]] = field(default_factory=list)

    async def cookies(
        self, *, domains: Sequence[str] = (), browsers: Sequence[str] = ()
    ) -> AsyncIterator[CookieJar]:
        self.order.append(tuple(browsers))
        async for jar in super().cookies(domains=domains, browsers=browsers):
            yield jar


def browser_jar(label: str = "Chrome: Default", **values: str) -> Jar:
    cookies = (
        Cookie(name=name.replace("host_", "__Host-"), value=value, domain="opencode.ai")
        for name, value in values.items()
    )
    return Jar(cookies, label)


async def automatic(home: Path, *jars: Jar, **options: Any) -> FetchContext:
    settings = {"source": "web", "extras": False, **options.pop("settings", {})}
    browsers = Browsers(jars=jars)
    return await make_context(PROVIDER, home, settings=settings, browsers=browsers, **options)


async def kept(ctx: FetchContext) -> str:
    found = await ctx.sessions.get("header")
    return found.value.reveal() if found is not None else ""


async def test_only_the_two_session_cookies_are_kept_sent_and_remembered(
    site: Site, home: Path
) -> None:
    site.plays(get=SUBSCRIBED)
    site.good = {f"auth={SESSION}; __Host-auth=other=="}
    jar = browser_jar(auth=SESSION, theme="dark", host_auth="other==", _ga="GA1")
    ctx = await automatic(home, jar)
    assert (await fetch(PROVIDER, ctx)).origin == "Chrome: Default"
    assert await kept(ctx) == f"auth={SESSION}; __Host-auth=other=="


async def test_a_paste_is_filtered_byte_for_byte(site: Site, home: Path) -> None:
    site.plays(get=SUBSCRIBED)
    curl = f"curl 'https://opencode.ai/x' -H 'Cookie: theme=dark; auth={SESSION}; _ga=1'"
    await fetch(PROVIDER, await pasted(home, curl))
    await fetch(PROVIDER, await pasted(home, SESSION))
    assert {request.headers["cookie"] for request in site.requests} == {f"auth={SESSION}"}


@pytest.mark.parametrize("text", ["theme=dark; _ga=1", "auth=; __Host-auth="])
@pytest.mark.parametrize("source", ["web", "auto"])
async def test_a_paste_without_the_session_asks_nobody(
    site: Site, home: Path, source: str, text: str
) -> None:
    ctx = await pasted(home, text, source=source)
    await ctx.sessions.put("header", Secret(f"auth={SESSION}"))
    failed = await failure(ctx)
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert words(failed) == (
        "That header has no OpenCode `auth` cookie. "
        "Copy the Cookie request header of the billing page."
    )
    assert site.requests == []


@pytest.mark.parametrize(
    ("source", "step"),
    [
        ("manual", "Log in at opencode.ai in Chrome, or paste a Cookie header."),
        ("off", "Cookies are off: choose in the settings where they come from."),
    ],
)
async def test_manual_without_a_paste_and_off_look_nowhere(
    site: Site, home: Path, source: str, step: str
) -> None:
    ctx = await automatic(home, browser_jar(auth=SESSION), settings={"cookie_source": source})
    failed = await failure(ctx)
    assert words(failed) == f"No OpenCode session found. {step}"
    assert site.requests == []


@pytest.mark.parametrize(
    ("system", "order"),
    [("linux", ("chrome", "chromium")), ("macos", ("chrome", "dia"))],
)
async def test_few_browsers_are_asked(site: Site, home: Path, system: Any, order: Any) -> None:
    ctx = await automatic(home, browser_jar(theme="dark"), os_name=system)
    failed = await failure(ctx)
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert isinstance(ctx.browsers, Browsers)
    assert ctx.browsers.order == [order]
    assert site.requests == []


async def test_a_remembered_session_leaves_the_browsers_alone(site: Site, home: Path) -> None:
    site.plays(get=SUBSCRIBED)
    ctx = await automatic(home, browser_jar(auth="other"))
    await ctx.sessions.put("header", Secret(f"auth={SESSION}"), "Dia: Default")
    assert (await fetch(PROVIDER, ctx)).origin == "Dia: Default"
    assert isinstance(ctx.browsers, Browsers)
    assert ctx.browsers.order == []


@pytest.mark.parametrize("refusal", [httpx.Response(401), httpx.Response(200, text="please login")])
async def test_a_refused_session_is_forgotten_and_read_again_once(
    site: Site, home: Path, refusal: httpx.Response
) -> None:
    site.plays(get=SUBSCRIBED)
    site.refusal = refusal
    ctx = await automatic(home, browser_jar("Chrome: old", auth="x"), browser_jar(auth=SESSION))
    await ctx.sessions.put("header", Secret("auth=stale"), "Chrome: Default")
    assert (await fetch(PROVIDER, ctx)).origin == "Chrome: Default"
    sent = [request.headers["cookie"] for request in site.requests]
    assert sent == ["auth=stale", "auth=x", f"auth={SESSION}", f"auth={SESSION}"]
    assert await kept(ctx) == f"auth={SESSION}"


async def test_a_session_is_replaced_only_by_one_that_worked(site: Site, home: Path) -> None:
    site.refusal = httpx.Response(500)
    ctx = await automatic(home, browser_jar(auth=SESSION))
    await ctx.sessions.put("header", Secret("auth=old"), "Chrome: Default")
    assert (await failure(ctx)).error.kind is ErrorKind.SERVER
    assert await kept(ctx) == "auth=old"
    assert len(site.requests) == 1


async def test_a_refusal_is_reported_when_no_browser_helps(site: Site, home: Path) -> None:
    ctx = await automatic(home)
    await ctx.sessions.put("header", Secret("auth=stale"), "Chrome: Default")
    assert (await failure(ctx)).error.kind is ErrorKind.UNAUTHORIZED
    assert await kept(ctx) == ""


# -- Go --------------------------------------------------------------------------------------------


async def by_key(home: Path, **options: Any) -> FetchContext:
    options.setdefault("env", {"OPENCODE_API_KEY": "'go-key-0123456789'"})
    settings = {"source": "api", "extras": False, **options.pop("settings", {})}
    return await make_context(PROVIDER, home, settings=settings, **options)


async def test_the_go_plan_has_three_windows(home: Path) -> None:
    with respx.mock as router:
        route = router.get(GO).respond(content=payload("opencode", "go.json"))
        snapshot = await fetch(PROVIDER, await by_key(home))
    assert (snapshot.source_id, snapshot.origin) == ("api", "from OPENCODE_API_KEY")
    assert [(w.label, w.used_percent, w.window_minutes) for w in snapshot.windows] == [
        ("5-hour", 1.0, SESSION_MINUTES),
        ("Weekly", 34.0, WEEK_MINUTES),
        ("Monthly", 100.0, MONTH_MINUTES),
    ]
    assert snapshot.window("session").resets_at == NOON + timedelta(minutes=41)
    assert snapshot.identity.plan == "OpenCode Go"
    request = route.calls.last.request
    assert request.headers["authorization"] == "Bearer go-key-0123456789"
    assert request.headers["user-agent"].startswith("quotadeck/")
    assert "cookie" not in request.headers


@pytest.mark.parametrize(
    ("status", "error_type", "kind", "said"),
    [
        (401, "AuthError", ErrorKind.UNAUTHORIZED, "OpenCode rejected the key."),
        (403, "AuthError", ErrorKind.UNAUTHORIZED, "OpenCode rejected the key."),
        (403, "EntitlementError", ErrorKind.UNSUPPORTED, "there is no OpenCode Go subscription"),
        (500, "x", ErrorKind.SERVER, "unavailable"),
    ],
)
async def test_a_bad_key_and_a_missing_plan_differ(
    home: Path, status: int, error_type: str, kind: ErrorKind, said: str
) -> None:
    error = {"type": "error", "error": {"type": error_type, "message": "no"}}
    with respx.mock as router:
        router.get(GO).respond(status, json=error)
        failed = await failure(await by_key(home))
    assert failed.error.kind is kind
    assert said in failed.error.message


async def test_the_key_of_opencode_itself(home: Path) -> None:
    file = home / ".local/share/opencode/auth.json"
    file.parent.mkdir(parents=True)
    assert PROVIDER.detect is not None
    ctx = await by_key(home, env={})
    assert await PROVIDER.detect(ctx) == ""
    file.write_bytes(payload("opencode", "auth.json"))
    assert await PROVIDER.detect(ctx) == "Go key from opencode's auth.json"
    with respx.mock as router:
        router.get(GO).respond(content=payload("opencode", "go.json"))
        assert (await fetch(PROVIDER, ctx)).origin == "from opencode's auth.json"
    work = await by_key(home, env={}, account="work")
    assert (await failure(work)).error.kind is ErrorKind.MISSING_CREDENTIALS


async def test_api_mode_without_a_key_says_how_to_get_one(home: Path) -> None:
    failed = await failure(await by_key(home, env={}))
    assert words(failed) == (
        "No key of OpenCode Go found. Set OPENCODE_API_KEY, or add api_key in settings."
    )


@pytest.mark.parametrize("session", ["", "auth=stale"])
async def test_without_a_session_or_with_a_refused_one_the_key_counts(
    home: Path, session: str
) -> None:
    ctx = await by_key(home, settings={"source": "auto"})
    if session:
        await ctx.sessions.put("header", Secret(session))
    with respx.mock(assert_all_called=False) as router:
        router.get(GO).respond(content=payload("opencode", "go.json"))
        router.route(url__startswith=SERVER).respond(401)
        assert (await fetch(PROVIDER, ctx)).source_id == "api"


async def test_trouble_of_the_site_does_not_lead_to_the_key(site: Site, home: Path) -> None:
    site.refusal = httpx.Response(500)
    ctx = await by_key(home, settings={"source": "auto"})
    await ctx.sessions.put("header", Secret("auth=old"))
    assert (await failure(ctx)).error.kind is ErrorKind.SERVER


# -- history of the Go plan ------------------------------------------------------------------------


def database(home: Path, *, with_parts: bool) -> None:
    folder = home / ".local/share/opencode"
    folder.mkdir(parents=True)
    connection = sqlite3.connect(folder / "opencode.db")
    connection.execute("CREATE TABLE message (id TEXT, time_created INTEGER, data TEXT)")
    for id, age_days, provider, cost in (
        ("a", 0, "opencode-go", 0.5),
        ("b", 0, "opencode-go", 0.25),
        ("c", 2, "opencode-go", 1.5),
        ("d", 0, "anthropic", 9.0),
        ("e", 40, "opencode-go", 9.0),
    ):
        data = {"role": "assistant", "providerID": provider, "cost": cost}
        created_ms = int(NOON.timestamp() * 1000) - age_days * 86_400_000
        row = (id, created_ms, json.dumps(data))
        connection.execute("INSERT INTO message VALUES (?, ?, ?)", row)
    connection.execute("INSERT INTO message VALUES ('f', ?, '{')", (NOON.timestamp() * 1000,))
    if with_parts:
        connection.execute("CREATE TABLE part (message_id TEXT, data TEXT)")
        step = json.dumps({"type": "step-finish", "cost": 0.5})
        connection.executemany("INSERT INTO part VALUES ('b', ?)", [(step,), (step,), ("{}",)])
    connection.commit()
    connection.close()


@pytest.mark.parametrize(("with_parts", "today"), [(False, 0.75), (True, 1.5)])
async def test_spending_per_day_comes_from_the_database_of_opencode(
    home: Path, with_parts: bool, today: float
) -> None:
    database(home, with_parts=with_parts)
    with respx.mock as router:
        router.get(GO).respond(content=payload("opencode", "go.json"))
        snapshot = await fetch(PROVIDER, await by_key(home, settings={"extras": True}))
    (series,) = snapshot.series
    values = [point.value for point in series.points]
    assert (len(values), values[-1], values[-3], sum(values)) == (14, today, 1.5, today + 1.5)
