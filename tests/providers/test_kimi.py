"""Kimi: counts and ratio pools, three kinds of login, and no token on a foreign host."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
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
    FetchFailed,
    fetch,
    make_context,
    payload,
    reply,
)
from tui.auth.browser import BrowserLogins
from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar
from tui.core.errors import ErrorKind, FetchError, MissingCredentials
from tui.core.models import MONTH_MINUTES, WEEK_MINUTES, ProviderKey, ProviderSnapshot
from tui.core.redact import Secret
from tui.demo.scenes import kimi as scene
from tui.demo.stage import Moment
from tui.demo.transport import PlayedUpstream
from tui.gateways.http import HttpGateway
from tui.present import reading
from tui.providers import _chain
from tui.providers._parse import ensure_ok, json_object
from tui.providers.kimi import PROVIDER, sources
from tui.providers.kimi.cli_login import parse_login
from tui.providers.kimi.membership import with_membership, with_profile, with_subscription
from tui.providers.kimi.parse import parse_usage, parse_web_usage
from tui.providers.kimi.regions import endpoint
from tui.providers.kimi.sources import ANSWER, zone_name

KEY = ProviderKey("kimi")
API = "https://api.kimi.com/coding/v1"
WEB = "https://www.kimi.com/apiv2"
GOOD = {"KIMI_CODE_API_KEY": "sk-kimi-0123456789abcdef"}
CLAIMS = {"device_id": "device-4711", "ssid": "session-0815", "sub": "subject-42", "n": "?>~?>~"}
"""Encoded with a `_`, where base64url differs from base64."""
CLI_FILE = ".kimi-code/credentials/kimi-code.json"
GLOBAL_CLI_FILE = ".kimi-code/credentials/kimi-code-env-0e4f99c69cc27850.json"


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), ANSWER)


def usage(body: bytes) -> ProviderSnapshot:
    return parse_usage(decoded(body), key=KEY, now=NOON, source_id="api")


def web(body: bytes) -> ProviderSnapshot:
    return parse_web_usage(decoded(body), key=KEY, now=NOON)


BARE = ProviderSnapshot(key=KEY, source_id="api", fetched_at=NOON)

PARSERS: dict[str, Callable[[bytes], object]] = {
    "refused_*": lambda body: ensure_ok(
        reply(body, 403), "Kimi", now=NOON, errors=sources.USAGE_ERRORS
    ),
    "cli_*": lambda body: parse_login(body.decode(errors="replace")),
    "*usage_*": usage,
    "*web_*": web,
    "membership_*": lambda body: with_membership(
        web(payload("kimi", "web_usage.json")), decoded(body)
    ),
    "subscription*": lambda body: with_subscription(BARE, decoded(body)),
    "*profile*": lambda body: with_profile(BARE, decoded(body)),
}
PARSERS = {"web_usage*": web, "bad_web*": web, **PARSERS}


def parsed(name: str) -> ProviderSnapshot:
    return usage(payload("kimi", name))


def token(**claims: Any) -> str:
    """A web token as the service makes them."""
    parts = ({"alg": "HS512", "typ": "JWT"}, claims or CLAIMS)
    encoded = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    )
    return ".".join((*encoded, "c2lnbmF0dXJlLXg"))


APP_STORE = """
CREATE TABLE meta (key TEXT, value TEXT);
CREATE TABLE cookies (host_key TEXT, name TEXT, value TEXT, encrypted_value BLOB, path TEXT,
    expires_utc INTEGER, is_secure INTEGER, last_access_utc INTEGER);
INSERT INTO cookies VALUES
    ('.kimi.com', 'theme', 'dark', x'', '/', 0, 1, 3),
    ('status.kimi.com', 'kimi-auth', 'eyJ.of-another-page.x', x'', '/', 0, 1, 2),
    ('www.kimi.com', 'kimi-auth', 'eyJ.not-used-for-long.x', x'', '/', 0, 1, 0),
    ('.kimi.com', 'kimi-auth', 'eyJ.from-the-app.x', x'', '/', 0, 1, 1);
"""


def jar(label: str, value: str, domain: str = "www.kimi.com", **rest: Any) -> Jar:
    cookie = Cookie(name="kimi-auth", value=value, domain=domain, **rest)
    other = Cookie(name="theme", value="dark", domain=domain)
    return Jar([cookie, other], label, now=lambda: NOON)


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as mocked:
        yield mocked


class Service:
    """The calls of the service, answered with stored answers unless a test says otherwise."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        self.usages = router.get(f"{API}/usages")
        self.me = router.get(f"{API}/me")
        self.web = router.post(f"{WEB}/{sources.USAGES}")
        self.membership = router.post(f"{WEB}/{sources.MEMBERSHIP}")
        self.subscription = router.post(f"{WEB}/{sources.SUBSCRIPTION}")
        self.usages.respond(content=payload("kimi", "usage_counts.json"))
        self.me.respond(content=payload("kimi", "profile.json"))
        self.web.respond(content=payload("kimi", "web_usage.json"))
        self.membership.respond(content=payload("kimi", "membership_full.json"))
        self.subscription.respond(content=payload("kimi", "subscription.json"))

    @property
    def bearers(self) -> list[str]:
        """The tokens of all calls, in order."""
        return [
            call.request.headers["authorization"].removeprefix("Bearer ")
            for call in self.router.calls
        ]


@pytest.fixture
def service(router: respx.MockRouter) -> Service:
    return Service(router)


async def fetched(home: Path, **options: Any) -> ProviderSnapshot:
    return await fetch(PROVIDER, await make_context(PROVIDER, home, **options))


