"""Codex: windows by length, logins of the program, and the program itself where they fail."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.support import NOON, FakeClock, FetchFailed, fetch, make_context, payload, reply
from tui.core.errors import ErrorKind, FetchError, MissingCredentials, NetworkError
from tui.core.models import (
    MONTH_MINUTES,
    WEEK_MINUTES,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    ProviderState,
)
from tui.core.preferences import Preferences
from tui.core.redact import Secret
from tui.demo.scenes import codex as scene
from tui.demo.stage import Moment
from tui.demo.transport import PlayedUpstream
from tui.gateways.http import HttpGateway
from tui.gateways.process import Programs
from tui.present.card import card_view
from tui.providers import _chain
from tui.providers._parse import json_object
from tui.providers.codex import PROVIDER, app_server, last_run, sources
from tui.providers.codex.last_run import newest_note, parse_note
from tui.providers.codex.logins import parse_auth, parse_opencode
from tui.providers.codex.parse import (
    Owner,
    parse_monthly_usage,
    parse_server_limits,
    parse_usage,
    plan_text,
    reset_rows,
    usage_within,
)

KEY = ProviderKey("codex")
OWNER = Owner("dana@example.com", "plus")
USAGE = "https://chatgpt.com/backend-api/wham/usage"
RESETS = "https://chatgpt.com/backend-api/wham/rate-limit-reset-credits"
MONTHLY = (
    "https://chatgpt.com/backend-api/accounts/acct-1/spend-controls/current-user/monthly-usage"
)


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "Codex")


def usage(body: bytes) -> ProviderSnapshot:
    return parse_usage(decoded(body), key=KEY, now=NOON, owner=Owner())


def server_limits(body: bytes) -> ProviderSnapshot:
    account = json.loads(payload("codex", "server_account.json"))
    return parse_server_limits(decoded(body), account, key=KEY, now=NOON)


def signed_in(body: bytes) -> object:
    return parse_auth(body.decode(errors="replace"), NOON)


def as_of(now: datetime, body: bytes) -> ProviderSnapshot | None:
    note = newest_note(body, started_at=None, now=now)
    return None if note is None else parse_note(note, key=KEY, now=now)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "monthly_usage.json": lambda body: parse_monthly_usage(decoded(body)),
    "*usage_*": usage,
    "*server_limits*": server_limits,
    "server_account*": lambda body: parse_server_limits(
        json.loads(payload("codex", "server_limits.json")), decoded(body), key=KEY, now=NOON
    ),
    "resets*": lambda body: reset_rows(decoded(body), NOON),
    "whoami*": lambda body: sources.owner_of(decoded(body)),
    "opencode*": lambda body: parse_opencode(body.decode(errors="replace")),
    "*auth_*": signed_in,
    "last_run*": lambda body: as_of(NOON - timedelta(minutes=30), body),
}


def parsed(name: str) -> ProviderSnapshot:
    return usage(payload("codex", name))


def found(snapshot: ProviderSnapshot) -> list[tuple[str, str, float | None, int | None]]:
    return [(w.id, w.label, w.used_percent, w.window_minutes) for w in snapshot.windows]


# -- the usage answer ------------------------------------------------------------------------------


def test_windows_credits_limit_and_plan_of_a_team() -> None:
    snapshot = parsed("usage_team.json")
    assert found(snapshot) == [
        ("session", "Session", 8.0, 300),
        ("weekly", "Weekly", 57.5, WEEK_MINUTES),
        ("spark.session", "Codex Spark 5-hour", 19.0, 300),
        ("codex-code-review", "Code review", 4.0, WEEK_MINUTES),
    ]
    assert [w.id for w in snapshot.windows if w.headline] == ["session", "weekly"]
    assert snapshot.window("session").resets_at == datetime(2026, 9, 10, 15, 40, tzinfo=UTC)
    assert snapshot.identity.plan == "Team"
    assert snapshot.identity.account == "dana@example.com"
    credits, limit = snapshot.balances
    assert (credits.amount, credits.currency) == (Decimal("4.75"), "credits")
    assert (limit.used, limit.limit, limit.amount) == (Decimal(25), Decimal(100), Decimal(75))
    assert limit.resets_at == datetime(2026, 10, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "usage_reversed.json",
            [("session", "Session", 5.0, 300), ("weekly", "Weekly", 30.0, WEEK_MINUTES)],
            id="reversed",
        ),
        pytest.param(
            "usage_weekly_only.json",
            [("weekly", "Weekly", 26.0, WEEK_MINUTES)],
            id="a week alone in the first place",
        ),
        pytest.param(
            "usage_monthly.json", [("monthly", "Monthly", 12.0, MONTH_MINUTES)], id="a month"
        ),
        pytest.param(
            "usage_unknown_lengths.json",
            [("session", "Session", 40.0, None), ("weekly", "Daily", 10.0, 1440)],
            id="other lengths keep their place",
        ),
        pytest.param(
            "usage_one_malformed.json",
            [
                ("weekly", "Weekly", 61.0, WEEK_MINUTES),
                ("codex-b-x-b-2j", "[b]X[/b]\x1b[2J", 3.0, None),
            ],
            id="one malformed spares the rest",
        ),
        pytest.param(
            "usage_spark.json",
            [
                ("session", "Session", 1.0, 300),
                ("spark.weekly", "Codex Spark Weekly", 70.0, WEEK_MINUTES),
                ("spark.session", "Codex Spark 5-hour", 20.0, 300),
            ],
            id="spark by length",
        ),
    ],
)
def test_windows_are_named_by_their_length(
    name: str, expected: list[tuple[str, str, float | None, int | None]]
) -> None:
    assert found(parsed(name)) == expected


def test_a_reset_at_zero_is_unknown_and_seconds_from_now_count() -> None:
    snapshot = parsed("usage_reversed.json")
    assert snapshot.window("weekly").resets_at is None
    assert snapshot.window("session").resets_at == NOON + timedelta(seconds=600)


def test_an_account_without_credits_shows_none() -> None:
    assert parsed("usage_reversed.json").balances == ()


def test_unlimited_credits_are_a_word_and_a_success_without_bars() -> None:
    snapshot = parsed("usage_unlimited.json")
    assert snapshot.windows == ()
    assert snapshot.balances == ()
    assert [row.value for row in snapshot.details] == ["unlimited"]


def test_a_limit_alone_is_a_success_without_bars() -> None:
    snapshot = parsed("usage_limit_only.json")
    (limit,) = snapshot.balances
    assert snapshot.windows == ()
    assert (limit.used, limit.limit, limit.amount) == (Decimal(120), Decimal(200), Decimal(80))


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        ("pro", "Pro 20x"),
        ("prolite", "Pro 5x"),
        ("pro_lite", "Pro 5x"),
        ("plus", "Plus"),
        ("free_workspace", "Free Workspace"),
        ("k12", "K12"),
        ("self-serve_business", "Self Serve Business"),
        ("", ""),
    ],
)
def test_the_plan_in_words(plan: str, text: str) -> None:
    assert plan_text(plan) == text


def test_saved_resets_and_the_first_that_is_lost() -> None:
    (row,) = reset_rows(decoded(payload("codex", "resets.json")), NOON)
    assert row.value == "2 · next expires Sep 20"


# -- logins ----------------------------------------------------------------------------------------


def token(**claims: Any) -> str:
    parts = ({"alg": "RS256"}, claims)
    encoded = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    )
    return ".".join((*encoded, "c2lnbmF0dXJl"))


ACCESS = token(exp=(NOON + timedelta(days=2)).timestamp())
ID_TOKEN = token(
    email="dana@example.com",
    **{
        "https://api.openai.com/auth": {
            "chatgpt_account_id": "acct-from-claim",
            "chatgpt_plan_type": "plus",
        }
    },
)


def auth(
    access: str = ACCESS, last_refresh: str | None = "2026-09-09T05:30:00Z", **tokens: Any
) -> dict[str, Any]:
    fields = {"id_token": ID_TOKEN, "refresh_token": "never-to-be-spent", "account_id": "acct-1"}
    return {
        "OPENAI_API_KEY": None,
        "tokens": {"access_token": access, **fields, **tokens},
        "last_refresh": last_refresh,
    }


def sign_in(folder: Path, data: Mapping[str, Any] | str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "auth.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data or auth()))
    return file


class Service:
    """ChatGPT, answered with stored answers unless a test says otherwise."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        self.usage = router.get(USAGE)
        self.resets = router.get(RESETS)
        self.monthly = router.get(MONTHLY)
        self.whoami = router.get(sources.WHOAMI_URL)
        self.usage.respond(content=payload("codex", "usage_team.json"))
        self.resets.respond(content=payload("codex", "resets.json"))
        self.monthly.respond(content=payload("codex", "monthly_usage.json"))
        self.whoami.respond(content=payload("codex", "whoami.json"))


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


