"""The deck: which accounts are on, what saving does, what the next first frame knows."""

from __future__ import annotations

import asyncio
import json
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tui.core.errors import ErrorKind
from tui.core.models import ProviderKey
from tui.core.redact import Secret
from tui.demo import open_demo
from tui.gateways import power
from tui.gateways.config import ConfigError
from tui.runtime import Deck, Options
from tui.trials import try_out

ZAI = ProviderKey("zai")
QUOTA = {
    "code": 200,
    "success": True,
    "data": {
        "level": "pro",
        "limits": [{"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": 31}],
    },
}


class Played(httpx.AsyncBaseTransport):
    """One answer for everything; remembers who asked with which key."""

    def __init__(self, answer: Mapping[str, Any] = QUOTA, status: int = 200) -> None:
        self.answer = answer
        self.status = status
        self.keys: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("authorization", ""))
        return httpx.Response(self.status, json=dict(self.answer), request=request)


def settings_file(home: Path) -> Path:
    return home / ".config" / "quotadeck" / "config.toml"


def make_deck(
    home: Path,
    *,
    settings: str = "",
    env: Mapping[str, str] | None = None,
    played: Played | None = None,
    options: Options | None = None,
) -> Deck:
    if settings:
        settings_file(home).parent.mkdir(parents=True, exist_ok=True)
        settings_file(home).write_text(settings)
    return Deck(
        env={"HOME": str(home), "PATH": "", **(env or {})},
        options=options or Options(log_to_file=False),
        transport=lambda: played or Played(),
    )


async def names(deck: Deck) -> list[str]:
    async with deck:
        return list(map(str, deck.keys()))


async def test_an_empty_home_has_nothing_switched_on(home: Path) -> None:
    assert await names(make_deck(home)) == []


@pytest.mark.parametrize(
    ("settings", "env", "expected"),
    [
        pytest.param("", {"Z_AI_API_KEY": "k"}, ["zai"], id="a key in the environment"),
        pytest.param("[providers.zai]\nenabled = true\n", {}, ["zai"], id="switched on"),
        pytest.param('[providers."z.ai"]\nenabled = true\n', {}, ["zai"], id="by its alias"),
        pytest.param(
            "[providers.zai]\nenabled = false\n", {"Z_AI_API_KEY": "k"}, [], id="switched off"
        ),
        pytest.param("", {"KIMI_API_KEY": "k"}, [], id="a variable of another product"),
        pytest.param("", {"OPENROUTER_MANAGEMENT_API_KEY": "k"}, [], id="a key that helps only"),
        pytest.param(
            '[providers.zai.accounts.work]\napi_key = "w"\n', {}, ["zai:work"], id="an account"
        ),
        pytest.param(
            '[providers.zai.accounts.work]\napi_key = "w"\n',
            {"Z_AI_API_KEY": "k"},
            ["zai", "zai:work"],
            id="an account beside the nameless one",
        ),
        pytest.param(
            'order = ["zai"]\n',
            {"Z_AI_API_KEY": "k", "OPENROUTER_API_KEY": "o"},
            ["zai", "openrouter"],
            id="the user's order",
        ),
        pytest.param('hidden = ["zai"]\n', {"Z_AI_API_KEY": "k"}, [], id="hidden"),
        pytest.param(
            '[providers.zai]\nenabled = "no"\n', {"Z_AI_API_KEY": "k"}, [], id="off as a word"
        ),
        pytest.param(
            '[providers.zai.accounts]\nwork.api_key = "w"\nold = {enabled = false}\n',
            {},
            ["zai:work"],
            id="an account that is off",
        ),
        pytest.param(
            '[providers.zai.accounts.old]\napi_key = "o"\nenabled = false\n',
            {},
            [],
            id="the only account is off",
        ),
        pytest.param(
            "[providers.kiro.accounts.work]\nlabel = 'Work'\n", {}, [], id="no accounts there"
        ),
    ],
)
async def test_what_is_switched_on(
    home: Path, settings: str, env: dict[str, str], expected: list[str]
) -> None:
    assert await names(make_deck(home, settings=settings, env=env)) == expected


async def test_a_file_of_a_program_switches_its_provider_on(home: Path) -> None:
    folder = home / ".config" / "JetBrains" / "GoLand2026.1" / "options"
    folder.mkdir(parents=True)
    (folder / "AIAssistantQuotaManager2.xml").write_text("<application/>")
    assert await names(make_deck(home)) == ["jetbrains"]


