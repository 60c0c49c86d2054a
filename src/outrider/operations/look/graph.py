"""Who calls whom: the edges that specs declare, with what was measured on them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.operations.answers.graph import TrafficEdge, TrafficGraph
from outrider.operations.ports import Measured
from outrider.operations.registered import Registered, registered

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.telemetry.traffic import Edge


MOST_NAMED = 3


async def graph(environment: Environment, window_s: float) -> TrafficGraph:
    """Measure for ``window_s`` seconds, and put it beside what the versions that are registered declare."""
    known, measured = await asyncio.gather(
        registered(environment), environment.traffic.edges(window_s), return_exceptions=True
    )
    if isinstance(known, BaseException):
        raise known
    if isinstance(measured, RemoteError):
        measured = Measured((), (measured.message,))
    elif isinstance(measured, BaseException):
        raise measured
    declared = _declared(known)
    found = {(edge.source, edge.target): edge for edge in measured.edges}
    edges = [_edge(pair, declared, found.get(pair)) for pair in sorted(declared.keys() | found.keys())]
    problem = "; ".join(one for one in (_problem(measured.left_out), *known.problems) if one) or None
    return TrafficGraph(environment.name, window_s, tuple(edges), problem)


def _problem(left_out: tuple[str, ...]) -> str | None:
    """One sentence alone, or how many there are and the first of them."""
    if len(left_out) < 2:  # noqa: PLR2004
        return "".join(left_out) or None
    more = f"; and {len(left_out) - MOST_NAMED} more" if len(left_out) > MOST_NAMED else ""
    return f"{len(left_out)} sidecars do not count: {'; '.join(left_out[:MOST_NAMED])}{more}"


def _declared(known: Registered) -> dict[tuple[str, str], str | None]:
    """Caller and callee with the callee's protocol."""
    return {
        (caller, callee): knobs.protocol or known.protocols.get(callee)
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
