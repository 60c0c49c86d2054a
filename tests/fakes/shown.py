"""What the pages may be asked to show: fixed documents, no servers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from outrider_ground.errors import RemoteError, UsageError

from outrider.consul.instances import Instance
from outrider.nomad.read.allocations import Allocation, Task
from outrider.operations.answers.endpoints import Endpoints, SidecarView
from outrider.operations.answers.plan import Change, Part, Plan, Sign
from outrider.operations.answers.status import Status
from outrider.operations.event_details import AllocationSeen, TaskSeen
from outrider.operations.events import Event
from outrider.operations.principal import Principal
from outrider.operations.records import Deployment, VersionSummary
from outrider.programs.one_machine_platform import sample_platform
from outrider.spec.platform import Platform
from outrider.spec.upstream import Upstream
from outrider.telemetry.report import EnvoyEndpoint, EnvoyReport, KnownEndpoint, UpstreamReport

NOW = datetime.now(UTC)


def a_task(name: str, *, failed: bool = False, restarts: int = 0) -> Task:
    return Task(name, "dead" if failed else "running", failed, restarts, "Started", "")


def an_allocation(number: int, *, healthy: bool | None = True, canary: bool = False) -> Allocation:
    return Allocation(
        id=f"{number:08x}-1111-2222-3333-444444444444",
        index=number,
        node=f"node-{number % 3}",
        status="running" if healthy else "pending",
        desired="run",
        healthy=healthy,
        canary=canary,
        job_version=3,
        tasks=(a_task("agent"), a_task("app", failed=healthy is False, restarts=number), a_task("envoy")),
        modify_index=10 + number,
        next_allocation="",
    )


def an_allocation_seen(*, healthy: bool | None, status: str = "running", culprit: str | None = None) -> AllocationSeen:
    return AllocationSeen(
        allocation="3f2a9c10-1111",
        index=0,
        node="node-1",
        status=status,
        desired="run",
        healthy=healthy,
        canary=False,
        culprit=culprit,
        tasks={"app": TaskSeen("running", 0, "Started")},
    )


def an_upstream_report(
    known: tuple[KnownEndpoint, ...] | None = (), seen: tuple[EnvoyEndpoint, ...] | None = None, state: str = "fresh"
) -> UpstreamReport:
    """What an agent says of an upstream: the endpoints that it knows, and those that its Envoy has."""
    return UpstreamReport(state, "", 7, 0.5, None, "ab12", known, EnvoyReport("ab12", True, 0, seen))


def an_endpoint(address: str, port: int, health: str = "HEALTHY") -> KnownEndpoint:
    return KnownEndpoint(address, health, None, port, 1, canary=False)


def an_endpoints(
    consul: dict[str, tuple[Instance, ...]], *sidecars: SidecarView, unknown: tuple[str, ...] = ()
) -> Endpoints:
    return Endpoints("stage", "checkout", (), consul, sidecars, (), unknown)


def an_instance(address: str, status: str = "passing") -> Instance:
    return Instance("_nomad-task-x", address, status, canary=False)


def a_deployment(service: str, **changes: object) -> Deployment:
    made = Deployment(
        id="3f2a9c10-aaaa-bbbb-cccc-0123456789ab",
        environment="stage",
        service=service,
        kind="run",
        state="successful",
        created_by="kim",
        created_at=NOW - timedelta(minutes=4),
        version=7,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def a_status(service: str, **changes: object) -> Status:
    made = Status(
        environment="stage",
        service=service,
        team="storefront",
        description="Takes orders.",
        protocol="http",
        state="running",
        version=7,
        hash="a1b2c3d4e5f6",
        count=3,
        healthy=3,
        allocations=tuple(an_allocation(number) for number in range(3)),
        instances=(Instance("_nomad-task-x", "10.0.0.5:20100", "passing", canary=False),),
        deployment=a_deployment(service),
        upstreams={"payments": Upstream(timeout="800ms", retries=2), "catalog": Upstream(), "sessions": Upstream()},  # type: ignore[arg-type]
        links={"runbook": "https://wiki.example/checkout", "evil": "javascript:alert(1)"},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@dataclass
class FixedAnswers:
    """The pages' application with fixed answers; implements `outrider.portal.pages.Shown`."""

    found: dict[tuple[str, str], Status] = field(default_factory=dict)
    told: dict[str, tuple[Deployment, tuple[Event, ...]]] = field(default_factory=dict)
    stored: tuple[VersionSummary, ...] = ()
    platform: Platform = field(default_factory=sample_platform)
    is_down: bool = False
    consul_datacenter: str | None = "dc-of-consul"
    askers: set[Principal] = field(default_factory=set["Principal"])

    def add(self, *statuses: Status) -> None:
        self.found |= {(one.environment, one.service): one for one in statuses}

    async def status(self, principal: Principal, environment: str, service: str) -> Status:
        self.askers.add(principal)
        if (environment, service) not in self.found:
            raise UsageError(f"{environment} knows no service {service}", next_step="It knows: checkout.")
        return self.found[environment, service]

    async def datacenter(self, principal: Principal, environment: str) -> str | None:
        self.askers.add(principal)
        return self.consul_datacenter

    async def statuses(self, principal: Principal, environment: str | None = None) -> tuple[Status, ...]:
        self.askers.add(principal)
        if self.is_down:
            raise RemoteError("Nomad at http://nomad did not answer", next_step="Look at it.")
        if environment and environment not in self.platform.environments:
            raise UsageError(f"there is no environment {environment}")
        return tuple(one for (name, _), one in self.found.items() if environment in (None, name))

    async def services(self, principal: Principal, environment: str) -> frozenset[str]:
        self.askers.add(principal)
        return frozenset(one for name, one in self.found if name == environment)

    async def versions(
        self, principal: Principal, environment: str, service: str, limit: int
    ) -> tuple[VersionSummary, ...]:
        self.askers.add(principal)
        found = tuple(one for one in self.stored if (one.environment, one.service) == (environment, service))
        if not found:
            raise UsageError("no version")
        return found[:limit]

    async def deployments(self, principal: Principal, environment: str, service: str) -> tuple[Deployment, ...]:
        self.askers.add(principal)
        del environment
        return tuple(one for one, _ in self.told.values() if one.service == service)

    async def deployment(self, principal: Principal, deployment_id: str) -> Deployment:
        self.askers.add(principal)
        if deployment_id not in self.told:
            raise UsageError(f"there is no deployment {deployment_id}")
        return self.told[deployment_id][0]

    async def events(self, principal: Principal, deployment_id: str, after: int = 0) -> tuple[Event, ...]:
        self.askers.add(principal)
        return tuple(one for one in self.told[deployment_id][1] if one.number > after)


def a_plan(*changes: Change, running: int | None = 3, **more: Any) -> Plan:
    made = Plan(
        service="checkout",
        environment="stage",
        has_changes=bool(changes),
        check_index=42,
        version_hash="c3",
        service_part=part("a1", "a2"),
        sidecar_part=part("b1", "b1"),
        older=(),
        running_version=running,
        changes=changes,
        allocations={},
        warnings=(),
        without_effect=(),
        failures=(),
        refusals=(),
        restarts_nothing=False,
        is_foreign=False,
    )
    return replace(made, **more)


def part(running: str | None, planned: str, today: str = "b2") -> Part:
    return Part(running, planned, today)


def change(sign: Sign, path: str, before: Any = None, after: Any = None, note: str = "") -> Change:
    return Change(sign, path, before, after, note)
