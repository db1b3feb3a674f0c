"""Vertex AI: every kind of credentials, the project's order, pairs of series, and refusals."""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from tests.loopback import Request, Response, loopback_world
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
from tui.core.errors import ErrorKind
from tui.core.models import Identity, ProviderKey, ProviderSnapshot
from tui.core.process import CommandResult
from tui.gateways.http import HttpGateway
from tui.gateways.process import Programs
from tui.providers import _chain
from tui.providers._context import FetchContext
from tui.providers._parse import at, integer, json_object
from tui.providers.vertexai import PROVIDER, sources
from tui.providers.vertexai.credentials import parse_credentials
from tui.providers.vertexai.project import parse_configuration
from tui.providers.vertexai.quota import (
    allocation_pairs,
    parse_page,
    quota_snapshot,
    rate_pairs,
    with_rates,
)
from tui.providers.vertexai.sources import LIMITS, PER_MINUTE, USAGE, refusal
from tui.providers.vertexai.tokens import parse_token, refused

KEY = ProviderKey("vertexai")
TOKEN_URL = "https://oauth2.googleapis.com/token"
SERIES_URL = "https://monitoring.googleapis.com/v3/projects/acme-ml/timeSeries"
GCLOUD = "auth application-default print-access-token"
PROJECT = {"project": "acme-ml"}
FILE = ".config/gcloud/application_default_credentials.json"


def decoded(body: bytes) -> dict[str, Any]:
    return json_object(reply(body), "Cloud Monitoring")


def raise_refusal(body: bytes) -> None:
    status = integer(at(decoded(body), "error.code"))
    raise refusal(reply(body, status or 403), "acme-ml", "acme-billing", NOON)


def raise_token_refusal(body: bytes) -> None:
    raise refused(reply(body, 400), "Sign in again.")


def paired(body: bytes, limits: str = "limits.json") -> ProviderSnapshot:
    usage, _ = parse_page(decoded(body), USAGE.metric_type)
    known, _ = parse_page(decoded(payload("vertexai", limits)), LIMITS.metric_type)
    identity = Identity(organization="acme-ml")
    return quota_snapshot(allocation_pairs(usage, known), identity, key=KEY, now=NOON)


def rated(body: bytes) -> ProviderSnapshot:
    usage, _ = parse_page(decoded(body), PER_MINUTE.metric_type)
    known, _ = parse_page(decoded(payload("vertexai", "limits.json")), LIMITS.metric_type)
    return with_rates(paired(b"{}"), rate_pairs(usage, known))


def as_limits(body: bytes) -> ProviderSnapshot:
    usage, _ = parse_page(decoded(payload("vertexai", "usage.json")), USAGE.metric_type)
    known, _ = parse_page(decoded(body), LIMITS.metric_type)
    return quota_snapshot(allocation_pairs(usage, known), Identity(), key=KEY, now=NOON)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "configuration*": lambda body: parse_configuration(body.decode(errors="replace")),
    "*credentials_*": lambda body: parse_credentials(body.decode(errors="replace")),
    "*token*": lambda body: parse_token(reply(body), NOON),
    "refused_grant.json": raise_token_refusal,
    "refused_rapt.json": raise_token_refusal,
    "refused_client.json": raise_token_refusal,
    "refused_other.json": raise_token_refusal,
    "refused_*": raise_refusal,
    "limits.json": as_limits,
    "rates.json": rated,
    "*": paired,
}


# -- quotas ----------------------------------------------------------------------------------------


def test_the_fullest_quota_carries_the_card_and_four_more_follow() -> None:
    shown = paired(payload("vertexai", "usage.json"))
    rows = [(w.id, w.label, w.used_percent, w.headline) for w in shown.windows]
    assert rows == [
        ("quota", "Quota usage", 70.0, True),
        ("quota2", "custom_model_training_jobs", 32.0, False),
        ("quota3", "ModelsPerProject", 5.0, False),
        ("quota4", "reasoning_engine_service_entities", 1.0, False),
        ("quota5", "pipeline_jobs", pytest.approx(2 / 3), False),
    ]
    first = shown.window("quota")
    assert first.resets_text == "endpoints · EndpointsPerProjectPerRegion · us-central1 · 35 of 50"
    assert (first.used, first.limit, first.resets_at) == (Decimal(35), Decimal(50), None)
    assert first.window_minutes is None
    assert shown.notice == ""
    assert shown.dashboard_url.endswith("&project=acme-ml")


def series(
    metric: str, limit_name: str, location: str, value: Any, kind: str = USAGE.metric_type
) -> dict[str, Any]:
    labels = {"quota_metric": f"aiplatform.googleapis.com/{metric}", "limit_name": limit_name}
    return {
        "metric": {"type": kind, "labels": labels},
        "resource": {"labels": {"location": location} if location else {}},
        "points": [{"value": value}],
    }


