"""Droid: two generations of accounts, keys, logins of a program and of browsers, minted tokens."""

from __future__ import annotations

import asyncio
import json
import os
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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
    settle,
)
from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar
from tui.auth.file_store import FileStore
from tui.auth.session_store import SessionStore
from tui.contexts import AccountSessions
from tui.core.errors import ErrorKind, Unsupported
from tui.core.models import SESSION_MINUTES, WEEK_MINUTES, ProviderKey, ProviderSnapshot
from tui.core.redact import Secret
from tui.core.sessions import CookieJar, LocalStorage
from tui.providers._context import FetchContext
from tui.providers._parse import json_object
from tui.providers.factory import PROVIDER
from tui.providers.factory.api_key import key_in_env_file
from tui.providers.factory.history import parse_session
from tui.providers.factory.kept import CODEXBAR_FILE, parse_codexbar
from tui.providers.factory.login import bearer_of
from tui.providers.factory.parse import allowance_percent, parse_identity, parse_limits, parse_usage
from tui.providers.factory.web import pasted_bearer
from tui.values import ProviderValues

KEY = ProviderKey("factory")
APP, AUTH, API = (f"https://{name}.factory.ai" for name in ("app", "auth", "api"))
ME = "/api/app/auth/me"
LIMITS = f"{API}/api/billing/limits"
USAGE = "/api/organization/subscription/usage"
WORKOS = "https://api.workos.com/user_management/authenticate"
FIRST_CLIENT = "client_01HXRMBQ9BJ3E7QSTQ9X2PHVB7"
SECOND_CLIENT = "client_01HNM792M5G5G1A2THWPXKFMXB"
API_KEY = "fk-0123456789abcdef"
NO_EXTRAS = {"extras": False}


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "Factory")


def limits(body: bytes) -> ProviderSnapshot:
    return parse_limits(decoded(body), {}, key=KEY, now=NOON)


def usage(body: bytes) -> ProviderSnapshot:
    return parse_usage(decoded(body), {}, key=KEY, now=NOON)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "me_*": lambda body: parse_identity(decoded(body)),
    "codexbar_*": lambda body: parse_codexbar(body.decode(errors="replace")),
    "session_*": lambda body: parse_session(body.decode(errors="replace"), NOON.date()),
    "*limits*": limits,
    "*": usage,
}


def jwt(expires_in_s: float = 3600, **claims: str) -> str:
    """A token as the service signs them; who signed is not looked at."""
    parts = ({"alg": "none"}, {"exp": (NOON.timestamp() + expires_in_s), **claims})
    return (
        ".".join(
            urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
        )
        + ".c2lnbmF0dXJl"
    )


# -- current generation ----------------------------------------------------------------------------


def current(name: str) -> ProviderSnapshot:
    return limits(payload("factory", name))


def test_three_rolling_pools_and_a_balance() -> None:
    snapshot = current("limits_complete.json")
    rows = [(w.id, w.label, w.used_percent, w.window_minutes) for w in snapshot.windows[:3]]
    assert rows == [
        ("session", "5-hour", 18.0, SESSION_MINUTES),
        ("weekly", "Weekly", 41.5, WEEK_MINUTES),
        ("monthly", "Monthly", 63.0, None),
    ]
    assert snapshot.window("session").resets_at == NOON + timedelta(seconds=4800)
    assert [(b.label, b.amount, b.limit) for b in snapshot.balances] == [
        ("Extra usage balance", Decimal("18.4"), None)
    ]
    assert snapshot.identity.plan == "Fallback: droidCore"


def test_an_idle_core_pool_is_hidden_and_a_used_one_shown_whole() -> None:
    assert len(current("limits_complete.json").windows) == 3
    core = current("limits_without_flag.json").windows[3:]
    assert [(w.label, w.used_percent, w.headline) for w in core] == [
        ("Core 5h", 0.0, False),
        ("Core 7-day", 0.0, False),
        ("Core Monthly", 0.0, False),
    ]


def test_a_core_pool_that_runs_is_shown() -> None:
    data = decoded(payload("factory", "limits_complete.json"))
    data["limits"]["core"]["weekly"]["secondsRemaining"] = 60
    core = parse_limits(data, {}, key=KEY, now=NOON).window("core.weekly")
    assert (core.used_percent, core.window_minutes) == (0.0, WEEK_MINUTES)
    assert core.resets_at == NOON + timedelta(minutes=1)


def test_windows_that_are_over_are_empty_although_the_number_stays() -> None:
    snapshot = current("limits_frozen.json")
    assert [w.used_percent for w in snapshot.windows] == [0.0, 0.0, 0.0]
    assert [w.resets_at for w in snapshot.windows] == [None, None, None]


def test_a_window_that_says_nothing_about_its_end_keeps_its_percent() -> None:
    monthly = current("limits_without_flag.json").window("monthly")
    assert (monthly.used_percent, monthly.resets_at) == (71.0, None)


@pytest.mark.parametrize(
    ("end", "percent"),
    [
        ({"windowEnd": None, "secondsRemaining": None}, 0.0),
        ({"windowEnd": "2026-01-01T00:00:00Z", "secondsRemaining": None}, 0.0),
        ({"secondsRemaining": 0}, 0.0),
        ({"windowEnd": "9999-12-31T00:00:00Z"}, 40.0),
        ({"windowEnd": "soon"}, 40.0),
        ({"secondsRemaining": 1e300}, 40.0),
        ({"secondsRemaining": "soon"}, 40.0),
    ],
)
def test_only_a_window_that_is_over_is_empty(end: dict[str, object], percent: float) -> None:
    data = {"limits": {"standard": {"weekly": {"usedPercent": 40, **end}}}}
    weekly = parse_limits(data, {}, key=KEY, now=NOON).window("weekly")
    assert (weekly.used_percent, weekly.resets_at) == (percent, None)


def test_numbers_and_moments_as_texts() -> None:
    snapshot = current("limits_without_flag.json")
    assert snapshot.window("session").used_percent == 12.0
    assert snapshot.window("session").resets_at == NOON + timedelta(hours=2)
    assert snapshot.window("weekly").resets_at == NOON + timedelta(days=5)


def test_a_fresh_account_has_idle_windows_and_no_balance() -> None:
    snapshot = current("limits_fresh_account.json")
    assert [w.used_percent for w in snapshot.windows] == [0.0, 0.0, 0.4]
    assert snapshot.balances == ()


def test_an_empty_balance_is_shown_where_extra_usage_is_allowed() -> None:
    assert [b.amount for b in current("limits_frozen.json").balances] == [Decimal(0)]


def test_windows_without_a_percent_are_left_out() -> None:
    assert [w.id for w in current("limits_odd_values.json").windows] == ["weekly"]


# -- legacy generation -----------------------------------------------------------------------------


def legacy(name: str) -> ProviderSnapshot:
    return usage(payload("factory", name))


def test_standard_and_premium_tokens_of_the_billing_period() -> None:
    snapshot = legacy("usage_complete.json")
    standard, premium = snapshot.windows
    assert (standard.label, standard.used_percent) == ("Standard", 42.0)
    assert (premium.label, premium.used_percent) == ("Premium", 7.5)
    assert (standard.used, standard.limit) == (Decimal(8_400_000), Decimal(20_000_000))
    assert standard.resets_text == "8.4M/20M tokens"
    assert standard.resets_at == premium.resets_at == datetime(2026, 10, 1, tzinfo=UTC)
    assert standard.window_minutes is None


def test_a_missing_premium_object_is_left_out() -> None:
    assert [w.id for w in legacy("usage_ratio_stuck.json").windows] == ["standard"]


