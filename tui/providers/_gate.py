"""Waits that belong to one credential: a new token is a new start, another source is not held up.

The engine keeps the waits over restarts and watches the files of the login meanwhile (B§4.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tui.core.errors import RateLimited
from tui.core.redact import Secret
from tui.core.schedule import gate_opens_at
from tui.providers._context import FetchContext


@contextmanager
def politely(ctx: FetchContext, credential: Secret, service: str) -> Iterator[None]:
    """Around one request and the check of its answer.

    A rate limit makes the credential wait, a good answer ends the wait; the user may pass it.

    Raises:
        RateLimited: It has to wait still.
    """
    mark, now = credential.fingerprint(), ctx.clock.now()
    wait_s = (ctx.gates.get(mark, now) - now).total_seconds()
    if wait_s > 0 and not ctx.user_initiated:
        raise RateLimited(f"{service} asked to wait.", retry_after_s=wait_s, cause="held")
    try:
        yield
    except RateLimited as error:
        if (opens_at := gate_opens_at(error.info(), ctx.clock.now())) is not None:
            ctx.gates[mark] = opens_at
        raise
    ctx.gates.pop(mark, None)