def matched(usage: list[dict[str, Any]], limits: list[dict[str, Any]]) -> list[tuple[str, float]]:
    used, _ = parse_page({"timeSeries": usage}, USAGE.metric_type)
    known, _ = parse_page({"timeSeries": limits}, LIMITS.metric_type)
    return [(one.key.location, one.percent) for one in allocation_pairs(used, known)]


def limit(metric: str, limit_name: str, location: str, value: Any) -> dict[str, Any]:
    return series(metric, limit_name, location, {"int64Value": str(value)}, LIMITS.metric_type)


ONE = {"int64Value": "1"}


def test_usage_without_a_limit_name_takes_the_only_limit_of_its_location() -> None:
    usage = [series("entities", "", "us-west1", ONE)]
    regional, everywhere = (
        limit("entities", "PerRegion", "us-west1", 100),
        limit("entities", "PerProject", "", 1000),
    )
    assert matched(usage, [regional, everywhere]) == [("us-west1", 1.0)]
    assert matched(usage, [everywhere]) == []
    assert matched(usage, [regional, limit("entities", "PerZone", "us-west1", 9)]) == []


def test_usage_with_a_limit_name_takes_exactly_that_one() -> None:
    usage = [series("entities", "PerRegion", "us-west1", ONE)]
    assert matched(usage, [limit("entities", "PerZone", "us-west1", 9)]) == []
    assert matched(usage, [limit("entities", "PerRegion", "us-east1", 9)]) == []
    assert matched(usage, [limit("others", "PerRegion", "us-west1", 9)]) == []


@pytest.mark.parametrize("value", [-1, 0, 9223372036854775807, 9 * 10**18])
def test_unusable_limits_are_no_divisors(value: int) -> None:
    usage = [series("x", "PerRegion", "us-west1", ONE)]
    assert matched(usage, [limit("x", "PerRegion", "us-west1", value)]) == []


@pytest.mark.parametrize(
    ("value", "percent"),
    [
        ({"int64Value": "3"}, 75.0),
        ({"int64Value": 3}, 75.0),
        ({"doubleValue": 4.5}, 112.5),
        ({"doubleValue": -2}, 0.0),
    ],
)
def test_whole_numbers_are_texts_and_others_are_numbers(
    value: dict[str, Any], percent: float
) -> None:
    usage = [series("x", "PerProject", "", value)]
    assert matched(usage, [limit("x", "PerProject", "", 4)]) == [("global", percent)]


@pytest.mark.parametrize(
    "value", [{"doubleValue": "NaN"}, {"boolValue": True}, {"int64Value": ""}, {}, None]
)
def test_points_without_a_number_are_no_usage(value: Any) -> None:
    usage = [series("x", "PerProject", "", value)]
    assert matched(usage, [limit("x", "PerProject", "", 4)]) == []


@pytest.mark.parametrize("body", [payload("vertexai", "no_data.json"), b"{}"])
def test_no_data_is_an_answer(body: bytes) -> None:
    shown = paired(body)
    assert shown.windows == ()
    assert shown.notice == "No quota data in the last 24 hours."


def test_markup_in_names_is_text() -> None:
    used, _ = parse_page({"timeSeries": [series("[/x]", "[b]", "", ONE)]}, USAGE.metric_type)
    known, _ = parse_page({"timeSeries": [limit("[/x]", "[b]", "", 4)]}, LIMITS.metric_type)
    shown = quota_snapshot(allocation_pairs(used, known), Identity(), key=KEY, now=NOON)
    assert shown.window("quota").resets_text == "[/x] · [b] · global · 1 of 4"


def test_the_busiest_minute_counts_all_methods_together() -> None:
    shown = rated(payload("vertexai", "rates.json"))
    first, second = shown.windows
    assert (first.id, first.label) == ("rate", "online_prediction_requests_per_base_model")
    assert (first.used, first.limit, first.used_percent) == (Decimal(180), Decimal(600), 30.0)
    assert first.resets_text == "anthropic-claude-opus · us-east5 · busiest minute 180 of 600"
    assert (second.used, second.limit) == (Decimal(9), Decimal(60))
    assert (first.headline, second.headline) == (True, False)
    assert shown.notice == ""


def test_beside_other_quotas_the_busiest_minute_stays_in_the_background() -> None:
    usage, _ = parse_page(decoded(payload("vertexai", "rates.json")), PER_MINUTE.metric_type)
    known, _ = parse_page(decoded(payload("vertexai", "limits.json")), LIMITS.metric_type)
    shown = with_rates(paired(payload("vertexai", "usage.json")), rate_pairs(usage, known))
    assert [window.id for window in shown.windows if window.headline] == ["quota"]
    assert [window.id for window in shown.windows][-2:] == ["rate", "rate2"]


# -- the service -----------------------------------------------------------------------------------


