"""A registered instance of a service, and its three documents: the agent's, the catalog's and health's."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from dataclasses import dataclass, field
from typing import Any

from outrider_embedded.registry.node import Node
from outrider_embedded.registry.rows import Row

_NO_PROXY: dict[str, Any] = {"MeshGateway": {}, "Expose": {}}
_HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Instance:
    """One address under a service's name."""

    id: str
    name: str
    tags: tuple[str, ...] = ()
    address: str = ""
    port: int = 0
    meta: dict[str, str] = field(default_factory=dict[str, str])
    weights: tuple[int, int] = (1, 1)
    tagged_addresses: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    enable_tag_override: bool = False


def derived_addresses(address: str, port: int) -> dict[str, tuple[str, int]]:
    """What the agent adds by itself: the address under its family's two names, none for host names."""
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return {}
    return {f"{network}_ipv{version}": (address, port) for network in ("lan", "wan")}


def agent_document(instance: Instance) -> dict[str, Any]:
    """As in /v1/agent/services."""
    return {
        "ID": instance.id,
        "Service": instance.name,
        "Tags": list(instance.tags),
        "Meta": instance.meta,
        "Port": instance.port,
        "Address": instance.address,
        **_tagged("TaggedAddresses", instance),
        "Weights": _weights(instance),
        "EnableTagOverride": instance.enable_tag_override,
    }


def content_hash(instance: Instance) -> str:
    """Changes with the instance; answers ``?hash=`` of /v1/agent/service/:id."""
    text = json.dumps(agent_document(instance), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=_HASH_DIGITS // 2).hexdigest()


def health_document(row: Row[Instance]) -> dict[str, Any]:
    """``Service`` in /v1/health/service, where empty meta is null."""
    instance = row.value
    return {
        "ID": instance.id,
        "Service": instance.name,
        "Tags": list(instance.tags),
        "Address": instance.address,
        **_tagged("TaggedAddresses", instance),
        "Meta": instance.meta or None,
        "Port": instance.port,
        "Weights": _weights(instance),
        "EnableTagOverride": instance.enable_tag_override,
        "Proxy": _NO_PROXY,
        "Connect": {},
        "CreateIndex": row.created,
        "ModifyIndex": row.modified,
    }


def catalog_document(node: Node, row: Row[Instance], datacenter: str) -> dict[str, Any]:
    """As in /v1/catalog/service."""
    instance = row.value
    return {
        "ID": node.id,
        "Node": node.name,
        "Address": node.address,
        "Datacenter": datacenter,
        "TaggedAddresses": node.tagged_addresses,
        "NodeMeta": node.meta,
        "ServiceKind": "",
        "ServiceID": instance.id,
        "ServiceName": instance.name,
        "ServiceTags": list(instance.tags),
        "ServiceAddress": instance.address,
        **_tagged("ServiceTaggedAddresses", instance),
        "ServiceWeights": _weights(instance),
        "ServiceMeta": instance.meta,
        "ServicePort": instance.port,
        "ServiceEnableTagOverride": instance.enable_tag_override,
        "ServiceProxy": _NO_PROXY,
        "ServiceConnect": {},
        "CreateIndex": row.created,
        "ModifyIndex": row.modified,
    }


def _weights(instance: Instance) -> dict[str, int]:
    passing, warning = instance.weights
    return {"Passing": passing, "Warning": warning}


def _tagged(key: str, instance: Instance) -> dict[str, Any]:
    if not instance.tagged_addresses:
        return {}
    places = sorted(instance.tagged_addresses.items())
    return {key: {name: {"Address": address, "Port": port} for name, (address, port) in places}}
