"""What a provider declares about itself.

One constant per provider module: `PROVIDER = ProviderSpec(...)`. Cards, the settings form, the
command line, JSON, host checks and redaction follow from it. A declaration knows nothing of
widgets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tui.core.errors import ErrorKind
from tui.core.models import ProviderSnapshot
from tui.providers._context import FetchContext, Settings

Fetch: TypeAlias = Callable[[FetchContext], Awaitable[ProviderSnapshot]]
Extra: TypeAlias = Callable[[FetchContext, ProviderSnapshot], Awaitable[ProviderSnapshot]]
LastKnown: TypeAlias = Callable[[FetchContext], Awaitable[ProviderSnapshot | None]]
Options: TypeAlias = Callable[[FetchContext], Awaitable[tuple[tuple[str, str], ...]]]
"""Choices known only on this machine: pairs of value and label."""


def is_switched_on(settings: Settings) -> bool:
    """Whether the user switched the provider on."""
    return settings.flag("enabled")


@dataclass(frozen=True, slots=True)
class SecretField:
    """A key, token or pasted header; kept in the credential store."""

    key: str
    label: str
    env: tuple[str, ...] = ()
    weak_env: tuple[str, ...] = ()
    """Names other products or regions use too: read after `env`, while `weak_if` holds."""
    weak_if: Callable[[Settings], bool] = is_switched_on
    help: str = ""
    placeholder: str = ""
    visible_if: tuple[str, str] | None = None
    """Shown only when another field has this value."""
    optional: bool = False
    """Adds something to a login and is none: alone it does not switch the provider on."""


@dataclass(frozen=True, slots=True)
class TextField:
    """A short text, or one of the choices found on this machine."""

    key: str
    label: str
    env: tuple[str, ...] = ()
    default: str = ""
    help: str = ""
    placeholder: str = ""
    options: Options | None = None
    visible_if: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ChoiceField:
    """One word of a list."""

    key: str
    label: str
    choices: tuple[tuple[str, str], ...]
    """Pairs of the stored word and its label."""
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    env: tuple[str, ...] = ()
    default: str | None = None
    help: str = ""
    visible_if: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class FlagField:
    """On or off."""

    key: str
    label: str
    default: bool = False
    env: tuple[str, ...] = ()
    help: str = ""
    visible_if: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class NumberField:
    """A whole number within bounds."""

    key: str
    label: str
    default: int
    minimum: int = 1
    maximum: int = 1440
    env: tuple[str, ...] = ()
    help: str = ""
    visible_if: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ListField:
    """Several short texts."""

    key: str
    label: str
    env: tuple[str, ...] = ()
    help: str = ""
    visible_if: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class PathField:
    """A file or folder; `~` and variables are expanded."""

    key: str
    label: str
    env: tuple[str, ...] = ()
    help: str = ""
    placeholder: str = ""
    visible_if: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class UrlField:
    """An address that replaces a standard one. Its host may then be contacted, nothing else
    changes."""

    key: str
    label: str
    env: tuple[str, ...] = ()
    bare_host: bool = True
    """`host/path` without a scheme means https."""
    loopback_http: bool = False
    """Plain http is allowed for this machine."""
    help: str = ""
    placeholder: str = ""
    visible_if: tuple[str, str] | None = None


SettingField: TypeAlias = (
    SecretField
    | TextField
    | ChoiceField
    | FlagField
    | NumberField
    | ListField
    | PathField
    | UrlField
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One way to obtain a snapshot."""

    id: str
    label: str
    fetch: Fetch
    extras: tuple[Extra, ...] = ()
    """Optional enrichment: started together after the answer was shown, may only add, fails
    silently."""
    extra_timeout_s: float = 15.0
    continue_on: frozenset[ErrorKind] = frozenset()
    """Kinds of failure after which `auto` goes on, beside missing credentials and unauthorized."""
    min_interval_s: float = 0.0
    """In the background this source runs at most that often; until then its last answer serves
    (B§2.7)."""
    starts_program: bool = False
    """Counts against the limit of child programs that run at once."""
    kind: str = ""
    """The word errors and JSON have for it, where that is not the id: two sources may be `cli`."""

    @property
    def word(self) -> str:
        """What errors and JSON call it: `api`, `web`, `cli`, `local`, `oauth`."""
        return self.kind or self.id


