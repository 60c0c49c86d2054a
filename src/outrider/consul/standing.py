"""How the checks of all instances stand, by node and registration: pure reading of ``/v1/health/state/any``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from outrider.documents import Json
from outrider.topology import names

WORST_FIRST = ("critical", "warning", "passing")


Signature = frozenset[tuple[str, str, int, tuple[str, ...]]]
"""Of one service: node, id, creation and tags of each registration."""


@dataclass(frozen=True, slots=True)
class Stand:
    """One registration: the worst of its own checks, and what is another only where it was registered anew."""

    service: str
    status: str
    created: int
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """By node the worst of its own checks, by node and id each registration that has checks."""

    nodes: Mapping[str, str] = field(default_factory=dict[str, str])
    registrations: Mapping[tuple[str, str], Stand] = field(default_factory=dict[tuple[str, str], Stand])

    def status(self, node: str, instance_id: str) -> str:
        """The worst of the registration's own checks and of its node's, as ``/v1/health/service`` has both."""
        own = self.registrations.get((node, instance_id))
        return worse(self.nodes.get(node, "passing"), own.status if own else "passing")

    def signatures(self) -> dict[str, Signature]:
        """By service what its registrations are, whatever their checks say: another one is to be read anew."""
        found: dict[str, set[tuple[str, str, int, tuple[str, ...]]]] = {}
        for (node, id_), one in self.registrations.items():
            found.setdefault(one.service, set()).add((node, id_, one.created, one.tags))
        return {service: frozenset(some) for service, some in found.items()}

    def ours(self) -> frozenset[str]:
        """The services of which a registration bears our tag."""
        return frozenset(one.service for one in self.registrations.values() if names.TAG in one.tags)


def standing(checks: Iterable[Json]) -> Standing:
    """Of the rows of ``/v1/health/state/any``; a row without a service is its node's."""
    nodes: dict[str, str] = {}
    found: dict[tuple[str, str], Stand] = {}
    for row in checks:
        node, id_, status = str(row.get("Node")), str(row.get("ServiceID") or ""), str(row.get("Status"))
        if not id_:
            nodes[node] = worse(nodes.get(node, "passing"), status)
            continue
        found[node, id_] = _joined(found.get((node, id_)), row, status)
    return Standing(nodes, found)


def worse(one: str, other: str) -> str:
    """The worse of two statuses; what Consul does not know of (maintenance is critical) counts as passing."""
    return next((level for level in WORST_FIRST if level in (one, other)), "passing")


def _joined(known: Stand | None, row: Json, status: str) -> Stand:
    created = int(row.get("CreateIndex") or 0)
    tags = tuple(sorted(map(str, row.get("ServiceTags") or ())))
    if known is None:
        return Stand(str(row.get("ServiceName")), worse(status, "passing"), created, tags)
    return Stand(known.service, worse(known.status, status), max(known.created, created), max(known.tags, tags))
