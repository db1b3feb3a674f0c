"""MiniMax: lanes in three forms, keys of two regions, and logins that need more than cookies."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.support import (
    FakeBrowsers,
    FakeClock,
    FetchFailed,
    fetch,
    make_context,
    payload,
    reply,
)
from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar
from tui.core.errors import ErrorKind, FetchError, Unsupported
from tui.core.models import (
    DAY_MINUTES,
    SESSION_MINUTES,
    WEEK_MINUTES,
    ProviderKey,
    ProviderSnapshot,
)
from tui.core.redact import Redactor, Secret
from tui.core.sessions import LocalStorage
from tui.demo.scenes import minimax as scene
from tui.demo.stage import Moment
from tui.demo.transport import PlayedUpstream
from tui.gateways.http import HttpGateway
from tui.providers._context import FetchContext
from tui.providers.minimax import PROVIDER
from tui.providers.minimax.answers import read_answer
from tui.providers.minimax.billing import parse_charges, with_charges
from tui.providers.minimax.cli_login import is_own, parse_file
from tui.providers.minimax.lanes import length_name
from tui.providers.minimax.local_logins import read_store
from tui.providers.minimax.page import read_text, visible_text
from tui.providers.minimax.parse import Page, parse_page, parse_remains, shown_plan
from tui.providers.minimax.plan import parse_subscription, with_subscription

KEY = ProviderKey("minimax")
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
API, CHINA_API = "https://api.minimax.io", "https://api.minimaxi.com"
WEB, WWW, CHINA_WEB = (
    "https://platform.minimax.io",
    "https://www.minimax.io",
    "https://platform.minimaxi.com",
)
NEW, LEGACY, OLDEST = (
    "/v1/token_plan/remains",
    "/v1/api/openplatform/coding_plan/remains",
    "/v1/coding_plan/remains",
)
PAGE = "/user-center/payment/coding-plan"
PLAN = "/v1/api/openplatform/charge/combo/cycle_audio_resource_package"
BILLING = "/account/amount"
PLAN_KEY = "sk-cp-0123456789abcdef"
STANDARD_KEY = "sk-api-0123456789abcdef"
GOOD_KEY = {"MINIMAX_CODING_API_KEY": PLAN_KEY}
HOSTS = ("platform.minimax.io", "www.minimax.io", "minimax.io")


def answer(body: bytes) -> dict[str, Any]:
    return read_answer(reply(body), NOW)


def remains(body: bytes, *, counts_used: bool = False) -> ProviderSnapshot:
    return parse_remains(answer(body), key=KEY, now=NOW, counts_used=counts_used)


def page_of(body: bytes) -> Page:
    return parse_page(body.decode(errors="replace"), key=KEY, now=NOW)


def page(body: bytes) -> ProviderSnapshot:
    return page_of(body).snapshot


BARE = ProviderSnapshot(key=KEY, source_id="web", fetched_at=NOW)

PARSERS: dict[str, Callable[[bytes], object]] = {
    "*page*.html": page,
    "plan_*": lambda body: with_subscription(BARE, parse_subscription(answer(body)), NOW),
    "billing_*": lambda body: with_charges(
        BARE, parse_charges(answer(body)).charges, today=NOW.date(), currency="USD"
    ),
    "cli_*": lambda body: is_own(parse_file(body.decode(errors="replace"))),
    "*": remains,
}


def parsed(name: str, *, counts_used: bool = False) -> ProviderSnapshot:
    return remains(payload("minimax", name), counts_used=counts_used)


def item(**fields: Any) -> dict[str, Any]:
    """A text lane."""
    return {"model_name": "general", **fields}


def lanes(*items: dict[str, Any], counts_used: bool = False, **members: Any) -> ProviderSnapshot:
    data = {"model_remains": list(items), **members}
    return parse_remains(data, key=KEY, now=NOW, counts_used=counts_used)


def rows(snapshot: ProviderSnapshot) -> list[tuple[str, str, float | None]]:
    return [(window.id, window.label, window.used_percent) for window in snapshot.windows]


# -- lanes -----------------------------------------------------------------------------------------


def test_a_token_plan_has_percentages_and_no_counts() -> None:
    snapshot = parsed("remains_percent.json")
    assert rows(snapshot) == [("session", "General", 18.0), ("weekly", "Weekly", 39.0)]
    session, weekly = snapshot.windows
    assert (session.used, session.limit, session.unit) == (Decimal(18), Decimal(100), "%")
    assert (session.window_minutes, weekly.window_minutes) == (SESSION_MINUTES, WEEK_MINUTES)
    assert session.resets_at == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert weekly.resets_at == datetime(2026, 11, 23, tzinfo=UTC)
    assert snapshot.confidence == "percent_only"
    assert snapshot.balances == ()


def test_counts_of_the_legacy_address_are_what_is_left() -> None:
    snapshot = parsed("remains_counts.json")
    assert rows(snapshot) == [("session", "Text Generation", 20.0), ("weekly", "Weekly", 25.0)]
    session = snapshot.window("session")
    assert (session.used, session.limit, session.unit) == (Decimal(300), Decimal(1500), "prompts")
    assert (snapshot.identity.plan, snapshot.confidence) == ("Max", "exact")
    (balance,) = snapshot.balances
    assert (balance.amount, balance.currency) == (Decimal(14250), "points")


def test_counts_of_the_new_address_are_what_was_used() -> None:
    snapshot = parsed("remains_counts.json", counts_used=True)
    assert [window.used_percent for window in snapshot.windows] == [80.0, 75.0]


@pytest.mark.parametrize("counts_used", [True, False])
@pytest.mark.parametrize("name", ["remaining_count", "remains_count"])
def test_what_is_called_remaining_is_left_at_any_address(name: str, counts_used: bool) -> None:
    counts = {"current_interval_total_count": 200, "current_interval_usage_count": 180}
    fields = {**counts, f"current_interval_{name}": 50}
    snapshot = lanes(item(**fields), counts_used=counts_used)
    assert snapshot.window("session").used_percent == 75.0


def test_a_percentage_wins_over_counts() -> None:
    counts = {"current_interval_total_count": 200, "current_interval_usage_count": 20}
    snapshot = lanes(item(**counts, current_interval_remaining_percent=64))
    assert snapshot.window("session").used_percent == 36.0


@pytest.mark.parametrize(
    ("left", "used"),
    [
        pytest.param(0, 100.0, id="exhausted"),
        pytest.param(-5, 100.0, id="below"),
        pytest.param("140", 0.0, id="above"),
        pytest.param(12.5, 87.5, id="fractions"),
    ],
)
def test_percentages_stay_within_bounds(left: object, used: float) -> None:
    snapshot = lanes(item(current_interval_remaining_percent=left, current_interval_status=1))
    assert snapshot.window("session").used_percent == used


def test_a_boost_makes_the_numbers_larger_and_leaves_the_percentage() -> None:
    snapshot = parsed("remains_boost.json")
    session = snapshot.window("session")
    assert (session.used_percent, session.used, session.limit) == (10.0, Decimal(20), Decimal(200))
    values = {row.label: row.value for row in snapshot.details}
    assert values == {"general": "5 hours · 20/200 % · boosted ×2", "video": "not in the plan"}


def test_a_week_without_limit_is_unlimited_and_a_lane_outside_the_plan_is_hidden() -> None:
    snapshot = parsed("remains_boost.json")
    assert [window.id for window in snapshot.windows] == ["session", "weekly"]
    weekly = snapshot.window("weekly")
    assert weekly.unlimited
    assert (weekly.used_percent, weekly.used, weekly.resets_at) == (0.0, None, None)
    assert snapshot.identity.plan == "Plus"


def test_text_comes_first_and_three_windows_make_the_main_number() -> None:
    snapshot = parsed("remains_many_lanes.json")
    assert rows(snapshot) == [
        ("session", "Text Generation", 100.0),
        ("weekly", "Weekly", 87.5),
        ("general.session", "General", 23.0),
        ("video.session", "Video", 60.0),
        ("speech-hd.session", "Text to Speech", 0.0),
        ("hailuo-2-3-fast.session", "Image to Video", 100.0),
        ("hailuo-2-3.session", "Text to Video", 33.3333333333333333333333333333),
        ("image-01.session", "Image Generation", 0.0),
        ("music-2-5.session", "Music Generation", 0.0),
    ]
    assert [window.headline for window in snapshot.windows] == [True] * 3 + [False] * 6
    assert snapshot.window("video.session").window_minutes == DAY_MINUTES
    assert snapshot.balances == ()


def test_a_boost_is_spelt_in_two_ways() -> None:
    session = parsed("remains_many_lanes.json").window("session")
    assert (session.used, session.limit) == (Decimal(150), Decimal(150))


def test_a_boost_of_nothing_does_not_hide_the_other_spelling() -> None:
    boost = {"interval_boost_permill": 0, "interval_boost_permille": 2000}
    (window,) = lanes(
        {"model_name": "general", "current_interval_remaining_percent": 90, **boost}
    ).windows
    assert (window.used, window.limit) == (Decimal(20), Decimal(200))


def test_lanes_of_one_name_are_told_apart() -> None:
    models = ("MiniMax-M2", "MiniMax-M1", "MiniMax-M1+", "Weather")
    snapshot = lanes(
        *({"model_name": name, "current_interval_remaining_percent": 50} for name in models)
    )
    assert [(window.id, window.label) for window in snapshot.windows] == [
        ("session", "Text Generation (MiniMax-M2)"),
        ("minimax-m1.session", "Text Generation (MiniMax-M1)"),
        ("minimax-m1.2.session", "Text Generation (MiniMax-M1+)"),
        ("weather.session", "Weather"),
    ]


def test_a_plan_without_names_has_one_window_of_prompts() -> None:
    (window,) = parsed("remains_nameless.json").windows
    assert (window.id, window.label, window.used_percent) == ("session", "Prompts", 0.0)
    assert window.resets_text == "1,500 prompts / 5 hours"


def test_a_window_that_ended_resets_after_the_time_left_in_the_unit_of_its_end() -> None:
    snapshot = parsed("remains_short_time_left.json")
    assert snapshot.window("session").resets_at == NOW + timedelta(minutes=10)
    assert snapshot.window("weekly").resets_at == NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("fields", "resets_in_s"),
    [
        pytest.param({"remains_time": 9000}, 9000, id="seconds by their size"),
        pytest.param({"remains_time": 9_000_000}, 9000, id="milliseconds by their size"),
        pytest.param({"remains_time": 60_000, "start_time": 1795158000000}, 60, id="by the start"),
        pytest.param({"remains_time": 5_000_000, "end_time": 1795158000}, 5_000_000, id="seconds"),
        pytest.param({"remains_time": 0}, None, id="nothing left"),
        pytest.param({"end_time": 150_000_000_000}, None, id="no epoch"),
        pytest.param({"end_time": 12}, None, id="no epoch at all"),
    ],
)
def test_time_left(fields: dict[str, int], resets_in_s: int | None) -> None:
    window = lanes(item(current_interval_remaining_percent=50, **fields)).window("session")
    expected = None if resets_in_s is None else NOW + timedelta(seconds=resets_in_s)
    assert window.resets_at == expected


@pytest.mark.parametrize(
    ("minutes", "name"),
    [
        (300, "5 hours"),
        (240, "5 hours"),
        (1440, "Today"),
        (720, "12 hours"),
        (61, "1 hours"),
        (30, "Custom"),
        (10080, "Custom"),
        (None, ""),
    ],
)
def test_names_of_lengths(minutes: int | None, name: str) -> None:
    assert length_name(minutes) == name


def test_near_a_week_boundary_the_length_is_what_was_sent() -> None:
    snapshot = parsed("remains_many_lanes.json")
    assert snapshot.window("general.session").window_minutes == 240


def test_neither_total_nor_percentage_is_no_window() -> None:
    snapshot = lanes(item(current_interval_total_count=0, current_interval_usage_count=0))
    assert snapshot.windows == ()


def test_odd_values_are_left_out() -> None:
    snapshot = parsed("remains_odd_values.json")
    (window,) = snapshot.windows
    assert (window.used_percent, window.resets_at, window.window_minutes) == (0.0, None, None)
    assert [balance.amount for balance in snapshot.balances] == [Decimal("12.5")]


def test_points_alone_are_an_answer() -> None:
    snapshot = parsed("remains_points_only.json")
    assert snapshot.windows == ()
    assert [balance.amount for balance in snapshot.balances] == [Decimal(420)]


@pytest.mark.parametrize(
    ("title", "plan"),
    [
        ("TokenPlanPlus-年度会员", "Plus"),
        ("Token Plan Max (monthly)", "Max"),
        ("token plan ultra", "Ultra"),
        ("Starter [/x]", "Starter [/x]"),
    ],
)
def test_names_of_plans(title: str, plan: str) -> None:
    assert shown_plan(title) == plan
    assert lanes(item(), combo_title=title).identity.plan == plan


# -- services --------------------------------------------------------------------------------------


def test_services_tell_what_was_used() -> None:
    text, image = parsed("services.json").windows
    assert (text.id, text.label, text.used_percent) == ("session", "Text Generation", 25.0)
    assert (text.window_minutes, text.resets_at) == (
        SESSION_MINUTES,
        datetime(2026, 11, 20, 12, tzinfo=UTC),
    )
    assert (image.id, image.used_percent, image.window_minutes) == (
        "image.session",
        10.0,
        DAY_MINUTES,
    )
    assert image.resets_at == datetime(2026, 11, 20, 16, tzinfo=UTC)


def test_without_a_usable_service_the_lanes_count() -> None:
    assert rows(parsed("services_all_skipped.json")) == [("session", "General", 70.0)]


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("refused_cookie.json", ErrorKind.UNAUTHORIZED, "invalid or expired"),
        ("refused_key.json", ErrorKind.UNAUTHORIZED, "invalid or expired"),
        ("refused_inside_data.json", ErrorKind.UNAUTHORIZED, "invalid or expired"),
        ("refused_model.json", ErrorKind.SERVER, "your current token plan not support model"),
        ("refused_without_words.json", ErrorKind.SERVER, "MiniMax refused: code 1030"),
        ("bad_empty_object.json", ErrorKind.PARSE, "unknown format"),
        ("bad_no_lanes.json", ErrorKind.PARSE, "unknown format"),
        ("bad_cut_off.json", ErrorKind.PARSE, "unknown format"),
        ("bad_list.json", ErrorKind.PARSE, "unknown format"),
        ("bad_nothing.json", ErrorKind.PARSE, "unknown format"),
        ("refused_page.html", ErrorKind.UNAUTHORIZED, "invalid or expired"),
        ("bad_page.html", ErrorKind.PARSE, "unknown format"),
    ],
)
def test_refusals_have_their_kind_and_words(name: str, kind: ErrorKind, words: str) -> None:
    with pytest.raises(FetchError) as caught:
        remains(payload("minimax", name))
    assert caught.value.kind is kind
    assert words in caught.value.message


def test_a_refusal_says_what_to_do_and_hides_keys() -> None:
    said = f"no plan for {PLAN_KEY} of mira@example.com"
    data = {"base_resp": {"status_code": 2049, "status_msg": said}}
    with pytest.raises(FetchError, match="no plan for") as caught:
        remains(json.dumps(data).encode())
    assert PLAN_KEY not in caught.value.message
    assert "mira" not in caught.value.message
    with pytest.raises(FetchError, match="invalid") as caught:
        remains(payload("minimax", "refused_key.json"))
    assert caught.value.hint == "Make a new key or sign in again; check the region."


# -- page ------------------------------------------------------------------------------------------


def test_data_of_the_page_has_the_lanes_in_another_spelling() -> None:
    found = page_of(payload("minimax", "page_data.html"))
    assert found.is_complete
    assert rows(found.snapshot) == [("session", "General", 36.0), ("weekly", "Weekly", 50.0)]
    assert found.snapshot.identity.plan == "Max"
    assert [balance.amount for balance in found.snapshot.balances] == [Decimal(88)]


def test_a_page_that_can_only_be_read_is_coarse() -> None:
    found = page_of(payload("minimax", "page_coarse.html"))
    (window,) = found.snapshot.windows
    assert not found.is_complete
    assert (window.label, window.used_percent, window.limit) == ("Prompts", 75.0, Decimal(1500))
    assert (window.window_minutes, window.resets_at) == (90, NOW + timedelta(minutes=4))
    assert found.snapshot.identity.plan == "Max"


def test_a_time_of_day_is_the_next_one_in_its_zone() -> None:
    snapshot = page(payload("minimax", "page_clock.html"))
    assert snapshot.windows[0].used_percent == 12.5
    assert snapshot.windows[0].resets_at == datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
    assert snapshot.identity.plan == "Plus"


@pytest.mark.parametrize(
    ("words", "resets_at"),
    [
        ("Resets at 9:30 (UTC)", NOW + timedelta(days=1)),
        ("Resets at 09:31", NOW + timedelta(minutes=1)),
        ("Resets at 18:00 (Asia/Shanghai)", NOW + timedelta(minutes=30)),
        ("Resets at 18:00 (Atlantis/Capital)", None),
        ("Resets at 18:00 (local time)", None),
        ("Resets at 31:00 (UTC)", None),
        ("Reset in 1 h 20 min", NOW + timedelta(minutes=80)),
        ("Resets in 2.5 days", NOW + timedelta(days=2.5)),
        ("Resets in 1.2.3 days", None),
    ],
)
def test_resets_in_words(words: str, resets_at: datetime | None) -> None:
    assert read_text(f"<p>{words}</p>", NOW).resets_at == resets_at


def test_visible_text_is_what_a_person_sees() -> None:
    shown = visible_text(
        "<p>a&amp;b</p><!-- c --><SCRIPT>Log in</SCRIPT>\n<style>d</style> e<script>f"
    )
    assert shown == "a&b e"


# -- subscription and billing ----------------------------------------------------------------------


def test_the_subscription_names_plan_end_and_renewal() -> None:
    found = parse_subscription(answer(payload("minimax", "plan_complete.json")))
    snapshot = with_subscription(BARE, found, NOW)
    assert snapshot.identity.plan == "Plus"
    values = [(row.label, row.value) for row in snapshot.details]
    assert values == [("Ends", "May 19"), ("Renews", "May 18")]


def test_without_a_current_title_the_best_title_anywhere_counts() -> None:
    found = parse_subscription(answer(payload("minimax", "plan_for_sale_only.json")))
    assert (found.plan, found.ends_at) == ("Ultra", None)


def test_billing_counts_what_succeeded_within_thirty_days() -> None:
    found = parse_charges(answer(payload("minimax", "billing_page.json")))
    assert (found.records, found.total) == (9, 9)
    snapshot = with_charges(BARE, found.charges, today=NOW.date(), currency="USD")
    (series,) = snapshot.series
    assert len(series.points) == 30
    assert [point.value for point in series.points[-4:]] == [40.0, 50.0, 700.0, 1590.0]
    values = {(row.group, row.label): row.value for row in snapshot.details}
    assert values["Billing, 30 days", "Tokens"] == "2.4K"
    assert values["Billing, 30 days", "Charged"] == "$1.50"
    assert values["Tokens by model", "MiniMax-M2"] == "2K"
    assert values["Tokens by method", "audio"] == "390"


def test_an_empty_history_adds_nothing() -> None:
    assert with_charges(BARE, [], today=NOW.date(), currency="USD") == BARE


# -- a played service ------------------------------------------------------------------------------


class Service:
    """MiniMax's hosts: whatever a test says, else 404; remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[httpx.Request], httpx.Response]] = {}
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        address = str(request.url.copy_with(query=None))
        found = self.answers.get(address)
        return found(request) if found is not None else httpx.Response(404)

    def says(self, address: str, name: str = "", status: int = 200, **options: Any) -> None:
        """An address answers with a stored payload."""
        content = payload("minimax", name) if name else b""
        self.answers[address] = lambda request: httpx.Response(
            status, content=content, **{"headers": _type(name), **options}
        )

    def knows(self, address: str, name: str, *, bearer: str = "", cookie: str = "") -> None:
        """An address answers those who send this, and refuses the others with code 1004."""

        def answered(request: httpx.Request) -> httpx.Response:
            has_bearer = request.headers.get("authorization", "") == f"Bearer {bearer}"
            is_known = (not bearer or has_bearer) and cookie in request.headers.get("cookie", "")
            chosen = name if is_known else "refused_cookie.json"
            return httpx.Response(200, content=payload("minimax", chosen), headers=_type(chosen))

        self.answers[address] = answered

    def fails(self, address: str) -> None:
        """An address is not reached."""

        def refuse(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        self.answers[address] = refuse

    @property
    def asked(self) -> list[str]:
        """The addresses in order, without their query."""
        return [str(request.url.copy_with(query=None)) for request in self.requests]

    @property
    def bearers(self) -> list[str]:
        return [
            request.headers.get("authorization", "").removeprefix("Bearer ")
            for request in self.requests
        ]


def _type(name: str) -> dict[str, str]:
    kind = "text/html; charset=utf-8" if name.endswith(".html") else "application/json"
    return {"content-type": kind}


@pytest.fixture
def service() -> Iterator[Service]:
    played = Service()
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=played)
        yield played


