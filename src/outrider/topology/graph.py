"""The declared graph of services: who calls whom, how long that may take, and where the deadlines contradict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from math import prod
from typing import cast

from outrider.spec.knobs import KNOBS
from outrider.spec.platform import Environment
from outrider.spec.protocol import Protocol
from outrider.spec.upstream import Upstream as Written
from outrider.topology.knobs import deadline, repetitions, worst_load
from outrider.topology.sidecar import Upstream
from outrider.topology.topology import Topology


@dataclass(frozen=True, slots=True)
class DeclaredEdge:
    """A service's right to call another; ``timeout_ms`` is None where there is no total."""

    caller: str
    callee: str
    protocol: str
    timeout_ms: int | None
    tries: int
    outside: bool

    @property
    def load(self) -> int:
        """How many requests at the callee's app one request may become: only http is repeated once it was seen."""
        return worst_load(self.protocol, self.tries)


@dataclass(frozen=True, slots=True)
class Inversion:
    """A caller that gives up while the service it calls still waits for one of its own upstreams."""

    outer: DeclaredEdge
    inner: DeclaredEdge


@dataclass(frozen=True, slots=True)
class Way:
    """Calls in a row: one request at its beginning may become ``load`` at its end, while every try fails."""

    edges: tuple[DeclaredEdge, ...]

    @property
    def load(self) -> int:
        """The product of what each call makes of a request."""
        return prod(edge.load for edge in self.edges)

    @property
    def is_multiplied(self) -> bool:
        """Whether more than one call on the way is repeated."""
        return sum(edge.load > 1 for edge in self.edges) > 1


@dataclass(frozen=True, slots=True)
class Graph:
    """The declared edges of one environment, sorted by caller and callee."""

    edges: tuple[DeclaredEdge, ...]

    def cycle(self) -> tuple[str, ...]:
        """Services that call each other in a ring, first one repeated at the end; empty where there is none."""
        try:
            self._callers_first()
        except CycleError as error:
            return tuple(error.args[1])
        return ()

    def ways(self, service: str) -> tuple[Way, ...]:
        """To each service behind this one, the way on which retries multiply most. None where services call in a ring.

        Each app is taken to call each of its upstreams once per request.
        """
        if self.cycle():
            return ()
        found, calls = {service: Way(())}, self._by_caller()
        for caller in self._callers_first():
            for edge in calls.get(caller, ()) if caller in found else ():
                further = Way((*found[caller].edges, edge))
                found[edge.callee] = max(found.get(edge.callee, further), further, key=lambda way: way.load)
        return tuple(way for name, way in sorted(found.items()) if name != service)

    def _callers_first(self) -> tuple[str, ...]:
        callers: dict[str, set[str]] = {}
        for edge in self.edges:
            callers.setdefault(edge.callee, set()).add(edge.caller)
        return tuple(TopologicalSorter(callers).static_order())

    def inversions(self, service: str) -> tuple[Inversion, ...]:
        """Every pair of edges in a row, from the service or through it, whose second one may wait longer than the first."""
        calls = self._by_caller()
        return tuple(
            Inversion(outer, inner)
            for outer in self.edges
            if service in {outer.caller, outer.callee}
            for inner in calls.get(outer.callee, ())
            if _inverted(outer, inner)
        )

    def _by_caller(self) -> dict[str, list[DeclaredEdge]]:
        found: dict[str, list[DeclaredEdge]] = {}
        for edge in self.edges:
            found.setdefault(edge.caller, []).append(edge)
        return found


def graph(topologies: Iterable[Topology]) -> Graph:
    """The declared graph of the given services."""
    edges = [edge for item in topologies for edge in edges_of(item)]
    return Graph(tuple(sorted(edges, key=lambda edge: (edge.caller, edge.callee))))


def edges_of(topology: Topology) -> tuple[DeclaredEdge, ...]:
    """The edges of one service."""
    return tuple(_edge(topology.service, each) for each in topology.upstreams)


def stored_edges(
    caller: str, upstreams: Mapping[str, Written], platform: Environment, protocols: Mapping[str, str]
) -> Iterator[DeclaredEdge]:
    """The edges of a service of which only the stored spec is kept; without those whose protocol nobody knows.

    Nothing but the edge is made of each: a plan looks at those of all services that are behind its own.
    """
    for name, written in upstreams.items():
        speaks = written.protocol or ("http" if written.address else protocols.get(name))
        if speaks in KNOBS:
            protocol = cast("Protocol", speaks)
            timeout, tries = deadline(written, protocol, platform), 1 + repetitions(written, protocol, platform)
            yield DeclaredEdge(caller, name, protocol, timeout, tries, written.address is not None)


def _edge(caller: str, called: Upstream) -> DeclaredEdge:
    return DeclaredEdge(
        caller=caller,
        callee=called.name,
        protocol=called.protocol,
        timeout_ms=called.timeout_ms,
        tries=1 + called.retries,
        outside=called.outside is not None,
    )


def _inverted(outer: DeclaredEdge, inner: DeclaredEdge) -> bool:
    if outer.timeout_ms is None:
        return False
    # Nothing can be set against a tcp upstream, which has no timeout at all.
    return inner.protocol != "tcp" and (inner.timeout_ms is None or inner.timeout_ms > outer.timeout_ms)
