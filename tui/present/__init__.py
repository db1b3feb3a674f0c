"""From a provider's state and the time to what a person reads.

Pure: every word, number and severity on the screen is decided here, so that card, details, one-line
density and plain text say the same. Widgets only place what they are given.
"""

from tui.present.card import card_view
from tui.present.deck import deck_view
from tui.present.details import details_view
from tui.present.views import (
    AttemptView,
    BalanceDetail,
    BalanceView,
    CardView,
    DeckView,
    DetailGroup,
    DetailsView,
    Look,
    Preferences,
    RowView,
    Severity,
    WindowDetail,
)

__all__ = [
    "AttemptView",
    "BalanceDetail",
    "BalanceView",
    "CardView",
    "DeckView",
    "DetailGroup",
    "DetailsView",
    "Look",
    "Preferences",
    "RowView",
    "Severity",
    "WindowDetail",
    "card_view",
    "deck_view",
    "details_view",
]