async def context(home: Path, **options: Any) -> FetchContext:
    options.setdefault("clock", FakeClock(moment=NOW))
    settings = {"extras": False, **options.pop("settings", {})}
    return await make_context(PROVIDER, home, settings=settings, **options)


async def fetched(home: Path, **options: Any) -> ProviderSnapshot:
    return await fetch(PROVIDER, await context(home, **options))


async def failed(home: Path, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetched(home, **options)
    return caught.value


def words(failure: FetchFailed) -> str:
    return f"{failure.error.message} {failure.error.hint}"


# -- API key ---------------------------------------------------------------------------------------


async def test_the_documented_address_answers_first(service: Service, home: Path) -> None:
    service.says(API + NEW, "remains_percent.json")
    snapshot = await fetched(home, env=GOOD_KEY)
    assert service.asked == [API + NEW]
    assert (snapshot.source_id, snapshot.origin) == ("api", "from MINIMAX_CODING_API_KEY")
    assert snapshot.dashboard_url == f"{WEB}{PAGE}?cycle_type=3"
    headers = service.requests[0].headers
    assert headers["authorization"] == f"Bearer {PLAN_KEY}"
    assert headers["accept"] == headers["content-type"] == "application/json"
    assert "cookie" not in headers


@pytest.mark.parametrize(
    ("env", "secrets", "origin"),
    [
        pytest.param(
            {"MINIMAX_API_KEY": "generic-key", **GOOD_KEY},
            {},
            "from MINIMAX_CODING_API_KEY",
            id="the plan's variable before the generic one",
        ),
        pytest.param(
            {"MINIMAX_API_KEY": " 'generic-key' "}, {}, "from MINIMAX_API_KEY", id="unquoted"
        ),
        pytest.param(GOOD_KEY, {"api_key": "stored-key"}, "stored", id="what is stored wins"),
    ],
)
async def test_order_of_keys(
    service: Service, home: Path, env: dict[str, str], secrets: dict[str, str], origin: str
) -> None:
    service.says(API + NEW, "remains_percent.json")
    snapshot = await fetched(home, env=env, secrets=secrets)
    assert snapshot.origin.startswith(origin)


async def test_counts_mean_what_the_answering_address_means(service: Service, home: Path) -> None:
    service.says(API + LEGACY, "remains_counts.json")
    snapshot = await fetched(home, env=GOOD_KEY)
    assert service.asked == [API + NEW, API + LEGACY]
    assert snapshot.window("session").used_percent == 20.0
    service.says(API + NEW, "remains_counts.json")
    snapshot = await fetched(home, env=GOOD_KEY)
    assert snapshot.window("session").used_percent == 80.0


@pytest.mark.parametrize("name", ["404", "405", "401", "403", "network", "parse", "1004"])
async def test_the_next_address_is_asked(service: Service, home: Path, name: str) -> None:
    service.says(API + OLDEST, "remains_counts.json")
    for path in (NEW, LEGACY):
        if name.isdigit() and len(name) == 3:
            service.says(API + path, status=int(name))
        elif name == "network":
            service.fails(API + path)
        else:
            bad = "bad_page.html" if name == "parse" else "refused_cookie.json"
            service.says(API + path, bad)
    snapshot = await fetched(home, env=GOOD_KEY)
    assert service.asked == [API + NEW, API + LEGACY, API + OLDEST]
    assert snapshot.window("session").used_percent == 20.0


@pytest.mark.parametrize(
    ("status", "name", "kind", "text"),
    [
        (429, "", ErrorKind.RATE_LIMITED, "MiniMax is rate-limiting. Try again later."),
        (500, "", ErrorKind.SERVER, "HTTP 500"),
        (418, "", ErrorKind.SERVER, "HTTP 418"),
        (302, "", ErrorKind.SERVER, "redirected"),
        (200, "refused_model.json", ErrorKind.SERVER, "not support model"),
    ],
)
async def test_other_troubles_stop_and_start_no_login(
    service: Service, home: Path, status: int, name: str, kind: ErrorKind, text: str
) -> None:
    headers = {"retry-after": "77", "location": "https://evil.example/"}
    service.says(API + NEW, name, status, headers=headers)
    browsers = FakeBrowsers(jars=[jar()])
    failure = await failed(home, env=GOOD_KEY, browsers=browsers)
    assert failure.error.kind is kind
    assert text in words(failure)
    assert failure.error.retry_after_s == (77.0 if status == 429 else None)
    assert service.asked == [API + NEW]
    assert browsers.opened == []


async def test_a_refusal_is_reported_whatever_later_addresses_say(
    service: Service, home: Path
) -> None:
    service.says(API + NEW, status=401)
    service.says(API + LEGACY, status=429)
    failure = await failed(home, env=GOOD_KEY, settings={"source": "api"})
    assert failure.error.kind is ErrorKind.UNAUTHORIZED
    assert "check the region" in words(failure)
    assert API + OLDEST not in service.asked


async def test_an_unreachable_service_is_a_network_error(service: Service, home: Path) -> None:
    for path in (NEW, LEGACY, OLDEST):
        service.fails(API + path)
    browsers = FakeBrowsers(jars=[jar()])
    failure = await failed(home, env=GOOD_KEY, browsers=browsers)
    assert failure.error.kind is ErrorKind.NETWORK
    assert failure.error.hint == "Check the connection."
    assert browsers.opened == []


async def test_a_404_at_the_last_address_goes_on_to_the_website(
    service: Service, home: Path
) -> None:
    service.says(WEB + PAGE, "page_data.html")
    snapshot = await fetched(home, env=GOOD_KEY, browsers=FakeBrowsers(jars=[jar()]))
    assert service.asked == [API + NEW, API + LEGACY, API + OLDEST, WEB + PAGE]
    assert snapshot.source_id == "web"


async def test_the_key_never_reaches_the_website(service: Service, home: Path) -> None:
    service.says(API + NEW, status=401)
    service.says(WEB + PAGE, "page_data.html")
    await fetched(home, env=GOOD_KEY, browsers=FakeBrowsers(jars=[jar()]))
    for request in service.requests:
        is_api = request.url.host.startswith("api.")
        assert (PLAN_KEY in str(request.headers.raw)) == is_api


# -- regions ---------------------------------------------------------------------------------------


async def test_a_key_the_global_host_refuses_is_tried_in_china(
    service: Service, home: Path
) -> None:
    for path in (NEW, LEGACY, OLDEST):
        service.says(API + path, "refused_key.json")
    service.says(CHINA_API + NEW, "remains_percent.json")
    ctx = await context(home, env=GOOD_KEY)
    snapshot = await fetch(PROVIDER, ctx)
    assert service.asked[-1] == CHINA_API + NEW
    assert snapshot.dashboard_url.startswith(CHINA_WEB)
    service.requests.clear()
    await fetch(PROVIDER, ctx)
    assert service.asked == [CHINA_API + NEW]


async def test_a_failure_in_china_does_not_hide_the_refusal(service: Service, home: Path) -> None:
    service.says(API + NEW, status=403)
    service.says(CHINA_API + NEW, status=500)
    failure = await failed(home, env=GOOD_KEY, settings={"source": "api"})
    assert failure.error.kind is ErrorKind.UNAUTHORIZED


@pytest.mark.parametrize("word", ["china", "cn"])
async def test_china_never_calls_the_global_hosts(service: Service, home: Path, word: str) -> None:
    settings = {"region": word}
    failure = await failed(home, env=GOOD_KEY, settings=settings, browsers=FakeBrowsers([jar()]))
    assert failure.error.kind is ErrorKind.SERVER
    assert {request.url.host for request in service.requests} == {"api.minimaxi.com"}
    service.says(CHINA_API + NEW, "remains_percent.json")
    snapshot = await fetched(home, env=GOOD_KEY, settings=settings)
    assert snapshot.dashboard_url == f"{CHINA_WEB}{PAGE}?cycle_type=3"


# -- standard keys ---------------------------------------------------------------------------------


async def test_a_standard_key_is_not_sent(service: Service, home: Path) -> None:
    env = {"MINIMAX_API_KEY": STANDARD_KEY}
    failure = await failed(home, env=env)
    assert failure.error.kind is ErrorKind.UNSUPPORTED
    assert "sk-cp-" in words(failure)
    explicit = await failed(home, env=env, settings={"source": "api"})
    assert "A plan key (sk-cp-…) is needed" in words(explicit)
    assert service.requests == []


async def test_with_a_standard_key_the_website_answers(service: Service, home: Path) -> None:
    service.says(WEB + PAGE, "page_data.html")
    env = {"MINIMAX_API_KEY": STANDARD_KEY}
    snapshot = await fetched(home, env=env, browsers=FakeBrowsers(jars=[jar()]))
    assert snapshot.source_id == "web"
    assert service.asked == [WEB + PAGE]


async def test_nothing_at_all_says_every_way(service: Service, home: Path) -> None:
    failure = await failed(home)
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    for word in ("MINIMAX_CODING_API_KEY", "MINIMAX_API_KEY", "platform.minimaxi.com", "settings"):
        assert word in words(failure)
    assert service.requests == []


# -- the vendor's own program ----------------------------------------------------------------------


def sign_in_cli(home: Path, config: dict[str, str], login: dict[str, str] | None = None) -> None:
    folder = home / ".mmx"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "credentials.json").write_text(json.dumps(login or {}))


