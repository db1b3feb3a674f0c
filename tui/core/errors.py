"""Why a provider has no numbers: one closed set of kinds for screen, log, JSON and hooks.

    FetchError(kind, message, hint, retry_after_s)
    ├─ MissingCredentials   nothing configured or found; the next source is tried
    ├─ Unauthorized         rejected or expired; the next source is tried
    ├─ RateLimited          wait; opens a gate
    ├─ NetworkError         DNS, TLS, refused, timed out
    ├─ ServerError          5xx, an unexpected status, a refusal in the body
    ├─ ParseError           2xx, but not the expected shape
    └─ Unsupported          login, plan, platform or setting that has no usage data

A message is one sentence, the hint is the one next step. Neither ever holds a body, a query or a
secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Cause = Literal["", "timeout", "no_program", "expired", "held"]
"""What lies below a kind, where that matters: no answer in time, a program that is not installed, a
login that is over by its own word and waits for its owner, a gate of ours that is still closed."""


class ErrorKind(StrEnum):
    """Kinds of failure (B§4.1)."""

    MISSING_CREDENTIALS = "missing_credentials"
    UNAUTHORIZED = "unauthorized"
    RATE_LIMITED = "rate_limited"
    NETWORK = "network"
    SERVER = "server"
    PARSE = "parse"
    UNSUPPORTED = "unsupported"
    INTERNAL = "internal"


DEFAULT_HINTS = {
    ErrorKind.MISSING_CREDENTIALS: "Press s to set it up.",
    ErrorKind.UNAUTHORIZED: "Sign in again.",
    ErrorKind.RATE_LIMITED: "It is asked again by itself.",
    ErrorKind.NETWORK: "It is tried again by itself.",
    ErrorKind.SERVER: "It is tried again by itself.",
    ErrorKind.PARSE: "The answer changed its form; please report it.",
    ErrorKind.UNSUPPORTED: "",
    ErrorKind.INTERNAL: "Please report it; the log has more.",
}
SWITCH_ON_HINT = "Press s to switch it on."

USEFULNESS = (
    ErrorKind.UNAUTHORIZED,
    ErrorKind.RATE_LIMITED,
    ErrorKind.SERVER,
    ErrorKind.NETWORK,
    ErrorKind.UNSUPPORTED,
    ErrorKind.PARSE,
    ErrorKind.INTERNAL,
    ErrorKind.MISSING_CREDENTIALS,
)
"""Of several failed sources the first kind of this list is reported; server and network count as
equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """A failure as it may be shown anywhere."""

    kind: ErrorKind
    message: str
    hint: str = ""
    retry_after_s: float | None = None
    source_id: str = ""
    cause: Cause = ""


class FetchError(Exception):
    """A provider could not be read.

    Args:
        message: One sentence for the user.
        hint: The one next step; each kind has a default.
        retry_after_s: When the service named a time to wait.
        try_next: `auto` goes on to the next source although the kind alone would stop it.
        drop_snapshot: The last good numbers are void (login removed, plan shut down).
        cause: Taken from the error this one was raised from when empty.
    """

    kind = ErrorKind.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        retry_after_s: float | None = None,
        try_next: bool = False,
        drop_snapshot: bool = False,
        cause: Cause = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or DEFAULT_HINTS[self.kind]
        self.retry_after_s = retry_after_s
        self.try_next = try_next
        self.drop_snapshot = drop_snapshot
        self.cause = cause

    def info(self, source_id: str = "") -> ErrorInfo:
        """The part of this error that is shown."""
        return ErrorInfo(
            kind=self.kind,
            message=self.message,
            hint=self.hint,
            retry_after_s=self.retry_after_s,
            source_id=source_id,
            cause=self.cause or _cause_below(self),
        )


class MissingCredentials(FetchError):
    """Nothing is configured or found."""

    kind = ErrorKind.MISSING_CREDENTIALS


class Unauthorized(FetchError):
    """The service does not accept the login."""

    kind = ErrorKind.UNAUTHORIZED


class RateLimited(FetchError):
    """The service asks to wait."""

    kind = ErrorKind.RATE_LIMITED


class NetworkError(FetchError):
    """The service was not reached."""

    kind = ErrorKind.NETWORK


class ServerError(FetchError):
    """The service has trouble or refused."""

    kind = ErrorKind.SERVER


class ParseError(FetchError):
    """The answer does not have the expected shape."""

    kind = ErrorKind.PARSE


class Unsupported(FetchError):
    """This login, plan, platform or setting has no usage data."""

    kind = ErrorKind.UNSUPPORTED


def _cause_below(error: BaseException) -> Cause:
    below, seen = error.__cause__, [error]
    while below is not None and below not in seen:
        if isinstance(below, TimeoutError):
            return "timeout"
        if isinstance(below, FetchError) and below.cause:
            return below.cause
        seen.append(below)
        below = below.__cause__
    return ""


def internal_error(error: BaseException) -> ErrorInfo:
    """A mistake of ours: the class name only, never its text."""
    return ErrorInfo(
        kind=ErrorKind.INTERNAL,
        message=f"Internal error ({type(error).__name__}).",
        hint=DEFAULT_HINTS[ErrorKind.INTERNAL],
    )


def most_useful(errors: list[ErrorInfo]) -> ErrorInfo:
    """The error to report when every source failed; among equals the later one (B§4.6)."""
    rank = {kind: index for index, kind in enumerate(USEFULNESS)}
    rank[ErrorKind.NETWORK] = rank[ErrorKind.SERVER]
    best = errors[0]
    for error in errors[1:]:
        if rank[error.kind] <= rank[best.kind]:
            best = error
    return best


def most_telling(errors: Sequence[FetchError]) -> FetchError:
    """Of several failures the one to report, as `most_useful` ranks them."""
    infos = [error.info() for error in errors]
    return errors[infos.index(most_useful(infos))]
