"""The agent's loop in a test: turned until what the test waits for has come, its clock put forward."""

from __future__ import annotations

import time
from collections.abc import Callable

from outrider_agent.loop import Actor, Loop

DEADLINE_S = 20.0
PAUSE_S = 0.02


class Clocked(Loop):
    """A loop whose clock can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0
        super().__init__()

    def now(self) -> float:
        return super().now() + self.ahead


def turned(loop: Loop, until: Callable[[], object]) -> None:
    """Turn the loop until that holds; whatever comes from a thread or a socket wakes it."""
    deadline = time.monotonic() + DEADLINE_S
    while not until():
        assert time.monotonic() < deadline, "it has not come"
        if not any(isinstance(one, Ticking) for one in loop.actors):
            loop.actors.append(Ticking())
            loop.hand_in(lambda: None)  # else it sleeps for as long as those want that were there before
        loop.turn()


class Ticking(Actor):
    """Wakes the loop again and again, so that the condition is asked again."""

    def wake_at(self, now: float) -> float:
        return now + PAUSE_S
