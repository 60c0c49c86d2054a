"""A whole cluster on one machine: registry and scheduler together, up with one block and gone with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from outrider_ground.edge.serving import serving, shielded
from outrider_ground.errors import OutriderError
from outrider_ground.private import private_directory
from outrider_ground.settings import allowed_hosts, host_environment, vault_access

from outrider_embedded.addresses import Cluster
from outrider_embedded.registry.running import running_registry
from outrider_embedded.scheduler.api.app import scheduler_app
from outrider_embedded.scheduler.process import catch_ignored_signals
from outrider_embedded.scheduler.server import LOOPBACK, Setting, scheduling

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
from dataclasses import dataclass

_GRACE_S = 0.2
VOLUMES = "volumes"
"""Below a cluster's directory: its host volumes, by their names."""


@dataclass(frozen=True, slots=True)
class ClusterPorts:
    """Where a cluster listens (0: any free port), and the range that allocations get theirs from."""

    consul: int = 0
    nomad: int = 0
    of_allocations: tuple[int, int] = (20000, 25000)


ANY_PORTS = ClusterPorts()


@contextlib.asynccontextmanager
async def cluster(
    name: str,
    directory: Path,
    ports: ClusterPorts = ANY_PORTS,
    address: str = LOOPBACK,
) -> AsyncGenerator[Cluster]:
    """Run Consul's and Nomad's APIs while the block runs; ``name`` is the Consul datacenter and the node's name.

    ``address`` is the node's own: the APIs and the ports of allocations are there. A second node, with a scheduler of
    its own, joins as `served_scheduler` whose setting names this cluster's Consul.

    Processes and registrations that a crashed predecessor left in ``directory`` are ended first. At the end every task
    has ended. Raises OutriderError where a port is taken.
    """
    directory, vault = await asyncio.to_thread(_made, directory), vault_access()
    async with running_registry(name, name, address, ports.consul, allowed_hosts()) as registry:
        ranges = ports.of_allocations
        setting = Setting(
            name, directory, registry.address, ranges, host_environment(), address, vault, directory / VOLUMES
        )
        async with served_scheduler(setting, ports.nomad) as nomad:
            yield Cluster(name, nomad, registry.address, directory)


def _made(directory: Path) -> Path:
    """Closed to everybody else: tasks find their sockets, secrets and programs below it."""
    if private_directory(directory).stat().st_uid != os.geteuid():
        raise OutriderError(
            f"{directory} belongs to another user, who could change what tasks run",
            next_step="Choose another directory, or make it yours (chown).",
        )
    return directory.resolve()


@contextlib.asynccontextmanager
async def served_scheduler(setting: Setting, port: int = 0) -> AsyncGenerator[str]:
    """Run only the scheduler, against whichever Consul the setting names; yields its address."""
    catch_ignored_signals()
    hosts = [setting.address, *allowed_hosts()]
    async with (
        scheduling(setting) as scheduler,
        serving(
            shielded(scheduler_app(scheduler), hosts), setting.address, port, grace_s=_GRACE_S, has_websockets=True
        ) as address,
    ):
        scheduler.announce(address)
        try:
            yield address
        finally:
            scheduler.state.close()
