"""Logins as values: cookies, a pasted text, what a browser stored, what we kept ourselves.

Shared by the sources, which ask for them, and by the readers, which find them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tui.core.redact import Secret


class CookieJar(Protocol):
    """Cookies that belong together: of one browser profile, one paste, one stored session."""

    @property
    def label(self) -> str:
        """For people: "Chromium: Default", "pasted"."""

    @property
    def names(self) -> frozenset[str]:
        """Names of the cookies that have not expired."""

    @property
    def domains(self) -> frozenset[str]:
        """Their domains, without a leading dot."""

    def header(
        self, url: str, *, only: Collection[str] | None = None, without: Collection[str] = ()
    ) -> Secret | None:
        """The Cookie header for exactly this address, as browsers send it; `None` when empty."""

    def value(self, name: str) -> Secret | None:
        """The value of one cookie."""

    def expires_at(self, names: Collection[str] | None = None) -> datetime | None:
        """The earliest expiry among these cookies; `None` when none of them has one."""

    def updated(self, url: str, set_cookies: Sequence[str]) -> CookieJar:
        """The jar after an answer with these `Set-Cookie` headers."""

    def dump(self) -> Secret:
        """The jar as text for the session store."""


@dataclass(frozen=True, slots=True)
class LocalStorage:
    """Local storage of one browser profile, for the origins that were asked for."""

    browser: str
    profile: str
    items: Mapping[tuple[str, str], Secret]
    """By origin (`https://host`) and key; newest values, deletions honoured."""

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.browser}: {self.profile}"


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a pasted text holds (B§13.5)."""

    text: Secret
    jar: CookieJar | None
    """Its cookies, sent as they are to the provider's own hosts."""
    header: Secret | None
    """The whole Cookie header."""
    bearer: Secret | None
    """What followed `Bearer`."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A login that worked before."""

    value: Secret
    label: str
    saved_at: datetime