async def test_the_mmx_login_stands_in_for_a_key(service: Service, home: Path) -> None:
    sign_in_cli(home, json.loads(payload("minimax", "cli_config.json")))
    service.says(CHINA_API + NEW, "remains_percent.json")
    snapshot = await fetched(home)
    assert service.asked == [CHINA_API + NEW]
    assert snapshot.origin == "from ~/.mmx/config.json"
    service.says(API + NEW, "remains_percent.json")
    await fetched(home, env=GOOD_KEY)
    assert service.bearers[-1] == PLAN_KEY


async def test_an_access_token_of_mmx_counts_until_it_is_over(service: Service, home: Path) -> None:
    service.says(API + NEW, "remains_percent.json")
    sign_in_cli(home, {}, {"access_token": "mmx-token", "expires_at": "2026-11-20T10:00:00Z"})
    await fetched(home)
    assert service.bearers == ["mmx-token"]
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(await context(home)) == "login of the mmx CLI"
    sign_in_cli(home, {}, {"access_token": "mmx-token", "expires_at": "2026-11-20T09:00:00Z"})
    assert (await failed(home)).error.kind is ErrorKind.MISSING_CREDENTIALS


@pytest.mark.parametrize(
    "base", ["https://proxy.example/v1", "http://[", "minimax.io.evil.example"]
)
async def test_a_token_for_another_address_stays_there(
    service: Service, home: Path, base: str
) -> None:
    sign_in_cli(home, {"api_key": "sk-cp-for-the-proxy", "base_url": base})
    assert (await failed(home)).error.kind is ErrorKind.MISSING_CREDENTIALS
    assert service.requests == []


