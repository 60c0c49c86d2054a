"""How many connections Consul lets the agent hold, and whose turn it is when that is fewer than there are upstreams.

A blocking query occupies its connection. Consul allows 200 of them per client address (``http_max_conns_per_client``),
which all agents of a node share with everybody else there, and hangs up on further ones without a word, or answers 429.
An agent cannot know its neighbours, so it holds no more than it was told; and fewer where Consul refuses it. Then the
upstreams take turns, with waits so short that each is asked about once a second (more than 120 of them, less often).
"""

from __future__ import annotations

from itertools import islice

from outrider_agent.loop import NEVER

ROUND = 0.8  # seconds in which every upstream has had its turn
MOST_QUERIES = 150.0  # a second: with more upstreams a round takes longer, for their sake and for Consul's
SHORTEST_WAIT = 0.05
TRY_AGAIN = 60.0  # seconds after which the full number is tried again
TOO_MANY = 429


class ConnectionSlots:
    """Shared by the links of one agent; a link is known by its upstream's label."""

    def __init__(self, links: int, most: int) -> None:
        self._usual = most if most < links else None
        self.limit = self._usual  # None: as many as there are links
        self._links = links
        self._round = max(ROUND, links / MOST_QUERIES)
        self._until = NEVER
        self._using: set[str] = set()
        self._waiting: dict[str, None] = {}  # in the order in which they came

    @property
    def longest_wait(self) -> float:
        """Seconds that a blocking query may occupy its slot."""
        if self.limit is None:
            return NEVER
        return max(SHORTEST_WAIT, self._round * self.limit / self._links)

    @property
    def was_refused(self) -> bool:
        """Whether Consul refused more a while ago: then an idle connection is one that somebody else lacks."""
        return self._until < NEVER

    def is_free_for(self, label: str, now: float) -> bool:
        """Whether this link may ask now; if not, it is in the queue."""
        if now >= self._until:
            self.limit, self._until = self._usual, NEVER
        if self.limit is None:
            return True
        self._waiting.setdefault(label)
        free = self.limit - len(self._using)
        return free > 0 and label in islice(self._waiting, free)

    def take(self, label: str) -> None:
        self._using.add(label)
        self._waiting.pop(label, None)

    def give_back(self, label: str) -> None:
        self._using.discard(label)

    def refused(self, now: float) -> bool:
        """Consul hung up on one link while others are being served: true where that is a new, lower limit.

        Called after the refused link has given its slot back. One more than is sure to work is left free for others.
        """
        served = len(self._using)
        if served == 0:
            return False  # Consul serves nobody: that is no limit, but trouble
        before, self.limit = self.limit, max(1, served - 1)
        self._until = now + TRY_AGAIN
        return before is None or self.limit < before
