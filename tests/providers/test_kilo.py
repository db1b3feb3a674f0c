"""Kilo: batches that half fail, credits in micro-dollars, a pass, and two kinds of login."""

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

from tests.support import FakeClock, FetchFailed, fetch, make_context, payload, reply
from tui.core.errors import ErrorKind, FetchError
from tui.core.models import MONTH_MINUTES, ProviderKey, ProviderSnapshot, UsageWindow
from tui.core.redact import Secret
from tui.demo.scenes import kilo as scene
from tui.demo.stage import Moment
from tui.demo.transport import PlayedUpstream
from tui.gateways.http import HttpGateway
from tui.providers._parse import json_object
from tui.providers.kilo import PROVIDER
from tui.providers.kilo.account import (
    parse_balance,
    parse_history,
    parse_profile,
    with_history,
    with_profile,
)
from tui.providers.kilo.answers import read_batch
from tui.providers.kilo.cli_login import parse_token
from tui.providers.kilo.credits import find_credits
from tui.providers.kilo.kilo_pass import BASE, BONUS, USED
from tui.providers.kilo.parse import Answers, activity_rows, parse_usage

KEY = ProviderKey("kilo")
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
APP, API = "https://app.kilo.ai/api", "https://api.kilo.ai/api"
CALLS = "user.getCreditBlocks,kiloPass.getState,user.getAutoTopUpPaymentMethod"
USAGE = f"{APP}/trpc/{CALLS}"
EXACT = (
    f"{USAGE}?batch=1&input=%7B%220%22%3A%7B%22json%22%3Anull%7D%2C%221%22%3A%7B%22json%22%3Anull"
    "%7D%2C%222%22%3A%7B%22json%22%3Anull%7D%7D"
)
ORGANISATION = "11111111-2222-3333-4444-555555555555"
ORGANISATION_CALL = f"{APP}/trpc/organizations.getCreditBlocks"
GOOD_KEY = {"KILO_API_KEY": "kilo-key-0123456789"}


def usage(body: bytes) -> ProviderSnapshot:
    return parse_usage(Answers(*read_batch(reply(body), 3, NOW)), key=KEY, now=NOW)


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "Kilo")


BARE = ProviderSnapshot(key=KEY, source_id="api", fetched_at=NOW)

PARSERS: dict[str, Callable[[bytes], object]] = {
    "profile_*": lambda body: with_profile(BARE, parse_profile(decoded(body))),
    "organisation_*": lambda body: find_credits(read_batch(reply(body), 1, NOW)[0].payload),
    "balance_*": lambda body: parse_balance(decoded(body)),
    "history_*": lambda body: with_history(BARE, parse_history(decoded(body)), NOW.date()),
    "cli_*": lambda body: parse_token(body.decode(errors="replace")),
    "*": usage,
}


def of_pass(answer: Any) -> ProviderSnapshot:
    """The snapshot of an account that has nothing but this second answer."""
    return usage(json.dumps({"1": {"result": {"data": answer}}}).encode())


def parsed(name: str) -> ProviderSnapshot:
    return usage(payload("kilo", name))


def numbers(window: UsageWindow) -> tuple[float | None, Decimal | None, Decimal | None]:
    return window.used_percent, window.used, window.limit


def values(snapshot: ProviderSnapshot) -> dict[str, str]:
    return {row.label: row.value for row in snapshot.details}


# -- credits ---------------------------------------------------------------------------------------


def test_blocks_count_micro_dollars() -> None:
    credits_ = parsed("usage_complete.json").window("credits")
    assert numbers(credits_) == (50.0, Decimal(15), Decimal(30))
    assert (credits_.unit, credits_.resets_at, credits_.window_minutes) == ("USD", None, None)
    assert credits_.resets_text == "$15.00 of $30.00 used"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "usage_yearly_bonus.json", (100.0, Decimal(0), Decimal(0)), id="a zero balance is empty"
        ),
        pytest.param("usage_no_pass.json", (100.0, Decimal(0), Decimal(0)), id="a debt too"),
        pytest.param(
            "usage_single.json", (0.0, Decimal(0), Decimal("7.5")), id="a balance alone is unused"
        ),
        pytest.param(
            "usage_used_members.json", (40.0, Decimal(40), Decimal(100)), id="used and remaining"
        ),
        pytest.param(
            "usage_by_index.json",
            (pytest.approx(100 * 3.5 / 15), Decimal("3.5"), Decimal(15)),
            id="blocks with names",
        ),
        pytest.param(
            "usage_cents_pass.json", (100.0, Decimal(0), Decimal(0)), id="a total of zero"
        ),
    ],
)
def test_other_forms_of_credits(name: str, expected: tuple[float, Decimal, Decimal]) -> None:
    assert numbers(parsed(name).window("credits")) == expected