def test_unlimited_tokens_say_so_and_show_their_use() -> None:
    standard, premium = legacy("usage_unlimited.json").windows
    assert standard.unlimited
    assert (standard.used_percent, standard.limit) == (42.0, None)
    assert premium.used_percent == 0.0
    assert standard.resets_at == datetime(2026, 10, 1, tzinfo=UTC)


def test_without_any_number_the_percent_is_unknown() -> None:
    standard, premium = legacy("usage_no_numbers.json").windows
    assert (standard.used_percent, standard.used, standard.resets_at) == (None, None, None)
    assert premium.used_percent == 25.0


@pytest.mark.parametrize(
    ("used", "allowance", "ratio", "percent"),
    [
        pytest.param(5, 100, 0.42, 42.0, id="the ratio wins over the counters"),
        pytest.param(5, 100, 1.0005, 100.0, id="a ratio slightly above one"),
        pytest.param(5, 100, -0.0004, 0.0, id="a ratio slightly below zero"),
        pytest.param(25, 100, 0, 25.0, id="a ratio of zero in spite of usage"),
        pytest.param(0, 100, 0, 0.0, id="a ratio of zero without usage"),
        pytest.param(25, 0, 0, 0.0, id="a ratio of zero without an allowance"),
        pytest.param(25, 0, 37.5, 37.5, id="a percentage where there is no allowance"),
        pytest.param(25, None, 100.1, 100.0, id="a percentage slightly too large"),
        pytest.param(25, 100, 37.5, 25.0, id="no percentage where there is an allowance"),
        pytest.param(25, 100, 1.5, 25.0, id="nonsense above"),
        pytest.param(25, 100, -0.5, 25.0, id="nonsense below"),
        pytest.param(25, 0, 400.0, 0.0, id="nonsense without an allowance"),
        pytest.param(150, 100, None, 100.0, id="more than allowed"),
        pytest.param(50_000_000, 10**13, None, 50.0, id="unlimited"),
        pytest.param(None, 100, None, 0.0, id="no tokens mean none"),
        pytest.param(None, None, None, None, id="nothing at all"),
        pytest.param(Decimal("2.5"), 10, None, 25.0, id="a fraction of a token"),
    ],
)
def test_percent_of_a_billing_period(
    used: Decimal | int | None,
    allowance: int | None,
    ratio: float | None,
    percent: float | None,
) -> None:
    assert allowance_percent(used, allowance, ratio) == percent


# -- plan and account ------------------------------------------------------------------------------


def test_plan_organization_and_account() -> None:
    identity = parse_identity(decoded(payload("factory", "me_complete.json")), overage="droidCore")
    assert identity.plan == "Factory Team - Team - Fallback: droidCore"
    assert (identity.account, identity.organization) == ("mira@example.com", "Northwind")


def test_a_plan_name_that_holds_the_brand_stands_alone() -> None:
    profile = decoded(payload("factory", "me_plan_as_text.json"))
    assert parse_identity(profile).plan == "Factory Max Plan"
    profile["organization"]["subscription"]["factoryTier"] = "max"
    assert parse_identity(profile).plan == "Factory Max"


def test_the_token_names_the_account_when_the_profile_does_not() -> None:
    bearer = Secret(jwt(email="jo@example.com"))
    assert parse_identity({}, bearer=bearer).account == "jo@example.com"
    assert parse_identity({}).plan == ""


# -- a played service ------------------------------------------------------------------------------

Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class Service:
    """Factory and WorkOS: accepts what it is told to, and remembers what it was asked."""

    good_bearers: set[str] = field(default_factory=set)
    good_cookies: set[str] = field(default_factory=set)
    """Whole `name=value` pairs that are a login by themselves."""
    me: httpx.Response | None = None
    limits: httpx.Response = field(default_factory=lambda: httpx.Response(404))
    usage: httpx.Response | None = None
    refused: httpx.Response = field(default_factory=lambda: httpx.Response(401, json={}))
    tokens: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """What WorkOS gives, by client and refresh token or Cookie header."""
    requests: list[httpx.Request] = field(default_factory=list)
    watch: Callable[[httpx.Request], None] = lambda request: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.watch(request)
        if request.url.host == "api.workos.com":
            return self.mint(request)
        if not self.knows(request):
            return self.refused
        if request.url.path == ME:
            return self.me or httpx.Response(200, content=payload("factory", "me_complete.json"))
        if str(request.url) == LIMITS:
            return self.limits
        return self.usage or httpx.Response(200, content=payload("factory", "usage_complete.json"))

    def knows(self, request: httpx.Request) -> bool:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        pairs = request.headers.get("cookie", "").split("; ")
        if bearer:
            return bearer in self.good_bearers
        return bool(self.good_cookies & set(pairs))

    def mint(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        secret = body.get("refresh_token") or request.headers.get("cookie", "")
        found = self.tokens.pop((body["client_id"], secret), None)
        if found is None:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.good_bearers.add(found.get("access_token", ""))
        return httpx.Response(200, json=found)

    @property
    def asked(self) -> list[str]:
        """Host and path of every request."""
        return [f"{r.method} {r.url.host.split('.')[0]}{r.url.path}" for r in self.requests]

    @property
    def minted(self) -> list[dict[str, Any]]:
        """Bodies of every request to WorkOS."""
        return [json.loads(r.content) for r in self.requests if r.url.host == "api.workos.com"]


@pytest.fixture
def service() -> Iterator[Service]:
    played = Service()
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=played)
        yield played


def current_limits() -> httpx.Response:
    return httpx.Response(200, content=payload("factory", "limits_complete.json"))


async def failure(ctx: FetchContext) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, ctx)
    return caught.value


def words(failed: FetchFailed) -> str:
    return f"{failed.error.message} {failed.error.hint}"


# -- API key ---------------------------------------------------------------------------------------


async def by_key(home: Path, mode: str = "api", **options: Any) -> FetchContext:
    options.setdefault("env", {"FACTORY_API_KEY": API_KEY})
    settings = {"source": mode, **NO_EXTRAS, **options.pop("settings", {})}
    return await make_context(PROVIDER, home, settings=settings, **options)


async def test_a_key_gives_the_current_limits_without_asking_for_usage(
    service: Service, home: Path
) -> None:
    service.good_bearers = {API_KEY}
    service.limits = current_limits()
    ctx = await by_key(home, settings={"extras": True})
    snapshot = await fetch(PROVIDER, ctx)
    assert (snapshot.source_id, snapshot.origin) == ("api", "from FACTORY_API_KEY")
    assert snapshot.window("session").used_percent == 18.0
    assert snapshot.identity.plan == "Factory Team - Team - Fallback: droidCore"
    assert service.asked == [f"GET api{ME}", "GET api/api/billing/limits"]


async def test_headers_of_every_request(service: Service, home: Path) -> None:
    service.good_bearers = {API_KEY}
    await fetch(PROVIDER, await by_key(home))
    for request in service.requests:
        assert request.headers["authorization"] == f"Bearer {API_KEY}"
        assert request.headers["origin"] == APP
        assert request.headers["referer"] == f"{APP}/"
        assert request.headers["x-factory-client"] == "web-app"
        assert request.headers["accept"] == request.headers["content-type"] == "application/json"
        assert "cookie" not in request.headers


async def test_the_balance_is_left_out_when_optional_details_are_off(
    service: Service, home: Path
) -> None:
    service.good_bearers = {API_KEY}
    service.limits = current_limits()
    assert (await fetch(PROVIDER, await by_key(home))).balances == ()


