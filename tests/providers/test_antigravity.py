"""Antigravity: the right process among look-alikes, its doors, models and pools, `agy`, Google."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.loopback import Authority, make_authority
from tests.support import (
    NOON,
    FakeClock,
    FakeCommands,
    FakeKeyStore,
    FakeProcesses,
    FetchFailed,
    StoppedClock,
    fetch,
    make_context,
    payload,
    reply,
)
from tui.core.errors import ErrorKind, ServerError, Unauthorized
from tui.core.models import SESSION_MINUTES, WEEK_MINUTES, ProviderKey, ProviderSnapshot
from tui.core.process import CommandResult, ProcessInfo
from tui.core.redact import Secret
from tui.demo.scenes import antigravity as scene
from tui.demo.stage import Moment
from tui.demo.transport import PlayedUpstream
from tui.gateways.http import HttpGateway
from tui.gateways.process import Programs
from tui.gateways.process_table import ProcessTable
from tui.providers.antigravity import PROVIDER, local
from tui.providers.antigravity.calls import SERVICE, Door, doors, read_answer
from tui.providers.antigravity.lanes import cadence_in, parse_summary
from tui.providers.antigravity.login import Login, parse_login
from tui.providers.antigravity.program import REPORT, parse_report
from tui.providers.antigravity.reading import Reading, make_snapshot, parse_models, parse_status
from tui.providers.antigravity.remote import parse_account
from tui.providers.antigravity.rows import parse_buckets, parse_model_map, readable
from tui.providers.antigravity.servers import Flavour, Server, classify, find_servers

KEY = ProviderKey("antigravity")
TOKEN = "0b6c5d4e-1f2a-4b3c-8d7e-9a0b1c2d3e4f"
APP = "/usr/share/antigravity/bin/language_server"
IDE = (
    "/usr/share/antigravity/resources/app/extensions/antigravity/bin/language_server_linux_x64",
    "--app_data_dir",
    "antigravity-ide",
)
GOOGLE = "https://daily-cloudcode-pa.googleapis.com/v1internal"
RENEW = "https://oauth2.googleapis.com/token"
MIRA = {"account": "mira@example.org"}


def of(reading: Reading) -> ProviderSnapshot:
    return make_snapshot(reading, key=KEY, now=NOON, source_id="local", origin="Antigravity")


def of_buckets(body: bytes) -> ProviderSnapshot:
    return of(Reading(buckets=parse_summary(read_answer(reply(body)))))


def of_report(body: bytes) -> ProviderSnapshot:
    result = CommandResult(exit_code=0, stdout=body.decode(errors="replace"))
    return of(Reading(buckets=parse_report(result)))


def of_login(body: bytes) -> object:
    return parse_login(Secret(body.decode(errors="replace")))


PARSERS: dict[str, Callable[[bytes], object]] = {
    "*report*": of_report,
    "*status*": lambda body: of(parse_status(read_answer(reply(body)))),
    "summary*": of_buckets,
    "models*": lambda body: of(parse_models(read_answer(reply(body)))),
    "account*": lambda body: parse_account(read_answer(reply(body)), Login()),
    "available*": lambda body: parse_model_map(read_answer(reply(body)).get("models")),
    "quota*": lambda body: parse_buckets(read_answer(reply(body)).get("buckets")),
    "login*": of_login,
}


def parsed(name: str) -> ProviderSnapshot:
    found = next(parser for pattern, parser in PARSERS.items() if Path(name).match(pattern))
    result = found(payload("antigravity", name))
    assert isinstance(result, ProviderSnapshot)
    return result


def data(name: str) -> Any:
    return json.loads(payload("antigravity", name))


def percents(snapshot: ProviderSnapshot) -> dict[str, float | None]:
    return {
        window.id: None if window.used_percent is None else round(window.used_percent, 6)
        for window in snapshot.windows
    }


# -- models ----------------------------------------------------------------------------------------


def test_models_become_three_windows_with_account_and_plan() -> None:
    snapshot = parsed("status.json")
    assert [window.label for window in snapshot.windows] == ["Claude", "Gemini Pro", "Gemini Flash"]
    assert percents(snapshot) == {
        "model.claude": 58.0,
        "model.gemini-pro": 25.0,
        "model.gemini-flash": 80.0,
    }
    assert snapshot.window("model.claude").resets_at == datetime(2026, 11, 20, 16, 5, tzinfo=UTC)
    assert snapshot.window("model.claude").window_minutes is None
    assert snapshot.identity.account == "mira@example.org"
    assert snapshot.identity.plan == "Google AI Pro"
    assert ("GPT-OSS 120B (Medium)", "100% left") in {(d.label, d.value) for d in snapshot.details}


def test_an_exhausted_gpt_model_is_not_hidden_by_claude() -> None:
    window = parsed("models.json").window("model.claude")
    assert (window.used_percent, window.resets_text) == (100.0, "GPT-OSS 120B (Medium)")


def test_lite_and_completion_models_do_not_lead() -> None:
    assert percents(parsed("models.json"))["model.gemini-flash"] == 60.0


def test_more_than_everything_left_is_nothing_used() -> None:
    assert percents(parsed("models.json"))["model.gemini-pro"] == 0.0


def test_names_are_readable_and_harmless() -> None:
    assert readable("gemini-3-1-pro") == "Gemini 3.1 Pro"
    assert readable("gpt-oss-120b") == "GPT OSS 120b"
    assert "\x1b" not in repr(parsed("models.json").details)


def test_models_of_no_known_family_show_the_tightest() -> None:
    snapshot = parsed("models_unknown_family.json")
    assert [(w.id, w.label, w.used_percent) for w in snapshot.windows] == [
        ("model.falcon-small", "Falcon Small", 70.0)
    ]


def rows_of(*models: tuple[str, float | None]) -> ProviderSnapshot:
    configs = [
        {"label": label, "quotaInfo": {"remainingFraction": share, "resetTime": "2026-09-10T15:00"}}
        for label, share in models
    ]
    return of(parse_models({"clientModelConfigs": configs}))


def test_claude_without_thinking_comes_first() -> None:
    snapshot = rows_of(("Claude Opus (Thinking)", 0.1), ("Claude Sonnet", 0.6))
    assert percents(snapshot) == {"model.claude": 40.0}


def test_a_known_model_beats_an_unknown_one_of_its_family() -> None:
    snapshot = rows_of(("Claude Sonnet", None), ("Claude Opus (Thinking)", 0.1))
    assert percents(snapshot) == {"model.claude": 90.0}


def test_a_missing_share_is_unknown_with_its_reset() -> None:
    window = rows_of(("Claude Sonnet", None)).window("model.claude")
    assert window.used_percent is None
    assert window.resets_at == datetime(2026, 9, 10, 15, tzinfo=UTC)


def test_low_effort_stands_for_gemini_pro() -> None:
    snapshot = rows_of(("Gemini 3 Pro (High)", 0.1), ("Pro (Low)", 0.8))
    assert percents(snapshot) == {"model.gemini-pro": 20.0}


def test_gpt_without_claude_has_its_own_window() -> None:
    snapshot = rows_of(("GPT-OSS", 0.0), ("Gemini Flash", 0.8))
    assert percents(snapshot) == {"model.gemini-flash": 20.0, "model.gpt": 100.0}


@pytest.mark.parametrize(
    ("status", "plan"),
    [
        ({"userTier": {"name": "Google AI Ultra"}, "planStatus": {}}, "Google AI Ultra"),
        ({"userTier": {"name": " "}, "planStatus": {"planInfo": {"planName": "Pro"}}}, "Pro"),
        ({"planStatus": {"planInfo": {"productName": "X", "displayName": "Team"}}}, "Team"),
        ({}, ""),
    ],
)
def test_the_tier_names_the_plan(status: dict[str, Any], plan: str) -> None:
    assert parse_status({"userStatus": status}).plan == plan


# -- pools -----------------------------------------------------------------------------------------


def test_pools_alone_lead_with_the_tightest_lane_of_each_family() -> None:
    snapshot = parsed("summary.json")
    assert [window.label for window in snapshot.windows] == [
        "Claude/GPT weekly",
        "Gemini weekly",
        "Gemini 5-hour",
        "Claude/GPT 5-hour",
    ]
    assert percents(snapshot)["claude.weekly"] == 70.0
    assert snapshot.window("claude.weekly").window_minutes == WEEK_MINUTES
    assert snapshot.window("gemini.session").window_minutes == SESSION_MINUTES


def test_pools_stand_below_the_models() -> None:
    reading = parse_status(data("status.json")).with_buckets(parse_summary(data("summary.json")))
    assert [window.id for window in of(reading).windows][2:] == [
        "model.gemini-flash",
        "gemini.session",
        "gemini.weekly",
        "claude.session",
        "claude.weekly",
    ]


def test_odd_pools_are_read_as_far_as_they_go() -> None:
    snapshot = parsed("summary_odd.json")
    assert percents(snapshot) == {
        "claude.session": 100.0,
        "gemini.weekly": 39.0,
        "gemini.session": None,
        "claude.weekly": None,
        "research-pool.research-monthly": 50.0,
        "research-pool.session-history": 10.0,
    }
    assert snapshot.window("research-pool.session-history").window_minutes is None
    assert snapshot.window("research-pool.research-monthly").label == "Research pool Monthly Limit"


def test_pools_that_say_nothing_do_not_count() -> None:
    assert parse_summary({"groups": [{"buckets": [{"bucketId": "gemini-5h"}]}]}) == ()


@pytest.mark.parametrize(
    ("name", "cadence"),
    [
        ("gemini-5h", "session"),
        ("Five Hour Limit", "session"),
        ("Five Hour Limit Remaining", "session"),
        ("3p_session", "session"),
        ("5-hour", "session"),
        ("Weekly Limit", "weekly"),
        ("gemini-weekly", "weekly"),
        ("session-history", ""),
        ("biweekly", ""),
        ("monthly", ""),
    ],
)
def test_a_cadence_is_a_whole_word_at_the_end(name: str, cadence: str) -> None:
    assert cadence_in(name) == cadence


# -- processes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "flavour"),
    [
        ((APP,), Flavour.APP),
        ((APP, "--csrf_token", "x"), Flavour.APP),
        (("/Applications/Antigravity.app/Contents/Resources/bin/language_server",), Flavour.APP),
        (("/Applications/Gemini.app/Contents/bin/language-server",), Flavour.APP),
        (("C:\\x\\Antigravity\\bin\\Language_Server_Windows_x64.exe", "--x"), Flavour.APP),
        (("/opt/x/language_server_linux_arm", "--app_data_dir", "antigravity"), Flavour.APP),
        (("/opt/x/language_server", "--app_data_dir=antigravity-ide"), Flavour.IDE),
        (IDE, Flavour.IDE),
        (
            (
                "/Applications/Antigravity IDE.app/Contents/Resources/app/extensions/antigravity"
                "/bin/language_server_macos_arm",
            ),
            Flavour.IDE,
        ),
        (("/home/mira/.local/bin/agy",), Flavour.CLI),
        (("agy", "-p", "hello"), Flavour.CLI),
        (("C:\\agy\\bin\\agy.exe",), Flavour.CLI),
        (("/opt/antigravity-cli/bin/main",), Flavour.CLI),
        (("/opt/windsurf/bin/language_server_linux_x64", "--csrf_token", "x"), None),
        (("/opt/codeium/language_server", "--app_data_dir", "windsurf"), None),
        (("/Applications/notgemini.app/bin/language_server",), None),
        (("/usr/share/antigravity/bin/language_server.bak",), None),
        (("/usr/share/antigravity/my_language_server",), None),
        (("/Applications/Antigravity.app/Antigravity Helper", "--type=renderer"), None),
        (("/usr/share/antigravity/antigravity",), None),
        (("/usr/bin/gemini-cli",), None),
        (("/usr/bin/legacy",), None),
        (("imagymagic",), None),
        (("code", "--workspace", "antigravity-cli"), None),
        (("/opt/not-antigravity-cli/x",), None),
        ((), None),
    ],
)
def test_the_processes_of_antigravity_are_told_from_others(
    arguments: tuple[str, ...], flavour: Flavour | None
) -> None:
    assert classify(arguments) is flavour


@pytest.mark.parametrize(
    "flags",
    [
        ("--csrf_token", TOKEN, "--extension_server_port", "4711"),
        (f"--csrf_token={TOKEN}", "--extension_server_port=4711"),
        (f'--csrf_token="{TOKEN}"', "--extension_server_port '4711'"),
    ],
)
def test_flags_are_read_with_blank_equals_sign_and_quotes(flags: tuple[str, ...]) -> None:
    (server,) = find_servers([ProcessInfo(7, "x", (APP, *flags))])
    assert (server.token, server.extension_port) == (Secret(TOKEN), 4711)
    assert server.extension_token is None
    assert TOKEN not in repr(server)


def test_a_flag_without_a_value_takes_none_from_its_neighbour() -> None:
    line = (APP, "--csrf_token", "--extension_server_csrf_token", "other", "--server_port", "0")
    (server,) = find_servers([ProcessInfo(7, "x", line)])
    assert server.token is None
    assert server.extension_token == Secret("other")
    assert server.named_ports == ()


def test_app_comes_before_ide_before_program() -> None:
    lines: Sequence[tuple[str, ...]] = (("agy",), IDE, (APP,), (APP, "--second"))
    found = find_servers(ProcessInfo(pid, "x", line) for pid, line in enumerate(lines))
    assert [server.pid for server in found] == [2, 3, 1, 0]


def test_doors_are_tried_in_order_and_once() -> None:
    own, other = Secret("own-token"), Secret("extension-token")
    server = Server(
        pid=7,
        flavour=Flavour.APP,
        token=own,
        named_ports=(43, 99),
        extension_port=41,
        extension_token=other,
    )
    assert doors(server, (41, 43)) == (
        Door("https", 43, own),
        Door("https", 41, own),
        Door("http", 41, other),
        Door("http", 41, own),
        Door("http", 43, own),
    )


def test_a_named_port_that_another_process_holds_gets_no_token() -> None:
    server = Server(pid=7, flavour=Flavour.APP, token=Secret("own-token"), named_ports=(99,))
    assert {door.port for door in doors(server, (43,))} == {43}
    assert {door.port for door in doors(server, ())} == {99}


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, b'{"code":"unauthenticated","message":"missing CSRF token"}', Unauthorized, "token"),
        (403, b"", Unauthorized, "rejected the session token"),
        (403, b'{"message":"permission denied"}', Unauthorized, "rejected the session token"),
        (401, b'{"message":"You are not signed in"}', Unauthorized, "signed out"),
        (401, b'{"code":"unauthenticated","message":"user is logged out"}', Unauthorized, "out."),
        (200, b'{"code":16}', Unauthorized, "signed out"),
        (200, b'{"code":"Unauthenticated"}', Unauthorized, "signed out"),
        (200, b'{"code":13,"message":"secret words"}', ServerError, "error 13"),
        (200, b'{"code":{"a":"secret words"}}', ServerError, "error unknown"),
        (503, b"", ServerError, "Antigravity answered with HTTP 503."),
    ],
)
def test_refusals_are_told_apart(
    status: int, body: bytes, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind) as caught:
        read_answer(reply(body, status))
    assert words in str(caught.value)
    assert "secret words" not in str(caught.value)


@pytest.mark.parametrize("code", ["0", '"0"', '"OK"', '"Success"', "null"])
def test_good_codes_are_no_error(code: str) -> None:
    assert "code" in read_answer(reply(f'{{"code":{code}}}'.encode()))


# -- a server, played ------------------------------------------------------------------------------


def process(pid: int = 7, *flags: str, line: Sequence[str] = (APP,)) -> ProcessInfo:
    return ProcessInfo(pid, "language_server", (*line, "--csrf_token", TOKEN, *flags))


def call(port: int, method: str, scheme: str = "https") -> str:
    return f"{scheme}://127.0.0.1:{port}/{SERVICE}/{method}"


def play(
    router: respx.MockRouter, port: int, scheme: str = "https", **answers: Any
) -> dict[str, respx.Route]:
    """Answers by method; a number is a status, an exception is raised."""
    routes = {}
    for method, answer in {"GetUnleashData": {}, **answers}.items():
        routes[method] = router.post(call(port, method, scheme))
        if isinstance(answer, int):
            routes[method].respond(answer)
        elif isinstance(answer, Exception):
            routes[method].mock(side_effect=answer)
        else:
            routes[method].respond(json=answer)
    return routes


@pytest.fixture
def loopback() -> Iterator[respx.MockRouter]:
    """Servers of this machine, played."""
    with respx.mock(assert_all_called=False) as played:
        yield played


def closed(router: respx.MockRouter) -> None:
    """Ports that are not played refuse."""
    router.route().mock(side_effect=httpx.ConnectError("refused"))


async def read(
    home: Path,
    processes: Sequence[ProcessInfo] = (process(),),
    ports: Mapping[int, tuple[int, ...]] | None = None,
    **options: Any,
) -> ProviderSnapshot:
    """A refresh with these processes; without `ports` the first listens on 4001 and 4002."""
    fake = FakeProcesses(processes, {7: (4001, 4002)} if ports is None else ports)
    settings = {"source": "local", **options.pop("settings", {})}
    return await fetch(
        PROVIDER, await make_context(PROVIDER, home, processes=fake, settings=settings, **options)
    )


async def refused(home: Path, *arguments: Any, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await read(home, *arguments, **options)
    assert TOKEN not in str(caught.value)
    return caught.value


async def test_the_local_server_is_asked_with_token_and_protocol(
    home: Path, loopback: respx.MockRouter
) -> None:
    routes = play(
        loopback,
        4001,
        GetUserStatus=data("status.json"),
        RetrieveUserQuotaSummary=data("summary.json"),
    )
    closed(loopback)
    snapshot = await read(home)
    assert (snapshot.source_id, snapshot.origin) == ("local", "Antigravity")
    assert len(snapshot.windows) == 7
    request = routes["GetUserStatus"].calls.last.request
    assert request.headers["x-codeium-csrf-token"] == TOKEN
    assert request.headers["connect-protocol-version"] == "1"
    assert json.loads(request.content)["metadata"]["ideName"] == "antigravity"
    assert json.loads(routes["RetrieveUserQuotaSummary"].calls.last.request.content) == {
        "forceRefresh": True
    }


async def test_an_unknown_summary_hides_nothing(home: Path, loopback: respx.MockRouter) -> None:
    play(loopback, 4001, GetUserStatus=data("status.json"), RetrieveUserQuotaSummary=404)
    closed(loopback)
    assert len((await read(home)).windows) == 3


async def test_pools_are_shown_without_an_account(home: Path, loopback: respx.MockRouter) -> None:
    play(loopback, 4001, GetUserStatus=500, RetrieveUserQuotaSummary=data("summary.json"))
    closed(loopback)
    snapshot = await read(home)
    assert (len(snapshot.windows), snapshot.identity.account) == (4, "")


@pytest.mark.parametrize("status", [500, {"code": 13}, data("bad_status_no_rows.json")])
async def test_models_are_asked_for_when_the_status_has_none(
    home: Path, loopback: respx.MockRouter, status: Any
) -> None:
    play(loopback, 4001, GetUserStatus=status, GetCommandModelConfigs=data("models.json"))
    closed(loopback)
    assert "model.claude" in percents(await read(home))


async def test_a_port_that_speaks_http_is_chosen_when_none_says_200(
    home: Path, loopback: respx.MockRouter
) -> None:
    probe = play(loopback, 4002, GetUnleashData=501, GetUserStatus=data("status.json"))
    closed(loopback)
    assert (await read(home)).windows
    assert probe["GetUnleashData"].call_count == 1


async def test_a_call_that_fails_is_repeated_at_the_other_doors(
    home: Path, loopback: respx.MockRouter
) -> None:
    play(loopback, 4001, GetUserStatus={"code": "internal"})
    play(loopback, 4002, GetUserStatus=data("status.json"))
    closed(loopback)
    assert (await read(home)).identity.plan == "Google AI Pro"


async def test_the_extension_port_is_tried_with_its_own_token_first(
    home: Path, loopback: respx.MockRouter
) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["x-codeium-csrf-token"])
        return httpx.Response(200 if seen[-1] == TOKEN else 401, json=data("status.json"))

    loopback.post(url__startswith="http://127.0.0.1:4711/").mock(side_effect=answer)
    closed(loopback)
    flags = ("--extension_server_port", "4711", "--extension_server_csrf_token", "other-token")
    snapshot = await read(home, [process(7, *flags)])
    assert seen[:2] == ["other-token", TOKEN]
    assert snapshot.identity.account == "mira@example.org"


async def test_the_best_of_several_servers_counts(home: Path, loopback: respx.MockRouter) -> None:
    play(loopback, 4001, GetUserStatus=data("status.json"))
    richer = data("status.json")
    richer["userStatus"]["email"] = "zoe@example.org"
    pools = data("summary.json")
    play(loopback, 5001, GetUserStatus=richer, RetrieveUserQuotaSummary=pools)
    closed(loopback)
    servers, ports = [process(7), process(8)], {7: (4001,), 8: (5001,)}
    assert (await read(home, servers, ports)).identity.account == "zoe@example.org"
    chosen = await read(home, servers, ports, settings=MIRA)
    assert chosen.identity.account == "mira@example.org"


async def test_an_ide_is_asked_when_no_app_runs(home: Path, loopback: respx.MockRouter) -> None:
    play(loopback, 4001, GetUserStatus=data("status.json"))
    closed(loopback)
    assert (await read(home, [process(line=IDE)])).origin == "Antigravity IDE"


async def test_a_server_without_a_token_does_not_end_the_search(
    home: Path, loopback: respx.MockRouter
) -> None:
    play(loopback, 4001, GetUserStatus=data("status.json"))
    closed(loopback)
    assert (await read(home, [ProcessInfo(5, "x", (APP,)), process()])).windows


async def test_another_account_is_refused_by_name(home: Path, loopback: respx.MockRouter) -> None:
    play(loopback, 4001, GetUserStatus=data("status.json"))
    closed(loopback)
    error = (await refused(home, settings={"account": "zoe@example.org"})).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert error.message == (
        "The running Antigravity is signed in as mira@example.org, not zoe@example.org."
    )


async def test_a_chosen_account_is_waited_for_and_never_assumed(
    home: Path, loopback: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "POLL_S", 0.01)
    early, answer = data("status.json"), data("status.json")
    del early["userStatus"]["email"]
    play(loopback, 4001)
    route = loopback.post(call(4001, "GetUserStatus"))
    route.side_effect = [httpx.Response(200, json=early)] * 2 + [httpx.Response(200, json=answer)]
    closed(loopback)
    fake = FakeProcesses([process()], {7: (4001,)})
    ctx = await make_context(
        PROVIDER, home, processes=fake, settings={"source": "local", "account": "MIRA@example.org"}
    )
    snapshot = await fetch(PROVIDER, replace(ctx, clock=StoppedClock()))
    assert (snapshot.identity.account, route.call_count) == ("mira@example.org", 3)


async def test_an_account_that_stays_unknown_is_not_the_chosen_one(
    home: Path, loopback: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "BUDGET_S", 0.2)
    play(loopback, 4001, GetUserStatus=404, GetCommandModelConfigs=data("models.json"))
    closed(loopback)
    error = (await refused(home, settings=MIRA)).error
    assert error.message == "Antigravity did not say that it is signed in as mira@example.org."


async def test_a_named_account_says_who_it_is_before_anything_is_asked(
    home: Path, loopback: respx.MockRouter
) -> None:
    error = (await refused(home, account="work")).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert loopback.calls.call_count == 0


async def test_nothing_running_says_how_to_start(home: Path) -> None:
    for mode in ("local", "auto"):
        error = (await refused(home, [], settings={"source": mode})).error
        assert error.kind is ErrorKind.MISSING_CREDENTIALS
        assert error.message == "Antigravity is not running."
        assert error.hint == "Start Antigravity (or sign in with `agy`) and refresh."


async def test_only_servers_without_a_token_say_so(home: Path) -> None:
    error = (await refused(home, [ProcessInfo(7, "x", (APP,))])).error
    assert error.kind is ErrorKind.PARSE
    assert error.message == "Antigravity's CSRF token was not found on its command line."


async def test_a_server_without_ports_is_starting(home: Path) -> None:
    error = (await refused(home, [process()], {})).error
    assert error.kind is ErrorKind.NETWORK
    assert error.message == "Antigravity is starting and has no open port yet."


async def test_closed_ports_say_restart(home: Path, loopback: respx.MockRouter) -> None:
    closed(loopback)
    error = (await refused(home)).error
    assert (error.kind, error.message) == (ErrorKind.NETWORK, "No Antigravity port answered.")
    assert error.hint == "Restart Antigravity."


async def test_a_rejected_token_is_reported(home: Path, loopback: respx.MockRouter) -> None:
    loopback.route(scheme="https").respond(401, json={"message": "missing CSRF token"})
    closed(loopback)
    error = (await refused(home)).error
    assert error.message == "Antigravity rejected the session token."


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"userStatus":', b"{}"])
async def test_an_answer_without_data_is_reported(
    home: Path, loopback: respx.MockRouter, body: bytes
) -> None:
    loopback.route().respond(200, content=body)
    error = (await refused(home)).error
    assert error.kind is ErrorKind.PARSE
    assert error.message == "Antigravity sent no quota data."
    assert error.hint == "Update Antigravity or this program."


async def test_a_status_without_models_is_no_data_although_the_next_call_is_unknown(
    home: Path, loopback: respx.MockRouter
) -> None:
    play(loopback, 4001, GetUserStatus={"userStatus": {}}, GetCommandModelConfigs=404)
    closed(loopback)
    error = (await refused(home)).error
    assert (error.kind, error.message) == (ErrorKind.PARSE, "Antigravity sent no quota data.")


async def test_silence_ends_in_time(
    home: Path, loopback: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        return httpx.Response(200)

    monkeypatch.setattr(local, "BUDGET_S", 0.2)
    loopback.route().mock(side_effect=hang)
    error = (await asyncio.wait_for(refused(home), 5)).error
    assert error.message == "Antigravity did not answer in time."
    assert (error.kind, error.cause) == (ErrorKind.NETWORK, "timeout")


# -- a server, real --------------------------------------------------------------------------------


@dataclass
class Machine(ProcessTable):
    """Real processes of this test among those of the machine; no others are touched."""

    folder: Path
    authority: Authority
    running: ExitStack
    pids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def list(self) -> tuple[ProcessInfo, ...]:
        return tuple(found for found in await super().list() if found.pid in self.pids)

    @property
    def notes(self) -> Path:
        return self.folder / "notes"

    def asked(self) -> Sequence[dict[str, Any]]:
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [json.loads(line) for line in lines]

    def start(self, program: str, *flags: str, **answers: Any) -> int:
        """Run the server under a path of its own; returns its pid."""
        path = self.folder / program
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.symlink_to(os.path.realpath(sys.executable))
        script = Path(__file__).with_name("language_server.py")
        env = {
            "SERVER_ANSWERS": json.dumps(answers),
            "SERVER_NOTES": str(self.notes),
            "SERVER_CERTIFICATE": str(self.authority.issue(["localhost"])),
        }
        pipe = subprocess.PIPE
        child = self.running.enter_context(
            subprocess.Popen(
                [str(path), "-I", str(script), *flags], env=env, stdin=pipe, stdout=pipe, text=True
            )
        )
        self.running.callback(child.kill)
        assert child.stdout is not None
        assert child.stdout.readline() == "listening\n"
        self.pids.append(child.pid)
        return child.pid


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with ExitStack() as running:
        yield Machine(tmp_path / "machine", make_authority(tmp_path / "authority"), running)


SERVER = "usr/share/antigravity/bin/language_server_linux_x64"
WINDSURF = "opt/windsurf/bin/language_server_linux_x64"


async def test_a_real_server_is_found_among_look_alikes(
    home: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A proxy must not see what is meant for this machine.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    machine.start(WINDSURF, "--csrf_token", "foreign-token", GetUnleashData={})
    machine.start(SERVER, GetUnleashData={})
    machine.start(
        SERVER,
        "--csrf_token",
        TOKEN,
        GetUnleashData={},
        GetUserStatus=data("status.json"),
        RetrieveUserQuotaSummary=data("summary.json"),
    )
    gateway = HttpGateway()
    ctx = await make_context(
        PROVIDER, home, processes=machine, settings={"source": "local"}, gateway=gateway
    )
    snapshot = await fetch(PROVIDER, ctx)
    await gateway.aclose()
    assert snapshot.identity.account == "mira@example.org"
    assert len(snapshot.windows) == 7
    asked = machine.asked()
    assert {note["token"] for note in asked} == {TOKEN}
    assert {note["version"] for note in asked} == {"1"}
    answering = [note["scheme"] for note in asked if note["path"].endswith("/GetUserStatus")]
    assert answering == ["https"]


async def test_each_real_server_gets_its_own_token_only(home: Path, machine: Machine) -> None:
    answers = {"GetUnleashData": {}, "GetUserStatus": data("status.json")}
    machine.start(SERVER, "--csrf_token", "first-token", **answers)
    machine.start(SERVER, "--csrf_token=second-token", **answers)
    gateway = HttpGateway()
    ctx = await make_context(
        PROVIDER, home, processes=machine, settings={"source": "local"}, gateway=gateway
    )
    assert (await fetch(PROVIDER, ctx)).windows
    await gateway.aclose()
    assert {note["token"] for note in machine.asked()} == {"first-token", "second-token"}


# -- agy -------------------------------------------------------------------------------------------

VERSION = ("--version",)


def agy(version: str = "1.2.4\n", report: CommandResult | str | None = None) -> FakeCommands:
    said = payload("antigravity", "report.json").decode() if report is None else report
    result = CommandResult(exit_code=0, stdout=said) if isinstance(said, str) else said
    answers = {VERSION: CommandResult(exit_code=0, stdout=version), REPORT: result}
    return FakeCommands(answers, Path("/usr/bin/agy"))


async def test_the_program_reports_without_the_app(home: Path) -> None:
    snapshot = await read(home, [], commands=agy())
    assert (snapshot.source_id, snapshot.origin) == ("cli", "agy 1.2.4")
    assert percents(snapshot) == {
        "claude.weekly": 70.0,
        "gemini.session": 100.0,
        "gemini.weekly": 39.0,
        "claude.session": 45.0,
    }


def test_a_report_in_columns_is_read_too() -> None:
    snapshot = parsed("report.txt")
    assert percents(snapshot) == {
        "claude.session": 44.5,
        "gemini.session": 100.0,
        "gemini.weekly": 39.0,
    }
    assert snapshot.window("claude.session").resets_at == datetime(2026, 9, 10, 14, 40, tzinfo=UTC)


@pytest.mark.parametrize("version", ["1.1.10", "0.9.99", "unknown", ""])
async def test_a_version_that_would_spend_quota_is_never_asked(home: Path, version: str) -> None:
    commands = agy(version)
    error = (await refused(home, [], commands=commands)).error
    assert error.kind is ErrorKind.UNSUPPORTED
    assert error.hint == "Update agy to 1.1.11 or newer."
    assert commands.calls == [VERSION]


async def test_an_old_program_that_runs_is_asked_without_a_token(
    home: Path, loopback: respx.MockRouter
) -> None:
    routes = play(loopback, 4001, GetUserStatus=data("status.json"))
    closed(loopback)
    running = [ProcessInfo(7, "agy", ("/usr/bin/agy",))]
    snapshot = await read(home, running, commands=agy("1.1.10"))
    assert (snapshot.source_id, snapshot.identity.plan) == ("cli", "Google AI Pro")
    assert "x-codeium-csrf-token" not in routes["GetUserStatus"].calls.last.request.headers


async def test_a_report_that_cost_a_turn_is_not_asked_for_again(home: Path) -> None:
    commands = agy(report=payload("antigravity", "refused_report_cost_a_turn.json").decode())
    ctx = await make_context(PROVIDER, home, commands=commands, settings={"source": "local"})
    for _ in range(2):
        with pytest.raises(FetchFailed) as caught:
            await fetch(PROVIDER, ctx)
        assert "passed the question on to a model" in caught.value.error.message
    assert commands.calls == [VERSION, REPORT, VERSION]


@pytest.mark.parametrize(
    ("report", "kind", "message"),
    [
        ("Error: You are not signed in.", ErrorKind.UNAUTHORIZED, "agy is signed out."),
        ("Select login method:", ErrorKind.UNAUTHORIZED, "agy is signed out."),
        ("hello", ErrorKind.PARSE, "agy sent no quota data."),
        (
            CommandResult(exit_code=None, timed_out=True),
            ErrorKind.NETWORK,
            "agy did not answer in time.",
        ),
    ],
)
async def test_a_program_without_a_report_says_why(
    home: Path, report: CommandResult | str, kind: ErrorKind, message: str
) -> None:
    error = (await refused(home, [], commands=agy(report=report))).error
    assert (error.kind, error.message) == (kind, message)


async def test_the_program_does_not_speak_for_a_chosen_account(home: Path) -> None:
    commands = agy()
    await refused(home, [], commands=commands, settings=MIRA)
    assert commands.calls == []


async def test_a_real_program_runs_without_our_variables(home: Path) -> None:
    folder = home / ".local" / "bin"
    folder.mkdir(parents=True)
    (folder / "report").write_bytes(payload("antigravity", "report.json"))
    script = f'[ "$1" = --version ] && echo 1.2.4 && exit\nenv > {home}/env\ncat {folder}/report\n'
    (folder / "agy").write_text(f"#!/bin/sh\n{script}")
    (folder / "agy").chmod(0o755)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "QUOTADECK_ANTIGRAVITY_OAUTH": "{}"}
    commands = Programs(PROVIDER.programs, None, env, home / "work", (), "linux")
    snapshot = await read(home, [], commands=commands)
    assert len(snapshot.windows) == 4
    assert "QUOTADECK_ANTIGRAVITY_OAUTH" not in (home / "env").read_text()


# -- Google ----------------------------------------------------------------------------------------

FRESH = {"access_token": "ya29.stored-access-0001", "email": "mira@example.org"}
EXPIRED = {
    "access_token": "ya29.old-access-0001",
    "refresh_token": "1//0refresh-token-0001",
    "expiry_date": int((NOON + timedelta(seconds=30)).timestamp() * 1000),
    "client_id": "client-4711",
    "client_secret": "client-secret-4711",
}


def google(router: respx.MockRouter, **answers: Any) -> dict[str, respx.Route]:
    """Answers of the service by method; a number is a status."""
    routes = {}
    for method, answer in {"loadCodeAssist": data("account.json"), **answers}.items():
        routes[method] = router.post(f"{GOOGLE}:{method}")
        if isinstance(answer, int):
            routes[method].respond(answer)
        else:
            routes[method].respond(json=answer)
    return routes


async def by_google(home: Path, login: Any = None, **options: Any) -> ProviderSnapshot:
    stored = {"oauth_credentials": json.dumps(login)} if login is not None else {}
    settings = {"source": "oauth", **options.pop("settings", {})}
    ctx = await make_context(PROVIDER, home, secrets=stored, settings=settings, **options)
    return await fetch(PROVIDER, ctx)


async def refused_by_google(home: Path, login: Any = None, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await by_google(home, login, **options)
    return caught.value


async def test_a_stored_login_asks_the_daily_host(home: Path, respx_mock: respx.MockRouter) -> None:
    routes = google(respx_mock, retrieveUserQuotaSummary=data("summary.json"))
    snapshot = await by_google(home, FRESH)
    assert (snapshot.source_id, len(snapshot.windows)) == ("oauth", 4)
    assert snapshot.identity.account == "mira@example.org"
    assert snapshot.identity.plan == "Google AI Ultra"
    assert snapshot.balances[0].amount == Decimal(1250)
    request = routes["retrieveUserQuotaSummary"].calls.last.request
    assert request.headers["authorization"] == "Bearer ya29.stored-access-0001"
    assert request.headers["user-agent"] == "antigravity"
    assert json.loads(request.content) == {"project": "quiet-river-4711"}


async def test_models_come_when_there_are_no_pools(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    google(respx_mock, retrieveUserQuotaSummary=404, fetchAvailableModels=data("available.json"))
    snapshot = await by_google(home, FRESH)
    assert percents(snapshot) == {"model.claude": 65.0, "model.gemini-pro": 20.0}
    assert snapshot.confidence == "exact"


async def test_a_full_house_is_replaced_by_what_the_second_question_says(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    google(
        respx_mock,
        retrieveUserQuotaSummary=404,
        fetchAvailableModels=data("available_full_house.json"),
        retrieveUserQuota=data("quota.json"),
    )
    snapshot = await by_google(home, FRESH)
    assert percents(snapshot) == {"model.gemini-pro": 60.0}


async def test_a_full_house_that_nobody_confirms_is_no_data(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    google(
        respx_mock,
        retrieveUserQuotaSummary={},
        fetchAvailableModels=data("available_full_house.json"),
        retrieveUserQuota={"buckets": [{"modelId": "claude-sonnet-4-6"}]},
    )
    snapshot = await by_google(home, FRESH)
    assert snapshot.windows == ()
    assert snapshot.notice == "Google does not report limits for this account."
    assert snapshot.identity.plan == "Google AI Ultra"


async def test_an_account_that_may_not_ask_still_has_a_name(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    google(respx_mock, loadCodeAssist=403)
    snapshot = await by_google(home, FRESH)
    assert (snapshot.windows, snapshot.identity.account) == ((), "mira@example.org")
    assert snapshot.notice


async def test_a_refused_token_says_sign_in(home: Path, respx_mock: respx.MockRouter) -> None:
    google(respx_mock, loadCodeAssist=401)
    error = (await refused_by_google(home, FRESH)).error
    assert (error.kind, error.message) == (ErrorKind.UNAUTHORIZED, "Antigravity is signed out.")


async def test_a_rate_limit_names_its_wait(home: Path, respx_mock: respx.MockRouter) -> None:
    google(respx_mock)
    respx_mock.post(f"{GOOGLE}:retrieveUserQuotaSummary").respond(
        429, headers={"retry-after": "90"}
    )
    error = (await refused_by_google(home, FRESH)).error
    assert (error.kind, error.retry_after_s) == (ErrorKind.RATE_LIMITED, 90)


async def test_a_redirect_is_not_followed(home: Path, respx_mock: respx.MockRouter) -> None:
    respx_mock.post(f"{GOOGLE}:loadCodeAssist").respond(
        302, headers={"location": "https://evil.example/"}
    )
    assert (await refused_by_google(home, FRESH)).error.kind is ErrorKind.SERVER


async def test_an_expired_login_is_renewed_once_and_kept(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    routes = google(respx_mock, retrieveUserQuotaSummary=data("summary.json"))
    renewal = respx_mock.post(RENEW).respond(
        json={"access_token": "ya29.new-access-0001", "expires_in": 3599}
    )
    stored = {"oauth_credentials": json.dumps(EXPIRED)}
    ctx = await make_context(PROVIDER, home, secrets=stored, settings={"source": "oauth"})
    for _ in range(2):
        await fetch(PROVIDER, ctx)
    assert renewal.call_count == 1
    sent = dict(httpx.QueryParams(renewal.calls.last.request.content.decode()))
    assert sent == {
        "client_id": "client-4711",
        "client_secret": "client-secret-4711",
        "refresh_token": "1//0refresh-token-0001",
        "grant_type": "refresh_token",
    }
    used = routes["loadCodeAssist"].calls.last.request.headers["authorization"]
    assert used == "Bearer ya29.new-access-0001"


async def test_the_client_may_come_from_the_environment(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    google(respx_mock, retrieveUserQuotaSummary=data("summary.json"))
    renewal = respx_mock.post(RENEW).respond(json={"access_token": "ya29.new-access-0001"})
    login = {name: EXPIRED[name] for name in ("access_token", "refresh_token", "expiry_date")}
    env = {
        "QUOTADECK_ANTIGRAVITY_OAUTH": json.dumps(login),
        "ANTIGRAVITY_OAUTH_CLIENT_ID": "client-0815",
        "ANTIGRAVITY_OAUTH_CLIENT_SECRET": "secret-0815",
    }
    assert (await by_google(home, env=env)).origin == "from QUOTADECK_ANTIGRAVITY_OAUTH"
    assert b"client_id=client-0815" in renewal.calls.last.request.content


@pytest.mark.parametrize(("status", "body"), [(400, {"error": "invalid_grant"}), (200, {})])
async def test_a_renewal_that_fails_says_whose_login_it_is(
    home: Path, respx_mock: respx.MockRouter, status: int, body: dict[str, str]
) -> None:
    respx_mock.post(RENEW).respond(status, json=body)
    error = (await refused_by_google(home, EXPIRED)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert error.hint.startswith("Save a new Google login (")


def store_login_of_agy(home: Path, moment: datetime) -> None:
    login = data("login_agy.json")
    login["token"]["expiry"] = moment.isoformat()
    file = home / ".gemini" / "jetski-standalone-oauth-token"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(login))


async def test_the_login_of_agy_is_used_when_this_way_was_chosen(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    routes = google(respx_mock, retrieveUserQuotaSummary=data("summary.json"))
    store_login_of_agy(home, NOON + timedelta(hours=1))
    assert (await by_google(home)).origin == "login of agy"
    used = routes["loadCodeAssist"].calls.last.request.headers["authorization"]
    assert used == "Bearer ya29.jetski-access-0001"


async def test_without_a_choice_google_is_not_asked(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    store_login_of_agy(home, NOON + timedelta(hours=1))
    error = (await refused_by_google(home, settings={"source": "auto"})).error
    assert error.message == "Antigravity is not running."
    assert respx_mock.calls.call_count == 0


async def test_a_login_without_a_name_is_not_the_chosen_account(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    store_login_of_agy(home, NOON + timedelta(hours=1))
    error = (await refused_by_google(home, settings=MIRA)).error
    assert error.kind is ErrorKind.UNAUTHORIZED
    other = await refused_by_google(home, FRESH, settings={"account": "zoe@example.org"})
    assert other.error.message == "The Google login is of mira@example.org, not zoe@example.org."
    assert respx_mock.calls.call_count == 0


async def test_agy_renews_its_own_login(home: Path, respx_mock: respx.MockRouter) -> None:
    routes = google(respx_mock, retrieveUserQuotaSummary=data("summary.json"))
    store_login_of_agy(home, NOON - timedelta(hours=1))

    class Renewing(FakeCommands):
        async def run(self, program: Path, *args: str, **options: Any) -> CommandResult:
            if args == REPORT:
                store_login_of_agy(home, NOON + timedelta(hours=1))
            return await super().run(program, *args, **options)

    commands = Renewing(agy().answers, Path("/usr/bin/agy"))
    await by_google(home, commands=commands)
    assert routes["loadCodeAssist"].called
    assert commands.calls == [VERSION, REPORT]


async def test_an_expired_login_of_agy_says_sign_in(home: Path) -> None:
    store_login_of_agy(home, NOON - timedelta(hours=1))
    error = (await refused_by_google(home)).error
    assert (error.kind, error.message) == (
        ErrorKind.UNAUTHORIZED,
        "The Google login has expired.",
    )


async def test_the_key_store_comes_last(home: Path, respx_mock: respx.MockRouter) -> None:
    google(respx_mock, retrieveUserQuotaSummary=data("summary.json"))
    entry = json.dumps({"token": {"access_token": "ya29.keyring-access-0001"}})
    key_store = FakeKeyStore({("gemini", "antigravity"): entry})
    assert (await by_google(home, key_store=key_store)).windows
    assert key_store.asked == [("gemini", "antigravity")]


async def test_a_stored_text_without_a_token_is_refused(home: Path) -> None:
    error = (await refused_by_google(home, {"client_id": "x"})).error
    assert error.kind is ErrorKind.UNSUPPORTED
    assert "oauth_credentials" in error.hint


async def test_a_named_account_never_takes_the_login_of_agy(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    store_login_of_agy(home, NOON + timedelta(hours=1))
    error = (await refused_by_google(home, account="work")).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert respx_mock.calls.call_count == 0


def test_logins_are_read_in_both_spellings() -> None:
    login = parse_login(Secret(payload("antigravity", "login_stored.json").decode()))
    assert login is not None
    assert login.access_token == Secret("ya29.own-access-0001")
    assert login.client_secret == Secret("client-secret-4711")
    assert login.expires_at == datetime.fromtimestamp(1789045200, UTC)
    assert (login.email, login.project) == ("mira@example.org", "")
    assert "own-access" not in repr(login)


def test_the_identity_token_names_the_account() -> None:
    claims = {"email": "zoe@firm.example", "hd": "firm.example"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    login = parse_login(Secret(json.dumps({"access_token": "a-token", "id_token": f"h.{body}.s"})))
    assert login is not None
    assert login.email == "zoe@firm.example"
    assert parse_account(data("account_free.json"), login).plan == "Workspace"
    assert parse_account(data("account_free.json"), Login()).plan == "Free"


@pytest.mark.parametrize(
    ("tier", "plan"),
    [
        ({"id": "standard-tier", "name": "x"}, "Paid"),
        ({"id": "legacy-tier"}, "Legacy"),
        ({"id": "new-tier", "name": "Antigravity Max"}, "Antigravity Max"),
        ({}, ""),
    ],
)
def test_tiers_have_words(tier: dict[str, str], plan: str) -> None:
    assert parse_account({"currentTier": tier}, Login()).plan == plan


# -- around ----------------------------------------------------------------------------------------


async def test_a_login_of_agy_is_detected(home: Path) -> None:
    assert PROVIDER.detect is not None
    ctx = await make_context(PROVIDER, home, user_initiated=False)
    assert await PROVIDER.detect(ctx) == ""
    store_login_of_agy(home, NOON)
    assert await PROVIDER.detect(ctx) == "login of agy"


@pytest.mark.parametrize(
    ("line", "flags", "found"),
    [
        ((APP,), ("--csrf_token", TOKEN), "running Antigravity"),
        (IDE, ("--csrf_token", TOKEN), "running Antigravity IDE"),
        ((APP,), (), ""),
        (("/usr/bin/agy",), (), ""),
    ],
)
async def test_a_running_server_is_detected(
    home: Path, line: tuple[str, ...], flags: tuple[str, ...], found: str
) -> None:
    assert PROVIDER.detect is not None
    processes = FakeProcesses([ProcessInfo(7, "x", (*line, *flags))])
    ctx = await make_context(PROVIDER, home, user_initiated=False, processes=processes)
    assert await PROVIDER.detect(ctx) == found


async def test_after_any_local_failure_google_is_asked(
    home: Path, respx_mock: respx.MockRouter
) -> None:
    google(respx_mock, retrieveUserQuotaSummary=data("summary.json"))
    processes = FakeProcesses([ProcessInfo(7, "x", (APP,))])
    commands = agy(report=CommandResult(exit_code=None, timed_out=True))
    options: dict[str, Any] = {"processes": processes, "commands": commands}
    snapshot = await by_google(home, FRESH, settings={"source": "auto"}, **options)
    assert snapshot.source_id == "oauth"


async def test_the_demo_plays_an_account(home: Path) -> None:
    clock = FakeClock()
    moment = Moment(clock.now(), clock.now())
    upstream = PlayedUpstream(scene.SCENE.routes, lambda: moment, delays=False)
    ctx = await make_context(
        PROVIDER,
        home,
        settings=scene.SCENE.settings,
        secrets=scene.SCENE.secrets,
        clock=clock,
        gateway=HttpGateway(upstream),
    )
    snapshot = await fetch(PROVIDER, ctx)
    assert {window.id.partition(".")[0] for window in snapshot.windows} == {"gemini", "claude"}
    assert snapshot.identity.plan
