"""Tokens the website keeps in a browser beside its cookies, which alone are often refused.

Looked for in local storage, then in session storage, then in the website's database; a later
store only where the earlier ones of a profile had none. A token belongs to the cookies of its own
profile and to the region of its own website.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from tui.core import jwt
from tui.core.redact import Secret
from tui.core.sessions import LocalStorage
from tui.core.urls import host_of
from tui.providers._context import FetchContext

LONG = 60
"""From this length on a string looks like a token."""
_CHARACTERS = r"[A-Za-z0-9._\-+=/]"
_BETWEEN = r"[^A-Za-z0-9]{1,8}(?:bearer\s+)?"
LABELLED = (
    rf"(?<![\w-])(?:access|id)_?token{_BETWEEN}({_CHARACTERS}{{20,}})",
    rf"(?<![\w-])(?:auth_?)?token{_BETWEEN}({_CHARACTERS}{{{LONG},}})",
    rf"(?<![\w-])(?:authorization|bearer){_BETWEEN}({_CHARACTERS}{{{LONG},}})",
)
BARE = rf"\A\s*[\"']?({_CHARACTERS}{{20,}})[\"']?\s*\Z"
JWT = r"(?<![\w.-])([\w-]{10,}\.[\w-]{10,}\.[\w-]{10,})(?![\w.-])"
TOKEN_NAME = re.compile(r".*token|authorization|bearer", re.IGNORECASE)
NOT_A_LOGIN = re.compile(r".*(?:refresh|csrf|xsrf).*", re.IGNORECASE)
USEFUL_NAME = re.compile(
    r".*token|authorization|bearer|auth|user_?(?:detail|info)|persist:.*|.*group_?id.*",
    re.IGNORECASE,
)
"""Other values are not taken out: ordinary words would become secrets."""
SCANNED_NAME = re.compile(rf"{USEFUL_NAME.pattern}|entry \d+", re.IGNORECASE)
OWN_CLAIMS = frozenset({"GroupID", "GroupName", "UserName", "SubjectID", "Mail", "TokenType"})
GROUP_CLAIMS = frozenset(
    {
        *("group_id", "groupId", "groupID", "gid"),
        *("tenant_id", "tenantId", "org_id", "orgId"),
    }
)
GROUP = r"group\w*[\\\"']*\s*[:=]\s*[\\\"']*(\d{4,})"
SESSION_STORAGE = "Session Storage"


class LocalLogin(NamedTuple):
    """What one browser profile keeps for the website."""

    label: str
    tokens: tuple[Secret, ...]
    group_id: Secret | None


# -- finding ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class LocalLogins:
    """The tokens of all profiles, each kind of store opened when it is needed.

    Args:
        site: The domain of the website's region.
    """

    ctx: FetchContext
    site: str
    found: dict[str, LocalLogin] = field(default_factory=dict)
    stages_done: int = 0

    @property
    def hosts(self) -> tuple[str, ...]:
        """The website's hosts."""
        return (f"platform.{self.site}", f"www.{self.site}", self.site)

    async def of(self, label: str) -> LocalLogin | None:
        """What the profile with this label keeps."""
        while label not in self.found and await self._next_stage():
            pass
        return self.found.get(label)

    async def beside(self, labels: Collection[str]) -> list[LocalLogin]:
        """What the other profiles keep."""
        while await self._next_stage():
            pass
        return [login for label, login in self.found.items() if label not in labels]

    async def _next_stage(self) -> bool:
        """Look into one more kind of store; false when there is none left."""
        origins = tuple(f"https://{host}" for host in self.hosts)
        databases = [f"IndexedDB/https_{host}_0.indexeddb.leveldb" for host in self.hosts]
        browsers = self.ctx.browsers
        match self.stages_done:
            case 0:
                await self._look(browsers.local_storage(origins), is_scan=False)
            case 1:
                await self._look(browsers.scan((SESSION_STORAGE,), self.hosts), is_scan=True)
            case 2:
                await self._look(browsers.scan(databases, self.hosts), is_scan=True)
            case _:
                return False
        self.stages_done += 1
        return True

    async def _look(self, stores: AsyncIterator[LocalStorage], *, is_scan: bool) -> None:
        now = self.ctx.clock.now()
        async for store in stores:
            login = read_store(store, self.hosts, now, is_scan=is_scan)
            if login.tokens:
                self.found.setdefault(store.label, login)


# -- reading ---------------------------------------------------------------------------------------


def read_store(
    store: LocalStorage, hosts: Collection[str], now: datetime, *, is_scan: bool
) -> LocalLogin:
    """The tokens of a store, those that are over left out.

    Args:
        is_scan: The store may hold text of other websites, so that a token without a name must
            say itself that it is MiniMax's.
    """
    useful = SCANNED_NAME if is_scan else USEFUL_NAME
    places = [
        (origin, name)
        for origin, name in store.items
        if host_of(origin) in hosts and useful.fullmatch(name) and not NOT_A_LOGIN.fullmatch(name)
    ]
    tokens: list[Secret] = []
    groups: list[Secret] = []
    for place in places:
        value = store.items[place]
        tokens += tokens_in(value, named=bool(TOKEN_NAME.fullmatch(place[1])), is_scan=is_scan)
        groups += value.search_all(GROUP)
        groups += value.search_all(r"\A\D*(\d{4,})\D*\Z") if "group" in place[1].lower() else ()
    valid = _best(token for token in tokens if not _is_over(token, now))
    claimed = (found for token in valid if (found := group_in_claims(token)) is not None)
    group_id = max(groups, key=len) if groups else next(claimed, None)
    return LocalLogin(store.label, valid, group_id)


def tokens_in(value: Secret, *, named: bool, is_scan: bool) -> list[Secret]:
    """The candidates inside a value: as a whole, behind a name, by their form.

    Args:
        named: The value's own name says that it is a token.
    """
    found = [*value.search_all(BARE)] if named else []
    for pattern in LABELLED:
        found += value.search_all(pattern)
    shaped = [
        token
        for token in value.search_all(JWT)
        if (claims := jwt.claims(token)) and (not is_scan or is_own(claims))
    ]
    return found + shaped


def is_own(claims: dict[str, Any]) -> bool:
    """Whether the claims of a token are of MiniMax."""
    return "minimax" in str(claims.get("iss", "")).lower() or bool(OWN_CLAIMS & set(claims))


def group_in_claims(token: Secret) -> Secret | None:
    """The account's group by a token's own words."""
    for name, value in jwt.claims(token).items():
        is_group = name in GROUP_CLAIMS or "group" in name.lower()
        if is_group and re.fullmatch(r"\d{4,}", str(value)):
            return Secret(str(value))
    return None


def _is_over(token: Secret, now: datetime) -> bool:
    expires_at = jwt.expires_at(token)
    return expires_at is not None and expires_at <= now


def _best(tokens: Iterable[Secret]) -> tuple[Secret, ...]:
    """Each once; short ones only where there is no long one."""
    found = tuple(dict.fromkeys(tokens))
    return tuple(token for token in found if len(token) >= LONG) or found
