"""Trying a version again: why the one that is registered asks for it, and what makes Nomad place it anew.

Nomad takes a job that has not changed for done, whatever became of it: the registration makes no deployment
(`Job.Register`, `SpecChanged`). A number in the job's meta makes it another one, so that all its allocations are
replaced as its update strategy says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.documents import nested
from outrider.nomad.read.allocations import Allocation, allocations
from outrider.nomad.read.job import version_hash
from outrider.nomad.read.summary import summary
from outrider.operations.instances import instances
from outrider.operations.soundness import sound
from outrider.topology import names

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.nomad.read.job import RunningJob
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version


async def shortfall(environment: Environment, service: str, now: RunningJob, base: Version | None) -> str:
    """Why the version that is registered is not what runs; empty where all is well or a deployment is under way."""
    if base is None:
        return ""
    if not now.is_live:
        return f"version {base.number} was deployed, but its job is stopped" if now.exists else ""
    deployments = await environment.store.deployments.newest(environment.name, service)
    if any(one.modify_index is not None and not one.is_final for one in deployments):
        return ""
    last = next((one for one in deployments if one.modify_index == now.index), None)
    found = allocations(await environment.nomad.allocations(service))
    there, _ = await instances(environment, service)
    return _failed(base, last) or _degraded(
        base, now, sound(found, there, is_registered=summary(base.job).is_registered)
    )


def attempted(job: Json, now: RunningJob, *, is_again: bool) -> Json:
    """The job with the attempt of the one that runs, where that is the same version, or with the next one."""
    same = now.is_live and version_hash(job) == now.hash
    number = (now.attempt if same else 0) + (same and is_again)
    return job if not number else job | {"Meta": nested(job, "Meta") | {names.JOB_META_ATTEMPT: str(number)}}


def _failed(base: Version, last: Deployment | None) -> str:
    if last is None or last.state not in {"failed", "not_placed"}:
        return ""
    first = (last.reason.splitlines() or [""])[0]
    return f"version {base.number} is registered, but its last deployment failed: {first}"


def _degraded(base: Version, now: RunningJob, found: tuple[Allocation, ...]) -> str:
    good, wanted = len(found), now.count or 0
    return f"version {base.number} is registered, but {good} of its {wanted} allocations run" if good < wanted else ""
