"""Gemini: families of models, a login that is only read, and an account that has moved."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from tests.support import NOON, FakeCommands, FetchFailed, fetch, make_context, payload, reply
from tui.core.errors import ErrorKind, MissingCredentials
from tui.core.models import DAY_MINUTES, Identity, ProviderKey, ProviderSnapshot
from tui.providers._parse import json_object
from tui.providers.gemini import PROVIDER
from tui.providers.gemini.client import parse_client
from tui.providers.gemini.login import check_supported, find_login, parse_login
from tui.providers.gemini.parse import find_project, parse_identity, parse_project, parse_quota

KEY = ProviderKey("gemini")
ACCESS, REFRESH, RENEWED = "ya29.access-of-mira", "1//refresh-of-mira", "ya29.renewed-of-mira"
CLIENT = {"GEMINI_OAUTH_CLIENT_ID": "client-id-123", "GEMINI_OAUTH_CLIENT_SECRET": "client-s3cret"}
SCRIPT = "const OAUTH_CLIENT_ID = 'id-of-the-cli';\nconst OAUTH_CLIENT_SECRET = 's3cret-of-cli';"


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "Gemini")


def quota(body: bytes) -> ProviderSnapshot:
    return parse_quota(decoded(body), key=KEY, now=NOON)


def identity(body: bytes) -> object:
    return parse_identity(decoded(body), {"email": "mira@example.org"}), parse_project(
        decoded(body)
    )


PARSERS: dict[str, Callable[[bytes], object]] = {
    "refused_*": lambda body: check_supported(reply(body, 403)),
    "*quota_*": quota,
    "assist_*": identity,
    "projects.json": lambda body: find_project(decoded(body)),
}


def id_token(**claims: str) -> str:
    parts = ({"alg": "RS256"}, claims, {"signature": True})
    return ".".join(urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)


def sign_in(home: Path, *, expires: timedelta = timedelta(minutes=30), **changes: Any) -> Path:
    """Leave a login as the CLI does."""
    login = {
        "access_token": ACCESS,
        "refresh_token": REFRESH,
        "id_token": id_token(email="mira@example.org"),
        "token_type": "Bearer",
        "expiry_date": int((NOON + expires).timestamp() * 1000),
        **changes,
    }
    file = home / ".gemini/oauth_creds.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(login))
    return file


class Google:
    """The four calls, answered with stored answers unless a test says otherwise."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        host = "cloudcode-pa.googleapis.com"
        self.assist = router.post(host=host, path="/v1internal:loadCodeAssist")
        self.quota = router.post(host=host, path="/v1internal:retrieveUserQuota")
        self.projects = router.get(host="cloudresourcemanager.googleapis.com", path="/v1/projects")
        self.token = router.post(host="oauth2.googleapis.com", path="/token")
        self.assist.respond(content=payload("gemini", "assist_paid.json"))
        self.quota.respond(content=payload("gemini", "quota_families.json"))
        self.projects.respond(content=payload("gemini", "projects.json"))
        self.token.respond(json={"access_token": RENEWED, "expires_in": 3599})


@pytest.fixture
def google() -> Iterator[Google]:
    with respx.mock(assert_all_called=False) as router:
        yield Google(router)


async def read(home: Path, **options: Any) -> ProviderSnapshot:
    return await fetch(PROVIDER, await make_context(PROVIDER, home, **options))


async def failure(home: Path, **options: Any) -> Any:
    with pytest.raises(FetchFailed) as caught:
        await read(home, **options)
    return caught.value


def bearer(route: respx.Route) -> str:
    return str(route.calls.last.request.headers["authorization"])


def sent(route: respx.Route) -> Any:
    return json.loads(route.calls.last.request.content)


# -- the answer ------------------------------------------------------------------------------------


def test_families_show_their_most_used_model_in_a_fixed_order() -> None:
    windows = quota(payload("gemini", "quota_families.json")).windows
    assert [(w.id, w.label, w.used_percent) for w in windows] == [
        ("model.pro", "Pro", 62.5),
        ("model.flash", "Flash", 10.0),
        ("model.flash-lite", "Flash Lite", 34.0),
    ]
    assert windows[0].resets_at == datetime(2026, 9, 11, 8, 15, 0, 250_000, tzinfo=UTC)
    assert {w.window_minutes for w in windows} == {DAY_MINUTES}
    assert not any(w.paced for w in windows)


def test_of_several_buckets_of_a_model_the_lowest_share_counts() -> None:
    rows = quota(payload("gemini", "quota_families.json")).details
    assert {row.label: row.value for row in rows}["gemini-2.5-pro"] == "58% used"


