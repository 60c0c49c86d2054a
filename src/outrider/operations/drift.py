"""What somebody has changed in a job outside of Outrider, though its meta still names a version of ours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider.nomad.read.plan import places
from outrider.operations.environment import DriftCheck

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.documents import Json
    from outrider.nomad.read.job import RunningJob
    from outrider.operations.environment import Environment

COUNT = "Count"


async def changed_outside(
    environment: Environment, service: str, now: RunningJob, number: int | None
) -> tuple[str, ...]:
    """Where the job differs from the one of its version, as ``checkout.app.Env[A]``; the count is everybody's to change.

    Nomad is asked only where the job has an index that no registration of ours has made: a scale keeps what somebody has
    edited before it. RemoteError as Nomad's.
    """
    if number is None or not await foreign(environment, {service: now}):
        return ()
    return await asyncio.shield(drift_check(environment, service, now, number).places)


async def foreign(environment: Environment, jobs: Mapping[str, RunningJob]) -> tuple[str, ...]:
    """The services of which a job is live that has an index that no registration of ours has made."""
    live = {service: now.index for service, now in jobs.items() if now.is_live}
    made = await environment.store.deployments.registrations(environment.name, set(live.values()))
    return tuple(service for service, index in live.items() if (service, index) not in made)


def drift_check(environment: Environment, service: str, now: RunningJob, number: int) -> DriftCheck:
    """The comparison of the job as it is at this index with that version, under way or done: it is made once."""
    kept = environment.drift_checks.get(service)
    if kept is not None and (kept.index, kept.version) == (now.index, number) and not _has_failed(kept):
        return kept
    made = asyncio.create_task(_places(environment, service, number, now.asked))
    # Whoever waits for it hears of an error; where nobody does any more, the next one asks again.
    made.add_done_callback(lambda task: task.cancelled() or task.exception())
    environment.drift_checks[service] = DriftCheck(now.index, number, made)
    return environment.drift_checks[service]


def _has_failed(kept: DriftCheck) -> bool:
    done = kept.places
    return done.done() and (done.cancelled() or done.exception() is not None)


async def _places(environment: Environment, service: str, number: int, asked: int | None) -> tuple[str, ...]:
    base = await environment.store.versions.numbered(environment.name, service, number)
    if base is None:
        return ()
    answer = await environment.nomad.plan(with_count(base.job, asked))
    return tuple(place for place in places(answer.get("Diff")) if place.rpartition(".")[2] != COUNT)


def with_count(job: Json, count: int | None) -> Json:
    """The job with the count that runs: a scale changes it, and no stored version. None leaves it as it is."""
    (group,) = job["TaskGroups"]
    return job if count is None else {**job, "TaskGroups": [{**group, COUNT: count}]}
