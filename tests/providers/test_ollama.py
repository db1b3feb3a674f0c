"""Ollama: two blocks on a page, sessions from many places, and a key that only proves itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.support import (
    NOON,
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
from tui.auth.paste import read_paste
from tui.core.errors import ErrorKind, FetchError, MissingCredentials, ParseError, Unsupported
from tui.core.models import WEEK_MINUTES, ProviderKey, ProviderSnapshot
from tui.core.redact import Secret
from tui.demo.scenes import ollama as scene
from tui.demo.stage import Moment
from tui.demo.transport import PlayedUpstream
from tui.gateways.http import HttpGateway
from tui.providers._cookies import SLOT
from tui.providers._parse import ensure_ok, json_object
from tui.providers.ollama import PROVIDER
from tui.providers.ollama.page import parse_page
from tui.providers.ollama.session import has_session, header_in, leads_to_sign_in, may_get_cookie
from tui.providers.ollama.sources import KEY_NOTICE, key_snapshot, parse_models

KEY = ProviderKey("ollama")
SETTINGS = "https://ollama.com/settings"
SEARCH = "https://ollama.com/api/web_search"
TAGS = "https://ollama.com/api/tags"
SIGN_IN = "https://ollama.com/signin"
GOOD = {"OLLAMA_API_KEY": "0123456789abcdef.ollama"}
WEB = {"source": "web"}


def page(body: bytes) -> ProviderSnapshot:
    return parse_page(body.decode("utf-8", errors="replace"), key=KEY, now=NOON)


def models(body: bytes) -> ProviderSnapshot:
    return key_snapshot(parse_models(json_object(reply(body), "Ollama")), key=KEY, now=NOON)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "*.html": page,
    "refused_key.json": lambda body: ensure_ok(reply(body, 401), "Ollama", now=NOON),
    "*.json": models,
}


def parsed(name: str) -> ProviderSnapshot:
    return page(payload("ollama", name))


def html(name: str) -> httpx.Response:
    return httpx.Response(200, html=payload("ollama", name).decode())


def jar(label: str, value: str = "value-of-the-session", **rest: Any) -> Jar:
    name = rest.pop("name", "__Secure-session")
    domain = rest.pop("domain", "ollama.com")
    session = Cookie(name=name, value=value, domain=domain, secure=True, **rest)
    other = Cookie(name="theme", value="dark", domain="ollama.com")
    return Jar([session, other], label, now=lambda: NOON)


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as mocked:
        yield mocked


class Service:
    """The page and the key calls, good unless a test says otherwise."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        self.settings = router.get(SETTINGS)
        self.search = router.post(SEARCH)
        self.tags = router.get(TAGS)
        self.settings.mock(return_value=html("newer_page.html"))
        self.search.respond(400, content=payload("ollama", "web_search_empty_query.json"))
        self.tags.respond(content=payload("ollama", "tags.json"))

    @property
    def cookies(self) -> list[str | None]:
        """What went to the settings page, in order."""
        return [call.request.headers.get("cookie") for call in self.settings.calls]


@pytest.fixture
def service(router: respx.MockRouter) -> Service:
    return Service(router)


async def fetched(home: Path, **options: Any) -> ProviderSnapshot:
    return await fetch(PROVIDER, await make_context(PROVIDER, home, **options))


