"""Envoy's start file: everything about a sidecar but its endpoints, which come through the agent."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.admin import admin
from outrider.envoy.cluster import internal, local_app, trace_collector, upstream_cluster
from outrider.envoy.inline_headers import inline_headers
from outrider.envoy.listener import egress_listener, ingress_listener, metrics_listener
from outrider.envoy.overload import overload_manager
from outrider.envoy.patch import patched
from outrider.envoy.stats import stats_config
from outrider.envoy.tracing import reporting
from outrider.topology import names
from outrider.topology.ports import Slot
from outrider.topology.sidecar import Sidecar
from outrider.topology.topology import Topology

SAMPLE_ALLOCATION = "00000000-0000-0000-0000-000000000000"


def bootstrap(topology: Topology) -> Json:
    """The whole document, with slots where only the allocation knows the value (document.py fills them).

    The operators' patches come last. Raises ValueError for a service outside the mesh, which has no Envoy, and
    SpecError for a patch that cannot be applied.
    """
    if topology.sidecar is None:
        raise ValueError(f"{topology.service} is outside the mesh: it has no Envoy")
    return patched(_bootstrap(topology.sidecar), topology.sidecar.patches)


def _bootstrap(sidecar: Sidecar) -> Json:
    return {
        # Zipkin takes the service of every span from node.cluster; both are mandatory for discovery.
        "node": {"id": Slot("NOMAD_ALLOC_ID", SAMPLE_ALLOCATION), "cluster": sidecar.service},
        "admin": admin(sidecar.admin),
        "static_resources": {"listeners": _listeners(sidecar), "clusters": _clusters(sidecar)},
        "inline_headers": inline_headers(sidecar),
        "stats_config": stats_config(sidecar),
        "overload_manager": overload_manager(sidecar.memory_mb, sidecar.protocols),
        **({"layered_runtime": reporting(sidecar.tracing)} if sidecar.tracing else {}),
    }


def _listeners(sidecar: Sidecar) -> list[Json]:
    ingress = [ingress_listener(sidecar, sidecar.ingress, sidecar.app)] if sidecar.ingress and sidecar.app else []
    egress = [egress_listener(sidecar, upstream) for upstream in sidecar.upstreams]
    return [*ingress, *egress, metrics_listener(sidecar)]


def _clusters(sidecar: Sidecar) -> list[Json]:
    return [
        *([local_app(sidecar.app)] if sidecar.app else []),
        *(upstream_cluster(upstream, sidecar.tracing) for upstream in sidecar.upstreams),
        internal(names.DISCOVERY_AGENT, sidecar.agent),
        internal(names.ENVOY_ADMIN, sidecar.admin),
        *([trace_collector(sidecar.tracing)] if sidecar.tracing else []),
    ]
