"""Putting a job into Nomad exactly once: on the index it builds on, or adopted where it got there already."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, RemoteError

from outrider.nomad.read.job import running
from outrider.operations.change.outcomes import accepted, answer_of, ended, reconciled
from outrider.operations.change.values_before import note_values
from outrider.operations.event_details import Warned

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment


async def submitted(environment: Environment, deployment: Deployment, job: Json) -> Deployment:
    """Register the job on the deployment's index and remember Nomad's answer.

    ConflictError where somebody was faster, RemoteError where Nomad refuses; then the deployment has failed and nothing
    runs that did not run before. Where Nomad gave no answer, the job itself tells whether it got there.
    """
    await note_values(environment, job)
    try:
        answer = await environment.nomad.register(job, deployment.expected_index)
    except RemoteError as error:
        return await reconciled(environment, deployment, error, lambda: adopted(environment, deployment, job))
    except ConflictError as error:
        conflict = _faster(deployment, error)
        await ended(environment, deployment, conflict)
        raise conflict from error
    await _check_ours(environment, deployment, job, answer)
    return await accepted(environment, deployment, answer)


async def _check_ours(environment: Environment, deployment: Deployment, job: Json, answer: Json) -> None:
    """ConflictError where another registration has come after ours already.

    Of several requests at one moment Nomad before 2.0.1 lets more than one through on the same index
    (hashicorp/nomad#27832).
    """
    try:
        document = await environment.nomad.job(deployment.service)
    except RemoteError as error:
        message = f"whether another registration came after it is not known: {error.message}"
        await environment.journal.note(deployment.id, message, Warned())
        return
    now, ours = running(document), running(job)
    if now.index <= int(answer.get("JobModifyIndex") or 0) or (now.hash, now.count) == (ours.hash, ours.count):
        return
    conflict = await _replaced(environment, deployment, now.index, document)
    await ended(environment, deployment, conflict)
    raise conflict


async def _replaced(
    environment: Environment, deployment: Deployment, index: int, document: Json | None
) -> ConflictError:
    """By whom: one of our own deployments, or somebody whom only Nomad knows."""
    known = await environment.store.deployments.newest(environment.name, deployment.service)
    other = next((one for one in known if one.modify_index == index), None)
    at = int((document or {}).get("SubmitTime") or 0) / 1e9
    whose = f"{other.created_by}, deployment {other.id[:8]}" if other else "somebody outside of Outrider"
    when = f" at {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC" if at else ""
    return ConflictError(
        f"Nomad took this, and at the same moment another job for {deployment.service} in {environment.name}, which is "
        f"what runs: index {index}, by {whose}{when}",
        next_step="Look again with `outrider plan`, then decide.",
    )


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
