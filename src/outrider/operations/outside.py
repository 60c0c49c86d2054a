"""What somebody has changed in a job outside of Outrider, though its meta still names a version of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.nomad.read import plan as drift
from outrider.nomad.read.job import running

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.records import Version

COUNT = "Count"


async def changed_outside(environment: Environment, document: Json, base: Version | None) -> tuple[str, ...]:
    """Where the job differs from the one of its version, as ``checkout.app.Env[A]``; the count is everybody's to change.

    Nomad is asked only where the job has an index that no registration of ours has made: a scale keeps what somebody has
    edited before it.
    """
    now = running(document)
    if base is None or not now.is_live:
        return ()
    deployments = await environment.store.deployments(environment.name, base.service)
    if any(one.modify_index == now.index and one.kind != "scale" for one in deployments):
        return ()
    answer = await environment.nomad.plan(_counted(base.job, now.asked))
    return tuple(place for place in drift.places(answer.get("Diff")) if place.rpartition(".")[2] != COUNT)


def _counted(job: Json, count: int | None) -> Json:
    (group,) = job["TaskGroups"]
    return job | {"TaskGroups": [group | {COUNT: count}]}
