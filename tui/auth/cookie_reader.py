"""Reading the cookies of one browser profile, whatever browser it is.

A store that cannot be read is a trouble among the results, never an error: the next profile may
have the login.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tui.auth import firefox, safari
from tui.auth.browser_keys import BrowserKeys
from tui.auth.browsers import Browser
from tui.auth.chromium import EncryptedCookie, cookie_files, decrypt, read_rows, versions
from tui.auth.cookie import Cookie
from tui.auth.profiles import Profile
from tui.auth.readers import Found, Trouble
from tui.gateways.blocking import BlockedError, run_blocking

READ_S = 10.0
UNREADABLE = (OSError, sqlite3.Error, safari.DamagedCookies, BlockedError)
log = logging.getLogger(__name__)


class CookieReader:
    """Reads profiles with the keys of this run.

    Args:
        user_initiated: A key store may raise its question.
    """

    def __init__(self, keys: BrowserKeys, *, user_initiated: bool) -> None:
        self._keys = keys
        self._user_initiated = user_initiated

    async def read(self, profile: Profile, domains: Sequence[str]) -> Found:
        """The cookies of a profile for these domains."""
        try:
            if profile.browser.family == "chromium":
                found = await self._chromium(profile, domains, cookie_files(profile.folder))
            else:
                found = Found(await self._plain(profile, domains))
        except UNREADABLE as error:
            found = Found(troubles=frozenset({_trouble(error)}))
        return _logged(profile, found)

    async def read_app(self, file: Path, domains: Sequence[str]) -> tuple[str, Found]:
        """The cookies of a desktop app that keeps them in a Chromium database; and its name."""
        profile = _app_profile(file)
        try:
            found = await self._chromium(profile, domains, (file,))
        except UNREADABLE as error:
            found = Found(troubles=frozenset({_trouble(error)}))
        return profile.browser.name, _logged(profile, found)

    async def look(self, profile: Profile, domains: Sequence[str]) -> tuple[Cookie, ...]:
        """The cookies without their values where these are encrypted: no key is needed."""
        try:
            if profile.browser.family != "chromium":
                return await self._plain(profile, domains)
            stored = await _in_thread(partial(read_rows, cookie_files(profile.folder), domains))
        except UNREADABLE:
            return ()
        return tuple(row.cookie for row in stored)

    async def _plain(self, profile: Profile, domains: Sequence[str]) -> tuple[Cookie, ...]:
        """Cookies of a browser that does not encrypt them."""
        read = {"firefox": firefox.read_cookies, "safari": safari.read_cookies}
        return tuple(
            await run_blocking(
                partial(read[profile.browser.family], profile.folder, domains), deadline_s=READ_S
            )
        )

    async def _chromium(
        self, profile: Profile, domains: Sequence[str], files: Sequence[Path]
    ) -> Found:
        stored = await _in_thread(partial(read_rows, files, domains))
        ciphers, trouble = await self._keys.ciphers(
            profile, versions(stored), user_initiated=self._user_initiated
        )
        found = await run_blocking(partial(decrypt, stored, ciphers), deadline_s=READ_S)
        if trouble is None:
            if Trouble.KEY_MISSING in found.troubles:
                self._keys.forget(profile)
            return found
        return Found(found.cookies, found.troubles - {Trouble.KEY_MISSING} | {trouble})


async def _in_thread(read: Callable[[], list[EncryptedCookie]]) -> list[EncryptedCookie]:
    return await run_blocking(read, deadline_s=READ_S)


def _app_profile(file: Path) -> Profile:
    """An app is a browser of its own, named by its folder."""
    folder = file.parent.parent if file.parent.name == "Network" else file.parent
    name = folder.name
    browser = Browser(id=f"app {name}", name=name, key_name=name, application=name)
    return Profile(browser, folder, folder, "")


def _trouble(error: BaseException) -> Trouble:
    is_locked = isinstance(error, (PermissionError, BlockedError)) or "locked" in str(error)
    return Trouble.FILE_LOCKED if is_locked else Trouble.UNREADABLE


def _logged(profile: Profile, found: Found) -> Found:
    for trouble in sorted(found.troubles):
        log.debug("%s: cookies were not read (%s)", profile.label, trouble.value)
    return found
