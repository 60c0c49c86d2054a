"""Placement: whether the one node suits a group, and what an allocation gets on it (resources, addresses, ports)."""

from __future__ import annotations

from outrider_embedded.scheduler import host_volumes
from outrider_embedded.scheduler.constraint import all_constraints, unmet
from outrider_embedded.scheduler.documents import Document, rows
from outrider_embedded.scheduler.ports import NoPortLeftError, PortBook, PortCollisionError

DRIVERS = ("raw_exec", "exec")
"""Both start plain processes here; ``exec`` without its isolation."""


def refusal(job: Document, group: Document, node: Document) -> Document | None:
    """Nomad's metrics of a failed placement, or None where the node suits the group."""
    if not all(_offers(node, task["Driver"]) for task in group["Tasks"]):
        return metrics(node, filtered={"missing drivers": 1})
    network = _missing_network(group)
    if network:
        return metrics(node, filtered={network: 1})
    if not _is_in_datacenter(job, node):
        return metrics(node, filtered={})
    reasons = unmet(all_constraints(job, group), node)
    if reasons:
        return metrics(node, filtered={reasons[0]: 1})
    if host_volumes.lacks(group, node):
        return metrics(node, filtered={host_volumes.MISSING: 1})
    dimension = _exhausted(group, node)
    return metrics(node, exhausted={dimension: 1}) if dimension else None


def _offers(node: Document, driver: str) -> bool:
    """Whether the node says that it runs such tasks [S 2.0.5, scheduler/feasible: DriverChecker]."""
    found = node["Drivers"].get(driver)
    return found is not None and found["Detected"] and found["Healthy"]


def metrics(node: Document, filtered: Document | None = None, exhausted: Document | None = None) -> Document:
    """How a placement went: with both None, the node was taken."""
    return {
        "AllocationTime": 10_000,
        "ClassExhausted": None,
        "ClassFiltered": None,
        "CoalescedFailures": 0,
        "ConstraintFiltered": filtered or None,
        "DimensionExhausted": exhausted,
        "NodePool": "default",
        "NodesAvailable": {node["Datacenter"]: 1},
        "NodesEvaluated": 1,
        "NodesExhausted": int(exhausted is not None),
        "NodesFiltered": int(filtered is not None),
        "NodesInPool": 1,
        "QuotaExhausted": None,
        "ResourcesExhausted": None,
        "ScoreMetaData": None if filtered is not None or exhausted is not None else [_score(node)],
        "Scores": None,
    }


def booked(group: Document, owner: str, book: PortBook, address: str) -> tuple[Document | None, str]:
    """The group's network with its ports booked for the allocation ``owner``, or None with the reason why not."""
    networks: list[Document] = rows(group["Networks"])
    if not networks:
        return {}, ""
    try:
        return _network(networks[0], owner, book, address), ""
    except (PortCollisionError, NoPortLeftError) as error:
        book.release(owner)
        return None, f"network: {error}"


def collision(group: Document, book: PortBook, leaving: set[str], node: Document) -> Document | None:
    """The metrics of a group whose fixed ports others have; ``leaving`` are allocations that will have ended."""
    networks: list[Document] = rows(group["Networks"])
    try:
        for port in [port for network in networks for port in _ports(network, True)]:
            book.check(port["Label"], port["Value"], leaving)
    except PortCollisionError as error:
        return metrics(node, exhausted={f"network: {error}": 1})
    return None


def resources(group: Document, network: Document) -> Document:
    """The fields of an allocation that say what it has: per task, shared, and in the older summed form."""
    tasks: list[Document] = group["Tasks"]
    shared_ports = _port_mappings(network)
    shared: Document = {"DiskMB": group["EphemeralDisk"]["SizeMB"], "Networks": [network] if network else None}
    shared["Ports"] = shared_ports or None
    return {
        "AllocatedResources": {
            "Shared": shared,
            "TaskLifecycles": {task["Name"]: task["Lifecycle"] for task in tasks},
            "Tasks": {task["Name"]: _task_resources(task["Resources"]) for task in tasks},
        },
        "Resources": _summed(group, network),
        "SharedResources": {
            **_no_resources(),
            "DiskMB": group["EphemeralDisk"]["SizeMB"],
            "Networks": [network] if network else None,
        },
        "TaskResources": {task["Name"]: {**task["Resources"], "DiskMB": 0, "Networks": None} for task in tasks},
    }


