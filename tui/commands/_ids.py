"""Reading providers and accounts from the command line, under whatever alias."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tui.commands._base import CliError, UsageError
from tui.core.models import ProviderKey
from tui.gateways.config import is_account_name
from tui.providers import Registry, load_providers
from tui.providers._spec import ProviderSpec


def find_spec(registry: Registry, name: str) -> ProviderSpec:
    """The provider with this id or alias.

    Raises:
        UsageError: There is none.
        CliError: Its module cannot be loaded.
    """
    spec = registry.find(name)
    if spec is not None:
        return spec
    if name in registry.broken:
        reason = registry.broken[name]
        raise CliError(f"{name} cannot be used ({reason}).", hint="Please report it.")
    known = ", ".join(sorted(registry.specs))
    raise UsageError(f'There is no provider "{name}".', hint=f"Known: {known}.")


def find_key(registry: Registry, text: str) -> ProviderKey:
    """`zai`, or `zai:work` for an account.

    Raises:
        UsageError: There is no such provider, or it has no accounts.
    """
    name, colon, account = text.partition(":")
    spec = find_spec(registry, name)
    if colon and not spec.accounts:
        raise UsageError(f"{spec.name} has no accounts.", hint=f"Use {spec.id} alone.")
    if colon and not is_account_name(account):
        raise UsageError(
            f'"{account}" cannot name an account.', hint=f"Write it as {spec.id}:work."
        )
    return ProviderKey(spec.id, account)


def chosen_keys(words: Iterable[str]) -> tuple[ProviderKey, ...]:
    """What `--provider zai,warp:work` names, each once; empty when all are meant.

    Raises:
        UsageError: One is not known, or the option names nothing.
    """
    given = list(words)
    names = [name.strip() for word in given for name in word.split(",") if name.strip()]
    if given and not names:
        raise UsageError("--provider names nothing.", hint="See `quotadeck providers`.")
    return tuple(dict.fromkeys(find_key(_registry_with(names), name) for name in names))


def _registry_with(names: Iterable[str]) -> Registry:
    """Just the declarations that are named, when each is named by its id."""
    ids = tuple(name.partition(":")[0] for name in names)
    registry = load_providers(ids)
    return registry if set(ids) <= set(registry.specs) else load_providers()


def providers_of(keys: Iterable[ProviderKey]) -> tuple[str, ...]:
    """Their ids, each once."""
    return tuple(dict.fromkeys(key.provider for key in keys))


def only_known(
    present: Iterable[ProviderKey], chosen: Collection[ProviderKey]
) -> tuple[ProviderKey, ...]:
    """Of the accounts that are there the chosen ones; a provider alone means all of its accounts.

    Raises:
        UsageError: An account was chosen that is not there.
    """
    known = tuple(present)
    for key in chosen:
        if key.account and key not in known:
            raise UsageError(f'There is no account "{key}".', hint="See `quotadeck config list`.")
    wanted = set(chosen)
    return tuple(
        key for key in known if not wanted or key in wanted or ProviderKey(key.provider) in wanted
    )