async def test_the_file_of_the_program_is_enough(home: Path, service: Service) -> None:
    file = sign_in(home / ".codex")
    before = file.read_bytes()
    ctx = await make_context(PROVIDER, home, user_initiated=False)
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(ctx) == "Codex login"
    snapshot = await fetch(PROVIDER, ctx)
    assert (snapshot.source_id, snapshot.origin) == ("oauth", "Codex login")
    request = service.usage.calls.last.request
    assert request.headers["authorization"] == f"Bearer {ACCESS}"
    assert request.headers["chatgpt-account-id"] == "acct-1"
    assert request.headers["accept"] == "application/json"
    assert request.headers["cache-control"] == "no-cache"
    assert [row.label for row in snapshot.details] == ["Available"]
    assert service.resets.calls.last.request.headers["openai-beta"] == "codex-1"
    assert all(call.request.method == "GET" for call in service.router.calls)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("tokens", "account_id"),
    [
        ({"account_id": None}, "acct-from-claim"),
        ({"account_id": None, "id_token": token(chatgpt_account_id="acct-top")}, "acct-top"),
        (
            {"account_id": None, "id_token": token(organizations=[{"id": "org-1"}])},
            "org-1",
        ),
        ({"account_id": None, "id_token": None}, ""),
    ],
)
def test_the_workspace_is_known_from_the_tokens(tokens: dict[str, Any], account_id: str) -> None:
    login = parse_auth(json.dumps(auth(**tokens)), NOON).usual
    assert login is not None
    assert login.account_id == account_id


