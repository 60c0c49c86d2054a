"""The portal as a process: the application of a platform, its API and its pages, served until the block ends."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from outrider_ground.edge.limits import OF_PORTAL
from outrider_ground.edge.listening import listener
from outrider_ground.edge.serving import serving

from outrider.portal.app import portal_app
from outrider.programs.platform_watch import watched_platform
from outrider.settings import Settings
from outrider.spec.platform import Platform
from outrider.wiring.application import live_application


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen: what was asked for, and the address that this means; port 0 is any free one."""

    host: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Served:
    """A portal that answers: its URL here, and whether it knows one under which nodes reach it."""

    address: str
    is_known_to_nodes: bool


@asynccontextmanager
async def served_portal(
    settings: Settings, platform: Platform, place: ListenAddress, file: Path | None = None
) -> AsyncGenerator[Served]:
    """Run the portal of the platform while the block runs; its ``file`` is watched. OutriderError where the port is taken."""
    port = place.port or _free_port(place.address)
    hosts = (place.host, place.address, *settings.hosts)
    async with live_application(settings, platform, url_of(place.host, place.address, port)) as live:
        app = portal_app(live.now, hosts=hosts)
        live.shown_by(partial(setattr, app.state, "application"))
        async with (
            watched_platform(live, file),
            serving(app, place.address, port, limits=OF_PORTAL, has_websockets=True) as address,
        ):
            yield Served(address, live.now.url is not None)


def url_of(host: str, address: str, port: int) -> str | None:
    """Where others reach a portal that listens there, by the name it was told; None for all addresses: that is none."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if (getattr(found, "ipv4_mapped", None) or found).is_unspecified:
        return None
    name = host.strip()
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _free_port(address: str) -> int:
    """A port that was free a moment ago: jobs name it, so it is known before the portal listens."""
    with closing(listener(address, 0)) as made:
        return int(made.getsockname()[1])
