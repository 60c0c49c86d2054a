"""All that one registry knows, in one place, and the moment at which a write becomes known to those who wait."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from outrider_embedded.registry.bodies import Bodies
from outrider_embedded.registry.catalog import Catalog
from outrider_embedded.registry.check import PASSING, Check
from outrider_embedded.registry.indexes import Indexes
from outrider_embedded.registry.instance import Instance
from outrider_embedded.registry.key_values import KeyValues
from outrider_embedded.registry.local import LocalAgent
from outrider_embedded.registry.node import this_node
from outrider_embedded.registry.waiting import Watches

_LOOPBACK = "127.0.0.1"
_SERVER_PORT = 8300


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this registry says it is."""

    node: str
    datacenter: str
    node_id: str
    address: str = _LOOPBACK

    @property
    def server(self) -> str:
        """The server's own address, as /v1/status/leader names it; nothing listens there."""
        return f"{self.address}:{_SERVER_PORT}"


class Registry:
    """The catalog, this machine's agent, the keys, and the queries that are held."""

    def __init__(self, identity: Identity, now: Callable[[], float] = time.monotonic) -> None:
        self.identity = identity
        self.indexes = Indexes()
        self.catalog = Catalog(identity.datacenter, self.indexes)
        self.keys = KeyValues(self.indexes)
        self.watches = Watches()
        self.bodies = Bodies()
        node = this_node(identity.node, identity.node_id, identity.address)
        self.agent = LocalAgent(self.catalog, node, now)
        self._listeners: list[Callable[[], None]] = []
        self._register_itself()

    def call_after_writes(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called after each write (the probes compare their checks then)."""
        self._listeners.append(listener)

    def publish(self) -> None:
        """End a write: wake who waits for what it changed."""
        self.watches.wake(self.indexes.take_touched())
        for listener in self._listeners:
            listener()

    def publish_if_written(self) -> None:
        """End a write that may have been none."""
        if self.indexes.has_touched():
            self.publish()

    def _register_itself(self) -> None:
        node = this_node(self.identity.node, self.identity.node_id, self.identity.address)
        self.indexes.advance()
        self.catalog.put_node(node)
        health = Check(node.name, "serfHealth", "Serf Health Status", PASSING, output="Agent alive and reachable")
        self.catalog.put_check(health)
        self.indexes.advance()
        self.catalog.put_instance(node.name, Instance("consul", "consul", port=_SERVER_PORT))
        self.indexes.take_touched()


def identity(node: str, datacenter: str = "dc1", address: str = _LOOPBACK) -> Identity:
    """An identity whose node id follows from its names, so that a restart is the same node."""
    return Identity(node, datacenter, str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{node}.{datacenter}")), address)
