"""The keys of Chromium's encrypted values on three systems.

Linux has a fixed password and one in the key store; macOS one in the keychain, Windows a key in
the browser's own `Local State`, protected for this user. Everything here blocks.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Any, Protocol

from tui.auth import kwallet, secret_service
from tui.auth.browsers import Browser

SALT = b"saltysalt"
FIXED_PASSWORD = b"peanuts"
"""What Linux builds use without a key store, and what browser-cookie3 gives for "no answer"."""
ROUNDS = {"linux": 1, "macos": 1003}
SCHEMAS = ("chrome_libsecret_os_crypt_password_v2", "chrome_libsecret_os_crypt_password_v1")


class KeyLocked(Exception):
    """The key is there, but its store would have to ask."""


class KeyRefused(Exception):
    """The question for the key was refused or ran out."""


class Cipher(Protocol):
    """A way to read values."""

    def decrypt(self, data: bytes) -> bytes | None:
        """The clear text; `None` when the key cannot be the right one."""


@dataclass(frozen=True, slots=True)
class CbcCipher:
    """AES-128-CBC as on Linux and macOS: an initial vector of blanks, PKCS #7 padding."""

    key: bytes = field(repr=False)

    def decrypt(self, data: bytes) -> bytes | None:
        """The clear text without its padding."""
        from cryptography.hazmat.primitives.ciphers import Cipher as Machine
        from cryptography.hazmat.primitives.ciphers import algorithms, modes

        if not data or len(data) % 16:
            return None
        machine = Machine(algorithms.AES(self.key), modes.CBC(b" " * 16)).decryptor()
        clear = machine.update(data) + machine.finalize()
        padding = clear[-1]
        if not 1 <= padding <= 16 or clear[-padding:] != bytes([padding]) * padding:
            return None
        return clear[:-padding]


@dataclass(frozen=True, slots=True)
class GcmCipher:
    """AES-256-GCM as on Windows: nonce, cipher text, tag."""

    key: bytes = field(repr=False)

    def decrypt(self, data: bytes) -> bytes | None:
        """The clear text."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self.key).decrypt(data[:12], data[12:], None)
        except (InvalidTag, ValueError):
            return None


@lru_cache(maxsize=64)
def cbc_cipher(password: bytes, system: str) -> CbcCipher:
    """The cipher of a password."""
    return CbcCipher(pbkdf2_hmac("sha1", password, SALT, ROUNDS[system], 16))


def fixed_ciphers() -> tuple[Cipher, ...]:
    """Linux without a key store; an empty password was a slip of some versions."""
    return cbc_cipher(FIXED_PASSWORD, "linux"), cbc_cipher(b"", "linux")


def linux_passwords(browser: Browser, *, may_ask: bool) -> tuple[bytes, ...]:
    """The passwords that may be this browser's: Secret Service first, then KWallet.

    Raises:
        KeyLocked: There is one, but it may not be asked for.
        KeyRefused: It was asked for and refused.
    """
    wanted = [
        {"xdg:schema": schema, "application": name}
        for name in dict.fromkeys((browser.application, "chrome", "chromium"))
        for schema in SCHEMAS
    ]
    try:
        found = secret_service.look_up_all(wanted, may_ask=may_ask)
    except secret_service.NoSecretService:
        found = ()
    except secret_service.SecretServiceLocked as error:
        raise (KeyRefused if may_ask else KeyLocked) from error
    return found or _wallet_password(browser, may_ask=may_ask)


def _wallet_password(browser: Browser, *, may_ask: bool) -> tuple[bytes, ...]:
    name = browser.key_name
    try:
        password = kwallet.look_up(f"{name} Keys", f"{name} Safe Storage", may_ask=may_ask)
    except kwallet.NoWallet:
        return ()
    except kwallet.WalletClosed as error:
        raise (KeyRefused if may_ask else KeyLocked) from error
    return (password.encode(),) if password else ()


def macos_passwords(browser: Browser, *, may_ask: bool) -> tuple[bytes, ...]:
    """The password of the keychain. The keychain asks, so it is only opened when that is allowed.

    Raises:
        KeyLocked: It may not be asked for.
        KeyRefused: It was asked for and refused.
    """
    if not may_ask:
        raise KeyLocked
    ask = _borrowed("_get_osx_keychain_password")
    password = bytes(ask(f"{browser.key_name} Safe Storage", browser.key_name))
    if password in (b"", FIXED_PASSWORD):
        raise KeyRefused
    return (password,)


def windows_ciphers(local_state: Path) -> tuple[Cipher, ...]:
    """The cipher whose key lies in `Local State`; none when it cannot be read. Never asks."""
    try:
        state = json.loads(local_state.read_bytes())
        protected = base64.b64decode(state["os_crypt"]["encrypted_key"])
        unprotect = _borrowed("_crypt_unprotect_data")
        _, key = unprotect(protected.removeprefix(b"DPAPI"), is_key=True)
        return (GcmCipher(bytes(key)),)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError):
        return ()


def _borrowed(name: str) -> Callable[..., Any]:
    """A function of browser-cookie3 for key material that cannot be had elsewhere."""
    import browser_cookie3

    function: Callable[..., Any] = getattr(browser_cookie3, name)
    return function


def password_ciphers(passwords: Sequence[bytes], system: str) -> tuple[Cipher, ...]:
    """A cipher per password; on Linux also the empty one that some versions fell back to."""
    spare = (b"",) if system == "linux" else ()
    return tuple(cbc_cipher(password, system) for password in (*passwords, *spare))
