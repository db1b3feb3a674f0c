"""Copilot: quotas of every kind of seat, logins in order, and a login by code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from tests.support import (
    NOON,
    FakeClock,
    FakeCommands,
    FetchFailed,
    fetch,
    make_context,
    payload,
    reply,
)
from tui.core.errors import ErrorKind, FetchError, ParseError, Unauthorized
from tui.core.models import MONTH_MINUTES, DetailRow, ProviderKey, ProviderSnapshot
from tui.core.process import CommandResult
from tui.core.redact import Secret
from tui.providers._context import FetchContext
from tui.providers._parse import ensure_ok, json_object
from tui.providers.copilot import PROVIDER, sources
from tui.providers.copilot.device import log_in, log_out, parse_code
from tui.providers.copilot.hosts import Site, read_host
from tui.providers.copilot.logins import GH_VARIABLES, Login, gh_section, gh_token
from tui.providers.copilot.parse import parse_login, parse_user

KEY = ProviderKey("copilot")
GITHUB = Site("github.com")
SEAT = "https://api.github.com/copilot_internal/user"
KEYED = {"COPILOT_API_TOKEN": "gho_tokenofthevariable"}
GH_TOLD = ("auth", "token", "--hostname", "github.com")
GH_FILE = """\
github.com:
    users:
        octo-noor:
            oauth_token: gho_tokenofanotheruser
        octo-mira:
            oauth_token: gho_tokenofgh
    git_protocol: https
    oauth_token: gho_tokenofgh
    user: octo-mira
octocorp.ghe.com:
    oauth_token: gho_tokenofoctocorp