@pytest.mark.parametrize(
    "profile",
    [
        httpx.Response(404),
        httpx.Response(409),
        httpx.Response(200, html="<html>Sign in</html>"),
        httpx.Response(302, headers={"location": "https://auth.factory.ai/login"}),
    ],
)
async def test_limits_of_a_key_are_shown_without_a_profile(
    service: Service, home: Path, profile: httpx.Response
) -> None:
    service.good_bearers = {API_KEY}
    service.me = profile
    service.limits = current_limits()
    snapshot = await fetch(PROVIDER, await by_key(home))
    assert snapshot.window("weekly").used_percent == 41.5
    assert snapshot.identity.plan == "Fallback: droidCore"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_rejected_key_says_so_although_a_later_host_answers_404(
    service: Service, home: Path, status: int
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status if request.url.host == "api.factory.ai" else 404)

    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=answer)
        failed = await failure(await by_key(home))
    assert failed.error.kind is ErrorKind.UNAUTHORIZED
    assert words(failed) == (
        "Factory rejected the API key. Create a new one at app.factory.ai/settings/api-keys."
    )


async def test_api_mode_without_a_key_asks_nobody(service: Service, home: Path) -> None:
    jar = browser_jar({"session": "abc.def"})
    failed = await failure(await by_key(home, env={}, browsers=Browsers(jars=[jar])))
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert words(failed) == (
        "Droid API key missing. Set FACTORY_API_KEY, put it in ~/.factory/.env, or add api_key to "
        "the config (create one at app.factory.ai/settings/api-keys)."
    )
    assert service.requests == []


@pytest.mark.parametrize("mode", ["auto", "cli"])
async def test_a_failed_key_goes_on_to_the_browser(service: Service, home: Path, mode: str) -> None:
    service.good_cookies = {"session=abc"}
    service.refused = httpx.Response(500)
    ctx = await by_key(home, mode, browsers=Browsers(jars=[browser_jar({"session": "abc"})]))
    snapshot = await fetch(PROVIDER, ctx)
    assert (snapshot.source_id, snapshot.origin) == ("web", "Chromium: Default")


async def test_a_chosen_key_never_shows_data_of_the_browser(service: Service, home: Path) -> None:
    service.good_cookies = {"session=abc"}
    browsers = Browsers(jars=[browser_jar({"session": "abc"})])
    failed = await failure(await by_key(home, browsers=browsers))
    assert failed.error.kind is ErrorKind.UNAUTHORIZED
    assert browsers.opened == []


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("FACTORY_API_KEY=fk-1\n", "fk-1"),
        ("# FACTORY_API_KEY=fk-0\n\n export FACTORY_API_KEY = ' fk-2 '\n", "fk-2"),
        ('OTHER=1\nFACTORY_API_KEY="fk=3="\nFACTORY_API_KEY=fk-4', "fk=3="),
        ('FACTORY_API_KEY="', ""),
        ("FACTORY_API_KEY=\nFACTORY_API_KEY=fk-5", ""),
        ("MY_FACTORY_API_KEY=fk-6\nFACTORY_API_KEY\n", ""),
    ],
)
def test_the_env_file_of_the_cli(content: str, key: str) -> None:
    assert key_in_env_file(content) == key


async def test_the_key_of_the_env_file_comes_last(service: Service, home: Path) -> None:
    write(home / ".factory" / ".env", f"FACTORY_API_KEY={API_KEY}-file")
    service.good_bearers = {API_KEY, f"{API_KEY}-file", f"{API_KEY}-config"}
    ctx = await by_key(home, env={})
    assert (await fetch(PROVIDER, ctx)).origin == "from ~/.factory/.env"
    assert (await fetch(PROVIDER, await by_key(home))).origin == "from FACTORY_API_KEY"
    ctx = await by_key(home, settings={"api_key": f"{API_KEY}-config"})
    assert (await fetch(PROVIDER, ctx)).origin == "config.toml"


async def test_a_chosen_account_has_no_part_in_files_of_the_cli(
    service: Service, home: Path
) -> None:
    write(home / ".factory" / ".env", f"FACTORY_API_KEY={API_KEY}")
    write(home / ".factory" / "auth.json", json.dumps({"access_token": jwt()}))
    failed = await failure(await by_key(home, "auto", account="work"))
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert service.requests == []


async def test_a_key_and_a_login_in_files_are_detected(home: Path) -> None:
    assert PROVIDER.detect is not None
    ctx = await make_context(PROVIDER, home)
    assert await PROVIDER.detect(ctx) == ""
    write(home / "Library/Application Support/CodexBar/factory-session.json", "{}")
    assert await PROVIDER.detect(ctx) == "login of CodexBar"
    write(home / ".factory" / "auth.json", "{}")
    assert await PROVIDER.detect(ctx) == "login of the Droid CLI in auth.json"
    write(home / ".factory" / ".env", f"FACTORY_API_KEY={API_KEY}")
    assert await PROVIDER.detect(ctx) == "API key from ~/.factory/.env"


# -- requests and refusals -------------------------------------------------------------------------


async def test_usage_is_asked_for_the_user_of_the_profile(service: Service, home: Path) -> None:
    service.good_bearers = {API_KEY}
    await fetch(PROVIDER, await by_key(home))
    assert service.requests[-1].url.query == b"useCache=true&userId=user_51"


async def test_usage_is_asked_for_the_subject_of_the_token_when_the_profile_has_no_user(
    service: Service, home: Path
) -> None:
    token = jwt(sub="user_99")
    service.good_bearers = {token}
    service.me = httpx.Response(200, content=payload("factory", "me_without_user.json"))
    await fetch(PROVIDER, await pasted(home, f"Bearer {token}"))
    assert service.requests[-1].url.params["userId"] == "user_99"


@pytest.mark.parametrize(
    "first", [httpx.Response(404), httpx.Response(405), httpx.Response(400, text="bad Method")]
)
async def test_usage_is_posted_where_get_is_unknown(home: Path, first: httpx.Response) -> None:
    with respx.mock(assert_all_called=False) as router:
        router.get(API + ME).respond(content=payload("factory", "me_complete.json"))
        router.get(LIMITS).respond(500)
        router.get(url__startswith=API + USAGE).mock(return_value=first)
        post = router.post(API + USAGE)
        post.respond(content=payload("factory", "usage_complete.json"))
        snapshot = await fetch(PROVIDER, await by_key(home))
    assert snapshot.window("premium").used_percent == 7.5
    assert json.loads(post.calls.last.request.content) == {"useCache": True, "userId": "user_51"}
    assert post.calls.last.request.url.query == b""


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text="{"),
        httpx.Response(200, json={"usesTokenRateLimitsBilling": False, "limits": None}),
        httpx.Response(
            200,
            json={"usesTokenRateLimitsBilling": False, "limits": {"standard": {"weekly": {}}}},
        ),
        httpx.Response(200, json={"usesTokenRateLimitsBilling": True, "limits": {}}),
    ],
)
async def test_without_current_limits_the_usage_counts(
    service: Service, home: Path, answer: httpx.Response
) -> None:
    service.good_bearers = {API_KEY}
    service.limits = answer
    assert (await fetch(PROVIDER, await by_key(home))).window("standard").used_percent == 42.0


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (httpx.Response(401, json={}), ErrorKind.UNAUTHORIZED, "No usable Droid session. Log in"),
        (
            httpx.Response(403, json={"detail": "blocked"}),
            ErrorKind.UNAUTHORIZED,
            "Factory refused access (403): blocked Log in again at app.factory.ai",
        ),
        (httpx.Response(403), ErrorKind.UNAUTHORIZED, "Factory refused access (403)."),
        (httpx.Response(409), ErrorKind.UNAUTHORIZED, "the stored token is stale. Log out and in"),
        (
            httpx.Response(429, headers={"retry-after": "90"}),
            ErrorKind.RATE_LIMITED,
            "Factory is rate limiting.",
        ),
        (httpx.Response(502), ErrorKind.SERVER, "Factory API error (HTTP 502)."),
        (httpx.Response(404), ErrorKind.SERVER, "Factory API error (HTTP 404)."),
        (httpx.Response(200, text="{"), ErrorKind.PARSE, "answered in an unexpected format"),
        (httpx.Response(200, text=""), ErrorKind.PARSE, "answered in an unexpected format"),
        (httpx.Response(200, text="<html></html>"), ErrorKind.UNAUTHORIZED, "No usable Droid"),
        (
            httpx.Response(302, headers={"location": "https://login.example/"}),
            ErrorKind.UNAUTHORIZED,
            "No usable Droid session.",
        ),
    ],
)
async def test_refusals_of_the_website(
    service: Service, home: Path, answer: httpx.Response, kind: ErrorKind, said: str
) -> None:
    service.refused = answer
    failed = await failure(await pasted(home, "session=abc"))
    assert failed.error.kind is kind
    assert said in words(failed)
    assert {request.url.host for request in service.requests} <= {
        "api.factory.ai",
        "app.factory.ai",
        "auth.factory.ai",
    }


