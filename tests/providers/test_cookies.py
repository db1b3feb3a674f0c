"""What providers that live on browser logins share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import cookie_names, make_context
from tui.core.errors import MissingCredentials
from tui.core.models import ProviderSnapshot
from tui.core.sessions import CookieJar
from tui.providers._context import FetchContext
from tui.providers._cookies import CookieLogin
from tui.providers._spec import CookieUse, Mode, ProviderSpec, Source

ADDRESS = "https://alpha.example.com/usage"
LONG = "Fe26.2**abcdef0123456789*~more=="


async def header_of(jar: CookieJar) -> list[str]:
    return cookie_names([jar.header(ADDRESS)])


async def nothing(ctx: FetchContext) -> ProviderSnapshot:
    raise AssertionError


SPEC = ProviderSpec(
    id="alpha",
    name="Alpha",
    hosts=("alpha.example.com",),
    sources=(Source(id="web", label="Browser", fetch=nothing),),
    modes=(Mode("auto", ("web",)),),
    cookies=CookieUse(domains=("alpha.example.com",)),
)
LOGIN = CookieLogin(
    attempt=header_of,
    qualifies=lambda jar: "session" in jar.names,
    missing=MissingCredentials("Nothing was pasted."),
    not_in_paste=MissingCredentials("No session in it."),
    bare_name="session",
)


@pytest.mark.parametrize("pasted", [LONG, f"session={LONG}", f"Cookie: session={LONG}"])
async def test_the_value_of_the_one_cookie_may_be_pasted_alone(home: Path, pasted: str) -> None:
    ctx = await make_context(SPEC, home, secrets={"cookie_header": pasted})
    assert await LOGIN.fetch(ctx) == ["session"]


@pytest.mark.parametrize(
    "pasted", ["other=12345678", "a sentence of words", "short", "x: 12345678"]
)
async def test_what_holds_no_login_is_refused(home: Path, pasted: str) -> None:
    ctx = await make_context(SPEC, home, secrets={"cookie_header": pasted})
    with pytest.raises(MissingCredentials, match="No session in it"):
        await LOGIN.fetch(ctx)
