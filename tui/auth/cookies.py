"""Cookies that belong together: of one browser profile, one paste, one stored session.

A jar never changes; an answer's `Set-Cookie` headers give a new one. It is no wider than a
browser: what a browser would not send to an address is not sent there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime

from tui.auth.cookie import Address, Cookie
from tui.auth.cookie_formats import from_record, from_set_cookie, to_record
from tui.core.redact import Secret
from tui.core.urls import host_allowed

LONG_VALUE = 20
"""A value of this length is hardly an ordinary word, so it is hidden wherever it turns up."""
SESSION = datetime.min.replace(tzinfo=UTC)
"""Stands for the expiry of a cookie without one: of equal names a dated one is preferred."""


def wall_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class Jar:
    """Cookies that belong together.

    Args:
        label: For people: "Chromium: Default", "pasted".
        hosts: When given, nothing is sent to other hosts; `.example.com` includes those below.
        now: The clock that decides about expiry.
    """

    def __init__(
        self,
        cookies: Iterable[Cookie],
        label: str,
        *,
        hosts: Sequence[str] = (),
        now: Callable[[], datetime] = wall_clock,
    ) -> None:
        self._cookies = _best_of_each_place(cookies)
        self._label = label
        self._hosts = tuple(hosts)
        self._now = now

    def __repr__(self) -> str:
        return f"Jar({self._label!r}, {len(self._cookies)} cookies)"

    @property
    def label(self) -> str:
        """Where it comes from, for people."""
        return self._label

    @property
    def names(self) -> frozenset[str]:
        """Names of the cookies that have not expired."""
        return frozenset(cookie.name for cookie in self._fresh())

    @property
    def domains(self) -> frozenset[str]:
        """Their domains, without a leading dot."""
        return frozenset(cookie.domain for cookie in self._fresh() if cookie.domain)

    def header(
        self, url: str, *, only: Collection[str] | None = None, without: Collection[str] = ()
    ) -> Secret | None:
        """The Cookie header for exactly this address, with each name once; `None` when empty.

        Args:
            only: Names that may be sent; all when missing.
            without: Names that are left out.
        """
        chosen = [
            cookie
            for cookie in self._for(Address.of(url))
            if (only is None or cookie.name in only) and cookie.name not in without
        ]
        for cookie in chosen:
            if len(cookie.value) >= LONG_VALUE:
                Secret(cookie.value)
        text = "; ".join(f"{cookie.name}={cookie.value}" for cookie in chosen)
        return Secret(text) if text else None

    def value(self, name: str) -> Secret | None:
        """The value of one cookie; of several the one that lasts longest."""
        found = [cookie for cookie in self._fresh() if cookie.name == name]
        return Secret(max(found, key=_lasts_until).value) if found else None

    def expires_at(self, names: Collection[str] | None = None) -> datetime | None:
        """The earliest expiry among these cookies; `None` when none of them has one."""
        moments = (
            cookie.expires_at
            for cookie in self._fresh()
            if cookie.expires_at is not None and (names is None or cookie.name in names)
        )
        return min(moments, default=None)

    def updated(self, url: str, set_cookies: Sequence[str]) -> Jar:
        """The jar after an answer with these `Set-Cookie` headers."""
        address, now = Address.of(url), self._now()
        cookies = {cookie.place: cookie for cookie in self._cookies}
        for text in set_cookies:
            new = from_set_cookie(text, address, now)
            if new is None:
                continue
            cookies.pop((new.name, "", "/"), None)
            cookies.pop(new.place, None)
            if not new.is_expired(now):
                cookies[new.place] = new
        return Jar(cookies.values(), self._label, hosts=self._hosts, now=self._now)

    def dump(self) -> Secret:
        """The jar as text for the session store; what `load` makes of it gives the same text."""
        cookies = [to_record(cookie) for cookie in self._cookies]
        return Secret(json.dumps({"cookies": cookies, "hosts": self._hosts}))

    @classmethod
    def load(cls, text: Secret, label: str, *, now: Callable[[], datetime] = wall_clock) -> Jar:
        """A jar from the text of `dump`, or from a property list as CodexBar keeps it.

        What cannot be understood is left out, so a damaged text gives an empty jar.

        Args:
            now: The clock that decides about expiry.
        """
        try:
            data = json.loads(text.reveal())
        except (ValueError, RecursionError):
            return cls((), label, now=now)
        envelope = data if isinstance(data, dict) else {"cookies": data}
        records, hosts = envelope.get("cookies"), envelope.get("hosts")
        cookies = map(from_record, records if isinstance(records, list) else ())
        return cls(
            (cookie for cookie in cookies if cookie is not None),
            label,
            hosts=[str(host) for host in hosts] if isinstance(hosts, list) else (),
            now=now,
        )

    def _fresh(self) -> list[Cookie]:
        now = self._now()
        return [cookie for cookie in self._cookies if not cookie.is_expired(now)]

    def _for(self, address: Address) -> list[Cookie]:
        """What is sent there, longer paths first.

        Of equal names the longer path wins, then the later expiry: servers read only the first,
        and browsers send the most specific one first.
        """
        if self._hosts and not host_allowed(address.host, self._hosts):
            return []
        fitting = [cookie for cookie in self._fresh() if cookie.goes_to(address)]
        best: dict[str, Cookie] = {}
        for cookie in fitting:
            best[cookie.name] = max(best.get(cookie.name, cookie), cookie, key=_precedence)
        chosen = [cookie for cookie in fitting if best[cookie.name] is cookie]
        return sorted(chosen, key=lambda cookie: len(cookie.path), reverse=True)


def _best_of_each_place(cookies: Iterable[Cookie]) -> list[Cookie]:
    """The later expiry where two stores of a profile have the same cookie."""
    best: dict[tuple[str, str, str], Cookie] = {}
    for cookie in cookies:
        if cookie.is_sendable:
            known = best.get(cookie.place, cookie)
            best[cookie.place] = max(known, cookie, key=_lasts_until)
    return list(best.values())


def _lasts_until(cookie: Cookie) -> datetime:
    return cookie.expires_at or SESSION


def _precedence(cookie: Cookie) -> tuple[int, datetime]:
    return len(cookie.path), _lasts_until(cookie)
