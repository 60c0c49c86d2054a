"""Which digest an image had when its version was deployed: asked for then, in the background, and kept."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.answers.release import ReleaseImage
from outrider.operations.release_records import ImageDigest
from outrider.operations.stored_specs import spec_of
from outrider.spec.image import image_reference
from outrider.spec.run import ImageRun

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.ports import Registry
    from outrider.operations.records import Deployment, Version
    from outrider.operations.repositories import ImageDigests

log = logging.getLogger("outrider.digests")


class Digests:
    """What registries name, remembered by version; nobody who deploys waits for a registry."""

    def __init__(self, registry: Registry, kept: ImageDigests) -> None:
        self._registry, self._kept = registry, kept
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, environment: Environment, deployment: Deployment) -> None:
        """Ask for the digest of what is deployed, where versions are released from that environment."""
        others = environment.platform.environments.values()
        if deployment.version is None or not any(one.release.after == environment.name for one in others):
            return
        task = asyncio.create_task(self._noted(environment, deployment.service, deployment.version))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def of(self, version: Version, image: str) -> ReleaseImage:
        """The digest of the version's image, of when it was deployed or, where that is not known, of now."""
        if digest := image_reference(image).digest:
            return ReleaseImage(image, digest, "written")
        kept = await self._kept.digest(version.environment, version.service, version.number)
        try:
            now = await self._registry.digest(image)
        except OutriderError as error:
            if kept is None:
                return ReleaseImage(image, None, "unknown", error.message)
            return ReleaseImage(image, kept.digest, "deployed")
        if kept is None:
            return ReleaseImage(image, now, "now")
        moved = f"{image} names {now} now; released is what it named at {kept.at:%Y-%m-%d %H:%M} UTC"
        return ReleaseImage(image, kept.digest, "deployed", "" if now == kept.digest else moved)

    async def _noted(self, environment: Environment, service: str, number: int) -> None:
        version = await environment.store.versions.numbered(environment.name, service, number)
        run = spec_of(version).service.run if version else None
        if not isinstance(run, ImageRun) or image_reference(run.image).digest:
            return
        if await self._kept.digest(environment.name, service, number) is not None:
            return
        try:
            digest = await self._registry.digest(run.image)
        except OutriderError as error:
            log.warning("the digest of %s is not known: %s", run.image, error.message)
            return
        found = ImageDigest(environment.name, service, number, run.image, digest, datetime.now(UTC))
        await self._kept.add_digest(found)
