"""Augment: two layouts of a program, its login, and a browser login."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import respx

from tests.support import (
    NOON,
    FakeBrowsers,
    FakeCommands,
    FetchFailed,
    cookie_names,
    fetch,
    make_context,
    payload,
    reply,
)
from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar
from tui.core.errors import ErrorKind, ParseError
from tui.core.models import ProviderKey, ProviderSnapshot
from tui.core.process import CommandResult
from tui.core.redact import Secret
from tui.gateways.process import Programs
from tui.providers._context import FetchContext
from tui.providers._parse import json_object
from tui.providers.augment import PROVIDER
from tui.providers.augment.cli import read_login
from tui.providers.augment.display import read_status
from tui.providers.augment.parse import (
    parse_credit_info,
    parse_credits,
    parse_status,
    with_account,
    with_subscription,
)
from tui.providers.augment.session import session_of
from tui.providers.augment.web import CODEXBAR_FILE, SESSION_NAMES

KEY = ProviderKey("augment")
APP = "https://app.augmentcode.com"
CREDITS = f"{APP}/api/credits"
SUBSCRIPTION = f"{APP}/api/subscription"
TENANT = "https://d3.api.augmentcode.com"
VALUE = "s3ss10n-value-of-mira-0123456789"
WEB = {"source": "web"}
CLI = {"source": "cli"}
BARE = ProviderSnapshot(key=KEY, source_id="web", fetched_at=NOON)


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "Augment")


def of_status(body: bytes, zone: tzinfo = UTC) -> ProviderSnapshot:
    return parse_status(reply(body).text, key=KEY, now=NOON, zone=zone)


def of_credits(body: bytes) -> ProviderSnapshot:
    return parse_credits(decoded(body), key=KEY, now=NOON)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "session.json": lambda body: read_login(reply(body).text, "x"),
    "codexbar*": lambda body: Jar.load(Secret(reply(body).text), "CodexBar"),
    "models.json": lambda body: with_account(BARE, decoded(body)),
    "subscription*": lambda body: with_subscription(
        of_credits(body_of_credits()), decoded(body), NOON
    ),
    "*credit_info*": lambda body: parse_credit_info(decoded(body), key=KEY, now=NOON),
    "*.txt": of_status,
    "*": of_credits,
}


def body_of_credits() -> bytes:
    return payload("augment", "credits.json")


def credits(name: str) -> ProviderSnapshot:
    return of_credits(payload("augment", name))


def rows(snapshot: ProviderSnapshot) -> dict[str, str]:
    return {row.label: row.value for row in snapshot.details}


# -- the website's numbers -------------------------------------------------------------------------


def test_credits_of_a_cycle() -> None:
    snapshot = credits("credits.json")
    (window,) = snapshot.windows
    assert (window.id, window.label, window.window_minutes) == ("monthly", "Credits", None)
    assert window.used_percent == pytest.approx(29.1667, abs=1e-3)
    assert (window.used, window.limit, window.unit) == (Decimal(87500), Decimal(300000), "credits")
    (balance,) = snapshot.balances
    assert (balance.amount, balance.currency) == (Decimal(212500), "credits")
    assert rows(snapshot) == {
        "Remaining": "212,500 credits",
        "Used": "87,500 credits",
        "Limit": "300,000 credits",
        "Status": "active",
    }
    assert snapshot.source_id == "web"


def test_a_limit_of_nothing_is_rebuilt_from_what_was_used_and_is_left() -> None:
    (window,) = credits("credits_without_limit.json").windows
    assert (window.used_percent, window.limit) == (10.0, Decimal(1000))


def test_without_a_limit_there_is_no_bar_but_what_is_left() -> None:
    snapshot = credits("credits_remaining_alone.json")
    assert snapshot.windows == ()
    assert snapshot.balances[0].amount == Decimal(42)
    used = credits("credits_used_alone.json")
    assert used.windows == ()
    assert (used.balances[0].amount, used.balances[0].used) == (None, Decimal("87.5"))


def test_numbers_as_texts_and_more_than_everything() -> None:
    (window,) = credits("credits_overused_as_text.json").windows
    assert (window.used_percent, window.used) == (100.0, Decimal(1300))


@pytest.mark.parametrize("name", ["bad_credits_empty.json", "bad_credits_without_numbers.json"])
def test_not_a_single_number_is_an_error(name: str) -> None:
    with pytest.raises(ParseError, match="unexpected format"):
        credits(name)


def test_the_subscription_adds_plan_account_and_the_end_of_the_cycle() -> None:
    answer = decoded(payload("augment", "subscription.json"))
    snapshot = with_subscription(credits("credits.json"), answer, NOON)
    assert snapshot.window("monthly").resets_at == datetime(2026, 10, 3, tzinfo=UTC)
    identity = snapshot.identity
    assert (identity.plan, identity.account) == ("Indie", "mira@example.com")
    assert identity.organization == "Northwind"
    assert rows(snapshot)["Each cycle"] == "300,000"
    assert snapshot.notice == ""


def test_a_time_without_fraction_and_with_an_offset_is_understood_too() -> None:
    answer = decoded(payload("augment", "subscription_trial_over.json"))
    snapshot = with_subscription(credits("credits.json"), answer, NOON)
    assert snapshot.window("monthly").resets_at == datetime(2026, 10, 3, tzinfo=UTC)
    assert snapshot.identity.plan == "Developer [trial]"
    assert rows(snapshot)["Trial ends"] == "Sep 9"
    assert snapshot.notice == "The Augment plan has expired."


def test_a_time_that_is_none_gives_no_reset() -> None:
    answer = decoded(payload("augment", "subscription_sparse.json"))
    snapshot = with_subscription(credits("credits.json"), answer, NOON)
    assert snapshot.window("monthly").resets_at is None
    assert snapshot == credits("credits.json")


# -- what the program prints -----------------------------------------------------------------------


def test_the_present_layout() -> None:
    snapshot = of_status(payload("augment", "status.txt"), ZoneInfo("America/New_York"))
    (window,) = snapshot.windows
    assert (window.used, window.limit) == (Decimal(87500), Decimal(300000))
    assert window.resets_at == datetime(2026, 10, 3, 4, tzinfo=UTC)
    assert snapshot.identity.plan == "Indie Plan"
    assert (snapshot.source_id, snapshot.identity.account) == ("cli", "")


def test_the_older_layout_counts_bought_credits_into_the_limit() -> None:
    snapshot = of_status(payload("augment", "status_legacy.txt"))
    (window,) = snapshot.windows
    assert (window.used, window.limit) == (Decimal(480000), Decimal(500000))
    assert window.used_percent == 96.0
    assert window.resets_at == datetime(2026, 2, 14, tzinfo=UTC)
    assert snapshot.balances[0].amount == Decimal(20000)
    assert snapshot.identity.plan == "Max Plan"


def test_more_left_than_the_month_brings_is_no_debt() -> None:
    snapshot = of_status(payload("augment", "status_bought_credits.txt"))
    assert snapshot.window("monthly").used == Decimal(0)
    assert snapshot.identity.plan == "50,000 credits/month"


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("Indie Plan 100 credits / month\n5 credits remaining", "Indie Plan"),
        ("5 credits remaining Legacy Max Plan\n100 credits / month", "Legacy Max Plan"),
        ("5 credits remaining\nSee the Plan page\n100 credits / month", "100 credits/month"),
        ("5 remaining · 95 / 100 credits used", ""),
    ],
)
def test_words_of_a_plan(text: str, plan: str) -> None:
    status = read_status(text, UTC)
    assert status is not None
    assert status.plan == plan


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12 credits remaining in this billing cycle\n100 credits / month",
        "100 credits / month",
        "5 credits remaining",
    ],
)
def test_lines_that_are_not_enough(text: str) -> None:
    assert read_status(text, UTC) is None


def test_a_day_that_does_not_exist_is_no_reset() -> None:
    text = "5 credits remaining\n9 credits / month\nin this billing cycle (ends 13/40/2026)"
    status = read_status(text, UTC)
    assert status is not None
    assert status.ends_at is None


# -- the program -----------------------------------------------------------------------------------


def prints(text: str, **options: Any) -> FakeCommands:
    result = CommandResult(**{"exit_code": 0, "stdout": text, **options})
    return FakeCommands({("account", "status"): result}, program=Path("/opt/bin/auggie"))


async def cli_refusal(home: Path, commands: FakeCommands) -> FetchFailed:
    ctx = await make_context(PROVIDER, home, settings=CLI, commands=commands)
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, ctx)
    return caught.value


async def test_the_program_comes_first_and_asks_nobody_else(home: Path) -> None:
    commands = prints(payload("augment", "status.txt").decode())
    browsers = FakeBrowsers(jars=(jar("session"),))
    ctx = await make_context(PROVIDER, home, commands=commands, browsers=browsers)
    snapshot = await fetch(PROVIDER, ctx)
    assert (snapshot.source_id, snapshot.origin) == ("cli", "auggie")
    assert commands.calls == [("account", "status")]
    assert browsers.opened == []
    assert not session_of(ctx).is_used


@pytest.mark.parametrize(
    ("result", "kind", "words"),
    [
        ({"timed_out": True, "exit_code": None}, ErrorKind.NETWORK, "within 15 s"),
        ({"stdout": " \n"}, ErrorKind.PARSE, "no output"),
        ({"stdout": "Hello"}, ErrorKind.PARSE, "has changed; update needed"),
        ({"exit_code": 2, "stderr": "boom"}, ErrorKind.SERVER, "exit code 2"),
    ],
)
async def test_failures_of_the_program(
    home: Path, result: dict[str, Any], kind: ErrorKind, words: str
) -> None:
    failed = await cli_refusal(home, prints("", **result))
    assert failed.error.kind is kind
    assert words in failed.error.message
    assert failed.error.source_id == "cli"


@pytest.mark.parametrize(
    "result",
    [
        {"stdout": payload("augment", "refused_status_signed_out.txt").decode(), "exit_code": 1},
        {"stderr": "Run `auggie login` first."},
    ],
)
async def test_a_signed_out_program_says_so_instead_of_no_cookies(
    home: Path, result: dict[str, Any]
) -> None:
    ctx = await make_context(PROVIDER, home, commands=prints("", **result))
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, ctx)
    assert caught.value.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert caught.value.error.message == "Auggie is not logged in."
    assert caught.value.error.hint == "Run `auggie login`."


async def test_a_hint_about_logging_in_beside_numbers_is_no_refusal(home: Path) -> None:
    text = payload("augment", "status.txt").decode() + "\nSwitch accounts with auggie login\n"
    ctx = await make_context(PROVIDER, home, settings=CLI, commands=prints(text))
    assert (await fetch(PROVIDER, ctx)).window("monthly")


@pytest.mark.parametrize(
    "result",
    [
        {"timed_out": True, "exit_code": None},
        {"exit_code": 1},
        {"stdout": "nonsense"},
        {"stdout": "Authentication failed"},
    ],
)
async def test_any_failure_of_the_program_leads_to_the_website(
    home: Path, result: dict[str, Any]
) -> None:
    browsers = FakeBrowsers(jars=(jar("session"),))
    ctx = await make_context(PROVIDER, home, commands=prints("", **result), browsers=browsers)
    with respx.mock(assert_all_called=False) as router:
        website(router)
        assert (await fetch(PROVIDER, ctx)).source_id == "web"
    assert session_of(ctx).is_used


async def test_the_chosen_program_has_no_way_to_the_website(home: Path) -> None:
    browsers = FakeBrowsers(jars=(jar("session"),))
    ctx = await make_context(PROVIDER, home, settings=CLI, browsers=browsers)
    with pytest.raises(FetchFailed, match="Install auggie") as caught:
        await fetch(PROVIDER, ctx)
    assert caught.value.error.cause == "no_program"
    assert browsers.opened == []


async def test_a_named_account_lives_on_nothing_that_lies_around(home: Path) -> None:
    store_login(home)
    commands = prints(payload("augment", "status.txt").decode())
    ctx = await make_context(PROVIDER, home, account="work", commands=commands)
    with pytest.raises(FetchFailed, match="No Augment login found"):
        await fetch(PROVIDER, ctx)
    assert commands.calls == []


async def test_a_real_program_that_hangs_is_ended_and_the_website_asked(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.providers.augment.cli.PROGRAM_TIMEOUT_S", 0.3)
    program = home / ".npm-global/bin/auggie"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho $$ > {home}/pid\nsleep 60\n")
    program.chmod(0o755)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    commands = Programs(PROVIDER.programs, None, env, home / "work", (), "linux")
    browsers = FakeBrowsers(jars=(jar("session"),))
    ctx = await make_context(PROVIDER, home, commands=commands, browsers=browsers)
    with respx.mock(assert_all_called=False) as router:
        website(router)
        assert (await asyncio.wait_for(fetch(PROVIDER, ctx), 10)).source_id == "web"
    assert not Path(f"/proc/{(home / 'pid').read_text().strip()}").exists()


# -- the program's login ---------------------------------------------------------------------------


def store_login(home: Path, content: bytes = payload("augment", "session.json")) -> None:
    file = home / ".augment/session.json"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)


def session_json(tenant: str, token: str = "aug-variable-012345") -> str:
    return json.dumps({"accessToken": token, "tenantURL": tenant})


async def test_the_programs_login_answers_without_the_program(home: Path) -> None:
    store_login(home)
    with respx.mock() as router:
        route = router.post(f"{TENANT}/get-credit-info").respond(
            content=payload("augment", "credit_info.json")
        )
        router.post(f"{TENANT}/get-models").respond(content=payload("augment", "models.json"))
        snapshot = await fetch(PROVIDER, await make_context(PROVIDER, home))
    request = route.calls.last.request
    assert request.headers["authorization"] == "Bearer aug-0123456789abcdef"
    assert json.loads(request.content) == {}
    window = snapshot.window("monthly")
    assert (window.used, window.limit) == (Decimal(87500), Decimal(300000))
    assert window.resets_at == datetime(2026, 10, 3, tzinfo=UTC)
    assert (snapshot.source_id, snapshot.origin) == ("cli", "login of auggie")
    assert snapshot.identity.plan == "Indie Plan"
    assert snapshot.identity.account == "mira@example.com"


def test_included_credits_are_the_limit_where_the_total_is_none() -> None:
    body = payload("augment", "credit_info_bought.json")
    snapshot = parse_credit_info(decoded(body), key=KEY, now=NOON)
    window = snapshot.window("monthly")
    assert (window.used, window.limit, window.unit) == (Decimal(0), Decimal(50000), "messages")
    assert snapshot.notice == "Augment says that few credits are left."


@pytest.mark.parametrize(
    ("env", "tenant", "token", "origin"),
    [
        (
            {
                "AUGMENT_SESSION_AUTH": session_json(" https://v1.augmentcode.com// "),
                "AUGMENT_API_TOKEN": "aug-second",
                "AUGMENT_API_URL": "https://v2.augmentcode.com",
            },
            "https://v1.augmentcode.com",
            "aug-variable-012345",
            "from AUGMENT_SESSION_AUTH",
        ),
        (
            {
                "AUGMENT_SESSION_AUTH": "no json",
                "AUGMENT_API_TOKEN": " aug-second ",
                "AUGMENT_API_URL": "https://v2.augmentcode.com/base/",
            },
            "https://v2.augmentcode.com/base",
            "aug-second",
            "from AUGMENT_API_TOKEN",
        ),
        ({"AUGMENT_API_TOKEN": "aug-alone"}, TENANT, "aug-0123456789abcdef", "login of auggie"),
    ],
)
async def test_the_order_of_logins(
    home: Path, env: Mapping[str, str], tenant: str, token: str, origin: str
) -> None:
    store_login(home)
    with respx.mock() as router:
        route = router.post(f"{tenant}/get-credit-info").respond(
            content=payload("augment", "credit_info.json")
        )
        ctx = await make_context(PROVIDER, home, settings={**CLI, "extras": False}, env=env)
        snapshot = await fetch(PROVIDER, ctx)
    assert route.calls.last.request.headers["authorization"] == f"Bearer {token}"
    assert snapshot.origin == origin


@pytest.mark.parametrize(
    "tenant",
    [
        "http://d3.api.augmentcode.com/",
        "https://augmentcode.com.evil.com/",
        "https://evilaugmentcode.com/",
        "https://augmentcode.com@evil.com/",
        "d3.api.augmentcode.com",
    ],
)
async def test_a_foreign_tenant_gets_no_byte(home: Path, tenant: str) -> None:
    store_login(home, session_json(tenant).encode())
    with respx.mock(assert_all_called=False) as router:
        everything = router.route().respond(200)
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, await make_context(PROVIDER, home, settings=CLI))
        assert not everything.called
    assert caught.value.error.kind is ErrorKind.UNSUPPORTED
    assert "not an address of Augment" in caught.value.error.message


async def test_a_file_that_is_too_large_is_not_read(home: Path) -> None:
    store_login(home, b" " * (65 << 10) + payload("augment", "session.json"))
    with pytest.raises(FetchFailed, match="64 KiB"):
        await fetch(PROVIDER, await make_context(PROVIDER, home, settings=CLI))


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_login_of_the_program(home: Path, status: int) -> None:
    store_login(home)
    with respx.mock() as router:
        router.post(f"{TENANT}/get-credit-info").respond(status)
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, await make_context(PROVIDER, home, settings=CLI))
    assert caught.value.error.kind is ErrorKind.UNAUTHORIZED
    assert caught.value.error.hint == "Run `auggie login` again."
    assert caught.value.error.source_id == "cli"


async def test_a_refused_token_of_a_variable_is_not_renewed_by_the_program(home: Path) -> None:
    env = {"AUGMENT_API_TOKEN": "aug-old", "AUGMENT_API_URL": TENANT}
    with respx.mock() as router:
        router.post(f"{TENANT}/get-credit-info").respond(401)
        with pytest.raises(FetchFailed, match=r"Replace the token \(from AUGMENT_API_TOKEN\)"):
            await fetch(PROVIDER, await make_context(PROVIDER, home, settings=CLI, env=env))


async def test_the_login_file_is_a_sign_of_a_login(home: Path) -> None:
    assert PROVIDER.detect is not None
    store_login(home)
    assert await PROVIDER.detect(await make_context(PROVIDER, home)) == "login of auggie"
    named = await make_context(PROVIDER, home, account="work")
    assert await PROVIDER.detect(named) == ""


# -- the website -----------------------------------------------------------------------------------


def jar(*names: str, domain: str = "app.augmentcode.com", label: str = "Chrome: Default") -> Jar:
    cookies = [
        Cookie(name=name, value=f"{VALUE}-{label}-{name}", domain=domain, secure=True)
        for name in names
    ]
    return Jar(cookies, label)


def website(router: respx.MockRouter, credits: httpx.Response | None = None) -> respx.Route:
    good = httpx.Response(200, content=payload("augment", "credits.json"))
    route = router.get(CREDITS).mock(return_value=credits or good)
    router.get(SUBSCRIPTION).respond(content=payload("augment", "subscription.json"))
    return route


async def web_context(home: Path, *jars: Jar, **options: Any) -> FetchContext:
    options = {"settings": WEB, "browsers": FakeBrowsers(jars=jars), **options}
    return await make_context(PROVIDER, home, **options)


async def remember(ctx: FetchContext, kept: Jar) -> None:
    await ctx.sessions.put("cookies", kept.dump(), kept.label)


async def test_the_website_gives_credits_and_subscription(home: Path) -> None:
    ctx = await web_context(home, jar("analytics", label="Safari"), jar("session", "other"))
    with respx.mock() as router:
        route = website(router)
        snapshot = await fetch(PROVIDER, ctx)
    request = route.calls.last.request
    assert "Chrome/" in request.headers["user-agent"]
    assert request.headers["accept"] == "application/json"
    assert cookie_names([Secret(request.headers["cookie"])]) == ["session", "other"]
    assert snapshot.origin == "Chrome: Default"
    assert snapshot.identity.plan == "Indie"
    assert snapshot.window("monthly").resets_at is not None
    kept = await ctx.sessions.get("cookies")
    assert kept is not None
    assert kept.label == "Chrome: Default"


async def test_a_failing_subscription_leaves_the_credits_alone(home: Path) -> None:
    ctx = await web_context(home, jar("session"))
    with respx.mock() as router:
        website(router)
        router.get(SUBSCRIPTION).respond(500)
        snapshot = await fetch(PROVIDER, ctx)
    assert snapshot.window("monthly").used == Decimal(87500)
    assert snapshot.identity.plan == ""


@pytest.mark.parametrize("name", sorted(SESSION_NAMES))
async def test_each_known_name_is_a_login(home: Path, name: str) -> None:
    ctx = await web_context(home, jar(name))
    with respx.mock(assert_all_called=False) as router:
        website(router)
        assert await fetch(PROVIDER, ctx)


async def test_cookies_go_only_where_a_browser_would_send_them(home: Path) -> None:
    mixed = Jar(
        [
            Cookie(name="session", value=VALUE, domain="app.augmentcode.com"),
            Cookie(name="_session", value=VALUE, domain="augmentcode.com"),
            Cookie(name="auth0", value=VALUE, domain="auth.augmentcode.com"),
            Cookie(name="plan", value=VALUE, domain="billing.augmentcode.com"),
        ],
        "Chrome: Default",
    )
    only_auth = jar("auth0", domain="auth.augmentcode.com", label="Edge: Default")
    ctx = await web_context(home, only_auth, mixed)
    with respx.mock() as router:
        route = website(router)
        await fetch(PROVIDER, ctx)
    (call,) = route.calls
    sent = cookie_names([Secret(call.request.headers["cookie"])])
    assert sorted(sent) == ["_session", "session"]


@pytest.mark.parametrize("status", [401, 403])
async def test_the_next_profile_is_tried_after_a_refusal(home: Path, status: int) -> None:
    ctx = await web_context(home, jar("session"), jar("session", label="Firefox: main"))
    with respx.mock() as router:
        route = website(router)
        good = httpx.Response(200, content=payload("augment", "credits.json"))
        route.mock(side_effect=[httpx.Response(status), good])
        assert (await fetch(PROVIDER, ctx)).origin == "Firefox: main"


async def test_an_expired_login_is_forgotten_and_looked_for_in_browsers(home: Path) -> None:
    ctx = await web_context(home, jar("session", label="Firefox: main"))
    await remember(ctx, jar("session"))
    with respx.mock() as router:
        route = website(router)
        good = httpx.Response(200, content=payload("augment", "credits.json"))
        route.mock(side_effect=[httpx.Response(401), good])
        assert (await fetch(PROVIDER, ctx)).origin == "Firefox: main"
    kept = await ctx.sessions.get("cookies")
    assert kept is not None
    assert kept.label == "Firefox: main"


@pytest.mark.parametrize(
    "answer", [httpx.Response(500), httpx.Response(429), httpx.ConnectError("dns")]
)
async def test_other_trouble_keeps_the_login_and_opens_no_browser(
    home: Path, answer: httpx.Response | Exception
) -> None:
    browsers = FakeBrowsers(jars=(jar("session", label="Firefox: main"),))
    ctx = await make_context(PROVIDER, home, settings=WEB, browsers=browsers)
    await remember(ctx, jar("session"))
    with respx.mock() as router:
        router.get(CREDITS).mock(side_effect=[answer])
        with pytest.raises(FetchFailed):
            await fetch(PROVIDER, ctx)
    assert browsers.opened == []
    assert await ctx.sessions.get("cookies") is not None


@pytest.mark.parametrize(("by_user", "opened"), [(False, []), (True, ["Firefox: main"])])
async def test_a_forbidden_login_is_kept_and_only_the_user_gets_to_the_browsers(
    home: Path, by_user: bool, opened: list[str]
) -> None:
    browsers = FakeBrowsers(jars=(jar("session", label="Firefox: main"),))
    ctx = await make_context(
        PROVIDER, home, settings=WEB, browsers=browsers, user_initiated=by_user
    )
    await remember(ctx, jar("session"))
    with respx.mock() as router:
        router.get(CREDITS).respond(403, text="secret body of a refusal")
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
    assert browsers.opened == opened
    kept = await ctx.sessions.get("cookies")
    assert kept is not None
    assert kept.label == "Chrome: Default"
    assert caught.value.error.kind is ErrorKind.UNAUTHORIZED
    assert caught.value.error.message == "Augment refused access (403)."
    assert "secret body" not in repr(caught.value.result)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(401, json={"error": "no"}), ErrorKind.UNAUTHORIZED, "has expired"),
        (
            httpx.Response(200, html=payload("augment", "refused_sign_in.html").decode()),
            ErrorKind.UNAUTHORIZED,
            "has expired",
        ),
        (
            httpx.Response(302, headers={"location": "https://login.augmentcode.com/u/login"}),
            ErrorKind.UNAUTHORIZED,
            "has expired",
        ),
        (
            httpx.Response(307, headers={"location": "https://accounts.example.com/signin"}),
            ErrorKind.UNAUTHORIZED,
            "has expired",
        ),
        (
            httpx.Response(302, headers={"location": "https://other.example.com/"}),
            ErrorKind.SERVER,
            "HTTP 302",
        ),
        (httpx.Response(429), ErrorKind.RATE_LIMITED, "limits"),
        (httpx.Response(502), ErrorKind.SERVER, "Augment API error (HTTP 502)."),
        (httpx.Response(200, json={}), ErrorKind.PARSE, "unexpected format"),
        (httpx.Response(200, content=b'{"usage'), ErrorKind.PARSE, "JSON"),
        (httpx.Response(200, content=b""), ErrorKind.PARSE, "empty"),
        (httpx.ReadTimeout("slow"), ErrorKind.NETWORK, "Could not reach Augment"),
    ],
)
async def test_refusals_of_the_website(
    home: Path, answer: httpx.Response | Exception, kind: ErrorKind, words: str
) -> None:
    ctx = await web_context(home, jar("session"))
    with respx.mock(assert_all_called=False) as router:
        router.get(CREDITS).mock(side_effect=[answer])
        strangers = router.route(host__regex=r".*\.example\.com|login\..*").respond(200)
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
        assert not strangers.called
    assert caught.value.error.kind is kind
    assert words in caught.value.error.message


@pytest.mark.parametrize("end", [httpx.Response(404), httpx.Response(200, json={"usage": 1})])
async def test_a_way_to_the_login_page_of_the_website_itself_is_a_refusal(
    home: Path, end: httpx.Response
) -> None:
    ctx = await web_context(home, jar("session"))
    with respx.mock() as router:
        router.get(CREDITS).respond(302, headers={"location": "/login?from=/api/credits"})
        router.get("https://app.augmentcode.com/login").mock(return_value=end)
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
    assert caught.value.error.message == "The Augment session has expired."


async def test_an_expired_session_says_what_to_do(home: Path) -> None:
    ctx = await web_context(home, jar("session"))
    with respx.mock() as router:
        router.get(CREDITS).respond(401)
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
    assert caught.value.error.hint == (
        "Log out and in at app.augmentcode.com, then refresh the session."
    )


async def test_the_wait_of_a_limit_is_kept(home: Path) -> None:
    ctx = await web_context(home, jar("session"))
    with respx.mock() as router:
        router.get(CREDITS).respond(429, headers={"retry-after": "90"})
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
    assert caught.value.error.retry_after_s == 90


async def test_without_any_login_all_ways_are_named(home: Path) -> None:
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, await make_context(PROVIDER, home))
    assert caught.value.error.message == "No Augment login found."
    for words in ("`auggie login`", "app.augmentcode.com", "manual cookie setting"):
        assert words in caught.value.error.hint


# -- pasted, off, and the file of another program --------------------------------------------------


@pytest.mark.parametrize(
    "pasted",
    [
        f"session={VALUE}; own=1",
        f"Cookie: session={VALUE}; own=1",
        f"curl '{APP}/' -H 'cookie: session={VALUE}; own=1'",
    ],
)
async def test_a_pasted_header_is_sent_as_it_is(home: Path, pasted: str) -> None:
    browsers = FakeBrowsers(jars=(jar("session"),))
    ctx = await make_context(
        PROVIDER, home, settings=WEB, secrets={"cookie_header": pasted}, browsers=browsers
    )
    with respx.mock() as router:
        route = website(router)
        snapshot = await fetch(PROVIDER, ctx)
    assert route.calls.last.request.headers["cookie"] == f"session={VALUE}; own=1"
    assert snapshot.origin == "pasted"
    assert browsers.opened == []
    assert await ctx.sessions.get("cookies") is None


async def test_a_paste_without_cookies_sends_nothing(home: Path) -> None:
    ctx = await web_context(home, secrets={"cookie_header": "just words"})
    with respx.mock(assert_all_called=False) as router:
        everything = router.route().respond(200)
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
        assert not everything.called
    assert caught.value.error.kind is ErrorKind.MISSING_CREDENTIALS


async def test_a_renewed_paste_is_used_until_it_is_refused(home: Path) -> None:
    pasted = Secret(f"session={VALUE}")
    ctx = await web_context(home, secrets={"cookie_header": pasted.reveal()})
    newer = ctx.sessions.read_paste(Secret("session=renewed-0123456789")).jar
    assert newer is not None
    await ctx.sessions.put("renewed", newer.dump(), pasted.fingerprint())
    with respx.mock() as router:
        route = website(router)
        good = httpx.Response(200, content=payload("augment", "credits.json"))
        route.mock(side_effect=[good, httpx.Response(401), good])
        assert (await fetch(PROVIDER, ctx)).origin == "pasted, renewed since"
        assert (await fetch(PROVIDER, ctx)).origin == "pasted"
    sent = [call.request.headers["cookie"] for call in route.calls]
    assert sent == ["session=renewed-0123456789"] * 2 + [f"session={VALUE}"]
    assert await ctx.sessions.get("renewed") is None


async def test_what_became_of_another_paste_is_not_used(home: Path) -> None:
    ctx = await web_context(home, secrets={"cookie_header": f"session={VALUE}"})
    other = ctx.sessions.read_paste(Secret("session=of-another-0123")).jar
    assert other is not None
    await ctx.sessions.put("renewed", other.dump(), Secret("another paste").fingerprint())
    with respx.mock() as router:
        website(router)
        assert (await fetch(PROVIDER, ctx)).origin == "pasted"


async def test_cookies_switched_off_leave_the_program(home: Path) -> None:
    settings = {"cookie_source": "off"}
    browsers = FakeBrowsers(jars=(jar("session"),))
    ctx = await make_context(PROVIDER, home, settings=settings, browsers=browsers)
    with pytest.raises(FetchFailed, match="No Augment login found"):
        await fetch(PROVIDER, ctx)
    assert browsers.opened == []
    commands = prints(payload("augment", "status.txt").decode())
    ctx = await make_context(PROVIDER, home, settings=settings, commands=commands)
    assert (await fetch(PROVIDER, ctx)).source_id == "cli"


async def test_the_session_of_codexbar_is_read_and_left_alone_once_refused(home: Path) -> None:
    file = home / CODEXBAR_FILE.removeprefix("~/")
    file.parent.mkdir(parents=True)
    content = payload("augment", "codexbar_session.json")
    file.write_bytes(content)
    ctx = await web_context(home)
    with respx.mock() as router:
        route = website(router)
        route.mock(side_effect=[httpx.Response(401), httpx.Response(500)])
        for _ in range(2):
            with pytest.raises(FetchFailed):
                await fetch(PROVIDER, ctx)
        assert route.call_count == 1
        file.write_bytes(content.replace(b"codexbar-0123456789", b"codexbar-9876543210"))
        route.mock(return_value=httpx.Response(200, content=payload("augment", "credits.json")))
        snapshot = await fetch(PROVIDER, ctx)
    assert snapshot.origin == "CodexBar"
    assert route.calls.last.request.headers["cookie"] == "session=codexbar-9876543210"
    assert file.stat().st_size == len(content)


# -- several together ------------------------------------------------------------------------------


async def test_a_refusal_is_reported_rather_than_what_is_missing(home: Path) -> None:
    ctx = await make_context(
        PROVIDER,
        home,
        commands=prints("Authentication failed"),
        browsers=FakeBrowsers(jars=(jar("session"),)),
    )
    with respx.mock() as router:
        router.get(CREDITS).respond(401)
        with pytest.raises(FetchFailed, match="session has expired"):
            await fetch(PROVIDER, ctx)


async def test_an_expired_session_asks_the_keepalive_once(home: Path) -> None:
    ctx = await web_context(home, jar("session"))
    session = session_of(ctx)
    with respx.mock() as router:
        route = website(router)
        route.respond(401)
        for _ in range(2):
            with pytest.raises(FetchFailed):
                await fetch(PROVIDER, ctx)
            assert session.wants_renewal is (route.call_count == 1)
            session.wants_renewal = False
        route.respond(200, content=payload("augment", "credits.json"))
        await fetch(PROVIDER, ctx)
        assert not session.is_expired
        route.respond(401)
        with pytest.raises(FetchFailed):
            await fetch(PROVIDER, ctx)
    assert session.wants_renewal


async def test_the_rhythm_of_the_keepalive_is_that_of_the_contract(home: Path) -> None:
    settings = (await make_context(PROVIDER, home)).settings
    names = ("check", "buffer", "min_gap", "session")
    assert [settings.number(f"keepalive_{name}_minutes") for name in names] == [5, 5, 2, 30]
    assert settings.flag("keepalive")
