"""What the agent does because of the time alone: polls end, a new token is used, Consul's word replaces a snapshot's."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent.consul import Consul
from outrider_agent.loop import NEVER, Actor
from outrider_agent.polls import Polls, Reply
from outrider_agent.rights import Rights
from outrider_agent.states import CURRENT
from outrider_agent.watch import Watch

TOKEN_PAUSE = 1.0  # seconds between two looks at the token file


class PollClock(Actor):
    """Ends the hold of polls."""

    def __init__(self, polls: Polls, give: Callable[[list[Reply]], None]) -> None:
        self._polls = polls
        self._give = give

    def wake_at(self, now: float) -> float:  # noqa: ARG002  the same at any time
        return self._polls.wake_at()

    def wake(self, now: float) -> None:
        self._give(self._polls.expired(now))


class TokenClock(Actor):
    """Looks at the token file while Consul refuses the token, so that a new one is used at once."""

    def __init__(self, consul: Consul, watches: list[Watch], rights: Rights) -> None:
        self._consul = consul
        self._watches = watches
        self._rights = rights
        self._used = consul.token_look.known
        self._next = 0.0

    def wake_at(self, now: float) -> float:  # noqa: ARG002  the same at any time
        return self._next if any([one.is_denied for one in self._watches]) else NEVER  # noqa: C419  quicker

    def wake(self, now: float) -> None:
        """Whoever has looked at the file: what counts is whether another token is used now."""
        self._next = now + TOKEN_PAUSE
        self._consul.token_look.again()
        before, self._used = self._used, self._consul.token_look.known
        if self._used != before:
            self._rights.hurry(now)
            for one in self._watches:
                one.hurry(now)


class Confirmation(Actor):
    """Lets Consul's word replace a snapshot's for each upstream, also where the two say the same."""

    def __init__(self, polls: Polls, watches: list[Watch], publish: Callable[[Watch], None]) -> None:
        self._polls = polls
        self._watches = watches
        self._publish = publish

    def wake_at(self, now: float) -> float:
        return now if self._due() else NEVER

    def wake(self, now: float) -> None:  # noqa: ARG002  whenever it is called
        for watch in self._due():
            self._publish(watch)

    def _due(self) -> list[Watch]:
        if not self._polls.restored:
            return []
        return [one for one in self._watches if is_believed(one) and one.upstream.label in self._polls.restored]


def is_believed(watch: Watch) -> bool:
    """Whether the watch's endpoints are what Consul says, and not what is kept of a snapshot for want of that."""
    return watch.state == CURRENT
