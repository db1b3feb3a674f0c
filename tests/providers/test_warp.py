"""Warp: plan credits, add-on pools, refusals with HTTP 200, and the edge in front of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.support import NOON, FetchFailed, fetch, make_context, payload, reply
from tui.core.errors import ErrorKind, FetchError, Unsupported
from tui.core.models import MONTH_MINUTES, WEEK_MINUTES, ProviderKey, ProviderSnapshot
from tui.gateways.files import DeclaredFiles
from tui.providers._parse import json_object
from tui.providers.warp import PROVIDER
from tui.providers.warp.parse import parse_limits, with_account, with_spending
from tui.providers.warp.sources import parse_os_release

KEY = ProviderKey("warp")
SECRET = "wk-1.0123456789abcdef"
GOOD = {"WARP_API_KEY": SECRET}
LIMITS_URL = "https://app.warp.dev/graphql/v2?op=GetRequestLimitInfo"
NO_EXTRAS = {"extras": False}


BARE = ProviderSnapshot(key=KEY, source_id="api", fetched_at=NOON)


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "Warp")


PARSERS: dict[str, Callable[[bytes], object]] = {
    "account*": lambda body: with_account(BARE, decoded(body)),
    "spending*": lambda body: with_spending(BARE, decoded(body)),
    "*": lambda body: parse_limits(decoded(body), key=KEY, now=NOON),
}


def answer(name: str) -> dict[str, Any]:
    return decoded(payload("warp", name))


def parsed(name: str) -> ProviderSnapshot:
    return parse_limits(answer(name), key=KEY, now=NOON)


async def fetched(home: Path, *answers: httpx.Response | Exception) -> respx.Route:
    with respx.mock(assert_all_called=False) as router:
        route = router.post(LIMITS_URL).mock(side_effect=list(answers))
        await fetch(PROVIDER, await make_context(PROVIDER, home, settings=NO_EXTRAS, env=GOOD))
    return route


async def refusal(home: Path, *answers: httpx.Response | Exception) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetched(home, *answers)
    return caught.value


def body(name: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=payload("warp", name))


# -- plan credits ----------------------------------------------------------------------------------


def test_monthly_credits() -> None:
    window = parsed("monthly.json").window("credits")
    assert window.used_percent == 23.0
    assert (window.used, window.limit, window.unit) == (Decimal(345), Decimal(1500), "credits")
    assert window.resets_text == "345/1500 credits"
    assert window.resets_at == datetime(2026, 12, 9, 8, 30, 15, 123456, tzinfo=UTC)
    assert window.window_minutes == MONTH_MINUTES


@pytest.mark.parametrize(
    ("word", "minutes"),
    [
        ("WEEKLY", WEEK_MINUTES),
        ("EVERY_TWO_WEEKS", 2 * WEEK_MINUTES),
        ("monthly", MONTH_MINUTES),
        ("YEARLY", None),
        (None, None),
    ],
)
def test_the_refresh_duration_gives_the_length(word: str | None, minutes: int | None) -> None:
    data = answer("monthly.json")
    data["data"]["user"]["user"]["requestLimitInfo"]["requestLimitRefreshDuration"] = word
    window = parse_limits(data, key=KEY, now=NOON).window("credits")
    assert window.window_minutes == minutes


def test_unlimited_has_a_word_instead_of_a_percent_and_a_reset() -> None:
    window = parsed("unlimited.json").window("credits")
    assert window.unlimited
    assert window.resets_text == "Unlimited"
    assert (window.used_percent, window.resets_at, window.limit) == (None, None, None)


@pytest.mark.parametrize("value", [True, 1, "true", "1", "Yes"])
def test_unlimited_comes_in_many_forms(value: object) -> None:
    data = answer("monthly.json")
    data["data"]["user"]["user"]["requestLimitInfo"]["isUnlimited"] = value
    assert parse_limits(data, key=KEY, now=NOON).window("credits").unlimited


def test_numbers_as_texts_and_long_fractions() -> None:
    window = parsed("texts.json").window("credits")
    assert window.used_percent == 20.0
    assert window.resets_at == datetime(2026, 9, 14, 0, 0, 0, 123456, tzinfo=UTC)
    assert window.window_minutes == WEEK_MINUTES


def test_a_limit_of_zero_is_not_zero_percent() -> None:
    window = parsed("team_key_exhausted_addon.json").window("credits")
    assert window.used_percent is None
    assert window.resets_text == "0/0 credits"


def test_unusable_numbers_are_unknown() -> None:
    window = parsed("unusable_numbers.json").window("credits")
    assert (window.used_percent, window.used, window.limit) == (None, None, None)
    assert (window.resets_at, window.resets_text, window.window_minutes) == (None, "", None)


def test_more_used_than_allowed_is_a_full_bar() -> None:
    data = answer("monthly.json")
    data["data"]["user"]["user"]["requestLimitInfo"]["requestsUsedSinceLastRefresh"] = 1600
    window = parse_limits(data, key=KEY, now=NOON).window("credits")
    assert window.used_percent == 100.0
    assert window.resets_text == "1600/1500 credits"


# -- add-on credits --------------------------------------------------------------------------------


def test_addon_credits_of_user_and_workspaces_are_one_pool() -> None:
    window = parsed("monthly.json").window("addon")
    assert window.label == "Add-on credits"
    assert (window.used, window.limit) == (Decimal(420), Decimal(1500))
    assert window.used_percent == 28.0
    assert window.resets_at is None
    assert not window.headline


def test_the_earliest_expiry_is_named_with_all_that_expires_in_that_second() -> None:
    assert parsed("monthly.json").window("addon").resets_text == "180 credits expire on 2027-01-05"


def test_credits_for_cloud_agents_are_a_pool_of_their_own() -> None:
    window = parsed("monthly.json").window("addon.cloud")
    assert (window.used_percent, window.resets_text) == (60.0, "200 credits left")


def test_an_empty_pool_is_hidden_and_an_exhausted_one_is_shown() -> None:
    assert [window.id for window in parsed("texts.json").windows] == ["credits"]
    window = parsed("team_key_exhausted_addon.json").window("addon")
    assert (window.used_percent, window.resets_text) == (100.0, "none left")


def test_remaining_credits_without_a_granted_number_are_zero_percent() -> None:
    window = parsed("unusable_numbers.json").window("addon")
    assert (window.used_percent, window.limit, window.resets_text) == (0.0, None, "25 credits left")


# -- refusals in a good status ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("refused_unauthorized_http_200.json", ErrorKind.UNAUTHORIZED, "rejected the key"),
        ("refused_errors_http_200.json", ErrorKind.SERVER, "backend is busy; try later; third"),
        ("refused_user_facing.json", ErrorKind.SERVER, "Your account is past due"),
        ("bad_auth_error_type.json", ErrorKind.PARSE, "AuthError"),
        ("bad_no_limits.json", ErrorKind.PARSE, "requestLimitInfo"),
        ("bad_no_user.json", ErrorKind.PARSE, "data.user"),
        ("bad_no_data.json", ErrorKind.PARSE, "data.user"),
    ],
)
def test_http_200_does_not_mean_success(name: str, kind: ErrorKind, said: str) -> None:
    with pytest.raises(FetchError) as caught:
        parsed(name)
    assert caught.value.kind is kind
    assert said in caught.value.message
    assert "fourth" not in caught.value.message


@pytest.mark.parametrize(
    "words",
    ["unauthenticated", "Invalid API key", "invalid token", "Token has expired", "UNAUTHORIZED: x"],
)
def test_words_about_the_key_are_unauthorized(words: str) -> None:
    with pytest.raises(FetchError) as caught:
        parse_limits({"errors": [words]}, key=KEY, now=NOON)
    assert caught.value.kind is ErrorKind.UNAUTHORIZED


@pytest.mark.parametrize("errors", [[{}], [None], [{"message": 7}], [{"message": "<html>"}]])
def test_errors_without_words_are_still_errors(errors: list[object]) -> None:
    data = {**answer("monthly.json"), "errors": errors}
    with pytest.raises(FetchError, match="without a message"):
        parse_limits(data, key=KEY, now=NOON)


# -- the request -----------------------------------------------------------------------------------


async def test_the_request_looks_like_warps_client(home: Path) -> None:
    request = (await fetched(home, body("monthly.json"))).calls.last.request
    assert str(request.url) == LIMITS_URL
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["user-agent"] == "Warp/1.0"
    assert request.headers["x-warp-client-id"] == "warp-app"
    assert request.headers["x-warp-os-category"] == "Linux"
    assert request.headers["content-type"] == "application/json"
    sent = json.loads(request.content)
    assert sent["operationName"] == "GetRequestLimitInfo"
    assert sent["variables"]["requestContext"]["clientContext"] == {}
    assert sent["variables"]["requestContext"]["osContext"]["category"] == "Linux"
    for field in ("requestLimitRefreshDuration", "grantType", "scope", "UserFacingError"):
        assert field in sent["query"]
    assert sent["query"].count("{") == sent["query"].count("}")


class FilesWith(DeclaredFiles):
    """Files of one system that is not this one."""

    content: str | None = None

    async def read_text(self, path: Path, *, max_bytes: int = 1 << 20) -> str | None:
        if self.content is None:
            raise Unsupported("may not be read")
        return self.content


@pytest.mark.parametrize(
    ("os_name", "content", "expected"),
    [
        (
            "linux",
            '# a comment\nNAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\n',
            {"category": "Linux", "name": "Ubuntu", "version": "24.04"},
        ),
        ("linux", "NAME='Arch Linux'\n", {"category": "Linux", "name": "Arch Linux"}),
        ("linux", None, {"category": "Linux", "name": "Linux"}),
        (
            "macos",
            "<key>ProductVersion</key>\n\t<string>15.6.1</string>",
            {"category": "macOS", "name": "macOS", "version": "15.6.1"},
        ),
        ("windows", None, {"category": "Windows", "name": "Windows"}),
    ],
)
async def test_the_system_is_named_in_headers_and_variables(
    home: Path, os_name: Any, content: str | None, expected: dict[str, str]
) -> None:
    ctx = await make_context(PROVIDER, home, settings=NO_EXTRAS, env=GOOD, os_name=os_name)
    files = FilesWith(PROVIDER.roots, env={}, home=home)
    files.content = content
    with respx.mock() as router:
        route = router.post(LIMITS_URL).mock(return_value=body("monthly.json"))
        await fetch(PROVIDER, replace(ctx, files=files))
    request = route.calls.last.request
    sent = {name: request.headers.get(f"x-warp-os-{name}") for name in expected}
    assert sent == expected
    assert json.loads(request.content)["variables"]["requestContext"]["osContext"] == expected


def test_control_characters_of_a_system_file_stay_out_of_headers() -> None:
    assert parse_os_release('NAME="Evil\x1b[31m\x00OS"\nVERSION_ID=\nbroken') == {"NAME": "EvilOS"}


async def test_a_rejected_field_is_asked_again_once_with_the_small_query(home: Path) -> None:
    route = await fetched(home, body("refused_unknown_field.json", 400), body("monthly.json"))
    first, second = (json.loads(call.request.content)["query"] for call in route.calls)
    assert "requestLimitRefreshDuration" in first
    for field in ("requestLimitRefreshDuration", "grantType", "scope"):
        assert field not in second
    assert "requestCreditsRemaining" in second


async def test_a_field_rejected_twice_is_an_error(home: Path) -> None:
    rejected = body("refused_unknown_field.json")
    failed = await refusal(home, rejected, rejected)
    assert failed.error.kind is ErrorKind.SERVER
    assert "Cannot query field" in failed.error.message


@pytest.mark.parametrize(
    ("settings", "env", "expected"),
    [
        ({"api_key": " wk-file "}, GOOD, "wk-file"),
        ({}, {"WARP_API_KEY": '"wk-one"', "WARP_TOKEN": "wk-two"}, "wk-one"),
        ({}, {"WARP_API_KEY": " '' ", "WARP_TOKEN": "wk-two"}, "wk-two"),
    ],
)
async def test_the_order_of_keys(
    home: Path, settings: dict[str, str], env: dict[str, str], expected: str
) -> None:
    with respx.mock() as router:
        route = router.post(LIMITS_URL).mock(return_value=body("monthly.json"))
        table = {**NO_EXTRAS, **settings}
        await fetch(PROVIDER, await make_context(PROVIDER, home, settings=table, env=env))
    assert route.calls.last.request.headers["authorization"] == f"Bearer {expected}"


async def test_without_a_key_nothing_is_sent(home: Path) -> None:
    with respx.mock(assert_all_called=False) as router:
        everything = router.route().mock(return_value=httpx.Response(200))
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, await make_context(PROVIDER, home, env={"WARP_TOKEN": " "}))
    assert not everything.called
    assert caught.value.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert caught.value.error.message == "Missing Warp API key."
    assert caught.value.error.hint == "Add it in settings or set WARP_API_KEY."


async def test_the_key_does_not_follow_a_redirect_to_another_host(home: Path) -> None:
    with respx.mock(assert_all_called=False) as router:
        router.post(LIMITS_URL).respond(307, headers={"location": "https://stranger.example/"})
        stranger = router.route(host="stranger.example").mock(return_value=httpx.Response(200))
        with pytest.raises(FetchFailed, match="redirected"):
            await fetch(PROVIDER, await make_context(PROVIDER, home, env=GOOD))
    assert not stranger.called


def test_the_settings_say_where_keys_are() -> None:
    (field,) = PROVIDER.settings
    for words in ("Profile → Settings → Platform → API Keys", "Oz Cloud API Keys", "expire"):
        assert words in field.help
    assert "team key" in field.help


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
async def test_a_rejected_key_names_token_and_host(home: Path, status: int) -> None:
    failed = await refusal(home, httpx.Response(status, html="<html>no</html>"))
    assert failed.error.kind is ErrorKind.UNAUTHORIZED
    assert failed.error.message == "Warp rejected the key."
    assert "token is valid" in failed.error.hint
    assert "app.warp.dev" in failed.error.hint


async def test_an_odd_key_is_sent_but_named_when_it_is_rejected(home: Path) -> None:
    with respx.mock() as router:
        router.post(LIMITS_URL).mock(return_value=body("refused_unauthorized_http_200.json"))
        ctx = await make_context(PROVIDER, home, env={"WARP_TOKEN": "not-a-warp-key"})
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
    assert "start with wk-" in caught.value.error.hint


async def test_the_limiter_of_the_edge_is_not_the_quota(home: Path) -> None:
    limited = httpx.Response(429, text="Rate exceeded.", headers={"retry-after": "90"})
    failed = await refusal(home, limited)
    assert failed.error.kind is ErrorKind.RATE_LIMITED
    assert "Rate exceeded." in failed.error.message
    assert "not your credit limit; try again later" in failed.error.hint
    assert failed.error.retry_after_s == 90


async def test_a_limit_for_lack_of_credits_is_told_as_such(home: Path) -> None:
    failed = await refusal(
        home, httpx.Response(429, headers={"X-Warp-Error-Code": "OUT_OF_CREDITS"})
    )
    assert failed.error.kind is ErrorKind.RATE_LIMITED
    assert "credits are used up" in failed.error.message


@pytest.mark.parametrize(
    ("status", "content", "message"),
    [
        (500, b'{"errors":[{"message":"boom"}],"error":"x"}', "Warp answered HTTP 500: boom"),
        (502, b'{"error":"bad\\ngateway","message":"x"}', "Warp answered HTTP 502: bad gateway"),
        (400, b'{"message":"nope"}', "Warp answered HTTP 400: nope"),
        (503, b"upstream\r\nreset", "Warp answered HTTP 503: upstream reset"),
        (404, b"<html><body>Not here</body></html>", "Warp answered HTTP 404."),
        (500, b"", "Warp answered HTTP 500."),
    ],
)
async def test_other_statuses_quote_the_server(
    home: Path, status: int, content: bytes, message: str
) -> None:
    failed = await refusal(home, httpx.Response(status, content=content))
    assert failed.error.kind is ErrorKind.SERVER
    assert failed.error.message == message


async def test_quotes_are_cut_and_hold_no_key(home: Path) -> None:
    failed = await refusal(home, httpx.Response(500, text=f"bad {SECRET} " + "x" * 5000))
    assert len(failed.error.message) < 240
    assert SECRET not in failed.error.message


@pytest.mark.parametrize(
    "content",
    [
        payload("warp", "bad_list.json"),
        payload("warp", "bad_cut_off.json"),
        payload("warp", "bad_portal.html"),
        b"",
        b"plain words",
    ],
)
async def test_no_object_is_a_parse_error(home: Path, content: bytes) -> None:
    failed = await refusal(home, httpx.Response(200, content=content))
    assert failed.error.kind is ErrorKind.PARSE
    assert "wk-1" not in failed.error.message


@pytest.mark.parametrize("trouble", [httpx.ConnectError("dns"), httpx.ReadTimeout("slow")])
async def test_an_unreachable_warp_is_named(home: Path, trouble: Exception) -> None:
    failed = await refusal(home, trouble)
    assert failed.error.kind is ErrorKind.NETWORK
    assert failed.error.message.startswith("Could not reach Warp: app.warp.dev")


# -- extras ----------------------------------------------------------------------------------------


async def test_extras_add_the_account_and_the_spending(home: Path) -> None:
    with respx.mock() as router:
        router.post(LIMITS_URL).mock(return_value=body("monthly.json"))
        endpoint = "https://app.warp.dev/graphql/v2"
        router.post(f"{endpoint}?op=GetUser").mock(return_value=body("account.json"))
        router.post(f"{endpoint}?op=GetWorkspacesMetadataForUser").mock(
            return_value=body("spending.json")
        )
        snapshot = await fetch(PROVIDER, await make_context(PROVIDER, home, env=GOOD))
    assert snapshot.identity.plan == "Build Max"
    assert snapshot.identity.account == "robin@example.org"
    assert [balance.id for balance in snapshot.balances] == ["overage", "addon_spend.1"]
    assert snapshot.window("credits").used_percent == 23.0
    assert snapshot.origin == "from WARP_API_KEY"


async def test_failing_extras_leave_the_credits_alone(home: Path) -> None:
    with respx.mock() as router:
        router.post(LIMITS_URL).mock(return_value=body("monthly.json"))
        router.route().mock(return_value=httpx.Response(403))
        snapshot = await fetch(PROVIDER, await make_context(PROVIDER, home, env=GOOD))
    assert snapshot.window("credits").used_percent == 23.0
    assert snapshot.identity.plan == ""


def test_the_account_brings_plan_overage_and_details() -> None:
    snapshot = with_account(parsed("monthly.json"), answer("account.json"))
    (overage,) = snapshot.balances
    assert (overage.used, overage.currency) == (Decimal("12.34"), "USD")
    assert overage.resets_at == datetime(2026, 10, 1, tzinfo=UTC)
    rows = {row.label: row.value for row in snapshot.details}
    assert rows == {
        "Taken from": "add-on credits",
        "Overage": "617 requests",
        "Requests": "12 of 100 used",
    }
    assert snapshot.notice == ""


def test_a_team_key_is_told() -> None:
    snapshot = with_account(parsed("monthly.json"), answer("account_of_a_team.json"))
    assert "team key has no plan credits" in snapshot.notice
    assert snapshot.identity.plan == "Business"


def test_an_unpaid_bill_comes_before_everything_else() -> None:
    snapshot = with_account(parsed("monthly.json"), answer("account_past_due.json"))
    assert snapshot.notice == "Warp reports a payment that is past due."


def test_spending_of_workspaces() -> None:
    snapshot = with_spending(parsed("monthly.json"), answer("spending.json"))
    (spent,) = snapshot.balances
    assert spent.label == "Add-on spend · Acme"
    assert (spent.used, spent.limit, spent.amount) == (Decimal(10), Decimal(50), Decimal(40))
    rows = [(row.group, row.label, row.value) for row in snapshot.details]
    assert rows == [
        ("Acme", "Bought this month", "400 credits"),
        ("Acme", "Auto-reload", "400 credits when 100 are left"),
        ("Home", "Auto-reload", "off"),
    ]


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": {"user": {"user": 5}}}])
def test_extras_without_anything_change_nothing(data: dict[str, Any]) -> None:
    snapshot = parsed("monthly.json")
    assert with_account(snapshot, data) == snapshot
    assert with_spending(snapshot, data) == snapshot
