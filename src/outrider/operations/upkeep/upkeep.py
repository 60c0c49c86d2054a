"""The work that goes on in the background, in one portal at a time: old versions, deployments and artifacts are forgotten."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.upkeep.known import known_to_nomad
from outrider.operations.upkeep.retention import Bounds, forgettable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outrider.operations.environment import Environment
    from outrider.operations.repositories import Store

WORK = "upkeep"
LEASE_S = 900.0
EVERY_S = 3600.0
SOON_S = 60.0
UNUSED_FOR = timedelta(days=1)

log = logging.getLogger("outrider.upkeep")


@dataclass(frozen=True, slots=True)
class Done:
    """How much was forgotten; ``left_out`` are environments of which nothing could go, because their Nomad is away."""

    versions: int = 0
    deployments: int = 0
    artifacts: int = 0
    execs: int = 0
    left_out: tuple[str, ...] = ()


class Upkeep:
    """Forgets what nobody needs. ``bounds`` says how much is kept, by the platform as it is now."""

    def __init__(self, store: Store, environments: Mapping[str, Environment], bounds: Callable[[], Bounds]) -> None:
        self._store = store
        self._environments = environments
        self._bounds = bounds
        self._holder = str(uuid.uuid4())
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin a minute from now, and again each hour."""
        self._task = asyncio.create_task(self._again_and_again(), name="outrider-upkeep")

    async def close(self) -> None:
        """End it; another portal goes on."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._store.leases.give_back(WORK, self._holder)

    async def once(self) -> Done | None:
        """Forget now what may go; None where another portal, or a backup, is at it."""
        if not await self._store.leases.take(WORK, self._holder, LEASE_S):
            return None
        try:
            return await self._done()
        finally:
            await self._store.leases.give_back(WORK, self._holder)

    async def _again_and_again(self) -> None:
        pause = SOON_S
        while True:
            await asyncio.sleep(pause)
            pause = EVERY_S
            try:
                done = await self.once()
            except OutriderError as error:
                log.warning("what nobody needs any more could not be forgotten: %s", error.message)
            except Exception:  # whatever it is: the portal's work goes on without
                log.exception("upkeep")
            else:
                _tell(done)

    async def _done(self) -> Done:
        versions = deployments = 0
        named, left_out = set[str](), list[str]()
        for name, environment in self._environments.items():
            try:
                forgotten = await self._kept_within(environment, named)
            except OutriderError as error:
                log.warning("nothing of %s is forgotten: %s", name, error.message)
                left_out.append(name)
            else:
                versions, deployments = versions + forgotten[0], deployments + forgotten[1]
        # A job of an environment whose Nomad is away may name any of them.
        artifacts = 0 if left_out else await self._artifacts(named)
        since = self._bounds().since
        execs = sum([await self._store.execs.forget_execs(name, since) for name in self._environments])
        return Done(versions, deployments, artifacts, execs, tuple(left_out))

    async def _kept_within(self, environment: Environment, named: set[str]) -> tuple[int, int]:
        """How many versions and deployments have gone; ``named`` gets the artifacts that Nomad knows."""
        services = await self._store.versions.services(environment.name)
        known = await known_to_nomad(environment, services)
        named |= known.artifacts
        versions = deployments = 0
        for service in services:
            past = await self._store.retention.past(environment.name, service)
            what = forgettable(past, self._bounds(), known.versions[service])
            if what:
                gone = await self._store.retention.forget(past, what.versions, what.deployments)
                versions, deployments = versions + gone[0], deployments + gone[1]
        return versions, deployments

    async def _artifacts(self, named: set[str]) -> int:
        since = datetime.now(UTC) - UNUSED_FOR
        unused = set(await self._store.artifacts.unused_artifacts(since)) - named
        gone = await self._store.artifacts.drop_artifacts(unused, since)
        await self._store.artifacts.sweep(since)
        return gone


def _tell(done: Done | None) -> None:
    if done and (done.versions or done.deployments or done.artifacts or done.execs):
        log.info(
            "forgotten: %s versions, %s deployments, %s artifacts, %s execs",
            *(done.versions, done.deployments, done.artifacts, done.execs),
        )
