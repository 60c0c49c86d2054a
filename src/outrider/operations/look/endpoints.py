"""Where a service's calls can go: what Consul says, what each agent knows, what each Envoy has, side by side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.consul.instances import Instance
from outrider.consul.metrics_address import UntrustedAddressError, instance_name, metrics_address
from outrider.documents import Json
from outrider.operations.answers.endpoints import Endpoints, SidecarView
from outrider.operations.instances import booked, instances
from outrider.operations.look.status import status
from outrider.telemetry.report import Report
from outrider.topology import names

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.environment_view import EnvironmentView


@dataclass(frozen=True, slots=True)
class MetricsAddress:
    """An instance and where its metrics listener is, or why that is not asked."""

    instance: str
    address: str
    problem: str = ""


async def endpoints(view: EnvironmentView, service: str) -> Endpoints:
    """Ask everybody at once; whoever does not answer is named in ``problems``. UsageError: an unknown service."""
    environment, now = view.environment, await status(view, service)
    inside = [name for name, written in now.upstreams.items() if not written.address]
    answers = await asyncio.gather(*(_upstream(environment, name) for name in inside))
    places, said = await _places(environment, service)
    problems = [problem for _, found in answers for problem in found] + [*said, *([now.problem] if now.problem else [])]
    return Endpoints(
        environment=environment.name,
        service=service,
        own=now.instances,
        consul={name: found for name, (found, _) in zip(inside, answers, strict=True)},
        sidecars=tuple(
            await asyncio.gather(
                *(_view(environment, place) for place in sorted(places, key=lambda one: (one.instance, one.address)))
            )
        ),
        problems=tuple(dict.fromkeys(problems)),
        unknown=tuple(name for name, (_, found) in zip(inside, answers, strict=True) if found),
    )


async def _upstream(environment: Environment, name: str) -> tuple[tuple[Instance, ...], tuple[str, ...]]:
    """What Consul says of an upstream; where it does not answer, what Nomad has booked, with who was silent."""
    found, problem = await instances(environment, name)
    if problem is None:
        return found, ()
    return await _booked(environment, name, names.INGRESS, problem)


async def _booked(
    environment: Environment, service: str, label: str, problem: str
) -> tuple[tuple[Instance, ...], tuple[str, ...]]:
    try:
        return await booked(environment, service, label), (problem,)
    except RemoteError as error:
        return (), (problem, error.message)


async def _places(environment: Environment, service: str) -> tuple[list[MetricsAddress], tuple[str, ...]]:
    """Of each instance where scrapers reach its metrics listener: by its meta in Consul, else by what Nomad has booked."""
    try:
        entries, _ = await environment.in_time(environment.consul.health(service), "Consul")
    except RemoteError as error:
        found, problems = await _booked(environment, service, names.METRICS, error.message)
        return [MetricsAddress(one.id, one.address) for one in found], problems
    places = [_place(entry) for entry in entries]
    return [one for one in places if one.address or one.problem], ()


def _place(entry: Json) -> MetricsAddress:
    """What Consul says of a sidecar is not trusted: an address that is none of the instance's own is not asked."""
    try:
        return MetricsAddress(instance_name(entry), metrics_address(entry) or "")
    except UntrustedAddressError as error:
        return MetricsAddress(instance_name(entry), "", f"is not asked: {error}")


async def _view(environment: Environment, place: MetricsAddress) -> SidecarView:
    """One that cannot be trusted or asked is named with the reason."""
    if place.problem:
        return SidecarView(place.instance, place.address, Report(), place.problem)
    try:
        return SidecarView(place.instance, place.address, await environment.sidecars.endpoints(place.address), None)
    except RemoteError as error:
        return SidecarView(place.instance, place.address, Report(), error.message)
