"""A resolved sidecar: its app, its upstreams, and what else Envoy and the agent beside it are told."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.spec.patch import JsonPatch, MergePatch
from outrider.spec.protocol import HTTP_PROTOCOLS, Protocol
from outrider.spec.tracing import Encoding, Propagation
from outrider.spec.variables import Secret
from outrider.topology.ports import Address, Pipe

HTTP_PORT, HTTPS_PORT = 80, 443


@dataclass(frozen=True, slots=True)
class Artifact:
    """Bytes that Nomad fetches: where from, and their SHA-256 in hex; ``is_portals`` where the portal serves them."""

    url: str
    sha256: str
    is_portals: bool = False


@dataclass(frozen=True, slots=True)
class CarriedAgent:
    """The agent as a job carries it: an archive in base64 for each of its verbs.

    ``sha256`` (hex) is of the sources in them, whatever packed them: what tells one agent from another.
    """

    serve: str
    gate: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Outside:
    """A service that is not in Consul; ``ca_roots`` is the file that TLS is verified by, None where it speaks none.

    ``host`` is what DNS is asked for: an address, or a name in small letters, with a dot at its end where one was written.
    """

    host: str
    port: int
    ca_roots: str | None

    @property
    def name(self) -> str:
        """What the server calls itself, in its certificate and in ``Host``: without a dot at its end (RFC 6066, 3)."""
        return self.host.removesuffix(".")

    @property
    def is_absolute(self) -> bool:
        """Whether DNS is asked for this very name, without search domains."""
        return self.host.endswith(".")

    @property
    def address(self) -> str:
        """``host:port``, IPv6 in brackets."""
        return f"{self._bracketed}:{self.port}"

    @property
    def authority(self) -> str:
        """``Host`` as a plain client sends it (RFC 9110, 7.2): the scheme's own port left out."""
        return self._bracketed if self.port == (HTTPS_PORT if self.ca_roots else HTTP_PORT) else self.address

    @property
    def _bracketed(self) -> str:
        return f"[{self.name}]" if ":" in self.name else self.name


@dataclass(frozen=True, slots=True)
class Upstream:
    """A service that this one calls, with every default filled in; durations in milliseconds.

    ``timeout_ms`` is None where there is no total (streams, tcp), ``try_timeout_ms`` where one try may take it all.
    ``limit`` is None where the protocol has none (redis). ``idle_ms`` is how long a connection without a request is kept,
    None where each request has one of its own. ``shards`` says of a redis that its instances share the keys out between them.
    """

    name: str
    protocol: Protocol
    listen: Address
    timeout_ms: int | None
    try_timeout_ms: int | None
    retries: int
    limit: int | None
    idle_ms: int | None = None
    stream: bool = False
    outside: Outside | None = None
    password: Secret | None = None
    shards: bool = False

    @property
    def is_http(self) -> bool:
        """Whether Envoy reads its requests one by one."""
        return self.protocol in HTTP_PROTOCOLS


@dataclass(frozen=True, slots=True)
class App:
    """The application as its sidecar sees it; ``idle_ms`` as of ``Upstream``."""

    protocol: Protocol
    address: Address
    idle_ms: int | None
    check_paths: tuple[str, ...]
    rate: int | None
    has_grpc_check: bool = False

    @property
    def is_http(self) -> bool:
        """Whether Envoy reads its requests one by one."""
        return self.protocol in HTTP_PROTOCOLS


@dataclass(frozen=True, slots=True)
class Tracing:
    """Where spans go, how they are written there, and which headers carry a trace.

    ``sampling`` is in percent of the traces that begin here.
    """

    collector: Outside
    path: str
    encoding: Encoding
    propagation: Propagation
    sampling: float


@dataclass(frozen=True, slots=True)
class NamedPatch:
    """A change of the bootstrap that operators wrote and the service has chosen."""

    name: str
    patch: MergePatch | JsonPatch


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Envoy and agent beside one app."""

    service: str
    environment: str
    ingress: Address | None
    metrics: Address
    agent: Address | Pipe
    admin: Address | Pipe
    app: App | None
    upstreams: tuple[Upstream, ...]
    tracing: Tracing | None
    memory_mb: int
    agent_memory_mb: int
    patches: tuple[NamedPatch, ...]

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """One for each upstream."""
        return tuple(upstream.protocol for upstream in self.upstreams)

    @property
    def discovered(self) -> tuple[str, ...]:
        """The upstreams whose endpoints come from Consul."""
        return tuple(upstream.name for upstream in self.upstreams if not upstream.outside)

    @property
    def unguarded(self) -> tuple[str, ...]:
        """Those of them whose address, once another service has it, answers as if nothing had happened (no 421)."""
        return tuple(upstream.name for upstream in self.upstreams if not upstream.outside and not upstream.is_http)
