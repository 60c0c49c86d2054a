"""Starting what was stopped: the version that ran, with as many allocations as it had."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.nomad.read.job import running
from outrider.nomad.write.again import rolled_back
from outrider.operations.change.attempts import attempted
from outrider.operations.change.submit import submitted
from outrider.operations.lookups import last_run
from outrider.operations.opening import (
    Order,
    check_artifacts,
    check_foreign,
    new_deployment,
    no_change,
    opened,
    repeated,
)

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment


async def start(environment: Environment, service: str, order: Order) -> Deployment:
    """Register the version that ran before the stop again, with the count that it had.

    UsageError: nothing ran, or its version is not known here. ConflictError and RemoteError as in deploy.
    """
    before = await repeated(environment, order)
    if before is not None:
        return before
    now = running(await environment.nomad.job(service))
    check_foreign(now.is_foreign, service, order)
    target, count = await last_run(environment, service, now)
    fresh = new_deployment(environment.name, service, "start", order)
    wanted = replace(fresh, version=target.number, count=count, expected_index=now.index)
    if now.is_live:
        deployment = await opened(environment, wanted)
        return await no_change(environment, deployment, f"version {target.number} runs already")
    await check_artifacts(environment, target)
    deployment = await opened(environment, wanted)
    return await submitted(environment, deployment, attempted(rolled_back(target.job, count), now, is_again=False))
