"""What operations need of the world outside beside Nomad, as protocols: Consul, Envoy, sidecars, traffic.

JSON documents of Consul pass as it has them. Every method may raise ``RemoteError`` (the server
refused, failed or is away; ``status`` is set where it answered).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from outrider.documents import Json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from outrider.telemetry.report import Report
    from outrider.telemetry.traffic import Edge


class Consul(Protocol):
    """One datacenter of Consul's HTTP API (https://developer.hashicorp.com/consul/api-docs)."""

    async def health(self, service: str, index: int = 0, wait_s: float = 0) -> tuple[list[Json], int]:
        """Every instance with its checks (also those that do not pass) and the index; blocking with an index."""
        ...

    async def checks(self, index: int = 0, wait_s: float = 0) -> tuple[list[Json] | None, int]:
        """All checks in any state, with the index; with one, None where nothing is newer when ``wait_s`` is over."""
        ...

    async def services(self) -> dict[str, list[str]]:
        """Names of the catalog's services with their tags."""
        ...

    async def nodes(self) -> list[Json]: ...

    async def may_read(self, *resources: str) -> dict[str, bool]:
        """Whether our token may read any resource of that kind: ``service``, ``node``."""
        ...

    async def agent_self(self) -> Json: ...
    async def agent_checks(self) -> dict[str, Json]: ...
    async def key(self, path: str) -> bytes | None: ...
    async def entries(
        self, path: str, index: int = 0, wait_s: float = 0, *, is_exact: bool = False
    ) -> tuple[dict[str, bytes] | None, int]:
        """That key, or all that begin so, with their values and the index; with one, None where nothing is newer."""
        ...

    async def datacenters(self) -> list[str]: ...
    async def leader(self) -> str: ...


@dataclass(frozen=True, slots=True)
class VaultSecret:
    """A secret as it is told apart: ``text`` changes with it, None where it is gone; ``lease_s`` of one that is lent."""

    text: bytes | None
    changed_at: datetime | None = None
    lease_s: float | None = None


class Vault(Protocol):
    """Vault's HTTP API (https://developer.hashicorp.com/vault/api-docs)."""

    async def look(self, path: str) -> VaultSecret:
        """The secret at a path as templates name it (``secret/data/checkout``): by its version where it has versions."""
        ...

    async def health(self) -> str:
        """Empty where it serves; else why it does not (sealed, not initialised)."""
        ...


class Secrets(Protocol):
    """Secrets of a version 2 store of Vault that are kept there by us (https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2)."""

    async def fields(self, path: str) -> tuple[Mapping[str, str], int]:
        """What the newest version has, and its number; nothing and 0 where there is no secret."""
        ...

    async def put_fields(self, path: str, fields: Mapping[str, str], version: int) -> None:
        """A new version, if that is the newest one still (0: there is none); ConflictError where it is not."""
        ...

    async def delete_secret(self, path: str) -> None:
        """Forget it with all its versions."""
        ...


class Metrics(Protocol):
    """Prometheus's HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

    async def ask(self, expression: str) -> Json:
        """The answer to an instant query: ``resultType`` and ``result``."""
        ...


class Registry(Protocol):
    """Registries of container images (https://github.com/opencontainers/distribution-spec)."""

    async def digest(self, image: str) -> str:
        """``sha256:…`` of what the reference names now; UsageError for one that is none, or that no registry has."""
        ...


class EnvoyCheck(Protocol):
    """A real Envoy that reads a bootstrap and says what it thinks of it (``envoy --mode validate``)."""

    async def validate(self, document: Json) -> tuple[str, ...]:
        """What Envoy has against the bootstrap (with sample ports), line by line; OutriderError without an Envoy."""
        ...


class Sidecars(Protocol):
    """The metrics listeners of running sidecars, as the portal reaches them."""

    async def endpoints(self, address: str) -> Report:
        """The answer of ``http://ADDRESS/agent/endpoints``: per upstream what the agent knows and Envoy has."""
        ...


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One sidecar to be read: the service it belongs to and the address of its metrics listener."""

    service: str
    address: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What flowed, and which sidecars do not count in it: one sentence each."""

    edges: tuple[Edge, ...]
    left_out: tuple[str, ...] = ()


class Traffic(Protocol):
    """What was measured between services."""

    async def edges(self, sidecars: Sequence[Sidecar], window_s: float) -> Measured:
        """What flows between these during the next ``window_s`` seconds; one that cannot be read is named with the reason."""
        ...