async def failed(home: Path, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetched(home, **options)
    return caught.value


def sign_in_cli(
    home: Path, access: str = "cli-access-token", file: str = CLI_FILE, **fields: Any
) -> None:
    path = home / file
    path.parent.mkdir(parents=True, exist_ok=True)
    login = {
        "access_token": access,
        "refresh_token": "never-to-be-spent",
        "expires_at": (NOON + timedelta(minutes=14)).timestamp(),
        **fields,
    }
    path.write_text(json.dumps(login))


def web_mode(**settings: Any) -> dict[str, Any]:
    return {"source": "web", **settings}


# -- counts ----------------------------------------------------------------------------------------


def test_counts_give_both_windows_their_percent_and_their_numbers() -> None:
    snapshot = parsed("usage_counts.json")
    assert [window.id for window in snapshot.windows] == ["session", "weekly"]
    session, weekly = snapshot.windows
    assert (session.used_percent, session.window_minutes) == (25.0, 300)
    assert (weekly.used_percent, weekly.window_minutes) == (20.0, WEEK_MINUTES)
    assert (weekly.used, weekly.limit) == (Decimal(300), Decimal(1500))
    assert weekly.resets_text == "300/1500"
    assert weekly.resets_at == datetime(2026, 9, 12, 9, 8, 7, 123456, tzinfo=UTC)
    assert snapshot.identity.plan == "Moderato"
    assert ("Requests at once", "30") in [(row.label, row.value) for row in snapshot.details]


def test_plain_numbers_other_names_and_hours() -> None:
    session, weekly = parsed("usage_aliases.json").windows
    assert (session.used_percent, session.window_minutes) == (25.0, 300)
    assert weekly.used_percent == 10.0
    assert session.resets_at == datetime(2026, 9, 10, 15, 0, 30, tzinfo=UTC)
    assert weekly.resets_at == datetime(2026, 9, 12, 7, 0, 30, tzinfo=UTC)


def test_silence_about_use_is_zero_without_a_length() -> None:
    snapshot = parsed("usage_unreliable.json")
    for window in snapshot.windows:
        assert (window.used_percent, window.window_minutes, window.resets_at) == (0.0, None, None)
    assert snapshot.window("session").label == "5-hour"


def test_use_wins_over_a_contradicting_rest_and_may_exceed_the_limit() -> None:
    (weekly,) = parsed("usage_over_limit.json").windows
    assert (weekly.used_percent, weekly.resets_text) == (100.0, "1100/1024")


def test_the_short_limit_is_found_among_several() -> None:
    snapshot = parsed("usage_several_limits.json")
    found = {window.id: (window.label, window.window_minutes) for window in snapshot.windows}
    assert found == {
        "session": ("3-hour", 180),
        "weekly": ("Weekly", WEEK_MINUTES),
        "limit.1440": ("Daily", 1440),
        "limit.no3": ("Limit", None),
    }
    assert snapshot.window("session").used_percent == 50.0


def test_the_scoped_list_is_understood_with_a_key_too() -> None:
    (weekly,) = parsed("usage_as_list.json").windows
    assert (weekly.id, weekly.used_percent) == ("weekly", 12.0)


# -- ratio pools -----------------------------------------------------------------------------------


def test_new_plans_have_pools_and_no_week() -> None:
    snapshot = parsed("usage_ratio_pools.json")
    found = [(w.label, w.used_percent, w.window_minutes) for w in snapshot.windows]
    assert found == [
        ("5-hour", 12.5, 300),
        ("Monthly", 40.0, MONTH_MINUTES),
        ("Monthly code", 25.0, MONTH_MINUTES),
    ]
    assert snapshot.window("monthly").resets_at == datetime(2026, 10, 11, tzinfo=UTC)


def test_a_pool_wins_over_counts_and_keeps_numbers_that_agree() -> None:
    snapshot = parsed("usage_mixed.json")
    session, weekly = snapshot.window("session"), snapshot.window("weekly")
    assert (session.used_percent, session.resets_text) == (31.0, "")
    assert (weekly.used_percent, weekly.resets_text) == (25.0, "25/100")
    assert snapshot.window("monthly").used_percent == 100.0
    assert snapshot.identity.plan == "INTERMEDIATE"


def test_a_ratio_of_zero_may_be_a_placeholder_for_the_counts() -> None:
    session, weekly = parsed("usage_zero_placeholder.json").windows
    assert (session.used_percent, weekly.used_percent) == (19.0, 42.0)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param("usages.limit_month_total", None, id="a monthly pool is named"),
        pytest.param("usages.limit_5h.reset_time", "2026-09-10T15:00:04Z", id="other reset"),
        pytest.param("usages.limit_5h.reset_time", None, id="no reset"),
        pytest.param("limits.0.window.duration", 360, id="other length"),
        pytest.param("limits.0.detail.used", "0", id="count of zero"),
        pytest.param("usage", {"limit": "100"}, id="weekly count says nothing"),
    ],
)
def test_otherwise_a_ratio_of_zero_is_zero(place: str, value: Any) -> None:
    answer = decoded(payload("kimi", "usage_zero_placeholder.json"))
    *path, last = place.split(".")
    inner: Any = answer
    for step in path:
        inner = inner[int(step)] if step.isdigit() else inner[step]
    inner[last] = value
    snapshot = parse_usage(answer, key=KEY, now=NOON, source_id="api")
    assert snapshot.window("session").used_percent == 0.0


@pytest.mark.parametrize("ratio", [None, "", "many", -0.1, float("nan"), True])
def test_a_senseless_ratio_leaves_the_counts(ratio: Any) -> None:
    answer = decoded(payload("kimi", "usage_mixed.json"))
    answer["usages"]["limit_5h"] = {"used_ratio": ratio}
    snapshot = parse_usage(answer, key=KEY, now=NOON, source_id="api")
    assert snapshot.window("session").used_percent == 70.0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bad_usage_no_window.json", "no quota window"),
        ("bad_usage_cut_off.json", "no valid JSON"),
        ("bad_usage_login_page.html", "a page instead of data"),
        ("bad_usage_empty.txt", "empty answer"),
    ],
)
def test_an_answer_without_windows_is_unexpected(name: str, words: str) -> None:
    with pytest.raises(FetchError, match="Unexpected answer from Kimi") as caught:
        parsed(name)
    assert caught.value.kind is ErrorKind.PARSE
    assert words in caught.value.message


