"""z.ai: lanes in any order, keys that stay in their region, extras that never disturb."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.support import NOON, FakeClock, FetchFailed, fetch, make_context, payload, reply
from tui.core.errors import ErrorKind, FetchError, ParseError, Unsupported
from tui.core.models import (
    MONTH_MINUTES,
    SESSION_MINUTES,
    WEEK_MINUTES,
    ProviderKey,
    ProviderSnapshot,
)
from tui.gateways.codexbar import ForeignEntry
from tui.providers import _chain
from tui.providers.zai import PROVIDER
from tui.providers.zai.answers import read_answer
from tui.providers.zai.charts import DAYS, HOURS, parse_usage, span_query
from tui.providers.zai.endpoints import with_type
from tui.providers.zai.parse import parse_balance, parse_quota
from tui.providers.zai.price import price_row
from tui.values import ProviderValues

KEY = ProviderKey("zai")
LOCAL_NOON = datetime(2026, 9, 10, 12, 0)
GLOBAL_HOST = "api.z.ai"
CHINA_HOST = "open.bigmodel.cn"
QUOTA_PATH = "/api/monitor/usage/quota/limit"
USAGE_PATH = "/api/monitor/usage/model-usage"
GOOD = {"Z_AI_API_KEY": "id123456.secret"}
CHINA = {"region": "china"}
TEAM = {**CHINA, "usage_scope": "team", "organization_id": "org-1", "project_id": "proj-1"}

PARSERS: dict[str, Callable[[bytes], object]] = {
    "usage_hours*": lambda body: parse_usage(read_answer(reply(body), NOON), HOURS, LOCAL_NOON),
    "usage_days*": lambda body: parse_usage(read_answer(reply(body), NOON), DAYS, LOCAL_NOON),
    "balance*": lambda body: parse_balance(read_answer(reply(body), NOON)),
    "*": lambda body: parse_quota(read_answer(reply(body), NOON), key=KEY, now=NOON),
}


def parsed(name: str, *, team: bool = False) -> ProviderSnapshot:
    answer = read_answer(reply(payload("zai", name)), NOON)
    return parse_quota(answer, key=KEY, now=NOON, team=team)


def refusal_of(body: bytes, status: int = 200, **headers: str) -> FetchError:
    with pytest.raises(FetchError) as caught:
        parse_quota(read_answer(reply(body, status, **headers), NOON), key=KEY, now=NOON)
    return caught.value


def limits(*rows: dict[str, Any]) -> ProviderSnapshot:
    answer = {"code": 200, "success": True, "data": {"limits": list(rows)}}
    return parse_quota(answer, key=KEY, now=NOON)


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as mocked:
        yield mocked


@pytest.fixture
def quota(router: respx.MockRouter) -> respx.Route:
    """Every host answers the quota call with a credit plan."""
    body = payload("zai", "quota_credits.json")
    return router.route(path=QUOTA_PATH).respond(content=body)


async def fetched(home: Path, **options: Any) -> ProviderSnapshot:
    options.setdefault("env", GOOD)
    return await fetch(PROVIDER, await make_context(PROVIDER, home, **options))


async def failed(home: Path, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetched(home, **options)
    return caught.value


def sent_keys(router: respx.MockRouter) -> dict[str, str]:
    """Who was told which key."""
    return {
        call.request.url.host: call.request.headers["Authorization"].removeprefix("Bearer ")
        for call in router.calls
    }


# -- lanes -----------------------------------------------------------------------------------------


def test_two_token_lanes_and_mcp_keep_their_places_whatever_the_order() -> None:
    snapshot = parsed("quota_percent_only.json")
    assert [window.label for window in snapshot.windows] == ["5-hour", "Weekly", "MCP"]
    assert [window.id for window in snapshot.windows] == ["session", "weekly", "mcp"]
    assert [window.used_percent for window in snapshot.windows] == [31, 12, 26]
    answer = json.loads(payload("zai", "quota_percent_only.json"))
    answer["data"]["limits"].reverse()
    assert parse_quota(answer, key=KEY, now=NOON) == snapshot


def test_a_single_coding_lane_comes_before_mcp() -> None:
    snapshot = parsed("quota_one_window.json")
    assert [window.label for window in snapshot.windows] == ["5-hour", "MCP"]
    assert [window.headline for window in snapshot.windows] == [True, False]


def test_mcp_alone_is_the_main_window() -> None:
    (window,) = parsed("quota_mcp_only.json").windows
    assert window.id == "mcp"
    assert window.used_percent == 64
    assert window.headline


def test_only_the_shortest_and_the_longest_coding_lane_are_shown() -> None:
    snapshot = parsed("quota_three_lanes.json")
    assert [window.label for window in snapshot.windows] == ["5-hour", "Tokens"]
    assert [window.used_percent for window in snapshot.windows] == [0, 100]
    assert snapshot.windows[1].window_minutes is None


def test_lengths_resets_and_the_monthly_marker() -> None:
    snapshot = parsed("quota_percent_only.json")
    assert [window.window_minutes for window in snapshot.windows] == [
        SESSION_MINUTES,
        WEEK_MINUTES,
        MONTH_MINUTES,
    ]
    assert snapshot.window("session").resets_at == datetime(
        2026, 9, 21, 17, 39, 5, 678000, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("unit", "count", "minutes", "label"),
    [
        pytest.param(3, 5, 300, "5-hour", id="session"),
        pytest.param(5, 300, 300, "5-hour", id="session in minutes"),
        pytest.param(1, 7, 10080, "Weekly", id="week in days"),
        pytest.param(1, 1, 1440, "1 day", id="day"),
        pytest.param(3, 2, 120, "2 hours", id="hours"),
        pytest.param(6, 2, 20160, "2 weeks", id="weeks"),
        pytest.param(5, 1, 1, "1 minute", id="a coding minute is a minute"),
        pytest.param(1, 30, 43200, "30 days", id="rolling month"),
        pytest.param(9, 5, None, "Tokens", id="unknown unit"),
        pytest.param(3, 0, None, "Tokens", id="unknown length"),
        pytest.param(3, 1e300, None, "Tokens", id="absurd length"),
    ],
)
def test_labels_follow_the_length(unit: int, count: float, minutes: int, label: str) -> None:
    (window,) = limits(
        {"type": "TOKENS_LIMIT", "unit": unit, "number": count, "percentage": 1}
    ).windows
    assert window.window_minutes == minutes
    assert window.label == label


def test_thirty_rolling_days_are_without_pace_but_the_mcp_month_has_one() -> None:
    (rolling,) = limits({"type": "CREDIT_LIMIT", "unit": 1, "number": 30, "percentage": 1}).windows
    assert not rolling.paced
    assert parsed("quota_mcp_only.json").windows[0].paced


def test_two_lanes_of_one_length_stay_two_windows() -> None:
    snapshot = limits(
        {"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": 1},
        {"type": "CREDIT_LIMIT", "unit": 3, "number": 5, "percentage": 2},
    )
    assert [window.id for window in snapshot.windows] == ["session", "session.long"]


@pytest.mark.parametrize(
    ("counts", "percent"),
    [
        pytest.param({"usage": 200, "remaining": 150, "currentValue": 60}, 30, id="the larger"),
        pytest.param({"usage": 200, "remaining": 150}, 25, id="only remaining"),
        pytest.param({"usage": 200, "currentValue": 60}, 30, id="only current"),
        pytest.param({"usage": 200}, 77, id="no counter"),
        pytest.param({"remaining": 0, "currentValue": 0}, 77, id="no allowance"),
        pytest.param({"usage": 0, "remaining": 0, "currentValue": 0}, 77, id="allowance of zero"),
        pytest.param({"usage": 200, "currentValue": 412, "remaining": 0}, 100, id="overdrawn"),
        pytest.param({"usage": 200, "remaining": 300}, 0, id="more left than allowed"),
        pytest.param({"usage": True, "remaining": 0}, 77, id="true is no number"),
    ],
)
def test_counts_win_over_the_percentage_and_a_missing_one_is_never_zero(
    counts: dict[str, Any], percent: float
) -> None:
    (window,) = limits(
        {"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": 77, **counts}
    ).windows
    assert window.used_percent == percent


def test_credits_come_as_numbers_with_full_precision() -> None:
    session = parsed("quota_credits.json").window("session")
    assert (session.used, session.limit, session.unit) == (Decimal(4202), Decimal(28000), "credits")
    assert session.used_percent == pytest.approx(15.00714)


def test_percent_only_answers_say_so() -> None:
    snapshot = limits({"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": 31})
    assert snapshot.confidence == "percent_only"
    assert snapshot.windows[0].used is None
    assert parsed("quota_credits.json").confidence == "exact"


def test_numbers_may_come_as_texts_and_percentages_as_fractions() -> None:
    snapshot = parsed("quota_numbers_as_texts.json")
    assert snapshot.window("session").used == Decimal("500.5")
    assert snapshot.window("session").resets_at is not None
    assert snapshot.window("weekly").used_percent == pytest.approx(11.98)


def test_a_malformed_limit_drops_its_lane_only() -> None:
    assert [window.id for window in parsed("quota_one_limit_broken.json").windows] == ["weekly"]


def test_an_array_as_data_is_read_too() -> None:
    assert parsed("quota_array.json").window("session").used_percent == 7


@pytest.mark.parametrize("name", ["quota_nothing.json", "quota_no_limits.json"])
def test_no_window_is_not_zero_percent(name: str) -> None:
    snapshot = parsed(name)
    assert snapshot.windows == ()
    assert snapshot.notice == "No coding-plan quota returned."
    assert snapshot.confidence == "exact"


def test_an_empty_answer_for_a_team_points_at_its_ids() -> None:
    assert "Organization ID" in parsed("quota_nothing.json", team=True).notice
    assert parsed("quota_no_limits.json").identity.plan == "Lite"


@pytest.mark.parametrize(
    ("data", "plan"),
    [
        pytest.param(
            {"planName": " ", "plan": "GLM Max"}, "GLM Max", id="blank names do not count"
        ),
        pytest.param({"plan_type": " lite "}, "Lite", id="trimmed and capitalised"),
        pytest.param({"packageName": "proPlus", "level": "max"}, "proPlus", id="mixed case stays"),
        pytest.param({"level": 3}, "", id="a number is no name"),
    ],
)
def test_the_plan_has_five_names(data: dict[str, Any], plan: str) -> None:
    answer = {"code": 200, "success": True, "data": data}
    assert parse_quota(answer, key=KEY, now=NOON).identity.plan == plan


def test_details_name_unit_allowance_rest_and_tools() -> None:
    rows = {(row.group, row.label): row.value for row in parsed("quota_one_window.json").details}
    assert rows["Limits", "5-hour"] == "15% used · 9,000,000 of 60,000,000 tokens · 51,000,000 left"
    assert rows["Limits", "MCP"] == "100% used · 400 of 400 calls · 0 left"
    assert rows["MCP tools", "search-prime"] == "300 calls"
    percent_only = limits({"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": 11.98})
    assert percent_only.details[0].value == "12% used"


def test_at_most_twenty_tools_are_listed_and_odd_ones_left_out() -> None:
    tools = [{"modelCode": f"tool-{index}", "usage": index} for index in range(30)]
    row = {"type": "TIME_LIMIT", "unit": 5, "number": 1, "percentage": 1}
    odd = [None, {"modelCode": "", "usage": 1}, {"modelCode": "x", "usage": None}]
    snapshot = limits({**row, "usageDetails": [*odd, *tools]})
    assert len([item for item in snapshot.details if item.group == "MCP tools"]) == 20


# -- price of the hour -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        pytest.param("2026-08-06T07:30", "Peak, full price, ends in 2h 30m", id="Thursday"),
        pytest.param("2026-08-07T23:00", "Off-peak, half price, peak in 2d 7h", id="Friday night"),
        pytest.param("2026-08-08T07:00", "Off-peak, half price, peak in 1d 23h", id="Saturday"),
        pytest.param("2026-08-06T05:59:01", "Off-peak, half price, peak in 1m", id="rounded up"),
        pytest.param("2026-08-06T10:00", "Off-peak, half price, peak in 20h", id="end of the peak"),
    ],
)
def test_the_price_row(moment: str, text: str) -> None:
    assert price_row(datetime.fromisoformat(f"{moment}+00:00")).value == text


def test_only_credit_plans_have_a_price_row() -> None:
    groups = {row.group for row in parsed("quota_percent_only.json").details}
    assert "Price" not in groups
    assert "Price" in {row.group for row in parsed("quota_credits.json").details}


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("refused_no_token.json", ErrorKind.UNAUTHORIZED, "did not accept this API key"),
        ("refused_key.json", ErrorKind.UNAUTHORIZED, "did not accept this API key"),
        ("refused_busy.json", ErrorKind.RATE_LIMITED, "rate-limiting"),
        ("refused_limit_reached.json", ErrorKind.RATE_LIMITED, "resets at 2026-09-14 08:00:00"),
        ("refused_arrears.json", ErrorKind.SERVER, "no balance or is in arrears"),
        ("refused_no_plan.json", ErrorKind.UNSUPPORTED, "no active GLM Coding Plan"),
        ("refused_without_words.json", ErrorKind.SERVER, "z.ai answered with code 1234"),
        ("refused_unknown.json", ErrorKind.SERVER, "z.ai says: Your account is inactive"),
        ("bad_no_data.json", ErrorKind.PARSE, "z.ai sent no quota data"),
        ("bad_list.json", ErrorKind.PARSE, "Unexpected answer from z.ai"),
        ("bad_cut_off.json", ErrorKind.PARSE, "Unexpected answer from z.ai"),
        ("bad_no_known_limit.json", ErrorKind.PARSE, "no limit of a known form"),
        ("bad_empty.txt", ErrorKind.PARSE, "empty answer"),
        ("bad_login_page.html", ErrorKind.PARSE, "a proxy or login page answered"),
    ],
)
def test_refusals_have_their_kind_and_words(name: str, kind: ErrorKind, words: str) -> None:
    error = refusal_of(payload("zai", name))
    assert error.kind is kind
    assert words in error.message


@pytest.mark.parametrize("code", [401, 1000, 1001, 1002, 1003, 1004])
def test_authentication_codes_point_at_the_region(code: int) -> None:
    error = refusal_of(json.dumps({"code": code, "success": False}).encode())
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert "compare key and selected region (Global or China)" in error.hint


@pytest.mark.parametrize("code", [1302, 1303, 1304, 1305, 1308, 1310])
def test_codes_that_ask_to_wait(code: int) -> None:
    error = refusal_of(json.dumps({"code": code, "success": False}).encode())
    assert error.kind is ErrorKind.RATE_LIMITED


@pytest.mark.parametrize("code", [1309, 777])
def test_a_missing_plan_is_told_by_code_or_by_words(code: int) -> None:
    words = "User does not have a Coding Plan"
    error = refusal_of(json.dumps({"code": code, "msg": words, "success": False}).encode())
    assert error.kind is ErrorKind.UNSUPPORTED


def test_an_empty_answer_points_at_region_and_key() -> None:
    assert refusal_of(b" \n").hint == "Check the API region and the key."


def test_a_reached_limit_that_brings_its_lanes_shows_them() -> None:
    snapshot = parsed("quota_limit_reached.json")
    assert snapshot.window("session").used_percent == 100
    assert "2026-09-10 21:53:53" in snapshot.notice


@pytest.mark.parametrize(
    "envelope",
    [
        pytest.param({"success": True, "data": {}}, id="no code"),
        pytest.param({"code": 200, "data": {}}, id="no success"),
        pytest.param({"code": 200, "success": False, "data": {}}, id="no success, good code"),
        pytest.param({"code": 500, "success": True, "data": {}}, id="success, bad code"),
        pytest.param({}, id="neither"),
    ],
)
def test_only_success_together_with_code_200_is_good(envelope: dict[str, Any]) -> None:
    assert refusal_of(json.dumps(envelope).encode()).kind in {ErrorKind.SERVER, ErrorKind.PARSE}


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, ErrorKind.UNAUTHORIZED, "did not accept this API key"),
        (403, ErrorKind.UNAUTHORIZED, "did not accept this API key"),
        (429, ErrorKind.RATE_LIMITED, "rate-limiting; retried at the next refresh"),
        (502, ErrorKind.SERVER, "z.ai is unavailable (HTTP 502)"),
        (404, ErrorKind.SERVER, "z.ai answered HTTP 404"),
        (204, ErrorKind.SERVER, "z.ai answered HTTP 204"),
    ],
)
def test_the_status_is_read_before_the_body(status: int, kind: ErrorKind, words: str) -> None:
    error = refusal_of(b"<html>502 Bad Gateway</html>", status)
    assert error.kind is kind
    assert words in error.message


def test_retry_after_is_respected() -> None:
    assert refusal_of(b"", 429, retry_after="120").retry_after_s == 120


# -- whom it asks, with which key ------------------------------------------------------------------


async def test_the_quota_is_asked_with_the_key_and_nothing_else(
    home: Path, router: respx.MockRouter, quota: respx.Route
) -> None:
    snapshot = await fetched(home, settings={"extras": False})
    request = quota.calls.last.request
    assert str(request.url) == f"https://{GLOBAL_HOST}{QUOTA_PATH}"
    assert request.method == "GET"
    assert request.headers["Authorization"] == "Bearer id123456.secret"
    assert request.headers["Accept"] == "application/json"
    assert not [name for name in request.headers if name.startswith("bigmodel")]
    assert snapshot.origin == "from Z_AI_API_KEY"
    assert snapshot.source_id == "api"
    assert router.calls.call_count == 1


@pytest.mark.parametrize(
    ("settings", "env", "host"),
    [
        pytest.param({}, {}, GLOBAL_HOST, id="nothing chosen"),
        pytest.param({"region": "bigmodel-cn"}, {}, CHINA_HOST, id="CodexBar's word"),
        pytest.param({"region": "cn"}, {}, CHINA_HOST, id="short word"),
        pytest.param({}, {"Z_AI_API_HOST": CHINA_HOST}, CHINA_HOST, id="inferred from the host"),
        pytest.param(
            {}, {"Z_AI_QUOTA_URL": f"{CHINA_HOST}{QUOTA_PATH}"}, CHINA_HOST, id="from URL"
        ),
    ],
)
async def test_the_region_decides_the_host(
    home: Path,
    router: respx.MockRouter,
    quota: respx.Route,
    settings: dict[str, Any],
    env: dict[str, str],
    host: str,
) -> None:
    await fetched(home, settings={"extras": False, **settings}, env={**GOOD, **env})
    assert set(sent_keys(router)) == {host}


async def test_an_unknown_region_is_refused(home: Path, router: respx.MockRouter) -> None:
    with pytest.raises(Unsupported, match=r"region.*use one of global, china"):
        await fetched(home, settings={"region": "mars"})
    assert router.calls.call_count == 0


CHINA_KEYS = ("BIGMODEL_API_KEY", "ZHIPU_API_KEY", "ZHIPUAI_API_KEY", "GLM_API_KEY")


@pytest.mark.parametrize("first", range(4))
async def test_china_variables_count_in_their_order(
    home: Path, router: respx.MockRouter, quota: respx.Route, first: int
) -> None:
    env = {name: f' "key-of-{name}" ' for name in CHINA_KEYS[first:]}
    snapshot = await fetched(home, settings={**CHINA, "extras": False}, env=env)
    assert sent_keys(router) == {CHINA_HOST: f"key-of-{CHINA_KEYS[first]}"}
    assert snapshot.origin == f"from {CHINA_KEYS[first]}"


async def test_the_general_variable_comes_before_the_china_ones(
    home: Path, router: respx.MockRouter, quota: respx.Route
) -> None:
    env = {**GOOD, "BIGMODEL_API_KEY": "other"}
    await fetched(home, settings={**CHINA, "extras": False}, env=env)
    assert sent_keys(router) == {CHINA_HOST: "id123456.secret"}


async def test_china_files_are_read_in_order_and_unusable_ones_passed_over(
    home: Path, router: respx.MockRouter, quota: respx.Route
) -> None:
    (home / ".coding-relay/glm-api-key").mkdir(parents=True)
    for name, content in (("bigmodel", "\n  \n"), ("zhipu", "\n 'file.key' \nsecond line\n")):
        folder = home / ".config" / name
        folder.mkdir(parents=True)
        (folder / "api_key").write_text(content)
    snapshot = await fetched(home, settings={**CHINA, "extras": False}, env={})
    assert sent_keys(router) == {CHINA_HOST: "file.key"}
    assert snapshot.origin == "from ~/.config/zhipu/api_key"


async def test_keys_of_china_are_not_used_for_global_but_mentioned(
    home: Path, router: respx.MockRouter
) -> None:
    failure = await failed(home, env={"GLM_API_KEY": "china.key"})
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert failure.error.message == "z.ai API key not set."
    assert failure.error.hint == (
        "Add it in settings or set Z_AI_API_KEY. "
        "A BigModel key is present; choose the China region to use it."
    )
    assert router.calls.call_count == 0


async def test_a_chosen_account_sees_neither_variables_nor_files(
    home: Path, router: respx.MockRouter
) -> None:
    folder = home / ".config/zhipu"
    folder.mkdir(parents=True)
    (folder / "api_key").write_text("file.key")
    env = {"BIGMODEL_API_KEY": "china.key", **GOOD}
    failure = await failed(home, settings=CHINA, env=env, account="work")
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert router.calls.call_count == 0


@pytest.mark.parametrize("region", ["global", "china"])
async def test_detection_names_region_bound_keys_only_where_they_count(
    home: Path, region: str
) -> None:
    folder = home / ".config/zhipu"
    folder.mkdir(parents=True)
    (folder / "api_key").write_text("file.key")
    env = {"ZHIPU_API_KEY": "china.key"}
    ctx = await make_context(PROVIDER, home, settings={"region": region}, env=env)
    assert PROVIDER.detect is not None
    assert isinstance(ctx.settings, ProviderValues)
    counts = region == "china"
    assert await PROVIDER.detect(ctx) == ("API key from ~/.config/zhipu/api_key" if counts else "")
    assert ctx.settings.has_strong_secret() is counts


async def test_china_variables_come_before_codexbars_file(home: Path) -> None:
    foreign = ForeignEntry(values={"api_key": "bar.key", "region": "bigmodel-cn"})
    env = {"GLM_API_KEY": "china.key"}
    values = ProviderValues(PROVIDER, KEY, table={}, env=env, home=home, foreign=foreign)
    found = await values.find("api_key")
    assert found is not None
    assert found.origin == "from GLM_API_KEY"


def test_an_unknown_region_makes_no_china_variable_count(home: Path) -> None:
    table, env = {"region": "mars"}, {"GLM_API_KEY": "china.key"}
    assert not ProviderValues(PROVIDER, KEY, table=table, env=env, home=home).has_strong_secret()


# -- overrides -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "asked"),
    [
        pytest.param(
            {"Z_AI_QUOTA_URL": "https://proxy.example/q?a=1"},
            "https://proxy.example/q?a=1",
            id="URL",
        ),
        pytest.param(
            {"Z_AI_QUOTA_URL": "proxy.example"}, "https://proxy.example/", id="nothing is appended"
        ),
        pytest.param(
            {"Z_AI_API_HOST": "proxy.example:8443"},
            f"https://proxy.example:8443{QUOTA_PATH}",
            id="host gets the standard path",
        ),
        pytest.param(
            {"Z_AI_API_HOST": "https://proxy.example/"},
            f"https://proxy.example{QUOTA_PATH}",
            id="one slash",
        ),
        pytest.param(
            {"Z_AI_API_HOST": "https://proxy.example/zai/"},
            "https://proxy.example/zai/",
            id="a path is used as it is",
        ),
        pytest.param(
            {"Z_AI_QUOTA_URL": "https://one.example/q", "Z_AI_API_HOST": "two.example"},
            "https://one.example/q",
            id="URL before host",
        ),
    ],
)
async def test_overrides_of_the_quota_address(
    home: Path, router: respx.MockRouter, env: dict[str, str], asked: str
) -> None:
    router.route().respond(content=payload("zai", "quota_credits.json"))
    await fetched(home, settings={"extras": False}, env={**GOOD, **env})
    assert [str(call.request.url) for call in router.calls] == [asked]


@pytest.mark.parametrize("name", ["Z_AI_QUOTA_URL", "Z_AI_API_HOST", "Z_AI_BALANCE_URL"])
@pytest.mark.parametrize(
    "value",
    [
        "http://api.z.ai",
        "ftp://h/x",
        "https://me:pw@h/",
        "https://",
        "https://h%2fx",
        "a b.example",
    ],
)
async def test_a_bad_override_stops_everything_and_is_named(
    home: Path, router: respx.MockRouter, name: str, value: str
) -> None:
    with pytest.raises(Unsupported) as caught:
        await fetched(home, env={**GOOD, name: value})
    assert name in caught.value.message
    assert "only https URLs or plain host names are allowed" in caught.value.hint
    assert router.calls.call_count == 0


@pytest.mark.parametrize(
    ("region", "env", "variable"),
    [
        ("global", {"Z_AI_API_HOST": CHINA_HOST}, "Z_AI_API_HOST"),
        ("china", {"Z_AI_API_HOST": "https://API.z.ai./"}, "Z_AI_API_HOST"),
        ("china", {"Z_AI_QUOTA_URL": "https://api.z.ai/q"}, "Z_AI_QUOTA_URL"),
        ("global", {"Z_AI_QUOTA_URL": "h.example", "Z_AI_API_HOST": CHINA_HOST}, "Z_AI_API_HOST"),
        ("global", {"Z_AI_BALANCE_URL": CHINA_HOST}, "Z_AI_BALANCE_URL"),
        ("", {"Z_AI_QUOTA_URL": GLOBAL_HOST, "Z_AI_API_HOST": CHINA_HOST}, "Z_AI_QUOTA_URL"),
    ],
)
async def test_a_host_of_the_other_region_is_refused_before_any_byte(
    home: Path, router: respx.MockRouter, region: str, env: dict[str, str], variable: str
) -> None:
    settings = {"region": region} if region else {}
    failure = await failed(home, settings=settings, env={**GOOD, **env})
    assert failure.error.kind is ErrorKind.UNSUPPORTED
    assert variable in failure.error.message
    assert "region" in failure.error.message
    assert router.calls.call_count == 0


async def test_a_balance_address_does_not_matter_where_it_is_not_used(
    home: Path, router: respx.MockRouter, quota: respx.Route
) -> None:
    settings = {"extras": False}
    assert await fetched(home, settings=settings, env={**GOOD, "Z_AI_BALANCE_URL": CHINA_HOST})


async def test_a_redirect_to_another_host_is_not_followed(
    home: Path, router: respx.MockRouter
) -> None:
    target = {"Location": f"https://{CHINA_HOST}{QUOTA_PATH}"}
    router.route(host=GLOBAL_HOST).respond(302, headers=target)
    failure = await failed(home)
    assert failure.error.kind is ErrorKind.SERVER
    assert set(sent_keys(router)) == {GLOBAL_HOST}


async def test_network_trouble_names_the_host_and_not_the_key(
    home: Path, router: respx.MockRouter
) -> None:
    router.route().mock(side_effect=httpx.ReadTimeout("slow"))
    failure = await failed(home)
    assert failure.error.kind is ErrorKind.NETWORK
    assert failure.error.message == "api.z.ai did not answer within 15 s."


async def test_a_message_that_repeats_the_key_does_not_show_it(
    home: Path, router: respx.MockRouter
) -> None:
    words = "key id123456.secret of https://x/?token=abc is odd"
    router.route().respond(json={"code": 1110, "msg": words, "success": False})
    failure = await failed(home)
    assert "id123456.secret" not in str(failure)
    assert "abc" not in str(failure)


# -- team ------------------------------------------------------------------------------------------


async def test_team_usage_sends_both_ids_and_the_types(
    home: Path, router: respx.MockRouter, quota: respx.Route
) -> None:
    usage = router.route(path=USAGE_PATH).respond(content=payload("zai", "usage_hours.json"))
    balance = router.route(host="www.bigmodel.cn").respond(500)
    snapshot = await fetched(home, settings=TEAM)
    for call in (quota.calls.last, usage.calls.last):
        assert call.request.headers["Bigmodel-Organization"] == "org-1"
        assert call.request.headers["Bigmodel-Project"] == "proj-1"
    assert quota.calls.last.request.url.query == b"type=2"
    assert usage.calls.last.request.url.params["type"] == "3"
    assert "Bigmodel-Organization" not in balance.calls.last.request.headers
    assert snapshot.dashboard_url == "https://bigmodel.cn/coding-plan/team/usage-stats"


@pytest.mark.parametrize("missing", ["organization_id", "project_id"])
async def test_team_usage_needs_both_ids(
    home: Path, router: respx.MockRouter, missing: str
) -> None:
    failure = await failed(home, settings={**TEAM, missing: " "})
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert failure.error.message == "Team usage needs Organization ID and Project ID."
    assert router.calls.call_count == 0


async def test_an_id_of_two_lines_is_refused(home: Path, router: respx.MockRouter) -> None:
    with pytest.raises(Unsupported, match="organization_id"):
        await fetched(home, settings={**TEAM, "organization_id": "org-1\norg-1"})
    assert router.calls.call_count == 0


async def test_team_variables_serve_a_team_without_ids_and_nobody_else(
    home: Path, router: respx.MockRouter, quota: respx.Route
) -> None:
    env = {**GOOD, "Z_AI_BIGMODEL_ORGANIZATION": "org-env", "Z_AI_BIGMODEL_PROJECT": "proj-env"}
    no_extras = {**CHINA, "extras": False}
    await fetched(home, settings={**no_extras, "usage_scope": "team"}, env=env)
    assert quota.calls.last.request.headers["Bigmodel-Organization"] == "org-env"
    await fetched(home, settings=no_extras, env=env)
    assert "Bigmodel-Organization" not in quota.calls.last.request.headers
    personal = {**no_extras, "api_key": "own.key"}
    await fetched(home, settings=personal, env=env, account="me")
    assert "Bigmodel-Organization" not in quota.calls.last.request.headers
    failure = await failed(
        home, settings={**personal, "usage_scope": "team"}, env=env, account="team"
    )
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS


def test_the_type_replaces_an_existing_one_and_keeps_the_rest() -> None:
    url = "https://h.example/q?a=%20b&type=9&c&t%79pe=1"
    assert with_type(url, 2) == "https://h.example/q?a=%20b&c&type=2"


def test_codexbars_fields_are_ours(home: Path) -> None:
    foreign = ForeignEntry(
        values={"api_key": "bar.key", "region": "bigmodel-cn"},
        account={"usage_scope": "team", "organization_id": "org", "workspace_id": "proj"},
    )
    values = ProviderValues(PROVIDER, KEY, table={}, env={}, home=home, foreign=foreign)
    assert values.text("region") == "china"
    assert values.text("project_id") == "proj"
    assert values.text("organization_id") == "org"
    assert values.text("usage_scope") == "team"


# -- dashboard -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "page"),
    [
        ({}, "https://z.ai/manage-apikey/coding-plan/personal/my-plan"),
        (CHINA, "https://bigmodel.cn/coding-plan/personal/usage"),
        ({"quota_url": f"{CHINA_HOST}/q"}, "https://bigmodel.cn/coding-plan/personal/usage"),
        ({**CHINA, "quota_url": "h.example/q"}, "https://bigmodel.cn/coding-plan/personal/usage"),
        ({"api_host": "h.example"}, "https://z.ai/manage-apikey/coding-plan/personal/my-plan"),
        (
            {**TEAM, "region": "global"},
            "https://z.ai/manage-apikey/coding-plan/personal/my-plan",
        ),
    ],
)
async def test_the_dashboard_follows_the_queried_host(
    home: Path, router: respx.MockRouter, settings: dict[str, Any], page: str
) -> None:
    router.route().respond(content=payload("zai", "quota_credits.json"))
    snapshot = await fetched(home, settings={**settings, "extras": False})
    assert snapshot.dashboard_url == page


# -- balance ---------------------------------------------------------------------------------------


def test_the_balance_is_in_yuan_and_null_is_absent() -> None:
    balance, rows = parse_balance(json.loads(payload("zai", "balance.json")))
    assert balance is not None
    assert (balance.amount, balance.currency) == (Decimal("18.75"), "CNY")
    assert [(row.label, row.value) for row in rows] == [
        ("Recharged", "¥50.00"),
        ("Spent", "¥31.25"),
    ]
    assert parse_balance(json.loads(payload("zai", "balance_none.json"))) == (None, ())


def test_the_available_balance_comes_first_and_grants_are_named() -> None:
    data = {"availableBalance": 5, "balance": 7, "giveAmount": 2.5}
    balance, rows = parse_balance({"code": 200, "success": True, "data": data})
    assert balance is not None
    assert balance.amount == Decimal(5)
    assert [(row.label, row.value) for row in rows] == [("Granted", "¥2.50")]


async def test_the_balance_is_asked_in_china_only(
    home: Path, router: respx.MockRouter, quota: respx.Route
) -> None:
    route = router.route(host="www.bigmodel.cn").respond(content=payload("zai", "balance.json"))
    assert (await fetched(home)).balances == ()
    assert route.call_count == 0
    snapshot = await fetched(home, settings=CHINA)
    assert [balance.amount for balance in snapshot.balances] == [Decimal("18.75")]
    assert str(route.calls.last.request.url).endswith(
        "/api/biz/account/query-customer-account-report"
    )


@pytest.mark.parametrize("override", ["quota_url", "api_host"])
async def test_the_key_of_a_proxy_does_not_go_to_bigmodel(
    home: Path, router: respx.MockRouter, override: str
) -> None:
    router.route().respond(content=payload("zai", "quota_credits.json"))
    await fetched(home, settings={**CHINA, override: "proxy.example"})
    assert "www.bigmodel.cn" not in sent_keys(router)


async def test_an_own_balance_address_is_asked_behind_a_proxy_too(
    home: Path, router: respx.MockRouter, quota: respx.Route
) -> None:
    route = router.route(host="own.example").respond(content=payload("zai", "balance.json"))
    settings = {**CHINA, "api_host": "proxy.example", "balance_url": "own.example/b"}
    assert (await fetched(home, settings=settings)).balances
    assert route.calls.last.request.url.path == "/b"


# -- charts ----------------------------------------------------------------------------------------


def test_the_times_of_a_span_are_local_without_a_zone() -> None:
    now = datetime(2026, 9, 10, 14, 20)
    assert span_query(HOURS, now) == (
        "startTime=2026-09-09%2000%3A00%3A00&endTime=2026-09-10%2014%3A59%3A59"
    )
    assert span_query(DAYS, now).startswith("startTime=2026-08-11%2000%3A00%3A00&")


def test_hours_of_today_and_of_the_last_day() -> None:
    answer = json.loads(payload("zai", "usage_hours.json"))
    (today, last_day), rows = parse_usage(answer, HOURS, LOCAL_NOON)
    assert [(point.label, point.value) for point in today.points] == [("08", 1500), ("09", 460)]
    assert [point.label for point in last_day.points] == ["20", "08", "09"]
    assert [(row.label, row.value) for row in rows] == [
        ("glm-5.3", "1,270"),
        ("glm-4.7", "750"),
        ("Unknown", "10"),
    ]


def test_days_of_the_last_week_and_month() -> None:
    answer = json.loads(payload("zai", "usage_days.json"))
    (week, month), rows = parse_usage(answer, DAYS, LOCAL_NOON)
    assert [(point.label, point.value) for point in week.points] == [
        ("09-04", 2000),
        ("09-10", 1500),
    ]
    assert [point.label for point in month.points] == ["08-12", "09-04", "09-10"]
    assert [row.label for row in rows] == ["glm-4.7", "glm-5.3"]


def test_at_most_twenty_models_and_ties_by_name() -> None:
    models = [{"modelName": f"m{index:02}", "tokensUsage": [5]} for index in range(30, 0, -1)]
    data = {"x_time": ["2026-09-10"], "modelDataList": models}
    _, rows = parse_usage({"code": 200, "success": True, "data": data}, DAYS, LOCAL_NOON)
    assert [row.label for row in rows] == [f"m{index:02}" for index in range(1, 21)]


def test_odd_charts_are_empty() -> None:
    data = {"x_time": [None, "soon"], "modelDataList": [{"tokensUsage": [1, 2, 3]}, 7]}
    assert parse_usage({"code": 200, "success": True, "data": data}, DAYS, LOCAL_NOON) == ((), ())


async def test_charts_are_asked_in_local_time_with_one_query(
    home: Path, router: respx.MockRouter, quota: respx.Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    usage = router.route(path=USAGE_PATH).respond(content=payload("zai", "usage_hours.json"))
    await fetched(home, env={**GOOD, "Z_AI_API_HOST": "https://proxy.example?old=1"})
    monkeypatch.undo()
    time.tzset()
    queries = sorted(call.request.url.query.decode() for call in usage.calls)
    assert queries == [
        "startTime=2026-08-11%2000%3A00%3A00&endTime=2026-09-10%2020%3A59%3A59",
        "startTime=2026-09-09%2000%3A00%3A00&endTime=2026-09-10%2020%3A59%3A59",
    ]


# -- extras ----------------------------------------------------------------------------------------


async def test_the_quota_is_shown_before_the_extras_and_survives_their_failure(
    home: Path, router: respx.MockRouter, quota: respx.Route
) -> None:
    router.route(path=USAGE_PATH).respond(500, html="<html>oops</html>")
    router.route(host="www.bigmodel.cn").mock(side_effect=httpx.ConnectError("down"))
    partial: list[ProviderSnapshot] = []
    ctx = await make_context(PROVIDER, home, settings=CHINA, env=GOOD)
    result = await _chain.run(PROVIDER, ctx, partial.append)
    assert result.error is None
    assert [result.snapshot] == partial


async def test_extras_arrive_together(
    home: Path, router: respx.MockRouter, quota: respx.Route
) -> None:
    hours, days = payload("zai", "usage_hours.json"), payload("zai", "usage_days.json")
    router.route(path=USAGE_PATH, params={"startTime": "2026-09-09 00:00:00"}).respond(
        content=hours
    )
    router.route(path=USAGE_PATH).respond(content=days)
    router.route(host="www.bigmodel.cn").respond(content=payload("zai", "balance.json"))
    snapshot = await fetched(home, settings=CHINA, clock=FakeClock())
    assert {series.id for series in snapshot.series} == {
        "tokens.today",
        "tokens.24h",
        "tokens.7d",
        "tokens.30d",
    }
    assert {"Limits", "Price", "Balance"} <= {row.group for row in snapshot.details}
    assert snapshot.balances


# -- foreign text ----------------------------------------------------------------------------------


def test_markup_in_names_is_only_text() -> None:
    row = {"type": "TIME_LIMIT", "unit": 5, "number": 1, "percentage": 1}
    answer = {
        "code": 200,
        "success": True,
        "data": {
            "plan": "[/x] \x1b[31mPro",
            "limits": [{**row, "usageDetails": [{"modelCode": "[@click=quit]", "usage": 1}]}],
        },
    }
    snapshot = parse_quota(answer, key=KEY, now=NOON)
    assert snapshot.identity.plan.startswith("[/x]")
    assert snapshot.details[-1].label == "[@click=quit]"


def test_numbers_that_are_none_do_not_pass() -> None:
    body = (
        b'{"code":200,"success":true,"data":{"limits":[{"type":"TOKENS_LIMIT","percentage":NaN}]}}'
    )
    with pytest.raises(ParseError):
        parse_quota(read_answer(reply(body), NOON), key=KEY, now=NOON)