def test_owner_and_plan_come_from_the_id_token() -> None:
    login = parse_auth(json.dumps(auth()), NOON).usual
    assert login is not None
    assert login.owner == OWNER


def test_camel_case_and_an_empty_refresh_token_are_fine() -> None:
    login = parse_auth(payload("codex", "auth_camel_case.json").decode(), NOON).usual
    assert login is not None
    assert (login.bearer, login.account_id) == (Secret("opaque-access-token"), "acct-camel")
    assert not login.is_stale


async def test_a_key_wins_over_tokens_and_is_never_stale(home: Path, service: Service) -> None:
    sign_in(home / ".codex", {**auth(last_refresh=None), "OPENAI_API_KEY": "sk-invented-key"})
    await fetched(home)
    request = service.usage.calls.last.request
    assert request.headers["authorization"] == "Bearer sk-invented-key"
    assert "chatgpt-account-id" not in request.headers


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "there is no auth.json", id="missing"),
        pytest.param('{"tokens": {', "damaged", id="broken"),
        pytest.param('{"tokens": null}', "holds no tokens", id="no tokens"),
        pytest.param('{"tokens": {"access_token": "x"}}', "holds no tokens", id="no refresh token"),
    ],
)
async def test_what_is_wrong_with_the_file_is_said(
    home: Path, service: Service, content: str | None, words: str
) -> None:
    if content is not None:
        sign_in(home / ".codex", content)
    error = (await failed(home)).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert words in error.message
    assert "`codex login`" in error.hint
    assert service.router.calls.call_count == 0


async def test_a_folder_instead_of_the_file_cannot_be_read(home: Path, service: Service) -> None:
    (home / ".codex" / "auth.json").mkdir(parents=True)
    error = (await failed(home)).error
    assert error.kind is ErrorKind.UNSUPPORTED
    assert "auth.json cannot be read" in error.message


async def test_whatever_failed_the_login_file_is_watched(home: Path, service: Service) -> None:
    ctx = await make_context(PROVIDER, home)
    assert (await _chain.run(PROVIDER, ctx)).snapshot is None
    assert home / ".codex" / "auth.json" in ctx.files.watched()  # type: ignore[attr-defined]


async def test_the_setting_wins_over_the_variable(home: Path, service: Service) -> None:
    for name in ("one", "two", ".codex"):
        sign_in(home / name, auth(account_id=f"acct-{name}"))
    env = {"CODEX_HOME": str(home / "two")}
    await fetched(home, env=env)
    assert service.usage.calls.last.request.headers["chatgpt-account-id"] == "acct-two"
    await fetched(home, env=env, settings={"home": str(home / "one")})
    assert service.usage.calls.last.request.headers["chatgpt-account-id"] == "acct-one"


async def test_a_chosen_account_needs_a_folder_of_its_own(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    sign_in(home / "work")
    error = (await failed(home, account="work", env={"CODEX_HOME": str(home / ".codex")})).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert "`home`" in error.hint
    assert await fetched(home, account="work", settings={"home": "~/work"})


# -- stale and expired -----------------------------------------------------------------------------


@pytest.mark.parametrize("last_refresh", [None, "2026-09-01T00:00:00Z"])
async def test_a_stale_mark_alone_does_not_stop_a_token_that_lasts(
    home: Path, service: Service, last_refresh: str | None
) -> None:
    sign_in(home / ".codex", auth(last_refresh=last_refresh))
    assert (await fetched(home)).source_id == "oauth"


async def test_a_stale_token_without_an_end_names_the_command(home: Path, service: Service) -> None:
    sign_in(home / ".codex", auth(access="opaque", last_refresh=None))
    error = (await failed(home)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert error.hint == "Run `codex` once, or `codex login`."
    assert service.router.calls.call_count == 0


async def test_an_expired_token_asks_nobody(home: Path, service: Service) -> None:
    sign_in(home / ".codex", auth(access=token(exp=NOON.timestamp() - 60)))
    error = (await failed(home)).error
    assert error.message.startswith("Codex login expired ")
    assert service.router.calls.call_count == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ErrorKind.UNAUTHORIZED),
        (403, ErrorKind.UNAUTHORIZED),
        (429, ErrorKind.RATE_LIMITED),
        (500, ErrorKind.SERVER),
        (404, ErrorKind.SERVER),
    ],
)
async def test_statuses_of_the_usage(
    home: Path, service: Service, status: int, kind: ErrorKind
) -> None:
    sign_in(home / ".codex")
    service.usage.respond(status, json={"detail": "no"})
    assert (await failed(home)).error.kind is kind


