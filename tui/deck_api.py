"""What the screens ask of the program below them.

Protocols only: the runtime satisfies them, and so does a test's deck of canned states. Nothing here
knows Textual, and nothing here does anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from datetime import datetime

    from tui.core.clock import Clock
    from tui.core.models import ProviderKey, ProviderState
    from tui.core.preferences import Preferences
    from tui.form import Answer, Draft, Folder, Page, PageEntry
    from tui.providers._spec import ProviderSpec

Unsubscribe: TypeAlias = "Callable[[], None]"


class LogLine(Protocol):
    """One line of the log, redacted and free of control characters."""

    @property
    def at(self) -> datetime:
        """When it was written, aware."""

    @property
    def level(self) -> int:
        """A level of the `logging` module."""

    @property
    def provider(self) -> str:
        """Whose line it is; empty for the program itself."""

    @property
    def text(self) -> str:
        """The line without time and provider."""


class LogRing(Protocol):
    """The last lines of the log."""

    def records(self, level: int, provider: str) -> Sequence[LogLine]:
        """Lines of at least this level, oldest first; an empty provider means all."""

    def subscribe(self, callback: Callable[[LogLine], None], /) -> Unsubscribe:
        """Call back for every new line, from whatever thread wrote it."""


class Engine(Protocol):
    """Keeps the states fresh and tells about every change."""

    tell: Callable[[ProviderKey, str], None]
    """Takes the sentences background tasks have for the user."""

    def state(self, key: ProviderKey) -> ProviderState:
        """What is known now."""

    def subscribe(self, listener: Callable[[ProviderState], None], /) -> Unsubscribe:
        """Call back with every new state."""

    def watch(self, key: ProviderKey) -> Coroutine[Any, Any, None]:
        """Keep one provider fresh until cancelled."""

    def refresh(self, key: ProviderKey, *, user: bool) -> Coroutine[Any, Any, object]:
        """Ask one provider now."""

    def refresh_all(self, *, user: bool) -> Coroutine[Any, Any, object]:
        """Ask every provider now."""

    def interaction(self) -> None:
        """A key, the mouse or the size changed: somebody is looking."""

    def focus_in(self) -> None:
        """The terminal came back to the front."""


class Detection(Protocol):
    """Something on this machine that a provider could live on."""

    @property
    def provider(self) -> str:
        """Id of the provider."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def text(self) -> str:
        """What was found and where."""

    @property
    def enabled(self) -> bool:
        """Whether the provider is on already."""


class Face(Protocol):
    """What a card is called, known before its provider is loaded."""

    @property
    def key(self) -> ProviderKey:
        """Whose card it is."""

    @property
    def name(self) -> str:
        """The full name."""

    @property
    def short_name(self) -> str:
        """The name where room is scarce."""


class DeckConfig(Protocol):
    """The settings the screens need."""

    @property
    def keys(self) -> Mapping[str, str]:
        """The user's keys: action to key."""

    @property
    def theme(self) -> str:
        """Name of a theme."""

    @property
    def density(self) -> str:
        """`auto`, `comfortable`, `compact` or `line`."""


class PagesApi(Protocol):
    """What the settings screen asks; nothing here raises but where it says so."""

    def entries(self) -> Sequence[PageEntry]:
        """Every provider, its accounts below it."""

    async def load(self, key: ProviderKey | None, themes: Sequence[str] = ()) -> Page:
        """A page as it is saved now; `None` is the general one."""

    async def find_store(self) -> None:
        """Find out where a new secret goes; pages that are loaded afterwards know it."""

    async def logins(self, key: ProviderKey) -> Sequence[tuple[str, str]]:
        """Which logins worked before and are kept: a label and where each is from."""

    async def options(self, draft: Draft, field: str) -> Sequence[tuple[str, str]]:
        """What a field can be on this machine. Raises `FetchError`."""

    async def folder(self, path: str) -> Folder:
        """What lies in a folder. Raises `FetchError`."""

    def describe_paste(self, draft: Draft, field: str) -> str:
        """What a pasted secret holds; empty when that is of no interest."""

    async def test(self, draft: Draft, asked_from: str = "") -> Answer:
        """Run the real chain with what stands in the form."""

    async def save(self, draft: Draft) -> None:
        """Save what changed. Raises `NotSaved`."""

    async def forget(self, key: ProviderKey, field: str) -> None:
        """Forget a secret. Raises `NotSaved`."""

    async def ask(self, page: Page, asked_from: str = "") -> Answer | None:
        """What a provider says to what is saved; `None` when it is off."""

    async def act(self, draft: Draft, action_id: str, tell: Callable[[str], None]) -> Answer:
        """Do something a provider offers; sentences meanwhile go to `tell`."""


class DeckApi(Protocol):
    """The whole program as the screens see it."""

    @property
    def clock(self) -> Clock:
        """The time; tests stop it."""

    @property
    def ring(self) -> LogRing:
        """The last lines of the log."""

    @property
    def config(self) -> DeckConfig:
        """Settings as loaded."""

    @property
    def prefs(self) -> Preferences:
        """How numbers and times are shown now."""

    @property
    def demo(self) -> bool:
        """The numbers come from the packaged upstream."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the settings file, one sentence each."""

    @property
    def log_place(self) -> str:
        """Where the log file is; empty without one."""

    # before the first frame

    def keys(self) -> tuple[ProviderKey, ...]:
        """What is switched on, in display order; before `start`, as in the last run."""

    def faces(self) -> Sequence[Face]:
        """The names of at least these keys."""

    def last_state(self, key: ProviderKey) -> ProviderState:
        """What the last run knew."""

    def set_pref(self, name: str, value: object) -> None:
        """Change one preference for this run."""

    # afterwards

    @property
    def is_started(self) -> bool:
        """Whether `start` has come to its end."""

    @property
    def engine(self) -> Engine:
        """Who keeps the states fresh."""

    @property
    def pages(self) -> PagesApi:
        """What the settings screen asks."""

    def spec(self, key: ProviderKey) -> ProviderSpec:
        """The declaration behind a key."""

    async def start(self) -> None:
        """Everything that is too slow for the time before the first frame."""

    async def aclose(self) -> None:
        """End what runs and free what is held."""

    async def detections(self, *, browsers: bool = False) -> Sequence[Detection]:
        """What this machine has; the browsers only when asked."""

    async def enable(self, provider_id: str) -> None:
        """Switch a provider on and remember it."""
