"""Taking up a deployment that another process began: what has reached Nomad, and what is left to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, UsageError

from outrider.nomad.read.job import running
from outrider.nomad.write.rollback import rolled_back, started_anew
from outrider.operations.change.attempts import attempted, shortfall
from outrider.operations.change.outcomes import ended
from outrider.operations.change.scale import scaled, scaled_already
from outrider.operations.change.stop import stopped, stopped_already
from outrider.operations.change.submit import adopted, submitted
from outrider.operations.event_details import Restarted
from outrider.operations.events import UnansweredEvent
from outrider.operations.lookups import stored_version
from outrider.operations.states import DECISIONS, ENDING
from outrider.operations.turns import turn

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version

AS_IT_RAN = frozenset({"start", "rollback", "restart"})


async def resumed(environment: Environment, deployment: Deployment) -> Deployment:
    """The deployment, registered: what the process before had done is found in Nomad and never done twice.

    Raises what the submission raises, after writing it down as the deployment's end.
    """
    if deployment.modify_index is not None:
        return deployment
    if deployment.kind == "restart" and await _is_of_single_ones(environment, deployment):
        return deployment
    if deployment.kind in DECISIONS:
        raise UsageError("the portal ended before it knew whether Nomad has heard of this decision")
    async with turn(environment, deployment.service, deployment.created_by):
        return await _taken_up(environment, deployment)


async def _taken_up(environment: Environment, deployment: Deployment) -> Deployment:
    found = await _found(environment, deployment)
    if found is not None:
        return found
    if await _was_unanswered(environment, deployment):
        error = UsageError("Nomad never got it, by what it shows now", next_step="Ask again.")
        await ended(environment, deployment, error)
        raise error
    await _check_age(environment, deployment)
    return await _done(environment, deployment)


async def _found(environment: Environment, deployment: Deployment) -> Deployment | None:
    """The deployment where what was asked for is in Nomad already."""
    if deployment.kind in {"scale", *ENDING}:
        return await (scaled_already if deployment.kind == "scale" else stopped_already)(environment, deployment)
    version = await stored_version(environment, deployment.service, deployment.version or 0)
    job = await _job(environment, deployment, version)
    try:
        return await adopted(environment, deployment, job)
    except ConflictError as error:
        await ended(environment, deployment, error)
        raise


async def _done(environment: Environment, deployment: Deployment) -> Deployment:
    """What nobody has done yet, done now."""
    if deployment.kind in {"scale", *ENDING}:
        return await (scaled if deployment.kind == "scale" else stopped)(environment, deployment)
    version = await stored_version(environment, deployment.service, deployment.version or 0)
    return await submitted(environment, deployment, await _job(environment, deployment, version))


async def _was_unanswered(environment: Environment, deployment: Deployment) -> bool:
    """Whether Nomad was asked, and whoever asked was told that nothing is known: then it is not asked for them again."""
    return any(isinstance(event, UnansweredEvent) for event in await environment.store.events.after(deployment.id))


async def _job(environment: Environment, deployment: Deployment, version: Version) -> Json:
    now = running(await environment.nomad.job(deployment.service))
    if deployment.kind == "values":
        return attempted(started_anew(version.job, deployment.count or 0), now, is_again=True)
    job = rolled_back(version.job, deployment.count or 0) if deployment.kind in AS_IT_RAN else version.job
    is_same = now.is_live and now.hash == version.hash
    retry = await shortfall(environment, deployment.service, now, version) if is_same else ""
    return attempted(job, now, is_again=bool(retry) or deployment.kind == "restart")


async def _is_of_single_ones(environment: Environment, deployment: Deployment) -> bool:
    """Whether it registers nothing; its events tell what it was to restart."""
    return any(isinstance(one.detail, Restarted) for one in await environment.store.events.after(deployment.id))


async def _check_age(environment: Environment, deployment: Deployment) -> None:
    """What nobody has registered for that long is no longer what its author expects to happen now."""
    age = (datetime.now(UTC) - deployment.created_at).total_seconds()
    if age > environment.limits.silence:
        error = UsageError(f"the portal was away for {age:.0f} s before it could register this", next_step="Ask again.")
        await ended(environment, deployment, error)
        raise error
