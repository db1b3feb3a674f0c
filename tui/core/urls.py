"""Addresses that the user may change: checked before any byte leaves the machine."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def is_loopback(host: str) -> bool:
    """Whether this is literally this machine: `localhost`, 127.0.0.0/8 or ::1."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def https_url(text: str, *, bare_host: bool = True, loopback_http: bool = False) -> str:
    """The address with its scheme, refused unless a secret may travel to it.

    Args:
        text: A cleaned value: an address, or with `bare_host` also `host:8443/path`.
        bare_host: Put `https://` in front of a value without a scheme.
        loopback_http: Also accept `http://` for this machine.

    Raises:
        ValueError: Another scheme, user-info, no or an odd host, a bad port.
    """
    if any(c.isspace() or ord(c) < 32 or c == "\\" for c in text):
        raise ValueError("blanks and control characters are not allowed")
    scheme = _SCHEME.match(text)
    if scheme is None:
        if not bare_host:
            raise ValueError("an explicit https:// is needed")
        text = f"https://{text}"
    parts = urlsplit(text)
    _check_host(parts)
    host = parts.hostname or ""
    if parts.scheme.lower() == "http" and loopback_http and is_loopback(host):
        return text
    if parts.scheme.lower() != "https":
        raise ValueError("only https is allowed")
    return text


def _check_host(parts: SplitResult) -> None:
    netloc = parts.netloc
    if "@" in netloc or "%40" in netloc.lower():
        raise ValueError("user names in an address are not allowed")
    decoded = unquote(netloc)
    if decoded != netloc or "%" in decoded:
        raise ValueError("encoded characters in the host are not allowed")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is not a number") from None
    host = netloc.rpartition(":")[0] if port is not None else netloc.rstrip(":")
    if not host or not _HOST.fullmatch(host):
        raise ValueError("the host is empty or has odd characters")


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, in lower case and with the default port filled in."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    port = parts.port or {"https": 443, "http": 80}.get(scheme, 0)
    return scheme, (parts.hostname or "").lower(), port


def host_of(url: str) -> str:
    """The host, in lower case."""
    return (urlsplit(url).hostname or "").lower()


def host_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """Whether a host is in the list; an entry that starts with a dot also allows what lies below
    it."""
    host = host.lower()
    return any(
        host == entry.lstrip(".") or (entry.startswith(".") and host.endswith(entry))
        for entry in (item.lower() for item in allowed)
    )
