"""The composition root: settings, stores, gateways and engine put together.

A deck is made in two steps. What the first frame needs (settings, names and last numbers from
small files) is there at once; `start` brings the rest: providers, stores, network, detection.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.core.clock import Clock, SystemClock
from tui.core.models import ProviderKey, ProviderState
from tui.faces import Face, face_of, load_faces, save_faces
from tui.gateways import config as config_gateway
from tui.gateways.alive import kill_all
from tui.gateways.cache import SnapshotCache
from tui.gateways.config import Config
from tui.gateways.logs import RingHandler, set_up, tear_down
from tui.gateways.paths import Paths, find_paths
from tui.gateways.toml_file import dotted

if TYPE_CHECKING:
    import httpx

    from tui.accounts import Accounts, Detection
    from tui.auth.browser import BrowserLogins
    from tui.contexts import World
    from tui.core.redact import Secret
    from tui.costs import CostKeeper
    from tui.engine import RefreshEngine, Rhythm
    from tui.pages import Pages
    from tui.providers import Registry
    from tui.providers._spec import ProviderSpec
    from tui.values import ProviderValues

log = logging.getLogger("tui.runtime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says about this run."""

    only: tuple[str, ...] = ()
    """Exactly these providers, by id."""
    lean: bool = False
    """The declarations of all others are not even loaded: one answer, no settings screen."""
    flags: Mapping[str, Mapping[str, str]] | None = None
    """Values of this run, by provider id and key."""
    timeout_s: float | None = None
    user_initiated: bool = False
    """`--allow-prompts`: this run counts as a key pressed by the user."""
    log_to_file: bool = True

    @property
    def loaded(self) -> tuple[str, ...]:
        """The providers to load; empty means every one."""
        return self.only if self.lean else ()


NO_OPTIONS = Options()


