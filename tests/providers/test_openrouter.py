"""OpenRouter: credits that do not wait for the key, and a key that stands in for the credits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.support import NOON, FakeClock, FetchFailed, fetch, make_context, payload, reply
from tui.core.errors import ErrorKind, ParseError, Unsupported
from tui.core.models import ProviderKey, ProviderSnapshot
from tui.gateways.codexbar import ForeignEntry
from tui.providers import _chain
from tui.providers._parse import ensure_ok, json_object
from tui.providers.openrouter import PROVIDER, sources
from tui.providers.openrouter.history import parse_history
from tui.providers.openrouter.parse import (
    NEEDS_MANAGEMENT_KEY,
    Credits,
    Unavailable,
    credits_snapshot,
    no_balance_snapshot,
    parse_credits,
    parse_key,
    period_end,
    with_key,
)
from tui.values import ProviderValues

KEY = ProviderKey("openrouter")
TODAY = date(2026, 9, 10)
BASE = "https://openrouter.ai/api/v1"
GOOD = {"OPENROUTER_API_KEY": "sk-or-v1-ordinary-key"}
MANAGED = {**GOOD, "OPENROUTER_MANAGEMENT_API_KEY": "sk-or-v1-management-key"}


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "OpenRouter")


def key_part(body: bytes) -> ProviderSnapshot:
    empty = no_balance_snapshot("", key=KEY, now=NOON)
    return with_key(empty, parse_key(decoded(body)), NOON)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "refused_*": lambda body: ensure_ok(
        reply(body, 403), "OpenRouter", now=NOON, errors=sources.ERRORS
    ),
    "*credits*": lambda body: credits_snapshot(parse_credits(decoded(body)), key=KEY, now=NOON),
    "*key_*": key_part,
    "*activity_*": lambda body: parse_history([decoded(body)], TODAY),
}


def of_key(**fields: Any) -> ProviderSnapshot:
    return key_part(json.dumps({"data": fields}).encode())


def details(snapshot: ProviderSnapshot) -> dict[tuple[str, str], str]:
    return {(row.group, row.label): row.value for row in snapshot.details}


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as mocked:
        yield mocked


class Service:
    """The calls of one account, answered with stored answers unless a test says otherwise."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.credits = router.get(url__regex=r".*/credits$")
        self.key = router.get(url__regex=r".*/key$")
        self.activity = router.get(host="openrouter.ai", path="/api/v1/activity")
        self.credits.respond(content=payload("openrouter", "credits.json"))
        self.key.respond(content=payload("openrouter", "key_capped_monthly.json"))
        self.activity.side_effect = [
            httpx.Response(200, content=payload("openrouter", "activity_past.json")),
            httpx.Response(200, content=payload("openrouter", "activity_today.json")),
        ] * 5


@pytest.fixture
def service(router: respx.MockRouter) -> Service:
    return Service(router)


async def fetched(home: Path, **options: Any) -> ProviderSnapshot:
    options.setdefault("env", GOOD)
    return await fetch(PROVIDER, await make_context(PROVIDER, home, **options))


