"""The content hash of what runs in an allocation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from outrider.spec.platform import Environment
from outrider.spec.service import Service
from outrider.topology.sidecar import Artifact

LENGTH = 12
# What may change without restarting anybody: it stands in the job or in Consul, never inside an allocation.
BESIDE = {"count", "links", "team", "description", "update", "consul"}
AROUND = {"nomad", "prometheus", "defaults"}


def version_hash(
    spec: Service, platform: Environment, environment: str, resolved: Mapping[str, Any], *artifacts: Artifact | None
) -> str:
    """Twelve hex digits over the spec, what the platform adds to it, and the artifacts' checksums.

    ``resolved`` is what the spec alone does not say: the upstreams' protocols and knobs after defaults.
    """
    content = {
        "spec": spec.model_dump(mode="json", exclude=BESIDE),
        "platform": platform.model_dump(mode="json", exclude=AROUND) | {"consul": platform.consul.agent_address},
        "environment": environment,
        "resolved": resolved,
        "artifacts": [artifact.sha256 if artifact else None for artifact in artifacts],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
