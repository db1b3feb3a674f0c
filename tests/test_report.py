"""The JSON document of B§16 and interface.md, and the plain table."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import states as any_
from tests.states import KEY, failing, of, snapshot, state, window
from tests.support import NOON
from tui.core.errors import DEFAULT_HINTS, Cause, ErrorInfo, ErrorKind
from tui.core.models import (
    Attempt,
    Balance,
    CostPeriod,
    CostSummary,
    DetailRow,
    Identity,
    Phase,
    ProviderKey,
    ProviderState,
    SeriesPoint,
    ServiceStatus,
    TokenCounts,
    UsageSeries,
    UsageWindow,
)
from tui.core.preferences import Preferences
from tui.present.card import card_view
from tui.present.views import CardView
from tui.providers._spec import Links, ProviderSpec
from tui.report.document import cli_error, error_code, rows
from tui.report.table import table

SPECS = {
    "zai": ProviderSpec(
        id="zai", name="z.ai", sources=(), modes=(), links=Links(status="https://status.example")
    )
}
ALWAYS = {
    "provider",
    "schemaVersion",
    "name",
    "account",
    "plan",
    "source",
    "state",
    "notice",
    "fetchedAt",
    "stale",
    "ageSeconds",
    "windows",
    "balances",
    "details",
    "cost",
    "attempts",
}


def row(shown: ProviderState, **options: Any) -> dict[str, Any]:
    return rows([shown], SPECS, now=NOON, **options)[0]


def test_the_document_of_the_specification() -> None:
    """The example of B§16, made from a state."""
    reading = replace(
        snapshot(
            window("weekly", 63.0, 10080),
            window("session", 41.0, 300),
            key=ProviderKey("codex"),
            source_id="oauth",
            identity=Identity(account="dev@example.org", plan="plus"),
            balances=(
                Balance(id="c", label="Credits", amount=Decimal("12.5"), currency="credits"),
            ),
        ),
        fetched_at=datetime(2026, 9, 14, 13, 5, 12, 900, tzinfo=UTC),
    )
    week, session = reading.windows
    week = replace(week, resets_at=datetime(2026, 9, 18, 7, tzinfo=UTC))
    session = replace(session, resets_at=datetime(2026, 9, 14, 15, 20, tzinfo=UTC))
    shown = replace(of(replace(reading, windows=(week, session))), key=ProviderKey("codex"))
    found = rows([shown], {}, now=datetime(2026, 9, 14, 13, 6, tzinfo=UTC))[0]
    assert (found["provider"], found["source"]) == ("codex", "oauth")
    assert found["usage"] == {
        "primary": {"usedPercent": 41, "windowMinutes": 300, "resetsAt": "2026-09-14T15:20:00Z"},
        "secondary": {
            "usedPercent": 63,
            "windowMinutes": 10080,
            "resetsAt": "2026-09-18T07:00:00Z",
        },
        "tertiary": None,
        "updatedAt": "2026-09-14T13:05:12Z",
        "dataConfidence": "exact",
        "identity": {
            "providerID": "codex",
            "accountEmail": "dev@example.org",
            "loginMethod": "plus",
        },
        "accountEmail": "dev@example.org",
        "loginMethod": "plus",
    }
    assert found["credits"] == {
        "remaining": 12.5,
        "events": [],
        "updatedAt": "2026-09-14T13:05:12Z",
    }
    assert found["pace"]["secondary"]["summary"] == "17% in deficit | Runs out in 1d 21h"
    assert "error" not in found


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(state(window()), id="good"),
        pytest.param(failing(of(None)), id="failed"),
        pytest.param(ProviderState(key=KEY), id="never asked"),
        pytest.param(ProviderState(key=KEY, phase=Phase.DISABLED), id="disabled"),
    ],
)
def test_what_this_program_adds_is_always_there(shown: ProviderState) -> None:
    assert row(shown).keys() >= ALWAYS


def test_the_one_sentence_about_an_answer_is_told() -> None:
    without_windows = replace(snapshot(), windows=(), notice="No coding-plan quota returned.")
    assert row(of(without_windows))["notice"] == "No coding-plan quota returned."
    assert row(state(window()))["notice"] is None


@pytest.mark.parametrize(
    ("shown", "outcome"),
    [
        (state(window()), "ok"),
        (failing(state(window()), failures=1), "error"),
        (failing(of(None), ErrorKind.MISSING_CREDENTIALS), "needs_setup"),
        (ProviderState(key=KEY, phase=Phase.DISABLED), "disabled"),
    ],
)
def test_the_state_says_how_the_last_attempt_ended(shown: ProviderState, outcome: str) -> None:
    assert row(shown)["state"] == outcome


def test_numbers_beside_an_error_are_stale_even_after_one_failure() -> None:
    found = row(failing(state(window(), age_s=90), failures=1))
    assert (found["stale"], found["ageSeconds"]) == (True, 90)
    assert (found["fetchedAt"], found["usage"]["primary"]["usedPercent"]) == (
        "2026-09-10T11:58:30Z",
        31,
    )
    assert "pace" not in found
    assert row(state(window(in_s=-5)))["stale"] is True
    assert row(state(window()))["stale"] is False


def test_without_numbers_there_is_no_age_and_no_usage() -> None:
    found = row(failing(of(None)))
    assert (found["fetchedAt"], found["stale"], found["ageSeconds"]) == (None, None, None)
    assert "usage" not in found
    assert (found["windows"], found["cost"]) == ([], None)


# -- slots -----------------------------------------------------------------------------------------


def slots(*windows: UsageWindow) -> list[str | None]:
    found = row(state(*windows))
    by_slot = {item["slot"]: item["id"] for item in found["windows"]}
    names = ("primary", "secondary", "tertiary")
    for name in names:
        assert (found["usage"][name] is None) == (name not in by_slot)
    return [by_slot.get(name) for name in names]


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        pytest.param(
            [window("weekly", minutes=10080), window("session", minutes=300)],
            ["session", "weekly", None],
            id="short before long",
        ),
        pytest.param([window("weekly", minutes=10080)], ["weekly", None, None], id="one alone"),
        pytest.param(
            [window("credits"), window("key", minutes=1440)],
            ["credits", "key", None],
            id="without a length in its own place",
        ),
        pytest.param(
            [
                window("mcp", minutes=43200, headline=False),
                window("weekly", minutes=10080),
                window("session", minutes=300),
            ],
            ["session", "weekly", "mcp"],
            id="the main number first",
        ),
        pytest.param(
            [window("plan", 0.0, unlimited=True), window("odd", None), window("top", 5)],
            ["top", None, None],
            id="unlimited and unknown have no slot",
        ),
        pytest.param(
            [window("claude.weekly", minutes=10080), window("gemini.session", minutes=300)],
            ["claude.weekly", "gemini.session", None],
            id="lanes in the order of their provider",
        ),
        pytest.param([], [None, None, None], id="nothing"),
    ],
)
def test_slots_follow_the_lengths(windows: list[UsageWindow], expected: list[str | None]) -> None:
    assert slots(*windows) == expected


def test_windows_beside_the_slots_are_extra_and_say_when_they_are_unknown() -> None:
    extra = [
        window("model.opus", 12.5, headline=False, label="Opus"),
        window("odd", None, resets_text="not reported", label="Odd"),
    ]
    main = [window(f"w{n}", float(n)) for n in range(3)]
    assert row(state(*main, *extra))["usage"]["extraRateWindows"] == [
        {"id": "model.opus", "title": "Opus", "window": {"usedPercent": 12.5}},
        {
            "id": "odd",
            "title": "Odd",
            "window": {"usedPercent": None, "resetDescription": "not reported"},
            "usageKnown": False,
        },
    ]


def test_equal_windows_do_not_take_one_slot_twice() -> None:
    twins = [window("same"), window("same")]
    assert [item["slot"] for item in row(state(*twins))["windows"]] == ["primary", "secondary"]


def test_a_flat_window_knows_everything_and_unknown_is_null() -> None:
    item = window("credits", 112.3, 43200, unit="USD", limit=Decimal(50))
    item = replace(item, used=Decimal("8.80"))
    assert row(state(item, window("odd", None)))["windows"] == [
        {
            "id": "credits",
            "title": "Credits",
            "usedPercent": 112.3,
            "used": 8.8,
            "limit": 50,
            "unit": "USD",
            "unlimited": False,
            "windowMinutes": 43200,
            "resetsAt": None,
            "resetDescription": None,
            "slot": "primary",
        },
        {
            "id": "odd",
            "title": "Odd",
            "usedPercent": None,
            "used": None,
            "limit": None,
            "unit": None,
            "unlimited": False,
            "windowMinutes": None,
            "resetsAt": None,
            "resetDescription": None,
            "slot": None,
        },
    ]


# -- money, details, cost, pace --------------------------------------------------------------------


def test_spend_against_a_budget_is_the_provider_cost() -> None:
    spend = Balance(
        id="extra",
        label="Extra usage",
        amount=Decimal("37.66"),
        used=Decimal("12.34"),
        limit=Decimal(50),
        resets_at=NOON + timedelta(days=20),
    )
    found = row(of(snapshot(balances=(spend,))))
    assert found["usage"]["providerCost"] == {
        "used": 12.34,
        "limit": 50,
        "currencyCode": "USD",
        "resetsAt": "2026-09-30T12:00:00Z",
        "balance": 37.66,
        "updatedAt": "2026-09-10T11:59:00Z",
    }
    assert "credits" not in found
    assert found["balances"] == [
        {
            "id": "extra",
            "label": "Extra usage",
            "amount": 37.66,
            "currency": "USD",
            "used": 12.34,
            "limit": 50,
            "resetsAt": "2026-09-30T12:00:00Z",
            "expiresAt": None,
        }
    ]


def test_details_are_sections_for_old_readers_and_flat_for_new_ones() -> None:
    free = (
        DetailRow("MCP", "search", "12"),
        DetailRow("", "Note", "x"),
        DetailRow("MCP", "web", "3"),
    )
    chart = UsageSeries(id="t", label="Tokens", unit="tokens", points=(SeriesPoint("Mon", 5.0),))
    found = row(of(snapshot(details=free, series=(chart,))))
    assert found["usage"]["details"] == [
        {
            "title": "MCP",
            "rows": [{"label": "search", "value": "12"}, {"label": "web", "value": "3"}],
        },
        {"rows": [{"label": "Note", "value": "x"}]},
        {
            "title": "Tokens",
            "rows": [],
            "chart": {
                "kind": "bars",
                "points": [{"label": "Mon", "value": 5}],
                "title": "Tokens",
                "unit": "tokens",
            },
        },
    ]
    assert found["details"][1] == {"group": "", "label": "Note", "value": "x"}


def test_sections_stay_within_what_readers_accept() -> None:
    many = tuple(DetailRow(f"g{n % 10}", "l" * 200, "v" * 200) for n in range(400))
    long = UsageSeries(
        id="t", label="T", unit="", points=tuple(SeriesPoint(str(n), n) for n in range(150))
    )
    sections = row(of(snapshot(details=many)))["usage"]["details"]
    assert (len(sections), len(sections[0]["rows"])) == (8, 24)
    assert len(sections[0]["rows"][0]["value"]) == 120
    points = row(of(snapshot(series=(long,))))["usage"]["details"][0]["chart"]["points"]
    assert (len(points), points[-1]["label"]) == (120, "149")


def test_local_cost_is_an_estimate_in_dollars_and_tokens() -> None:
    def period(label: str, usd: str | None, partial: bool = False) -> CostPeriod:
        counts = TokenCounts(input=1, cache_read=2, cache_write=3, output=4)
        amount = None if usd is None else Decimal(usd)
        return CostPeriod(label=label, usd=amount, tokens=counts, partial=partial)

    summary = CostSummary(
        today=period("", None),
        last_7_days=period("", "7.25"),
        last_30_days=period("", "31.5", True),
        models=(period("claude-opus-5", "9"),),
        days=(period("2026-09-10", "1"),),
        unknown_models=("odd-1",),
    )
    assert row(replace(state(), cost=summary))["cost"] == {
        "todayUSD": None,
        "last7DaysUSD": 7.25,
        "last30DaysUSD": 31.5,
        "todayTokens": 10,
        "last7DaysTokens": 10,
        "last30DaysTokens": 10,
        "tokens": {"input": 1, "cacheRead": 2, "cacheWrite": 3, "output": 4},
        "models": [{"model": "claude-opus-5", "usd": 9, "tokens": 10}],
        "days": [{"date": "2026-09-10", "usd": 1, "tokens": 10}],
        "partial": True,
        "unknownModels": ["odd-1"],
        "estimated": True,
    }


def test_pace_of_the_slots() -> None:
    found = row(state(window(used=40, minutes=300, in_s=9000), window("w", 62, 10080, 259200)))
    assert found["pace"] == {
        "primary": {
            "stage": "behind",
            "deltaPercent": -10,
            "expectedUsedPercent": 50,
            "willLastToReset": True,
            "summary": "10% in reserve | Lasts until reset",
        },
        "secondary": {
            "stage": "slightlyAhead",
            "deltaPercent": 4.9,
            "expectedUsedPercent": 57.1,
            "willLastToReset": False,
            "etaSeconds": 211819,
            "summary": "5% in deficit | Runs out in 2d 10h",
        },
    }


def test_no_pace_for_what_is_blocked_or_used_up() -> None:
    blocked = state(window(used=40, minutes=300, in_s=9000), window("weekly", 100, 10080, 259200))
    assert "pace" not in row(blocked)


# -- who, where from, what went wrong --------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "source"),
    [
        pytest.param(of(snapshot(source_id="web")), "web", id="who answered"),
        pytest.param(
            replace(of(None), error=ErrorInfo(kind=ErrorKind.SERVER, message="x", source_id="cli")),
            "cli",
            id="whose error it is",
        ),
        pytest.param(
            replace(of(None), error=ErrorInfo(kind=ErrorKind.SERVER, message="x")),
            "oauth",
            id="the mode for want of a source",
        ),
        pytest.param(ProviderState(key=KEY), "oauth", id="the mode when nothing was asked"),
    ],
)
def test_the_source_is_who_answered_else_the_mode(shown: ProviderState, source: str) -> None:
    assert row(shown, modes={KEY: "oauth"})["source"] == source


def test_names_come_from_the_declaration_and_the_settings() -> None:
    work = ProviderKey("zai", "work")
    who = Identity(account="ada@example.org", plan="Pro")
    shown = of(snapshot(window(), identity=who))
    assert (row(shown)["name"], row(shown)["account"]) == ("z.ai", "ada@example.org")
    assert row(replace(shown, key=work))["account"] == "work"
    assert row(replace(shown, key=work), labels={work: "Work"})["account"] == "Work"
    stranger = rows([replace(shown, key=ProviderKey("odd"))], SPECS, now=NOON)[0]
    assert (stranger["name"], stranger["plan"]) == ("odd", "Pro")


def test_an_error_has_a_kind_a_code_and_the_next_step() -> None:
    error = ErrorInfo(
        kind=ErrorKind.RATE_LIMITED, message="Slow down.", hint="Wait.", retry_after_s=90.0
    )
    assert row(replace(of(None), error=error))["error"] == {
        "code": 1,
        "kind": "provider",
        "message": "Slow down.",
        "errorKind": "rate_limited",
        "remedy": "Wait.",
        "retryAfterSeconds": 90,
    }


def test_a_key_to_press_is_no_remedy_for_a_script() -> None:
    error = ErrorInfo(
        kind=ErrorKind.MISSING_CREDENTIALS,
        message="No key.",
        hint=DEFAULT_HINTS[ErrorKind.MISSING_CREDENTIALS],
    )
    assert row(replace(of(None), error=error))["error"]["remedy"] == "Run `quotadeck doctor zai`."


@pytest.mark.parametrize(
    ("kind", "cause", "code"),
    [
        (ErrorKind.SERVER, "", 1),
        (ErrorKind.PARSE, "", 3),
        (ErrorKind.NETWORK, "timeout", 4),
        (ErrorKind.MISSING_CREDENTIALS, "no_program", 2),
        (ErrorKind.INTERNAL, "", 1),
    ],
)
def test_a_code_names_the_failure(kind: ErrorKind, cause: Cause, code: int) -> None:
    assert error_code(ErrorInfo(kind=kind, message="x", cause=cause)) == code


def test_a_mistake_of_ours_is_a_runtime_error() -> None:
    error = ErrorInfo(kind=ErrorKind.INTERNAL, message="Internal error (KeyError).")
    assert row(replace(of(None), error=error))["error"]["kind"] == "runtime"


def test_attempts_say_what_was_tried_and_how_long() -> None:
    missing = ErrorInfo(kind=ErrorKind.MISSING_CREDENTIALS, message="no key")
    tried = (
        Attempt(source_id="api", outcome="skipped", error=missing),
        Attempt(source_id="web", outcome="success", elapsed_s=0.4),
    )
    assert row(replace(state(), attempts=tried))["attempts"] == [
        {
            "source": "api",
            "outcome": "skipped",
            "errorKind": "missing_credentials",
            "elapsedMs": 0,
        },
        {"source": "web", "outcome": "success", "errorKind": None, "elapsedMs": 400},
    ]


def test_a_failed_attempt_is_called_like_one_that_answered() -> None:
    refused = ErrorInfo(kind=ErrorKind.UNAUTHORIZED, message="refused", source_id="web")
    tried = (Attempt(source_id="pasted", outcome="failed", error=refused),)
    assert row(replace(state(), attempts=tried))["attempts"][0]["source"] == "web"


def test_the_status_page_has_its_address() -> None:
    service = ServiceStatus(indicator="minor", description="Slow", updated_at=NOON)
    assert row(replace(state(), service=service))["status"] == {
        "indicator": "minor",
        "url": "https://status.example",
        "description": "Slow",
        "updatedAt": "2026-09-10T12:00:00Z",
    }
    own = ServiceStatus(indicator="none", url="https://own.example")
    assert row(replace(state(), service=own))["status"] == {
        "indicator": "none",
        "url": "https://own.example",
    }
    assert "status" not in row(state())


def test_redaction_masks_accounts_and_takes_people_out_of_every_text() -> None:
    who = Identity(account="ada@example.org", organization="Analytical Engines", plan="Pro")
    shown = replace(
        failing(
            of(
                snapshot(
                    window(),
                    identity=who,
                    details=(DetailRow("g", "Owner", "ada@example.org"),),
                    notice="Signed in as ada@example.org.",
                )
            )
        ),
        key=ProviderKey("zai", "ada"),
        error=ErrorInfo(kind=ErrorKind.UNAUTHORIZED, message="Not ada@example.org."),
    )
    open_text, hidden = json.dumps(row(shown)), json.dumps(row(shown, redact=True))
    assert "ada@example.org" in open_text
    assert "ada" not in hidden
    assert "Engines" not in hidden
    plain = row(replace(shown, key=KEY), redact=True)
    assert plain["account"] == "redacted@example.org"
    assert plain["usage"]["identity"]["accountEmail"] == "redacted@example.org"


def test_a_secret_never_reaches_the_document() -> None:
    leak = ErrorInfo(kind=ErrorKind.SERVER, message="It said sk-or-v1-0123456789abcdef.")
    assert "0123456789" not in json.dumps(row(replace(of(None), error=leak)))


def test_rows_keep_the_order_they_are_given() -> None:
    many = [replace(state(), key=ProviderKey(f"p{n}")) for n in (7, 1, 12)]
    assert [item["provider"] for item in rows(many, SPECS, now=NOON)] == ["p7", "p1", "p12"]


def test_an_error_of_the_program_is_an_element_of_its_own() -> None:
    found = cli_error("No such provider.", 64, kind="args", remedy="See --help.")
    assert (found["provider"], found["source"]) == ("cli", "cli")
    assert found["error"] == {
        "code": 64,
        "kind": "args",
        "message": "No such provider.",
        "errorKind": None,
        "remedy": "See --help.",
        "retryAfterSeconds": None,
    }


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shown=any_.states, redact=st.booleans())
def test_any_state_is_valid_json_and_the_same_each_time(shown: ProviderState, redact: bool) -> None:
    document = json.dumps(row(shown, redact=redact), allow_nan=False)
    assert document == json.dumps(row(shown, redact=redact), allow_nan=False)
    assert json.loads(document).keys() >= ALWAYS


# -- the table -------------------------------------------------------------------------------------


def card(shown: ProviderState, name: str = "z.ai") -> CardView:
    prefs = Preferences(show_used=True)
    return card_view(shown, name=name, short_name=name, now=NOON, prefs=prefs, tz=UTC)


def test_the_table_says_what_the_screen_says_in_columns() -> None:
    who = Identity(plan="Pro")
    good = of(
        snapshot(
            window(used=62, minutes=300, in_s=7980, label="5-hour"),
            window("weekly", 94, 10080, 9e4),
            identity=who,
            balances=(Balance(id="b", label="Balance", amount=Decimal("41.2")),),
        )
    )
    broken = failing(
        of(None),
        ErrorKind.MISSING_CREDENTIALS,
        hint=DEFAULT_HINTS[ErrorKind.MISSING_CREDENTIALS],
    )
    assert table([card(good), card(broken)]).splitlines() == [
        "! z.ai · Pro  api · 1m ago",
        "  5-hour  ███████░░░░░  62% used   Resets in 2h 13m"
        "  6% in deficit | Projected empty in 1h 43m",
        "  Weekly  ███████████░  94% used ! Resets in 1d 1h  9% in deficit | Runs out in 9h 8m",
        "  Balance $41.20 left",
        "",
        "? z.ai",
        "  It did not answer.",
        "  Run `quotadeck doctor zai`.",
    ]


def test_the_table_can_do_without_utf8() -> None:
    shown = [card(failing(state(window(used=83, in_s=-5)))), card(state(window(used=None)))]
    text = table(shown, ascii_only=True)
    assert text.isascii()
    assert "reset due - was 83%" in text


def test_colour_is_only_there_when_asked_for() -> None:
    shown = [card(state(window(used=95), window("odd", None)))]
    assert "\x1b" not in table(shown)
    painted = table(shown, color=True)
    assert "\x1b[31m 95% used\x1b[0m" in painted
    plain = painted
    for code in ("0", "1", "2", "31", "32", "33"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == table(shown)


def test_an_empty_table_is_empty() -> None:
    assert table([]) == ""
