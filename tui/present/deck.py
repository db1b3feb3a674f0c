"""The top line of the dashboard, out of the cards below it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from tui.core import wording
from tui.core.models import map_text
from tui.present.reader import Reader, within_sentence
from tui.present.views import CardView, DeckView, Preferences, RowView

CURRENT = frozenset({"fresh", "aging"})


def deck_view(
    cards: Sequence[CardView], *, now: datetime, prefs: Preferences, tz: tzinfo
) -> DeckView:
    """What is tightest, what opens next, and how many need somebody."""
    reader = Reader(now, prefs, tz)
    tightest = _tightest(cards)
    deck = DeckView(
        tightest=_tightest_text(*tightest) if tightest else "",
        next_reset=_next_reset(cards, reader),
        trouble=_trouble(cards),
        severity=tightest[1].severity if tightest else "ok",
        word=f"showing {reader.word}",
        clock=wording.time_of_day(now, tz, twelve_hour=prefs.twelve_hour),
    )
    return map_text(deck, wording.ascii_twin) if prefs.ascii else deck


def _tightest(cards: Sequence[CardView]) -> tuple[CardView, RowView] | None:
    """The main number with least left, of those that are current."""
    best: tuple[CardView, RowView] | None = None
    most = -1.0
    for card in cards:
        row = card.headline
        if (
            card.look in CURRENT
            and row
            and row.used_percent is not None
            and row.used_percent > most
        ):
            best, most = (card, row), row.used_percent
    return best


def _tightest_text(card: CardView, row: RowView) -> str:
    number = f"{row.percent_text} {row.percent_word}"
    words = (row.symbol, card.short_name, within_sentence(row.label), number)
    return wording.joined(words, " ")


def _next_reset(cards: Sequence[CardView], reader: Reader) -> str:
    coming = [
        (row.resets_at, card.short_name, within_sentence(row.label))
        for card in cards
        for row in card.rows
        if row.resets_at is not None and row.resets_at > reader.now and not row.is_blocked
    ]
    if not coming:
        return ""
    at, name, label = min(coming)
    return f"next reset {name} {label} {reader.until(at)}"


def _trouble(cards: Sequence[CardView]) -> str:
    """Cards that wait for the user, and cards that fail by themselves."""
    shown = [card for card in cards if card.error_kind is not None]
    waiting = sum(card.needs_user for card in shown)
    failing = len(shown) - waiting
    return wording.joined(
        (
            f"{waiting} need{'s' if waiting == 1 else ''} you" if waiting else "",
            f"{failing} failing" if failing else "",
        )
    )
