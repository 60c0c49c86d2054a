"""The agent put together: settings in; a loop with watches, polls, snapshot and server out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from outrider_agent import reports, snapshot
from outrider_agent.channel import Channel
from outrider_agent.clocks import Confirmation, PollClock, TokenClock, is_believed
from outrider_agent.connection_slots import ConnectionSlots
from outrider_agent.consul import Consul
from outrider_agent.discovery import PATH, Answer, Question, UnreadableError, question, whole_question
from outrider_agent.documents import Json, rendered
from outrider_agent.endpoints import Endpoints
from outrider_agent.envoy_admin import Clusters
from outrider_agent.envoy_view import EnvoyView
from outrider_agent.exchange import Exchange
from outrider_agent.link import Link, LinkContext
from outrider_agent.loop import Loop
from outrider_agent.memory_budget import budget_of
from outrider_agent.own_link import OwnLink
from outrider_agent.polls import Poll, Polls, Reply, hold_of
from outrider_agent.requests import Request
from outrider_agent.resolver import Resolver
from outrider_agent.rights import Rights
from outrider_agent.rights_link import RightsLink
from outrider_agent.rules import Limits
from outrider_agent.server import TEXT, Connection, Server, most_connections
from outrider_agent.settings import Settings
from outrider_agent.snapshot_writer import Writer
from outrider_agent.spare_name import SpareName
from outrider_agent.states import SNAPSHOT
from outrider_agent.watch import Watch

Say = Callable[[str], None]
Channels = Callable[[Loop], Callable[[], Channel]]  # of one loop: what makes a connection's channel

METRICS = "text/plain; version=0.0.4; charset=utf-8"


def jitter() -> float:
    """From 0 up to 1; ``random`` would cost 0.4 MB."""
    return int.from_bytes(os.urandom(4), "big") / (1 << 32)


class Agent:
    """One agent for one Envoy; ``serve`` returns after a signal."""

    def __init__(self, settings: Settings, limits: Limits, channels: Channels, say: Say) -> None:
        self.loop = Loop()
        self._say = say
        self._polls = Polls([one.label for one in settings.upstreams])
        own = settings.service_id if settings.service else ""
        rights = Rights(own, settings.consul.credentials)
        self._watches = [Watch(one, limits, jitter, self._changed, rights) for one in settings.upstreams]
        self._writer = (
            Writer(self.loop, settings.snapshot, self._known, say, memories=self._memories)
            if settings.snapshot
            else None
        )
        self._restore(settings.snapshot)
        consul = Consul(self.loop, settings.consul, channels(self.loop), budget_of(settings.memory))
        admin = settings.envoy_admin
        self._envoy = EnvoyView(self.loop, Exchange(self.loop, Resolver(self.loop, admin)) if admin else None)
        links = len(self._watches)
        most = most_connections(links, min(links, settings.connections), os.sysconf("SC_OPEN_MAX"))
        self._server = Server(self.loop, settings.listen, self._handle, self._polls.forget, say, most=most)
        self._slots = ConnectionSlots(links, settings.connections)
        shared = LinkContext(self.loop, consul, self._slots, say)
        self.loop.actors += [Link(shared, one) for one in self._watches]
        self.loop.actors += [PollClock(self._polls, give), Confirmation(self._polls, self._watches, self._publish)]
        self.loop.actors += [TokenClock(consul, self._watches, rights), self._envoy, self._server, self._server.own]
        self.loop.actors.append(RightsLink(shared, rights, settings.service, own))
        self.loop.actors += [self._writer] if self._writer else []
        self.loop.actors += [SpareName(self.loop, admin.path, say)] if admin and admin.path else []
        if admin and settings.service_id:
            told = Exchange(self.loop, Resolver(self.loop, admin))
            self.loop.actors.append(OwnLink(self.loop, consul, told, settings.service_id, say))

    def serve(self) -> None:
        self.loop.stop_on_signals()
        self.loop.run()
        self.close()

    def close(self) -> None:
        """A clean end: polls are answered "not modified", the snapshot is complete, the socket is gone."""
        give(self._polls.ended())
        if self._writer:
            self._writer.finish()
        self._server.close()
        self.loop.close()

    def _restore(self, path: str) -> None:
        """Start with what a predecessor left for the upstreams that are still asked for."""
        known, memories = snapshot.found(path, self._say, self.loop.now()) if path else snapshot.NOTHING
        for watch in self._watches:
            if watch.upstream.label in known:
                label = watch.upstream.label
                watch.restore(known[label], self.loop.now(), memories.get(label))
                self._publish(watch)

    def _known(self) -> dict[str, Endpoints]:
        return {one.upstream.label: one.endpoints for one in self._watches if one.endpoints is not None}

    def _memories(self) -> Json:
        known = {one.upstream.label: one.belief.handover for one in self._watches if one.endpoints is not None}
        return snapshot.remembered(known, self.loop.now())

    def _changed(self, watch: Watch) -> None:
        """Envoy first, the disk after."""
        self._publish(watch)
        if self._writer:
            self._writer.changed(self.loop.now())

    def _publish(self, watch: Watch) -> None:
        answer = Answer(watch.upstream.label, watch.endpoints or ())
        take = self._polls.publish if is_believed(watch) or not self._is_restored(watch) else self._polls.restore
        give(take(watch.upstream.label, answer, self.loop.now()))

    def _is_restored(self, watch: Watch) -> bool:
        """Whether what it has comes from a snapshot, and Consul has not been believed since."""
        return watch.state == SNAPSHOT or watch.upstream.label in self._polls.restored

    def _handle(self, request: Request, connection: Connection) -> None:
        route = (request.method, request.path)
        if route == ("POST", PATH):
            self._poll(request, connection)
        elif route == ("GET", "/health"):
            is_ready, document = reports.health(self._watches)
            connection.respond(200 if is_ready else 503, page(document))
        elif route == ("GET", "/metrics"):
            connection.respond(200, self._metrics(), METRICS)
        elif route == ("GET", "/endpoints"):
            self._envoy.ask(lambda clusters: connection.respond(200, self._endpoints(clusters)))
        else:
            connection.respond(404, b"POST /v3/discovery:endpoints, GET /health, /metrics or /endpoints\n", TEXT)

    def _poll(self, request: Request, connection: Connection) -> None:
        try:
            asked = self._question(request)
        except UnreadableError as problem:
            connection.reader.keeps_bodies = True  # the ends did not show it: the next body is read whole
            connection.respond(400 if request.body else 503, f"{problem}\n".encode(), TEXT)
            return
        hold = hold_of(request.headers.get("x-envoy-expected-rq-timeout-ms", ""))
        reply = self._polls.asked(Poll(connection, asked, connection.opened_at, hold), self.loop.now())
        give([*([reply] if reply else []), *self._polls.overtaken()])

    def _question(self, request: Request) -> Question:
        try:
            return question(request.head, request.tail)
        except UnreadableError:
            return whole_question(request.body or b"")

    def _endpoints(self, clusters: Clusters) -> bytes:
        view = {one.upstream.label: clusters.of(one.upstream.label) for one in self._watches}
        return page(reports.endpoints(self._watches, self._polls, view, self.loop.now()))

    def _metrics(self) -> bytes:
        process = {
            "cpu_seconds": time.process_time(),
            "connections": self._server.connections,
            "connections_refused": self._server.refused,
            "connection_limit": self._slots.limit or len(self._watches),
            "snapshot_failures": self._writer.failures if self._writer else 0,
        }
        return reports.metrics(self._watches, self._polls, process, self.loop.now())


def page(document: Json) -> bytes:
    return rendered(document).encode() + b"\n"


def give(replies: list[Reply]) -> None:
    """Answer polls; whoever asked is a connection."""
    for reply in replies:
        if isinstance(reply.poll.caller, Connection):
            reply.poll.caller.respond(reply.status, reply.body)
