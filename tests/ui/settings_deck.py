"""A deck whose settings live in memory: what the settings screen sees in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import NOON
from tests.ui.deck import FakeDeck
from tests.ui.states import failed, good, window
from tui.auth.memory_store import MemoryStore
from tui.auth.paste import copied_host, read_paste
from tui.core.errors import ErrorKind, Unsupported
from tui.core.models import ProviderKey, ProviderState
from tui.core.redact import Secret
from tui.form import (
    Answer,
    Draft,
    Folder,
    NotSaved,
    Page,
    PageEntry,
    general_page,
    paste_text,
    provider_page,
    sign_of,
    state_line,
)
from tui.gateways.config import Config, load
from tui.providers._context import FetchContext
from tui.providers._spec import (
    Action,
    ChoiceField,
    CookieUse,
    FlagField,
    Links,
    Mode,
    NumberField,
    PathField,
    ProviderSpec,
    SecretField,
    Source,
    TextField,
    UrlField,
)
from tui.values import ProviderValues

KEPT = "sk-kept-and-never-shown"
GOOD = Answer(text="Pro plan, 3 windows, 0.4 s", is_good=True, field="api_key")
ALPHA, BETA, GAMMA = ProviderKey("alpha"), ProviderKey("beta"), ProviderKey("gamma")


async def nothing(ctx: FetchContext) -> Any:
    raise AssertionError


async def ides(ctx: FetchContext) -> tuple[tuple[str, str], ...]:
    raise AssertionError


SPECS = (
    ProviderSpec(
        id="alpha",
        name="Alpha",
        sources=(Source(id="api", label="API key", fetch=nothing),),
        modes=(Mode("auto", ("api",)), Mode("api", ("api",))),
        settings=(
            SecretField("api_key", "API key", env=("ALPHA_KEY",), help="From alpha.example/keys."),
            ChoiceField("region", "Region", choices=(("global", "Global"), ("china", "China"))),
            ChoiceField(
                "scope", "Usage of", choices=(("me", "Me"), ("team", "My team")), default="me"
            ),
            TextField("team_id", "Team ID", visible_if=("scope", "team")),
            UrlField("base_url", "Base URL", help="A gateway of your own."),
            FlagField("strict", "Strict"),
            NumberField("minutes", "Minutes", default=5, maximum=60),
        ),
        links=Links(
            dashboard="https://alpha.example/usage", keys="https://alpha.example/settings/keys"
        ),
        warning="Alpha (unofficial): a relay of somebody else.",
        actions=(Action(id="login", label="Sign in", run=nothing),),
    ),
    ProviderSpec(
        id="beta",
        name="Beta [b]Markup[/x]",
        sources=(Source(id="web", label="Browser", fetch=nothing),),
        modes=(Mode("auto", ("web",)),),
        cookies=CookieUse(domains=("beta.example",)),
    ),
    ProviderSpec(
        id="gamma",
        name="Gamma IDE",
        sources=(Source(id="local", label="File", fetch=nothing),),
        modes=(Mode("auto", ("local",)),),
        settings=(
            TextField("ide", "IDE", default="auto", options=ides),
            PathField("ide_path", "Path", placeholder="~/.config/Gamma"),
        ),
    ),
)


@dataclass
class FakePages:
    """Satisfies `PagesApi`: real pages over tables in memory, answers as a test wants them."""

    states: Mapping[ProviderKey, ProviderState]
    config: Config
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    store: MemoryStore = field(default_factory=MemoryStore)
    answer: Answer = GOOD
    asked: Answer | None = None
    """What the provider says after a save."""
    hold: asyncio.Event | None = None
    """Tests wait for it."""
    refusal: str = ""
    """Why nothing is saved."""
    found: tuple[tuple[str, str], ...] = (("auto", "Auto-detect"), ("idea", "IDEA [2026]"))
    error: Exception | None = None
    failure: Exception | None = None
    """What a test meets instead of an answer."""
    kept_logins: dict[ProviderKey, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    tested: list[tuple[dict[str, Any], dict[str, Secret | None]]] = field(default_factory=list)
    saved: list[tuple[str, dict[str, Any], dict[str, Secret | None]]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def entries(self) -> Sequence[PageEntry]:
        return tuple(
            PageEntry(
                key=ProviderKey(spec.id, account),
                name=account or spec.name,
                sign=sign_of(self.states.get(ProviderKey(spec.id, account))),
            )
            for spec in SPECS
            for account in ("", *self.tables.get(spec.id, {}).get("accounts", {}))
        )

    async def load(self, key: ProviderKey | None, themes: Sequence[str] = ()) -> Page:
        if key is None:
            return general_page(self.config, themes, (("Settings", "~/config.toml"),))
        spec = next(spec for spec in SPECS if spec.id == key.provider)
        table = self.tables.get(spec.id, {})
        values = ProviderValues(
            spec,
            key,
            table=table["accounts"][key.account] if key.account else table,
            env=self.env,
            home=Path("/home/mia"),
        )
        await values.load(self.store, reveal=False)
        state = self.states.get(key)
        return provider_page(spec, values, state=state_line(state, ""), sign=sign_of(state))

    async def find_store(self) -> None:
        pass

    async def logins(self, key: ProviderKey) -> Sequence[tuple[str, str]]:
        return self.kept_logins.get(key, ())

    async def options(self, draft: Draft, field: str) -> Sequence[tuple[str, str]]:
        if self.error:
            raise self.error
        return self.found

    async def folder(self, path: str) -> Folder:
        if path.endswith("closed"):
            raise Unsupported("It cannot be read (Permission denied).")
        return Folder(
            path="/home/mia", parent="/home", folders=("closed", "projects"), files=("a [x].xml",)
        )

    def describe_paste(self, draft: Draft, field: str) -> str:
        text = draft.secrets()[field]
        if text is None or field != "cookie_header":
            return ""
        return paste_text(read_paste(text), ("beta.example",), NOON, copied_host(text))

    async def test(self, draft: Draft, asked_from: str = "") -> Answer:
        self.tested.append((draft.values(), draft.secrets()))
        if self.hold:
            await self.hold.wait()
        if self.failure:
            raise self.failure
        return self.answer

    async def save(self, draft: Draft) -> None:
        if self.refusal:
            raise NotSaved(self.refusal)
        key = draft.page.key
        self.saved.append((str(key or ""), draft.values(), draft.secrets()))
        if key is not None:
            table = self.tables.setdefault(key.provider, {})
            table.update({k: v for k, v in draft.values().items() if v is not None})
            for name, secret in draft.secrets().items():
                assert secret is not None
                await self.store.set(str(key), name, secret)

    async def forget(self, key: ProviderKey, field: str) -> None:
        if self.refusal:
            raise NotSaved(self.refusal)
        self.forgotten.append(f"{key}.{field}")
        await self.store.delete(str(key), field)

    async def ask(self, page: Page, asked_from: str = "") -> Answer | None:
        return self.asked

    async def act(self, draft: Draft, action_id: str, tell: Callable[[str], None]) -> Answer:
        tell("Type ABCD-1234 at alpha.example/device.")
        if self.hold:
            await self.hold.wait()
        return Answer(text=f"Did {action_id}.", is_good=True)


def settings_deck(config_file: Path | None = None) -> FakeDeck:
    """Alpha answers and has a key, Beta failed, Gamma is off."""
    alpha = good("alpha", window("5-hour", 62), plan="Pro")
    beta = failed("beta", ErrorKind.MISSING_CREDENTIALS, "No login was found.", "Paste a cookie.")
    deck = FakeDeck([("Alpha", alpha), ("Beta", beta)])
    states = {state.key: state for state in (alpha, beta)}
    store = MemoryStore({("alpha", "api_key"): Secret(KEPT)})
    deck.pages = FakePages(states, load(config_file or Path("/nowhere/config.toml")), store=store)
    return deck
