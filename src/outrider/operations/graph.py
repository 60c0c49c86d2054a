"""Who calls whom: the edges that specs declare, with what was measured on them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.errors import RemoteError
from outrider.operations.registered import registered

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.telemetry.traffic import Edge


@dataclass(frozen=True, slots=True)
class TrafficEdge:
    """A call that is declared, or was measured, or both; the figures are None where nothing was measured."""

    source: str
    target: str
    protocol: str | None
    declared: bool
    requests_per_second: float | None = None
    error_share: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class TrafficGraph:
    """All edges of an environment, by source and target; ``problem`` says why nothing could be measured."""

    environment: str
    window_s: float
    edges: tuple[TrafficEdge, ...]
    problem: str | None = None


async def graph(environment: Environment, window_s: float) -> TrafficGraph:
    """Measure for ``window_s`` seconds, and put it beside what the versions that are registered declare."""
    declared, measured = await asyncio.gather(
        _declared(environment), environment.traffic.edges(window_s), return_exceptions=True
    )
    if isinstance(declared, BaseException):
        raise declared
    problem: str | None = None
    if isinstance(measured, RemoteError):
        measured, problem = (), measured.message
    if isinstance(measured, BaseException):
        raise measured
    found = {(edge.source, edge.target): edge for edge in measured}
    edges = [_edge(pair, declared, found.get(pair)) for pair in sorted(declared.keys() | found.keys())]
    return TrafficGraph(environment.name, window_s, tuple(edges), problem)


async def _declared(environment: Environment) -> dict[tuple[str, str], str | None]:
    """Caller and callee with the callee's protocol."""
    known = await registered(environment)
    return {
        (caller, callee): knobs.get("protocol") or known.protocols.get(callee)
        for caller, written in known.upstreams.items()
        for callee, knobs in written.items()
    }


def _edge(pair: tuple[str, str], declared: dict[tuple[str, str], str | None], measured: Edge | None) -> TrafficEdge:
    source, target = pair
    edge = TrafficEdge(source, target, declared.get(pair), pair in declared)
    if measured is None:
        return edge
    return TrafficEdge(
        source,
        target,
        edge.protocol,
        edge.declared,
        measured.requests_per_second,
        measured.error_share,
        measured.p50_ms,
        measured.p99_ms,
    )
