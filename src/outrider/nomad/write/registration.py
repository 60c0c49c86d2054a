"""The group's service: how Consul knows an allocation."""

from __future__ import annotations

from outrider.documents import Json
from outrider.nomad.write.literal import literal
from outrider.topology import names
from outrider.topology.topology import Topology


def registrations(topology: Topology, checks: list[Json]) -> list[Json]:
    """The one service of the group with its checks, or none where nothing can be reached."""
    label = topology.serves_on
    return [_registration(topology, label, checks)] if label else []


def _registration(topology: Topology, label: str, checks: list[Json]) -> Json:
    tags = [literal(tag) for tag in topology.spec.consul.tags]
    meta = _meta(topology)
    return {
        "Name": topology.service,
        "Provider": "consul",
        "PortLabel": label,
        "AddressMode": "auto",
        "Tags": [names.TAG, *tags],
        "CanaryTags": [names.TAG, names.CANARY_TAG, *tags],
        # canary_meta replaces meta, so it repeats all of it.
        "Meta": meta | {names.META_CANARY: "false"},
        "CanaryMeta": meta | {names.META_CANARY: "true"},
        "Checks": checks,
    }


def _meta(topology: Topology) -> dict[str, str]:
    spec = topology.spec
    own = {
        names.META_ENVIRONMENT: topology.environment,
        names.META_PROTOCOL: topology.protocol,
        names.META_VERSION: names.VERSION_SLOT,
        **({names.META_TEAM: literal(spec.team)} if spec.team else {}),
        **({names.META_METRICS: _scraped()} if topology.sidecar else {}),
    }
    return {key: literal(value) for key, value in sorted(spec.consul.meta.items())} | own


def _scraped() -> str:
    """The metrics listener as scrapers reach it: the node's address and port, in a bridge too."""
    return f"${{NOMAD_IP_{names.METRICS}}}:${{NOMAD_HOST_PORT_{names.METRICS}}}"