def test_odd_buckets_cost_nothing_but_themselves_and_new_families_get_a_lane() -> None:
    windows = quota(payload("gemini", "quota_odd.json")).windows
    assert [(w.id, w.used_percent) for w in windows] == [
        ("model.flash", 75.0),
        ("model.gemma-bold-4-31m", 0.0),
        ("model.gemini-4-ultra", 100.0),
    ]
    assert windows[0].resets_at is None


@pytest.mark.parametrize(
    ("assist", "domain", "plan"),
    [
        ({"paidTier": {"name": "Google AI Pro"}, "currentTier": {"id": "free-tier"}}, "", None),
        ({"currentTier": {"id": "standard-tier"}}, "", "Paid"),
        ({"currentTier": {"id": "free-tier"}}, "", "Free"),
        ({"currentTier": {"id": "free-tier"}}, "example.org", "Workspace"),
        ({"currentTier": {"id": "legacy-tier"}}, "", "Legacy"),
        ({"currentTier": {"id": "new-tier"}}, "", ""),
        ({}, "", ""),
    ],
)
def test_the_plan_is_that_of_the_tier(assist: dict[str, Any], domain: str, plan: str) -> None:
    expected = "Google AI Pro" if plan is None else plan
    assert parse_identity(assist, {"hd": domain} if domain else {}).plan == expected


@pytest.mark.parametrize(
    ("value", "project"),
    [
        ("lamp-1", "lamp-1"),
        ({"id": "lamp-2"}, "lamp-2"),
        ({"projectId": "lamp-3"}, "lamp-3"),
        ({}, ""),
        (None, ""),
        (7, ""),
    ],
)
def test_a_project_is_a_text_or_an_object(value: Any, project: str) -> None:
    assert parse_project({"cloudaicompanionProject": value}) == project


def test_the_first_project_made_for_gemini_is_taken() -> None:
    answer = decoded(payload("gemini", "projects.json"))
    assert find_project(answer) == "talking-lamp"
    del answer["projects"][1]
    assert find_project(answer) == "gen-lang-client-42"
    del answer["projects"][1]
    assert find_project(answer) == ""


# -- asking ----------------------------------------------------------------------------------------


async def test_a_good_login_is_asked_for_tier_and_quota(home: Path, google: Google) -> None:
    sign_in(home)
    snapshot = await read(home)
    assert snapshot.window("model.pro").used_percent == 62.5
    assert snapshot.identity == Identity(
        account="mira@example.org", plan="Google AI Pro", login_method="Google login"
    )
    assert bearer(google.assist) == bearer(google.quota) == f"Bearer {ACCESS}"
    metadata = {"ideType": "GEMINI_CLI", "pluginType": "GEMINI"}
    assert sent(google.assist) == {"metadata": metadata}
    assert sent(google.quota) == {"project": "gen-lang-client-0123456789"}
    assert google.projects.call_count == google.token.call_count == 0


async def test_a_tier_without_project_leads_to_the_list_of_projects(
    home: Path, google: Google
) -> None:
    sign_in(home)
    google.assist.respond(content=payload("gemini", "assist_free.json"))
    snapshot = await read(home)
    assert sent(google.quota) == {"project": "talking-lamp"}
    assert snapshot.identity.plan == "Free"