async def test_a_named_account_has_no_part_in_mmx(service: Service, home: Path) -> None:
    sign_in_cli(home, {"api_key": "sk-cp-somebody"})
    assert (await failed(home, account="work")).error.kind is ErrorKind.MISSING_CREDENTIALS


# -- overrides -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MINIMAX_HOST", "http://platform.minimax.io"),
        ("MINIMAX_HOST", "https://me@platform.minimax.io"),
        ("MINIMAX_HOST", "platform.minimax.io%2fevil"),
        ("MINIMAX_HOST", "platform.minimax.io%252fevil"),
        ("MINIMAX_CODING_PLAN_URL", "https://"),
        ("MINIMAX_REMAINS_URL", "ftp://platform.minimax.io/x"),
        ("MINIMAX_BILLING_HISTORY_URL", "https://a b/"),
        ("MINIMAX_REQUIRE_PROVIDER_ENDPOINT_OVERRIDES", "maybe"),
    ],
)
async def test_a_bad_override_is_named_before_any_byte(
    service: Service, home: Path, variable: str, value: str
) -> None:
    with pytest.raises(Unsupported) as caught:
        await fetched(home, env={**GOOD_KEY, variable: value})
    assert variable in caught.value.message
    assert service.requests == []


async def test_strict_mode_refuses_foreign_hosts(service: Service, home: Path) -> None:
    strict = {"MINIMAX_REQUIRE_PROVIDER_ENDPOINT_OVERRIDES": "on"}
    env = {**GOOD_KEY, **strict, "MINIMAX_REMAINS_URL": "https://minimax.io.evil.example/x"}
    failure = await failed(home, env=env)
    assert failure.error.kind is ErrorKind.UNSUPPORTED
    assert "MINIMAX_REMAINS_URL" in words(failure)
    assert "MINIMAX_REQUIRE_PROVIDER_ENDPOINT_OVERRIDES" in words(failure)
    assert service.requests == []
    service.says(API + NEW, "remains_percent.json")
    await fetched(home, env={**GOOD_KEY, **strict, "MINIMAX_HOST": "eu.minimax.io:8443/path"})