async def failed(home: Path, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetched(home, **options)
    return caught.value


# -- the page --------------------------------------------------------------------------------------


def test_the_newer_page() -> None:
    snapshot = parsed("newer_page.html")
    session, weekly = snapshot.windows
    assert (session.id, session.label, session.used_percent) == ("session", "Session", 17.5)
    assert session.window_minutes == 300
    assert session.resets_at == datetime(2026, 9, 10, 15, 0, 0, 123456, tzinfo=UTC)
    assert (weekly.id, weekly.used_percent) == ("weekly", 40.0)
    assert weekly.window_minutes == WEEK_MINUTES
    assert weekly.resets_at == datetime(2026, 9, 14, tzinfo=UTC)
    assert (snapshot.identity.plan, snapshot.identity.account) == ("Pro", "mira@example.com")
    assert snapshot.balances == ()


def test_the_older_page() -> None:
    snapshot = parsed("older_page.html")
    assert [window.used_percent for window in snapshot.windows] == [3.4, 11.0]
    assert snapshot.window("session").window_minutes == 300
    assert snapshot.identity.plan == "Free"


def test_an_hourly_session_has_no_known_length() -> None:
    session = parsed("hourly_usage.html").window("session")
    assert (session.label, session.used_percent, session.window_minutes) == ("Session", 0.1, None)


@pytest.mark.parametrize(
    ("written", "percent"),
    [
        (".5% used", 0.5),
        ("-1% used", 0.0),
        ("101 % USED", 100.0),
        ("1,000% used", 17.5),
        ("1e3% used", 17.5),
        ("1.2.3% used", 17.5),
        ("NaN% used", 17.5),
    ],
)
def test_a_percent_that_is_no_number_gives_way_to_the_bar(written: str, percent: float) -> None:
    page = (
        f"<div><span>Session usage</span><span>{written}</span>"
        '<div data-usage-track><div style="width: 17.5%"></div></div></div>'
    )
    (session,) = parse_page(page, key=KEY, now=NOON).windows
    assert session.used_percent == percent


def test_many_models_do_not_hide_the_reset() -> None:
    snapshot = parsed("many_models.html")
    assert [window.resets_at for window in snapshot.windows] == [
        datetime(2026, 9, 10, 15, tzinfo=UTC),
        datetime(2026, 9, 14, tzinfo=UTC),
    ]
    assert [window.used_percent for window in snapshot.windows] == [24.0, 61.0]
    assert snapshot.identity.plan == "Max"


def test_an_exhausted_week_speaks_in_the_session() -> None:
    session, weekly = parsed("week_exhausted.html").windows
    assert session.used_percent == 12.5
    assert session.resets_text == "Weekly limit reached"
    assert session.resets_at == weekly.resets_at == datetime(2026, 9, 14, tzinfo=UTC)
    assert (weekly.used_percent, weekly.resets_text) == (100.0, "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("unused.html", {"session": 0.0, "weekly": 0.0}, id="empty bars"),
        pytest.param("bars_only.html", {"session": 17.5, "weekly": 40.0}, id="inner bar"),
        pytest.param("spoken_only.html", {"session": 5.0, "weekly": 80.0}, id="aria-label"),
        pytest.param("weekly_only.html", {"weekly": 100.0}, id="one block, above 100"),
        pytest.param("no_session_reset.html", {"session": 0.0, "weekly": 40.0}, id="below 0"),
    ],
)
def test_where_the_percent_is_found(name: str, expected: dict[str, float]) -> None:
    found = {window.id: window.used_percent for window in parsed(name).windows}
    assert found == expected


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("no_session_reset.html", "session"),
        ("spoken_only.html", "session"),
        ("weekly_only.html", "weekly"),
        ("markup_in_names.html", "session"),
    ],
)
def test_no_reset_is_borrowed_from_elsewhere(name: str, window: str) -> None:
    assert parsed(name).window(window).resets_at is None


def test_models_share_what_is_used() -> None:
    rows = [(row.group, row.label, row.value) for row in parsed("newer_page.html").details]
    assert rows == [
        ("Session by model", "glm-5.1", "14% · 42 requests"),
        ("Session by model", "web search", "3.5% · 3 requests"),
        ("Weekly by model", "glm-5.1", "40% · 812 requests"),
    ]


def test_markup_in_foreign_names_stays_a_text() -> None:
    snapshot = parsed("markup_in_names.html")
    assert snapshot.identity.account == "mira+[b]@example.com"
    assert "[/x]" in snapshot.details[0].label