async def test_the_time_to_wait_is_passed_on(service: Service, home: Path) -> None:
    service.refused = httpx.Response(429, headers={"retry-after": "90"})
    assert (await failure(await pasted(home, "session=abc"))).error.retry_after_s == 90


async def test_a_later_host_does_not_hide_the_time_to_wait(home: Path) -> None:
    with respx.mock(assert_all_called=False) as router:
        router.get(f"{APP}{ME}").respond(429, headers={"retry-after": "90"})
        router.route().respond(404)
        failed = await failure(await pasted(home, "session=abc"))
    assert (failed.error.kind, failed.error.retry_after_s) == (ErrorKind.RATE_LIMITED, 90)


async def test_a_host_that_is_not_reached_is_named(home: Path) -> None:
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=httpx.ConnectError("no route"))
        failed = await failure(await pasted(home, "session=abc"))
    assert failed.error.kind is ErrorKind.NETWORK
    assert failed.error.message.startswith("Could not reach Factory: ")


async def test_no_right_to_see_usage_is_no_bad_login(service: Service, home: Path) -> None:
    service.good_cookies = {"session=abc"}
    service.usage = httpx.Response(403, json={"detail": "Must be manager"})
    ctx = await web(home)
    await keep_jar(ctx, "cookies", {"session": "abc"})
    failed = await failure(ctx)
    assert words(failed).startswith("No usable Droid session.")
    assert await ctx.sessions.get("cookies") is not None


# -- pasted ----------------------------------------------------------------------------------------


async def pasted(home: Path, text: str, **settings: Any) -> FetchContext:
    table = {"source": "web", "cookie_header": text, **NO_EXTRAS, **settings}
    return await make_context(PROVIDER, home, settings=table)


LONG = "x" * 40
CURL = "curl 'https://app.factory.ai/api' -H 'Cookie: session=abc' -H 'Authorization: Bearer tok'"


@pytest.mark.parametrize(
    ("text", "bearer"),
    [
        pytest.param("session=abc", None, id="a cookie alone"),
        pytest.param("Bearer tok_~+/=-1", "tok_~+/=-1", id="the word and a token"),
        pytest.param("authorization: bearer tok", "tok", id="a header"),
        pytest.param("access-token=opaque; session=abc", "opaque", id="a cookie with a token"),
        pytest.param(CURL, "tok", id="a command"),
        pytest.param("Cookie: a=1\nAuthorization: Bearer tok", "tok", id="two lines"),
        pytest.param("aa.bb.cc", "aa.bb.cc", id="three parts"),
        pytest.param(LONG, LONG, id="forty characters"),
        pytest.param("x" * 39, None, id="too short"),
        pytest.param("aa.bb", None, id="two parts"),
        pytest.param(f"{LONG} {LONG}", None, id="words"),
    ],
)
async def test_what_counts_as_a_token(home: Path, text: str, bearer: str | None) -> None:
    found = await (await pasted(home, text)).sessions.pasted()
    assert found is not None
    assert pasted_bearer(found) == (None if bearer is None else Secret(bearer))


@pytest.mark.parametrize("text", ["hello", "not a token at all", "a.b"])
async def test_a_paste_without_a_login_fails_at_once(
    service: Service, home: Path, text: str
) -> None:
    service.good_cookies = {"session=abc"}
    ctx = await pasted(home, text)
    await keep_jar(ctx, "header", {"session": "abc"})
    failed = await failure(ctx)
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert words(failed) == (
        "That does not look like a Factory cookie or token. "
        "Copy the Cookie request header from app.factory.ai."
    )
    assert service.requests == []


async def test_a_pasted_cookie_is_tried_on_three_hosts_with_its_token(
    service: Service, home: Path
) -> None:
    failed = await failure(await pasted(home, CURL))
    assert failed.error.kind is ErrorKind.UNAUTHORIZED
    with_cookie = [r for r in service.requests if "cookie" in r.headers]
    assert [r.url.host.split(".")[0] for r in with_cookie] == [
        *("app", "app", "auth", "auth", "api", "api"),
    ]
    assert with_cookie[0].headers["authorization"] == "Bearer tok"
    assert "authorization" not in with_cookie[1].headers
    alone = [r for r in service.requests if "cookie" not in r.headers]
    assert [r.url.host.split(".")[0] for r in alone] == ["api", "app"]


async def test_a_pasted_token_works_alone_after_its_cookie_failed(
    service: Service, home: Path
) -> None:
    def alone(request: httpx.Request) -> httpx.Response:
        service.refused = httpx.Response(401)
        return service(request) if "cookie" not in request.headers else httpx.Response(403)

    service.good_bearers = {"tok"}
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=alone)
        snapshot = await fetch(PROVIDER, await pasted(home, CURL))
    assert (snapshot.source_id, snapshot.origin) == ("web", "pasted")


async def test_a_stored_paste_means_manual(service: Service, home: Path) -> None:
    browsers = Browsers(jars=[browser_jar({"session": "abc"})])
    service.good_cookies = {"session=abc"}
    ctx = await make_context(
        PROVIDER,
        home,
        settings={"source": "web"},
        secrets={"cookie_header": "session=other"},
        browsers=browsers,
    )
    assert (await failure(ctx)).error.kind is ErrorKind.UNAUTHORIZED
    assert browsers.opened == []


@pytest.mark.parametrize("source", ["manual", "off"])
async def test_manual_without_a_paste_and_off_look_nowhere(
    service: Service, home: Path, source: str
) -> None:
    ctx = await web(home, settings={"cookie_source": source})
    await keep_jar(ctx, "header", {"session": "abc"})
    failed = await failure(ctx)
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert service.requests == []


# -- browsers --------------------------------------------------------------------------------------


@dataclass
class Browsers(FakeBrowsers):
    """Jars by browser and domain, as the real reader gives them."""

    asked: list[str] = field(default_factory=list)

    async def cookies(
        self, *, domains: Sequence[str] = (), browsers: Sequence[str] = ()
    ) -> AsyncIterator[CookieJar]:
        self.asked.append(f"{'safari' if 'safari' in browsers else 'others'}{list(domains)}")
        if self.error:
            raise self.error
        for jar in self.jars:
            in_group = not browsers or jar.label.startswith("Safari") == ("safari" in browsers)
            if in_group and ("workos.com" in jar.domains) == ("workos.com" in domains):
                self.opened.append(jar.label)
                yield jar


def browser_jar(
    values: Mapping[str, str],
    label: str = "Chromium: Default",
    domain: str = "factory.ai",
    expires_at: datetime | None = None,
) -> Jar:
    cookies = (
        Cookie(name=name, value=value, domain=domain, secure=True, expires_at=expires_at)
        for name, value in values.items()
    )
    return Jar(cookies, label)


