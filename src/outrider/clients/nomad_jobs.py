"""Nomad's calls about jobs: registering, planning, scaling and ending them, their versions and evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outrider.clients.http import Call
from outrider.clients.nomad_calls import NomadCalls
from outrider.operations.nomad_port import Listing

if TYPE_CHECKING:
    from collections.abc import Mapping


class NomadJobs(NomadCalls):
    """The jobs of one region and namespace."""

    async def register(self, job: Mapping[str, Any], modify_index: int | None = None) -> dict[str, Any]:
        """Register or update a job; with `modify_index` only if the job is still at that index (0: does not exist)."""
        enforced = {"EnforceIndex": True, "JobModifyIndex": modify_index} if modify_index is not None else {}
        return await self._post(("v1", "jobs"), {"Job": job, **enforced})

    async def plan(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """What registering `job` would do: Diff, Annotations, FailedTGAllocs, JobModifyIndex."""
        return await self._post(("v1", "job", str(job["ID"]), "plan"), {"Job": job, "Diff": True})

    async def validate(self, job: Mapping[str, Any]) -> dict[str, Any]:
        return await self._post(("v1", "validate", "job"), {"Job": job})

    async def job(self, job_id: str) -> dict[str, Any] | None:
        return await self._get_or_none(("v1", "job", job_id))

    async def jobs(self, prefix: str = "") -> list[dict[str, Any]]:
        return await self._get(("v1", "jobs"), {"prefix": prefix, "meta": "true"} if prefix else {"meta": "true"})

    async def jobs_index(self) -> int:
        """The index of the list of jobs: at the same one the list says the same. Asked with a page of one job.

        https://developer.hashicorp.com/nomad/api-docs/jobs#list-jobs
        """
        return (await self._indexed(Call("GET", ("v1", "jobs"), {"per_page": "1"})))[1]

    async def listing(self) -> Listing:
        """The stubs of all jobs and of all allocations; allocations first, so that no job of theirs is missing."""
        allocations, allocations_at = await self._indexed(Call("GET", ("v1", "allocations")))
        jobs, jobs_at = await self._indexed(Call("GET", ("v1", "jobs"), {"meta": "true"}))
        return Listing(jobs, jobs_at, allocations, allocations_at)

    async def deregister(self, job_id: str, *, purge: bool = False) -> dict[str, Any]:
        call = Call("DELETE", ("v1", "job", job_id), {"purge": "true"} if purge else {})
        return await self._json(call)

    async def revert(self, job_id: str, version: int) -> dict[str, Any]:
        """Register one of the versions that Nomad still has once more, as `nomad job revert` does."""
        return await self._post(("v1", "job", job_id, "revert"), {"JobID": job_id, "JobVersion": version})

    async def scale(self, job_id: str, group: str, count: int, message: str = "") -> dict[str, Any]:
        """Change a group's count; ConflictError while a deployment is active."""
        body = {"Count": count, "Target": {"Group": group}, "Message": message}
        return await self._post(("v1", "job", job_id, "scale"), body)

    async def versions(self, job_id: str) -> list[dict[str, Any]]:
        """The versions Nomad still has (six by default), newest first; an unknown job has none."""
        answer: dict[str, Any] = await self._get_or_none(("v1", "job", job_id, "versions")) or {}
        return answer.get("Versions") or []

    async def compared_versions(self, job_id: str) -> dict[str, Any]:
        """The same with what distinguishes each from the one before: Versions and Diffs, both newest first."""
        return await self._get_or_none(("v1", "job", job_id, "versions"), {"diffs": "true"}) or {}

    async def scaling(self, job_id: str) -> dict[str, Any] | None:
        """The counts of a job's groups and who changed them last, as far as they said: TaskGroups with Events."""
        return await self._get_or_none(("v1", "job", job_id, "scale"))

    async def evaluation(self, evaluation_id: str) -> dict[str, Any]:
        return await self._get(("v1", "evaluation", evaluation_id))

    async def evaluations(self, job_id: str) -> list[dict[str, Any]]:
        return await self._get(("v1", "job", job_id, "evaluations"))