async def test_an_own_host_answers_alone(service: Service, home: Path) -> None:
    own = "https://minimax.example:8443"
    service.says(own + LEGACY, "remains_percent.json")
    env = {"MINIMAX_HOST": "minimax.example:8443/some/path", "MINIMAX_COOKIE": "a=1"}
    await fetched(home, env=env)
    assert service.asked == [own + PAGE, own + LEGACY]
    assert service.requests[0].headers["cookie"] == "a=1"
    assert service.requests[0].headers["origin"] == own


async def test_a_remains_address_is_the_only_one(service: Service, home: Path) -> None:
    env = {"MINIMAX_REMAINS_URL": "https://minimax.example/r?x=1", "MINIMAX_COOKIE": "a=1"}
    failure = await failed(home, env=env)
    assert failure.error.kind is ErrorKind.SERVER
    assert service.asked == [WEB + PAGE, "https://minimax.example/r"]


async def test_the_host_of_china_makes_its_logins_count(service: Service, home: Path) -> None:
    service.says(CHINA_WEB + PAGE, "page_data.html")
    browsers = FakeBrowsers(jars=[jar(), jar("Firefox: default", domain="minimaxi.com")])
    snapshot = await fetched(home, env={"MINIMAX_HOST": "platform.minimaxi.com"}, browsers=browsers)
    assert snapshot.origin == "Firefox: default"
    assert snapshot.dashboard_url.startswith(CHINA_WEB)


