"""Logins in browsers: which store is opened when, and what is said when one cannot be read."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.auth.browser_files import (
    FAR,
    Row,
    cbc,
    cbc_key,
    gcm,
    safari_cookies,
    v10,
    with_hash,
    write_chromium,
    write_firefox,
)
from tests.auth.leveldb_writer import encoded, local_storage_key, log_file, write_store
from tests.support import FakeClock
from tui.auth.browser import BrowserLogins
from tui.auth.chromium import read_rows
from tui.auth.cookies import Jar
from tui.auth.profiles import System
from tui.core.errors import MissingCredentials, Unsupported
from tui.core.redact import Redactor, Secret
from tui.providers._context import Browsers

DOMAINS = ("ampcode.com", "www.ampcode.com")
KEYCHAIN_PASSWORD = b"from the keychain"
CHROMIUM = ".config/chromium"
CHROME = ".config/google-chrome"


class World:
    """A home folder, and the browsers found in it."""

    def __init__(self, home: Path, system: System) -> None:
        self.home = home
        self.clock = FakeClock()
        self.logins = BrowserLogins(
            env={}, home=home, state=home / "state", clock=self.clock, system=system
        )

    def view(self, *order: str, chosen: str = "auto", user_initiated: bool = False) -> Browsers:
        return self.logins.for_account(DOMAINS, order, chosen, user_initiated=user_initiated)

    async def jars(self, *order: str, **options: Any) -> list[Jar]:
        found = [jar async for jar in self.view(*order, **options).cookies()]
        assert all(isinstance(jar, Jar) for jar in found)
        return found  # type: ignore[return-value]


@pytest.fixture
def linux(home: Path) -> World:
    return World(home, "linux")


@pytest.fixture
def macos(home: Path) -> World:
    return World(home, "macos")


@pytest.fixture
def windows(home: Path) -> World:
    return World(home, "windows")


def session(value: str, host: str = "ampcode.com") -> Row:
    return v10(host, "session", value)


def values(jars: list[Jar]) -> list[tuple[str, Secret | None]]:
    return [(jar.label, jar.value("session")) for jar in jars]


# -- order and choice ------------------------------------------------------------------------------


async def test_browsers_come_in_the_declared_order_and_no_others(linux: World) -> None:
    write_chromium(linux.home / CHROMIUM / "Default/Cookies", [session("of chromium")])
    write_chromium(linux.home / CHROME / "Default/Cookies", [session("of chrome")])
    write_firefox(
        linux.home / ".mozilla/firefox/a.default",
        [("ampcode.com", "session", "of firefox", FAR, "")],
    )
    assert [jar.label for jar in await linux.jars()] == [
        "Chrome: Default",
        "Chromium: Default",
        "Firefox: default",
    ]
    found = await linux.jars("firefox", "chromium")
    assert [jar.label for jar in found] == ["Firefox: default", "Chromium: Default"]
    by_call = [jar.label async for jar in linux.view("firefox").cookies(browsers=("*chromium",))]
    assert by_call == ["Chrome: Default", "Chromium: Default"]


async def test_a_chosen_browser_or_profile_is_the_only_one(linux: World) -> None:
    write_chromium(linux.home / CHROME / "Default/Cookies", [session("a")])
    write_chromium(linux.home / CHROME / "Profile 1/Cookies", [session("b")])
    assert len(await linux.jars("firefox", chosen="chrome")) == 2
    found = await linux.jars("firefox", chosen="chrome:Profile 1")
    assert values(found) == [("Chrome: Profile 1", Secret("b"))]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("netscape", "browser: netscape is not known."),
        ("brave", "Brave has no profile here."),
        ("chrome:Profile 7", "Chrome has no profile Profile 7 here."),
    ],
)
async def test_a_choice_that_is_not_there_is_named(linux: World, chosen: str, message: str) -> None:
    write_chromium(linux.home / CHROME / "Default/Cookies", [session("a")])
    with pytest.raises(Unsupported) as caught:
        await linux.jars(chosen=chosen)
    assert caught.value.message == message


async def test_the_next_profile_is_opened_only_when_it_is_reached(
    linux: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Default", "Profile 1"):
        write_chromium(linux.home / CHROME / name / "Cookies", [session(name)])
    opened: list[Path] = []

    def noticed(files: Any, domains: Any) -> Any:
        opened.append(files[0].parents[1])
        return read_rows(files, domains)

    monkeypatch.setattr("tui.auth.cookie_reader.read_rows", noticed)
    async for _ in linux.view().cookies():
        break
    assert opened == [linux.home / CHROME / "Default"]


async def test_the_machine_is_looked_at_every_ten_minutes_or_when_the_user_asks(
    linux: World,
) -> None:
    assert await linux.jars() == []
    write_chromium(linux.home / CHROME / "Default/Cookies", [session("a")])
    await linux.clock.advance(599)
    assert await linux.jars() == []
    assert len(await linux.jars(user_initiated=True)) == 1
    write_chromium(linux.home / CHROMIUM / "Default/Cookies", [session("b")])
    assert len(await linux.jars()) == 1
    await linux.clock.advance(600)
    assert len(await linux.jars()) == 2


async def test_the_settings_offer_what_is_there(linux: World) -> None:
    write_chromium(linux.home / CHROME / "Default/Cookies", [])
    write_chromium(linux.home / CHROME / "Profile 1/Cookies", [])
    assert await linux.logins.choices() == (
        ("auto", "Automatic"),
        ("chrome", "Chrome"),
        ("chrome:Default", "Chrome: Default"),
        ("chrome:Profile 1", "Chrome: Profile 1"),
    )


# -- Chromium's rows -------------------------------------------------------------------------------


async def test_one_bad_value_does_not_end_the_file(linux: World) -> None:
    rows = [
        Row("ampcode.com", "torn", b"v10" + b"not a multiple of sixteen"),
        Row("ampcode.com", "bound", b"v20" + bytes(40)),
        Row("ampcode.com", "foreign", b"v10" + cbc(cbc_key(b"another"), b"clear text")),
        v10("other.com", "moved", "x"),
        Row("ampcode.com", "no text", b"v10" + cbc(cbc_key(b"peanuts"), b"\xff" * 40)),
        session("good"),
        Row("ampcode.com", "plain", value="p"),
        Row("ampcode.com", "slip", b"v10" + cbc(cbc_key(b""), with_hash("ampcode.com", "s"))),
    ]
    moved = Row("ampcode.com", "moved", rows[3].encrypted)
    write_chromium(linux.home / CHROME / "Default/Cookies", [*rows, moved])
    (jar,) = await linux.jars()
    assert jar.names == {"session", "plain", "slip"}
    assert jar.header("https://ampcode.com/") == Secret("session=good; plain=p; slip=s")


async def test_partitions_strangers_and_what_is_over_are_left_out(linux: World) -> None:
    now_s = linux.clock.now().timestamp()
    rows = [
        Row("ampcode.com", "parted", value="x", partition="https://frame.com"),
        Row("notampcode.com", "stranger", value="x"),
        Row("ampcode.com", "over", value="x", expires_s=now_s - 1),
        Row("ampcode.com", "lasting", value="x", expires_s=now_s + 60),
        Row("ampcode.com", "of the session", value="x", expires_s=0),
        Row(".ampcode.com", "wide", value="x"),
        Row("deep.www.ampcode.com", "below", value="x"),
    ]
    write_chromium(linux.home / CHROME / "Default/Cookies", rows)
    (jar,) = await linux.jars()
    assert jar.names == {"lasting", "of the session", "wide", "below"}


async def test_older_databases_have_no_hash_and_other_columns(linux: World) -> None:
    path = linux.home / CHROME / "Default/Cookies"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta(key TEXT, value TEXT)")
        connection.execute("INSERT INTO meta VALUES ('version', '9')")
        connection.execute(
            "CREATE TABLE cookies"
            "(host_key, name, value, path, expires_utc, secure, encrypted_value)"
        )
        encrypted = b"v10" + cbc(cbc_key(b"peanuts"), b"old")
        connection.execute(
            "INSERT INTO cookies VALUES ('ampcode.com', 'session', '', '/', 0, 1, ?)", (encrypted,)
        )
        connection.commit()
    assert values(await linux.jars()) == [("Chrome: Default", Secret("old"))]


async def test_of_two_databases_in_a_profile_the_later_expiry_counts(linux: World) -> None:
    old = Row("ampcode.com", "session", value="old", expires_s=FAR - 100)
    new = Row("ampcode.com", "session", value="new", expires_s=FAR)
    write_chromium(linux.home / CHROME / "Default/Cookies", [old])
    write_chromium(linux.home / CHROME / "Default/Network/Cookies", [new])
    assert values(await linux.jars()) == [("Chrome: Default", Secret("new"))]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        pytest.param(
            Row("ampcode.com", "session", b"v20" + bytes(40)),
            "Chrome locks its cookies to itself; no other program can read them.",
            id="app-bound",
        ),
        pytest.param(
            Row("ampcode.com", "session", b"v12" + bytes(40)),
            "Chrome locks its cookies to itself; no other program can read them.",
            id="portal",
        ),
        pytest.param(
            Row("ampcode.com", "session", b"v11" + bytes(48)),
            "The key to the cookies of Chrome was not found.",
            id="no key",
        ),
    ],
)
async def test_unreadable_values_are_explained_for_a_chosen_browser_only(
    linux: World, row: Row, sentence: str
) -> None:
    write_chromium(linux.home / CHROME / "Default/Cookies", [row])
    assert await linux.jars() == []
    with pytest.raises(Unsupported) as caught:
        await linux.jars(chosen="chrome")
    assert caught.value.message == sentence
    assert "paste the Cookie header" in caught.value.hint


async def test_a_damaged_store_does_not_hide_the_next_one(linux: World) -> None:
    path = write_chromium(linux.home / CHROME / "Default/Cookies", [])
    path.write_bytes(b"no database at all" * 100)
    write_chromium(linux.home / CHROMIUM / "Default/Cookies", [session("good")])
    assert values(await linux.jars()) == [("Chromium: Default", Secret("good"))]
    with pytest.raises(Unsupported, match="a form that is not understood"):
        await linux.jars(chosen="chrome")


async def test_a_file_the_system_refuses_is_told_apart_from_a_missing_one(
    windows: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "AppData/Local/Google/Chrome/User Data/Default/Network/Cookies"
    write_chromium(windows.home / place, [session("x")])

    def refuse(*_: object) -> None:
        raise PermissionError(13, "the process cannot access the file")

    monkeypatch.setattr(shutil, "copyfile", refuse)
    assert await windows.jars() == []
    with pytest.raises(Unsupported, match="Chrome does not let its cookies be read now"):
        await windows.jars(chosen="chrome")


# -- keys of the other systems ---------------------------------------------------------------------


@pytest.fixture
def keychain(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A keychain that gives the password; what it was asked for."""
    asked: list[tuple[str, str]] = []

    def ask(service: str, account: str) -> bytes:
        asked.append((service, account))
        return KEYCHAIN_PASSWORD

    monkeypatch.setattr("browser_cookie3._get_osx_keychain_password", ask)
    return asked


