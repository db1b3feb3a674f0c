"""Sixteen providers in every state a card can be in, as of `NOON`."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.support import NOON
from tui.core.errors import ErrorInfo, ErrorKind
from tui.core.models import (
    Attempt,
    Balance,
    DetailRow,
    Identity,
    Phase,
    ProviderKey,
    ProviderSnapshot,
    ProviderState,
    SeriesPoint,
    UsageSeries,
    UsageWindow,
)

SESSION, WEEK, MONTH = 300, 10080, 43200
Named = tuple[str, ProviderState]


def window(
    label: str,
    used_percent: float | None = None,
    minutes: int | None = None,
    resets_in: timedelta | None = None,
    **more: object,
) -> UsageWindow:
    """A window; the id follows from the label."""
    return UsageWindow(
        id=label.lower(),
        label=label,
        used_percent=used_percent,
        window_minutes=minutes,
        resets_at=None if resets_in is None else NOON + resets_in,
        **more,  # type: ignore[arg-type]
    )


def good(
    provider: str,
    *windows: UsageWindow,
    plan: str = "",
    source: str = "api",
    age: timedelta = timedelta(minutes=2),
    balances: tuple[Balance, ...] = (),
    **more: object,
) -> ProviderState:
    """A provider that answered."""
    snapshot = ProviderSnapshot(
        key=ProviderKey(provider),
        source_id=source,
        fetched_at=NOON - age,
        windows=windows,
        balances=balances,
        identity=Identity(plan=plan, account="ada@example.org"),
        **more,  # type: ignore[arg-type]
    )
    return ProviderState(
        key=ProviderKey(provider),
        snapshot=snapshot,
        attempts=(Attempt(source_id=source, outcome="success", elapsed_s=0.4),),
        attempted_at=NOON - age,
        next_at=NOON + timedelta(minutes=3),
    )


def failed(provider: str, kind: ErrorKind, message: str, hint: str = "") -> ProviderState:
    """A provider without numbers."""
    error = ErrorInfo(kind=kind, message=message, hint=hint, source_id="api")
    return ProviderState(
        key=ProviderKey(provider),
        error=error,
        failures=1,
        attempts=(Attempt(source_id="api", outcome="failed", error=error, elapsed_s=0.3),),
        attempted_at=NOON,
        next_at=NOON + timedelta(minutes=3),
    )


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def stale_kiro() -> ProviderState:
    """Old numbers and the reason why there are no new ones."""
    state = good(
        "kiro",
        window(
            "Credits", 71, MONTH, days(9), used=Decimal(355), limit=Decimal(500), unit="credits"
        ),
        plan="KIRO FREE",
        source="cli",
        age=timedelta(minutes=38),
    )
    error = ErrorInfo(
        kind=ErrorKind.NETWORK,
        message="kiro-cli did not answer within 20 s.",
        hint="It is tried again by itself.",
        source_id="cli",
    )
    return ProviderState(
        key=state.key,
        snapshot=state.snapshot,
        error=error,
        failures=2,
        attempts=(Attempt(source_id="cli", outcome="failed", error=error, elapsed_s=20.0),),
        attempted_at=NOON - timedelta(minutes=4),
        next_at=NOON + timedelta(minutes=3),
    )


def rich_zai() -> ProviderState:
    """Everything the details screen can show."""
    return good(
        "zai",
        window("5-hour", 62, SESSION, hours(2.2)),
        window(
            "Week", 24, WEEK, days(4.25), used=Decimal(120), limit=Decimal(500), unit="requests"
        ),
        window("MCP", 4, MONTH, days(12)),
        plan="Pro",
        details=(
            DetailRow("Tools", "search-prime", "12 calls"),
            DetailRow("Tools", "web-reader", "3 calls"),
            DetailRow("Account", "Organization", "Analytical Engines"),
        ),
        series=(
            UsageSeries(
                id="tokens",
                label="Tokens per day",
                unit="tokens",
                points=tuple(
                    SeriesPoint(f"Sep {day}", day * day % 37 * 1e5) for day in range(1, 11)
                ),
            ),
        ),
        notice="Balance needs a management key.",
    )


def everybody() -> list[Named]:
    """Sixteen cards; no two look alike."""
    money = Balance(
        id="credits",
        label="Credits",
        amount=Decimal("41.20"),
        used=Decimal("8.80"),
        limit=Decimal(50),
    )
    return [
        (
            "Kimi",
            good(
                "kimi",
                window("Week", 94, WEEK, days(3.9)),
                window("5-hour", 8, SESSION, hours(3)),
                plan="Moderato",
                source="web",
                age=timedelta(seconds=20),
            ),
        ),
        ("z.ai", rich_zai()),
        (
            "OpenRouter",
            good(
                "openrouter",
                window("Key", unlimited=True),
                balances=(money,),
                age=timedelta(seconds=40),
            ),
        ),
        (
            "Droid",
            failed(
                "factory",
                ErrorKind.MISSING_CREDENTIALS,
                "Needs setup.",
                "Paste a cookie or an API key: press s.",
            ),
        ),
        ("Kiro", stale_kiro()),
        ("Warp", good("warp", window("Credits", unlimited=True), plan="Build")),
        (
            "Claude",
            good(
                "claude",
                window("Session", 83, SESSION, hours(1.1)),
                window("Week", 57, WEEK, days(2.2)),
                window("Opus", 100, WEEK, days(2.2)),
                plan="Max 20x",
                source="oauth",
            ),
        ),
        (
            "Codex",
            good(
                "codex",
                window("5-hour", 12, SESSION, hours(4.4)),
                window("Week", 33, WEEK, days(5)),
                plan="Plus",
                source="oauth",
            ),
        ),
        (
            "GitHub Copilot",
            good(
                "copilot",
                window(
                    "Premium",
                    112,
                    MONTH,
                    days(21),
                    used=Decimal(336),
                    limit=Decimal(300),
                    unit="requests",
                ),
                window("Chat", unlimited=True),
                plan="Pro",
                age=timedelta(minutes=9),
            ),
        ),
        (
            "Gemini",
            good(
                "gemini",
                window("Pro", 0.4, 1440, hours(13)),
                window("Flash", 41, 1440, hours(13)),
                window("Flash Lite", 0, 1440, hours(13)),
                plan="Code Assist",
                source="oauth",
                age=timedelta(minutes=22),
            ),
        ),
        (
            "Cursor",
            failed(
                "cursor",
                ErrorKind.UNAUTHORIZED,
                "Cursor does not accept the login.",
                "Sign in at cursor.com.",
            ),
        ),
        (
            "JetBrains AI",
            good(
                "jetbrains",
                window("Credits", 47, MONTH, days(17)),
                source="local",
                age=timedelta(minutes=1),
            ),
        ),
        ("Amp", ProviderState(key=ProviderKey("amp"), phase=Phase.REFRESHING)),
        (
            "Augment",
            good(
                "augment",
                window("Credits", None, MONTH, days(6), used=Decimal(1234), unit="credits"),
                plan="Developer",
                source="web",
            ),
        ),
        (
            "Kimi K2",
            good(
                "kimi-k2",
                balances=(
                    Balance(id="credits", label="Credits", amount=Decimal(163), currency="credits"),
                ),
            ),
        ),
        (
            "MiniMax",
            failed(
                "minimax",
                ErrorKind.RATE_LIMITED,
                "MiniMax asked to wait.",
                "It is asked again by itself.",
            ),
        ),
    ]