# -- the main number -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session", "weekly", "monthly", "main"),
    [
        (10, 60, None, "session"),
        (100, 60, None, "session"),
        (10, 100, None, "weekly"),
        (100, 100, None, "weekly"),
        (None, 60, 70, "weekly"),
        (10, None, 70, "session"),
        (10, None, 100, "monthly"),
        (None, None, 70, "monthly"),
    ],
)
def test_the_main_number(
    session: int | None, weekly: int | None, monthly: int | None, main: str
) -> None:
    names = {
        "limit_5h": (session, "2026-09-10T15:00:00Z"),
        "limit_7d": (weekly, "2026-09-14T00:00:00Z"),
        "limit_month_total": (monthly, "2026-10-01T00:00:00Z"),
    }
    pools = {
        name: {"used_ratio": percent / 100, "reset_time": reset}
        for name, (percent, reset) in names.items()
        if percent is not None
    }
    snapshot = parse_usage({"usages": pools}, key=KEY, now=NOON, source_id="api")
    binding = reading.binding(snapshot, NOON)
    assert binding is not None
    assert binding.id == main


# -- plan ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "version", "limit", "plan"),
    [
        ("LEVEL_FREE", None, 100, "Adagio"),
        ("LEVEL_TRIAL", "GOODS_VERSION_V1", 100, "Andante"),
        ("LEVEL_ADVANCED", "GOODS_VERSION_V1", 1024, "Allegro"),
        ("LEVEL_VIRTUOSO", "GOODS_VERSION_V1", 1024, "VIRTUOSO"),
        ("LEVEL_BASIC", "GOODS_VERSION_V2", 1024, "BASIC"),
        ("LEVEL_UNSPECIFIED", "GOODS_VERSION_V1", 1024, "Andante"),
        ("LEVEL_UNSPECIFIED", "GOODS_VERSION_V1", 100, ""),
        (None, None, 1024, "Andante"),
        (None, None, 2048, "Moderato"),
        (None, None, 7168, "Allegretto"),
        (None, None, 1500, ""),
    ],
)
def test_the_tier(level: str | None, version: str | None, limit: int, plan: str) -> None:
    answer = {
        "user": {"membership": {"level": level}},
        "version": version,
        "usage": {"limit": limit, "used": 1},
    }
    snapshot = parse_usage(answer, key=KEY, now=NOON, source_id="api")
    assert snapshot.identity.plan == plan


def test_the_services_own_name_for_the_plan_wins() -> None:
    base = parsed("usage_counts.json")
    bought = with_subscription(base, decoded(payload("kimi", "subscription.json")))
    assert (bought.identity.plan, bought.identity.account) == ("Allegretto", "Mira Lindqvist")
    none = with_subscription(base, decoded(payload("kimi", "subscription_none.json")))
    assert none.identity == base.identity
    sparse = with_profile(base, decoded(payload("kimi", "profile_sparse.json")))
    assert (sparse.identity.plan, sparse.identity.account) == ("Moderato", "mira@example.com")


# -- membership ------------------------------------------------------------------------------------


def member(base: ProviderSnapshot, **parts: Any) -> ProviderSnapshot:
    return with_membership(base, parts)


def test_the_membership_adds_its_pool_and_hides_the_week_told_twice() -> None:
    answer = decoded(payload("kimi", "membership_full.json"))
    base = parsed("usage_counts.json")
    same = {**answer["ratelimitCode7d"], "ratio": 0.209}
    snapshot = with_membership(base, {**answer, "ratelimitCode7d": same})
    assert [window.id for window in snapshot.windows] == ["session", "weekly", "monthly"]
    monthly = snapshot.window("monthly")
    assert (monthly.used_percent, monthly.window_minutes) == (40.0, MONTH_MINUTES)
    assert monthly.resets_at == datetime(2026, 9, 23, tzinfo=UTC)
    rows = {(row.group, row.label): row.value for row in snapshot.details}
    assert rows["Monthly pool", "Kimi Code"] == "15% used"
    assert rows["Monthly pool", "Elsewhere"] == "25% used"
    assert rows["Gift balances", "Gift 1"] == "100% used · expires Sep 30"
    assert rows["Gift balances", "Gift 2"] == "expired Sep 1"
    assert ("Gift balances", "Gift 3") not in rows


@pytest.mark.parametrize(
    "lane",
    [
        pytest.param({"ratio": 0.22, "resetTime": "2026-09-12T09:08:07Z"}, id="other percent"),
        pytest.param({"ratio": 0.2, "resetTime": "2026-09-12T09:14:00Z"}, id="other reset"),
        pytest.param({"ratio": 0.2}, id="reset unknown"),
    ],
)
def test_the_code_week_is_shown_unless_it_provably_repeats(lane: dict[str, Any]) -> None:
    window = member(parsed("usage_counts.json"), ratelimitCode7d=lane).window("code.weekly")
    assert (window.label, window.window_minutes) == ("Code 7-day", WEEK_MINUTES)


def test_an_unreliable_week_proves_nothing() -> None:
    base = parsed("usage_unreliable.json")
    repeated = member(base, ratelimitCode7d={"ratio": 0, "resetTime": "2026-09-12T09:08:07Z"})
    assert "code.weekly" in [window.id for window in repeated.windows]


def test_a_foreign_pool_and_a_disabled_lane_add_nothing() -> None:
    base = parsed("usage_counts.json")
    answer = decoded(payload("kimi", "membership_code_only.json"))
    assert with_membership(base, answer).windows == base.windows
    gift = {"type": "GIFT", "amountUsedRatio": 0.5}
    assert member(base, subscriptionBalance=gift).windows == base.windows


def test_the_membership_never_overrides_a_pool_of_the_usage() -> None:
    base = parsed("usage_ratio_pools.json")
    assert member(base, subscriptionBalance={"amountUsedRatio": 0.9}).windows == base.windows


def test_ratios_of_zero_without_counts_give_way_to_the_membership() -> None:
    answer = decoded(payload("kimi", "membership_full.json"))
    snapshot = with_membership(parsed("usage_zero_ratios.json"), answer)
    assert snapshot.window("session").used_percent == 31.0
    assert snapshot.window("weekly").used_percent == 22.0
    assert "code.weekly" not in [window.id for window in snapshot.windows]