def test_negative_blocks_do_not_count() -> None:
    blocks = [
        {"amount_mUsd": 10_000_000, "balance_mUsd": 4_000_000},
        {"amount_mUsd": -5_000_000, "balance_mUsd": -1},
    ]
    found = find_credits({"creditBlocks": blocks})
    assert found is not None
    assert (found.used, found.total) == (Decimal(6), Decimal(10))


@pytest.mark.parametrize(
    "block",
    [
        {"amount_mUsd": 5_000_000},
        {"balance_mUsd": 5_000_000},
        {"amount_mUsd": 1e308, "balance_mUsd": 5_000_000},
        {"amount_mUsd": "NaN", "balance_mUsd": None},
    ],
)
def test_half_a_block_says_nothing(block: dict[str, Any]) -> None:
    assert find_credits({"creditBlocks": [block]}) is None
    whole = {"amount_mUsd": 4_000_000, "balance_mUsd": 1_000_000}
    assert find_credits({"creditBlocks": [block, whole]}) == (Decimal(3), Decimal(4))
    balance = find_credits({"creditBlocks": [block], "totalBalance_mUsd": 5_000_000})
    assert balance == (Decimal(0), Decimal(5))


def test_credits_that_expire_next_are_named() -> None:
    assert values(parsed("usage_complete.json"))["Expiring"] == "$10.00 expire on Jan 1"
    assert "Expiring" not in values(parsed("usage_ended.json"))


# -- pass ------------------------------------------------------------------------------------------


def test_the_pass_comes_first_and_has_a_month() -> None:
    snapshot = parsed("usage_complete.json")
    assert [window.id for window in snapshot.windows] == ["pass", "credits"]
    kilo_pass = snapshot.window("pass")
    assert numbers(kilo_pass) == (50.0, Decimal("24.5"), Decimal(49))
    assert (kilo_pass.label, kilo_pass.window_minutes) == ("Kilo Pass", MONTH_MINUTES)
    assert kilo_pass.resets_at == datetime(2026, 12, 5, 12, tzinfo=UTC)
    assert kilo_pass.resets_text == "$24.50 / $49.00"
    assert snapshot.identity.plan == "Pro"


def test_a_bonus_is_part_of_the_total_and_the_refill_is_the_reset() -> None:
    snapshot = parsed("usage_yearly_bonus.json")
    kilo_pass = snapshot.window("pass")
    assert numbers(kilo_pass) == (100.0, Decimal("250.129"), Decimal("238.8"))
    assert kilo_pass.resets_text == "$250.13 / $199.00 (+ $39.80 bonus)"
    assert kilo_pass.resets_at == datetime(2026, 12, 5, 12, tzinfo=UTC)
    assert snapshot.identity.plan == "Expert"
    assert snapshot.notice == "The payment for Kilo Pass is past due."
    assert {"Ends", "Streak"} <= set(values(snapshot))


def test_an_ended_pass_has_no_bar() -> None:
    snapshot = parsed("usage_ended.json")
    assert [window.id for window in snapshot.windows] == ["credits"]
    assert snapshot.identity.plan == "Kilo Pass ended"


def test_without_a_pass_there_is_no_plan() -> None:
    snapshot = parsed("usage_no_pass.json")
    assert [window.id for window in snapshot.windows] == ["credits"]
    assert snapshot.identity.plan == ""