async def failed(home: Path, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetched(home, **options)
    return caught.value


# -- credits ---------------------------------------------------------------------------------------


def test_the_balance_is_what_was_bought_less_what_was_used() -> None:
    snapshot = credits_snapshot(Credits(Decimal(120), Decimal("45.5")), key=KEY, now=NOON)
    assert snapshot.balances[0].amount == Decimal("74.5")
    window = snapshot.window("credits")
    assert window.used_percent == pytest.approx(37.9167, abs=1e-3)
    assert (window.resets_at, window.window_minutes) == (None, None)
    assert details(snapshot)["Credits", "Remaining"] == "$74.50"
    assert details(snapshot)["Credits", "Bought"] == "$120.00"


def test_a_debt_is_shown_as_it_is_with_a_warning() -> None:
    credits = parse_credits(decoded(payload("openrouter", "credits_negative.json")))
    snapshot = credits_snapshot(credits, key=KEY, now=NOON)
    assert snapshot.balances[0].amount == Decimal("-0.0312345678")
    assert snapshot.window("credits").used_percent == 100
    assert "negative" in snapshot.notice


def test_without_bought_credits_there_is_no_window() -> None:
    snapshot = credits_snapshot(Credits(Decimal(0), Decimal(0)), key=KEY, now=NOON)
    assert snapshot.windows == ()
    assert snapshot.balances[0].amount == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bad_credits_text.json", "data.total_credits should be a number"),
        ("bad_credits_missing.json", "data.total_usage should be a number"),
        ("bad_credits_infinite.json", "data.total_credits should be a number"),
        ("bad_credits_no_data.json", "data should be an object"),
        ("bad_credits_cut_off.json", "no valid JSON"),
        ("bad_credits_page.html", "a page instead of data"),
        ("bad_credits_empty.txt", "empty answer"),
    ],
)
def test_odd_credits_name_the_field(name: str, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        parse_credits(decoded(payload("openrouter", name)))


@pytest.mark.parametrize(
    ("bought", "text"),
    [("9.99", "50 requests a day, 20 a minute"), ("10", "1,000 requests a day, 20 a minute")],
)
def test_the_free_models_depend_on_what_was_ever_bought(bought: str, text: str) -> None:
    snapshot = credits_snapshot(Credits(Decimal(bought), Decimal(9)), key=KEY, now=NOON)
    assert details(snapshot)["Free models", "Rate limit"] == text


# -- the key ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "used"),
    [
        pytest.param({"limit_remaining": 41.25, "usage_monthly": 1}, "8.75", id="remaining"),
        pytest.param({"limit_remaining": -3}, "50", id="less than nothing is exhausted"),
        pytest.param({"limit_remaining": 70}, "0", id="more than the limit is unused"),
        pytest.param({"limit_reset": " Weekly ", "usage_weekly": 3.5}, "3.5", id="its period"),
        pytest.param({"limit_reset": "weekly", "usage": 30}, "30", id="period not sent"),
        pytest.param({"limit_reset": "yearly", "usage": 30}, "30", id="unknown period"),
        pytest.param({"usage": 130.5}, "130.5", id="all time"),
    ],
)
def test_what_counts_against_the_limit(fields: dict[str, Any], used: str) -> None:
    window = of_key(limit=50, **fields).window("key")
    assert window.used == Decimal(used)
    assert window.used_percent == min(float(used) * 2, 100)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"limit": 50}, id="nothing known"),
        pytest.param({"limit": 50, "usage": -1}, id="negative"),
        pytest.param(
            {"limit": 50, "limit_reset": "daily", "usage_daily": -1, "usage": 9}, id="day"
        ),
        pytest.param({"limit": 0, "limit_remaining": 0}, id="a limit of zero"),
        pytest.param({"limit": None, "usage": 12.5}, id="no limit"),
        pytest.param({}, id="empty"),
    ],
)
def test_no_window_without_a_positive_limit_and_a_known_use(fields: dict[str, Any]) -> None:
    assert of_key(**fields).windows == ()


@pytest.mark.parametrize(
    ("reset", "now", "end", "minutes"),
    [
        ("daily", "2026-09-10T12:00", "2026-09-11", 1440),
        ("weekly", "2026-09-10T12:00", "2026-09-14", 10080),
        ("weekly", "2026-09-14T00:00", "2026-09-21", 10080),
        ("monthly", "2026-09-10T12:00", "2026-10-01", 30 * 1440),
        ("monthly", "2026-12-31T23:59", "2027-01-01", 31 * 1440),
        ("monthly", "2028-02-29T00:00", "2028-03-01", 29 * 1440),
    ],
)
def test_limits_open_again_at_midnight_utc(reset: str, now: str, end: str, minutes: int) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert period_end(reset, moment) == (datetime.fromisoformat(end).replace(tzinfo=UTC), minutes)


@pytest.mark.parametrize("reset", ["", "yearly"])
def test_another_period_has_no_end(reset: str) -> None:
    assert period_end(reset, NOON) == (None, None)


def test_the_rows_of_a_capped_key() -> None:
    rows = details(key_part(payload("openrouter", "key_capped_monthly.json")))
    assert rows["API key", "Limit"] == "$50.00"
    assert rows["API key", "Remaining"] == "$41.25"
    assert rows["API key", "Limit resets"] == "monthly"
    assert rows["API key", "Used, all time"] == "$130.50"
    assert rows["API key", "Used today"] == "$0.75"
    assert rows["API key", "Used this week"] == "$3.50"
    assert rows["API key", "Used this month"] == "$8.75"
    assert ("API key", "Rate limit") not in rows


