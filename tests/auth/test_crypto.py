"""AES-GCM as a command line program encrypts its login, RS256 as Google checks it."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tui.auth.crypto import Cryptography
from tui.core.redact import Secret

KEY = bytes(range(200, 232))
NONCE = bytes(16)
SEALED = AESGCM(KEY).encrypt(NONCE, b"clear", None)
CIPHERTEXT, TAG = SEALED[:-16], SEALED[-16:]


def decrypted(key_text: str, ciphertext: bytes = CIPHERTEXT) -> bytes | None:
    key = Secret(key_text)
    return Cryptography().decrypt_aes_gcm(key, nonce=NONCE, ciphertext=ciphertext, tag=TAG)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(KEY.hex(), id="hexadecimal"),
        pytest.param(b64encode(KEY).decode(), id="base64"),
        pytest.param(urlsafe_b64encode(KEY).decode().rstrip("="), id="base64url without padding"),
        pytest.param(f" {KEY.hex().upper()}\n", id="upper case with blanks"),
    ],
)
def test_a_key_can_be_written_in_several_ways(text: str) -> None:
    assert decrypted(text) == b"clear"


@pytest.mark.parametrize("text", ["", "short", "ä" * 44, bytes(32).hex(), "not base64!"])
def test_a_key_that_does_not_fit_gives_nothing(text: str) -> None:
    assert decrypted(text) is None


def test_damaged_data_gives_nothing() -> None:
    assert decrypted(KEY.hex(), bytes(5)) is None
    fitting = Secret(KEY.hex())
    assert Cryptography().decrypt_aes_gcm(fitting, nonce=b"", ciphertext=b"", tag=b"") is None


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Secret:
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Secret(written.decode())


def test_a_signature_is_valid() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature = Cryptography().sign_rs256(pem(key), b"header.claims")
    key.public_key().verify(signature, b"header.claims", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    "written", [Secret("nothing"), pem(ec.generate_private_key(ec.SECP256R1()))]
)
def test_only_rsa_keys_sign(written: Secret) -> None:
    with pytest.raises(ValueError, match="key"):
        Cryptography().sign_rs256(written, b"x")
