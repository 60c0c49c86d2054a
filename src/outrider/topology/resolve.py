"""From a spec and a platform to the topology of one environment, or to everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast, get_args
from urllib.parse import urlsplit

from outrider_ground.errors import Problem, SpecError, UsageError

from outrider.spec.check import GrpcCheck, HttpCheck
from outrider.spec.drivers import DRIVERS
from outrider.spec.platform import Environment, Platform
from outrider.spec.platform import Tracing as Collector
from outrider.spec.protocol import Protocol
from outrider.spec.service import Service
from outrider.spec.sidecar import Download
from outrider.topology import names
from outrider.topology.knobs import idle, upstream
from outrider.topology.memory import agent_mb, envoy_mb
from outrider.topology.ports import Address, Pipe, Ports, Wishes, ports
from outrider.topology.rules import Case, known_protocol, problems
from outrider.topology.sidecar import (
    HTTP_PORT,
    HTTPS_PORT,
    App,
    Artifact,
    CarriedAgent,
    NamedPatch,
    Outside,
    Sidecar,
    Tracing,
    Upstream,
)
from outrider.topology.spoken import protocol, spoken
from outrider.topology.topology import Topology
from outrider.topology.version import service_hash


def topology(
    service: Service,
    platform: Platform,
    environment: str,
    *,
    protocols: Mapping[str, str],
    directory: Artifact | None = None,
    agent: CarriedAgent | None = None,
) -> Topology:
    """The service as it will run in the environment.

    ``protocols`` is what is known of every service there (``none`` for a worker, ``redis-shards`` for a redis whose
    instances share the keys out). ``directory`` is the packed ``run.directory`` as the nodes fetch it, ``agent`` what
    the job carries unless the platform says where the agent lies; commands that need no whole job may leave them out,
    and the job then lacks them. Raises SpecError with every problem by key path, and UsageError for an environment that
    the platform does not have.
    """
    here = _environment(platform, environment)
    case = _case(service, here, protocols)
    found = problems(case)
    if found:
        raise SpecError(found)
    booked = ports(_wishes(service, here))
    upstreams = _upstreams(case, booked)
    archive = _agent(here, agent) if service.mesh else None
    return Topology(
        service=service.service,
        environment=environment,
        spec=service,
        platform=here,
        protocol=protocol(service),
        service_hash=service_hash(service, environment, _spoken(upstreams), directory),
        ports=booked,
        sidecar=_sidecar(case, environment, booked, upstreams) if service.mesh else None,
        directory=directory,
        agent=archive,
    )


def _case(service: Service, here: Environment, protocols: Mapping[str, str]) -> Case:
    known = {**protocols, service.service: spoken(service)}
    shards = frozenset(name for name, word in known.items() if word == names.PROTOCOL_SHARDS)
    return Case(service, here, {**known, **dict.fromkeys(shards, "redis")}, shards)


def _environment(platform: Platform, environment: str) -> Environment:
    try:
        return platform.environments[environment]
    except KeyError:
        known = ", ".join(platform.environments)
        raise UsageError(f"the platform has no environment {environment}; it has {known}") from None


def _agent(platform: Environment, carried: CarriedAgent | None) -> CarriedAgent | Artifact | None:
    """Where the platform's word goes before what a job can carry; None for a path."""
    archive = platform.sidecar.agent.archive
    if isinstance(archive, Download):
        return Artifact(archive.artifact, archive.sha256)
    return None if archive else carried


def _wishes(service: Service, platform: Environment) -> Wishes:
    return Wishes(
        mode=platform.network.mode,
        mesh=service.mesh,
        has_port=service.port != "none",
        upstreams=tuple(sorted(service.upstreams)),
        app=service.port if isinstance(service.port, int) else None,
        static=service.ingress.static,
        loopback=platform.sidecar.transport == "loopback",
    )


def _upstreams(case: Case, booked: Ports) -> tuple[Upstream, ...]:
    made = [
        upstream(name, written, _speaks(case, name), case.platform, booked.egress[name])
        for name, written in sorted(case.spec.upstreams.items())
    ]
    return tuple(replace(each, shards=each.outside is None and each.name in case.shards) for each in made)


def _speaks(case: Case, name: str) -> Protocol:
    found = known_protocol(case, name, case.spec.upstreams[name])
    if found not in get_args(Protocol):
        raise SpecError((Problem(f"upstreams.{name}", f"speaks {found}, which this Outrider does not know"),))
    return cast("Protocol", found)


def _spoken(upstreams: tuple[Upstream, ...]) -> dict[str, str]:
    """What callees have chosen to speak, and that they share keys out; those outside have chosen nothing for us."""
    return {
        item.name: names.PROTOCOL_SHARDS if item.shards else item.protocol for item in upstreams if not item.outside
    }


def _sidecar(case: Case, environment: str, booked: Ports, upstreams: tuple[Upstream, ...]) -> Sidecar:
    spec, platform = case.spec, case.platform
    return Sidecar(
        service=spec.service,
        environment=environment,
        ingress=booked.ingress,
        metrics=cast("Address", booked.metrics),
        agent=booked.agent or _pipe(platform, names.AGENT_SOCKET),
        admin=booked.admin or _pipe(platform, names.ADMIN_SOCKET),
        app=_app(spec, booked.app) if booked.app else None,
        upstreams=upstreams,
        tracing=_tracing(platform.tracing, platform.sidecar.ca_roots) if platform.tracing else None,
        memory_mb=envoy_mb(platform.sidecar.memory.envoy, [upstream.protocol for upstream in upstreams]),
        agent_memory_mb=agent_mb(platform.sidecar.memory.agent, len(upstreams)),
        patches=tuple(NamedPatch(name, platform.patches[name]) for name in spec.patches),
    )


def _pipe(platform: Environment, path: str) -> Pipe:
    """A socket in the allocation's shared directory.

    A driver without a root of its own has no /alloc; a relative path also stays below the 108 bytes that a
    unix socket's path may have (unix(7)).
    """
    return Pipe(f"/alloc/{path}" if DRIVERS[platform.sidecar.driver].has_own_root else f"../alloc/{path}")


def _app(spec: Service, address: Address) -> App:
    return App(
        protocol=spec.protocol,
        address=address,
        idle_ms=idle(spec.ingress.keep_alive),
        check_paths=tuple(sorted({check.http for check in spec.checks if isinstance(check, HttpCheck)})),
        rate=spec.ingress.rate,
        has_grpc_check=any(isinstance(check, GrpcCheck) for check in spec.checks),
    )


def _tracing(collector: Collector, ca_roots: str) -> Tracing:
    parts = urlsplit(collector.collector)
    is_tls = parts.scheme == "https"
    port = parts.port or (HTTPS_PORT if is_tls else HTTP_PORT)
    return Tracing(
        collector=Outside(parts.hostname or "", port, ca_roots if is_tls else None),
        path=parts.path.rstrip("/") or "/api/v2/spans",
        encoding=collector.encoding,
        propagation=collector.propagation,
        sampling=collector.sampling,
    )
