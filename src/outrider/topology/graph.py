"""The declared graph of services: who calls whom, how long that may take, and where the deadlines contradict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from outrider.topology.sidecar import Topology, Upstream


@dataclass(frozen=True, slots=True)
class DeclaredEdge:
    """A service's right to call another; ``timeout_ms`` is None where there is no total."""

    caller: str
    callee: str
    protocol: str
    timeout_ms: int | None
    tries: int
    outside: bool


@dataclass(frozen=True, slots=True)
class Inversion:
    """A caller that gives up while the service it calls still waits for one of its own upstreams."""

    outer: DeclaredEdge
    inner: DeclaredEdge


@dataclass(frozen=True, slots=True)
class Graph:
    """The declared edges of one environment, sorted by caller and callee."""

    edges: tuple[DeclaredEdge, ...]

    def calls(self, service: str) -> tuple[DeclaredEdge, ...]:
        """What the service may call."""
        return tuple(edge for edge in self.edges if edge.caller == service)

    def cycle(self) -> tuple[str, ...]:
        """Services that call each other in a ring, first one repeated at the end; empty where there is none."""
        callers: dict[str, set[str]] = {}
        for edge in self.edges:
            callers.setdefault(edge.callee, set()).add(edge.caller)
        try:
            TopologicalSorter(callers).prepare()
        except CycleError as error:
            return tuple(error.args[1])
        return ()

    def inversions(self) -> tuple[Inversion, ...]:
        """Every pair of edges in a row whose second one may wait longer than the first one does."""
        return tuple(
            Inversion(outer, inner)
            for outer in self.edges
            for inner in self.calls(outer.callee)
            if _inverted(outer, inner)
        )


def graph(topologies: Iterable[Topology]) -> Graph:
    """The declared graph of the given services."""
    edges = [_edge(item.service, upstream) for item in topologies for upstream in item.upstreams]
    return Graph(tuple(sorted(edges, key=lambda edge: (edge.caller, edge.callee))))


def _edge(caller: str, upstream: Upstream) -> DeclaredEdge:
    return DeclaredEdge(
        caller=caller,
        callee=upstream.name,
        protocol=upstream.protocol,
        timeout_ms=upstream.timeout_ms,
        tries=1 + upstream.retries,
        outside=upstream.outside is not None,
    )


def _inverted(outer: DeclaredEdge, inner: DeclaredEdge) -> bool:
    if outer.timeout_ms is None:
        return False
    return inner.timeout_ms is None or inner.timeout_ms > outer.timeout_ms
