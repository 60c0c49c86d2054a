"""Where each query of the catalog gets its index from, and which changes may end its wait."""

from __future__ import annotations

from dataclasses import dataclass

from outrider_embedded.registry import indexes
from outrider_embedded.registry.indexes import Indexes, of_service


@dataclass(frozen=True, slots=True)
class Position:
    """A query's index now, and the keys whose change may move it."""

    index: int
    keys: tuple[str, ...]


def position(table: Indexes, *keys: str) -> Position:
    """The index of a query that reads whole tables."""
    return Position(table.highest(*keys), keys)


def service_position(table: Indexes, name: str, *, with_checks: bool) -> Position:
    """The index of a query on one service (maxIndexForService in Consul's state store).

    A name without instances follows the last extinction of any service. Before the first one it follows the
    whole tables, so that any registration wakes it.
    """
    own = of_service(name)
    if table.has(own):
        return Position(table.highest(own), (own,))
    if table.has(indexes.EXTINCTION):
        return Position(table.highest(indexes.EXTINCTION), (own, indexes.EXTINCTION))
    tables = (indexes.NODES, indexes.SERVICES, *((indexes.CHECKS,) if with_checks else ()))
    return Position(table.highest(*tables), (own, indexes.EXTINCTION, *tables))
