"""The rules of Consul's indexes, held against any history of writes: nothing is missed, and nobody is woken in vain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from outrider_embedded.registry import external, indexes
from outrider_embedded.registry.instance import health_document
from outrider_embedded.registry.node import node_document
from outrider_embedded.registry.readings import Position, position, service_position
from outrider_embedded.registry.registration import registration
from outrider_embedded.registry.state import Registry, identity

NAMES = ("a", "b", "c")
Write = Callable[[Registry], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a query shows: its position and its body."""

    position: Position
    body: str


def _registration(name: str, number: int, port: int, status: str) -> Write:
    check = {"CheckID": f"{name}{number}:c", "TTL": "1h", "Status": status}
    body = {"ID": f"{name}{number}", "Name": name, "Port": port, "Check": check}

    def write(registry: Registry) -> None:
        registry.agent.register(registration(json.dumps(body).encode()), replace_existing=False)

    return write


def _deregistration(name: str, number: int) -> Write:
    return lambda registry: registry.agent.deregister(f"{name}{number}")


def _finding(name: str, number: int, status: str) -> Write:
    return lambda registry: registry.agent.update(f"{name}{number}:c", status, f"said {status}")


def _maintenance(is_on: bool) -> Write:
    return lambda registry: registry.agent.set_node_maintenance(is_on=is_on, reason="")


def _external(name: str, node: str, address: str) -> Write:
    body = json.dumps({"Node": node, "Address": address, "Service": {"Service": name, "ID": f"{name}@{node}"}})
    return lambda registry: external.register(registry.catalog, body.encode())


def _ending(node: str) -> Write:
    return lambda registry: external.deregister(registry.catalog, json.dumps({"Node": node}).encode())


names = st.sampled_from(NAMES)
numbers = st.integers(1, 2)
statuses = st.sampled_from(("passing", "warning", "critical"))
nodes = st.sampled_from(("db1", "db2"))
writes = st.one_of(
    st.builds(_registration, names, numbers, st.integers(1, 2), statuses),
    st.builds(_deregistration, names, numbers),
    st.builds(_finding, names, numbers, statuses),
    st.builds(_maintenance, st.booleans()),
    st.builds(_external, names, nodes, st.sampled_from(("10.0.0.1", "10.0.0.2"))),
    st.builds(_ending, nodes),
)


def _health(registry: Registry, name: str) -> list[Any]:
    catalog = registry.catalog
    return [
        [
            node_document(node, "dc1"),
            health_document(row),
            [str(each) for each in catalog.checks_of(node.value.name, row.value.id)],
        ]
        for node, row in catalog.instances(name)
    ]


def _queries(registry: Registry) -> dict[str, Seen]:
    table = registry.indexes
    tags = {name: len(registry.catalog.instances(name)) > 0 for name in registry.catalog.names()}
    found = {
        "services": Seen(position(table, indexes.SERVICES), json.dumps(tags)),
        "nodes": Seen(position(table, indexes.NODES), str(registry.catalog.nodes())),
        "checks": Seen(position(table, indexes.CHECKS), str(list(registry.catalog.checks()))),
    }
    for name in (*NAMES, "never"):
        where = service_position(table, name, with_checks=True)
        found[f"health {name}"] = Seen(where, json.dumps(_health(registry, name)))
    return found


@given(st.lists(writes, max_size=30))
def test_no_index_runs_backwards_and_no_change_is_missed(history: list[Write]) -> None:
    registry = Registry(identity("node-1"))
    before = _queries(registry)
    for write in history:
        write(registry)
        touched = registry.indexes.take_touched()
        after = _queries(registry)
        for query, seen in after.items():
            was = before[query]
            assert seen.position.index >= was.position.index, f"{query} ran backwards"
            assert 0 < seen.position.index <= registry.indexes.current
            if seen.body != was.body:
                assert seen.position.index > was.position.index, f"{query} changed without its index"
            if seen.position.index > was.position.index:
                assert touched & set(was.position.keys), f"{query} moved and woke nobody"
        before = after


@given(st.lists(writes, max_size=20), names)
def test_a_service_is_not_moved_by_what_happens_to_another(history: list[Write], name: str) -> None:
    registry = Registry(identity("node-1"))
    _registration("steady", 1, 1, "passing")(registry)
    for write in history:
        is_on_this_node = any(check.service_id == "" for check in registry.agent.checks.values())
        was = service_position(registry.indexes, "steady", with_checks=True)
        write(registry)
        is_still = any(check.service_id == "" for check in registry.agent.checks.values())
        if is_on_this_node == is_still:
            assert service_position(registry.indexes, "steady", with_checks=True) == was


@given(st.lists(writes, max_size=20), names, numbers, statuses)
def test_the_same_registration_twice_moves_nothing(history: list[Write], name: str, number: int, status: str) -> None:
    registry = Registry(identity("node-1"))
    for write in history:
        write(registry)
    again = _registration(name, number, 1, status)
    again(registry)
    registry.indexes.take_touched()
    before = _queries(registry)
    again(registry)
    assert _queries(registry) == before
    assert registry.indexes.take_touched() == frozenset()
