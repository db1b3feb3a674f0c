"""`login`: a code on standard error, and a login that is kept for the next run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import respx

from tests.commands.running import Cli, write_settings
from tests.support import payload

TOKEN = "ghu_tokenofthelogin"


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[respx.MockRouter]:
    """GitHub, where the code was typed at once."""

    async def at_once(clock: object, seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("tui.core.clock.SystemClock.sleep", at_once)
    with respx.mock(assert_all_called=False) as router:
        router.post("https://github.com/login/device/code", name="code").respond(
            content=payload("copilot", "code.json")
        )
        router.post("https://github.com/login/oauth/access_token", name="token").respond(
            json={"access_token": TOKEN}
        )
        router.get("https://api.github.com/copilot_internal/user", name="seat").respond(
            content=payload("copilot", "seat_individual.json")
        )
        yield router


def test_the_login_is_kept_and_the_next_run_uses_it(
    cli: Cli, home: Path, github: respx.MockRouter
) -> None:
    ran = cli("login", "copilot")
    assert (ran.code, ran.out) == (0, "Logged in with GitHub.\n")
    assert "Open https://github.com/login/device and enter WDJB-MJHT." in ran.err
    assert TOKEN not in ran.out + ran.err
    shown = cli("status", "--json", "--provider", "copilot")
    assert shown.rows["copilot"]["account"] == "octo-mira"
    assert github["seat"].calls.last.request.headers["authorization"] == f"token {TOKEN}"


def test_a_login_switches_the_provider_on(cli: Cli, home: Path, github: respx.MockRouter) -> None:
    cli("login", "copilot")
    assert "copilot" in cli("detect").out.lower()


def test_an_account_has_its_own_login(cli: Cli, home: Path, github: respx.MockRouter) -> None:
    write_settings(home, '[providers.copilot.accounts.work]\nlabel = "Work"\n')
    assert cli("login", "copilot:work").code == 0
    rows = cli("status", "--json", "--provider", "copilot").json
    assert [row["state"] for row in rows] == ["ok"]


def test_an_account_that_is_not_there_is_refused_before_any_byte(
    cli: Cli, home: Path, github: respx.MockRouter
) -> None:
    ran = cli("login", "copilot:home")
    assert ran.code == 64
    assert "no account" in ran.err
    assert github.calls.call_count == 0


def test_a_provider_without_a_login_says_which_have_one(cli: Cli, home: Path) -> None:
    ran = cli("login", "zai")
    assert ran.code == 64
    assert "z.ai offers no login here." in ran.err
    assert "copilot" in ran.err


def test_a_declined_login_fails(cli: Cli, home: Path, github: respx.MockRouter) -> None:
    github["token"].respond(json={"error": "access_denied"})
    ran = cli("login", "copilot")
    assert (ran.code, ran.out) == (1, "")
    assert "declined" in ran.err
