"""The job: what Nomad's API takes as ``Job``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from outrider.nomad.group import group
from outrider.nomad.literal import DOLLAR_META
from outrider.nomad.version import in_allocation, versioned
from outrider.topology import names
from outrider.topology.sidecar import CarriedAgent, Topology
from outrider.topology.version import Parts, content_hash

Json = dict[str, Any]


def job(topology: Topology, bootstrap: str | None) -> Json:
    """The whole job; ``bootstrap`` is the template text of Envoy's start file, None for a service outside the mesh.

    Raises ValueError where a service of the mesh comes without it. Job meta holds nothing that may change without a
    restart: Nomad restarts every allocation when it does.
    """
    made = group(topology, bootstrap)
    parts = Parts(topology.service_hash, content_hash(in_allocation(group(_identified(topology), bootstrap))))
    nomad = topology.platform.nomad
    return {
        "ID": topology.service,
        "Name": topology.service,
        "Type": "service",
        "Region": nomad.region,
        "Namespace": nomad.namespace,
        "Datacenters": list(nomad.datacenters),
        "Meta": _meta(topology, parts),
        "TaskGroups": [versioned(made, parts.version)],
    }


def _identified(topology: Topology) -> Topology:
    """With the agent's identity in place of its bytes: another build of zlib packs the same sources otherwise."""
    agent = topology.agent
    if not isinstance(agent, CarriedAgent):
        return topology
    return replace(topology, agent=replace(agent, serve=agent.sha256, gate=agent.sha256))


def _meta(topology: Topology, parts: Parts) -> dict[str, str]:
    """The dollar is there for all: a tag that needs it one day changes no meta, so it restarts nobody."""
    return {
        names.JOB_META_VERSION: parts.version,
        names.JOB_META_SERVICE: parts.service,
        names.JOB_META_SIDECAR: parts.sidecar,
        names.JOB_META_PROTOCOL: topology.protocol,
        names.JOB_META_ENVIRONMENT: topology.environment,
        DOLLAR_META: "$",
        **({names.JOB_META_SHARD: "true"} if topology.spec.shard else {}),
    }
