"""What the server says of itself in `/v1/agent/self`: the parts of a Nomad agent's configuration that tools look at."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from outrider.embedded.scheduler.node import DATACENTER, REGION, VERSION
from outrider.embedded.scheduler.state import TRACKED_VERSIONS, State

Document = dict[str, Any]


def agent_document(node: Document, consul_address: str, state: State) -> Document:
    """``/v1/agent/self``."""
    return {
        "config": _config(node, consul_address),
        "member": _member(node),
        "stats": _stats(node, state),
    }


def members(node: Document) -> Document:
    """``/v1/agent/members``."""
    return {"Members": [_member(node)], "ServerDC": DATACENTER, "ServerName": node["Name"], "ServerRegion": REGION}


def _config(node: Document, consul_address: str) -> Document:
    host, port = node["HTTPAddr"].rsplit(":", 1)
    return {
        "ACL": {"Enabled": False},
        "Addresses": {"HTTP": host, "RPC": host, "Serf": host},
        "AdvertiseAddrs": {"HTTP": node["HTTPAddr"], "RPC": node["HTTPAddr"], "Serf": node["HTTPAddr"]},
        "BindAddr": host,
        "Client": _client(node),
        "Consuls": [{"Addr": urlsplit(consul_address).netloc, "Name": "default", "EnableSSL": False}],
        "Datacenter": DATACENTER,
        "DevMode": True,
        "Limits": {
            "HTTPMaxConnsPerClient": 0,
            "HTTPSHandshakeTimeout": "5s",
            "RPCHandshakeTimeout": "5s",
            "RPCMaxConnsPerClient": 0,
        },
        "LogLevel": "INFO",
        "NodeName": node["Name"],
        "Plugins": [{"Args": None, "Config": {"enabled": True}, "Name": "raw_exec"}],
        "Ports": {"HTTP": int(port), "RPC": int(port), "Serf": int(port)},
        "Region": REGION,
        "Server": {"BootstrapExpect": 1, "Enabled": True, "JobTrackedVersions": TRACKED_VERSIONS},
        "TLSConfig": {"EnableHTTP": False, "EnableRPC": False, "VerifyServerHostname": False},
        "UI": {"Enabled": False},
        "Vaults": [],
        "Version": {
            "BuildDate": None,
            "Revision": "",
            "Version": VERSION,
            "VersionMetadata": "outrider",
            "VersionPrerelease": "",
        },
    }


def _client(node: Document) -> Document:
    resources = node["NodeResources"]
    return {
        "Enabled": True,
        "HostNetworks": [],
        "MaxDynamicPort": resources["MaxDynamicPort"],
        "MaxKillTimeout": "30s",
        "Meta": {},
        "MinDynamicPort": resources["MinDynamicPort"],
        "NetworkInterface": "lo",
        "NodePool": "default",
        "NomadServiceDiscovery": False,
        "Options": {},
        "TemplateConfig": {
            # Renders for ever: a Consul that is away kills no task here.
            "ConsulRetry": {"Attempts": 0, "Backoff": 1_000_000_000, "MaxBackoff": 1_000_000_000},
        },
    }


def _member(node: Document) -> Document:
    host, port = node["HTTPAddr"].rsplit(":", 1)
    return {
        "Addr": host,
        "DelegateCur": 4,
        "DelegateMax": 5,
        "DelegateMin": 2,
        "Name": f"{node['Name']}.{REGION}",
        "Port": int(port),
        "ProtocolCur": 2,
        "ProtocolMax": 5,
        "ProtocolMin": 1,
        "Status": "alive",
        "Tags": {
            "bootstrap": "1",
            "build": VERSION,
            "dc": DATACENTER,
            "id": node["ID"],
            "port": port,
            "region": REGION,
            "role": "nomad",
        },
    }


def _stats(node: Document, state: State) -> Document:
    running = sum(one["ClientStatus"] == "running" for one in state.allocations.values())
    return {
        "client": {"known_servers": node["HTTPAddr"], "node_id": node["ID"], "num_allocations": str(running)},
        "nomad": {
            "bootstrap": "true",
            "known_regions": "1",
            "leader": "true",
            "leader_addr": node["HTTPAddr"],
            "server": "true",
        },
        "raft": {"applied_index": str(state.index), "last_log_index": str(state.index), "state": "Leader"},
        "runtime": {
            "arch": node["Attributes"]["cpu.arch"],
            "cpu_count": node["Attributes"]["cpu.numcores"],
            "kernel.name": node["Attributes"]["kernel.name"],
        },
    }
