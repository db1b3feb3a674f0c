"""Ciphers and signatures that some logins need. Keys come as secrets and are not kept."""

from __future__ import annotations

import re
from base64 import b64decode

from tui.core.redact import Secret

_HEX = re.compile(r"(?:[0-9a-fA-F]{16}){2,4}")


class Cryptography:
    """The protocol `Crypto` of the providers."""

    def decrypt_aes_gcm(
        self, key: Secret, *, nonce: bytes, ciphertext: bytes, tag: bytes
    ) -> bytes | None:
        """The clear text; `None` when the key does not fit or the data was damaged.

        Args:
            key: 16, 24 or 32 bytes, as hexadecimal or base64 text.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(_key_bytes(key)).decrypt(nonce, ciphertext + tag, None)
        except (InvalidTag, ValueError):
            return None

    def sign_rs256(self, key_pem: Secret, payload: bytes) -> bytes:
        """The signature as RS256 of JSON Web Tokens wants it (RSASSA-PKCS1-v1_5, SHA-256).

        Raises:
            ValueError: This is no RSA private key in PEM.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(key_pem.reveal().encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("no private key in PEM") from None
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("no RSA key")
        return key.sign(payload, PKCS1v15(), hashes.SHA256())


def _key_bytes(key: Secret) -> bytes:
    text = key.reveal().strip()
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    return b64decode(padded, validate=True)