@pytest.mark.parametrize("heading", ["Cloud Usage", "Cloud usage", "CLOUD USAGE"])
@pytest.mark.parametrize(
    ("badge", "plan"), [("max", "Max"), ("Pro+", "Pro+"), ("Upgrade to get more usage now", "")]
)
def test_the_plan_follows_its_heading(heading: str, badge: str, plan: str) -> None:
    text = payload("ollama", "older_page.html").decode()
    text = text.replace("Cloud Usage", heading).replace(">free<", f">{badge}<")
    assert page(text.encode()).identity.plan == plan


def test_an_address_without_an_at_sign_is_none() -> None:
    text = payload("ollama", "older_page.html").replace(b"mira@example.com", b"Mira")
    assert page(text).identity.account == ""


@pytest.mark.parametrize("name", ["route", "fields", "heading"])
def test_a_page_to_sign_in_is_recognised(name: str) -> None:
    with pytest.raises(FetchError, match="Not signed in to Ollama") as caught:
        parsed(f"refused_signed_out_{name}.html")
    assert caught.value.kind is ErrorKind.UNAUTHORIZED
    assert SIGN_IN in caught.value.hint


@pytest.mark.parametrize(
    "name", ["bad_words_only.html", "bad_other_form.html", "bad_no_usage.html", "bad_empty.html"]
)
def test_other_pages_have_no_usage(name: str) -> None:
    with pytest.raises(ParseError, match="layout may have changed"):
        parsed(name)


# -- sessions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "__Secure-session",
        "wos-session",
        "wos-session.1",
        "session",
        "ollama_session",
        "__Host-ollama_session",
        "__Secure-next-auth.session-token",
        "next-auth.session-token",
        "__Secure-next-auth.session-token.0",
        "next-auth.session-token.12",
    ],
)
def test_names_that_make_a_session(name: str) -> None:
    assert has_session(Secret(f"a=1; {name}=x"))


@pytest.mark.parametrize(
    "name",
    [
        "analytics_session_id",
        "tracking_session",
        "Session",
        "session.0",
        "next-auth.session-token.x",
        "next-authXsession-token",
        "wos-session-x",
    ],
)
def test_names_that_do_not(name: str) -> None:
    assert not has_session(Secret(f"a=1; {name}=x"))
    assert not has_session(Secret("session=; a=1"))