def test_a_pass_without_its_wrapper() -> None:
    snapshot = parsed("usage_bare_pass.json")
    assert numbers(snapshot.window("pass")) == (0.0, Decimal(0), Decimal(20))
    assert snapshot.identity.plan.startswith("tier_custom [/x]")
    assert snapshot.window("pass").resets_at == datetime(2026, 12, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize("used", [None, "NaN", "soon", 1e308])
def test_an_unknown_usage_of_the_pass_is_not_nothing(used: Any) -> None:
    kilo_pass = {"tier": "tier_49", BASE: 49, BONUS: 9.8, USED: used}
    window = of_pass({"subscription": kilo_pass}).window("pass")
    assert numbers(window) == (None, None, Decimal("58.8"))
    assert window.resets_text == "$49.00 (+ $9.80 bonus)"
    in_cents = of_pass({"amountCents": 2000}).window("pass")
    assert numbers(in_cents) == (None, None, Decimal(20))


def test_a_bonus_alone_is_no_total() -> None:
    snapshot = of_pass({"subscription": {"tier": "tier_49", BONUS: 9.8, USED: 24.5}})
    assert (snapshot.windows, snapshot.identity.plan) == ((), "Pro")


def test_a_pass_in_cents() -> None:
    snapshot = parsed("usage_cents_pass.json")
    assert numbers(snapshot.window("pass")) == (47.5, Decimal("9.5"), Decimal(20))
    assert snapshot.identity.plan == "Team"


def test_facts_of_the_pass() -> None:
    rows = values(parsed("usage_complete.json"))
    assert (rows["Renews"], rows["Next bonus"], rows["Streak"]) == ("Dec 5", "$9.80", "3 months")


# -- activity --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credits_", "top_up", "expected"),
    [
        ({}, {"enabled": True, "paymentMethod": {"brand": "visa"}, "amountCents": 5000}, "visa"),
        ({}, {"isEnabled": True, "paymentMethod": "paypal"}, "paypal"),
        ({}, {"active": True, "paymentMethod": None, "amountCents": 5000}, "$50"),
        ({}, {"enabled": True, "amountCents": "2050"}, "$20.50"),
        ({}, {"status": "on"}, "enabled"),
        ({}, {"status": "none", "amountCents": 5000}, "off"),
        ({"autoTopUpEnabled": True}, None, "enabled"),
        ({"autoTopUpEnabled": False}, {"amountCents": 5000}, "off"),
        ({"autoTopUpEnabled": True}, {"enabled": False}, "off"),
    ],
)
def test_auto_top_up(credits_: dict[str, Any], top_up: Any, expected: str) -> None:
    (row,) = activity_rows(credits_, top_up)
    assert (row.label, row.value) == ("Auto top-up", expected)


def test_nothing_is_said_of_an_unknown_auto_top_up() -> None:
    assert activity_rows({}, {"amountCents": 5000}) == ()


def test_activity_is_no_plan() -> None:
    snapshot = parsed("usage_by_index.json")
    assert snapshot.identity.plan == ""
    assert values(snapshot)["Auto top-up"] == "visa"


# -- batches ---------------------------------------------------------------------------------------


def test_a_missing_entry_does_not_move_the_others() -> None:
    assert [window.id for window in parsed("usage_by_index.json").windows] == ["credits"]


def test_empty_payloads_are_an_answer_without_numbers() -> None:
    snapshot = parsed("usage_empty.json")
    assert (snapshot.windows, snapshot.details, snapshot.notice) == ((), (), "")


