"""Which cookie goes where."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from tui.auth.cookie import Cookie
from tui.auth.cookies import Jar
from tui.core.redact import Secret

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def cookie(
    name: str = "a", value: str = "1", domain: str = "example.com", **more: object
) -> Cookie:
    return Cookie(name=name, value=value, domain=domain, **more)  # type: ignore[arg-type]


def jar(*cookies: Cookie, hosts: tuple[str, ...] = ()) -> Jar:
    return Jar(cookies, "Chromium: Default", hosts=hosts, now=lambda: NOW)


def sent(found: Jar, url: str) -> str | None:
    header = found.header(url)
    return header.reveal() if header else None


@pytest.mark.parametrize(
    ("stored", "url", "goes"),
    [
        pytest.param(cookie(), "https://example.com/", True, id="own host"),
        pytest.param(cookie(), "https://EXAMPLE.com./", True, id="case and final dot"),
        pytest.param(cookie(), "https://app.example.com/", True, id="domain cookie below"),
        pytest.param(cookie(), "https://notexample.com/", False, id="longer name"),
        pytest.param(cookie(domain="app.example.com"), "https://example.com/", False, id="above"),
        pytest.param(
            cookie(host_only=True), "https://app.example.com/", False, id="host-only not below"
        ),
        pytest.param(cookie(host_only=True), "https://example.com/", True, id="host-only itself"),
        pytest.param(cookie(domain="0.0.1"), "https://127.0.0.1/", False, id="no part of an IP"),
        pytest.param(cookie(path="/api"), "https://example.com/api", True, id="path itself"),
        pytest.param(cookie(path="/api"), "https://example.com/api/x?y", True, id="below path"),
        pytest.param(cookie(path="/api"), "https://example.com/apis", False, id="longer segment"),
        pytest.param(cookie(path="/api/"), "https://example.com/api/x", True, id="path with slash"),
        pytest.param(cookie(path="/api/"), "https://example.com/api", False, id="slash missing"),
        pytest.param(cookie(secure=True), "http://example.com/", False, id="secure over http"),
        pytest.param(cookie(secure=True), "https://example.com/", True, id="secure over https"),
        pytest.param(cookie(expires_at=NOW), "https://example.com/", False, id="over now"),
        pytest.param(cookie(expires_at=NOW + HOUR), "https://example.com/", True, id="still good"),
        pytest.param(cookie(name=""), "https://example.com/", False, id="nameless"),
        pytest.param(cookie(value="1\r\nX: y"), "https://example.com/", False, id="breaks out"),
        pytest.param(cookie(value="1; b=2"), "https://example.com/", False, id="holds another"),
    ],
)
def test_a_cookie_goes_where_a_browser_sends_it(stored: Cookie, url: str, goes: bool) -> None:
    assert (sent(jar(stored), url) is not None) == goes


def test_of_equal_names_the_longer_path_then_the_later_expiry_is_sent() -> None:
    found = jar(
        cookie(value="root", expires_at=NOW + 9 * HOUR),
        cookie(value="api", path="/api", expires_at=NOW + HOUR),
        cookie(value="host", domain="app.example.com", host_only=True, expires_at=NOW + 8 * HOUR),
    )
    assert sent(found, "https://app.example.com/api") == "a=api"
    assert sent(found, "https://app.example.com/") == "a=root"


def test_of_two_stores_the_record_with_the_later_expiry_counts() -> None:
    found = jar(cookie(value="old"), cookie(value="new", expires_at=NOW + HOUR), cookie(value="x"))
    assert sent(found, "https://example.com/") == "a=new"


def test_longer_paths_come_first_and_names_can_be_chosen() -> None:
    found = jar(cookie("a"), cookie("b", path="/x"), cookie("c"))
    assert sent(found, "https://example.com/x") == "b=1; a=1; c=1"
    assert found.header("https://example.com/x", only={"a", "c"}) == Secret("a=1; c=1")
    assert found.header("https://example.com/x", without={"a"}) == Secret("b=1; c=1")
    assert found.header("https://example.com/x", only=()) is None


def test_names_values_and_expiry_leave_out_what_is_over() -> None:
    found = jar(
        cookie("gone", expires_at=NOW - HOUR),
        cookie("short", expires_at=NOW + HOUR),
        cookie("long", value="v", domain="app.example.com", expires_at=NOW + 5 * HOUR),
        cookie("session"),
    )
    assert found.names == {"short", "long", "session"}
    assert found.domains == {"example.com", "app.example.com"}
    assert found.value("gone") is None
    assert found.value("long") == Secret("v")
    assert found.expires_at() == NOW + HOUR
    assert found.expires_at({"long"}) == NOW + 5 * HOUR
    assert found.expires_at({"session"}) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("b=2", "a=1; b=2", id="added"),
        pytest.param("a=new; Domain=example.com; Path=/", "a=new", id="replaced"),
        pytest.param("a=; Domain=.example.com; Path=/; Max-Age=0", None, id="removed by age"),
        pytest.param(
            "a=; Domain=example.com; Path=/; Expires=Thu, 01-Jan-1970 00:00:00 GMT",
            None,
            id="removed by date",
        ),
        pytest.param("b=2; Domain=other.com", "a=1", id="foreign domain"),
        pytest.param("b=2; Domain=com", "a=1", id="top level"),
        pytest.param("b=2; Path=/elsewhere", "a=1", id="other path"),
        pytest.param(
            "b=2; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=1; b=2", id="age"
        ),
        pytest.param("__Host-x=1; Secure; Path=/", "a=1; __Host-x=1", id="host prefix"),
        pytest.param(
            "__Host-x=1; Secure; Path=/; Domain=example.com", "a=1", id="host with domain"
        ),
        pytest.param("__Secure-x=1", "a=1", id="secure prefix without secure"),
        pytest.param("nonsense", "a=1", id="no pair"),
    ],
)
def test_an_answer_updates_the_jar(line: str, expected: str | None) -> None:
    updated = jar(cookie()).updated("https://app.example.com/", [line])
    assert sent(updated, "https://app.example.com/") == expected


def test_the_default_path_is_the_folder_of_the_address() -> None:
    updated = jar().updated("https://example.com/a/b/c", ["x=1"])
    assert sent(updated, "https://example.com/a/b/d") == "x=1"
    assert sent(updated, "https://example.com/a") is None


def test_an_answer_replaces_a_pasted_cookie() -> None:
    pasted = jar(cookie(domain=""), hosts=("example.com",))
    updated = pasted.updated("https://example.com/", ["a=2; Max-Age=100"])
    assert sent(updated, "https://example.com/") == "a=2"
    assert updated.expires_at() == NOW + timedelta(seconds=100)


def test_a_jar_survives_the_session_store() -> None:
    before = Jar(
        [
            cookie(value="ü", host_only=True, secure=True, path="/x"),
            cookie("b", expires_at=datetime.now(UTC) + HOUR),
        ],
        "Firefox: default",
        hosts=("example.com",),
    )
    after = Jar.load(before.dump(), "Firefox: default")
    for url in ("https://example.com/x", "https://example.com/", "https://app.example.com/x"):
        assert after.header(url) == before.header(url)
    assert after.expires_at() == before.expires_at()
    assert after.label == "Firefox: default"
    assert after.dump() == before.dump()


def test_the_property_lists_of_codexbar_are_read() -> None:
    listed = [
        {
            "Name": "session",
            "Value": "v",
            "Domain": "app.factory.ai",
            "Path": "/",
            "Secure": "TRUE",
            "Expires": time.time() + 500,
            "Expires_isDate": True,
        },
        {"Name": "wide", "Value": "w", "Domain": ".factory.ai"},
        {"Name": "old", "Value": "o", "Domain": ".factory.ai", "Expires": 1000.0},
        {"Name": "broken"},
        "nonsense",
    ]
    for text in (json.dumps(listed), json.dumps({"cookies": listed, "bearerToken": "t"})):
        found = Jar.load(Secret(text), "imported")
        assert found.names == {"session", "wide"}
        assert sent(found, "https://app.factory.ai/") == "session=v; wide=w"
        assert sent(found, "http://app.factory.ai/") == "wide=w"
        assert sent(found, "https://auth.factory.ai/") == "wide=w"


@pytest.mark.parametrize("text", ["", "{", "null", "[1]", '{"cookies": 3}', '"x"', "[" * 100_000])
def test_a_damaged_text_gives_an_empty_jar(text: str) -> None:
    assert Jar.load(Secret(text), "x").names == frozenset()


def test_short_values_do_not_turn_words_into_dots() -> None:
    from tui.core.redact import Redactor

    header = jar(cookie("theme", "ordinary"), cookie("s", "a-very-long-session-value-123"))
    assert header.header("https://example.com/") is not None
    shown = Redactor()("ordinary words and a-very-long-session-value-123")
    assert shown == "ordinary words and <redacted>"


def test_no_value_shows_in_a_repr() -> None:
    found = jar(cookie(value="hunter2hunter2"))
    assert "hunter2" not in repr(found) + repr(cookie(value="hunter2hunter2"))