@pytest.mark.parametrize(
    ("text", "header"),
    [
        pytest.param("Cookie: a=1; session=x", "a=1; session=x", id="line"),
        pytest.param("GET /\nCookie: session=x\nHost: y", "session=x", id="several lines"),
        pytest.param("curl 'https://ollama.com' -b 'session=x; a=1'", "session=x; a=1", id="cURL"),
        pytest.param("curl x \\\n -H 'Cookie: session=x'", "session=x", id="cURL on two lines"),
        pytest.param("curl x -H Cookie:session=x", "session=x", id="cURL without quotes"),
        pytest.param("  'a=1; session=x=='  \n", "a=1; session=x==", id="quotes and blanks"),
        pytest.param(
            "__Secure-session=a|cookie: b=c; d=e",
            "__Secure-session=a|cookie: b=c; d=e",
            id="a value that looks like a header",
        ),
        pytest.param("Fe26.2**abc==", "__Secure-session=Fe26.2**abc==", id="bare value"),
        pytest.param("unknown=x", "__Secure-session=unknown=x", id="bare value with equals"),
        pytest.param("a=1; __secure-SESSION=x", "a=1; __Secure-session=x", id="wrong case"),
        pytest.param("a=1; b=2", "a=1; b=2", id="several unknown cookies"),
        pytest.param("session=x\r\nX-Evil: 1", None, id="line break"),
        pytest.param("abc\ndef", None, id="broken value"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_what_a_pasted_text_holds(text: str, header: str | None) -> None:
    found = header_in(read_paste(Secret(text), PROVIDER.hosts))
    assert found == (Secret(header) if header is not None else None)


async def test_the_pasted_session_is_used_alone(home: Path, service: Service) -> None:
    browsers = FakeBrowsers(jars=[jar("Chrome: Default")])
    snapshot = await fetched(
        home, secrets={"cookie_header": "a=1; session=pasted"}, browsers=browsers, env=GOOD
    )
    assert service.cookies == ["a=1; session=pasted"]
    assert (snapshot.source_id, snapshot.origin) == ("web", "pasted")
    assert browsers.opened == []
    assert not service.search.called


@pytest.mark.parametrize("text", ["a=1; b=2", "abc\ndef", "Cookie: tracking_session=1"])
@pytest.mark.parametrize("mode", ["web", "auto"])
async def test_a_paste_without_a_session_asks_nobody(
    home: Path, service: Service, text: str, mode: str
) -> None:
    settings = {"source": mode, "cookie_header": text}
    error = (await failed(home, settings=settings)).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert "the pasted text has no Ollama session cookie" in error.message
    assert SIGN_IN in error.hint
    assert not service.router.calls


async def test_nothing_pasted_in_manual_mode_is_no_session(home: Path, service: Service) -> None:
    browsers = FakeBrowsers(jars=[jar("Chrome: Default")])
    settings = {**WEB, "cookie_source": "manual"}
    error = (await failed(home, settings=settings, browsers=browsers)).error
    assert error.message == "No Ollama session found."
    assert browsers.opened == []


# -- the request -----------------------------------------------------------------------------------


async def test_the_page_is_asked_like_a_browser_does(home: Path, service: Service) -> None:
    browsers = FakeBrowsers(jars=[jar("Chrome: Default")])
    snapshot = await fetched(home, settings=WEB, browsers=browsers)
    headers = service.settings.calls.last.request.headers
    assert headers["cookie"] == "__Secure-session=value-of-the-session; theme=dark"
    assert headers["accept"].startswith("text/html,")
    assert headers["accept-language"] == "en-US,en;q=0.9"
    assert "Chrome/" in headers["user-agent"]
    assert (headers["origin"], headers["referer"]) == ("https://ollama.com", SETTINGS)
    assert snapshot.origin == "Chrome: Default"


def test_chrome_comes_first() -> None:
    assert PROVIDER.cookies is not None
    assert PROVIDER.cookies.browsers == ("chrome", "*")


@pytest.mark.parametrize(
    "location",
    [
        "/signin",
        "/signin/?next=%2Fsettings",
        "https://www.ollama.com/signin",
        "https://signin.ollama.com/?client_id=1",
        "https://api.workos.com/user_management/authorize?client_id=1",
    ],
)
async def test_a_step_of_signing_in_ends_the_request(
    home: Path, service: Service, location: str
) -> None:
    service.settings.respond(303, headers={"Location": location})
    browsers = FakeBrowsers(jars=[jar("Chrome: Default")])
    error = (await failed(home, settings=WEB, browsers=browsers)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert error.message == "The Ollama session has expired."
    assert SIGN_IN in error.hint
    assert len(service.router.calls) == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://ollama.com/settings",
        "http://ollama.com/signin",
        "https://ollama.com.evil.example/settings",
        "https://evil.example/signin",
        "https://workos.com.evil.example/user_management/authorize",
        "https://[broken/",
        "",
    ],
)
async def test_the_session_goes_nowhere_else(home: Path, service: Service, location: str) -> None:
    service.settings.respond(302, headers={"Location": location})
    error = (await failed(home, secrets={"cookie_header": "session=x"}, settings=WEB)).error
    assert error.kind is ErrorKind.SERVER
    assert len(service.router.calls) == 1


async def test_redirects_within_the_site_are_followed(home: Path, service: Service) -> None:
    service.settings.respond(302, headers={"Location": "https://www.ollama.com/settings/usage"})
    moved = service.router.get("https://www.ollama.com/settings/usage")
    moved.mock(return_value=html("newer_page.html"))
    await fetched(home, secrets={"cookie_header": "session=x"}, settings=WEB)
    assert moved.calls.last.request.headers["cookie"] == "session=x"
    own = FakeBrowsers(jars=[jar("Chrome: Default", host_only=True)])
    await fetched(home, settings=WEB, browsers=own)
    assert "__Secure-session" not in moved.calls.last.request.headers["cookie"]


async def test_a_circle_of_redirects_ends(home: Path, service: Service) -> None:
    service.settings.respond(302, headers={"Location": "/settings"})
    error = (await failed(home, secrets={"cookie_header": "session=x"}, settings=WEB)).error
    assert error.kind is ErrorKind.SERVER
    assert len(service.router.calls) == 5


def test_where_the_session_may_go() -> None:
    assert may_get_cookie("https://signin.ollama.com/x")
    assert not may_get_cookie("https://ollama.com.evil.com/")
    assert not may_get_cookie("http://ollama.com/")
    assert not leads_to_sign_in("https://ollama.com/signin-help")
    assert not leads_to_sign_in("https://api.workos.com/other")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(401), ErrorKind.UNAUTHORIZED, "has expired"),
        (httpx.Response(403), ErrorKind.UNAUTHORIZED, "has expired"),
        (httpx.Response(503), ErrorKind.SERVER, "Ollama request failed (HTTP 503)."),
        (httpx.Response(204), ErrorKind.SERVER, "Ollama request failed (HTTP 204)."),
        (httpx.Response(200), ErrorKind.PARSE, "layout may have changed"),
        (httpx.ConnectError("down"), ErrorKind.NETWORK, "Could not reach ollama.com."),
        (httpx.ReadTimeout("slow"), ErrorKind.NETWORK, "Could not reach ollama.com."),
    ],
)
async def test_what_can_go_wrong(
    home: Path, service: Service, answer: Any, kind: ErrorKind, words: str
) -> None:
    service.settings.mock(side_effect=[answer])
    error = (await failed(home, secrets={"cookie_header": "session=x"}, settings=WEB)).error
    assert error.kind is kind
    assert words in error.message


