"""Where and when Nomad places a group's allocations: anew after failures, version after version, off a drained node."""

from __future__ import annotations

from outrider.documents import Json
from outrider.nomad.write.literal import nanoseconds
from outrider.topology.topology import Topology

SECOND = 1_000
MINUTE = 60 * SECOND


def reschedule() -> Json:
    """Somewhere else, without end, at growing distances."""
    return {
        "Attempts": 0,
        "Delay": nanoseconds(5 * SECOND),
        "DelayFunction": "exponential",
        "Interval": 0,
        "MaxDelay": nanoseconds(2 * MINUTE),
        "Unlimited": True,
    }


def update(topology: Topology) -> Json:
    """The rolling update or canary."""
    wanted = topology.spec.update
    beside = wanted.canary or _all_beside(topology)
    return {
        "AutoPromote": bool(beside and not wanted.canary),
        "AutoRevert": wanted.auto_revert,
        "Canary": beside,
        "HealthCheck": _judged_by(topology),
        "HealthyDeadline": nanoseconds(wanted.healthy_deadline),
        "MaxParallel": wanted.max_parallel,
        "MinHealthyTime": nanoseconds(wanted.min_healthy_time),
        # An unhealthy allocation is replaced once; what has not come up a minute after the deadline never will.
        "ProgressDeadline": nanoseconds(wanted.healthy_deadline + MINUTE),
    }


def migration(topology: Topology) -> Json:
    """How a node is drained: one allocation after the other, each once the one before is healthy at its new place.

    Without it Nomad waits 5 minutes at most, then goes on although the first is not healthy: what takes longer to start
    would lose all its allocations at once (v2.0.5: drainer/watch_jobs.go, allocrunner/health_hook.go).
    """
    wanted = topology.spec.update
    return {
        "HealthCheck": _judged_by(topology),
        "HealthyDeadline": nanoseconds(wanted.healthy_deadline),
        "MaxParallel": 1,
        "MinHealthyTime": nanoseconds(wanted.min_healthy_time),
    }


def _judged_by(topology: Topology) -> str:
    return "checks" if topology.serves_on else "task_states"


def _all_beside(topology: Topology) -> int:
    """Where everything would be replaced in one step, the new comes up beside the old and takes over by itself.

    Not with a fixed port, which the old one holds; not for a redis whose keys two instances would share; and not with a volume
    that both would write.
    """
    count = 1 if topology.count is None else topology.count
    shares_keys = topology.protocol == "redis" and not topology.spec.shard
    possible = not topology.has_fixed_port and not shares_keys and not topology.writes_volumes
    return count if possible and count <= topology.spec.update.max_parallel else 0
