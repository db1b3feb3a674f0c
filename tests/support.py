"""Building what a source is given, with the real gateways wherever a test can reach them."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from tui.auth.crypto import Cryptography
from tui.auth.memory_store import MemoryStore
from tui.core.errors import FetchError, MissingCredentials
from tui.core.http import Reply
from tui.core.models import ProviderKey, ProviderSnapshot
from tui.core.process import CommandResult, ProcessInfo
from tui.core.redact import Secret
from tui.core.sessions import CookieJar, LocalStorage, Pasted, StoredSession
from tui.gateways.files import DeclaredFiles
from tui.gateways.http import HttpGateway
from tui.providers import _chain
from tui.providers._context import FetchContext
from tui.providers._spec import ProviderSpec
from tui.values import ProviderValues, Variables

PAYLOADS = Path(__file__).parent / "payloads"
NOON = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
"""The moment of tests that do not choose another one."""


def payload(provider: str, name: str) -> bytes:
    """A stored answer, as the service sent it."""
    return (PAYLOADS / provider / name).read_bytes()


def reply(body: bytes = b"", status: int = 200, **headers: str) -> Reply:
    """An answer as the gateway gives it; `content_type` stands for `content-type`."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status=status, url="https://service.example/", headers=named, body=body)


@dataclass
class FakeClock:
    """Time that moves when told to."""

    moment: datetime = NOON
    seconds: float = 1000.0
    waiting: list[tuple[float, asyncio.Event]] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        self.waiting.append((self.seconds + seconds, woken))
        await woken.wait()

    async def advance(self, seconds: float) -> None:
        """Let time pass, waking sleepers in order and letting everything they start run."""
        end = self.seconds + seconds
        await settle()
        while due := [entry for entry in self.waiting if entry[0] <= end]:
            first = min(due, key=lambda entry: entry[0])
            self._move(first[0])
            self.waiting.remove(first)
            first[1].set()
            await settle()
        self._move(end)
        await settle()

    def _move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=max(0.0, seconds - self.seconds))
        self.seconds = max(self.seconds, seconds)


class StoppedClock:
    """A clock whose hands stand still while waiting takes its time."""

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 1000.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def settle(rounds: int = 30) -> None:
    """Let every task run until it waits. Calls in threads take real time, which is given to them,
    but not for ever: some tests have one that hangs."""
    ends_at = time.monotonic() + 2.0
    for _ in range(rounds):
        await asyncio.sleep(0)
        while _runs_in_a_thread() and time.monotonic() < ends_at:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def _runs_in_a_thread() -> bool:
    return any(thread.name.startswith("blocking-") for thread in threading.enumerate())


class MemorySessions:
    """The protocol `Sessions`, kept in memory."""

    def __init__(self, values: ProviderValues, clock: FakeClock) -> None:
        self.values = values
        self.clock = clock
        self.slots: dict[str, StoredSession] = {}
        self.locks: dict[str, asyncio.Lock] = {}

    @property
    def cookie_source(self) -> Literal["auto", "manual", "off"]:
        chosen = self.values.text("cookie_source")
        if chosen in ("auto", "manual", "off"):
            return chosen  # type: ignore[return-value]
        return "manual" if self.values.is_implied_manual() else "auto"

    async def pasted(self, field: str = "cookie_header") -> Pasted | None:
        found = self.values.secret_now(field)
        return self.read_paste(found.value) if found else None

    def read_paste(self, text: Secret) -> Pasted:
        from tui.auth.paste import read_paste

        return read_paste(text, self.values.spec.hosts, now=self.clock.now)

    async def get(self, slot: str) -> StoredSession | None:
        return self.slots.get(slot)

    async def put(self, slot: str, value: Secret, label: str = "") -> None:
        self.slots[slot] = StoredSession(value=value, label=label, saved_at=self.clock.now())

    async def drop(self, slot: str, only: Secret | None = None) -> None:
        if slot in self.slots and (only is None or self.slots[slot].value == only):
            del self.slots[slot]

    async def get_jar(self, slot: str) -> CookieJar | None:
        kept = self.slots.get(slot)
        return self.read_jar(kept.value, kept.label) if kept else None

    def read_jar(self, text: Secret, label: str) -> CookieJar:
        from tui.auth.cookies import Jar

        return Jar.load(text, label, now=self.clock.now)

    def lock(self, name: str) -> AbstractAsyncContextManager[None]:
        return self.locks.setdefault(name, asyncio.Lock())


