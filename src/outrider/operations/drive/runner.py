"""The deployments that this process drives in the background, one task each, under a lease in the store."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError, RemoteError

from outrider.operations.drive.follow import Following
from outrider.operations.drive.leased import LEASE_S, LeasedWork, while_claimed
from outrider.operations.drive.progress import Verdict
from outrider.operations.drive.rejecting import reject_by_itself
from outrider.operations.drive.restarting import Restarting
from outrider.operations.drive.resume import resumed
from outrider.operations.drive.stopping import Stopping
from outrider.operations.event_details import Resumed, Warned
from outrider.operations.states import ENDING

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment
    from outrider.operations.repositories import Deployments

RETRY_S = 2.0

log = logging.getLogger("outrider.deployments")


class Runner:
    """Drives deployments to their verdict; those of a process that is gone are taken over as their lease ends."""

    def __init__(
        self, deployments: Deployments, environments: Mapping[str, Environment], *, lease_s: float = LEASE_S
    ) -> None:
        self._deployments = deployments
        self._environments = environments
        self._holder = str(uuid.uuid4())
        self._lease_s = lease_s
        self._work = LeasedWork("deployments", self._take_up, lease_s)

    def start(self) -> None:
        """Take up what is unfinished, now and whenever something turns up."""
        self._work.start()

    async def close(self) -> None:
        """Let go of everything; whoever starts next takes it up."""
        await self._work.close()

    def drive(self, deployment: Deployment, *, is_taken_up: bool = False) -> None:
        """Drive the deployment in the background."""
        if not deployment.is_final:
            self._work.begin(deployment.id, lambda: self._driven(deployment, is_taken_up=is_taken_up))

    async def _take_up(self) -> None:
        for deployment in await self._deployments.unfinished():
            if deployment.environment in self._environments and _is_left_alone(deployment):
                self.drive(deployment, is_taken_up=True)

    async def _claim(self, deployment_id: str) -> bool:
        return await self._deployments.claim(deployment_id, self._holder, self._lease_s)

    async def _driven(self, deployment: Deployment, *, is_taken_up: bool) -> None:
        """Drive it for as long as the lease is ours, unless it has ended before we had it: a verdict is the last word."""
        if not await self._claim(deployment.id):
            return
        now = await self._deployments.with_id(deployment.id)
        if now is None or now.is_final:
            await self._deployments.release(deployment.id, self._holder)
            return
        work = self._finished(now, is_taken_up=is_taken_up)
        try:
            await while_claimed(work, lambda: self._claim(deployment.id), self._lease_s)
        except RemoteError as error:
            log.warning("deployment %s is taken up again later: %s", deployment.id, error.message)
        except OutriderError as error:
            await self._end(deployment, error.message)
        except Exception:  # whatever it is: a deployment that nobody watches would be under way for ever
            log.exception("deployment %s", deployment.id)
            await self._end(deployment, "a defect of Outrider ended the watching; the portal's log has its traceback")
        finally:
            await self._deployments.release(deployment.id, self._holder)

    async def _end(self, deployment: Deployment, reason: str) -> None:
        """Nothing is taken up for ever: what cannot be driven has failed, unless its end is written down already."""
        now = await self._deployments.with_id(deployment.id)
        if now is not None and not now.is_final:
            await self._environments[deployment.environment].journal.end(now, "failed", reason)

    async def _finished(self, deployment: Deployment, *, is_taken_up: bool) -> None:
        environment = self._environments[deployment.environment]
        if is_taken_up:
            deployment = await resumed(environment, deployment)
            await environment.journal.note(deployment.id, "the portal watches it again", Resumed())
        following = _driver(deployment)(environment, deployment)
        verdict = await _patient_verdict(following, environment)
        if isinstance(following, Following) and following.has_returned and verdict.state == "failed":
            await reject_by_itself(environment, following.deployment, verdict.reason)
        await environment.journal.end(following.deployment, verdict.state, verdict.reason)


def _driver(deployment: Deployment) -> type[Following | Stopping | Restarting]:
    """Who watches it: a restart of single allocations registers nothing."""
    if deployment.kind == "restart" and deployment.modify_index is None:
        return Restarting
    return Stopping if deployment.kind in ENDING else Following


def _is_left_alone(deployment: Deployment) -> bool:
    """A registration that is being made at this moment belongs to the request that makes it."""
    age = (datetime.now(UTC) - deployment.created_at).total_seconds()
    return deployment.modify_index is not None or age > LEASE_S


async def _patient_verdict(following: Following | Stopping | Restarting, environment: Environment) -> Verdict:
    """The verdict; a server that does not answer is asked again until the limit of its silence."""
    silent_since: float | None = None
    while True:
        started = time.monotonic()
        try:
            return await following.verdict()
        except RemoteError as error:
            if silent_since is None or time.monotonic() - started > environment.limits.silence:
                silent_since = time.monotonic()
                await following.note(f"still watching: {error.message}", Warned())
            if time.monotonic() - silent_since > environment.limits.silence:
                return Verdict("failed", f"what became of it is unknown: {error.message}")
            await asyncio.sleep(RETRY_S)