async def test_browser_cookies_go_to_no_foreign_host(service: Service, home: Path) -> None:
    env = {"MINIMAX_HOST": "minimax.example"}
    failure = await failed(home, env=env, browsers=FakeBrowsers(jars=[jar()]))
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert service.requests == []


# -- logins of the website -------------------------------------------------------------------------


def jwt(**claims: Any) -> str:
    """A token as the website keeps it."""
    parts = ({"alg": "HS256", "typ": "JWT"}, {"iss": "minimax", **claims})
    encoded = (urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join((*encoded, "c2lnbmF0dXJlLXdpdGgtc29tZS1sZW5ndGg"))


def jar(label: str = "Chromium: Default", domain: str = "minimax.io", **cookies: str) -> Jar:
    values = {"_token": f"cookie-of-{label}", **cookies}
    return Jar(
        [
            Cookie(name=name.replace("HERTZ_SESSION", "HERTZ-SESSION"), value=value, domain=domain)
            for name, value in values.items()
        ],
        label,
        now=lambda: NOW,
    )


def store(
    items: dict[str, str], label: str = "Chromium: Default", host: str = "platform.minimax.io"
) -> LocalStorage:
    browser, _, profile = label.partition(": ")
    values = {(f"https://{host}", name): Secret(value) for name, value in items.items()}
    return LocalStorage(browser=browser, profile=profile, items=values)


FIRST, SECOND = jwt(GroupID="1234567890123"), jwt(sub="second")


async def test_cookies_alone_are_enough_where_the_page_has_the_lanes(
    service: Service, home: Path
) -> None:
    service.says(WEB + PAGE, "page_data.html")
    snapshot = await fetched(home, browsers=FakeBrowsers(jars=[jar()]))
    assert service.asked == [WEB + PAGE]
    assert (snapshot.source_id, snapshot.origin) == ("web", "Chromium: Default")
    request = service.requests[0]
    assert str(request.url) == f"{WEB}{PAGE}?cycle_type=3"
    assert request.headers["accept"].startswith("text/html")
    assert "Chrome/" in request.headers["user-agent"]
    assert request.headers["origin"] == WEB
    assert request.headers["referer"] == WEB + PAGE
    assert "authorization" not in request.headers


async def test_headers_of_the_remains(service: Service, home: Path) -> None:
    service.says(WWW + LEGACY, "remains_counts.json")
    cookies = jar(minimax_group_id_v2="987654321")
    snapshot = await fetched(home, browsers=FakeBrowsers(jars=[cookies]))
    assert service.asked == [WEB + PAGE, WEB + LEGACY, WWW + LEGACY]
    request = service.requests[-1]
    assert request.url.params["GroupId"] == "987654321"
    assert request.headers["accept"] == "application/json, text/plain, */*"
    assert request.headers["x-requested-with"] == "XMLHttpRequest"
    assert snapshot.window("session").used_percent == 20.0


async def test_bearers_are_tried_in_order_and_at_last_none(service: Service, home: Path) -> None:
    for address in (WEB + PAGE, WEB + LEGACY):
        service.knows(address, "remains_percent.json", bearer="nobody")
    browsers = FakeBrowsers(
        jars=[jar(HERTZ_SESSION="hertz-session-value")],
        stores=[store({"access_token": FIRST}), store({"access_token": SECOND}, "Brave: Default")],
    )
    failure = await failed(home, browsers=browsers)
    assert failure.error.kind is ErrorKind.UNAUTHORIZED
    order = zip(service.asked, service.bearers, service.requests, strict=True)
    assert [(address, bearer, "cookie" in r.headers) for address, bearer, r in order] == [
        (WEB + PAGE, FIRST, True),
        (WEB + PAGE, "hertz-session-value", True),
        (WEB + PAGE, "", True),
        (WEB + LEGACY, SECOND, False),
    ]


async def test_a_token_without_cookies_asks_for_the_remains_only(
    service: Service, home: Path
) -> None:
    service.knows(WEB + LEGACY, "remains_percent.json", bearer=FIRST)
    browsers = FakeBrowsers(stores=[store({"access_token": FIRST})])
    snapshot = await fetched(home, browsers=browsers)
    assert service.asked == [WEB + LEGACY]
    assert service.requests[0].url.params["GroupId"] == "1234567890123"
    assert snapshot.origin == "Chromium: Default"


async def test_a_coarse_page_is_completed_by_the_remains(service: Service, home: Path) -> None:
    service.says(WEB + PAGE, "page_coarse.html")
    service.says(WEB + LEGACY, "remains_percent.json")
    snapshot = await fetched(home, browsers=FakeBrowsers(jars=[jar()]))
    assert snapshot.window("session").used_percent == 18.0
    assert snapshot.identity.plan == "Max"


async def test_a_coarse_page_is_kept_unless_the_login_is_refused(
    service: Service, home: Path
) -> None:
    service.says(WEB + PAGE, "page_coarse.html")
    service.says(WEB + LEGACY, "bad_page.html")
    service.fails(WWW + LEGACY)
    snapshot = await fetched(home, browsers=FakeBrowsers(jars=[jar()]))
    assert snapshot.window("session").used_percent == 75.0
    service.says(WEB + LEGACY, "refused_cookie.json")
    failure = await failed(home, browsers=FakeBrowsers(jars=[jar()]))
    assert failure.error.kind is ErrorKind.UNAUTHORIZED


async def test_a_page_may_be_json(service: Service, home: Path) -> None:
    service.says(WEB + PAGE, "remains_counts.json")
    snapshot = await fetched(home, browsers=FakeBrowsers(jars=[jar()]))
    assert snapshot.window("session").used_percent == 20.0


async def test_trouble_stops_the_search(service: Service, home: Path) -> None:
    service.says(WEB + PAGE, status=503)
    browsers = FakeBrowsers(jars=[jar(), jar("Firefox: default")])
    failure = await failed(home, browsers=browsers)
    assert failure.error.kind is ErrorKind.SERVER
    assert browsers.opened == ["Chromium: Default"]


async def test_a_redirect_to_a_login_page_is_a_refusal_and_carries_nothing(
    service: Service, home: Path
) -> None:
    headers = {"location": "https://account.example/login"}
    service.says(WEB + PAGE, status=302, headers=headers)
    failure = await failed(home, browsers=FakeBrowsers(jars=[jar()]))
    assert failure.error.kind is ErrorKind.UNAUTHORIZED
    assert {request.url.host for request in service.requests} == {"platform.minimax.io"}


async def test_the_next_profile_is_tried_and_the_working_one_remembered(
    service: Service, home: Path
) -> None:
    service.knows(WEB + PAGE, "page_data.html", cookie="cookie-of-Firefox")
    browsers = FakeBrowsers(jars=[jar(), jar("Firefox: default")])
    ctx = await context(home, browsers=browsers)
    assert (await fetch(PROVIDER, ctx)).origin == "Firefox: default"
    browsers.opened.clear()
    service.requests.clear()
    assert (await fetch(PROVIDER, ctx)).origin == "Firefox: default"
    assert (browsers.opened, service.asked) == ([], [WEB + PAGE])


async def test_a_remembered_token_is_used_before_any_store_is_opened(
    service: Service, home: Path
) -> None:
    service.knows(WEB + LEGACY, "remains_percent.json", bearer=FIRST)
    browsers = FakeBrowsers(jars=[jar()], stores=[store({"access_token": FIRST})])
    ctx = await context(home, browsers=browsers)
    await fetch(PROVIDER, ctx)
    browsers.opened.clear()
    service.requests.clear()
    await fetch(PROVIDER, ctx)
    assert browsers.opened == []
    assert set(service.bearers) == {FIRST}


async def test_a_refused_login_is_forgotten_and_an_unreached_one_kept(
    service: Service, home: Path
) -> None:
    service.says(WEB + PAGE, "page_data.html")
    ctx = await context(home, browsers=FakeBrowsers(jars=[jar()]))
    await fetch(PROVIDER, ctx)
    service.fails(WEB + PAGE)
    with pytest.raises(FetchFailed):
        await fetch(PROVIDER, ctx)
    assert await ctx.sessions.get_jar("cookies.minimax.io") is not None
    service.says(WEB + PAGE, "refused_page.html")
    with pytest.raises(FetchFailed):
        await fetch(PROVIDER, ctx)
    assert await ctx.sessions.get_jar("cookies.minimax.io") is None


async def test_a_browser_that_cannot_be_read_does_not_hide_tokens(
    service: Service, home: Path
) -> None:
    service.says(WEB + LEGACY, "remains_percent.json")
    error = Unsupported("Chrome's cookies cannot be read.")
    browsers = FakeBrowsers(error=error, stores=[store({"access_token": FIRST})])
    await fetched(home, browsers=browsers)
    assert service.bearers == [FIRST]
    failure = await failed(home, browsers=FakeBrowsers(error=error))
    assert "cannot be read" in failure.error.message


# -- pasted ----------------------------------------------------------------------------------------

CURL = (
    "curl 'https://platform.minimax.io/v1/api/openplatform/coding_plan/remains?GroupId=5555' "
    "-H 'Cookie: _token=abc; minimax_group_id_v2=4444' -H 'x-group-id: 3333' "
    f"-H 'Authorization: Bearer {FIRST}'"
)


async def test_a_pasted_command_gives_cookie_token_and_group(service: Service, home: Path) -> None:
    service.says(WEB + LEGACY, "remains_percent.json")
    browsers = FakeBrowsers(jars=[jar()])
    snapshot = await fetched(home, settings={"cookie_header": CURL}, browsers=browsers)
    request = service.requests[-1]
    assert request.headers["cookie"] == "_token=abc; minimax_group_id_v2=4444"
    assert request.headers["authorization"] == f"Bearer {FIRST}"
    assert request.url.params["GroupId"] == "3333"
    assert (snapshot.origin, browsers.opened) == ("pasted", [])


@pytest.mark.parametrize(
    ("pasted", "group"),
    [
        (CURL.replace(" -H 'x-group-id: 3333'", ""), "4444"),
        ("a=1; group_id=7777", "7777"),
    ],
)
async def test_groups_of_a_paste(service: Service, home: Path, pasted: str, group: str) -> None:
    service.says(WEB + LEGACY, "remains_percent.json")
    await fetched(home, settings={"cookie_header": pasted})
    assert service.requests[-1].url.params["GroupId"] == group


async def test_a_bare_token_may_be_pasted(service: Service, home: Path) -> None:
    service.says(WEB + LEGACY, "remains_percent.json")
    await fetched(home, settings={"cookie_header": f" {FIRST} "})
    assert service.bearers == [FIRST]
    assert "cookie" not in service.requests[0].headers


async def test_a_refused_paste_is_used_alone(service: Service, home: Path) -> None:
    service.says(WEB + PAGE, "refused_page.html")
    browsers = FakeBrowsers(jars=[jar()])
    failure = await failed(home, settings={"cookie_header": "a=1"}, browsers=browsers)
    assert failure.error.kind is ErrorKind.UNAUTHORIZED
    assert browsers.opened == []


@pytest.mark.parametrize("unusable", [" '' ", "Cookie:", "no cookie in here"])
async def test_the_first_usable_variable_comes_last(
    service: Service, home: Path, unusable: str
) -> None:
    service.knows(WEB + PAGE, "page_data.html", cookie="from=variable")
    env = {"MINIMAX_COOKIE": unusable, "MINIMAX_COOKIE_HEADER": "Cookie: from=variable"}
    snapshot = await fetched(home, env=env, browsers=FakeBrowsers(jars=[jar()]))
    assert len(service.requests) == 2
    assert snapshot.origin == "from MINIMAX_COOKIE_HEADER"


@pytest.mark.parametrize("pasted", ["no cookie in here", "Cookie:"])
async def test_a_paste_without_a_cookie_says_so(service: Service, home: Path, pasted: str) -> None:
    settings = {"cookie_source": "manual", "cookie_header": pasted}
    failure = await failed(home, settings=settings)
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert service.requests == []


async def test_off_means_no_login(service: Service, home: Path) -> None:
    browsers = FakeBrowsers(jars=[jar()])
    settings = {"cookie_source": "off"}
    failure = await failed(
        home, settings=settings, env={"MINIMAX_COOKIE": "a=1"}, browsers=browsers
    )
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert (service.requests, browsers.opened) == ([], [])


# -- tokens in browsers ----------------------------------------------------------------------------

LONG = "a1B2" * 16


def tokens(items: dict[str, str], *, is_scan: bool = False, host: str = HOSTS[0]) -> list[str]:
    login = read_store(store(items, host=host), HOSTS, NOW, is_scan=is_scan)
    return [token.reveal() for token in login.tokens]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param({"access_token": FIRST}, [FIRST], id="bare"),
        pytest.param({"access_token": f'"{LONG}"'}, [LONG], id="quoted"),
        pytest.param({"user_detail": json.dumps({"accessToken": LONG})}, [LONG], id="JSON"),
        pytest.param(
            {"persist:root": json.dumps({"auth": json.dumps({"user": {"token": LONG}})})},
            [LONG],
            id="JSON inside a string",
        ),
        pytest.param({"persist:root": json.dumps({"any": SECOND})}, [SECOND], id="a JWT"),
        pytest.param({"access_token": "b" * 30}, ["b" * 30], id="short with a name"),
        pytest.param({"access_token": "b" * 30, "id_token": FIRST}, [FIRST], id="long ones only"),
        pytest.param({"refresh_token": LONG}, [], id="no refresh token"),
        pytest.param({"user_detail": json.dumps({"refresh_token": LONG})}, [], id="nor inside"),
        pytest.param({"user_detail": json.dumps({"token": "b" * 30})}, [], id="too short"),
        pytest.param({"theme": LONG}, [], id="another name"),
        pytest.param({"access_token": jwt(exp=1)}, [], id="over"),
        pytest.param({"access_token": "long words but none"}, [], id="words"),
    ],
)
def test_tokens_in_local_storage(items: dict[str, str], expected: list[str]) -> None:
    assert tokens(items) == expected


