"""The browsers we know: their order, where they keep profiles, what their key is called.

Tables only. Places are written relative to the folders a system has for such data; `find_profiles`
in `profiles.py` looks what of it exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Family = Literal["chromium", "firefox", "safari"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """One browser or channel.

    Places begin with the name of a base folder: `config` (`~/.config`), `home`, `support`
    (`~/Library/Application Support`), `local` and `roaming` (`%LOCALAPPDATA%`, `%APPDATA%`).
    """

    id: str
    """What the setting `browser` calls it."""
    name: str
    family: Family = "chromium"
    linux: tuple[str, ...] = ()
    macos: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    key_name: str = ""
    """`<this> Safe Storage` is its entry in the macOS keychain and in KWallet."""
    application: str = "chrome"
    """The attribute of its secret in the Secret Service of Linux."""
    profile_suffix: str = ""
    """Channels of Firefox share a folder; their profiles are told by how the name ends."""


def _flatpak(app: str, place: str) -> str:
    return f"home:.var/app/{app}/{place}"


def _firefox(id: str, name: str, suffix: str = "") -> Browser:
    snap = "home:snap/firefox/common"
    flatpak = "home:.var/app/org.mozilla.firefox"
    return Browser(
        id=id,
        name=name,
        family="firefox",
        linux=(
            "config:mozilla/firefox",
            "home:.mozilla/firefox",
            f"{snap}/.config/mozilla/firefox",
            f"{snap}/.mozilla/firefox",
            f"{flatpak}/config/mozilla/firefox",
            f"{flatpak}/.mozilla/firefox",
        ),
        macos=("support:Firefox",),
        windows=("roaming:Mozilla/Firefox",),
        profile_suffix=suffix,
    )


BROWSERS: tuple[Browser, ...] = (
    Browser(id="safari", name="Safari", family="safari", macos=("home:Library",)),
    Browser(
        id="chrome",
        name="Chrome",
        linux=(
            "config:google-chrome",
            _flatpak("com.google.Chrome", "config/google-chrome"),
        ),
        macos=("support:Google/Chrome",),
        windows=("local:Google/Chrome/User Data",),
        key_name="Chrome",
    ),
    Browser(
        id="edge",
        name="Edge",
        linux=("config:microsoft-edge", _flatpak("com.microsoft.Edge", "config/microsoft-edge")),
        macos=("support:Microsoft Edge",),
        windows=("local:Microsoft/Edge/User Data",),
        key_name="Microsoft Edge",
        application="chromium",
    ),
    Browser(
        id="brave",
        name="Brave",
        linux=(
            "config:BraveSoftware/Brave-Browser",
            _flatpak("com.brave.Browser", "config/BraveSoftware/Brave-Browser"),
            "home:snap/brave/current/.config/BraveSoftware/Brave-Browser",
        ),
        macos=("support:BraveSoftware/Brave-Browser",),
        windows=("local:BraveSoftware/Brave-Browser/User Data",),
        key_name="Brave",
        application="brave",
    ),
    Browser(
        id="arc",
        name="Arc",
        macos=("support:Arc/User Data",),
        windows=(
            "local:Packages/TheBrowserCompany.Arc_ttt1ap7aakyb4/LocalCache/Local/Arc/User Data",
        ),
        key_name="Arc",
    ),
    Browser(id="dia", name="Dia", macos=("support:Dia/User Data",), key_name="Dia"),
    Browser(
        id="atlas",
        name="ChatGPT Atlas",
        macos=("support:com.openai.atlas/browser-data/host",),
        key_name="ChatGPT Atlas",
    ),
    Browser(
        id="chromium",
        name="Chromium",
        linux=(
            "config:chromium",
            "home:snap/chromium/common/chromium",
            _flatpak("org.chromium.Chromium", "config/chromium"),
            _flatpak("io.github.ungoogled_software.ungoogled_chromium", "config/chromium"),
        ),
        macos=("support:Chromium",),
        windows=("local:Chromium/User Data",),
        key_name="Chromium",
        application="chromium",
    ),
    Browser(
        id="helium",
        name="Helium",
        linux=("config:net.imput.helium",),
        macos=("support:net.imput.helium",),
        windows=("local:imput/Helium/User Data",),
        key_name="Helium",
        application="chromium",
    ),
    Browser(
        id="vivaldi",
        name="Vivaldi",
        linux=(
            "config:vivaldi",
            "config:vivaldi-snapshot",
            _flatpak("com.vivaldi.Vivaldi", "config/vivaldi"),
        ),
        macos=("support:Vivaldi",),
        windows=("local:Vivaldi/User Data",),
        key_name="Vivaldi",
    ),
    Browser(
        id="yandex",
        name="Yandex",
        linux=(
            "config:yandex-browser",
            "config:yandex-browser-beta",
            _flatpak("ru.yandex.Browser", "config/yandex-browser"),
        ),
        macos=("support:Yandex/YandexBrowser",),
        windows=("local:Yandex/YandexBrowser/User Data",),
        key_name="Yandex",
        application="yandex-browser",
    ),
    Browser(
        id="opera",
        name="Opera",
        linux=("config:opera", _flatpak("com.opera.Opera", "config/opera")),
        macos=("support:com.operasoftware.Opera",),
        windows=("roaming:Opera Software/Opera Stable",),
        key_name="Opera",
        application="chromium",
    ),
    _firefox("firefox", "Firefox"),
    _firefox("firefox-beta", "Firefox Beta", "default-beta"),
    _firefox("firefox-dev", "Firefox Developer Edition", "dev-edition-default"),
    _firefox("firefox-nightly", "Firefox Nightly", "default-nightly"),
    Browser(
        id="zen",
        name="Zen",
        family="firefox",
        linux=("config:zen", "home:.zen", _flatpak("app.zen_browser.zen", ".zen")),
        macos=("support:zen",),
        windows=("roaming:zen",),
    ),
    Browser(
        id="librewolf",
        name="LibreWolf",
        family="firefox",
        linux=(
            "config:librewolf/librewolf",
            "home:.librewolf",
            _flatpak("io.gitlab.librewolf-community", ".librewolf"),
        ),
        macos=("support:librewolf",),
        windows=("roaming:librewolf",),
    ),
    Browser(
        id="chrome-beta",
        name="Chrome Beta",
        linux=("config:google-chrome-beta",),
        macos=("support:Google/Chrome Beta",),
        windows=("local:Google/Chrome Beta/User Data",),
        key_name="Chrome",
    ),
    Browser(
        id="chrome-canary",
        name="Chrome Canary",
        linux=(
            "config:google-chrome-unstable",
            "config:google-chrome-canary",
            _flatpak("com.google.ChromeDev", "config/google-chrome-unstable"),
        ),
        macos=("support:Google/Chrome Canary",),
        windows=("local:Google/Chrome SxS/User Data",),
        key_name="Chrome",
    ),
    Browser(id="arc-beta", name="Arc Beta", macos=("support:Arc Beta/User Data",), key_name="Arc"),
    Browser(
        id="arc-canary", name="Arc Canary", macos=("support:Arc Canary/User Data",), key_name="Arc"
    ),
    Browser(
        id="brave-beta",
        name="Brave Beta",
        linux=("config:BraveSoftware/Brave-Browser-Beta",),
        macos=("support:BraveSoftware/Brave-Browser-Beta",),
        windows=("local:BraveSoftware/Brave-Browser-Beta/User Data",),
        key_name="Brave",
        application="brave",
    ),
    Browser(
        id="brave-nightly",
        name="Brave Nightly",
        linux=("config:BraveSoftware/Brave-Browser-Nightly",),
        macos=("support:BraveSoftware/Brave-Browser-Nightly",),
        windows=("local:BraveSoftware/Brave-Browser-Nightly/User Data",),
        key_name="Brave",
        application="brave",
    ),
    Browser(
        id="edge-beta",
        name="Edge Beta",
        linux=("config:microsoft-edge-beta",),
        macos=("support:Microsoft Edge Beta",),
        windows=("local:Microsoft/Edge Beta/User Data",),
        key_name="Microsoft Edge",
        application="chromium",
    ),
    Browser(
        id="edge-canary",
        name="Edge Canary",
        linux=("config:microsoft-edge-dev", "config:microsoft-edge-canary"),
        macos=("support:Microsoft Edge Canary",),
        windows=("local:Microsoft/Edge SxS/User Data",),
        key_name="Microsoft Edge",
        application="chromium",
    ),
    Browser(
        id="comet",
        name="Comet",
        macos=("support:Comet",),
        windows=("local:Perplexity/Comet/User Data",),
        key_name="Comet",
    ),
)
"""In the order of B§13.4, which is the order they are looked at."""

REST = "*"


def find_browser(name: str) -> Browser | None:
    """The browser with this id or name, in any case."""
    wanted = name.strip().lower()
    return next((b for b in BROWSERS if wanted in (b.id, b.name.lower())), None)


def in_order(names: Sequence[str]) -> tuple[Browser, ...]:
    """Browsers by id; `*` stands for the rest, `*chromium` for the rest of a family.

    Unknown ids are left out; without any name it is the default order.
    """
    chosen: dict[str, Browser] = {}
    for name in names or (REST,):
        if name.startswith(REST):
            fitting = (b for b in BROWSERS if name[1:] in ("", b.family))
        else:
            fitting = (b for b in BROWSERS if b.id == name)
        for browser in fitting:
            chosen.setdefault(browser.id, browser)
    return tuple(chosen.values())
