"""What runs on one machine, for those who use it: addresses, clients and clusters; nothing is started here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from outrider_embedded.addresses import Cluster

from outrider.clients.portal import PortalClient
from outrider.spec.platform import Platform


@dataclass(frozen=True, slots=True)
class Machine:
    """What runs: the portal with its address and a client of it, and the clusters by environment."""

    address: str
    portal: PortalClient
    clusters: dict[str, Cluster]
    directory: Path
    platform: Platform
