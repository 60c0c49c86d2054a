"""The endpoints template that sovereign renders: one ClusterLoadAssignment for each upstream that Consul lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def call(instances: list[dict[str, Any]], **_more: Any) -> Iterator[dict[str, Any]]:
    """``instances`` are Consul's health entries, of all upstreams together."""
    names = sorted({one["Service"]["Service"] for one in instances})
    for name in names:
        services = [one["Service"] for one in instances if one["Service"]["Service"] == name]
        hosts = [
            {"endpoint": {"address": {"socket_address": {"address": one["Address"], "port_value": one["Port"]}}}}
            for one in services
        ]
        yield {"cluster_name": name, "endpoints": [{"lb_endpoints": hosts}]}
