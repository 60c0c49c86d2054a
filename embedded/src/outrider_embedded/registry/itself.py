"""What the registry says of itself: /v1/agent/self in the shape of Consul 1.8.7, and the list of members."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from outrider_embedded.registry.state import Identity

_SHAPE = Path(__file__).with_name("agent_self.json")
_NO_LIMIT = 0


def self_document(identity: Identity) -> dict[str, Any]:
    """Config, DebugConfig, Member and the rest. True of this server: names, ids, script checks, no connection limit."""
    document = copy.deepcopy(_shape())
    document["Config"] |= {"Datacenter": identity.datacenter, "NodeName": identity.node, "NodeID": identity.node_id}
    document["DebugConfig"] |= {
        "Datacenter": identity.datacenter,
        "NodeName": identity.node,
        "NodeID": identity.node_id,
        "EnableLocalScriptChecks": True,
        "EnableRemoteScriptChecks": True,
        "HTTPMaxConnsPerClient": _NO_LIMIT,
    }
    document["Member"] = members(identity)[0]
    return document


def members(identity: Identity) -> list[dict[str, Any]]:
    """The one member of the gossip pool that is none."""
    member = copy.deepcopy(_shape()["Member"])
    member |= {"Name": identity.node, "Addr": identity.address}
    member["Tags"] |= {"dc": identity.datacenter, "id": identity.node_id}
    return [member]


@cache
def _shape() -> dict[str, Any]:
    return json.loads(_SHAPE.read_text(encoding="utf-8"))