MAC_BRAVE = "Library/Application Support/BraveSoftware/Brave-Browser"


async def test_the_keychain_is_asked_only_when_the_user_wants_it(
    macos: World, keychain: list[tuple[str, str]]
) -> None:
    row = v10("ampcode.com", "session", "mac", password=KEYCHAIN_PASSWORD, rounds=1003)
    write_chromium(macos.home / MAC_BRAVE / "Default/Cookies", [row])
    assert await macos.jars() == []
    with pytest.raises(Unsupported, match="would ask first"):
        await macos.jars(chosen="brave")
    assert keychain == []
    found = await macos.jars(user_initiated=True)
    assert values(found) == [("Brave: Default", Secret("mac"))]
    assert keychain == [("Brave Safe Storage", "Brave")]
    assert len(await macos.jars()) == 1, "the key is known now"
    assert len(keychain) == 1


async def test_a_refusal_is_said_once_and_silences_the_whole_family(
    macos: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(service: str, account: str) -> bytes:
        asked.append(service)
        return b"peanuts"

    monkeypatch.setattr("browser_cookie3._get_osx_keychain_password", refuse)
    for place in (MAC_BRAVE, "Library/Application Support/Google/Chrome"):
        write_chromium(macos.home / place / "Default/Cookies", [session("x")])
    with pytest.raises(MissingCredentials, match="The key to the cookies of Chrome was not given"):
        await macos.jars(user_initiated=True)
    assert asked == ["Chrome Safe Storage"]
    assert await World(macos.home, "macos").jars(user_initiated=True) == []
    assert asked == ["Chrome Safe Storage"]


async def test_many_providers_at_once_raise_one_question(
    macos: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answer = b"peanuts"

    def ask(service: str, account: str) -> bytes:
        asked.append(service)
        time.sleep(0.05)
        return answer

    monkeypatch.setattr("browser_cookie3._get_osx_keychain_password", ask)
    row = v10("ampcode.com", "session", "mac", password=KEYCHAIN_PASSWORD, rounds=1003)
    write_chromium(macos.home / MAC_BRAVE / "Default/Cookies", [row])

    async def refresh_four() -> list[Any]:
        views = [macos.jars(user_initiated=True) for _ in range(4)]
        return await asyncio.gather(*views, return_exceptions=True)

    refused = await refresh_four()
    assert refused.count([]) == 3
    assert sum(isinstance(outcome, MissingCredentials) for outcome in refused) == 1
    assert len(asked) == 1
    answer = KEYCHAIN_PASSWORD
    await macos.clock.advance(3600)
    assert [len(jars) for jars in await refresh_four()] == [1] * 4
    assert len(asked) == 2


async def test_the_key_of_windows_lies_in_local_state(
    windows: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = bytes(range(32))
    root = windows.home / "AppData/Local/Microsoft/Edge/User Data"
    rows = [
        Row("ampcode.com", "session", b"v10" + gcm(key, with_hash("ampcode.com", "win"))),
        Row("ampcode.com", "torn", b"v10" + gcm(bytes(32), b"other key")),
    ]
    write_chromium(root / "Default/Network/Cookies", rows)
    state = {"os_crypt": {"encrypted_key": base64.b64encode(b"DPAPI" + b"sealed").decode()}}
    (root / "Local State").write_text(json.dumps(state))

    def unprotect(sealed: bytes, is_key: bool) -> tuple[str, bytes]:
        assert (sealed, is_key) == (b"sealed", True)
        return "", key

    monkeypatch.setattr("browser_cookie3._crypt_unprotect_data", unprotect)
    assert values(await windows.jars()) == [("Edge: Default", Secret("win"))]


async def test_without_a_usable_local_state_the_key_is_missing(windows: World) -> None:
    root = windows.home / "AppData/Local/Microsoft/Edge/User Data"
    write_chromium(root / "Default/Network/Cookies", [session("x")])
    (root / "Local State").write_text("{}")
    with pytest.raises(Unsupported, match="The key to the cookies of Edge was not found"):
        await windows.jars(chosen="edge")


# -- Firefox and Safari ----------------------------------------------------------------------------


async def test_firefox_gives_its_own_login_only(linux: World) -> None:
    rows = [
        ("ampcode.com", "session", "mine", FAR, ""),
        ("ampcode.com", "session", "container", FAR * 1000, "^userContextId=6"),
        (".ampcode.com", "in milliseconds", "m", FAR * 1000, ""),
        ("ampcode.com", "over", "o", 1_600_000_000, ""),
        ("ampcode.com", "over in milliseconds", "o", 1_600_000_000_000, ""),
        ("notampcode.com", "stranger", "s", FAR, ""),
    ]
    of_the_session: list[dict[str, object]] = [
        {"host": "ampcode.com", "name": "tab", "value": "t", "path": "/", "secure": True},
        {
            "host": "ampcode.com",
            "name": "tab",
            "value": "c",
            "originAttributes": {"userContextId": 2},
        },
        {"host": "other.com", "name": "x", "value": "y"},
        {"name": "no host"},
    ]
    profile = linux.home / ".mozilla/firefox/a.default"
    write_firefox(profile, rows, session=of_the_session)
    (jar,) = await linux.jars()
    assert jar.names == {"session", "in milliseconds", "tab"}
    assert (jar.value("session"), jar.value("tab")) == (Secret("mine"), Secret("t"))
    (profile / "sessionstore-backups/recovery.jsonlz4").write_bytes(b"mozLz40\0damaged")
    (jar,) = await linux.jars()
    assert jar.names == {"session", "in milliseconds"}


SAFARI = "Library/Containers/com.apple.Safari/Data/Library"


async def test_safari_cookies_are_read_and_filtered(macos: World) -> None:
    file = macos.home / SAFARI / "Cookies/Cookies.binarycookies"
    file.parent.mkdir(parents=True)
    file.write_bytes(
        safari_cookies(
            [
                (".ampcode.com", "session", "of safari", FAR),
                ("ampcode.com", "of the session", "s", 0),
                ("ampcode.com", "over", "o", 1_600_000_000),
                ("notampcode.com", "stranger", "x", FAR),
            ]
        )
    )
    (jar,) = await macos.jars()
    assert jar.names == {"session", "of the session"}
    assert jar.header("https://www.ampcode.com/") == Secret("session=of safari")


async def test_safari_without_full_disk_access_is_explained_when_it_was_chosen(
    macos: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = macos.home / SAFARI / "Cookies/Cookies.binarycookies"
    file.parent.mkdir(parents=True)
    file.touch()

    def refuse(*_: object) -> None:
        raise PermissionError(1, "operation not permitted")

    monkeypatch.setattr(shutil, "copyfile", refuse)
    assert await macos.jars() == []
    with pytest.raises(Unsupported, match="may not read the cookies of Safari") as caught:
        await macos.jars(chosen="safari")
    assert "Full Disk Access" in caught.value.hint


async def test_a_safari_file_of_another_form_is_no_crash(macos: World) -> None:
    file = macos.home / SAFARI / "Cookies/Cookies.binarycookies"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"cook\0\0\0\1\0\0\0\x10" + bytes(16))
    assert await macos.jars() == []
    with pytest.raises(Unsupported, match="Safari have a form that is not understood"):
        await macos.jars(chosen="safari")


@pytest.mark.parametrize("table", ["ItemTable", "localstorage"])
async def test_local_storage_of_safari(macos: World, table: str) -> None:
    site = macos.home / SAFARI / "WebKit/WebsiteData/Default/a1/a1"
    (site / "LocalStorage").mkdir(parents=True)
    (site / "origin").write_bytes(b"\x05\0\0\0\1https\x0e\0\0\0\1app.factory.ai\0\xff")
    with closing(sqlite3.connect(site / "LocalStorage/localstorage.sqlite3")) as connection:
        connection.execute(f"CREATE TABLE {table}(key TEXT, value BLOB)")
        rows = [("wide", "w\u20ac".encode("utf-16-le")), ("narrow", b"utf-8"), ("text", " t\n")]
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)
        connection.commit()
    found = [item async for item in macos.view().local_storage(["https://app.factory.ai"])]
    assert [storage.label for storage in found] == ["Safari: Default"]
    items = {key: value.reveal() for (_, key), value in found[0].items.items()}
    assert items == {"wide": "w\u20ac", "narrow": "utf-8", "text": "t"}
    assert [i async for i in macos.view().local_storage(["https://factory.ai"])] == []


# -- more than cookies -----------------------------------------------------------------------------


async def test_storage_and_cookies_of_a_profile_have_the_same_label(linux: World) -> None:
    profile = linux.home / "snap/chromium/common/chromium/Default"
    write_chromium(profile / "Cookies", [session("x")])
    writes = [(local_storage_key("https://ampcode.com", "k"), encoded("v"))]
    write_store(profile / "Local Storage/leveldb", log_1=log_file([(1, writes)]))
    (jar,) = await linux.jars()
    (storage,) = [item async for item in linux.view().local_storage(["https://ampcode.com"])]
    assert jar.label == storage.label == "Chromium (Snap): Default"


async def test_ordinary_words_of_a_page_are_not_blotted_out(linux: World) -> None:
    profile = linux.home / CHROME / "Default"
    words = {"theme": "ordinary-word", "token": "taken-out-and-secret"}
    writes = [
        (local_storage_key("https://ampcode.com", name), encoded(value))
        for name, value in words.items()
    ]
    write_store(profile / "Local Storage/leveldb", log_1=log_file([(1, writes)]))
    (storage,) = [item async for item in linux.view().local_storage(["https://ampcode.com"])]
    assert storage.items["https://ampcode.com", "token"] == Secret("taken-out-and-secret")
    assert Redactor()("ordinary-word taken-out-and-secret") == "ordinary-word <redacted>"


async def test_an_app_keeps_its_cookies_like_a_browser(linux: World) -> None:
    app = linux.home / ".config" / "kimi-desktop"
    rows = [
        Row(".kimi.com", "kimi-auth", value="in the clear"),
        v10("www.kimi.com", "other", "encrypted"),
    ]
    write_chromium(app / "Network" / "Cookies", rows)
    files = [app / "Cookies", app / "Network" / "Cookies"]
    found = [jar async for jar in linux.view().app_cookies(files, ["kimi.com"])]
    assert [jar.label for jar in found] == ["kimi-desktop"]
    assert found[0].names == {"kimi-auth", "other"}
    assert found[0].header("https://www.kimi.com/") == Secret(
        "kimi-auth=in the clear; other=encrypted"
    )


async def test_detection_names_what_cannot_even_be_decrypted(linux: World) -> None:
    row = Row("ampcode.com", "session", b"v11" + bytes(48))
    write_chromium(linux.home / CHROME / "Default/Cookies", [row])
    write_chromium(linux.home / CHROMIUM / "Default/Cookies", [Row("other.com", "x", value="y")])
    view = linux.logins.for_account(DOMAINS, (), "auto", user_initiated=False)
    assert await view.describe() == ["cookies in Chrome: Default"]
