"""What the screens of numbers have in common: they follow the engine and count the same way."""

from __future__ import annotations

from textual.screen import Screen

from tui.core.models import ProviderState
from tui.deck_api import DeckApi, Unsubscribe
from tui.messages import ProviderStateChanged


class FollowingScreen(Screen[None]):
    """Gets a `ProviderStateChanged` for every new state once it follows."""

    def __init__(self, deck: DeckApi) -> None:
        super().__init__()
        self.deck = deck
        self._unsubscribe: Unsubscribe = lambda: None

    def follow(self) -> None:
        """Hear of every new state until the screen closes."""
        self._unsubscribe = self.deck.engine.subscribe(self._heard)

    def on_unmount(self) -> None:
        """Leave the engine; the workers end with the screen."""
        self._unsubscribe()

    def look_again(self) -> None:
        """Present everything as of now, with the preferences of now."""
        raise NotImplementedError

    def action_used_left(self) -> None:
        """Count what is used, or what is left."""
        self.deck.set_pref("show_used", not self.deck.prefs.show_used)
        self.look_again()

    def action_times(self) -> None:
        """Show resets as countdowns, or as clock times."""
        self.deck.set_pref("absolute_times", not self.deck.prefs.absolute_times)
        self.look_again()

    def _heard(self, state: ProviderState) -> None:
        self.post_message(ProviderStateChanged(state))
