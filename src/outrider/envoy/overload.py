"""The overload manager: what Envoy gives up, in steps, before the memory of its task runs out."""

from __future__ import annotations

from outrider.envoy.extension import Json, extension

# Of the task's memory: code pages and the allocator's slack are not in Envoy's heap.
HEAP_SHARE = 0.7
BYTES = 1_048_576
# The only bound that holds in a burst; the heap is looked at ten times a second. A connection in full use costs 65 KB
# (tests/features/data_plane/test_memory.py), an Envoy without any 15 MB.
CONNECTIONS_PER_MB = 10
HEAP = "envoy.resource_monitors.fixed_heap"


def overload_manager(memory_mb: int) -> Json:
    """Sheds load from 90 % of the heap on; ``memory_mb`` is what the platform gives the task."""
    heap = extension(
        "resource_monitors.fixed_heap",
        "extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
        max_heap_size_bytes=int(memory_mb * HEAP_SHARE) * BYTES,
    )
    connections = extension(
        "resource_monitors.global_downstream_max_connections",
        "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=memory_mb * CONNECTIONS_PER_MB,
    )
    return {
        "refresh_interval": "0.100s",
        "resource_monitors": [heap, connections],
        "actions": [
            _action("shrink_heap", 0.9),
            _action("disable_http_keepalive", 0.92),
            _action("stop_accepting_requests", 0.95),
            _action("stop_accepting_connections", 0.98),
        ],
    }


def _action(name: str, threshold: float) -> Json:
    return {"name": f"envoy.overload_actions.{name}", "triggers": [{"name": HEAP, "threshold": {"value": threshold}}]}
