"""How many connections Consul lets the agent hold, and whose turn it is when that is fewer than there are upstreams.

A blocking query occupies its connection. Consul allows 200 of them per client address (``http_max_conns_per_client``),
which all agents of a node share, and hangs up on further ones without a word, or answers 429. Then the upstreams take
turns on fewer connections, with waits so short that each is asked about once a second.
"""

from __future__ import annotations

from outrider_agent.loop import NEVER

ROUND = 0.8  # seconds in which every upstream has had its turn
SHORTEST_WAIT = 0.05
TRY_AGAIN = 60.0  # seconds after which the full number is tried again
TOO_MANY = 429


class Lanes:
    """Shared by the links of one agent; a link is known by its upstream's label."""

    def __init__(self, links: int) -> None:
        self.limit: int | None = None  # None: as many as there are links
        self._links = links
        self._until = NEVER
        self._using: list[str] = []
        self._waiting: list[str] = []

    @property
    def longest_wait(self) -> float:
        """Seconds that a blocking query may occupy its lane."""
        if self.limit is None:
            return NEVER
        return max(SHORTEST_WAIT, ROUND * self.limit / self._links)

    def is_free_for(self, label: str, now: float) -> bool:
        """Whether this link may ask now; if not, it is in the queue."""
        if now >= self._until:
            self.limit, self._until = None, NEVER
        if self.limit is None:
            return True
        if label not in self._waiting:
            self._waiting.append(label)
        return self._waiting.index(label) < self.limit - len(self._using)

    def take(self, label: str) -> None:
        self._using.append(label)
        if label in self._waiting:
            self._waiting.remove(label)

    def give_back(self, label: str) -> None:
        if label in self._using:
            self._using.remove(label)

    def refused(self, now: float) -> bool:
        """Consul hung up on one link while others are being served: true where that is a new, lower limit.

        Called after the refused link has given its lane back. One more than is sure to work is left free for others.
        """
        served = len(self._using)
        if served == 0:
            return False  # Consul serves nobody: that is no limit, but trouble
        before, self.limit = self.limit, max(1, served - 1)
        self._until = now + TRY_AGAIN
        return before is None or self.limit < before