def test_counts_of_zero_do_not() -> None:
    answer = {"usage": {"limit": 100, "used": 0}, "usages": {"limit_7d": {"used_ratio": 0}}}
    base = parse_usage(answer, key=KEY, now=NOON, source_id="api")
    snapshot = member(base, ratelimitCode7d={"ratio": 0.5})
    assert snapshot.window("weekly").used_percent == 0.0


# -- extra usage -----------------------------------------------------------------------------------


def test_the_booster_wallet_is_a_balance_with_details() -> None:
    snapshot = parsed("usage_booster.json")
    (balance,) = snapshot.balances
    assert (balance.label, balance.amount, balance.currency) == (
        "Extra usage",
        Decimal("12.34"),
        "CNY",
    )
    rows = {row.label: row.value for row in snapshot.details}
    assert rows == {
        "Balance": "¥12.34",
        "Spent this month": "¥37.66",
        "Monthly limit": "¥200.00",
    }


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"monthlyChargeLimitEnabled": False}, "unlimited"),
        ({"monthlyChargeLimit": {"currency": "CNY", "priceInCents": "0"}}, "unlimited"),
        ({"monthlyChargeLimit": None}, "unlimited"),
    ],
)
def test_no_monthly_limit_is_unlimited(change: dict[str, Any], text: str) -> None:
    answer = decoded(payload("kimi", "usage_booster.json"))
    answer["boosterWallet"] |= change
    snapshot = parse_usage(answer, key=KEY, now=NOON, source_id="api")
    assert {row.label: row.value for row in snapshot.details}["Monthly limit"] == text


@pytest.mark.parametrize(
    ("balance", "amount"),
    [
        ({"type": "BOOSTER", "amount": "5000000", "amountLeft": "400"}, "0.01"),
        ({"type": "BOOSTER", "amount": "5000000"}, "0"),
        ({"type": "GIFT", "amount": "5000000"}, None),
        ({"type": "BOOSTER", "amount": "0"}, None),
        (None, None),
    ],
)
def test_only_a_bought_wallet_counts(balance: Any, amount: str | None) -> None:
    answer = {"usage": {"limit": 9, "used": 1}, "boosterWallet": {"balance": balance}}
    snapshot = parse_usage(answer, key=KEY, now=NOON, source_id="api")
    assert [item.amount for item in snapshot.balances] == ([Decimal(amount)] if amount else [])


# -- the key ---------------------------------------------------------------------------------------


async def test_the_key_is_sent_to_the_usage_call_with_two_headers(
    home: Path, service: Service
) -> None:
    snapshot = await fetched(home, env=GOOD)
    request = service.usages.calls.last.request
    assert request.headers["authorization"] == f"Bearer {GOOD['KIMI_CODE_API_KEY']}"
    assert request.headers["accept"] == "application/json"
    assert not [name for name in request.headers if name.startswith("x-msh")]
    assert request.content == b""
    assert (snapshot.source_id, snapshot.origin) == ("api", "from KIMI_CODE_API_KEY")
    assert snapshot.identity.login_method == "API key"
    assert (snapshot.identity.plan, snapshot.identity.account) == ("Vivace", "mira [b]")
    assert snapshot.dashboard_url == "https://www.kimi.com/code/console"
    assert not service.membership.called


async def test_the_stored_key_wins_over_the_variable(home: Path, service: Service) -> None:
    await fetched(home, env=GOOD, secrets={"api_key": "sk-kimi-stored"})
    assert service.bearers[0] == "sk-kimi-stored"


async def test_a_key_of_another_product_is_not_read(home: Path, service: Service) -> None:
    error = (await failed(home, env={"KIMI_API_KEY": "sk-moonshot"})).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert not service.router.calls


async def test_the_second_name_of_the_call_is_tried_once(home: Path, service: Service) -> None:
    service.usages.respond(404)
    second = service.router.get(f"{API}/usage")
    second.respond(content=payload("kimi", "usage_counts.json"))
    assert (await fetched(home, env=GOOD)).window("weekly").used_percent == 20.0
    second.respond(404)
    error = (await failed(home, env=GOOD, settings={"source": "api"})).error
    assert error.kind is ErrorKind.UNSUPPORTED
    assert "not available for this key" in error.message


async def test_the_international_service(home: Path, router: respx.MockRouter) -> None:
    route = router.get("https://api.kimi.ai/coding/v1/usages")
    route.respond(content=payload("kimi", "usage_counts.json"))
    snapshot = await fetched(home, env=GOOD, settings={"region": "international", "extras": False})
    assert route.call_count == len(router.calls) == 1
    assert snapshot.dashboard_url == "https://www.kimi.ai/code/console"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://proxy.example", "https://proxy.example/coding/v1/usages"),
        ("https://proxy.example/", "https://proxy.example/coding/v1/usages"),
        ("https://proxy.example/coding/", "https://proxy.example/coding/v1/usages"),
        ("https://proxy.example/x/coding/v1//", "https://proxy.example/x/coding/v1/usages"),
        ("https://proxy.example/kimi", "https://proxy.example/kimi/coding/v1/usages"),
        ("https://proxy.example:8443/?a=b", "https://proxy.example:8443/coding/v1/usages?a=b"),
    ],
)
def test_the_path_of_a_base(base: str, url: str) -> None:
    assert endpoint(base, "usages") == url


async def test_the_base_of_the_settings_wins_over_variable_and_region(
    home: Path, router: respx.MockRouter
) -> None:
    route = router.get("https://one.example/coding/v1/usages")
    route.respond(content=payload("kimi", "usage_counts.json"))
    settings = {"base_url": "https://one.example", "region": "global", "extras": False}
    await fetched(
        home, env={**GOOD, "KIMI_CODE_BASE_URL": "https://two.example"}, settings=settings
    )
    assert route.called


