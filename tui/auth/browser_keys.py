"""Getting the keys of Chromium's values without ever surprising anybody with a question.

A key that was found is remembered for this run, in memory only. Whether a question may be raised
is decided here and by the gate; a store that does not answer is left behind in its thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from tui.auth.chromium import FIXED_KEY, STORED_KEY
from tui.auth.chromium_keys import (
    Cipher,
    KeyLocked,
    KeyRefused,
    fixed_ciphers,
    linux_passwords,
    macos_passwords,
    password_ciphers,
    windows_ciphers,
)
from tui.auth.profiles import Profile, System
from tui.auth.prompt_gate import PromptGate
from tui.auth.readers import Trouble
from tui.gateways.blocking import BlockedError, run_blocking

SILENT_S = 5.0
ASKING_S = 25.0
"""People need time for a password; the question stays when we have gone on without it."""

LOOK_UPS: dict[System, Callable[..., tuple[bytes, ...]]] = {
    "linux": linux_passwords,
    "macos": macos_passwords,
}
STORED_VERSIONS: dict[System, bytes] = {"linux": STORED_KEY, "macos": FIXED_KEY}
"""What the password of the key store protects."""


class BrowserKeys:
    """The ciphers for the values of a profile."""

    def __init__(self, system: System, gate: PromptGate) -> None:
        self._system = system
        self._gate = gate
        self._passwords: dict[str, tuple[bytes, ...]] = {}
        self._asking = asyncio.Lock()

    async def ciphers(
        self, profile: Profile, versions: Iterable[bytes], *, user_initiated: bool
    ) -> tuple[dict[bytes, Sequence[Cipher]], Trouble | None]:
        """Ciphers by version of the encryption, and why one is missing.

        Args:
            versions: Those that occur; nothing is looked up for the others.
            user_initiated: A question may be raised, if the gate allows it.
        """
        if self._system == "windows":
            found = await run_blocking(
                partial(windows_ciphers, profile.root / "Local State"), deadline_s=SILENT_S
            )
            return {FIXED_KEY: found, STORED_KEY: found}, None
        fixed = {FIXED_KEY: fixed_ciphers()} if self._system == "linux" else {}
        version = STORED_VERSIONS[self._system]
        if version not in versions:
            return dict(fixed), None
        passwords, trouble = await self._stored_passwords(profile, user_initiated)
        return {**fixed, version: password_ciphers(passwords, self._system)}, trouble

    def forget(self, profile: Profile) -> None:
        """The key did not fit: look it up again next time."""
        self._passwords.pop(profile.browser.id, None)

    async def _stored_passwords(
        self, profile: Profile, user_initiated: bool
    ) -> tuple[tuple[bytes, ...], Trouble | None]:
        known = self._passwords.get(profile.browser.id)
        if known:
            return known, None
        try:
            found = await self._look_up(profile, may_ask=False)
        except (KeyLocked, BlockedError):
            if not user_initiated:
                return (), Trouble.KEY_LOCKED
            return await self._asked(profile)
        self._passwords[profile.browser.id] = found
        return found, None

    async def _asked(self, profile: Profile) -> tuple[tuple[bytes, ...], Trouble | None]:
        """The passwords the user gives free, one question at a time: an answer counts for all."""
        async with self._asking:
            known = self._passwords.get(profile.browser.id)
            if known:
                return known, None
            if not await self._gate.may_ask():
                return (), Trouble.KEY_LOCKED
            try:
                found = await self._look_up(profile, may_ask=True)
            except (KeyRefused, BlockedError):
                await self._gate.refused(profile.browser.id)
                return (), Trouble.KEY_REFUSED
            await self._gate.granted()
            self._passwords[profile.browser.id] = found
            return found, None

    async def _look_up(self, profile: Profile, *, may_ask: bool) -> tuple[bytes, ...]:
        return await run_blocking(
            partial(LOOK_UPS[self._system], profile.browser, may_ask=may_ask),
            deadline_s=ASKING_S if may_ask else SILENT_S,
            key="browser-keys",
        )
