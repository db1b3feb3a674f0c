"""Cookies as text: `Set-Cookie` headers, our own records, CodexBar's property lists."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from tui.auth.cookie import Address, Cookie

LONGEST_AGE_S = 400 * 86400
"""Browsers keep no cookie for longer."""


def from_set_cookie(text: str, address: Address, now: datetime) -> Cookie | None:
    """The cookie an answer of that address sets, possibly expired; nothing when it may not."""
    pair, *rest = text.split(";")
    name, equals, value = pair.partition("=")
    if not equals or not name.strip():
        return None
    attributes = {
        key.strip().lower(): content.strip()
        for key, _, content in (part.partition("=") for part in rest)
    }
    domain = attributes.get("domain", "").lstrip(".").lower()
    if domain and not _may_set_for(domain, address):
        return None
    cookie = Cookie(
        name=name.strip(),
        value=value.strip(),
        domain=domain or address.host,
        host_only=not domain,
        path=_path(attributes.get("path", ""), address),
        secure="secure" in attributes,
        expires_at=_expiry(attributes, now),
    )
    return cookie if _keeps_its_promise(cookie, address) else None


def _may_set_for(domain: str, address: Address) -> bool:
    """A host sets cookies for itself or for a domain above it, not for a whole top level."""
    if domain == address.host:
        return True
    return "." in domain and address.host.endswith(f".{domain}") and not address.is_ip


def _path(given: str, address: Address) -> str:
    if given.startswith("/"):
        return given
    return address.path.rpartition("/")[0] or "/"


def _expiry(attributes: dict[str, str], now: datetime) -> datetime | None:
    try:
        seconds = min(int(attributes["max-age"]), LONGEST_AGE_S)
        return now + timedelta(seconds=max(seconds, -1))
    except (KeyError, ValueError):
        return _http_date(attributes.get("expires", ""))


def _http_date(text: str) -> datetime | None:
    """A date of a header; the old form has dashes between day, month and year."""
    spaced = re.sub(r"(\d+)-(\w{3})-(\d+)", r"\1 \2 \3", text)
    try:
        moment = parsedate_to_datetime(spaced)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _keeps_its_promise(cookie: Cookie, address: Address) -> bool:
    """What the prefixes `__Secure-` and `__Host-` demand, and that only https sets secure ones."""
    if cookie.secure and not address.is_secure:
        return False
    if cookie.name.startswith("__Host-"):
        return cookie.secure and cookie.host_only and cookie.path == "/"
    return cookie.secure or not cookie.name.startswith("__Secure-")


def to_record(cookie: Cookie) -> dict[str, Any]:
    """A cookie as JSON."""
    return {
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "host_only": cookie.host_only,
        "path": cookie.path,
        "secure": cookie.secure,
        "expires": cookie.expires_at.timestamp() if cookie.expires_at else None,
    }


def from_record(record: Any) -> Cookie | None:
    """A cookie from JSON: of `to_record`, or a property list with `Name`, `Value`, `Domain`, ….

    In a property list a domain with a leading dot includes the hosts below, others do not.
    """
    if not isinstance(record, dict):
        return None
    lower = {str(key).lower(): value for key, value in record.items()}
    name, value, domain = (lower.get(key) for key in ("name", "value", "domain"))
    if not (isinstance(name, str) and isinstance(value, str) and isinstance(domain, str)):
        return None
    return Cookie(
        name=name,
        value=value,
        domain=domain.lstrip(".").lower(),
        host_only=bool(lower.get("host_only", not domain.startswith("."))),
        path=str(lower.get("path") or "/"),
        secure=str(lower.get("secure")).lower() in {"true", "1", "yes"},
        expires_at=_moment(lower.get("expires")),
    )


def _moment(value: Any) -> datetime | None:
    """Epoch seconds, or ISO 8601."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _from_epoch(value)
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _from_epoch(seconds: float) -> datetime | None:
    """A moment; times beyond the calendar never come, times before 1970 are long gone."""
    try:
        return datetime.fromtimestamp(max(seconds, 0), UTC)
    except (ValueError, OverflowError, OSError):
        return None
