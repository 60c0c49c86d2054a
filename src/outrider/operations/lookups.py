"""What is known of one service: its versions, its deployments, what runs of it or ran last, or that nobody knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

if TYPE_CHECKING:
    from outrider.nomad.read.job import Running
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version


async def running_version(environment: Environment, service: str, now: Running) -> Version | None:
    """The stored version that runs: the one deployed last of those with the job's hash."""
    if now.hash is None:
        return None
    versions = [one for one in await environment.store.versions(environment.name, service) if one.hash == now.hash]
    numbers = {one.number for one in versions}
    for deployment in await environment.store.deployments(environment.name, service):
        if deployment.version in numbers and deployment.modify_index is not None:
            return next(one for one in versions if one.number == deployment.version)
    return versions[0] if versions else None


async def last_count(environment: Environment, service: str, now: Running) -> int | None:
    """How many run, or ran before the stop; None for a service that never ran."""
    last = None if now.exists else await last_stop(environment, service)
    return last.count if last else now.asked


async def last_run(environment: Environment, service: str, now: Running) -> tuple[Version, int]:
    """What runs, or ran last: its version and its count, also after a stop and after Nomad has forgotten it.

    UsageError where this portal does not know it.
    """
    base, last = await running_version(environment, service, now), await last_stop(environment, service)
    if base is None and last is not None and last.previous is not None:
        base = await environment.store.version(environment.name, service, last.previous)
    if base is None:
        raise await _never_run(environment, service)
    count = await last_count(environment, service, now)
    return base, 1 if count is None else count


async def last_stop(environment: Environment, service: str) -> Deployment | None:
    """The last time that the service was stopped while it ran; its count is the one that it had."""
    done = await environment.store.deployments(environment.name, service)
    return next((one for one in done if one.kind == "stop" and one.count is not None), None)


async def active(environment: Environment, service: str, modify_index: int) -> Deployment | None:
    """The deployment under way that has made the job's index."""
    done = await environment.store.deployments(environment.name, service)
    return next((one for one in done if not one.is_final and one.modify_index == modify_index), None)


async def stored_version(environment: Environment, service: str, number: int) -> Version:
    """The version, or UsageError with those that exist."""
    found = await environment.store.version(environment.name, service, number)
    if found is None:
        known = [str(version.number) for version in await environment.store.versions(environment.name, service)]
        there = f"There are {known[-1]} to {known[0]}." if known else "It was never deployed there."
        raise UsageError(f"{service} has no version {number} in {environment.name}", next_step=there)
    return found


async def unknown_service(environment: Environment, service: str) -> UsageError:
    """The error for a service that nobody has deployed."""
    known = ", ".join(await environment.store.services(environment.name))
    return UsageError(
        f"{environment.name} knows no service {service}",
        next_step=f"It knows: {known}." if known else "Nothing is deployed there yet: `outrider run FILE`.",
    )


async def not_running(environment: Environment, service: str) -> UsageError:
    """The error for a service that has no running job, be it known or not."""
    if service not in await environment.store.services(environment.name):
        return await unknown_service(environment, service)
    return UsageError(
        f"{service} does not run in {environment.name}",
        next_step=f"`outrider run` starts it, or `outrider rollback {service} -e {environment.name}`.",
    )


async def _never_run(environment: Environment, service: str) -> UsageError:
    if service not in await environment.store.services(environment.name):
        return await unknown_service(environment, service)
    return UsageError(
        f"{service} has not run in {environment.name} yet, as far as this portal knows",
        next_step=f"Deploy its file: `outrider run FILE -e {environment.name}`.",
    )