def test_tokens_of_other_websites_stay_there() -> None:
    assert tokens({"access_token": FIRST}, host="platform.minimaxi.com") == []
    assert tokens({"access_token": FIRST}, host="minimax.io.evil.example") == []


def test_a_scanned_token_without_a_name_must_be_minimaxs_own() -> None:
    foreign = jwt(iss="https://accounts.example", sub="somebody")
    assert tokens({"entry 0": f"see platform.minimax.io\n{foreign}"}, is_scan=True) == []
    assert tokens({"entry 0": f"see platform.minimax.io\n{FIRST}"}, is_scan=True) == [FIRST]
    assert tokens({"entry 1": f'access_token"\n{LONG}'}, is_scan=True) == [LONG]


@pytest.mark.parametrize(
    ("items", "group"),
    [
        ({"user_detail": json.dumps({"groupID": "12", "group_id": "445566"})}, "445566"),
        ({"user_detail": '{\\"group_id\\":778899}'}, "778899"),
        ({"minimax_group_id": "123456"}, "123456"),
        ({}, "1234567890123"),
    ],
)
def test_group_ids(items: dict[str, str], group: str) -> None:
    login = read_store(store({"access_token": FIRST, **items}), HOSTS, NOW, is_scan=False)
    assert login.group_id == Secret(group)