@pytest.mark.parametrize(
    "base", ["one.example", "http://one.example", "https://a@one.example", "https://one%2eexample"]
)
async def test_a_base_that_is_not_safe_stops_everything(
    home: Path, service: Service, base: str
) -> None:
    with pytest.raises(FetchError, match="KIMI_CODE_BASE_URL") as caught:
        await fetched(home, env={**GOOD, "KIMI_CODE_BASE_URL": base})
    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert "https" in caught.value.hint
    assert not service.router.calls


# -- the CLI's login -------------------------------------------------------------------------------


async def test_the_login_of_the_cli_is_used_and_left_alone(home: Path, service: Service) -> None:
    sign_in_cli(home)
    before = (home / CLI_FILE).read_bytes(), (home / CLI_FILE).stat().st_mtime_ns
    snapshot = await fetched(home, settings={"source": "cli"})
    assert set(service.bearers) == {"cli-access-token"}
    assert service.usages.called
    assert (snapshot.source_id, snapshot.identity.login_method) == ("cli", "Kimi CLI")
    assert ((home / CLI_FILE).read_bytes(), (home / CLI_FILE).stat().st_mtime_ns) == before
    assert sorted(path.name for path in (home / ".kimi-code").rglob("*")) == [
        "credentials",
        "kimi-code.json",
    ]


@pytest.mark.parametrize(
    ("expires_at", "usable"),
    [
        ((NOON + timedelta(seconds=61)).timestamp(), True),
        (str((NOON + timedelta(minutes=5)).timestamp()), True),
        ((NOON + timedelta(minutes=5)).timestamp() * 1000, True),
        ((NOON + timedelta(seconds=60)).timestamp(), False),
        ("2026-09-10T13:00:00Z", False),
        (None, False),
        (True, False),
    ],
)
def test_when_the_token_of_the_cli_can_be_used(expires_at: Any, usable: bool) -> None:
    login = parse_login(json.dumps({"access_token": "a", "expires_at": expires_at}))
    assert login is not None
    assert login.is_usable(NOON) is usable


async def test_an_expired_login_of_the_cli_has_words_of_its_own(
    home: Path, service: Service
) -> None:
    sign_in_cli(home, expires_at=NOON.timestamp())
    error = (await failed(home, settings={"source": "cli"})).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert error.message == "Kimi CLI login has expired."
    assert "KIMI_CODE_API_KEY" in error.hint
    assert not service.router.calls


async def test_only_a_refresh_token_is_expired_and_never_sent(home: Path, service: Service) -> None:
    sign_in_cli(home, access="")
    assert (await failed(home)).error.message == "Kimi CLI login has expired."
    assert not service.router.calls


@pytest.mark.parametrize("name", ["KIMI_CODE_BASE_URL", "KIMI_CODE_OAUTH_HOST", "KIMI_OAUTH_HOST"])
async def test_any_override_of_a_host_rules_the_cli_out(
    home: Path, service: Service, name: str
) -> None:
    sign_in_cli(home)
    error = (await failed(home, settings={"source": "cli"}, env={name: "https://x.example"})).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert name in error.message
    assert not service.router.calls


async def test_an_international_login_goes_to_its_own_service(
    home: Path, router: respx.MockRouter
) -> None:
    sign_in_cli(home, "global-token", GLOBAL_CLI_FILE)
    route = router.get("https://api.kimi.ai/coding/v1/usages")
    route.respond(content=payload("kimi", "usage_counts.json"))
    snapshot = await fetched(home, settings={"extras": False})
    assert route.calls.last.request.headers["authorization"] == "Bearer global-token"
    assert snapshot.dashboard_url == "https://www.kimi.ai/code/console"
    chosen = await failed(home, settings={"region": "china", "source": "cli"})
    assert chosen.error.kind is ErrorKind.MISSING_CREDENTIALS


async def test_the_folder_of_the_cli_can_be_elsewhere(home: Path, service: Service) -> None:
    sign_in_cli(home, file="elsewhere/credentials/kimi-code.json")
    env = {"KIMI_CODE_HOME": str(home / "elsewhere")}
    assert (await fetched(home, env=env)).source_id == "cli"


@pytest.mark.parametrize("content", ["", "[]", "not json", '{"access_token": 7}'])
async def test_a_damaged_login_is_none(home: Path, service: Service, content: str) -> None:
    sign_in_cli(home)
    (home / CLI_FILE).write_text(content)
    error = (await failed(home, settings={"source": "cli"})).error
    assert error.message == "The Kimi CLI is not signed in."


async def test_a_named_account_uses_neither_the_cli_nor_the_desktop_app(
    home: Path, service: Service
) -> None:
    sign_in_cli(home)
    browsers = FakeBrowsers(app_jars=[jar("kimi-desktop", token())])
    error = (await failed(home, account="work", browsers=browsers)).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert not service.router.calls


@pytest.mark.parametrize(("signed_in", "text"), [(True, "Kimi CLI login"), (False, "")])
async def test_what_is_detected(home: Path, signed_in: bool, text: str) -> None:
    if signed_in:
        sign_in_cli(home, expires_at=0)
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(await make_context(PROVIDER, home)) == text


# -- the order of sources --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(401), id="key refused"),
        pytest.param(httpx.Response(403), id="forbidden"),
        pytest.param(httpx.Response(404), id="not found"),
        pytest.param(httpx.Response(418), id="odd status"),
        pytest.param(httpx.Response(429), id="rate limited"),
        pytest.param(httpx.Response(503), id="down"),
        pytest.param(httpx.Response(200, html="<html></html>"), id="page"),
        pytest.param(httpx.Response(200, json={}), id="no window"),
        pytest.param(httpx.ConnectError("down"), id="network"),
    ],
)
async def test_after_nearly_any_failure_of_the_key_the_next_login_is_tried(
    home: Path, service: Service, answer: Any
) -> None:
    sign_in_cli(home)
    good = httpx.Response(200, content=payload("kimi", "usage_counts.json"))
    service.router.get(f"{API}/usage").respond(404)
    service.usages.side_effect = [answer, good]
    snapshot = await fetched(home, env=GOOD, settings={"extras": False})
    assert snapshot.source_id == "cli"
    assert service.bearers[-1] == "cli-access-token"