class Google:
    """The services of one project, answered well unless a test says otherwise."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        self.token = router.post(TOKEN_URL)
        self.token.respond(content=payload("vertexai", "token.json"))
        self.pages = {USAGE: "usage.json", LIMITS: "limits.json", PER_MINUTE: "no_data.json"}
        self.series = router.get(url__startswith="https://monitoring.googleapis.com/")
        self.series.mock(side_effect=self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params["filter"]
        page = next(page for query, page in self.pages.items() if query.metric_type in asked)
        return httpx.Response(200, content=payload("vertexai", page))

    def asked(self, query: sources.Query = USAGE) -> list[httpx.Request]:
        """The calls for one kind of series."""
        requests = [call.request for call in self.series.calls]
        return [one for one in requests if f'"{query.metric_type}"' in one.url.params["filter"]]

    def forms(self) -> list[dict[str, str]]:
        """What the token service was sent."""
        sent = [parse_qs(call.request.content.decode()) for call in self.token.calls]
        return [{name: values[0] for name, values in form.items()} for form in sent]


@pytest.fixture
def google() -> Iterator[Google]:
    with respx.mock(assert_all_called=False) as router:
        yield Google(router)


def put(home: Path, content: str | bytes | dict[str, Any], name: str = FILE) -> Path:
    """A file below the home folder."""
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, dict):
        content = json.dumps(content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def user(**changes: Any) -> dict[str, Any]:
    """The credentials of a person."""
    return {**json.loads(payload("vertexai", "credentials_user.json")), **changes}


async def ask(home: Path, **options: Any) -> ProviderSnapshot:
    options.setdefault("settings", PROJECT)
    return await fetch(PROVIDER, await make_context(PROVIDER, home, **options))


async def failure(home: Path, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await ask(home, **options)
    return caught.value


async def test_a_persons_login_is_exchanged_and_quotas_are_read(home: Path, google: Google) -> None:
    before = put(home, payload("vertexai", "credentials_user.json")).read_bytes()
    shown = await ask(home)
    assert google.forms() == [
        {
            "client_id": "764086051850-abc.apps.googleusercontent.com",
            "client_secret": "d-FL95Q19q7MQmFpd7hHD0Ty",
            "refresh_token": "1//0gfake+refresh/token&more",
            "grant_type": "refresh_token",
        }
    ]
    sent = google.token.calls.last.request
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"1%2F%2F0gfake%2Brefresh%2Ftoken%26more" in sent.content
    assert shown.window("quota").used_percent == 70.0
    assert (shown.source_id, shown.origin) == ("oauth", "gcloud's credentials file")
    assert shown.identity == Identity(
        account="noor@example.org", organization="acme-ml", login_method="gcloud"
    )
    assert (home / FILE).read_bytes() == before
    assert [path.name for path in (home / FILE).parent.iterdir()] == [Path(FILE).name]


async def test_the_queries_name_metric_times_and_payer(home: Path, google: Google) -> None:
    put(home, user())
    await ask(home)
    (usage,), (limits,), (rates,) = map(google.asked, (USAGE, LIMITS, PER_MINUTE))
    assert str(usage.url).startswith(f"{SERIES_URL}?")
    assert dict(usage.url.params) == {
        "filter": 'metric.type="serviceruntime.googleapis.com/quota/allocation/usage" AND '
        'resource.type="consumer_quota" AND '
        'resource.label.service="aiplatform.googleapis.com"',
        "interval.startTime": "2026-09-09T12:00:00Z",
        "interval.endTime": "2026-09-10T12:00:00Z",
        "aggregation.alignmentPeriod": "3600s",
        "aggregation.perSeriesAligner": "ALIGN_MAX",
        "view": "FULL",
    }
    assert limits.url.params["interval.startTime"] == "2026-09-09T10:00:00Z"
    assert rates.url.params["interval.startTime"] == "2026-09-10T11:00:00Z"
    assert rates.url.params["aggregation.perSeriesAligner"] == "ALIGN_SUM"
    assert usage.headers["authorization"] == "Bearer ya29.fresh-access-token"
    assert usage.headers["x-goog-user-project"] == "acme-billing"
    assert "cookie" not in usage.headers


async def test_without_a_quota_project_the_project_itself_pays(home: Path, google: Google) -> None:
    put(home, user(quota_project_id=None))
    await ask(home)
    assert google.asked()[0].headers["x-goog-user-project"] == "acme-ml"


async def test_odd_project_ids_are_encoded(home: Path, google: Google) -> None:
    put(home, user())
    shown = await ask(home, settings={"project": "example.com:my/project"})
    assert b"/projects/example.com%3Amy%2Fproject/timeSeries?" in google.asked()[0].url.raw_path
    assert shown.dashboard_url.endswith("project=example.com%3Amy%2Fproject")


async def test_quotas_per_minute_are_an_extra(home: Path, google: Google) -> None:
    put(home, user())
    google.pages[PER_MINUTE] = "rates.json"
    assert (await ask(home)).window("rate").used_percent == 30.0
    plain = await ask(home, settings={**PROJECT, "extras": False})
    assert "rate" not in [window.id for window in plain.windows]
    assert (len(google.asked()), len(google.asked(PER_MINUTE))) == (2, 1)


async def test_pages_are_followed(home: Path, google: Google) -> None:
    put(home, user())

    def answer(request: httpx.Request) -> httpx.Response:
        if (
            USAGE.metric_type in request.url.params["filter"]
            and "pageToken" not in request.url.params
        ):
            return httpx.Response(200, content=payload("vertexai", "usage_first_page.json"))
        return google.answer(request)

    google.series.mock(side_effect=answer)
    shown = await ask(home)
    assert [call.url.params.get("pageToken") for call in google.asked()] == [None, "abc"]
    assert shown.window("quota").used == Decimal(35)


async def test_a_repeated_page_token_ends_the_pages(home: Path, google: Google) -> None:
    put(home, user())
    google.series.mock(
        return_value=httpx.Response(200, content=payload("vertexai", "usage_first_page.json"))
    )
    await ask(home, settings={**PROJECT, "extras": False})
    assert len(google.asked()) == 2


async def test_after_twenty_pages_it_is_enough(home: Path, google: Google) -> None:
    put(home, user())
    count = iter(range(1000))
    google.series.mock(
        side_effect=lambda request: httpx.Response(200, json={"nextPageToken": f"p{next(count)}"})
    )
    shown = await ask(home, settings={**PROJECT, "extras": False})
    assert len(google.asked()) == 20
    assert shown.notice == "No quota data in the last 24 hours."


async def test_a_payer_that_is_not_allowed_is_left_out_once(home: Path, google: Google) -> None:
    put(home, user())

    def answer(request: httpx.Request) -> httpx.Response:
        if "x-goog-user-project" in request.headers:
            return httpx.Response(403, content=payload("vertexai", "refused_payer.json"))
        return google.answer(request)

    google.series.mock(side_effect=answer)
    shown = await ask(home, settings={**PROJECT, "extras": False})
    assert shown.window("quota").used_percent == 70.0
    assert len(google.asked()) == 2


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (
            403,
            "refused_permission.json",
            ErrorKind.UNAUTHORIZED,
            "Access denied for project acme-ml",
        ),
        (403, "refused_permission.json", ErrorKind.UNAUTHORIZED, "Monitoring Viewer role needed."),
        (403, "refused_disabled.json", ErrorKind.UNSUPPORTED, "The Cloud Monitoring API is off in"),
        (403, "refused_disabled.json", ErrorKind.UNSUPPORTED, "`gcloud services enable monitoring"),
        (403, "bad_empty.txt", ErrorKind.UNAUTHORIZED, "Access denied for project acme-ml"),
        (404, "bad_page.html", ErrorKind.SERVER, "Project acme-ml was not found."),
        (400, "refused_argument.json", ErrorKind.SERVER, "HTTP 400: INVALID_ARGUMENT Name must"),
        (503, "bad_page.html", ErrorKind.SERVER, "Cloud Monitoring answered HTTP 503."),
        (302, "bad_empty.txt", ErrorKind.SERVER, "redirected"),
        (200, "bad_page.html", ErrorKind.PARSE, "page instead of data"),
        (200, "bad_cut_off.json", ErrorKind.PARSE, "no valid JSON"),
        (200, "bad_list.json", ErrorKind.PARSE, "a list"),
        (200, "bad_empty.txt", ErrorKind.PARSE, "empty"),
    ],
)
async def test_refusals_of_monitoring(
    home: Path, google: Google, status: int, body: str, kind: ErrorKind, words: str
) -> None:
    put(home, user())
    google.series.respond(
        status,
        content=payload("vertexai", body),
        headers={"location": "https://elsewhere.example/"},
    )
    error = (await failure(home)).error
    assert error.kind is kind
    assert words in f"{error.message} {error.hint}"
    assert "second line" not in error.message
    assert len(google.asked()) == 1
    assert {call.request.url.host for call in google.router.calls} == {
        "oauth2.googleapis.com",
        "monitoring.googleapis.com",
    }


async def test_a_limit_of_requests_opens_a_gate(home: Path, google: Google) -> None:
    put(home, user())
    google.series.respond(429, headers={"retry-after": "90"})
    error = (await failure(home)).error
    assert (error.kind, error.retry_after_s) == (ErrorKind.RATE_LIMITED, 90.0)
    assert error.message == "Monitoring quota used up; retry later."


@pytest.mark.parametrize("where", ["token", "series"])
@pytest.mark.parametrize("trouble", [httpx.ConnectError("no"), httpx.ReadTimeout("late")])
async def test_no_way_to_google(
    home: Path, google: Google, where: str, trouble: httpx.TransportError
) -> None:
    put(home, user())
    getattr(google, where).mock(side_effect=trouble)
    error = (await failure(home)).error
    assert (error.kind, error.message) == (ErrorKind.NETWORK, "Cannot reach Google.")


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (
            400,
            "refused_grant.json",
            ErrorKind.UNAUTHORIZED,
            "Google sign-in expired or was revoked.",
        ),
        (
            400,
            "refused_rapt.json",
            ErrorKind.UNAUTHORIZED,
            "`gcloud auth application-default login`",
        ),
        (400, "refused_rapt_code.json", ErrorKind.UNAUTHORIZED, "expired or was revoked"),
        (401, "refused_client.json", ErrorKind.UNAUTHORIZED, "did not accept the client"),
        (400, "refused_other.json", ErrorKind.SERVER, "HTTP 400 (invalid_scope)."),
        (400, "bad_page.html", ErrorKind.SERVER, "Google refused the sign-in with HTTP 400."),
        (429, "bad_empty.txt", ErrorKind.RATE_LIMITED, "rate-limiting"),
        (503, "bad_empty.txt", ErrorKind.SERVER, "503"),
        (302, "bad_empty.txt", ErrorKind.SERVER, "redirected"),
        (200, "bad_token_missing.json", ErrorKind.PARSE, "access_token"),
        (200, "bad_page.html", ErrorKind.PARSE, "page instead of data"),
    ],
)
async def test_refusals_of_the_token_service(
    home: Path, google: Google, status: int, body: str, kind: ErrorKind, words: str
) -> None:
    put(home, user())
    google.token.respond(
        status,
        content=payload("vertexai", body),
        headers={"location": "https://elsewhere.example/"},
    )
    error = (await failure(home)).error
    assert error.kind is kind
    assert words in f"{error.message} {error.hint}"
    assert "secret words" not in error.message
    assert google.asked() == []


# -- tokens ----------------------------------------------------------------------------------------


async def asking_twice(home: Path, clock: FakeClock, after_s: float) -> None:
    ctx = await make_context(PROVIDER, home, settings={**PROJECT, "extras": False}, clock=clock)
    await fetch(PROVIDER, ctx)
    await clock.advance(after_s)
    await fetch(PROVIDER, ctx)


@pytest.mark.parametrize(
    ("body", "after_s", "exchanges"),
    [
        ("token.json", 3290, 1),
        ("token.json", 3300, 2),
        ("token_text_life.json", 3290, 1),
        ("token_bare.json", 3299, 1),
        ("token_bare.json", 3301, 2),
    ],
)
async def test_a_token_is_kept_until_five_minutes_before_its_end(
    home: Path, google: Google, body: str, after_s: float, exchanges: int
) -> None:
    put(home, user())
    google.token.respond(content=payload("vertexai", body))
    await asking_twice(home, FakeClock(), after_s)
    assert google.token.call_count == exchanges


async def test_a_kept_token_of_another_file_is_not_used(home: Path, google: Google) -> None:
    put(home, user())
    ctx = await make_context(PROVIDER, home, settings=PROJECT)
    await fetch(PROVIDER, ctx)
    put(home, user(refresh_token="1//0other"))
    await fetch(PROVIDER, ctx)
    assert [form["refresh_token"] for form in google.forms()][-1] == "1//0other"


async def test_a_kept_token_that_is_refused_is_replaced_once(home: Path, google: Google) -> None:
    put(home, user())
    ctx = await make_context(PROVIDER, home, settings={**PROJECT, "extras": False})
    await fetch(PROVIDER, ctx)
    google.token.respond(json={"access_token": "ya29.second-token"})

    def answer(request: httpx.Request) -> httpx.Response:
        if "second" in request.headers["authorization"]:
            return google.answer(request)
        return httpx.Response(401, content=payload("vertexai", "refused_unauthenticated.json"))

    google.series.mock(side_effect=answer)
    assert (await fetch(PROVIDER, ctx)).window("quota").used_percent == 70.0
    assert google.token.call_count == 2


async def test_a_fresh_token_that_is_refused_is_an_error(home: Path, google: Google) -> None:
    put(home, user())
    google.series.respond(401)
    error = (await failure(home)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert "`gcloud auth application-default login`" in error.hint
    assert google.token.call_count == 1


@pytest.mark.parametrize(("until", "exchanges"), [(timedelta(hours=1), 0), (timedelta(0), 1)])
async def test_a_stored_access_token_is_used_while_it_lasts(
    home: Path, google: Google, until: timedelta, exchanges: int
) -> None:
    put(home, user(access_token="ya29.stored", token_expiry=(NOON + until).isoformat()))
    await ask(home)
    assert google.token.call_count == exchanges


@pytest.mark.parametrize(
    ("changes", "token", "email"),
    [
        ({"account": "file@example.org"}, "token.json", "noor@example.org"),
        ({"account": "file@example.org"}, "token_bare.json", "file@example.org"),
        ({"account": " "}, "token_bare.json", "config@example.org"),
    ],
)
async def test_whose_login_it_is(
    home: Path, google: Google, changes: dict[str, str], token: str, email: str
) -> None:
    put(home, user(**changes))
    configuration = payload("vertexai", "configuration.ini")
    put(home, configuration, ".config/gcloud/configurations/config_default")
    google.token.respond(content=payload("vertexai", token))
    assert (await ask(home)).identity.account == email


# -- service accounts ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service_account(key: rsa.RSAPrivateKey | None = None, **changes: str) -> dict[str, Any]:
    """A key file, as the console gives it out."""
    pem = "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n"
    if key is not None:
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    return {
        "type": "service_account",
        "project_id": "acme-ml",
        "private_key_id": "key-1",
        "private_key": pem,
        "client_email": "reader@acme-ml.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": TOKEN_URL,
        **changes,
    }


def part(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_assertion(assertion: str, key: rsa.RSAPrivateKey, audience: str) -> None:
    header, claims, signature = assertion.split(".")
    key.public_key().verify(
        part(signature), f"{header}.{claims}".encode(), PKCS1v15(), hashes.SHA256()
    )
    assert json.loads(part(header)) == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
    assert json.loads(part(claims)) == {
        "iss": "reader@acme-ml.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/monitoring.read",
        "aud": audience,
        "iat": int(NOON.timestamp()),
        "exp": int(NOON.timestamp()) + 3600,
    }


async def test_a_service_account_signs_for_itself(
    home: Path, google: Google, private_key: rsa.RSAPrivateKey
) -> None:
    file = put(home, service_account(private_key), "keys/reader.json")
    google.token.respond(content=payload("vertexai", "token_bare.json"))
    env = {"GOOGLE_APPLICATION_CREDENTIALS": f" {file} "}
    shown = await ask(home, settings={}, env=env)
    (form,) = google.forms()
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    check_assertion(form["assertion"], private_key, TOKEN_URL)
    assert shown.identity == Identity(
        account="reader@acme-ml.iam.gserviceaccount.com",
        organization="acme-ml",
        login_method="service account",
    )
    assert shown.origin == "from GOOGLE_APPLICATION_CREDENTIALS"
    assert "x-goog-user-project" not in google.asked()[0].headers


async def test_a_service_account_is_recognised_before_a_person(
    home: Path, google: Google, private_key: rsa.RSAPrivateKey
) -> None:
    both = {**user(), **service_account(private_key), "type": "authorized_user"}
    put(home, both)
    await ask(home)
    assert "assertion" in google.forms()[0]


async def test_a_refused_service_account_is_told_about_its_key(
    home: Path, google: Google, private_key: rsa.RSAPrivateKey
) -> None:
    put(home, service_account(private_key))
    google.token.respond(400, content=payload("vertexai", "refused_grant.json"))
    error = (await failure(home)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert "key of the service account" in error.hint


@pytest.mark.parametrize("token_uri", ["http://tokens.example/x", "nonsense"])
async def test_a_token_address_without_https_is_refused(
    home: Path, google: Google, private_key: rsa.RSAPrivateKey, token_uri: str
) -> None:
    put(home, service_account(private_key, token_uri=token_uri))
    assert (await failure(home)).error.kind is ErrorKind.UNSUPPORTED
    assert google.router.calls.call_count == 0


# -- gcloud ----------------------------------------------------------------------------------------

PRINTED = CommandResult(exit_code=0, stdout="ya29.from-gcloud\n", stderr="WARNING: old\n")


def gcloud(result: CommandResult = PRINTED) -> FakeCommands:
    return FakeCommands(answers={tuple(GCLOUD.split()): result}, program=Path("/usr/bin/gcloud"))


UNSIGNABLE = service_account()
OTHERS = ("credentials_external.json", "credentials_impersonated.json")


@pytest.mark.parametrize("name", [*OTHERS, ""])
async def test_other_credentials_go_through_gcloud(home: Path, google: Google, name: str) -> None:
    put(home, payload("vertexai", name) if name else UNSIGNABLE)
    await ask(home, commands=gcloud())
    assert google.asked()[0].headers["authorization"] == "Bearer ya29.from-gcloud"
    assert google.token.call_count == 0


@pytest.mark.parametrize("name", [*OTHERS, ""])
async def test_without_gcloud_they_are_unsupported(home: Path, google: Google, name: str) -> None:
    put(home, payload("vertexai", name) if name else UNSIGNABLE)
    error = (await failure(home)).error
    assert error.kind is ErrorKind.UNSUPPORTED
    assert error.message == "Install gcloud to use this credential type."
    assert google.router.calls.call_count == 0


@pytest.mark.parametrize(
    ("result", "kind", "words"),
    [
        (CommandResult(exit_code=None, timed_out=True), ErrorKind.NETWORK, "within 20 seconds"),
        (CommandResult(exit_code=0), ErrorKind.SERVER, "gcloud gave no token."),
        (
            CommandResult(exit_code=1, stderr="ERROR: (gcloud) broken\nmore"),
            ErrorKind.SERVER,
            "gcloud gave no token: ERROR: (gcloud) broken",
        ),
        (
            CommandResult(exit_code=1, stderr="ERROR: Reauthentication failed"),
            ErrorKind.UNAUTHORIZED,
            "expired or was revoked",
        ),
    ],
)
async def test_gcloud_may_fail(
    home: Path, google: Google, result: CommandResult, kind: ErrorKind, words: str
) -> None:
    put(home, payload("vertexai", OTHERS[0]))
    error = (await failure(home, commands=gcloud(result))).error
    assert error.kind is kind
    assert words in error.message


@pytest.mark.skipif(sys.platform == "win32", reason="runs a shell script")
async def test_gcloud_is_found_in_its_usual_places(home: Path, google: Google) -> None:
    put(home, payload("vertexai", OTHERS[0]))
    script = f'#!/bin/sh\ntest "$*" = "{GCLOUD}" && echo ya29.real-script\n'
    put(home, script, "google-cloud-sdk/bin/gcloud").chmod(0o755)
    env = {"PATH": str(home / "empty"), "HOME": str(home)}
    commands = Programs(PROVIDER.programs, None, env, home / "work", (), "linux")
    await ask(home, commands=commands)
    assert google.asked()[0].headers["authorization"] == "Bearer ya29.real-script"


# -- which file ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("os_name", "env", "name"),
    [
        ("linux", {}, FILE),
        ("macos", {}, FILE),
        ("linux", {"CLOUDSDK_CONFIG": "{home}/sdk"}, f"sdk/{Path(FILE).name}"),
        ("windows", {"CLOUDSDK_CONFIG": "{home}/sdk"}, f"sdk/{Path(FILE).name}"),
        ("windows", {"APPDATA": "{home}/roaming"}, f"roaming/gcloud/{Path(FILE).name}"),
        ("linux", {"GOOGLE_APPLICATION_CREDENTIALS": "{home}/any.txt"}, "any.txt"),
    ],
)
async def test_the_file_of_every_system(
    home: Path, google: Google, os_name: Any, env: dict[str, str], name: str
) -> None:
    env = {key: value.format(home=home) for key, value in env.items()}
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(await make_context(PROVIDER, home, env=env, os_name=os_name)) == ""
    put(home, user(), name)
    ctx = await make_context(PROVIDER, home, env=env, os_name=os_name, settings=PROJECT)
    assert await PROVIDER.detect(ctx)
    assert (await fetch(PROVIDER, ctx)).window("quota")


async def test_a_named_file_that_is_missing_is_not_replaced(home: Path, google: Google) -> None:
    put(home, user())
    env = {"GOOGLE_APPLICATION_CREDENTIALS": str(home / "gone.json")}
    error = (await failure(home, env=env)).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert error.message == "GOOGLE_APPLICATION_CREDENTIALS names a file that does not exist."


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (None, ErrorKind.MISSING_CREDENTIALS, "No Google credentials. Run `gcloud auth applic"),
        ("bad_credentials_text.txt", ErrorKind.PARSE, "is not valid JSON"),
        ("bad_list.json", ErrorKind.PARSE, "is not valid JSON"),
        (
            "bad_credentials_no_token.json",
            ErrorKind.MISSING_CREDENTIALS,
            "The credentials file has no refresh token. Run the login again",
        ),
        (
            "bad_credentials_no_client.json",
            ErrorKind.MISSING_CREDENTIALS,
            "The credentials file has no client. Run the login again",
        ),
    ],
)
async def test_files_of_no_use(
    home: Path, google: Google, content: str | None, kind: ErrorKind, words: str
) -> None:
    if content is not None:
        put(home, payload("vertexai", content))
    error = (await failure(home)).error
    assert error.kind is kind
    assert words in f"{error.message} {error.hint}"
    assert google.router.calls.call_count == 0


def test_a_credentials_file_alone_does_not_switch_it_on() -> None:
    assert not PROVIDER.enable_on_detect
    assert PROVIDER.detect is not None
    assert PROVIDER.costs == "vertex"


# -- which project ---------------------------------------------------------------------------------

CONFIG = ".config/gcloud/configurations/config_"


async def project_of(home: Path, google: Google, **options: Any) -> str:
    options.setdefault("settings", {})
    shown = await ask(home, **options)
    return shown.identity.organization


async def test_the_order_in_which_projects_are_found(home: Path, google: Google) -> None:
    put(home, user())
    env = {"ANTHROPIC_VERTEX_PROJECT_ID": "hint"}
    assert await project_of(home, google, env=env) == "acme-billing"
    put(home, payload("vertexai", "configuration.ini"), f"{CONFIG}default")
    for name in (None, "CLOUDSDK_CORE_PROJECT", "GCLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT"):
        if name is not None:
            env[name] = f" {name.lower()} "
        expected = name.lower() if name else "from-config"
        assert await project_of(home, google, env=env) == expected
    assert await project_of(home, google, env=env, settings=PROJECT) == "acme-ml"


async def test_the_last_hint_is_the_project_of_coding_agents(home: Path, google: Google) -> None:
    put(home, user(quota_project_id=""))
    env = {"ANTHROPIC_VERTEX_PROJECT_ID": "hint"}
    assert await project_of(home, google, env=env) == "hint"


async def test_a_service_account_belongs_to_its_own_project(
    home: Path, google: Google, private_key: rsa.RSAPrivateKey
) -> None:
    put(home, service_account(private_key))
    env = {"GOOGLE_CLOUD_PROJECT": "from-env"}
    assert await project_of(home, google, env=env) == "acme-ml"
    put(home, service_account(private_key, project_id=""))
    assert await project_of(home, google, env=env) == "from-env"


@pytest.mark.parametrize(
    ("env", "active", "expected"),
    [
        ({}, None, "default-project"),
        ({}, "work\n", "work-project"),
        ({"CLOUDSDK_ACTIVE_CONFIG_NAME": "home"}, "work", "home-project"),
        ({}, "../../elsewhere", "default-project"),
    ],
)
async def test_the_active_configuration_counts(
    home: Path, google: Google, env: dict[str, str], active: str | None, expected: str
) -> None:
    put(home, user())
    for name in ("default", "work", "home"):
        put(home, f"[core]\nproject = {name}-project\n", f"{CONFIG}{name}")
    if active is not None:
        put(home, active, ".config/gcloud/active_config")
    assert await project_of(home, google, env=env) == expected


@pytest.mark.parametrize(
    ("name", "project", "account"),
    [
        ("configuration.ini", "from-config", "config@example.org"),
        ("configuration_without_section.ini", "bare-project = odd", "bare@example.org"),
    ],
)
def test_only_the_exact_key_of_the_core_section_counts(
    name: str, project: str, account: str
) -> None:
    found = parse_configuration(payload("vertexai", name).decode())
    assert (found["project"], found["account"]) == (project, account)


async def test_without_a_project_it_says_how_to_choose_one(home: Path, google: Google) -> None:
    put(home, user(quota_project_id=""))
    error = (await failure(home, settings={})).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert f"{error.message} {error.hint}" == (
        "No Google Cloud project. Run `gcloud config set project PROJECT_ID`."
    )
    assert google.router.calls.call_count == 0


async def test_a_named_account_is_another_project_with_the_same_login(
    home: Path, google: Google
) -> None:
    put(home, user())
    env = {"GOOGLE_CLOUD_PROJECT": "from-env"}
    ctx = await make_context(PROVIDER, home, settings=PROJECT, env=env, account="work")
    assert (await fetch(PROVIDER, ctx)).identity.organization == "acme-ml"


# -- real sockets ----------------------------------------------------------------------------------


async def over_the_wire(ctx: FetchContext) -> ProviderSnapshot:
    gateway = HttpGateway()
    try:
        return await fetch(PROVIDER, replace(ctx, http=gateway.for_hosts(PROVIDER.hosts)))
    finally:
        await gateway.aclose()


async def test_everything_over_real_sockets_with_a_token_service_of_its_own(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    private_key: rsa.RSAPrivateKey,
) -> None:
    hosts = ("monitoring.googleapis.com", "tokens.example.org")
    put(home, service_account(private_key, token_uri="https://tokens.example.org/token"))

    def exchange(request: Request) -> Response:
        form = parse_qs(request.body.decode())
        check_assertion(form["assertion"][0], private_key, "https://tokens.example.org/token")
        return Response.json({"access_token": "ya29.over-the-wire", "expires_in": 3599})

    def answer(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer ya29.over-the-wire"
        asked = parse_qs(request.path.partition("?")[2])["filter"][0]
        name = "usage" if USAGE.metric_type in asked else "limits"
        return Response(payload("vertexai", f"{name}.json"))

    with loopback_world(tmp_path / "world", hosts) as world:
        world.upstream.on("POST", "https://tokens.example.org/token", exchange)
        world.upstream.on("GET", SERIES_URL, answer)
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)
        shown = await over_the_wire(await make_context(PROVIDER, home))
        assert shown.window("quota").used_percent == 70.0
        assert len(world.upstream.asked("tokens.example.org")) == 1
        assert "ya29" not in repr(shown)


async def test_a_cancelled_refresh_leaves_no_request_behind(home: Path, google: Google) -> None:
    put(home, user())
    waiting = asyncio.Event()

    async def never(request: httpx.Request) -> httpx.Response:
        waiting.set()
        await asyncio.sleep(60)
        return httpx.Response(200)

    google.series.mock(side_effect=never)
    ctx = await make_context(PROVIDER, home, settings=PROJECT)
    before = asyncio.all_tasks()
    task = asyncio.create_task(_chain.run(PROVIDER, ctx))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before
