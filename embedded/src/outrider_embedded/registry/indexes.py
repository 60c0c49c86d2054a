"""The one counter of writes and the table of what each write changed; every X-Consul-Index comes from here.

Consul keeps an index per table and one per service name (agent/consul/state/catalog.go), so that a query on a
service is woken by that service alone. A name without instances has no index of its own: it falls back to the
last time any service lost its last instance, or to the whole tables where that has never happened.
"""

from __future__ import annotations

NODES = "nodes"
SERVICES = "services"
CHECKS = "checks"
EXTINCTION = "extinction"
KEYS = "keys"
_FIRST = 10  # a fresh Consul has written its own configuration by then; no reader ever sees index 1 as data


def of_service(name: str) -> str:
    """The key under which a service's own index stands."""
    return f"service.{name}"


class Indexes:
    """Which write changed what last, and what has changed since somebody looked."""

    def __init__(self) -> None:
        self.current = _FIRST
        self._table: dict[str, int] = {}
        self._touched: set[str] = set()

    def advance(self) -> int:
        """Count one write; also one without effect counts, as in Raft's log."""
        self.current += 1
        return self.current

    def touch(self, *keys: str) -> None:
        """The write under way changes these."""
        for key in keys:
            self._table[key] = self.current
            self._touched.add(key)

    def drop(self, key: str) -> None:
        """The write under way removes what this key stood for."""
        self._table.pop(key, None)
        self._touched.add(key)

    def has(self, key: str) -> bool:
        return key in self._table

    def highest(self, *keys: str) -> int:
        """The last write that changed any of these, at least 1: 0 would make clients spin."""
        return max(1, *(self._table.get(key, 0) for key in keys))

    def has_touched(self) -> bool:
        return bool(self._touched)

    def take_touched(self) -> frozenset[str]:
        """What has changed since the last call."""
        touched = frozenset(self._touched)
        self._touched.clear()
        return touched
