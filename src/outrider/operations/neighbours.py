"""The declared graph around a service that is to be deployed: the newest versions, and itself as it will be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider.topology.graph import Graph, edges_of, stored_edges

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.topology.sidecar import Topology


async def declared_around(environment: Environment, service: Topology) -> Graph:
    """Every edge of the environment, with those of the service as the topology has them."""
    store, here = environment.store, environment.name
    upstreams, protocols = await asyncio.gather(store.upstreams(here), store.protocols(here))
    known = {**protocols, service.service: service.protocol}
    others = [
        edge
        for caller, written in upstreams.items()
        if caller != service.service
        for edge in stored_edges(caller, written, environment.platform.environments[here], known)
    ]
    return Graph((*edges_of(service), *others))