@pytest.mark.parametrize("trouble", [500, 403, "html", "down"])
async def test_tier_and_projects_may_fail(home: Path, google: Google, trouble: Any) -> None:
    sign_in(home)
    for route in (google.assist, google.projects):
        if trouble == "down":
            route.mock(side_effect=httpx.ConnectError("down"))
        elif trouble == "html":
            route.respond(html="<html>sign in</html>")
        else:
            route.respond(trouble)
    snapshot = await read(home)
    assert sent(google.quota) == {}
    assert snapshot.identity.plan == ""
    assert len(snapshot.windows) == 3


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, ErrorKind.UNAUTHORIZED, "gemini"),
        (403, ErrorKind.SERVER, "HTTP 403"),
        (429, ErrorKind.RATE_LIMITED, "rate"),
        (503, ErrorKind.SERVER, "HTTP 503"),
    ],
)
async def test_refusals_of_the_quota_say_what_they_mean(
    home: Path, google: Google, status: int, kind: ErrorKind, words: str
) -> None:
    sign_in(home)
    google.quota.respond(status, headers={"Retry-After": "120"})
    error = (await failure(home)).error
    assert error.kind is kind
    assert words in f"{error.message} {error.hint}"
    assert error.retry_after_s == (120 if status == 429 else None)


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"buckets": [{"mod', b"[]"])
async def test_what_is_no_quota_is_a_parse_error(home: Path, google: Google, body: bytes) -> None:
    sign_in(home)
    google.quota.respond(content=body)
    assert (await failure(home)).error.kind is ErrorKind.PARSE


async def test_a_redirect_to_another_host_is_not_followed(home: Path, google: Google) -> None:
    sign_in(home)
    elsewhere = google.router.route(host="elsewhere.example").respond(200)
    google.quota.respond(302, headers={"Location": "https://elsewhere.example/quota"})
    assert (await failure(home)).error.kind is ErrorKind.SERVER
    assert elsewhere.call_count == 0


# -- accounts that moved ---------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["assist", "quota", "token"])
async def test_an_account_that_moved_is_told_so_and_loses_its_numbers(
    home: Path, google: Google, call: str
) -> None:
    sign_in(home, expires=timedelta(hours=-1))
    moved = payload("gemini", "refused_moved.json")
    getattr(google, call).respond(403, content=moved)
    failed = await failure(home, env=CLIENT)
    assert failed.error.kind is ErrorKind.UNSUPPORTED
    assert "Antigravity" in failed.error.hint
    assert failed.result.drop_snapshot


@pytest.mark.parametrize(
    ("words", "moved"),
    [
        ("reason: UNSUPPORTED_CLIENT", True),
        ("IneligibleTierError: no", True),
        ("Gemini Code Assist is no longer supported", True),
        ("Migrate from Gemini to Antigravity", True),
        ("Gemini is no longer supported here", False),
        ("Antigravity and Gemini", False),
    ],
)
async def test_only_the_known_words_mean_that_it_moved(
    home: Path, google: Google, words: str, moved: bool
) -> None:
    sign_in(home)
    google.quota.respond(400, json={"error": {"message": words}})
    kind = (await failure(home)).error.kind
    assert kind is (ErrorKind.UNSUPPORTED if moved else ErrorKind.SERVER)


# -- the login -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]", "{}", '{"access_token": null, "refresh_token": " "}']
)
async def test_nobody_signed_in_asks_nobody(
    home: Path, google: Google, content: str | None
) -> None:
    if content is not None:
        sign_in(home).write_text(content)
    error = (await failure(home)).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert "`gemini`" in error.hint
    assert google.router.calls.call_count == 0


async def test_the_login_of_the_cli_is_no_login_of_a_named_account(
    home: Path, google: Google
) -> None:
    sign_in(home)
    with pytest.raises(MissingCredentials, match="keeps one login"):
        await find_login(await make_context(PROVIDER, home, account="work"))
    assert google.router.calls.call_count == 0


@pytest.mark.parametrize("chosen", ["gemini-api-key", "api-key", "vertex-ai"])
async def test_other_ways_to_sign_in_have_no_usage_data(
    home: Path, google: Google, chosen: str
) -> None:
    file = sign_in(home)
    settings = {"security": {"auth": {"selectedType": chosen}}}
    (file.parent / "settings.json").write_text(json.dumps(settings))
    error = (await failure(home)).error
    assert error.kind is ErrorKind.UNSUPPORTED
    assert "Sign in with Google" in error.hint
    assert google.router.calls.call_count == 0
    ctx = await make_context(PROVIDER, home)
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(ctx) == ""


@pytest.mark.parametrize("chosen", ["oauth-personal", "something-new", "{"])
async def test_google_and_unknown_ways_to_sign_in_go_on(
    home: Path, google: Google, chosen: str
) -> None:
    file = sign_in(home)
    settings = json.dumps({"security": {"auth": {"selectedType": chosen}}})
    (file.parent / "settings.json").write_text(chosen if chosen == "{" else settings)
    assert (await read(home)).windows
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(await make_context(PROVIDER, home)) == "Gemini CLI login"


def test_the_expiry_counts_milliseconds() -> None:
    login = parse_login('{"access_token": "ya29.some-token", "expiry_date": 1785801600000}')
    assert login is not None
    assert login.expires_at == datetime(2026, 8, 4, tzinfo=UTC)


async def test_an_expired_token_is_renewed_once_and_the_file_stays_as_it_is(
    home: Path, google: Google
) -> None:
    file = sign_in(home, expires=timedelta(minutes=-5))
    before = file.read_bytes()
    ctx = await make_context(PROVIDER, home, env=CLIENT)
    for _ in range(2):
        await fetch(PROVIDER, ctx)
        assert bearer(google.quota) == f"Bearer {RENEWED}"
    assert google.token.call_count == 1
    assert parse_qs(google.token.calls.last.request.content.decode()) == {
        "client_id": ["client-id-123"],
        "client_secret": ["client-s3cret"],
        "refresh_token": [REFRESH],
        "grant_type": ["refresh_token"],
    }
    assert file.read_bytes() == before


async def test_a_kept_token_ends_with_its_time_and_with_another_login(
    home: Path, google: Google
) -> None:
    sign_in(home, expires=timedelta(minutes=-5))
    ctx = await make_context(PROVIDER, home, env=CLIENT)
    await fetch(PROVIDER, ctx)
    sign_in(home, expires=timedelta(minutes=-5), refresh_token="1//refresh-of-noor")
    await fetch(PROVIDER, ctx)
    assert google.token.call_count == 2
    await ctx.clock.advance(3600)  # type: ignore[attr-defined]
    await fetch(PROVIDER, ctx)
    assert google.token.call_count == 3


async def test_a_kept_token_that_is_refused_is_not_used_again(home: Path, google: Google) -> None:
    sign_in(home, access_token=None)
    ctx = await make_context(PROVIDER, home, env=CLIENT)
    google.quota.respond(401)
    for _ in range(2):
        with pytest.raises(FetchFailed):
            await fetch(PROVIDER, ctx)
    assert google.token.call_count == 2


async def test_an_expired_login_that_cannot_be_renewed_is_none(home: Path, google: Google) -> None:
    sign_in(home, expires=timedelta(minutes=-5), refresh_token=None)
    assert (await failure(home, env=CLIENT)).error.kind is ErrorKind.MISSING_CREDENTIALS
    assert google.router.calls.call_count == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ErrorKind.UNAUTHORIZED), (401, ErrorKind.UNAUTHORIZED), (503, ErrorKind.SERVER)],
)
async def test_a_refused_renewal_asks_to_sign_in_unless_google_has_trouble(
    home: Path, google: Google, status: int, kind: ErrorKind
) -> None:
    sign_in(home, access_token="")
    google.token.respond(status, json={"error": "invalid_grant"})
    assert (await failure(home, env=CLIENT)).error.kind is kind
    assert google.quota.call_count == 0


