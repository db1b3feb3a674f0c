"""What the settings screen says: signs, answers to a test, what a pasted text holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tui.core import jwt
from tui.core.errors import DEFAULT_HINTS, ErrorInfo, ErrorKind
from tui.core.models import Attempt, ProviderSnapshot, ProviderState
from tui.core.redact import Secret
from tui.core.sessions import CookieJar, Pasted
from tui.core.text import clean
from tui.core.urls import host_allowed
from tui.core.wording import countdown
from tui.form.fields import Answer, Page, Sign
from tui.providers._spec import SecretField

SIGNS: dict[Sign, tuple[str, str]] = {
    "on": ("●", "*"),
    "off": ("○", "o"),
    "setup": ("?", "?"),
    "error": ("✗", "x"),
}
"""With their ASCII twins."""
GOOD, BAD = ("✓", "+"), ("✗", "x")
GO_TO_SETTINGS = DEFAULT_HINTS[ErrorKind.MISSING_CREDENTIALS]
"""Whoever reads it here is there already."""
HERE = ("Add it in settings", "Enter it here")
NOTHING_FOUND = "Off: no login was found. Press ctrl+t to see what is missing."
NEEDS_SECRET = frozenset({ErrorKind.MISSING_CREDENTIALS, ErrorKind.UNAUTHORIZED})
COOKIES_ELSEWHERE = "These look like cookies; they belong into Cookie header."
LOOKS_LIKE_COOKIES = r"(?is)(.*\bcookie:|\s*curl\s|\s*[\w.-]+=[^;\s]+;\s*[\w.-]+=).*"


def sign_of(state: ProviderState | None) -> Sign:
    """How a provider is; `None` for one that is off."""
    if state is None:
        return "off"
    if state.error is None:
        return "on"
    return "setup" if state.error.kind is ErrorKind.MISSING_CREDENTIALS else "error"


def state_line(state: ProviderState | None, found: str) -> str:
    """Whether a provider is on and why.

    Args:
        found: Which logins lie on this machine.
    """
    if state is None:
        return f"Off. Found: {found}." if found else NOTHING_FOUND
    if state.error is not None:
        return error_text(state.error)
    return f"On. Found: {found}." if found else "On."


def sentence(text: str) -> str:
    """The text with a full stop."""
    return text if not text or text[-1] in ".!?…" else f"{text}."


def error_text(error: ErrorInfo) -> str:
    """What went wrong, and the one next step."""
    hint = "" if error.hint == GO_TO_SETTINGS else error.hint.replace(*HERE)
    return " ".join(filter(None, (sentence(clean(error.message)), sentence(clean(hint)))))


# -- answers ---------------------------------------------------------------------------------------


def answer(
    page: Page,
    snapshot: ProviderSnapshot | None,
    error: ErrorInfo | None,
    attempts: Sequence[Attempt],
    *,
    asked_from: str = "",
) -> Answer:
    """What a test says, and beside which field.

    Args:
        asked_from: Key of the field the user was in.
    """
    if error is not None or snapshot is None:
        text = error_text(error) if error else "No answer."
        return Answer(text=text, is_good=False, field=_place(page, error, asked_from))
    elapsed_s = sum(attempt.elapsed_s or 0 for attempt in attempts)
    return Answer(
        text=f"{_brought(snapshot)}, {elapsed_s:.1f} s",
        is_good=True,
        field=asked_from or _first_secret(page),
    )


def _brought(snapshot: ProviderSnapshot) -> str:
    """`Pro plan, 3 windows, 1 balance`."""
    plan = clean(snapshot.identity.plan)
    parts = [
        plan if not plan or plan.lower().endswith("plan") else f"{plan} plan",
        _count(len(snapshot.windows), "window"),
        _count(len(snapshot.balances), "balance"),
    ]
    return ", ".join(filter(None, parts)) or "It answered, without numbers"


def _count(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}" if count else ""


def _place(page: Page, error: ErrorInfo | None, asked_from: str) -> str:
    """The field an error names, else the one that holds the login, else where the user was."""
    named = error.message.partition(":")[0] if error else ""
    for field in page.fields:
        if named and named in (field.key, *field.declared.env):
            return field.key
    if error and error.kind in NEEDS_SECRET:
        asked = page.field(asked_from)
        is_secret = asked is not None and isinstance(asked.declared, SecretField)
        return asked_from if is_secret else _first_secret(page) or asked_from
    return asked_from or _first_secret(page)


def _first_secret(page: Page) -> str:
    return next((f.key for f in page.fields if isinstance(f.declared, SecretField)), "")


# -- pasted texts ----------------------------------------------------------------------------------


def paste_text(pasted: Pasted, domains: Sequence[str], now: datetime, host: str = "") -> str:
    """What a pasted text holds: `Found 3 cookies for ampcode.com, expires in 12 days.`

    Args:
        domains: The provider's; the first one is named.
        host: Where a pasted request went.
    """
    if host and not host_allowed(host, tuple(f".{domain.lstrip('.')}" for domain in domains)):
        return f"This request went to {clean(host)}, not to {domains[0]}."
    if pasted.jar is not None and pasted.jar.names:
        count = _count(len(pasted.jar.names), "cookie")
        return f"Found {count} for {domains[0]}{_lifetime(pasted.jar, now)}."
    if pasted.bearer is not None:
        return "Found a bearer token."
    if looks_like_cookies(pasted.text):
        return "No cookies in it. Copy the request as cURL while you are signed in."
    return "No name=value pairs in it, so it is taken as the bare value."


def looks_like_cookies(text: Secret) -> bool:
    """Whether a text wants to be a Cookie header or a cURL command."""
    return text.matches(LOOKS_LIKE_COOKIES)


def _lifetime(jar: CookieJar, now: datetime) -> str:
    """When the first of the cookies ends, as far as they say."""
    claimed = [jwt.expires_at(value) for name in jar.names if (value := jar.value(name))]
    moments = [moment for moment in (jar.expires_at(), *claimed) if moment is not None]
    if not moments:
        return ""
    first = min(moments)
    days = (first - now).days
    if first <= now:
        return ", expired"
    return f", expires in {days} days" if days > 1 else f", expires {countdown(first, now)}"
