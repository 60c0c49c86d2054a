"""The agent's rights at Consul, without a socket: whether its own registration is shown, and so which empty lists say something.

Consul answers 200 with an empty list where the token may not read a service or its node (hashicorp/consul#11276), and
before 1.11 with nothing that tells it from a true one. Nomad registers every allocation before its tasks start, so an
answering Consul that does not show the agent its own registration is the witness: then no empty list is believed.
"""

from __future__ import annotations

from outrider_agent.endpoints import Endpoints
from outrider_agent.loop import NEVER

GRACE = 5.0  # seconds that a new registration may take to reach the servers
FRESH = 60.0  # how long a sight of it counts where nothing is known of an upstream
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 5.0  # between two questions while it is not shown, or Consul does not answer

SHOWN, ABSENT, UNKNOWN = "shown", "absent", "unknown"
READ_SERVICES = 'service_prefix "" { policy = "read" }'
READ_NODES = 'node_prefix "" { policy = "read" }'
OK, FORBIDDEN, MISSING = 200, 403, 404  # what the Consul agent that is asked says of the registration


class Rights:
    """Shared by the watches of one agent; without a ``service_id`` nothing is ever doubted."""

    def __init__(self, service_id: str = "", token: str = "") -> None:
        self._service_id = service_id
        self._token = token  # how an allocation gets its token, for people
        self._shown_at: float | None = None
        self._absent_at: float | None = None
        self._absent_since: float | None = None
        self._local = 0
        self._is_wanted = False
        self._not_before = 0.0
        self._pause = FIRST_PAUSE

    def verdict(self, since: float) -> str:
        """What Consul said at or after ``since``; where that is nothing, it will be asked."""
        if not self._service_id or (self._shown_at is not None and self._shown_at >= since):
            return SHOWN
        self._is_wanted = True
        return ABSENT if self._absent_at is not None and self._absent_at >= since else UNKNOWN

    def is_denied(self, now: float) -> bool:
        """Not shown, for longer than a new registration may take; at once where the token is known to be the reason."""
        if self._absent_since is None:
            return False
        return self._local == FORBIDDEN or now - self._absent_since >= GRACE

    @property
    def is_deregistered(self) -> bool:
        """The Consul agent that is asked has no such registration either: that is no matter of rights."""
        return self._absent_since is not None and self._local == MISSING

    @property
    def reason(self) -> str:
        """Why nothing is shown, and which rights the token needs."""
        causes = {
            OK: "the token may read services, but not their nodes",
            FORBIDDEN: "the token may not read services",
            MISSING: "Nomad has not made it at the Consul agent that is asked, or the token may read nothing",
        }
        cause = causes.get(self._local, "the token may not read it")
        return (
            f"Consul answers, but does not show this allocation's own registration {self._service_id}: {cause}; "
            f"{self._token}, and its policy needs {READ_SERVICES} and {READ_NODES}"
        )

    def due(self, now: float) -> float:  # noqa: ARG002  the same at any time
        return self._not_before if self._is_wanted else NEVER

    def hurry(self, now: float) -> None:
        """The token changed."""
        self._not_before = now

    def shown(self, now: float) -> None:
        self._shown_at = now
        self._absent_at = self._absent_since = None
        self._is_wanted = False
        self._pause = FIRST_PAUSE
        self._not_before = now + FIRST_PAUSE

    def absent(self, local: int, now: float) -> None:
        """Consul's answer does not hold it; ``local`` is the status with which its agent answered for it (0: none)."""
        self._local = local
        self._shown_at = None
        self._absent_at = now
        if self._absent_since is None:
            self._absent_since = now
        self._wait(now)

    def unclear(self, now: float) -> None:
        """No answer, or one that says nothing: a Consul in trouble denies nobody."""
        self._wait(now)

    def _wait(self, now: float) -> None:
        self._not_before = now + self._pause
        self._pause = LONGEST_PAUSE if self._absent_since is not None and self.is_denied(now) else FIRST_PAUSE


class EmptyLists:
    """The empty lists of one upstream, from the first on until somebody is listed again."""

    __slots__ = ("_since", "rights")

    def __init__(self, rights: Rights) -> None:
        self.rights = rights
        self._since: float | None = None

    @property
    def is_open(self) -> bool:
        """The last list was empty."""
        return self._since is not None

    def note(self, now: float, *, is_empty: bool) -> None:
        self._since = self._begun(now) if is_empty else None

    def is_doubtful(self, known: Endpoints | None, now: float) -> bool:
        """Whether not to judge it at all. What is known is held for seconds anyway, which the question outlasts."""
        if known is None:
            return self.rights.verdict(now - FRESH) != SHOWN
        verdict = self.rights.verdict(self._begun(now) if known else now - FRESH)
        return verdict == ABSENT and self.rights.is_denied(now) and not (known and self.rights.is_deregistered)

    def is_vouched(self, now: float) -> bool:
        """Whether what is known may be given up: the own registration was shown since, or is gone for its own reasons."""
        verdict = self.rights.verdict(self._begun(now))
        return verdict == SHOWN or (verdict == ABSENT and self.rights.is_deregistered)

    def _begun(self, now: float) -> float:
        return now if self._since is None else self._since
