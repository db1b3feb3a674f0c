"""Kiro: real executables that print every form, hang, fail or want a terminal, and the service."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import respx

from tests.support import NOON, FakeClock, FetchFailed, fetch, make_context, payload, reply
from tui.core.errors import ErrorKind, FetchError, NetworkError, ParseError
from tui.core.models import ProviderKey, ProviderSnapshot
from tui.core.process import CommandResult
from tui.core.redact import Secret
from tui.gateways.process import Programs
from tui.providers import _chain
from tui.providers._chain import SourceMemory
from tui.providers._context import FetchContext
from tui.providers._parse import json_object
from tui.providers.kiro import PROVIDER, program
from tui.providers.kiro.limits import parse_limits
from tui.providers.kiro.logins import OF_PROGRAM, Login
from tui.providers.kiro.program import UnknownForm, failure, judge
from tui.providers.kiro.report import next_date, parse_account, parse_report
from tui.providers.kiro.usage import Account, Usage, snapshot

KEY = ProviderKey("kiro")
FIRST_OF_DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
USAGE = "chat --no-interactive /usage"
OLD_ENGINE = "chat --no-interactive --agent-engine=v1 --legacy-ui /usage"
EU = "arn:aws:codewhisperer:eu-central-1:111122223333:profile/ABC"
US_HOST = "https://codewhisperer.us-east-1.amazonaws.com/"
NOT_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="runs shell scripts")
pytestmark = NOT_WINDOWS


def judged(body: bytes) -> ProviderSnapshot:
    usage = judge(CommandResult(exit_code=0, stdout=body.decode(errors="replace")), NOON).report()
    return snapshot(usage, Account(), key=KEY, now=NOON, source_id="cli")


def limits(body: bytes) -> ProviderSnapshot:
    usage = parse_limits(json_object(reply(body), "Kiro"), NOON)
    return snapshot(usage, Account(), key=KEY, now=NOON, source_id="api")


PARSERS: dict[str, Callable[[bytes], object]] = {
    "whoami_*": lambda body: parse_account(body.decode(errors="replace")),
    "*limits_*": limits,
    "*": judged,
}


def report(name: str, now: datetime = NOON) -> Usage:
    return parse_report(payload("kiro", name).decode(), now)


# -- forms of the report ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "plan", "used", "limit", "percent"),
    [
        ("report_boxed.txt", "KIRO PRO", "260.40", "1000", 26.04),
        ("report_power.txt", "KIRO POWER", "7120.08", "10000", 71.2008),
        ("report_capped.txt", "KIRO POWER", "10000", "10000", 100),
        ("report_interactive_over.txt", "KIRO PRO+", "3062", "2000", 153.1),
        ("report_free_unused.txt", "KIRO FREE", "0", "50", 0),
        ("report_no_plan.txt", "", "4.5", "50", 9),
        ("report_links_and_titles.txt", "KIRO PRO", "250.25", "1000", 25.025),
        ("managed_with_credits.txt", "Q Developer Enterprise", "1204.5", "4000", 30.1125),
    ],
)
def test_every_form_gives_plan_and_credits(
    name: str, plan: str, used: str, limit: str, percent: float
) -> None:
    shown = judged(payload("kiro", name))
    window = shown.window("credits")
    assert shown.identity.plan == plan
    assert (window.used, window.limit) == (Decimal(used), Decimal(limit))
    assert window.used_percent == pytest.approx(percent)
    assert window.window_minutes is None
    assert shown.confidence == "exact"


def test_without_amounts_the_number_after_the_bar_counts() -> None:
    shown = judged(payload("kiro", "report_percent_only.txt"))
    window = shown.window("credits")
    assert (window.used_percent, window.used, window.limit) == (1.0, None, None)
    assert shown.confidence == "percent_only"
    assert shown.window("bonus").resets_text == "27 of 30 credits left"


def test_what_is_left_and_when_it_resets() -> None:
    shown = judged(payload("kiro", "report_power.txt"))
    assert shown.window("credits").resets_at == FIRST_OF_DECEMBER
    assert shown.window("credits").resets_text == "2,879.92 of 10,000 credits left"
    over = judged(payload("kiro", "report_interactive_over.txt"))
    assert over.window("credits").resets_text == "0 of 2,000 credits left"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 9, 10, tzinfo=UTC), FIRST_OF_DECEMBER),
        (datetime(2026, 12, 1, 15, tzinfo=UTC), FIRST_OF_DECEMBER),
        (datetime(2026, 12, 2, tzinfo=UTC), datetime(2027, 12, 1, tzinfo=UTC)),
    ],
    ids=["later this year", "the day itself", "next year"],
)
def test_a_reset_without_a_year(now: datetime, expected: datetime) -> None:
    assert report("report_boxed.txt", now).resets_at == expected


def test_a_date_that_does_not_exist_is_unknown() -> None:
    assert next_date(2, 30, NOON) is None
    assert next_date(13, 1, NOON) is None


@pytest.mark.parametrize(
    ("name", "percent", "text"),
    [
        ("report_boxed.txt", 2.5, "487.50 of 500 credits left · expires in 41 days"),
        ("report_power.txt", 2.2765, "1,954.47 of 2,000 credits left · expires in 19 days"),
        ("report_free_unused.txt", 0, "500 of 500 credits left · expires in 1 day"),
    ],
)
def test_bonus_credits_with_their_expiry(name: str, percent: float, text: str) -> None:
    bonus = judged(payload("kiro", name)).window("bonus")
    assert bonus.used_percent == pytest.approx(percent)
    assert bonus.resets_text.replace("487.5 ", "487.50 ") == text
    assert not bonus.headline
    assert bonus.resets_at is None


def test_overage_has_a_cost_where_it_is_enabled() -> None:
    shown = judged(payload("kiro", "report_capped.txt"))
    (cost,) = shown.balances
    assert (cost.used, cost.currency, cost.limit) == (Decimal("212.48"), "USD", None)
    rows = {row.label: row.value for row in shown.details}
    assert rows == {"Status": "enabled", "Used": "5,312 credits", "Rate": "$0.04 per credit"}
    disabled = judged(payload("kiro", "report_interactive_over.txt"))
    assert disabled.balances == ()
    assert [row.value for row in disabled.details] == ["disabled"]


def test_no_pattern_crosses_the_end_of_a_line() -> None:
    usage = parse_report("Plan: KIRO PRO\nPro Tip: be brief\nCredits (5 of\n10 covered)", NOON)
    assert usage.plan == "KIRO PRO"
    assert not usage.has_numbers


def test_markup_in_a_plan_is_text() -> None:
    usage = parse_report(
        "Estimated Usage | \x1b[31m[/x]KIRO\x1b[0m\nCredits (1 of 2 covered)", NOON
    )
    assert usage.plan == "[/x]KIRO"


def test_amounts_beyond_all_measure_are_unknown() -> None:
    assert parse_report(f"({'9' * 400} of 50 covered in plan)", NOON).used is None


def test_endless_lines_are_read_fast() -> None:
    parse_report("a" * 200_000 + "█" * 200_000 + "1" * 200_000, NOON)
    parse_account("a" * 400_000)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("refused_not_logged_in.txt", ErrorKind.MISSING_CREDENTIALS, "Not signed in to Kiro."),
        ("refused_auth_portal.txt", ErrorKind.MISSING_CREDENTIALS, "Not signed in to Kiro."),
        ("refused_backend.txt", ErrorKind.SERVER, "could not retrieve usage right now"),
        ("refused_rate_limit.txt", ErrorKind.RATE_LIMITED, "limits requests"),
        ("bad_empty.txt", ErrorKind.PARSE, "kiro-cli printed nothing."),
        ("bad_plan_alone.txt", ErrorKind.PARSE, "unknown form"),
        ("bad_answer_of_a_model.txt", ErrorKind.PARSE, "unknown form"),
    ],
)
def test_outputs_without_numbers(name: str, kind: ErrorKind, words: str) -> None:
    with pytest.raises(FetchError, match=words) as caught:
        judged(payload("kiro", name))
    assert caught.value.kind is kind


def test_the_errors_name_the_next_step() -> None:
    late = failure(CommandResult(exit_code=None, timed_out=True), "")
    assert late.message == "kiro-cli did not answer within 20 seconds."
    assert late.cause == "timeout"
    said = "\x1b[31merror\x1b[0m: token sk-or-v1-abcdefghijklmnop " + "x" * 300
    failed = failure(CommandResult(exit_code=3), said)
    assert failed.message.startswith("kiro-cli failed (status 3): error: token ")
    assert "sk-or" not in failed.message
    assert len(failed.message) < 240


# -- who is signed in ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("whoami_google.txt", Account(email="noor@example.org", method="Google")),
        ("whoami_builder_id.txt", Account(method="Builder ID")),
        (
            "whoami_identity_center.txt",
            Account(method="IAM Identity Center", profile="acme-developers"),
        ),
        ("whoami_bare_email.txt", Account(email="noor@example.org")),
        ("whoami_json.txt", Account(method="Builder ID")),
        ("whoami_json_nobody.txt", Account(is_signed_out=True)),
        ("whoami_not_logged_in.txt", Account(is_signed_out=True)),
    ],
)
def test_every_login_form(name: str, account: Account) -> None:
    assert parse_account(payload("kiro", name).decode()) == account


# -- the answer of the service ---------------------------------------------------------------------


def test_the_total_contains_the_overage() -> None:
    shown = limits(payload("kiro", "limits_overage.json"))
    plan, overage = shown.windows
    assert (plan.id, plan.used, plan.limit) == ("credits", Decimal(10000), Decimal(10000))
    assert plan.used_percent == 100
    assert plan.resets_at == FIRST_OF_DECEMBER
    assert (overage.id, overage.used, overage.limit) == (
        "overage",
        Decimal("1250.5"),
        Decimal(10000),
    )
    assert overage.used_percent == pytest.approx(12.505)
    (cost,) = shown.balances
    assert (cost.used, cost.limit, cost.currency) == (Decimal("50.02"), Decimal(400), "USD")
    assert shown.identity.plan == "KIRO POWER"
    assert shown.identity.account == "noor@example.org"


def test_without_overage_there_is_no_such_window() -> None:
    shown = limits(payload("kiro", "limits_no_overage.json"))
    assert [window.id for window in shown.windows] == ["credits"]
    assert shown.window("credits").used == Decimal("420.25")
    assert shown.balances == ()


def test_bonuses_in_force_and_a_free_trial() -> None:
    shown = limits(payload("kiro", "limits_bonuses.json"))
    labels = [(window.id, window.label, window.used_percent) for window in shown.windows[1:]]
    assert labels == [("bonus", "Welcome bonus", 16.1), ("bonus2", "Free trial", 0.6)]
    assert shown.window("bonus").resets_text.endswith("expires in 93 days")


def changed_row(name: str, **changes: Any) -> bytes:
    """An answer whose row of credits has other members."""
    answer = json.loads(payload("kiro", name))
    answer["usageBreakdownList"][0].update(changes)
    return json.dumps(answer).encode()


def test_only_bonuses_explain_a_usage_above_the_limit() -> None:
    """A free trial counts by itself; a bonus that is over was still spent."""
    with pytest.raises(ParseError):
        limits(changed_row("limits_bonuses.json", bonuses=[]))
    spent = [{"displayName": "Old", "status": "EXPIRED", "currentUsage": 90, "usageLimit": 90}]
    shown = limits(changed_row("limits_bonuses.json", bonuses=spent))
    assert [window.id for window in shown.windows] == ["credits", "bonus"]


def test_numbers_beyond_reason_are_refused() -> None:
    with pytest.raises(ParseError):
        limits(changed_row("limits_no_overage.json", usageLimitWithPrecision=1e308))


def test_old_plans_count_requests() -> None:
    shown = limits(payload("kiro", "limits_old_plan.json"))
    assert shown.window("credits").used == Decimal(420)
    assert shown.identity.plan == "Q Developer Pro"


def test_a_moment_in_milliseconds_is_none_and_unknown_words_decide_nothing() -> None:
    shown = limits(payload("kiro", "limits_milliseconds.json"))
    assert shown.window("credits").resets_at is None
    assert [window.id for window in shown.windows] == ["credits"]
    assert shown.balances[0].currency == "EUR"


@pytest.mark.parametrize(
    "name",
    [
        "bad_limits_two_rows.json",
        "bad_limits_no_rows.json",
        "bad_limits_negative.json",
        "bad_limits_nan.json",
        "bad_limits_more_overage_than_usage.json",
        "bad_limits_above_limit.json",
    ],
)
def test_answers_that_do_not_add_up_are_refused(name: str) -> None:
    with pytest.raises(ParseError, match="usageBreakdownList"):
        limits(payload("kiro", name))


# -- a real program --------------------------------------------------------------------------------

FAST = {
    "USAGE_TIMEOUT_S": 8.0,
    "USAGE_SILENCE_S": 4.0,
    "COMPLETE_SILENCE_S": 0.2,
    "PATIENCE_S": 4.0,
    "ACCOUNT_TIMEOUT_S": 3.0,
}


class Cli:
    """An executable `kiro-cli` whose answers are pieces of shell, and what runs it."""

    def __init__(self, home: Path, bin_dir: Path) -> None:
        self.home = home
        self.bin = bin_dir
        self.log = home / "calls"
        self.env = {"PATH": f"{bin_dir}:{os.environ['PATH']}", "HOME": str(home)}
        self.clock = FakeClock()
        self.memory: dict[str, Any] = {}
        self.set()

    def set(
        self,
        usage: str = "exit 1",
        *,
        old_engine: str = "exit 2",
        whoami: str = "echo Logged in with Google; echo Email: noor@example.org",
        version: str = "echo kiro-cli 2.21.4",
        folder: Path | None = None,
    ) -> Path:
        """Write the program."""
        path = (folder or self.bin) / "kiro-cli"
        path.parent.mkdir(parents=True, exist_ok=True)
        cases = {USAGE: usage, OLD_ENGINE: old_engine, "whoami": whoami, "--version": version}
        script = "".join(f'"{args}")\n{body}\n;;\n' for args, body in cases.items())
        path.write_text(
            f'#!/bin/sh\nexec 9>&1\necho "$*" >> {self.log}\ncase "$*" in\n{script}'
            "*) exit 64;;\nesac\n"
        )
        path.chmod(0o755)
        return path

    def prints(self, name: str) -> str:
        """Shell that prints a stored report."""
        file = self.home / name
        file.write_bytes(payload("kiro", name))
        return f"cat {file}"

    def calls(self, of: str = USAGE) -> int:
        """How often it was run in one way."""
        return self.log.read_text().splitlines().count(of) if self.log.exists() else 0

    async def context(self, mode: str = "cli", **options: Any) -> FetchContext:
        """What a source gets; the program is the real one."""
        path = options.pop("cli_path", None)
        commands = Programs(
            PROVIDER.programs, path, self.env, self.home / "state" / "work", (), "linux"
        )
        env = {**self.env, **options.pop("env", {})}
        ctx = await make_context(
            PROVIDER,
            self.home,
            settings={"source": mode, **options.pop("settings", {})},
            env=env,
            commands=commands,
            clock=self.clock,
            **options,
        )
        return replace(ctx, memory=self.memory)

    async def ask(self, mode: str = "cli", **options: Any) -> ProviderSnapshot:
        """One refresh."""
        return await fetch(PROVIDER, await self.context(mode, **options))

    async def failure(self, mode: str = "cli", **options: Any) -> FetchFailed:
        """One refresh that fails."""
        with pytest.raises(FetchFailed) as caught:
            await self.ask(mode, **options)
        return caught.value


@pytest.fixture
def cli(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    for name, value in FAST.items():
        monkeypatch.setattr(program, name, value)
    return Cli(home, tmp_path / "bin")


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """No test leaves a child or grandchild."""
    before = set(psutil.Process().children(recursive=True))
    yield
    assert not set(psutil.Process().children(recursive=True)) - before


async def test_a_report_with_account_and_version(cli: Cli) -> None:
    cli.set(cli.prints("report_power.txt"))
    shown = await cli.ask()
    assert shown.window("credits").used == Decimal("7120.08")
    assert shown.source_id == "cli"
    assert shown.origin == "kiro-cli"
    assert shown.identity.account == "noor@example.org"
    assert shown.identity.login_method == "Google"
    assert shown.details[-1].value == "2.21.4"
    assert sorted(cli.log.read_text().splitlines()) == ["--version", USAGE, "whoami"]


async def test_a_report_on_the_error_output_counts(cli: Cli) -> None:
    cli.set(f"{cli.prints('report_boxed.txt')} >&2; echo warning: update")
    assert (await cli.ask()).window("credits").limit == Decimal(1000)


async def test_it_runs_without_input_in_an_empty_folder_of_its_own(cli: Cli) -> None:
    cli.set(f"pwd > $HOME/where; ls -A >> $HOME/where; cat; {cli.prints('report_boxed.txt')}")
    await cli.ask()
    assert (cli.home / "where").read_text() == f"{cli.home}/state/work\n"


async def test_a_program_that_wants_a_terminal_gets_one_at_once(cli: Cli) -> None:
    cli.set(f"test -t 1 || {{ echo no terminal; exit 1; }}; {cli.prints('report_boxed.txt')}")
    started = asyncio.get_running_loop().time()
    assert (await cli.ask()).window("credits").limit == Decimal(1000)
    assert asyncio.get_running_loop().time() - started < FAST["PATIENCE_S"]
    assert cli.calls() == 2


async def test_a_program_silent_on_pipes_gets_a_terminal_beside_them(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "PATIENCE_S", 0.3)
    cli.set(f"test -t 1 || sleep 60; {cli.prints('report_power.txt')}")
    assert (await cli.ask()).identity.plan == "KIRO POWER"
    assert cli.calls() == 2


async def test_a_slow_report_on_pipes_wins_over_a_silent_terminal(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "PATIENCE_S", 0.1)
    cli.set(f"test -t 1 && sleep 60; sleep 0.6; {cli.prints('report_power.txt')}")
    assert (await cli.ask()).identity.plan == "KIRO POWER"


async def test_a_first_byte_in_time_keeps_the_pipes(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "PATIENCE_S", 1.0)
    cli.set(f"echo loading; sleep 1.3; {cli.prints('report_boxed.txt')}")
    await cli.ask()
    assert cli.calls() == 1


async def test_on_windows_there_are_only_pipes(cli: Cli) -> None:
    cli.set("echo garbage")
    failed = await cli.failure(os_name="windows")
    assert failed.error.kind is ErrorKind.PARSE
    assert cli.calls() == 1


async def test_a_program_that_hangs_after_its_report_is_ended(cli: Cli) -> None:
    cli.set(f"{cli.prints('report_power.txt')}; trap '' TERM; sleep 60")
    assert (await cli.ask()).window("credits").limit == Decimal(10000)


async def test_helpers_that_keep_the_output_open_are_not_waited_for(cli: Cli) -> None:
    cli.set(f"setsid sleep 60 & {cli.prints('report_power.txt')}")
    started = asyncio.get_running_loop().time()
    await cli.ask()
    assert asyncio.get_running_loop().time() - started < 6


async def test_a_silent_program_is_given_up_after_one_deadline_for_both(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "USAGE_TIMEOUT_S", 1.0)
    cli.set("sleep 60")
    started = asyncio.get_running_loop().time()
    failed = await cli.failure()
    assert asyncio.get_running_loop().time() - started < 4
    assert failed.error.kind is ErrorKind.NETWORK
    assert failed.error.cause == "timeout"
    assert failed.error.message == "kiro-cli did not answer within 1 seconds."
    assert cli.calls() == 2


async def test_text_that_stops_without_numbers_is_not_understood(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "USAGE_SILENCE_S", 0.3)
    cli.set("echo Estimated Usage; sleep 60")
    assert (await cli.failure()).error.kind is ErrorKind.PARSE


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("exit 0", ErrorKind.PARSE, "kiro-cli printed nothing. Update kiro-cli."),
        ("head -c 5000 /dev/urandom", ErrorKind.PARSE, "unknown form"),
        ("echo; echo panic: no; exit 101", ErrorKind.SERVER, "(status 101): panic: no"),
        ("kill -9 $$", ErrorKind.SERVER, "kiro-cli failed (status -9)."),
        (
            "echo 'Credits (1 of 2 covered in plan)'; exit 1",
            ErrorKind.SERVER,
            "kiro-cli failed (status 1)",
        ),
        ("echo OAuth error: denied; exit 1", ErrorKind.MISSING_CREDENTIALS, "`kiro-cli login`"),
    ],
    ids=["nothing", "garbage", "exit code", "killed", "numbers of a failed run", "not logged in"],
)
async def test_runs_of_no_use(cli: Cli, script: str, kind: ErrorKind, words: str) -> None:
    cli.set(script)
    error = (await cli.failure()).error
    assert error.kind is kind
    assert words in f"{error.message} {error.hint}"


async def test_a_cancelled_refresh_leaves_nothing_running(cli: Cli) -> None:
    cli.set("trap '' TERM; setsid sleep 60 & sleep 60", whoami="sleep 60")
    task = asyncio.create_task(cli.ask())
    while not cli.calls():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "whoami", ["sleep 60", "exit 1", "echo Not logged in; exit 1", "exec 1>&-"]
)
async def test_whoami_never_spoils_a_good_report(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, whoami: str
) -> None:
    monkeypatch.setattr(program, "ACCOUNT_TIMEOUT_S", 0.4)
    cli.set(cli.prints("report_boxed.txt"), whoami=whoami, version="sleep 60")
    monkeypatch.setattr(program, "VERSION_TIMEOUT_S", 0.4)
    shown = await cli.ask()
    assert shown.window("credits").used == Decimal("260.40")
    assert shown.identity.account == ""
    assert shown.details == ()


async def test_whoami_explains_a_report_that_failed(cli: Cli) -> None:
    cli.set("exit 7", whoami="echo Not logged in; exit 1")
    error = (await cli.failure()).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert f"{error.message} {error.hint}" == "Not signed in to Kiro. Run `kiro-cli login`."


async def test_without_the_program_it_says_where_to_get_it(cli: Cli) -> None:
    (cli.bin / "kiro-cli").unlink()
    error = (await cli.failure()).error
    assert (error.kind, error.cause) == (ErrorKind.MISSING_CREDENTIALS, "no_program")
    assert f"{error.message} {error.hint}" == (
        "kiro-cli was not found. Install it from https://kiro.dev and run `kiro-cli login`."
    )


async def test_setting_variable_path_and_usual_places_in_this_order(cli: Cli) -> None:
    cli.set("exit 1")
    usual = cli.set(cli.prints("report_boxed.txt"), folder=cli.home / ".local/bin")
    (cli.bin / "kiro-cli").unlink()
    assert (await cli.ask()).identity.plan == "KIRO PRO"
    cli.memory.clear()
    cli.set(cli.prints("report_power.txt"), folder=cli.home / "named")
    cli.env["KIRO_CLI_PATH"] = str(cli.home / "named" / "kiro-cli")
    assert (await cli.ask()).identity.plan == "KIRO POWER"
    cli.memory.clear()
    assert (await cli.ask(cli_path=usual)).identity.plan == "KIRO PRO"


# -- reports without numbers -----------------------------------------------------------------------


async def test_a_stub_leads_to_the_old_engine_once(cli: Cli) -> None:
    cli.set(cli.prints("stub.txt"), old_engine=cli.prints("report_no_plan.txt"))
    shown = await cli.ask()
    assert shown.window("credits").used == Decimal("4.5")
    assert shown.identity.plan == "KIRO PRO MAX"
    assert (cli.calls(), cli.calls(OLD_ENGINE)) == (1, 1)


async def test_a_stub_without_more_is_a_plan_with_a_notice(cli: Cli) -> None:
    cli.set(cli.prints("stub.txt"), old_engine="echo error: unexpected argument >&2; exit 2")
    shown = await cli.ask()
    assert shown.windows == ()
    assert shown.identity.plan == "KIRO PRO MAX"
    assert shown.notice == (
        "kiro-cli 2.21.4 no longer prints credit numbers; open app.kiro.dev/account/usage."
    )


async def test_a_stub_without_a_plan_is_unsupported(cli: Cli) -> None:
    cli.set("echo '1 usage breakdowns'", version="exit 1")
    error = (await cli.failure()).error
    assert error.kind is ErrorKind.UNSUPPORTED
    assert error.message.startswith("kiro-cli no longer prints credit numbers")


async def test_a_managed_plan_is_not_zero_percent(cli: Cli) -> None:
    cli.set(cli.prints("managed.txt"))
    shown = await cli.ask()
    assert shown.windows == ()
    assert shown.identity.plan == "Q Developer Pro"
    assert shown.notice == "Usage is managed by your organisation and not reported."
    assert cli.calls(OLD_ENGINE) == 0


# -- how often -------------------------------------------------------------------------------------


async def test_within_a_minute_the_program_is_not_run_again(cli: Cli) -> None:
    cli.set(cli.prints("report_power.txt"))
    first = await cli.ask()
    await cli.clock.advance(59)
    assert (await cli.ask()).fetched_at == first.fetched_at
    assert cli.calls() == 1
    await cli.clock.advance(2)
    await cli.ask()
    assert cli.calls() == 2


async def test_after_an_unknown_form_it_is_left_alone_for_half_an_hour(cli: Cli) -> None:
    cli.set(cli.prints("bad_answer_of_a_model.txt"))
    await cli.failure()
    runs = cli.calls()
    await cli.clock.advance(1790)
    assert (await cli.failure()).error.kind is ErrorKind.PARSE
    assert cli.calls() == runs
    cli.set(cli.prints("report_power.txt"))
    await cli.clock.advance(20)
    await cli.ask()


async def test_after_signing_in_it_is_asked_at_once(cli: Cli) -> None:
    cli.set("echo Not logged in; exit 1")
    await cli.failure()
    cli.set(cli.prints("report_power.txt"))
    assert (await cli.ask()).identity.plan == "KIRO POWER"


async def test_in_the_background_it_runs_every_quarter_of_an_hour(cli: Cli) -> None:
    cli.set(cli.prints("report_power.txt"))
    memory = SourceMemory()
    for _ in range(3):
        ctx = await cli.context(user_initiated=False)
        assert (await _chain.run(PROVIDER, ctx, memory=memory)).snapshot is not None
        await cli.clock.advance(299)
    assert cli.calls() == 1
    await cli.clock.advance(10)
    await _chain.run(PROVIDER, await cli.context(user_initiated=False), memory=memory)
    assert cli.calls() == 2


# -- the service -----------------------------------------------------------------------------------


class State:
    """The database of kiro-cli, as it writes it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.file = folder / "data.sqlite3"
        with sqlite3.connect(self.file) as database:
            database.execute("CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT)")
            database.execute("CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB)")
        database.close()

    def put(self, table: str, key: str, value: Any) -> State:
        with sqlite3.connect(self.file) as database:
            database.execute(
                f"INSERT OR REPLACE INTO {table} VALUES (?, ?)",
                (key, json.dumps(value)),
            )
        database.close()
        return self

    def token(
        self, expires_in_s: float = 3600, key: str = "kirocli:odic:token", **more: Any
    ) -> State:
        value = {
            "access_token": "aoa-program-token",
            "refresh_token": "aor-never-used",
            "expires_at": (NOON + timedelta(seconds=expires_in_s)).isoformat(),
            "region": "us-east-1",
            **more,
        }
        return self.put("auth_kv", key, value)

    def profile(self, arn: str = EU) -> State:
        return self.put("state", "api.codewhisperer.profile", {"arn": arn, "profile_name": "x"})


