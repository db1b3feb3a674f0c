"""What a source learnt, whichever way, and the snapshot that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tui.core.errors import ParseError
from tui.core.models import Identity, ProviderKey, ProviderSnapshot
from tui.core.text import clean
from tui.providers._parse import at, first_text
from tui.providers.antigravity.lanes import Bucket, lane_windows, leading_first
from tui.providers.antigravity.rows import ModelRow, model_details, model_windows, parse_rows

PLAN_NAMES = ("planDisplayName", "displayName", "productName", "planName", "planShortName")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Account and limits; empty where a source does not know."""

    email: str = ""
    plan: str = ""
    rows: tuple[ModelRow, ...] = ()
    buckets: tuple[Bucket, ...] = ()

    @property
    def known_rows(self) -> int:
        """How many models say what is left."""
        return sum(row.remaining is not None for row in self.rows)

    def with_buckets(self, buckets: tuple[Bucket, ...]) -> Reading:
        """The same with these pools."""
        return replace(self, buckets=buckets)

    def with_rows(self, rows: tuple[ModelRow, ...]) -> Reading:
        """The same with these models."""
        return replace(self, rows=rows)


def parse_status(answer: Any) -> Reading:
    """Account, plan and rows of `GetUserStatus`."""
    status = at(answer, "userStatus")
    return Reading(
        email=clean(first_text(status, "email")),
        plan=clean(plan_in(status)),
        rows=parse_rows(at(status, "cascadeModelConfigData.clientModelConfigs")),
    )


def plan_in(status: Any) -> str:
    """The subscription; the plan info alone says "Pro" even for Ultra."""
    names = (f"planStatus.planInfo.{name}" for name in PLAN_NAMES)
    return first_text(status, "userTier.name", *names)


def parse_models(answer: Any) -> Reading:
    """The rows of `GetCommandModelConfigs`, which knows no account."""
    return Reading(rows=parse_rows(at(answer, "clientModelConfigs")))


def no_data(who: str = "Antigravity") -> ParseError:
    """What came has no numbers."""
    return ParseError(f"{who} sent no quota data.", hint="Update Antigravity or this program.")


def make_snapshot(
    reading: Reading, *, key: ProviderKey, now: datetime, source_id: str, origin: str
) -> ProviderSnapshot:
    """Three model windows with the pools below them; without models the pools alone.

    Raises:
        ParseError: There is no limit in it.
    """
    models, lanes = model_windows(reading.rows), lane_windows(reading.buckets)
    windows = (*models, *lanes) if models else leading_first(lanes)
    if not windows:
        raise no_data()
    return ProviderSnapshot(
        key=key,
        source_id=source_id,
        fetched_at=now,
        origin=origin,
        windows=windows,
        identity=Identity(account=reading.email, plan=reading.plan),
        details=model_details(reading.rows),
    )
