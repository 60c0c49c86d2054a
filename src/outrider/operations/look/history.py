"""What was done with a service: its versions and deployments, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

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


async def deployment(store: Deployments, deployment_id: str) -> Deployment:
    """One deployment by its whole id, or UsageError."""
    found = await store.with_id(deployment_id)
    if found is None:
        raise UsageError(f"there is no deployment {deployment_id}", next_step="`outrider history SERVICE` lists them.")
    return found
