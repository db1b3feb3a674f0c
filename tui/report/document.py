"""States as JSON-ready rows.

Field names are those existing scripts know (B§16); of these, absent values are left out. What this
program adds is in interface.md and always there, `None` where unknown. Slots exist only here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Literal

from tui.core.errors import ErrorInfo, ErrorKind
from tui.core.models import Identity, Phase, ProviderKey, ProviderState, ServiceStatus, map_text
from tui.core.redact import Redactor, mask_account
from tui.present import reading
from tui.report import parts
from tui.report.parts import Row, date, known, number
from tui.report.usage import credits_of, pace, usage

if TYPE_CHECKING:
    from tui.providers._spec import ProviderSpec

CliKind = Literal["args", "config", "provider", "runtime"]

SCHEMA_VERSION = 1
FAILED = 1
CODES_BY_CAUSE = {"no_program": 2, "timeout": 4}
CODES_BY_KIND = {ErrorKind.PARSE: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """For whom and when the rows are made."""

    now: datetime
    redact: bool = False
    """Mask accounts and take names of people out of every text."""
    work_days: int | None = None
    """For the pace of weekly windows."""
    tz: tzinfo = UTC
    """Where these days begin."""


def rows(
    states: Iterable[ProviderState],
    specs: Mapping[str, ProviderSpec],
    *,
    now: datetime,
    modes: Mapping[ProviderKey, str] | None = None,
    labels: Mapping[ProviderKey, str] | None = None,
    redact: bool = False,
    work_days: int | None = None,
    tz: tzinfo = UTC,
) -> list[Row]:
    """One JSON object per provider and account, in the order given.

    Args:
        specs: Declarations by provider id.
        modes: The configured modes; they stand as source where nothing was asked.
        labels: Names of accounts where a provider has several; else their name in the settings.
        redact: Mask accounts and take names of people out of every text.
        work_days: For the pace of weekly windows, with days as in `tz`.
    """
    frame = Frame(now=now, redact=redact, work_days=work_days, tz=tz)
    return [
        _row(
            _hidden(state, redact=redact),
            specs.get(state.key.provider),
            mode=(modes or {}).get(state.key, "auto"),
            label=(labels or {}).get(state.key) or state.key.account,
            frame=frame,
        )
        for state in states
    ]


def _hidden(state: ProviderState, *, redact: bool) -> ProviderState:
    """The state without secrets, and without people when that is wanted."""
    shown = replace(map_text(state, Redactor(personal=redact)), key=state.key)
    if not redact or state.snapshot is None or shown.snapshot is None:
        return shown
    identity = replace(
        shown.snapshot.identity,
        account=mask_account(state.snapshot.identity.account),
        organization=mask_account(state.snapshot.identity.organization),
    )
    return replace(shown, snapshot=replace(shown.snapshot, key=state.key, identity=identity))


def _row(
    state: ProviderState, spec: ProviderSpec | None, *, mode: str, label: str, frame: Frame
) -> Row:
    snapshot = state.snapshot
    identity = snapshot.identity if snapshot else Identity()
    account = mask_account(label) if frame.redact else label
    row: Row = {
        "provider": state.key.provider,
        "schemaVersion": SCHEMA_VERSION,
        "name": spec.name if spec else state.key.provider,
        "account": account or identity.account or None,
        "plan": identity.plan or None,
        "source": _source(state, mode),
        "state": _outcome(state),
        "notice": (snapshot.notice if snapshot else "") or None,
        **_age(state, frame.now),
        **known({"status": _status(state.service, spec)}),
        **_numbers(state, frame),
        "cost": parts.cost_row(state.cost),
        "attempts": [parts.attempt_row(attempt) for attempt in state.attempts],
    }
    return row if state.error is None else row | {"error": _error(state.error, state.key)}


def _source(state: ProviderState, mode: str) -> str:
    if state.snapshot is not None:
        return state.snapshot.source_id
    return state.error.source_id or mode if state.error is not None else mode


def _outcome(state: ProviderState) -> str:
    if state.phase is Phase.DISABLED:
        return "disabled"
    if state.error is None:
        return "ok"
    return "needs_setup" if state.error.kind is ErrorKind.MISSING_CREDENTIALS else "error"


def _age(state: ProviderState, now: datetime) -> Row:
    """How old the numbers are; `None` where there are none."""
    if state.snapshot is None:
        return {"fetchedAt": None, "stale": None, "ageSeconds": None}
    fetched_at = state.snapshot.fetched_at
    return {
        "fetchedAt": date(fetched_at),
        "stale": _is_stale(state, now),
        "ageSeconds": max(0, int((now - fetched_at).total_seconds())),
    }


def _is_stale(state: ProviderState, now: datetime) -> bool:
    """Stricter than a card: here the first failure is not forgiven."""
    return state.error is not None or reading.is_stale(state, now)


def _status(service: ServiceStatus | None, spec: ProviderSpec | None) -> Row | None:
    if service is None:
        return None
    return {
        "indicator": service.indicator,
        "url": service.url or (spec.links.status if spec else ""),
        **known({"description": service.description, "updatedAt": date(service.updated_at)}),
    }


def _numbers(state: ProviderState, frame: Frame) -> Row:
    snapshot = state.snapshot
    if snapshot is None:
        return {"windows": [], "balances": [], "details": []}
    slots = parts.slotted(snapshot.windows)
    forecast = None
    if not _is_stale(state, frame.now):
        forecast = pace(snapshot, frame.now, work_days=frame.work_days, tz=frame.tz)
    return {
        "usage": usage(snapshot),
        **known({"credits": credits_of(snapshot), "pace": forecast}),
        "windows": [
            parts.flat_window(window, parts.slot_of(window, slots)) for window in snapshot.windows
        ],
        "balances": [parts.balance_row(balance) for balance in snapshot.balances],
        "details": [parts.detail_row(row) for row in snapshot.details],
    }


# -- errors ----------------------------------------------------------------------------------------


def error_code(error: ErrorInfo) -> int:
    """The exit code that names a failure most closely (B§16)."""
    return CODES_BY_CAUSE.get(error.cause) or CODES_BY_KIND.get(error.kind, FAILED)


def _error(error: ErrorInfo, key: ProviderKey) -> Row:
    return {
        "code": error_code(error),
        "kind": "runtime" if error.kind is ErrorKind.INTERNAL else "provider",
        "message": error.message,
        "errorKind": error.kind.value,
        "remedy": parts.headless_hint(error.hint, key.provider) or None,
        "retryAfterSeconds": number(error.retry_after_s),
    }


def cli_error(
    message: str, code: int = FAILED, *, kind: CliKind = "runtime", remedy: str = ""
) -> Row:
    """The element for an error of the program itself.

    Args:
        code: The exit code of the run.
    """
    return {
        "provider": "cli",
        "schemaVersion": SCHEMA_VERSION,
        "source": "cli",
        "state": "error",
        "error": {
            "code": code,
            "kind": kind,
            "message": message,
            "errorKind": None,
            "remedy": remedy or None,
            "retryAfterSeconds": None,
        },
    }