def local(refresh: str, access: str = "", origin: str = APP) -> LocalStorage:
    items = {(origin, "workos:refresh-token"): Secret(refresh)}
    if access:
        items[(origin, "workos:access-token")] = Secret(access)
    return LocalStorage("Chromium", "Default", items)


async def web(home: Path, **options: Any) -> FetchContext:
    settings = {"source": "web", **NO_EXTRAS, **options.pop("settings", {})}
    return await make_context(PROVIDER, home, settings=settings, **options)


async def keep_jar(ctx: FetchContext, slot: str, values: Mapping[str, str], **more: Any) -> None:
    jar = browser_jar(values, "Firefox: kept", **more)
    await ctx.sessions.put(slot, jar.dump(), jar.label)


async def kept(ctx: FetchContext, slot: str) -> str:
    found = await ctx.sessions.get(slot)
    return found.value.reveal() if found is not None else ""


async def test_with_nothing_anywhere_the_next_step_is_said(service: Service, home: Path) -> None:
    failed = await failure(await web(home))
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert words(failed) == (
        "No Factory login found on this machine. Open app.factory.ai in your browser and sign in, "
        "or use the manual cookie setting."
    )
    assert service.requests == []


async def test_all_cookies_of_a_profile_are_sent_with_the_token_among_them(
    service: Service, home: Path
) -> None:
    service.good_bearers = {"a.b.c"}
    jar = browser_jar({"session": "s", "access-token": "a.b.c", "theme": "dark"})
    ctx = await web(home, browsers=Browsers(jars=[jar]))
    snapshot = await fetch(PROVIDER, ctx)
    first = service.requests[0]
    assert first.url.host == "api.factory.ai"
    assert set(first.headers["cookie"].split("; ")) == {
        *("session=s", "access-token=a.b.c", "theme=dark"),
    }
    assert first.headers["authorization"] == "Bearer a.b.c"
    assert snapshot.origin == "Chromium: Default"
    assert (await ctx.sessions.get("header")) == (await ctx.sessions.get("cookies"))


async def test_profiles_without_a_login_are_passed_over(service: Service, home: Path) -> None:
    jars = [
        browser_jar({"theme": "dark"}),
        browser_jar({"session": "old"}, expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
    ]
    failed = await failure(await web(home, browsers=Browsers(jars=jars)))
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert service.requests == []


async def test_every_profile_is_tried(service: Service, home: Path) -> None:
    service.good_cookies = {"session=third"}
    jars = [browser_jar({"session": n}, f"Chromium: {n}") for n in ("first", "second", "third")]
    snapshot = await fetch(PROVIDER, await web(home, browsers=Browsers(jars=jars)))
    assert snapshot.origin == "Chromium: third"


async def test_safari_comes_before_the_browsers_that_ask(service: Service, home: Path) -> None:
    service.good_cookies = {"session=safari", "session=chromium"}
    jars = [browser_jar({"session": "chromium"}), browser_jar({"session": "safari"}, "Safari: x")]
    browsers = Browsers(jars=jars)
    assert (await fetch(PROVIDER, await web(home, browsers=browsers))).origin == "Safari: x"
    assert browsers.opened == ["Safari: x"]


async def test_steps_are_taken_in_order_and_each_failure_falls_through(
    service: Service, home: Path
) -> None:
    service.refused = httpx.Response(500)
    browsers = Browsers(
        jars=[
            browser_jar({"session": "six"}, "Safari: x"),
            browser_jar({"wos": "seven"}, "Safari: x", "workos.com"),
            browser_jar({"session": "eight"}),
            browser_jar({"wos": "nine"}, domain="workos.com"),
        ],
        stores=[local("five-refresh-token")],
    )
    ctx = await web(home, browsers=browsers)
    await keep_jar(ctx, "header", {"session": "one"})
    await keep_jar(ctx, "cookies", {"session": "two"})
    await ctx.sessions.put("bearer", Secret("three-token"))
    await ctx.sessions.put("refresh", Secret("four-refresh-token"))
    failed = await failure(ctx)
    seen = [
        request.headers.get("cookie")
        or request.headers.get("authorization")
        or json.loads(request.content)["refresh_token"]
        for request in service.requests
    ]
    assert list(dict.fromkeys(seen)) == [
        *("session=one", "session=two", "Bearer three-token"),
        *("four-refresh-token", "five-refresh-token"),
        *("session=six", "wos=seven", "session=eight", "wos=nine"),
    ]
    assert failed.error.kind is ErrorKind.UNAUTHORIZED
    assert browsers.asked == [
        "safari[]",
        "safari['workos.com']",
        "others[]",
        "others['workos.com']",
    ]


async def test_later_steps_are_not_looked_at_after_a_success(service: Service, home: Path) -> None:
    service.good_cookies = {"session=one"}
    browsers = Browsers(jars=[browser_jar({"session": "x"})], stores=[local("refresh-token")])
    ctx = await web(home, browsers=browsers)
    await keep_jar(ctx, "header", {"session": "one"})
    snapshot = await fetch(PROVIDER, ctx)
    assert snapshot.origin == "Firefox: kept"
    assert (browsers.opened, browsers.asked) == ([], [])


async def test_a_browser_the_user_chose_is_asked_once(service: Service, home: Path) -> None:
    browsers = Browsers(jars=[browser_jar({"session": "abc"})])
    ctx = await web(home, browsers=browsers, settings={"browser": "chromium"})
    await failure(ctx)
    assert browsers.opened == ["Chromium: Default"]


async def test_cookies_that_cannot_be_read_say_what_else_to_do(
    service: Service, home: Path
) -> None:
    error = Unsupported("Chrome locks its cookies to itself.")
    failed = await failure(await web(home, browsers=Browsers(error=error)))
    assert failed.error.kind is ErrorKind.UNSUPPORTED
    assert words(failed) == (
        "Browser cookies cannot be read here: Chrome locks its cookies to itself. "
        "Use FACTORY_API_KEY or paste a Cookie header."
    )


async def test_cookies_of_the_auth_host_are_tried_there_first(service: Service, home: Path) -> None:
    service.good_cookies = {"session=abc"}
    jar = browser_jar({"session": "abc"}, domain="auth.factory.ai")
    await fetch(PROVIDER, await web(home, browsers=Browsers(jars=[jar])))
    assert service.asked == [f"GET auth{ME}", f"GET auth{USAGE}"]


async def test_cookies_of_one_host_go_to_no_other(service: Service, home: Path) -> None:
    jar = browser_jar({"session": "abc"}, domain="app.factory.ai")
    await failure(await web(home, browsers=Browsers(jars=[jar])))
    assert {request.url.host for request in service.requests} == {"app.factory.ai"}


@pytest.mark.parametrize(
    ("values", "bearer"),
    [
        ({"access-token": "a.b", "session": "c.d"}, "a.b"),
        ({"access-token": "opaque", "authjs.session-token": "c.d", "session": "e.f"}, "c.d"),
        ({"access-token": "opaque", "session": "e.f"}, "e.f"),
        ({"access-token": "opaque", "authjs.session-token": "other"}, "opaque"),
        ({"next-auth.session-token": "other", "session": "plain"}, "other"),
        ({"session": "plain", "wos-session": "g.h"}, None),
    ],
)
def test_the_token_among_cookies(values: dict[str, str], bearer: str | None) -> None:
    assert bearer_of(browser_jar(values)) == (None if bearer is None else Secret(bearer))


# -- what is forgotten -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "slots"),
    [
        (401, {"bearer", "refresh"}),
        (403, {"header", "cookies", "bearer", "refresh"}),
        (500, {"header", "cookies", "bearer", "refresh"}),
    ],
)
async def test_only_refused_cookies_are_forgotten(
    service: Service, home: Path, status: int, slots: set[str]
) -> None:
    service.refused = httpx.Response(status)
    service.tokens = {(FIRST_CLIENT, "refresh-0123"): {"access_token": "minted-token"}}
    ctx = await web(home)
    await keep_jar(ctx, "header", {"session": "one"})
    await keep_jar(ctx, "cookies", {"session": "two"})
    await ctx.sessions.put("bearer", Secret("stored-token"))
    await ctx.sessions.put("refresh", Secret("refresh-0123"))
    await fetch(PROVIDER, ctx)
    assert {s for s in ("header", "cookies", "bearer", "refresh") if await kept(ctx, s)} == slots


