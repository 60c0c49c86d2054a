"""What the server says of itself in `/v1/agent/self`: a Nomad agent's answer, with this server's own values in it."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.node import DATACENTER, REGION, VERSION
from outrider_embedded.scheduler.state import State


def agent_document(node: Document, consul_address: str, state: State) -> Document:
    """``/v1/agent/self``."""
    stored = _stored()
    return {
        "config": _config(stored["config"], node, consul_address),
        "member": _member(node),
        "stats": _stats(stored["stats"], node, state),
    }


def members(node: Document) -> Document:
    """``/v1/agent/members``."""
    return {"Members": [_member(node)], "ServerDC": DATACENTER, "ServerName": node["Name"], "ServerRegion": REGION}


@cache
def _stored() -> Document:
    """The parts that are the same on every machine."""
    return json.loads(resources.files("outrider_embedded.scheduler").joinpath("agent_self.json").read_text("utf-8"))


def _config(stored: Document, node: Document, consul_address: str) -> Document:
    host, port = node["HTTPAddr"].rsplit(":", 1)
    own = node["NodeResources"]
    client = {**stored["Client"], "MaxDynamicPort": own["MaxDynamicPort"], "MinDynamicPort": own["MinDynamicPort"]}
    return {
        **stored,
        "AdvertiseAddrs": {"HTTP": node["HTTPAddr"], "RPC": node["HTTPAddr"], "Serf": node["HTTPAddr"]},
        "BindAddr": host,
        "Client": client,
        "Consuls": [{**stored["Consuls"][0], "Addr": urlsplit(consul_address).netloc}],
        "NodeName": node["Name"],
        "Ports": {"HTTP": int(port), "RPC": int(port), "Serf": int(port)},
        "Version": {**stored["Version"], "Version": VERSION},
    }


def _member(node: Document) -> Document:
    stored = _stored()["member"]
    host, port = node["HTTPAddr"].rsplit(":", 1)
    tags = {**stored["Tags"], "build": VERSION, "id": node["ID"], "port": port, "rpc_addr": host}
    return {**stored, "Addr": host, "Name": f"{node['Name']}.{REGION}", "Port": int(port), "Tags": tags}


def _stats(stored: Document, node: Document, state: State) -> Document:
    running = sum(one["ClientStatus"] == "running" for one in state.allocations.values())
    index, address, attributes = str(state.index), node["HTTPAddr"], node["Attributes"]
    cores = attributes["cpu.numcores"]
    about = {"arch": attributes["cpu.arch"], "cpu_count": cores, "kernel.name": attributes["kernel.name"]}
    client = {"known_servers": address, "node_id": node["ID"], "num_allocations": str(running)}
    return {
        **stored,
        "client": {**stored["client"], **client},
        "nomad": {**stored["nomad"], "leader_addr": address},
        "raft": {**stored["raft"], "applied_index": index, "commit_index": index, "last_log_index": index},
        "runtime": {**stored["runtime"], **about, "max_procs": cores},
    }
