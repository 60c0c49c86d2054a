"""Why Nomad found no node, as a sentence: pure reading of its FailedTGAllocs (AllocMetric in Nomad's API)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from outrider.documents import listed, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.documents import Json

# Nomad's words for what a node lacks (scheduler/feasible.go, rank.go); what is not among them is a constraint's text.
_DRIVERS: Final = "missing drivers"
_HOST_NETWORK: Final = re.compile(r'missing host network "(.*)" for port "(.*)"')
_TAKEN: Final = re.compile(r"network: reserved port collision (\S+)=(\d+)")
_LACKING: Final = {
    "missing network": "without the network mode that it asks for",
    "missing compatible host volumes": "without the host volumes that it mounts",
    "missing devices": "without the devices that it asks for",
    "distinct_hosts": "with an allocation of it already, of which a node may have one",
    "computed class ineligible": "of a kind that does not fit",
    "node is ineligible": "closed to new allocations",
}


def failures(document: Json | None, job: Json | None = None) -> tuple[str, ...]:
    """One sentence per group that could not be placed, from a plan's or an evaluation's answer.

    ``job`` is the job that was to be placed: Nomad says that a driver is missing, the job which one.
    """
    failed = table(document or {}, "FailedTGAllocs")
    return tuple(
        f"no node for {name}: {_reason(metric, _drivers(job, name))}" for name, metric in sorted(failed.items())
    )


def _drivers(job: Json | None, name: str) -> str:
    groups = [group for group in listed(job or {}, "TaskGroups") if group.get("Name") == name]
    return ", ".join(sorted({str(task.get("Driver")) for group in groups for task in listed(group, "Tasks")}))


def _reason(metric: Json, drivers: str) -> str:
    parts = [
        *(f"{count} {_lacking(what, drivers)}" for what, count in _sorted(metric, "ConstraintFiltered")),
        *(f"{count} {_full(what)}" for what, count in _sorted(metric, "DimensionExhausted")),
        *_by_class(metric),
        *(f"quota exhausted: {what}" for what in _texts(metric, "QuotaExhausted")),
    ]
    evaluated = int(metric.get("NodesEvaluated") or 0)
    if not evaluated:
        return _no_candidates(metric)
    return f"{evaluated} node{'s' if evaluated != 1 else ''} considered: " + ("; ".join(parts) or "none has room")


def _lacking(what: str, drivers: str) -> str:
    """What Nomad filtered nodes for."""
    network = _HOST_NETWORK.fullmatch(what)
    if network:
        return f'without host network "{network[1]}" (for port {network[2]})'
    if what == _DRIVERS:
        return f"without a healthy driver{f' ({drivers})' if drivers else ''}"
    return _LACKING.get(what, f"without {what}")


def _full(what: str) -> str:
    """What a node has too little of."""
    taken = _TAKEN.fullmatch(what)
    return f"where port {taken[2]} ({taken[1]}) is taken" if taken else f"without enough {what}"


def _by_class(metric: Json) -> Iterator[str]:
    """The same nodes by the class that operators gave them; those without one are in no class."""
    for name, count in _sorted(metric, "ClassFiltered"):
        yield f"of class {name} {count} do{'es' if count == 1 else ''} not fit"
    for name, count in _sorted(metric, "ClassExhausted"):
        yield f"of class {name} {count} {'is' if count == 1 else 'are'} full"


def _no_candidates(metric: Json) -> str:
    available: dict[str, int] = metric.get("NodesAvailable") or {}
    pool = metric.get("NodePool")
    if metric.get("NodesInPool") == 0 and pool:
        return f"no node in node pool {pool}"
    if not any(available.values()):
        places = ", ".join(sorted(available)) or "the job's datacenters"
        return f"no ready node in {places}"
    return "no node is eligible"


def _sorted(metric: Json, key: str) -> list[tuple[str, int]]:
    counts: dict[str, int] = metric.get(key) or {}
    return sorted(counts.items())


def _texts(metric: Json, key: str) -> list[str]:
    found: list[str] | None = metric.get(key)
    return found or []
