"""The resolved service of one environment: what every foreign document is derived from."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.spec.drivers import DRIVERS
from outrider.spec.platform import Environment
from outrider.spec.service import Service
from outrider.spec.variables import File, OnChange, Readable
from outrider.spec.volume import Volume
from outrider.topology import names
from outrider.topology.ports import Ports
from outrider.topology.sidecar import Artifact, CarriedAgent, Sidecar, Upstream


@dataclass(frozen=True, slots=True)
class Topology:
    """One service in one environment, resolved: no default is left open, every name and port is settled.

    ``protocol`` is ``none`` for a worker; ``sidecar`` is None for a service outside the mesh. ``count`` is None where
    the number that runs is to be kept. ``directory`` is the packed ``run.directory``. ``agent`` is what the job carries, or
    where nodes fetch it; None where the platform names a path, and outside the mesh.
    """

    service: str
    environment: str
    spec: Service
    platform: Environment
    protocol: str
    service_hash: str
    ports: Ports
    sidecar: Sidecar | None
    directory: Artifact | None
    agent: CarriedAgent | Artifact | None

    @property
    def count(self) -> int | None:
        """Allocations that the spec asks for."""
        return self.spec.count

    def on_change(self, read: Readable | File) -> OnChange:
        """What is done when this changes."""
        return read.on_change or self.spec.on_change or self.platform.on_change

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """Sorted by name."""
        return self.sidecar.upstreams if self.sidecar else ()

    @property
    def has_fixed_port(self) -> bool:
        """Whether no two allocations of the service fit on one node."""
        return any(booking.reserved for booking in self.ports.bookings)

    @property
    def has_mounts(self) -> bool:
        """Whether the driver puts volumes where the spec says."""
        return DRIVERS[self.platform.driver].mounts

    @property
    def writes_volumes(self) -> bool:
        """Whether two allocations beside each other could write the same directory."""
        return any(not volume.read_only for volume in self.spec.volumes)

    def directory_of(self, volume: Volume) -> str:
        """Where the app finds a volume: mounted, or on the node itself, where the rules want the platform to say where."""
        known = self.platform.volumes
        return volume.path if self.has_mounts or known is None else f"{known.directory}/{volume.host}"

    @property
    def serves_on(self) -> str | None:
        """The port label under which Consul knows the service; a worker is known by its metrics, to be scraped."""
        if not self.sidecar:
            return names.APP if self.ports.app else None
        return names.INGRESS if self.ports.ingress else names.METRICS
