"""The session of ollama.com: which cookies make one, what a pasted text holds, where it may go.

The site renamed its cookie more than once, so every known name counts, but only exactly.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from tui.core.errors import MissingCredentials
from tui.core.redact import Secret
from tui.core.urls import host_allowed, host_of
from tui.providers._context import CookieJar, FetchContext, Pasted

HOST = "ollama.com"
SETTINGS_URL = f"https://{HOST}/settings"
MAIN_COOKIE = "__Secure-session"
NAMES = (
    MAIN_COOKIE,
    r"wos-session(?:\.\d+)?",
    "session",
    "ollama_session",
    "__Host-ollama_session",
    r"(?:__Secure-)?next-auth\.session-token(?:\.\d+)?",
)
SESSION = rf"((?-i:(?:\A|;)\s*(?:{'|'.join(NAMES)})=[^;\s]))"
"""A named session within a header; names are told apart by their case."""
WRONG_CASE = rf"(\A|;\s*){MAIN_COOKIE}="
AROUND = r"\A\s*([\"']?)(.*?)\1\s*\Z"
REQUEST = r"(?m)^\s*(?:(?:-H|--header)\s*)?[\"']?(cookie[\"']?\s*(?::|$)|curl(?:\.exe)?\s)"
"""How a copied request shows itself."""


def no_session() -> MissingCredentials:
    """There is no login at all."""
    return MissingCredentials(
        "No Ollama session found.",
        hint="Sign in at https://ollama.com/signin in your browser, or paste a Cookie header.",
    )


def not_in_paste() -> MissingCredentials:
    """There is a pasted text without a login in it."""
    return MissingCredentials(
        "No Ollama session found: the pasted text has no Ollama session cookie.",
        hint=no_session().hint,
    )


def has_session(header: Secret | None) -> bool:
    """Whether a Cookie header holds a session."""
    return header is not None and header.search(SESSION) is not None


def qualifies(jar: CookieJar) -> bool:
    """Whether cookies hold a session that goes to the settings page."""
    return has_session(jar.header(SETTINGS_URL))


async def pasted_header(ctx: FetchContext) -> Secret:
    """The Cookie header of the pasted text.

    Raises:
        MissingCredentials: Nothing was pasted, or no session is in it.
    """
    pasted = await ctx.sessions.pasted()
    if pasted is None:
        raise no_session()
    header = header_in(pasted)
    if header is None or not has_session(header):
        raise not_in_paste()
    return header


def header_in(pasted: Pasted) -> Secret | None:
    """The Cookie header of a copied request, of a header as it is, or of a bare value."""
    if pasted.text.search(REQUEST):
        return pasted.header and _corrected(pasted.header)
    text = _corrected(pasted.text.replaced(AROUND, r"\2"))
    if not text or text.search(r"([\r\n])"):
        return None
    if has_session(text) or text.search("(;)"):
        return text
    return text.within(f"{MAIN_COOKIE}={{}}")


def _corrected(header: Secret) -> Secret:
    return header.replaced(WRONG_CASE, rf"\1{MAIN_COOKIE}=")


# -- where a redirect leads ------------------------------------------------------------------------


def may_get_cookie(url: str) -> bool:
    """Whether the session may travel there; `ollama.com.example` is somebody else."""
    return urlsplit(url).scheme == "https" and host_allowed(host_of(url), (f".{HOST}",))


def leads_to_sign_in(url: str) -> bool:
    """Whether an address is a step of signing in, at Ollama or at the service it signs in with."""
    parts, host = urlsplit(url), host_of(url)
    if parts.scheme != "https":
        return False
    if host in {HOST, f"www.{HOST}"}:
        return parts.path.rstrip("/") == "/signin"
    is_authorize = parts.path.startswith("/user_management/authorize")
    return host == f"signin.{HOST}" or (host.endswith(".workos.com") and is_authorize)