def test_a_failed_pass_leaves_the_credits() -> None:
    snapshot = parsed("usage_pass_failed.json")
    assert [window.id for window in snapshot.windows] == ["credits"]
    assert snapshot.notice == "Kilo Pass could not be read."


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("refused_pass_forbidden.json", ErrorKind.UNAUTHORIZED, "KILO_API_KEY or run `kilo login`"),
        ("refused_unauthorized.json", ErrorKind.UNAUTHORIZED, "KILO_API_KEY or run `kilo login`"),
        ("refused_credits_server.json", ErrorKind.SERVER, "HTTP 503"),
        ("refused_credits_not_found.json", ErrorKind.SERVER, "endpoint not found"),
        ("refused_credits_busy.json", ErrorKind.RATE_LIMITED, "Try again later"),
        ("refused_bad_request.json", ErrorKind.PARSE, "changed its form"),
        ("bad_empty_list.json", ErrorKind.PARSE, "no batch"),
        ("bad_object.json", ErrorKind.PARSE, "no batch"),
        ("bad_text.json", ErrorKind.PARSE, "no batch"),
        ("bad_cut_off.json", ErrorKind.PARSE, "no valid JSON"),
        ("bad_nothing.json", ErrorKind.PARSE, "empty answer"),
        ("bad_page.html", ErrorKind.PARSE, "a page instead of data"),
        ("bad_entry.json", ErrorKind.PARSE, "without result or error"),
    ],
)
def test_refusals_have_their_kind_and_words(name: str, kind: ErrorKind, text: str) -> None:
    with pytest.raises(FetchError) as caught:
        parsed(name)
    assert caught.value.kind is kind
    assert text in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Please log in", "code": -32001}, ErrorKind.UNAUTHORIZED),
        ({"message": "no", "code": -32003}, ErrorKind.UNAUTHORIZED),
        ("Unauthorized", ErrorKind.UNAUTHORIZED),
        ({"message": "Forbidden", "data": {"code": "BAD_REQUEST"}}, ErrorKind.UNAUTHORIZED),
        ({"message": "no", "code": -32029}, ErrorKind.RATE_LIMITED),
        ({"message": "no", "data": {"code": "SERVICE_UNAVAILABLE"}}, ErrorKind.SERVER),
        ({"message": "no", "data": {"code": "TEAPOT", "httpStatus": 504}}, ErrorKind.SERVER),
        ({"message": "no", "code": -32603}, ErrorKind.SERVER),
        ({"message": "no", "code": -32600}, ErrorKind.PARSE),
        (7, ErrorKind.PARSE),
    ],
)
def test_errors_of_a_call_are_known_by_name_number_or_words(error: Any, kind: ErrorKind) -> None:
    for form in (error, {"json": error}):
        with pytest.raises(FetchError) as caught:
            usage(json.dumps([{"error": form}]).encode())
        assert caught.value.kind is kind


# -- a played service ------------------------------------------------------------------------------


