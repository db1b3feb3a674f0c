"""Claude: windows by name, cents, plans; whose token is used, and how politely."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
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
    FakeClock,
    FakeCommands,
    FakeKeyStore,
    FetchFailed,
    fetch,
    make_context,
    payload,
    reply,
)
from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar
from tui.core.errors import ErrorKind, FetchError, MissingCredentials
from tui.core.models import SESSION_MINUTES, WEEK_MINUTES, ProviderKey, ProviderSnapshot
from tui.core.process import CommandResult
from tui.core.redact import Secret
from tui.demo.scenes import claude as scene
from tui.demo.stage import Moment
from tui.demo.transport import PlayedUpstream
from tui.gateways.http import HttpGateway
from tui.gateways.process import Programs
from tui.providers import _chain
from tui.providers._context import FetchContext
from tui.providers._parse import ensure_ok, json_object, json_value
from tui.providers.claude import PROVIDER, oauth, screen, web
from tui.providers.claude.admin import parse_costs, token_rows
from tui.providers.claude.logins import Kind, check_usable, kind_of, parse_login
from tui.providers.claude.organizations import choose, parse_organizations
from tui.providers.claude.parse import (
    parse_account,
    parse_profile,
    parse_usage,
    plan_of,
    prepaid_credits,
    spend_limit,
)

KEY = ProviderKey("claude")
TOKEN = "sk-ant-oat01-invented-token-of-dana"
SESSION = "sk-ant-sid01-invented-session-of-dana"
ADMIN = "sk-ant-admin01-invented-key"
IN_THE_EVENING = datetime(2026, 9, 10, 18, 0, tzinfo=UTC)
"""When the token of `credentials.json` is over."""


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "Claude")


def usage(body: bytes) -> ProviderSnapshot:
    return parse_usage(decoded(body), key=KEY, now=NOON, source_id="oauth")


def overage(body: bytes) -> object:
    answer = decoded(body)
    used, limit = answer.get("used_credits"), answer.get("monthly_credit_limit")
    return spend_limit(answer, used=used, limit=limit, plan="")


PARSERS: dict[str, Callable[[bytes], object]] = {
    "refused_usage_*": lambda body: ensure_ok(
        reply(body, 403), "Claude", now=NOON, errors=oauth.ERRORS
    ),
    "*usage_*": usage,
    "*credentials*": lambda body: parse_login(body.decode(errors="replace")),
    "profile*": lambda body: parse_profile(decoded(body)),
    "*organizations*": lambda body: choose(
        parse_organizations(json_value(reply(body), "claude.ai")), ""
    ),
    "account*": lambda body: parse_account(decoded(body), "org-chat"),
    "overage*": overage,
    "prepaid*": lambda body: prepaid_credits(decoded(body)),
    "*costs*": lambda body: parse_costs(decoded(body), key=KEY, now=NOON),
    "tokens*": lambda body: token_rows(decoded(body)),
    "*screen_*": lambda body: screen.parse_screen(body.decode(errors="replace"), key=KEY, now=NOON),
}


def parsed(name: str) -> ProviderSnapshot:
    return usage(payload("claude", name))


def ids(snapshot: ProviderSnapshot) -> list[str]:
    return [window.id for window in snapshot.windows]


# -- the usage answer ------------------------------------------------------------------------------


def test_windows_have_names_lengths_and_the_order_of_the_card() -> None:
    snapshot = parsed("usage_full.json")
    assert [(w.id, w.label, w.window_minutes) for w in snapshot.windows] == [
        ("session", "Session", SESSION_MINUTES),
        ("weekly", "Weekly", WEEK_MINUTES),
        ("model.sonnet", "Sonnet weekly", WEEK_MINUTES),
        ("weekly.haiku", "Haiku only", WEEK_MINUTES),
        ("routines", "Daily Routines", WEEK_MINUTES),
    ]
    session = snapshot.window("session")
    assert session.used_percent == 12.4
    assert session.resets_at == datetime(2026, 9, 10, 16, 20, 0, 512000, tzinfo=UTC)


def test_a_limit_that_is_not_active_is_shown_and_the_first_of_two_counts() -> None:
    assert parsed("usage_full.json").window("weekly.haiku").used_percent == 51


def test_limits_of_single_models_stay_out_of_the_main_number() -> None:
    headlines = [w.id for w in parsed("usage_full.json").windows if w.headline]
    assert headlines == ["session", "weekly"]


def test_a_session_that_has_not_begun_is_no_session_of_nothing() -> None:
    snapshot = parsed("usage_no_session.json")
    assert ids(snapshot) == ["weekly", "model.opus"]
    assert snapshot.window("weekly").used_percent == 0.36
    assert snapshot.balances == ()


def test_extra_spend_comes_in_cents() -> None:
    (extra,) = parsed("usage_full.json").balances
    assert (extra.label, extra.used, extra.limit) == (
        "Monthly cap",
        Decimal("12.34"),
        Decimal("50"),
    )


def test_an_enterprise_calls_it_a_spend_limit_and_may_have_nothing_else() -> None:
    body = decoded(payload("claude", "usage_spend_only.json"))
    snapshot = parse_usage(body, key=KEY, now=NOON, source_id="oauth", plan="Claude Enterprise")
    window = snapshot.window("spend")
    assert window.label == "Spend limit"
    assert window.used_percent == pytest.approx(22.7525)
    assert (window.used, window.limit, window.unit) == (Decimal("45.505"), Decimal(200), "EUR")
    assert window.headline


def test_odd_values_cost_only_themselves() -> None:
    snapshot = parsed("usage_odd_values.json")
    assert ids(snapshot) == ["session", "weekly.claude-fable-5", "routines"]
    assert snapshot.window("session").used_percent == 41.5
    assert snapshot.window("routines").used_percent == 0.0
    assert snapshot.balances[0].currency == "USD"


@pytest.mark.parametrize(
    ("subscription", "tier", "plan"),
    [
        ("max", "default_claude_max_20x", "Claude Max 20x"),
        ("max", "default_claude_max_5x", "Claude Max 5x"),
        ("claude_max", "", "Claude Max"),
        ("pro", "default_claude_ai", "Claude Pro"),
        ("enterprise", "default_claude_max_5x", "Claude Enterprise"),
        ("team", "", "Claude Team"),
        ("ultra", "", "Claude Ultra"),
        ("", "default_claude_max_5x", "Claude Max 5x"),
        ("", "default_ultra", ""),
        ("free", "", ""),
    ],
)
def test_the_plan_in_words(subscription: str, tier: str, plan: str) -> None:
    assert plan_of(subscription, tier) == plan


# -- logins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (f"Cookie: sessionKey={SESSION}", Kind.COOKIE),
        (f"sessionKey={SESSION}", Kind.COOKIE),
        (SESSION, Kind.COOKIE),
        (TOKEN, Kind.OAUTH),
        (f"Bearer {TOKEN}", Kind.OAUTH),
        (ADMIN, Kind.ADMIN),
    ],
)
def test_a_pasted_value_is_known_by_its_form(value: str, kind: Kind) -> None:
    assert kind_of(Secret(value)) is kind


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("refused_credentials_mcp_only.json", "MCP servers only"),
        ("refused_credentials_signed_out.json", "not signed in"),
        ("bad_credentials_cut_off.json", "cannot be understood"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(name: str, words: str) -> None:
    with pytest.raises(MissingCredentials, match=words):
        parse_login(payload("claude", name).decode())


def write_login(folder: Path, **changes: Any) -> Path:
    """Claude Code's file, with some fields changed or, by `None`, left out."""
    data = json.loads(payload("claude", "credentials.json"))
    login = {**data["claudeAiOauth"], **changes}
    data["claudeAiOauth"] = {name: value for name, value in login.items() if value is not None}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / ".credentials.json"
    file.write_text(json.dumps(data))
    return file


