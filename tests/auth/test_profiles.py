"""Which browsers and profiles are found, and in which order they are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.auth.browsers import BROWSERS, find_browser, in_order
from tui.auth.profiles import Places, System, find_profiles


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def found(home: Path, system: System = "linux", **env: str) -> list[str]:
    return [profile.label for profile in find_profiles(Places(system, home, env))]


def test_chromium_profiles_are_found_with_old_and_new_places(tmp_path: Path) -> None:
    root = tmp_path / ".config" / "google-chrome"
    touch(root / "Default" / "Network" / "Cookies")
    touch(root / "Profile 2" / "Cookies")
    touch(root / "user-abc" / "Local Storage" / "x")
    touch(root / "System Profile" / "Cookies")
    touch(root / "Profile 3" / "Preferences")
    assert found(tmp_path) == ["Chrome: Default", "Chrome: Profile 2", "Chrome: user-abc"]


def test_packages_are_told_apart(tmp_path: Path) -> None:
    touch(tmp_path / ".config/chromium/Default/Cookies")
    touch(tmp_path / "snap/chromium/common/chromium/Default/Cookies")
    touch(tmp_path / ".var/app/org.chromium.Chromium/config/chromium/Default/Cookies")
    touch(tmp_path / ".var/app/org.mozilla.firefox/.mozilla/firefox/a.default/cookies.sqlite")
    assert found(tmp_path) == [
        "Chromium: Default",
        "Chromium (Snap): Default",
        "Chromium (Flatpak): Default",
        "Firefox (Flatpak): default",
    ]


@pytest.mark.parametrize(
    ("system", "path", "label"),
    [
        ("macos", "Library/Application Support/Google/Chrome/Default/Cookies", "Chrome: Default"),
        ("macos", "Library/Application Support/Arc/User Data/Default/Cookies", "Arc: Default"),
        (
            "macos",
            "Library/Application Support/com.openai.atlas/browser-data/host/user-x/Cookies",
            "ChatGPT Atlas: user-x",
        ),
        (
            "macos",
            "Library/Application Support/Firefox/Profiles/a.default-release/cookies.sqlite",
            "Firefox: default-release",
        ),
        (
            "macos",
            "Library/Containers/com.apple.Safari/Data/Library/Cookies/Cookies.binarycookies",
            "Safari: Default",
        ),
        (
            "windows",
            "AppData/Local/Microsoft/Edge/User Data/Default/Network/Cookies",
            "Edge: Default",
        ),
        ("windows", "AppData/Roaming/Opera Software/Opera Stable/Cookies", "Opera: Default"),
        (
            "windows",
            "AppData/Roaming/Mozilla/Firefox/Profiles/a.default/cookies.sqlite",
            "Firefox: default",
        ),
        ("linux", ".config/opera/Default/Cookies", "Opera: Default"),
        ("linux", ".zen/a.Default (release)/cookies.sqlite", "Zen: Default (release)"),
    ],
)
def test_places_of_the_three_systems(tmp_path: Path, system: System, path: str, label: str) -> None:
    touch(tmp_path / path)
    assert found(tmp_path, system) == [label]


def test_variables_move_the_base_folders(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere/chromium/Default/Cookies")
    touch(tmp_path / ".config/google-chrome/Default/Cookies")
    assert found(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "elsewhere")) == ["Chromium: Default"]
    assert found(tmp_path, XDG_CONFIG_HOME="relative") == ["Chrome: Default"]


def test_firefox_profiles_come_in_the_order_of_their_list(tmp_path: Path) -> None:
    root = tmp_path / ".mozilla" / "firefox"
    outside = tmp_path / "outside"
    for name in ("a.default", "b.default-release", "d.unlisted"):
        touch(root / name / "cookies.sqlite")
    touch(outside / "cookies.sqlite")
    (root / "profiles.ini").write_text(
        "[Profile0]\nName=a\nIsRelative=1\nPath=a.default\nDefault=1\n"
        f"[Profile1]\nIsRelative=0\nPath={outside}\n"
        "[Profile2]\nIsRelative=1\nPath=b.default-release\n"
        "[Install4F96D1932A9F858E]\nDefault=b.default-release\nLocked=1\n"
    )
    assert found(tmp_path) == [
        "Firefox: default-release",
        "Firefox: default",
        "Firefox: outside",
        "Firefox: unlisted",
    ]


def test_a_damaged_list_of_profiles_is_passed_over(tmp_path: Path) -> None:
    root = tmp_path / ".mozilla" / "firefox"
    touch(root / "a.default" / "cookies.sqlite")
    (root / "profiles.ini").write_bytes(b"\xff\xfe not an ini [")
    assert found(tmp_path) == ["Firefox: default"]


def test_channels_of_firefox_are_told_by_the_name_of_the_profile(tmp_path: Path) -> None:
    root = tmp_path / ".config" / "mozilla" / "firefox"
    for name in ("a.dev-edition-default", "b.default-nightly", "c.default-esr"):
        touch(root / name / "cookies.sqlite")
    assert found(tmp_path) == [
        "Firefox: default-esr",
        "Firefox Developer Edition: dev-edition-default",
        "Firefox Nightly: default-nightly",
    ]


def test_the_default_order_begins_as_agreed() -> None:
    ids = [browser.id for browser in in_order(())]
    assert ids[:8] == ["safari", "chrome", "edge", "brave", "arc", "dia", "atlas", "chromium"]
    assert ids[-1] == "comet"
    assert len(ids) == len(set(ids)) == len(BROWSERS)


def test_an_order_can_name_browsers_families_and_the_rest() -> None:
    assert [b.id for b in in_order(("firefox", "chrome"))] == ["firefox", "chrome"]
    ids = [b.id for b in in_order(("arc", "*chromium", "unheard-of", "*"))]
    assert ids[:3] == ["arc", "chrome", "edge"]
    assert ids.index("comet") < ids.index("safari") < ids.index("firefox")
    assert len(ids) == len(BROWSERS)


@pytest.mark.parametrize("name", ["chrome-beta", "Chrome Beta", " CHROME-BETA "])
def test_a_browser_is_found_by_id_or_name(name: str) -> None:
    browser = find_browser(name)
    assert browser is not None
    assert browser.id == "chrome-beta"
    assert find_browser("netscape") is None