def test_no_limit_not_loaded_exhausted_and_silence_look_different() -> None:
    uncapped = key_part(payload("openrouter", "key_no_cap.json"))
    assert details(uncapped)["API key", "Limit"] == "no limit on this key"
    assert uncapped.balances[0].used == Decimal("12.5")
    empty = no_balance_snapshot("", key=KEY, now=NOON)
    missing = with_key(empty, Unavailable("timed out"), NOON)
    assert details(missing)["API key", "Limit"] == "unavailable: timed out"
    assert missing.notice == "API key limit unavailable: timed out."
    assert key_part(payload("openrouter", "key_exhausted.json")).window("key").used_percent == 100
    assert key_part(payload("openrouter", "key_nothing.json")).details == ()


def test_the_key_names_account_plan_and_rate_limit() -> None:
    snapshot = key_part(payload("openrouter", "key_free_tier.json"))
    assert snapshot.identity.account == "sk-or-v1-0ff…ee1"
    assert snapshot.identity.plan == "Free tier"
    assert details(snapshot)["API key", "Rate limit"] == "200 requests / 10s"
    assert details(snapshot)["API key", "With own provider keys"] == "$1.50"


def test_reported_free_requests_are_a_window_beside_the_main_number() -> None:
    window = key_part(payload("openrouter", "key_free_tier.json")).window("free_models")
    assert (window.used, window.limit, window.unit) == (Decimal(12), Decimal(50), "requests")
    assert window.resets_at == datetime(2026, 9, 11, tzinfo=UTC)
    assert not window.headline


def test_free_requests_follow_from_what_remains() -> None:
    free = {"limit": 1000, "remaining": 400}
    assert of_key(free_model_daily_requests=free).window("free_models").used_percent == 60


@pytest.mark.parametrize(
    ("expires_at", "notice"),
    [
        ("2026-09-13T12:00:00Z", "The API key expires in 3d."),
        ("2026-09-10T11:00:00Z", "The API key has expired."),
        ("2026-12-01T00:00:00Z", ""),
        (None, ""),
    ],
)
def test_a_key_that_expires_soon_is_announced(expires_at: str | None, notice: str) -> None:
    assert of_key(expires_at=expires_at).notice == notice


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": "12"},
        {"limit": True},
        {"byok_usage_daily": []},
        {"rate_limit": {"requests": "200", "interval": "10s"}},
        {"free_model_daily_requests": {"used": "1"}},
    ],
)
def test_a_wrong_type_spoils_the_whole_key_part(fields: dict[str, Any]) -> None:
    with pytest.raises(ParseError, match="should be a number"):
        of_key(**fields)


# -- both together ---------------------------------------------------------------------------------


async def test_credits_come_first_and_the_key_second(home: Path, service: Service) -> None:
    snapshot = await fetched(home)
    assert [window.label for window in snapshot.windows] == ["Credits", "API key limit"]
    assert snapshot.identity.account == "sk-or-v1-abc…xyz"
    assert snapshot.origin == "from OPENROUTER_API_KEY"
    assert snapshot.notice == ""
    assert service.key.call_count == 1


async def test_both_are_asked_at_once_and_good_credits_do_not_wait(
    home: Path, service: Service
) -> None:
    key_was_asked, credits_were_shown = asyncio.Event(), asyncio.Event()

    async def answer_key(request: httpx.Request) -> httpx.Response:
        key_was_asked.set()
        await credits_were_shown.wait()
        return httpx.Response(200, content=payload("openrouter", "key_capped_monthly.json"))

    async def answer_credits(request: httpx.Request) -> httpx.Response:
        await key_was_asked.wait()
        return httpx.Response(200, content=payload("openrouter", "credits.json"))

    def show(snapshot: ProviderSnapshot) -> None:
        assert [window.id for window in snapshot.windows] == ["credits"]
        credits_were_shown.set()

    service.key.side_effect = answer_key
    service.credits.side_effect = answer_credits
    ctx = await make_context(PROVIDER, home, env=GOOD)
    async with asyncio.timeout(5):
        result = await _chain.run(PROVIDER, ctx, show)
    assert result.snapshot is not None
    assert [window.id for window in result.snapshot.windows] == ["credits", "key"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(httpx.Response(503), "HTTP 503", id="status"),
        pytest.param(httpx.Response(200, html="<html></html>"), "invalid answer", id="page"),
        pytest.param(
            httpx.Response(200, json={"data": {"usage": "1"}}), "invalid answer", id="type"
        ),
        pytest.param(httpx.ConnectError("down"), "not reachable", id="network"),
    ],
)
async def test_a_failed_key_spares_the_credits(
    home: Path, service: Service, answer: Any, reason: str
) -> None:
    service.key.mock(side_effect=[answer])
    snapshot = await fetched(home)
    assert snapshot.balances[0].amount == Decimal("74.5")
    assert details(snapshot)["API key", "Limit"] == f"unavailable: {reason}"


