"""Putting a job into Nomad exactly once: on the index it builds on, remembered before and after."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, OutriderError, RemoteError

from outrider.nomad.read.job import running
from outrider.operations.event_details import Registered, Warned

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
        if error.status is not None:
            await ended(environment, deployment, error)
            raise
        return await _after_silence(environment, deployment, job, error)
    except ConflictError as error:
        conflict = _faster(deployment, error)
        await ended(environment, deployment, conflict)
        raise conflict from error
    return await accepted(environment, deployment, answer)


async def accepted(environment: Environment, deployment: Deployment, answer: Json) -> Deployment:
    """Remember what Nomad answered to the change: from here on the deployment can be followed."""
    index, evaluation = int(answer.get("JobModifyIndex") or answer.get("Index") or 0), answer.get("EvalID") or None
    now = replace(deployment, modify_index=index, evaluation=evaluation, state="running")
    message = f"Nomad has accepted it at index {index}"
    await environment.journal.note(now.id, message, Registered(index, evaluation))
    if answer.get("Warnings"):
        await environment.journal.note(now.id, str(answer["Warnings"]).strip(), Warned())
    # Last: from here on whoever looks for unfinished deployments may take it up, and end it.
    await environment.store.deployments.save_deployment(now)
    return now


async def ended(environment: Environment, deployment: Deployment, error: OutriderError) -> None:
    """Write down that the deployment ended before it began."""
    state = "superseded" if isinstance(error, ConflictError) else "failed"
    await environment.journal.end(deployment, state, error.message)


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
    evaluations = await environment.nomad.evaluations(deployment.service)
    newest = next((one["ID"] for one in evaluations if one.get("JobModifyIndex") == now.index), "")
    return await accepted(environment, deployment, {"JobModifyIndex": now.index, "EvalID": newest})


async def _after_silence(environment: Environment, deployment: Deployment, job: Json, error: RemoteError) -> Deployment:
    try:
        found = await adopted(environment, deployment, job)
    except ConflictError as conflict:
        # It answers by now, and says that somebody was faster: with that the registration was refused, or is replaced.
        await ended(environment, deployment, conflict)
        raise
    except RemoteError:
        found = None  # still no answer, of which the first silence tells enough
    if found is None:
        # Nothing waits in silence for Nomad to come back: whoever asked is told, and asks again.
        await ended(environment, deployment, error)
        raise error
    return found


def _faster(deployment: Deployment, error: ConflictError | None) -> ConflictError:
    said = f" ({error.message})" if error else ""
    return ConflictError(
        f"somebody else has changed {deployment.service} in {deployment.environment} meanwhile: its index is no longer "
        f"{deployment.expected_index}{said}",
        next_step="Look again with `outrider plan`, then decide.",
    )