async def test_a_check_for_robots_is_no_lost_login(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    service.usage.respond(403, html="<!doctype html><title>Just a moment...</title>")
    assert (await failed(home)).error.kind is ErrorKind.SERVER


@pytest.mark.parametrize("name", ["bad_usage_login_page.html", "bad_usage_empty.txt"])
async def test_a_page_or_nothing_is_no_answer(home: Path, service: Service, name: str) -> None:
    sign_in(home / ".codex")
    service.usage.respond(content=payload("codex", name))
    assert (await failed(home)).error.kind is ErrorKind.PARSE


async def test_a_limited_token_waits_in_the_background(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    service.usage.respond(429, headers={"retry-after": "300"})
    ctx = await make_context(PROVIDER, home, user_initiated=False)
    for _ in range(3):
        assert (await _chain.run(PROVIDER, ctx)).snapshot is None
    assert service.usage.call_count == 1


async def test_failing_details_never_cost_the_windows(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    service.resets.respond(401)
    assert (await fetched(home)).window("session").used_percent == 8.0


async def test_a_workspace_that_controls_the_spend_is_asked_for_it(
    home: Path, service: Service
) -> None:
    sign_in(home / ".codex")
    service.usage.respond(content=payload("codex", "usage_business.json"))
    snapshot = await fetched(home)
    (limit,) = snapshot.balances
    assert (limit.used, limit.limit) == (Decimal("120.5"), Decimal(500))
    service.usage.respond(content=payload("codex", "usage_team.json"))
    await fetched(home)
    assert service.monthly.call_count == 1


# -- where to ask ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ("", USAGE),
        ('model = "gpt-5"\n[profiles.x]\nchatgpt_base_url = "https://elsewhere.example"', USAGE),
        ('chatgpt_base_url = "https://chatgpt.com/" # comment', USAGE),
        (
            "chatgpt_base_url = https://chat.openai.com",
            "https://chat.openai.com/backend-api/wham/usage",
        ),
        (
            "chatgpt_base_url = 'https://gateway.example/backend-api//'",
            "https://gateway.example/backend-api/wham/usage",
        ),
        (
            'chatgpt_base_url = "https://gateway.example/codex"',
            "https://gateway.example/codex/api/codex/usage",
        ),
    ],
)
async def test_the_address_of_the_programs_settings(
    home: Path, service: Service, config: str, url: str
) -> None:
    sign_in(home / ".codex")
    (home / ".codex" / "config.toml").write_text(config)
    route = service.router.get(url).respond(content=payload("codex", "usage_weekly_only.json"))
    assert (await fetched(home)).window("weekly").used_percent == 26.0
    assert route.call_count == 1


async def test_a_token_is_never_sent_without_encryption(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    (home / ".codex" / "config.toml").write_text('chatgpt_base_url = "http://gateway.example"')
    error = (await failed(home)).error
    assert error.kind is ErrorKind.UNSUPPORTED
    assert "chatgpt_base_url" in error.message
    assert service.router.calls.call_count == 0


async def test_a_redirect_to_another_host_is_not_followed(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    service.usage.respond(302, headers={"location": "https://elsewhere.example/"})
    elsewhere = service.router.get("https://elsewhere.example/").respond(200)
    assert (await failed(home)).error.kind is ErrorKind.SERVER
    assert elsewhere.call_count == 0


# -- other logins ----------------------------------------------------------------------------------


async def test_a_personal_token_introduces_itself_first(home: Path, service: Service) -> None:
    sign_in(home / ".codex", {**auth(), "personal_access_token": "pat-invented-0001"})
    snapshot = await fetched(home)
    assert snapshot.source_id == "api"
    introduction = service.whoami.calls.last.request
    assert introduction.headers["user-agent"] == "codex_cli_rs/0.149.0"
    assert introduction.headers["originator"] == "codex_cli_rs"
    request = service.usage.calls.last.request
    assert request.headers["authorization"] == "Bearer pat-invented-0001"
    assert request.headers["chatgpt-account-id"] == "acct-pat"


async def test_a_refused_personal_token_leaves_the_way_to_the_usual_one(
    home: Path, service: Service
) -> None:
    sign_in(home / ".codex", {**auth(), "personal_access_token": "pat-invented-0001"})
    service.whoami.respond(401)
    assert (await fetched(home)).source_id == "oauth"


async def test_the_api_is_the_personal_token_alone(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    error = (await failed(home, settings={"source": "api"})).error
    assert error.message == "Codex has no personal access token."


async def test_other_programs_logins_are_used_on_request_only(home: Path, service: Service) -> None:
    file = home / ".local/share/opencode/auth.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(payload("codex", "opencode.json"))
    await failed(home)
    allowed = {"other_logins": True}
    snapshot = await fetched(home, settings=allowed)
    assert snapshot.origin == "OpenCode login"
    assert service.usage.calls.last.request.headers["chatgpt-account-id"] == "acct-oc"
    await failed(home, settings={**allowed, "home": str(home / "empty")})
    sign_in(home / ".config" / "codex", auth(account_id="acct-config"))
    await fetched(home, settings=allowed)
    assert service.usage.calls.last.request.headers["chatgpt-account-id"] == "acct-config"


async def test_an_expired_login_of_another_program_is_never_renewed(
    home: Path, service: Service
) -> None:
    file = home / ".local/share/opencode/auth.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(payload("codex", "opencode.json"))
    clock = FakeClock(moment=NOON + timedelta(days=1))
    error = (await failed(home, settings={"other_logins": True}, clock=clock)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert "`opencode`" in error.hint


async def test_the_web_is_no_mode(home: Path) -> None:
    with pytest.raises(FetchError) as caught:
        await make_context(PROVIDER, home, settings={"source": "web"})
    assert caught.value.kind is ErrorKind.UNSUPPORTED


# -- the program -----------------------------------------------------------------------------------

SERVER = """\
import json, os, sys
answers = json.loads(os.environ["ANSWERS"])
if sys.argv[1:] != ["-s", "read-only", "-a", "never", "app-server"]:
    sys.exit(2)
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "initialized":
        print(json.dumps({"method": "configured", "params": {}}), flush=True)
        continue
    if message["method"] == "initialize":
        assert message["params"]["clientInfo"]["name"] == "quotadeck"
        print("a line that is no JSON", flush=True)
        print(json.dumps({"id": message["id"], "result": {}}), flush=True)
        with open(os.environ["HOME"] + "/folder", "w") as file:
            file.write(os.environ.get("CODEX_HOME", ""))
        continue
    print(json.dumps({"method": "account/updated", "params": {}}), flush=True)
    answer = answers[message["method"]]
    if answer != "silence":
        print(json.dumps({"id": message["id"], **answer}), flush=True)
"""
LIMITS = "account/rateLimits/read"
ACCOUNT = "account/read"


def programs(home: Path, answers: Mapping[str, Any], script: str = SERVER) -> Programs:
    """A real program that answers as told."""
    folder = home / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "codex"
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(0o755)
    env = {"PATH": str(folder), "HOME": str(home), "ANSWERS": json.dumps(answers)}
    return Programs(PROVIDER.programs, None, env, home / "work", (), "linux")


def answers(limits: Any, account: str = "server_account.json") -> dict[str, Any]:
    return {LIMITS: limits, ACCOUNT: {"result": json.loads(payload("codex", account))}}


GOOD = {"result": json.loads(payload("codex", "server_limits.json"))}


async def by_program(home: Path, limits: Any, **options: Any) -> ProviderSnapshot:
    commands = programs(home, options.pop("answers", None) or answers(limits))
    return await fetched(home, commands=commands, settings={"source": "cli"}, **options)


async def test_the_program_says_limits_and_account(home: Path) -> None:
    snapshot = await by_program(home, GOOD)
    assert snapshot.source_id == "cli"
    assert found(snapshot) == [("weekly", "Weekly", 26.0, WEEK_MINUTES)]
    assert snapshot.identity.account == "dana@example.com"
    assert snapshot.identity.plan == "Team"


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        pytest.param(
            {"error": {"message": "chatgpt authentication required to read rate limits"}},
            ErrorKind.UNAUTHORIZED,
            id="signed out",
        ),
        pytest.param({"error": {"message": "boom"}}, ErrorKind.SERVER, id="another refusal"),
        pytest.param({"result": {"rateLimits": None}}, ErrorKind.PARSE, id="no limits"),
    ],
)
async def test_why_the_program_gives_no_limits(
    home: Path, limits: dict[str, Any], kind: ErrorKind
) -> None:
    with pytest.raises(FetchFailed) as caught:
        await by_program(home, limits)
    assert caught.value.error.kind is kind


async def test_other_backends_have_no_limits(home: Path) -> None:
    told = {LIMITS: {"result": {}}, ACCOUNT: {"result": {"account": {"type": "amazonBedrock"}}}}
    with pytest.raises(FetchFailed) as caught:
        await by_program(home, None, answers=told)
    assert caught.value.error.kind is ErrorKind.UNSUPPORTED


async def test_an_error_may_carry_the_answer_of_the_service(home: Path) -> None:
    body = payload("codex", "usage_weekly_only.json").decode()
    error = {"error": {"message": f"GET failed: 500; body={body} and more"}}
    snapshot = await by_program(home, error)
    assert snapshot.window("weekly").used_percent == 26.0


@pytest.mark.parametrize("message", ["", "body=", "body={", "body=[1]", "body={}x"])
def test_an_error_without_an_answer_has_none(message: str) -> None:
    assert usage_within(message) == {}


async def test_a_silent_account_costs_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_server, "REQUEST_S", 0.2)
    snapshot = await by_program(home, None, answers={LIMITS: GOOD, ACCOUNT: "silence"})
    assert snapshot.identity.account == ""


async def test_a_program_that_does_not_answer_is_ended(home: Path) -> None:
    commands = programs(home, {}, "import time; time.sleep(60)")
    ctx = await make_context(PROVIDER, home, commands=commands, settings={"source": "cli"})
    program = commands.find("codex")
    assert program is not None
    conversation = await commands.talk(program)
    server = app_server.AppServer(conversation)
    with pytest.raises(NetworkError, match="did not answer"):
        await server.request("initialize", {}, timeout_s=0.1)
    await conversation.close()
    assert ctx.mode == "cli"


async def test_the_program_is_asked_after_a_refused_login_only(
    home: Path, service: Service
) -> None:
    sign_in(home / ".codex")
    commands = programs(home, answers(GOOD))
    for status in (500, 429):
        service.usage.respond(status)
        with pytest.raises(FetchFailed):
            await fetched(home, commands=commands)
    service.usage.respond(401)
    assert (await fetched(home, commands=commands)).source_id == "cli"
    (home / ".codex" / "auth.json").unlink()
    assert (await fetched(home, commands=commands)).source_id == "cli"


async def test_the_program_uses_the_chosen_folder(home: Path) -> None:
    commands = programs(home, answers(GOOD))
    settings = {"source": "cli", "home": str(home / "work-login")}
    await fetched(home, commands=commands, settings=settings)
    assert (home / "folder").read_text() == str(home / "work-login")


async def test_a_program_that_does_not_start_is_left_alone_in_the_background(home: Path) -> None:
    class Broken:
        starts = 0

        def find(self, name: str) -> Path:
            return home / "codex"

        async def talk(self, program: Path, *args: str, **options: Any) -> Any:
            self.starts += 1
            raise MissingCredentials("codex could not be started.")

    broken, clock = Broken(), FakeClock()
    options: dict[str, Any] = {"commands": broken, "clock": clock, "settings": {"source": "cli"}}
    ctx = await make_context(PROVIDER, home, user_initiated=False, **options)
    for _ in range(2):
        assert (await _chain.run(PROVIDER, ctx)).snapshot is None
    assert broken.starts == 1
    await clock.advance(31 * 60)
    await _chain.run(PROVIDER, ctx)
    assert broken.starts == 2


async def test_a_missing_program_is_named_when_it_was_chosen(home: Path) -> None:
    error = (await failed(home, settings={"source": "cli"})).error
    assert error.cause == "no_program"


# -- the last run ----------------------------------------------------------------------------------

OLDER = "last_run_older.jsonl"
LOG = "sessions/2026/09/10/rollout-2026-09-10T09-40-00-0199321c-0a1b-7c2d-8e3f-405162738495.jsonl"
BEGUN = b'{"timestamp":"2026-09-10T07:00:00.000Z","ordinal":0,"type":"session_meta"}\n'
WRITTEN_AT = datetime(2026, 9, 10, 9, 44, 50, 250_000, tzinfo=UTC)


def leave_log(home: Path, content: bytes | None = None, name: str = LOG, age_s: float = 0) -> Path:
    """A log in the folder of the program, written so many seconds before the others."""
    file = home / ".codex" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(payload("codex", "last_run.jsonl") if content is None else content)
    os.utime(file, (NOON.timestamp() - age_s, NOON.timestamp() - age_s))
    return file


def event(at: str, percent: float = 50.0, **limits: Any) -> bytes:
    """One line of a log."""
    window = {"used_percent": percent, "window_minutes": 300, "resets_at": NOON.timestamp() + 3600}
    payload = {"type": "token_count", "info": None, "rate_limits": {"primary": window, **limits}}
    line = {"timestamp": f"2026-09-10T{at}Z", "type": "event_msg", "payload": payload}
    return json.dumps(line).encode() + b"\n"


async def result_of(home: Path, **options: Any) -> _chain.FetchResult:
    return await _chain.run(PROVIDER, await make_context(PROVIDER, home, **options))


async def noted(home: Path, **options: Any) -> ProviderSnapshot | None:
    """What stands beside the error."""
    result = await result_of(home, **options)
    assert result.error is not None
    return result.last_known


def break_down(service: Service) -> None:
    service.usage.mock(side_effect=httpx.ConnectError("no route"))


async def test_without_network_the_limits_of_the_last_run_are_told_with_their_age(
    home: Path, service: Service
) -> None:
    sign_in(home / ".codex")
    leave_log(home)
    break_down(service)
    result = await result_of(home)
    snapshot = result.last_known
    assert snapshot is not None
    assert result.error is not None
    assert (result.snapshot, result.error.kind) == (None, ErrorKind.NETWORK)
    assert found(snapshot) == [
        ("session", "Session", 37.5, 300),
        ("weekly", "Weekly", 57.0, WEEK_MINUTES),
    ]
    assert snapshot.fetched_at == WRITTEN_AT
    assert (snapshot.source_id, snapshot.origin) == ("local", "last run of Codex")
    assert snapshot.window("session").resets_at == datetime(2026, 9, 10, 14, 30, tzinfo=UTC)
    assert snapshot.identity == Identity(plan="Plus")
    credits, limit = snapshot.balances
    assert (credits.amount, limit.used) == (Decimal("4.75"), Decimal(25))
    assert [a.source_id for a in result.attempts] == ["api", "oauth", "local"]


async def test_the_card_shows_the_error_and_the_age_of_the_number(
    home: Path, service: Service
) -> None:
    sign_in(home / ".codex")
    leave_log(home)
    service.usage.respond(503)
    result = await result_of(home)
    state = ProviderState(
        key=KEY, snapshot=result.last_known, error=result.error, failures=1, restored=True
    )
    shown = card_view(
        state, name="Codex", short_name="Codex", now=NOON, prefs=Preferences(), tz=UTC
    )
    assert (shown.look, shown.source, shown.age) == ("stale", "local", "as of 09:44 · 2h ago")
    assert shown.message == "Codex is unavailable (HTTP 503)."
    assert [row.percent_text for row in shown.rows] == ["63%", "43%"]  # what is left


async def test_a_window_that_has_reset_since_is_unknown(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    leave_log(home)
    break_down(service)
    snapshot = await noted(home, clock=FakeClock(moment=NOON + timedelta(hours=3)))
    assert snapshot is not None
    assert [w.used_percent for w in snapshot.windows] == [None, 57.0]
    assert snapshot.window("session").resets_at is None
    assert await noted(home, clock=FakeClock(moment=NOON + timedelta(days=4, hours=19))) is None


def test_older_versions_count_from_the_moment_of_the_line() -> None:
    snapshot = as_of(datetime(2026, 9, 10, 11, 20, tzinfo=UTC), payload("codex", OLDER))
    assert snapshot is not None
    assert found(snapshot) == [
        ("session", "Session", 80.0, 300),
        ("weekly", "Weekly", 12.5, WEEK_MINUTES),
    ]
    assert snapshot.window("session").resets_at == datetime(2026, 9, 10, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"primary": None}, id="none, as with a key"),
        pytest.param({"limit_id": "codex_bengalfox"}, id="of one model"),
        pytest.param({"limit_id": "premium"}, id="of something else"),
        pytest.param({"primary": {"used_percent": "NaN"}}, id="no number"),
        pytest.param({"primary": [1]}, id="no object"),
    ],
)
def test_notes_that_say_nothing_of_the_account_are_passed_over(limits: dict[str, Any]) -> None:
    content = event("09:00:00", 20.0) + event("10:00:00", 99.0, **limits)
    snapshot = as_of(NOON, content)
    assert snapshot is not None
    assert (snapshot.windows[0].used_percent, snapshot.fetched_at.hour) == (20.0, 9)


