"""The portal as a process: the application of a platform, its API and its pages, served until the block ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from outrider_ground.edge.limits import OF_PORTAL
from outrider_ground.edge.serving import serving

from outrider.portal.app import portal_app
from outrider.settings import Settings
from outrider.spec.platform import Platform
from outrider.wiring import application


@asynccontextmanager
async def served_portal(
    settings: Settings, platform: Platform, address: str, port: int, hosts: Iterable[str]
) -> AsyncGenerator[str]:
    """Run the portal of the platform while the block runs; yields the URL that it answers at."""
    async with (
        application(settings, platform) as running,
        serving(portal_app(running, hosts=hosts), address, port, limits=OF_PORTAL) as url,
    ):
        yield url
