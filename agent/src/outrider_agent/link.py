"""The link of one watch: carries its queries to Consul and the answers back."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent.connection_slots import TOO_MANY, ConnectionSlots
from outrider_agent.consul import INFRASTRUCTURE, Consul, Instances, Names, catalog_path, health_path
from outrider_agent.exchange import Ask, Exchange
from outrider_agent.instances import Foreign, named
from outrider_agent.loop import NEVER, Actor, Loop
from outrider_agent.memory_budget import MalformedError
from outrider_agent.previous_list import PreviousList
from outrider_agent.queries import Query
from outrider_agent.responses import ResponseReader
from outrider_agent.rules import OK
from outrider_agent.states import FAILING
from outrider_agent.watch import Watch

GIVEN_WAY = "the largest of the answers under way, where their room was used up (sidecar.memory.agent)"


class LinkContext:
    """What the links of one agent share: the loop, Consul, the slots, and whom to tell."""

    def __init__(self, loop: Loop, consul: Consul, slots: ConnectionSlots, say: Callable[[str], None]) -> None:
        self.loop = loop
        self.consul = consul
        self.slots = slots
        self.say = say
        self.links: list[Link] = []
        self._idle: list[Exchange] = []  # while links take turns: connections without a query

    def take(self, own: Exchange) -> Exchange:
        """The exchange for a link's next query: its own, or one that is connected already."""
        return self._idle.pop() if self._idle and not own.is_connected else own

    def give_back(self, own: Exchange) -> Exchange:
        """What a link keeps after its query; where links take turns, the next one goes on with its connection."""
        if self.slots.was_refused:
            own.close()
        if self.slots.limit is None or self.slots.was_refused:
            return own
        if own.is_connected:
            self._idle.append(own)
        return self.consul.exchange()

    def recovered(self) -> None:
        """Consul answers one link again: the others need not sit out their pauses."""
        for link in self.links:
            link.watch.hurry(self.loop.now())

    def refused(self) -> None:
        """Consul hung up on one link: from now on all take turns, those too that block at this moment."""
        if self.slots.refused(self.loop.now()):
            self.say(f"Consul refuses more connections: {len(self.links)} upstreams take turns on {self.slots.limit}")
            for link in self.links:
                link.interrupt()
            for one in self._idle:
                one.close()
            self._idle.clear()


class Link(Actor):
    """One connection for one watch, since a blocking query occupies its connection."""

    __slots__ = ("_consul", "_exchange", "_give_up", "_loop", "_previous", "_shared", "watch")

    def __init__(self, shared: LinkContext, watch: Watch) -> None:
        self.watch = watch
        self._shared = shared
        self._loop = shared.loop
        self._consul = shared.consul
        self._exchange = shared.consul.exchange()
        self._previous = PreviousList(shared.consul.budget, watch.upstream.name)
        self._give_up: Callable[[], None] = lambda: None
        shared.links.append(self)

    def wake_at(self, now: float) -> float:
        if self._exchange.is_busy:
            return self._exchange.wake_at()
        due = self.watch.due(now)
        return due if due > now or self._shared.slots.is_free_for(self.watch.upstream.label, now) else NEVER

    def wake(self, now: float) -> None:
        if self._exchange.is_busy:
            self._exchange.expire(now)
            return
        self._shared.slots.take(self.watch.upstream.label)
        self._exchange = self._shared.take(self._exchange)
        query = self.watch.query(now, self._shared.slots.longest_wait)
        if query.is_catalog:
            self._ask_catalog(query)
        else:
            self._ask_instances(query)

    def reconsider(self) -> None:
        """What is known of the agent's rights has changed."""
        before = self.watch.state
        self.watch.reconsider(self._loop.now())
        self._say_change(before)

    def interrupt(self) -> None:
        """Give up a query that blocks; the next one asks for the same index."""
        self._exchange.close()
        self._give_up()
        self._shared.slots.give_back(self.watch.upstream.label)

    def _give_way(self) -> None:
        """An answer under way takes more room than any other, and a smaller one has none."""
        before = self.watch.state
        self._exchange.close()
        self._give_up()
        self._failed(None, GIVEN_WAY)
        self._ended(None, before)

    def _ask_instances(self, query: Query) -> None:
        instances = Instances(self._consul.budget, self._previous, self._give_way)
        self._give_up = instances.release

        def done(reader: ResponseReader | None, reason: str) -> None:
            before = self.watch.state
            if reader is not None and reader.status == OK:
                self._listed(reader, instances)
            else:
                instances.release()
                self._failed(reader, reason or instances.words)
            self._ended(reader, before)

        request = self._consul.request(health_path(self.watch.upstream, query))
        self._exchange.ask(Ask(request, instances.feed, query.deadline, done))

    def _ask_catalog(self, query: Query) -> None:
        names = Names(self._consul.budget)
        self._give_up = names.release

        def done(reader: ResponseReader | None, reason: str) -> None:
            if reader is not None and reader.status == OK:
                knows_others = names.include_other(*INFRASTRUCTURE, self.watch.upstream.name)
                self.watch.witnessed(self._loop.now(), knows_others=knows_others)
            else:
                names.release()
                self._failed(reader, reason)
            self._ended(reader, self.watch.state)

        request = self._consul.request(catalog_path(self.watch.upstream))
        self._exchange.ask(Ask(request, names.feed, query.deadline, done))

    def _listed(self, reader: ResponseReader, instances: Instances) -> None:
        """Nothing of a list is used before all of it was there."""
        try:
            instances.finish()
        except MalformedError as problem:
            self.watch.failed(str(problem), self._loop.now())
            return
        self.watch.skipped = len(instances.skipped)
        self._tell_foreign(instances.foreign)
        self.watch.answered(reader.headers, instances.found, self._loop.now())

    def _tell_foreign(self, found: list[Foreign]) -> None:
        """Once: they stay as long as the other service does."""
        names = sorted(set(found))
        if names and names != sorted(set(self.watch.foreign)):
            label = self.watch.upstream.label
            self._shared.say(f"{label}: instances of {named(names)} are left out: Consul's names ignore case")
        self.watch.foreign = found

    def _ended(self, reader: ResponseReader | None, before: str) -> None:
        """After every query: the slot is free again, and what has changed is said."""
        slots, after = self._shared.slots, self.watch.state
        slots.give_back(self.watch.upstream.label)
        was_hung_up_on = self._exchange.was_hung_up_on
        self._exchange = self._shared.give_back(self._exchange)
        self._say_change(before)
        if was_hung_up_on or (reader is not None and reader.status == TOO_MANY):
            self._shared.refused()
        elif before == FAILING and after != FAILING:
            self._shared.recovered()

    def _say_change(self, before: str) -> None:
        if self.watch.state != before:
            self._shared.say(f"{self.watch.upstream.label}: {self.watch.state} {self.watch.reason}".rstrip())

    def _failed(self, reader: ResponseReader | None, words: str) -> None:
        if reader is None:
            self.watch.failed(words, self._loop.now())
        else:
            self.watch.refused(reader.status, words, self._loop.now())
