"""What operations need of Nomad, as protocols: one for each kind of call, and the whole of them.

JSON documents pass as Nomad has them. Every method may raise ``RemoteError`` (Nomad refused, failed or is away;
``status`` is set where it answered).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from outrider.documents import Json

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

LogKind = Literal["stdout", "stderr"]
Origin = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Listing:
    """The stubs of all jobs (with their meta) and of all allocations of a namespace, each with the index that it is as of."""

    jobs: list[Json]
    jobs_at: int
    allocations: list[Json]
    allocations_at: int


class NomadJobs(Protocol):
    """Jobs: registering, planning, scaling and ending them, their versions and evaluations."""

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
    async def jobs_index(self) -> int:
        """At the same one the list of jobs says the same."""
        ...

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

    async def compared_versions(self, job_id: str) -> Json:
        """The same as Versions, and as Diffs what distinguishes each from the one before; {} without such a job."""
        ...

    async def scaling(self, job_id: str) -> Json | None:
        """TaskGroups with Desired and the last Events (Time, Count, PreviousCount, Message) of each."""
        ...

    async def evaluation(self, evaluation_id: str) -> Json: ...
    async def evaluations(self, job_id: str) -> list[Json]: ...


class NomadAllocations(Protocol):
    """Allocations: what they are, and the output of their tasks."""

    async def allocations(self, job_id: str) -> list[Json]: ...
    async def allocation(self, allocation_id: str) -> Json | None: ...
    async def stop_allocation(self, allocation_id: str) -> Json:
        """End it after its shutdown delay; another one is placed."""
        ...

    async def restart(self, allocation_id: str, task: str | None = None) -> Json:
        """Restart a task, or all that run, where they are."""
        ...

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


class ExecStream(Protocol):
    """A command beside a task, in Nomad's frames: ``stdin`` and ``tty_size`` in; ``stdout``, ``stderr``, ``exited`` out.

    Bytes are base64 (https://developer.hashicorp.com/nomad/api-docs/client#exec-allocation). RemoteError where Nomad ends it
    before the command has ended; its words stand in ``reason``.
    """

    async def send(self, frame: Json) -> None: ...
    def received(self) -> AsyncIterator[Json]: ...


class NomadExec(Protocol):
    """Commands beside tasks."""

    def exec(
        self, allocation_id: str, task: str, command: Sequence[str], *, has_terminal: bool
    ) -> AbstractAsyncContextManager[ExecStream]: ...


class NomadDeployments(Protocol):
    """Deployments: how one stands, and what a person decides about it."""

    async def deployment_of(self, job_id: str) -> Json | None:
        """The newest deployment of the job; for some milliseconds after a registration still the previous one."""
        ...

    async def deployment(self, deployment_id: str, index: int = 0, wait_s: float = 0) -> tuple[Json, int]:
        """The deployment and its index; with an index the call waits until something newer is there or time is up."""
        ...

    async def promote(self, deployment_id: str) -> Json: ...
    async def fail(self, deployment_id: str) -> Json: ...

    async def pause(self, deployment_id: str, *, is_paused: bool) -> Json:
        """Replace nothing more, or go on; before 2.0.1 the progress deadline goes on as well (hashicorp/nomad#27804)."""
        ...


class NomadCluster(Protocol):
    """Nodes and servers, our rights there, and the stream of events."""

    async def nodes(self) -> list[Json]: ...
    async def node(self, node_id: str) -> Json: ...
    async def agent_self(self) -> Json: ...
    def events(self, index: int = 0, topics: tuple[str, ...] = ()) -> AsyncGenerator[Json]:
        """Batches ``{Index, Events}`` as they come; an empty one at the beginning and now and then means that nothing did."""
        ...

    async def regions(self) -> list[str]: ...
    async def leader(self) -> str: ...

    async def token_name(self, accessor: str) -> str | None:
        """The name of an ACL token; None where ours may not read it, or it is gone."""
        ...

    async def own_policies(self) -> list[Json] | None:
        """The ACL policies of our token with RulesJSON; None where it may do everything."""
        ...


class NomadVariables(Protocol):
    """What templates read of Nomad itself, and what is kept there for jobs to read."""

    async def variables(
        self, prefix: str, namespace: str | None = None, index: int = 0, wait_s: float = 0
    ) -> tuple[list[Json] | None, int]:
        """Variables below a prefix without their items, with the index; with one, None where nothing is newer."""
        ...

    async def variable(self, path: str, namespace: str | None = None) -> Json | None:
        """One variable with its items."""
        ...

    async def put_variable(self, path: str, items: Mapping[str, str], index: int) -> None:
        """Keep the items if the variable is still as of that index (0: there is none); ConflictError where it is not."""
        ...

    async def delete_variable(self, path: str, index: int) -> None:
        """Forget the variable if it is still as of that index; ConflictError where it is not."""
        ...


class Nomad(NomadJobs, NomadAllocations, NomadExec, NomadDeployments, NomadCluster, NomadVariables, Protocol):
    """One region and namespace of Nomad's HTTP API (https://developer.hashicorp.com/nomad/api-docs).

    What does not exist is None (job, allocation, deployment) or an empty list, never an error. A refused
    check-and-set is ``ConflictError``.
    """