async def test_a_file_of_a_program_is_a_login_beside_named_accounts(home: Path) -> None:
    file = home / ".gemini" / "oauth_creds.json"
    file.parent.mkdir()
    file.write_text('{"access_token": "a", "refresh_token": "r"}')
    settings = '[providers.gemini.accounts.work]\nlabel = "Work"\n'
    assert await names(make_deck(home, settings=settings)) == ["gemini", "gemini:work"]


async def test_a_provider_that_is_named_shows_accounts_that_are_off_too(home: Path) -> None:
    settings = '[providers.zai.accounts.old]\napi_key = "o"\nenabled = false\n'
    options = Options(log_to_file=False, only=("zai",))
    assert await names(make_deck(home, settings=settings, options=options)) == ["zai:old"]


async def test_codexbars_file_brings_a_key_but_not_its_switch(home: Path) -> None:
    file = home / ".config" / "codexbar" / "config.json"
    file.parent.mkdir(parents=True)
    entries = [
        {"id": "zai", "enabled": False, "apiKey": "from-codexbar"},
        {"id": "openrouter", "enabled": True},
    ]
    file.write_text(json.dumps({"version": 1, "providers": entries}))
    played = Played()
    deck = make_deck(home, played=played)
    async with deck:
        assert list(map(str, deck.keys())) == ["zai"]
        await deck.engine.refresh(ZAI)
    assert "Bearer from-codexbar" in played.keys
    assert json.loads(file.read_text())["providers"] == entries


async def test_every_account_has_a_card_of_its_own_name(home: Path) -> None:
    settings = (
        '[providers.zai]\napi_key = "k"\n'
        '[providers.zai.accounts.a]\napi_key = "k"\nlabel = "Work"\n'
        '[providers.zai.accounts.b]\napi_key = "k"\n'
        '[providers.openrouter.accounts.a]\napi_key = "k"\nlabel = "A team of many"\n'
    )
    async with make_deck(home, settings=settings) as deck:
        names = {str(face.key): (face.name, face.short_name) for face in deck.faces()}
    assert names == {
        "zai": ("z.ai", "z.ai"),
        "zai:a": ("z.ai: Work", "z.ai:Work"),
        "zai:b": ("z.ai: b", "z.ai:b"),
        "openrouter:a": ("OpenRouter: A team of many", "Ope:A team of many"),
    }


async def test_each_account_is_asked_with_its_own_key_only(home: Path) -> None:
    played = Played()
    settings = "".join(f'[providers.zai.accounts.{n}]\napi_key = "key-of-{n}"\n' for n in "ab")
    deck = make_deck(home, settings=settings, env={"Z_AI_API_KEY": "ambient"}, played=played)
    async with deck:
        await deck.engine.refresh(ProviderKey("zai", "a"))
    assert set(played.keys) == {"Bearer key-of-a"}


async def test_a_saved_secret_goes_to_the_store_and_out_of_the_settings(home: Path) -> None:
    deck = make_deck(home, settings='[providers.zai]\napi_key = "old"\nregion = "global"\n')
    async with deck:
        await deck.save(ZAI, {"enabled": True}, {"api_key": Secret("new-key-for-tests")})
        assert (await deck.values(ZAI)).secret_now("api_key") is not None
    table = tomllib.loads(settings_file(home).read_text())["providers"]["zai"]
    assert table == {"region": "global", "enabled": True}
    stored = home / ".local" / "share" / "quotadeck" / "credentials.json"
    assert "new-key-for-tests" in stored.read_text()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600


async def test_when_the_settings_cannot_be_saved_the_old_secret_stays(home: Path) -> None:
    async with make_deck(home, settings="theme = nord\n") as deck:
        await deck.accounts.world.store.set("zai", "api_key", Secret("the-old-key"))
        with pytest.raises(ConfigError):
            await deck.save(ZAI, {"enabled": True}, {"api_key": Secret("the-new-key")})
        kept = await deck.accounts.world.store.get("zai", "api_key")
    assert kept == Secret("the-old-key")


async def test_switching_on_is_remembered_and_takes_effect(home: Path) -> None:
    async with make_deck(home) as deck:
        await deck.enable("zai")
        assert list(map(str, deck.keys())) == ["zai"]
    assert await names(make_deck(home)) == ["zai"]


