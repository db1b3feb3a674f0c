"""The settings screen's side of the real deck: pages, options, pasted texts, actions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import FakeClock
from tui.auth.memory_store import MemoryStore
from tui.core.errors import Unauthorized, Unsupported
from tui.core.models import ProviderKey
from tui.core.redact import Secret
from tui.form import Draft, NotSaved, PageEntry, Typed
from tui.gateways.paths import Paths
from tui.providers import Registry
from tui.providers._context import FetchContext
from tui.providers._spec import Action
from tui.runtime import Deck, Options

OPENROUTER, AMP, JETBRAINS = ProviderKey("openrouter"), ProviderKey("amp"), ProviderKey("jetbrains")


@asynccontextmanager
async def started(home: Path, config: str = "", **env: str) -> AsyncIterator[Deck]:
    """A deck in an empty home, with its secrets in memory."""
    folder = home / ".config" / "quotadeck"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(config)
    deck = Deck(
        env={"HOME": str(home), "LANG": "C.UTF-8", **env},
        paths=Paths(
            config_file=folder / "config.toml",
            data=home / "data",
            state=home / "state",
            cache=home / "cache",
            home=home,
        ),
        clock=FakeClock(),
        options=Options(log_to_file=False),
    )
    async with deck:
        deck.accounts.world = replace(deck.accounts.world, store=MemoryStore())
        yield deck


async def draft_of(deck: Deck, key: ProviderKey, **entries: str) -> Draft:
    """A page with something entered; secrets by name of their field."""
    draft = Draft(await deck.pages.load(key))
    for name, text in entries.items():
        is_secret = name in ("api_key", "cookie_header")
        draft.enter(name, Typed(text) if is_secret else text)
    return draft


def entry(deck: Deck, key: ProviderKey) -> PageEntry:
    return next(entry for entry in deck.pages.entries() if entry.key == key)


async def test_every_provider_is_listed_with_its_accounts(home: Path) -> None:
    config = "[providers.openrouter.accounts.work]\nlabel = 'Work'\n"
    async with started(home, config) as deck:
        keys = [str(entry.key) for entry in deck.pages.entries()]
        assert set(deck.registry.specs) <= set(keys)
        assert keys.index("openrouter:work") == keys.index("openrouter") + 1


async def test_the_page_says_whether_the_provider_is_on_and_why(home: Path) -> None:
    async with started(home, OPENROUTER_API_KEY="sk-or-v1-ambient") as deck:
        page = await deck.pages.load(OPENROUTER)
        assert (page.sign, entry(deck, OPENROUTER).sign) == ("on", "on")
        assert page.state == "On. Found: API key from OPENROUTER_API_KEY."
        state = (await deck.pages.load(AMP)).state
        assert state.startswith("Off: no login was found. Press ctrl+t")


async def test_the_general_page_tells_places_and_problems(home: Path) -> None:
    async with started(home, "cadence = 7\n") as deck:
        page = await deck.pages.load(None, ["nord"])
        notes = dict(page.notes)
        assert notes["Settings"] == str(Path("~/.config/quotadeck/config.toml"))
        assert notes["Secrets"] == "in memory until the end of this run"
        assert "line 1, cadence" in notes["Problem"]


async def test_browser_profiles_are_listed_by_their_names_alone(home: Path) -> None:
    profile = home / ".config" / "chromium" / "Profile 1" / "Network"
    profile.mkdir(parents=True)
    (profile / "Cookies").write_bytes(b"this is no database")
    async with started(home) as deck:
        found = await deck.pages.options(await draft_of(deck, AMP), "browser")
    assert found[0][0] == "auto"
    assert ("chromium", "Chromium") in found
    assert ("chromium:Profile 1", "Chromium: Profile 1") in found


async def test_logins_that_are_kept_are_told_with_their_browser(home: Path) -> None:
    async with started(home) as deck:
        sessions = deck.accounts.world.sessions
        await sessions.put("amp", "cookies", Secret("kept-cookie-value"), "Chromium: Default")
        await sessions.put("amp", "mark", Secret("kept-mark-value"), "0123456789abcdef" * 4)
        assert await deck.pages.logins(AMP) == (("Session", "Chromium: Default, kept just now"),)


async def test_addresses_are_masked_where_accounts_are_hidden(home: Path) -> None:
    async with started(home, "privacy = true\n") as deck:
        sessions = deck.accounts.world.sessions
        await sessions.put("amp", "cookies", Secret("kept-cookie-value"), "ada@example.org")
        ((_, text),) = await deck.pages.logins(AMP)
        assert "ada" not in text


async def test_a_provider_offers_what_it_finds(home: Path) -> None:
    async with started(home) as deck:
        found = await deck.pages.options(await draft_of(deck, JETBRAINS), "ide")
    assert found[0][0] == "auto"


async def test_a_paste_is_described_for_the_provider_it_is_for(home: Path) -> None:
    async with started(home) as deck:
        header = await draft_of(deck, AMP, cookie_header="session=1; other=2")
        key = await draft_of(deck, AMP, api_key="Cookie: session=1; other=2")
        plain = await draft_of(deck, AMP, api_key="sgamp_user_abcdefgh")
        assert "Found 2 cookies for ampcode.com" in deck.pages.describe_paste(
            header, "cookie_header"
        )
        assert "belong into Cookie header" in deck.pages.describe_paste(key, "api_key")
        assert deck.pages.describe_paste(plain, "api_key") == ""


async def test_a_folder_is_listed_folders_first_and_hidden_last(home: Path) -> None:
    async with started(home) as deck:
        place = home / "place"
        for name in ("b", "a", ".hidden"):
            (place / name).mkdir(parents=True)
        (place / "file.xml").touch()
        folder = await deck.pages.folder("~/place/file.xml")
        nowhere = await deck.pages.folder("~/place/not/there")
    assert (folder.path, folder.parent) == (str(place), str(home))
    assert folder.folders == ("a", "b", ".hidden")
    assert folder.files == ("file.xml",)
    assert nowhere.path == str(place)


async def test_forgetting_takes_a_secret_out_of_store_and_file(home: Path) -> None:
    async with started(home, "[providers.openrouter]\napi_key = 'by-hand-key'\n") as deck:
        store = deck.accounts.world.store
        await store.set("openrouter", "api_key", Secret("stored-key"))
        await deck.pages.forget(OPENROUTER, "api_key")
        assert await store.names() == []
        assert "by-hand-key" not in deck.paths.config_file.read_text()


async def test_what_cannot_be_saved_is_a_sentence(home: Path) -> None:
    async with started(home) as deck:
        deck.paths.config_file.write_text("cadence = \n")
        draft = await draft_of(deck, OPENROUTER, base_url="https://gw.example")
        with pytest.raises(NotSaved, match="is not changed"):
            await deck.pages.save(draft)
        with pytest.raises(NotSaved, match="is not changed"):
            await deck.pages.forget(OPENROUTER, "api_key")


async def sign_in(ctx: FetchContext) -> str:
    ctx.tell("Type ABCD-1234 \x1b[31mat the page.")
    assert ctx.user_initiated
    key = await ctx.secrets.get("api_key")
    return f"Signed in{' with the entered key' if key == Secret('entered-key') else ''}."


async def refuse(ctx: FetchContext) -> str:
    raise Unauthorized("It was refused.", hint="Try again.")


async def test_an_action_runs_with_what_is_entered_and_tells_meanwhile(home: Path) -> None:
    async with started(home) as deck:
        spec = replace(
            deck.registry.specs["openrouter"],
            actions=(
                Action(id="login", label="Sign in", run=sign_in),
                Action(id="refuse", label="Refuse", run=refuse),
            ),
        )
        deck.accounts.registry = Registry({**deck.registry.specs, "openrouter": spec})
        draft = await draft_of(deck, OPENROUTER, api_key="entered-key")
        told: list[str] = []
        good = await deck.pages.act(draft, "login", told.append)
        bad = await deck.pages.act(draft, "refuse")
    assert told == ["Type ABCD-1234 at the page."]
    assert (good.text, good.is_good) == ("Signed in with the entered key.", True)
    assert (bad.text, bad.is_good) == ("It was refused. Try again.", False)


async def test_a_provider_that_is_off_is_not_asked_after_a_save(home: Path) -> None:
    async with started(home) as deck:
        page = await deck.pages.load(OPENROUTER)
        assert await deck.pages.ask(page) is None


async def test_options_of_a_wrong_form_are_refused_with_the_reason(home: Path) -> None:
    async with started(home) as deck:
        draft = await draft_of(deck, JETBRAINS)
        draft.enter("enabled", "maybe")
        with pytest.raises(Unsupported, match="enabled"):
            await deck.pages.options(draft, "ide")
