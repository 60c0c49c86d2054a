"""The task group: one allocation of a service."""

from __future__ import annotations

from typing import Any

from outrider.nomad.app import app_task
from outrider.nomad.beside import agent_task, envoy_task, gate_task
from outrider.nomad.literal import nanoseconds
from outrider.nomad.network import networks
from outrider.nomad.policy import a_few_times, migration, reschedule, update
from outrider.nomad.registration import registrations
from outrider.topology.sidecar import Topology

Json = dict[str, Any]


def group(topology: Topology, bootstrap: str | None) -> Json:
    """The group. Without Count, a registration that preserves counts keeps what an autoscaler chose."""
    networked, registered = networks(topology), registrations(topology)
    return {
        "Name": topology.service,
        **({} if topology.count is None else {"Count": topology.count}),
        **({"Networks": networked} if networked else {}),
        **({"Services": registered} if registered else {}),
        # From leaving Consul to the app's signal: in between callers stop sending (nomad: killTasks, preKill hooks).
        "ShutdownDelay": nanoseconds(topology.spec.stop.delay),
        "Update": update(topology),
        "Migrate": migration(topology),
        "RestartPolicy": a_few_times(),
        "ReschedulePolicy": reschedule(),
        "Tasks": [*_beside(topology, bootstrap), app_task(topology)],
    }


def _beside(topology: Topology, bootstrap: str | None) -> list[Json]:
    sidecar = topology.sidecar
    if sidecar is None:
        return []
    if bootstrap is None:
        raise ValueError(f"{topology.service} is in the mesh: its job needs the bootstrap of its Envoy")
    return [agent_task(topology, sidecar), envoy_task(topology, sidecar, bootstrap), gate_task(topology, sidecar)]
