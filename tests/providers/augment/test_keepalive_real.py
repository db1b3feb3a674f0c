"""The session keepalive for real: the whole program, TLS, a website whose sessions soon end.

Only the clock is not the machine's: a minute takes a twentieth of a second.
"""

from __future__ import annotations

import asyncio
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.loopback import Request, Response, World, loopback_world
from tests.support import payload
from tui.core.errors import ErrorKind
from tui.core.models import ProviderKey, ProviderState
from tui.form import Draft
from tui.gateways.paths import Paths
from tui.runtime import Deck, Options

HOST = "app.augmentcode.com"
KEY = ProviderKey("augment")
SPEED = 1200.0
LIFE = timedelta(minutes=60)
FIRST = "token-0-0123456789"


@dataclass
class FastClock:
    """The machine's clock, many times faster."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_s: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.started_at + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self.started_s) * SPEED

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)


@dataclass
class Website:
    """Sessions live an hour; a ping gives a new one, and the old one ends as it would."""

    clock: FastClock
    ends_at: dict[str, datetime] = field(default_factory=dict)
    renewals: int = 0
    answers: list[int] = field(default_factory=list)

    def open(self, token: str) -> str:
        self.ends_at[token] = self.clock.now() + LIFE
        return token

    def knows(self, request: Request) -> bool:
        token = request.headers.get("cookie", "").removeprefix("session=")
        return self.clock.now() < self.ends_at.get(token, datetime.min.replace(tzinfo=UTC))

    def ping(self, request: Request) -> Response:
        if not self.knows(request):
            return Response.json({}, 401)
        self.renewals += 1
        token = self.open(f"token-{self.renewals}-0123456789")
        expires = format_datetime(self.ends_at[token].replace(microsecond=0), usegmt=True)
        cookie = f"session={token}; Path=/; Secure; HttpOnly; Expires={expires}"
        return Response.json({"user": {"email": "mira@example.com"}}, cookies=(cookie,))

    def credits(self, request: Request) -> Response:
        self.answers.append(200 if self.knows(request) else 401)
        body = payload("augment", "credits.json")
        return Response(body) if self.answers[-1] == 200 else Response.json({}, 401)


@pytest.fixture
def website() -> Website:
    return Website(FastClock())


@pytest.fixture
def world(tmp_path: Path, website: Website, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The website under its own name, and no key store."""
    with loopback_world(tmp_path / "tls", (HOST,)) as world:
        world.upstream.on("GET", f"https://{HOST}/api/credits", website.credits)
        world.upstream.on("GET", f"https://{HOST}/api/auth/session", website.ping)
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        yield world


def make_deck(tmp_path: Path, clock: FastClock, *, keepalive: bool) -> Deck:
    """The program with a pasted login in its settings."""
    home = tmp_path / "home"
    paths = Paths(
        config_file=home / "config.toml",
        data=home / "data",
        state=home / "state",
        cache=home / "cache",
        home=home,
    )
    paths.config_file.write_text(
        "[providers.augment]\n"
        f'enabled = true\nsource = "web"\ncookie_header = "session={FIRST}"\n'
        f"keepalive = {str(keepalive).lower()}\n"
        "keepalive_check_minutes = 1\nkeepalive_buffer_minutes = 40\n"
    )
    options = Options(only=("augment",), log_to_file=False)
    return Deck(env={"HOME": str(home)}, paths=paths, clock=clock, options=options)


async def until(reached: Callable[[], bool]) -> None:
    """Wait for something that the running program brings about."""
    async with asyncio.timeout(30):
        while not reached():  # noqa: ASYNC110 (nobody tells us)
            await asyncio.sleep(0.01)


async def watched(deck: Deck, reached: Callable[[], bool]) -> ProviderState:
    """The state of the account once something is reached, while it is watched like on screen."""
    watch = asyncio.create_task(deck.engine.watch(KEY))
    try:
        await until(reached)
        return deck.engine.state(KEY)
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def test_a_session_lives_on_for_as_long_as_the_program_runs(
    tmp_path: Path, website: Website, world: World
) -> None:
    website.open(FIRST)
    async with make_deck(tmp_path, website.clock, keepalive=True) as deck:
        state = await watched(deck, lambda: website.clock.now() > website.ends_at[FIRST])
    assert website.renewals >= 3
    assert state.error is None
    assert state.snapshot is not None
    assert set(website.answers) == {200}
    shown = {row.label: row.value for row in state.tasks}
    assert shown["State"] == "kept alive"
    assert shown["Last refresh"] != "not yet"
    assert {request.host for request in world.upstream.requests} == {HOST}

    kept = tmp_path / "home/data/sessions.json"
    assert f"token-{website.renewals}-0123456789" in kept.read_text()
    if sys.platform != "win32":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    async with make_deck(tmp_path, website.clock, keepalive=True) as again:
        state = await again.engine.refresh(KEY, user=True)
    assert state.snapshot is not None
    assert state.snapshot.origin == "pasted, renewed since"


async def test_without_the_keepalive_the_same_session_ends(
    tmp_path: Path, website: Website, world: World
) -> None:
    website.open(FIRST)
    async with make_deck(tmp_path, website.clock, keepalive=False) as deck:
        state = await watched(deck, lambda: 401 in website.answers and _has_failed(deck))
    assert website.renewals == 0
    assert state.error is not None
    assert state.error.kind is ErrorKind.UNAUTHORIZED
    assert state.tasks == ()


def _has_failed(deck: Deck) -> bool:
    return deck.engine.state(KEY).error is not None


async def test_the_users_refresh_of_the_session_reaches_the_running_keepalive(
    tmp_path: Path, website: Website, world: World
) -> None:
    """It was given up; then the website knows the session again, and the user asks."""
    async with make_deck(tmp_path, website.clock, keepalive=True) as deck:
        told: list[str] = []
        deck.engine.tell = lambda key, sentence: told.append(sentence)
        watch = asyncio.create_task(deck.engine.watch(KEY))
        await until(lambda: _shown(deck).get("Next check") == "none")
        assert told[-1] == "Augment session expired. Log in at app.augmentcode.com."
        website.open(FIRST)
        page = await deck.pages.load(KEY)
        answer = await deck.pages.act(Draft(page), "refresh_session", lambda sentence: None)
        assert answer.text == "The session was refreshed."
        await until(lambda: _shown(deck).get("State") == "kept alive")
        await until(lambda: deck.engine.state(KEY).snapshot is not None)
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


def _shown(deck: Deck) -> dict[str, str]:
    return {row.label: row.value for row in deck.engine.state(KEY).tasks}
