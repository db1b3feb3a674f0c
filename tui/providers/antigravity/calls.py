"""Talking to a language server of this machine.

A server has several doors: https and http ports, two tokens. The first that answers a harmless
question is preferred, and every real question is repeated at the other doors before giving up.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tui.core.errors import FetchError, NetworkError, ServerError, Unauthorized
from tui.core.http import Reply
from tui.core.redact import Secret
from tui.providers._context import FetchContext, HeaderValue
from tui.providers._parse import at, json_object, message_in
from tui.providers.antigravity.reading import no_data
from tui.providers.antigravity.servers import Server

SERVICE = "exa.language_server_pb.LanguageServerService"
FIND_PORT = "GetUnleashData"
STATUS = "GetUserStatus"
MODELS = "GetCommandModelConfigs"
SUMMARY = "RetrieveUserQuotaSummary"
METADATA = {
    "metadata": {
        "ideName": "antigravity",
        "extensionName": "antigravity",
        "ideVersion": "unknown",
        "locale": "en",
    }
}
BODIES: Mapping[str, Any] = {
    FIND_PORT: {
        "context": {
            "properties": {
                "devMode": "false",
                "extensionVersion": "unknown",
                "hasAnthropicModelAccess": "true",
                "ide": "antigravity",
                "ideVersion": "unknown",
                "installationId": "quotadeck",
                "language": "UNSPECIFIED",
                "os": "linux",
                "requestedModelId": "MODEL_UNSPECIFIED",
            }
        }
    },
    STATUS: METADATA,
    MODELS: METADATA,
    SUMMARY: {"forceRefresh": True},
}
GOOD_CODES = {"", "0", "ok", "success"}
UNAUTHENTICATED = {"16", "unauthenticated"}
SIGNED_OUT = re.compile(r"\b(?:log(?:ged)?|sign(?:ed)?)[ -]?(?:in|out)\b", re.IGNORECASE)


class Budget:
    """Seconds that may be spent from now on."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = asyncio.get_running_loop().time() + seconds

    @property
    def left_s(self) -> float:
        """What is left of them."""
        return max(self._ends_at - asyncio.get_running_loop().time(), 0.0)

    def half(self) -> Budget:
        """Half of what is left."""
        return Budget(self.left_s / 2)


@dataclass(frozen=True, slots=True)
class Door:
    """A port with the token that belongs to it."""

    scheme: str
    port: int
    token: Secret | None

    def url(self, method: str) -> str:
        """The address of a method."""
        return f"{self.scheme}://127.0.0.1:{self.port}/{SERVICE}/{method}"

    def headers(self) -> dict[str, HeaderValue]:
        """What every question carries."""
        headers: dict[str, HeaderValue] = {
            "Content-Type": "application/json",
            "Connect-Protocol-Version": "1",
        }
        return headers | ({"X-Codeium-Csrf-Token": self.token} if self.token else {})


def doors(server: Server, listening: Sequence[int]) -> tuple[Door, ...]:
    """Where to knock, in order, each door once.

    A port that only the command line names is believed when the system does not list any: else it
    may belong to another process, which must not get the token.
    """
    named = [port for port in server.named_ports if not listening or port in listening]
    ports = tuple(dict.fromkeys((*named, *listening)))
    found = [Door("https", port, server.token) for port in ports]
    if server.extension_port is not None:
        tokens = (server.extension_token, server.token)
        found += [Door("http", server.extension_port, token) for token in tokens if token]
    found += [Door("http", port, server.token) for port in ports]
    return tuple(dict.fromkeys(found))


@dataclass(slots=True)
class Line:
    """A way to a server: its doors, the one that works best first."""

    ctx: FetchContext
    doors: tuple[Door, ...] = field(repr=False)

    async def open(self, budget: Budget) -> None:
        """Find the door that answers: the first 200, else the first that speaks HTTP at all."""
        best: Door | None = None
        for door, turns in turns_left(self.doors):
            try:
                reply = await self._send(door, FIND_PORT, budget.left_s / turns)
            except FetchError:
                continue
            if reply.status == 200:
                best = door
                break
            best = best or door
        self.doors = tuple(dict.fromkeys((best or self.doors[0], *self.doors)))

    async def ask(self, method: str, budget: Budget) -> dict[str, Any]:
        """The answer of the first door that gives one.

        Raises:
            FetchError: None did; the first that spoke says why.
        """
        errors: list[FetchError] = []
        for door, turns in turns_left(self.doors):
            try:
                return read_answer(await self._send(door, method, budget.left_s / turns))
            except FetchError as error:
                errors.append(error)
        spoken = (error for error in errors if not isinstance(error, NetworkError))
        raise next(spoken, None) or unreachable(errors)

    async def _send(self, door: Door, method: str, timeout_s: float) -> Reply:
        return await self.ctx.http.send_loopback(
            "POST",
            door.url(method),
            headers=door.headers(),
            json=BODIES[method],
            timeout_s=timeout_s,
        )


def turns_left(doors: Sequence[Door]) -> Iterator[tuple[Door, int]]:
    """Each door with the number of doors that are still to be tried."""
    yield from zip(doors, range(len(doors), 0, -1), strict=True)


def unreachable(errors: Sequence[FetchError]) -> NetworkError:
    """No door was open, or none in time."""
    if any(error.info().cause == "timeout" for error in errors):
        return too_late()
    return NetworkError("No Antigravity port answered.", hint="Restart Antigravity.")


def too_late() -> NetworkError:
    """The time for local sources is over."""
    return NetworkError("Antigravity did not answer in time.", cause="timeout")


def read_answer(reply: Reply) -> dict[str, Any]:
    """The body of a good answer; a bad code counts even with HTTP 200.

    Raises:
        FetchError: It is none.
    """
    if reply.status in {401, 403}:
        raise refused(reply)
    if reply.status != 200:
        raise ServerError(f"Antigravity answered with HTTP {reply.status}.")
    try:
        body = json_object(reply, "Antigravity")
    except FetchError as error:
        raise no_data() from error
    code = code_in(body)
    if code in UNAUTHENTICATED:
        raise signed_out()
    if code not in GOOD_CODES:
        raise ServerError(f"Antigravity answered with error {code}.")
    return body


def code_in(body: Any) -> str:
    """The code of an answer as a word in lower case; `unknown` when it is no word."""
    code = at(body, "code")
    word = "" if code is None else str(code).strip().lower()
    return word if re.fullmatch(r"[a-z0-9_-]{0,40}", word) else "unknown"


def refused(reply: Reply) -> Unauthorized:
    """A missing token and a missing login have the same status; the words tell them apart."""
    if SIGNED_OUT.search(message_in(reply)):
        return signed_out()
    return Unauthorized("Antigravity rejected the session token.", hint="Restart Antigravity.")


def signed_out() -> Unauthorized:
    """Nobody is signed in there."""
    return Unauthorized("Antigravity is signed out.", hint="Sign in inside Antigravity.")
