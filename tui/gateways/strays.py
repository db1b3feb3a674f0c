"""What nobody catches: Python would print it whole to the terminal, it goes to the log instead.

A traceback may quote a key, and a line in the middle of the dashboard is no news either. The log
is redacted.
"""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType

log = logging.getLogger("tui.strays")


def catch_strays() -> None:
    """From now on nothing but our own words reaches the terminal."""
    logging.lastResort = None
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    sys.unraisablehook = _ignored
    threading.excepthook = _in_thread


def _uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    log.critical("unexpected", exc_info=(kind, error, traceback))
    print(f"quotadeck: Internal error ({kind.__name__}).", file=sys.stderr)


def _ignored(stray: sys.UnraisableHookArgs) -> None:
    if stray.exc_value is not None:
        log.error("ignored", exc_info=stray.exc_value)


def _in_thread(stray: threading.ExceptHookArgs) -> None:
    if stray.exc_value is not None:
        log.error("a thread ended", exc_info=stray.exc_value)
