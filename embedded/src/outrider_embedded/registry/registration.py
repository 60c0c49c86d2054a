"""The body of a service registration: an instance and the checks that come with it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Any

from outrider_embedded.registry.decoding import (
    ANY,
    PLACES_MAP,
    TEXT,
    TEXT_MAP,
    TEXTS,
    TRUTH,
    WHOLE,
    Fields,
    document,
    fields_of,
)
from outrider_embedded.registry.definition import DEFINITION_FIELDS, GO_TYPE, Definition, definition, require_status
from outrider_embedded.registry.instance import Instance, derived_addresses
from outrider_embedded.registry.refusal import bad_request

_GO_TYPE = (
    'struct { EnableTagOverrideSnake bool "json:\\"enable_tag_override\\""; TaggedAddressesSnake '
    'map[string]structs.ServiceAddress "json:\\"tagged_addresses\\""; *structs.Alias }'
)
INSTANCE_FIELDS: Fields = {
    "ID": TEXT,
    "Tags": TEXTS,
    "Address": TEXT,
    "Port": WHOLE,
    "Meta": TEXT_MAP,
    "Weights": ANY,
    "TaggedAddresses": PLACES_MAP,
    "EnableTagOverride": TRUTH,
    "Kind": TEXT,
    "Proxy": ANY,
    "Connect": ANY,
    "EnterpriseMeta": ANY,
    "Namespace": TEXT,
}
_FIELDS: Fields = INSTANCE_FIELDS | {"Name": TEXT, "Check": ANY, "Checks": ANY, "Token": TEXT}
_WEIGHTS: Fields = {"Passing": WHOLE, "Warning": WHOLE}
_META_KEY = re.compile(r"[a-zA-Z0-9_-]+")
_MOST_META, _LONGEST_META_KEY, _LONGEST_META_VALUE = 64, 128, 512
_CONSULS_OWN = "consul-"


@dataclass(frozen=True, slots=True)
class Registration:
    """What one call asks the agent to know: the checks have their final ids and names."""

    instance: Instance
    definitions: tuple[Definition, ...]


def registration(body: bytes) -> Registration:
    """The registration in a body; raises Refused with Consul's words."""
    found = fields_of(document(body), _FIELDS, _GO_TYPE)
    if not found.get("Name"):
        raise bad_request("Missing service name")
    _require_address(found.get("Address", ""))
    _require_meta(found.get("Meta", {}))
    definitions = tuple(_definition(item) for item in _wanted_checks(found))
    instance = agent_instance(found, found["Name"])
    return Registration(instance, tuple(_named(definitions, instance)))


def agent_instance(found: dict[str, Any], name: str) -> Instance:
    """The instance in decoded fields, with the addresses that the agent derives."""
    instance = catalog_instance(found, name)
    derived = derived_addresses(instance.address, instance.port)
    return replace(instance, tagged_addresses=derived | instance.tagged_addresses)


def catalog_instance(found: dict[str, Any], name: str) -> Instance:
    """The instance in decoded fields, as it stands there."""
    places = found.get("TaggedAddresses", {}).items()
    return Instance(
        id=found.get("ID") or name,
        name=name,
        tags=tuple(found.get("Tags", ())),
        address=found.get("Address", ""),
        port=found.get("Port", 0),
        meta=found.get("Meta", {}),
        weights=_weights(found.get("Weights")),
        tagged_addresses={key: (place.get("Address", ""), place.get("Port", 0)) for key, place in places},
        enable_tag_override=found.get("EnableTagOverride", False),
    )


def _wanted_checks(found: dict[str, Any]) -> list[dict[str, Any]]:
    """``Check`` and ``Checks``; one that is empty says nothing."""
    wanted = [*(found.get("Checks") or ()), *([found["Check"]] if found.get("Check") else ())]
    decoded = (fields_of(item, DEFINITION_FIELDS, GO_TYPE) for item in wanted)
    return [item for item in decoded if item]


def _definition(found: dict[str, Any]) -> Definition:
    require_status(found.get("Status", ""), "Status for checks must 'passing', 'warning', 'critical'")
    return definition(found)


def _named(definitions: tuple[Definition, ...], instance: Instance) -> list[Definition]:
    """Checks without an id are numbered, a single one is not."""
    own = f"service:{instance.id}"
    ids = [own] if len(definitions) == 1 else [f"{own}:{number}" for number in range(1, len(definitions) + 1)]
    return [
        replace(
            wanted,
            id=wanted.id or own_id,
            name=wanted.name or f"Service '{instance.name}' check",
            service_id=instance.id,
        )
        for wanted, own_id in zip(definitions, ids, strict=True)
    ]


def _weights(value: Any) -> tuple[int, int]:
    if value is None:
        return (1, 1)
    found = fields_of(value, _WEIGHTS, "structs.Weights")
    if found.get("Passing", 0) < 1:
        raise bad_request("Invalid Weights: Passing must be greater than 0")
    return (found["Passing"], found.get("Warning", 0))


def _require_address(address: str) -> None:
    try:
        if ipaddress.ip_address(address).is_unspecified:
            raise bad_request("Invalid service address")
    except ValueError:
        return  # a host name or nothing


def _require_meta(meta: dict[str, str]) -> None:
    if len(meta) > _MOST_META:
        raise bad_request(f"Invalid Service Meta: Node metadata cannot contain more than {_MOST_META} key/value pairs")
    for key, value in meta.items():
        if refusal := _refused_pair(key, value):
            raise bad_request(f"Invalid Service Meta: Couldn't load metadata pair ('{key}', '{value}'): {refusal}")


def _refused_pair(key: str, value: str) -> str:
    """Consul's word for a pair that it does not take; it counts bytes and calls them characters."""
    if not key:
        return "Key cannot be blank"
    if not _META_KEY.fullmatch(key):
        return "Key contains invalid characters"
    if len(key) > _LONGEST_META_KEY:
        return f"Key is too long (limit: {_LONGEST_META_KEY} characters)"
    if key.startswith(_CONSULS_OWN):
        return f"Key prefix '{_CONSULS_OWN}' is reserved for internal use"
    too_long = len(value.encode()) > _LONGEST_META_VALUE
    return f"Value is too long (limit: {_LONGEST_META_VALUE} characters)" if too_long else ""
