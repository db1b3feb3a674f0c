"""The envelope of every z.ai answer, and the refusals that arrive in it with HTTP 200."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tui.core.errors import (
    FetchError,
    ParseError,
    RateLimited,
    ServerError,
    Unauthorized,
    Unsupported,
)
from tui.core.http import Reply
from tui.core.text import short_message
from tui.providers._parse import boolean, ensure_ok, integer, json_object, mapping, text

SERVICE = "z.ai"
LIMIT_REACHED_CODES = (1308, 1310)
RESET_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2})?")
DENIAL = re.compile(r"不存在|没有|未|\bno\b|\bnot\b|n't\b|without", re.IGNORECASE)


def _key_refused(_: object) -> FetchError:
    return Unauthorized(
        "z.ai did not accept this API key.",
        hint="Keys are tied to one region: compare key and selected region (Global or China).",
    )


def _busy(_: object) -> FetchError:
    return RateLimited("z.ai is rate-limiting; retried at the next refresh.")


def _in_arrears(_: object) -> FetchError:
    return ServerError(
        "z.ai says the account has no balance or is in arrears.", hint="Top it up, then refresh."
    )


def _no_plan(_: object) -> FetchError:
    return Unsupported(
        "This key has no active GLM Coding Plan.", hint="Use the key of an account with the plan."
    )


def _limit_reached(words: str) -> FetchError:
    moment = RESET_TIME.search(words)
    reset = f"; z.ai says it resets at {moment.group()}" if moment else ""
    return RateLimited(f"The plan limit is reached{reset}.")


STATUS_ERRORS: dict[int, Callable[[Reply], FetchError]] = {
    401: _key_refused,
    403: _key_refused,
    429: _busy,
}
CODE_ERRORS: dict[int, Callable[[str], FetchError]] = {
    **dict.fromkeys((401, 1000, 1001, 1002, 1003, 1004), _key_refused),
    **dict.fromkeys((1302, 1303, 1304, 1305), _busy),
    **dict.fromkeys(LIMIT_REACHED_CODES, _limit_reached),
    1113: _in_arrears,
    1309: _no_plan,
}


def read_answer(reply: Reply, now: datetime) -> dict[str, Any]:
    """The envelope of any z.ai answer, still with its business code.

    Raises:
        FetchError: By the status; ParseError for an empty answer, a page or anything but an object.
    """
    ensure_ok(reply, SERVICE, now=now, errors=STATUS_ERRORS)
    if not reply.body.strip():
        raise ParseError("z.ai sent an empty answer.", hint="Check the API region and the key.")
    if reply.is_html:
        raise ParseError(
            "Unexpected answer from z.ai: a proxy or login page answered.",
            hint="Check the network and the addresses in the settings.",
        )
    try:
        return json_object(reply, SERVICE)
    except ParseError as error:
        raise ParseError("Unexpected answer from z.ai.") from error


def is_limit_reached(answer: dict[str, Any]) -> bool:
    """Whether a plan's limit is the reason of a refusal; the limits may come along with it."""
    return integer(answer.get("code")) in LIMIT_REACHED_CODES


def find_refusal(answer: dict[str, Any]) -> FetchError | None:
    """The error an envelope stands for; only `success` together with code 200 is good."""
    success, code = boolean(answer.get("success")), integer(answer.get("code"))
    if success and code == 200:
        return None
    words = short_message(text(answer.get("msg")))
    if code in CODE_ERRORS:
        return CODE_ERRORS[code](words)
    if "coding plan" in words.lower() and DENIAL.search(words):
        return _no_plan(words)
    if success is False or code not in (None, 200):
        return ServerError(_refusal_text(words, code))
    return ParseError("Unexpected answer from z.ai: success and code do not say whether it is one.")


def _refusal_text(words: str, code: int | None) -> str:
    if words:
        return f"z.ai says: {words}"
    return "z.ai refused without a reason." if code is None else f"z.ai answered with code {code}."


def accepted(answer: dict[str, Any]) -> dict[str, Any]:
    """The `data` of a good envelope; empty when it is no object.

    Raises:
        FetchError: The envelope is a refusal.
    """
    refusal = find_refusal(answer)
    if refusal is not None:
        raise refusal
    return mapping(answer.get("data"))