async def test_later_stores_are_opened_only_without_a_token(service: Service, home: Path) -> None:
    scanned = store({"entry 0": f"{FIRST} platform.minimax.io"}, "Brave: Default")
    local = store({"access_token": SECOND})
    browsers = FakeBrowsers(jars=[jar()], stores=[local], scanned=[scanned])
    service.says(WEB + LEGACY, "remains_percent.json")
    await fetched(home, browsers=browsers)
    assert browsers.opened == ["Chromium: Default", "Chromium: Default"]
    browsers = FakeBrowsers(jars=[jar("Brave: Default")], scanned=[scanned])
    service.requests.clear()
    await fetched(home, browsers=browsers)
    assert service.bearers[0] == FIRST


# -- extras ----------------------------------------------------------------------------------------


async def test_subscription_and_billing_are_added(service: Service, home: Path) -> None:
    service.says(WEB + PAGE, "page_data.html")
    service.says(WWW + PLAN, "plan_complete.json")
    service.says(WEB + BILLING, "billing_page.json")
    cookies = jar(minimax_group_id_v2="987654321")
    browsers = FakeBrowsers(jars=[cookies])
    snapshot = await fetched(home, settings={"extras": True}, browsers=browsers)
    assert snapshot.identity.plan == "Plus"
    assert [series.id for series in snapshot.series] == ["tokens.30d"]
    plan, billing = (
        next(r for r in service.requests if r.url.path == path) for path in (PLAN, BILLING)
    )
    assert plan.headers["x-group-id"] == "987654321"
    assert (plan.headers["origin"], plan.headers["referer"]) == (WEB, f"{WEB}/")
    assert str(plan.url.query, "ascii") == "biz_line=2&cycle_type=3&resource_package_type=7"
    assert dict(billing.url.params) == {"page": "1", "limit": "100", "aggregate": "false"}
    assert billing.headers["referer"] == f"{WEB}/account"


async def test_a_refused_extra_does_not_break_the_card(service: Service, home: Path) -> None:
    service.says(WEB + PAGE, "page_data.html")
    service.says(WEB + BILLING, status=403)
    snapshot = await fetched(home, settings={"extras": True}, browsers=FakeBrowsers(jars=[jar()]))
    assert rows(snapshot)[0] == ("session", "General", 36.0)
    assert snapshot.series == ()
    assert WWW + PLAN not in service.asked


async def test_a_stale_token_is_left_out_of_the_billing(service: Service, home: Path) -> None:
    service.says(WEB + PAGE, "page_data.html")

    def history(request: httpx.Request) -> httpx.Response:
        if "authorization" in request.headers:
            return httpx.Response(401)
        return httpx.Response(200, content=payload("minimax", "billing_page.json"))

    service.answers[WEB + BILLING] = history
    browsers = FakeBrowsers(jars=[jar()], stores=[store({"access_token": FIRST})])
    snapshot = await fetched(home, settings={"extras": True}, browsers=browsers)
    assert snapshot.series != ()


async def test_billing_pages_end_with_the_window(service: Service, home: Path) -> None:
    pages = {
        "1": [{"consume_token": 5, "ymd": "2026-11-20"}],
        "2": [{"consume_token": 7, "ymd": "2026-10-22"}],
        "3": [{"consume_token": 9, "ymd": "2026-10-21"}],
    }
    service.says(WEB + PAGE, "page_data.html")
    service.answers[WEB + BILLING] = lambda request: httpx.Response(
        200, json={"total_cnt": 500, "charge_records": pages[request.url.params["page"]]}
    )
    snapshot = await fetched(home, settings={"extras": True}, browsers=FakeBrowsers(jars=[jar()]))
    assert sum(point.value for point in snapshot.series[0].points) == 12.0
    assert service.asked.count(WEB + BILLING) == 3


async def test_without_extras_nothing_more_is_asked(service: Service, home: Path) -> None:
    service.says(WEB + PAGE, "page_data.html")
    cookies = jar(minimax_group_id_v2="987654321")
    await fetched(home, browsers=FakeBrowsers(jars=[cookies]))
    assert service.asked == [WEB + PAGE]


# -- secrets ---------------------------------------------------------------------------------------


async def test_keys_and_group_ids_are_hidden_wherever_they_turn_up(
    service: Service, home: Path
) -> None:
    service.says(WEB + LEGACY, "remains_percent.json")
    await fetched(home, settings={"cookie_header": CURL.replace("3333", "33334444")})
    told = Redactor()(f"{PLAN_KEY} {STANDARD_KEY} group 33334444 {FIRST}")
    for secret in (PLAN_KEY, STANDARD_KEY, "33334444", FIRST):
        assert secret not in told


# -- demo ------------------------------------------------------------------------------------------


async def played(home: Path, minutes: float) -> ProviderSnapshot:
    moment = Moment(NOW + timedelta(minutes=minutes), NOW)
    upstream = PlayedUpstream(scene.SCENE.routes, lambda: moment, delays=False)
    clock = FakeClock(moment=moment.now)
    return await fetched(
        home, env=scene.SCENE.env, gateway=HttpGateway(transport=upstream), clock=clock
    )


async def test_the_demo_plays_an_account_that_moves(home: Path) -> None:
    early, late = await played(home, 0), await played(home, 5)
    used = [window.used_percent or 0.0 for window in early.windows]
    assert [window.id for window in early.windows] == ["session", "weekly", "video.session"]
    assert (late.window("session").used_percent or 0.0) > used[0] > 0.0
    assert early.balances
    assert early.identity.plan == "Max"
