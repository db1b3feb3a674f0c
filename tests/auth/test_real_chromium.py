"""What a real Chromium wrote, read while it ran and after it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.auth.conftest import use_bus
from tests.auth.real_browsers import Page, chromium, wait_for
from tests.auth.real_keyring import Bus, gnome_keyring, lock, session_bus, silent_prompter
from tui.auth import local_storage
from tui.auth.browser import AccountBrowsers, BrowserLogins
from tui.auth.cookies import Jar
from tui.core.clock import SystemClock
from tui.core.errors import MissingCredentials, Unsupported
from tui.core.redact import Secret
from tui.core.sessions import LocalStorage

pytestmark = pytest.mark.needs("chromium", "certutil")

FACTORY = ("factory.ai", "app.factory.ai", "auth.factory.ai")
APP, AUTH = "https://app.factory.ai", "https://auth.factory.ai"
MINIMAX = "https://platform.minimax.io"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJtaW5pbWF4In0.c2lnbmF0dXJl"

COOKIES = (
    "host_only=h; Secure; HttpOnly; Max-Age=9999",
    "domain_wide=d; Domain=factory.ai; Max-Age=9999",
    "session=Fe26.2**of-the-session*==; Secure",
    "over=o; Max-Age=1",
    "parted=p; Secure; SameSite=None; Partitioned; Max-Age=9999",
    "api=a; Path=/api; Max-Age=9999",
)
STORE_MUCH = """
localStorage.setItem('workos:refresh-token', 'first');
localStorage.setItem('gone', 'x');
localStorage.setItem('gone later', 'x');
localStorage.removeItem('gone');
localStorage.setItem('n\\u00e4me', 'w\\u20acrt');
for (let i = 0; i < 40; i++) localStorage.setItem('big' + i, 'x'.repeat(80000) + i);
"""
STORE_LATER = """
localStorage.setItem('workos:refresh-token', 'newest');
localStorage.removeItem('gone later');
"""
STORE_ELSEWHERE = f"""
localStorage.setItem('access_token', '{JWT}');
sessionStorage.setItem('of the tab', 'v\\u20ac');
await new Promise((done) => {{
  const opening = indexedDB.open('d', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('s');
  opening.onsuccess = () => {{
    const change = opening.result.transaction('s', 'readwrite', {{ durability: 'strict' }});
    change.objectStore('s').put({{ token: '{JWT}' }}, 'k');
    change.oncomplete = done;
  }};
}})
"""
FIRST_VISIT = [
    Page("app.factory.ai", COOKIES, STORE_MUCH),
    Page("auth.factory.ai", ["auth=1; Secure; Max-Age=9999"], "localStorage.setItem('a', 'b')"),
    Page("ampcode.com", ["session=amp-session; Secure; Max-Age=9999"]),
    Page("notampcode.com", ["session=of-a-stranger; Secure; Max-Age=9999"]),
]
SECOND_VISIT = [
    Page("app.factory.ai", script=STORE_LATER),
    Page("platform.minimax.io", script=STORE_ELSEWHERE),
]
OTHER_PROFILE = [Page("ampcode.com", ["session=second-profile; Secure; Max-Age=9999"])]


def browsers(
    home: Path, *domains: str, chosen: str = "auto", user_initiated: bool = False
) -> AccountBrowsers:
    logins = BrowserLogins(env={}, home=home, state=home / "state", clock=SystemClock())
    return logins.for_account(domains, (), chosen, user_initiated=user_initiated)


def jars(view: AccountBrowsers) -> list[Jar]:
    async def collect() -> list[Jar]:
        return [jar async for jar in view.cookies()]

    return asyncio.run(collect())


def storages(view: AccountBrowsers, *origins: str) -> list[LocalStorage]:
    async def collect() -> list[LocalStorage]:
        return [storage async for storage in view.local_storage(origins)]

    return asyncio.run(collect())


def scanned(view: AccountBrowsers, folder: str) -> dict[tuple[str, str], str]:
    async def collect() -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        async for storage in view.scan([folder], ["platform.minimax.io"]):
            found |= {place: value.reveal() for place, value in storage.items.items()}
        return found

    return asyncio.run(collect())


@dataclass(frozen=True)
class Visited:
    """A home folder, and what was read in it while Chromium ran and right after."""

    home: Path
    jar: dict[str, Jar]
    storages_while_running: list[LocalStorage]


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Visited:
    home = tmp_path_factory.mktemp("home")
    with chromium(home, FIRST_VISIT) as profile:
        (running,) = jars(browsers(home, *FACTORY))
        wait_for(lambda: _has_storage(profile), "local storage")
    (ended,) = jars(browsers(home, *FACTORY))
    with chromium(home, OTHER_PROFILE, profile="Profile 1"):
        pass
    with chromium(home, SECOND_VISIT) as profile:
        wait_for(lambda: _token(profile) == "newest", "newer local storage")
        wait_for(lambda: _session_storage(profile), "session storage")
        kept = storages(browsers(home), APP, AUTH)
    return Visited(home, {"running": running, "ended": ended}, kept)


def _has_storage(profile: Path) -> bool:
    items = local_storage.chromium_items(profile, ("app.factory.ai", "auth.factory.ai"))
    return {(APP, "big39"), (AUTH, "a")} <= items.keys()


def _token(profile: Path) -> str | None:
    items = local_storage.chromium_items(profile, ("app.factory.ai",))
    return items.get((APP, "workos:refresh-token"))


def _session_storage(profile: Path) -> object:
    return local_storage.session_items(profile / "Session Storage", ("platform.minimax.io",))


@pytest.fixture(params=["running", "ended"])
def factory_jar(request: pytest.FixtureRequest, visited: Visited) -> Jar:
    """The same cookies, read while Chromium ran and after it ended."""
    return visited.jar[request.param]


def test_cookies_of_a_profile_are_sent_as_chromium_would(factory_jar: Jar) -> None:
    assert factory_jar.label == "Chromium: Default"
    header = factory_jar.header(f"{APP}/")
    assert header is not None
    sent = dict(part.split("=", 1) for part in header.reveal().split("; "))
    assert sent == {
        "host_only": "h",
        "domain_wide": "d",
        "session": "Fe26.2**of-the-session*==",
    }
    assert factory_jar.header(f"{APP}/api/me", only={"api"}) == Secret("api=a")


def test_a_host_only_cookie_stays_at_its_host(factory_jar: Jar) -> None:
    header = factory_jar.header(f"{AUTH}/")
    assert header is not None
    assert sorted(header.reveal().split("; ")) == ["auth=1", "domain_wide=d"]


def test_expiry_is_read_in_the_right_unit(factory_jar: Jar) -> None:
    moment = factory_jar.expires_at({"host_only"})
    assert moment is not None
    assert 9000 < (moment - SystemClock().now()).total_seconds() <= 9999
    assert factory_jar.expires_at({"session"}) is None


def test_every_profile_is_a_jar_of_its_own_and_strangers_are_left_out(visited: Visited) -> None:
    found = jars(browsers(visited.home, "ampcode.com"))
    assert [(jar.label, jar.value("session")) for jar in found] == [
        ("Chromium: Default", Secret("amp-session")),
        ("Chromium: Profile 1", Secret("second-profile")),
    ]
    assert found[0].domains == {"ampcode.com"}


def test_one_profile_can_be_chosen(visited: Visited) -> None:
    found = jars(browsers(visited.home, "ampcode.com", chosen="chromium:Profile 1"))
    assert [jar.label for jar in found] == ["Chromium: Profile 1"]


@pytest.mark.parametrize("when", ["running", "ended"])
def test_local_storage_has_the_newest_values_by_origin(visited: Visited, when: str) -> None:
    is_running = when == "running"
    found = (
        visited.storages_while_running
        if is_running
        else storages(browsers(visited.home), APP, AUTH)
    )
    assert [storage.label for storage in found] == ["Chromium: Default"]
    items = found[0].items
    assert items[APP, "workos:refresh-token"] == Secret("newest")
    assert items[APP, "n\u00e4me"] == Secret("w\u20acrt")
    assert items[APP, "big39"] == Secret("x" * 80000 + "39")
    assert items[AUTH, "a"] == Secret("b")
    assert (APP, "gone") not in items
    assert (APP, "gone later") not in items


def test_the_store_holds_a_compressed_table_by_now(visited: Visited) -> None:
    """Otherwise the test above would not say anything about tables."""
    folder = visited.home / ".config/chromium/Default/Local Storage/leveldb"
    tables = list(folder.glob("*.ldb"))
    assert tables
    assert sum(table.stat().st_size for table in tables) < 1_000_000


def test_another_site_with_the_same_names_stays_out(visited: Visited) -> None:
    (found,) = storages(browsers(visited.home), AUTH)
    assert dict(found.items) == {(AUTH, "a"): Secret("b")}


def test_session_storage_and_indexed_db_are_read(visited: Visited) -> None:
    view = browsers(visited.home)
    assert scanned(view, "Session Storage") == {(MINIMAX, "of the tab"): "v\u20ac"}
    database = scanned(view, "IndexedDB/https_platform.minimax.io_0.indexeddb.leveldb")
    assert any(JWT in text for text in database.values())
    assert {origin for origin, _ in database} == {MINIMAX}


def test_detection_names_profiles_and_opens_no_key(visited: Visited) -> None:
    found = asyncio.run(browsers(visited.home, "ampcode.com").describe())
    assert found == ["cookies in Chromium: Default", "cookies in Chromium: Profile 1"]


def test_nothing_is_written_beside_the_original(visited: Visited) -> None:
    root = visited.home / ".config" / "chromium"
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    jars(browsers(visited.home, *FACTORY))
    storages(browsers(visited.home), APP)
    after = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    assert after == before


# -- values whose key lies in a key store ----------------------------------------------------------


@dataclass(frozen=True)
class Keyed:
    """A home whose Chromium used the key store on a bus."""

    home: Path
    bus: Bus


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    home = tmp_path_factory.mktemp("keyed")
    with session_bus(home / "bus") as bus, gnome_keyring(bus):
        visit = chromium(home, OTHER_PROFILE, password_store="gnome-libsecret", env=bus.env)
        with visit:
            pass
        yield Keyed(home, bus)


@pytest.mark.needs("dbus", "gnome-keyring")
def test_a_key_in_a_key_store_is_read_silently_and_never_asked_for(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One story, because a keyring can be locked only once: open, locked, refused."""
    use_bus(keyed.bus, monkeypatch)
    logins = BrowserLogins(env={}, home=keyed.home, state=keyed.home / "s", clock=SystemClock())
    knowing = logins.for_account(["ampcode.com"], (), "auto", user_initiated=False)
    assert [jar.value("session") for jar in jars(knowing)] == [Secret("second-profile")]

    lock(keyed.bus)
    assert len(jars(knowing)) == 1, "a key that is known needs no store"
    with silent_prompter(keyed.bus) as asked:
        assert jars(browsers(keyed.home, "ampcode.com")) == []
        with pytest.raises(Unsupported, match="would ask first"):
            jars(browsers(keyed.home, "ampcode.com", chosen="chromium"))
        found = asyncio.run(browsers(keyed.home, "ampcode.com").describe())
    assert found == ["cookies in Chromium: Default"]
    assert asked == []

    with pytest.raises(MissingCredentials, match="Chromium was not given free"):
        jars(browsers(keyed.home, "ampcode.com", user_initiated=True))
    with silent_prompter(keyed.bus) as asked:
        assert jars(browsers(keyed.home, "ampcode.com", user_initiated=True)) == []
    assert asked == [], "the refusal is remembered"


def test_without_any_key_store_the_chosen_browser_says_so(keyed: Keyed) -> None:
    assert jars(browsers(keyed.home, "ampcode.com")) == []
    with pytest.raises(Unsupported, match="key to the cookies of Chromium was not found") as caught:
        jars(browsers(keyed.home, "ampcode.com", chosen="chromium"))
    assert "paste the Cookie header" in caught.value.hint
