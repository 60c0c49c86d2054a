"""The verb ``gate``: ends as soon as the sidecar can carry traffic, or with the reason why it cannot."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent import readiness
from outrider_agent.settings import environment, settings

FAILED = 1


def wait(say: Callable[[str], None], timeout: float = readiness.TIMEOUT) -> int:
    """0 as soon as traffic can flow; 1 with the reason after ``timeout`` seconds."""
    found = settings(environment(), needs_envoy=True)

    def say_waiting(seconds: float, why: str) -> None:
        say(f"still waiting after {seconds:.0f} s:\n{why}")

    reason = readiness.open_reason(found, readiness.ask, timeout, say_waiting)
    if reason:
        say(f"not ready after {timeout:.0f} s:\n{reason}")
        return FAILED
    say("Envoy is LIVE and every upstream is known")
    return 0
