"""What operations need of the world outside, as protocols: Nomad, Consul, Envoy, sidecars, traffic.

JSON documents of Nomad and Consul pass as those servers have them. Every method may raise ``RemoteError`` (the server
refused, failed or is away; ``status`` is set where it answered).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from outrider.documents import Json

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from outrider.telemetry.report import Report
    from outrider.telemetry.traffic import Edge

LogKind = Literal["stdout", "stderr"]
Origin = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Listing:
    """The stubs of all jobs (with their meta) and of all allocations of a namespace, each with the index that it is as of."""

    jobs: list[Json]
    jobs_at: int
    allocations: list[Json]
    allocations_at: int


class Nomad(Protocol):
    """One region and namespace of Nomad's HTTP API (https://developer.hashicorp.com/nomad/api-docs).

    What does not exist is None (job, allocation, deployment) or an empty list, never an error. A refused
    check-and-set is ``ConflictError``.
    """

    async def register(self, job: Json, modify_index: int | None = None) -> Json:
        """Nomad's answer (EvalID, JobModifyIndex, Warnings); with an index only if the job still has it (0: none)."""
        ...

    async def plan(self, job: Json) -> Json:
        """Dry run with the diff: Annotations, Diff, FailedTGAllocs, JobModifyIndex, Warnings."""
        ...

    async def validate(self, job: Json) -> Json:
        """ValidationErrors, Error, Warnings, DriverConfigValidated."""
        ...

    async def job(self, job_id: str) -> Json | None: ...
    async def jobs(self, prefix: str = "") -> list[Json]: ...
    async def listing(self) -> Listing:
        """All there is, by two questions; allocations first, so that no job of theirs is missing."""
        ...

    async def deregister(self, job_id: str, *, purge: bool = False) -> Json: ...

    async def scale(self, job_id: str, group: str, count: int, message: str = "") -> Json:
        """EvalID, JobModifyIndex; Nomad answers 400 while a deployment is active."""
        ...

    async def versions(self, job_id: str) -> list[Json]:
        """The job's last versions, newest first (Nomad keeps six)."""
        ...

    async def evaluation(self, evaluation_id: str) -> Json: ...
    async def evaluations(self, job_id: str) -> list[Json]: ...
    async def allocations(self, job_id: str) -> list[Json]: ...
    async def allocation(self, allocation_id: str) -> Json | None: ...

    async def deployment_of(self, job_id: str) -> Json | None:
        """The newest deployment of the job; for some milliseconds after a registration still the previous one."""
        ...

    async def deployment(self, deployment_id: str, index: int = 0, wait_s: float = 0) -> tuple[Json, int]:
        """The deployment and its index; with an index the call waits until something newer is there or time is up."""
        ...

    async def promote(self, deployment_id: str) -> Json: ...
    async def fail(self, deployment_id: str) -> Json: ...

    def logs(
        self,
        allocation_id: str,
        task: str,
        kind: LogKind = "stdout",
        *,
        follow: bool = False,
        origin: Origin = "start",
        offset: int = 0,
    ) -> AsyncIterator[bytes]:
        """The plain bytes of a task's log, ``offset`` bytes from its origin on."""
        ...

    async def nodes(self) -> list[Json]: ...
    async def node(self, node_id: str) -> Json: ...
    async def agent_self(self) -> Json: ...
    def events(self, index: int = 0, topics: tuple[str, ...] = ()) -> AsyncGenerator[Json]:
        """Batches ``{Index, Events}`` as they come; an empty one at the beginning and now and then means that nothing did."""
        ...

    async def regions(self) -> list[str]: ...
    async def leader(self) -> str: ...

    async def own_policies(self) -> list[Json] | None:
        """The ACL policies of our token with RulesJSON; None where it may do everything."""
        ...


class Consul(Protocol):
    """One datacenter of Consul's HTTP API (https://developer.hashicorp.com/consul/api-docs)."""

    async def health(self, service: str, index: int = 0, wait_s: float = 0) -> tuple[list[Json], int]:
        """Every instance with its checks (also those that do not pass) and the index; blocking with an index."""
        ...

    async def checks(self, index: int = 0, wait_s: float = 0) -> tuple[list[Json] | None, int]:
        """All checks in any state, with the index; with one, None where nothing is newer when ``wait_s`` is over."""
        ...

    async def services(self) -> dict[str, list[str]]:
        """Names of the catalog's services with their tags."""
        ...

    async def nodes(self) -> list[Json]: ...

    async def may_read(self, *resources: str) -> dict[str, bool]:
        """Whether our token may read any resource of that kind: ``service``, ``node``."""
        ...

    async def agent_self(self) -> Json: ...
    async def agent_checks(self) -> dict[str, Json]: ...
    async def key(self, path: str) -> bytes | None: ...
    async def datacenters(self) -> list[str]: ...
    async def leader(self) -> str: ...


class Metrics(Protocol):
    """Prometheus's HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

    async def ask(self, expression: str) -> Json:
        """The answer to an instant query: ``resultType`` and ``result``."""
        ...


class EnvoyCheck(Protocol):
    """A real Envoy that reads a bootstrap and says what it thinks of it (``envoy --mode validate``)."""

    async def validate(self, document: Json) -> tuple[str, ...]:
        """What Envoy has against the bootstrap (with sample ports), line by line; OutriderError without an Envoy."""
        ...


class Sidecars(Protocol):
    """The metrics listeners of running sidecars, as the portal reaches them."""

    async def endpoints(self, address: str) -> Report:
        """The answer of ``http://ADDRESS/agent/endpoints``: per upstream what the agent knows and Envoy has."""
        ...


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One sidecar to be read: the service it belongs to and the address of its metrics listener."""

    service: str
    address: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What flowed, and which sidecars do not count in it: one sentence each."""

    edges: tuple[Edge, ...]
    left_out: tuple[str, ...] = ()


class Traffic(Protocol):
    """What was measured between services."""

    async def edges(self, sidecars: Sequence[Sidecar], window_s: float) -> Measured:
        """What flows between these during the next ``window_s`` seconds; one that cannot be read is named with the reason."""
        ...
