"""Going to a provider by name, in the command palette."""

from __future__ import annotations

from collections.abc import Iterator

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.screens.dashboard import DashboardScreen
from tui.widgets.provider_card import ProviderCard


class GoToProvider(Provider):
    """One command per card."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for card, title in self._titles():
            yield DiscoveryHit(title, card.focus, help="focus this card")

    async def search(self, query: str) -> Hits:
        """Those whose name fits."""
        matcher = self.matcher(query)
        for card, title in self._titles():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), card.focus, help="focus this card")

    def _titles(self) -> Iterator[tuple[ProviderCard, str]]:
        if isinstance(self.screen, DashboardScreen):
            for card in self.screen.grid.cards:
                name = card.view.name if card.view else str(card.key)
                yield card, f"go to {name}"
