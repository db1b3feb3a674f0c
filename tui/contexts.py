"""What a refresh is given: the gateways, narrowed to what one account may use of them."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tui.auth import CredentialStore
from tui.auth.crypto import Cryptography
from tui.auth.foreign_keys import ForeignKeys
from tui.auth.keyring_store import KeyStore
from tui.auth.session_store import SessionStore
from tui.core.clock import Clock
from tui.core.errors import Unsupported
from tui.core.redact import Secret
from tui.gateways.files import DeclaredFiles
from tui.gateways.http import HttpGateway
from tui.gateways.paths import Paths
from tui.providers._context import Browsers, Commands, FetchContext, OsName, Processes
from tui.providers._spec import CookieUse
from tui.values import ProviderValues, Variables

if TYPE_CHECKING:
    from tui.auth.browser import AccountBrowsers, BrowserLogins
    from tui.core.process import CommandResult, ProcessInfo
    from tui.core.sessions import CookieJar, LocalStorage, Pasted, StoredSession
    from tui.providers._context import Conversation

OS_NAMES: Mapping[str, OsName] = {"darwin": "macos", "win32": "windows"}


def os_name() -> OsName:
    """Which family of systems this is."""
    return OS_NAMES.get(sys.platform, "linux")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What all accounts share."""

    env: Mapping[str, str]
    paths: Paths
    clock: Clock
    http: HttpGateway
    store: CredentialStore
    sessions: SessionStore
    browsers: Callable[[], BrowserLogins]
    """What was detected and which keys are known is shared; each refresh gets its own view. Loaded
    when the first account needs it."""
    key_store: KeyStore = field(default_factory=KeyStore)


class NoBrowsers:
    """For a provider that has no business in browsers."""

    async def cookies(
        self, *, domains: Sequence[str] = (), browsers: Sequence[str] = ()
    ) -> AsyncIterator[CookieJar]:
        """Nothing."""
        return
        yield

    async def local_storage(
        self, origins: Sequence[str], *, browsers: Sequence[str] = ()
    ) -> AsyncIterator[LocalStorage]:
        """Nothing."""
        return
        yield

    async def scan(
        self, folders: Sequence[str], hosts: Sequence[str], *, browsers: Sequence[str] = ()
    ) -> AsyncIterator[LocalStorage]:
        """Nothing."""
        return
        yield

    async def app_cookies(
        self, files: Sequence[Path], domains: Sequence[str]
    ) -> AsyncIterator[CookieJar]:
        """Nothing."""
        return
        yield


class AccountSessions:
    """The protocol `Sessions` for one account."""

    def __init__(self, values: ProviderValues, store: SessionStore) -> None:
        self._values = values
        self._store = store
        self._key = str(values.key)

    @property
    def cookie_source(self) -> Literal["auto", "manual", "off"]:
        """As the user chose it, or as a stored header implies it."""
        match self._values.text("cookie_source"):
            case "manual":
                return "manual"
            case "off":
                return "off"
            case "auto":
                return "auto"
        return "manual" if self._values.is_implied_manual() else "auto"

    async def pasted(self, field: str = "cookie_header") -> Pasted | None:
        """The pasted text of a field, taken apart."""
        found = self._values.secret_now(field)
        return self.read_paste(found.value) if found else None

    def read_paste(self, text: Secret) -> Pasted:
        """Any other text, taken apart."""
        from tui.auth.paste import read_paste

        return read_paste(text, self._values.spec.hosts, now=self._store.clock.now)

    async def get(self, slot: str) -> StoredSession | None:
        """What is kept under a name."""
        return await self._store.get(self._key, slot)

    async def put(self, slot: str, value: Secret, label: str = "") -> None:
        """Keep a value."""
        await self._store.put(self._key, slot, value, label)

    async def drop(self, slot: str, only: Secret | None = None) -> None:
        """Forget a value."""
        await self._store.drop(self._key, slot, only)

    async def get_jar(self, slot: str) -> CookieJar | None:
        """Cookies that were kept."""
        kept = await self.get(slot)
        return self.read_jar(kept.value, kept.label) if kept else None

    def read_jar(self, text: Secret, label: str) -> CookieJar:
        """Cookies from text."""
        from tui.auth.cookies import Jar

        return Jar.load(text, label, now=self._store.clock.now)

    def lock(self, name: str) -> AbstractAsyncContextManager[None]:
        """One at a time for this account."""
        return self._store.lock(self._key, name)


class NoPrograms:
    """For a provider that declares no program: none is found and no process is seen."""

    def find(self, name: str) -> Path | None:
        """Nothing."""
        return None

    async def run(self, program: Path, *args: str, **options: Any) -> CommandResult:
        """Never."""
        raise Unsupported(f"{program.name} is no program of this provider.")

    async def talk(self, program: Path, *args: str, **options: Any) -> Conversation:
        """Never."""
        raise Unsupported(f"{program.name} is no program of this provider.")

    async def list(self) -> tuple[ProcessInfo, ...]:
        """Nothing."""
        return ()

    async def listening_ports(self, pid: int) -> tuple[int, ...]:
        """Nothing."""
        return ()


def open_context(
    world: World,
    values: ProviderValues,
    *,
    mode: str,
    user_initiated: bool,
    hidden_variables: Callable[[], frozenset[str]],
) -> tuple[FetchContext, DeclaredFiles]:
    """What one refresh of an account is given, and the files it looked at.

    Args:
        hidden_variables: What child programs do not get to see.
    """
    spec = values.spec
    files = DeclaredFiles(
        spec.roots, env=world.env, home=world.paths.home, allowed=values.trusted_paths()
    )
    commands, processes = _programs(world, values, hidden_variables)
    ctx = FetchContext(
        key=values.key,
        mode=mode,
        user_initiated=user_initiated,
        os_name=os_name(),
        clock=world.clock,
        log=logging.getLogger(f"tui.providers.{spec.id}"),
        settings=values,
        secrets=values,
        env=Variables(values),
        http=world.http.for_hosts((*spec.hosts, *values.trusted_hosts())),
        files=files,
        commands=commands,
        processes=processes,
        browsers=_browsers(world, values, user_initiated),
        sessions=AccountSessions(values, world.sessions),
        key_store=ForeignKeys(world.key_store, may_ask=user_initiated),
        crypto=Cryptography(),
    )
    return ctx, files


def _programs(
    world: World, values: ProviderValues, hidden_variables: Callable[[], frozenset[str]]
) -> tuple[Commands, Processes]:
    spec = values.spec
    if not spec.programs:
        return NoPrograms(), NoPrograms()
    from tui.gateways.process import Programs
    from tui.gateways.process_table import ProcessTable

    programs = Programs(
        spec.programs,
        cli_path=values.path("cli_path"),
        env=world.env,
        work_dir=world.paths.work,
        drop_env=hidden_variables(),
        os_name=os_name(),
    )
    return programs, ProcessTable()


def _browsers(world: World, values: ProviderValues, user_initiated: bool) -> Browsers:
    use = values.spec.cookies
    if use is None:
        return NoBrowsers()
    chosen = values.text("browser") or "auto"
    return open_browsers(world, use, chosen, user_initiated=user_initiated)


def open_browsers(
    world: World, use: CookieUse, chosen: str, *, user_initiated: bool
) -> AccountBrowsers:
    """The browsers a provider may look into, all of them or the chosen one."""
    return world.browsers().for_account(
        use.domains, use.browsers, chosen, user_initiated=user_initiated
    )