async def test_a_bad_request_stops(home: Path, service: Service) -> None:
    sign_in_cli(home)
    service.usages.respond(400, json={"error": {"message": "bad scope"}})
    failure = await failed(home, env=GOOD)
    assert failure.error.kind is ErrorKind.UNSUPPORTED
    assert failure.error.message == "Kimi refused the request (HTTP 400)."
    assert failure.error.hint == "bad scope"
    assert len(service.router.calls) == 1


async def test_the_key_is_first_the_cli_second_the_web_last(home: Path, service: Service) -> None:
    sign_in_cli(home)
    service.usages.respond(401)
    web_token = token()
    snapshot = await fetched(home, env={**GOOD, "KIMI_AUTH_TOKEN": web_token})
    assert snapshot.source_id == "web"
    assert service.bearers[:3] == [GOOD["KIMI_CODE_API_KEY"], "cli-access-token", web_token]


async def test_a_tried_login_is_reported_rather_than_a_missing_one(
    home: Path, service: Service
) -> None:
    service.usages.respond(401)
    error = (await failed(home, env=GOOD)).error
    assert error.message == "Kimi Code API key refused."


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("auto", "no login found"),
        ("api", "Kimi Code API key missing"),
        ("cli", "not signed in"),
        ("web", "Kimi web login missing"),
    ],
)
async def test_what_is_missing_depends_on_the_mode(
    home: Path, service: Service, mode: str, words: str
) -> None:
    error = (await failed(home, settings={"source": mode})).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert words in error.message
    assert error.hint
    assert not service.router.calls


@pytest.mark.parametrize("mode", ["api", "cli", "web"])
async def test_a_chosen_mode_tries_nothing_else(home: Path, service: Service, mode: str) -> None:
    sign_in_cli(home)
    service.usages.respond(503)
    service.web.respond(503)
    env = {**GOOD, "KIMI_AUTH_TOKEN": token()}
    failure = await failed(home, env=env, settings={"source": mode, "extras": False})
    assert [attempt.source_id for attempt in failure.result.attempts] == [mode]
    assert failure.error.message == "Kimi is unavailable (HTTP 503)."


async def test_forbidden_speaks_of_permission_or_quota(home: Path, service: Service) -> None:
    service.usages.respond(403, content=payload("kimi", "refused_forbidden.json"))
    error = (await failed(home, env=GOOD, settings={"source": "api"})).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert error.message.startswith("HTTP 403 from Kimi: permission or quota")
    assert "used up" in error.message


async def test_a_rate_limit_says_how_long(home: Path, service: Service) -> None:
    service.usages.respond(429, headers={"Retry-After": "120"})
    error = (await failed(home, env=GOOD, settings={"source": "api"})).error
    assert (error.kind, error.retry_after_s) == (ErrorKind.RATE_LIMITED, 120)


async def test_a_redirect_to_another_host_is_not_followed(home: Path, service: Service) -> None:
    service.usages.respond(302, headers={"Location": "https://elsewhere.example/usages"})
    error = (await failed(home, env=GOOD, settings={"source": "api"})).error
    assert error.kind is ErrorKind.SERVER
    assert {call.request.url.host for call in service.router.calls} == {"api.kimi.com"}