async def test_a_rate_limit_says_how_long(home: Path, service: Service) -> None:
    service.settings.respond(429, headers={"Retry-After": "90"})
    error = (await failed(home, secrets={"cookie_header": "session=x"}, settings=WEB)).error
    assert (error.kind, error.retry_after_s) == (ErrorKind.RATE_LIMITED, 90)


# -- browsers and what is remembered ---------------------------------------------------------------


async def test_profiles_without_a_session_are_passed_over(home: Path, service: Service) -> None:
    browsers = FakeBrowsers(
        jars=[
            jar("Chrome: Default", name="tracking_session"),
            jar("Chrome: Sub", domain="blog.ollama.com"),
            jar("Firefox: default", name="wos-session", domain="ollama.com"),
            jar("Zen: never"),
        ]
    )
    snapshot = await fetched(home, settings=WEB, browsers=browsers)
    assert snapshot.origin == "Firefox: default"
    assert "Zen: never" not in browsers.opened
    assert len(service.cookies) == 1


@pytest.mark.parametrize("first", ["refused_signed_out_route.html", "bad_no_usage.html"])
async def test_a_dead_profile_does_not_hide_a_good_one(
    home: Path, service: Service, first: str
) -> None:
    service.settings.mock(side_effect=[html(first), html("newer_page.html")])
    browsers = FakeBrowsers(jars=[jar("Chrome: Default"), jar("Chrome: Profile 1")])
    ctx = await make_context(PROVIDER, home, settings=WEB, browsers=browsers)
    assert (await fetch(PROVIDER, ctx)).origin == "Chrome: Profile 1"
    kept = await ctx.sessions.get_jar(SLOT)
    assert kept is not None
    assert kept.label == "Chrome: Profile 1"


