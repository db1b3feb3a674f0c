"""KDE's wallet over D-Bus. Everything here blocks and belongs into a guarded thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

DAEMONS = ("kwalletd6", "kwalletd5", "kwalletd")
APPLICATION = "quotadeck"


class NoWallet(Exception):
    """No wallet daemon runs."""


class WalletClosed(Exception):
    """The wallet is closed, and may not be opened or was not."""


def opens(*, may_ask: bool) -> bool:
    """Whether a wallet daemon runs whose network wallet is open, or may be opened."""
    try:
        with _wallet() as wallet:
            return may_ask or wallet.is_open()
    except NoWallet:
        return False


def look_up(folder: str, entry: str, *, may_ask: bool) -> str | None:
    """A password of the network wallet; an empty text counts as none.

    Args:
        may_ask: A closed wallet may raise its question.

    Raises:
        NoWallet: None runs.
        WalletClosed: It is closed, and may not be opened or was not.
    """
    with _wallet() as wallet:
        if not may_ask and not wallet.is_open():
            raise WalletClosed
        return wallet.password(folder, entry) or None


class _Wallet:
    """The network wallet of one daemon."""

    def __init__(self, connection: Any, daemon: str) -> None:
        from jeepney import DBusAddress  # type: ignore[import-untyped]

        self._connection = connection
        self._address = DBusAddress(
            f"/modules/{daemon}", bus_name=f"org.kde.{daemon}", interface="org.kde.KWallet"
        )
        self._name = self._call("networkWallet", "")

    def is_open(self) -> bool:
        return bool(self._call("isOpen", "s", self._name))

    def password(self, folder: str, entry: str) -> str:
        handle = self._call("open", "sxs", self._name, 0, APPLICATION)
        if handle < 0:
            raise WalletClosed
        if not self._call("hasEntry", "isss", handle, folder, entry, APPLICATION):
            return ""
        return str(self._call("readPassword", "isss", handle, folder, entry, APPLICATION))

    def _call(self, method: str, signature: str, *arguments: Any) -> Any:
        from jeepney import MessageType, new_method_call

        message = new_method_call(self._address, method, signature, arguments)
        reply = self._connection.send_and_get_reply(message)
        if reply.header.message_type == MessageType.error:
            raise NoWallet
        return reply.body[0]


@contextmanager
def _wallet() -> Iterator[_Wallet]:
    """The wallet of the daemon that runs; none is started."""
    try:
        from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

        connection = open_dbus_connection("SESSION")
    except (ImportError, KeyError, OSError, ValueError) as error:
        raise NoWallet from error
    with closing(connection):
        daemon = next((name for name in DAEMONS if _runs(connection, name)), None)
        if daemon is None:
            raise NoWallet
        yield _Wallet(connection, daemon)


def _runs(connection: Any, daemon: str) -> bool:
    from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]

    reply = connection.send_and_get_reply(message_bus.NameHasOwner(f"org.kde.{daemon}"))
    return bool(reply.body[0])
