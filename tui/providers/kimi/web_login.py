"""The web login: the token in the cookie `kimi-auth`, wherever it can be found.

What the user gave counts alone. After that come the login that worked last, the desktop app and
the browsers, each opened only when the ones before were refused.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from tui.core.errors import FetchError, MissingCredentials, Unauthorized
from tui.core.redact import Secret
from tui.providers._context import CookieJar, FetchContext
from tui.providers.kimi.regions import Region, region_of

T = TypeVar("T")
COOKIE = "kimi-auth"
PASTED_VARIABLE = "KIMI_MANUAL_COOKIE"
TOKEN_VARIABLES = ("KIMI_AUTH_TOKEN", "kimi_auth_token")
VARIABLES = (PASTED_VARIABLE, *TOKEN_VARIABLES)
BROWSERS = ("arc", "chrome", "safari", "edge", "brave", "chromium", "*")
NAMED_TOKEN = r"(?<![\w-])kimi-auth(?:=|:\s*)([A-Za-z0-9._+=/-]+)"
BARE_TOKEN = r"\A\s*(eyJ[^.\s]*\.[^.\s]+\.[^.\s]+)\s*\Z"
APP_FOLDERS = {
    "linux": "${XDG_CONFIG_HOME:-~/.config}/kimi-desktop",
    "macos": "~/Library/Application Support/kimi-desktop",
    "windows": "%APPDATA%/kimi-desktop",
}
APP_FILES = ("Cookies", "Network/Cookies")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebLogin:
    """A token and where it came from."""

    token: Secret
    origin: str
    is_found: bool = False
    """In an app or a browser: worth remembering once it worked."""
    is_remembered: bool = False


def token_in(pasted: Secret) -> Secret | None:
    """The token in a header, a cURL command or a text of its own."""
    return pasted.search(NAMED_TOKEN) or pasted.search(BARE_TOKEN)


async def with_login(
    ctx: FetchContext, attempt: Callable[[WebLogin], Awaitable[T]], *, any_text: bool = False
) -> T:
    """What the first accepted login brings; it is remembered, a refused one is forgotten.

    Args:
        any_text: A variable may also hold a token of an unknown form.

    Raises:
        FetchError: The first refusal, or that there is no login.
    """
    refused: FetchError | None = None
    tried: set[Secret] = set()
    async with aclosing(find_logins(ctx, any_text=any_text)) as logins:
        async for login in logins:
            if login.token in tried:
                continue
            tried.add(login.token)
            try:
                answer = await attempt(login)
            except Unauthorized as error:
                refused = refused or error
                if login.is_remembered:
                    await ctx.sessions.drop(slot_of(ctx), only=login.token)
                continue
            except FetchError:
                if refused is None:
                    raise
                raise refused from None
            if login.is_found:
                await ctx.sessions.put(slot_of(ctx), login.token, login.origin)
            return answer
    raise refused or missing(ctx)


def slot_of(ctx: FetchContext) -> str:
    """Where the login of the chosen service is remembered."""
    return f"{COOKIE}.{region_of(ctx).id}"


async def find_logins(ctx: FetchContext, *, any_text: bool) -> AsyncGenerator[WebLogin, None]:
    """The logins in the order they are tried.

    Raises:
        FetchError: The pasted text holds none, or a browser says why it was not read.
    """
    given = await given_login(ctx)
    if given is not None:
        yield given
        return
    blocked: FetchError | None = None
    if ctx.sessions.cookie_source == "auto":
        try:
            async for login in stored_logins(ctx):
                yield login
        except FetchError as error:
            blocked = error
    for name in TOKEN_VARIABLES if any_text else ():
        if (literal := ctx.env.secret(name)) is not None:
            yield WebLogin(token=literal, origin=f"from {name}")
    if blocked is not None:
        raise blocked


async def given_login(ctx: FetchContext) -> WebLogin | None:
    """The login the user pasted or set.

    Raises:
        MissingCredentials: The pasted text holds none.
    """
    pasted = await _stored_paste(ctx)
    if pasted is not None:
        token = token_in(pasted)
        if token is None:
            raise MissingCredentials(
                "The pasted text contains no kimi-auth token.",
                hint="Copy the kimi-auth cookie of kimi.com and paste it again.",
            )
        return WebLogin(token=token, origin="pasted")
    for name in (PASTED_VARIABLE, TOKEN_VARIABLES[0]):
        value = ctx.env.secret(name)
        if value is not None and (token := token_in(value)) is not None:
            return WebLogin(token=token, origin=f"from {name}")
    return None


async def _stored_paste(ctx: FetchContext) -> Secret | None:
    """The text that was pasted, where pasting was chosen; a variable is no paste."""
    if ctx.sessions.cookie_source != "manual":
        return None
    found = await ctx.secrets.find("cookie_header")
    is_stored = found is not None and found.origin not in {f"from {name}" for name in VARIABLES}
    return found.value if found is not None and is_stored else None


async def stored_logins(ctx: FetchContext) -> AsyncGenerator[WebLogin, None]:
    """What we remember, then the desktop app, then the browsers."""
    region = region_of(ctx)
    kept = await ctx.sessions.get(slot_of(ctx))
    if kept is not None:
        yield WebLogin(token=kept.value, origin=kept.label, is_remembered=True)
    if ctx.settings.text("browser").lower() == "auto" and not ctx.key.account:
        folder = ctx.files.expand(APP_FOLDERS[ctx.os_name])
        files = [folder / name for name in APP_FILES]
        async for jar in ctx.browsers.app_cookies(files, region.domains):
            for token in _tokens(jar, region):
                yield WebLogin(token=token, origin="Kimi Desktop", is_found=True)
    async for jar in ctx.browsers.cookies(domains=region.domains):
        for token in _tokens(jar, region):
            yield WebLogin(token=token, origin=jar.label, is_found=True)


def _tokens(jar: CookieJar, region: Region) -> list[Secret]:
    """The token of a jar, if it has one; one of the bare domain alone counts too."""
    headers = (jar.header(f"https://{host}/", only={COOKIE}) for host in region.domains)
    found = (header.search(NAMED_TOKEN) for header in headers if header is not None)
    return [token for token in found if token is not None][:1]


def missing(ctx: FetchContext) -> MissingCredentials:
    """What to say when nothing was found; in `auto` that means no login of any kind."""
    if ctx.mode == "auto":
        return MissingCredentials(
            "Kimi: no login found.",
            hint="Set KIMI_CODE_API_KEY, sign in with the Kimi CLI, "
            "or log in to kimi.com in a browser.",
        )
    return MissingCredentials(
        "Kimi web login missing.", hint="Log in to kimi.com or paste the kimi-auth cookie."
    )