"""


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "GitHub")


def seat(body: bytes) -> ProviderSnapshot:
    return parse_user(decoded(body), key=KEY, now=NOON)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "refused_*": lambda body: ensure_ok(
        reply(body, 403), "GitHub", now=NOON, errors=sources.errors_of(Login(Secret("x"), "mine"))
    ),
    "*seat_*": seat,
    "user.json": lambda body: parse_login(decoded(body)),
    "*code.json": lambda body: parse_code(decoded(body), GITHUB),
}


def of_quotas(**fields: Any) -> ProviderSnapshot:
    return seat(json.dumps({"quota_snapshots": fields}).encode())


def lanes(snapshot: ProviderSnapshot) -> list[tuple[str, float | None]]:
    return [(window.id, window.used_percent) for window in snapshot.windows]


@pytest.fixture
def github() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        router.get(SEAT, name="seat").respond(content=payload("copilot", "seat_individual.json"))
        router.get("https://api.github.com/user", name="user").respond(
            content=payload("copilot", "user.json")
        )
        yield router


async def read(home: Path, **options: Any) -> ProviderSnapshot:
    return await fetch(PROVIDER, await make_context(PROVIDER, home, **options))


async def failure(home: Path, **options: Any) -> Any:
    with pytest.raises(FetchFailed) as caught:
        await read(home, **options)
    return caught.value.error


def tokens(router: respx.MockRouter) -> list[str]:
    return [call.request.headers["authorization"] for call in router.calls]


def put(home: Path, name: str, content: object) -> None:
    file = home / ".config" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))


# -- seats -----------------------------------------------------------------------------------------


def test_a_paid_seat_has_its_metered_quota_only() -> None:
    snapshot = seat(payload("copilot", "seat_individual.json"))
    (premium,) = snapshot.windows
    assert (premium.id, premium.label, premium.used_percent) == ("premium", "Premium", 40.0)
    assert (premium.used, premium.limit, premium.unit) == (Decimal(600), Decimal(1500), "requests")
    assert premium.window_minutes == MONTH_MINUTES
    assert (snapshot.identity.account, snapshot.identity.plan) == ("octo-mira", "Individual Pro")
    assert snapshot.details == (DetailRow("Usage", "Credits used", "600"),)


def test_a_plain_date_is_midnight_in_utc() -> None:
    (premium,) = seat(payload("copilot", "seat_individual.json")).windows
    assert premium.resets_at == datetime(2026, 10, 1, tzinfo=UTC)


def test_more_than_everything_may_be_used_and_numbers_may_be_texts() -> None:
    snapshot = seat(payload("copilot", "seat_over.json"))
    assert lanes(snapshot) == [("premium", 130.0), ("chat", 75.0)]
    assert snapshot.window("premium").used == Decimal(390)


def test_the_free_tier_counts_what_is_left() -> None:
    snapshot = seat(payload("copilot", "seat_free.json"))
    assert lanes(snapshot) == [("completions", 25.0), ("chat", 18.0)]
    assert snapshot.window("chat").used == Decimal(90)
    assert snapshot.window("chat").resets_at == datetime(2026, 10, 11, tzinfo=UTC)


def test_a_seat_billed_by_tokens_has_no_meter_and_says_so() -> None:
    snapshot = seat(payload("copilot", "seat_token_billing.json"))
    assert snapshot.windows == ()
    assert "token-based billing" in snapshot.notice
    assert snapshot.details == (DetailRow("Usage", "Credits used", "1,234.5"),)


def test_an_unlimited_plan_says_so() -> None:
    snapshot = seat(payload("copilot", "seat_unlimited.json"))
    assert snapshot.windows == ()
    assert "unlimited" in snapshot.notice


@pytest.mark.parametrize(
    ("quotas", "expected"),
    [
        ({"premium_models": {"percent_remaining": 30}}, [("premium", 70.0)]),
        ({"code_review": {"percent_remaining": 30}}, [("premium", 70.0)]),
        ({"completions": {"percent_remaining": 30}}, [("completions", 70.0)]),
        ({"agent_chat": {"percent_remaining": 30}}, [("chat", 70.0)]),
        ({"stars": {"percent_remaining": 30}, "moons": {"percent_remaining": 9}}, [("chat", 70.0)]),
        (
            {"chat": {"percent_remaining": 10}, "agent_chat": {"percent_remaining": 30}},
            [("chat", 90.0)],
        ),
        ({"chat": {"entitlement": 200, "remaining": 50}}, [("chat", 75.0)]),
        ({"chat": {"entitlement": 200}}, [("chat", None)]),
        ({"chat": {"percent_remaining": 130}}, [("chat", 0.0)]),
    ],
)
def test_quotas_find_their_lane(quotas: dict[str, Any], expected: list[Any]) -> None:
    assert lanes(of_quotas(**quotas)) == expected


@pytest.mark.parametrize("percent", ["NaN", None, True, "many"])
def test_a_senseless_percent_is_unknown(percent: Any) -> None:
    with pytest.raises(ParseError):
        of_quotas(chat={"percent_remaining": percent})


# -- asking ----------------------------------------------------------------------------------------


async def test_the_seat_is_asked_the_way_the_plugin_does(
    home: Path, github: respx.MockRouter
) -> None:
    snapshot = await read(home, env=KEYED)
    headers = github["seat"].calls.last.request.headers
    assert headers["authorization"] == "token gho_tokenofthevariable"
    assert headers["editor-version"] == "vscode/1.96.2"
    assert headers["editor-plugin-version"] == "copilot-chat/0.26.7"
    assert headers["user-agent"] == "GitHubCopilotChat/0.26.7"
    assert headers["x-github-api-version"] == "2025-04-01"
    assert snapshot.origin == "from COPILOT_API_TOKEN"
    assert github["user"].call_count == 0


async def test_the_account_is_asked_for_where_the_seat_does_not_name_it(
    home: Path, github: respx.MockRouter
) -> None:
    github["seat"].respond(content=payload("copilot", "seat_unlimited.json"))
    assert (await read(home, env=KEYED)).identity.account == "octo-mira"
    github["user"].respond(500)
    assert (await read(home, env=KEYED)).identity.account == ""


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, ErrorKind.UNAUTHORIZED, "Copilot seat"),
        (403, ErrorKind.UNAUTHORIZED, "classic personal tokens are refused"),
        (404, ErrorKind.UNSUPPORTED, "no Copilot on this GitHub account"),
        (429, ErrorKind.RATE_LIMITED, "rate"),
        (500, ErrorKind.SERVER, "HTTP 500"),
    ],
)
async def test_refusals_say_what_they_mean(
    home: Path, github: respx.MockRouter, status: int, kind: ErrorKind, words: str
) -> None:
    body = payload("copilot", "refused_token.json")
    github["seat"].respond(status, content=body, headers={"Retry-After": "90"})
    error = await failure(home, env=KEYED)
    assert error.kind is kind
    assert words in f"{error.message} {error.hint}"
    assert error.retry_after_s == (90 if status == 429 else None)


async def test_a_refusal_names_the_login_it_is_about(home: Path, github: respx.MockRouter) -> None:
    github["seat"].respond(401)
    assert "Replace it (from COPILOT_API_TOKEN):" in (await failure(home, env=KEYED)).hint
    put(home, "github-copilot/apps.json", {"github.com:x": {"oauth_token": "gho_tokenofplugin"}})
    assert "`quotadeck login copilot`" in (await failure(home)).hint


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"quota_snap', b"[]", b"{}"])
async def test_what_is_no_seat_is_a_parse_error(
    home: Path, github: respx.MockRouter, body: bytes
) -> None:
    github["seat"].respond(content=body)
    assert (await failure(home, env=KEYED)).kind is ErrorKind.PARSE


async def test_a_redirect_to_another_host_gets_no_token(
    home: Path, github: respx.MockRouter
) -> None:
    elsewhere = github.route(host="elsewhere.example").respond(200)
    github["seat"].respond(302, headers={"Location": "https://elsewhere.example/seat"})
    assert (await failure(home, env=KEYED)).kind is ErrorKind.SERVER
    assert elsewhere.call_count == 0


# -- logins ----------------------------------------------------------------------------------------


def put_all_logins(home: Path) -> None:
    plugin = {"user": "octo", "oauth_token": "gho_tokenofapps"}
    put(home, "github-copilot/apps.json", {"github.com:Iv1.b507a08c87ecfe98": plugin})
    older = {"user": "octo", "oauth_token": "gho_tokenofhosts"}
    put(home, "github-copilot/hosts.json", {"github.com": older})
    put(home, "gh/hosts.yml", GH_FILE)


async def test_logins_are_tried_in_order_until_one_has_a_seat(
    home: Path, github: respx.MockRouter
) -> None:
    put_all_logins(home)
    ctx = await make_context(PROVIDER, home)
    await ctx.sessions.put("device", Secret("ghu_tokenofdevice"), "github.com")
    good = httpx.Response(200, content=payload("copilot", "seat_individual.json"))
    refusals = [httpx.Response(status) for status in (401, 404, 403)]
    github["seat"].side_effect = [*refusals, good]
    snapshot = await fetch(PROVIDER, ctx)
    assert snapshot.origin == "GitHub CLI login"
    names = ("device", "apps", "hosts", "gh")
    kinds = ("ghu", "gho", "gho", "gho")
    wanted = [f"token {kind}_tokenof{name}" for kind, name in zip(kinds, names, strict=True)]
    assert tokens(github) == wanted


async def test_when_no_login_has_a_seat_the_first_refusal_is_shown(
    home: Path, github: respx.MockRouter
) -> None:
    put_all_logins(home)
    github["seat"].side_effect = [httpx.Response(status) for status in (404, 401, 401)]
    assert (await failure(home)).kind is ErrorKind.UNSUPPORTED


async def test_trouble_of_the_service_tries_no_other_login(
    home: Path, github: respx.MockRouter
) -> None:
    put_all_logins(home)
    github["seat"].respond(503)
    assert (await failure(home)).kind is ErrorKind.SERVER
    assert github["seat"].call_count == 1


async def test_a_refused_key_is_not_replaced_by_somebody_elses_login(
    home: Path, github: respx.MockRouter
) -> None:
    put_all_logins(home)
    github["seat"].respond(401)
    assert (await failure(home, secrets={"api_key": "gho_tokenofthestore"}, env=KEYED)).kind is (
        ErrorKind.UNAUTHORIZED
    )
    assert tokens(github) == ["token gho_tokenofthestore"]


async def test_a_named_account_takes_no_login_of_other_programs(
    home: Path, github: respx.MockRouter
) -> None:
    put_all_logins(home)
    settings = {"accounts": {"work": {"label": "Work"}}}
    error = await failure(home, settings=settings, env=KEYED, account="work")
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert github.calls.call_count == 0


async def test_tokens_for_other_purposes_are_left_alone(
    home: Path, github: respx.MockRouter
) -> None:
    error = await failure(home, env={"GH_TOKEN": "ghp_ci", "GITHUB_TOKEN": "ghp_ci"})
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert github.calls.call_count == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"github.com": 7}', '{"github.com": {}}'])
async def test_broken_plugin_files_hold_no_login(
    home: Path, github: respx.MockRouter, content: str
) -> None:
    put(home, "github-copilot/apps.json", content)
    assert (await failure(home)).kind is ErrorKind.MISSING_CREDENTIALS


async def test_plugins_and_our_login_are_signs_of_copilot_and_gh_is_none(home: Path) -> None:
    assert PROVIDER.detect is not None
    put(home, "gh/hosts.yml", GH_FILE)
    ctx = await make_context(PROVIDER, home, user_initiated=False)
    assert await PROVIDER.detect(ctx) == ""
    put_all_logins(home)
    assert await PROVIDER.detect(ctx) == "Copilot plugin of an editor"
    await ctx.sessions.put("device", Secret("ghu_tokenofdevice"), "github.com")
    assert await PROVIDER.detect(ctx) == "GitHub login"


async def test_a_file_that_cannot_be_read_stands_in_no_other_logins_way(
    home: Path, github: respx.MockRouter
) -> None:
    (home / ".config/github-copilot/apps.json").mkdir(parents=True)
    assert (await failure(home)).kind is ErrorKind.MISSING_CREDENTIALS
    put(home, "gh/hosts.yml", GH_FILE)
    assert (await read(home)).origin == "GitHub CLI login"


# -- the GitHub CLI --------------------------------------------------------------------------------


def test_the_active_user_of_gh_stands_at_the_first_level() -> None:
    section = gh_section(GH_FILE, "github.com")
    assert section is not None
    assert gh_token(section) == Secret("gho_tokenofgh")
    assert gh_section(GH_FILE, "elsewhere.example") is None
    other = gh_section(GH_FILE, "octocorp.ghe.com")
    assert other is not None
    assert gh_token(other) == Secret("gho_tokenofoctocorp")
    hidden = gh_section(GH_FILE.replace("\n    oauth_token: gho_tokenofgh\n", "\n"), "github.com")
    assert hidden is not None
    assert gh_token(hidden) is None


@pytest.mark.parametrize("user_initiated", [True, False])
async def test_gh_is_asked_for_a_hidden_token_only_on_request(
    home: Path, github: respx.MockRouter, user_initiated: bool
) -> None:
    put(home, "gh/hosts.yml", "github.com:\n    user: octo-mira\n")
    told = CommandResult(exit_code=0, stdout="gho_tokenofthekeystore\n")
    gh = FakeCommands({GH_TOLD: told}, program=Path("/usr/bin/gh"))
    ctx = await make_context(PROVIDER, home, commands=gh, user_initiated=user_initiated)
    if user_initiated:
        await fetch(PROVIDER, ctx)
        await fetch(PROVIDER, replace(ctx, user_initiated=False))
        assert tokens(github) == ["token gho_tokenofthekeystore"] * 2
    else:
        with pytest.raises(FetchFailed, match=r"lies in a key store\. Refresh by hand"):
            await fetch(PROVIDER, ctx)
    assert gh.calls == [GH_TOLD] * user_initiated


async def test_gh_does_not_hand_out_tokens_of_variables(home: Path) -> None:
    class Watched(FakeCommands):
        dropped: tuple[str, ...] = ()

        async def run(self, program: Path, *args: str, **options: Any) -> CommandResult:
            self.dropped = options["drop_env"]
            return CommandResult(exit_code=1, stdout="", stderr="no oauth token found")

    put(home, "gh/hosts.yml", "github.com:\n    user: octo-mira\n")
    gh = Watched(program=Path("/usr/bin/gh"))
    assert (await failure(home, commands=gh)).kind is ErrorKind.MISSING_CREDENTIALS
    assert gh.dropped == GH_VARIABLES


# -- an enterprise ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("", "github.com"),
        (" https://Octocorp.ghe.com/login ", "octocorp.ghe.com"),
        ("api.octocorp.ghe.com.", "octocorp.ghe.com"),
        ("github.com", "github.com"),
    ],
)
def test_an_enterprise_is_known_by_its_bare_host(typed: str, host: str) -> None:
    assert read_host(typed) == host


async def test_an_enterprise_gets_its_own_tokens_only(home: Path, github: respx.MockRouter) -> None:
    put_all_logins(home)
    route = github.get("https://api.octocorp.ghe.com/copilot_internal/user").respond(
        content=payload("copilot", "seat_individual.json")
    )
    await read(home, settings={"enterprise_host": "octocorp.ghe.com"})
    assert route.call_count == 1
    assert tokens(github) == ["token gho_tokenofoctocorp"]


@pytest.mark.parametrize("typed", ["octo corp", "mira@octocorp.com", "octocorp.com:8443", "local"])
async def test_what_is_no_host_is_refused_before_any_byte(
    home: Path, github: respx.MockRouter, typed: str
) -> None:
    error = await failure(home, settings={"enterprise_host": typed}, env=KEYED)
    assert error.kind is ErrorKind.UNSUPPORTED
    assert "enterprise_host" in error.message
    assert github.calls.call_count == 0


# -- the login by code -----------------------------------------------------------------------------


class Flow:
    """GitHub's side of a login by code."""

    def __init__(self, router: respx.MockRouter, *answers: dict[str, Any] | Exception) -> None:
        self.code = router.post("https://github.com/login/device/code")
        self.code.respond(content=payload("copilot", "code.json"))
        self.token = router.post("https://github.com/login/oauth/access_token")
        self.token.side_effect = [
            answer if isinstance(answer, Exception) else httpx.Response(200, json=answer)
            for answer in answers
        ]


