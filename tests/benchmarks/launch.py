"""Opens the dashboard over accounts of one provider whose answers come from the process itself.

python -m tests.benchmarks.launch ACCOUNTS [DELAY_S]
"""

from __future__ import annotations

import asyncio
import sys

import httpx

from tests.benchmarks.accounts import settings_text
from tui.app import UsageApp
from tui.demo.scenes import zai
from tui.demo.stage import Moment
from tui.gateways.paths import find_paths
from tui.runtime import Deck


class Instant(httpx.AsyncBaseTransport):
    """Answers every request after the same delay."""

    def __init__(self, deck: Deck, delay_s: float) -> None:
        self._deck = deck
        self._delay_s = delay_s
        self._started_at = deck.clock.now()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange."""
        await asyncio.sleep(self._delay_s)
        moment = Moment(self._started_at, self._started_at)
        play = zai.quota if request.url.path.endswith("/limit") else zai.model_usage
        answer = play(moment)
        return httpx.Response(answer.status, content=answer.body, request=request)


def open_deck(accounts: int, delay_s: float) -> Deck:
    """A deck with so many accounts."""
    file = find_paths().config_file
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(settings_text(accounts))
    deck = Deck(transport=lambda: Instant(deck, delay_s))
    return deck


if __name__ == "__main__":
    UsageApp(open_deck(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)).run()
