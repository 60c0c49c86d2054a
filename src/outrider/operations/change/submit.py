"""Putting a job into Nomad exactly once: on the index it builds on, or adopted where it got there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, RemoteError

from outrider.nomad.read.job import running
from outrider.operations.change.outcomes import accepted, answer_of, ended, reconciled

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment


async def submitted(environment: Environment, deployment: Deployment, job: Json) -> Deployment:
    """Register the job on the deployment's index and remember Nomad's answer.

    ConflictError where somebody was faster, RemoteError where Nomad refuses; then the deployment has failed and nothing
    runs that did not run before. Where Nomad gave no answer, the job itself tells whether it got there.
    """
    try:
        answer = await environment.nomad.register(job, deployment.expected_index)
    except RemoteError as error:
        return await reconciled(environment, deployment, error, lambda: adopted(environment, deployment, job))
    except ConflictError as error:
        conflict = _faster(deployment, error)
        await ended(environment, deployment, conflict)
        raise conflict from error
    return await accepted(environment, deployment, answer)


async def adopted(environment: Environment, deployment: Deployment, job: Json) -> Deployment | None:
    """The deployment with what Nomad knows of its registration; None where it never got there.

    ConflictError where the job has been changed by somebody else since.
    """
    document = await environment.nomad.job(deployment.service)
    now = running(document)
    if now.index == deployment.expected_index:
        return None
    ours = running(job)
    if now.hash != ours.hash or now.count != ours.count:
        raise _faster(deployment, None)
    return await accepted(environment, deployment, await answer_of(environment, deployment.service, now.index))


def _faster(deployment: Deployment, error: ConflictError | None) -> ConflictError:
    said = f" ({error.message})" if error else ""
    return ConflictError(
        f"somebody else has changed {deployment.service} in {deployment.environment} meanwhile: its index is no longer "
        f"{deployment.expected_index}{said}",
        next_step="Look again with `outrider plan`, then decide.",
    )
