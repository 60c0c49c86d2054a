"""What is known of one service: its versions, its deployments, what runs of it or ran last, or that nobody knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError, UsageError

from outrider.nomad.read.job import environment_of
from outrider.operations.states import ENDING

if TYPE_CHECKING:
    from outrider.nomad.read.job import RunningJob
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version


async def running_version(environment: Environment, service: str, now: RunningJob) -> Version | None:
    """The stored version that runs: the one deployed last of those with the job's hash."""
    if now.hash is None:
        return None
    return await environment.store.versions.running_version(environment.name, service, now.hash)


async def last_count(environment: Environment, service: str, now: RunningJob) -> int | None:
    """How many run, or ran before the stop; None for a service that never ran."""
    return _count(now, None if now.exists else await _last_change(environment, service))


async def last_run(environment: Environment, service: str, now: RunningJob) -> tuple[Version, int]:
    """What runs, or ran last: its version and its count, also after a stop and after Nomad has forgotten it.

    UsageError where this portal does not know it.
    """
    base, last = await running_version(environment, service, now), await _last_change(environment, service)
    number = last and (last.previous if last.kind in ENDING else last.version)
    if base is None and number is not None:
        base = await environment.store.versions.numbered(environment.name, service, number)
    if base is None:
        raise await _never_run(environment, service)
    count = _count(now, last)
    return base, 1 if count is None else count


def _count(now: RunningJob, last: Deployment | None) -> int | None:
    """Nomad's word where it has the job; else that of the last change."""
    return last.count if last and not now.exists else now.asked


async def has_run(environment: Environment, service: str) -> bool:
    """Whether a version of it came up, or was stopped, as far as the store knows."""
    return await _last_change(environment, service) is not None


async def _last_change(environment: Environment, service: str) -> Deployment | None:
    """The last change that counts: a version or a count that came up, or a stop, which has the count that it ended."""
    done = await environment.store.deployments.newest(environment.name, service)
    counted = (one for one in done if one.count is not None and one.modify_index is not None)
    return next((one for one in counted if one.kind in ENDING or one.state == "successful"), None)


async def active(environment: Environment, service: str, modify_index: int) -> Deployment | None:
    """The deployment under way that has made the job's index."""
    done = await environment.store.deployments.newest(environment.name, service)
    return next((one for one in done if not one.is_final and one.modify_index == modify_index), None)


async def stored_version(environment: Environment, service: str, number: int) -> Version:
    """The version, or UsageError with those that exist."""
    found = await environment.store.versions.numbered(environment.name, service, number)
    if found is None:
        known = [
            str(version.number) for version in await environment.store.versions.summaries(environment.name, service)
        ]
        there = f"There are {known[-1]} to {known[0]}." if known else "It was never deployed there."
        raise UsageError(f"{service} has no version {number} in {environment.name}", next_step=there)
    return found


async def unknown_service(environment: Environment, service: str) -> UsageError:
    """The error for a service that this portal has not deployed: another one has, or nobody."""
    runs, silence = await _runs_unrecorded(environment, service)
    if runs:
        return UsageError(
            f"{service} runs in {environment.name}, but this portal has no record of it: its database is another one",
            next_step=f"Restore the database, or deploy its file: `outrider run FILE -e {environment.name}`.",
        )
    known = ", ".join(await environment.store.versions.services(environment.name))
    unasked = f", and whether it runs there is not known: {silence}" if silence else ""
    return UsageError(
        f"{environment.name} knows no service {service}{unasked}",
        next_step=f"It knows: {known}." if known else "Nothing is deployed there yet: `outrider run FILE`.",
    )


async def check_known(environment: Environment, service: str) -> None:
    """UsageError for a service that this portal has not deployed."""
    if service not in await environment.store.versions.services(environment.name):
        raise await unknown_service(environment, service)


async def _runs_unrecorded(environment: Environment, service: str) -> tuple[bool, str]:
    """Whether Nomad has a job of ours under this name, and why it does not say."""
    try:
        document = await environment.nomad.job(service)
    except RemoteError as error:
        return False, error.message
    return document is not None and environment_of(document) == environment.name, ""


async def datacenter(environment: Environment) -> str | None:
    """Consul's name for its datacenter, the nearest one in its list; None where it does not answer: links lack it then, as they say."""
    try:
        return next(iter(await environment.consul.datacenters()), None)
    except RemoteError:
        return None


async def not_running(environment: Environment, service: str) -> UsageError:
    """The error for a service that has no running job; UsageError of its own for one that nobody knows."""
    await check_known(environment, service)
    return UsageError(
        f"{service} does not run in {environment.name}",
        next_step=f"`outrider start {service} -e {environment.name}` brings back what ran, `outrider run` a spec.",
    )


async def _never_run(environment: Environment, service: str) -> UsageError:
    await check_known(environment, service)
    return UsageError(
        f"{service} has not run in {environment.name} yet, as far as this portal knows",
        next_step=f"Deploy its file: `outrider run FILE -e {environment.name}`.",
    )
