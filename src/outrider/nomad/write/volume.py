"""Host volumes: what a group asks of its node, where the app's task has them, and how the app is told."""

from __future__ import annotations

from outrider.documents import Json
from outrider.nomad.write.literal import literal
from outrider.spec.volume import variable_of
from outrider.topology.topology import Topology


def volumes(topology: Topology) -> Json:
    """By name. A node without one of them is not feasible, whatever the driver mounts (scheduler: HostVolumeChecker)."""
    return {
        one.host: {"Name": one.host, "Type": "host", "Source": one.host, "ReadOnly": one.read_only}
        for one in topology.spec.volumes
    }


def with_volumes(task: Json, topology: Topology) -> Json:
    """The app's task with its mounts, and told where each volume is."""
    if not topology.spec.volumes:
        return task
    mounted = mounts(topology)
    told = dict(sorted((task.get("Env", {}) | volume_variables(topology)).items()))
    return task | {"Env": told} | ({"VolumeMounts": mounted} if mounted else {})


def mounts(topology: Topology) -> list[Json]:
    """Of drivers that mount; a mount would make raw_exec refuse the task (client: volumeHook)."""
    if not topology.has_mounts:
        return []
    return [{"Volume": one.host, "Destination": one.path, "ReadOnly": one.read_only} for one in topology.spec.volumes]


def volume_variables(topology: Topology) -> dict[str, str]:
    """Where the app finds each of them, mounted or not."""
    return {variable_of(one.host): literal(topology.directory_of(one)) for one in topology.spec.volumes}
