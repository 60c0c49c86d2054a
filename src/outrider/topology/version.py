"""The content hash of what runs in an allocation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from outrider.spec.platform import DEFAULT_CONNECTIONS, Environment
from outrider.spec.service import Service
from outrider.topology.memory import agent_mb, envoy_mb
from outrider.topology.sidecar import Artifact

LENGTH = 12
# What may change without restarting anybody: it stands in the job or in Consul, never inside an allocation.
BESIDE = {"count", "links", "team", "description", "update", "consul"}
AROUND = {"nomad", "prometheus", "defaults"}
# What counts for those services only that use it, so that nobody else's version changes with it.
CHOSEN = {"patches"}


def version_hash(
    spec: Service, platform: Environment, environment: str, resolved: Mapping[str, Any], *artifacts: Artifact | None
) -> str:
    """Twelve hex digits over the spec, what the platform adds to it, and the artifacts' checksums.

    ``resolved`` is what the spec alone does not say: the upstreams' protocols and knobs after defaults.
    """
    content = {
        "spec": spec.model_dump(mode="json", exclude=BESIDE | CHOSEN),
        "platform": _platform(platform, resolved),
        "environment": environment,
        "resolved": resolved,
        "artifacts": [artifact.sha256 if artifact else None for artifact in artifacts],
        **_chosen(spec, platform),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def _platform(platform: Environment, resolved: Mapping[str, Any]) -> dict[str, Any]:
    written = platform.model_dump(mode="json", exclude=AROUND | CHOSEN)
    written["sidecar"].pop("ca_roots")
    memory, protocols = platform.sidecar.memory, [upstream["protocol"] for upstream in resolved.values()]
    written["sidecar"]["memory"] = {
        "envoy": envoy_mb(memory.envoy, protocols),
        "agent": agent_mb(memory.agent, len(protocols)),
    }
    most = platform.consul.connections
    held = {"connections": most} if most != DEFAULT_CONNECTIONS else {}
    return written | {"consul": platform.consul.agent_address} | held


def _chosen(spec: Service, platform: Environment) -> dict[str, Any]:
    """The content of the patches that the service names, and the file of CA roots where spans go out by TLS.

    Those of its upstreams are resolved with them.
    """
    patches = [platform.patches[name].model_dump(mode="json") for name in spec.patches]
    is_tls = bool(platform.tracing and platform.tracing.collector.startswith("https:"))
    return {
        **({"patches": patches} if patches else {}),
        **({"ca_roots": platform.sidecar.ca_roots} if is_tls else {}),
    }
