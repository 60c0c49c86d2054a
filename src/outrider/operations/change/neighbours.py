"""The declared graph around a service that is to be deployed: what is registered, and itself as it will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.topology.graph import Graph, edges_of, stored_edges

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outrider.operations.registered import Registered
    from outrider.topology.topology import Topology


def declared_around(known_services: Registered, service: Topology) -> Graph:
    """The edges towards the service, those that it will have, and all behind them: what its deadlines can meet."""
    known = {**known_services.protocols, service.service: service.protocol}
    stored = {caller: written for caller, written in known_services.upstreams.items() if caller != service.service}
    callers = {*known_services.callers(service.service)}
    others = [
        edge
        for caller in sorted(callers | behind(stored, (upstream.name for upstream in service.upstreams)))
        for edge in stored_edges(caller, stored.get(caller, {}), service.platform, known)
    ]
    return Graph((*edges_of(service), *others))


def behind(upstreams: Mapping[str, Mapping[str, object]], first: Iterable[str]) -> set[str]:
    """The first ones and every service that they call, directly or not."""
    found: set[str] = set()
    due = set(first)
    while due:
        found |= due
        due = {callee for caller in due for callee in upstreams.get(caller, {})} - found
    return found
