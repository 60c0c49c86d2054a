"""Who calls whom: the edges that specs declare, with what was measured on them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider.nomad.read.job import Spoken
from outrider.operations.answers.graph import TrafficEdge, TrafficGraph
from outrider.operations.ports import Sidecar
from outrider.operations.registered import Registered, declared

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.environment_view import EnvironmentView
    from outrider.operations.observe.observation import Observation
    from outrider.telemetry.traffic import Edge


MOST_NAMED = 3


async def graph(view: EnvironmentView, window_s: float) -> TrafficGraph:
    """Measure for ``window_s`` seconds, and put it beside what the versions that are registered declare."""
    environment, observation = view.environment, await view.seen()
    sidecars, untrusted = _sidecars(observation)
    known, measured = await asyncio.gather(
        _known(environment, observation), environment.traffic.edges(sidecars, window_s)
    )
    named = _declared(known)
    found = {(edge.source, edge.target): edge for edge in measured.edges}
    edges = [_edge(pair, named, found.get(pair)) for pair in sorted(named.keys() | found.keys())]
    said = (observation.problem, _problem((*untrusted, *measured.left_out)), *known.problems)
    return TrafficGraph(environment.name, window_s, tuple(edges), "; ".join(filter(None, said)) or None)


def _sidecars(observation: Observation) -> tuple[tuple[Sidecar, ...], tuple[str, ...]]:
    """Those that Consul knows of, and what is said of those that are not asked."""
    found = observation.registered()
    asked = tuple(Sidecar(service, one.metrics) for service, one in found if one.metrics)
    return asked, tuple(f"{service} {one.untrusted}" for service, one in found if one.untrusted)


def _problem(left_out: tuple[str, ...]) -> str | None:
    """One sentence alone, or how many there are and the first of them."""
    if len(left_out) < 2:  # noqa: PLR2004
        return "".join(left_out) or None
    more = f"; and {len(left_out) - MOST_NAMED} more" if len(left_out) > MOST_NAMED else ""
    return f"{len(left_out)} sidecars do not count: {'; '.join(left_out[:MOST_NAMED])}{more}"


async def _known(environment: Environment, observation: Observation) -> Registered:
    jobs = observation.scheduled.jobs.values() if observation.scheduled else ()
    ours = [job for job in jobs if job.environment == environment.name]
    return await declared(
        environment, {job.id: Spoken(job.now.hash, job.spoken or "", job.now.is_live) for job in ours}
    )


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