async def test_a_key_that_hangs_is_given_up(
    home: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(sources, "PART_TIMEOUT_S", 0.02)
    service.key.side_effect = hang
    assert details(await fetched(home))["API key", "Limit"] == "unavailable: timed out"


async def test_forbidden_credits_leave_the_key_and_say_what_the_balance_needs(
    home: Path, service: Service
) -> None:
    service.credits.respond(403, content=payload("openrouter", "refused_credits_forbidden.json"))
    snapshot = await fetched(home)
    assert [window.id for window in snapshot.windows] == ["key"]
    assert snapshot.balances == ()
    assert snapshot.notice == NEEDS_MANAGEMENT_KEY


async def test_failing_credits_leave_the_key(home: Path, service: Service) -> None:
    service.credits.respond(500)
    snapshot = await fetched(home)
    assert snapshot.window("key").used_percent == pytest.approx(17.5)
    assert snapshot.notice == "Balance unavailable: OpenRouter is unavailable (HTTP 500)."
    assert service.key.call_count == 1


async def test_a_refused_key_is_refused_whatever_else_works(home: Path, service: Service) -> None:
    service.credits.respond(401, content=payload("openrouter", "refused_key.json"))
    failure = await failed(home)
    assert failure.error.kind is ErrorKind.UNAUTHORIZED
    assert failure.error.message == "OpenRouter refused the API key."
    assert "secret" not in str(failure)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (402, ErrorKind.SERVER, "insufficient credits"),
        (403, ErrorKind.UNAUTHORIZED, "no access"),
        (429, ErrorKind.RATE_LIMITED, "rate-limiting"),
        (503, ErrorKind.SERVER, "unavailable (HTTP 503)"),
        (418, ErrorKind.SERVER, "answered HTTP 418"),
        (302, ErrorKind.SERVER, "not followed"),
    ],
)
async def test_when_both_fail_the_credits_tell_why(
    home: Path, service: Service, status: int, kind: ErrorKind, words: str
) -> None:
    body = b'{"error": {"message": "sk-or-v1-ordinary-key"}}'
    headers = {"Retry-After": "70", "Location": "https://elsewhere.example/"}
    service.credits.respond(status, content=body, headers=headers)
    service.key.respond(500, content=body)
    failure = await failed(home)
    assert failure.error.kind is kind
    assert words in failure.error.message
    assert "ordinary" not in str(failure)
    assert failure.error.retry_after_s == (70 if status == 429 else None)


async def test_zero_credits_with_usage_on_the_key_are_an_unknown_balance(
    home: Path, service: Service
) -> None:
    service.credits.respond(content=payload("openrouter", "credits_zeros.json"))
    partial: list[ProviderSnapshot] = []
    ctx = await make_context(PROVIDER, home, env=GOOD)
    result = await _chain.run(PROVIDER, ctx, partial.append)
    assert result.snapshot is not None
    assert result.snapshot.balances == ()
    assert result.snapshot.notice == NEEDS_MANAGEMENT_KEY
    assert [window.id for window in result.snapshot.windows] == ["key"]
    assert partial[0].balances == ()


async def test_zero_credits_of_an_unused_key_are_zero(home: Path, service: Service) -> None:
    service.credits.respond(content=payload("openrouter", "credits_zeros.json"))
    service.key.respond(json={"data": {"usage": 0}})
    assert (await fetched(home)).balances[0].amount == 0


async def test_without_extras_only_the_credits_are_asked(home: Path, service: Service) -> None:
    await fetched(home, settings={"extras": False}, env=MANAGED)
    assert service.credits.call_count == 1
    assert service.key.call_count == service.activity.call_count == 0


async def test_without_extras_the_key_still_stands_in(home: Path, service: Service) -> None:
    service.credits.respond(403)
    snapshot = await fetched(home, settings={"extras": False})
    assert [window.id for window in snapshot.windows] == ["key"]


# -- whom it asks ----------------------------------------------------------------------------------


