"""The job: what Nomad's API takes as ``Job``, with its one task group."""

from __future__ import annotations

from dataclasses import replace

from outrider.documents import Json
from outrider.nomad.write.app import app_task
from outrider.nomad.write.check import checks
from outrider.nomad.write.literal import DOLLAR_META, nanoseconds
from outrider.nomad.write.network import networks
from outrider.nomad.write.policy import migration, reschedule, update
from outrider.nomad.write.registration import registrations
from outrider.nomad.write.restart import a_few_times
from outrider.nomad.write.sidecar_tasks import agent_task, envoy_task, gate_task
from outrider.nomad.write.version import in_allocation, versioned
from outrider.nomad.write.volume import volumes, with_volumes
from outrider.topology import names
from outrider.topology.parts import Parts, content_hash
from outrider.topology.sidecar import CarriedAgent
from outrider.topology.topology import Topology


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


def group(topology: Topology, bootstrap: str | None) -> Json:
    """The group. Without Count, a registration that preserves counts keeps what an autoscaler chose."""
    networked, registered = networks(topology), registrations(topology, checks(topology))
    return {
        "Name": topology.service,
        **({} if topology.count is None else {"Count": topology.count}),
        **({"Networks": networked} if networked else {}),
        **({"Services": registered} if registered else {}),
        **({"Volumes": volumes(topology)} if topology.spec.volumes else {}),
        # From leaving Consul to the app's signal: in between callers stop sending (nomad: killTasks, preKill hooks).
        "ShutdownDelay": nanoseconds(topology.spec.stop.delay),
        "Update": update(topology),
        "Migrate": migration(topology),
        "RestartPolicy": a_few_times(),
        "ReschedulePolicy": reschedule(),
        "Tasks": [*_beside(topology, bootstrap), with_volumes(app_task(topology), topology)],
    }


def _beside(topology: Topology, bootstrap: str | None) -> list[Json]:
    sidecar = topology.sidecar
    if sidecar is None:
        return []
    if bootstrap is None:
        raise ValueError(f"{topology.service} is in the mesh: its job needs the bootstrap of its Envoy")
    return [agent_task(topology, sidecar), envoy_task(topology, sidecar, bootstrap), gate_task(topology, sidecar)]


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