@dataclass
class FakeBrowsers:
    """The protocol `Browsers` with given jars and stores; remembers what was opened."""

    jars: Sequence[CookieJar] = ()
    stores: Sequence[LocalStorage] = ()
    scanned: Sequence[LocalStorage] = ()
    app_jars: Sequence[CookieJar] = ()
    error: FetchError | None = None
    opened: list[str] = field(default_factory=list)

    async def cookies(
        self, *, domains: Sequence[str] = (), browsers: Sequence[str] = ()
    ) -> AsyncIterator[CookieJar]:
        if self.error:
            raise self.error
        for jar in self.jars:
            self.opened.append(jar.label)
            yield jar

    async def local_storage(
        self, origins: Sequence[str], *, browsers: Sequence[str] = ()
    ) -> AsyncIterator[LocalStorage]:
        for store in self.stores:
            self.opened.append(store.label)
            yield store

    async def scan(
        self, folders: Sequence[str], hosts: Sequence[str], *, browsers: Sequence[str] = ()
    ) -> AsyncIterator[LocalStorage]:
        for store in self.scanned:
            self.opened.append(store.label)
            yield store

    async def app_cookies(
        self, files: Sequence[Path], domains: Sequence[str]
    ) -> AsyncIterator[CookieJar]:
        for jar in self.app_jars:
            yield jar


@dataclass
class FakeCommands:
    """The protocol `Commands` with given answers by arguments; remembers the calls."""

    answers: Mapping[tuple[str, ...], CommandResult] = field(default_factory=dict)
    program: Path | None = None
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def find(self, name: str) -> Path | None:
        return self.program

    async def run(self, program: Path, *args: str, **options: Any) -> CommandResult:
        self.calls.append(args)
        if args not in self.answers:
            raise MissingCredentials(f"{program.name} could not be started.")
        return self.answers[args]

    async def talk(self, program: Path, *args: str, env: Mapping[str, Any] | None = None) -> Any:
        raise MissingCredentials(f"{program.name} could not be started.")


@dataclass
class FakeProcesses:
    """The protocol `Processes` with given processes and ports."""

    running: Sequence[ProcessInfo] = ()
    ports: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    async def list(self) -> tuple[ProcessInfo, ...]:
        return tuple(self.running)

    async def listening_ports(self, pid: int) -> tuple[int, ...]:
        return self.ports.get(pid, ())


@dataclass
class FakeKeyStore:
    """The protocol `KeyStore` with given entries by service and account; remembers the looks."""

    entries: Mapping[tuple[str, str], str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def find(self, service: str, account: str) -> Secret | None:
        self.asked.append((service, account))
        value = self.entries.get((service, account))
        return Secret(value) if value is not None else None


async def make_context(
    spec: ProviderSpec,
    home: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    account: str = "",
    user_initiated: bool = True,
    os_name: Literal["linux", "macos", "windows"] = "linux",
    clock: FakeClock | None = None,
    browsers: FakeBrowsers | None = None,
    commands: Any = None,
    processes: Any = None,
    key_store: FakeKeyStore | None = None,
    previous: ProviderSnapshot | None = None,
    gateway: HttpGateway | None = None,
) -> FetchContext:
    """A context with real values, files and network (answer it with respx); the rest as given.

    Args:
        settings: The provider's table of the settings file; `source` chooses the mode.
        secrets: What the credential store holds, by field.
    """
    key = ProviderKey(spec.id, account)
    clock = clock or FakeClock()
    store = MemoryStore()
    for name, value in (secrets or {}).items():
        await store.set(str(key), name, Secret(value))
    variables = dict(env or {})
    values = ProviderValues(spec, key, table=settings or {}, env=variables, home=home)
    await values.load(store)
    return FetchContext(
        key=key,
        mode=values.mode(),
        user_initiated=user_initiated,
        os_name=os_name,
        clock=clock,
        log=logging.getLogger(f"tui.providers.{spec.id}"),
        settings=values,
        secrets=values,
        env=Variables(values),
        http=(gateway or HttpGateway()).for_hosts((*spec.hosts, *values.trusted_hosts())),
        files=DeclaredFiles(spec.roots, env=variables, home=home, allowed=values.trusted_paths()),
        commands=commands or FakeCommands(),
        processes=processes or FakeProcesses(),
        browsers=browsers or FakeBrowsers(),
        sessions=MemorySessions(values, clock),
        key_store=key_store or FakeKeyStore(),
        crypto=Cryptography(),
        previous=previous,
    )


async def fetch(spec: ProviderSpec, ctx: FetchContext) -> ProviderSnapshot:
    """One refresh through the real chain; raises what the card would show.

    Raises:
        FetchFailed: With the error that is reported.
    """
    assert isinstance(ctx.settings, ProviderValues)
    ctx.settings.check()
    result = await _chain.run(spec, ctx)
    if result.snapshot is None:
        assert result.error is not None
        raise FetchFailed(result)
    return result.snapshot


class FetchFailed(Exception):
    """A refresh without a snapshot, for `pytest.raises`."""

    def __init__(self, result: _chain.FetchResult) -> None:
        assert result.error is not None
        super().__init__(f"{result.error.kind}: {result.error.message} {result.error.hint}")
        self.result = result
        self.error = result.error


def cookie_names(collected: Collection[Secret | None]) -> list[str]:
    """The names in Cookie headers, for assertions."""
    return [
        part.partition("=")[0].strip()
        for header in collected
        if header is not None
        for part in header.reveal().split(";")
    ]
