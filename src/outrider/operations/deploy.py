"""Bringing a spec up: validate, store the version, register it; what follows is watched elsewhere."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider.errors import ConflictError, Problem, SpecError, UsageError
from outrider.operations.plan import Plan, Prepared, prepared
from outrider.operations.records import Deployment, Draft, Kind, Version
from outrider.operations.submit import ended, submitted

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.render import Source


@dataclass(frozen=True, slots=True)
class Order:
    """Who asks for a change, and how; ``key`` and ``request_hash`` make a repeated request the same one.

    ``renews`` asks for today's sidecar even where nothing of the service changes.
    """

    by: str = "anonymous"
    check_index: int | None = None
    take_over: bool = False
    renews: bool = False
    key: str | None = None
    request_hash: str | None = None


async def deploy(environment: Environment, source: Source, order: Order) -> Deployment:
    """Validate the spec, store it as a version and register its job, all or nothing; the answer is to be followed.

    SpecError: the spec, or Envoy refuses its bootstrap. ConflictError: another index than ``check_index``, another
    deployer, a job that is not Outrider's. RemoteError: Nomad is away or refuses the job.
    """
    before = await repeated(environment, order)
    if before is not None:
        return before
    ready = await prepared(environment, source, renews=order.renews)
    joined = await _joined(environment, ready, order)
    if joined is not None:
        return joined
    _refuse(ready, source.file)
    check_foreign(ready.plan.is_foreign, ready.plan.service, order)
    check_index(ready.plan, order)
    await _validated(environment, ready)
    version = await _version(environment, source, ready, order)
    deployment = await opened(environment, _deployment(ready, version, order))
    return await _registered(environment, ready, version, deployment)


async def _joined(environment: Environment, ready: Prepared, order: Order) -> Deployment | None:
    """The deployment under way that brings up just this: it is followed to its verdict, and nothing is done twice."""
    if ready.plan.has_changes:
        return None
    found = await environment.active(ready.plan.service, ready.running.index)
    if found is not None:
        await environment.journal.note(found.id, "deployment", f"asked for again by {order.by}: it is under way")
    return found


async def repeated(environment: Environment, order: Order) -> Deployment | None:
    """The deployment that the same request has made already; ConflictError where the key came with another request."""
    if order.key is None:
        return None
    found = await environment.store.deployment_of_key(order.key)
    if found is not None and found.request_hash != order.request_hash:
        raise ConflictError(f"the idempotency key {order.key} was used for another request", next_step="Use a new one.")
    return found


def new_deployment(environment: str, service: str, kind: Kind, order: Order) -> Deployment:
    """A deployment that nobody has begun yet."""
    return Deployment(
        id=str(uuid.uuid4()),
        environment=environment,
        service=service,
        kind=kind,
        state="pending",
        created_by=order.by,
        created_at=datetime.now(UTC),
        idempotency_key=order.key,
        request_hash=order.request_hash,
    )


async def opened(environment: Environment, deployment: Deployment) -> Deployment:
    """Remember the deployment before anything is changed; of two with one idempotency key the second is refused."""
    kept = await environment.store.add_deployment(deployment)
    if kept.id != deployment.id:
        raise ConflictError("the same request is being worked on", next_step=f"Look at deployment {kept.id}.")
    what = {"kind": kept.kind, "version": kept.version, "count": kept.count, "by": kept.created_by}
    await environment.journal.note(kept.id, "accepted", _headline(kept), **what)
    return kept


def check_foreign(is_foreign: bool, service: str, order: Order) -> None:  # noqa: FBT001 - a fact about the job
    """ConflictError for a job that somebody else has put under the service's name."""
    if is_foreign and not order.take_over:
        raise ConflictError(
            f"the job {service} in Nomad was not deployed by Outrider",
            next_step="Rename the service, stop that job, or deploy with --take-over to replace it.",
        )


def check_index(plan: Plan, order: Order) -> None:
    """ConflictError where the job is no longer the one that was looked at."""
    if order.check_index is not None and order.check_index != plan.check_index:
        raise ConflictError(
            f"{plan.service} is at index {plan.check_index} now, not at {order.check_index}",
            next_step="Look again with `outrider plan`, then decide.",
        )


