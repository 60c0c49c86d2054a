"""The one node: this machine as a Nomad client would describe it, and the agent that serves the API."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import uuid
from pathlib import Path

from outrider_embedded.scheduler.device import device_of
from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.placement import DRIVERS
from outrider_embedded.scheduler.times import stamp

VERSION = "2.0.5"
"""The Nomad whose answers are imitated."""

DATACENTER = "dc1"
REGION = "global"
_MEGAHERTZ = 2300
_MEGABYTE = 1 << 20
_DRIVER_NOTES = {"docker": "not offered by the embedded cluster", "podman": "not offered by the embedded cluster"}


def node_document(name: str, address: str, ports: tuple[int, int], consul: Document) -> Document:
    """``/v1/node/:id``; ``address`` is the API's ``host:port``, ``consul`` Consul's ``/v1/agent/self``."""
    identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, f"outrider:{name}"))
    now = stamp()
    return {
        "Attributes": _attributes(name, address, consul),
        "CSIControllerPlugins": {},
        "CSINodePlugins": {},
        "CgroupParent": "",
        "ComputedClass": "v1:1",
        "CreateIndex": 8,
        "Datacenter": DATACENTER,
        "Drain": False,
        "DrainStrategy": None,
        "Drivers": _drivers(now),
        "Events": [_registered(now)],
        "GCVolumesOnNodeGC": False,
        "HTTPAddr": address,
        "HostNetworks": {},
        "HostVolumes": {},
        "ID": identifier,
        "IdentitySigningKeyID": "",
        "LastAllocUpdateIndex": 10,
        "LastDrain": None,
        "LastMissedHeartbeatIndex": 0,
        "Links": {"consul": f"{DATACENTER}.{name}"},
        "Meta": {},
        "ModifyIndex": 10,
        "Name": name,
        "NodeClass": "",
        "NodeMaxAllocs": 0,
        "NodePool": "default",
        "NodeResources": _resources(ports, _ip(address)),
        "ReservedResources": _reserved(),
        "SchedulingEligibility": "eligible",
        "SecretID": "",
        "Status": "ready",
        "StatusDescription": "",
        "StatusUpdatedAt": 0,
        "TLSEnabled": False,
    }


def node_address(node: Document) -> str:
    """The address that labels are booked on, where no host network is named."""
    return node["NodeResources"]["Networks"][0]["IP"]


def node_stub(node: Document) -> Document:
    """The document of the list ``/v1/nodes``."""
    names = (
        "CreateIndex",
        "Datacenter",
        "Drain",
        "Drivers",
        "HostVolumes",
        "ID",
        "LastDrain",
        "ModifyIndex",
        "Name",
        "NodeClass",
        "NodePool",
        "NodeResources",
        "ReservedResources",
        "SchedulingEligibility",
        "Status",
        "StatusDescription",
    )
    return {name: node[name] for name in names} | {"Address": _ip(node["HTTPAddr"]), "Version": VERSION}


def _ip(address: str) -> str:
    return address.rsplit(":", 1)[0]


def _attributes(name: str, address: str, consul: Document) -> dict[str, str]:
    cores = os.cpu_count() or 1
    config = fields(consul.get("Config"))
    return {
        "consul.datacenter": config.get("Datacenter", DATACENTER),
        "consul.server": str(config.get("Server", True)).lower(),
        "consul.sku": "oss",
        "consul.version": config.get("Version", "0.0.0"),
        "consul.connect": "true",
        "cpu.arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "cpu.frequency": str(_MEGAHERTZ),
        "cpu.numcores": str(cores),
        "cpu.reservablecores": str(cores),
        "cpu.totalcompute": str(cores * _MEGAHERTZ),
        "cpu.usablecompute": str(cores * _MEGAHERTZ),
        **{f"driver.{name}": "1" for name in sorted(DRIVERS)},
        "kernel.arch": platform.machine(),
        "kernel.name": platform.system().lower(),
        "kernel.version": platform.release(),
        "memory.totalbytes": str(_memory_bytes()),
        "nomad.service_discovery": "true",
        "nomad.version": VERSION,
        "os.name": platform.system().lower(),
        "os.signals": ",".join(sorted({one.name for one in signal.Signals})),
        "unique.advertise.address": address,
        "unique.consul.name": config.get("NodeName", name),
        "unique.hostname": platform.node(),
        "unique.network.ip-address": _ip(address),
        "unique.storage.volume": "/",
    }


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _drivers(now: str) -> Document:
    offered = {name: _driver(now, {f"driver.{name}": "true"}, "Healthy", True) for name in DRIVERS}
    return offered | {name: _driver(now, {}, note, False) for name, note in _DRIVER_NOTES.items()}


def _driver(now: str, attributes: Document, description: str, is_healthy: bool) -> Document:  # noqa: FBT001
    return {
        "Attributes": attributes,
        "Detected": is_healthy,
        "HealthDescription": description,
        "Healthy": is_healthy,
        "UpdateTime": now,
    }


def _registered(now: str) -> Document:
    return {
        "CreateIndex": 0,
        "Details": None,
        "Message": "Node registered",
        "Subsystem": "Cluster",
        "Timestamp": now,
    }


def _resources(ports: tuple[int, int], address: str) -> Document:
    cores, device = os.cpu_count() or 1, device_of(address)
    return {
        "Cpu": {
            "CpuShares": cores * _MEGAHERTZ,
            "ReservableCpuCores": list(range(cores)),
            "TotalCpuCores": cores,
        },
        "Devices": None,
        "Disk": {"DiskMB": shutil.disk_usage(Path("/")).free // _MEGABYTE},
        "MaxDynamicPort": ports[1],
        "Memory": {"MemoryMB": _memory_bytes() // _MEGABYTE},
        "MinDynamicPort": ports[0],
        "Networks": [{"CIDR": f"{address}/32", "Device": device, "IP": address, "MBits": 1000, "Mode": "host"}],
        "NodeNetworks": [_network(address, device)],
        "Processors": {"Topology": _topology(cores)},
    }


def _topology(cores: int) -> Document:
    core = {
        "BaseSpeed": _MEGAHERTZ,
        "Disable": False,
        "Grade": True,
        "GuessSpeed": 0,
        "MaxSpeed": 0,
        "NodeID": 0,
        "SocketID": 0,
    }
    return {
        "Cores": [{**core, "ID": number} for number in range(cores)],
        "Distances": None,
        "Nodes": [0],
        "OverrideTotalCompute": 0,
        "OverrideWitholdCompute": 0,
    }


def _network(address: str, device: str) -> Document:
    default = {
        "Address": address,
        "Alias": "default",
        "Family": "ipv4",
        "Gateway": "",
        "ReservedPorts": "",
    }
    return {"Addresses": [default], "Device": device, "MacAddress": "", "Mode": "host", "Speed": 1000}


def _reserved() -> Document:
    return {
        "Cpu": {"CpuShares": 0, "ReservedCpuCores": None},
        "Disk": {"DiskMB": 0},
        "Memory": {"MemoryMB": 0},
        "Networks": {"ReservedHostPorts": ""},
    }
