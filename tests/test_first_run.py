"""A machine where other programs are signed in, and nobody has pressed a key yet."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import payload
from tui.core.errors import ErrorKind
from tui.core.models import ProviderKey, ProviderState
from tui.runtime import Deck, Options

CLAUDE, CODEX = ProviderKey("claude"), ProviderKey("codex")
ANSWERS = {
    "/api/oauth/usage": ("claude", "usage_full.json"),
    "/backend-api/wham/usage": ("codex", "usage_team.json"),
}
SECONDS_TO_RECOVER = 2.0


async def answer(request: httpx.Request) -> httpx.Response:
    place = ANSWERS.get(request.url.path)
    if place is None:
        return httpx.Response(404, request=request)
    return httpx.Response(200, content=payload(*place), request=request)


def sign_in_to_claude(home: Path, expires_at: datetime) -> None:
    login = json.loads(payload("claude", "credentials.json"))
    login["claudeAiOauth"]["expiresAt"] = int(expires_at.timestamp() * 1000)
    write(home / ".claude" / ".credentials.json", login)


def sign_in_to_codex(home: Path) -> None:
    tokens = {"access_token": "invented-access-token", "refresh_token": "r", "account_id": "a"}
    refreshed_at = datetime.now(UTC).isoformat()
    write(home / ".codex" / "auth.json", {"tokens": tokens, "last_refresh": refreshed_at})


def write(file: Path, data: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(data))


def in_hours(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


@pytest.fixture
def deck(home: Path) -> Deck:
    return Deck(
        env={"HOME": str(home), "PATH": ""},
        options=Options(log_to_file=False),
        transport=lambda: httpx.MockTransport(answer),
    )


@asynccontextmanager
async def watched(deck: Deck) -> AsyncIterator[None]:
    """The deck as the dashboard runs it."""
    async with deck:
        watches = [asyncio.create_task(deck.engine.watch(key)) for key in deck.engine.keys]
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)


async def state_with(
    deck: Deck, key: ProviderKey, wanted: Callable[[ProviderState], bool], timeout_s: float = 10
) -> ProviderState:
    """The state of an account once it is as wanted, without anybody asking."""
    changed = asyncio.Event()
    end = deck.engine.subscribe(lambda state: changed.set())
    try:
        async with asyncio.timeout(timeout_s):
            while not wanted(deck.engine.state(key)):
                changed.clear()
                await changed.wait()
    finally:
        end()
    return deck.engine.state(key)


async def test_two_login_files_show_two_cards_with_numbers(home: Path, deck: Deck) -> None:
    sign_in_to_claude(home, in_hours(6))
    sign_in_to_codex(home)
    async with watched(deck):
        assert deck.engine.keys == (CLAUDE, CODEX)
        for key in deck.engine.keys:
            state = await state_with(deck, key, lambda state: state.snapshot is not None)
            assert state.error is None
            assert state.snapshot is not None
            assert state.snapshot.source_id == "oauth"
            assert state.snapshot.windows[0].label == "Session"


async def test_a_card_recovers_by_itself_when_the_owner_renews_the_login(
    home: Path, deck: Deck
) -> None:
    sign_in_to_claude(home, in_hours(-1))
    async with watched(deck):
        state = await state_with(deck, CLAUDE, lambda state: state.error is not None)
        assert state.error is not None
        assert state.error.kind is ErrorKind.UNAUTHORIZED
        sign_in_to_claude(home, in_hours(8))
        state = await state_with(
            deck, CLAUDE, lambda state: state.error is None, SECONDS_TO_RECOVER
        )
        assert state.snapshot is not None