async def test_a_header_is_replaced_only_by_cookies_that_worked(
    service: Service, home: Path
) -> None:
    service.refused = httpx.Response(500)
    browsers = Browsers(jars=[browser_jar({"session": "new"})], stores=[local("r-0123456789")])
    ctx = await web(home, browsers=browsers)
    await keep_jar(ctx, "header", {"session": "one"})
    before = await kept(ctx, "header")
    await failure(ctx)
    assert await kept(ctx, "header") == before
    assert await kept(ctx, "bearer") == await kept(ctx, "refresh") == ""


async def test_a_stored_token_that_is_over_is_not_sent(service: Service, home: Path) -> None:
    ctx = await web(home)
    await ctx.sessions.put("bearer", Secret(jwt(expires_in_s=-1)))
    failed = await failure(ctx)
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert service.requests == []
    assert await kept(ctx, "bearer")


# -- a stale token ---------------------------------------------------------------------------------


def stale() -> httpx.Response:
    return httpx.Response(409, json={"error": "stale token"})


async def ladder(
    home: Path, values: dict[str, str], answers: Sequence[httpx.Response]
) -> list[tuple[set[str], bool]]:
    """Names of the cookies, and whether a bearer was sent, for each request to the first host."""
    seen: list[tuple[set[str], bool]] = []
    rest = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host != "api.factory.ai":
            return httpx.Response(404)
        names = {pair.partition("=")[0] for pair in request.headers["cookie"].split("; ")}
        seen.append((names, "authorization" in request.headers))
        return rest.pop(0) if rest else httpx.Response(500)

    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=answer)
        await failure(await web(home, browsers=Browsers(jars=[browser_jar(values)])))
    return seen


COOKIES = {
    "access-token": "a.b.c",
    "__recent_auth": "1",
    "session": "s",
    "wos-session": "w",
    "authjs.session-token": "t",
    "theme": "dark",
}
LESS = [
    (set(COOKIES), True),
    (set(COOKIES), False),
    (set(COOKIES) - {"access-token", "__recent_auth"}, True),
    (set(COOKIES) - {"session", "wos-session"}, True),
    ({"authjs.session-token", "theme"}, True),
    ({"authjs.session-token"}, True),
]


async def test_a_stale_login_is_tried_with_less_and_less(home: Path) -> None:
    assert await ladder(home, COOKIES, [stale()] * 9) == LESS


async def test_a_refused_token_is_left_out_once(home: Path) -> None:
    refused = [httpx.Response(401)] * 9
    assert await ladder(home, COOKIES, refused) == LESS[:2]


async def test_refusals_do_not_end_the_ladder_of_a_stale_login(home: Path) -> None:
    assert await ladder(home, COOKIES, [stale(), *[httpx.Response(401)] * 9]) == LESS


@pytest.mark.parametrize("status", [403, 409, 500])
async def test_other_errors_end_the_ladder(home: Path, status: int) -> None:
    answers = [stale(), stale(), httpx.Response(status)]
    assert await ladder(home, COOKIES, answers) == LESS[:3]


async def test_rungs_that_leave_nothing_out_are_left_out(home: Path) -> None:
    seen = await ladder(home, {"session": "plain", "theme": "dark"}, [stale()] * 9)
    assert seen == [({"session", "theme"}, False), ({"theme"}, False), ({"theme"}, False)]


async def test_a_stale_paste_works_without_its_token(service: Service, home: Path) -> None:
    service.good_cookies = {"session=abc"}
    service.refused = stale()
    snapshot = await fetch(PROVIDER, await pasted(home, "session=abc; access-token=old.to.ken"))
    assert snapshot.origin == "pasted"
    assert "authorization" not in service.requests[-1].headers


async def test_a_stale_login_says_so_after_the_ladder(service: Service, home: Path) -> None:
    service.refused = stale()
    failed = await failure(await pasted(home, "session=abc"))
    assert words(failed) == (
        "Factory says the stored token is stale. "
        "Log out and in at app.factory.ai, then paste the new cookies."
    )


# -- minting ---------------------------------------------------------------------------------------


async def with_refresh_token(home: Path, token: str = "refresh-0123", **more: Any) -> FetchContext:
    ctx = await web(home, **more)
    await ctx.sessions.put("refresh", Secret(token), "Chrome: Default")
    return ctx


async def test_a_stored_refresh_token_mints_as_the_first_then_the_second_client(
    service: Service, home: Path
) -> None:
    rotated = {"access_token": "minted-token", "refresh_token": "rotated-4567"}
    service.tokens = {(SECOND_CLIENT, "refresh-0123"): rotated}
    ctx = await with_refresh_token(home)
    snapshot = await fetch(PROVIDER, ctx)
    assert snapshot.origin == "Chrome: Default"
    body = {"grant_type": "refresh_token", "refresh_token": "refresh-0123"}
    assert service.minted == [
        {"client_id": FIRST_CLIENT, **body},
        {"client_id": SECOND_CLIENT, **body},
    ]
    workos = service.requests[0].headers
    assert workos["accept"] == workos["content-type"] == "application/json"
    assert "authorization" not in workos
    assert "cookie" not in workos
    assert await kept(ctx, "bearer") == "minted-token"
    assert await kept(ctx, "refresh") == "rotated-4567"


async def test_without_a_new_refresh_token_the_old_one_stays(service: Service, home: Path) -> None:
    service.tokens = {(FIRST_CLIENT, "refresh-0123"): {"access_token": "minted-token"}}
    ctx = await with_refresh_token(home)
    await fetch(PROVIDER, ctx)
    assert await kept(ctx, "refresh") == "refresh-0123"


async def test_a_rotated_token_is_on_the_disk_before_it_is_used(
    service: Service, home: Path, tmp_path: Path
) -> None:
    """A process that is killed at the first request to Factory has lost nothing."""
    file = tmp_path / "sessions.json"
    store = SessionStore(FileStore(file), FakeClock())
    ctx = await web(home)
    assert isinstance(ctx.settings, ProviderValues)
    ctx = replace(ctx, sessions=AccountSessions(ctx.settings, store))
    await ctx.sessions.put("refresh", Secret("refresh-0123"))
    at_first_use: list[str] = []

    def look(request: httpx.Request) -> None:
        if request.url.host != "api.workos.com":
            at_first_use.append(file.read_text())

    service.watch = look
    service.tokens = {
        (FIRST_CLIENT, "refresh-0123"): {"access_token": "mint-1", "refresh_token": "rotated-4567"}
    }
    await fetch(PROVIDER, ctx)
    assert "rotated-4567" in at_first_use[0]
    assert "mint-1" in at_first_use[0]
    assert "refresh-0123" not in at_first_use[0]
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_cancelled_refresh_still_keeps_the_rotated_token(home: Path) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def mint(request: httpx.Request) -> httpx.Response:
        asked.set()
        await answered.wait()
        return httpx.Response(200, json={"access_token": "m-1", "refresh_token": "rotated-4567"})

    ctx = await with_refresh_token(home)
    with respx.mock(assert_all_called=False) as router:
        router.post(WORKOS).mock(side_effect=mint)
        running = asyncio.create_task(fetch(PROVIDER, ctx))
        await asked.wait()
        running.cancel()
        await settle()
        answered.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert router.calls.call_count == 1
    assert await kept(ctx, "refresh") == "rotated-4567"


