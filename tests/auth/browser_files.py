"""Browser stores made by hand, for what the browsers of this machine do not write."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import lz4.block  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FAR = 4_000_000_000.0
"""An expiry in the year 2096, in seconds."""


def cbc_key(password: bytes, rounds: int = 1) -> bytes:
    """The key Chromium derives from a password."""
    return hashlib.pbkdf2_hmac("sha1", password, b"saltysalt", rounds, 16)


def cbc(key: bytes, clear: bytes) -> bytes:
    """AES-128-CBC as on Linux and macOS."""
    padding = 16 - len(clear) % 16
    machine = Cipher(algorithms.AES(key), modes.CBC(b" " * 16)).encryptor()
    return machine.update(clear + bytes([padding]) * padding) + machine.finalize()


def gcm(key: bytes, clear: bytes) -> bytes:
    """AES-256-GCM as on Windows."""
    nonce = b"twelve bytes"
    return nonce + AESGCM(key).encrypt(nonce, clear, None)


@dataclass(frozen=True)
class Row:
    """A cookie of Chromium.

    Args:
        encrypted: With its prefix; the clear text of `with_hash` inside.
    """

    host: str
    name: str
    encrypted: bytes = b""
    value: str = ""
    path: str = "/"
    expires_s: float = FAR
    secure: bool = True
    partition: str = ""


def with_hash(host: str, value: str) -> bytes:
    """The clear text since version 24 of the database."""
    return hashlib.sha256(host.encode()).digest() + value.encode()


def v10(host: str, name: str, value: str, *, password: bytes = b"peanuts", rounds: int = 1) -> Row:
    """A row with the fixed key of Linux, or with another one."""
    return Row(host, name, b"v10" + cbc(cbc_key(password, rounds), with_hash(host, value)))


def write_chromium(database: Path, rows: Iterable[Row], *, version: int = 24) -> Path:
    """A cookie database."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE meta(key TEXT, value TEXT)")
        connection.execute("INSERT INTO meta VALUES ('version', ?)", (str(version),))
        connection.execute(
            "CREATE TABLE cookies(host_key TEXT, top_frame_site_key TEXT, name TEXT, value TEXT,"
            " encrypted_value BLOB, path TEXT, expires_utc INTEGER, is_secure INTEGER)"
        )
        for row in rows:
            expires = int((row.expires_s + 11_644_473_600) * 1e6) if row.expires_s else 0
            connection.execute(
                "INSERT INTO cookies VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row.host,
                    row.partition,
                    row.name,
                    row.value,
                    row.encrypted,
                    row.path,
                    expires,
                    row.secure,
                ),
            )
        connection.commit()
    return database


def write_firefox(
    profile: Path,
    rows: Sequence[tuple[str, str, str, float, str]],
    *,
    session: Sequence[dict[str, object]] = (),
) -> Path:
    """A profile with cookies: host, name, value, expiry, attributes; and those of the session."""
    (profile / "sessionstore-backups").mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(profile / "cookies.sqlite")) as connection:
        connection.execute(
            "CREATE TABLE moz_cookies(originAttributes TEXT, name TEXT, value TEXT, host TEXT,"
            " path TEXT, expiry INTEGER, isSecure INTEGER)"
        )
        for host, name, value, expiry, attributes in rows:
            connection.execute(
                "INSERT INTO moz_cookies VALUES (?, ?, ?, ?, '/', ?, 1)",
                (attributes, name, value, host, expiry),
            )
        connection.commit()
    if session:
        packed = lz4.block.compress(json.dumps({"cookies": list(session)}).encode())
        file = profile / "sessionstore-backups" / "recovery.jsonlz4"
        file.write_bytes(b"mozLz40\0" + packed)
    return profile


def safari_cookies(cookies: Sequence[tuple[str, str, str, float]]) -> bytes:
    """`Cookies.binarycookies` with one page: domain, name, value, expiry in epoch seconds."""
    records = [_safari_record(*cookie) for cookie in cookies]
    offsets = []
    at = 12 + 4 * len(records)
    for record in records:
        offsets.append(at)
        at += len(record)
    page = b"\0\0\1\0" + struct.pack("<I", len(records))
    page += b"".join(struct.pack("<I", offset) for offset in offsets) + b"\0\0\0\0"
    page += b"".join(records)
    return b"cook" + struct.pack(">II", 1, len(page)) + page


def _safari_record(domain: str, name: str, value: str, expires_s: float) -> bytes:
    texts = [text.encode() + b"\0" for text in (domain, name, "/", value)]
    offsets = []
    at = 56
    for text in texts:
        offsets.append(at)
        at += len(text)
    apple_s = expires_s - 978_307_200 if expires_s else 0.0
    head = struct.pack("<IIII", at, 0, 1, 0) + struct.pack("<IIII", *offsets)
    return head + struct.pack("<II", 0, 0) + struct.pack("<dd", apple_s, 0.0) + b"".join(texts)
