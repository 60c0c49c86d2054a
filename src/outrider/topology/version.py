"""Content hashes of what runs in an allocation, in two parts: the service's and the sidecar's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from outrider.documents import Json
from outrider.spec.service import Service
from outrider.topology.parts import content_hash
from outrider.topology.sidecar import Artifact

# What may change without restarting anybody: it stands in the job or in Consul, never inside an allocation.
BESIDE = {"count", "links", "team", "description", "update", "consul"}
# Mappings whose entries say something by being there, though nothing is written in them: ``catalog: {}``.
TELLING = {"upstreams"}


def service_hash(
    spec: Service, environment: str, protocols: Mapping[str, str], directory: Artifact | None = None
) -> str:
    """The hash of the service's part: of what the spec says beyond defaults, and never of how our models look.

    A field that a later Outrider adds changes nothing for those who do not use it, nor does a default that it moves.
    ``protocols`` are those of the upstreams; of a packed directory its content counts, not where it is fetched.
    """
    return content_hash(
        {
            "spec": stated(spec.model_dump(exclude_defaults=True, exclude=BESIDE)),
            "environment": environment,
            "protocols": dict(protocols),
            "directory": directory.sha256 if directory else None,
        }
    )


def stated(fields: Json) -> Json:
    """The fields without those whose parts are all at their defaults."""
    kept = {key: _stated(value, is_telling=key in TELLING) for key, value in fields.items()}
    return {key: value for key, value in kept.items() if value != {} and value is not None}


def _stated(value: object, *, is_telling: bool) -> object:
    if not isinstance(value, dict):
        return value
    parts = cast("Json", value)
    return {key: _stated(part, is_telling=False) for key, part in parts.items()} if is_telling else stated(parts)
