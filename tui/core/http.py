"""An answer of a server, as the sources see it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

LONGEST_WAIT_S = 7 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Status, headers and the whole body of one exchange."""

    status: int
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """The first header of that name in any case, else an empty text."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), "")

    def all_headers(self, name: str) -> tuple[str, ...]:
        """Every header of that name: `Set-Cookie` comes several times."""
        name = name.lower()
        return tuple(value for key, value in self.headers if key.lower() == name)

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become replacement characters."""
        return self.body.decode("utf-8-sig", errors="replace")

    @property
    def is_redirect(self) -> bool:
        """A redirect that was not followed."""
        return self.status in {301, 302, 303, 307, 308}

    @property
    def redirect_url(self) -> str:
        """The whole address a redirect leads to; empty when it names none that can be used."""
        location = self.header("location").strip()
        try:
            target = urljoin(self.url, location)
            parts = urlsplit(target)
            is_usable = bool(location and parts.hostname and parts.port != 0)
        except ValueError:
            return ""
        return target if is_usable else ""

    @property
    def is_html(self) -> bool:
        """Whether a page came: by its type, or by how it begins."""
        if "html" in self.header("content-type").lower():
            return True
        start = self.body[:256].lstrip().lower()
        return start.startswith((b"<!doctype html", b"<html", b"<head"))

    def retry_after_s(self, now: datetime) -> float | None:
        """`Retry-After` in seconds from now, for both of its forms; `None` when absent or
        senseless."""
        value = self.header("retry-after").strip()
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return min(float(value), LONGEST_WAIT_S)
        try:
            moment = parsedate_to_datetime(value)
            seconds = (moment - now).total_seconds()
        except (ValueError, TypeError):
            return None
        return min(max(seconds, 0.0), LONGEST_WAIT_S)