def test_broken_lines_and_notes_of_the_future_are_passed_over() -> None:
    content = event("09:00:00", 20.0) + event("23:00:00", 99.0) + event("10:00:00", 99.0)[:-9]
    snapshot = as_of(NOON, content + b'"rate_limits"\n[1,"rate_limits"]\n\xff"rate_limits"')
    assert snapshot is not None
    assert snapshot.windows[0].used_percent == 20.0


def test_a_window_without_a_reset_is_never_told(home: Path) -> None:
    content = event("09:00:00", primary={"used_percent": 20.0, "window_minutes": 300})
    assert as_of(NOON, content) is None


async def test_the_newest_note_counts_wherever_it_stands(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    break_down(service)
    leave_log(home, BEGUN + event("08:00:00", 8.0), "sessions/2026/09/10/a.jsonl", age_s=1)
    leave_log(home, BEGUN + event("10:00:00", 10.0), "archived_sessions/b.jsonl", age_s=2)
    leave_log(home, BEGUN + event("09:00:00", 9.0), "sessions/2026/08/01/c.jsonl", age_s=0)
    snapshot = await noted(home)
    assert snapshot is not None
    assert snapshot.windows[0].used_percent == 10.0


async def test_only_the_end_of_the_newest_logs_is_read(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    break_down(service)
    long = BEGUN + event("08:00:00", 8.0) + b"x" * (last_run.TAIL_BYTES + 1) + b"\n"
    leave_log(home, long)
    assert await noted(home) is None
    leave_log(home, long + event("09:00:00", 9.0))
    assert (await noted(home)) is not None
    for place in range(last_run.NEWEST_FILES):
        leave_log(home, b"{}\n", f"sessions/2026/09/10/{place}.jsonl", age_s=-1)
    assert await noted(home) is None


async def test_the_copy_at_the_start_of_a_continued_session_is_no_new_note(
    home: Path, service: Service
) -> None:
    sign_in(home / ".codex")
    break_down(service)
    copied = BEGUN + event("07:00:00.900", 90.0)
    leave_log(home, copied)
    assert await noted(home) is None
    leave_log(home, copied + event("07:00:09", 91.0))
    snapshot = await noted(home)
    assert snapshot is not None
    assert snapshot.windows[0].used_percent == 91.0


async def test_the_logs_are_never_watched(home: Path, service: Service) -> None:
    sign_in(home / ".codex", auth(access=token(exp=NOON.timestamp() - 60)))
    leave_log(home)
    ctx = await make_context(PROVIDER, home)
    assert (await _chain.run(PROVIDER, ctx)).last_known is not None
    watched = ctx.files.watched()  # type: ignore[attr-defined]
    assert not any(file.suffix == ".jsonl" or file.name == "sessions" for file in watched)


async def test_a_token_that_waits_for_its_owner_leaves_the_numbers_of_before(
    home: Path, service: Service
) -> None:
    leave_log(home)
    for access, refreshed in (
        (token(exp=NOON.timestamp() - 60), "2026-09-09T00:00:00Z"),
        ("opaque", None),
    ):
        sign_in(home / ".codex", auth(access=access, last_refresh=refreshed))
        result = await result_of(home)
        assert result.error is not None
        assert result.error.kind is ErrorKind.UNAUTHORIZED
        assert result.last_known is not None
    assert service.router.calls.call_count == 0


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_login_tells_no_old_numbers(
    home: Path, service: Service, status: int
) -> None:
    sign_in(home / ".codex")
    leave_log(home)
    service.usage.respond(status)
    assert await noted(home) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({**auth(), "OPENAI_API_KEY": "sk-invented-key"}, id="a key"),
        pytest.param({**auth(), "personal_access_token": "pat-invented-1"}, id="an access token"),
        pytest.param(auth(id_token=token(auth_time=NOON.timestamp() - 60)), id="signed in since"),
        pytest.param(
            auth(
                id_token=None,
                access_token=token(
                    exp=NOON.timestamp() + 60, pwd_auth_time=(NOON.timestamp() - 60) * 1000
                ),
            ),
            id="signed in since, in milliseconds",
        ),
        pytest.param(auth(id_token=token(chatgpt_plan_type="team")), id="another plan"),
    ],
)
async def test_numbers_that_may_be_of_another_account_are_not_told(
    home: Path, service: Service, data: dict[str, Any]
) -> None:
    sign_in(home / ".codex", data)
    leave_log(home)
    break_down(service)
    service.whoami.mock(side_effect=httpx.ConnectError("no route"))
    assert await noted(home) is None


