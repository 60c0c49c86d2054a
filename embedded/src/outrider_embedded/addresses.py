"""Where a cluster of one machine is: its servers' addresses and its directory; data only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster; addresses are ``http://host:port``."""

    name: str
    nomad_address: str
    consul_address: str
    directory: Path
