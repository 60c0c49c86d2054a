"""Registrations that go straight to the catalog: nodes and services without an agent (a database elsewhere)."""

from __future__ import annotations

from typing import Any

from outrider_embedded.registry.catalog import Catalog
from outrider_embedded.registry.check import CRITICAL, Check
from outrider_embedded.registry.decoding import ANY, TEXT, TEXT_MAP, TRUTH, Fields, document, fields_of
from outrider_embedded.registry.instance import Instance
from outrider_embedded.registry.node import Node
from outrider_embedded.registry.refusal import failed
from outrider_embedded.registry.registration import INSTANCE_FIELDS, catalog_instance

_FIELDS: Fields = {
    "ID": TEXT,
    "Node": TEXT,
    "Address": TEXT,
    "Datacenter": TEXT,
    "TaggedAddresses": TEXT_MAP,
    "NodeMeta": TEXT_MAP,
    "Service": ANY,
    "Check": ANY,
    "Checks": ANY,
    "SkipNodeUpdate": TRUTH,
    "EnterpriseMeta": ANY,
    "WriteRequest": ANY,
}
_SERVICE_FIELDS: Fields = INSTANCE_FIELDS | {"Service": TEXT}
_CHECK_FIELDS: Fields = {
    "Node": TEXT,
    "CheckID": TEXT,
    "Name": TEXT,
    "Status": TEXT,
    "Notes": TEXT,
    "Output": TEXT,
    "ServiceID": TEXT,
    "ServiceName": TEXT,
    "ServiceTags": ANY,
    "Type": TEXT,
    "Definition": ANY,
    "EnterpriseMeta": ANY,
}
_ENDING: Fields = {
    "Node": TEXT,
    "Datacenter": TEXT,
    "ServiceID": TEXT,
    "CheckID": TEXT,
    "Address": TEXT,
    "EnterpriseMeta": ANY,
    "WriteRequest": ANY,
}


def register(catalog: Catalog, body: bytes) -> None:
    """Add or change a node, a service on it and its checks, all in one write."""
    found = fields_of(document(body), _FIELDS, "structs.RegisterRequest")
    _require_datacenter(found, catalog.datacenter)
    _require_node(found)
    instance = _instance(found)
    wanted = [*(found.get("Checks") or ()), *([found["Check"]] if found.get("Check") else ())]
    checks = [_check(catalog, found["Node"], instance, item) for item in wanted]
    catalog.indexes.advance()
    if found.get("Address"):
        catalog.put_node(_node(found))
    if instance is not None:
        catalog.put_instance(found["Node"], instance)
    for check in checks:
        catalog.put_check(check)


def deregister(catalog: Catalog, body: bytes) -> None:
    """Take out a check, a service or a whole node; what is not there is no error."""
    found = fields_of(document(body), _ENDING, "struct { Address string; *structs.Alias }")
    _require_datacenter(found, catalog.datacenter)
    if not found.get("Node"):
        raise failed("Must provide node")
    catalog.indexes.advance()
    if found.get("ServiceID"):
        catalog.remove_instance(found["Node"], found["ServiceID"])
    elif found.get("CheckID"):
        catalog.remove_check(found["Node"], found["CheckID"])
    else:
        catalog.remove_node(found["Node"])


def _require_node(found: dict[str, Any]) -> None:
    if not found.get("Node"):
        raise failed("Must provide node")
    if not found.get("Address") and not found.get("SkipNodeUpdate"):
        raise failed("Must provide address if SkipNodeUpdate is not set")


def _require_datacenter(found: dict[str, Any], datacenter: str) -> None:
    if found.get("Datacenter", datacenter) not in {"", datacenter}:
        raise failed("No path to datacenter")


def _node(found: dict[str, Any]) -> Node:
    return Node(
        found["Node"],
        found["Address"],
        found.get("ID", ""),
        found.get("TaggedAddresses"),
        found.get("NodeMeta"),
    )


def _instance(found: dict[str, Any]) -> Instance | None:
    if found.get("Service") is None:
        return None
    service = fields_of(found["Service"], _SERVICE_FIELDS, "structs.NodeService")
    if not service.get("Service"):
        raise failed("failed inserting service: failed inserting service: object missing primary index")
    return catalog_instance(service, service["Service"])


def _check(catalog: Catalog, node: str, instance: Instance | None, item: Any) -> Check:
    found = fields_of(item, _CHECK_FIELDS, "structs.HealthCheck")
    service_id = found.get("ServiceID", "")
    known = catalog.instance(node, service_id)
    stands_on = instance if instance is not None and instance.id == service_id else known.value if known else None
    if service_id and stands_on is None:
        raise failed(f'failed inserting check: Missing service registration on node "{node}"')
    return Check(
        node,
        found.get("CheckID") or found.get("Name", ""),
        found.get("Name", ""),
        status=found.get("Status") or CRITICAL,
        notes=found.get("Notes", ""),
        output=found.get("Output", ""),
        service_id=service_id,
        service_name=stands_on.name if stands_on else "",
        service_tags=stands_on.tags if stands_on else (),
        type=found.get("Type", ""),
    )