async def test_the_app_is_named_and_the_referer_only_if_set(home: Path, service: Service) -> None:
    await fetched(home)
    request = service.credits.calls.last.request
    assert str(request.url) == f"{BASE}/credits"
    assert request.headers["Authorization"] == "Bearer sk-or-v1-ordinary-key"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["X-Title"] == "CodexBar"
    assert "HTTP-Referer" not in request.headers
    env = {"OPENROUTER_HTTP_REFERER": "https://me.example", "OPENROUTER_X_TITLE": " 'deck' "}
    await fetched(home, env={**GOOD, **env})
    request = service.credits.calls.last.request
    assert request.headers["HTTP-Referer"] == "https://me.example"
    assert request.headers["X-Title"] == "deck"


@pytest.mark.parametrize(
    ("base", "asked"),
    [
        ("https://router.example/gw/v1", "https://router.example/gw/v1/credits"),
        ("https://router.example/gw/v1//", "https://router.example/gw/v1/credits"),
        ("router.example", "https://router.example/credits"),
        ("router.example:8443/x", "https://router.example:8443/x/credits"),
    ],
)
async def test_the_base_is_used_as_written(
    home: Path, service: Service, base: str, asked: str
) -> None:
    await fetched(home, env={**MANAGED, "OPENROUTER_API_URL": base})
    assert str(service.credits.calls.last.request.url) == asked
    assert str(service.key.calls.last.request.url) == asked.removesuffix("credits") + "key"


@pytest.mark.parametrize(
    "base", ["http://openrouter.ai/api/v1", "ftp://h", "https://a:b@h/", "h h"]
)
async def test_a_bad_base_is_refused_before_any_byte(
    home: Path, router: respx.MockRouter, base: str
) -> None:
    with pytest.raises(Unsupported, match="OPENROUTER_API_URL") as caught:
        await fetched(home, env={**GOOD, "OPENROUTER_API_URL": base})
    assert "https URLs or plain host names" in caught.value.hint
    assert router.calls.call_count == 0


async def test_the_settings_win_over_the_variable_and_codexbars_host_is_a_base(home: Path) -> None:
    foreign = ForeignEntry(values={"enterprise_host": "gw.example/v1"})
    env = {"OPENROUTER_API_URL": "https://env.example"}
    table = {"base_url": "https://own.example"}
    values = ProviderValues(PROVIDER, KEY, table=table, env=env, home=home, foreign=foreign)
    assert values.text("base_url") == "https://own.example"
    values = ProviderValues(PROVIDER, KEY, table={}, env={}, home=home, foreign=foreign)
    assert values.text("base_url") == "https://gw.example/v1"


async def test_the_management_key_goes_to_one_address_only(home: Path, service: Service) -> None:
    await fetched(home, env={**MANAGED, "OPENROUTER_API_URL": "https://proxy.example"})
    assert [str(call.request.url) for call in service.activity.calls] == [
        f"{BASE}/activity",
        f"{BASE}/activity?date=2026-09-10",
    ]
    sent = {call.request.headers["Authorization"] for call in service.activity.calls}
    assert sent == {"Bearer sk-or-v1-management-key"}
    for route in (service.credits, service.key):
        assert "management" not in route.calls.last.request.headers["Authorization"]


async def test_the_management_key_alone_is_no_login(home: Path, router: respx.MockRouter) -> None:
    env = {"OPENROUTER_MANAGEMENT_API_KEY": "sk-or-v1-management-key"}
    failure = await failed(home, env=env)
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert failure.error.message == "OpenRouter API key not set."
    assert failure.error.hint == (
        "Create one at openrouter.ai/settings/keys and save it or set OPENROUTER_API_KEY."
    )
    assert router.calls.call_count == 0
    values = ProviderValues(PROVIDER, KEY, table={}, env=env, home=home)
    assert not values.has_strong_secret()


async def test_an_account_carries_the_users_name_and_its_own_key(
    home: Path, service: Service
) -> None:
    settings = {"label": "Work", "api_key": "sk-or-v1-work-key"}
    snapshot = await fetched(home, settings=settings, account="work")
    assert snapshot.identity.account == "Work"
    sent = service.credits.calls.last.request.headers["Authorization"]
    assert sent == "Bearer sk-or-v1-work-key"


# -- thirty days -----------------------------------------------------------------------------------


def answers(*names: str) -> list[dict[str, Any]]:
    return [decoded(payload("openrouter", name)) for name in names]