async def test_another_failure_stops_the_search(home: Path, service: Service) -> None:
    service.settings.respond(500)
    browsers = FakeBrowsers(jars=[jar("Chrome: Default"), jar("Chrome: Profile 1")])
    await failed(home, settings=WEB, browsers=browsers)
    assert browsers.opened == ["Chrome: Default"]


class Remembering:
    """A run that begins with a remembered session."""

    def __init__(self, home: Path, service: Service, answers: list[Any]) -> None:
        self.home = home
        self.browsers = FakeBrowsers(jars=[jar("Chrome: Default", "fresh")])
        service.settings.mock(side_effect=answers)

    async def run(self) -> tuple[ProviderSnapshot | FetchFailed, str]:
        """The outcome, and what is remembered afterwards."""
        ctx = await make_context(
            PROVIDER, self.home, settings=WEB, browsers=self.browsers, user_initiated=False
        )
        old = jar("Brave: Default", "old")
        await ctx.sessions.put(SLOT, old.dump(), old.label)
        outcome: ProviderSnapshot | FetchFailed
        try:
            outcome = await fetch(PROVIDER, ctx)
        except FetchFailed as failure:
            outcome = failure
        kept = await ctx.sessions.get_jar(SLOT)
        return outcome, kept.label if kept else ""


async def test_a_remembered_session_opens_no_browser(home: Path, service: Service) -> None:
    case = Remembering(home, service, [html("newer_page.html")])
    outcome, kept = await case.run()
    assert isinstance(outcome, ProviderSnapshot)
    assert (outcome.origin, case.browsers.opened, kept) == ("Brave: Default", [], "Brave: Default")


async def test_a_refused_one_is_replaced_silently(home: Path, service: Service) -> None:
    case = Remembering(home, service, [httpx.Response(401), html("newer_page.html")])
    outcome, kept = await case.run()
    assert isinstance(outcome, ProviderSnapshot)
    assert (outcome.origin, kept) == ("Chrome: Default", "Chrome: Default")


@pytest.mark.parametrize("second", [httpx.Response(403), httpx.Response(500)])
async def test_when_the_browsers_do_not_help_the_first_refusal_counts(
    home: Path, service: Service, second: httpx.Response
) -> None:
    outcome, kept = await Remembering(home, service, [httpx.Response(401), second]).run()
    assert isinstance(outcome, FetchFailed)
    assert outcome.error.message == "The Ollama session has expired."
    assert kept == ""


async def test_a_page_without_usage_keeps_the_session(home: Path, service: Service) -> None:
    answers = [html("bad_no_usage.html"), httpx.Response(401)]
    outcome, kept = await Remembering(home, service, answers).run()
    assert isinstance(outcome, FetchFailed)
    assert outcome.error.kind is ErrorKind.PARSE
    assert kept == "Brave: Default"


async def test_trouble_of_the_server_keeps_the_session_and_stops(
    home: Path, service: Service
) -> None:
    case = Remembering(home, service, [httpx.Response(503)])
    outcome, kept = await case.run()
    assert isinstance(outcome, FetchFailed)
    assert (outcome.error.kind, kept) == (ErrorKind.SERVER, "Brave: Default")
    assert case.browsers.opened == []


@pytest.mark.parametrize(
    "trouble",
    [
        MissingCredentials("The key to the cookies of Chrome was not given free.", hint="Allow."),
        Unsupported("This terminal may not read the cookies of Safari.", hint="Full Disk Access."),
    ],
)
@pytest.mark.parametrize("mode", ["web", "auto"])
async def test_a_browser_that_says_what_to_do_is_heard(
    home: Path, service: Service, trouble: FetchError, mode: str
) -> None:
    case = Remembering(home, service, [httpx.Response(401)])
    case.browsers.error = trouble
    outcome, _ = await case.run()
    assert isinstance(outcome, FetchFailed)
    alone = (
        await failed(home, settings={"source": mode}, browsers=FakeBrowsers(error=trouble))
    ).error
    for error in (outcome.error, alone):
        assert error.kind is ErrorKind.UNSUPPORTED
        assert (error.message, error.hint) == (trouble.message, trouble.hint)


