"""A node of the catalog: this machine, or one that somebody registered by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from outrider_embedded.registry.rows import Row


@dataclass(frozen=True, slots=True)
class Node:
    """``tagged_addresses`` and ``meta`` are None where the registration did not name them: Consul answers null."""

    name: str
    address: str
    id: str = ""
    tagged_addresses: dict[str, str] | None = None
    meta: dict[str, str] | None = None


def this_node(name: str, node_id: str, address: str) -> Node:
    """The node of the machine itself, as Consul's own agent registers it."""
    addresses = {"lan": address, "lan_ipv4": address, "wan": address, "wan_ipv4": address}
    return Node(name, address, node_id, addresses, {"consul-network-segment": ""})


def node_document(row: Row[Node], datacenter: str) -> dict[str, Any]:
    """``Node`` in /v1/health/service and in /v1/catalog/nodes."""
    node = row.value
    return {
        "ID": node.id,
        "Node": node.name,
        "Address": node.address,
        "Datacenter": datacenter,
        "TaggedAddresses": node.tagged_addresses,
        "Meta": node.meta,
        "CreateIndex": row.created,
        "ModifyIndex": row.modified,
    }