async def no_change(environment: Environment, deployment: Deployment, reason: str) -> Deployment:
    """End a deployment that had nothing to do."""
    return await environment.journal.end(deployment, "successful", reason)


def _refuse(ready: Prepared, file: str) -> None:
    plan, sidecar = ready.plan, ready.rendered.topology.sidecar
    if not plan.refusals:
        return
    patches = ", ".join(f"`{each.name}`" for each in sidecar.patches) if sidecar else ""
    blamed = f"The platform's patches of this service are the likely cause: {patches}. " if patches else ""
    shown = f"`outrider render {file} -e {plan.environment} --part envoy` prints the bootstrap."
    whose = f"Envoy refuses the bootstrap of {plan.service} in {plan.environment}"
    problems = tuple(Problem(path="", message=f"{whose}: {line}", file=file) for line in plan.refusals)
    raise SpecError(problems, next_step=blamed + shown)


async def _validated(environment: Environment, ready: Prepared) -> None:
    """Nomad's own opinion of the job, before a version is stored for it."""
    answer = await environment.nomad.validate(ready.rendered.job)
    errors = answer.get("ValidationErrors") or ([answer["Error"]] if answer.get("Error") else [])
    if errors:
        raise SpecError(tuple(Problem(path="", message=f"Nomad refuses the job: {error}") for error in errors))


async def _version(environment: Environment, source: Source, ready: Prepared, order: Order) -> Version:
    """The one that runs or the newest where it is the same, or a new one."""
    if ready.base and not ready.plan.has_changes:
        return ready.base
    result, old = ready.rendered, ready.base if ready.chosen.is_kept else None
    draft = Draft(
        environment=environment.name,
        service=result.service.service,
        hash=ready.chosen.hash,
        protocol=result.topology.protocol,
        file=source.file,
        spec=source.text,
        merged=result.merged | ({"patches": old.merged.get("patches", {})} if old else {}),
        job=ready.chosen.job,
        bootstrap=old.bootstrap if old else result.template,
        artifacts=old.artifacts if old else _fetched(source),
        created_by=order.by,
    )
    for kept in (ready.base, *(await environment.store.versions(environment.name, draft.service))[:1]):
        if kept and _is_same(kept, draft):
            return kept
    return await environment.store.add_version(draft)


def _fetched(source: Source) -> tuple[str, ...]:
    """The stored bytes that the job downloads."""
    return (source.directory.sha256,) if source.directory else ()


def _is_same(kept: Version, draft: Draft) -> bool:
    return (kept.hash, kept.merged, kept.artifacts, kept.job) == (draft.hash, draft.merged, draft.artifacts, draft.job)


def _deployment(ready: Prepared, version: Version, order: Order) -> Deployment:
    fresh = new_deployment(version.environment, version.service, "redeploy" if order.renews else "run", order)
    return replace(
        fresh,
        version=version.number,
        previous=ready.base.number if ready.base else None,
        count=ready.rendered.count,
        expected_index=ready.plan.check_index if order.check_index is None else order.check_index,
    )


async def _registered(
    environment: Environment, ready: Prepared, version: Version, deployment: Deployment
) -> Deployment:
    try:
        for warning in (*ready.plan.warnings, *ready.plan.without_effect):
            await environment.journal.note(deployment.id, "warning", warning)
        if ready.plan.retry:
            await environment.journal.note(deployment.id, "warning", f"{ready.plan.retry}; trying again")
        if not ready.plan.has_changes:
            return await no_change(environment, deployment, f"no change: version {version.number} runs already")
        if ready.plan.restarts_nothing:
            return await no_change(environment, deployment, f"version {version.number} is stored; nothing restarts")
        await environment.journal.note(deployment.id, "validated", "Envoy and Nomad accept it")
        return await submitted(environment, deployment, ready.job)
    except (SpecError, UsageError) as error:
        await ended(environment, deployment, error)
        raise


def _headline(deployment: Deployment) -> str:
    what = {
        "run": f"deploy version {deployment.version}",
        "redeploy": f"deploy version {deployment.version}, with today's sidecar",
        "start": f"start version {deployment.version} again",
        "rollback": f"roll back to version {deployment.version}",
        "scale": f"scale to {deployment.count}",
        "stop": "stop and forget the job" if deployment.purge else "stop",
    }[deployment.kind]
    return f"{deployment.service} in {deployment.environment}: {what}"