class Service:
    """The hosts of Claude, answered with stored answers unless a test says otherwise."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        self.usage = router.get(oauth.USAGE_URL)
        self.profile = router.get(oauth.PROFILE_URL)
        self.organizations = router.get(f"{web.BASE}/organizations")
        self.web_usage = router.get(f"{web.BASE}/organizations/org-chat/usage")
        self.overage = router.get(f"{web.BASE}/organizations/org-chat/overage_spend_limit")
        self.prepaid = router.get(f"{web.BASE}/organizations/org-chat/prepaid/credits")
        self.account = router.get(f"{web.BASE}/account")
        self.usage.respond(content=payload("claude", "usage_full.json"))
        self.profile.respond(content=payload("claude", "profile.json"))
        self.organizations.respond(content=payload("claude", "organizations.json"))
        self.web_usage.respond(content=payload("claude", "usage_no_session.json"))
        self.overage.respond(content=payload("claude", "overage.json"))
        self.prepaid.respond(content=payload("claude", "prepaid.json"))
        self.account.respond(content=payload("claude", "account.json"))

    @property
    def cookies(self) -> list[str]:
        """The Cookie headers of all calls, in order."""
        return [call.request.headers.get("cookie", "") for call in self.router.calls]


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


async def test_the_file_of_claude_code_is_enough(home: Path, service: Service) -> None:
    write_login(home / ".claude")
    ctx = await make_context(PROVIDER, home, user_initiated=False)
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(ctx) == "Claude Code login"
    snapshot = await fetch(PROVIDER, ctx)
    assert snapshot.source_id == "oauth"
    assert snapshot.identity.plan == "Claude Max 20x"
    assert snapshot.identity.account == "dana@example.com"
    request = service.usage.calls.last.request
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["anthropic-beta"] == "oauth-2025-04-20"
    assert request.headers["user-agent"] == "claude-code/2.1.0"
    assert request.headers["accept"] == "application/json"


async def test_no_refresh_token_is_ever_spent(home: Path, service: Service) -> None:
    file = write_login(home / ".claude")
    before = file.read_bytes()
    await fetched(home)
    assert file.read_bytes() == before
    assert all(call.request.method == "GET" for call in service.router.calls)


async def test_the_installed_version_is_named_and_asked_for_once(
    home: Path, service: Service
) -> None:
    write_login(home / ".claude")
    version = CommandResult(exit_code=0, stdout="2.3.14 (Claude Code)\n")
    commands = FakeCommands({("--version",): version}, program=home / "claude")
    ctx = await make_context(PROVIDER, home, commands=commands)
    await fetch(PROVIDER, ctx)
    await fetch(PROVIDER, ctx)
    assert service.usage.calls.last.request.headers["user-agent"] == "claude-code/2.3.14"
    assert commands.calls == [("--version",)]


async def test_the_owner_is_asked_for_once_per_token(home: Path, service: Service) -> None:
    write_login(home / ".claude")
    (home / ".claude.json").write_text('{"oauthAccount": {"accountUuid": "acc-1"}}')
    ctx = await make_context(PROVIDER, home)
    first = await fetch(PROVIDER, ctx)
    assert ("Account ID", "acc-1") in {(row.label, row.value) for row in first.details}
    assert await fetch(PROVIDER, ctx) == first
    assert service.profile.call_count == 1
    write_login(home / ".claude", accessToken="sk-ant-oat01-another-token")
    await fetch(PROVIDER, ctx)
    assert service.profile.call_count == 2


async def test_a_failing_profile_costs_nothing_else(home: Path, service: Service) -> None:
    write_login(home / ".claude")
    service.profile.respond(500)
    snapshot = await fetched(home)
    assert snapshot.identity.account == ""
    assert snapshot.identity.plan == "Claude Max 20x"
    assert ids(snapshot)[0] == "session"


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        pytest.param({}, ".claude", id="the usual folder"),
        pytest.param({"CLAUDE_CONFIG_DIR": "{home}/c"}, "c", id="the configured folder"),
        pytest.param(
            {"CLAUDE_SECURESTORAGE_CONFIG_DIR": "{home}/s", "CLAUDE_CONFIG_DIR": "{home}/c"},
            "s",
            id="the folder for secrets",
        ),
        pytest.param(
            {"CLAUDE_SECURESTORAGE_CONFIG_DIR": "", "CLAUDE_CONFIG_DIR": "{home}/c"},
            ".claude",
            id="an empty folder for secrets is the usual one",
        ),
    ],
)
async def test_which_folder_holds_the_login(
    home: Path, service: Service, env: dict[str, str], folder: str
) -> None:
    for name in ("c", "s", ".claude"):
        write_login(home / name, accessToken=f"sk-ant-oat01-of-{name}")
    filled = {name: value.format(home=home) for name, value in env.items()}
    await fetched(home, env=filled)
    bearer = service.usage.calls.last.request.headers["authorization"]
    assert bearer == f"Bearer sk-ant-oat01-of-{folder}"


async def test_a_configured_folder_is_taken_literally(home: Path, service: Service) -> None:
    write_login(home / "elsewhere")
    error = (await failed(home, env={"CLAUDE_CONFIG_DIR": "~/elsewhere"})).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert service.router.calls.call_count == 0


async def test_variables_come_before_the_file(home: Path, service: Service) -> None:
    write_login(home / ".claude")
    env = {
        "CODEXBAR_CLAUDE_OAUTH_TOKEN": "sk-ant-oat01-second",
        "QUOTADECK_CLAUDE_OAUTH_TOKEN": "sk-ant-oat01-first",
    }
    snapshot = await fetched(home, env=env)
    bearer = service.usage.calls.last.request.headers["authorization"]
    assert bearer == "Bearer sk-ant-oat01-first"
    assert snapshot.origin == "from QUOTADECK_CLAUDE_OAUTH_TOKEN"


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(
            {
                "env": {
                    "CODEXBAR_CLAUDE_OAUTH_TOKEN": TOKEN,
                    "CODEXBAR_CLAUDE_OAUTH_SCOPES": "user:inference, user:sessions",
                }
            },
            id="in a variable",
        ),
        pytest.param({}, id="in the file"),
    ],
)
async def test_a_token_without_the_scope_is_refused_before_any_request(
    home: Path, service: Service, options: dict[str, Any]
) -> None:
    write_login(home / ".claude", scopes=["user:inference"])
    error = (await failed(home, **options)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert "user:profile" in error.message
    assert "claude setup-token" in error.hint
    assert service.router.calls.call_count == 0


async def test_an_expired_token_names_the_command_and_asks_nobody(
    home: Path, service: Service
) -> None:
    write_login(home / ".claude")
    clock = FakeClock(moment=IN_THE_EVENING + timedelta(minutes=5))
    error = (await failed(home, clock=clock)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert error.message.startswith("Claude token expired ")
    assert error.hint == "Run `claude` once."
    assert service.router.calls.call_count == 0


async def test_without_an_expiry_a_token_counts_as_over(home: Path, service: Service) -> None:
    write_login(home / ".claude", expiresAt=None)
    assert (await failed(home)).error.message == "Claude token has expired."


async def test_whatever_failed_the_login_file_is_watched(home: Path, service: Service) -> None:
    file = home / ".claude" / ".credentials.json"
    ctx = await make_context(PROVIDER, home)
    assert (await _chain.run(PROVIDER, ctx)).snapshot is None
    assert set(ctx.files.watched()) == {file}  # type: ignore[attr-defined]
    write_login(home / ".claude", expiresAt=1)
    assert (await _chain.run(PROVIDER, ctx)).snapshot is None
    assert set(ctx.files.watched()) == {file}  # type: ignore[attr-defined]


async def test_nothing_at_all_names_the_first_step(home: Path, service: Service) -> None:
    error = (await failed(home)).error
    assert error.message == "Claude Code is not signed in."
    assert "`claude`" in error.hint


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, ErrorKind.UNAUTHORIZED, "did not accept the token"),
        (429, ErrorKind.RATE_LIMITED, "rate-limiting"),
        (500, ErrorKind.SERVER, "unavailable"),
        (404, ErrorKind.SERVER, "HTTP 404"),
    ],
)
async def test_statuses_of_the_usage(
    home: Path, service: Service, status: int, kind: ErrorKind, words: str
) -> None:
    write_login(home / ".claude")
    service.usage.respond(status)
    error = (await failed(home, settings={"source": "oauth"})).error
    assert error.kind is kind
    assert words in error.message


async def test_a_refused_token_of_a_variable_is_not_renewed_by_claude_code(
    home: Path, service: Service
) -> None:
    service.usage.respond(401)
    env = {"QUOTADECK_CLAUDE_OAUTH_TOKEN": TOKEN}
    error = (await failed(home, env=env, settings={"source": "oauth"})).error
    assert error.hint.startswith("Replace the token (from QUOTADECK_CLAUDE_OAUTH_TOKEN)")


async def test_the_missing_scope_is_recognised_in_a_refusal(home: Path, service: Service) -> None:
    write_login(home / ".claude", scopes=None)
    service.usage.respond(403, content=payload("claude", "refused_usage_scope.json"))
    error = (await failed(home)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert "user:profile" in error.message


async def test_another_refusal_is_no_reason_to_sign_in_again(home: Path, service: Service) -> None:
    write_login(home / ".claude")
    service.usage.respond(403, json={"error": {"message": "not here"}})
    assert (await failed(home)).error.kind is ErrorKind.SERVER


# -- politeness ------------------------------------------------------------------------------------


async def test_a_limited_token_waits_in_the_background(home: Path, service: Service) -> None:
    write_login(home / ".claude")
    service.usage.respond(429, headers={"retry-after": "600"})
    ctx = await make_context(PROVIDER, home, user_initiated=False)
    for _ in range(2):
        result = await _chain.run(PROVIDER, ctx)
        assert result.error is not None
        assert result.error.retry_after_s == 600
    assert service.usage.call_count == 1
    write_login(home / ".claude", accessToken="sk-ant-oat01-renewed-token")
    service.usage.respond(content=payload("claude", "usage_full.json"))
    assert (await _chain.run(PROVIDER, ctx)).snapshot is not None


async def test_a_limited_token_is_stepped_around_with_a_cookie_only(
    home: Path, service: Service
) -> None:
    write_login(home / ".claude")
    service.usage.respond(429)
    error = (await failed(home)).error
    assert error.kind is ErrorKind.RATE_LIMITED
    snapshot = await fetched(home, secrets={"cookie_header": SESSION})
    assert snapshot.source_id == "web"


@pytest.mark.parametrize("status", [500, 403])
async def test_trouble_of_the_service_tries_no_other_login(
    home: Path, service: Service, status: int
) -> None:
    write_login(home / ".claude")
    service.usage.respond(status)
    await failed(home, secrets={"cookie_header": SESSION})
    assert service.organizations.call_count == 0


# -- the website -----------------------------------------------------------------------------------


def browser_jar(value: str = SESSION, label: str = "Chromium: Default") -> Jar:
    cookies = [
        Cookie(name="sessionKey", value=value, domain="claude.ai", secure=True),
        Cookie(name="cf_clearance", value="something-else-entirely", domain="claude.ai"),
    ]
    return Jar(cookies, label, now=lambda: NOON)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"secrets": {"cookie_header": SESSION}}, id="bare value"),
        pytest.param({"secrets": {"cookie_header": f"a=1; sessionKey={SESSION}"}}, id="header"),
        pytest.param({"secrets": {"api_key": SESSION}}, id="in the other field"),
        pytest.param({"browsers": FakeBrowsers(jars=[browser_jar()])}, id="from a browser"),
    ],
)
async def test_only_the_session_cookie_is_sent(
    home: Path, service: Service, options: dict[str, Any]
) -> None:
    snapshot = await fetched(home, **options)
    assert snapshot.source_id == "web"
    assert ids(snapshot) == ["weekly", "model.opus"]
    assert set(service.cookies) == {f"sessionKey={SESSION}"}


async def test_account_plan_cap_and_credits_are_added(home: Path, service: Service) -> None:
    snapshot = await fetched(home, secrets={"cookie_header": SESSION})
    assert snapshot.identity.account == "dana@example.com"
    assert snapshot.identity.plan == "Claude Team Premium"
    assert snapshot.identity.organization == "Dana & Co"
    amounts = {b.id: (b.used, b.limit, b.amount) for b in snapshot.balances}
    assert amounts["extra"] == (Decimal("2.5"), Decimal(100), None)
    assert amounts["prepaid"] == (None, None, Decimal("19.99"))


def test_a_subscription_that_is_paid_by_card_is_pro() -> None:
    answer = decoded(payload("claude", "account_pro.json"))
    assert parse_account(answer, "org-chat").plan == "Claude Pro"


async def test_failing_details_never_cost_the_windows(home: Path, service: Service) -> None:
    for route in (service.overage, service.prepaid, service.account):
        route.respond(403, html="<html>Just a moment</html>")
    snapshot = await fetched(home, secrets={"cookie_header": SESSION})
    assert ids(snapshot) == ["weekly", "model.opus"]
    assert snapshot.balances == ()


@pytest.mark.parametrize(
    ("name", "wanted", "chosen"),
    [
        ("organizations.json", "", "org-chat"),
        ("organizations.json", "org-other", "org-other"),
        ("organizations_without_chat.json", "", "org-raven"),
    ],
)
def test_which_organization_is_meant(name: str, wanted: str, chosen: str) -> None:
    answer = json_value(reply(payload("claude", name)), "claude.ai")
    assert choose(parse_organizations(answer), wanted).id == chosen


async def test_a_wrong_organization_is_named_as_a_setting(home: Path, service: Service) -> None:
    settings = {"organization_id": "org-of-somebody-else"}
    error = (await failed(home, settings=settings, secrets={"cookie_header": SESSION})).error
    assert error.kind is ErrorKind.UNSUPPORTED
    assert "organization_id" in error.hint


async def test_a_renewed_session_is_used_from_then_on(home: Path, service: Service) -> None:
    newer = "sk-ant-sid01-renewed-session"
    service.organizations.respond(
        content=payload("claude", "organizations.json"),
        headers={"set-cookie": f"sessionKey={newer}; Domain=.claude.ai; Path=/; Secure"},
    )
    ctx = await make_context(PROVIDER, home, secrets={"cookie_header": SESSION})
    await fetch(PROVIDER, ctx)
    assert service.web_usage.calls.last.request.headers["cookie"] == f"sessionKey={newer}"
    await fetch(PROVIDER, ctx)
    assert service.organizations.calls.last.request.headers["cookie"] == f"sessionKey={newer}"


async def test_a_refused_renewal_is_forgotten(home: Path, service: Service) -> None:
    ctx = await make_context(PROVIDER, home, secrets={"cookie_header": SESSION})
    mark = Secret(SESSION).fingerprint()[: web.MARK_LENGTH]
    await ctx.sessions.put(web.RENEWED, Secret("sk-ant-sid01-too-old"), mark)
    service.organizations.side_effect = [httpx.Response(401)]
    assert (await _chain.run(PROVIDER, ctx)).snapshot is None
    service.organizations.side_effect = None
    await fetch(PROVIDER, ctx)
    assert service.organizations.calls.last.request.headers["cookie"] == f"sessionKey={SESSION}"


async def test_a_refused_login_of_a_browser_is_imported_once_more(
    home: Path, service: Service
) -> None:
    old, new = browser_jar("sk-ant-sid01-old-session"), browser_jar()
    ctx = await make_context(PROVIDER, home, browsers=FakeBrowsers(jars=[new]))
    await ctx.sessions.put("cookies", old.dump(), old.label)

    def answer(request: httpx.Request) -> httpx.Response:
        if "old" in request.headers["cookie"]:
            return httpx.Response(401)
        return httpx.Response(200, content=payload("claude", "organizations.json"))

    service.organizations.mock(side_effect=answer)
    snapshot = await fetch(PROVIDER, ctx)
    assert snapshot.origin == "Chromium: Default"
    kept = await ctx.sessions.get_jar("cookies")
    assert kept is not None
    assert kept.value("sessionKey") == Secret(SESSION)


async def test_a_check_for_robots_is_no_lost_login(home: Path, service: Service) -> None:
    service.organizations.respond(403, html="<!doctype html><title>Just a moment...</title>")
    error = (await failed(home, secrets={"cookie_header": SESSION})).error
    assert error.kind is ErrorKind.SERVER
    assert "person" in error.message


async def test_a_login_page_with_a_good_status_is_no_answer(home: Path, service: Service) -> None:
    service.web_usage.respond(content=payload("claude", "bad_usage_login_page.html"))
    error = (await failed(home, secrets={"cookie_header": SESSION})).error
    assert error.kind is ErrorKind.PARSE


async def test_cookies_can_be_switched_off(home: Path, service: Service) -> None:
    browsers = FakeBrowsers(jars=[browser_jar()])
    await failed(home, settings={"cookie_source": "off"}, browsers=browsers)
    assert browsers.opened == []


async def test_a_pasted_text_without_the_cookie_is_named(home: Path, service: Service) -> None:
    error = (await failed(home, secrets={"cookie_header": "theme=dark"})).error
    assert "sessionKey" in error.message


# -- accounts and order ----------------------------------------------------------------------------


async def test_a_chosen_account_lives_on_its_own_login_only(home: Path, service: Service) -> None:
    write_login(home / ".claude")
    browsers = FakeBrowsers(jars=[browser_jar()])
    env = {"QUOTADECK_CLAUDE_OAUTH_TOKEN": TOKEN, "ANTHROPIC_ADMIN_KEY": ADMIN}
    error = (await failed(home, account="work", env=env, browsers=browsers)).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert browsers.opened == []
    assert service.router.calls.call_count == 0
    own = await fetched(home, account="work", secrets={"cookie_header": TOKEN})
    assert own.source_id == "oauth"


async def test_a_bare_host_is_never_told_the_login_of_another(home: Path, service: Service) -> None:
    write_login(home / ".claude")
    service.usage.respond(302, headers={"location": "https://elsewhere.example/"})
    elsewhere = service.router.get("https://elsewhere.example/").respond(200)
    assert (await failed(home)).error.kind is ErrorKind.SERVER
    assert elsewhere.call_count == 0


# -- the admin key ---------------------------------------------------------------------------------


@pytest.fixture
def reports(service: Service) -> Service:
    base = "https://api.anthropic.com/v1/organizations"
    service.router.get(f"{base}/cost_report").respond(content=payload("claude", "costs.json"))
    service.router.get(f"{base}/usage_report/messages").respond(
        content=payload("claude", "tokens.json")
    )
    return service


async def test_an_admin_key_shows_the_organization_and_nothing_else(
    home: Path, reports: Service
) -> None:
    write_login(home / ".claude")
    snapshot = await fetched(home, env={"ANTHROPIC_ADMIN_KEY": ADMIN})
    assert snapshot.identity.plan == "Admin API"
    assert snapshot.windows == ()
    spent = {balance.id: balance.used for balance in snapshot.balances}
    assert spent == {"today": Decimal("1"), "last-30-days": Decimal("14")}
    assert reports.usage.call_count == 0
    rows = {row.label: row.value for row in snapshot.details}
    assert rows["Claude Opus Usage - Output Tokens"] == "$13.50"
    assert rows["claude-opus-4-8"] == "5K"
    request = reports.router.calls[0].request
    assert request.headers["x-api-key"] == ADMIN
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert dict(request.url.params) == {
        "starting_at": "2026-08-12T00:00:00Z",
        "ending_at": "2026-09-11T00:00:00Z",
        "bucket_width": "1d",
        "limit": "31",
        "group_by[]": "description",
    }


def test_an_amount_that_is_missing_is_no_spend_of_nothing() -> None:
    def day(date: str, *amounts: Any) -> dict[str, Any]:
        results = [{"amount": amount, "description": f"{amount}"} for amount in amounts]
        return {"starting_at": f"2026-09-{date}T00:00:00Z", "results": results}

    def costs(*days: dict[str, Any]) -> ProviderSnapshot:
        return parse_costs({"data": list(days)}, key=KEY, now=NOON)

    snapshot = costs(day("09", "150", None, "NaN"), day("10", None))
    assert {b.id: b.used for b in snapshot.balances} == {"last-30-days": Decimal("1.5")}
    assert [row.label for row in snapshot.details] == ["150"]
    assert {b.id: b.used for b in costs(day("10")).balances}["today"] == 0
    assert costs().balances == ()


async def test_a_refused_admin_key_does_not_lead_to_another_login(
    home: Path, service: Service
) -> None:
    write_login(home / ".claude")
    service.router.get(url__startswith="https://api.anthropic.com/v1/").respond(401)
    error = (await failed(home, env={"ANTHROPIC_ADMIN_KEY": ADMIN})).error
    assert error.message == "Anthropic did not accept the admin key."
    assert service.usage.call_count == 0


async def test_the_api_needs_an_admin_key(home: Path, service: Service) -> None:
    error = (await failed(home, settings={"source": "api"}, secrets={"api_key": TOKEN})).error
    assert "ANTHROPIC_ADMIN_KEY" in error.hint


# -- the key store of macOS ------------------------------------------------------------------------


def key_store(**changes: Any) -> FakeKeyStore:
    data = json.loads(payload("claude", "credentials.json"))
    data["claudeAiOauth"] |= changes
    return FakeKeyStore({("Claude Code-credentials", "dana"): json.dumps(data)})


async def test_the_key_store_is_read_when_allowed_and_asked(home: Path, service: Service) -> None:
    write_login(home / ".claude", expiresAt=1)
    store = key_store(accessToken="sk-ant-oat01-in-the-key-store")
    options: dict[str, Any] = {"os_name": "macos", "env": {"USER": "dana"}, "key_store": store}
    await failed(home, **options)
    assert store.asked == []
    allowed = {**options, "settings": {"read_keychain": True}}
    await failed(home, **allowed, user_initiated=False)
    assert store.asked == []
    ctx = await make_context(PROVIDER, home, **allowed)
    await fetch(PROVIDER, ctx)
    bearer = service.usage.calls.last.request.headers["authorization"]
    assert bearer == "Bearer sk-ant-oat01-in-the-key-store"
    assert len(store.asked) >= 1


async def test_whichever_of_file_and_key_store_lasts_longer_is_used(
    home: Path, service: Service
) -> None:
    write_login(home / ".claude")
    store = key_store(accessToken="sk-ant-oat01-older", expiresAt=1789060000000)
    await fetched(
        home,
        os_name="macos",
        env={"USER": "dana"},
        key_store=store,
        settings={"read_keychain": True},
    )
    assert service.usage.calls.last.request.headers["authorization"] == f"Bearer {TOKEN}"


# -- the screen ------------------------------------------------------------------------------------


def shown(name: str) -> ProviderSnapshot:
    return screen.parse_screen(payload("claude", name).decode(), key=KEY, now=NOON)


def test_the_last_painting_of_the_screen_counts() -> None:
    snapshot = shown("screen_full.txt")
    found = [(w.id, w.label, w.used_percent, w.resets_text) for w in snapshot.windows]
    assert found == [
        ("session", "Session", 21.0, "Resets 3:59pm (Europe/Berlin)"),
        ("weekly", "Weekly", 6.0, "Resets Oct 9, 5am (Europe/Berlin)"),
        ("model.sonnet", "Sonnet weekly", 0.0, ""),
    ]
    assert snapshot.confidence == "percent_only"


def test_a_screen_without_blanks_is_read_and_left_means_left() -> None:
    found = {w.id: w.used_percent for w in shown("screen_squeezed.txt").windows}
    assert found == {"session": 79.0, "weekly": 6.0, "model.opus": 12.5}


class PlayedProgram:
    """Claude Code as the source starts it: each launch has an output."""

    def __init__(self, home: Path, *outputs: str) -> None:
        self.program = home / "claude"
        self.outputs = list(outputs)
        self.launches: list[tuple[str, ...]] = []
        self.options: dict[str, Any] = {}

    def find(self, name: str) -> Path | None:
        return self.program

    async def run(self, program: Path, *args: str, **options: Any) -> CommandResult:
        self.launches.append(args)
        self.options = options
        return CommandResult(exit_code=None, stdout=self.outputs.pop(0), went_silent=True)


async def test_the_program_is_asked_only_when_chosen_and_under_one_id(home: Path) -> None:
    full = payload("claude", "screen_full.txt").decode()
    program = PlayedProgram(home, "Error: Session ID is already in use.", full)
    snapshot = await fetched(home, settings={"source": "cli"}, commands=program)
    assert snapshot.source_id == "cli"
    first, second = program.launches
    assert first[0] == "--session-id"
    assert second[:2] == ("--resume", first[1])
    assert program.options["pty"]
    assert program.options["done"](full)
    assert "cli" not in next(mode for mode in PROVIDER.modes if mode.id == "auto").sources


def test_what_is_typed_follows_what_is_asked() -> None:
    keys = screen.Keys()
    assert keys("loading") == ""
    assert keys("Do you trust the files in this folder?\n❯ 1. Yes") == "\r"
    typed = [keys("Do you trust …\n ❯ ") for _ in range(3)]
    assert typed == ["/usage", "\r", ""]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("refused_screen_signed_out.txt", ErrorKind.UNAUTHORIZED),
        ("refused_screen_not_loaded.txt", ErrorKind.SERVER),
        ("refused_screen_rate_limited.txt", ErrorKind.RATE_LIMITED),
        ("bad_screen_empty.txt", ErrorKind.PARSE),
    ],
)
def test_why_the_screen_shows_nothing(name: str, kind: ErrorKind) -> None:
    with pytest.raises(FetchError) as caught:
        shown(name)
    assert caught.value.kind is kind


async def test_a_missing_program_is_named(home: Path) -> None:
    error = (await failed(home, settings={"source": "cli"})).error
    assert error.cause == "no_program"


# -- small things ----------------------------------------------------------------------------------


async def test_a_token_is_usable_up_to_its_last_second(home: Path) -> None:
    login = parse_login(payload("claude", "credentials.json").decode())
    ctx: FetchContext = await make_context(
        PROVIDER, home, clock=FakeClock(moment=IN_THE_EVENING - timedelta(seconds=1))
    )
    check_usable(ctx, login)


async def test_the_demo_plays_it(home: Path) -> None:
    moment = Moment(NOON + timedelta(minutes=3), NOON)
    for name, content in scene.SCENE.files.items():
        file = home / name
        file.parent.mkdir(parents=True)
        file.write_text(str(content(moment)))
    gateway = HttpGateway(PlayedUpstream(scene.SCENE.routes, lambda: moment, delays=False))
    snapshot = await fetched(home, gateway=gateway)
    assert [w.id for w in snapshot.windows if w.headline] == ["session", "weekly"]
    assert snapshot.identity.plan == "Claude Max 5x"
    assert snapshot.identity.account == "mira@example.com"


PLAYED_SCREEN = """\
import sys
print("Do you trust the files in this folder?", flush=True)
print("❯ 1. Yes, proceed", flush=True)
input()
print("\\033[2J> ", end="", flush=True)
assert input() == "/usage"
print(open(sys.argv[0] + ".txt").read(), flush=True)
input()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of this kind are not there")
async def test_the_command_is_typed_into_a_real_terminal(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "DONE_SILENCE_S", 0.1)
    program = home / "claude"
    program.write_text(f"#!{sys.executable}\n{PLAYED_SCREEN}", encoding="utf-8")
    program.chmod(0o755)
    (home / "claude.txt").write_bytes(payload("claude", "screen_full.txt"))
    env = {"PATH": str(home), "HOME": str(home), "PYTHONUTF8": "1"}
    commands = Programs(PROVIDER.programs, None, env, home / "work", (), "linux")
    snapshot = await fetched(home, settings={"source": "cli"}, commands=commands)
    assert snapshot.window("session").used_percent == 21.0
