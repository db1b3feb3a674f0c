"""Kimi K2: figures found by name, a key that stays at home, a service that may be gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.support import NOON, FetchFailed, fetch, make_context, payload, reply
from tui.core.errors import ErrorKind
from tui.core.models import ProviderKey, ProviderSnapshot
from tui.providers.kimi_k2 import CREDITS_URL, PROVIDER, answer_of, figures_at, parse_credits

KEY = ProviderKey("kimi-k2")
GOOD = {"KIMI_K2_API_KEY": "k2-secret-value"}


def parse(body: bytes, header_remaining: str = "") -> ProviderSnapshot:
    answer = answer_of(reply(body))
    return parse_credits(answer, key=KEY, now=NOON, header_remaining=header_remaining)


PARSERS: dict[str, Callable[[bytes], object]] = {"*": parse}


def parsed(name: str, header_remaining: str = "") -> ProviderSnapshot:
    return parse(payload("kimi-k2", name), header_remaining)


async def fetched(
    home: Path, answer: httpx.Response | Exception
) -> tuple[ProviderSnapshot, respx.Route]:
    with respx.mock(assert_all_called=False) as router:
        route = router.get(CREDITS_URL).mock(side_effect=[answer])
        return await fetch(PROVIDER, await make_context(PROVIDER, home, env=GOOD)), route


async def refusal(home: Path, answer: httpx.Response | Exception) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetched(home, answer)
    return caught.value


# -- figures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "used", "left", "percent"),
    [
        pytest.param("flat.json", "37", "163", 18.5, id="flat"),
        pytest.param("nested.json", "48", "12", 80.0, id="total means consumed"),
        pytest.param("strings_camel_case.json", "12.5", "87.5", 12.5, id="decimal texts"),
        pytest.param("unusable_then_usable.json", "4", "6", 40.0, id="the next name after a NaN"),
    ],
)
def test_figures_are_found_by_name(name: str, used: str, left: str, percent: float) -> None:
    snapshot = parsed(name)
    assert snapshot.balances[0].used == Decimal(used)
    assert snapshot.balances[0].amount == Decimal(left)
    assert snapshot.balances[0].limit == Decimal(used) + Decimal(left)
    assert snapshot.window("credits").used_percent == pytest.approx(percent)


def test_the_window_has_no_reset_and_no_length() -> None:
    window = parsed("flat.json").window("credits")
    assert window.resets_at is None
    assert window.window_minutes is None
    assert window.resets_text == "163 left · 37 used"


def test_the_main_number_is_the_balance_not_the_percentage() -> None:
    assert not parsed("flat.json").window("credits").headline


def test_the_first_place_of_a_name_wins_and_names_go_before_places() -> None:
    data = {"result": {"credits_remaining": 5}, "data": {"credits_remaining": 7, "total": 3}}
    snapshot = parse_credits(data, key=KEY, now=NOON)
    assert snapshot.balances[0].amount == Decimal(7)
    later_name = {"creditsLeft": 1, "credits": {"credits_remaining": 2}, "total": 0}
    assert parse_credits(later_name, key=KEY, now=NOON).balances[0].amount == Decimal(2)


def test_an_unusable_hit_hides_the_same_name_elsewhere() -> None:
    data = {"credits_remaining": "NaN", "data": {"credits_remaining": 7, "credits_left": 8}}
    assert parse_credits(data, key=KEY, now=NOON).balances[0].amount == Decimal(8)


def test_the_header_counts_only_when_the_body_has_no_remaining() -> None:
    assert parsed("remaining_in_header.json", "41").balances[0].amount == Decimal(41)
    assert parsed("flat.json", "41").balances[0].amount == Decimal(163)


@pytest.mark.parametrize("header", ["", "NaN", "Infinity", "1e309", "many"])
def test_without_a_usable_header_the_remaining_is_unknown(header: str) -> None:
    snapshot = parsed("remaining_in_header.json", header)
    assert snapshot.balances[0].amount is None
    assert snapshot.balances[0].used == Decimal(9)
    assert snapshot.windows == ()


def test_only_the_remaining_is_a_balance_without_a_window() -> None:
    snapshot = parsed("only_remaining.json")
    assert snapshot.balances[0].amount == Decimal("812.5")
    assert snapshot.balances[0].used is None
    assert snapshot.windows == ()
    assert snapshot.details[0].value == "≈ 812 requests"
    one = parse_credits({"credits_remaining": 1}, key=KEY, now=NOON)
    assert one.details[0].value == "≈ 1 request"


def test_a_negative_remaining_is_zero_and_a_sum_of_zero_has_no_window() -> None:
    snapshot = parsed("negative_remaining.json")
    assert snapshot.balances[0].amount == Decimal(0)
    assert snapshot.windows == ()


def test_average_tokens_are_a_detail() -> None:
    assert "910 per request" in [row.value for row in parsed("nested.json").details]


def test_huge_credits_are_no_trouble() -> None:
    data = {"credits_remaining": 1.7e308, "credits_consumed": "1.7e308"}
    assert parse_credits(data, key=KEY, now=NOON).window("credits").used_percent == 50.0


# -- time of the figures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1777874828, datetime(2026, 5, 4, 6, 7, 8, tzinfo=UTC)),
        (1777874828000, datetime(2026, 5, 4, 6, 7, 8, tzinfo=UTC)),
        ("1777874828000", datetime(2026, 5, 4, 6, 7, 8, tzinfo=UTC)),
        ("2026-05-04T06:07:08.123456789Z", datetime(2026, 5, 4, 6, 7, 8, 123456, tzinfo=UTC)),
        (0, None),
        (-5, None),
        (999_999_999_999, None),
        (1e17, None),
        (float("nan"), None),
        (True, None),
        ("yesterday", None),
    ],
)
def test_time_of_the_figures(value: object, expected: datetime | None) -> None:
    assert figures_at(value) == expected


def test_the_fetch_is_the_time_when_none_is_given() -> None:
    assert parsed("flat.json").fetched_at == NOON
    assert parsed("nested.json").fetched_at == datetime(2026, 5, 4, 6, 7, 8, tzinfo=UTC)


# -- the request -----------------------------------------------------------------------------------


async def test_one_get_with_a_bearer(home: Path) -> None:
    answer = httpx.Response(
        200,
        content=payload("kimi-k2", "remaining_in_header.json"),
        headers={"x-credits-remaining": "41"},
    )
    snapshot, route = await fetched(home, answer)
    request = route.calls.last.request
    assert request.headers["authorization"] == "Bearer k2-secret-value"
    assert request.headers["accept"] == "application/json"
    assert request.content == b""
    assert route.call_count == 1
    assert snapshot.balances[0].amount == Decimal(41)
    assert snapshot.origin == "from KIMI_K2_API_KEY"


async def test_a_redirect_to_another_host_is_refused(home: Path) -> None:
    with respx.mock(assert_all_called=False) as router:
        router.get(CREDITS_URL).mock(
            return_value=httpx.Response(302, headers={"location": "https://kimrel.com/api"})
        )
        stranger = router.route(host="kimrel.com").mock(return_value=httpx.Response(200))
        with pytest.raises(FetchFailed, match="moved to another address") as caught:
            await fetch(PROVIDER, await make_context(PROVIDER, home, env=GOOD))
    assert not stranger.called
    assert caught.value.error.kind is ErrorKind.SERVER


# -- keys ------------------------------------------------------------------------------------------


async def nothing_sent(home: Path, env: dict[str, str], **options: Any) -> FetchFailed:
    with respx.mock(assert_all_called=False) as router:
        everything = router.route().mock(return_value=httpx.Response(200))
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, await make_context(PROVIDER, home, env=env, **options))
    assert not everything.called
    return caught.value


async def test_without_a_key_nothing_is_sent(home: Path) -> None:
    error = (await nothing_sent(home, {"KIMI_K2_API_KEY": "  "})).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert error.message == "Kimi K2: no API key."
    assert error.hint == "Add it in settings or set KIMI_K2_API_KEY."


@pytest.mark.parametrize("settings", [{}, {"enabled": False}])
async def test_variables_of_other_products_wait_for_the_user(
    home: Path, settings: dict[str, bool]
) -> None:
    error = await nothing_sent(home, {"KIMI_API_KEY": "official"}, settings=settings)
    assert error.error.kind is ErrorKind.MISSING_CREDENTIALS


@pytest.mark.parametrize(
    ("settings", "env", "expected"),
    [
        ({"api_key": " 'file' "}, {"KIMI_K2_API_KEY": "first"}, "file"),
        ({}, {"KIMI_K2_API_KEY": '"first"', "KIMI_API_KEY": "second"}, "first"),
        ({}, {"KIMI_K2_API_KEY": "''", "KIMI_API_KEY": "second", "KIMI_KEY": "third"}, "second"),
        ({}, {"KIMI_API_KEY": " ", "KIMI_KEY": "third\n"}, "third"),
    ],
)
async def test_the_order_of_keys_once_the_user_switched_it_on(
    home: Path, settings: dict[str, str], env: dict[str, str], expected: str
) -> None:
    with respx.mock() as router:
        route = router.get(CREDITS_URL).respond(content=payload("kimi-k2", "flat.json"))
        table = {"enabled": True, **settings}
        await fetch(PROVIDER, await make_context(PROVIDER, home, settings=table, env=env))
    assert route.calls.last.request.headers["authorization"] == f"Bearer {expected}"


@pytest.mark.parametrize("name", ["KIMI_K2_API_KEY", "KIMI_API_KEY"])
async def test_a_kimi_code_key_never_leaves(home: Path, name: str) -> None:
    failed = await nothing_sent(home, {name: "sk-kimi-abc123456"}, settings={"enabled": True})
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert "it belongs to the Kimi provider, not to kimi-k2.ai" in failed.error.message
    assert name in failed.error.hint
    assert "abc123456" not in str(failed)


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, ErrorKind.UNAUTHORIZED, "API key refused"),
        (402, ErrorKind.SERVER, "out of credits"),
        (403, ErrorKind.SERVER, "kimi-k2.ai says: insufficient credits"),
        (429, ErrorKind.RATE_LIMITED, "rate-limiting"),
        (404, ErrorKind.SERVER, "kimi-k2.ai answered HTTP 404: insufficient credits"),
        (500, ErrorKind.SERVER, "kimi-k2.ai answered HTTP 500"),
    ],
)
async def test_only_401_is_about_the_key(
    home: Path, status: int, kind: ErrorKind, said: str
) -> None:
    body = payload("kimi-k2", "refused_http_403.json")
    failed = await refusal(home, httpx.Response(status, content=body))
    assert failed.error.kind is kind
    assert said in failed.error.message


async def test_the_time_to_wait_is_respected(home: Path) -> None:
    failed = await refusal(home, httpx.Response(429, headers={"retry-after": "75"}))
    assert failed.error.retry_after_s == 75


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"null",
        payload("kimi-k2", "bad_list.json"),
        payload("kimi-k2", "bad_cut_off.json"),
        payload("kimi-k2", "bad_parked_domain.html"),
    ],
)
async def test_no_usable_answer_may_mean_the_end_of_the_service(home: Path, body: bytes) -> None:
    failed = await refusal(home, httpx.Response(200, content=body))
    assert failed.error.kind is ErrorKind.PARSE
    assert failed.error.message == "kimi-k2.ai sent no usable answer."
    assert "may have been discontinued" in failed.error.hint


async def test_a_parked_domain_with_an_error_status_is_named_too(home: Path) -> None:
    body = payload("kimi-k2", "bad_parked_domain.html")
    failed = await refusal(home, httpx.Response(404, content=body))
    assert failed.error.message == "kimi-k2.ai answered HTTP 404."
    assert "may have been discontinued" in failed.error.hint


@pytest.mark.parametrize(
    "trouble", [httpx.ConnectError("dns"), httpx.ReadTimeout("slow"), httpx.ConnectTimeout("slow")]
)
async def test_an_unreachable_service_may_be_gone(home: Path, trouble: Exception) -> None:
    failed = await refusal(home, trouble)
    assert failed.error.kind is ErrorKind.NETWORK
    assert "not reachable: kimi-k2.ai" in failed.error.message
    assert "may have been discontinued" in failed.error.hint


@pytest.mark.parametrize("name", ["bad_non_finite.json", "bad_no_figures.json"])
async def test_no_figures_are_an_error_and_not_zero(home: Path, name: str) -> None:
    failed = await refusal(home, httpx.Response(200, content=payload("kimi-k2", name)))
    assert failed.error.kind is ErrorKind.PARSE
    assert "no credit figures in the answer" in failed.error.message


async def test_a_refusal_with_http_200_is_told(home: Path) -> None:
    answer = httpx.Response(200, content=payload("kimi-k2", "refused_http_200.json"))
    failed = await refusal(home, answer)
    assert failed.error.kind is ErrorKind.SERVER
    assert failed.error.message == "kimi-k2.ai says: no auth"


async def test_quoted_words_are_short_clean_and_without_secrets(home: Path) -> None:
    answer = httpx.Response(200, content=payload("kimi-k2", "refused_with_markup.json"))
    failed = await refusal(home, answer)
    assert failed.error.message == (
        "kimi-k2.ai says: account [b]locked[/b], contact <redacted> support"
    )
    long = json.dumps({"error": "k2-secret-value " + "x" * 5000})
    failed = await refusal(home, httpx.Response(500, content=long.encode()))
    assert len(failed.error.message) < 240
    assert "k2-secret-value" not in failed.error.message


def test_the_settings_say_that_it_is_unofficial() -> None:
    assert "unofficial" in PROVIDER.warning
    assert PROVIDER.hosts == ("kimi-k2.ai",)