async def test_a_test_uses_what_was_entered_and_saves_nothing(home: Path) -> None:
    played = Played()
    async with make_deck(home, played=played) as deck:
        result = await try_out(deck.accounts, ZAI, {}, {"api_key": Secret("entered-key")})
        assert await deck.accounts.world.store.names() == []
    assert result.snapshot is not None
    assert played.keys[0] == "Bearer entered-key"
    assert not settings_file(home).exists()


async def test_a_test_names_what_is_wrong_with_an_entered_value(home: Path) -> None:
    async with make_deck(home) as deck:
        result = await try_out(
            deck.accounts, ZAI, {"region": "mars"}, {"api_key": Secret("entered-key")}
        )
    assert result.error is not None
    assert result.error.kind is ErrorKind.UNSUPPORTED
    assert '"mars"' in result.error.message


async def test_the_next_first_frame_knows_names_and_numbers(home: Path) -> None:
    env = {"Z_AI_API_KEY": "k"}
    async with make_deck(home, env=env) as deck:
        await deck.engine.refresh(ZAI)
    again = make_deck(home, env=env)
    assert [face.name for face in again.faces()] == ["z.ai"]
    snapshot = again.last_state(ZAI).snapshot
    assert snapshot is not None
    assert snapshot.window("session").used_percent == 31.0


async def test_what_others_could_read_is_private_from_the_next_start(home: Path) -> None:
    folder = home / ".local/state/quotadeck"
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    log = folder / "quotadeck.log"
    log.touch(0o644)
    async with make_deck(home, options=Options()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


async def test_a_wrong_setting_is_an_error_of_its_provider_and_nothing_is_sent(
    home: Path,
) -> None:
    played = Played()
    settings = '[providers.zai]\nregion = "mars"\n'
    async with make_deck(home, settings=settings, env={"Z_AI_API_KEY": "k"}, played=played) as deck:
        state = await deck.engine.refresh(ZAI)
    assert state.error is not None
    assert state.error.kind is ErrorKind.UNSUPPORTED
    assert played.keys == []


@pytest.mark.parametrize(
    ("slow_mode", "saves", "reason"),
    [
        pytest.param("auto", True, "constrained", id="auto, saving power"),
        pytest.param("auto", False, "recentInteraction", id="auto, enough power"),
        pytest.param("off", True, "recentInteraction", id="off"),
        pytest.param("on", False, "constrained", id="on"),
    ],
)
async def test_slow_mode_follows_the_power_of_the_machine_only_when_automatic(
    slow_mode: str, saves: bool, reason: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "saves_power", lambda: saves)
    settings = f'slow_mode = "{slow_mode}"\n'
    async with make_deck(home, settings=settings, env={"Z_AI_API_KEY": "k"}) as deck:
        told = asyncio.Event()
        deck.engine.subscribe(lambda state: told.set() if state.next_reason == reason else None)
        watching = asyncio.create_task(deck.engine.watch(ZAI))
        await asyncio.wait_for(told.wait(), 5)
        await asyncio.sleep(0.1)
        assert deck.engine.state(ZAI).next_reason == reason
        watching.cancel()


async def test_problems_of_the_settings_file_are_sentences(home: Path) -> None:
    deck = make_deck(home, settings="cadence = 7\n")
    (problem,) = deck.problems
    assert "config.toml, line 1, cadence" in problem


async def test_detection_names_what_lies_here_without_showing_it(home: Path) -> None:
    async with make_deck(home, env={"Z_AI_API_KEY": "secret-of-the-user"}) as deck:
        (found,) = await deck.detections()
    assert found.name == "z.ai"
    assert "Z_AI_API_KEY" in found.text
    assert "secret-of-the-user" not in repr(found)


async def test_the_demo_plays_every_provider_it_outlines() -> None:
    deck = open_demo()
    outlined = deck.faces()
    async with deck:
        assert [face.key for face in outlined] == [face.key for face in deck.faces()]
        assert [face.name for face in outlined] == [face.name for face in deck.faces()]
        assert {face.key.provider for face in deck.faces()} == set(deck.registry.specs)
        await deck.engine.refresh_all(user=True)
        kinds = {state.error.kind for state in deck.engine.states() if state.error is not None}
    assert kinds == {ErrorKind.MISSING_CREDENTIALS}
    assert not deck.paths.home.exists()
