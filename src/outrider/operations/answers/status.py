"""What runs of a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from outrider.consul.instances import Instance
from outrider.nomad.read.allocations import Allocation
from outrider.operations.answers.outside import OutsideChange
from outrider.operations.answers.values import ServiceValues
from outrider.operations.records import Deployment
from outrider.spec.upstream import Upstream

ServiceState = Literal["running", "degraded", "deploying", "waiting", "stopped", "replaced", "unknown"]


@dataclass(frozen=True, slots=True)
class Status:
    """A service in one environment; ``problem`` says which server did not answer, and how old what is shown is then.

    ``index`` is the job's in Nomad, 0 for none. ``version`` is the stored version that runs, None where this portal does not know it; ``healthy`` is None where
    nobody knows. ``outside`` names where somebody has changed the job in Nomad, so that it is not the version's any more.
    ``changes`` are what others did since our last deployment, newest first: of a count in a list of services without author and time, for an autoscaler changes it all the time. ``older`` names where its sidecar differs from what the platform file
    and this Outrider make today. ``replaced`` is the state of a name that a job of somebody else has.
    ``values`` are those that it reads elsewhere, where it reads any. ``age_s`` is how old all this is where a server does not answer (in seconds).
    """

    environment: str
    service: str
    team: str | None
    description: str | None
    protocol: str | None
    state: ServiceState
    version: int | None
    hash: str | None
    count: int | None
    healthy: int | None
    allocations: tuple[Allocation, ...]
    instances: tuple[Instance, ...]
    deployment: Deployment | None
    upstreams: dict[str, Upstream]
    links: dict[str, str]
    problem: str | None = None
    index: int = 0
    outside: tuple[str, ...] = ()
    changes: tuple[OutsideChange, ...] = ()
    older: tuple[str, ...] = ()
    age_s: float | None = None
    values: ServiceValues | None = None
