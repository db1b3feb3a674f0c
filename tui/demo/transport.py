"""The far side of the network, played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

from tui.demo.stage import Answer, Moment, Route

NOT_FOUND = Answer.json({"error": "the demo does not play this address"}, status=404)
SLOWEST_S = 0.6


class PlayedUpstream(httpx.AsyncBaseTransport):
    """Answers requests from routes, each host with a delay of its own.

    Args:
        moment: The present of the demo.
        delays: Take time like a network; without it every answer is immediate.
    """

    def __init__(
        self, routes: tuple[Route, ...], moment: Callable[[], Moment], *, delays: bool = True
    ) -> None:
        self._routes = {(route.method, route.url): route.play for route in routes}
        self._moment = moment
        self._delays = delays

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange."""
        await request.aread()
        if self._delays:
            await asyncio.sleep(_delay_s(request.url.host))
        address = str(request.url.copy_with(query=None))
        play = self._routes.get((request.method, address))
        answer = play(self._moment()) if play else NOT_FOUND
        return httpx.Response(
            answer.status, headers=dict(answer.headers), content=answer.body, request=request
        )


def _delay_s(host: str) -> float:
    """Between a tenth and the slowest, the same for the same host."""
    return 0.1 + (sum(host.encode()) % 50) / 50 * (SLOWEST_S - 0.1)
