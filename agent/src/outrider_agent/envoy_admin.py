"""Envoy's admin interface as far as the agent uses it: requests, and what ``/clusters`` says of endpoints."""

from __future__ import annotations

from outrider_agent.own_instance import OK_STATUS

LONGEST_LINE = 4096


def request(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: envoy-admin\r\ncontent-length: 0\r\n\r\n".encode()


class Clusters:
    """Endpoints by cluster, read from the text of ``/clusters`` line by line: ``cluster::address::key::value``."""

    def __init__(self) -> None:
        self.health: dict[str, dict[str, str]] = {}  # cluster → address → its health flags
        self._names: dict[str, str] = {}  # cluster → the name that it asks the agent for
        self._rest = ""

    def feed(self, status: int, data: bytes) -> None:
        if status != OK_STATUS:
            return
        *lines, self._rest = (self._rest + data.decode("utf-8", "replace")).split("\n")
        self._rest = self._rest[-LONGEST_LINE:]
        for line in lines:
            self._line(line)

    def of(self, label: str) -> dict[str, str] | None:
        """The endpoints of the cluster that asks for ``label``; None where Envoy has no such cluster."""
        for cluster, name in self._names.items():
            if name == label:
                return self.health.get(cluster, {})
        return self.health.get(label)

    def _line(self, line: str) -> None:
        cluster, _, rest = line.partition("::")
        found = self.health.setdefault(cluster, {}) if rest else {}
        if rest.startswith("eds_service_name::"):
            self._names[cluster] = rest.partition("::")[2]
        elif "::health_flags::" in rest:
            address, _, flags = rest.partition("::health_flags::")
            found[address] = flags
