"""What keeps a job off the nodes that there are, class by class, by what the nodes say of themselves: pure reading."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from outrider.documents import listed, nested, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from outrider.documents import Json

ANY: Final = "*"
_LONGEST: Final = 200


def unfit(nodes: Iterable[Json], job: Json) -> tuple[str, ...]:
    """``class gpu (2 nodes): 1 is down; 1 has driver docker, but not healthy: …``: one sentence for each class that explains.

    ``nodes`` are the stubs of ``/v1/nodes?resources=true``. What other allocations take is not in them, so that a class
    of nodes that would fit if they were empty is not told of: that is what Nomad's own word is for.
    """
    classes: dict[str, list[Json]] = {}
    for node in nodes:
        classes.setdefault(str(node.get("NodeClass") or ""), []).append(node)
    told = ((name, some, _reasons(some, job)) for name, some in sorted(classes.items()))
    return tuple(f"{_named(name, len(some))}: {'; '.join(reasons)}" for name, some, reasons in told if reasons)


def _named(name: str, count: int) -> str:
    nodes = f"{count} node{'s' if count != 1 else ''}"
    return f"class {name} ({nodes})" if name else f"without a class ({nodes})"


def _reasons(nodes: list[Json], job: Json) -> list[str]:
    """The first thing that is in the way on each node, counted."""
    found = Counter(reason for node in nodes if (reason := next(_in_the_way(node, job), "")))
    return [f"{count} {reason}" for reason, count in sorted(found.items())]


def _in_the_way(node: Json, job: Json) -> Iterator[str]:
    if node.get("Status") != "ready":
        yield f"{node.get('Status') or 'unknown'}"
    elif node.get("SchedulingEligibility") != "eligible":
        yield "draining" if node.get("Drain") else "closed to new allocations"
    wanted: list[str] = job.get("Datacenters") or [ANY]
    datacenter = str(node.get("Datacenter"))
    if not any(fnmatchcase(datacenter, one) for one in wanted):
        yield f"in datacenter {datacenter}, not in {', '.join(wanted)}"
    tasks = [task for group in listed(job, "TaskGroups") for task in listed(group, "Tasks")]
    for driver in sorted({str(task.get("Driver")) for task in tasks}):
        yield from _of_driver(driver, table(node, "Drivers").get(driver))
    yield from _of_size(nested(node, "NodeResources"), tasks)


def _of_driver(name: str, state: Json | None) -> Iterator[str]:
    if not state or not state.get("Detected"):
        yield f"without driver {name}"
    elif not state.get("Healthy"):
        said = " ".join(str(state.get("HealthDescription") or "").split())[:_LONGEST]
        yield f"with driver {name}, but not healthy{f': {said}' if said else ''}"


def _of_size(have: Json, tasks: list[Json]) -> Iterator[str]:
    """Whether the node would be too small if nothing ran on it; a node that says nothing of its size is large enough."""
    memory = int(nested(have, "Memory").get("MemoryMB") or 0)
    asked = sum(int(nested(task, "Resources").get("MemoryMB") or 0) for task in tasks)
    if memory and asked > memory:
        yield f"with {memory} MB of memory in all, of {asked} MB that it asks for"
    shares = int(nested(have, "Cpu").get("CpuShares") or 0)
    wanted = sum(int(nested(task, "Resources").get("CPU") or 0) for task in tasks)
    if shares and wanted > shares:
        yield f"with {shares} MHz in all, of {wanted} MHz that it asks for"
