"""The link of one watch: carries its queries to Consul and the answers back."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent.consul import INFRASTRUCTURE, Consul, Instances, Names, catalog_path, health_path
from outrider_agent.entries import MalformedError
from outrider_agent.exchange import Ask
from outrider_agent.loop import Actor, Loop
from outrider_agent.responses import ResponseReader
from outrider_agent.rules import OK
from outrider_agent.watch import FAILING, Query, Watch


class Link(Actor):
    """One connection for one watch, since a blocking query occupies its connection; ``back`` is called at recovery."""

    def __init__(
        self, loop: Loop, consul: Consul, watch: Watch, back: Callable[[], None], say: Callable[[str], None]
    ) -> None:
        self.watch = watch
        self._loop = loop
        self._consul = consul
        self._exchange = consul.exchange()
        self._back = back
        self._say = say

    def wake_at(self, now: float) -> float:
        return self._exchange.wake_at() if self._exchange.is_busy else self.watch.due(now)

    def wake(self, now: float) -> None:
        if self._exchange.is_busy:
            self._exchange.expire(now)
            return
        query = self.watch.query(now)
        if query.is_catalog:
            self._ask_catalog(query)
        else:
            self._ask_instances(query)

    def _ask_instances(self, query: Query) -> None:
        instances = Instances(self._consul.room)

        def done(reader: ResponseReader | None, reason: str) -> None:
            before = self.watch.state
            if reader is not None and reader.status == OK:
                self._listed(reader, instances)
            else:
                instances.release()
                self._failed(reader, reason or instances.words)
            self._report(before)

        request = self._consul.request(health_path(self.watch.upstream, query))
        self._exchange.ask(Ask(request, instances.feed, query.deadline, done))

    def _ask_catalog(self, query: Query) -> None:
        names = Names(self._consul.room)

        def done(reader: ResponseReader | None, reason: str) -> None:
            if reader is not None and reader.status == OK:
                knows_others = names.include_other(*INFRASTRUCTURE, self.watch.upstream.name)
                self.watch.witnessed(self._loop.now(), knows_others=knows_others)
            else:
                names.release()
                self._failed(reader, reason)

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
        self.watch.answered(reader.headers, instances.found, self._loop.now())

    def _report(self, before: str) -> None:
        after = self.watch.state
        if after != before:
            self._say(f"{self.watch.upstream.label}: {after} {self.watch.reason}".rstrip())
        if before == FAILING and after != FAILING:
            self._back()

    def _failed(self, reader: ResponseReader | None, words: str) -> None:
        if reader is None:
            self.watch.failed(words, self._loop.now())
        else:
            self.watch.refused(reader.status, words, self._loop.now())
