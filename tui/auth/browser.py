"""Logins in browsers of this machine, for one account at a time.

Which store may be opened without a question is decided below here, not by the sources: Firefox
always, Chromium when its key needs no question or is already known, anything else only when the
user started the refresh (interface.md, "Automatic means automatic, and silent").
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from tui.auth import local_storage
from tui.auth.browser_keys import BrowserKeys
from tui.auth.browsers import BROWSERS, Browser, Family, find_browser, in_order
from tui.auth.cookie_reader import CookieReader
from tui.auth.cookies import Jar
from tui.auth.local_storage import Items
from tui.auth.profiles import Places, Profile, System, find_profiles, this_system
from tui.auth.prompt_gate import PromptGate
from tui.auth.readers import SENTENCES, Found, Trouble, explain
from tui.core.clock import Clock
from tui.core.errors import MissingCredentials, Unsupported
from tui.core.redact import Secret
from tui.core.sessions import LocalStorage
from tui.gateways.blocking import BlockedError, run_blocking

SCAN_S = 20.0
DETECTION_S = 600.0
AUTO = "auto"
SESSION_STORAGE = "Session Storage"

ITEM_READERS: Mapping[Family, Callable[[Path, Sequence[str]], Items]] = {
    "chromium": local_storage.chromium_items,
    "firefox": local_storage.firefox_items,
    "safari": local_storage.safari_items,
}


class BrowserLogins:
    """The browsers of this user; shared by all accounts.

    Args:
        env: Variables that move the base folders.
        state: Where refused questions are remembered.
        system: Instead of the one this runs on.
    """

    def __init__(
        self,
        *,
        env: Mapping[str, str],
        home: Path,
        state: Path,
        clock: Clock,
        system: System | None = None,
    ) -> None:
        system = system or this_system()
        self.clock = clock
        self.keys = BrowserKeys(system, PromptGate(state / "browser-prompts.json", clock))
        self._places = Places(system, home, env)
        self._detected: tuple[float, tuple[Profile, ...]] | None = None

    async def profiles(self, *, anew: bool = False) -> tuple[Profile, ...]:
        """Every profile, in the default order of browsers; remembered for ten minutes.

        Args:
            anew: Look again now.
        """
        now_s = self.clock.monotonic()
        if anew or self._detected is None or now_s - self._detected[0] >= DETECTION_S:
            found = await run_blocking(partial(find_profiles, self._places), deadline_s=SCAN_S)
            self._detected = now_s, found
        return self._detected[1]

    async def choices(self) -> tuple[tuple[str, str], ...]:
        """What the setting `browser` can be on this machine: pairs of value and label."""
        found = await self.profiles()
        browsers = ((profile.browser.id, profile.browser.name) for profile in found)
        profiles = ((profile.choice, profile.label) for profile in found)
        return ((AUTO, "Automatic"), *dict.fromkeys((*browsers, *profiles)))

    def for_account(
        self,
        domains: Sequence[str],
        browsers: Sequence[str],
        chosen: str,
        *,
        user_initiated: bool,
    ) -> AccountBrowsers:
        """What one refresh of one account may see.

        Args:
            domains: Whose cookies are read; `example.com` stands for itself and what is below it.
            browsers: Ids in the order they are looked at; `*` is the rest, empty the default.
            chosen: The setting `browser`: `auto`, a browser, or `browser:profile`.
            user_initiated: A store may raise its question.
        """
        return AccountBrowsers(self, domains, browsers, chosen, user_initiated=user_initiated)


class AccountBrowsers:
    """The protocol `Browsers` for one refresh of one account."""

    def __init__(
        self,
        logins: BrowserLogins,
        domains: Sequence[str],
        browsers: Sequence[str],
        chosen: str,
        *,
        user_initiated: bool,
    ) -> None:
        self._logins = logins
        self._domains = tuple(domains)
        self._browsers = tuple(browsers)
        self._chosen = "" if chosen.strip().lower() == AUTO else chosen.strip()
        self._user_initiated = user_initiated
        self._reader = CookieReader(logins.keys, user_initiated=user_initiated)

    async def cookies(
        self, *, domains: Sequence[str] = (), browsers: Sequence[str] = ()
    ) -> AsyncIterator[Jar]:
        """One jar per profile that has cookies of the domains, each opened only when reached.

        Raises:
            Unsupported: The chosen browser is not here, or its cookies cannot be read.
            MissingCredentials: No jar was found, and the user refused a key.
        """
        troubles: dict[Trouble, Browser] = {}
        is_found = False
        for profile in await self._profiles(browsers):
            found = await self._reader.read(profile, tuple(domains) or self._domains)
            troubles = {**dict.fromkeys(found.troubles, profile.browser), **troubles}
            if (jar := self._jar(found, profile.label)) is not None:
                is_found = True
                yield jar
        if not is_found:
            self._complain(troubles)

    async def local_storage(
        self, origins: Sequence[str], *, browsers: Sequence[str] = ()
    ) -> AsyncIterator[LocalStorage]:
        """Local storage of these origins, per profile that has any."""
        hosts = local_storage.hosts_of(origins)
        for profile in await self._profiles(browsers):
            read = ITEM_READERS[profile.browser.family]
            items = await _items(partial(read, profile.folder, hosts))
            if items:
                yield _storage(profile, items)

    async def scan(
        self, folders: Sequence[str], hosts: Sequence[str], *, browsers: Sequence[str] = ()
    ) -> AsyncIterator[LocalStorage]:
        """Session storage and other LevelDB stores of Chromium profiles.

        Of `Session Storage` the items; of other folders readable text of the entries that belong
        to a host or mention one, under the keys `entry 0`, `entry 1`, ….
        """
        wanted = local_storage.hosts_of(hosts)
        for profile in await self._profiles(browsers):
            if profile.browser.family == "chromium":
                items = await _items(partial(_scanned, profile.folder, tuple(folders), wanted))
                if items:
                    yield _storage(profile, items)

    async def app_cookies(
        self, files: Sequence[Path], domains: Sequence[str]
    ) -> AsyncIterator[Jar]:
        """Cookies of a desktop app that keeps them in a Chromium store, one jar per file."""
        for file in files:
            name, found = await self._reader.read_app(file, domains)
            if (jar := self._jar(found, name)) is not None:
                yield jar

    async def describe(self) -> list[str]:
        """Where cookies of the domains lie, in words; decrypts nothing and raises no question."""
        found = []
        for profile in await self._profiles(()):
            cookies = Found(await self._reader.look(profile, self._domains))
            if self._jar(cookies, profile.label) is not None:
                found.append(f"cookies in {profile.label}")
        return found

    async def _profiles(self, browsers: Sequence[str]) -> list[Profile]:
        everything = await self._logins.profiles(anew=self._user_initiated)
        if self._chosen:
            return _chosen_profiles(self._chosen, everything)
        order = in_order(tuple(browsers) or self._browsers)
        return [found for browser in order for found in everything if found.browser is browser]

    def _jar(self, found: Found, label: str) -> Jar | None:
        """A jar of what is not over yet, unless that is nothing."""
        now = self._logins.clock.now
        fresh = [cookie for cookie in found.cookies if not cookie.is_expired(now())]
        return Jar(fresh, label, now=now) if fresh else None

    def _complain(self, troubles: Mapping[Trouble, Browser]) -> None:
        """Say why nothing was found: for a chosen browser always, else only a refused key."""
        for trouble in SENTENCES:
            if trouble not in troubles:
                continue
            browser = troubles[trouble]
            sentence, hint = explain(trouble, browser.name, family=browser.family)
            if self._chosen:
                raise Unsupported(sentence, hint=hint)
            if trouble is Trouble.KEY_REFUSED:
                raise MissingCredentials(sentence, hint=hint)


def _chosen_profiles(chosen: str, everything: Sequence[Profile]) -> list[Profile]:
    """The profiles of the browser, or the one profile, that the user named.

    Raises:
        Unsupported: There is no such browser or profile.
    """
    name, _, wanted = (part.strip() for part in chosen.partition(":"))
    browser = find_browser(name)
    if browser is None:
        known = ", ".join((AUTO, *(item.id for item in BROWSERS)))
        raise Unsupported(f"browser: {name} is not known.", hint=f"Use one of {known}.")
    found = [
        profile
        for profile in everything
        if profile.browser is browser and wanted in ("", profile.name, profile.folder.name)
    ]
    if not found:
        what = f"profile {wanted}" if wanted else "profile"
        raise Unsupported(
            f"{browser.name} has no {what} here.", hint="Choose another browser in the settings."
        )
    return found


async def _items(read: Callable[[], Items]) -> Items:
    """What a reader finds; a store that cannot be read has nothing."""
    try:
        return await run_blocking(read, deadline_s=SCAN_S)
    except (OSError, BlockedError):
        return {}


def _scanned(profile_folder: Path, folders: Sequence[str], hosts: Sequence[str]) -> Items:
    found: Items = {}
    for pattern in folders:
        for folder in sorted(profile_folder.glob(pattern)):
            is_session = folder.name == SESSION_STORAGE
            read = local_storage.session_items if is_session else local_storage.texts_of
            found = {**read(folder, hosts), **found}
    return found


def _storage(profile: Profile, items: Items) -> LocalStorage:
    browser = profile.label.removesuffix(f": {profile.name}")
    return LocalStorage(browser=browser, profile=profile.name, items=SecretItems(items))


class SecretItems(Mapping[tuple[str, str], Secret]):
    """Values that become secrets when they are taken out.

    A page keeps many ordinary words; made secrets all at once, they would be blotted out
    wherever they turn up.
    """

    def __init__(self, items: Items) -> None:
        self._items = items

    def __getitem__(self, place: tuple[str, str]) -> Secret:
        return Secret(self._items[place])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
