"""The link of the agent's rights: asks Consul for the own registration while an empty list is in doubt, and tells the watches."""

from __future__ import annotations

from outrider_agent.consul import Sighting, own_health_path, own_path
from outrider_agent.exchange import Ask
from outrider_agent.link import LinkContext
from outrider_agent.loop import Actor
from outrider_agent.own_link import ignore
from outrider_agent.responses import ResponseReader
from outrider_agent.rights import Rights
from outrider_agent.rules import OK, index_of, knows_leader

DEADLINE = 5.0  # seconds


class RightsLink(Actor):
    """A connection that lives for one question: Consul counts those of all agents of a node."""

    def __init__(self, shared: LinkContext, rights: Rights, service: str, service_id: str) -> None:
        self._shared = shared
        self._rights = rights
        self._service = service
        self._service_id = service_id
        self._exchange = shared.consul.exchange()

    def wake_at(self, now: float) -> float:
        return self._exchange.wake_at() if self._exchange.is_busy else self._rights.due(now)

    def wake(self, now: float) -> None:
        if self._exchange.is_busy:
            self._exchange.expire(now)
        else:
            self._ask(now)

    def _ask(self, now: float) -> None:
        sighting = Sighting(self._service_id)

        def done(reader: ResponseReader | None, _reason: str) -> None:
            is_shown = sighting.is_made()
            if reader is None or not is_answer(reader):
                self._rights.unclear(self._shared.loop.now())
                self._ended(reader)
            elif is_shown:
                self._rights.shown(self._shared.loop.now())
                self._ended(reader)
            else:
                self._ask_agent(self._shared.loop.now())

        request = self._shared.consul.request(own_health_path(self._service, self._service_id))
        self._exchange.ask(Ask(request, sighting.feed, now + DEADLINE, done))

    def _ask_agent(self, now: float) -> None:
        """The agent that is asked knows what is registered with it, and says 403 where the token may not read that."""

        def done(reader: ResponseReader | None, _reason: str) -> None:
            self._rights.absent(reader.status if reader else 0, self._shared.loop.now())
            self._ended(reader)

        request = self._shared.consul.request(own_path(self._service_id, ""))
        self._exchange.ask(Ask(request, ignore, now + DEADLINE, done))

    def _ended(self, reader: ResponseReader | None) -> None:
        self._exchange.close()
        if reader is None and self._exchange.was_hung_up_on:
            self._shared.refused()
        for link in self._shared.links:
            link.reconsider()


def is_answer(reader: ResponseReader) -> bool:
    """Whether a leader stands behind it: anything else says nothing about the registration."""
    return reader.status == OK and knows_leader(reader.headers) and index_of(reader.headers) is not None
