"""Model values survive the way to JSON and back."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.support import NOON
from tui.core.models import (
    Balance,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    SeriesPoint,
    UsageSeries,
    UsageWindow,
)
from tui.core.plain import from_plain, to_plain

FULL = ProviderSnapshot(
    key=ProviderKey("alpha", "work"),
    source_id="api",
    fetched_at=NOON,
    windows=(
        UsageWindow(id="session", label="5-hour", used_percent=31.5, resets_at=NOON),
        UsageWindow(id="credits", label="Credits", used=Decimal("3.10"), limit=Decimal(5)),
    ),
    balances=(Balance(id="money", label="Money", amount=Decimal("-0.03")),),
    identity=Identity(plan="Pro"),
    details=(DetailRow("Group", "Label", "Value"),),
    series=(UsageSeries(id="s", label="S", unit="tokens", points=(SeriesPoint("a", 1.0),)),),
    confidence="estimated",
)


def test_a_snapshot_survives_unchanged() -> None:
    assert from_plain(ProviderSnapshot, json.loads(json.dumps(to_plain(FULL)))) == FULL


def test_names_of_a_later_version_are_ignored() -> None:
    assert from_plain(ProviderSnapshot, {**to_plain(FULL), "future": 1}) == FULL


@pytest.mark.parametrize(
    "change",
    [
        {"fetched_at": "yesterday"},
        {"windows": [{"id": 7}]},
        {"confidence": "certain"},
        {"key": None},
        {"windows": 3},
    ],
)
def test_data_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        from_plain(ProviderSnapshot, {**to_plain(FULL), **change})
