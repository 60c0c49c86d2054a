"""Every name that crosses a border: clusters, stat prefixes, headers, port labels, tasks, meta keys, variables, files.

Names of ours hold an underscore where they could meet a service's name: a DNS label has none.
"""

from __future__ import annotations

from typing import Final

# Envoy's clusters, beside one per upstream that bears the upstream's name.
LOCAL_APP: Final = "local_app"
DISCOVERY_AGENT: Final = "discovery_agent"
ENVOY_ADMIN: Final = "envoy_admin"
TRACE_COLLECTOR: Final = "trace_collector"

# Labels of ports; also names of listeners and stat prefixes.
INGRESS: Final = "ingress"
METRICS: Final = "metrics"
APP: Final = "app"
AGENT: Final = "agent"
ADMIN: Final = "admin"

# Headers between sidecars.
DESTINATION_HEADER: Final = "x-outrider-destination"
"""The service that the caller means; an ingress of another one answers 421."""
UNSEEN_HEADER: Final = "x-outrider-unseen"
"""On an answer: no app has seen the request, so any method may go to another instance."""
CHECK_HEADER: Final = "x-outrider-check"
"""On a request: Consul's health check, exempt from the rate limit on its own path."""

B3_HEADERS: Final = ("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags")
TRACE_HEADERS: Final = {"b3": B3_HEADERS, "b3+w3c": (*B3_HEADERS, "traceparent", "tracestate")}
"""Headers that carry a trace, by the platform's ``tracing.propagation``."""

HEALTH_PATH: Final = "/health"
"""The path of the metrics listener that answers for the sidecar and its app; Consul asks it."""
GRPC_HEALTH: Final = "/grpc.health.v1.Health/Check"
"""The path of gRPC's health check (grpc.health.v1)."""

# Tasks of an allocation. "alloc" is Nomad's own word (refused since 1.11).
AGENT_TASK: Final = "agent"
ENVOY_TASK: Final = "envoy"
GATE_TASK: Final = "gate"
APP_TASK: Final = "app"

# The service's entry in Consul.
TAG: Final = "outrider"
CANARY_TAG: Final = "canary"
META_TEAM: Final = "outrider_team"
META_VERSION: Final = "outrider_version"
META_PROTOCOL: Final = "outrider_protocol"
META_ENVIRONMENT: Final = "outrider_environment"
META_METRICS: Final = "outrider_metrics"
"""``host:port`` of the metrics listener as scrapers reach it."""
META_CANARY: Final = "canary"
OWN_META: Final = frozenset({META_TEAM, META_VERSION, META_PROTOCOL, META_ENVIRONMENT, META_METRICS, META_CANARY})

# Meta of the Nomad job, readable without its tasks. Nothing that may change without a restart belongs there.
JOB_META_VERSION: Final = "outrider_version"
JOB_META_SERVICE: Final = "outrider_service_part"
JOB_META_SIDECAR: Final = "outrider_sidecar_part"
JOB_META_PROTOCOL: Final = "outrider_protocol"
JOB_META_SHARD: Final = "outrider_shard"
"""On a redis whose instances share the keys out; on no other job."""
JOB_META_ENVIRONMENT: Final = "outrider_environment"
JOB_META_ATTEMPT: Final = "outrider_attempt"
"""Which try of the same version it is: what makes Nomad place a job anew that has not changed."""

# Labels on every series of a sidecar.
STATS_SERVICE: Final = "outrider_service"
STATS_ENVIRONMENT: Final = "outrider_environment"

# Variables of the app.
HOST_VARIABLE: Final = "HOST"
PORT_VARIABLE: Final = "PORT"
SERVICE_VARIABLE: Final = "OUTRIDER_SERVICE"
ENVIRONMENT_VARIABLE: Final = "OUTRIDER_ENVIRONMENT"
VERSION_VARIABLE: Final = "OUTRIDER_VERSION"
VERSION_SLOT: Final = ""
"""Where the version goes into a rendered document, which is hashed before its version is known."""

# Files, relative to a task's directory or to the allocation's shared one.
BOOTSTRAP_FILE: Final = "local/envoy.json"
SECRET_BOOTSTRAP_FILE: Final = "secrets/envoy.json"  # noqa: S105 - a path
AGENT_FILE: Final = "local/outrider-agent.pyz"
ENVOY_FILE: Final = "local/envoy"
SNAPSHOT_FILE: Final = "local/endpoints.json"
TOKEN_FILE: Final = "secrets/consul.token"  # noqa: S105 - a path
CONSUL_CA_FILE: Final = "secrets/consul-ca.pem"
CONSUL_CERTIFICATE_FILE: Final = "secrets/consul-client.pem"
CONSUL_KEY_FILE: Final = "secrets/consul-client.key"
# Beside the allocation's tmp/, not in it: that is the app's scratch space, which it may empty.
AGENT_SOCKET: Final = "agent.sock"
ADMIN_SOCKET: Final = "envoy.sock"

PROTOCOL_NONE: Final = "none"
# What callers are told of a redis whose instances share the keys out between them.
PROTOCOL_SHARDS: Final = "redis-shards"
"""The protocol of a worker, which nobody can call."""


def cluster(upstream: str) -> str:
    """Envoy's cluster of an upstream."""
    return upstream


def egress(upstream: str) -> str:
    """Name and stat prefix of the egress listener of an upstream: ``egress_fx-rates``."""
    return f"egress_{upstream}"


def egress_label(upstream: str) -> str:
    """Port label of an upstream; Nomad takes letters, digits and underscores: ``egress_fx_rates``."""
    return "egress_" + upstream.replace("-", "_")


def url_variable(upstream: str) -> str:
    """Where the app finds an upstream as a URL: ``FX_RATES_URL``."""
    return _variable(upstream) + "_URL"


def address_variable(upstream: str) -> str:
    """Where the app finds an upstream as ``host:port``: ``FX_RATES_ADDR``."""
    return _variable(upstream) + "_ADDR"


def upstream_variables(upstream: str) -> tuple[str, str]:
    """Both, as URL and as address."""
    return url_variable(upstream), address_variable(upstream)


def own_instance(service: str, port_label: str) -> str:
    """The id under which Nomad registers an allocation's group service in Consul (nomad/command/agent/consul)."""
    return f"_nomad-task-${{NOMAD_ALLOC_ID}}-group-{service}-{service}-{port_label}"


def variables_file(change: str = "") -> str:
    """The environment file whose change Nomad answers so; the one that it leaves alone bears no word."""
    return f"secrets/outrider-{change}.env" if change else "secrets/outrider.env"


def _variable(upstream: str) -> str:
    return upstream.replace("-", "_").upper()