class Deck:
    """Everything below the screens, as one thing to open and close.

    Args:
        transport: Answers instead of the network.
        demo: The numbers come from the packaged upstream.
    """

    def __init__(
        self,
        *,
        env: Mapping[str, str] | None = None,
        paths: Paths | None = None,
        clock: Clock | None = None,
        options: Options = NO_OPTIONS,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        demo: bool = False,
    ) -> None:
        self.env = os.environ if env is None else env
        self.paths = paths or find_paths(self.env)
        self.clock: Clock = clock or SystemClock()
        self.options = options
        self.demo = demo
        self.ring = RingHandler()
        self.config: Config = config_gateway.load(self.paths.config_file)
        self.prefs = config_gateway.preferences(self.config, self.env)
        self._cache = SnapshotCache(self.paths.state / "last")
        self._transport = transport
        faces = load_faces(self._first_faces_file, options.only)
        self._faces = {face.key: face for face in faces}
        self._world: World | None = None
        self._accounts: Accounts | None = None
        self._engine: RefreshEngine | None = None
        self._costs: CostKeeper | None = None
        self._saves_power = False
        self._power_task: asyncio.Task[None] | None = None

    # -- before the first frame ------------------------------------------------------------------

    def faces(self) -> tuple[Face, ...]:
        """The cards: those of the last run, after `start` those of this one."""
        return tuple(self._faces.values())

    def keys(self) -> tuple[ProviderKey, ...]:
        """What is switched on and not hidden, in display order."""
        hidden = set(self.config.hidden)
        return tuple(key for key in self._faces if key.provider not in hidden)

    def last_state(self, key: ProviderKey) -> ProviderState:
        """What the last run knew."""
        snapshot = self._cache.load(key).snapshot
        return ProviderState(key=key, snapshot=snapshot, restored=snapshot is not None)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the settings file, one sentence each."""
        return tuple(f"{self.config.path.name}, {problem}" for problem in self.config.problems)

    @property
    def log_file(self) -> Path | None:
        """Where the log goes; `None` in a run that keeps none."""
        return self.paths.state / "quotadeck.log" if self.options.log_to_file else None

    @property
    def log_place(self) -> str:
        """The same for people."""
        return str(self.log_file) if self.log_file else ""

    def set_pref(self, name: str, value: object) -> None:
        """Change one preference for this run."""
        self.prefs = replace(self.prefs, **{name: value})  # type: ignore[arg-type]

    # -- afterwards ------------------------------------------------------------------------------

    @property
    def is_started(self) -> bool:
        """Whether `start` has come to its end."""
        return self._engine is not None

    @property
    def engine(self) -> RefreshEngine:
        """The engine, once started."""
        assert self._engine is not None, "the deck is not started"
        return self._engine

    @property
    def accounts(self) -> Accounts:
        """The accounts, once opened or started."""
        assert self._accounts is not None, "the deck is not open"
        return self._accounts

    @property
    def registry(self) -> Registry:
        """The providers, once opened or started."""
        return self.accounts.registry

    def spec(self, key: ProviderKey) -> ProviderSpec:
        """The declaration behind a key.

        Raises:
            KeyError: There is no such provider.
        """
        return self.registry.specs[key.provider]

    @property
    def pages(self) -> Pages:
        """What the settings screen asks, once started."""
        from tui.pages import Pages

        return Pages(self)

    def open(self) -> Accounts:
        """Declarations, settings and stores, for who needs no numbers; nothing is decided or asked.

        Close the deck afterwards, as after `start`.
        """
        if self._accounts is None:
            set_up(self.ring, self.log_file)
            self._world = self._make_world()
            self._accounts = self._make_accounts(self._world)
        return self._accounts

    async def start(self) -> None:
        """Load providers and gateways, decide which accounts are on, make the engine."""
        from tui.gateways.blocking import LeavingPool, run_blocking

        asyncio.get_running_loop().set_default_executor(LeavingPool())
        set_up(self.ring, self.log_file)
        await run_blocking(lambda: _import_everything(self.options.loaded), deadline_s=60.0)
        from tui.engine import RefreshEngine

        accounts = self.open()
        await accounts.settle()
        engine = RefreshEngine(
            accounts,
            clock=self.clock,
            cache=self._cache,
            rng=random.random,
            rhythm=self._rhythm(),
        )
        engine.restore()
        self._engine = engine
        self._remember_faces()
        for problem in self.problems:
            log.warning("%s", problem)
        if not self.options.lean:
            self._keep_costs()
            self._mind_power()

    async def aclose(self) -> None:
        """End every refresh and program, close every connection."""
        await self._end_costs()
        if self._power_task is not None:
            self._power_task.cancel()
        if self._engine is not None:
            await self._engine.aclose()
        if self._world is not None:
            await self._world.http.aclose()
            kill_all()
        tear_down()

    # -- local costs -----------------------------------------------------------------------------

    async def update_costs(self) -> None:
        """Put the estimated local costs on the accounts that want them, once."""
        keeper = self._cost_keeper()
        if keeper is not None:
            await keeper.update()

    def _keep_costs(self) -> None:
        keeper = self._cost_keeper()
        if keeper is not None:
            keeper.start()

    def _cost_keeper(self) -> CostKeeper | None:
        """The reader of local logs; `None` while no account on the deck could want it."""
        if not any(spec.costs for spec in self.accounts.specs().values()):
            return None
        if self._costs is None:
            from tui.costs import CostKeeper

            self._costs = CostKeeper(self.accounts, self.engine, lambda: self.config.costs_show)
        return self._costs

    async def _end_costs(self) -> None:
        if self._costs is not None:
            await self._costs.close()
            self._costs = None

    async def __aenter__(self) -> Deck:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # -- settings --------------------------------------------------------------------------------

    async def reload(self, changed: Iterable[ProviderKey] = ()) -> None:
        """Read the settings again and take them over.

        Args:
            changed: Accounts whose settings or secrets are new.
        """
        self.config = config_gateway.load(self.paths.config_file)
        self.prefs = config_gateway.preferences(self.config, self.env)
        await self._take_over(changed)

    async def enable(self, provider_id: str) -> None:
        """Switch a provider on and remember it.

        Raises:
            ConfigError: The settings could not be saved.
        """
        await self.save(ProviderKey(provider_id), {"enabled": True})

    async def save(
        self,
        key: ProviderKey,
        values: Mapping[str, Any],
        secrets: Mapping[str, Secret | None] | None = None,
    ) -> None:
        """Save settings and secrets of an account and take them over.

        A secret goes into the store and out of the settings file; `None` forgets a value.

        Raises:
            ConfigError: The settings could not be saved; nothing was changed.
            StoreError: A secret could not be saved; nothing was changed.
        """
        from tui.auth.secret_changes import changed_secrets

        secrets = secrets or {}
        table = self.table_name(key)
        entered = {**dict.fromkeys(secrets), **values}
        changes = {f"{table}.{name}": value for name, value in entered.items()}
        async with changed_secrets(self.accounts.world.store, str(key), secrets):
            config_gateway.save(self.paths.config_file, changes)
        await self.reload(changed=(key,))

    async def save_globals(self, values: Mapping[str, Any]) -> None:
        """Save global settings and take them over.

        Raises:
            ConfigError: They could not be saved; nothing was changed.
        """
        config_gateway.save(self.paths.config_file, values)
        await self.reload()

    def table_name(self, key: ProviderKey) -> str:
        """The dotted key of an account's table, under whatever alias it was written."""
        spec = self.spec(key)
        name = next(
            (name for name in self.config.providers if self.registry.find(name) is spec), spec.id
        )
        account = ("accounts", key.account) if key.account else ()
        return dotted("providers", name, *account)

    async def values(self, key: ProviderKey) -> ProviderValues:
        """The values of an account as they are saved."""
        return await self.accounts.values(key)

    async def detections(self, *, browsers: bool = False) -> tuple[Detection, ...]:
        """What this machine has; the browsers only when asked."""
        return await self.accounts.detect(browsers=browsers)

    # -- inside ----------------------------------------------------------------------------------

    def _make_world(self) -> World:
        from tui.auth.stores import open_stores
        from tui.contexts import World
        from tui.gateways.http import HttpGateway

        stores = open_stores(self.paths.data, self.clock)
        return World(
            env=self.env,
            paths=self.paths,
            clock=self.clock,
            http=HttpGateway(self._transport() if self._transport else None),
            store=stores.credentials,
            sessions=stores.sessions,
            browsers=cache(self._make_browsers),
        )

    def _make_browsers(self) -> BrowserLogins:
        from tui.auth.browser import BrowserLogins

        return BrowserLogins(
            env=self.env, home=self.paths.home, state=self.paths.state, clock=self.clock
        )

    def _make_accounts(self, world: World) -> Accounts:
        from tui.accounts import Accounts
        from tui.gateways import codexbar
        from tui.providers import load_providers

        return Accounts(
            world,
            load_providers(self.options.loaded),
            self.config,
            foreign=codexbar.load(codexbar.find_file(self.env, self.paths.home)),
            flags=self.options.flags,
            only=self.options.only,
            timeout_s=self.options.timeout_s,
        )

    async def _take_over(self, changed: Iterable[ProviderKey]) -> None:
        self.accounts.config = self.config
        await self.accounts.settle()
        await self.engine.reconfigure(self._rhythm(), changed)
        await self._end_costs()
        self._keep_costs()
        self._mind_power()
        self._remember_faces()

    def _rhythm(self) -> Rhythm:
        from tui.core.schedule import is_slow
        from tui.engine import Rhythm

        slow = is_slow(self.config.slow_mode, constrained=self._saves_power)  # type: ignore[arg-type]
        return Rhythm(cadence=self.config.cadence, slow=slow)  # type: ignore[arg-type]

    def _mind_power(self) -> None:
        """Ask whether the machine saves power, while somebody wants that to matter."""
        wanted, task = self.config.slow_mode == "auto", self._power_task
        if wanted and task is None:
            self._power_task = asyncio.create_task(self._follow_power(), name="power")
        elif task is not None and not wanted:
            task.cancel()
            self._power_task, self._saves_power = None, False

    async def _follow_power(self) -> None:
        from tui.gateways.power import power_changes

        async for saves_power in power_changes(self.clock):
            self._saves_power = saves_power
            log.info("the machine %s power", "saves" if saves_power else "no longer saves")
            await self.engine.reconfigure(self._rhythm())

    @property
    def _faces_file(self) -> Path:
        return self.paths.state / "deck.json"

    @property
    def _first_faces_file(self) -> Path:
        """Where the names for the first frame are."""
        return self._faces_file

    def _remember_faces(self) -> None:
        self._faces = {
            key: face_of(key, spec.name, spec.shown_short_name, self.accounts.label(key))
            for key, spec in self.accounts.specs().items()
        }
        if not self.options.only:
            save_faces(self._faces_file, self._faces.values())


def _import_everything(provider_ids: tuple[str, ...]) -> None:
    """Load, beside the event loop, what the first refresh needs."""
    import httpx  # noqa: F401

    import tui.accounts
    import tui.engine
    import tui.providers

    tui.providers.load_providers(provider_ids)
