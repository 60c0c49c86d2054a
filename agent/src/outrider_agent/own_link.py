"""The link of the own instance: asks the local Consul agent about it, and tells Envoy what follows."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent import envoy_admin
from outrider_agent.consul import Consul, Names, own_path, own_services_path
from outrider_agent.exchange import Ask, Exchange
from outrider_agent.loop import Actor, Loop
from outrider_agent.own_instance import OK_STATUS, Look, OwnInstance, Told
from outrider_agent.responses import ResponseReader

ADMIN_DEADLINE = 2.0  # seconds


class OwnLink(Actor):
    """Two connections: one to Consul for the question, one to Envoy's admin socket for the consequence."""

    def __init__(
        self, loop: Loop, consul: Consul, admin: Exchange, service_id: str, say: Callable[[str], None]
    ) -> None:
        self.instance = OwnInstance()
        self.told = Told()
        self._loop = loop
        self._consul = consul
        self._exchange = consul.exchange()
        self._admin = admin
        self._service_id = service_id
        self._say = say
        self._complaint = ""

    def wake_at(self, now: float) -> float:
        asks = self._exchange.wake_at() if self._exchange.is_busy else self.instance.due(now)
        tells = self._admin.wake_at() if self._admin.is_busy else self.told.due(self.instance.wanted)
        return min(asks, tells)

    def wake(self, now: float) -> None:
        self._exchange.expire(now)
        self._admin.expire(now)
        if not self._exchange.is_busy and self.instance.due(now) <= now:
            self._look(self.instance.look(now))
        if not self._admin.is_busy and self.told.due(self.instance.wanted) <= now:
            self._tell(self.instance.wanted, now)

    def _look(self, look: Look) -> None:
        if look.is_for_all:
            names = Names(self._consul.budget)
            self._exchange.ask(
                Ask(self._consul.request(own_services_path()), names.feed, look.deadline, self._others(names))
            )
        else:
            path = own_path(self._service_id, look.content)
            self._exchange.ask(Ask(self._consul.request(path), ignore, look.deadline, self._seen))

    def _seen(self, reader: ResponseReader | None, _reason: str) -> None:
        if reader is None:
            self.instance.unclear(self._loop.now())
        else:
            content = reader.headers.get("x-consul-contenthash", "")
            self.instance.seen(reader.status, content, self._loop.now())

    def _others(self, names: Names) -> Callable[[ResponseReader | None, str], None]:
        def done(reader: ResponseReader | None, _reason: str) -> None:
            if reader is None or reader.status != OK_STATUS:
                names.release()
                self.instance.unclear(self._loop.now())
            else:
                self.instance.others(self._loop.now(), are_known=names.include_other(self._service_id))

        return done

    def _complain(self, words: str) -> None:
        """Once: an Envoy that is only starting would fill the log."""
        if words != self._complaint:
            self._complaint = words
            self._say(f"own instance {self._service_id}: {words}")

    def _tell(self, health: str, now: float) -> None:
        def done(reader: ResponseReader | None, reason: str) -> None:
            if reader is not None and reader.status == OK_STATUS:
                self.told.confirmed(health)
                self._complaint = ""
                self._say(f"own instance {self._service_id}: told Envoy /healthcheck/{health}")
            else:
                self.told.failed(self._loop.now())
                self._complain(f"Envoy did not take /healthcheck/{health} {reason}".rstrip())

        self._admin.ask(Ask(envoy_admin.request("POST", f"/healthcheck/{health}"), ignore, now + ADMIN_DEADLINE, done))


def ignore(_status: int, _data: bytes) -> None:
    """For answers whose status says it all."""
