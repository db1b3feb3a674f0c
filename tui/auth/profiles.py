"""Which browser profiles exist. Looks at names of folders and files; opens and decrypts nothing."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui.auth.browsers import BROWSERS, Browser

System = Literal["linux", "macos", "windows"]

CHROMIUM_COOKIES = ("Network/Cookies", "Cookies")
"""Newer and older place inside a profile."""
FIREFOX_COOKIES = "cookies.sqlite"
SAFARI_COOKIES = (
    "Containers/com.apple.Safari/Data/Library/Cookies/Cookies.binarycookies",
    "Cookies/Cookies.binarycookies",
)
SAFARI_DATA = "Containers/com.apple.Safari/Data/Library/WebKit/WebsiteData/Default"


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile of one browser."""

    browser: Browser
    root: Path
    """The folder with everything of this browser."""
    folder: Path
    name: str

    @property
    def label(self) -> str:
        """For people: "Chromium: Default", "Chrome (Flatpak): Default"."""
        parts = self.root.parts
        package = "Flatpak" if ".var" in parts else "Snap" if "snap" in parts else ""
        name = f"{self.browser.name} ({package})" if package else self.browser.name
        return f"{name}: {self.name}"

    @property
    def choice(self) -> str:
        """How the setting `browser` names it."""
        return f"{self.browser.id}:{self.name}"


@dataclass(frozen=True, slots=True)
class Places:
    """The base folders of this user."""

    system: System
    home: Path
    env: Mapping[str, str]

    def roots(self, browser: Browser) -> Iterator[Path]:
        """The folders a browser may keep its profiles in; they need not exist."""
        written: tuple[str, ...] = getattr(browser, self.system)
        for place in written:
            base, _, rest = place.partition(":")
            yield self._base(base) / rest

    def _base(self, name: str) -> Path:
        defaults = {
            "home": ("", self.home),
            "config": ("XDG_CONFIG_HOME", self.home / ".config"),
            "support": ("", self.home / "Library" / "Application Support"),
            "local": ("LOCALAPPDATA", self.home / "AppData" / "Local"),
            "roaming": ("APPDATA", self.home / "AppData" / "Roaming"),
        }
        variable, default = defaults[name]
        chosen = Path(self.env.get(variable, ""))
        return chosen if chosen.is_absolute() else default


def this_system() -> System:
    """Which family of systems this is."""
    names: dict[str, System] = {"darwin": "macos", "win32": "windows"}
    return names.get(sys.platform, "linux")


def find_profiles(places: Places, browsers: Iterable[Browser] = BROWSERS) -> tuple[Profile, ...]:
    """Every profile of these browsers, in their order."""
    finders = {"chromium": _chromium, "firefox": _firefox, "safari": _safari}
    found: list[Profile] = []
    for browser in browsers:
        for root in places.roots(browser):
            found += finders[browser.family](browser, root)
    return tuple(found)


def _chromium(browser: Browser, root: Path) -> Iterator[Profile]:
    """`Default`, `Profile N` and `user-…`, or the folder itself as older Opera has it."""
    if _is_chromium_profile(root):
        yield Profile(browser, root, root, "Default")
    for folder in _folders(root):
        is_named = folder.name == "Default" or folder.name.startswith(("Profile ", "user-"))
        if is_named and _is_chromium_profile(folder):
            yield Profile(browser, root, folder, folder.name)


def _is_chromium_profile(folder: Path) -> bool:
    return any(_exists(folder / name) for name in (*CHROMIUM_COOKIES, "Local Storage"))


def _firefox(browser: Browser, root: Path) -> Iterator[Profile]:
    """The profiles of `profiles.ini`, the default one first; then others that lie there."""
    named = _named_in_ini(root)
    scanned = [*_folders(root), *_folders(root / "Profiles")]
    for folder in dict.fromkeys((*named, *scanned)):
        if _exists(folder / FIREFOX_COOKIES) and _is_of_channel(browser, folder.name):
            yield Profile(browser, root, folder, folder.name.partition(".")[2] or folder.name)


def _named_in_ini(root: Path) -> list[Path]:
    ini = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        ini.read(root / "profiles.ini", encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return []
    installed = [ini[name].get("Default") for name in ini if name.startswith("Install")]
    listed = [ini[name] for name in ini if name.startswith("Profile")]
    listed.sort(key=lambda entry: (entry.get("Path") not in installed, entry.get("Default") != "1"))
    paths = [(entry.get("Path", ""), entry.get("IsRelative") != "0") for entry in listed]
    return [root / path if is_relative else Path(path) for path, is_relative in paths if path]


def _is_of_channel(browser: Browser, name: str) -> bool:
    suffixes = [other.profile_suffix for other in BROWSERS if other.profile_suffix]
    if browser.profile_suffix:
        return name.endswith(browser.profile_suffix)
    return browser.id != "firefox" or not name.endswith(tuple(suffixes))


def _safari(browser: Browser, library: Path) -> Iterator[Profile]:
    if any(_exists(library / path) for path in (*SAFARI_COOKIES, SAFARI_DATA)):
        yield Profile(browser, library, library, "Default")


def _folders(parent: Path) -> Sequence[Path]:
    """The folders inside, by name; none when it cannot be listed."""
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir())
    except OSError:
        return ()


def _exists(path: Path) -> bool:
    """Also what may not be looked at: whoever opens it says so."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
