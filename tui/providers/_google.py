"""Renewing a login with Google: one form, one answer, and a store for the token that came.

Google's refresh tokens do not rotate, so renewing one here signs nobody out. What a refusal means
is for each provider to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from tui.core.jwt import text_claim
from tui.core.redact import Secret
from tui.providers._parse import first_text, json_object, moment_in, number, timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.core.http import Reply
    from tui.providers._context import FetchContext, HeaderValue, Http

    Client: TypeAlias = tuple[HeaderValue, Secret]
    """Id and secret of the OAuth client a login was made with."""

SERVICE = "Google"
TOKEN_HOST = "oauth2.googleapis.com"
TOKEN_URL = f"https://{TOKEN_HOST}/token"
SLOT = "oauth"
SPARE = timedelta(seconds=60)
LIFE_S = 3600.0
"""Of a token whose answer does not say how long it lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token."""

    value: Secret
    expires_at: datetime | None
    email: str = ""
    """Whose it is, where the answer said so."""

    def lasts(self, now: datetime, spare: timedelta = SPARE) -> bool:
        """Whether it can be used without asking for a new one soon."""
        return self.expires_at is not None and now < self.expires_at - spare


# -- asking ----------------------------------------------------------------------------------------


def renewal_form(refresh: Secret, client: Client) -> dict[str, HeaderValue]:
    """What asks for a new access token."""
    client_id, client_secret = client
    return {
        "client_id": client_id,
        "client_secret": client_secret,
        "refresh_token": refresh,
        "grant_type": "refresh_token",
    }


async def ask_for_token(
    http: Http, form: Mapping[str, HeaderValue], *, url: str = TOKEN_URL, timeout_s: float = 10.0
) -> Reply:
    """The answer of the token service, whatever it is."""
    return await http.send("POST", url, form=form, timeout_s=timeout_s, redirects="none")


def read_token(reply: Reply, now: datetime) -> Token | None:
    """The token in a good answer; `None` when there is none.

    Raises:
        ParseError: It is no JSON object.
    """
    answer = json_object(reply, SERVICE)
    value, id_token = first_text(answer, "access_token"), first_text(answer, "id_token")
    if not value:
        return None
    life_s = number(answer.get("expires_in"))
    return Token(
        value=Secret(value),
        expires_at=moment_in(LIFE_S if life_s is None else life_s, now),
        email=text_claim(Secret(id_token), "email") if id_token else "",
    )


# -- keeping ---------------------------------------------------------------------------------------


async def keep_token(ctx: FetchContext, refresh: Secret, token: Token) -> None:
    """Keep a token beside a mark of the login it came from, while it lasts."""
    if token.expires_at is not None:
        label = f"{refresh.fingerprint()} {token.expires_at.isoformat()}"
        await ctx.sessions.put(SLOT, token.value, label)


async def kept_token(ctx: FetchContext, refresh: Secret | None) -> Secret | None:
    """The token that was kept for this login, while it lasts."""
    kept = await ctx.sessions.get(SLOT)
    if kept is None or refresh is None:
        return None
    mark, _, expiry = kept.label.partition(" ")
    token = Token(value=kept.value, expires_at=timestamp(expiry))
    is_ours = mark == refresh.fingerprint()
    return token.value if is_ours and token.lasts(ctx.clock.now()) else None