PENDING = {"error": "authorization_pending"}
SLOW = {"error": "slow_down", "interval": 10}
GIVEN = {"access_token": "ghu_tokenofdevice", "token_type": "bearer", "scope": ""}


async def acted(ctx: FetchContext, seconds: float) -> tuple[str, list[str]]:
    """The login with time passing, and what the user was told."""
    told: list[str] = []
    clock = ctx.clock
    assert isinstance(clock, FakeClock)
    task = asyncio.create_task(log_in(replace(ctx, tell=told.append)))
    try:
        for _ in range(200):
            await asyncio.sleep(0.005)
            if task.done():
                break
            if clock.waiting:
                await clock.advance(min(seconds, 5.0))
                seconds -= 5.0
        return await task, told
    finally:
        task.cancel()


async def test_the_code_is_shown_and_the_login_kept(home: Path, github: respx.MockRouter) -> None:
    flow = Flow(github, PENDING, httpx.ConnectError("away"), GIVEN)
    ctx = await make_context(PROVIDER, home)
    said, told = await acted(ctx, 60)
    assert said == "Logged in with GitHub."
    assert told == ["Open https://github.com/login/device and enter WDJB-MJHT."]
    asked = parse_qs(flow.token.calls.last.request.content.decode())
    assert asked == {
        "client_id": ["Iv1.b507a08c87ecfe98"],
        "device_code": ["3584d83530557fdd1f46af8289938c8ef79f9dc5"],
        "grant_type": ["urn:ietf:params:oauth:grant-type:device_code"],
    }
    assert flow.code.calls.last.request.headers["accept"] == "application/json"
    github["seat"].calls.reset()
    assert (await fetch(PROVIDER, ctx)).origin == "GitHub login"
    assert github["seat"].calls.last.request.headers["authorization"] == "token ghu_tokenofdevice"