# -- the client ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        "lib/node_modules/@google/gemini-cli/dist/src/code_assist/oauth2.js",
        "lib/node_modules/@google/gemini-cli/node_modules/@google/gemini-cli-core"
        "/dist/src/code_assist/oauth2.js",
        "lib/node_modules/@google/gemini-cli-core/dist/src/code_assist/oauth2.js",
        "libexec/lib/node_modules/@google/gemini-cli/bundle/chunk-7.js",
        "share/gemini-cli/node_modules/@google/gemini-cli-core/dist/src/code_assist/oauth2.js",
        "share/gemini-cli/bundle/gemini.js",
    ],
)
async def test_the_client_is_found_where_the_cli_is_installed(
    home: Path, google: Google, place: str
) -> None:
    prefix = home / "prefix"
    script = prefix / place
    script.parent.mkdir(parents=True)
    script.write_text(SCRIPT)
    (prefix / "lib/node_modules/@google/gemini-cli").mkdir(parents=True, exist_ok=True)
    program = prefix / "bin/gemini"
    program.parent.mkdir()
    program.write_text("#!/bin/sh")
    sign_in(home, access_token=None)
    await read(home, commands=FakeCommands(program=program))
    form = parse_qs(google.token.calls.last.request.content.decode())
    assert form["client_id"] == ["id-of-the-cli"]
    assert form["client_secret"] == ["s3cret-of-cli"]


async def test_a_script_named_by_a_variable_serves_too(home: Path, google: Google) -> None:
    script = home / "somewhere.js"
    script.write_text(SCRIPT)
    sign_in(home, access_token=None)
    await read(home, env={"GEMINI_OAUTH2_JS_PATH": str(script)})
    form = parse_qs(google.token.calls.last.request.content.decode())
    assert form["client_id"] == ["id-of-the-cli"]


async def test_without_a_client_the_two_variables_are_named(home: Path, google: Google) -> None:
    sign_in(home, access_token=None)
    error = (await failure(home)).error
    assert error.kind is ErrorKind.UNSUPPORTED
    assert all(name in error.hint for name in CLIENT)
    assert google.router.calls.call_count == 0


def test_a_script_without_both_halves_names_no_client() -> None:
    assert parse_client("const OAUTH_CLIENT_ID = 'id'") is None
    assert parse_client('var OAUTH_CLIENT_ID="id",OAUTH_CLIENT_SECRET="secret"') is not None