async def test_another_programs_login_has_no_last_run_of_codex(
    home: Path, service: Service
) -> None:
    file = home / ".local/share/opencode/auth.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(payload("codex", "opencode.json"))
    leave_log(home)
    break_down(service)
    assert await noted(home, settings={"other_logins": True}) is None


async def test_the_last_run_is_looked_for_in_the_folder_of_the_account(
    home: Path, service: Service
) -> None:
    for name in ("one", "two"):
        sign_in(home / name)
    leave_log(home, BEGUN + event("09:00:00", 11.0), "../one/sessions/2026/09/10/a.jsonl")
    break_down(service)
    assert await noted(home, settings={"home": str(home / "two")}) is None
    for options in ({"settings": {"home": "~/one"}}, {"env": {"CODEX_HOME": str(home / "one")}}):
        snapshot = await noted(home, **options)
        assert snapshot is not None
        assert snapshot.windows[0].used_percent == 11.0


async def test_a_chosen_way_has_no_numbers_of_before(home: Path, service: Service) -> None:
    sign_in(home / ".codex")
    leave_log(home)
    break_down(service)
    assert await noted(home, settings={"source": "oauth"}) is None


# -- the demo --------------------------------------------------------------------------------------


async def test_the_demo_plays_it(home: Path) -> None:
    moment = Moment(NOON + timedelta(minutes=3), NOON)
    for name, content in scene.SCENE.files.items():
        file = home / name
        file.parent.mkdir(parents=True)
        file.write_text(str(content(moment)))
    gateway = HttpGateway(PlayedUpstream(scene.SCENE.routes, lambda: moment, delays=False))
    snapshot = await fetched(home, gateway=gateway)
    assert [w.id for w in snapshot.windows] == ["session", "weekly", "spark.session"]
    assert snapshot.balances[0].amount == Decimal("41.5")
    assert snapshot.details
