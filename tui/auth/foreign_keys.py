"""What other programs keep in the key store of the system: read, never written."""

from __future__ import annotations

import sys
from base64 import b64encode

from tui.auth import secret_service
from tui.auth.keyring_store import DEADLINE_S, KeyStore, KeyStoreUnavailable
from tui.core.redact import Secret
from tui.gateways.blocking import BlockedError, run_blocking

LOCKED = (secret_service.NoSecretService, secret_service.SecretServiceLocked, BlockedError)


class ForeignKeys:
    """The protocol `KeyStore` of the providers.

    Args:
        may_ask: The user started this, so the system may put its question.
        system: Linux tells entries by attributes, the other systems by a name.
    """

    def __init__(self, key_store: KeyStore, *, may_ask: bool, system: str = sys.platform) -> None:
        self._key_store = key_store
        self._may_ask = may_ask
        self._is_linux = system not in ("darwin", "win32")

    async def find(self, service: str, account: str) -> Secret | None:
        """The value of an entry; `None` when there is none or its store does not open."""
        look = self._in_secret_service if self._is_linux else self._in_key_store
        value = await look(service, account)
        return Secret(value) if value else None

    async def _in_secret_service(self, service: str, account: str) -> str:
        wanted = [{"service": service, name: account} for name in ("account", "username")]
        try:
            found = await run_blocking(
                lambda: secret_service.look_up_all(wanted, may_ask=self._may_ask),
                deadline_s=DEADLINE_S,
                key="keyring",
            )
        except LOCKED:
            return ""
        return _text(found[0]) if found else ""

    async def _in_key_store(self, service: str, account: str) -> str:
        try:
            value = await self._key_store.read_foreign(
                service, account, user_initiated=self._may_ask
            )
        except KeyStoreUnavailable:
            return ""
        return (value or "").strip()


def _text(value: bytes) -> str:
    """UTF-8, or UTF-16 as programs for Windows write it; bytes that are no text as base64."""
    try:
        return value.decode("utf-16-le" if b"\0" in value else "utf-8").strip("\0 \r\n")
    except UnicodeDecodeError:
        return b64encode(value).decode()
