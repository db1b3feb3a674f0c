"""Making an account ready for a refresh: its values, its gateways, its context.

This is where a declaration meets the world. The engine asks here for contexts; the settings
screen and the command line ask here for values and for what was detected.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tui.auth import CredentialStore
from tui.contexts import World, open_browsers, open_context
from tui.core.errors import FetchError
from tui.core.models import ProviderKey
from tui.core.text import clean
from tui.engine import OpenAccount
from tui.field_values import read_flag
from tui.gateways.codexbar import ForeignEntry
from tui.gateways.config import Config
from tui.gateways.files import DeclaredFiles
from tui.providers import Registry, load_providers
from tui.providers._context import FetchContext
from tui.providers._spec import ProviderSpec, SecretField
from tui.values import ProviderValues


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A login that lies on this machine."""

    provider: str
    name: str
    text: str
    enabled: bool = False
    action: str = ""


class Accounts:
    """The accounts of the present settings.

    Args:
        flags: Values of this run by provider id and key.
        only: Exactly these providers, whether switched on or not.
        timeout_s: Instead of every provider's own deadline.
    """

    def __init__(
        self,
        world: World,
        registry: Registry,
        config: Config,
        *,
        foreign: Mapping[str, ForeignEntry] | None = None,
        flags: Mapping[str, Mapping[str, str]] | None = None,
        only: tuple[str, ...] = (),
        timeout_s: float | None = None,
    ) -> None:
        self.world = world
        self.registry = registry
        self.config = config
        self._foreign = foreign or {}
        self._flags = flags or {}
        self._only = only
        self._timeout_s = timeout_s
        self._enabled: dict[ProviderKey, ProviderSpec] = {}
        self._memories: defaultdict[tuple[ProviderKey, str], dict[str, Any]] = defaultdict(dict)

    # -- which accounts --------------------------------------------------------------------------

    def specs(self) -> Mapping[ProviderKey, ProviderSpec]:
        """The accounts that are switched on, in display order; see `settle`."""
        return self._enabled

    def ordered(self) -> tuple[ProviderSpec, ...]:
        """Every provider: first those of the setting `order`, then the others by name."""
        found = [self.registry.find(name) for name in self.config.order]
        first = list(dict.fromkeys(spec.id for spec in found if spec is not None))
        rest = sorted(
            (spec for spec in self.registry.specs.values() if spec.id not in first),
            key=lambda spec: spec.name.lower(),
        )
        return (*(self.registry.specs[name] for name in first), *rest)

    async def settle(self) -> None:
        """Decide which accounts are on. Opens no key store and no browser, starts no program."""
        chosen = [spec for spec in self.ordered() if not self._only or spec.id in self._only]
        on = await asyncio.gather(*(self._is_on(spec) for spec in chosen))
        self._enabled = {
            key: self._timed(spec)
            for spec, is_on in zip(chosen, on, strict=True)
            if is_on
            for key in await self.keys_of(spec)
        }

    async def keys_of(self, spec: ProviderSpec) -> tuple[ProviderKey, ...]:
        """Its accounts that are on; the nameless one only when there are no others, or it has a
        login."""
        named = self._named(spec)
        if not named or await self._has_login(spec):
            return (ProviderKey(spec.id), *named)
        return named

    async def detect(self, *, browsers: bool = False) -> tuple[Detection, ...]:
        """What this machine already has, one entry per provider that has something."""
        specs = self.ordered()
        texts = await asyncio.gather(*(self.signs(spec, browsers=browsers) for spec in specs))
        on = {key.provider for key in self._enabled}
        return tuple(
            Detection(provider=spec.id, name=spec.name, text=text, enabled=spec.id in on)
            for spec, text in zip(specs, texts, strict=True)
            if text
        )

    async def signs(self, spec: ProviderSpec, *, browsers: bool = False) -> str:
        """What there is for a provider, in words; empty when nothing."""
        values = await self.values(ProviderKey(spec.id), reveal=False)
        found = [
            f"{item.label} {origin}"
            for item in spec.fields()
            if isinstance(item, SecretField) and (origin := values.secret_origin(item))
        ]
        if text := await self._detected(spec, values):
            found.append(text)
        if browsers and spec.cookies is not None:
            browser_logins = open_browsers(self.world, spec.cookies, "auto", user_initiated=False)
            found += await browser_logins.describe()
        return ", ".join(found)

    async def _is_on(self, spec: ProviderSpec) -> bool:
        if self._only:
            return True
        switch = _switch(self.table(spec))
        if switch is not None:
            return switch
        if self._named(spec):
            return True
        return spec.enable_on_detect and await self._has_login(spec)

    def _named(self, spec: ProviderSpec) -> tuple[ProviderKey, ...]:
        """Its accounts with a name; those that are off only when the provider was asked for."""
        return tuple(
            ProviderKey(spec.id, name)
            for name, table in self.account_tables(spec).items()
            if self._only or _switch(table) is not False
        )

    async def _has_login(self, spec: ProviderSpec) -> bool:
        """Whether the nameless account has a key, a header, or a login of another program."""
        values = await self.values(ProviderKey(spec.id), reveal=False)
        return values.has_strong_secret() or bool(await self._detected(spec, values))

    async def _detected(self, spec: ProviderSpec, values: ProviderValues) -> str:
        if spec.detect is None:
            return ""
        try:
            ctx, _ = self._context(values, mode="auto", user_initiated=False)
            return await spec.detect(ctx)
        except FetchError as error:
            logging.getLogger("tui.accounts").debug("%s: %s", values.key, error.message)
            return ""

    def _timed(self, spec: ProviderSpec) -> ProviderSpec:
        return replace(spec, deadline_s=self._timeout_s) if self._timeout_s else spec

    # -- one account -----------------------------------------------------------------------------

    def table(self, spec: ProviderSpec) -> Mapping[str, Any]:
        """Its table of the settings file, under its id or an alias."""
        for name, table in self.config.providers.items():
            if self.registry.find(name) is spec:
                return table
        return self.config.providers.get(spec.id, {})

    def account_tables(self, spec: ProviderSpec) -> Mapping[str, Mapping[str, Any]]:
        """The tables `accounts.<name>`, where they make sense."""
        tables = self.table(spec).get("accounts") if spec.accounts else None
        found = tables.items() if isinstance(tables, dict) else ()
        return {name: table for name, table in found if isinstance(table, dict)}

    def own_table(self, key: ProviderKey) -> Mapping[str, Any]:
        """The table of exactly this account; empty when there is none."""
        spec = self.registry.specs[key.provider]
        return self.account_tables(spec).get(key.account, {}) if key.account else self.table(spec)

    def label(self, key: ProviderKey) -> str:
        """What the user calls an account; empty for the nameless one."""
        label = self.own_table(key).get("label") if key.account else ""
        return clean(label) if isinstance(label, str) else key.account

    async def values(
        self,
        key: ProviderKey,
        *,
        table: Mapping[str, Any] | None = None,
        store: CredentialStore | None = None,
        reveal: bool = True,
        user_initiated: bool = False,
    ) -> ProviderValues:
        """The values of an account.

        Args:
            reveal: Read the stored secrets; without it only their names are looked at.
            user_initiated: The key store may ask to be unlocked.
            table: Instead of the saved settings: what stands in a form.
            store: Instead of the saved secrets.
        """
        spec = self.registry.specs[key.provider]
        values = ProviderValues(
            spec,
            key,
            table=self.own_table(key) if table is None else table,
            env=self.world.env,
            home=self.world.paths.home,
            flags=self._flags.get(key.provider),
            foreign=self._foreign_entry(spec),
        )
        return await values.load(
            store or self.world.store, reveal=reveal, user_initiated=user_initiated
        )

    async def open(self, key: ProviderKey, *, user_initiated: bool) -> OpenAccount:
        """Make an account ready for one refresh.

        Raises:
            Unsupported: A setting is not allowed; it is named.
        """
        values = await self.values(key, user_initiated=user_initiated)
        return self.open_values(values, user_initiated=user_initiated)

    def open_values(self, values: ProviderValues, *, user_initiated: bool) -> OpenAccount:
        """The same with values at hand."""
        values.check()
        ctx, files = self._context(values, mode=values.mode(), user_initiated=user_initiated)
        mark = fingerprint(values)
        ctx = replace(ctx, memory=self._memories[values.key, mark])
        return OpenAccount(ctx=ctx, fingerprint=mark, watched=files.watched)

    def _foreign_entry(self, spec: ProviderSpec) -> ForeignEntry | None:
        for name, entry in self._foreign.items():
            if self.registry.find(name) is spec:
                return entry
        return None

    def _context(
        self, values: ProviderValues, *, mode: str, user_initiated: bool
    ) -> tuple[FetchContext, DeclaredFiles]:
        return open_context(
            self.world,
            values,
            mode=mode,
            user_initiated=user_initiated,
            hidden_variables=lambda: self._foreign_variables(values.spec),
        )

    def _foreign_variables(self, spec: ProviderSpec) -> frozenset[str]:
        """Secrets of other providers, which a child program does not get."""
        own = set(spec.variables())
        others = {**load_providers().specs, **self.registry.specs}
        return frozenset(
            name
            for other in others.values()
            for item in other.fields()
            if isinstance(item, SecretField)
            for name in (*item.env, *item.weak_env)
            if name not in own
        )


def _switch(table: Mapping[str, Any]) -> bool | None:
    """What a table says in `enabled`; `None` when nothing, or nothing that can be understood."""
    try:
        return read_flag(table["enabled"])
    except (KeyError, ValueError):
        return None


def fingerprint(values: ProviderValues) -> str:
    """A hash of everything that decides whose numbers these are; no value can be read from it."""
    digest = hashlib.sha256(str(values.key).encode())
    for item in values.spec.fields():
        if isinstance(item, SecretField):
            found = values.secret_now(item.key)
            part = found.value.fingerprint() if found else ""
        else:
            part = str(values.value(item.key))
        digest.update(f"\0{item.key}\0{part}".encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]