async def test_slow_down_makes_the_pause_longer(home: Path, github: respx.MockRouter) -> None:
    flow = Flow(github, SLOW, GIVEN)
    ctx = await make_context(PROVIDER, home)
    started_at = ctx.clock.monotonic()
    await acted(ctx, 60)
    assert flow.token.call_count == 2
    assert ctx.clock.monotonic() - started_at == 15


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("expired_token", "The code has expired."),
        ("access_denied", "The login was declined on GitHub."),
        ("incorrect_device_code", "GitHub refused the login."),
    ],
)
async def test_a_login_that_ends_says_why(
    home: Path, github: respx.MockRouter, word: str, message: str
) -> None:
    Flow(github, {"error": word})
    ctx = await make_context(PROVIDER, home)
    with pytest.raises(FetchError) as caught:
        await acted(ctx, 60)
    assert caught.value.message == message
    assert await ctx.sessions.get("device") is None


async def test_a_code_nobody_types_expires(home: Path, github: respx.MockRouter) -> None:
    flow = Flow(github, *[PENDING] * 200)
    code = {**json.loads(payload("copilot", "code.json")), "expires_in": 30}
    flow.code.respond(json=code)
    with pytest.raises(Unauthorized, match="expired"):
        await acted(await make_context(PROVIDER, home), 60)
    assert flow.token.call_count == 5


@pytest.mark.parametrize(
    "address", ["https://evil.example/login/device", "http://github.com/login/device", "", 7]
)
def test_a_page_of_another_host_is_not_shown(address: Any) -> None:
    answer = {**json.loads(payload("copilot", "code.json")), "verification_uri": address}
    assert parse_code(answer, GITHUB).page == "https://github.com/login/device"


async def test_a_forgotten_login_is_not_used(home: Path, github: respx.MockRouter) -> None:
    ctx = await make_context(PROVIDER, home)
    await ctx.sessions.put("device", Secret("ghu_tokenofdevice"), "github.com")
    assert "forgotten" in await log_out(ctx)
    with pytest.raises(FetchFailed):
        await fetch(PROVIDER, ctx)
    assert github.calls.call_count == 0


async def test_a_login_for_another_host_is_not_used(home: Path, github: respx.MockRouter) -> None:
    ctx = await make_context(PROVIDER, home)
    await ctx.sessions.put("device", Secret("ghu_tokenofdevice"), "octocorp.ghe.com")
    with pytest.raises(FetchFailed):
        await fetch(PROVIDER, ctx)
    assert github.calls.call_count == 0
