"""Taking up a deployment that another process began: what has reached Nomad, and what is left to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, UsageError

from outrider.nomad.read.job import running
from outrider.nomad.write.rollback import rolled_back
from outrider.operations.change.attempts import attempted, shortfall
from outrider.operations.change.scale import scaled
from outrider.operations.change.stop import stopped
from outrider.operations.change.submit import accepted, adopted, ended, submitted
from outrider.operations.lookups import stored_version

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version


async def resumed(environment: Environment, deployment: Deployment) -> Deployment:
    """The deployment, registered: what the process before had done is found in Nomad and never done twice.

    Raises what the submission raises, after writing it down as the deployment's end.
    """
    if deployment.modify_index is not None:
        return deployment
    await _check_age(environment, deployment)
    if deployment.kind in {"run", "redeploy", "start", "rollback"}:
        return await _registered(environment, deployment)
    now = running(await environment.nomad.job(deployment.service))
    is_done = now.count == deployment.count if deployment.kind == "scale" else not now.is_live
    if is_done and now.index > deployment.expected_index:
        return await accepted(environment, deployment, {"JobModifyIndex": now.index})
    return await (scaled if deployment.kind == "scale" else stopped)(environment, deployment)


async def _registered(environment: Environment, deployment: Deployment) -> Deployment:
    version = await stored_version(environment, deployment.service, deployment.version or 0)
    job = await _job(environment, deployment, version)
    try:
        found = await adopted(environment, deployment, job)
    except ConflictError as error:
        await ended(environment, deployment, error)
        raise
    return found or await submitted(environment, deployment, job)


async def _job(environment: Environment, deployment: Deployment, version: Version) -> Json:
    job = rolled_back(version.job, deployment.count or 0) if deployment.kind in {"start", "rollback"} else version.job
    now = running(await environment.nomad.job(deployment.service))
    is_same = now.is_live and now.hash == version.hash
    retry = await shortfall(environment, deployment.service, now, version) if is_same else ""
    return attempted(job, now, is_again=bool(retry))


async def _check_age(environment: Environment, deployment: Deployment) -> None:
    """What nobody has registered for that long is no longer what its author expects to happen now."""
    age = (datetime.now(UTC) - deployment.created_at).total_seconds()
    if age > environment.limits.silence:
        error = UsageError(f"the portal was away for {age:.0f} s before it could register this", next_step="Ask again.")
        await ended(environment, deployment, error)
        raise error
