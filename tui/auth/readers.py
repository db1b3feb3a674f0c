"""What the readers of browser stores have in common: results, troubles, and which hosts matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tui.auth.cookie import Cookie


class Trouble(StrEnum):
    """Why a store gave less than it holds."""

    APP_BOUND = "app_bound"
    """The browser locks its values to itself."""
    KEY_LOCKED = "key_locked"
    """The key lies in a key store that would have to ask."""
    KEY_REFUSED = "key_refused"
    """The question for the key was refused."""
    KEY_MISSING = "key_missing"
    """There is no key, or not the right one."""
    FILE_LOCKED = "file_locked"
    """The running browser locks its file, or the system refuses access."""
    UNREADABLE = "unreadable"
    """The file is damaged or has an unknown form."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a profile has for the domains that were asked for."""

    cookies: tuple[Cookie, ...] = ()
    troubles: frozenset[Trouble] = frozenset()


def concerns(stored_host: str, domains: Sequence[str]) -> bool:
    """Whether a cookie stored for a host can go to one of the domains or to a host below them."""
    host = stored_host.lstrip(".").lower()
    above = stored_host.startswith(".")
    return any(
        host == domain or host.endswith(f".{domain}") or (above and domain.endswith(f".{host}"))
        for domain in (item.lstrip(".").lower() for item in domains)
    )


def concerned(stored_hosts: Iterable[str], domains: Sequence[str]) -> list[str]:
    """Those of the stored hosts that matter."""
    return [host for host in stored_hosts if concerns(host, domains)]


PASTE = "paste the Cookie header in the settings"

SENTENCES: Mapping[Trouble, tuple[str, str]] = {
    Trouble.KEY_REFUSED: (
        "The key to the cookies of {name} was not given free.",
        f"Refresh and allow it, or {PASTE}.",
    ),
    Trouble.KEY_LOCKED: (
        "The key to the cookies of {name} lies in a key store that would ask first.",
        f"Refresh by hand to be asked, or {PASTE}.",
    ),
    Trouble.APP_BOUND: (
        "{name} locks its cookies to itself; no other program can read them.",
        f"Use Firefox, or {PASTE}.",
    ),
    Trouble.FILE_LOCKED: (
        "{name} does not let its cookies be read now.",
        f"Close it and refresh, or {PASTE}.",
    ),
    Trouble.KEY_MISSING: (
        "The key to the cookies of {name} was not found.",
        f"Open {{name}} once and refresh, or {PASTE}.",
    ),
    Trouble.UNREADABLE: (
        "The cookies of {name} have a form that is not understood.",
        f"Use another browser, or {PASTE}.",
    ),
}
"""What to say and what to do next; the most telling trouble first."""

NO_DISK_ACCESS = (
    "This terminal may not read the cookies of {name}.",
    f"Give it Full Disk Access in the system settings, or {PASTE}.",
)


def explain(trouble: Trouble, name: str, *, family: str) -> tuple[str, str]:
    """One sentence and the next step."""
    is_guarded = family == "safari" and trouble is Trouble.FILE_LOCKED
    sentence, hint = NO_DISK_ACCESS if is_guarded else SENTENCES[trouble]
    return sentence.format(name=name), hint.format(name=name)
