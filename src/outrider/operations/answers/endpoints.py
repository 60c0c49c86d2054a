"""Where a service's calls can go, by everybody who knows."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.consul.instances import Instance
from outrider.telemetry.report import Report


@dataclass(frozen=True, slots=True)
class SidecarView:
    """What the sidecar at ``address`` (its metrics listener) answers, or the problem with asking it."""

    instance: str
    address: str
    upstreams: Report
    problem: str | None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The upstreams of a service in Consul, the service's own instances, and the views of its sidecars.

    Of those in ``unknown`` Consul has said nothing: their addresses, status ``unknown``, are those that Nomad has booked.
    """

    environment: str
    service: str
    own: tuple[Instance, ...]
    consul: dict[str, tuple[Instance, ...]]
    sidecars: tuple[SidecarView, ...]
    problems: tuple[str, ...]
    unknown: tuple[str, ...] = ()
