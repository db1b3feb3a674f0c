"""`doctor`: every attempt explained, nothing that is nobody's business."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import respx

from tests.commands.running import Cli, write_settings
from tests.support import payload
from tui.providers.kimi_k2 import CREDITS_URL

KEY = "k2-secret-value-0123"
GOOD = payload("kimi-k2", "flat.json")


@pytest.fixture
def credits_route(monkeypatch: pytest.MonkeyPatch) -> Iterator[respx.Route]:
    """A relay that answers, and a key for it."""
    monkeypatch.setenv("KIMI_K2_API_KEY", KEY)
    with respx.mock(assert_all_called=False) as router:
        yield router.get(CREDITS_URL).mock(return_value=httpx.Response(200, content=GOOD))


def test_a_good_answer_says_how_it_was_obtained(cli: Cli, credits_route: respx.Route) -> None:
    ran = cli("doctor", "kimik2")
    assert ran.code == 0
    assert "Kimi K2 (kimi-k2), mode auto" in ran.out
    assert "1 api ok" in ran.out
    assert "answer: windows" in ran.out
    assert "api_key: from KIMI_K2_API_KEY" in ran.out
    assert KEY not in ran.out


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        pytest.param(httpx.Response(401), 1, "1 api rejected", id="rejected"),
        pytest.param(httpx.Response(200, content=b"[1]"), 3, "1 api failed", id="another form"),
        pytest.param(httpx.ReadTimeout("slow"), 4, "did not answer within", id="too slow"),
    ],
)
def test_a_failure_comes_with_its_next_step(
    cli: Cli, credits_route: respx.Route, answer: httpx.Response | Exception, code: int, said: str
) -> None:
    credits_route.mock(side_effect=[answer])
    ran = cli("doctor", "kimi-k2")
    assert ran.code == code
    assert said in ran.out
    assert "next step: " in ran.out


def test_what_could_not_try_says_why(cli: Cli) -> None:
    ran = cli("doctor", "kimi-k2")
    assert ran.code == 1
    assert "1 api skipped  Kimi K2: no API key." in ran.out
    assert ran.out.count("no API key") == 1


def test_nobody_is_sent_from_the_doctor_to_the_doctor(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-abcdefgh")
    with respx.mock() as router:
        router.route().respond(401)
        ran = cli("doctor", "claude")
    assert "Left out: an admin key is set." in ran.out
    assert "quotadeck doctor" not in ran.out


def test_a_setting_that_is_not_allowed_is_the_result(cli: Cli, home: Path) -> None:
    write_settings(home, '[providers.zai]\nregion = "mars"\n')
    ran = cli("doctor", "zai")
    assert 'result: region: "mars"' in ran.out
    assert "api: not tried" in ran.out


def test_a_damaged_store_is_the_result_of_a_provider(cli: Cli, home: Path) -> None:
    path = home / ".local/share/quotadeck/credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    ran = cli("doctor", "kimi-k2")
    assert ran.code == 1
    assert "result: credentials.json is damaged." in ran.out


def test_without_a_name_all_that_are_on_are_asked(cli: Cli, credits_route: respx.Route) -> None:
    ran = cli("doctor")
    assert ran.code == 0
    assert "Kimi K2" in ran.out
    assert "Warp" not in ran.out


def test_with_nothing_switched_on_it_says_what_to_do(cli: Cli) -> None:
    ran = cli("doctor")
    assert ran.code == 0
    assert "quotadeck detect" in ran.out


def test_a_gate_does_not_keep_the_doctor_away(cli: Cli, credits_route: respx.Route) -> None:
    credits_route.mock(return_value=httpx.Response(429, headers={"retry-after": "600"}))
    cli("status")
    credits_route.mock(return_value=httpx.Response(200, content=GOOD))
    assert cli("doctor", "kimi-k2").code == 0


def test_it_is_safe_to_paste(
    cli: Cli, credits_route: respx.Route, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:pass-word@proxy.example.org:3128")
    write_settings(home, '[providers.kimi-k2.accounts."ada@example.org"]\nlabel = "Ada Lovelace"\n')
    body = (
        b'{"error": "user 0b7c1d9e-1111-4222-8333-123456789abc ada@example.org Bearer abcdef123"}'
    )
    credits_route.mock(return_value=httpx.Response(403, content=body))
    ran = cli("doctor", "kimi-k2")
    assert "HTTPS_PROXY" in ran.out
    for private in ("ada@", "Ada", "pass-word", "0b7c1d9e", "abcdef123", KEY, str(home)):
        assert private not in ran.out + ran.err, private


def test_signs_that_move_the_cursor_do_not_reach_the_terminal(
    cli: Cli, credits_route: respx.Route
) -> None:
    body = b'{"error": "\\u001b[2J[/red] \\u202e gone"}'
    credits_route.mock(return_value=httpx.Response(403, content=body))
    shown = cli("doctor", "kimi-k2").out
    assert all(line.isprintable() for line in shown.splitlines())
