"""What a real Firefox wrote, read while it ran and after it ended."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.auth.real_browsers import Firefox, Page, firefox, wait_for
from tests.auth.test_real_chromium import APP, AUTH, COOKIES, FACTORY, browsers, jars, storages
from tui.auth.cookies import Jar
from tui.auth.firefox import read_cookies
from tui.core.clock import SystemClock
from tui.core.redact import Secret
from tui.core.sessions import LocalStorage

pytestmark = pytest.mark.needs("firefox", "certutil")

STORE = """
localStorage.setItem('workos:refresh-token', 'first');
localStorage.setItem('workos:refresh-token', 'newest');
localStorage.setItem('gone', 'x');
localStorage.removeItem('gone');
localStorage.setItem('n\\u00e4me', 'w\\u20acrt');
localStorage.setItem('big', 'x'.repeat(5000));
"""
SHOWN = [
    Page("app.factory.ai", COOKIES, STORE),
    Page("auth.factory.ai", ["auth=1; Secure; Max-Age=9999"]),
]
ADD_CONTAINER_COOKIE = """
Services.cookies.add("app.factory.ai", "/", "host_only", "of the work account", true, true, false,
  Date.now() + 1e9, {userContextId: 6}, Ci.nsICookie.SAMESITE_NONE, Ci.nsICookie.SCHEME_HTTPS);
"""


@dataclass(frozen=True)
class Visited:
    """A home folder, and what was read in it while Firefox ran."""

    home: Path
    jar_while_running: Jar
    storage_while_running: LocalStorage


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Visited:
    home = tmp_path_factory.mktemp("home")
    with firefox(home, SHOWN) as running:
        running.run_inside(ADD_CONTAINER_COOKIE)
        wait_for(lambda: _has_everything(running), "Firefox to write its cookies")
        wait_for(lambda: storages(browsers(home), APP), "Firefox to write local storage")
        (jar,) = jars(browsers(home, *FACTORY))
        (storage,) = storages(browsers(home), APP)
    return Visited(home, jar, storage)


def _has_everything(running: Firefox) -> bool:
    names = {cookie.name for cookie in read_cookies(running.profile, FACTORY)}
    return {"host_only", "session", "auth"} <= names and _has_container(running.profile)


def _has_container(profile: Path) -> bool:
    from tui.gateways.sqlite_ro import open_copy, rows

    with open_copy(profile / "cookies.sqlite") as copy:
        return bool(rows(copy, "SELECT 1 FROM moz_cookies WHERE originAttributes LIKE '%Context%'"))


@pytest.fixture(params=["running", "ended"])
def jar(request: pytest.FixtureRequest, visited: Visited) -> Jar:
    """The same cookies, read while Firefox ran and after it ended."""
    if request.param == "running":
        return visited.jar_while_running
    (found,) = jars(browsers(visited.home, *FACTORY))
    return found


def test_cookies_are_sent_as_firefox_would(jar: Jar, request: pytest.FixtureRequest) -> None:
    """Those of the session, too; not the ones of containers and partitions."""
    assert jar.label == "Firefox: default-esr"
    header = jar.header(f"{APP}/", without={"session"})
    assert header is not None
    assert sorted(header.reveal().split("; ")) == ["domain_wide=d", "host_only=h"]
    assert jar.header(f"{APP}/api/x", only={"api"}) == Secret("api=a")


def test_a_cookie_of_the_session_is_found_while_it_runs(visited: Visited) -> None:
    assert visited.jar_while_running.value("session") == Secret("Fe26.2**of-the-session*==")


def test_a_host_only_cookie_stays_at_its_host(jar: Jar) -> None:
    header = jar.header(f"{AUTH}/")
    assert header is not None
    assert sorted(header.reveal().split("; ")) == ["auth=1", "domain_wide=d"]


def test_expiry_is_read_in_the_right_unit(jar: Jar) -> None:
    moment = jar.expires_at({"host_only"})
    assert moment is not None
    assert 9000 < (moment - SystemClock().now()).total_seconds() <= 9999


@pytest.mark.parametrize("when", ["running", "ended"])
def test_local_storage_is_read(visited: Visited, when: str) -> None:
    storage = visited.storage_while_running
    if when == "ended":
        (storage,) = storages(browsers(visited.home), APP)
    assert {key for _, key in storage.items} == {"workos:refresh-token", "n\u00e4me", "big"}
    assert storage.items[APP, "workos:refresh-token"] == Secret("newest")
    assert storage.items[APP, "n\u00e4me"] == Secret("w\u20acrt")
    assert storage.items[APP, "big"] == Secret("x" * 5000)


def test_detection_names_the_profile(visited: Visited) -> None:
    found = asyncio.run(browsers(visited.home, *FACTORY).describe())
    assert found == ["cookies in Firefox: default-esr"]


def test_the_database_was_really_locked_and_in_milliseconds(visited: Visited) -> None:
    """Otherwise the tests above would not say much."""
    from tui.gateways.sqlite_ro import open_copy, rows

    profile = visited.home / ".config/mozilla/firefox/x1y2.default-esr"
    with open_copy(profile / "cookies.sqlite") as copy:
        found = rows(copy, "SELECT originAttributes, expiry FROM moz_cookies")
    assert all(expiry > 1e12 for _, expiry in found)
    assert {"", "^userContextId=6"} < {attributes for attributes, _ in found}
    assert json.dumps(found)
