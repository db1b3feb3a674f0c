"""Amp: every wording of a line, three ways in order, and a cookie that stays at home."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
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
    FakeCommands,
    FetchFailed,
    fetch,
    make_context,
    payload,
    reply,
)
from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar
from tui.core.errors import ErrorKind, ParseError, Unauthorized
from tui.core.models import DAY_MINUTES, MONTH_MINUTES, ProviderKey, ProviderSnapshot
from tui.core.process import CommandResult
from tui.core.schedule import carry_over
from tui.gateways.process import Programs
from tui.providers import _chain
from tui.providers._chain import SourceMemory
from tui.providers._context import FetchContext
from tui.providers._parse import json_value
from tui.providers.amp import PROVIDER
from tui.providers.amp.display import months_later, read_usage
from tui.providers.amp.page import leads_to_login, may_get_cookie, read_free_tier
from tui.providers.amp.parse import next_daily_reset, parse_answer, parse_page, parse_text
from tui.providers.amp.sources import BALANCE_URL, stored_token

KEY = ProviderKey("amp")
TOKEN = "sgamp_user_01234567"
SESSION = "s3ss10n-value-of-mia-0123456789"
PAGE = "https://ampcode.com/settings"
BALANCE = "https://ampcode.com/api/internal"
WEB = {"source": "web"}
API = {"source": "api"}
CLI = {"source": "cli"}
GOOD = {"AMP_API_KEY": TOKEN}


def of_text(body: bytes, now: datetime = NOON) -> ProviderSnapshot:
    return parse_text(reply(body).text, key=KEY, now=now, source_id="cli")


def of_page(body: bytes) -> ProviderSnapshot:
    return parse_page(reply(body).text, key=KEY, now=NOON)


def of_answer(body: bytes) -> ProviderSnapshot:
    return parse_answer(json_value(reply(body), "Amp"), key=KEY, now=NOON)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "secrets.json": lambda body: stored_token(reply(body).text),
    "*.txt": of_text,
    "*.html": of_page,
    "*.json": of_answer,
}


def shown(name: str, now: datetime = NOON) -> ProviderSnapshot:
    return of_text(payload("amp", name), now)


def said(*lines: str) -> ProviderSnapshot:
    return of_text("\n".join(lines).encode())


# -- the free tier ---------------------------------------------------------------------------------


def test_dollars_of_the_free_tier_with_the_time_to_full_and_the_rate() -> None:
    snapshot = shown("free_dollars.txt")
    (free,) = snapshot.windows
    assert (free.id, free.label, free.used_percent) == ("free", "Amp Free", 40.0)
    assert (free.used, free.limit, free.unit) == (Decimal(4), Decimal(10), "USD")
    assert free.resets_at == NOON + timedelta(hours=8)
    assert (free.refills, free.paced, free.headline) == (True, False, True)
    assert free.window_minutes == 20 * 60
    assert free.resets_text == "$6.00 left of $10.00 · +$0.50/hour"
    assert (snapshot.identity.account, snapshot.identity.organization) == (
        "mia@example.org",
        "studio",
    )
    assert snapshot.identity.plan == "Amp Free"
    assert [(row.label, row.value) for row in snapshot.details] == [("Comes back", "+$0.50/hour")]


def test_a_full_allowance_without_a_rate_has_neither_reset_nor_length() -> None:
    snapshot = shown("free_full_coloured.txt")
    (free,) = snapshot.windows
    assert (free.used_percent, free.resets_at, free.window_minutes) == (0.0, None, None)
    assert snapshot.identity.account == "mia@example.org"
    assert snapshot.details[0].value == "+20% bonus for 3 more days"


@pytest.mark.parametrize(
    ("line", "percent", "has_reset"),
    [
        ("Amp Free: $0/$0 remaining (replenishes +$0.42/hour)", 0.0, False),
        ("Amp Free: $4/$10 remaining (replenishes +$0/hour)", 60.0, False),
        ("Amp Free: -$0.50/$10 remaining (replenishes +$1/hour)", 100.0, True),
        ("Amp Free: $12/$10 remaining (replenishes +$1/hour)", 0.0, False),
        ("AMP FREE: 1,250.5/2,501 remaining", 50.0, False),
    ],
)
def test_odd_amounts_of_the_free_tier(line: str, percent: float, has_reset: bool) -> None:
    (free,) = said(line).windows
    assert free.used_percent == percent
    assert (free.resets_at is not None) is has_reset


def test_a_tiny_rate_gives_no_moment_beyond_the_calendar() -> None:
    (free,) = said("Amp Free: $1/$9000000 remaining (replenishes +$0.0001/hour)").windows
    assert (free.resets_at, free.window_minutes) == (None, None)


def test_an_allowance_beyond_all_measure_is_no_mistake_of_ours() -> None:
    (free,) = said(f"Amp Free: $1/${'9' * 300} remaining (replenishes +$0.01/hour)").windows
    assert (free.resets_at, free.window_minutes) == (None, None)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 1, 16, 1, tzinfo=UTC)),
        (datetime(2026, 7, 15, 12, tzinfo=UTC), datetime(2026, 7, 16, 0, tzinfo=UTC)),
        (datetime(2026, 7, 16, 0, tzinfo=UTC), datetime(2026, 7, 17, 0, tzinfo=UTC)),
        (datetime(2026, 7, 15, 23, 59, 59, tzinfo=UTC), datetime(2026, 7, 16, 0, tzinfo=UTC)),
        (datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, 0, tzinfo=UTC)),
        (datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 2, 1, tzinfo=UTC)),
    ],
    ids=["winter", "summer", "exactly then", "a second before", "clocks forward", "clocks back"],
)
def test_the_daily_reset_is_at_eight_in_the_evening_in_new_york(
    now: datetime, expected: datetime
) -> None:
    assert next_daily_reset(now) == expected


def test_the_zone_of_new_york_is_known_where_the_system_has_no_zones() -> None:
    code = (
        "from datetime import UTC, datetime; from tui.providers.amp.parse import next_daily_reset; "
        "print(next_daily_reset(datetime(2026, 1, 1, tzinfo=UTC)).hour, end='')"
    )
    env = {**os.environ, "PYTHONTZPATH": ""}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=env)
    assert done.stdout == b"1"


def test_a_percent_has_a_daily_reset_only_when_amp_says_so() -> None:
    (silent,) = shown("free_percent_without_reset.txt").windows
    assert (silent.used_percent, silent.resets_at) == (39.0, None)
    daily = shown("subscription_gigawatt.txt").window("free")
    assert (daily.used_percent, daily.window_minutes) == (39.0, DAY_MINUTES)
    assert daily.resets_at == datetime(2026, 9, 11, 0, 0, tzinfo=UTC)
    assert (daily.headline, daily.refills) == (False, False)


def test_dollars_win_over_percent() -> None:
    (free,) = shown("free_both_lines.txt").windows
    assert (free.used, free.refills) == (Decimal("5.29"), True)


def test_the_time_to_full_does_not_survive_into_a_percent_reading() -> None:
    dollars, percent = shown("free_dollars.txt"), shown("free_percent_without_reset.txt")
    assert carry_over(dollars, percent).window("free").resets_at is None


# -- subscriptions and credits ---------------------------------------------------------------------


def test_the_newer_wording_with_months() -> None:
    snapshot = shown("subscription_gigawatt.txt")
    agent, orb, free = snapshot.windows
    assert (agent.id, agent.label, agent.used_percent) == ("agent", "Other usage", 27.0)
    assert (orb.id, orb.label, orb.used_percent) == ("orb", "Orb usage", 9.0)
    assert agent.resets_at == orb.resets_at == datetime(2026, 10, 10, 12, 0, tzinfo=UTC)
    assert agent.window_minutes == MONTH_MINUTES
    assert free.id == "free"
    assert snapshot.identity.plan == "Gigawatt"
    assert snapshot.confidence == "percent_only"


def test_the_older_wording_with_days_and_everything_around_it() -> None:
    snapshot = shown("subscription_megawatt.txt")
    agent, orb, free = snapshot.windows
    assert (agent.used_percent, orb.used_percent) == (3.0, 0.0)
    assert agent.resets_at == NOON + timedelta(days=29)
    assert (free.used, free.headline) == (Decimal("5.29"), False)
    assert snapshot.identity.plan == "Megawatt"
    assert snapshot.identity.account == "login@example.org"
    assert [(balance.label, balance.amount) for balance in snapshot.balances] == [
        ("Individual credits", Decimal("-0.03")),
        ("Workspace Blue Team", Decimal("1234.50")),
        ("Workspace Nördlich: Labor", Decimal(0)),
    ]
    assert [(row.label, row.value) for row in snapshot.details] == [
        ("Comes back", "+$0.42/hour"),
        ("Promotion", "+20% bonus for 3 more days"),
        ("Auto-reload", "off"),
    ]
    assert snapshot.confidence == "exact"


def test_the_wording_with_dollars_and_machine_hours_is_exact() -> None:
    agent, orb = shown("tier_megawatt.txt").windows
    assert (agent.label, agent.used_percent) == ("Agent usage", 7.5)
    assert (agent.used, agent.limit, agent.unit) == (Decimal("1.50"), Decimal(20), "USD")
    assert (orb.used, orb.limit, orb.unit) == (Decimal("49.5"), Decimal(750), "hours")
    assert orb.used_percent == pytest.approx(6.6)
    assert orb.resets_at == datetime(2026, 12, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "labels", "percents"),
    [
        (
            "Subscription Megawatt: 40% agent usage and 60% orb usage remaining",
            ["Agent usage", "Orb usage"],
            [60.0, 40.0],
        ),
        ("Amp Tera Watt Subscription: 140% other usage remaining", ["Other usage"], [0.0]),
        (
            "amp x tier: orb usage 1h of 0h orb hours remaining (93%), agent usage $1 of $4 "
            "remaining - period 2026-02-30 to 2026-02-31",
            ["Agent usage", "Orb usage"],
            [75.0, 7.0],
        ),
    ],
)
def test_other_forms_of_a_subscription(line: str, labels: list[str], percents: list[float]) -> None:
    windows = said(line).windows
    assert [window.label for window in windows] == labels
    assert [window.used_percent for window in windows] == percents
    assert {window.resets_at for window in windows} == {None}


def test_months_are_calendar_months() -> None:
    assert months_later(datetime(2027, 1, 31, 9, tzinfo=UTC), 1) == datetime(
        2027, 2, 28, 9, tzinfo=UTC
    )
    assert months_later(datetime(2026, 12, 5, tzinfo=UTC), 13) == datetime(2028, 1, 5, tzinfo=UTC)


def test_credits_without_any_window_are_an_answer() -> None:
    snapshot = shown("credits_alone.txt")
    assert snapshot.windows == ()
    (credits,) = snapshot.balances
    assert (credits.amount, credits.currency) == (Decimal("1017.23"), "USD")
    assert snapshot.identity.plan == "Amp"
    assert snapshot.confidence == "exact"


def test_monthly_credits_are_a_pool_of_dollars() -> None:
    (monthly,) = shown("monthly_credits.txt").windows
    assert (monthly.id, monthly.used_percent, monthly.limit) == ("monthly", 72.5, Decimal(20))


def test_unknown_lines_are_passed_over() -> None:
    snapshot = said("Welcome!", "Amp Free: soon", "Workspace X: closed", "Amp Free: 61% remaining")
    assert [window.id for window in snapshot.windows] == ["free"]


def test_names_with_markup_and_escapes_are_kept_out_of_the_way() -> None:
    snapshot = said("Signed in as [/x]@example.org ([red]\x1b[31mR)", "Workspace [b]: $1 remaining")
    assert snapshot.identity.organization == "[red]R"
    assert snapshot.balances[0].label == "Workspace [b]"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Please sign in.", Unauthorized),
        ("Run `amp login`", Unauthorized),
        ("Signed in as login@example.org\nnothing else", ParseError),
        ("login@example.org", ParseError),
        ("", ParseError),
        ("Sign instruments", ParseError),
    ],
)
def test_signed_out_is_told_from_not_understood(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        said(text)


def test_amounts_beyond_all_measure_are_left_out() -> None:
    usage = read_usage(
        f"Individual credits: ${'9' * 400} remaining\nWorkspace A: $1 remaining", NOON
    )
    assert usage.credits is None
    assert usage.workspaces == (("A", Decimal(1)),)


# -- the page --------------------------------------------------------------------------------------


def test_the_page_counts_in_cents() -> None:
    snapshot = of_page(payload("amp", "page_embedded.html"))
    (free,) = snapshot.windows
    assert (free.used_percent, free.used, free.limit) == (25.0, Decimal("2.5"), Decimal(10))
    assert free.resets_at == NOON + timedelta(hours=5)
    assert free.window_minutes == DAY_MINUTES
    assert "+$0.50/hour" in free.resets_text
    assert (snapshot.source_id, snapshot.identity.plan) == ("web", "Amp Free")


def test_the_prefetched_form_and_the_first_place_that_holds_numbers() -> None:
    (free,) = of_page(payload("amp", "page_prefetched.html")).windows
    assert (free.used_percent, free.resets_at) == (0.0, None)
    assert free.limit == Decimal(10)


def test_quoted_keys_and_numbers_and_more_than_everything() -> None:
    (free,) = of_page(payload("amp", "page_quoted_keys.html")).windows
    assert (free.used_percent, free.used) == (100.0, Decimal("12.505"))
    assert free.window_minutes is None


def test_a_page_without_numbers_is_signed_out_only_when_it_shows_so() -> None:
    with pytest.raises(Unauthorized, match="Not logged in to Amp"):
        of_page(payload("amp", "refused_sign_in.html"))
    with pytest.raises(ParseError):
        of_page(payload("amp", "bad_without_free_tier.html"))


def test_a_page_full_of_open_braces_is_given_up_soon() -> None:
    assert read_free_tier("freeTierUsage:{" * 100_000) is None


# -- the access token ------------------------------------------------------------------------------


async def api_fetch(
    home: Path, answer: httpx.Response, env: Mapping[str, str] = GOOD
) -> tuple[respx.Route, ProviderSnapshot]:
    with respx.mock(assert_all_called=False) as router:
        route = router.post(BALANCE).mock(return_value=answer)
        ctx = await make_context(PROVIDER, home, settings=API, env=env)
        return route, await fetch(PROVIDER, ctx)


async def api_refusal(home: Path, answer: httpx.Response) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await api_fetch(home, answer)
    return caught.value


async def test_the_token_call_is_literal_and_without_cookies(home: Path) -> None:
    good = httpx.Response(200, content=payload("amp", "balance.json"))
    route, snapshot = await api_fetch(home, good)
    request = route.calls.last.request
    assert str(request.url) == BALANCE_URL == f"{BALANCE}?userDisplayBalanceInfo"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert "cookie" not in request.headers
    assert json.loads(request.content) == {"method": "userDisplayBalanceInfo", "params": {}}
    assert (snapshot.source_id, snapshot.origin) == ("api", "from AMP_API_KEY")
    assert snapshot.window("free").used == Decimal("5.29")
    assert snapshot.balances[0].amount == Decimal("17.23")


async def test_the_configured_token_comes_before_the_variable(home: Path) -> None:
    with respx.mock() as router:
        good = httpx.Response(200, content=payload("amp", "balance.json"))
        route = router.post(BALANCE).mock(return_value=good)
        table = {**API, "api_key": ' "sgamp_file" '}
        await fetch(PROVIDER, await make_context(PROVIDER, home, settings=table, env=GOOD))
    assert route.calls.last.request.headers["authorization"] == "Bearer sgamp_file"


async def test_a_token_does_not_follow_a_redirect(home: Path) -> None:
    with respx.mock(assert_all_called=False) as router:
        router.post(BALANCE).respond(307, headers={"location": "https://ampcode.com/elsewhere"})
        elsewhere = router.route(path="/elsewhere").respond(200)
        ctx = await make_context(PROVIDER, home, settings=API, env=GOOD)
        with pytest.raises(FetchFailed, match="307"):
            await fetch(PROVIDER, ctx)
        assert not elsewhere.called


@pytest.mark.parametrize(
    ("status", "content", "kind", "words"),
    [
        (401, b"<html>no</html>", ErrorKind.UNAUTHORIZED, "invalid or expired"),
        (403, b"", ErrorKind.UNAUTHORIZED, "AMP_API_KEY"),
        (200, payload("amp", "refused_auth_required.json"), ErrorKind.UNAUTHORIZED, "new one"),
        (200, payload("amp", "refused_other_code.json"), ErrorKind.SERVER, "ledger"),
        (500, b"{}", ErrorKind.SERVER, "500"),
        (404, b"", ErrorKind.SERVER, "404"),
        (200, payload("amp", "bad_empty_text.json"), ErrorKind.PARSE, "not understood"),
        (200, b'{"ok":true,"result":"x"}', ErrorKind.PARSE, "not understood"),
        (200, b"[]", ErrorKind.PARSE, "not understood"),
        (200, b"<!doctype html>", ErrorKind.PARSE, "a page"),
        (200, b"", ErrorKind.PARSE, "empty"),
        (200, b'{"ok":tr', ErrorKind.PARSE, "JSON"),
    ],
)
async def test_refusals_of_the_token_call(
    home: Path, status: int, content: bytes, kind: ErrorKind, words: str
) -> None:
    failed = await api_refusal(home, httpx.Response(status, content=content))
    assert failed.error.kind is kind
    assert words in f"{failed.error.message} {failed.error.hint}"


async def test_a_limit_of_requests_opens_a_gate(home: Path) -> None:
    failed = await api_refusal(home, httpx.Response(429, headers={"retry-after": "90"}))
    assert (failed.error.kind, failed.error.retry_after_s) == (ErrorKind.RATE_LIMITED, 90)
    assert "Try later" in failed.error.hint


async def test_without_a_token_the_api_mode_says_where_it_goes(home: Path) -> None:
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, await make_context(PROVIDER, home, settings=API))
    assert caught.value.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert "token not configured" in caught.value.error.message
    assert "AMP_API_KEY or api_key" in caught.value.error.hint


def store_token(home: Path, content: bytes = payload("amp", "secrets.json")) -> None:
    file = home / ".local/share/amp/secrets.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)


async def test_the_programs_own_token_follows_the_configured_one(home: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        is_stored = request.headers["authorization"] == "Bearer sgamp_user_0123456789"
        return httpx.Response(200 if is_stored else 401, content=payload("amp", "balance.json"))

    store_token(home)
    with respx.mock() as router:
        route = router.post(BALANCE).mock(side_effect=answer)
        ctx = await make_context(PROVIDER, home, settings=API, env=GOOD)
        snapshot = await fetch(PROVIDER, ctx)
    assert route.call_count == 2
    assert snapshot.origin == "login of the amp CLI"


async def test_the_error_of_the_configured_token_is_the_one_that_is_told(home: Path) -> None:
    store_token(home)
    with respx.mock() as router:
        router.post(BALANCE).mock(side_effect=[httpx.Response(401), httpx.Response(500)])
        ctx = await make_context(PROVIDER, home, settings=API, env=GOOD)
        with pytest.raises(FetchFailed, match="AMP_API_KEY"):
            await fetch(PROVIDER, ctx)


async def test_a_refused_token_of_the_program_names_the_program(home: Path) -> None:
    store_token(home)
    with respx.mock() as router:
        router.post(BALANCE).respond(401)
        with pytest.raises(FetchFailed, match=r"Run `amp login`\."):
            await fetch(PROVIDER, await make_context(PROVIDER, home, settings=API))


@pytest.mark.parametrize(
    ("content", "token"),
    [
        (payload("amp", "secrets.json").decode(), "sgamp_user_0123456789"),
        ('{"apiKey@https://ampcode.com":" sgamp_b "}', "sgamp_b"),
        ('{"other":"x","apiKey@https://amp.example/":"sgamp_c"}', "sgamp_c"),
        ('{"apiKey@https://ampcode.com/":5}', ""),
        ("[1]", ""),
        ("{", ""),
        ("", ""),
    ],
)
def test_the_token_in_the_programs_file(content: str, token: str) -> None:
    assert stored_token(content) == token


async def test_the_token_file_is_a_sign_of_a_login(home: Path) -> None:
    assert PROVIDER.detect is not None
    store_token(home)
    ctx = await make_context(PROVIDER, home, user_initiated=False)
    assert await PROVIDER.detect(ctx) == "login of the amp CLI"
    named = await make_context(PROVIDER, home, account="work", user_initiated=False)
    assert await PROVIDER.detect(named) == ""


@pytest.mark.parametrize("folder", [".local/share", "AppData/Roaming"])
async def test_windows_has_two_places_for_the_token_file(home: Path, folder: str) -> None:
    file = home / folder / "amp/secrets.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(payload("amp", "secrets.json"))
    env = {"APPDATA": str(home / "AppData/Roaming")}
    assert PROVIDER.detect is not None
    ctx = await make_context(PROVIDER, home, env=env, os_name="windows")
    assert await PROVIDER.detect(ctx) == "login of the amp CLI"


async def test_the_data_folder_may_lie_elsewhere(home: Path) -> None:
    file = home / "data/amp/secrets.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(payload("amp", "secrets.json"))
    env = {"XDG_DATA_HOME": str(home / "data")}
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(await make_context(PROVIDER, home, env=env))


# -- the browser login -----------------------------------------------------------------------------


def jar(
    *names: str, domain: str = "ampcode.com", label: str = "Chromium: Default", **options: Any
) -> Jar:
    cookies = [
        Cookie(name=name, value=f"{SESSION}-{name}", domain=domain, secure=True, **options)
        for name in names
    ]
    return Jar(cookies, label)


async def web_context(home: Path, *jars: Jar, **options: Any) -> FetchContext:
    options = {"settings": WEB, "browsers": FakeBrowsers(jars=jars), **options}
    return await make_context(PROVIDER, home, **options)


def page(name: str = "page_embedded.html") -> httpx.Response:
    return httpx.Response(200, html=payload("amp", name).decode())


async def test_the_page_gets_the_session_cookie_alone(home: Path) -> None:
    ctx = await web_context(home, jar("other"), jar("session", "tracking", label="Firefox: main"))
    with respx.mock() as router:
        route = router.get(PAGE).mock(return_value=page())
        snapshot = await fetch(PROVIDER, ctx)
    request = route.calls.last.request
    assert request.headers["cookie"] == f"session={SESSION}-session"
    assert request.headers["origin"] == "https://ampcode.com"
    assert request.headers["referer"] == PAGE
    assert request.headers["accept"].startswith("text/html")
    assert "Chrome/" in request.headers["user-agent"]
    assert snapshot.origin == "Firefox: main"


async def test_a_cookie_of_www_is_sent_to_www(home: Path) -> None:
    ctx = await web_context(home, jar("session", domain="www.ampcode.com", host_only=True))
    with respx.mock() as router:
        router.get("https://www.ampcode.com/settings").mock(return_value=page())
        assert (await fetch(PROVIDER, ctx)).window("free")


@pytest.mark.parametrize(
    "pasted",
    [
        f"session={SESSION}; other=1",
        f"Cookie: other=1; session={SESSION}",
        f"curl 'https://ampcode.com/' -H 'cookie: a=1; session={SESSION}'",
        f"curl https://ampcode.com/ --cookie 'session={SESSION}'",
        f"curl https://ampcode.com/ -b 'session={SESSION}'",
        f"curl https://ampcode.com/ -bsession={SESSION}",
        f'"session={SESSION}"',
        SESSION,
    ],
)
async def test_every_form_of_a_paste(home: Path, pasted: str) -> None:
    with respx.mock() as router:
        route = router.get(PAGE).mock(return_value=page())
        ctx = await web_context(home, secrets={"cookie_header": pasted})
        snapshot = await fetch(PROVIDER, ctx)
    assert route.calls.last.request.headers["cookie"] == f"session={SESSION}"
    assert snapshot.origin == "pasted"


@pytest.mark.parametrize("pasted", ["Session=abcdefgh", "other=1; session=; more=2", "two words"])
async def test_a_paste_without_the_session_cookie_is_refused(home: Path, pasted: str) -> None:
    ctx = await web_context(home, jar("session"), secrets={"cookie_header": pasted})
    with respx.mock(assert_all_called=False) as router:
        everything = router.route().mock(return_value=page())
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
        assert not everything.called
    assert caught.value.error.message == "No Amp session cookie."
    assert "ampcode.com" in caught.value.error.hint


async def test_cookies_switched_off_open_no_browser(home: Path) -> None:
    browsers = FakeBrowsers(jars=(jar("session"),))
    settings = {**WEB, "cookie_source": "off"}
    ctx = await make_context(PROVIDER, home, settings=settings, browsers=browsers)
    with pytest.raises(FetchFailed, match="No Amp session cookie"):
        await fetch(PROVIDER, ctx)
    assert browsers.opened == []


async def test_a_working_login_is_remembered_and_forgotten_when_it_is_refused(home: Path) -> None:
    ctx = await web_context(home, jar("session", label="Chromium: Default"))
    with respx.mock() as router:
        router.get(PAGE).mock(return_value=page())
        await fetch(PROVIDER, ctx)
        assert await ctx.sessions.get("cookies") is not None
        router.get(PAGE).mock(side_effect=[httpx.Response(401), httpx.Response(403)])
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
    assert caught.value.error.kind is ErrorKind.UNAUTHORIZED
    assert "session has expired" in caught.value.error.message
    assert "ampcode.com/settings" in caught.value.error.hint
    assert await ctx.sessions.get("cookies") is None


async def test_a_redirect_within_amp_is_followed_with_the_cookie(home: Path) -> None:
    ctx = await web_context(home, jar("session"))
    with respx.mock() as router:
        router.get(PAGE).respond(302, headers={"location": "/settings/usage?tab=1"})
        route = router.get(f"{PAGE}/usage").mock(return_value=page())
        await fetch(PROVIDER, ctx)
    assert route.calls.last.request.headers["cookie"] == f"session={SESSION}-session"


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("https://auth.ampcode.com/", ErrorKind.UNAUTHORIZED),
        ("/login", ErrorKind.UNAUTHORIZED),
        ("https://www.ampcode.com/a/Sign-In/b", ErrorKind.UNAUTHORIZED),
        ("/auth?ReturnTo=%2Fsettings", ErrorKind.UNAUTHORIZED),
        ("https://ampcode.com.evil.com/settings", ErrorKind.SERVER),
        ("https://evil.com/login", ErrorKind.SERVER),
        ("http://ampcode.com/settings", ErrorKind.SERVER),
        ("", ErrorKind.SERVER),
        ("https://[odd", ErrorKind.SERVER),
        ("/settings", ErrorKind.SERVER),
    ],
)
async def test_other_redirects_end_the_attempt(home: Path, location: str, kind: ErrorKind) -> None:
    ctx = await web_context(home, jar("session"))
    with respx.mock(assert_all_called=False) as router:
        router.get(PAGE).respond(302, headers={"location": location})
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
        assert {call.request.url.host for call in router.calls} == {"ampcode.com"}
    assert caught.value.error.kind is kind


@pytest.mark.parametrize(
    ("url", "is_login", "may_travel"),
    [
        ("https://ampcode.com/auth/sign-out", False, True),
        ("https://ampcode.com/auth/callback?redirectTo=x", True, True),
        ("https://ampcode.com/settings?redirect=1", False, True),
        ("https://ampcode.com/loginhelp", False, True),
        ("https://docs.ampcode.com/signin", True, True),
        ("https://ampcode.com.evil.com/login", False, False),
        ("https://evilampcode.com/login", False, False),
        ("http://ampcode.com/", False, False),
    ],
)
def test_where_a_redirect_leads(url: str, is_login: bool, may_travel: bool) -> None:
    assert (leads_to_login(url), may_get_cookie(url)) == (is_login, may_travel)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(429, headers={"retry-after": "7"}), ErrorKind.RATE_LIMITED),
        (httpx.Response(503), ErrorKind.SERVER),
        (httpx.Response(200, content=b""), ErrorKind.PARSE),
        (httpx.Response(200, html=payload("amp", "refused_sign_in.html").decode()), None),
    ],
)
async def test_other_answers_of_the_page(
    home: Path, answer: httpx.Response, kind: ErrorKind | None
) -> None:
    ctx = await web_context(home, jar("session"))
    with respx.mock() as router:
        router.get(PAGE).mock(return_value=answer)
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
    assert caught.value.error.kind is (kind or ErrorKind.UNAUTHORIZED)


# -- the program -----------------------------------------------------------------------------------


def prints(text: str, **options: Any) -> FakeCommands:
    result = CommandResult(**{"exit_code": 0, "stdout": text, **options})
    return FakeCommands({("usage",): result}, program=Path("/opt/homebrew/bin/amp"))


async def test_the_program_needs_no_login_of_ours(home: Path) -> None:
    commands = prints(payload("amp", "free_dollars.txt").decode())
    ctx = await make_context(PROVIDER, home, settings=CLI, commands=commands)
    snapshot = await fetch(PROVIDER, ctx)
    assert (snapshot.source_id, snapshot.origin) == ("cli", "amp CLI")
    assert commands.calls == [("usage",)]


@pytest.mark.parametrize(
    ("result", "kind", "words"),
    [
        ({"stdout": "  \n"}, ErrorKind.PARSE, "no usage data"),
        ({"exit_code": None, "timed_out": True}, ErrorKind.NETWORK, "15 s"),
        ({"exit_code": 1, "stderr": "Please run amp login"}, ErrorKind.UNAUTHORIZED, "logged in"),
        ({"exit_code": 1, "stderr": "HTTP 429"}, ErrorKind.RATE_LIMITED, "limits"),
        ({"exit_code": 1, "stderr": "getaddrinfo ENOTFOUND"}, ErrorKind.NETWORK, "reach"),
        ({"exit_code": 3, "stderr": "boom"}, ErrorKind.SERVER, "exit code 3"),
        (
            {"exit_code": 1, "stdout": "Signed in as login@example.org\nboom"},
            ErrorKind.SERVER,
            "exit code 1",
        ),
        ({"stdout": "Run amp login first"}, ErrorKind.UNAUTHORIZED, "Not logged in"),
    ],
)
async def test_failures_of_the_program(
    home: Path, result: dict[str, Any], kind: ErrorKind, words: str
) -> None:
    ctx = await make_context(PROVIDER, home, settings=CLI, commands=prints("", **result))
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, ctx)
    assert caught.value.error.kind is kind
    assert words in caught.value.error.message


async def test_error_output_counts_when_there_is_no_other(home: Path) -> None:
    commands = prints("", stderr="Amp Free: 61% remaining")
    ctx = await make_context(PROVIDER, home, settings=CLI, commands=commands)
    assert (await fetch(PROVIDER, ctx)).window("free").used_percent == 39.0


async def test_a_named_account_does_not_use_the_programs_login(home: Path) -> None:
    store_token(home)
    commands = prints(payload("amp", "free_dollars.txt").decode())
    ctx = await make_context(PROVIDER, home, account="work", commands=commands)
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, ctx)
    assert caught.value.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert commands.calls == []


SCRIPT = """#!/bin/sh
[ "$1" = usage ] || exit 9
read -r line && exit 8
echo "Signed in as $NO_COLOR@example.org" >&2
printf 'Amp Free: $6/$10 remaining (replenishes +$%s/hour)\\n' "$(node)" >&2
"""


async def test_a_real_program_is_found_and_has_its_runtime(home: Path) -> None:
    """It lies where nvm puts it, with its runtime beside it; its input is closed."""
    folder = home / ".nvm/versions/node/v22.1.0/bin"
    folder.mkdir(parents=True)
    for name, script in (("amp", SCRIPT), ("node", "#!/bin/sh\necho 2\n")):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    commands = Programs(PROVIDER.programs, None, env, home / "work", (), "linux")
    snapshot = await fetch(
        PROVIDER, await make_context(PROVIDER, home, settings=CLI, commands=commands)
    )
    assert snapshot.identity.account == "1@example.org"
    assert snapshot.window("free").resets_at == NOON + timedelta(hours=2)


# -- the order -------------------------------------------------------------------------------------


async def test_the_program_comes_first(home: Path) -> None:
    commands = prints(payload("amp", "free_dollars.txt").decode())
    ctx = await make_context(PROVIDER, home, env=GOOD, commands=commands)
    with respx.mock(assert_all_called=False) as router:
        everything = router.route().respond(500)
        assert (await fetch(PROVIDER, ctx)).source_id == "cli"
        assert not everything.called


@pytest.mark.parametrize("status", [401, 429, 500, 200])
async def test_any_failure_leads_to_the_next_way(home: Path, status: int) -> None:
    ctx = await make_context(
        PROVIDER,
        home,
        env=GOOD,
        commands=prints("boom", exit_code=1),
        browsers=FakeBrowsers(jars=(jar("session"),)),
    )
    with respx.mock() as router:
        router.post(BALANCE).respond(status)
        router.get(PAGE).mock(return_value=page())
        snapshot = await fetch(PROVIDER, ctx)
    assert snapshot.source_id == "web"


async def test_a_network_error_leads_to_the_next_way_too(home: Path) -> None:
    ctx = await make_context(
        PROVIDER, home, env=GOOD, browsers=FakeBrowsers(jars=(jar("session"),))
    )
    with respx.mock() as router:
        router.post(BALANCE).mock(side_effect=httpx.ConnectError("dns"))
        router.get(PAGE).mock(return_value=page())
        assert (await fetch(PROVIDER, ctx)).source_id == "web"


@pytest.mark.parametrize("mode", ["cli", "api", "web"])
async def test_a_chosen_way_is_the_only_one(home: Path, mode: str) -> None:
    commands = FakeCommands()
    ctx = await make_context(PROVIDER, home, settings={"source": mode}, commands=commands)
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, ctx)
    (attempt,) = caught.value.result.attempts
    assert attempt.source_id == mode
    expected = {"cli": "Amp CLI not found.", "api": "token", "web": "session cookie"}
    assert expected[mode] in caught.value.error.message


async def test_with_nothing_at_all_one_message_names_all_three_ways(home: Path) -> None:
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, await make_context(PROVIDER, home))
    for words in ("amp CLI", "AMP_API_KEY", "log in at ampcode.com in a browser"):
        assert words in caught.value.error.hint


async def test_what_was_tried_is_reported_before_what_is_missing(home: Path) -> None:
    ctx = await make_context(PROVIDER, home, env=GOOD)
    with respx.mock() as router:
        router.post(BALANCE).respond(401)
        with pytest.raises(FetchFailed, match="token is invalid or expired"):
            await fetch(PROVIDER, ctx)


async def test_cancelling_the_program_does_not_start_the_web(home: Path) -> None:
    class Interrupted(FakeCommands):
        async def run(self, program: Path, *args: str, **options: Any) -> CommandResult:
            raise asyncio.CancelledError

    ctx = await make_context(
        PROVIDER,
        home,
        commands=Interrupted(program=Path("/opt/homebrew/bin/amp")),
        browsers=FakeBrowsers(jars=(jar("session"),)),
    )
    with respx.mock(assert_all_called=False) as router:
        everything = router.route().mock(return_value=page())
        with pytest.raises(asyncio.CancelledError):
            await fetch(PROVIDER, ctx)
        assert not everything.called


async def test_in_the_background_the_program_runs_every_quarter_of_an_hour(home: Path) -> None:
    commands = prints(payload("amp", "free_dollars.txt").decode())
    ctx = await make_context(PROVIDER, home, commands=commands, user_initiated=False)
    memory = SourceMemory()
    for _ in range(3):
        result = await _chain.run(PROVIDER, ctx, memory=memory)
        assert result.snapshot is not None
    assert len(commands.calls) == 1
