"""The agent's loop, turned by a test until what it waits for has come."""

from __future__ import annotations

import time
from collections.abc import Callable

from outrider_agent.loop import Actor, Loop

DEADLINE_S = 20.0
PAUSE_S = 0.02


def turned(loop: Loop, until: Callable[[], object]) -> None:
    """Turn the loop until that holds; whatever comes from a thread or a socket wakes it."""
    deadline = time.monotonic() + DEADLINE_S
    while not until():
        assert time.monotonic() < deadline, "it has not come"
        if not any(isinstance(one, Ticking) for one in loop.actors):
            loop.actors.append(Ticking())
        loop.turn()


class Ticking(Actor):
    """Wakes the loop again and again, so that the condition is asked again."""

    def wake_at(self, now: float) -> float:
        return now + PAUSE_S
