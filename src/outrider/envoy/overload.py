"""The overload manager: what Envoy gives up, in steps, before the memory of its task runs out."""

from __future__ import annotations

from collections.abc import Sequence

from outrider.documents import Json
from outrider.envoy.extension import extension
from outrider.topology.memory import for_connections_mb, heap_mb

BYTES = 1_048_576
# The only bound that holds in a burst; the heap is looked at ten times a second. A connection in full use costs 65 KB
# (tests/features/data_plane/test_memory.py), an Envoy without any 15 MB.
CONNECTIONS_PER_MB = 10
HEAP = "envoy.resource_monitors.fixed_heap"
CONNECTIONS = "envoy.resource_monitors.global_downstream_max_connections"
# Where connections run short, an idle one is kept for as long as sidecars need, and no longer for balancers with long times.
SHORT, NEARLY_NONE = 0.8, 0.95
SHORT_IDLE_S = 60


def overload_manager(memory_mb: int, upstreams: Sequence[str]) -> Json:
    """Sheds load from 90 % of the heap on; ``memory_mb`` is the memory of the task, ``upstreams`` are their protocols."""
    heap = extension(
        "resource_monitors.fixed_heap",
        "extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
        max_heap_size_bytes=heap_mb(memory_mb) * BYTES,
    )
    connections = extension(
        "resource_monitors.global_downstream_max_connections",
        "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=most_connections(memory_mb, upstreams),
    )
    return {
        "refresh_interval": "0.100s",
        "resource_monitors": [heap, connections],
        "actions": [
            _action("shrink_heap", 0.9),
            _action("disable_http_keepalive", 0.92),
            _action("stop_accepting_requests", 0.95),
            _short_idle(),
        ],
        # The action stop_accepting_connections would close every listener, also one that bypasses the overload manager,
        # and leave callers waiting in its queue; this closes what is accepted, and only where nothing is bypassed.
        "loadshed_points": [_triggered("envoy.load_shed_points.tcp_listener_accept", 0.98)],
    }


def _short_idle() -> Json:
    """Idle connections must not keep new ones out for as long as ingress keeps them where there is room."""
    timer = {"timer": "HTTP_DOWNSTREAM_CONNECTION_IDLE", "min_timeout": f"{SHORT_IDLE_S}s"}
    scaled = {"scaling_threshold": SHORT, "saturation_threshold": NEARLY_NONE}
    kind = "config.overload.v3.ScaleTimersOverloadActionConfig"
    reduced = extension("overload_actions.reduce_timeouts", kind, timer_scale_factors=[timer])
    return reduced | {"triggers": [{"name": CONNECTIONS, "scaled": scaled}]}


def most_connections(memory_mb: int, upstreams: Sequence[str]) -> int:
    """Downstream connections that an Envoy of that memory takes at a time."""
    return for_connections_mb(memory_mb, upstreams) * CONNECTIONS_PER_MB


def _action(name: str, threshold: float) -> Json:
    return _triggered(f"envoy.overload_actions.{name}", threshold)


def _triggered(name: str, threshold: float) -> Json:
    return {"name": name, "triggers": [{"name": HEAP, "threshold": {"value": threshold}}]}
