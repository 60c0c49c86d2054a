"""What was done with a service: its versions, its deployments and all changes as numbered releases, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

from outrider.operations.answers.lists import Release, Releases
from outrider.operations.lookups import check_known, unknown_service

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, VersionSummary
    from outrider.operations.repositories import Deployments


async def versions(environment: Environment, service: str, limit: int | None = None) -> tuple[VersionSummary, ...]:
    """Its stored versions, without their documents. UsageError where there is none."""
    found = await environment.store.versions.summaries(environment.name, service, limit)
    if not found:
        raise await unknown_service(environment, service)
    return found


async def deployments(environment: Environment, service: str, limit: int = 50) -> tuple[Deployment, ...]:
    """Its last deployments. UsageError where nobody knows the service."""
    found = await environment.store.deployments.newest(environment.name, service, limit)
    if not found:
        await check_known(environment, service)
    return found


async def releases(environment: Environment, service: str, limit: int = 50) -> Releases:
    """Its last changes of any kind, by their numbers. UsageError where nobody knows the service."""
    found = await deployments(environment, service, limit)
    rejected = {
        one.number: one.reason for one in await environment.store.rejections.rejections(environment.name, service)
    }
    made = [release_of(one, rejected.get(one.version) if one.version else None) for one in found]
    return Releases(tuple(sorted(made, key=lambda one: one.number, reverse=True)))


def release_of(deployment: Deployment, rejected: str | None = None) -> Release:
    """The deployment as one of all changes; ``rejected`` is why its version shall not run again."""
    return Release(
        number=deployment.release or 0,
        at=deployment.created_at,
        kind=deployment.kind,
        version=deployment.version,
        previous=deployment.previous,
        count=deployment.count,
        by=deployment.created_by,
        cause=deployment.cause,
        state=deployment.state,
        reason=deployment.reason,
        overrides=deployment.overrides,
        deployment=deployment.id,
        ended_at=deployment.ended_at,
        rejected=rejected,
        from_environment=deployment.from_environment,
        from_version=deployment.from_version,
    )


async def deployment(store: Deployments, deployment_id: str) -> Deployment:
    """One deployment by its whole id, or UsageError."""
    found = await store.with_id(deployment_id)
    if found is None:
        raise UsageError(f"there is no deployment {deployment_id}", next_step="`outrider history SERVICE` lists them.")
    return found