def _missing_network(group: Document) -> str:
    """Only the host's own network is offered, under its default name."""
    networks: list[Document] = rows(group["Networks"])
    if any(one["Mode"] not in {"host", "none"} for one in networks):
        return "missing network"
    for port in [port for one in networks for port in (*_ports(one, True), *_ports(one, False))]:
        if port["HostNetwork"] != "default":
            return f'missing host network "{port["HostNetwork"]}" for port "{port["Label"]}"'
    return ""


def _is_in_datacenter(job: Document, node: Document) -> bool:
    wanted: list[str] = job["Datacenters"]
    return any(one in {"*", node["Datacenter"]} for one in wanted)


def _exhausted(group: Document, node: Document) -> str:
    """What a single group asks beyond the whole machine; what others use is not counted on one machine."""
    have = node["NodeResources"]
    if sum(task["Resources"]["MemoryMB"] for task in group["Tasks"]) > have["Memory"]["MemoryMB"]:
        return "memory"
    if sum(task["Resources"]["CPU"] for task in group["Tasks"]) > have["Cpu"]["CpuShares"]:
        return "cpu"
    return ""


def _score(node: Document) -> Document:
    scores = {"binpack": 0.0, "job-anti-affinity": 0.0, "node-reschedule-penalty": 0.0, "node-affinity": 0.0}
    return {"NodeID": node["ID"], "NormScore": 0.0, "Scores": scores}


def _network(network: Document, owner: str, book: PortBook, address: str) -> Document:
    result = {**network, "IP": address}
    reserved = [_with_value(port, book.reserved(owner, port["Label"], port["Value"])) for port in _ports(network, True)]
    dynamic = [_with_value(port, book.dynamic(owner)) for port in _ports(network, False)]
    if reserved:
        result["ReservedPorts"] = reserved
    if dynamic:
        result["DynamicPorts"] = dynamic
    return result


def _ports(network: Document, is_reserved: bool) -> list[Document]:  # noqa: FBT001
    return network.get("ReservedPorts" if is_reserved else "DynamicPorts") or []


def _with_value(port: Document, value: int) -> Document:
    """The port with its number; ``To`` -1 means the same number inside the allocation."""
    to = value if port.get("To") == -1 else port.get("To")
    return {**port, "Value": value} | ({"To": to} if to else {})


def _port_mappings(network: Document) -> list[Document]:
    ports = [*network.get("ReservedPorts", []), *network.get("DynamicPorts", [])]
    return [
        {"HostIP": network["IP"], "Label": port["Label"], "Value": port["Value"]}
        | ({"To": port["To"]} if port.get("To") else {})
        for port in ports
    ]


def _task_resources(asked: Document) -> Document:
    return {
        "Cpu": {"CpuShares": asked["CPU"], "ReservedCores": None},
        "Devices": None,
        "Memory": {"MemoryMB": asked["MemoryMB"], "MemoryMaxMB": asked["MemoryMaxMB"]},
        "Networks": None,
    }


def _no_resources() -> Document:
    return {
        "CPU": 0,
        "Cores": 0,
        "Devices": None,
        "DiskMB": 0,
        "IOPS": 0,
        "MemoryMB": 0,
        "MemoryMaxMB": 0,
        "NUMA": None,
        "Networks": None,
        "SecretsMB": 0,
    }


def _summed(group: Document, network: Document) -> Document:
    asked = [task["Resources"] for task in group["Tasks"]]
    memory = sum(one["MemoryMB"] for one in asked)
    return _no_resources() | {
        "CPU": sum(one["CPU"] for one in asked),
        "DiskMB": group["EphemeralDisk"]["SizeMB"],
        "MemoryMB": memory,
        "MemoryMaxMB": sum(one["MemoryMaxMB"] or one["MemoryMB"] for one in asked),
        "Networks": [network] if network else None,
    }