class Service:
    """Kilo's hosts: the usage answers with a stored payload, everything else with 404."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[httpx.Request], httpx.Response]] = {}
        self.requests: list[httpx.Request] = []
        self.says(USAGE, "usage_complete.json")

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.answers.get(str(request.url.copy_with(query=None)))
        return found(request) if found is not None else httpx.Response(404)

    def says(self, address: str, name: str = "", status: int = 200, **headers: str) -> None:
        """An address answers with a stored payload."""
        body = payload("kilo", name) if name else b""
        named = {header.replace("_", "-"): value for header, value in headers.items()}
        self.answers[address] = lambda _: httpx.Response(status, content=body, headers=named)

    def accepts(self, token: str) -> None:
        """The usage knows one token and refuses the others."""

        def answered(request: httpx.Request) -> httpx.Response:
            is_known = request.headers["authorization"] == f"Bearer {token}"
            name = "usage_complete.json" if is_known else "refused_unauthorized.json"
            return httpx.Response(200 if is_known else 401, content=payload("kilo", name))

        self.answers[USAGE] = answered

    @property
    def bearers(self) -> list[str]:
        return [r.headers["authorization"].removeprefix("Bearer ") for r in self.requests]


@pytest.fixture
def service() -> Iterator[Service]:
    played = Service()
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=played)
        yield played


async def fetched(home: Path, **options: Any) -> ProviderSnapshot:
    options.setdefault("clock", FakeClock(moment=NOW))
    settings = {"extras": False, **options.pop("settings", {})}
    return await fetch(PROVIDER, await make_context(PROVIDER, home, settings=settings, **options))


async def failed(home: Path, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetched(home, **options)
    return caught.value


def words(failure: FetchFailed) -> str:
    return f"{failure.error.message} {failure.error.hint}"


def sign_in(home: Path, name: str = "cli_oauth.json", folder: str = ".local/share/kilo") -> Path:
    file = home / folder / "auth.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(payload("kilo", name))
    return file


def jwt(expires_at: datetime) -> str:
    """A key as the server signs them."""
    parts = ({"alg": "HS256"}, {"kiloUserId": "u1", "version": 3, "exp": expires_at.timestamp()})
    encoded = (urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join((*encoded, "c2lnbmF0dXJl"))


# -- API key ---------------------------------------------------------------------------------------


async def test_the_batch_is_asked_at_its_exact_address(service: Service, home: Path) -> None:
    snapshot = await fetched(home, env=GOOD_KEY)
    (request,) = service.requests
    assert str(request.url) == EXACT
    assert request.headers["authorization"] == f"Bearer {GOOD_KEY['KILO_API_KEY']}"
    assert request.headers["accept"] == "application/json"
    assert (snapshot.source_id, snapshot.origin, snapshot.notice) == (
        "api",
        "from KILO_API_KEY",
        "",
    )


async def test_the_stored_key_wins_over_the_variable(service: Service, home: Path) -> None:
    await fetched(home, env=GOOD_KEY, secrets={"api_key": "stored-key"})
    assert service.bearers == ["stored-key"]


async def test_another_address_in_the_environment_changes_nothing(
    service: Service, home: Path
) -> None:
    await fetched(home, env={**GOOD_KEY, "KILO_API_URL": "https://evil.example"})
    assert {request.url.host for request in service.requests} == {"app.kilo.ai"}


async def test_half_failed_batches_are_read(service: Service, home: Path) -> None:
    service.says(USAGE, "usage_pass_failed.json", status=207)
    snapshot = await fetched(home, env=GOOD_KEY)
    assert [window.id for window in snapshot.windows] == ["credits"]


async def test_an_expired_key_is_not_sent(service: Service, home: Path) -> None:
    env = {"KILO_API_KEY": jwt(NOW - timedelta(seconds=1))}
    failure = await failed(home, env=env, settings={"source": "api"})
    assert failure.error.kind is ErrorKind.UNAUTHORIZED
    assert "expired" in words(failure)
    assert service.requests == []
    await fetched(home, env={"KILO_API_KEY": jwt(NOW + timedelta(days=1))})


async def test_without_a_key_the_api_mode_asks_for_one(service: Service, home: Path) -> None:
    sign_in(home)
    failure = await failed(home, settings={"source": "api"})
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    for word in ("Kilo API key missing", "KILO_API_KEY", "api_key"):
        assert word in words(failure)
    assert service.requests == []


@pytest.mark.parametrize("word", ["web", "oauth"])
async def test_old_words_for_the_source_count_as_auto(
    service: Service, home: Path, word: str
) -> None:
    assert (await fetched(home, env=GOOD_KEY, settings={"source": word})).source_id == "api"


# -- CLI login -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "token"), [("cli_oauth.json", "cli-oauth-token"), ("cli_api.json", "cli-api-token")]
)
async def test_both_kinds_of_entries_are_read_and_never_written(
    service: Service, home: Path, name: str, token: str
) -> None:
    file = sign_in(home, name)
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    snapshot = await fetched(home, settings={"source": "cli"}, env=GOOD_KEY)
    assert service.bearers == [token]
    assert (snapshot.source_id, snapshot.origin, snapshot.notice) == ("cli", "Kilo CLI", "")
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


async def test_the_data_folder_may_be_elsewhere(service: Service, home: Path) -> None:
    sign_in(home, "cli_api.json", folder="data/kilo")
    sign_in(home, "cli_oauth.json")
    await fetched(home, env={"XDG_DATA_HOME": str(home / "data")})
    assert service.bearers == ["cli-api-token"]


async def test_the_content_may_stand_in_a_variable(service: Service, home: Path) -> None:
    sign_in(home, "cli_oauth.json")
    content = payload("kilo", "cli_api.json").decode()
    snapshot = await fetched(home, env={"KILO_AUTH_CONTENT": content})
    assert service.bearers == ["cli-api-token"]
    assert snapshot.origin == "from KILO_AUTH_CONTENT"


async def test_a_missing_login_names_the_file_and_both_ways(service: Service, home: Path) -> None:
    for mode in ("cli", "auto"):
        failure = await failed(home, settings={"source": mode})
        assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
        for word in ("~/.local/share/kilo/auth.json", "`kilo login`", "KILO_API_KEY"):
            assert word in words(failure)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"kilo": {}}', '{"openai": {"type": "api", "key": "k"}}']
)
async def test_a_file_without_a_login_says_so(service: Service, home: Path, content: str) -> None:
    sign_in(home).write_text(content)
    failure = await failed(home)
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert "`kilo login` again" in words(failure)
    assert "auth.json" in words(failure)


async def test_an_unreadable_file_says_so(service: Service, home: Path) -> None:
    sign_in(home).unlink()
    (home / ".local/share/kilo/auth.json").mkdir()
    failure = await failed(home)
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert "permissions" in words(failure)


async def test_a_named_account_has_no_part_in_the_file(service: Service, home: Path) -> None:
    sign_in(home)
    failure = await failed(home, account="work")
    assert failure.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert service.requests == []


async def test_detection_names_the_login(home: Path) -> None:
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(await make_context(PROVIDER, home)) == ""
    sign_in(home)
    assert await PROVIDER.detect(await make_context(PROVIDER, home)) == "login of the Kilo CLI"


# -- falling back ----------------------------------------------------------------------------------


async def test_a_refused_key_leads_to_the_cli(service: Service, home: Path) -> None:
    sign_in(home)
    service.accepts("cli-oauth-token")
    snapshot = await fetched(home, env=GOOD_KEY)
    assert service.bearers == [GOOD_KEY["KILO_API_KEY"], "cli-oauth-token"]
    assert (snapshot.source_id, snapshot.notice) == ("cli", "Using CLI fallback.")


@pytest.mark.parametrize("status", [200, 403])
async def test_a_refusal_within_the_batch_leads_to_the_cli_too(
    service: Service, home: Path, status: int
) -> None:
    sign_in(home)
    service.says(USAGE, "refused_pass_forbidden.json", status=status)
    await failed(home, env=GOOD_KEY)
    assert len(service.requests) == 2


@pytest.mark.parametrize(
    ("status", "name", "kind", "text"),
    [
        (404, "", ErrorKind.SERVER, "endpoint not found. The app may need an update."),
        (429, "", ErrorKind.RATE_LIMITED, "Try again later."),
        (500, "", ErrorKind.SERVER, "Kilo is unavailable (HTTP 500). Try again later."),
        (418, "", ErrorKind.SERVER, "HTTP 418"),
        (302, "", ErrorKind.SERVER, "not followed"),
        (200, "bad_page.html", ErrorKind.PARSE, "a page"),
    ],
)
async def test_other_troubles_do_not_touch_the_cli(
    service: Service, home: Path, status: int, name: str, kind: ErrorKind, text: str
) -> None:
    sign_in(home)
    service.says(USAGE, name, status=status, retry_after="60", location="https://evil.example/")
    failure = await failed(home, env=GOOD_KEY)
    assert failure.error.kind is kind
    assert text in words(failure)
    assert failure.error.retry_after_s == (60.0 if status == 429 else None)
    assert len(service.requests) == 1


async def test_an_unreachable_service_does_not_touch_the_cli(service: Service, home: Path) -> None:
    sign_in(home)

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    service.answers[USAGE] = refuse
    failure = await failed(home, env=GOOD_KEY)
    assert failure.error.kind is ErrorKind.NETWORK
    assert len(service.requests) == 1


async def test_of_two_failures_the_refusal_is_reported(service: Service, home: Path) -> None:
    service.says(USAGE, status=401)
    failure = await failed(home, env=GOOD_KEY)
    assert failure.error.kind is ErrorKind.UNAUTHORIZED
    assert "KILO_API_KEY" in words(failure)
    assert [a.source_id for a in failure.result.attempts] == ["api", "cli"]


async def test_no_token_comes_to_light(service: Service, home: Path) -> None:
    sign_in(home)
    service.says(USAGE, status=401)
    failure = await failed(home, env=GOOD_KEY)
    assert not {"cli-oauth-token", GOOD_KEY["KILO_API_KEY"]} & set(repr(failure.result).split("'"))


# -- extras ----------------------------------------------------------------------------------------


async def test_account_organisations_and_history_are_added(service: Service, home: Path) -> None:
    service.says(f"{API}/profile", "profile_complete.json")
    service.says(f"{APP}/profile/usage", "history_complete.json")
    snapshot = await fetched(home, env=GOOD_KEY, settings={"extras": True})
    assert snapshot.identity.account == "mira@example.com"
    assert snapshot.identity.plan == "Pro"
    rows = values(snapshot)
    assert rows["Northwind · owner"] == ORGANISATION
    assert rows["anthropic/claude-sonnet-5"] == "$1.75 · 15 requests · 31K tokens"
    (chart,) = snapshot.series
    assert [point.value for point in chart.points[-2:]] == [0.5, 1.5]
    history = next(r for r in service.requests if r.url.path.endswith("/usage"))
    assert dict(history.url.params) == {"viewType": "personal", "groupByModel": "true"}


async def test_chosen_organisations_have_rows_of_their_own(service: Service, home: Path) -> None:
    other = "99999999-2222-3333-4444-555555555555"
    service.says(f"{API}/profile", "profile_complete.json")
    service.says(f"{API}/profile/balance", "balance_left.json")

    def blocks(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.url.params["input"])["0"]["organizationId"]
        name = "organisation_blocks.json" if asked == ORGANISATION else "refused_bad_request.json"
        return httpx.Response(200, content=payload("kilo", name))

    service.answers[ORGANISATION_CALL] = blocks
    settings = {"extras": True, "organization_ids": [ORGANISATION, other, "no-uuid"]}
    snapshot = await fetched(home, env=GOOD_KEY, settings=settings)
    assert snapshot.window("credits").label == "Personal credits"
    northwind = snapshot.window(f"organisation-{ORGANISATION}.credits")
    assert (northwind.label, northwind.headline) == ("Northwind credits", False)
    assert numbers(northwind) == (20.0, Decimal(20), Decimal(100))
    assert [(b.label, b.amount) for b in snapshot.balances] == [
        ("Contoso credits", Decimal("12.34"))
    ]
    assert values(snapshot)["Organisation no-uuid credits"] == "could not be read"
    asked = [r for r in service.requests if "x-kilocode-organizationid" in r.headers]
    assert [r.headers["x-kilocode-organizationid"] for r in asked] == [other]


async def test_organisations_need_no_profile(service: Service, home: Path) -> None:
    service.says(ORGANISATION_CALL, "organisation_blocks.json")
    settings = {"extras": True, "organization_ids": [ORGANISATION]}
    snapshot = await fetched(home, env=GOOD_KEY, settings=settings)
    window = snapshot.window(f"organisation-{ORGANISATION}.credits")
    assert window.label == "Organisation 11111111 credits"
    assert snapshot.window("pass").used_percent == 50.0


def test_somebody_without_organisation_or_address() -> None:
    profile = parse_profile(decoded(payload("kilo", "profile_alone.json")))
    assert with_profile(BARE, profile).identity.account == "Jo"


# -- tokens ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "token"),
    [
        ({"type": "oauth", "access": " 'quoted' "}, "quoted"),
        ({"type": "api", "key": "k", "access": "a"}, "k"),
        ({"access": "untyped"}, "untyped"),
        ({"type": "oauth", "access": "", "refresh": "r"}, None),
        ({"type": "oauth", "access": 5}, None),
    ],
)
def test_tokens_of_entries(entry: dict[str, Any], token: str | None) -> None:
    found = parse_token(json.dumps({"kilo": entry}))
    assert found == (None if token is None else Secret(token))


# -- demo ------------------------------------------------------------------------------------------


async def played(home: Path, minutes: float) -> ProviderSnapshot:
    moment = Moment(NOW + timedelta(minutes=minutes), NOW)
    upstream = PlayedUpstream(scene.SCENE.routes, lambda: moment, delays=False)
    return await fetched(
        home,
        env=scene.SCENE.env,
        gateway=HttpGateway(transport=upstream),
        clock=FakeClock(moment=moment.now),
        settings={"extras": True},
    )


async def test_the_demo_plays_an_account_that_moves(home: Path) -> None:
    early, late = await played(home, 0), await played(home, 5)
    assert [window.id for window in early.windows] == ["pass", "credits"]
    assert (late.window("pass").used or 0) > (early.window("pass").used or 0) > 0
    assert early.identity.account
    assert early.series