async def test_silence_is_a_timeout(
    home: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(sources, "TIMEOUT_S", 0.02)
    service.usages.side_effect = hang
    error = (await failed(home, env=GOOD, settings={"source": "api"})).error
    assert error.kind is ErrorKind.NETWORK
    assert error.message.startswith("Kimi timed out")


# -- what is added to key and CLI ------------------------------------------------------------------


async def test_a_web_login_beside_the_key_adds_its_lanes(home: Path, service: Service) -> None:
    web_token = token()
    browsers = FakeBrowsers(jars=[jar("Chrome: Default", web_token)])
    snapshot = await fetched(home, env=GOOD, browsers=browsers)
    assert snapshot.source_id == "api"
    assert snapshot.window("monthly").used_percent == 40.0
    request = service.membership.calls.last.request
    assert request.headers["authorization"] == f"Bearer {web_token}"
    assert request.content == b"{}"
    assert not service.web.called


async def test_what_is_added_may_fail(home: Path, service: Service) -> None:
    service.membership.respond(500)
    service.me.respond(404)
    browsers = FakeBrowsers(jars=[jar("Chrome: Default", token())])
    snapshot = await fetched(home, env=GOOD, browsers=browsers)
    assert [window.id for window in snapshot.windows] == ["session", "weekly"]
    assert snapshot.identity.plan == "Moderato"


async def test_a_text_of_unknown_form_is_no_token_for_extras(home: Path, service: Service) -> None:
    await fetched(home, env={**GOOD, "KIMI_AUTH_TOKEN": "opaque-token"})
    assert not service.membership.called


async def test_off_touches_neither_app_nor_browsers(home: Path, service: Service) -> None:
    browsers = FakeBrowsers(
        jars=[jar("Chrome: Default", token())], app_jars=[jar("kimi-desktop", token())]
    )
    env = {**GOOD, "KIMI_AUTH_TOKEN": token()}
    await fetched(home, env=env, settings={"cookie_source": "off"}, browsers=browsers)
    assert not service.membership.called
    snapshot = await fetched(
        home, env=env, settings=web_mode(cookie_source="off"), browsers=browsers
    )
    assert snapshot.origin == "from KIMI_AUTH_TOKEN"
    error = (await failed(home, settings=web_mode(cookie_source="off"), browsers=browsers)).error
    assert error.message == "Kimi web login missing."
    assert browsers.opened == []


# -- the web login ---------------------------------------------------------------------------------


async def test_the_web_call_carries_cookie_bearer_and_claims(home: Path, service: Service) -> None:
    web_token = token()
    snapshot = await fetched(home, settings=web_mode(), env={"KIMI_AUTH_TOKEN": web_token})
    request = service.web.calls.last.request
    assert request.content == b'{"scope":["FEATURE_CODING"]}'
    expected = {
        "content-type": "application/json",
        "authorization": f"Bearer {web_token}",
        "cookie": f"kimi-auth={web_token}",
        "origin": "https://www.kimi.com",
        "referer": "https://www.kimi.com/code/console",
        "accept": "*/*",
        "accept-language": "en-US,en;q=0.9",
        "connect-protocol-version": "1",
        "x-language": "en-US",
        "x-msh-platform": "web",
        "x-msh-device-id": "device-4711",
        "x-msh-session-id": "session-0815",
        "x-traffic-id": "subject-42",
    }
    assert {name: request.headers[name] for name in expected} == expected
    assert request.headers["user-agent"].startswith("Mozilla/5.0")
    assert request.headers["r-timezone"]
    assert snapshot.source_id == "web"
    assert snapshot.window("session").used_percent == 69.5
    assert snapshot.window("monthly").used_percent == 40.0
    assert snapshot.identity.plan == "Allegretto"
    assert snapshot.identity.account == "Mira Lindqvist"
    assert "subject-42" not in repr(snapshot)


async def test_claims_that_cannot_be_read_are_left_out(home: Path, service: Service) -> None:
    env = {"KIMI_AUTH_TOKEN": "eyJub3Q.a-claim-at-all.c2ln"}
    await fetched(home, settings=web_mode(), env=env)
    names = service.web.calls.last.request.headers
    assert not [name for name in names if name in {"x-msh-device-id", "x-traffic-id"}]


@pytest.mark.parametrize(
    "name", ["bad_web_no_coding.json", "bad_web_object.json", "bad_usage_login_page.html"]
)
async def test_an_answer_without_the_coding_scope(home: Path, service: Service, name: str) -> None:
    service.web.respond(content=payload("kimi", name))
    env = {"KIMI_AUTH_TOKEN": token()}
    error = (await failed(home, settings=web_mode(), env=env)).error
    assert error.kind is ErrorKind.PARSE
    assert error.message.startswith("Unexpected answer from Kimi")


PASTES = {
    "header": "Cookie: a=1; kimi-auth={}; b=2",
    "pair": "kimi-auth={}",
    "other case": "KIMI-AUTH: {}",
    "cURL": "curl 'https://www.kimi.com/x' -H 'Cookie: theme=dark; kimi-auth={}' --data '{{}}'",
    "bare": "  {}  ",
}


@pytest.mark.parametrize("form", PASTES.values(), ids=PASTES.keys())
async def test_pasted_forms(home: Path, service: Service, form: str) -> None:
    web_token = token()
    browsers = FakeBrowsers(jars=[jar("Chrome: Default", "eyJ.other.x")])
    snapshot = await fetched(
        home,
        settings=web_mode(),
        secrets={"cookie_header": form.format(web_token)},
        browsers=browsers,
    )
    assert set(service.bearers) == {web_token}
    assert snapshot.origin == "pasted"
    assert browsers.opened == []


@pytest.mark.parametrize("text", ["session=abc", "kimi-auth=; b=2", "eyJ.two", "xkimi-auth=abc"])
async def test_a_paste_without_the_token_says_so(home: Path, service: Service, text: str) -> None:
    browsers = FakeBrowsers(jars=[jar("Chrome: Default", token())])
    error = (
        await failed(
            home,
            settings=web_mode(),
            env={"KIMI_AUTH_TOKEN": token()},
            secrets={"cookie_header": text},
            browsers=browsers,
        )
    ).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert error.message == "The pasted text contains no kimi-auth token."
    assert not service.router.calls
    assert browsers.opened == []


async def test_the_order_of_variables(home: Path, service: Service) -> None:
    first, second = token(n=1), token(n=2)
    env = {"KIMI_MANUAL_COOKIE": f"kimi-auth={first}", "KIMI_AUTH_TOKEN": second}
    await fetched(home, settings=web_mode(extras=False), env=env)
    env["KIMI_MANUAL_COOKIE"] = "nothing=here"
    await fetched(home, settings=web_mode(extras=False), env=env)
    assert service.bearers == [first, second]


@pytest.mark.parametrize("name", ["KIMI_AUTH_TOKEN", "kimi_auth_token"])
async def test_a_text_of_any_form_comes_after_the_browsers(
    home: Path, service: Service, name: str
) -> None:
    env = {name: "opaque-token"}
    settings = web_mode(extras=False)
    browsers = FakeBrowsers(jars=[jar("Chrome: Default", "eyJ.browser.x")])
    await fetched(home, settings=settings, env=env, browsers=browsers)
    snapshot = await fetched(home, settings=settings, env=env)
    blocked = FakeBrowsers(error=MissingCredentials("The key was not given free."))
    await fetched(home, settings=settings, env=env, browsers=blocked)
    assert service.bearers == ["eyJ.browser.x", "opaque-token", "opaque-token"]
    assert snapshot.origin == f"from {name}"


async def test_the_app_comes_before_the_browsers_and_refusals_go_on(
    home: Path, service: Service
) -> None:
    good = httpx.Response(200, content=payload("kimi", "web_usage.json"))
    service.web.side_effect = [httpx.Response(401), httpx.Response(403), good]
    browsers = FakeBrowsers(
        app_jars=[jar("kimi-desktop", "eyJ.app.x", "kimi.com", host_only=True)],
        jars=[
            jar("Chrome: Default", "eyJ.app.x"),
            jar("Chrome: Work", "eyJ.old.x"),
            jar("Firefox: x", "eyJ.elsewhere.x", "status.kimi.com"),
            jar("Firefox: default", "eyJ.good.x", "kimi.com"),
            jar("Firefox: never", "eyJ.never.x"),
        ],
    )
    ctx = await make_context(PROVIDER, home, settings=web_mode(extras=False), browsers=browsers)
    snapshot = await fetch(PROVIDER, ctx)
    assert service.bearers == ["eyJ.app.x", "eyJ.old.x", "eyJ.good.x"]
    assert snapshot.origin == "Firefox: default"
    assert "Firefox: never" not in browsers.opened
    kept = await ctx.sessions.get("kimi-auth.china")
    assert kept is not None
    assert kept.value == Secret("eyJ.good.x")


@pytest.mark.parametrize(
    ("os_name", "file"),
    [
        ("linux", ".config/kimi-desktop/Cookies"),
        ("linux", ".config/kimi-desktop/Network/Cookies"),
        ("macos", "Library/Application Support/kimi-desktop/Cookies"),
        ("windows", "AppData/Roaming/kimi-desktop/Network/Cookies"),
    ],
)
async def test_the_store_of_the_desktop_app_is_found_and_left_alone(
    home: Path, service: Service, os_name: Literal["linux", "macos", "windows"], file: str
) -> None:
    store = home / file
    store.parent.mkdir(parents=True)
    with closing(sqlite3.connect(store)) as database:
        database.executescript(APP_STORE)
    env = {"APPDATA": str(home / "AppData/Roaming")}
    ctx = await make_context(
        PROVIDER, home, settings=web_mode(extras=False), env=env, os_name=os_name
    )
    logins = BrowserLogins(env={}, home=home, state=home / "state", clock=FakeClock())
    browsers = logins.for_account(("kimi.com",), (), "auto", user_initiated=False)
    snapshot = await fetch(PROVIDER, replace(ctx, browsers=browsers))
    assert service.bearers == ["eyJ.from-the-app.x"]
    assert snapshot.origin == "Kimi Desktop"
    assert [path.name for path in store.parent.iterdir()] == ["Cookies"]


async def test_a_chosen_browser_leaves_the_app_out(home: Path, service: Service) -> None:
    browsers = FakeBrowsers(
        app_jars=[jar("kimi-desktop", "eyJ.app.x")], jars=[jar("Firefox: default", "eyJ.fox.x")]
    )
    settings = web_mode(extras=False, browser="firefox")
    await fetched(home, settings=settings, browsers=browsers)
    assert service.bearers == ["eyJ.fox.x"]


async def test_a_remembered_login_opens_no_browser_until_it_is_refused(
    home: Path, service: Service
) -> None:
    browsers = FakeBrowsers(jars=[jar("Chrome: Default", "eyJ.new.x")])
    ctx = await make_context(PROVIDER, home, settings=web_mode(extras=False), browsers=browsers)
    await ctx.sessions.put("kimi-auth.china", Secret("eyJ.kept.x"), "Brave: Default")
    snapshot = await fetch(PROVIDER, ctx)
    assert (snapshot.origin, browsers.opened) == ("Brave: Default", [])
    service.web.respond(503)
    with pytest.raises(FetchFailed, match="unavailable"):
        await fetch(PROVIDER, ctx)
    assert browsers.opened == []
    service.web.side_effect = [httpx.Response(401), httpx.Response(401)]
    with pytest.raises(FetchFailed, match="Kimi web login is invalid or expired"):
        await fetch(PROVIDER, ctx)
    assert browsers.opened == ["Chrome: Default"]
    assert await ctx.sessions.get("kimi-auth.china") is None


async def test_international_accounts_have_pages_and_cookies_of_their_own(
    home: Path, router: respx.MockRouter
) -> None:
    route = router.post(f"https://www.kimi.ai/apiv2/{sources.USAGES}")
    route.respond(content=payload("kimi", "web_usage.json"))
    browsers = FakeBrowsers(
        jars=[jar("Chrome: Default", "eyJ.china.x"), jar("Firefox: x", "eyJ.abroad.x", "kimi.ai")]
    )
    settings = web_mode(extras=False, region="global")
    await fetched(home, settings=settings, browsers=browsers)
    request = route.calls.last.request
    assert request.headers["cookie"] == "kimi-auth=eyJ.abroad.x"
    assert request.headers["origin"] == "https://www.kimi.ai"
    assert len(router.calls) == 1


async def test_the_membership_starts_with_the_usage_and_has_two_seconds(
    home: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def hang(request: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.sleep(60)
        raise AssertionError

    async def answer(request: httpx.Request) -> httpx.Response:
        await asked.wait()
        return httpx.Response(200, content=payload("kimi", "web_usage.json"))

    assert sources.PART_TIMEOUT_S == 2.0
    monkeypatch.setattr(sources, "PART_TIMEOUT_S", 0.05)
    service.membership.side_effect = hang
    service.web.side_effect = answer
    shown: list[ProviderSnapshot] = []
    ctx = await make_context(PROVIDER, home, settings=web_mode(), env={"KIMI_AUTH_TOKEN": token()})
    async with asyncio.timeout(5):
        result = await _chain.run(PROVIDER, ctx, shown.append)
    assert result.snapshot is not None
    assert [window.id for window in result.snapshot.windows] == ["session", "weekly"]
    assert result.snapshot.identity.plan == "Allegretto"
    assert [snapshot.identity.plan for snapshot in shown] == ["Moderato"]


async def test_without_extras_only_the_usage_is_asked(home: Path, service: Service) -> None:
    await fetched(home, settings=web_mode(extras=False), env={"KIMI_AUTH_TOKEN": token()})
    assert len(service.router.calls) == 1


# -- the rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "name"),
    [("<+08>-8", "Etc/GMT-8"), ("EST5", "Etc/GMT+5"), ("<+0530>-5:30", "UTC"), ("UTC", "UTC")],
)
def test_the_zone_is_told_by_its_offset(
    variable: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", variable)
    time.tzset()
    try:
        assert zone_name(NOON) == name
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_the_demo_plays_an_account(home: Path) -> None:
    clock = FakeClock()
    moment = Moment(clock.now(), clock.now())
    upstream = PlayedUpstream(scene.SCENE.routes, lambda: moment, delays=False)
    snapshot = await fetched(home, env=scene.SCENE.env, clock=clock, gateway=HttpGateway(upstream))
    assert {"session", "weekly", "monthly"} <= {window.id for window in snapshot.windows}
    assert snapshot.identity.plan
