"""One cookie, and where a browser sends it (RFC 6265)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

_BREAKS_OUT = re.compile(r"[\x00-\x1f\x7f;]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One cookie, as a browser keeps it."""

    name: str
    value: str = field(repr=False)
    domain: str
    """In lower case, without a leading dot; empty for a pasted cookie, which has no home."""
    host_only: bool = False
    """Sent to this host alone, not to the hosts below it."""
    path: str = "/"
    secure: bool = False
    expires_at: datetime | None = None
    """`None` lives as long as the browser session."""

    @property
    def place(self) -> tuple[str, str, str]:
        """What makes it the same cookie: a newer one here replaces it."""
        return self.name, self.domain, self.path

    @property
    def is_sendable(self) -> bool:
        """Whether it can stand in a header without breaking out of it."""
        return bool(self.name) and not _BREAKS_OUT.search(self.name + self.value)

    def is_expired(self, now: datetime) -> bool:
        """Whether it is over."""
        return self.expires_at is not None and self.expires_at <= now

    def goes_to(self, address: Address) -> bool:
        """Whether a browser sends it there; expiry is not looked at."""
        return (
            (address.is_secure or not self.secure)
            and self._is_for_host(address)
            and self._is_for_path(address.path)
        )

    def _is_for_host(self, address: Address) -> bool:
        if not self.domain or address.host == self.domain:
            return True
        is_below = address.host.endswith(f".{self.domain}")
        return is_below and not self.host_only and not address.is_ip

    def _is_for_path(self, path: str) -> bool:
        if not path.startswith(self.path):
            return False
        return path == self.path or self.path.endswith("/") or path[len(self.path)] == "/"


class Address(NamedTuple):
    """What of an address decides about cookies."""

    host: str
    path: str
    is_secure: bool
    is_ip: bool

    @classmethod
    def of(cls, url: str) -> Address:
        """Taken apart."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower().rstrip(".")
        return cls(host, parts.path or "/", parts.scheme.lower() == "https", is_ip(host))


def is_ip(host: str) -> bool:
    """Whether a host is a literal address, which has no hosts below it."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