async def test_one_token_is_minted_at_a_time_and_shared(service: Service, home: Path) -> None:
    rotated = {"access_token": "minted-token", "refresh_token": "rotated-4567"}
    service.tokens = {(FIRST_CLIENT, "refresh-0123"): rotated}
    ctx = await with_refresh_token(home)
    first, second = await asyncio.gather(fetch(PROVIDER, ctx), fetch(PROVIDER, ctx))
    assert first == second
    assert len(service.minted) == 1


async def test_a_dead_refresh_token_is_forgotten_and_said(service: Service, home: Path) -> None:
    ctx = await with_refresh_token(home)
    await ctx.sessions.put("bearer", Secret(jwt(expires_in_s=-1)))
    failed = await failure(ctx)
    assert words(failed) == ("The saved Factory login has expired. Log in again at app.factory.ai.")
    assert await kept(ctx, "refresh") == ""
    assert await kept(ctx, "bearer")


@pytest.mark.parametrize(
    ("answers", "is_kept", "said"),
    [
        pytest.param(
            [httpx.Response(400, json={"error": "invalid_grant"}), httpx.Response(503)],
            True,
            "WorkOS HTTP 503.",
            id="the second client may still take it",
        ),
        pytest.param(
            [httpx.Response(429, headers={"retry-after": "7"}), httpx.Response(429)],
            True,
            "WorkOS is rate limiting.",
            id="asked too often",
        ),
        pytest.param(
            [
                httpx.Response(403, json={"message": "refresh-0123 is odd"}),
                httpx.Response(400, json={"error": "invalid_grant"}),
            ],
            False,
            "The saved Factory login has expired.",
            id="refused, then dead",
        ),
        pytest.param(
            [httpx.Response(403, json={"message": "refresh-0123 is odd"})] * 2,
            True,
            "WorkOS HTTP 403: <redacted> is odd",
            id="refused for another reason",
        ),
        pytest.param(
            [httpx.Response(400, json={"error_description": "Missing Refresh Token."})] * 2,
            False,
            "No Factory login found",
            id="no session",
        ),
        pytest.param([httpx.Response(200, text="{")] * 2, True, "WorkOS sent no valid", id="cut"),
        pytest.param([httpx.Response(200, json={})], True, "without an access token", id="empty"),
    ],
)
async def test_refusals_of_workos(
    home: Path, answers: list[httpx.Response], is_kept: bool, said: str
) -> None:
    ctx = await with_refresh_token(home)
    with respx.mock(assert_all_called=False) as router:
        router.post(WORKOS).mock(side_effect=answers)
        failed = await failure(ctx)
    assert said in words(failed)
    assert bool(await kept(ctx, "refresh")) == is_kept


async def test_workos_that_is_not_reached_keeps_the_token(home: Path) -> None:
    ctx = await with_refresh_token(home)
    with respx.mock(assert_all_called=False) as router:
        router.post(WORKOS).mock(side_effect=httpx.ConnectError("no route"))
        failed = await failure(ctx)
    assert failed.error.kind is ErrorKind.NETWORK
    assert await kept(ctx, "refresh") == "refresh-0123"


async def test_cookies_of_workos_mint_too(service: Service, home: Path) -> None:
    token = {"access_token": "minted-token", "refresh_token": "rotated-4567"}
    service.tokens = {(FIRST_CLIENT, "wos=w1; other=o1"): token}
    jar = browser_jar({"wos": "w1", "other": "o1"}, domain="workos.com")
    ctx = await web(home, browsers=Browsers(jars=[jar]))
    snapshot = await fetch(PROVIDER, ctx)
    assert snapshot.origin == "Chromium: Default"
    assert service.minted == [
        {"client_id": FIRST_CLIENT, "grant_type": "refresh_token", "useCookie": True}
    ]
    assert {r.headers.get("cookie") for r in service.requests[1:]} == {None}
    assert await kept(ctx, "bearer") == "minted-token"
    assert await kept(ctx, "refresh") == "rotated-4567"


# -- local storage ---------------------------------------------------------------------------------


async def test_an_access_token_of_a_browser_is_used_as_it_is(service: Service, home: Path) -> None:
    token = jwt()
    service.good_bearers = {token}
    ctx = await web(home, browsers=Browsers(stores=[local("browser-refresh", token)]))
    snapshot = await fetch(PROVIDER, ctx)
    assert snapshot.origin == "Chromium: Default"
    assert service.minted == []
    assert await kept(ctx, "bearer") == token
    assert await kept(ctx, "refresh") == ""


@pytest.mark.parametrize("expires_in_s", [-60.0, 3600.0])
async def test_a_refused_or_expired_access_token_is_replaced_within_its_organization(
    service: Service, home: Path, expires_in_s: float
) -> None:
    rotated = {"access_token": "minted-token", "refresh_token": "rotated-4567"}
    service.tokens = {(FIRST_CLIENT, "browser-refresh"): rotated}
    token = jwt(expires_in_s, org_id="org_7QK2")
    ctx = await web(home, browsers=Browsers(stores=[local("browser-refresh", token, AUTH)]))
    await fetch(PROVIDER, ctx)
    assert service.minted[0]["organization_id"] == "org_7QK2"
    assert await kept(ctx, "refresh") == "rotated-4567"


async def test_tokens_of_another_site_are_not_touched(service: Service, home: Path) -> None:
    stores = [local("stranger-refresh", jwt(), "https://app.example.com")]
    failed = await failure(await web(home, browsers=Browsers(stores=stores)))
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert service.requests == []


async def test_a_browsers_token_is_spared_when_factory_has_trouble(
    service: Service, home: Path
) -> None:
    service.refused = httpx.Response(503)
    ctx = await web(home, browsers=Browsers(stores=[local("browser-refresh", jwt())]))
    assert (await failure(ctx)).error.kind is ErrorKind.SERVER
    assert service.minted == []


@pytest.mark.parametrize("works", [True, False])
async def test_a_browsers_token_is_spent_once(service: Service, home: Path, works: bool) -> None:
    if works:
        rotated = {"access_token": "minted-token", "refresh_token": "rotated-4567"}
        service.tokens = {(FIRST_CLIENT, "browser-refresh"): rotated}
    ctx = await web(home, browsers=Browsers(stores=[local("browser-refresh")]))
    if works:
        await fetch(PROVIDER, ctx)
        await ctx.sessions.drop("refresh")
        await ctx.sessions.drop("bearer")
    else:
        await failure(ctx)
    before = len(service.minted)
    failed = await failure(ctx)
    assert failed.error.message == "The saved Factory login has expired."
    assert len(service.minted) == before


async def test_the_next_profile_is_tried(service: Service, home: Path) -> None:
    service.tokens = {(FIRST_CLIENT, "second-refresh"): {"access_token": "minted-token"}}
    stores = [local("first-refresh"), local("second-refresh")]
    await fetch(PROVIDER, await web(home, browsers=Browsers(stores=stores)))
    assert [body["refresh_token"] for body in service.minted] == [
        *("first-refresh", "first-refresh", "second-refresh"),
    ]


