"""Building pages: of a provider from its declaration, of the program from its settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tui.form.draft import entry_of
from tui.form.fields import NOTHING, Entry, FormField, Links, Page, Sign
from tui.gateways.config import KEYS, Config
from tui.gateways.toml_file import value_at
from tui.providers._spec import (
    ChoiceField,
    FlagField,
    ProviderSpec,
    SecretField,
    SettingField,
    TextField,
)
from tui.values import IN_FILE, ProviderValues

SWITCH = ChoiceField(
    "enabled",
    "Enabled",
    choices=((NOTHING, "Automatic"), ("true", "On"), ("false", "Off")),
    help="Automatic: on as soon as a login is found.",
)
SERVES_OTHERS = "Automatic: off, since its login serves other programs too."
NO_BROWSER = "Automatic: on as soon as a login is found; one in a browser does not count."
SWITCH_WORDS = {"true": True, "false": False}
LABEL = TextField("label", "Label", help="What its card is called.")
EXTRAS = FlagField(
    "extras",
    "Optional details",
    default=True,
    help="Further requests for what the main answer leaves out.",
)
ENTER_AGAIN = "Entered here again, it moves to where secrets belong."
LINKS = (("dashboard", "Usage"), ("keys", "Keys"), ("login", "Sign in"), ("status", "Status"))
MANY_MODES = 3
"""With fewer, `auto` and the only source are the same."""

GENERAL: tuple[SettingField, ...] = (
    ChoiceField(
        "cadence",
        "Refresh",
        choices=(
            ("adaptive", "Adaptive"),
            ("1", "Every minute"),
            ("2", "Every 2 minutes"),
            ("5", "Every 5 minutes"),
            ("15", "Every 15 minutes"),
            ("30", "Every 30 minutes"),
            ("manual", "By hand"),
        ),
        help="Adaptive asks every 2 minutes while you are here, later less and less.",
    ),
    ChoiceField(
        "slow_mode",
        "Slow mode",
        choices=(("off", "Off"), ("on", "On"), ("auto", "While saving power")),
        help="Asks every 30 minutes at most. "
        "Saving power: on battery with the low-power profile, or below 20%.",
    ),
    ChoiceField("theme", "Theme", choices=()),
    ChoiceField(
        "density",
        "Density",
        choices=(
            ("auto", "As roomy as possible"),
            ("comfortable", "Comfortable"),
            ("compact", "Compact"),
            ("line", "One line each"),
        ),
    ),
    FlagField("show_used", "Count what is used", help="Otherwise what is left."),
    FlagField("absolute_times", "Clock times", help="Resets as 14:30, not as in 2h 13m."),
    FlagField("pace", "Pace", help="Where even use would stand, and when it will run out."),
    ChoiceField(
        "pace_work_days",
        "Work days",
        choices=(
            (NOTHING, "Every day"),
            ("2", "Monday and Tuesday"),
            ("3", "Monday to Wednesday"),
            ("4", "Monday to Thursday"),
            ("5", "Monday to Friday"),
            ("6", "Monday to Saturday"),
        ),
        help="Even use of a week counts these days only.",
        visible_if=("pace", "true"),
    ),
    FlagField("privacy", "Hide accounts", help="Masks names and addresses, for screenshots."),
    FlagField("costs.show", "Estimated costs", help="What local session logs would have cost."),
)
NUMBERS = {str(number): number for number in (1, 2, 3, 4, 5, 6, 7, 15, 30)}


def provider_page(
    spec: ProviderSpec, values: ProviderValues, *, state: str = "", sign: Sign = "off"
) -> Page:
    """The page of a provider, or of one of its accounts."""
    return Page(
        key=values.key,
        title=f"{spec.name}: {values.key.account}" if values.key.account else spec.name,
        fields=tuple(_field(declared, values) for declared in _declared(spec, values)),
        state=state,
        sign=sign,
        warning=spec.warning,
        links=_links(spec),
        actions=tuple((action.id, action.label) for action in spec.actions),
        store=values.store_name,
        has_header=values.is_implied_manual(),
        check=values.problem,
    )


def general_page(
    config: Config, themes: Sequence[str], notes: tuple[tuple[str, str], ...] = ()
) -> Page:
    """The page of the program itself.

    Args:
        themes: Names to choose from.
        notes: Where things are kept.
    """
    choices = tuple((name, name) for name in themes)
    fields = (
        replace(declared, choices=choices)
        if declared.key == "theme" and isinstance(declared, ChoiceField)
        else declared
        for declared in GENERAL
    )
    return Page(
        key=None,
        title="General",
        fields=tuple(_global_field(declared, config) for declared in fields),
        notes=notes,
    )


# -- fields of a provider --------------------------------------------------------------------------


def _declared(spec: ProviderSpec, values: ProviderValues) -> list[SettingField]:
    """What the declaration names, between what comes with every provider."""
    first = LABEL if values.key.account else _switch(spec)
    fields = [first, *spec.fields()]
    if len(spec.modes) >= MANY_MODES or values.saved("source") is not None:
        fields.append(_source_field(spec))
    if any(source.extras for source in spec.sources):
        fields.append(EXTRAS)
    return fields


def _switch(spec: ProviderSpec) -> SettingField:
    """The switch, with what `Automatic` means for this provider."""
    if not spec.enable_on_detect:
        return replace(SWITCH, help=SERVES_OTHERS)
    return replace(SWITCH, help=NO_BROWSER) if spec.cookies else SWITCH


def _source_field(spec: ProviderSpec) -> ChoiceField:
    return ChoiceField(
        "source",
        "Source",
        choices=tuple((mode.id, mode.label or _mode_label(spec, mode.id)) for mode in spec.modes),
        aliases=spec.mode_aliases,
        default="auto",
        help="Automatic takes the next one where one has no login.",
    )


def _mode_label(spec: ProviderSpec, mode_id: str) -> str:
    if mode_id == "auto":
        return "Automatic"
    mode = spec.mode(mode_id)
    return spec.source(mode.sources[0]).label if mode and mode.sources else mode_id


def _field(declared: SettingField, values: ProviderValues) -> FormField:
    if isinstance(declared, SecretField):
        return _secret_field(declared, values)
    found = values.look(declared)
    below = values.below(declared)
    return FormField(
        declared=declared,
        saved=_canonical(declared, entry_of(declared, values.saved(declared.key))),
        standing=_standing(declared, below.raw if below else None),
        origin=values.origin_text(declared),
        problem=values.problem(declared, found.raw) if found else "",
        stored_as=SWITCH_WORDS if declared.key == SWITCH.key else {},
        has_options=_has_options(declared, values.spec),
    )


def _secret_field(declared: SecretField, values: ProviderValues) -> FormField:
    origin = values.origin_text(declared)
    is_readable = origin == IN_FILE
    return FormField(
        declared=declared,
        origin=origin,
        caution=f"Everybody can read it there. {ENTER_AGAIN}" if is_readable else "",
        is_kept=values.is_kept(declared),
    )


def _has_options(declared: SettingField, spec: ProviderSpec) -> bool:
    if not isinstance(declared, TextField):
        return False
    return declared.options is not None or (spec.cookies is not None and declared.key == "browser")


def _canonical(declared: SettingField, entry: Entry) -> Entry:
    """The word an alias stands for."""
    if isinstance(declared, ChoiceField) and isinstance(entry, str):
        word = entry.lower()
        return declared.aliases.get(word, word)
    return entry


def _standing(declared: SettingField, below: Any) -> str | bool:
    """What holds without the settings file: a lower layer, else the default."""
    default = getattr(declared, "default", None)
    entry = _canonical(declared, entry_of(declared, default if below is None else below))
    if isinstance(entry, str | bool):
        return entry
    return False if isinstance(declared, FlagField) else NOTHING


def _links(spec: ProviderSpec) -> Links:
    """Labels and addresses; each address once."""
    by_url: dict[str, str] = {}
    for name, label in LINKS:
        url = getattr(spec.links, name)
        if url:
            by_url.setdefault(url, label)
    return tuple((label, url) for url, label in by_url.items())


# -- global fields ---------------------------------------------------------------------------------


def _global_field(declared: SettingField, config: Config) -> FormField:
    attribute = next(key.attribute for key in KEYS if key.name == declared.key)
    raw = value_at(config.document, declared.key)
    default = Config.__dataclass_fields__[attribute].default
    problem = next((p.expected for p in config.problems if p.key == declared.key), "")
    return FormField(
        declared=declared,
        saved=entry_of(declared, raw),
        standing=_standing(declared, default),
        origin="default" if raw is None else IN_FILE,
        problem=f"{declared.label} {problem}." if problem else "",
        stored_as=NUMBERS,
    )