def test_the_history_sums_days_and_models_and_counts_equal_rows_once() -> None:
    series, rows = parse_history(answers("activity_past.json", "activity_today.json"), TODAY)
    assert len(series.points) == 30
    assert [(point.label, point.value) for point in series.points if point.value] == [
        ("08-12", 0.5),
        ("09-09", 1.75),
        ("09-10", 0.125),
    ]
    assert [(row.label, row.value) for row in rows] == [
        ("Total", "$2.38 · 4,750 tokens · 10 requests"),
        ("With own keys (estimate)", "$1.50"),
        ("Today", "$0.12 · 150 tokens"),
        ("z-ai/glm-5.3", "$1.50 · 3,000 tokens"),
        ("openai/gpt-5.6", "$0.88 · 1,750 tokens"),
    ]


ROW: dict[str, Any] = {
    "date": "2026-09-09",
    "model": "m",
    "endpoint_id": "e",
    "provider_name": "p",
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "reasoning_tokens": 1,
    "requests": 1,
    "usage": 1.0,
}


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([ROW, {**ROW, "usage": 2.0}], id="same row, other numbers"),
        pytest.param([ROW, {**ROW, "reasoning_tokens": 2}], id="same row, other reasoning"),
        pytest.param(
            [ROW, {**ROW, "prompt_tokens": 9, "completion_tokens": 6}],
            id="same row, tokens split otherwise",
        ),
        pytest.param([{**ROW, "date": "2026-09-11"}], id="future"),
        pytest.param([{**ROW, "date": "2026-02-30"}], id="impossible day"),
        pytest.param([{**ROW, "date": "20260909"}], id="another spelling"),
        pytest.param([{**ROW, "requests": -1}], id="negative"),
        pytest.param([{**ROW, "prompt_tokens": 1.5}], id="a fraction"),
        pytest.param([{**ROW, "prompt_tokens": "10"}], id="a text"),
        pytest.param([{**ROW, "reasoning_tokens": 6}], id="more reasoning than completion"),
        pytest.param([{**ROW, "usage": float("inf")}], id="infinite"),
        pytest.param(
            [{**ROW, "usage": 1e308}, {**ROW, "usage": 1e308, "model": "n"}], id="infinite sum"
        ),
        pytest.param([{**ROW, "byok_usage_inference": "x"}], id="odd estimate"),
        pytest.param(["row"], id="no object"),
        pytest.param([{**ROW, "date": "2020-01-01"}] * 20_001, id="too many"),
    ],
)
def test_any_doubt_drops_the_whole_history(rows: list[Any]) -> None:
    with pytest.raises(ParseError):
        parse_history([{"data": rows}], TODAY)


def test_old_rows_are_passed_over_and_other_workspaces_are_other_rows() -> None:
    old = {**ROW, "date": "2026-08-11", "usage": "odd"}
    series, _ = parse_history([{"data": [old, ROW, {**ROW, "workspace_id": "w"}]}], TODAY)
    assert sum(point.value for point in series.points) == 2


async def test_the_history_is_added_to_the_card(home: Path, service: Service) -> None:
    snapshot = await fetched(home, env=MANAGED, clock=FakeClock())
    assert snapshot.series[0].id == "spend"
    assert [window.id for window in snapshot.windows] == ["credits", "key"]
    assert ("Spend, last 30 days", "Total") in details(snapshot)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.Response(403), "management key required"),
        (httpx.Response(401), "HTTP 401"),
        (httpx.Response(302, headers={"Location": f"{BASE}/other"}), "HTTP 302"),
        (httpx.Response(200, json={"data": [{**ROW, "requests": -1}]}), "invalid answer"),
        (httpx.Response(200, content=b"[]"), "invalid answer"),
        (httpx.ReadTimeout("slow"), "not reachable"),
    ],
)
async def test_a_missing_history_says_why_and_leaves_the_rest(
    home: Path, service: Service, answer: Any, reason: str
) -> None:
    service.activity.side_effect = [answer, answer]
    snapshot = await fetched(home, env=MANAGED)
    assert details(snapshot)["Spend, last 30 days", "Total"] == f"unavailable: {reason}"
    assert snapshot.balances[0].amount == Decimal("74.5")
    assert [window.id for window in snapshot.windows] == ["credits", "key"]


async def test_without_a_management_key_nobody_is_asked_for_a_history(
    home: Path, service: Service
) -> None:
    rows = details(await fetched(home))
    assert rows["Spend, last 30 days", "Total"] == "unavailable: no management key"
    assert service.activity.call_count == 0


def test_the_status_page_is_a_link() -> None:
    assert PROVIDER.links.status == "https://status.openrouter.ai"
