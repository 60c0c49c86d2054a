"""The watch on the agent's own registration, without a socket: when callers that keep connections must be sent away.

Nomad deregisters an instance before it stops it. Callers' agents hear that from Consul; a caller outside the mesh that
keeps its connection does not, so this instance's Envoy is told to say it: ``/healthcheck/fail`` closes connections
after each answer, and ``/healthcheck/ok`` undoes it. ``drain_listeners`` would be final, and is never used.
"""

from __future__ import annotations

from outrider_agent.loop import NEVER
from outrider_agent.pace import Bucket

GONE_FOR = 1.0  # seconds that only this registration must be missing
PAUSE = 0.25  # between two looks while it is missing
RETRY = 1.0  # after an error, and while it has never been there
WAIT = 55.0
MARGIN = 5.0
BURST, RATE = 5.0, 2.0  # queries, and queries a second: a server that does not block is not asked in a hot loop

OK = "ok"
FAIL = "fail"
OK_STATUS, MISSING_STATUS = 200, 404


class Look:
    """What to ask the local Consul agent: this instance (blocking while ``content`` is set), or all it knows."""

    __slots__ = ("content", "deadline", "is_for_all")

    def __init__(self, content: str, deadline: float, *, is_for_all: bool) -> None:
        self.content = content  # the hash of what is known, "" for an answer at once
        self.deadline = deadline
        self.is_for_all = is_for_all


class OwnInstance:
    """Ask ``due``, take a ``look``, report what came of it; ``wanted`` is what Envoy shall answer to health checks."""

    def __init__(self) -> None:
        self.wanted = ""  # OK or FAIL, "" while nothing is known
        self._content = ""
        self._missing_since: float | None = None
        self._asks_for_all = False
        self._not_before = 0.0
        self._bucket = Bucket(BURST, RATE)

    def due(self, now: float) -> float:
        return max(self._not_before, self._bucket.ready_at(now))

    def look(self, now: float) -> Look:
        if self._missing_since is None:
            self._bucket.take(now)
        wait = WAIT if self._content and not self._asks_for_all else 0.0
        return Look(self._content if wait else "", now + wait + wait / 16 + MARGIN, is_for_all=self._asks_for_all)

    def seen(self, status: int, content: str, now: float) -> None:
        """The answer about this instance; any status but 200 and 404 says nothing."""
        if status == OK_STATUS:
            self._content = content
            self._missing_since = None
            self.wanted = OK
            self._not_before = now
        elif status == MISSING_STATUS and self.wanted:
            self._content = ""
            self._asks_for_all = self.wanted == OK
            self._not_before = now + (0.0 if self._asks_for_all else RETRY)
        else:
            self.unclear(now)

    def others(self, now: float, *, are_known: bool) -> None:
        """Whether the same Consul agent knows other services: one that knows none has lost its memory."""
        self._asks_for_all = False
        if not are_known:
            self.unclear(now)
            return
        if self._missing_since is None:
            self._missing_since = now
        self._not_before = now + PAUSE
        if now - self._missing_since >= GONE_FOR:
            self._missing_since = None
            self.wanted = FAIL

    def unclear(self, now: float) -> None:
        """An error, a refusal or an empty memory: nothing changes, and a second that had begun is void."""
        self._asks_for_all = False
        self._missing_since = None
        self._content = ""
        self._not_before = now + RETRY


class Told:
    """Which health Envoy has been told, and when to tell it (again)."""

    def __init__(self) -> None:
        self.health = ""
        self._not_before = 0.0

    def due(self, wanted: str) -> float:
        return self._not_before if wanted and wanted != self.health else NEVER

    def confirmed(self, health: str) -> None:
        self.health = health

    def failed(self, now: float) -> None:
        """Envoy did not take it; it may be restarting."""
        self._not_before = now + RETRY