# -- the key ---------------------------------------------------------------------------------------


async def test_a_good_key_shows_no_window(home: Path, service: Service) -> None:
    snapshot = await fetched(home, settings={"source": "api"}, env=GOOD)
    request = service.search.calls.last.request
    assert json.loads(request.content) == {"query": ""}
    assert request.headers["content-type"] == "application/json"
    for route in (service.search, service.tags):
        headers = route.calls.last.request.headers
        assert headers["authorization"] == f"Bearer {GOOD['OLLAMA_API_KEY']}"
        assert headers["accept"] == "application/json"
        assert headers["user-agent"].startswith("quotadeck/")
    assert snapshot.windows == ()
    assert (snapshot.identity.plan, snapshot.notice) == ("API key", KEY_NOTICE)
    assert [(row.label, row.value) for row in snapshot.details] == [("Models", "3")]
    assert (snapshot.source_id, snapshot.origin) == ("api", "from OLLAMA_API_KEY")


async def test_the_order_of_keys(home: Path, service: Service) -> None:
    settings = {"source": "api"}
    both = {"OLLAMA_KEY": "'second-key'", **GOOD}
    await fetched(home, settings=settings, env=both, secrets={"api_key": "stored-key"})
    await fetched(home, settings=settings, env=both)
    await fetched(home, settings=settings, env={"OLLAMA_KEY": "'second-key'"})
    sent = [call.request.headers["authorization"] for call in service.search.calls]
    assert sent == ["Bearer stored-key", f"Bearer {GOOD['OLLAMA_API_KEY']}", "Bearer second-key"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ErrorKind.UNAUTHORIZED),
        (403, ErrorKind.UNAUTHORIZED),
        (404, ErrorKind.SERVER),
        (422, ErrorKind.SERVER),
        (429, ErrorKind.RATE_LIMITED),
        (503, ErrorKind.SERVER),
        (302, ErrorKind.SERVER),
    ],
)
async def test_what_does_not_prove_a_key(
    home: Path, service: Service, status: int, kind: ErrorKind
) -> None:
    service.search.respond(status, headers={"Location": "/signin"})
    error = (await failed(home, settings={"source": "api"}, env=GOOD)).error
    assert error.kind is kind
    assert not service.tags.called
    if kind is ErrorKind.UNAUTHORIZED:
        assert error.message == "The Ollama API key is invalid or revoked."
        assert "https://ollama.com/settings/keys" in error.hint


async def test_a_page_proves_nothing(home: Path, service: Service) -> None:
    service.search.mock(return_value=httpx.Response(200, html="<html>Welcome to the hotel</html>"))
    error = (await failed(home, settings={"source": "api"}, env=GOOD)).error
    assert error.kind is ErrorKind.PARSE


async def test_an_accepted_search_is_proof_too(home: Path, service: Service) -> None:
    service.search.respond(200, json={"results": []})
    assert (await fetched(home, settings={"source": "api"}, env=GOOD)).notice == KEY_NOTICE


@pytest.mark.parametrize(
    "answer", [httpx.Response(500), httpx.Response(200, json={}), httpx.ConnectError("down")]
)
async def test_the_list_of_models_may_fail(home: Path, service: Service, answer: Any) -> None:
    service.tags.mock(side_effect=[answer])
    assert (await fetched(home, settings={"source": "api"}, env=GOOD)).details == ()


async def test_unless_it_refuses_the_key(home: Path, service: Service) -> None:
    service.tags.respond(401)
    error = (await failed(home, settings={"source": "api"}, env=GOOD)).error
    assert error.kind is ErrorKind.UNAUTHORIZED


