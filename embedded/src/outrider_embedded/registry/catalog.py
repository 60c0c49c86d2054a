"""The catalog: nodes, instances and checks, and which index each change moves (Consul's state store, in memory)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from outrider_embedded.registry import indexes
from outrider_embedded.registry.check import Check
from outrider_embedded.registry.indexes import Indexes, of_service
from outrider_embedded.registry.instance import Instance
from outrider_embedded.registry.node import Node
from outrider_embedded.registry.rows import Row, changed

Place = tuple[str, str]
"""A node's name and the id of a service on it; the id is empty for the node itself."""


class Catalog:
    """Tables of rows. Writers call ``indexes.advance()`` once, then what belongs to that write."""

    def __init__(self, datacenter: str, entries: Indexes) -> None:
        self.datacenter = datacenter
        self.indexes = entries
        self._nodes: dict[str, Row[Node]] = {}
        self._names: dict[Place, str] = {}
        self._instances: defaultdict[str, dict[Place, Row[Instance]]] = defaultdict(dict)
        self._checks: defaultdict[Place, dict[str, Row[Check]]] = defaultdict(dict)
        self._checked: dict[tuple[str, str], Place] = {}

    # ---- reading

    def nodes(self) -> list[Row[Node]]:
        return [self._nodes[name] for name in sorted(self._nodes)]

    def node(self, name: str) -> Row[Node] | None:
        return self._nodes.get(name)

    def names(self) -> list[str]:
        """The names that have an instance."""
        return sorted(name for name, rows in self._instances.items() if rows)

    def instances(self, name: str) -> list[tuple[Row[Node], Row[Instance]]]:
        """The instances under a name, each with its node, in Consul's order."""
        rows = self._instances.get(name, {})
        return [(self._nodes[place[0]], rows[place]) for place in sorted(rows)]

    def instances_on(self, node: str) -> list[Row[Instance]]:
        places = sorted(place for place in self._names if place[0] == node)
        return [self._instances[self._names[place]][place] for place in places]

    def instance(self, node: str, service_id: str) -> Row[Instance] | None:
        name = self._names.get((node, service_id))
        return None if name is None else self._instances[name][node, service_id]

    def checks_of(self, node: str, service_id: str) -> list[Row[Check]]:
        """What speaks for an instance: the checks of its node, then its own."""
        own = self._sorted_checks((node, service_id)) if service_id else []
        return self._sorted_checks((node, "")) + own

    def checks(self) -> Iterator[Row[Check]]:
        """All of them, by node and check id."""
        every = [row for rows in self._checks.values() for row in rows.values()]
        return iter(sorted(every, key=lambda row: (row.value.node, row.value.id)))

    def _sorted_checks(self, place: Place) -> list[Row[Check]]:
        rows = self._checks.get(place, {})
        return [rows[check_id] for check_id in sorted(rows)]

    # ---- writing

    def put_node(self, node: Node) -> None:
        """Add or change a node."""
        row = changed(self._nodes.get(node.name), node, self.indexes.current)
        if row is None:
            return
        self._nodes[node.name] = row
        self.indexes.touch(indexes.NODES)
        self._touch_services_on(node.name)

    def put_instance(self, node: str, instance: Instance) -> None:
        """Add or change an instance; the same again changes nothing and wakes nobody."""
        place = (node, instance.id)
        if self._names.get(place, instance.name) != instance.name:
            self._remove_row(place)
        row = changed(self._instances[instance.name].get(place), instance, self.indexes.current)
        if row is None:
            return
        self._names[place] = instance.name
        self._instances[instance.name][place] = row
        self.indexes.touch(indexes.SERVICES, of_service(instance.name))

    def put_check(self, check: Check) -> None:
        """Add or change a check."""
        place = (check.node, check.service_id)
        if self._checked.get((check.node, check.id), place) != place:
            self.remove_check(check.node, check.id)
        row = changed(self._checks[place].get(check.id), check, self.indexes.current)
        if row is None:
            return
        self._checked[check.node, check.id] = place
        self._checks[place][check.id] = row
        self._touch_checked(check)

    def remove_check(self, node: str, check_id: str) -> None:
        """Take a check out, where there is one."""
        place = self._checked.pop((node, check_id), None)
        if place is not None:
            self._touch_checked(self._checks[place].pop(check_id).value)

    def remove_instance(self, node: str, service_id: str) -> None:
        """Take an instance out with its checks; the last one of a name leaves the trace of an extinction."""
        place = (node, service_id)
        if place not in self._names:
            return
        self._remove_checks(place)
        self._remove_row(place)

    def remove_node(self, name: str) -> None:
        """Take a node out with all that stands on it."""
        if name not in self._nodes:
            return
        for row in self.instances_on(name):
            self.remove_instance(name, row.value.id)
        self._remove_checks((name, ""))
        del self._nodes[name]
        self.indexes.touch(indexes.NODES)

    def _remove_row(self, place: Place) -> None:
        name = self._names.pop(place)
        del self._instances[name][place]
        self.indexes.touch(indexes.SERVICES)
        if self._instances[name]:
            self.indexes.touch(of_service(name))
            return
        del self._instances[name]
        self.indexes.drop(of_service(name))
        self.indexes.touch(indexes.EXTINCTION)

    def _remove_checks(self, place: Place) -> None:
        for check_id in self._checks.pop(place, {}):
            del self._checked[place[0], check_id]
            self.indexes.touch(indexes.CHECKS)

    def _touch_checked(self, check: Check) -> None:
        self.indexes.touch(indexes.CHECKS)
        if check.service_id:
            self.indexes.touch(of_service(check.service_name))
        else:
            self._touch_services_on(check.node)

    def _touch_services_on(self, node: str) -> None:
        names = {name for place, name in self._names.items() if place[0] == node}
        self.indexes.touch(*(of_service(name) for name in names))