# -- CodexBar --------------------------------------------------------------------------------------


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def codexbar(home: Path, name: str = "codexbar_session.json") -> Path:
    return write(home / CODEXBAR_FILE.removeprefix("~/"), payload("factory", name))


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("codexbar_session.json", "session=codexbar-session.value.1"),
        ("codexbar_old_list.json", "session=older-session.value.1"),
    ],
)
async def test_cookies_of_codexbar_are_taken_over(
    service: Service, home: Path, name: str, pair: str
) -> None:
    before = codexbar(home, name).read_bytes()
    service.good_cookies = {pair}
    snapshot = await fetch(PROVIDER, await web(home))
    assert snapshot.origin == "CodexBar"
    assert codexbar(home, name).read_bytes() == before


async def test_codexbars_login_replaces_nothing_of_ours_and_is_taken_over_once(
    service: Service, home: Path
) -> None:
    codexbar(home)
    service.good_bearers = {"our-own-token"}
    ctx = await web(home)
    await ctx.sessions.put("bearer", Secret("our-own-token"))
    await fetch(PROVIDER, ctx)
    assert await kept(ctx, "bearer") == "our-own-token"
    assert await kept(ctx, "refresh") == "codexbar-refresh-token"
    assert await kept(ctx, "cookies") == ""
    await fetch(PROVIDER, ctx)
    assert await kept(ctx, "cookies") == ""


# -- login of the Droid CLI ------------------------------------------------------------------------

CLI_KEY = bytes(range(32))


def sealed(data: Any, key: bytes = CLI_KEY) -> str:
    nonce = bytes(range(16))
    sealed = AESGCM(key).encrypt(nonce, json.dumps(data).encode(), None)
    return ":".join(b64encode(p).decode() for p in (nonce, sealed[-16:], sealed[:-16]))


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(CLI_KEY, id="raw"),
        pytest.param(b64encode(CLI_KEY), id="base64"),
        pytest.param(CLI_KEY.hex().encode() + b"\n", id="hexadecimal"),
        pytest.param(b64encode(CLI_KEY).decode().encode("utf-16-le"), id="UTF-16"),
    ],
)
async def test_an_encrypted_login_with_its_key_beside_it(
    service: Service, home: Path, key: bytes
) -> None:
    token = jwt(email="mira@example.com")
    login = {"access_token": token, "refresh_token": "never-used", "region": "us"}
    file = write(home / ".factory" / "auth.v2.file", sealed(login) + "\n")
    write(home / ".factory" / "auth.v2.key", key)
    before = file.read_bytes()
    service.good_bearers = {token}
    service.me = httpx.Response(404)
    service.limits = current_limits()
    snapshot = await fetch(PROVIDER, await make_context(PROVIDER, home))
    assert (snapshot.source_id, snapshot.origin) == ("cli", "Droid CLI")
    assert snapshot.identity.account == "mira@example.com"
    assert service.minted == []
    assert file.read_bytes() == before


@pytest.mark.parametrize("account", ["auth-encryption-key-security-cli", "auth-encryption-key"])
@pytest.mark.parametrize("name", ["auth.v2.keyring", "auth.v2.loginkeychain", "auth.encrypted"])
async def test_an_encrypted_login_with_its_key_in_the_key_store(
    service: Service, home: Path, name: str, account: str
) -> None:
    service.good_bearers = {token := jwt()}
    write(home / ".factory" / name, sealed({"tokens": {"accessToken": token}}))
    keys = FakeKeyStore({("Factory CLI", account): b64encode(CLI_KEY).decode()})
    snapshot = await fetch(PROVIDER, await make_context(PROVIDER, home, key_store=keys))
    assert snapshot.source_id == "cli"


@pytest.mark.parametrize("name", ["auth.encrypted", "auth.json"])
async def test_an_old_login_in_clear(service: Service, home: Path, name: str) -> None:
    service.good_bearers = {token := jwt()}
    write(home / "droid" / name, json.dumps({"tokens": {"access_token": token}}))
    env = {"FACTORY_HOME_OVERRIDE": str(home / "droid")}
    snapshot = await fetch(PROVIDER, await make_context(PROVIDER, home, env=env))
    assert snapshot.source_id == "cli"


async def test_the_login_that_was_written_last_counts(service: Service, home: Path) -> None:
    service.good_bearers = {newest := jwt()}
    write(home / ".factory" / "auth.v2.key", CLI_KEY)
    old = write(home / ".factory" / "auth.v2.keyring", sealed({"access_token": jwt(sub="old")}))
    os.utime(old, (1, 1))
    write(home / ".factory" / "auth.v2.file", sealed({"access_token": newest}))
    write(home / ".factory" / "auth.json", json.dumps({"access_token": jwt(sub="oldest")}))
    assert (await fetch(PROVIDER, await make_context(PROVIDER, home))).source_id == "cli"


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (
            sealed({"access_token": jwt(expires_in_s=-1)}),
            ErrorKind.UNAUTHORIZED,
            "The login of the Droid CLI has expired. Run `droid` once to refresh the login.",
        ),
        (
            sealed({"access_token": jwt()}, bytes(32)),
            ErrorKind.UNSUPPORTED,
            "could not be decrypted",
        ),
        (
            sealed({"access_token": jwt(sub="unknown")}),
            ErrorKind.UNAUTHORIZED,
            "rejected the login",
        ),
    ],
)
async def test_a_login_of_no_use(
    service: Service, home: Path, content: str, kind: ErrorKind, said: str
) -> None:
    write(home / ".factory" / "auth.v2.file", content)
    write(home / ".factory" / "auth.v2.key", CLI_KEY)
    failed = await failure(await make_context(PROVIDER, home))
    assert failed.error.kind is kind
    assert said in words(failed)


@pytest.mark.parametrize("content", ["", "a:b", "a:b:c:d", "!:!:!", "[]", "{}", "\x00:\x00:\x00"])
async def test_a_damaged_login_counts_as_none(service: Service, home: Path, content: str) -> None:
    write(home / ".factory" / "auth.v2.file", content)
    failed = await failure(await make_context(PROVIDER, home))
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS


async def test_the_key_comes_before_the_login_of_the_cli_and_that_before_the_browser(
    service: Service, home: Path
) -> None:
    write(home / ".factory" / "auth.json", json.dumps({"access_token": jwt()}))
    browsers = Browsers(jars=[browser_jar({"session": "abc"})])
    failed = await failure(await by_key(home, "auto", browsers=browsers))
    assert [attempt.source_id for attempt in failed.result.attempts] == ["api", "cli", "web"]
    assert browsers.opened == ["Chromium: Default"]


async def test_web_mode_leaves_the_login_of_the_cli_alone(service: Service, home: Path) -> None:
    write(home / ".factory" / "auth.json", json.dumps({"access_token": jwt()}))
    await failure(await web(home))
    assert service.requests == []


# -- sessions of the Droid CLI ---------------------------------------------------------------------


async def test_tokens_per_day_come_from_the_sessions_of_the_cli(
    service: Service, home: Path
) -> None:
    content = payload("factory", "session_settings.json")
    for name, age_days in (("a", 0), ("b", 0), ("c", 3), ("d", 40)):
        file = write(home / f".factory/sessions/-home-mira/{name}.settings.json", content)
        moment = NOON.timestamp() - age_days * 86400
        os.utime(file, (moment, moment))
    write(home / ".factory/sessions/-home-mira/e.settings.json", "{")
    service.good_bearers = {API_KEY}
    snapshot = await fetch(PROVIDER, await by_key(home, settings={"extras": True}))
    (series,) = snapshot.series
    values = [point.value for point in series.points]
    assert (len(values), values[-1], values[-4], sum(values)) == (14, 190500, 95250, 285750)
    assert [(row.label, row.value) for row in snapshot.details] == [("claude-sonnet-5", "286K")]
