"""Bringing a spec up: validate, store the version, register it; what follows is watched elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import Problem, SpecError, UsageError

from outrider.operations.artifact_links import fetched_in
from outrider.operations.blockers.change import Change
from outrider.operations.blockers.check import blockers, check_blockers
from outrider.operations.change.basis import check_basis
from outrider.operations.change.outcomes import ended
from outrider.operations.change.plans import Prepared
from outrider.operations.change.platform_part import platform_part, taken_along
from outrider.operations.change.submit import submitted
from outrider.operations.event_details import Counted, Validated, Warned
from outrider.operations.lookups import active
from outrider.operations.opening import Order, check_foreign, check_index, new_deployment, no_change, opened
from outrider.operations.records import Deployment, Draft, Version
from outrider.operations.stored_specs import readable_spec
from outrider.spec.stored import FORMAT

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.change.documents import Source
    from outrider.operations.environment import Environment
    from outrider.operations.states import Kind


async def deploy(environment: Environment, ready: Prepared, order: Order) -> Deployment:
    """Store what was prepared as a version and register its job, all or nothing; the answer is to be followed.

    Where somebody was faster with the same spec, as two pipelines for one commit are, their deployment is joined.
    SpecError: Envoy or Nomad refuses it. BlockedError: something stops it. ConflictError: another index than
    ``check_index``, another deployer, a job that is not Outrider's. RemoteError: Nomad is away or refuses the job.
    """
    check_basis(ready.plan.service, order.basis, (order.check_index, ready.plan.check_index), ready.plan.basis)
    check_index(ready.plan.service, ready.plan.check_index, order)
    found = await _joined(environment, ready, order)
    if found is not None:
        return found
    _refuse(ready)
    check_foreign(ready.plan.is_foreign, ready.plan.service, order)
    await _check_fetched(environment, ready)
    passed = await check_blockers(environment, change_of(ready, order), order) if ready.plan.has_changes else ()
    await _validated(environment, ready)
    version = await _version(environment, ready, order)
    deployment = await opened(environment, replace(_deployment(ready, version, order), overrides=passed), version)
    return await _registered(environment, ready, version, deployment)


async def with_blockers(environment: Environment, ready: Prepared, order: Order) -> Prepared:
    """The same with all that would stop it now; where nothing changes, nothing does."""
    if not ready.plan.has_changes:
        return ready
    return replace(ready, plan=replace(ready.plan, blockers=await blockers(environment, change_of(ready, order))))


def change_of(ready: Prepared, order: Order) -> Change:
    """What deploying it would do, for those who might stop it."""
    base = ready.base.number if ready.base else None
    return Change(
        service=ready.plan.service,
        kind=_kind(order),
        by=order.by.name,
        hash=ready.chosen.hash,
        part=ready.chosen.service.planned,
        number=None if ready.plan.changes else base,
        spec=ready.rendered.stored,
        running=base,
        origin=order.origin,
        source=ready.source.origin,
    )


def _kind(order: Order) -> Kind:
    if order.origin is not None:
        return "release"
    if order.goes_back:
        return "rollback"
    return "redeploy" if order.renews else "run"


async def _joined(environment: Environment, ready: Prepared, order: Order) -> Deployment | None:
    """The deployment under way that brings up just this: it is followed to its verdict, and nothing is done twice."""
    if ready.plan.has_changes:
        return None
    found = await active(environment, ready.plan.service, ready.running.index)
    if found is not None:
        await environment.journal.note(found.id, f"asked for again by {order.by.name}: it is under way", Counted())
    return found


def _refuse(ready: Prepared) -> None:
    plan, file, sidecar = ready.plan, ready.source.file, ready.rendered.topology.sidecar
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


async def _version(environment: Environment, ready: Prepared, order: Order) -> Version:
    """The one that runs or the newest where it is the same, or a new one."""
    if ready.base and not ready.plan.has_changes:
        return ready.base
    source, result, old = ready.source, ready.rendered, ready.base if ready.chosen.is_kept else None
    draft = Draft(
        environment=environment.name,
        service=result.service.service,
        hash=ready.chosen.hash,
        protocol=result.topology.protocol,
        file=source.file,
        spec=source.text,
        merged=replace(result.stored, patches=(readable_spec(old)[0] or result.stored).patches).document,
        job=ready.chosen.job,
        format=FORMAT,
        bootstrap=old.bootstrap if old else result.template,
        artifacts=old.artifacts if old else _fetched(source, ready.chosen.job),
        created_by=order.by.name,
        source=source.origin,
        platform=old.platform if old else await platform_part(environment),
    )
    for kept in (ready.base, await environment.store.versions.newest_version(environment.name, draft.service)):
        if kept and _is_same(kept, draft):
            return kept
    return await environment.store.versions.add_version(draft)


def _fetched(source: Source, job: Json) -> tuple[str, ...]:
    """The stored bytes that the job downloads: its packed directory, and what it names by an address of the portal's."""
    packed = {source.directory.sha256} if source.directory else set[str]()
    return tuple(sorted(packed | fetched_in(json.dumps(job))))


async def _check_fetched(environment: Environment, ready: Prepared) -> None:
    """UsageError where the job names bytes by an address of the portal's that are not there (any more)."""
    for sha256 in fetched_in(json.dumps(ready.chosen.job)):
        if not await environment.store.artifacts.renew_artifact(sha256):
            raise UsageError(
                f"run.artifact names bytes that are not stored any more: {sha256}",
                next_step="Upload them again (`outrider upload`), then deploy.",
            )


def _is_same(kept: Version, draft: Draft) -> bool:
    specs = (kept.format, kept.merged) == (draft.format, draft.merged)
    return specs and (kept.hash, kept.artifacts, kept.job) == (draft.hash, draft.artifacts, draft.job)


def _deployment(ready: Prepared, version: Version, order: Order) -> Deployment:
    fresh = new_deployment(version.environment, version.service, _kind(order), order)
    return replace(
        fresh,
        version=version.number,
        previous=ready.base.number if ready.base else None,
        count=ready.rendered.count,
        expected_index=ready.plan.check_index,
        source=ready.source.origin,
    )


async def _registered(
    environment: Environment, ready: Prepared, version: Version, deployment: Deployment
) -> Deployment:
    try:
        for warning in (*ready.plan.warnings, *ready.plan.without_effect):
            await environment.journal.note(deployment.id, warning, Warned())
        if ready.plan.retry:
            await environment.journal.note(deployment.id, f"{ready.plan.retry}; trying again", Warned())
        if said := taken_along(ready.plan.platform):
            await environment.journal.note(deployment.id, said, Validated())
        if not ready.plan.has_changes:
            return await no_change(environment, deployment, f"no change: version {version.number} runs already")
        if ready.plan.restarts_nothing:
            return await no_change(environment, deployment, f"version {version.number} is stored; nothing restarts")
        await environment.journal.note(deployment.id, "Envoy and Nomad accept it", Validated())
        return await submitted(environment, deployment, ready.job)
    except (SpecError, UsageError) as error:
        await ended(environment, deployment, error)
        raise
