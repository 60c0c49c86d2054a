"""A Nomad in memory: the server of the one-machine cluster, over a client that runs nothing and does as it is told."""

from __future__ import annotations

from fakes.nomad.fates import Outcome
from fakes.nomad.simulator import Copy, NomadSimulator

__all__ = ["Copy", "NomadSimulator", "Outcome"]
