"""Envoy's own view of its endpoints, asked for when somebody wants to see both sides."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent.envoy_admin import Clusters, request
from outrider_agent.exchange import Ask, Exchange
from outrider_agent.loop import NEVER, Actor, Loop
from outrider_agent.responses import ResponseReader

DEADLINE = 1.0  # seconds; after them the view is empty


class EnvoyView(Actor):
    """Asks Envoy's admin socket what it has, for everybody who waits for that at the moment."""

    def __init__(self, loop: Loop, admin: Exchange | None) -> None:
        self._loop = loop
        self._admin = admin
        self._waiting: list[Callable[[Clusters], None]] = []

    def wake_at(self, now: float) -> float:  # noqa: ARG002  the same at any time
        return self._admin.wake_at() if self._admin else NEVER

    def wake(self, now: float) -> None:
        if self._admin:
            self._admin.expire(now)

    def ask(self, take: Callable[[Clusters], None]) -> None:
        clusters = Clusters()
        if self._admin is None:
            take(clusters)
            return
        self._waiting.append(take)
        if not self._admin.is_busy:
            deadline = self._loop.now() + DEADLINE
            self._admin.ask(Ask(request("GET", "/clusters"), clusters.feed, deadline, self._give(clusters)))

    def _give(self, clusters: Clusters) -> Callable[[ResponseReader | None, str], None]:
        def done(_reader: ResponseReader | None, _reason: str) -> None:
            waiting, self._waiting = self._waiting, []
            for take in waiting:
                take(clusters)

        return done