@pytest.fixture
def state(home: Path) -> State:
    return State(home / ".local/share/kiro-cli")


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as mocked:
        yield mocked


def answers(name: str = "limits_overage.json") -> httpx.Response:
    return httpx.Response(200, content=payload("kiro", name))


async def test_a_stub_gets_its_numbers_from_the_service(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token()
    call = router.post(US_HOST).mock(return_value=answers())
    cli.set(cli.prints("stub.txt"))
    shown = await cli.ask("auto")
    assert shown.source_id == "api"
    assert shown.origin == "login of kiro-cli"
    assert shown.window("overage").used == Decimal("1250.5")
    assert shown.identity.plan == "KIRO POWER"
    assert cli.calls(OLD_ENGINE) == 1
    request = call.calls.last.request
    assert request.headers["authorization"] == "Bearer aoa-program-token"
    assert request.headers["content-type"] == "application/x-amz-json-1.0"
    assert request.headers["x-amz-target"] == "AmazonCodeWhispererService.GetUsageLimits"
    assert json.loads(request.content) == {}


async def test_the_mode_cli_never_asks_the_service(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token()
    cli.set(cli.prints("stub.txt"))
    assert (await cli.ask("cli")).windows == ()
    cli.memory.clear()
    cli.set(cli.prints("report_power.txt"))
    await cli.ask("cli")
    assert not router.calls


async def test_the_profile_chooses_the_region(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token().profile(EU)
    call = router.post("https://q.eu-central-1.amazonaws.com/").mock(return_value=answers())
    cli.set(cli.prints("stub.txt"))
    await cli.ask("auto")
    assert json.loads(call.calls.last.request.content) == {"profileArn": EU}


@pytest.mark.parametrize(
    ("arn", "token_region", "region"),
    [
        (EU, "us-east-1", "eu-central-1"),
        ("arn:aws:codewhisperer:us-west-2:1:profile/A", "", "us-west-2"),
        ("", "eu-central-1", "eu-central-1"),
        ("", "ap-southeast-2", "us-east-1"),
        ("arn:aws:codewhisperer:evil.example/x:1:profile/A", "", "us-east-1"),
        ("nonsense", "", "us-east-1"),
    ],
)
def test_the_region_of_a_login(arn: str, token_region: str, region: str) -> None:
    login = Login(token=Secret("t"), origin=OF_PROGRAM, profile_arn=arn, token_region=token_region)
    assert login.region == region


async def test_the_second_form_is_tried_and_then_without_the_profile(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token().profile(EU)
    first = router.post("https://q.eu-central-1.amazonaws.com/").respond(400, json={})
    url = "https://q.eu-central-1.amazonaws.com/getUsageLimits"
    second = router.get(url, params__contains={"profileArn": EU}).respond(400, json={})
    third = router.get(url).mock(return_value=answers())
    cli.set(cli.prints("stub.txt"))
    assert (await cli.ask("auto")).source_id == "api"
    assert first.called
    assert second.called
    query = dict(third.calls.last.request.url.params)
    assert query == {
        "origin": "AI_EDITOR",
        "resourceType": "AGENTIC_REQUEST",
        "isEmailRequired": "true",
    }


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_login_behind_a_stub_has_expired(
    cli: Cli, state: State, router: respx.MockRouter, status: int
) -> None:
    state.token()
    router.route().respond(status, json={"message": "aoa-program-token expired"})
    cli.set(cli.prints("stub.txt"))
    error = (await cli.failure("auto")).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert f"{error.message} {error.hint}" == ("Kiro's sign-in has expired. Run `kiro-cli login`.")


async def test_a_managed_plan_is_shown_although_the_service_refuses(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token()
    router.route().respond(403)
    cli.set(cli.prints("managed.txt"))
    shown = await cli.ask("auto")
    assert (shown.identity.plan, shown.windows) == ("Q Developer Pro", ())
    assert shown.notice == "Usage is managed by your organisation and not reported."


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(429, headers={"retry-after": "60"}),
        httpx.Response(302, headers={"location": "https://elsewhere.example/"}),
        httpx.Response(200, content=payload("kiro", "bad_limits_two_rows.json")),
        httpx.Response(200, content=payload("kiro", "bad_limits_cut_off.json")),
        httpx.Response(200, content=payload("kiro", "bad_limits_page.html")),
        httpx.Response(200, content=b""),
    ],
)
async def test_any_other_failure_of_the_service_leaves_the_plan(
    cli: Cli, state: State, router: respx.MockRouter, answer: httpx.Response
) -> None:
    state.token()
    everything = router.route().mock(return_value=answer)
    cli.set(cli.prints("stub.txt"))
    shown = await cli.ask("auto")
    assert (shown.windows, shown.identity.plan) == ((), "KIRO PRO MAX")
    assert {call.request.url.host for call in everything.calls} <= {
        "codewhisperer.us-east-1.amazonaws.com",
        "q.us-east-1.amazonaws.com",
    }


async def test_an_expired_token_is_not_sent(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token(-1)
    cli.set(cli.prints("stub.txt"))
    assert "no longer prints" in (await cli.ask("auto")).notice
    assert not router.calls


async def test_when_the_program_hangs_the_service_helps_out(
    cli: Cli, state: State, router: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "USAGE_TIMEOUT_S", 0.5)
    state.token(key="kirocli:social:token")
    router.post(US_HOST).mock(return_value=answers())
    cli.set("sleep 60")
    assert (await cli.ask("auto")).source_id == "api"


async def test_the_error_of_the_program_is_told_when_the_service_fails_too(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token()
    router.route().respond(401)
    cli.set("echo panic; exit 101")
    assert "status 101" in (await cli.failure("auto")).error.message


async def test_the_login_of_the_ide_is_the_last_resort(
    cli: Cli, home: Path, router: respx.MockRouter
) -> None:
    file = home / ".aws/sso/cache/kiro-auth-token.json"
    file.parent.mkdir(parents=True)
    login = {
        "accessToken": "aoa-ide-token",
        "refreshToken": "aor-never-used",
        "expiresAt": (NOON + timedelta(hours=1)).isoformat(),
        "profileArn": "arn:aws:codewhisperer:us-east-1:1:profile/A",
        "authMethod": "social",
    }
    file.write_text(json.dumps(login))
    before = file.read_bytes()
    call = router.post(US_HOST).mock(return_value=answers())
    (cli.bin / "kiro-cli").unlink()
    shown = await cli.ask("auto")
    assert (shown.source_id, shown.origin) == ("api", "login of the Kiro IDE")
    assert call.calls.last.request.headers["authorization"] == "Bearer aoa-ide-token"
    assert file.read_bytes() == before
    call.respond(403)
    error = (await cli.failure("auto")).error
    assert error.cause == "no_program"


async def test_a_good_report_is_enriched_with_overage(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token()
    router.post(US_HOST).mock(return_value=answers())
    cli.set(cli.prints("report_capped.txt"))
    shown = await cli.ask("auto")
    assert shown.source_id == "cli"
    assert [window.id for window in shown.windows] == ["credits", "overage"]
    assert shown.window("credits").used == Decimal("10000.00")
    assert [cost.used for cost in shown.balances] == [Decimal("50.02")]
    assert {row.label: row.value for row in shown.details} == {
        "Status": "enabled",
        "Used": "1,250.5 credits",
        "Rate": "$0.04 per credit",
        "Version": "2.21.4",
    }


async def test_overage_that_is_off_beats_what_the_program_says(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token()
    router.post(US_HOST).mock(return_value=answers("limits_no_overage.json"))
    cli.set(cli.prints("report_percent_only.txt"))
    shown = await cli.ask("auto")
    assert shown.balances == ()
    assert shown.window("credits").used == Decimal("420.25")
    assert [window.id for window in shown.windows] == ["credits", "bonus"]


async def test_with_bonuses_the_numbers_of_the_program_stay(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token()
    router.post(US_HOST).mock(return_value=answers("limits_bonuses.json"))
    cli.set(cli.prints("report_percent_only.txt"))
    shown = await cli.ask("auto")
    assert shown.window("credits").used is None
    assert shown.window("bonus").label == "Bonus"


async def test_a_free_trial_leaves_the_numbers_of_the_plan_alone(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token()
    trial = {"freeTrialStatus": "ACTIVE", "currentUsage": 3, "usageLimit": 500}
    answer = changed_row("limits_no_overage.json", freeTrialInfo=trial)
    router.post(US_HOST).respond(content=answer)
    cli.set(cli.prints("report_percent_only.txt"))
    assert (await cli.ask("auto")).window("credits").used == Decimal("420.25")


async def test_the_numbers_of_another_account_are_not_mixed_in(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token()
    router.post(US_HOST).mock(return_value=answers())
    cli.set(cli.prints("report_power.txt"), whoami="echo someone@else.example")
    shown = await cli.ask("auto")
    assert [window.id for window in shown.windows] == ["credits", "bonus"]
    assert shown.balances[0].used == Decimal("0.00")


async def test_a_failing_service_spoils_no_report(
    cli: Cli, state: State, router: respx.MockRouter
) -> None:
    state.token()
    router.route().respond(403)
    cli.set(cli.prints("report_power.txt"))
    assert (await cli.ask("auto")).source_id == "cli"


# -- where logins lie ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("os_name", "env", "folder"),
    [
        ("linux", {}, ".local/share/kiro-cli"),
        ("linux", {"XDG_DATA_HOME": "{home}/data"}, "data/kiro-cli"),
        ("macos", {}, "Library/Application Support/kiro-cli"),
        ("windows", {"LOCALAPPDATA": "{home}/local"}, "local/kiro-cli"),
        ("windows", {"APPDATA": "{home}/roaming"}, "roaming/kiro-cli"),
        ("macos", {"KIRO_DATA_DIR": "{home}/own"}, "own"),
    ],
)
async def test_the_database_is_found_on_every_system(
    home: Path, os_name: Any, env: dict[str, str], folder: str
) -> None:
    env = {name: value.format(home=home) for name, value in env.items()}
    ctx = await make_context(PROVIDER, home, env=env, os_name=os_name)
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(ctx) == ""
    State(home / folder).token()
    assert await PROVIDER.detect(ctx) == "login of kiro-cli"


async def test_the_database_is_opened_read_only(home: Path, state: State) -> None:
    state.token().profile()
    before = state.file.read_bytes()
    state.file.chmod(0o400)
    state.file.parent.chmod(0o500)
    ctx = await make_context(PROVIDER, home)
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(ctx) == "login of kiro-cli"
    state.file.parent.chmod(0o700)
    assert os.listdir(state.file.parent) == ["data.sqlite3"]
    assert state.file.read_bytes() == before


@pytest.mark.parametrize(
    "break_it",
    [
        lambda state: state.put("auth_kv", "kirocli:odic:token", "text"),
        lambda state: state.put("auth_kv", "kirocli:odic:token", {"access_token": 7}),
        lambda state: state.file.write_bytes(b"no database"),
        lambda state: state.put("state", "api.codewhisperer.profile", [1]),
    ],
)
async def test_a_damaged_state_is_no_login(
    home: Path, state: State, break_it: Callable[[State], object]
) -> None:
    break_it(state)
    ctx = await make_context(PROVIDER, home)
    assert PROVIDER.detect is not None
    assert await PROVIDER.detect(ctx) == ""


def test_kinds_of_failure_are_told_apart() -> None:
    assert isinstance(failure(CommandResult(exit_code=0), "x"), UnknownForm)
    assert isinstance(failure(CommandResult(exit_code=None, timed_out=True), "x"), NetworkError)
