"""Local costs on the accounts that want them, from settings and real logs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.rollouts import Session
from tests.session_logs import reply, write_log
from tests.support import FakeClock
from tui.core.models import ProviderKey
from tui.report.parts import cost_row
from tui.runtime import Deck, Options

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CODEX = ProviderKey("codex")
SHOW = "[costs]\nshow = true\n"


def make_deck(home: Path, settings: str, env: Mapping[str, str] | None = None) -> Deck:
    file = home / ".config" / "quotadeck" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(settings)
    return Deck(
        env={"HOME": str(home), "PATH": "", **(env or {})},
        clock=FakeClock(NOW),
        options=Options(log_to_file=False, lean=True),
        transport=lambda: httpx.MockTransport(lambda request: httpx.Response(500)),
    )


async def costs(deck: Deck) -> dict[str, int | None]:
    """Output tokens by account; `None` where no cost is shown."""
    async with deck:
        await deck.update_costs()
        found = {str(key): deck.engine.state(key).cost for key in deck.engine.keys}
    return {
        key: None if cost is None else cost.last_30_days.tokens.output
        for key, cost in found.items()
    }


def write_session(folder: Path, output: int) -> None:
    session = Session(str(folder)).reply(1_000_000, 0, output)
    write_log(folder / "sessions" / "2026" / "11" / "rollout-one.jsonl", *session.lines, at=NOW)


async def test_costs_are_off_until_somebody_wants_them(home: Path) -> None:
    write_session(home / ".codex", 10)
    assert await costs(make_deck(home, "[providers.codex]\nenabled = true\n")) == {"codex": None}
    assert not (home / ".cache" / "quotadeck" / "session-logs.sqlite").exists()


async def test_every_account_has_the_costs_of_its_folder(home: Path) -> None:
    write_session(home / ".codex", 1)
    write_session(home / "work", 10)
    settings = f"""{SHOW}
        [providers.codex]
        enabled = true
        home = "~/.codex"
        accounts.work.home = "{home}/work"
        accounts.bare.label = "Bare"
    """
    assert await costs(make_deck(home, settings)) == {"codex:work": 10, "codex:bare": None}
    alone = f"{SHOW}\n[providers.codex]\nenabled = true\n"
    assert await costs(make_deck(home, alone)) == {"codex": 1}


async def test_the_variable_of_the_program_names_the_folder_too(home: Path) -> None:
    write_session(home / ".codex", 1)
    write_session(home / "else", 10)
    settings = f"{SHOW}\n[providers.codex]\nenabled = true\n"
    env = {"CODEX_HOME": str(home / "else")}
    assert await costs(make_deck(home, settings, env)) == {"codex": 10}


async def test_an_account_may_overrule_the_global_setting(home: Path) -> None:
    write_session(home / ".codex", 1)
    write_log(home / ".claude" / "projects" / "p" / "s.jsonl", reply(usage=7), at=NOW)
    switched_on = "[providers.claude]\nenabled = true\n[providers.codex]\nenabled = true\n"
    wants = make_deck(home, f"{switched_on}show_cost_summary = true\n")
    assert await costs(wants) == {"claude": None, "codex": 1}
    wants_not = make_deck(home, f"{SHOW}{switched_on}show_cost_summary = false\n")
    assert await costs(wants_not) == {"claude": 7, "codex": None}


async def test_a_wrong_setting_of_one_account_takes_the_costs_of_no_other(home: Path) -> None:
    write_session(home / ".codex", 1)
    settings = f"""{SHOW}
        [providers.claude]
        enabled = true
        show_cost_summary = "perhaps"
        [providers.codex]
        enabled = true
    """
    assert await costs(make_deck(home, settings)) == {"claude": None, "codex": 1}


async def test_the_document_holds_what_the_sessions_cost(home: Path) -> None:
    write_session(home / ".codex", 100_000)
    deck = make_deck(home, f"{SHOW}\n[providers.codex]\nenabled = true\n")
    async with deck:
        await deck.update_costs()
        state = deck.engine.state(CODEX)
    assert state.cost is not None
    assert state.cost.today.usd == Decimal("3.15")
    found = cost_row(state.cost)
    assert found is not None
    assert (found["todayUSD"], found["last30DaysTokens"]) == (3.15, 1_100_000)
    assert found["models"] == [{"model": "gpt-5.3-codex", "usd": 3.15, "tokens": 1_100_000}]
    assert found["estimated"] is True


@pytest.mark.parametrize("provider", ["claude", "codex"])
async def test_where_no_logs_lie_it_says_so(home: Path, provider: str) -> None:
    deck = make_deck(home, f"{SHOW}\n[providers.{provider}]\nenabled = true\n")
    async with deck:
        await deck.update_costs()
        cost = deck.engine.state(ProviderKey(provider)).cost
    assert cost is not None
    assert cost.notice in ("No Claude Code logs found", "No Codex session logs found")
    assert cost.today.usd is None
