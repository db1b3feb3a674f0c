"""`status`: whom it asks, what it prints, how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import respx

from tests.commands.running import Cli, environment, run_program, write_settings
from tests.loopback import Response, loopback_world
from tests.support import payload
from tui.providers.kimi_k2 import CREDITS_URL, HOST

KEY = "k2-secret-value-0123"
GOOD = payload("kimi-k2", "flat.json")
ON = '[providers.kimi-k2]\nenabled = true\n[providers.kimi-k2.accounts.work]\nlabel = "Work"\n'


@pytest.fixture
def credits_route(monkeypatch: pytest.MonkeyPatch) -> Iterator[respx.Route]:
    """A relay that answers, and a key for it."""
    monkeypatch.setenv("KIMI_K2_API_KEY", KEY)
    with respx.mock(assert_all_called=False) as router:
        yield router.get(CREDITS_URL).mock(return_value=httpx.Response(200, content=GOOD))


# -- the document ----------------------------------------------------------------------------------


def test_what_a_key_switches_on_is_asked_once(cli: Cli, credits_route: respx.Route) -> None:
    ran = cli("status", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.rows["kimi-k2"]["state"] == "ok"
    assert credits_route.call_count == 1


def test_the_table_says_the_same_in_words(cli: Cli, credits_route: respx.Route) -> None:
    ran = cli("status")
    assert ran.code == 0
    assert "Kimi K2" in ran.out
    assert "82% left" in ran.out
    assert "\x1b" not in ran.out


def test_without_any_provider_the_array_is_empty_and_the_table_says_what_to_do(cli: Cli) -> None:
    assert cli("status", "--json").out == "[]\n"
    ran = cli("status")
    assert ran.code == 0
    assert "quotadeck detect" in ran.out


def test_what_a_dependency_prints_stays_out_of_the_document(
    cli: Cli, credits_route: respx.Route
) -> None:
    def chatty(request: httpx.Request) -> httpx.Response:
        print("a dependency says hello")
        return httpx.Response(200, content=GOOD)

    credits_route.mock(side_effect=chatty)
    ran = cli("status", "--json")
    assert ran.rows["kimi-k2"]["state"] == "ok"
    assert "a dependency says hello" in ran.err


def test_accounts_are_masked_on_request(cli: Cli, credits_route: respx.Route, home: Path) -> None:
    write_settings(home, ON.replace("Work", "ada@example.org"))
    assert "ada@example.org" in cli("status", "--json").out
    masked = cli("status", "--json", "--redact").out
    assert "ada@" not in masked
    assert "redacted@example.org" in masked
    assert "ada@" not in cli("status", "--redact").out
    write_settings(home, ON.replace("Work", "Ada Lovelace"))
    assert "Lovelace" in cli("status").out
    assert not {"Lovelace", "work"} & set(cli("status", "--redact").out.split())


# -- whom it asks ----------------------------------------------------------------------------------


def test_a_provider_that_is_off_is_asked_when_it_is_named(
    cli: Cli, credits_route: respx.Route, home: Path
) -> None:
    write_settings(home, "[providers.kimi-k2]\nenabled = false\n")
    assert cli("status", "--json").json == []
    ran = cli("status", "--json", "--provider", "KimiK2")
    assert ran.rows["kimi-k2"]["state"] == "ok"


@pytest.mark.parametrize(
    "words",
    [
        ("--provider", "kimi-k2,or"),
        ("--provider", "kimik2", "--provider", "openrouter"),
        ("--provider", "kimi-k2", "openrouter,"),
    ],
)
def test_providers_are_named_in_several_ways(
    cli: Cli, credits_route: respx.Route, words: tuple[str, ...]
) -> None:
    ran = cli("status", "--json", *words)
    assert set(ran.rows) == {"kimi-k2", "openrouter"}
    assert ran.code == 1


def test_one_account_is_asked_alone(cli: Cli, credits_route: respx.Route, home: Path) -> None:
    write_settings(home, ON)
    assert [row["account"] for row in cli("status", "--json").json] == [None, "Work"]
    ran = cli("status", "--json", "--provider", "kimi-k2:work")
    assert [row["account"] for row in ran.json] == ["Work"]
    assert not credits_route.call_count - 1, "only the first run had a key to ask with"


def test_all_lists_those_that_are_off_without_asking_them(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with respx.mock() as router:
        ran = cli("status", "--json", "--all")
        assert not router.calls
    assert ran.code == 0
    assert {row["state"] for row in ran.json} == {"disabled"}
    assert "Switched off." in cli("status", "--all").out


def test_all_lists_an_account_that_is_off_beside_the_others(
    cli: Cli, credits_route: respx.Route, home: Path
) -> None:
    write_settings(home, ON + "enabled = false\n")
    rows = [row for row in cli("status", "--json", "--all").json if row["provider"] == "kimi-k2"]
    assert [(row["account"], row["state"]) for row in rows] == [(None, "ok"), ("Work", "disabled")]
    assert [row["account"] for row in cli("status", "--json").json] == [None]


def test_a_mode_of_another_provider_is_an_error_of_that_provider_only(
    cli: Cli, credits_route: respx.Route
) -> None:
    row = cli("status", "--json", "--provider", "kimi-k2", "--source", "web").rows["kimi-k2"]
    assert row["error"]["errorKind"] == "unsupported"
    assert "auto, api" in row["error"]["remedy"]
    assert row["source"] == "web"
    assert not credits_route.called


def test_a_gate_of_the_last_run_is_obeyed_unless_the_user_asked(
    cli: Cli, credits_route: respx.Route
) -> None:
    credits_route.mock(return_value=httpx.Response(429, headers={"retry-after": "600"}))
    assert cli("status", "--json").rows["kimi-k2"]["error"]["errorKind"] == "rate_limited"
    credits_route.mock(return_value=httpx.Response(200, content=GOOD))
    waiting = cli("status", "--json").rows["kimi-k2"]
    assert waiting["error"]["retryAfterSeconds"] > 0
    assert credits_route.call_count == 1
    assert cli("status", "--json", "--allow-prompts").rows["kimi-k2"]["state"] == "ok"


# -- how it ends -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(httpx.Response(200, content=b"[1]"), 3, id="another form"),
        pytest.param(httpx.ReadTimeout("slow"), 4, id="too slow"),
        pytest.param(httpx.Response(401), 1, id="rejected"),
        pytest.param(httpx.Response(503), 1, id="trouble"),
    ],
)
def test_the_exit_code_names_the_failure_of_a_single_provider(
    cli: Cli, credits_route: respx.Route, answer: httpx.Response | Exception, code: int
) -> None:
    credits_route.mock(side_effect=[answer, answer])
    assert cli("status", "--provider", "kimi-k2").code == code
    assert cli("status", "--provider", "kimi-k2,openrouter").code == 1


def test_missing_credentials_are_a_failure_of_a_provider_that_was_asked(cli: Cli) -> None:
    ran = cli("status", "--json", "--provider", "kimi-k2")
    assert ran.code == 1
    assert ran.rows["kimi-k2"]["state"] == "needs_setup"


def test_the_time_limit_covers_the_whole_run_of_a_provider(
    cli: Cli, credits_route: respx.Route
) -> None:
    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(200)

    credits_route.mock(side_effect=never)
    ran = cli("status", "--json", "--provider", "kimi-k2", "--timeout", "0.2")
    assert ran.code == 4
    assert "within 0.2 s" in ran.rows["kimi-k2"]["error"]["message"]


def test_a_failure_hides_nobody(cli: Cli, credits_route: respx.Route, home: Path) -> None:
    write_settings(home, "[providers.zai]\nenabled = true\nregion = 'mars'\n")
    ran = cli("status", "--json")
    assert ran.code == 1
    assert ran.rows["kimi-k2"]["state"] == "ok"
    assert "global, china" in ran.rows["zai"]["error"]["message"]


def test_a_broken_settings_file_is_named_and_the_rest_of_it_counts(
    cli: Cli, credits_route: respx.Route, home: Path
) -> None:
    write_settings(home, 'cadence = 7\n[providers.kimi-k2]\nenabled = "maybe"\n')
    ran = cli("status", "--json")
    assert "config.toml, line 1, cadence: should be adaptive" in ran.err
    assert "kimi-k2" in ran.rows


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(("--provider", "nope"), "kimi-k2", id="unknown provider"),
        pytest.param(("--provider", "kimi-k2:nope"), "kimi-k2:nope", id="unknown account"),
        pytest.param(("--provider", ","), "--provider", id="no provider"),
        pytest.param(("--timeout", "soon"), '"soon"', id="no number"),
        pytest.param(("--timeout", "-1"), "--timeout", id="negative"),
        pytest.param(("--timeout", "nan"), '"nan"', id="not a number"),
        pytest.param(("--source", "psychic"), "auto, api, web, cli, oauth, local", id="no mode"),
        pytest.param(("--jsonn",), "--jsonn", id="unknown flag"),
        pytest.param(("extra",), "extra", id="a word too many"),
    ],
)
def test_wrong_usage_is_64_with_what_is_right(
    cli: Cli, arguments: tuple[str, ...], named: str
) -> None:
    ran = cli("status", "--json", *arguments)
    assert ran.code == 64
    assert ran.err.count("\n") == 1
    [row] = ran.json
    assert row["provider"] == "cli"
    assert (row["error"]["kind"], row["error"]["code"]) == ("args", 64)
    assert named in f"{row['error']['message']} {row['error']['remedy']}"


# -- the real program ------------------------------------------------------------------------------


def test_the_real_program_asks_over_tls_and_prints_json(tmp_path: Path, home: Path) -> None:
    with loopback_world(tmp_path / "tls", [HOST]) as world:
        world.upstream.on("GET", CREDITS_URL, Response(GOOD))
        env = environment(home, KIMI_K2_API_KEY=KEY, **world.env)
        ran = run_program("status", "--json", "--provider", "kimi-k2", env=env)
    assert (ran.code, ran.err) == (0, "")
    assert ran.rows["kimi-k2"]["usage"]["primary"]["usedPercent"] == 18.5
    assert world.upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in ran.out


def test_the_real_program_reads_a_local_ide(home: Path) -> None:
    quota = home / ".config/JetBrains/GoLand2026.1/options/AIAssistantQuotaManager2.xml"
    quota.parent.mkdir(parents=True)
    quota.write_bytes(payload("jetbrains", "monthly.xml"))
    ran = run_program("status", "--json", env=environment(home))
    assert ran.code == 0
    assert ran.rows["jetbrains"]["source"] == "local"


def test_a_locale_without_utf8_gets_ascii_bars_and_utf8_json(home: Path) -> None:
    quota = home / ".config/JetBrains/GoLand2026.1/options/AIAssistantQuotaManager2.xml"
    quota.parent.mkdir(parents=True)
    quota.write_bytes(payload("jetbrains", "monthly.xml"))
    env = environment(home) | {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    assert run_program("status", env=env).out.isascii()
    assert json.loads(run_program("status", "--json", env=env).out)


def test_the_numbers_of_the_last_run_stay_when_nobody_answers(
    cli: Cli, credits_route: respx.Route
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    cli("status")
    credits_route.mock(side_effect=httpx.ConnectError("refused"))
    row = cli("status", "--json").rows["kimi-k2"]
    assert (row["state"], row["stale"]) == ("error", True)
    assert row["windows"][0]["usedPercent"] == 18.5
    assert datetime.fromisoformat(row["fetchedAt"]) > before
