"""How often the observer of an environment asks, and how long it waits: seconds."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Two servers that idle are asked once every few seconds, and a server that is away not much more often."""

    question: float = 4.0
    """For the answer to a short question."""
    pulse: float = 5.0
    """Between two questions whether a server is there, which a stream without events does not tell."""
    held: float = 25.0
    """For which a query on Consul's checks is held where nothing changes."""
    relist: float = 300.0
    """Between two listings while the stream is well: what it may have lost is found again."""
    unstreamed: float = 5.0
    """Between two listings where there is no stream."""
    breath: float = 0.2
    """Between a stream that has ended, or an answer of Consul, and the next."""
    first: float = 0.5
    """Before the second try at a server that is away; each further one waits twice as long, and none longer than:"""
    longest: float = 15.0
    event: float = 1.0
    """For an event that must come, before Nomad is listed instead."""

    def after(self, failures: int) -> float:
        """How long to wait after so many failures in a row, with a share of chance so that portals spread."""
        return min(self.longest, self.first * 2 ** min(failures - 1, 16)) * random.uniform(0.75, 1.0)  # noqa: S311
