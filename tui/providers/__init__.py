"""The providers: one module each, found by looking into this package."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from dataclasses import dataclass, field
from functools import lru_cache

from tui.providers._spec import ProviderSpec

log = logging.getLogger("tui.providers")


@dataclass(frozen=True, slots=True)
class Registry:
    """Every provider that could be loaded, by id, and the modules that could not."""

    specs: dict[str, ProviderSpec]
    broken: dict[str, str] = field(default_factory=dict)
    """Id to the name of the exception class."""

    def find(self, name: str) -> ProviderSpec | None:
        """By id or alias, in any letter case."""
        wanted = name.strip().lower()
        for spec in self.specs.values():
            if wanted == spec.id or wanted in (alias.lower() for alias in spec.aliases):
                return spec
        return None


@lru_cache(maxsize=8)
def load_providers(only: tuple[str, ...] = ()) -> Registry:
    """Import every module of this package without a leading underscore and take its `PROVIDER`.

    Args:
        only: Just those of these ids, for a run that has nothing to do with the others.
    """
    registry = Registry({})
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda item: item.name):
        if module.name.startswith("_"):
            continue
        provider_id = module.name.replace("_", "-")
        if only and provider_id not in only:
            continue
        try:
            spec = importlib.import_module(f"{__name__}.{module.name}").PROVIDER
            _check(spec, provider_id, registry)
        except Exception as error:  # one broken module must not hide the others
            log.exception("provider module %s cannot be used", module.name)
            registry.broken[provider_id] = type(error).__name__
            continue
        registry.specs[provider_id] = spec
    return registry


def _check(spec: ProviderSpec, provider_id: str, registry: Registry) -> None:
    if spec.id != provider_id:
        raise ValueError(f"module {provider_id} declares the id {spec.id}")
    names = {spec.id, *(alias.lower() for alias in spec.aliases)}
    for other in registry.specs.values():
        taken = names & {other.id, *(alias.lower() for alias in other.aliases)}
        if taken:
            raise ValueError(f"{spec.id} and {other.id} share {', '.join(sorted(taken))}")
    sources = {source.id for source in spec.sources}
    if spec.mode("auto") is None or any(set(mode.sources) - sources for mode in spec.modes):
        raise ValueError(f"{spec.id}: modes and sources do not fit")
