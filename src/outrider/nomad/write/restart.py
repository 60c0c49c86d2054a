"""How often and how fast Nomad starts a task again on its node."""

from __future__ import annotations

from outrider.documents import Json
from outrider.nomad.write.literal import nanoseconds

SECOND = 1_000
MINUTE = 60 * SECOND


def restart(attempts: int, interval_ms: int, delay_ms: int, mode: str) -> Json:
    """Nomad refuses more attempts than fit into the interval."""
    return {
        "Attempts": attempts,
        "Delay": nanoseconds(delay_ms),
        "Interval": nanoseconds(interval_ms),
        "Mode": mode,
    }


def for_ever() -> Json:
    """A second after each end, without end: a sidecar never takes its app down."""
    return restart(10, 10 * SECOND, SECOND, "delay")


def once() -> Json:
    """The gate: a start that does not succeed ends the allocation, with the gate's reason."""
    return restart(0, 10 * SECOND, SECOND, "fail")


def a_few_times() -> Json:
    """The app: three times in five minutes, then the allocation has failed and Nomad tries another place."""
    return restart(3, 5 * MINUTE, 2 * SECOND, "fail")
