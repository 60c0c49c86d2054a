"""Memory of a sidecar's tasks in MB: what the operators wrote, or what the upstreams of the service take."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from outrider_agent.memory_budget import BESIDE, INSTANCE, MEGABYTE, budget_of

ENVOY_MB = 64
AGENT_MB = 24
# Of Envoy's task: code pages and the allocator's slack are not in its heap.
HEAP_SHARE = 0.7
# Envoy 1.40 at rest: its heap without upstreams, and what each adds (measured with 12 to 500 of
# them, and 5,000 endpoints). Redis has statistics for
# every command.
HEAP_AT_REST_MB = 13.0
UPSTREAM_MB = 0.35
REDIS_UPSTREAM_MB = 2.2
ENDPOINT_MB = 0.0037
# As many as ENVOY_MB is meant for: what they take is in it.
USUAL_UPSTREAMS = 12
USUAL_MB = round(USUAL_UPSTREAMS * UPSTREAM_MB, 3)
# Above this share of its heap at rest, what comes with requests has too little room before Envoy sheds load at 90 %.
FULL_AT_REST = 0.75
# The agent: as many as AGENT_MB is meant for, and what each beyond takes with ten endpoints.
AGENT_UPSTREAMS = 120
AGENT_UPSTREAM_MB = 0.05


def envoy_mb(written: int | None, protocols: Sequence[str]) -> int:
    """Memory of Envoy's task; ``protocols`` has one for each upstream."""
    if written is not None:
        return written
    beyond = max(0.0, _of_upstreams(protocols) - USUAL_MB)
    return ENVOY_MB + ceil(beyond / HEAP_SHARE / FULL_AT_REST)


def agent_mb(written: int | None, upstreams: int) -> int:
    """Memory of the agent's task."""
    if written is not None:
        return written
    return AGENT_MB + ceil(max(0, upstreams - AGENT_UPSTREAMS) * AGENT_UPSTREAM_MB)


def heap_mb(memory_mb: int) -> int:
    """What Envoy's heap may have of its task's memory."""
    return int(memory_mb * HEAP_SHARE)


def at_rest_mb(protocols: Sequence[str]) -> float:
    """What Envoy's heap has with these upstreams before the first request."""
    return HEAP_AT_REST_MB + _of_upstreams(protocols)


def for_connections_mb(memory_mb: int, protocols: Sequence[str]) -> int:
    """What connections may take: all but what more upstreams than usual do, and never less than a quarter."""
    beyond = max(0.0, _of_upstreams(protocols) - USUAL_MB)
    return max(memory_mb // 4, memory_mb - ceil(beyond / HEAP_SHARE / FULL_AT_REST))


def is_full_at_rest(memory_mb: int, protocols: Sequence[str]) -> bool:
    """Whether that Envoy would shed load with little to do, or with nothing."""
    return at_rest_mb(protocols) > FULL_AT_REST * heap_mb(memory_mb)


def _of_upstreams(protocols: Sequence[str]) -> float:
    return round(sum(REDIS_UPSTREAM_MB if protocol == "redis" else UPSTREAM_MB for protocol in protocols), 3)


def instances_taken(memory_mb: int) -> int:
    """How many instances, of all upstreams together, an agent of that memory takes."""
    return budget_of(memory_mb).size // INSTANCE


def agent_needs_mb(instances: int) -> int:
    """The least memory of an agent's task for so many instances."""
    return ceil((BESIDE + instances * INSTANCE) / MEGABYTE)


def envoy_needs_mb(protocols: Sequence[str], instances: int) -> int:
    """The least memory of Envoy's task that is not full at rest with so many endpoints."""
    return ceil((at_rest_mb(protocols) + instances * ENDPOINT_MB) / HEAP_SHARE / FULL_AT_REST)