@dataclass(frozen=True, slots=True)
class Mode:
    """An order of sources the user can choose. Only `auto` falls back from one to the next."""

    id: str
    sources: tuple[str, ...]
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Pages for people."""

    dashboard: str = ""
    keys: str = ""
    login: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A command line program of the provider."""

    name: str
    env: str = ""
    """Variable that names its path."""
    places: tuple[str, ...] = ()
    """Usual places beside PATH; `~` and variables are expanded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieUse:
    """That a provider can live on a browser login."""

    domains: tuple[str, ...]
    """Hosts whose cookies are read; `example.com` stands for itself and its sub-domains."""
    browsers: tuple[str, ...] = ()
    """The order in which browsers are looked at, `*` for the rest; empty means the default order.
    """
    env: tuple[str, ...] = ()
    """Variables that hold a pasted header."""
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundTask:
    """Something the engine keeps running while the provider is on, such as a session keepalive."""

    id: str
    label: str
    run: Callable[[FetchContext], Awaitable[None]]
    """Runs until cancelled; must not raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something the user can do for this provider beside refreshing it."""

    id: str
    label: str
    run: Callable[[FetchContext], Awaitable[str]]
    """Returns one sentence that says what happened, or raises a `FetchError`."""


EVERYWHERE = ("enabled", "source", "extras")
"""Keys every provider has beside its own."""
SHOW_COSTS = "show_cost_summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """A provider, declared."""

    id: str
    name: str
    sources: tuple[Source, ...]
    modes: tuple[Mode, ...]
    aliases: tuple[str, ...] = ()
    short_name: str = ""
    """For one-line densities; the name when empty."""
    mode_aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Old or foreign words for a mode."""
    hosts: tuple[str, ...] = ()
    """Hosts that may be contacted; `.example.com` stands for all below it."""
    settings: tuple[SettingField, ...] = ()
    cookies: CookieUse | None = None
    programs: tuple[Program, ...] = ()
    """The first one can be placed with the setting `cli_path`."""
    env: tuple[str, ...] = ()
    """Further variables its sources read, beside those of the fields."""
    roots: tuple[str, ...] = ()
    """Folders and files it may read; `~` and variables are expanded."""
    links: Links = Links()
    deadline_s: float = 30.0
    """For one whole refresh."""
    accounts: bool = True
    """Whether `accounts.<name>` makes sense."""
    detect: Callable[[FetchContext], Awaitable[str]] | None = None
    """Names a login that lies on this machine, without a prompt, a program or the network; "" for
    none."""
    enable_on_detect: bool = True
    """Whether a detected login switches the provider on; weak signs do not."""
    check: Callable[[FetchContext], None] | None = None
    """Contradictions between settings: raises `Unsupported` before any byte leaves."""
    last_known: LastKnown | None = None
    """Older numbers that another program left on this machine, `None` where they no longer hold;
    in `auto` they stand beside the error when the service could not be asked."""
    background: tuple[BackgroundTask, ...] = ()
    actions: tuple[Action, ...] = ()
    costs: Literal["", "vertex", "direct", "rollouts"] = ""
    """Its share of the local session logs, whose estimated cost is shown when the user wants it."""
    costs_home: str = ""
    """The setting that names the folder of these logs, where every account may have its own."""
    warning: str = ""
    """One line of caution in the settings."""
    codexbar: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Where CodexBar's file names a field differently: its name in our words to our key."""

    @property
    def shown_short_name(self) -> str:
        """The name where room is scarce."""
        return self.short_name or self.name

    def source(self, source_id: str) -> Source:
        """The source with this id.

        Raises:
            KeyError: There is none.
        """
        for source in self.sources:
            if source.id == source_id:
                return source
        raise KeyError(source_id)

    def mode(self, mode_id: str) -> Mode | None:
        """The mode with this id or alias."""
        wanted = self.mode_aliases.get(mode_id, mode_id)
        return next((mode for mode in self.modes if mode.id == wanted), None)

    def fields(self) -> tuple[SettingField, ...]:
        """Every field of the settings form: the declared ones and those that come with cookies and
        programs. What signs in stands together, before what few people change."""
        logins = self.settings[: self._count_to_last_login()]
        others = self.settings[len(logins) :] + self._program_fields() + self._cost_fields()
        return logins + self._cookie_fields() + others

    def field(self, key: str) -> SettingField | None:
        """The field with this key."""
        return next((item for item in self.fields() if item.key == key), None)

    def variables(self) -> tuple[str, ...]:
        """Every environment variable this provider reads, in the order of the fields."""
        names: list[str] = []
        for item in self.fields():
            names += item.env
            if isinstance(item, SecretField):
                names += item.weak_env
        names += [program.env for program in self.programs if program.env]
        return tuple(dict.fromkeys((*names, *self.env)))

    def _count_to_last_login(self) -> int:
        """How many of the declared fields reach as far as the last key or token."""
        places = enumerate(self.settings, start=1)
        return max(
            (n for n, item in places if isinstance(item, SecretField) and not item.optional),
            default=0,
        )

    def _cookie_fields(self) -> tuple[SettingField, ...]:
        if self.cookies is None:
            return ()
        return (
            ChoiceField(
                "cookie_source",
                "Cookies",
                choices=(
                    ("auto", "From a browser"),
                    ("manual", "Pasted"),
                    ("off", "Off"),
                ),
                help="Where the login comes from.",
            ),
            SecretField(
                "cookie_header",
                "Cookie header",
                env=self.cookies.env,
                help=self.cookies.help or "A Cookie header, a cURL command or the bare value.",
            ),
            TextField(
                "browser",
                "Browser",
                default="auto",
                help="auto, or one browser, or browser:profile.",
                visible_if=("cookie_source", "auto"),
            ),
        )

    def _cost_fields(self) -> tuple[SettingField, ...]:
        if not self.costs or any(item.key == SHOW_COSTS for item in self.settings):
            return ()
        return (
            FlagField(
                SHOW_COSTS,
                "Local costs",
                help="Estimated from the session logs on this machine; may differ from your bill.",
            ),
        )

    def _program_fields(self) -> tuple[SettingField, ...]:
        if not self.programs or any(item.key == "cli_path" for item in self.settings):
            return ()
        program = self.programs[0]
        return (
            PathField(
                "cli_path",
                f"Path of {program.name}",
                help=f"Wins over {program.env} and PATH." if program.env else "Wins over PATH.",
            ),
        )
