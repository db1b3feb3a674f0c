"""The log: every line redacted and cleaned on its way to the pane and to the file."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tui.core.models import ProviderKey
from tui.core.redact import RedactingFormatter, Redactor
from tui.core.text import clean, clean_line
from tui.gateways.atomic import open_own, repair_mode

LINES_KEPT = 1000
FILE_BYTES = 10 * 1024 * 1024
LINE_LENGTH = 2000
PROVIDER_LOGGERS = "tui.providers."


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as the pane shows it."""

    at: datetime
    level: int
    provider: str
    """Whose line it is; empty for the program itself."""
    text: str


class CleanFormatter(RedactingFormatter):
    """Also takes out what would move the cursor of a reader, or hide a secret by standing in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines as they may be stored and shown."""
        lines = super().format(record).splitlines()
        return self.redactor("\n".join(clean_line(line, LINE_LENGTH) for line in lines))


class RingHandler(logging.Handler):
    """The last lines, for the pane."""

    def __init__(self, size: int = LINES_KEPT) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=size)
        self._listeners: list[Callable[[LogLine], None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's lines and pass them on; called from any thread."""
        at = datetime.fromtimestamp(record.created, UTC)
        provider = _provider_of(record)
        for text in self.format(record).splitlines():
            line = LogLine(at, record.levelno, provider, clean(text, LINE_LENGTH))
            self._lines.append(line)
            for listener in tuple(self._listeners):
                listener(line)

    def records(self, level: int = logging.NOTSET, provider: str = "") -> list[LogLine]:
        """Lines of at least this level, oldest first; an empty provider means all."""
        return [
            line
            for line in tuple(self._lines)
            if line.level >= level and provider in ("", line.provider)
        ]

    def subscribe(self, callback: Callable[[LogLine], None]) -> Callable[[], None]:
        """Call back for every new line, from whatever thread wrote it."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)


class PrivateFileHandler(RotatingFileHandler):
    """A rotating file that is 0600 from its first byte; a full disk is no reason to stop."""

    def _open(self) -> io.TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = open_own(Path(self.baseFilename), os.O_WRONLY | os.O_APPEND)
        return io.TextIOWrapper(open(handle, "ab"), encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing: the screen belongs to the dashboard."""


def _provider_of(record: logging.LogRecord) -> str:
    """From the account named first in the message, else from the logger's name."""
    if isinstance(record.args, tuple) and record.args and isinstance(record.args[0], ProviderKey):
        return record.args[0].provider
    if record.name.startswith(PROVIDER_LOGGERS):
        return record.name.removeprefix(PROVIDER_LOGGERS)
    return ""


def set_up(ring: RingHandler | None, file: Path | None, *, debug: bool = False) -> None:
    """Send everything below `tui`, and the warnings of others, to the pane and the file; nothing to
    the terminal.

    Args:
        file: In a folder of ours; others lose what they could read there.
    """
    tear_down()
    own = logging.getLogger("tui")
    own.setLevel(logging.DEBUG)
    own.propagate = False
    for handler in _handlers(ring, file, debug=debug) or [logging.NullHandler()]:
        own.addHandler(handler)
        logging.getLogger().addHandler(handler)


def _handlers(ring: RingHandler | None, file: Path | None, *, debug: bool) -> list[logging.Handler]:
    redactor = Redactor()
    found: list[logging.Handler] = []
    if ring is not None:
        ring.setFormatter(CleanFormatter("%(message)s", redactor))
        found.append(ring)
    if file is not None:
        repair_mode(file.parent)
        repair_mode(file)
        with contextlib.suppress(OSError):
            handler = PrivateFileHandler(file, maxBytes=FILE_BYTES, backupCount=1, delay=True)
            handler.setLevel(logging.DEBUG if debug else logging.INFO)
            line = "%(asctime)s %(levelname)s %(name)s %(message)s"
            handler.setFormatter(CleanFormatter(line, redactor))
            found.append(handler)
    return found


def tear_down() -> None:
    """Take every handler away and close its file."""
    own = logging.getLogger("tui")
    for handler in tuple(own.handlers):
        own.removeHandler(handler)
        logging.getLogger().removeHandler(handler)
        handler.close()
