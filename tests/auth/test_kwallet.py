"""KDE's wallet, played by a program that speaks its protocol on a real bus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.auth.browser_files import Row, cbc, cbc_key, with_hash, write_chromium
from tests.auth.conftest import use_bus
from tests.auth.real_keyring import Answer, Bus, service, session_bus
from tests.support import FakeClock
from tui.auth import kwallet
from tui.auth.browser import BrowserLogins
from tui.core.redact import Secret

pytestmark = pytest.mark.needs("dbus")

ENTRIES = {("Chromium Keys", "Chromium Safe Storage"): "of the wallet"}


class Wallet:
    """One wallet; opening it is the question a user would see."""

    def __init__(self, *, is_open: bool, is_granted: bool = True) -> None:
        self.is_open = is_open
        self.is_granted = is_granted
        self.questions = 0

    def answer(self, member: str, values: tuple[Any, ...]) -> Answer:
        """What kwalletd answers."""
        match member:
            case "networkWallet":
                return "s", ("kdewallet",)
            case "isOpen":
                return "b", (self.is_open,)
            case "open":
                self.questions += not self.is_open
                return "i", (1 if self.is_open or self.is_granted else -1,)
            case "hasEntry":
                return "b", (tuple(values[1:3]) in ENTRIES,)
        return "s", (ENTRIES[values[1], values[2]],)


@pytest.fixture
def empty_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    with session_bus(tmp_path / "bus") as found:
        use_bus(found, monkeypatch)
        yield found


async def test_an_open_wallet_gives_chromium_its_key_without_a_question(
    empty_bus: Bus, home: Path
) -> None:
    clear = with_hash("ampcode.com", "kde")
    row = Row("ampcode.com", "session", b"v11" + cbc(cbc_key(b"of the wallet"), clear))
    write_chromium(home / ".config/chromium/Default/Cookies", [row])
    logins = BrowserLogins(env={}, home=home, state=home / "s", clock=FakeClock(), system="linux")
    view = logins.for_account(["ampcode.com"], (), "auto", user_initiated=False)
    closed, opened = Wallet(is_open=False), Wallet(is_open=True)
    with service(empty_bus, "org.kde.kwalletd6", closed.answer):
        assert [jar async for jar in view.cookies()] == []
    assert closed.questions == 0
    with service(empty_bus, "org.kde.kwalletd5", opened.answer):
        (jar,) = [jar async for jar in view.cookies()]
    assert jar.value("session") == Secret("kde")


def test_a_closed_wallet_is_opened_when_the_user_asks(empty_bus: Bus) -> None:
    wallet = Wallet(is_open=False)
    with service(empty_bus, "org.kde.kwalletd6", wallet.answer):
        assert not kwallet.opens(may_ask=False)
        assert kwallet.opens(may_ask=True)
        assert kwallet.look_up("Chromium Keys", "Chromium Safe Storage", may_ask=True)
        assert kwallet.look_up("Chromium Keys", "something else", may_ask=True) is None
    assert wallet.questions == 2


def test_a_refused_wallet_and_none_at_all_are_told_apart(empty_bus: Bus) -> None:
    with pytest.raises(kwallet.NoWallet):
        kwallet.look_up("Chromium Keys", "Chromium Safe Storage", may_ask=True)
    wallet = Wallet(is_open=False, is_granted=False)
    with (
        service(empty_bus, "org.kde.kwalletd6", wallet.answer),
        pytest.raises(kwallet.WalletClosed),
    ):
        kwallet.look_up("Chromium Keys", "Chromium Safe Storage", may_ask=True)


def test_without_a_bus_there_is_no_wallet() -> None:
    assert not kwallet.opens(may_ask=True)
