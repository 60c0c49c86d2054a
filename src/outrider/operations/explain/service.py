"""A service in words: what its settings mean for whom, and where they contradict those of its neighbours. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from outrider.envoy.overload import most_connections
from outrider.operations.explain.sentences import Saying, of_ingress, of_upstream, worst_wait_ms
from outrider.spec.values import duration
from outrider.topology.graph import DeclaredEdge, Graph, Inversion, graph
from outrider.topology.knobs import worst_load
from outrider.topology.remarks import remarks
from outrider.topology.sidecar import Upstream
from outrider.topology.topology import Topology


@dataclass(frozen=True, slots=True)
class UpstreamInWords:
    """An upstream with its settings after defaults (milliseconds), its worst cases, and what they mean.

    ``is_assumed`` says that nobody told what it speaks. ``worst_wait_ms`` is None where nothing bounds it.
    """

    name: str
    protocol: str
    is_assumed: bool
    address: str | None
    timeout_ms: int | None
    try_timeout_ms: int | None
    retries: int
    limit: int | None
    worst_wait_ms: int | None
    worst_load: int
    sayings: tuple[Saying, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One service in one environment; ``warnings`` are what whoever wrote the spec may not expect."""

    service: str
    environment: str
    count: int | None
    upstreams: tuple[UpstreamInWords, ...]
    ingress: tuple[Saying, ...]
    patches: tuple[str, ...]
    warnings: tuple[str, ...]


def explanation(service: Topology, declared: Graph, assumed: Collection[str] = ()) -> Explanation:
    """The service in words; ``declared`` is the graph of it and its neighbours, as far as they are known.

    ``assumed`` names the upstreams whose protocol is a guess.
    """
    return Explanation(
        service=service.service,
        environment=service.environment,
        count=service.count,
        upstreams=tuple(_in_words(upstream, service, upstream.name in assumed) for upstream in service.upstreams),
        ingress=of_ingress(service),
        patches=tuple(chosen.name for chosen in service.sidecar.patches) if service.sidecar else (),
        warnings=(
            *contradictions(declared, service.service),
            *multiplied(declared, service.service),
            *_crowded(service),
            *remarks(service),
        ),
    )


def _in_words(upstream: Upstream, service: Topology, is_assumed: bool) -> UpstreamInWords:  # noqa: FBT001 - a fact
    outside = upstream.outside
    return UpstreamInWords(
        name=upstream.name,
        protocol=upstream.protocol,
        is_assumed=is_assumed,
        address=outside.address if outside else None,
        timeout_ms=upstream.timeout_ms,
        try_timeout_ms=upstream.try_timeout_ms,
        retries=upstream.retries,
        limit=upstream.limit,
        worst_wait_ms=worst_wait_ms(upstream),
        worst_load=worst_load(upstream.protocol, 1 + upstream.retries),
        sayings=of_upstream(upstream, service),
    )


def surprises(services: Sequence[Topology]) -> Iterator[str]:
    """What is warned of in services that are deployed together; what two of them share comes from each."""
    declared = graph(services)
    for service in services:
        yield from (f"{service.service}: {line}" for line in (*_crowded(service), *remarks(service)))
        yield from contradictions(declared, service.service)


def contradictions(declared: Graph, service: str) -> Iterator[str]:
    """A line for each deadline and ring that the service has a part in."""
    ring = declared.cycle()
    if service in ring:
        yield f"services call each other in a ring: {' -> '.join(ring)}"
    yield from map(inverted, declared.inversions(service))


def inverted(pair: Inversion) -> str:
    """What is wrong with two deadlines in a row, and what may be done."""
    outer, inner = pair.outer, pair.inner
    waits = f"{outer.caller} waits {_timeout(outer)} for {outer.callee}, which may wait {_timeout(inner)}"
    return (
        f"{waits} for {inner.callee}: {outer.callee} works on when nobody listens any more. Raise "
        f"upstreams.{outer.callee}.timeout of {outer.caller}, or lower upstreams.{inner.callee}.timeout of {inner.caller}"
    )


def _timeout(edge: DeclaredEdge) -> str:
    return "without end" if edge.timeout_ms is None else duration(edge.timeout_ms)


def multiplied(declared: Graph, service: str) -> Iterator[str]:
    """The worst way on which retries multiply; no more than that, since one retry everywhere is the usual case."""
    ways = [way for way in declared.ways(service) if way.is_multiplied]
    if ways:
        worst = max(ways, key=lambda way: way.load)
        names, last = " -> ".join((service, *(edge.callee for edge in worst.edges))), worst.edges[-1].callee
        yield f"retries multiply: while every try fails, one request may become {worst.load} at {last} ({names})"


def _crowded(service: Topology) -> Iterator[str]:
    """Envoy takes so many connections of the app and of callers together; over HTTP/1.1 a request has its own."""
    if service.sidecar is None:
        return
    most = most_connections(service.sidecar.memory_mb, service.sidecar.protocols)
    for name, limit in ((upstream.name, upstream.limit) for upstream in service.upstreams):
        if limit and limit > most:
            yield (
                f"upstreams.{name}.limit {limit} is more than the {most} connections that an Envoy of "
                f"{service.sidecar.memory_mb} MB takes: the platform's sidecar.memory.envoy decides"
            )