@pytest.mark.parametrize(
    ("base", "search"),
    [
        ("https://proxy.example/ollama/", "https://proxy.example/ollama/api/web_search"),
        ("proxy.example:8443", "https://proxy.example:8443/api/web_search"),
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/api/web_search"),
    ],
)
async def test_the_key_may_be_checked_elsewhere(
    home: Path, router: respx.MockRouter, base: str, search: str
) -> None:
    checked = router.post(search)
    checked.respond(400)
    tags = router.get(search.replace("web_search", "tags"))
    tags.respond(json={"models": []})
    await fetched(home, settings={"source": "api", "base_url": base}, env=GOOD)
    assert checked.called
    assert tags.called


@pytest.mark.parametrize("base", ["http://proxy.example", "https://a@proxy.example", "ftp://x"])
async def test_an_unsafe_base_stops_everything(home: Path, service: Service, base: str) -> None:
    with pytest.raises(FetchError, match="base_url") as caught:
        await fetched(home, settings={"base_url": base}, env=GOOD)
    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert not service.router.calls


# -- the order of sources --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(401), httpx.Response(503), httpx.ConnectError("down"), httpx.Response(200)],
)
async def test_after_any_failure_of_the_session_the_key_is_checked(
    home: Path, service: Service, answer: Any
) -> None:
    service.settings.mock(side_effect=[answer])
    snapshot = await fetched(home, secrets={"cookie_header": "session=x"}, env=GOOD)
    assert (snapshot.source_id, snapshot.notice) == ("api", KEY_NOTICE)


async def test_without_a_key_the_failure_of_the_session_is_told(
    home: Path, service: Service
) -> None:
    service.settings.respond(503)
    error = (await failed(home, secrets={"cookie_header": "session=x"})).error
    assert error.message == "Ollama request failed (HTTP 503)."


@pytest.mark.parametrize("mode", ["auto", "web"])
async def test_nothing_found_names_the_page_to_sign_in(
    home: Path, service: Service, mode: str
) -> None:
    error = (await failed(home, settings={"source": mode})).error
    assert (error.kind, error.message) == (
        ErrorKind.MISSING_CREDENTIALS,
        "No Ollama session found.",
    )
    assert SIGN_IN in error.hint
    assert not service.router.calls


@pytest.mark.parametrize("settings", [{"source": "api"}, {"cookie_source": "off"}])
async def test_where_only_a_key_counts_a_key_is_missing(
    home: Path, service: Service, settings: dict[str, str]
) -> None:
    browsers = FakeBrowsers(jars=[jar("Chrome: Default")])
    error = (await failed(home, settings=settings, browsers=browsers)).error
    assert error.message == "Ollama API key missing."
    assert "OLLAMA_API_KEY" in error.hint
    assert browsers.opened == []


async def test_without_cookies_auto_is_the_key_alone(home: Path, service: Service) -> None:
    browsers = FakeBrowsers(jars=[jar("Chrome: Default")])
    settings = {"cookie_source": "off"}
    snapshot = await fetched(home, settings=settings, env=GOOD, browsers=browsers)
    assert snapshot.source_id == "api"
    assert not service.settings.called


async def test_the_web_alone_never_sends_the_key(home: Path, service: Service) -> None:
    service.settings.respond(401)
    await failed(home, settings=WEB, env=GOOD, secrets={"cookie_header": "session=x"})
    assert not service.search.called


async def test_the_demo_plays_an_account(home: Path) -> None:
    clock = FakeClock()
    moment = Moment(clock.now(), clock.now())
    upstream = PlayedUpstream(scene.SCENE.routes, lambda: moment, delays=False)
    snapshot = await fetched(
        home, secrets=scene.SCENE.secrets, clock=clock, gateway=HttpGateway(upstream)
    )
    assert [window.id for window in snapshot.windows] == ["session", "weekly"]
    assert all(window.resets_at for window in snapshot.windows)
    assert snapshot.details
