"""The Secret Service of a Linux desktop, asked without ever raising a prompt unless allowed to.

Everything here blocks and belongs into a guarded thread. Without a session bus, which is usual
over SSH, everything raises `NoSecretService` at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

PATIENCE_S = 60.0
"""So long a question stays on the screen; whoever asked has long gone on without the answer."""


class NoSecretService(Exception):
    """Nobody answers on the session bus."""


class SecretServiceLocked(Exception):
    """What was asked for is there, but locked, or the question was dismissed."""


def opens(*, may_ask: bool) -> bool:
    """Whether the default collection is unlocked, or the user unlocks it when asked.

    Raises:
        NoSecretService: Nobody answers.
    """
    import secretstorage

    with _connection() as connection:
        try:
            if not may_ask:
                return not secretstorage.Collection(connection).is_locked()
            collection = secretstorage.get_default_collection(connection)
            return not collection.is_locked() or not collection.unlock(timeout=PATIENCE_S)
        except (secretstorage.SecretStorageException, TimeoutError):
            return False


def look_up_all(wanted: Sequence[Mapping[str, str]], *, may_ask: bool) -> tuple[bytes, ...]:
    """The secrets of every item that has one of these sets of attributes, in any collection.

    Args:
        wanted: Sets of attributes, the best first.
        may_ask: When all items are locked, the desktop may put its question, once.

    Raises:
        NoSecretService: Nobody answers.
        SecretServiceLocked: They are there but locked, and may or could not be unlocked.
    """
    with _connection() as connection:
        items = [item for attributes in wanted for item in _found(connection, attributes)]
        open_items = [item for item in items if not item.is_locked()]
        if items and not open_items:
            if not may_ask or not _unlocks(items[0]):
                raise SecretServiceLocked
            open_items = [item for item in items if not item.is_locked()]
        return tuple(bytes(item.get_secret()) for item in open_items)


def _unlocks(item: Any) -> bool:
    try:
        is_dismissed = item.unlock(timeout=PATIENCE_S)
    except TimeoutError:
        return False
    return not is_dismissed


def _found(connection: Any, attributes: Mapping[str, str]) -> list[Any]:
    import secretstorage

    return list(secretstorage.search_items(connection, dict(attributes)))


@contextmanager
def _connection() -> Iterator[Any]:
    """A connection to a bus that has, or can start, a Secret Service."""
    try:
        import secretstorage
    except ImportError as error:
        raise NoSecretService("not installed") from error
    try:
        connection = secretstorage.dbus_init()
    except (secretstorage.SecretServiceNotAvailableException, OSError) as error:
        raise NoSecretService("no session bus") from error
    with closing(connection):
        if not secretstorage.check_service_availability(connection):
            raise NoSecretService("no Secret Service on the session bus")
        yield connection
